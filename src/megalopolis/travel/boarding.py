"""Ways between cities and trains: where a trip by rail begins to ride, and where it ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from megalopolis.travel.network import BOARD, RIDE, Rail
from megalopolis.travel.road import Access
from megalopolis.travel.spread import Ways
from megalopolis.units import Array

Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Boardings:
    """Ways between cities and trains one ride away from the station, and whole trips of one such ride.

    A city is joined to the next stop of each line and not to the station itself, so that every trip begins and ends
    with a ride: two cities that use one station do not travel through it by rail, and nobody changes stations by road
    to board a train that is not ridden. A trip of a single ride between neighbouring stops is listed by itself.

    Attributes
    ----------
    ways : Ways
        Access, boarding and the ride to the next stop; in the other direction the last ride, alighting and egress.
    headway : ndarray
        Headway of the line ridden, minutes, one per way.
    arcs : ndarray, shape (ways, 2)
        Arcs of the graph inside each way: boarding, ride.
    access : ndarray
        Way to the station behind each, as numbered in the `Access` given.
    single : tuple of ndarray
        Trips of one ride: cities of departure and of arrival, minutes, headway.
    single_arcs : ndarray, shape (trips, 3)
        Boarding, ride, alighting.
    single_access : ndarray, shape (trips, 2)
        Ways to the stations.
    """

    ways: Ways
    headway: Array
    arcs: Index
    access: Index
    single: tuple[Index, Index, Array, Array]
    single_arcs: Index
    single_access: Index


def expand(first: Index, keys: Index) -> tuple[Index, Index]:
    """Entries of a compressed table for each key: position of the key, and entry."""
    count = first[keys + 1] - first[keys]
    position = np.repeat(np.arange(keys.size), count)
    before = np.cumsum(count) - count
    return position, np.repeat(first[keys] - before, count) + np.arange(position.size)


def boardings(rail: Rail, use: Access) -> Boardings:
    """Join cities to the railway over the stations that they use; undirected rides are joined in both directions.

    Parameters
    ----------
    rail : Rail
        Graph of the railway.
    use : Access
        Ways between cities and stations.

    Returns
    -------
    Boardings
    """
    board = np.flatnonzero((rail.kind == BOARD) & (rail.tails < rail.doors))
    board = board[np.argsort(rail.tails[board], kind="stable")]
    at_door = np.searchsorted(rail.tails[board], np.arange(rail.doors + 1))
    way, entry = expand(at_door, use.station)
    boarding = board[entry]
    stop = rail.heads[boarding]
    minutes = use.minutes[way] + rail.minutes[boarding]
    ride = np.flatnonzero(rail.kind == RIDE)
    here, there = np.r_[rail.tails[ride], rail.heads[ride]], np.r_[rail.heads[ride], rail.tails[ride]]
    by_stop = np.argsort(here, kind="stable")
    at_stop = np.searchsorted(here[by_stop], np.arange(rail.nodes + 1))
    boarded, leg = expand(at_stop, stop)
    taken = np.r_[ride, ride][by_stop[leg]]
    end, total = there[by_stop[leg]], minutes[boarded] + rail.minutes[taken]
    by_end = np.argsort(stop, kind="stable")
    first, last = expand(np.searchsorted(stop[by_end], np.arange(rail.nodes + 1)), end)
    last = by_end[last]
    city = use.city[way]
    return Boardings(
        ways=Ways(city[boarded], end, total),
        headway=rail.headway[taken],
        arcs=np.column_stack([boarding[boarded], taken]),
        access=way[boarded],
        single=(city[boarded[first]], city[last], total[first] + minutes[last], rail.headway[taken[first]]),
        single_arcs=np.column_stack([boarding[boarded[first]], taken[first], boarding[last]]),
        single_access=np.column_stack([way[boarded[first]], way[last]]),
    )
