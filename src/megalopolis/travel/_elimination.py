"""Compiled loops of the elimination kernel; called only by :mod:`megalopolis.travel.shortest`.

Rows are numbered by rank: rank 0 is the node eliminated last. Every list of neighbours of rank ``r`` holds
ranks below ``r`` in ascending order.
"""

# A kernel's arrays stand side by side, and a bare select vectorises where min() would test for NaN.
# Slices are written by loops: numba compiles a slice assignment in seconds, a loop in milliseconds.
# ruff: noqa: FBT001, FURB136
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, np.dtype[Any]]

WIDTH = 64  # sources swept together: a panel of some thousand nodes stays in the second-level cache
TOGETHER = 4  # sets of weights eliminated together: a register of the processor
STRIP = 8  # sources written out together
_M1 = np.uint64(0x5555555555555555)
_M2 = np.uint64(0x3333333333333333)
_M4 = np.uint64(0x0F0F0F0F0F0F0F0F)
_H1 = np.uint64(0x0101010101010101)
_S1, _S2, _S4, _S56 = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)
_LOW = np.uint64(63)


@njit(cache=True, nogil=True)
def _ones(x: np.uint64) -> np.int64:
    x = x - ((x >> _S1) & _M1)
    x = (x & _M2) + ((x >> _S2) & _M2)
    x = (x + (x >> _S4)) & _M4
    return np.int64((x * _H1) >> _S56)


@njit(cache=True, nogil=True)
def _bit(v: int) -> np.uint64:
    return _S1 << (np.uint64(v) & _LOW)


@njit(cache=True, nogil=True)
def _unite(row: Array, other: Array) -> int:
    """Add the set `other` to the set `row`; the size of the union."""
    size = 0
    for i in range(row.size):
        x = row[i] | other[i]
        row[i] = x
        size += _ones(x)
    return size


@njit(cache=True, nogil=True)
def _members(row: Array, out: Array) -> int:
    """Write the members of a bit set to `out`; how many there are."""
    count = 0
    for i in range(row.size):
        x = row[i]
        while x != np.uint64(0):
            rest = x & (x - _S1)
            out[count] = i * 64 + _ones((x ^ rest) - _S1)
            count += 1
            x = rest
    return count


@njit(cache=True, nogil=True)
def _insert(first: Array, after: Array, before: Array, v: int, bucket: int) -> None:
    head = first[bucket]
    after[v] = head
    before[v] = -1
    if head >= 0:
        before[head] = v
    first[bucket] = v


@njit(cache=True, nogil=True)
def _remove(first: Array, after: Array, before: Array, v: int, bucket: int) -> None:
    p, q = before[v], after[v]
    if p >= 0:
        after[p] = q
    else:
        first[bucket] = q
    if q >= 0:
        before[q] = p


