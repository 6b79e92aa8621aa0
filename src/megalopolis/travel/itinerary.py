"""The itinerary of one pair of cities, leg by leg."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from megalopolis.travel.boarding import boardings
from megalopolis.travel.door import RAIL, ROAD
from megalopolis.travel.network import BOARD, RIDE
from megalopolis.travel.shortest import path

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from megalopolis.travel.door import Trips
    from megalopolis.travel.network import Rail
    from megalopolis.travel.road import Access


@dataclass(frozen=True)
class Leg:
    """One leg of a trip.

    Attributes
    ----------
    mode
        ``road`` (all the way), ``access``, ``wait``, ``rail``, ``transfer`` or ``egress``.
    minutes
        Minutes of the leg; boarding time counts as access.
    line
        Line of a ride, -1 otherwise.
    start, end
        Stations at either end, -1 where the leg begins or ends in a city.
    train
        Train of the timetable, -1 otherwise.
    depart, arrive
        Minutes after midnight, None where the leg has no fixed time.
    """

    mode: str
    minutes: float
    line: int = -1
    start: int = -1
    end: int = -1
    train: int = -1
    depart: int | None = None
    arrive: int | None = None


def _rail_legs(rail: Rail, arcs: NDArray[np.int64], origin: int) -> list[Leg]:
    """Legs of a path between two doors: one per line ridden, and one per change of trains."""
    legs: list[Leg] = []
    node, carried, boarded = origin, 0.0, False
    for arc in arcs:
        there = int(rail.heads[arc] if rail.tails[arc] == node else rail.tails[arc])
        here, minutes, station = node, float(rail.minutes[arc]), int(rail.station[there])
        node = there
        if rail.kind[arc] == RIDE:
            line = int(rail.line[arc])
            if legs and legs[-1].mode == "rail" and legs[-1].line == line and not carried:
                legs[-1] = replace(legs[-1], minutes=legs[-1].minutes + minutes, end=station)
            else:
                legs.append(Leg("rail", minutes + carried, line, int(rail.station[here]), station))
            carried = 0.0
        elif rail.kind[arc] == BOARD:
            boarded = not boarded
            carried += minutes - rail.transfer_min / 2
            if not boarded:
                if legs and legs[-1].mode == "rail":
                    legs[-1] = replace(legs[-1], minutes=legs[-1].minutes + carried)
                    carried = 0.0
                legs.append(Leg("transfer", rail.transfer_min + carried, -1, station, station))
                carried = 0.0
        elif boarded:
            carried += minutes
        else:
            legs[-1] = replace(legs[-1], minutes=legs[-1].minutes + minutes, end=station)
    if legs:  # the last alighting is no transfer
        legs[-1] = replace(legs[-1], minutes=legs[-1].minutes - rail.transfer_min)
    return [leg for leg in legs if leg.mode == "rail" or leg.minutes != 0]


def rail_legs(rail: Rail, access: Access, pair: tuple[int, int], headway: float) -> tuple[list[Leg], int, int] | None:
    """Legs of the fastest trip by rail between two cities on the lines of at most a headway.

    Parameters
    ----------
    rail
        The graph.
    access
        Ways between cities and stations.
    pair
        City of departure and city of arrival, which differ.
    headway
        Largest headway of a line ridden, minutes.

    Returns
    -------
    tuple or None
        The legs from train to train, and the ways of `access` at either end; None where there is no such trip.
    """
    use = boardings(rail, access)
    frequent = use.headway <= headway
    out = np.flatnonzero((use.ways.place == pair[0]) & frequent)
    back = np.flatnonzero((use.ways.place == pair[1]) & frequent)
    one, other, minutes, needed = use.single
    single = np.flatnonzero((one == pair[0]) & (other == pair[1]) & (needed <= headway))
    arcs = rail.tails.size
    weights = np.where(rail.headway <= headway, rail.minutes, np.inf)
    start, end = rail.nodes, rail.nodes + 1
    found = path(
        rail.nodes + 2,
        np.r_[rail.tails, rail.heads, np.full(out.size, start), use.ways.node[back], np.full(single.size, start)],
        np.r_[rail.heads, rail.tails, use.ways.node[out], np.full(back.size, end), np.full(single.size, end)],
        np.r_[weights, weights, use.ways.minutes[out], use.ways.minutes[back], minutes[single]],
        (start, end),
        directed=True,
    )
    if found is None:
        return None
    if found.size == 1:
        trip = single[found[0] - 2 * arcs - out.size - back.size]
        ridden, (first, last) = use.single_arcs[trip], use.single_access[trip]
    else:
        begin, finish = out[found[0] - 2 * arcs], back[found[-1] - 2 * arcs - out.size]
        ridden = np.r_[use.arcs[begin], found[1:-1] % arcs, use.arcs[finish][::-1]]
        first, last = use.access[begin], use.access[finish]
    return _rail_legs(rail, ridden, int(access.station[first])), int(first), int(last)


def itinerary(rail: Rail, trips: Trips, access: Access, boarding_min: float, pair: tuple[int, int]) -> list[Leg] | None:
    """Legs of the fastest trip from door to door; their minutes sum to ``trips.minutes[pair]``.

    Parameters
    ----------
    rail, access, boarding_min
        As given to `megalopolis.travel.door.solve`.
    trips
        What it returned.
    pair
        City of departure and city of arrival, which differ.

    Returns
    -------
    list of Leg or None
        None where no mode connects the pair.
    """
    if trips.mode[pair] == ROAD:
        return [Leg("road", float(trips.minutes[pair]))]
    headway = float(trips.rail_headway[pair])
    found = rail_legs(rail, access, pair, headway) if trips.mode[pair] == RAIL else None
    if found is None:
        return None
    legs, out, back = found
    first, last = int(access.station[out]), int(access.station[back])
    return [
        Leg("access", float(access.minutes[out]) + boarding_min / 2, end=first),
        Leg("wait", headway / 2, start=first, end=first),
        *legs,
        Leg("egress", float(access.minutes[back]) + boarding_min / 2, start=last),
    ]
