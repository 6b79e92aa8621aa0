"""Found clusters against planned ones: overlap, null baselines, maturity, and what a plan changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import connected_components, dijkstra

from megalopolis.clusters.hierarchy import SAME

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from megalopolis.units import Array

Mask = npt.NDArray[np.bool_]
Maturity = Literal["established", "forming", "on paper"]

#: Jaccard at or above which a cluster counts as found, and below which it counts as dissolved.
#: Hennig (2007), Computational Statistics and Data Analysis 52: 0.75 a valid, stable cluster, 0.6 to 0.75 a
#: pattern whose members are in doubt.
FOUND, DOUBTFUL = 0.75, 0.6
#: Share of flows that stay inside: most of them, and a third, below which outside ties prevail two to one.
#: Assumed.
HELD, PAPER = 0.5, 1 / 3


def jaccard(a: Mask, b: Mask, weight: Array) -> float:
    """Weight of what two sets share over the weight of what either has (Jaccard, 1901).

    Parameters
    ----------
    a, b : ndarray of bool, shape (n,)
        Members.
    weight : ndarray, shape (n,)
        Persons.

    Returns
    -------
    float
        Between 0 and 1; 0 for two empty sets.
    """
    either = weight[a | b].sum()
    return float(weight[a & b].sum() / either) if either > 0 else 0.0


@dataclass(frozen=True)
class Match:
    """The branch that fits a planned cluster best.

    Attributes
    ----------
    branch : int or None
        Row of the masks; None where there are no branches.
    jaccard : float
        Weighted.
    missing, extra : ndarray of int
        Planned cities that the branch lacks, and its cities that are not planned.
    """

    branch: int | None
    jaccard: float
    missing: npt.NDArray[np.intp]
    extra: npt.NDArray[np.intp]


def best_branch(planned: Mask, branches: npt.NDArray[np.bool_], weight: Array) -> Match:
    """Find the branch with the largest weighted Jaccard (a tie: the first).

    Choosing after seeing the answer flatters: report `best_random` beside it.

    Parameters
    ----------
    planned : ndarray of bool, shape (n,)
        Planned members.
    branches : ndarray of bool, shape (b, n)
        `Hierarchy.masks`, or any other sets.
    weight : ndarray, shape (n,)
        Persons.
    """
    if not len(branches):
        return Match(None, 0.0, np.flatnonzero(planned), np.empty(0, dtype=np.intp))
    both = (branches & planned) @ weight
    either = (branches | planned) @ weight
    score = np.divide(both, either, out=np.zeros(len(both)), where=either > 0)
    k = int(score.argmax())
    return Match(k, float(score[k]), np.flatnonzero(planned & ~branches[k]), np.flatnonzero(branches[k] & ~planned))


def _contingency(a: npt.NDArray[np.int_], b: npt.NDArray[np.int_]) -> Array:
    _, i = np.unique(a, return_inverse=True)
    _, j = np.unique(b, return_inverse=True)
    table = np.zeros((i.max() + 1, j.max() + 1))
    np.add.at(table, (i, j), 1.0)
    return table


def normalized_mutual_information(a: npt.NDArray[np.int_], b: npt.NDArray[np.int_]) -> float:
    """Mutual information of two partitions over the mean of their entropies (Danon et al., 2005, eq. 2).

    Parameters
    ----------
    a, b : ndarray of int, shape (n,)
        Labels. It hides merges: never show it alone.

    Returns
    -------
    float
        0 to 1; 1 where both put all cities into one cluster.
    """
    table = _contingency(a, b) / len(a)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    entropy = -(rows @ np.log(rows)) - columns @ np.log(columns)
    if entropy <= 0:
        return 1.0
    some = table > 0
    information = (table[some] * np.log(table[some] / np.outer(rows, columns)[some])).sum()
    return float(np.clip(2.0 * information / entropy, 0.0, 1.0))


def adjusted_rand_index(a: npt.NDArray[np.int_], b: npt.NDArray[np.int_]) -> float:
    """Agreement of two partitions on pairs, corrected for chance (Hubert and Arabie, 1985, eq. 5).

    Parameters
    ----------
    a, b : ndarray of int, shape (n,)
        Labels.

    Returns
    -------
    float
        At most 1; 0 is expected by chance.
    """
    table = _contingency(a, b)

    def pairs(count: Array) -> float:
        return float((count * (count - 1) / 2).sum())

    together, rows, columns = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    everything = len(a) * (len(a) - 1) / 2
    expected = rows * columns / everything if everything else 0.0
    most = 0.5 * (rows + columns)
    return 1.0 if most == expected else float((together - expected) / (most - expected))


def contiguity(members: npt.NDArray[np.intp], neighbours: csr_matrix, weight: Array) -> float:
    """Share of a cluster's weight in its largest connected part.

    Parameters
    ----------
    members : ndarray of int, shape (m,)
        Cities of the cluster.
    neighbours : csr_matrix, shape (n, n)
        From `geometry.neighbours`.
    weight : ndarray, shape (n,)
        Persons.

    Returns
    -------
    float
        1 where the cluster is in one piece.
    """
    part = connected_components(neighbours[members][:, members], directed=False)[1]
    people = np.bincount(part, weight[members])
    return float(people.max() / people.sum()) if people.sum() > 0 else np.nan


def groups(labels: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Turn labels (the provinces, for the provinces baseline) into masks, sorted by label.

    Parameters
    ----------
    labels : ndarray, shape (n,)
        Text or numbers.

    Returns
    -------
    ndarray of bool, shape (groups, n)
    """
    names = np.unique(labels)
    return np.asarray(labels[None, :] == names[:, None])


