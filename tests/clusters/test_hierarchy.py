"""The tree of communities on nested structures that are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from megalopolis.clusters.communities import community_runs, resolution_grid
from megalopolis.clusters.hierarchy import build_hierarchy, first_seen

FINE = np.repeat(np.arange(6), 5)  # six groups of five
COARSE = np.repeat(np.arange(3), 10)  # in three pairs


def nested_network():
    flow = 0.02 + 1.0 * (COARSE[:, None] == COARSE[None]) + 3.0 * (FINE[:, None] == FINE[None])
    np.fill_diagonal(flow, 0)
    return csr_matrix(flow)


def nested_tree(weight=None, order=None):
    network = nested_network()
    weight = np.arange(30, 0, -1.0) if weight is None else weight
    if order is not None:
        network, weight = csr_matrix(network[order][:, order]), weight[order]
    grid = resolution_grid(0.5, 4.0, 13)
    return build_hierarchy(community_runs(network, grid, runs=20, trips=20_000, seed=4), grid, weight)


def test_nested_blocks_are_recovered_exactly():
    tree = nested_tree()
    coarse = [b for b in tree.branches if len(b.members) == 10]
    fine = [b for b in tree.branches if len(b.members) == 5]
    assert len(tree.branches) == 9
    assert [b.members.tolist() for b in coarse] == [np.flatnonzero(k == COARSE).tolist() for k in range(3)]
    assert sorted(b.members.tolist() for b in fine) == [np.flatnonzero(k == FINE).tolist() for k in range(6)]
    for b in coarse:
        assert (b.level, b.parent, b.stability) == (0, None, 1.0)
    for b in fine:
        assert b.level == 1
        assert set(b.members) <= set(tree.branches[b.parent].members)
        assert b.resolution_low == pytest.approx(tree.branches[b.parent].resolution_high)


def test_the_heaviest_city_leads_and_ranks_are_unique():
    tree = nested_tree()
    assert [b.leader for b in tree.branches if len(b.members) == 10] == [0, 10, 20]
    keys = [(b.leader, b.rank) for b in tree.branches]
    assert len(set(keys)) == len(keys)
    assert [b.rank for b in tree.branches if b.leader == 0] == [1, 2]


def test_relabelled_cities_give_the_same_sets():
    order = np.random.default_rng(1).permutation(30)
    plain = {frozenset(b.members.tolist()): b.persistence for b in nested_tree().branches}
    mixed = {frozenset(order[b.members].tolist()): b.persistence for b in nested_tree(order=order).branches}
    assert plain.keys() == mixed.keys()
    for members, persistence in plain.items():
        # The draws differ, since each pair has its own random number: a step of the grid at most.
        assert mixed[members] == pytest.approx(persistence, abs=0.25)


def test_persistence_by_hand():
    # Three cities, grid 1, 2, 4, 8: 0 and 1 are together at 1, 2, 4; with 2 only at 1. The range is half a
    # step wider on either side: 0.707 to 11.31, four doublings. All three: one of four, from 0.707 to 1.414.
    # {0, 1}: 1.414 to 5.657.
    labels = np.array([[[0, 0, 0]], [[0, 0, 1]], [[0, 0, 1]], [[0, 1, 2]]], dtype=np.int32)
    tree = build_hierarchy(labels, np.array([1.0, 2, 4, 8]), np.array([1.0, 3, 2]))
    everything, pair = tree.branches
    assert everything.members.tolist() == [0, 1, 2]
    assert (everything.persistence, everything.resolution_high) == pytest.approx((1.0, 2**0.5))
    assert pair.members.tolist() == [0, 1]
    assert (pair.persistence, pair.parent, pair.leader) == (pytest.approx(2.0), 0, 1)
    assert (pair.resolution_low, pair.resolution_high) == pytest.approx((2**0.5, 2**2.5))
    for resolution, expected in zip([1, 2, 4, 8], labels[:, 0].tolist(), strict=True):
        assert tree.partition(resolution).tolist() == expected
    assert tree.partition(1e-6).tolist() == [0, 0, 0]
    assert tree.partition(1e6).tolist() == [0, 1, 2]


def test_short_lived_branches_are_left_to_their_parent():
    labels = np.array([[[0, 0, 0]], [[0, 0, 1]], [[0, 0, 1]], [[0, 1, 2]]], dtype=np.int32)
    tree = build_hierarchy(labels, np.array([1.0, 2, 4, 8]), np.ones(3), min_persistence=1.5)
    assert [b.members.tolist() for b in tree.branches] == [[0, 1]]
    assert (tree.branches[0].parent, tree.branches[0].level) == (None, 0)


@given(st.integers(0, 10_000), st.integers(2, 12))
def test_branches_are_nested_and_the_partition_is_monotone(seed, n):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, size=(5, 6, n)).astype(np.int32)
    grid = resolution_grid(0.5, 8, 5)
    tree = build_hierarchy(labels, grid, rng.random(n), min_persistence=0.0)
    masks = tree.masks()
    for a in masks:
        for b in masks:
            assert not (a & b).any() or (a <= b).all() or (b <= a).all()
    for b in tree.branches:
        assert b.parent is None or (masks[b.index] < masks[b.parent]).any()
        assert b.parent is None or b.level == tree.branches[b.parent].level + 1
        assert b.persistence == pytest.approx(np.log2(b.resolution_high / b.resolution_low))
        assert (b.city_stability >= 0).all()
        assert (b.city_stability <= 1).all()
    counts = [tree.partition(r).max() for r in grid]
    assert (np.diff(counts) >= 0).all()


def test_first_seen():
    assert first_seen([7, 3, 7, 9]).tolist() == [0, 1, 0, 2]


def test_hierarchy_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="do not fit"):
        build_hierarchy(np.zeros((2, 1, 3), dtype=np.int32), np.array([1.0, 2, 4]), np.ones(3))
