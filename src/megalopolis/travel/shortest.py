"""Shortest minutes between all nodes, or all targets, of a static network.

Nodes are eliminated in the order of minimum degree, every elimination joining the remaining neighbours by
min-plus fill arcs. Distances from a group of sources are then carried up the order and swept down it again,
each row the minimum over the rows of its later neighbours, with a vector of sources as the inner loop;
where all pairs of an undirected network are wanted, the way up is read from the rows already swept. The
cost is O(fill x sources).

The method is algebraic path elimination (Carre 1971; minimum degree: Tinney and Walker 1967), known for
shortest paths from all pairs at low treewidth (Planken, de Weerdt and van der Krogt 2012), from the sweeps
of PHAST (Delling et al. 2013) and from customisable contraction hierarchies (Dibbelt, Strasser and Wagner
2016), whose split into a topological and a metric phase is kept: one `Elimination` serves any number of
weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from megalopolis.travel import _elimination as kernel

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

MAX_FILL_PER_NODE = 600
"""Arcs per node, fill included, above which Dijkstra's algorithm is preferred (measured)."""

MAX_NODES = 40_000
"""Nodes above which Dijkstra's algorithm is preferred: the ordering takes n^2 / 8 bytes."""


@dataclass(frozen=True)
class Elimination:
    """Order of elimination of one topology, and where each of its arcs goes.

    Attributes
    ----------
    n
        Number of nodes.
    targets
        Nodes whose distances are wanted, ``(m,)``.
    directed
        Whether arcs hold from tail to head only.
    rank
        Rank of each node, ``(n,)``; rank 0 is eliminated last.
    start, near
        Neighbours of lower rank of each rank, in compressed rows.
    back, rows, places
        The transpose of these lists.
    slots, downward
        Position in ``near`` of each arc, and whether it leads from the lower rank to the higher.
    visit
        Ranks whose rows are swept.
    """

    n: int
    targets: NDArray[np.int64]
    directed: bool
    rank: NDArray[np.int64]
    start: NDArray[np.int64]
    near: NDArray[np.int64]
    back: NDArray[np.int64]
    rows: NDArray[np.int64]
    places: NDArray[np.int64]
    slots: NDArray[np.int64]
    downward: NDArray[np.bool_]
    visit: NDArray[np.int64]


def _nodes(values: ArrayLike, n: int, what: str) -> NDArray[np.int64]:
    nodes = np.asarray(values, dtype=np.int64)
    if nodes.ndim != 1:
        raise ValueError(f"{what} must be a vector of node numbers, not of shape {nodes.shape}")
    if nodes.size and (nodes.min() < 0 or nodes.max() >= n):
        raise ValueError(f"{what} must lie in 0..{n - 1}, but run from {nodes.min()} to {nodes.max()}")
    return nodes


