"""Communities on networks whose communities are known."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.stats import poisson

from megalopolis.clusters.communities import (
    co_membership,
    community_runs,
    louvain,
    poisson_quantile,
    resample,
    resolution_grid,
    split_disconnected,
    stability,
)
from megalopolis.clusters.compare import adjusted_rand_index


def planted(groups, size, inside, across, seed=0):
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(groups), size)
    flow = np.where(label[:, None] == label[None], inside, across) * rng.uniform(0.5, 1.5, (len(label),) * 2)
    flow = np.triu(flow, 1)
    return csr_matrix(flow + flow.T), label


def test_resolution_grid_has_equal_steps_of_the_logarithm():
    np.testing.assert_allclose(resolution_grid(0.5, 8, 5), [0.5, 1, 2, 4, 8])
    with pytest.raises(ValueError, match="low < high"):
        resolution_grid(2, 1, 5)


def test_planted_partition_is_recovered():
    network, truth = planted(5, 12, 10.0, 0.5)
    runs = community_runs(network, resolution_grid(0.8, 1.6, 3), runs=20, trips=20_000, seed=1)
    for row in runs[1]:
        assert adjusted_rand_index(row, truth) == 1.0


def test_a_larger_resolution_finds_smaller_communities():
    network, _ = planted(8, 6, 10.0, 1.0)
    labels = community_runs(network, resolution_grid(0.2, 20, 8), runs=3, trips=50_000, seed=0)
    counts = labels.max(axis=2) + 1
    assert (np.diff(counts, axis=0) >= 0).all()
    assert counts[-1].min() > counts[0].max()


def test_each_run_is_nested_over_resolutions():
    network, _ = planted(6, 8, 3.0, 1.0)
    labels = community_runs(network, resolution_grid(0.5, 8, 7), runs=4, trips=2_000, seed=5)
    for coarse, fine in zip(labels[:-1].reshape(-1, 48), labels[1:].reshape(-1, 48), strict=True):
        for k in np.unique(fine):
            assert len(np.unique(coarse[fine == k])) == 1


def test_runs_in_one_network_are_what_each_would_be_alone():
    # The block-diagonal network must not mix runs: communities of one run never reach into another.
    network, truth = planted(4, 10, 10.0, 0.2)
    resolutions = np.array([0.8, 1.2])
    many = community_runs(network, resolutions, runs=7, trips=5_000, seed=2)
    alone = louvain(network, 1.2, 0)
    for row in many[1]:
        assert adjusted_rand_index(row, alone) == adjusted_rand_index(row, truth) == 1.0


def test_communities_are_connected_and_isolated_cities_stand_alone():
    network, _ = planted(3, 5, 5.0, 0.0)
    lonely = csr_matrix(np.pad(network.toarray(), (0, 1)))
    labels = community_runs(lonely, resolution_grid(0.01, 2, 4), runs=3, trips=1_000, seed=0)
    for row in labels.reshape(-1, 16):
        assert row.max() == 3  # three parts that no resolution can join, and the lonely city
        assert (row == row[15]).sum() == 1


def test_disconnected_communities_are_split():
    network = csr_matrix(np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]], dtype=float))
    labels = split_disconnected(network, np.zeros(4, dtype=int))
    assert labels.tolist() == [0, 0, 1, 1]


def test_same_seed_same_labels_on_any_thread():
    network, _ = planted(6, 8, 3.0, 1.0)
    grid = resolution_grid(0.5, 8, 6)

    def once(_):
        return community_runs(network, grid, runs=5, trips=3_000, seed=11)

    first = once(None)
    with ThreadPoolExecutor(4) as pool:
        for other in pool.map(once, range(8)):
            np.testing.assert_array_equal(first, other)
    assert (community_runs(network, grid, runs=5, trips=3_000, seed=12) != first).any()


def test_relabelled_cities_give_permuted_communities():
    network, truth = planted(4, 9, 10.0, 0.3)
    order = np.random.default_rng(7).permutation(36)
    grid = resolution_grid(0.8, 1.6, 3)
    labels = community_runs(csr_matrix(network[order][:, order]), grid, runs=4, trips=20_000, seed=3)
    for row in labels[1]:
        assert adjusted_rand_index(row, truth[order]) == 1.0


def test_community_runs_refuses_what_it_cannot_use():
    with pytest.raises(ValueError, match="symmetric"):
        community_runs(csr_matrix(np.array([[0, 1.0], [0, 0]])), np.array([1.0, 2.0]), runs=1, trips=1, seed=0)
    with pytest.raises(ValueError, match="at least one run"):
        community_runs(csr_matrix((2, 2)), np.array([1.0, 2.0]), runs=0, trips=1, seed=0)


@pytest.mark.parametrize("seed", range(5))
def test_resampled_flows_are_counts_with_the_right_mean(seed):
    network, _ = planted(2, 6, 4.0, 1.0, seed)
    rng = np.random.default_rng(seed)
    draws = np.array([resample(network, 500, rng.random(66)).toarray() for _ in range(60)])
    assert (draws == np.round(draws)).all()
    np.testing.assert_array_equal(draws, draws.transpose(0, 2, 1))
    assert (draws[:, network.toarray() == 0] == 0).all()
    expected = network.toarray() / network.sum() * 1000  # both directions hold each trip
    # Six standard errors of the mean of 60 Poisson draws, and a little for the skew of the rare ones.
    assert (np.abs(draws.mean(axis=0) - expected) <= 6 * np.sqrt(expected / 60) + 0.1 * (expected > 0)).all()


def test_resampling_uses_common_random_numbers():
    # A pair whose flow does not change keeps its count, whatever happens to the others' places in memory.
    network, _ = planted(2, 5, 4.0, 1.0)
    uniform = np.random.default_rng(0).random(45)
    changed = network.copy()
    changed[0, 1] = changed[1, 0] = 0.0
    changed.eliminate_zeros()
    scale = changed.sum() / network.sum()
    a, b = resample(network, 400, uniform).toarray(), resample(changed, 400 * scale, uniform).toarray()
    a[0, 1] = a[1, 0] = 0
    np.testing.assert_array_equal(a, b)


def test_poisson_quantile_by_hand():
    # One pair, 2 trips expected: P(0) = 0.1353, P(<=1) = 0.4060, P(<=2) = 0.6767.
    network = csr_matrix(np.array([[0, 5.0], [5.0, 0]]))
    counts = [resample(network, 2.0, np.array([u]))[0, 1] for u in (0.13, 0.14, 0.40, 0.41, 0.67, 0.68)]
    assert counts == [0, 1, 1, 2, 2, 3]


@given(st.integers(0, 1000), st.integers(1, 4), st.integers(1, 5), st.integers(2, 9))
def test_co_membership_equals_counting(seed, q, runs, n):
    labels = np.random.default_rng(seed).integers(0, n, size=(q, runs, n)).astype(np.int32)
    expected = np.mean([row[:, None] == row[None] for row in labels.reshape(-1, n)], axis=0)
    np.testing.assert_allclose(co_membership(labels), expected)


def test_stability_by_hand():
    # Cluster {0, 1, 2}: in run 1 all together, in run 2 city 2 leaves, in run 3 city 0 leaves.
    labels = np.array([[0, 0, 0, 1], [0, 0, 1, 1], [2, 5, 5, 5]], dtype=np.int32)
    np.testing.assert_allclose(stability(labels, np.array([0, 1, 2])), [2 / 3, 1, 2 / 3])


@given(st.floats(1e-6, 1e4), st.floats(0, 1 - 1e-12))
def test_poisson_quantile_equals_scipys(mean, share):
    ours = poisson_quantile(np.array([share]), np.array([mean]))[0]
    assert ours == max(poisson.ppf(share, mean), 0)