def distance_only_minutes(minutes: Array, km: Array, *, within_km: float = 300.0) -> Array:
    """Make times that know nothing but distance: km at the median pace of the real times.

    Parameters
    ----------
    minutes, km : ndarray, shape (n, n)
        Door-to-door times and great-circle km.
    within_km : float
        Only pairs up to this distance set the pace, since they carry the flows.

    Returns
    -------
    ndarray, shape (n, n)
        Minutes proportional to km.

    Raises
    ------
    ValueError
        Where no pair is within the distance.
    """
    use = (km > 0) & (km <= within_km) & np.isfinite(minutes)
    if not use.any():
        raise ValueError(f"No two cities lie within {within_km:g} km of each other.")
    return np.asarray(km * np.median(minutes[use] / km[use]))


def random_groups(
    sizes: npt.NDArray[np.int_], neighbours: csr_matrix, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Draw contiguous groups of given sizes at random places.

    Each grows from a random city over the neighbourhood graph by first passage with exponential waiting
    times, that is as an Eden cluster (Eden, 1961; Hammersley and Welsh, 1965).

    Parameters
    ----------
    sizes : ndarray of int, shape (g,)
        Number of cities of each group.
    neighbours : csr_matrix, shape (n, n)
        Connected, symmetric.
    rng : numpy.random.Generator
        Seeded by the caller.

    Returns
    -------
    ndarray of bool, shape (g, n)
        A group is smaller than asked for only where its part of the graph is.
    """
    n = neighbours.shape[0]
    graph = neighbours.copy()
    graph.data = rng.exponential(size=graph.nnz)
    order = dijkstra(graph, indices=rng.integers(n, size=len(sizes)))
    nearest = np.argsort(order, axis=1, kind="stable")
    masks = np.zeros((len(sizes), n), dtype=bool)
    for k, size in enumerate(sizes):
        masks[k, nearest[k, :size]] = True
    return np.asarray(masks & np.isfinite(order))


def best_random(
    planned: npt.NDArray[np.bool_],
    sizes: npt.NDArray[np.int_],
    neighbours: csr_matrix,
    weight: Array,
    *,
    draws: int = 20,
    seed: int = 0,
) -> Array:
    """Best-branch Jaccard that random contiguous groups of the branches' own sizes reach.

    It is the part of the score that comes from choosing the best of many after seeing the answer.

    Parameters
    ----------
    planned : ndarray of bool, shape (p, n)
        Planned clusters.
    sizes : ndarray of int, shape (b,)
        Number of cities of each branch.
    neighbours : csr_matrix, shape (n, n)
        From `geometry.neighbours`.
    weight : ndarray, shape (n,)
        Persons.
    draws : int
        Sets of groups drawn.
    seed : int
        Same seed, same answer.

    Returns
    -------
    ndarray, shape (draws, p)
        Its mean over draws is the baseline, its spread the luck in it.
    """
    rng = np.random.default_rng(seed)
    score = np.zeros((draws, len(planned)))
    for d in range(draws):
        masks = random_groups(sizes, neighbours, rng)
        score[d] = [best_branch(p, masks, weight).jaccard for p in planned]
    return score


def found_range(
    planned: Mask, branches: npt.NDArray[np.bool_], persistence: Array, weight: Array, least: float = FOUND
) -> float:
    """Doublings of the resolution over which a planned cluster is found, whichever branch shows it.

    The tree loses a small city at one resolution and another at the next; each is a branch of its own. At
    every resolution at most one branch matches by more than a half, so their ranges add up.

    Parameters
    ----------
    planned : ndarray of bool, shape (n,)
        Planned members.
    branches : ndarray of bool, shape (b, n)
        From `Hierarchy.masks`.
    persistence : ndarray, shape (b,)
        Doublings of each branch.
    weight : ndarray, shape (n,)
        Persons.
    least : float
        Jaccard that counts as found, above 0.5.
    """
    match = np.array([jaccard(planned, branch, weight) for branch in branches])
    return float(persistence[match >= least].sum()) if len(match) else 0.0


def maturity(match: float, cohesion: float, persistence: float, *, typical_persistence: float) -> Maturity:
    """Verdict on a planned cluster, by one rule for all.

    established: a branch matches it (Jaccard at least 0.75), most of the planned cities' flows stay inside,
    and such branches last at least as long over resolutions as the median branch of the region. on paper: no
    branch reaches 0.6, or less than a third of the flows stays inside. forming: anything between.

    Parameters
    ----------
    match : float
        Weighted Jaccard of the best branch; thresholds of Hennig (2007).
    cohesion : float
        Of the planned cities (`measures.cohesion`).
    persistence, typical_persistence : float
        Doublings of the resolution: over which the planned cluster is found (`found_range`), and the median
        over all branches.
    """
    if match < DOUBTFUL or cohesion < PAPER:
        return "on paper"
    lasting = persistence >= typical_persistence - SAME
    return "established" if match >= FOUND and cohesion >= HELD and lasting else "forming"


@dataclass(frozen=True)
class Change:
    """What differs between two partitions of the same cities.

    Attributes
    ----------
    counterpart : ndarray of int, shape (clusters before,)
        For each cluster before, the one after that holds most of its weight.
    moved : ndarray of int
        Cities that are not in the counterpart of their cluster.
    merged : tuple of tuple of int
        Clusters before that have one counterpart, by groups of two or more.
    split : ndarray of int
        Clusters before of which the counterpart holds less than half.
    """

    counterpart: npt.NDArray[np.intp]
    moved: npt.NDArray[np.intp]
    merged: tuple[tuple[int, ...], ...]
    split: npt.NDArray[np.intp]


def change(before: npt.NDArray[np.int_], after: npt.NDArray[np.int_], weight: Array) -> Change:
    """Say which clusters merge or split and which cities change theirs.

    Parameters
    ----------
    before, after : ndarray of int, shape (n,)
        Labels from 0 without gaps, as of `Hierarchy.partition` at the same resolution.
    weight : ndarray, shape (n,)
        Persons.
    """
    table = np.zeros((before.max() + 1, after.max() + 1))
    np.add.at(table, (before, after), weight)
    counterpart = table.argmax(axis=1)
    kept = table.max(axis=1) / np.maximum(table.sum(axis=1), np.finfo(float).tiny)
    merged = tuple(
        tuple(np.flatnonzero(counterpart == k).tolist()) for k in np.unique(counterpart) if (counterpart == k).sum() > 1
    )
    moved = np.flatnonzero(after != counterpart[before])
    return Change(counterpart, moved, merged, np.flatnonzero(kept < 0.5))
