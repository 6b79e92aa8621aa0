"""One-to-many passes over an elimination against Dijkstra's algorithm."""

import numpy as np
import pytest

from megalopolis.travel.shortest import eliminate
from megalopolis.travel.spread import Ways, node_minutes, place_minutes, place_minutes_by_dijkstra


@pytest.mark.parametrize("seed", range(6))
def test_places_and_nodes_as_by_dijkstra(seed):
    """More starts than a panel, arcs that are absent, parts that do not connect, nodes that no place uses."""
    rng = np.random.default_rng(seed)
    n, places, many = 150, 90, 260
    tails, heads = rng.integers(n, size=(2, 300))
    tails, heads = tails[tails != heads], heads[tails != heads]
    weights = np.where(rng.random(tails.size) < 0.2, np.inf, rng.uniform(1, 60, tails.size))
    ways = Ways(rng.integers(places - 3, size=many), rng.integers(n - 30, size=many), rng.uniform(0, 30, many))
    origins = np.flatnonzero(rng.random(places) < 0.9)
    plan = eliminate(n, tails, heads)
    assert plan is not None
    found = place_minutes(plan, weights, ways, places, origins)
    assert found == pytest.approx(place_minutes_by_dijkstra((n, tails, heads), weights, ways, places, origins))
    assert np.isinf(found).any()
    assert np.isfinite(found[origins]).any()
    own = node_minutes(plan, (n, tails, heads), weights, ways, places)
    assert own == pytest.approx(node_minutes(None, (n, tails, heads), weights, ways, places))
