"""How many people a city reaches: within a time, discounted by time, and on average."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from megalopolis.travel.road import RoadSpeeds, road_minutes
from megalopolis.units import Array


def own_minutes(built_up_km2: npt.ArrayLike, speeds: RoadSpeeds) -> Array:
    """Minutes of a trip inside a city: road over the root mean square distance of two points of its disc.

    The distance between two points drawn evenly from a disc of radius r is r in the root mean square.

    Parameters
    ----------
    built_up_km2 : array_like, shape (n,)
        Built-up area; NaN counts as 0.
    speeds : RoadSpeeds
        Detour, speeds, terminal time.

    Returns
    -------
    ndarray, shape (n,)
        Minutes.
    """
    return road_minutes(np.sqrt(np.nan_to_num(np.asarray(built_up_km2, dtype=np.float64)) / np.pi), speeds)


def people_within(minutes: Array, people: Array, limit: float) -> Array:
    """Residents reached within a time, the city's own included (cumulative opportunities: Wachs and Kumagai 1973).

    Parameters
    ----------
    minutes : ndarray, shape (n, n)
        Door to door, own minutes on the diagonal.
    people : ndarray, shape (n,)
        Residents.
    limit : float
        Minutes.

    Returns
    -------
    ndarray, shape (n,)
        Persons.
    """
    return np.asarray((minutes <= limit) @ people)


def potential(minutes: Array, people: Array, scale: float) -> Array:
    """Accessibility potential ``A_i = sum_j P_j exp(-t_ij / scale)`` (Hansen 1959; exponential: Wilson 1971).

    The self-potential ``P_i exp(-t_ii / scale)`` is included. Unreachable places count nothing.

    Parameters
    ----------
    minutes : ndarray, shape (n, n)
        Door to door, own minutes on the diagonal.
    people : ndarray, shape (n,)
        Residents.
    scale : float
        Minutes after which a person counts 1/e.

    Returns
    -------
    ndarray, shape (n,)
        Persons, discounted.
    """
    return np.asarray(np.exp(-minutes / scale) @ people)


def market_access(minutes: Array, output: Array, elasticity: float) -> Array:
    """Market access ``A_i = sum_j Y_j (t_ij / 60) ** -elasticity`` (Donaldson and Hornbeck 2016, equation 9).

    A market counts in full at one hour and more below it. The own market is included, at the minutes of a trip inside
    the city. Unreachable places and those of unknown output count nothing.

    Parameters
    ----------
    minutes : ndarray, shape (n, n)
        Door to door, own minutes on the diagonal.
    output : ndarray, shape (n,)
        Size of each market, as gross product; NaN where unknown.
    elasticity : float
        Elasticity of trade in minutes: that of trade in its costs times that of costs in minutes, above 0.

    Returns
    -------
    ndarray, shape (n,)
        In the unit of `output`.
    """
    return np.asarray((minutes / 60.0) ** -elasticity @ np.nan_to_num(output))


def day_trip_minutes(operating_hours: float, stay_hours: float) -> float:
    """Longest way of a day trip: there and back within the hours of operation, with a stay at the destination.

    Daily accessibility counts who lives within it (Lutter, Puetz and Spangenberg 1992, Accessibility and Peripherality
    of Community Regions).
    """
    return max(operating_hours - stay_hours, 0.0) * 60.0 / 2.0


def mean_minutes(minutes: Array, people: Array) -> Array:
    """Mean minutes to the residents of all other cities that can be reached.

    Parameters
    ----------
    minutes : ndarray, shape (n, n)
        Door to door; infinity where unreachable.
    people : ndarray, shape (n,)
        Residents.

    Returns
    -------
    ndarray, shape (n,)
        Minutes; NaN where nobody can be reached.
    """
    weight = np.where(np.isfinite(minutes), people[None, :], 0.0)
    np.fill_diagonal(weight, 0.0)
    total = weight.sum(axis=1)
    summed = (np.where(weight > 0, minutes, 0.0) * weight).sum(axis=1)
    return np.asarray(np.divide(summed, total, out=np.full(len(people), np.nan), where=total > 0))
