"""Compiled loops that prepare a timetable for any window; called only by :mod:`megalopolis.travel.timetable`.

A leg is a train from one call to its next. Legs are worked off from the last departure to the first. A *point* is a
stop and a minute at which trains leave it. Points and trains have rows, free again when nobody reads them any more.
"""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, np.dtype[Any]]

NONE, SPARE = 0, 1  # rows: nothing leaves any more, and what nobody reads
FROM, INTO, ONTO, BEFORE, OWN, LANDS, ARRIVE, DEPART = range(8)
"""What is done for a leg: rows of the train before and after it, of the point where who alights boards again, of the
point before and after it; the stop where it ends (the number of stops: nobody alights), and its minutes."""

_LONG = 16_384  # a change that takes longer is not made by the end of any window and its trains


@njit(cache=True, nogil=True)
def last_first(minutes: Array) -> Array:
    """Order from the last minute to the first; of equal ones the later in the list first (counting sort)."""
    if not minutes.size:
        return np.empty(0, np.int32)
    low = minutes.min()
    first = np.zeros(minutes.max() - low + 1, np.int32)
    for d in minutes:
        first[d - low] += 1
    total = np.int32(0)
    for d in range(first.size - 1, -1, -1):
        count = first[d]
        first[d] = total
        total += count
    order = np.empty(minutes.size, np.int32)
    for e in range(minutes.size - 1, -1, -1):
        d = minutes[e] - low
        order[first[d]] = e
        first[d] += 1
    return order


@njit(cache=True, nogil=True)
def _ready(legs: Any, change: Array) -> Array:
    """Minute from which who alights from each leg can board another."""
    _, _, end, _, arrive, _, _ = legs
    ready = np.empty(end.size, np.int32)
    for e in range(end.size):
        ready[e] = arrive[e] + min(change[end[e]], _LONG)
    return ready


@njit(cache=True, nogil=True)
def points(order: Array, legs: Any, change: Array) -> tuple[Any, Array, Array, Array]:
    """Points of each stop in rising time, and of each leg in the order of work.

    Returns the points (of each stop the first, and the one after its last; the minute of each), that of each leg, the
    one onto which who alights boards at the same stop (-1 for none in both), and whether the leg is the first there.
    """
    _, start, end, depart, _, board, alight = legs
    ready, stops = _ready(legs, change), change.size
    by_ready = last_first(ready)
    after = np.zeros(stops + 1, np.int32)
    for e in range(order.size):
        after[start[e] + 1] += board[e]
    for u in range(stops):
        after[u + 1] += after[u]
    begin, time = after[1:].copy(), np.empty(order.size, np.int32)
    point, onto = np.full(order.size, -1, np.int32), np.empty(order.size, np.int32)
    opens = np.zeros(order.size, np.bool_)
    change_at = np.full(order.size, -1, np.int32)
    q = 0
    for i in range(order.size):
        e = order[i]
        u, d = start[e], depart[e]
        while q < order.size and ready[by_ready[q]] > d:  # all that leave from then on are points by now
            f = by_ready[q]
            v = end[f]
            if alight[f] and begin[v] < after[v + 1]:
                change_at[f] = begin[v]
            q += 1
        onto[i] = change_at[e]
        if board[e]:
            if begin[u] == after[u + 1] or time[begin[u]] != d:
                begin[u] -= 1
                time[begin[u]] = d
                opens[i] = True
            point[i] = begin[u]
    return (begin, after[1:], time), point, onto, opens


