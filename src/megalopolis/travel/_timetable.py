"""Compiled loops of the timetable; called only by :mod:`megalopolis.travel.timetable`.

A leg is a train from one call to its next. Legs are worked off from the last departure to the first. A *point* is a
stop and a minute at which trains leave it; its row holds the earliest arrival at every target for who is at the stop by
then. The row of a trip holds the same for who sits in the train. Minutes count from the start of the window.
"""

# A bare select vectorises where min() would test for NaN; int16 keeps the lanes of a vector narrow.
# ruff: noqa: FURB136
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, np.dtype[Any]]

NEVER = 32767
NONE, SPARE = 0, 1  # rows: nothing leaves any more, and what nobody reads


@njit(cache=True, nogil=True)
def last_first(depart: Array) -> Array:
    """Legs from the last departure to the first; of equal ones the later in the list first (counting sort)."""
    first = np.zeros(depart.max() + 2 if depart.size else 1, np.int32)
    for d in depart:
        first[d] += 1
    total = 0
    for d in range(first.size - 1, -1, -1):
        count = first[d]
        first[d] = total
        total += count
    order = np.empty(depart.size, np.int32)
    for e in range(depart.size - 1, -1, -1):
        order[first[depart[e]]] = e
        first[depart[e]] += 1
    return order


@njit(cache=True, nogil=True)
def points(order: Array, start: Array, depart: Array, board: Array, stops: int) -> tuple[Array, Array, Array]:
    """Points of each stop in rising time (`begin`, `time`), and the point of each leg; -1 where nobody boards."""
    begin, latest = np.zeros(stops + 1, np.int32), np.full(stops, -1, np.int32)
    for i in range(order.size - 1, -1, -1):
        e = order[i]
        if board[e] and latest[start[e]] != depart[e]:
            latest[start[e]] = depart[e]
            begin[start[e] + 1] += 1
    for u in range(stops):
        begin[u + 1] += begin[u]
    time, point = np.empty(begin[stops], np.int32), np.full(order.size, -1, np.int32)
    free = begin[:-1].copy()
    for i in range(order.size - 1, -1, -1):
        e = order[i]
        u = start[e]
        if not board[e]:
            continue
        if free[u] == begin[u] or time[free[u] - 1] != depart[e]:
            time[free[u]] = depart[e]
            free[u] += 1
        point[e] = free[u] - 1
    return begin, time, point


@njit(cache=True, nogil=True)
def _first(time: Array, low: int, high: int, minute: int) -> int:
    """First point in a range at or after a minute, by bisection; -1 if there is none."""
    end = high
    while low < high:
        middle = (low + high) // 2
        if time[middle] < minute:
            low = middle + 1
        else:
            high = middle
    return low if low < end else -1


@njit(cache=True, nogil=True)
def _changes(by_arrival: Array, legs: Any, change: Array, grid: Any) -> Array:
    """Point at which who alights from each leg boards at the same stop; -1 for none.

    Legs come from the last arrival to the first, so that the point of each stop only moves back.
    """
    _, end, arrive, alight = legs
    begin, time = grid
    found, at = np.full(by_arrival.size, -1, np.int32), begin[1:].copy()
    for e in by_arrival:
        v = end[e]
        p, minute = at[v], arrive[e] + change[v]
        while p > begin[v] and time[p - 1] >= minute:
            p -= 1
        at[v] = p
        if alight[e] and p < begin[v + 1]:
            found[e] = p
    return found


