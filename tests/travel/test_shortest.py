"""The elimination kernel against scipy's Dijkstra on random networks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import floyd_warshall

from megalopolis.travel import shortest
from megalopolis.travel.shortest import dijkstra_minutes, eliminate, path, shortest_minutes, sweep


def reference(n, tails, heads, weights, *, directed):
    """Floyd-Warshall on a dense matrix: shares no code with the kernel, its fallback or its graph builder."""
    dense = np.full((n, n), np.inf)
    for t, h, w in zip(tails, heads, weights, strict=True):
        dense[t, h] = min(dense[t, h], w)
        if not directed:
            dense[h, t] = min(dense[h, t], w)
    for k in range(n):
        dense = np.minimum(dense, dense[:, k, None] + dense[k])
    dense[np.diag_indices(n)] = 0
    return dense


@st.composite
def networks(draw):
    """Networks with loops, parallel arcs, zero and infinite weights, in several parts or of one node."""
    n = draw(st.integers(1, 90))  # more than one panel of 64 sources
    seed = draw(st.integers(0, 2**32 - 1))
    arcs = draw(st.integers(0, 4 * n))
    rng = np.random.default_rng(seed)
    tails, heads = rng.integers(0, n, (2, arcs))
    weights = rng.integers(0, 50, arcs) * rng.choice([1.0, 0.37], arcs)
    weights[rng.random(arcs) < 0.1] = np.inf
    return n, tails, heads, weights


@settings(deadline=None)
@given(networks(), st.booleans(), st.sampled_from([np.float64, np.float32]))
def test_all_pairs(network, directed, dtype):
    minutes = shortest_minutes(*network, directed=directed, dtype=dtype)
    assert minutes.dtype == dtype
    tolerance = 1e-9 if dtype is np.float64 else 1e-3
    np.testing.assert_allclose(minutes, reference(*network, directed=directed), rtol=0, atol=tolerance)


@settings(deadline=None)
@given(networks(), st.booleans(), st.data())
def test_targets_in_any_order(network, directed, data):
    n = network[0]
    targets = data.draw(st.lists(st.integers(0, n - 1), unique=True))
    minutes = shortest_minutes(*network, targets, directed=directed, dtype=np.float64)
    expected = reference(*network, directed=directed)[np.ix_(targets, targets)]
    np.testing.assert_allclose(minutes, expected, rtol=0, atol=1e-9)


@settings(deadline=None)
@given(networks(), st.booleans())
def test_one_elimination_serves_many_weights(network, directed):
    n, tails, heads, weights = network
    elimination = eliminate(n, tails, heads, directed=directed)
    for other in (weights, weights[::-1].copy(), np.zeros_like(weights), np.full_like(weights, np.inf)):
        expected = reference(n, tails, heads, other, directed=directed)
        np.testing.assert_allclose(sweep(elimination, other), expected, rtol=0, atol=1e-9)


@settings(deadline=None)
@given(networks(), st.booleans())
def test_the_fallback_agrees(network, directed):
    expected = reference(*network, directed=directed)
    np.testing.assert_allclose(dijkstra_minutes(*network, directed=directed), expected, rtol=0, atol=1e-9)
    n, tails, heads, _ = network
    assert eliminate(n, tails, heads, max_fill_per_node=0) is None or not (tails != heads).any()


def test_the_fallback_is_taken(monkeypatch):
    monkeypatch.setattr(shortest, "MAX_NODES", 2)
    monkeypatch.setattr(shortest, "sweep", None)
    minutes = shortest_minutes(3, [0, 1], [1, 2], [4.0, 5.0], targets=[2, 0], dtype=np.float32)
    assert minutes.dtype == np.float32
    np.testing.assert_array_equal(minutes, [[0, 9], [9, 0]])


@settings(deadline=None)
@given(networks(), st.booleans(), st.data())
def test_a_path_is_as_long_as_the_matrix_says(network, directed, data):
    n, tails, heads, weights = network
    pair = data.draw(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)))
    arcs = path(*network, pair, directed=directed)
    minutes = reference(*network, directed=directed)[pair]
    if arcs is None:
        assert np.isinf(minutes)
        return
    assert weights[arcs].sum() == pytest.approx(minutes, abs=1e-9)
    here = pair[0]
    for arc in arcs:
        assert here == tails[arc] or (not directed and here == heads[arc])
        here = heads[arc] if here == tails[arc] else tails[arc]
    assert here == pair[1]


def road_like(n, degree, rng):
    """Points in the plane, each joined to its nearest neighbours."""
    points = rng.random((n, 2))
    gap = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    heads = np.argsort(gap, axis=1)[:, 1 : degree + 1].ravel()
    tails = np.repeat(np.arange(n), degree)
    return tails, heads, 1000 * gap[tails, heads]


def test_a_road_network_against_scipy():
    n = 700
    tails, heads, weights = road_like(n, 5, np.random.default_rng(7))
    dense = np.full((n, n), np.inf)
    np.minimum.at(dense, (tails, heads), weights)
    expected = floyd_warshall(np.minimum(dense, dense.T))
    double = shortest_minutes(n, tails, heads, weights, dtype=np.float64)
    np.testing.assert_allclose(double, expected, rtol=0, atol=1e-9)
    single = shortest_minutes(n, tails, heads, weights)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=0, atol=1e-3)


def test_no_arcs_and_no_nodes():
    np.testing.assert_array_equal(shortest_minutes(2, [], [], []), [[0, np.inf], [np.inf, 0]])
    assert shortest_minutes(0, [], [], []).shape == (0, 0)
    assert path(2, [], [], [], (0, 1)) is None
    assert path(2, [], [], [], (1, 1)).size == 0


@pytest.mark.parametrize("weight", [-1.0, np.nan])
def test_bad_weights(weight):
    with pytest.raises(ValueError, match="arc 1 has"):
        shortest_minutes(2, [0, 1], [1, 0], [1.0, weight])
    with pytest.raises(ValueError, match="arc 1 has"):
        dijkstra_minutes(2, [0, 1], [1, 0], [1.0, weight])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((2, [0], [2], [1.0]), "heads must lie in 0..1"),
        ((2, [-1], [1], [1.0]), "tails must lie in 0..1"),
        ((2, [0], [1, 0], [1.0]), "1 tails but 2 heads"),
        ((2, [0], [1], [1.0, 2.0]), "one per arc"),
        ((2, [0], [1], [1.0], [0, 0]), "must not be repeated"),
        ((2, [[0]], [1], [1.0]), "vector"),
    ],
)
def test_bad_networks(arguments, message):
    with pytest.raises(ValueError, match=message):
        shortest_minutes(*arguments)
