"""Kernels of `megalopolis.travel.spread`: from many starts to all nodes over an elimination."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from megalopolis.units import Array

Index = npt.NDArray[np.int64]


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
            for c in range(width):
                way = mine[c] + w
                other[c] = min(other[c], way)
    for r in range(n):
        mine = panel[r]
        for k in range(start[r], start[r + 1]):
            w, other = up[k], panel[near[k]]
            for c in range(width):
                way = other[c] + w
                mine[c] = min(mine[c], way)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def join(begin: Index, at: Index, minutes: Array, panel: Array) -> None:
    """Put the starts into an empty panel: `begin` is the column, `at` the row of each way."""
    for k in range(begin.size):
        panel[at[k], begin[k]] = min(panel[at[k], begin[k]], minutes[k])


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def gather(end: Index, at: Index, minutes: Array, panel: Array, found: Array) -> None:
    """Least of the panel's rows plus the way on, for every end: `found` has a row per end, a column per start."""
    for k in range(end.size):
        mine, row, way = panel[at[k]], found[end[k]], minutes[k]
        for c in range(row.size):
            total = mine[c] + way
            row[c] = min(row[c], total)
