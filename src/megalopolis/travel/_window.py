"""Compiled loops from the rows of stops to minutes over a window; called by :mod:`megalopolis.travel.timetable`.

From a stop, all departures between two of its points have the arrival of the later one: an interval, in which the trip
takes a minute more for every minute earlier. Minutes count from the start of the window.
"""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from megalopolis.travel._lanes import LANES, above, choose, greater, largest, lesser, load, minus, plus, splat, store
from megalopolis.travel._plan import first_from
from megalopolis.travel._timetable import NEVER, sweep, sweep_in_layers

Array = np.ndarray[Any, np.dtype[Any]]

_FOREVER = 16_384  # trips by train take less; who never arrives takes more, however late he leaves


@njit(cache=True, nogil=True)
def _departures(origin: int, grid: Any, paths: Any, start: int, last: int, found: tuple[Array, Array]) -> int:
    """Latest minutes, falling, at which to leave an origin, at once or on foot first, for each point; and the point."""
    begin, after, time = grid
    first, to, minutes = paths
    leave, at = found
    count = 0
    for w in range(first[origin] - 1, first[origin + 1]):
        u, walk = (origin, 0) if w < first[origin] else (to[w], minutes[w])
        low = first_from(time, begin[u], after[u], start + walk)
        p = min(first_from(time, low, after[u], start + walk + last), after[u] - 1)
        while p >= low:
            leave[count], at[count] = min(time[p] - start - walk, last), p
            count += 1
            p -= 1
    if first[origin] < first[origin + 1]:
        order = np.argsort(-leave[:count])
        leave[:count], at[:count] = leave[:count][order], at[:count][order]
    return count


@njit(cache=True, nogil=True)
def intervals(origins: Array, grid: Any, rows: Array, paths: Any, start: int, last: int) -> tuple[Array, Array]:
    """Departures from every origin, from the last to the first: where those of each begin, and their intervals.

    An interval: the row of its point, its last minute and its length, which is 0 where another begins at that minute.
    """
    begin, after, _ = grid
    first, to, _ = paths
    total, most = 0, 0
    for u in origins:
        size = after[u] - begin[u]
        for w in range(first[u], first[u + 1]):
            size += after[to[w]] - begin[to[w]]
        total, most = total + size, max(most, size)
    where, all_ = np.zeros(origins.size + 1, np.int64), np.empty((total, 3), np.int32)
    leave, at = np.empty(most, np.int64), np.empty(most, np.int64)
    count = 0
    for i in range(origins.size):
        size = _departures(origins[i], grid, paths, start, last, (leave, at))
        for k in range(size):
            all_[count, 0], all_[count, 1] = rows[at[k]], leave[k]
            all_[count, 2] = leave[k] - (leave[k + 1] if k + 1 < size else -1)
            count += 1
        where[i + 1] = count
    return where, all_[:count]


@njit(cache=True, nogil=True)
def _put(out: Array, at: int, size: int, lanes: Any, spare: Array) -> None:
    """Write the minutes of a panel of which only some are wanted."""
    if size >= LANES:
        store(out, at, lanes)
    else:
        store(spare, 0, lanes)
        for j in range(size):
            out[at + j] = spare[j]


@njit(cache=True, nogil=True)
def _waits(
    parts: Array, ends: tuple[int, int, int], wide: int, rows: Array, waits: Array, bounds: tuple[int, int]
) -> Any:
    """Shortest minutes of each interval (`waits`), and bounds of the wanted rank of all, for a panel of targets.

    The earlier one leaves, the earlier one arrives. So who leaves at one of the first `rank` minutes takes at most what
    leaving at minute 0 takes to the arrival of the last of them, and likewise for any minutes on end: the longest of
    these cannot be shorter than the rank, nor, the other way round, longer.
    """
    b, middle, e = ends
    rank, rest = bounds
    arrive, most, least = splat(NEVER), splat(NEVER), splat(0)
    longer, shorter = splat(rank - 1), splat(rest)
    for k in range(b, e):
        arrive = lesser(arrive, load(rows, parts[k, 0] * wide))
        wait = minus(arrive, splat(parts[k, 1]))
        store(waits, (k - b) * LANES, wait)
        if k <= middle:
            most = lesser(most, plus(wait, longer))
        if k >= middle:
            least = greater(least, above(plus(wait, splat(parts[k, 2])), shorter))
    return least, most


