"""Corridors: the clusters of every travel-time threshold at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from megalopolis.clusters.geometry import SpanningTree, length_km
from megalopolis.clusters.hierarchy import first_seen

if TYPE_CHECKING:
    from megalopolis.clusters.communities import Labels
    from megalopolis.units import Array


@dataclass(frozen=True)
class Growth:
    """The largest cluster as the threshold rises, one entry per distinct length in the spanning tree.

    Attributes
    ----------
    threshold : ndarray, shape (s,)
        Minutes, rising.
    clusters : ndarray of int, shape (s,)
        Number of clusters, single cities counted.
    cities, population : ndarray, shape (s,)
        Of the cluster that has the most cities (a tie: the most people).
    """

    threshold: Array
    clusters: npt.NDArray[np.int64]
    cities: npt.NDArray[np.int64]
    population: Array


@dataclass(frozen=True)
class Jump:
    """The window of thresholds in which the largest cluster grows most."""

    from_minutes: float
    to_minutes: float
    cities_before: int
    cities_after: int
    population_before: float
    population_after: float


@dataclass(frozen=True)
class Corridor:
    """A connected set of cities at one threshold."""

    members: npt.NDArray[np.intp]
    population: float
    length_km: float


def labels_at(tree: SpanningTree, threshold: float) -> Labels:
    """Clusters of cities joined by steps of at most `threshold` (single linkage; Gower and Ross, 1969).

    Returns
    -------
    ndarray of int32, shape (n,)
        Labels from 0 in the order of the first city.
    """
    short = tree.length <= threshold
    n = tree.cities
    joined = csr_matrix((np.ones(short.sum()), (tree.tail[short], tree.head[short])), shape=(n, n))
    return first_seen(connected_components(joined, directed=False)[1])


def growth(tree: SpanningTree, population: Array) -> Growth:
    """Follow the largest cluster over all thresholds (Rozenfeld et al., 2008; Arcaute et al., 2016).

    Parameters
    ----------
    tree : SpanningTree
        Of door-to-door minutes.
    population : ndarray, shape (n,)
        Persons; missing counts nothing.
    """
    root = np.arange(tree.cities)
    people = np.nan_to_num(np.asarray(population, dtype=np.float64)).copy()
    size = np.ones(tree.cities, dtype=np.int64)

    def find(k: int) -> int:
        while root[k] != k:
            root[k] = root[root[k]]
            k = int(root[k])
        return k

    best = (1, float(people.max(initial=0.0)))
    rows: list[tuple[float, int, int, float]] = []
    for m, (tail, head) in enumerate(zip(tree.tail.tolist(), tree.head.tolist(), strict=True)):
        a, b = find(tail), find(head)
        root[b] = a
        size[a] += size[b]
        people[a] += people[b]
        best = max(best, (int(size[a]), float(people[a])))
        row = (float(tree.length[m]), tree.cities - m - 1, *best)
        if rows and rows[-1][0] == row[0]:
            rows[-1] = row
        else:
            rows.append(row)
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    return Growth(
        np.array(columns[0], dtype=np.float64),
        np.array(columns[1], dtype=np.int64),
        np.array(columns[2], dtype=np.int64),
        np.array(columns[3], dtype=np.float64),
    )


def largest_jump(steps: Growth, window: float = 10.0) -> Jump | None:
    """Find the window of thresholds in which the largest cluster gains the most cities.

    Parameters
    ----------
    steps : Growth
        From `growth`.
    window : float
        Width in minutes. The window ends at the step that makes the jump; the earliest of equal ones counts.

    Returns
    -------
    Jump or None
        None where no two cities can reach each other.
    """
    if not len(steps.threshold):
        return None
    before = np.searchsorted(steps.threshold, steps.threshold - window, side="right") - 1
    cities = np.where(before >= 0, steps.cities[before], 1)
    people = np.where(before >= 0, steps.population[before], 0.0)
    k = int((steps.cities - cities).argmax())
    end = float(steps.threshold[k])
    return Jump(
        max(end - window, 0.0),
        end,
        int(cities[k]),
        int(steps.cities[k]),
        float(people[k]),
        float(steps.population[k]),
    )


def corridors(
    tree: SpanningTree, threshold: float, population: Array, lon: Array, lat: Array, *, min_cities: int = 3
) -> list[Corridor]:
    """Clusters at one threshold with their people and length, the most populous first.

    Parameters
    ----------
    tree : SpanningTree
        Of door-to-door minutes.
    threshold : float
        Minutes.
    population : ndarray, shape (n,)
        Persons; missing counts nothing.
    lon, lat : ndarray, shape (n,)
        Degrees.
    min_cities : int
        Smaller ones are left out.
    """
    labels = labels_at(tree, threshold)
    people = np.nan_to_num(population)
    found = []
    for label in np.flatnonzero(np.bincount(labels) >= min_cities):
        members = np.flatnonzero(labels == label)
        found.append(Corridor(members, float(people[members].sum()), length_km(lon[members], lat[members])))
    return sorted(found, key=lambda c: (-c.population, int(c.members[0])))
