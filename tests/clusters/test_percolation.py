"""Percolation against brute force at random thresholds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from megalopolis.clusters.geometry import length_km, longest_path, neighbours, spanning_tree
from megalopolis.clusters.percolation import corridors, growth, labels_at, largest_jump
from megalopolis.units import great_circle_km, great_circle_matrix


def random_times(seed, n, *, holes=0.0):
    rng = np.random.default_rng(seed)
    t = rng.integers(1, 40, size=(n, n)).astype(float)  # integers: many ties
    t[rng.random((n, n)) < holes] = np.inf
    t = np.maximum(t, t.T)
    np.fill_diagonal(t, 0)
    return t


@given(st.integers(0, 10_000), st.integers(1, 15), st.sampled_from([0.0, 0.5]), st.floats(0, 45))
def test_clusters_equal_brute_force_components(seed, n, holes, threshold):
    t = random_times(seed, n, holes=holes)
    ours = labels_at(spanning_tree(t), threshold)
    _, theirs = connected_components(csr_matrix(t <= threshold), directed=False)
    np.testing.assert_array_equal(ours[:, None] == ours[None], theirs[:, None] == theirs[None])


@given(st.integers(0, 10_000), st.integers(1, 15))
def test_spanning_tree_has_the_weight_of_scipys(seed, n):
    t = random_times(seed, n)
    tree = spanning_tree(t)
    assert len(tree.length) == n - 1
    assert (np.diff(tree.length) >= 0).all()
    assert tree.length.sum() == minimum_spanning_tree(csr_matrix(t)).sum()


def test_the_slower_direction_counts_and_zero_minutes_join():
    t = np.array([[0.0, 5, 30], [50, 0, 0], [30, 0, 0]])
    tree = spanning_tree(t)
    assert tree.length.tolist() == [0, 30]
    assert labels_at(tree, 0).tolist() == [0, 1, 1]


@pytest.mark.parametrize("bad", [-1.0, np.nan])
def test_spanning_tree_refuses_bad_distances(bad):
    with pytest.raises(ValueError, match="non-negative"):
        spanning_tree(np.array([[0, bad], [1, 0]]))


@given(st.integers(0, 10_000), st.integers(2, 12))
def test_growth_equals_brute_force(seed, n):
    t = random_times(seed, n, holes=0.2)
    people = np.random.default_rng(seed).integers(1, 9, size=n).astype(float)
    steps = growth(spanning_tree(t), people)
    for k, threshold in enumerate(steps.threshold):
        count, labels = connected_components(csr_matrix(t <= threshold), directed=False)
        size, persons = np.bincount(labels), np.bincount(labels, people)
        assert steps.clusters[k] == count
        assert steps.cities[k] == size.max()
        assert steps.population[k] == persons[size == size.max()].max()


def test_largest_jump_by_hand():
    # Cities on a line at 0, 10, 20 and 100, 110, 120, 130 minutes: threshold 10 makes parts of 3 and 4, 80
    # joins all 7.
    x = np.array([0.0, 10, 20, 100, 110, 120, 130])
    steps = growth(spanning_tree(np.abs(x[:, None] - x)), np.full(7, 2.0))
    assert steps.threshold.tolist() == [10, 80]
    assert steps.cities.tolist() == [4, 7]
    jump = largest_jump(steps, window=10)
    # From single cities to four is the same gain as from four to seven: the earlier counts.
    assert (jump.from_minutes, jump.to_minutes) == (0, 10)
    assert (jump.cities_before, jump.cities_after, jump.population_after) == (1, 4, 8.0)
    wide = largest_jump(steps, window=75)
    assert (wide.from_minutes, wide.to_minutes, wide.cities_before, wide.cities_after) == (5, 80, 1, 7)
    assert largest_jump(growth(spanning_tree(np.array([[0, np.inf], [np.inf, 0]])), np.ones(2))) is None


def test_corridors_have_people_and_length():
    # On the equator a degree is 111.195 km.
    lon, lat = np.array([0.0, 1, 2, 50, 51]), np.zeros(5)
    t = great_circle_matrix(lon, lat)
    found = corridors(spanning_tree(t), 112, np.array([1.0, 2, 3, 50, np.nan]), lon, lat, min_cities=2)
    assert [c.members.tolist() for c in found] == [[3, 4], [0, 1, 2]]
    assert [c.population for c in found] == [50, 6]
    np.testing.assert_allclose([c.length_km for c in found], [111.195, 222.390], atol=0.001)
    assert len(corridors(spanning_tree(t), 112, np.ones(5), lon, lat)) == 1


def test_length_by_hand():
    # A T: three in a row 3 + 4 apart, a spur of 2 at the middle one. The longest path is the row.
    xy = np.array([[0.0, 0], [3, 0], [7, 0], [3, 2]])
    d = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    assert longest_path(d) == pytest.approx(7)
    # With a spur of 3.5 it leads from the far end of the row into the spur.
    xy[3, 1] = 3.5
    assert longest_path(np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))) == pytest.approx(7.5)
    assert longest_path(np.zeros((1, 1))) == 0


def test_length_along_a_meridian():
    lat = np.array([10.0, 30, 20])
    assert length_km(np.zeros(3), lat) == pytest.approx(float(great_circle_km(0, 10, 0, 30)))


@given(st.integers(0, 10_000), st.integers(1, 14))
def test_neighbours_equal_brute_force_gabriel_with_tree(seed, n):
    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(0, 3, n), rng.uniform(0, 3, n)  # near the equator the projection is plain
    graph = neighbours(lon, lat)
    assert connected_components(graph, directed=False)[0] == 1
    phi, lam = np.radians(lat), np.radians(lon)
    p = np.column_stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
    d2 = ((p[:, None] - p[None]) ** 2).sum(axis=2)
    tree = spanning_tree(great_circle_matrix(lon, lat))
    expected = {tuple(sorted(e)) for e in zip(tree.tail.tolist(), tree.head.tolist(), strict=True)}
    for i in range(n):
        for j in range(i):
            others = [k for k in range(n) if k not in (i, j)]
            if all(d2[i, k] + d2[j, k] >= d2[i, j] * (1 - 1e-6) for k in others):
                expected.add((j, i))
    found = {tuple(sorted(e)) for e in zip(*(x.tolist() for x in graph.nonzero()), strict=True)}
    assert found == expected


def test_neighbours_on_a_line():
    graph = neighbours(np.array([0.0, 1, 2]), np.zeros(3))
    assert graph[0, 1] > 0
    assert graph[0, 2] == 0