@njit(cache=True, nogil=True)
def _rank(parts: Array, ends: tuple[int, int], waits: Array, rank: int, least: Any, most: Any) -> Any:
    """Rank of the minutes over the departures between bounds, by bisection on the number within a limit."""
    b, e = ends
    forever, never, wanted = splat(_FOREVER), splat(NEVER), splat(rank)
    span, half = largest(choose(most, forever, above(most, least), splat(0))), 1
    while half <= span:
        half *= 2
    half //= 2
    while half > 0:  # fewer than the wanted departures take less than `least`
        limit, inside = plus(least, splat(half)), splat(0)
        for k in range(b, e):
            short = above(limit, load(waits, (k - b) * LANES))
            inside = plus(inside, lesser(short, splat(parts[k, 2])))
        least = choose(inside, wanted, limit, least)
        half //= 2
    return choose(most, forever, least, never)


@njit(cache=True, nogil=True)
def settle(departures: Any, last: int, ranks: Array, panel: tuple[int, int], rows: Array, out: Array) -> None:
    """Write ranks of the minutes by train from every origin to a panel of targets, over the departures 0..`last`."""
    where, parts = departures
    left, wide = panel
    size, origins, never = out.shape[2] - left, out.shape[1], splat(NEVER)
    most = 1
    for i in range(origins):
        most = max(most, where[i + 1] - where[i])
    waits, spare, flat = np.empty(most * LANES, np.int16), np.empty(LANES, np.int16), out.reshape(-1)
    for k in range(ranks.size):
        rank = ranks[k]
        for i in range(origins):
            b, e, at = where[i], where[i + 1], (k * origins + i) * out.shape[2] + left
            middle = b  # the interval of the minute up to which `rank` ones leave
            while middle < e and parts[middle, 1] - parts[middle, 2] >= rank - 1:
                middle += 1
            if middle == e or parts[b, 1] < rank - 1:
                _put(flat, at, size, never, spare)
                continue
            least, longest = _waits(parts, (b, middle, e), wide, rows, waits, (rank, last - rank + 2))
            _put(flat, at, size, _rank(parts, (b, e), waits, rank, least, longest), spare)


@njit(cache=True, nogil=True)
def count(where: Array, parts: Array, last: int, panel: tuple[int, int], rows: Array, out: Array) -> None:
    """Write the number of departures before `last` from every origin to a panel of targets that none later undoes."""
    left, wide = panel
    size, one, zero, flat = out.shape[2] - left, splat(1), splat(0), out.reshape(-1)
    spare = np.empty(LANES, np.int16)
    for i in range(out.shape[1]):
        found, arrive, later = zero, splat(NEVER), splat(NEVER)
        for k in range(where[i], where[i + 1]):
            arrive = lesser(arrive, load(rows, parts[k, 0] * wide))
            if parts[k, 2]:  # the last of those that leave at this minute
                if parts[k, 1] < last:
                    found = plus(found, choose(arrive, later, one, zero))
                later = arrive
        _put(flat, i * out.shape[2] + left, size, found, spare)


@njit(cache=True, nogil=True)
def on_foot(origins: Array, column: Array, paths: Any, out: Array) -> None:
    """Lower the minutes to those of staying where one is, or of one footpath all the way."""
    first, to, minutes = paths
    for i in range(origins.size):
        u = origins[i]
        for w in range(first[u] - 1, first[u + 1]):
            v, walk = (u, 0) if w < first[u] else (to[w], minutes[w])
            c = column[v]
            if c >= 0:
                for k in range(out.shape[0]):
                    out[k, i, c] = min(out[k, i, c], walk)


@njit(cache=True, nogil=True)
def work_off(work: Any, foot: Any, limit: tuple[int, bool], query: Any, panels: Any, out: Array) -> None:
    """Sweep the legs after a window and in it, and write what is asked for, for every n-th panel of targets.

    Ranks of the minutes are asked for, or, where there are none, the number of departures.
    """
    paths, walked_after, walked_inside = foot
    layers, limited = limit
    column, start, last, ranks, where, parts = query
    rows, first, step = panels
    wide = layers * LANES
    for j in range(wide):
        rows[j] = NEVER
    for left in range(first * LANES, out.shape[2], step * LANES):
        if limited or paths[1].size:
            targets = (column, left, start)
            sweep_in_layers(work[0], walked_after, paths, targets, limit, rows)
            sweep_in_layers(work[1], walked_inside, paths, targets, limit, rows)
        else:
            sweep(work[0], column, left, start, rows)
            sweep(work[1], column, left, start, rows)
        most_rides, panel = rows[wide - LANES :], (left, wide)
        if ranks.size:
            settle((where, parts), last, ranks, panel, most_rides, out)
        else:
            count(where, parts, last, panel, most_rides, out)
