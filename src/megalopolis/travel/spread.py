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

#: Places solved together: their rows of a network of some thousand nodes stay in the cache.
_PANEL = 64


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


def place_minutes(elimination: Elimination, weights: Array, out: Ways, back: Ways, places: int) -> Array:
    """Shortest minutes from every place, out by its ways, over the network, and back to every place by its ways.

    Parameters
    ----------
    elimination : Elimination
        Order and fill of the undirected network, without targets.
    weights : ndarray, shape (arcs,)
        Minutes of each arc, at least 0; infinity where it is absent.
    out, back : Ways
        Ways from places to the network, and from it to places.
    places : int
        Number of places.

    Returns
    -------
    ndarray, shape (places, places)
        Minutes from place (row) to place (column); infinity where there is no way.
    """
    plan = elimination
    if not out.place.size:
        return np.full((places, places), np.inf)
    up = np.full(plan.near.size, np.inf)
    _elimination.load_weights(plan.slots, plan.downward, weights, up, up)
    _elimination.eliminate_weights(plan.start, plan.near, plan.back, plan.rows, plan.places, up, up, False)  # noqa: FBT003
    at, end = plan.rank[out.node], plan.rank[back.node]
    found = np.full((places, places), np.inf)
    for first in range(0, places, _PANEL):
        last = min(first + _PANEL, places)
        inside = (out.place >= first) & (out.place < last)
        panel = np.full((plan.n, last - first), np.inf)
        _spread.join(out.place[inside] - first, at[inside], out.minutes[inside], panel)
        _spread.relax(plan.start, plan.near, up, panel)
        part = np.full((places, last - first), np.inf)
        _spread.gather(back.place, end, back.minutes, panel, part)
        found[first:last] = part.T
    return found


def place_minutes_by_dijkstra(
    arcs: tuple[int, Index, Index], weights: Array, out: Ways, back: Ways, places: int
) -> Array:
    """As `place_minutes`, by Dijkstra's algorithm (1959, in scipy), for networks that fill in.

    `arcs` are the number of nodes and the ends of the arcs.
    """
    n, tails, heads = arcs
    tail = np.concatenate([tails, heads, n + out.place, back.node])
    head = np.concatenate([heads, tails, out.node, n + places + back.place])
    minutes = np.concatenate([weights, weights, out.minutes, back.minutes])
    order = np.lexsort((minutes, head, tail))
    order = order[np.isfinite(minutes[order])]
    key = tail[order] * (n + 2 * places) + head[order]
    order = order[np.r_[True, key[1:] != key[:-1]]] if key.size else order  # the shortest of parallel arcs
    first = np.r_[0, np.cumsum(np.bincount(tail[order], minlength=n + 2 * places))]
    graph = csr_array((minutes[order], head[order], first), shape=(n + 2 * places, n + 2 * places))
    ends = np.arange(n, n + places)
    return np.asarray(dijkstra(graph, indices=ends)[:, ends + places])