def _arcs(n: int, tails: ArrayLike, heads: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    t, h = _nodes(tails, n, "tails"), _nodes(heads, n, "heads")
    if t.size != h.size:
        raise ValueError(f"{t.size} tails but {h.size} heads")
    return t, h


def _minutes(weights: ArrayLike, arcs: int) -> NDArray[np.float64]:
    w = np.ascontiguousarray(weights, dtype=np.float64)
    if w.shape != (arcs,):
        raise ValueError(f"weights must have the shape ({arcs},), one per arc, not {w.shape}")
    if not (w >= 0).all():  # also false for NaN
        bad = int(np.flatnonzero(~(w >= 0))[0])
        raise ValueError(f"weights must be minutes of at least 0; arc {bad} has {w[bad]}")
    return w


def eliminate(
    n: int,
    tails: ArrayLike,
    heads: ArrayLike,
    targets: ArrayLike | None = None,
    *,
    directed: bool = False,
    max_fill_per_node: float = MAX_FILL_PER_NODE,
) -> Elimination | None:
    """Order the nodes of a network by minimum degree and find the fill (symbolic phase; needs no weights).

    Parameters
    ----------
    n
        Number of nodes.
    tails, heads
        End nodes of each arc, ``(arcs,)``; loops and parallel arcs are allowed.
    targets
        Nodes between which distances are wanted, ``(m,)``; all nodes if None.
    directed
        Whether arcs hold from tail to head only.
    max_fill_per_node
        Bound on the arcs per node, fill included.

    Returns
    -------
    Elimination or None
        None where the fill or the number of nodes exceeds its bound: prefer Dijkstra's algorithm.

    Raises
    ------
    ValueError
        Where a node number is out of range, a target is repeated, or tails and heads differ in number.
    """
    t, h = _arcs(n, tails, heads)
    wanted = np.arange(n, dtype=np.int64) if targets is None else _nodes(targets, n, "targets")
    if np.unique(wanted).size != wanted.size:
        raise ValueError("targets must not be repeated")
    if n > MAX_NODES:
        return None
    perm, count, lists = kernel.minimum_degree(n, t, h, int(max_fill_per_node * n))
    if count.sum() != lists.size:  # stopped at the bound
        return None
    rank = np.empty(n, dtype=np.int64)
    rank[perm] = np.arange(n)
    start, near, back, rows, places = kernel.sort_lists(rank, count, lists)
    slots = kernel.place_arcs(rank, start, near, t, h)
    downward = (rank[t] < rank[h]) & directed
    visit = kernel.ancestors(start, near, rank[wanted])
    return Elimination(n, wanted, directed, rank, start, near, back, rows, places, slots, downward, visit)


def sweep(elimination: Elimination, weights: ArrayLike, dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """Shortest minutes between the targets of an elimination, for one set of weights (numeric phase).

    Parameters
    ----------
    elimination
        Order and fill of the topology, from `eliminate`.
    weights
        Minutes of each arc, ``(arcs,)``, at least 0; infinity means that the arc is absent.
    dtype
        float64, or float32 for half the memory and up to twice the speed. The elimination is in float64
        either way; float32 rows stay within 1e-3 min of the exact distance where that is below 3,000 min.

    Returns
    -------
    ndarray
        Minutes from each target (row) to each target (column), ``(m, m)``; infinity where there is no way.

    Raises
    ------
    ValueError
        Where a weight is negative or NaN, or their number is not that of the arcs.
    """
    plan = elimination
    w = _minutes(weights, plan.slots.size)
    up = np.full(plan.near.size, np.inf)
    down = np.full(plan.near.size, np.inf) if plan.directed else up
    kernel.load_weights(plan.slots, plan.downward, w, up, down)
    kernel.eliminate_weights(plan.start, plan.near, plan.back, plan.rows, plan.places, up, down, plan.directed)
    m = plan.targets.size
    dist = np.empty((m, m), dtype=dtype)
    up = up.astype(dist.dtype)
    down = down.astype(dist.dtype) if plan.directed else up
    ranks = plan.rank[plan.targets]
    sources = np.sort(ranks)
    kernel.sweep_panels(plan.start, plan.near, up, down, sources, plan.visit, dist, not plan.directed)
    kernel.reorder(dist, np.searchsorted(sources, ranks).astype(np.uint32))
    return dist


def _graph(
    n: int, tails: NDArray[np.int64], heads: NDArray[np.int64], weights: NDArray[np.float64]
) -> tuple[csr_array, NDArray[np.int64]]:
    """Compressed rows with the lightest of parallel arcs, and the number of the arc behind each entry."""
    order = np.lexsort((weights, heads, tails))
    order = order[np.isfinite(weights[order]) & (tails[order] != heads[order])]
    key = tails[order] * n + heads[order]
    order = order[np.r_[True, key[1:] != key[:-1]]] if key.size else order
    start = np.r_[0, np.cumsum(np.bincount(tails[order], minlength=n))]
    return csr_array((weights[order], heads[order], start), shape=(n, n)), order


def dijkstra_minutes(
    n: int,
    tails: ArrayLike,
    heads: ArrayLike,
    weights: ArrayLike,
    targets: ArrayLike | None = None,
    *,
    directed: bool = False,
) -> NDArray[np.float64]:
    """As `shortest_minutes`, by Dijkstra's algorithm (1959, in scipy), for networks that fill in."""
    t, h = _arcs(n, tails, heads)
    graph, _ = _graph(n, t, h, _minutes(weights, t.size))
    if targets is None:
        return np.asarray(dijkstra(graph, directed=directed))
    wanted = _nodes(targets, n, "targets")
    return np.asarray(dijkstra(graph, directed=directed, indices=wanted))[:, wanted]


def shortest_minutes(
    n: int,
    tails: ArrayLike,
    heads: ArrayLike,
    weights: ArrayLike,
    targets: ArrayLike | None = None,
    *,
    directed: bool = False,
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """Shortest minutes between all nodes, or between the targets, of a network.

    Parameters
    ----------
    n, tails, heads, targets, directed
        The network, as in `eliminate`.
    weights
        Minutes of each arc, ``(arcs,)``, at least 0.
    dtype
        float32 (within 1e-3 min, see `sweep`), or float64 where minutes are to be added up further.

    Returns
    -------
    ndarray
        Minutes, ``(n, n)`` or ``(m, m)`` in the order of the targets; infinity where there is no way.

    Raises
    ------
    ValueError
        As `eliminate` and `sweep`.
    """
    elimination = eliminate(n, tails, heads, targets, directed=directed)
    if elimination is None:
        return dijkstra_minutes(n, tails, heads, weights, targets, directed=directed).astype(dtype)
    return sweep(elimination, weights, dtype)


def path(
    n: int,
    tails: ArrayLike,
    heads: ArrayLike,
    weights: ArrayLike,
    pair: tuple[int, int],
    *,
    directed: bool = False,
) -> NDArray[np.int64] | None:
    """Arcs of one shortest path, in the order of travel.

    Parameters
    ----------
    n, tails, heads, weights, directed
        The network, as in `shortest_minutes`.
    pair
        Origin and destination node.

    Returns
    -------
    ndarray or None
        Numbers of the arcs, ``(legs,)``; empty from a node to itself, None where there is no way.

    Raises
    ------
    ValueError
        As `shortest_minutes`.
    """
    t, h = _arcs(n, tails, heads)
    w = _minutes(weights, t.size)
    origin, destination = (int(v) for v in _nodes(pair, n, "pair"))
    if not directed:
        number = np.r_[np.arange(t.size), np.arange(t.size)]
        t, h, w = np.r_[t, h], np.r_[h, t], np.r_[w, w]
    else:
        number = np.arange(t.size)
    graph, order = _graph(n, t, h, w)
    before = dijkstra(graph, indices=origin, return_predecessors=True)[1]
    if origin != destination and before[destination] < 0:
        return None
    legs: list[int] = []
    node = destination
    while node != origin:
        previous = int(before[node])
        row = slice(graph.indptr[previous], graph.indptr[previous + 1])
        place = graph.indptr[previous] + int(np.searchsorted(graph.indices[row], node))
        legs.append(int(number[order[place]]))
        node = previous
    return np.asarray(legs[::-1], dtype=np.int64)
