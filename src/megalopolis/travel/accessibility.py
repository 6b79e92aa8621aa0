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
