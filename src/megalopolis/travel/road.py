"""Road minutes from distance alone, and the way between a city and the stations that it uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class RoadSpeeds:
    """Speeds of road travel by distance.

    Attributes
    ----------
    detour
        Road km per great-circle km.
    band_km
        Road km at which the second and each later band begins, ascending, ``(bands - 1,)``.
    band_kmh
        Speed in each band, km/h, ``(bands,)``: the first for the streets at the two ends, the last for the motorway.
    terminal_min
        Minutes per trip for parking and walking.
    """

    detour: float
    band_km: tuple[float, ...]
    band_kmh: tuple[float, ...]
    terminal_min: float


def road_minutes(km: ArrayLike, speeds: RoadSpeeds) -> Array:
    """Minutes by road over a great-circle distance, every kilometre at the speed of its band.

    Parameters
    ----------
    km
        Great-circle km, any shape.
    speeds
        Detour, speed by band and terminal time.

    Returns
    -------
    ndarray
        Minutes in the shape of `km`, rising with distance; the terminal time at distance 0.

    Raises
    ------
    ValueError
        Where bands and speeds do not match, are not ascending, or a speed is not positive.
    """
    edges, kmh = np.asarray((0.0, *speeds.band_km)), np.asarray(speeds.band_kmh, dtype=np.float64)
    if edges.size != kmh.size or (np.diff(edges) <= 0).any() or not (kmh > 0).all():
        raise ValueError(f"{kmh.size} speeds need {kmh.size - 1} ascending band limits above 0 and be above 0")
    length = np.asarray(km, dtype=np.float64) * speeds.detour
    pace = 60.0 / kmh
    minutes = speeds.terminal_min + pace[0] * length
    for edge, change in zip(edges[1:], np.diff(pace), strict=True):
        minutes = minutes + change * np.maximum(length - edge, 0.0)
    return np.asarray(minutes)


@dataclass(frozen=True)
class Access:
    """Ways between cities and the stations that they use, sorted by city, then station.

    Attributes
    ----------
    city, station
        Numbers of city and station, ``(ways,)``.
    minutes
        Minutes of the way, ``(ways,)``.
    """

    city: NDArray[np.int64]
    station: NDArray[np.int64]
    minutes: Array


def station_access(
    km: Array, station_city: ArrayLike, built_up_km2: ArrayLike, reach_km: float, speeds: RoadSpeeds
) -> Access:
    """Ways between every city and its own stations, and those of other cities within reach.

    Residents are spread evenly over a disc of the city's built-up area; the distance is the root mean square over
    the disc, ``sqrt(d ** 2 + r ** 2 / 2)`` with ``d`` from its centre to the station and ``r`` its radius.

    Parameters
    ----------
    km
        Great-circle km between cities and stations, ``(cities, stations)``.
    station_city
        City that each station serves, ``(stations,)``; -1 where nobody boards.
    built_up_km2
        Built-up area of each city, ``(cities,)``; NaN counts as 0.
    reach_km
        Great-circle km within which a city also uses the stations of others.
    speeds
        Road speeds; no terminal time is added.

    Returns
    -------
    Access
        One way per city and station used.
    """
    owner = np.asarray(station_city, dtype=np.int64)
    used = (owner >= 0) & ((owner == np.arange(len(km))[:, None]) | (km <= reach_km))
    city, station = np.nonzero(used)
    spread = np.nan_to_num(np.asarray(built_up_km2, dtype=np.float64)) / np.pi / 2
    minutes = road_minutes(np.hypot(km[city, station], np.sqrt(spread[city])), speeds) - speeds.terminal_min
    return Access(city, station, minutes)
