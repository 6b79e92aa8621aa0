"""Minutes from door to door: road, or access, wait, ride and egress, whichever is fastest.

A trip by rail waits once, half the largest headway of the lines that it rides. This is solved exactly: for every
distinct headway H the fastest rides on lines of at most H are found and H / 2 is added; the minimum over H is the
fastest trip, because the largest headway of its own lines is among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from megalopolis.travel.boarding import Boardings, boardings
from megalopolis.travel.shortest import eliminate
from megalopolis.travel.spread import Ways, place_minutes, place_minutes_by_dijkstra

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from megalopolis.travel.network import Rail
    from megalopolis.travel.road import Access
    from megalopolis.travel.shortest import Elimination

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]

ROAD, RAIL, NONE = 0, 1, -1
"""Modes of a trip; `NONE` where neither connects the pair."""

_SAME = 1e-9  # minutes by which two rides must differ to count as different


@dataclass(frozen=True)
class Trips:
    """Travel between all pairs of cities; matrices ``(cities, cities)``, minutes.

    Attributes
    ----------
    minutes
        Door to door by the faster mode; 0 on the diagonal.
    mode
        `ROAD`, `RAIL` or `NONE`.
    road, rail
        Door to door by either mode; infinity where it does not connect.
    rail_headway
        Largest headway on the fastest trip by rail from door to door; NaN where there is none.
    ride
        Boarding to alighting of the fastest ride between ride stations, whichever mode wins; 0 on the diagonal.
    ride_headway
        Smallest largest headway among the fastest rides; NaN where there is none.
    """

    minutes: Array
    mode: NDArray[np.int8]
    road: Array
    rail: Array
    rail_headway: Array
    ride: Array
    ride_headway: Array


@lru_cache(maxsize=8)
def _order(nodes: int, tails: bytes, heads: bytes) -> Elimination | None:
    """Order of elimination, which draws of the parameters share."""
    return eliminate(nodes, np.frombuffer(tails, dtype=np.int64), np.frombuffer(heads, dtype=np.int64))


def order_of(rail: Rail) -> Elimination | None:
    """Order of elimination of a railway; None where Dijkstra's algorithm is to be used."""
    return _order(rail.nodes, rail.tails.tobytes(), rail.heads.tobytes())


def _by_rail(rail: Rail, use: Boardings, headway: float, cities: int, origins: Index) -> Array:
    """Fastest way from city to city on the lines of at most a headway, ``(cities, cities)``.

    Infinity where neither city is among the origins, unless they are the same.
    """
    weights = np.where(rail.headway <= headway, rail.minutes, np.inf)
    frequent = use.headway <= headway
    ways = Ways(use.ways.place[frequent], use.ways.node[frequent], use.ways.minutes[frequent])
    elimination = order_of(rail)
    if elimination is None:
        arcs = (rail.nodes, rail.tails, rail.heads)
        found = place_minutes_by_dijkstra(arcs, weights, ways, cities, origins)
    else:
        found = place_minutes(elimination, weights, ways, cities, origins)
    one, other, minutes, needed = use.single
    short = needed <= headway
    np.minimum.at(found, (one[short], other[short]), minutes[short])
    # Either direction is the same trip; sums in another order differ in the last digit.
    return np.asarray(np.minimum(found, found.T) - rail.transfer_min)


def _cover(pairs: NDArray[np.bool_]) -> Index:
    """Cities that touch every pair of a symmetric matrix: of each pair the one that is in more of them."""
    count = pairs.sum(axis=1)
    return np.flatnonzero((pairs & (count[:, None] >= count[None, :])).any(axis=1))


def _least(rail: Rail, use: Boardings, waits: Array, cities: int) -> tuple[Array, Array]:
    """Least sum of ride and wait over the levels of headway, and the first level that gives it; ``(cities, cities)``.

    The rides on all lines bound those on fewer: a level is solved only from cities to which it can bring a gain.
    """
    best, level = (np.full((cities, cities), np.inf) for _ in range(2))
    if not use.ways.place.size:
        return best, level
    everyone = np.arange(cities)
    bound = _by_rail(rail, use, float(rail.levels[-1]), cities, everyone)
    for headway, wait in zip(rail.levels[:-1], waits[:-1], strict=True):
        origins = _cover(bound + wait < best - _SAME)
        total = _by_rail(rail, use, float(headway), cities, origins) + wait
        level[total < best - _SAME] = headway
        np.minimum(best, total, out=best)
    total = bound + waits[-1]
    level[total < best - _SAME] = rail.levels[-1]
    return np.minimum(best, total, out=best), level


def solve(rail: Rail, road: Array, access: Access, ride_stations: Access, boarding_min: float) -> Trips:
    """Solve all pairs of cities.

    Parameters
    ----------
    rail
        Graph of the railway.
    road
        Door-to-door minutes by road, ``(cities, cities)``; infinity where there is no road.
    access
        Ways between cities and stations, sorted by city.
    ride_stations
        Stations between which each city's rides are counted (its main station), with minutes 0, sorted by city.
    boarding_min
        Minutes at the two stations together, from the station door to the platform and back, in every trip by rail.

    Returns
    -------
    Trips
        Minutes, modes and headways.

    Raises
    ------
    ValueError
        Where the road matrix is not square, or a way names an unknown city or station.
    """
    cities = road.shape[0]
    if road.shape != (cities, cities):
        raise ValueError(f"the road matrix must be square, not of shape {road.shape}")
    for use in (access, ride_stations):
        in_order = (np.diff(use.city) >= 0).all()
        if use.city.size and not (in_order and use.city[0] >= 0 and use.city[-1] < cities):
            raise ValueError("ways to stations must be sorted by city and name cities of the road matrix")
        if use.station.size and not 0 <= use.station.min() <= use.station.max() < rail.doors:
            raise ValueError(f"ways to stations name stations outside 0..{rail.doors - 1}")
    levels = np.asarray(rail.levels, dtype=np.float64)
    by_rail, wait = _least(rail, boardings(rail, access), levels / 2, cities)
    ride, ride_wait = _least(rail, boardings(rail, ride_stations), np.zeros(levels.size), cities)
    return _trips(np.asarray(road, dtype=np.float64), by_rail + boarding_min, wait, ride, ride_wait)


def _trips(road: Array, rail: Array, wait: Array, ride: Array, ride_wait: Array) -> Trips:
    minutes = np.minimum(road, rail)
    mode = np.where(rail < road, RAIL, ROAD).astype(np.int8)
    mode[np.isinf(minutes)] = NONE
    for matrix in (minutes, ride):
        np.fill_diagonal(matrix, 0.0)
    for matrix in (wait, ride_wait):
        matrix[np.isinf(matrix)] = np.nan
        np.fill_diagonal(matrix, np.nan)
    np.fill_diagonal(mode, ROAD)
    return Trips(minutes, mode, road, rail, wait, ride, ride_wait)


def trains_per_day(headway: Array, operating_min: float) -> Array:
    """Trains a day of a ride, from the largest headway of its lines and the minutes of operation of a day."""
    return np.nan_to_num(operating_min / headway, nan=0.0)
