"""Shortest minutes between places beside a network, such as cities and the stations that they use.

Every place is joined to nodes by ways of its own, and no path leads through a place. An upward and a downward pass over
an elimination settle all nodes from all places at once (one-to-many queries in contraction hierarchies: Delling,
Goldberg, Nowatzyk and Werneck 2013), a vector minimum over the places at each arc.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from megalopolis.travel import _elimination, _spread
from megalopolis.travel.shortest import Elimination
from megalopolis.units import Array

Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Ways:
    """Ways between places and nodes.

    Attributes
    ----------
    place, node : ndarray of int, shape (ways,)
        Ends of each way.
    minutes : ndarray, shape (ways,)
        At least 0.
    """

    place: Index
    node: Index
    minutes: Array


def place_minutes(elimination: Elimination, weights: Array, ways: Ways, places: int, origins: Index) -> Array:
    """Shortest minutes from places by their ways, over the network, and by the ways of every other place to it.

    Parameters
    ----------
    elimination : Elimination
        Order and fill of the undirected network, without targets.
    weights : ndarray, shape (arcs,)
        Minutes of each arc, at least 0; infinity where it is absent.
    ways : Ways
        Ways between places and the network, in both directions.
    places : int
        Number of places.
    origins : ndarray of int
        Places to start from, rising.

    Returns
    -------
    ndarray, shape (places, places)
        Minutes from place (row) to place (column); infinity where there is no way, and in the rows of other places.
    """
    plan = elimination
    found = np.full((places, places), np.inf)
    starts = np.intersect1d(origins, ways.place)
    if not starts.size:
        return found
    up = np.full(plan.near.size, np.inf)
    _elimination.load_weights(plan.slots, plan.downward, weights, up, up)
    _elimination.eliminate_weights(plan.start, plan.near, plan.back, plan.rows, plan.places, up, up, False)  # noqa: FBT003
    column = np.full(places, -1, dtype=np.int64)
    column[starts] = np.arange(starts.size)
    begin = column[ways.place]
    used = begin >= 0
    rows = np.full((places, starts.size), np.inf)
    _spread.settle(
        plan.start,
        plan.near,
        up,
        (begin[used], plan.rank[ways.node[used]], ways.minutes[used]),
        (ways.place, plan.rank[ways.node], ways.minutes),
        rows,
    )
    found[starts] = rows.T
    return found


def later_weights(elimination: Elimination, weights: Array) -> Array:
    """Eliminate the nodes of an undirected network under several sets of weights.

    Parameters
    ----------
    elimination : Elimination
        Order and fill of the network, without targets.
    weights : ndarray, shape (sets, arcs)
        Minutes of each arc, at least 0; infinity where it is absent.

    Returns
    -------
    ndarray, shape (sets, positions)
        Minutes from each node to its later neighbours, as `node_to_place_minutes` takes them.
    """
    plan = elimination
    found = np.full((len(weights), plan.near.size), np.inf)
    for own, up in zip(weights, found, strict=True):
        _elimination.load_weights(plan.slots, plan.downward, own, up, up)
    for first in range(0, len(weights), _elimination.TOGETHER):
        part = found[first : first + _elimination.TOGETHER]
        together = np.full((plan.near.size, _elimination.TOGETHER), np.inf)
        together[:, : len(part)] = part.T
        _elimination.eliminate_together(plan.start, plan.near, plan.back, plan.rows, plan.places, together)
        part[:] = together[:, : len(part)].T
    return found


def node_to_place_minutes(elimination: Elimination, up: Array, nodes: Index, ways: Ways, places: int) -> Array:
    """Shortest minutes from nodes to places over the network.

    Parameters
    ----------
    elimination : Elimination
        Order and fill of the undirected network, without targets.
    up : ndarray, shape (positions,)
        One set of weights, from `later_weights`.
    nodes : ndarray of int
        Nodes to start from.
    ways : Ways
        Ways from the network to places.
    places : int
        Number of places.

    Returns
    -------
    ndarray, shape (places, nodes)
        Minutes; infinity where there is no way.
    """
    plan = elimination
    found = np.full((places, nodes.size), np.inf)
    out = np.arange(nodes.size), plan.rank[nodes], np.zeros(nodes.size)
    _spread.settle(plan.start, plan.near, up, out, (ways.place, plan.rank[ways.node], ways.minutes), found)
    return found


def node_minutes(
    elimination: Elimination | None, arcs: tuple[int, Index, Index], weights: Array, start: Ways, columns: int
) -> Array:
    """Shortest minutes to all nodes of an undirected network.

    Parameters
    ----------
    elimination : Elimination or None
        Order and fill of the network, without targets; None for Dijkstra's algorithm.
    arcs : tuple
        Number of nodes and the ends of the arcs.
    weights : ndarray, shape (arcs,)
        Minutes of each arc; infinity where it is absent.
    start : Ways
        Where every column (its places) begins: nodes, and minutes at them.
    columns : int
        Number of columns.

    Returns
    -------
    ndarray, shape (nodes, columns)
        Minutes; infinity where there is no way.
    """
    n, tails, heads = arcs
    if elimination is None:
        found = place_minutes_by_dijkstra(
            (n, tails, heads),
            weights,
            Ways(
                np.r_[start.place, columns + np.arange(n)],
                np.r_[start.node, np.arange(n)],
                np.r_[start.minutes, np.zeros(n)],
            ),
            columns + n,
            np.arange(columns),
        )
        return found[:columns, columns:].T
    plan = elimination
    up = np.full(plan.near.size, np.inf)
    _elimination.load_weights(plan.slots, plan.downward, weights, up, up)
    _elimination.eliminate_weights(plan.start, plan.near, plan.back, plan.rows, plan.places, up, up, False)  # noqa: FBT003
    panel = np.full((n, columns), np.inf)
    np.minimum.at(panel, (plan.rank[start.node], start.place), start.minutes)
    everywhere = np.ones(n, dtype=np.bool_)
    _spread.rise(plan.start, plan.near, up, panel, everywhere)
    _spread.fall(plan.start, plan.near, up, panel, everywhere)
    return np.asarray(panel[plan.rank])


def place_minutes_by_dijkstra(
    arcs: tuple[int, Index, Index], weights: Array, ways: Ways, places: int, origins: Index
) -> Array:
    """As `place_minutes`, by Dijkstra's algorithm (1959, in scipy), for networks that fill in.

    `arcs` are the number of nodes and the ends of the arcs.
    """
    n, tails, heads = arcs
    tail = np.concatenate([tails, heads, n + ways.place, ways.node])
    head = np.concatenate([heads, tails, ways.node, n + places + ways.place])
    minutes = np.concatenate([weights, weights, ways.minutes, ways.minutes])
    order = np.lexsort((minutes, head, tail))
    order = order[np.isfinite(minutes[order])]
    key = tail[order] * (n + 2 * places) + head[order]
    order = order[np.r_[True, key[1:] != key[:-1]]] if key.size else order  # the shortest of parallel arcs
    first = np.r_[0, np.cumsum(np.bincount(tail[order], minlength=n + 2 * places))]
    graph = csr_array((minutes[order], head[order], first), shape=(n + 2 * places, n + 2 * places))
    found = np.full((places, places), np.inf)
    if origins.size:
        found[origins] = dijkstra(graph, indices=n + origins)[:, n + places :]
    return found
