"""Communities of rising resolution as one tree, and how long each of its branches persists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from megalopolis.clusters.communities import Labels, co_membership, stability

if TYPE_CHECKING:
    from megalopolis.units import Array

#: Two joins closer than this (share of the range of resolutions) happen at one resolution: rounding, not
#: structure.
SAME = 1e-9


@dataclass(frozen=True)
class Branch:
    """A cluster of the tree: a set of cities that stays together over a range of resolutions.

    Attributes
    ----------
    index : int
        Place in `Hierarchy.branches`; parents come before children.
    leader : int
        The city of largest weight: it names the branch.
    rank : int
        1 for the largest branch that this city leads, 2 for the next inside it, and so on: (leader, rank) is
        unique.
    level : int
        0 for a branch that is part of no other, else one more than its parent's.
    parent : int or None
        Index of the smallest branch that contains it.
    members : ndarray of int
        Cities, rising.
    resolution_low, resolution_high : float
        Above the first it is apart from the rest of its parent, above the second it falls apart itself.
    persistence : float
        Doublings of the resolution over which it exists, log2(high / low).
    stability : float
        Mean of `city_stability`.
    city_stability : ndarray, shape of members
        Share of runs, at the middle of its range, in which each city stays with it.
    """

    index: int
    leader: int
    rank: int
    level: int
    parent: int | None
    members: npt.NDArray[np.intp]
    resolution_low: float
    resolution_high: float
    persistence: float
    stability: float
    city_stability: Array


@dataclass(frozen=True)
class Hierarchy:
    """The tree of communities.

    Attributes
    ----------
    linkage : ndarray, shape (n - 1, 4)
        The full binary tree, as of scipy; heights are shares of the range of resolutions in which the two
        sides are apart.
    resolutions : ndarray, shape (q,)
        The grid.
    branches : tuple of Branch
        Those that persist, larger first.
    labels : ndarray of int, shape (q, runs, n)
        The runs behind it.
    """

    linkage: Array
    resolutions: Array
    branches: tuple[Branch, ...]
    labels: Labels

    @property
    def cities(self) -> int:
        """Number of cities."""
        return len(self.linkage) + 1

    def masks(self) -> npt.NDArray[np.bool_]:
        """Members of every branch, shape (branches, cities)."""
        mask = np.zeros((len(self.branches), self.cities), dtype=bool)
        for branch in self.branches:
            mask[branch.index, branch.members] = True
        return mask

    def partition(self, resolution: float) -> Labels:
        """Consensus communities at one resolution: the tree cut there.

        Labels from 0 in the order of the first city. Communities are nested between resolutions.
        """
        low, high = np.log(_span(self.resolutions))
        inner = 0.5 / len(self.resolutions)  # beyond the first and the last of the grid nothing is known
        place = float(np.clip((np.log(resolution) - low) / (high - low), inner, 1.0 - inner))
        # At a resolution those are together whose co-membership reaches beyond it.
        cut = fcluster(self.linkage, 1.0 - place - SAME, criterion="distance")
        return first_seen(cut)


def _span(resolutions: Array) -> tuple[float, float]:
    """Find the ends of the range that the grid stands for: half a step beyond its first and last value."""
    half = np.sqrt(resolutions[1] / resolutions[0])
    return float(resolutions[0] / half), float(resolutions[-1] * half)


def first_seen(labels: npt.ArrayLike) -> Labels:
    """Renumber labels from 0 in the order in which they first occur."""
    _, first, inverse = np.unique(np.asarray(labels), return_index=True, return_inverse=True)
    order = np.empty(len(first), dtype=np.int32)
    order[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return order[inverse]


def _unfold(
    tree: Array,
) -> tuple[Array, Array, npt.NDArray[np.intp], list[npt.NDArray[np.intp]]]:
    """Take a linkage apart: per node its height, that of the join above (1 at the root), parent, members."""
    n = len(tree) + 1
    above = np.ones(2 * n - 1)
    parent = np.full(2 * n - 1, -1)
    members = [np.array([k]) for k in range(n)]
    for k, (a, b) in enumerate(tree[:, :2].astype(int)):
        parent[[a, b]] = n + k
        above[[a, b]] = tree[k, 2]
        members.append(np.sort(np.concatenate([members[a], members[b]])))
    return np.concatenate([np.zeros(n), tree[:, 2]]), above, parent, members


def build_hierarchy(
    labels: Labels, resolutions: Array, weight: Array, *, min_persistence: float = 0.1, min_cities: int = 2
) -> Hierarchy:
    """Join the runs at all resolutions into one tree.

    The co-membership of two cities over an even grid of log-resolutions is the share of that range in which
    they are together (Jeub, Sporns and Fortunato, 2018); its average-linkage tree (Fred and Jain, 2005) is
    the consensus over runs and resolutions at once. A join at height h tells that its sides part at the
    resolution ``low (high / low)^(1 - h)``, low and high half a step beyond the grid.

    Parameters
    ----------
    labels : ndarray of int, shape (q, runs, n)
        From `community_runs`.
    resolutions : ndarray, shape (q,)
        Their resolutions, at equal steps of the logarithm.
    weight : ndarray, shape (n,)
        Population: the heaviest city leads a branch (a tie: the first).
    min_persistence : float
        Doublings of the resolution below which a branch is not kept; its parts then belong to its parent.
    min_cities : int
        Smaller branches are not kept.

    Returns
    -------
    Hierarchy
        With branches sorted by size, then leader; parents first.

    Raises
    ------
    ValueError
        Where labels, resolutions and weights do not fit, or fewer than two cities.
    """
    n = labels.shape[-1]
    if n < 2 or labels.shape[0] != len(resolutions) or len(weight) != n or np.isnan(weight).any():
        raise ValueError("Labels, resolutions and weights do not fit, or fewer than two cities.")
    apart = 1.0 - co_membership(labels)
    np.fill_diagonal(apart, 0.0)
    tree = linkage(squareform(apart, checks=False), "average")
    bottom, top = _span(resolutions)
    doublings = float(np.log2(top / bottom))
    height, above, parent, members = _unfold(tree)
    persistence = (above - height) * doublings
    kept = [
        k for k in range(n, 2 * n - 1) if persistence[k] >= max(min_persistence, SAME) and len(members[k]) >= min_cities
    ]
    leader = {k: int(members[k][weight[members[k]].argmax()]) for k in kept}
    kept.sort(key=lambda k: (-len(members[k]), leader[k]))
    place = {k: index for index, k in enumerate(kept)}
    branches: list[Branch] = []
    for index, k in enumerate(kept):
        up = _kept_above(k, parent, place)
        low, high = (float(bottom * 2 ** (doublings * (1.0 - h))) for h in (above[k], height[k]))
        middle = int(np.abs(np.log(resolutions) - 0.5 * np.log(low * high)).argmin())
        stays = stability(labels[middle], members[k])
        branches.append(
            Branch(
                index=index,
                leader=leader[k],
                rank=1 + sum(leader[other] == leader[k] for other in kept[:index]),
                level=0 if up is None else branches[up].level + 1,
                parent=up,
                members=members[k],
                resolution_low=low,
                resolution_high=high,
                persistence=float(persistence[k]),
                stability=float(stays.mean()),
                city_stability=stays,
            )
        )
    return Hierarchy(np.asarray(tree), resolutions, tuple(branches), labels)


def _kept_above(node: int, parent: npt.NDArray[np.intp], place: Mapping[int, int]) -> int | None:
    """Index of the nearest branch above a node that is kept; None at the top."""
    up = int(parent[node])
    while up >= 0 and up not in place:
        up = int(parent[up])
    return place[up] if up >= 0 else None
