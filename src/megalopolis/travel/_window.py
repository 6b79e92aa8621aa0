"""Compiled loops from the rows of stops to minutes over a window; called by :mod:`megalopolis.travel.timetable`.

From a stop, all departures between two of its points have the arrival of the later one: an interval, in which the trip
takes a minute more for every minute earlier. Minutes count from the start of the window.
"""

# A bare select vectorises where min() would test for NaN; int16 keeps the lanes of a vector narrow.
# ruff: noqa: FURB136
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from megalopolis.travel._timetable import NEVER, NONE

Array = np.ndarray[Any, np.dtype[Any]]


@njit(cache=True, nogil=True)
def _departures(origin: int, grid: Any, row: Array, paths: Any, last: int, leave: Array, at: Array) -> int:
    """Latest minutes, falling, at which to leave an origin, at once or on foot first, for each point; and its row."""
    begin, time = grid
    first, to, minutes = paths
    count = 0
    for w in range(first[origin] - 1, first[origin + 1]):
        u, walk = (origin, 0) if w < first[origin] else (to[w], minutes[w])
        for p in range(begin[u + 1] - 1, begin[u] - 1, -1):
            if time[p] < walk:
                break
            if p > begin[u] and time[p - 1] - walk >= last:
                continue  # the point before it is not too early either
            leave[count] = min(time[p] - walk, last)
            at[count] = row[p]
            count += 1
    if first[origin] < first[origin + 1]:
        order = np.argsort(-leave[:count])
        leave[:count], at[:count] = leave[:count][order], at[:count][order]
    return count


@njit(cache=True, nogil=True)
def _most(grid: Any, paths: Any, origins: Array) -> int:
    """Largest number of points that an origin has, those on foot included."""
    begin, _ = grid
    first, to, _ = paths
    most = 1
    for u in origins:
        size = begin[u + 1] - begin[u]
        for w in range(first[u], first[u + 1]):
            size += begin[to[w] + 1] - begin[to[w]]
        most = max(most, size)
    return most


@njit(cache=True, nogil=True)
def _profile(leave: Array, at: Array, size: int, stock: Array, layer: int, waits: Array, length: Array) -> int:
    """Shortest minutes (`waits`) and length of each interval of departures with one arrival; how many there are.

    Within an interval of length l the trip takes `waits`, and one minute more for every minute earlier.
    """
    count, width = 0, waits.shape[1]
    for k in range(size):
        row, new, minute = stock[at[k], layer:], waits[count], np.int16(leave[k])
        if count:
            old, ahead = waits[count - 1], np.int16(leave[k - 1] - leave[k])
        else:
            old, ahead = stock[NONE], np.int16(0)
        if k and ahead == 0:
            count -= 1
            new, old = waits[count], waits[count]
        for j in range(width):
            y = row[j]
            y = np.int16(y - minute) if y < NEVER else np.int16(NEVER)
            x = old[j]
            x = np.int16(x + ahead) if x < NEVER else np.int16(NEVER)
            new[j] = y if y < x else x
        length[count] = leave[k] - (leave[k + 1] if k + 1 < size else -1)
        count += 1
    return count


@njit(cache=True, nogil=True)
def _bounds(waits: Array, length: Array, count: int, least: Array, most: Array, inside: Array) -> int:
    """Shortest and longest minutes of each target, and from how many departures it is reached; the widest range."""
    for j in range(least.size):
        least[j], most[j], inside[j] = NEVER, 0, 0
    for i in range(count):
        row, own, extra = waits[i], np.int16(length[i]), np.int16(length[i] - 1)
        for j in range(least.size):
            x = row[j]
            least[j] = x if x < least[j] else least[j]
            y = np.int16(x + extra) if x < NEVER else np.int16(0)
            most[j] = y if y > most[j] else most[j]
            inside[j] = np.int16(inside[j] + (own if x < NEVER else np.int16(0)))
    span = np.int16(0)
    for j in range(least.size):
        x = np.int16(most[j] - least[j])
        span = x if x > span else span
    return int(span)


@njit(cache=True, nogil=True)
def _within(waits: Array, length: Array, count: int, limit: Array, inside: Array) -> None:
    """Minutes of departure from which the trip to each target takes less than a limit.

    Four intervals are read at a time; those beyond `count` have no length.
    """
    none = np.int16(0)
    for j in range(inside.size):
        inside[j] = 0
    for i in range(0, count, 4):
        a, b, c, d = waits[i], waits[i + 1], waits[i + 2], waits[i + 3]
        la, lb, lc, ld = np.int16(length[i]), np.int16(length[i + 1]), np.int16(length[i + 2]), np.int16(length[i + 3])
        for j in range(inside.size):
            most = limit[j]
            w, x, y, z = np.int16(most - a[j]), np.int16(most - b[j]), np.int16(most - c[j]), np.int16(most - d[j])
            w = w if w > none else none
            x = x if x > none else none
            y = y if y > none else none
            z = z if z > none else none
            w = w if w < la else la
            x = x if x < lb else lb
            y = y if y < lc else lc
            z = z if z < ld else ld
            inside[j] = np.int16(np.int16(inside[j] + np.int16(w + x)) + np.int16(y + z))


