"""The itinerary of one pair and departure by a timetable, part by part.

By a connection scan forward (Dibbelt, Pajor, Strasser and Wagner 2013), apart from the sweep of
:mod:`megalopolis.travel.timetable`; both give the same minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from megalopolis.travel import _timetable as kernel
from megalopolis.travel._plan import last_first
from megalopolis.travel.timetable import NEVER, Timetable, check_query

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]


@dataclass(frozen=True)
class Ride:
    """One part of a trip.

    Attributes
    ----------
    trip : int
        Train, or -1 on foot.
    start, end : int
        Stops.
    depart, arrive : int
        Minutes after midnight.
    """

    trip: int
    start: int
    end: int
    depart: int
    arrive: int


def itinerary(
    timetable: Timetable, origin: int, destination: int, depart: int, *, max_transfers: int | None = None
) -> list[Ride] | None:
    """One trip that arrives earliest, part by part, among these with the fewest trains where transfers are limited.

    By a connection scan forward (Dibbelt, Pajor, Strasser and Wagner 2013), apart from the sweep of `travel_minutes`.

    Parameters
    ----------
    timetable : Timetable
        The trains.
    origin, destination : int
        Stops.
    depart : int
        Minute after midnight from which one is at the origin.
    max_transfers : int, optional
        Largest number of changes of trains.

    Returns
    -------
    list of Ride or None
        Rides and ways on foot in the order of travel, waits between them; the last ``arrive`` less `depart` is the
        travel time. Empty from a stop to itself, None where there is no trip.

    Raises
    ------
    ValueError
        Where a stop or the limit is out of range, or a train arrives later than `HORIZON` minutes after departure.
    """
    ends = np.array([origin, destination], dtype=np.int64)
    check_query(timetable, (depart, depart), (ends[:1], ends[1:]), max_transfers)
    legs, walks = timetable.legs.since(depart), timetable.walks
    given = (legs.trip, legs.start, legs.end, legs.depart, legs.arrive, legs.board, legs.alight)
    rides, spent = (0, 0) if max_transfers is None else (max_transfers + 1, 1)
    order = last_first(legs.depart)
    _, there, via = kernel.scan(given, order, timetable.change, walks, (origin, 0), rides, spent)
    layer = int(there[:, destination].argmin())
    if origin == destination:
        return []
    if there[layer, destination] >= NEVER:
        return None
    parts: list[Ride] = []
    stop, side = destination, 2
    while via[layer, stop, side] >= 0:
        board, alight = (int(e) for e in via[layer, stop, side : side + 2])
        if legs.end[alight] != stop:
            walked = _walk(walks, int(legs.end[alight]), stop)
            here = int(legs.arrive[alight])
            parts.append(Ride(-1, int(legs.end[alight]), stop, here, here + walked))
        ride = (int(legs.start[board]), int(legs.end[alight]), int(legs.depart[board]), int(legs.arrive[alight]))
        parts.append(Ride(int(legs.trip[board]), *ride))
        layer, stop, side = layer - spent, int(legs.start[board]), 0
    if stop != origin:
        walked = _walk(walks, origin, stop)
        parts.append(Ride(-1, origin, stop, 0, walked))
    return [Ride(p.trip, p.start, p.end, p.depart + depart, p.arrive + depart) for p in reversed(parts)]


def _walk(walks: tuple[Index, Index, Index], start: int, end: int) -> int:
    """Minutes of the shortest footpath from one stop to another."""
    first, to, minutes = walks
    own = slice(first[start], first[start + 1])
    return int(minutes[own][to[own] == end].min())
