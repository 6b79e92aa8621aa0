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
    """Ways from cities into trains that have left their station, and from trains at a station to cities.

    A city is joined to the next stop of each line and not to the station itself, so that no trip is made without a
    ride: two cities that use one station do not travel through it by rail.

    Attributes
    ----------
    out : Ways
        Access, boarding and the ride to the next stop.
    headway : ndarray
        Headway of the line boarded, minutes, one per way out.
    back : Ways
        Alighting and egress.
    out_arcs : ndarray, shape (ways out, 2)
        Arcs of the graph inside each way out: boarding, ride.
    back_arcs : ndarray, shape (ways back,)
        Arc of alighting inside each way back.
    out_access, back_access : ndarray
        Way to the station behind each, as numbered in the `Access` given.
    """

    out: Ways
    headway: Array
    back: Ways
    out_arcs: Index
    back_arcs: Index
    out_access: Index
    back_access: Index


def _expand(first: Index, keys: Index) -> tuple[Index, Index]:
    """Entries of a compressed table for each key: position of the key, and entry."""
    count = first[keys + 1] - first[keys]
    position = np.repeat(np.arange(keys.size), count)
    before = np.cumsum(count) - count
    return position, np.repeat(first[keys] - before, count) + np.arange(position.size)


def boardings(rail: Rail, use: Access) -> Boardings:
    """Join cities to the railway over the stations that they use.

    Parameters
    ----------
    rail : Rail
        Graph of the railway.
    use : Access
        Ways between cities and stations.

    Returns
    -------
    Boardings
        Undirected rides are joined in both directions.
    """
    board = np.flatnonzero((rail.kind == BOARD) & (rail.tails < rail.doors))
    board = board[np.argsort(rail.tails[board], kind="stable")]
    at_door = np.searchsorted(rail.tails[board], np.arange(rail.doors + 1))
    way, entry = _expand(at_door, use.station)
    alight = board[entry]
    stop = rail.heads[alight]
    minutes = use.minutes[way] + rail.minutes[alight]
    ride = np.flatnonzero(rail.kind == RIDE)
    here, there = np.r_[rail.tails[ride], rail.heads[ride]], np.r_[rail.heads[ride], rail.tails[ride]]
    by_stop = np.argsort(here, kind="stable")
    at_stop = np.searchsorted(here[by_stop], np.arange(rail.nodes + 1))
    boarded, leg = _expand(at_stop, stop)
    taken = np.r_[ride, ride][by_stop[leg]]
    return Boardings(
        out=Ways(use.city[way[boarded]], there[by_stop[leg]], minutes[boarded] + rail.minutes[taken]),
        headway=rail.headway[taken],
        back=Ways(use.city[way], stop, minutes),
        out_arcs=np.column_stack([alight[boarded], taken]),
        back_arcs=alight,
        out_access=way[boarded],
        back_access=way,
    )
