"""Kernels of `megalopolis.travel.spread`: from many starts to all nodes over an elimination."""

# A bare select vectorises where min() would test for NaN.
# ruff: noqa: FURB136
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from megalopolis.units import Array

Index = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

#: Starts solved together: their rows of a network of some thousand nodes stay in the cache.
PANEL = 64


@njit(cache=True, nogil=True)
def rise(start: Index, near: Index, up: Array, panel: Array, live: Mask) -> None:
    """Settle every node of a panel in place from the earlier ones, in the order of elimination.

    `panel` has a row per rank and a column per start; where a start is joined to a node it holds the minutes between
    them, else infinity. The arcs are undirected: the weight `up` holds both ways. `live` marks the rows that hold a
    finite number; those that are reached are marked as well.
    """
    n, width = panel.shape
    for r in range(n - 1, -1, -1):
        if not live[r]:
            continue
        mine = panel[r]
        for k in range(start[r], start[r + 1]):
            w, other = up[k], panel[near[k]]
            if w == np.inf:
                continue
            live[near[k]] = True
            for c in range(width):
                way = mine[c] + w
                other[c] = way if way < other[c] else other[c]


@njit(cache=True, nogil=True)
def fall(start: Index, near: Index, up: Array, panel: Array, wanted: Mask) -> None:
    """Settle the wanted nodes in place from the later ones, after `rise`; `above` the wanted all are wanted."""
    n, width = panel.shape
    for r in range(n):
        if not wanted[r]:
            continue
        mine = panel[r]
        for k in range(start[r], start[r + 1]):
            w, other = up[k], panel[near[k]]
            if w == np.inf:
                continue
            for c in range(width):
                way = other[c] + w
                mine[c] = way if way < mine[c] else mine[c]


@njit(cache=True, nogil=True)
def above(start: Index, near: Index, up: Array, wanted: Mask) -> None:
    """Mark all later nodes that a marked node has an arc to."""
    for r in range(wanted.size - 1, -1, -1):
        if wanted[r]:
            for k in range(start[r], start[r + 1]):
                if up[k] < np.inf:
                    wanted[near[k]] = True


@njit(cache=True, nogil=True)
def settle(
    start: Index,
    near: Index,
    up: Array,
    out: tuple[Index, Index, Array],
    back: tuple[Index, Index, Array],
    found: Array,
) -> None:
    """Fill `found`, which holds infinity: a row per place, a column per start.

    `out` is the start, the rank of the node and the minutes of every way out; `back` the same of every way back to a
    place. One call for all, so that threads meet at the interpreter's lock as seldom as can be.
    """
    begin, at, minutes = out
    place, end, way = back
    n, starts = start.size - 1, found.shape[1]
    wanted = np.zeros(n, dtype=np.bool_)
    for k in range(end.size):
        wanted[end[k]] = True
    above(start, near, up, wanted)
    for first in range(0, starts, PANEL):
        last = min(first + PANEL, starts)
        panel, live = np.full((n, last - first), np.inf), np.zeros(n, dtype=np.bool_)
        for k in range(begin.size):
            if first <= begin[k] < last:
                c = begin[k] - first
                panel[at[k], c] = min(panel[at[k], c], minutes[k])
                live[at[k]] = True
        rise(start, near, up, panel, live)
        fall(start, near, up, panel, wanted)
        for k in range(place.size):
            row, total = panel[end[k]], found[place[k], first:last]
            for c in range(row.size):
                here = row[c] + way[k]
                total[c] = here if here < total[c] else total[c]
