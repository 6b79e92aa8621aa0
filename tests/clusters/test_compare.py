"""Comparison with planned clusters against numbers worked by hand and brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from megalopolis.clusters import compare as c
from megalopolis.clusters.geometry import neighbours


def mask(n, *members):
    return np.isin(np.arange(n), members)


WEIGHT = np.array([10.0, 5, 3, 2])


def test_jaccard_by_hand():
    # Shared: city 1 with 5. Either: all but city 3, 18.
    assert c.jaccard(mask(4, 0, 1), mask(4, 1, 2), WEIGHT) == pytest.approx(5 / 18)
    assert c.jaccard(mask(4), mask(4), WEIGHT) == 0


def test_best_branch_by_hand():
    branches = np.array([mask(4, 0, 1, 2, 3), mask(4, 0, 2), mask(4, 1)])
    got = c.best_branch(mask(4, 0, 1), branches, WEIGHT)
    # 15/20, 10/18, 5/15.
    assert (got.branch, got.jaccard) == (0, 0.75)
    assert (got.missing.tolist(), got.extra.tolist()) == ([], [2, 3])
    got = c.best_branch(mask(4, 0), branches, WEIGHT)
    assert (got.branch, got.missing.tolist(), got.extra.tolist()) == (1, [], [2])
    nothing = c.best_branch(mask(4, 0, 3), np.zeros((0, 4), dtype=bool), WEIGHT)
    assert (nothing.branch, nothing.jaccard, nothing.missing.tolist()) == (None, 0.0, [0, 3])


@given(st.integers(0, 10_000))
def test_best_branch_is_the_best(seed):
    rng = np.random.default_rng(seed)
    branches, planned, weight = rng.random((6, 9)) < 0.4, rng.random(9) < 0.5, rng.random(9)
    got = c.best_branch(planned, branches, weight)
    assert got.jaccard == pytest.approx(max(c.jaccard(planned, b, weight) for b in branches))


def test_nmi_and_ari_by_hand():
    a, b = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2])
    # Entropies ln 2 and 1.5 ln 2, information ln 2: 2 / 2.5.
    assert c.normalized_mutual_information(a, b) == pytest.approx(0.8)
    # Pairs together: 1 in both, 2 in a, 1 in b, of 6; expected 1/3, most 1.5.
    assert c.adjusted_rand_index(a, b) == pytest.approx((1 - 1 / 3) / (1.5 - 1 / 3))
    cross = np.array([0, 1, 0, 1])
    assert c.normalized_mutual_information(a, cross) == 0
    assert c.adjusted_rand_index(a, cross) == pytest.approx((0 - 4 / 6) / (2 - 4 / 6))
    one = np.zeros(4, dtype=int)
    assert c.normalized_mutual_information(one, one) == c.adjusted_rand_index(one, one) == 1


@given(st.integers(0, 10_000), st.integers(2, 20))
def test_partition_scores_do_not_depend_on_labels_or_order(seed, n):
    rng = np.random.default_rng(seed)
    a, b, order = rng.integers(0, 4, n), rng.integers(0, 3, n), rng.permutation(n)
    for score in (c.normalized_mutual_information, c.adjusted_rand_index):
        assert score(a, a) == pytest.approx(1)
        assert score(a, b) == pytest.approx(score(b, a))
        assert score(a, b) == pytest.approx(score(7 - a[order], b[order]))
        assert score(a, b) <= 1 + 1e-12


def line(n):
    return neighbours(np.arange(n, dtype=float), np.zeros(n))


def test_contiguity_by_hand():
    weight = np.array([1.0, 2, 3, 4, 5])
    assert c.contiguity(np.array([0, 1, 2]), line(5), weight) == 1
    assert c.contiguity(np.array([0, 1, 3]), line(5), weight) == pytest.approx(4 / 7)


def test_groups_are_the_provinces():
    got = c.groups(np.array(["Hebei", "Anhui", "Hebei"]))
    assert got.tolist() == [[False, True, False], [True, False, True]]


def test_distance_only_minutes_keep_the_median_pace():
    km = np.array([[0.0, 10, 20], [10, 0, 500], [20, 500, 0]])
    t = np.array([[0.0, 20, 60], [20, 0, 100], [60, 100, 0]])
    # Within 300 km the pace is 2 and 3 min/km: median 2.5.
    np.testing.assert_allclose(c.distance_only_minutes(t, km), 2.5 * km)
    with pytest.raises(ValueError, match="within 5 km"):
        c.distance_only_minutes(t, km, within_km=5)


@given(st.integers(0, 10_000), st.integers(3, 30))
def test_random_groups_are_contiguous_and_of_the_size_asked_for(seed, n):
    rng = np.random.default_rng(seed)
    graph = neighbours(rng.uniform(0, 10, n), rng.uniform(0, 10, n))
    sizes = rng.integers(1, n + 1, size=5)
    for k, group in enumerate(c.random_groups(sizes, graph, rng)):
        members = np.flatnonzero(group)
        assert len(members) == sizes[k]
        assert connected_components(graph[members][:, members], directed=False)[0] == 1


def test_best_random_is_seeded_and_finds_what_cannot_be_missed():
    planned = np.array([mask(4, 0, 1, 2, 3), mask(4, 0)])
    score = c.best_random(planned, np.array([4, 2]), line(4), WEIGHT, draws=5, seed=1)
    assert (score[:, 0] == 1).all()
    # City 0 alone: at best 10/15 with city 1, else 10/20.
    assert set(score[:, 1].round(9)) <= {round(10 / 15, 9), 0.5}
    np.testing.assert_array_equal(score, c.best_random(planned, np.array([4, 2]), line(4), WEIGHT, draws=5, seed=1))


def test_found_range_adds_up_the_branches_that_match():
    branches = np.array([mask(4, 0, 1, 2, 3), mask(4, 0, 1, 2), mask(4, 0, 1), mask(4, 0)])
    # Against {0, 1}: 15/20, 15/18, 1, 10/15.
    lasting = np.array([1.0, 2, 4, 8])
    assert c.found_range(mask(4, 0, 1), branches, lasting, WEIGHT) == 7
    assert c.found_range(mask(4, 0, 1), branches, lasting, WEIGHT, least=0.8) == 6
    assert c.found_range(mask(4, 0, 1), branches[:0], lasting[:0], WEIGHT) == 0


@pytest.mark.parametrize(
    ("match", "cohesion", "found", "verdict"),
    [
        (0.8, 0.6, 1.0, "established"),
        (0.75, 0.5, 0.5, "established"),
        (0.74, 0.6, 1.0, "forming"),
        (0.9, 0.4, 1.0, "forming"),
        (0.9, 0.6, 0.4, "forming"),
        (0.6, 0.34, 0.0, "forming"),
        (0.6, 0.3, 0.0, "on paper"),
        (0.59, 0.9, 2.0, "on paper"),
    ],
)
def test_maturity_rule(match, cohesion, found, verdict):
    assert c.maturity(match, cohesion, found, typical_persistence=0.5) == verdict


def test_change_by_hand():
    # Before: {0, 1}, {2}, {3, 4}. After: {0, 2}, {1}, {3, 4}; city 0 is the heavy one.
    before, after = np.array([0, 0, 1, 2, 2]), np.array([0, 1, 0, 2, 2])
    got = c.change(before, after, np.array([5.0, 1, 2, 1, 1]))
    assert got.counterpart.tolist() == [0, 0, 2]
    assert got.moved.tolist() == [1]
    assert got.merged == ((0, 1),)
    assert got.split.tolist() == []
    thirds = c.change(np.zeros(3, dtype=int), np.arange(3), np.ones(3))
    assert thirds.split.tolist() == [0]
    assert thirds.moved.tolist() == [1, 2]


def test_nothing_changes():
    labels = np.array([0, 1, 1, 2])
    got = c.change(labels, labels, WEIGHT)
    assert (got.moved.size, got.merged, got.split.size) == (0, (), 0)
