"""Distances on a tree and neighbourhood of points: what lengths and contiguity are measured on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.spatial import Delaunay, KDTree, QhullError

from megalopolis.units import Array, great_circle_km, great_circle_matrix


@dataclass(frozen=True)
class SpanningTree:
    """Minimum spanning tree (or forest) of n places, edges by rising length.

    Attributes
    ----------
    cities : int
        n.
    tail, head : ndarray of int, shape (m,)
        Ends of the edges, m <= n - 1.
    length : ndarray, shape (m,)
        Rising, in the unit of the matrix.
    """

    cities: int
    tail: npt.NDArray[np.intp]
    head: npt.NDArray[np.intp]
    length: Array


def spanning_tree(distance: Array) -> SpanningTree:
    """Minimum spanning tree of a full matrix, by Prim (1957); ties go to the lowest index.

    Parameters
    ----------
    distance : ndarray, shape (n, n)
        Non-negative. Where the two directions differ the longer counts: each must reach the other. Infinite:
        no way.

    Returns
    -------
    SpanningTree
        A forest where some places cannot be reached.

    Raises
    ------
    ValueError
        For missing or negative distances, or a matrix that is not square.
    """
    n = len(distance)
    if distance.shape != (n, n) or np.isnan(distance).any() or (distance < 0).any():
        raise ValueError("A spanning tree needs a square matrix of known, non-negative distances.")
    both = np.maximum(distance, distance.T)
    near = np.full(n, np.inf)
    source = np.zeros(n, dtype=np.intp)
    outside = np.ones(n, dtype=bool)
    edges: list[tuple[float, int, int]] = []
    for _ in range(n):
        new = int(np.where(outside, near, np.inf).argmin())
        if not outside[new] or np.isinf(near[new]):
            new = int(outside.argmax())  # the first place, or the next part of a forest
        else:
            edges.append((float(near[new]), int(source[new]), new))
        outside[new] = False
        closer = outside & (both[new] < near)
        near[closer] = both[new][closer]
        source[closer] = new
    edges.sort(key=lambda edge: (edge[0], min(edge[1:]), max(edge[1:])))
    tail = np.array([edge[1] for edge in edges], dtype=np.intp)
    head = np.array([edge[2] for edge in edges], dtype=np.intp)
    return SpanningTree(n, tail, head, np.array([edge[0] for edge in edges], dtype=np.float64))


def longest_path(distance: Array) -> float:
    """Length of the longest path in the minimum spanning tree of a full matrix.

    Parameters
    ----------
    distance : ndarray, shape (m, m)
        Finite, symmetric.

    Returns
    -------
    float
        In the unit of the matrix; 0 for fewer than two places.
    """
    m = len(distance)
    if m < 2:
        return 0.0
    tree = spanning_tree(distance)
    graph: list[list[tuple[int, float]]] = [[] for _ in range(m)]
    for a, b, w in zip(tree.tail.tolist(), tree.head.tolist(), tree.length.tolist(), strict=True):
        graph[a].append((b, w))
        graph[b].append((a, w))

    def farthest(start: int) -> tuple[float, int]:
        best, stack = (0.0, start), [(start, -1, 0.0)]
        while stack:
            node, back, far = stack.pop()
            best = max(best, (far, node))
            stack.extend((other, node, far + w) for other, w in graph[node] if other != back)
        return best

    return farthest(farthest(0)[1])[0]  # two sweeps find the diameter of a tree (Bulterman et al., 2002)


def length_km(lon: Array, lat: Array) -> float:
    """Length of a cluster: the longest path in the minimum spanning tree of great-circle distances, km."""
    return longest_path(great_circle_matrix(lon, lat))


def neighbours(lon: Array, lat: Array) -> csr_matrix:
    """Join neighbouring cities: the Gabriel graph (Gabriel and Sokal, 1969) with the minimum spanning tree.

    Two cities are neighbours where no third lies in the circle of which they are the diameter. It needs no
    borders.

    Parameters
    ----------
    lon, lat : ndarray, shape (n,)
        Degrees.

    Returns
    -------
    csr_matrix, shape (n, n)
        Symmetric; entries are great-circle km, at least 0.001.
    """
    n = len(lon)
    middle = np.cos(np.radians(lat.mean())) if n else 1.0
    try:
        triangles = Delaunay(np.column_stack([lon * middle, lat])).simplices
        pairs = np.vstack([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]])
    except (QhullError, ValueError):  # fewer than three cities, or all on a line
        pairs = np.array([(i, j) for i in range(n) for j in range(i)], dtype=np.intp).reshape(-1, 2)
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    phi, lam = np.radians(lat), np.radians(lon)
    points = np.column_stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
    centre = points[pairs].mean(axis=1)
    radius = 0.5 * np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    empty = KDTree(points).query(centre)[0] >= radius * (1 - 1e-9) if len(pairs) else np.zeros(0, dtype=bool)
    tree = spanning_tree(great_circle_matrix(lon, lat))
    pairs = np.vstack([pairs[empty], np.column_stack([tree.tail, tree.head])])
    i, j = np.unique(np.sort(pairs, axis=1), axis=0).T
    km = np.maximum(great_circle_km(lon[i], lat[i], lon[j], lat[j]), 0.001)
    return csr_matrix((np.r_[km, km], (np.r_[i, j], np.r_[j, i])), shape=(n, n))