@njit(cache=True, nogil=True)
def _neighbours(n: int, tails: Array, heads: Array) -> Array:
    """Sets of neighbours as rows of bits; a loop is no neighbour."""
    bits = np.zeros((n, (n + 63) // 64), np.uint64)
    for e in range(tails.size):
        a, b = tails[e], heads[e]
        if a != b:
            bits[a, b // 64] |= _bit(b)
            bits[b, a // 64] |= _bit(a)
    return bits


@njit(cache=True, nogil=True)
def minimum_degree(n: int, tails: Array, heads: Array, max_fill: int) -> tuple[Array, Array, Array]:
    """Eliminate by minimum degree.

    Returns ``perm`` (rank to node), ``count`` (later neighbours of each rank) and the lists of these
    neighbours (nodes, in the order of elimination, that is from the highest rank down); the lists are empty
    where they would hold more than `max_fill`.
    """
    bits = _neighbours(n, tails, heads)
    first = np.full(n + 1, -1, np.int64)
    after, before = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    bucket = np.empty(n, np.int64)
    for v in range(n - 1, -1, -1):
        bucket[v] = _unite(bits[v], bits[v])
        _insert(first, after, before, v, bucket[v])
    perm, count = np.empty(n, np.int64), np.zeros(n, np.int64)
    lists, scratch = np.empty(16 * n, np.int64), np.empty(n, np.int64)
    used, low = 0, 0
    for rank in range(n - 1, -1, -1):
        while first[low] < 0:
            low += 1
        v = first[low]
        _remove(first, after, before, v, low)
        perm[rank] = v
        size = _members(bits[v], scratch)
        count[rank] = size
        if used + size > max_fill:
            return perm, count, lists[:0]
        if used + size > lists.size:
            longer = np.empty(max(2 * lists.size, used + size), np.int64)
            for k in range(used):
                longer[k] = lists[k]
            lists = longer
        for k in range(size):
            lists[used + k] = scratch[k]
        used += size
        for k in range(size):
            u = scratch[k]
            degree = _unite(bits[u], bits[v]) - 2  # u itself and v are in the union
            bits[u, u // 64] &= ~_bit(u)
            bits[u, v // 64] &= ~_bit(v)
            if degree != bucket[u]:
                _remove(first, after, before, u, bucket[u])
                _insert(first, after, before, u, degree)
                bucket[u] = degree
                low = min(low, degree)
    return perm, count, lists[:used]


@njit(cache=True, nogil=True)
def sort_lists(rank: Array, count: Array, lists: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Neighbour lists in ascending ranks, and their transpose (two passes of bucket sorting).

    Returns ``start, near`` (row ``r`` holds ``near[start[r]:start[r + 1]]``) and ``back, rows, places``:
    rank ``a`` stands in the lists of ``rows[back[a]:back[a + 1]]``, at the positions ``places`` of ``near``.
    """
    n, total = count.size, lists.size
    start, back = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64)
    for r in range(n):
        start[r + 1] = start[r] + count[r]
    for k in range(total):
        back[rank[lists[k]] + 1] += 1
    for a in range(n):
        back[a + 1] += back[a]
    rows, free = np.empty(total, np.int64), back[:-1].copy()
    end = total
    for r in range(n):
        end -= count[r]
        for k in range(end, end + count[r]):
            a = rank[lists[k]]
            rows[free[a]] = r
            free[a] += 1
    near, places, free = np.empty(total, np.int64), np.empty(total, np.int64), start[:-1].copy()
    for a in range(n):
        for c in range(back[a], back[a + 1]):
            r = rows[c]
            near[free[r]] = a
            places[c] = free[r]
            free[r] += 1
    return start, near, back, rows, places


@njit(cache=True, nogil=True)
def ancestors(start: Array, near: Array, ranks: Array) -> Array:
    """List the `ranks` and all that lead upwards from them, ascending: the only rows that a sweep needs."""
    wanted = np.zeros(start.size - 1, np.bool_)
    for r in ranks:
        wanted[r] = True
    for r in range(wanted.size - 1, -1, -1):
        if wanted[r]:
            for k in range(start[r], start[r + 1]):
                wanted[near[k]] = True
    return np.flatnonzero(wanted)


@njit(cache=True, nogil=True)
def place_arcs(rank: Array, start: Array, near: Array, tails: Array, heads: Array) -> Array:
    """Position of every arc in ``near`` (by bisection); -1 for a loop."""
    slots = np.empty(tails.size, np.int64)
    for e in range(tails.size):
        a, b = rank[tails[e]], rank[heads[e]]
        high, low = max(a, b), min(a, b)
        if high == low:
            slots[e] = -1
            continue
        left, right = start[high], start[high + 1]
        while right - left > 1:
            middle = (left + right) // 2
            if near[middle] <= low:
                left = middle
            else:
                right = middle
        slots[e] = left
    return slots


@njit(cache=True, nogil=True)
def load_weights(slots: Array, downward: Array, weights: Array, up: Array, down: Array) -> None:
    """Smallest weight of each position: `up` from a rank to its later neighbour, `down` the other way."""
    for e in range(slots.size):
        k = slots[e]
        if k >= 0:
            side = down if downward[e] else up
            side[k] = min(side[k], weights[e])


@njit(cache=True, nogil=True)
def eliminate_weights(
    start: Array, near: Array, back: Array, rows: Array, places: Array, up: Array, down: Array, directed: bool
) -> None:
    """Min-plus elimination in place: paths over earlier nodes become arcs between their later neighbours."""
    n = start.size - 1
    x, z = np.empty(n), np.empty(n)
    for a in range(n - 1, -1, -1):
        for k in range(start[a], start[a + 1]):
            x[near[k]] = up[k]
            z[near[k]] = down[k]
        for c in range(back[a], back[a + 1]):
            p = places[c]
            w = down[p]
            for t in range(start[rows[c]], p):
                y = w + up[t]
                b = near[t]
                x[b] = y if y < x[b] else x[b]
            if directed:
                w = up[p]
                for t in range(start[rows[c]], p):
                    y = w + down[t]
                    b = near[t]
                    z[b] = y if y < z[b] else z[b]
        for k in range(start[a], start[a + 1]):
            up[k] = x[near[k]]
            if directed:
                down[k] = z[near[k]]


@njit(cache=True, nogil=True)
def eliminate_together(start: Array, near: Array, back: Array, rows: Array, places: Array, up: Array) -> None:
    """As `eliminate_weights` of an undirected network, `TOGETHER` sets of weights at a time: a row per position."""
    n = start.size - 1
    x = np.empty((n, TOGETHER))
    for a in range(n - 1, -1, -1):
        for k in range(start[a], start[a + 1]):
            for s in range(TOGETHER):
                x[near[k], s] = up[k, s]
        for c in range(back[a], back[a + 1]):
            w = up[places[c]]
            for t in range(start[rows[c]], places[c]):
                row, way = x[near[t]], up[t]
                for s in range(TOGETHER):
                    y = w[s] + way[s]
                    row[s] = y if y < row[s] else row[s]
        for k in range(start[a], start[a + 1]):
            for s in range(TOGETHER):
                up[k, s] = x[near[k], s]


@njit(cache=True, nogil=True)
def _relax_up(top: int, start: Array, near: Array, up: Array, panel: Array, reached: Array) -> None:
    """Carry the labels of the sources, from rank `top` down, to all ranks that lead upwards from them."""
    for r in range(top, -1, -1):
        if not reached[r]:
            continue
        row = panel[r]
        for k in range(start[r], start[r + 1]):
            u, w = near[k], up[k]
            other = panel[u]
            if reached[u]:
                for j in range(WIDTH):
                    y = w + row[j]
                    other[j] = y if y < other[j] else other[j]
            else:
                reached[u] = True
                for j in range(WIDTH):
                    other[j] = w + row[j]


@njit(cache=True, nogil=True)
def _relax_down(visit: Array, start: Array, near: Array, down: Array, panel: Array, reached: Array) -> None:
    """Settle the ranks of `visit`, ascending: each row is the minimum over its neighbours, by fours."""
    for r in visit:
        row = panel[r]
        if not reached[r]:
            for j in range(WIDTH):
                row[j] = np.inf
        k, end = start[r], start[r + 1]
        while k + 4 <= end:
            w0, w1, w2, w3 = down[k], down[k + 1], down[k + 2], down[k + 3]
            d0, d1, d2, d3 = panel[near[k]], panel[near[k + 1]], panel[near[k + 2]], panel[near[k + 3]]
            for j in range(WIDTH):
                y0, y1, y2, y3 = w0 + d0[j], w1 + d1[j], w2 + d2[j], w3 + d3[j]
                y0 = y1 if y1 < y0 else y0
                y2 = y3 if y3 < y2 else y2
                y0 = y2 if y2 < y0 else y0
                row[j] = y0 if y0 < row[j] else row[j]
            k += 4
        while k < end:
            w0, d0 = down[k], panel[near[k]]
            for j in range(WIDTH):
                y0 = w0 + d0[j]
                row[j] = y0 if y0 < row[j] else row[j]
            k += 1


@njit(cache=True, nogil=True)
def _settle_symmetric(
    group: Array,
    visit: Array,
    start: Array,
    near: Array,
    weights: Array,
    panel: Array,
    reached: Array,
    dist: Array,
) -> None:
    """Do both sweeps where all ranks are sources and arcs hold both ways: read lower ranks from `dist`."""
    r0, r1 = group[0], group[-1] + 1
    for u in range(r0):
        for c in range(group.size):
            panel[u, c] = dist[u, r0 + c]
    for r in range(r0, r1):
        _relax_down(visit[r : r + 1], start, near, weights, panel, reached)
        panel[r, r - r0] = 0
        for c in range(r - r0):
            panel[r0 + c, r - r0] = panel[r, c]
    _relax_down(visit[r1:], start, near, weights, panel, reached)


@njit(cache=True, nogil=True)
def sweep_panels(
    start: Array,
    near: Array,
    up: Array,
    down: Array,
    sources: Array,
    visit: Array,
    dist: Array,
    symmetric: bool,
) -> None:
    """Write the distances between the `sources` (ranks, ascending) to `dist`, `WIDTH` rows at a time."""
    n = start.size - 1
    panel = np.empty((n, WIDTH), dist.dtype)
    for first in range(0, sources.size, WIDTH):
        group = sources[first : first + WIDTH]
        reached = np.zeros(n, np.bool_)
        if symmetric and sources.size == n:
            _settle_symmetric(group, visit, start, near, up, panel, reached, dist)
        else:
            for c in range(group.size):
                reached[group[c]] = True
                for j in range(WIDTH):
                    panel[group[c], j] = np.inf
            for c in range(group.size):
                panel[group[c], c] = 0
            _relax_up(group[-1], start, near, up, panel, reached)
            _relax_down(visit, start, near, down, panel, reached)
        for c0 in range(0, group.size, STRIP):
            c1 = min(c0 + STRIP, group.size)
            for b in range(sources.size):
                row = panel[sources[b]]
                for c in range(c0, c1):
                    dist[first + c, b] = row[c]


@njit(cache=True, nogil=True)
def reorder(dist: Array, rank: Array) -> None:
    """Put rows and columns into the order `rank`, cycle by cycle; unsigned, so that no sign is tested."""
    m = dist.shape[0]
    done = np.zeros(m, np.bool_)
    held = np.empty(m, dist.dtype)
    for i in range(m):
        if done[i]:
            continue
        for c in range(m):
            held[c] = dist[i, rank[c]]
        j = np.int64(i)
        source = np.int64(rank[i])
        while source != i:
            row, old = dist[j], dist[source]
            for c in range(m):
                row[c] = old[rank[c]]
            done[j] = True
            j = source
            source = np.int64(rank[source])
        for c in range(m):
            dist[j, c] = held[c]
        done[j] = True