@njit(cache=True, nogil=True)
def _raise(low: Array, limit: Array, inside: Array, rank: np.int16, half: np.int16) -> None:
    """Raise the lower bound to the limit where too few departures are within it, and set the next limit."""
    for j in range(low.size):
        x, y = low[j], limit[j]
        x = y if inside[j] < rank else x
        low[j] = x
        limit[j] = np.int16(x + half)


@njit(cache=True, nogil=True)
def _start(least: Array, low: Array, limit: Array, half: np.int16) -> None:
    for j in range(least.size):
        x = least[j]
        x = x if x < NEVER else np.int16(0)
        low[j] = x
        limit[j] = np.int16(x + half)


@njit(cache=True, nogil=True)
def _known(low: Array, reached: Array, rank: np.int16, out: Array) -> None:
    for j in range(low.size):
        out[j] = low[j] if reached[j] >= rank else np.int16(NEVER)


@njit(cache=True, nogil=True)
def _quantiles(waits: Array, length: Array, count: int, ranks: Array, scratch: Array, out: Array) -> None:
    """Ranks of the minutes over the departures, by bisection on the number within a limit."""
    least, low, reached, limit, inside = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    half = 1
    span = _bounds(waits, length, count, least, low, reached)
    while half <= span:
        half *= 2
    for k in range(ranks.size):
        rank, step = np.int16(ranks[k]), half // 2
        _start(least, low, limit, np.int16(step))
        while step > 0:
            _within(waits, length, count, limit, inside)
            step //= 2
            _raise(low, limit, inside, rank, np.int16(step))
        _known(low, reached, rank, out[k])


@njit(cache=True, nogil=True)
def settle(
    grid: Any,
    row: Array,
    paths: Any,
    columns: Any,
    stock: Array,
    last: int,
    ranks: Array,
    origins: Array,
    out: Array,
) -> None:
    """Write ranks of the minutes from every origin to a panel of targets, over the departures 0..`last`."""
    column, left, width = columns
    first, to, minutes = paths
    layer, most = stock.shape[1] - width, _most(grid, paths, origins)
    waits, length = np.empty((most + 3, width), np.int16), np.empty(most + 3, np.int64)
    leave, at, scratch = np.empty(most, np.int64), np.empty(most, np.int64), np.empty((5, width), np.int16)
    for i in range(origins.size):
        u = origins[i]
        departures = _departures(u, grid, row, paths, last, leave, at)
        count = _profile(leave, at, departures, stock, layer, waits, length)
        found = out[:, i, left : left + width]
        for k in range(count, count + 3):
            waits[k], length[k] = NEVER, 0
        _quantiles(waits, length, count, ranks, scratch, found)
        for w in range(first[u] - 1, first[u + 1]):
            v, walk = (u, 0) if w < first[u] else (to[w], minutes[w])
            c = column[v] - left
            if 0 <= c < width:
                for k in range(ranks.size):
                    found[k, c] = min(found[k, c], walk)


@njit(cache=True, nogil=True)
def count(grid: Any, row: Array, paths: Any, columns: Any, stock: Array, last: int, origins: Array, out: Array) -> None:
    """Write the number of departures before `last` from every origin to a panel of targets that none later undoes."""
    column, left, width = columns
    most, layer = _most(grid, paths, origins), stock.shape[1] - width
    waits, length = np.empty((most, width), np.int16), np.empty(most, np.int64)
    leave, at, kept = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(width, np.int16)
    for i in range(origins.size):
        departures = _departures(origins[i], grid, row, paths, last, leave, at)
        intervals = _profile(leave, at, departures, stock, layer, waits, length)
        found = out[i, left : left + width]
        found[:] = 0
        kept[:] = NEVER
        for k in range(intervals):
            inside = k > 0 or leave[0] < last
            for j in range(width):
                if inside and waits[k, j] < kept[j]:
                    found[j] += 1
                y = np.int16(waits[k, j] + length[k])
                kept[j] = y if waits[k, j] < NEVER else np.int16(NEVER)
        c = column[origins[i]] - left
        if 0 <= c < width:
            found[c] = 0
