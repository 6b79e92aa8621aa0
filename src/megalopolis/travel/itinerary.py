"""The itinerary of one pair of cities, leg by leg."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from megalopolis.travel.door import RAIL, ROAD
from megalopolis.travel.network import BOARD, RIDE, ride_minutes
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
    """

    mode: str
    minutes: float
    line: int = -1
    start: int = -1
    end: int = -1


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


def rail_itinerary(rail: Rail, origin: int, destination: int, headway: float) -> list[Leg] | None:
    """Legs of the fastest ride between two stations on the lines of at most a headway; None where there is none."""
    weights = np.where(rail.headway <= headway, rail.minutes, np.inf)
    arcs = path(rail.nodes, rail.tails, rail.heads, weights, (origin, destination))
    return None if arcs is None else _rail_legs(rail, arcs, origin)


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
    origin, destination = pair
    if trips.mode[pair] == ROAD:
        return [Leg("road", float(trips.minutes[pair]))]
    if trips.mode[pair] != RAIL:
        return None
    headway = float(trips.rail_headway[pair])
    out, back = access.city == origin, access.city == destination
    doors = np.unique(np.r_[access.station[out], access.station[back]])
    rides = ride_minutes(rail, doors, headway)
    total = (
        access.minutes[out][:, None]
        + rides[np.ix_(np.searchsorted(doors, access.station[out]), np.searchsorted(doors, access.station[back]))]
        + access.minutes[back]
    )
    i, j = np.unravel_index(total.argmin(), total.shape)
    first, last = int(access.station[out][i]), int(access.station[back][j])
    legs = rail_itinerary(rail, first, last, headway) or []
    return [
        Leg("access", float(access.minutes[out][i]) + boarding_min / 2, end=first),
        Leg("wait", headway / 2, start=first, end=first),
        *legs,
        Leg("egress", float(access.minutes[back][j]) + boarding_min / 2, start=last),
    ]
