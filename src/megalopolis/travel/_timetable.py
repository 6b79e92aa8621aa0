"""Compiled loops of the timetable; called only by :mod:`megalopolis.travel.timetable`.

Legs, points and rows are those of :mod:`megalopolis.travel._plan`. The row of a point holds the earliest arrival at
every target of a panel for who is at the stop by then, the row of a train that for who sits in it: a layer of `LANES`
targets for each number of rides that may follow, one layer where there is no limit. Minutes count from the start of the
window.
"""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from megalopolis.travel._lanes import LANES, lesser, load, store
from megalopolis.travel._plan import ARRIVE, BEFORE, DEPART, FROM, INTO, LANDS, NONE, ONTO, OWN

Array = np.ndarray[Any, np.dtype[Any]]

NEVER = 32767


@njit(cache=True, nogil=True)
def until(work: Array, minute: int) -> int:
    """Number of legs that depart at a minute or later, by bisection."""
    low, high = 0, work.shape[0]
    while low < high:
        middle = (low + high) // 2
        if work[middle, DEPART] >= minute:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def window(prepared: Any, free: int, begin: int, end: int) -> tuple[Array, Array, Array, int]:
    """Give points that lie in the window, those of the legs `begin` to `end`, rows of their own, from `free` on.

    Returns the rows of all points, the work for these legs, the rows after walks, and the number of rows. The rows of
    points after the window are kept to its end, since whoever would take them leaves in it and now takes another.
    """
    row, work, point, onto, where, on_foot = prepared
    rows, inside = row.copy(), work[begin:end].copy()
    walked = np.empty(where[end] - where[begin], np.int32)
    first = free
    for i in range(begin, end):
        leg, p = inside[i - begin], point[i]
        if onto[i] >= 0:
            leg[ONTO] = rows[onto[i]]
        for q in range(where[i], where[i + 1]):
            walked[q - where[begin]] = rows[on_foot[q]]
        if p >= 0 and rows[p] < first:
            rows[p] = free
            free += 1
            leg[BEFORE] = rows[p + 1] if leg[BEFORE] != NONE else NONE
            leg[OWN] = rows[p]
        elif p >= 0:
            leg[BEFORE] = leg[OWN] = rows[p]
    return rows, inside, walked, free


@njit(cache=True, nogil=True)
def sweep(work: Array, column: Array, left: int, start: int, rows: Array) -> None:
    """Work off legs for a panel of targets, without footpaths or a limit on transfers."""
    for i in range(work.shape[0]):
        into, own = work[i, INTO] * LANES, work[i, OWN] * LANES
        sits = lesser(load(rows, work[i, FROM] * LANES), load(rows, work[i, ONTO] * LANES))
        stands = lesser(load(rows, work[i, BEFORE] * LANES), sits)
        store(rows, into, sits)
        store(rows, own, stands)
        c = column[work[i, LANDS]] - left
        if 0 <= c < LANES:
            minute = work[i, ARRIVE] - start
            rows[into + c] = minute  # no way of later is earlier
            rows[own + c] = min(rows[own + c], minute)


@njit(cache=True, nogil=True)
def _arrive(rows: Array, first: int, wide: int, lane: int, minute: int) -> None:
    """Alight for good at a target, in every layer of a row."""
    if 0 <= lane < LANES:
        for j in range(first + lane, first + wide, LANES):
            rows[j] = min(rows[j], minute)


@njit(cache=True, nogil=True)
def sweep_in_layers(
    work: Array, walked: Any, paths: Any, targets: tuple[Array, int, int], limit: tuple[int, bool], rows: Array
) -> None:
    """Work off legs for a panel of targets, with footpaths or a limit on transfers.

    The layer of a train that allows k rides more looks at that of a point which allows k - 1 more.
    """
    where, onto = walked
    first, to, minutes = paths
    column, left, start = targets
    layers, limited = limit
    wide = layers * LANES
    for i in range(work.shape[0]):
        into, own = work[i, INTO] * wide, work[i, OWN] * wide
        for k in range(layers):
            j = k * LANES
            sits, other = load(rows, work[i, FROM] * wide + j), j - LANES if limited else j
            if other >= 0:
                sits = lesser(sits, load(rows, work[i, ONTO] * wide + other))
                for q in range(where[i], where[i + 1]):
                    sits = lesser(sits, load(rows, onto[q - where[0]] * wide + other))
            store(rows, own + j, lesser(load(rows, work[i, BEFORE] * wide + j), sits))
            store(rows, into + j, sits)
        v, minute = work[i, LANDS], work[i, ARRIVE] - start
        if v < column.size - 1:
            for w in range(first[v] - 1, first[v + 1]):
                y, walk = (v, 0) if w < first[v] else (to[w], minutes[w])
                _arrive(rows, into, wide, column[y] - left, minute + walk)
                _arrive(rows, own, wide, column[y] - left, minute + walk)


@njit(cache=True, nogil=True)
def scan(
    legs: Any, order: Array, change: Array, paths: Any, start: tuple[int, int], rides: int, spent: int
) -> tuple[Array, Array, Array]:
    """Earliest arrivals from one stop and minute (connection scan, forward), for every number of rides.

    `spent` is 1 where rides are counted, 0 where all stand in one layer. Returns the minute at which who has used some
    rides can board at, or has arrived at, each stop, and behind each arrival the legs of boarding and of alighting.
    """
    trip, begin, end, depart, arrive, board, alight = legs
    first, to, minutes = paths
    origin, leave = start
    n = change.size
    ready, there = np.full((rides + 1, n), NEVER, np.int64), np.full((rides + 1, n), NEVER, np.int64)
    via = np.full((rides + 1, n, 4), -1, np.int64)  # boarding and alighting leg: of `ready`, of `there`
    sits = np.full((rides + 1, trip.max() + 1 if trip.size else 0), -1, np.int64)
    ready[0, origin] = there[0, origin] = leave
    for w in range(first[origin], first[origin + 1]):
        ready[0, to[w]] = min(ready[0, to[w]], leave + minutes[w])
        there[0, to[w]] = min(there[0, to[w]], leave + minutes[w])
    for i in range(order.size - 1, -1, -1):
        e = order[i]
        for k in range(rides + 1 - spent):
            r = k + spent
            if sits[r, trip[e]] < 0 and board[e] and ready[k, begin[e]] <= depart[e]:
                sits[r, trip[e]] = e
            if sits[r, trip[e]] < 0 or not alight[e]:
                continue
            v = end[e]
            for w in range(first[v] - 1, first[v + 1]):
                y, walk = (v, 0) if w < first[v] else (to[w], minutes[w])
                if arrive[e] + walk < there[r, y]:
                    there[r, y] = arrive[e] + walk
                    via[r, y, 2], via[r, y, 3] = sits[r, trip[e]], e
                wait = walk if w >= first[v] else change[v]
                if arrive[e] + wait < ready[r, y]:
                    ready[r, y] = arrive[e] + wait
                    via[r, y, 0], via[r, y, 1] = sits[r, trip[e]], e
    return ready, there, via
