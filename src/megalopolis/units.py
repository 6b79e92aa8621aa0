"""Constants and conversions, each with its source. The ground that everything stands on."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

MINUTES_PER_HOUR: Final = 60.0
MINUTES_PER_DAY: Final = 1440
#: Mean Earth radius R1, Moritz (2000), Geodetic Reference System 1980, Journal of Geodesy 74.
EARTH_RADIUS_KM: Final = 6371.0088
#: Rail or road km per great-circle km where no length is known. Assumed: high-speed lines of the 2021 mileage
#: table run 1.05 to 1.25 times the great circle between consecutive stations.
RAIL_DETOUR: Final = 1.15
#: Water at or below this may carry the winter limit of ammonia of an effluent (GB 18918-2002, note to table 1), C.
COLD_WATER_C: Final = 12.0


def great_circle_km(lon1: npt.ArrayLike, lat1: npt.ArrayLike, lon2: npt.ArrayLike, lat2: npt.ArrayLike) -> Array:
    """Great-circle distance by the haversine formula (Sinnott 1984, Sky and Telescope 68).

    Parameters
    ----------
    lon1, lat1, lon2, lat2 : array_like
        Degrees WGS-84, broadcast against each other.

    Returns
    -------
    ndarray
        Kilometres on the sphere of mean radius; within 0.56 % of the ellipsoid.
    """
    lon1, lat1, lon2, lat2 = (np.radians(np.asarray(x, dtype=np.float64)) for x in (lon1, lat1, lon2, lat2))
    h = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(h, 0, 1))))


def great_circle_matrix(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Array:
    """Great-circle distance between all pairs of n points.

    Parameters
    ----------
    lon, lat : array_like, shape (n,)
        Degrees WGS-84.

    Returns
    -------
    ndarray, shape (n, n)
        Kilometres, symmetric, zero on the diagonal.
    """
    lon, lat = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    km = great_circle_km(lon[:, None], lat[:, None], lon[None, :], lat[None, :])
    np.fill_diagonal(km, 0.0)
    return km