@njit(cache=True, nogil=True)
def onward(
    order: Array, by_arrival: Array, legs: Any, change: Array, paths: tuple[Array, Array, Array], grid: Any
) -> tuple[Array, Array]:
    """Points at which who alights from each leg, in the order of work, goes on: after a change, or a way on foot."""
    _, end, arrive, alight = legs
    first, to, minutes = paths
    begin, time = grid
    stays = _changes(by_arrival, legs, change, grid)
    most = order.size
    if minutes.size:
        for e in range(order.size):
            most += first[end[e] + 1] - first[end[e]]
    where, found, count = np.empty(order.size + 1, np.int32), np.empty(most, np.int32), 0
    where[0] = 0
    for i in range(order.size):
        e = order[i]
        if stays[e] >= 0:
            found[count] = stays[e]
            count += 1
        if minutes.size and alight[e]:
            v = end[e]
            for w in range(first[v], first[v + 1]):
                p = _first(time, begin[to[w]], begin[to[w] + 1], arrive[e] + minutes[w])
                if p >= 0:
                    found[count] = p
                    count += 1
        where[i + 1] = count
    return where, found[:count]


@njit(cache=True, nogil=True)
def _keep(begin: Array, time: Array, until: int) -> Array:
    """Points of each stop up to a minute, and the first one after it."""
    kept = np.zeros(time.size, np.bool_)
    for u in range(begin.size - 1):
        for p in range(begin[u], begin[u + 1]):
            kept[p] = p == begin[u] or time[p - 1] < until
    return kept


@njit(cache=True, nogil=True)
def _last_uses(order: Array, point: Array, later: Array, where: Array, goes_on: Array) -> Array:
    """Last leg in the order of work that reads or writes each point."""
    last = np.full(later.size, -1, np.int32)
    for i in range(order.size):
        p = point[order[i]]
        if p >= 0:
            if last[p] < 0 and later[p] >= 0:  # only the first leg of a point reads the one before
                last[later[p]] = i
            last[p] = i
        for q in range(where[i], where[i + 1]):
            last[goes_on[q]] = i
    return last


@njit(cache=True, nogil=True)
def _later(begin: Array) -> Array:
    """Next later point of the same stop; -1 after the last."""
    later = np.full(begin[-1], -1, np.int32)
    for u in range(begin.size - 1):
        for p in range(begin[u], begin[u + 1] - 1):
            later[p] = p + 1
    return later


@njit(cache=True, nogil=True)
def rows(order: Array, point: Array, grid: Any, where: Array, goes_on: Array, until: int) -> tuple[Array, Any, int]:
    """Give every point a row, free again after its last use unless it lies in the window.

    Returns the rows of the points, the rows read before and written by each leg in the order of work, and their number.
    """
    begin, time = grid
    later, kept = _later(begin), _keep(begin, time, until)
    last = _last_uses(order, point, later, where, goes_on)
    row = np.full(time.size, -1, np.int32)
    before, own = np.full(order.size, NONE, np.int32), np.full(order.size, SPARE, np.int32)
    free, idle, used = np.empty(time.size, np.int32), 0, 2
    for i in range(order.size):
        p = point[order[i]]
        if p >= 0:
            n = later[p]
            if row[p] >= 0:
                before[i] = row[p]
            else:
                before[i] = row[n] if n >= 0 else NONE
                if n >= 0 and last[n] == i and not kept[n]:
                    row[p] = row[n]  # nobody else reads it: go on in place
                elif idle:
                    idle -= 1
                    row[p] = free[idle]
                else:
                    row[p] = used
                    used += 1
            own[i] = row[p]
            if last[p] == i and not kept[p]:
                free[idle] = row[p]
                idle += 1
        for q in range(where[i], where[i + 1]):
            g = goes_on[q]
            if last[g] == i and not kept[g] and row[g] != own[i]:
                free[idle] = row[g]
                idle += 1
                last[g] = -1
    return row, (before, own), used


@njit(cache=True, nogil=True)
def seats(order: Array, trip: Array) -> tuple[Array, Array, int]:
    """Row of the trip of each leg in the order of work, whether it is the first there, and the number of rows."""
    seat, fresh = np.empty(order.size, np.int32), np.zeros(order.size, np.bool_)
    held, free, idle, used = np.full(order.size, -1, np.int32), np.empty(order.size, np.int32), 0, 0
    for i in range(order.size):
        e = order[i]
        if e + 1 == trip.size or trip[e + 1] != trip[e]:
            fresh[i] = True
            if idle:
                idle -= 1
                held[e] = free[idle]
            else:
                held[e] = used
                used += 1
        else:
            held[e] = held[e + 1]
        seat[i] = held[e]
        if e == 0 or trip[e - 1] != trip[e]:
            free[idle] = held[e]
            idle += 1
    return seat, fresh, used


