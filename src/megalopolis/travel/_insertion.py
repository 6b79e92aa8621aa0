"""Compiled loops of the insertion of a line into door-to-door minutes; called only by `travel.insertion`."""

# A bare select vectorises where min() would test for NaN.
# ruff: noqa: FURB136
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, np.dtype[Any]]

#: Minutes by which a way must be shorter to count: sums in another order differ in the last digits.
SHORTER = 1e-9


@njit(cache=True, nogil=True)
def _closed(dist: Array, direct: Array, stop: Array, slot: Array, minutes: Array) -> Array:
    """Shortest minutes between the stops of the line, over the line and over the network (Floyd 1962)."""
    k = direct.shape[0]
    way = direct.copy()
    for a in range(stop.size):
        for b in range(stop.size):
            y = minutes[a] + dist[slot[a], slot[b]] + minutes[b]
            way[stop[a], stop[b]] = min(way[stop[a], stop[b]], y)
    for via in range(k):
        for a in range(k):
            for b in range(k):
                y = way[a, via] + way[via, b]
                way[a, b] = min(way[a, b], y)
    return way


@njit(cache=True, nogil=True)
def _reach(
    n: int, by_site: Array, join: tuple[Array, Array, Array], own: tuple[Array, Array, Array], way: Array
) -> Array:
    """Minutes between places and stops of the line, over the network (`join`) or by a way of their own; (k, n)."""
    stop, slot, minutes = join
    place, at, cost = own
    k = way.shape[0]
    first = np.full((k, n), np.inf)
    for a in range(stop.size):
        row, site = first[stop[a]], by_site[slot[a]]
        for i in range(n):
            x, y = row[i], site[i] + minutes[a]
            row[i] = y if y < x else x
    for w in range(place.size):
        first[at[w], place[w]] = min(first[at[w], place[w]], cost[w])
    found = first.copy()
    for a in range(k):
        for b in range(k):
            if a != b and way[a, b] < np.inf:
                row, end, on = found[b], first[a], way[a, b]
                for i in range(n):
                    x, y = row[i], end[i] + on
                    row[i] = y if y < x else x
    return found


@njit(cache=True, nogil=True)
def _gains(i: int, start: Array, site: Array, join: tuple[Array, Array, Array]) -> bool:
    """Whether the line brings a place to any site sooner than `site`, the minutes without it; new ones have slot -1."""
    stop, slot, minutes = join
    for a in range(stop.size):
        without = site[slot[a], i] if slot[a] >= 0 else np.inf
        if start[stop[a], i] + minutes[a] < without - SHORTER:
            return True
    return False


@njit(cache=True, nogil=True)
def _entries(i: int, start: Array, way: Array, kept: Array) -> int:
    """Stops at which trips from a place enter the line; how many.

    Left out are those that are reached as soon by going on from another.
    """
    count = 0
    for x in range(start.shape[0]):
        kept[count] = x
        count += start[x, i] < np.inf
    for c in range(count):
        x = kept[c]
        for d in range(count):
            if d != c and kept[d] >= 0 and start[kept[d], i] + way[kept[d], x] <= start[x, i] + SHORTER:
                kept[c] = -1
                break
    left = 0
    for c in range(count):
        if kept[c] >= 0:
            kept[left] = kept[c]
            left += 1
    return left


@njit(cache=True, nogil=True)
def through(
    dist: Array,
    site: Array,
    direct: Array,
    join: tuple[Array, Array, Array],
    own: tuple[Array, Array, Array],
    added: float,
    found: Array,
) -> None:
    """Put into `found` the minutes of the trips that ride the line, where shorter; one level of headway.

    `dist` holds minutes between slots, `site` those between each slot and each place, `join` the stop, slot and
    minutes of every arc between line and network, where slot -1 is a new station, and `own` the ways between places and
    the line.
    """
    stop, slot, minutes = join
    n = found.shape[0]
    old = np.flatnonzero(slot >= 0)
    inner = (stop[old], slot[old], minutes[old])
    way = _closed(dist, direct, *inner)
    start = _reach(n, site, inner, own, way)
    kept = np.empty(direct.shape[0] + 1, np.int64)
    for i in range(n):
        if not _gains(i, start, site, join):
            continue
        row = found[i]
        for c in range(_entries(i, start, way, kept)):
            base, there = start[kept[c], i] + added, start[kept[c]]
            for j in range(n):
                x, y = row[j], base + there[j]
                row[j] = y if y < x else x
