"""Minutes from door to door: road, or access, wait, ride and egress, whichever is fastest.

A trip by rail waits once, half the largest headway of the lines that it rides. This is solved exactly: for every
distinct headway H the fastest rides on lines of at most H are found and H / 2 is added; the minimum over H is the
fastest trip, because the largest headway of its own lines is among them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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


def _by_rail(rail: Rail, elimination: Elimination | None, use: Boardings, headway: float, cities: int) -> Array:
    """Fastest way from city to city on the lines of at most a headway, ``(cities, cities)``."""
    weights = np.where(rail.headway <= headway, rail.minutes, np.inf)
    frequent = use.headway <= headway
    out = Ways(use.out.place[frequent], use.out.node[frequent], use.out.minutes[frequent])
    if elimination is None:
        arcs = (rail.nodes, rail.tails, rail.heads)
        found = place_minutes_by_dijkstra(arcs, weights, out, use.back, cities)
    else:
        found = place_minutes(elimination, weights, out, use.back, cities)
    # Either direction is the same trip; sums in another order differ in the last digit.
    return np.asarray(np.minimum(found, found.T) - rail.transfer_min)


def solve(
    rail: Rail,
    road: Array,
    access: Access,
    ride_stations: Access,
    boarding_min: float,
    threads: int = 1,
) -> Trips:
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
    threads
        Headways solved at the same time; the result does not depend on it.

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
    elimination = eliminate(rail.nodes, rail.tails, rail.heads)
    uses = [boardings(rail, use) for use in (access, ride_stations)]
    tasks = [(use, headway) for headway in rail.levels for use in uses]
    with ThreadPoolExecutor(max(1, threads)) as pool:
        solved = list(pool.map(lambda task: _by_rail(rail, elimination, task[0], task[1], cities), tasks))
    best, wait, ride, ride_wait = (np.full((cities, cities), np.inf) for _ in range(4))
    for headway, by_rail, rides in zip(rail.levels, solved[::2], solved[1::2], strict=True):
        total = by_rail + headway / 2 + boarding_min
        wait = np.where(total < best - _SAME, headway, wait)
        best = np.minimum(best, total)
        ride_wait = np.where(rides < ride - _SAME, headway, ride_wait)
        ride = np.minimum(ride, rides)
    return _trips(np.asarray(road, dtype=np.float64), best, wait, ride, ride_wait)


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