# Rows are given by their number: a view of each would be counted and freed, which takes as long as the minimum itself.
@njit(cache=True, nogil=True)
def _lower(trains: Array, t: int, stock: Array, other: int, shift: int) -> None:
    """Lower the row of a train to what going on from a point gives."""
    for j in range(trains.shape[1] - shift):
        x, y = trains[t, j + shift], stock[other, j]
        trains[t, j + shift] = y if y < x else x


@njit(cache=True, nogil=True)
def _offer(trains: Array, t: int, stock: Array, before: int, own: int) -> None:
    """Write the row of a point: the one after it, or boarding the train."""
    for j in range(trains.shape[1]):
        x, y = trains[t, j], stock[before, j]
        stock[own, j] = y if y < x else x


@njit(cache=True, nogil=True)
def _lower_and_offer(trains: Array, t: int, stock: Array, other: int, before: int, own: int) -> None:
    """Both in one reading."""
    for j in range(trains.shape[1]):
        x, y, z = trains[t, j], stock[other, j], stock[before, j]
        x = y if y < x else x
        trains[t, j] = x
        stock[own, j] = z if z < x else x


# One row less where a point goes on in the row of the one after it: rows that overlap would not be vectorised.
@njit(cache=True, nogil=True)
def _offer_again(trains: Array, t: int, stock: Array, own: int) -> None:
    for j in range(trains.shape[1]):
        x, y = trains[t, j], stock[own, j]
        stock[own, j] = x if x < y else y


@njit(cache=True, nogil=True)
def _lower_and_offer_again(trains: Array, t: int, stock: Array, other: int, own: int) -> None:
    for j in range(trains.shape[1]):
        x, y, z = trains[t, j], stock[other, j], stock[own, j]
        x = y if y < x else x
        trains[t, j] = x
        stock[own, j] = z if z < x else x


@njit(cache=True, nogil=True)
def _arrive(trains: Array, t: int, column: int, width: int, minute: int) -> None:
    """Alight for good at the target of a column, in every layer."""
    if 0 <= column < width:
        for j in range(column, trains.shape[1], width):
            trains[t, j] = min(trains[t, j], minute)


@njit(cache=True, nogil=True)
def sweep(work: Any, paths: Any, columns: Any, shift: int, stock: Array, trains: Array) -> None:
    """Work off all legs for a panel of targets.

    `stock` and `trains` hold the rows of points and of trips: a layer for each number of rides that may follow (one
    layer where there is no limit), and in each a column for each target. The layer of a trip that allows k rides more
    stands where that of a point stands which allows k + 1: they are `shift` columns apart, the width of a layer, or 0
    where there is no limit.
    """
    where, onto, before, own, seat, fresh, lands, arrive = work
    first, to, minutes = paths
    column, left, width = columns
    stock[NONE, :] = NEVER
    for i in range(own.size):
        t, b, o, v = seat[i], before[i], own[i], lands[i]
        if fresh[i]:
            for j in range(trains.shape[1]):
                trains[t, j] = NEVER
        if v >= 0:
            _arrive(trains, t, column[v] - left, width, arrive[i])
            for w in range(first[v], first[v + 1]):
                _arrive(trains, t, column[to[w]] - left, width, arrive[i] + minutes[w])
        q, last = where[i], where[i + 1]
        while q < (last if shift else last - 1):
            _lower(trains, t, stock, onto[q], shift)
            q += 1
        if q < last and b == o:
            _lower_and_offer_again(trains, t, stock, onto[q], o)
        elif q < last:
            _lower_and_offer(trains, t, stock, onto[q], b, o)
        elif b == o:
            _offer_again(trains, t, stock, o)
        else:
            _offer(trains, t, stock, b, o)


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
