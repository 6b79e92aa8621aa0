"""Kernels of `megalopolis.travel.spread`: from many starts to all nodes over an elimination."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from megalopolis.units import Array

Index = npt.NDArray[np.int64]

#: Starts solved together: their rows of a network of some thousand nodes stay in the cache.
PANEL = 64


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def relax(start: Index, near: Index, up: Array, panel: Array) -> None:
    """Settle every node of a panel in place: first towards later nodes, then back from them.

    `panel` has a row per rank and a column per start; where a start is joined to a node it holds the minutes between
    them, else infinity. The arcs are undirected: the weight `up` holds both ways.
    """
    n, width = panel.shape
    for r in range(n - 1, -1, -1):
        mine = panel[r]
        for k in range(start[r], start[r + 1]):
            w, other = up[k], panel[near[k]]
            if w == np.inf:
                continue
            for c in range(width):
                way = mine[c] + w
                other[c] = min(other[c], way)
    for r in range(n):
        mine = panel[r]
        for k in range(start[r], start[r + 1]):
            w, other = up[k], panel[near[k]]
            if w == np.inf:
                continue
            for c in range(width):
                way = other[c] + w
                mine[c] = min(mine[c], way)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def settle(
    start: Index,
    near: Index,
    up: Array,
    out: tuple[Index, Index, Array],
    back: tuple[Index, Index, Array],
    found: Array,
) -> None:
    """Fill `found`, which holds infinity: a row per start, a column per place.

    `out` is the start, the rank of the node and the minutes of every way out; `back` the same of every way back to a
    place. One call for all, so that threads meet at the interpreter's lock as seldom as can be.
    """
    begin, at, minutes = out
    place, end, way = back
    n, starts = start.size - 1, found.shape[0]
    for first in range(0, starts, PANEL):
        last = min(first + PANEL, starts)
        panel = np.full((n, last - first), np.inf)
        for k in range(begin.size):
            if first <= begin[k] < last:
                c = begin[k] - first
                panel[at[k], c] = min(panel[at[k], c], minutes[k])
        relax(start, near, up, panel)
        for k in range(place.size):
            row = panel[end[k]]
            for c in range(last - first):
                total = row[c] + way[k]
                found[first + c, place[k]] = min(found[first + c, place[k]], total)
