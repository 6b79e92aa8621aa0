"""Compiled loops of the insertion of a line; called only by :mod:`megalopolis.travel.what_if`."""

# A bare select vectorises where min() would test for NaN.
# ruff: noqa: FURB136
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, np.dtype[Any]]


@njit(cache=True, nogil=True)
def close(way: Array) -> None:
    """Shortest ways between all stops of a line, in place (Floyd 1962)."""
    k = way.shape[0]
    for via in range(k):
        for a in range(k):
            for b in range(k):
                y = way[a, via] + way[via, b]
                way[a, b] = y if y < way[a, b] else way[a, b]


@njit(cache=True, nogil=True)
def _reach(row: Array, stops: Array, way: Array, reach: Array, kept: Array) -> int:
    """Minutes to every stop with the line, and the stops reached sooner than without it; how many these are."""
    k = stops.size
    for b in range(k):
        reach[b] = np.inf
    for a in range(k):
        to = row[stops[a]]
        for b in range(k):
            y = to + way[a, b]
            reach[b] = y if y < reach[b] else reach[b]
    count = 0
    for b in range(k):
        if reach[b] < row[stops[b]]:
            kept[count] = b
            count += 1
    return count


@njit(cache=True, nogil=True)
def _prune(between: Array, reach: Array, kept: Array, count: int) -> int:
    """Leave out a stop that is reached as soon by going on from another that is kept; how many are left."""
    for c in range(count):
        b = kept[c]
        for d in range(count):
            if d != c and kept[d] >= 0 and reach[kept[d]] + between[kept[d], b] <= reach[b]:
                kept[c] = -1
                break
    left = 0
    for c in range(count):
        if kept[c] >= 0:
            kept[left] = kept[c]
            left += 1
    return left


@njit(cache=True, nogil=True)
def insert(minutes: Array, stops: Array, way: Array, out: Array) -> int:
    """Write the minutes with the line, closed over the network as `way`, to `out`; how many rows differ."""
    n, k = minutes.shape[0], stops.size
    onward, between = np.empty((k, n), minutes.dtype), np.empty((k, k), minutes.dtype)
    for a in range(k):
        for t in range(n):
            onward[a, t] = minutes[stops[a], t]
        for b in range(k):
            between[a, b] = minutes[stops[a], stops[b]]
    reach, kept = np.empty(k, minutes.dtype), np.empty(k, np.int64)
    changed = 0
    for i in range(n):
        row, new = minutes[i], out[i]
        count = _prune(between, reach, kept, _reach(row, stops, way, reach, kept))
        if count == 0:
            for t in range(n):
                new[t] = row[t]
            continue
        changed += 1
        first, ride = onward[kept[0]], reach[kept[0]]
        for t in range(n):
            y = ride + first[t]
            new[t] = y if y < row[t] else row[t]
        for c in range(1, count):
            next_, ride = onward[kept[c]], reach[kept[c]]
            for t in range(n):
                y = ride + next_[t]
                new[t] = y if y < new[t] else new[t]
    return changed