@njit(cache=True, nogil=True)
def first_from(time: Array, low: int, high: int, minute: int) -> int:
    """First point in a range at or after a minute, by bisection; `high` if there is none."""
    while low < high:
        middle = (low + high) // 2
        if time[middle] < minute:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def afoot(order: Array, legs: Any, paths: tuple[Array, Array, Array], grid: Any) -> tuple[Array, Array]:
    """Points onto which who alights from each leg, in the order of work, boards after a way on foot."""
    _, _, end, _, arrive, _, alight = legs
    first, to, minutes = paths
    begin, after, time = grid
    where, count = np.zeros(order.size + 1, np.int32), 0
    if minutes.size:
        for e in range(order.size):
            count += first[end[e] + 1] - first[end[e]]
    onto, count = np.empty(count, np.int32), 0
    if minutes.size:
        for i in range(order.size):
            e = order[i]
            v = end[e]
            if alight[e]:
                for w in range(first[v], first[v + 1]):
                    p = first_from(time, begin[to[w]], after[to[w]], arrive[e] + minutes[w])
                    if p < after[to[w]]:
                        onto[count] = p
                        count += 1
            where[i + 1] = count
    return where, onto[:count]


@njit(cache=True, nogil=True)
def _points(start: Array, grid: Any, own: Any, walk: tuple[Array, Array], work: Array) -> tuple[Array, int]:
    """Rows of the points; see `rows`. `start` is the stop of each leg in the order of work."""
    begin, after, _ = grid
    point, onto, opens = own
    where, on_foot = walk
    row, free, idle, used = np.full(start.size, NONE, np.int32), np.empty(start.size, np.int32), 0, SPARE + 1
    for u in range(begin.size):
        if begin[u] < after[u]:  # of use to the end
            row[begin[u]] = used
            used += 1
    for i in range(start.size - 1, -1, -1):
        p = point[i]
        for q in range(where[i] - 2, where[i + 1]):
            g = on_foot[q] if q >= where[i] else onto[i] if q == where[i] - 1 else p
            if g < 0 or row[g] != NONE:
                continue
            if idle:
                idle -= 1
                row[g] = free[idle]
            else:
                row[g] = used
                used += 1
        before = row[p] if p >= 0 else NONE
        work[i, OWN] = before if p >= 0 else SPARE
        if opens[i]:
            later = p + 1 < after[start[i]]
            if later and row[p + 1] == NONE:
                row[p + 1] = before  # nobody else reads it: go on in place
            else:
                free[idle] = before
                idle += 1
                before = row[p + 1] if later else NONE
        work[i, ONTO], work[i, BEFORE] = row[onto[i]] if onto[i] >= 0 else NONE, before
    return row, used


@njit(cache=True, nogil=True)
def _trains(order: Array, trip: Array, used: int, work: Array) -> int:
    """Rows of the trains, after the `used` ones; see `rows`."""
    seat, free, idle = np.empty(order.size, np.int32), np.empty(order.size, np.int32), 0
    for i in range(order.size - 1, -1, -1):
        e = order[i]
        goes_on, came = e + 1 < order.size and trip[e + 1] == trip[e], e > 0 and trip[e - 1] == trip[e]
        if came:
            seat[e] = seat[e - 1]
        elif idle:
            idle -= 1
            seat[e] = free[idle]
        else:
            seat[e] = used
            used += 1
        if not goes_on:
            free[idle] = seat[e]
            idle += 1
        work[i, FROM], work[i, INTO] = seat[e] if goes_on else NONE, seat[e] if came else SPARE
    return used


@njit(cache=True, nogil=True)
def rows(order: Array, legs: Any, grid: Any, own: Any, walk: tuple[Array, Array]) -> tuple[Array, Array, int]:
    """Give rows to points and trains, and say what is done for each leg in the order of work.

    Against the order of work: a row is taken at its last use, and free where it is first written. The first point of
    a stop is of use to the end. Returns the rows of the points, the work (see `FROM`), and the number of rows.
    """
    trip, start, end, depart, arrive, _, alight = legs
    work = np.empty((order.size, 8), np.int32)
    row, used = _points(start[order], grid, own, walk, work)
    used = _trains(order, trip, used, work)
    for i in range(order.size):
        e = order[i]
        work[i, LANDS] = end[e] if alight[e] else grid[0].size
        work[i, ARRIVE], work[i, DEPART] = arrive[e], depart[e]
    return row, work, used
