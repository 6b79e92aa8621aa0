"""Least-cost abatement: by hand, against brute force, and prices against finite differences."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from megalopolis.environment.abatement import Problem, cheapest, loads_of
from megalopolis.environment.network import build_network
from megalopolis.environment.rates import KG_PER_DAY
from megalopolis.pillar import CheckFailed


def hand(limit=1.5):
    """Two cities on a river of 10/86.4 m3/s without decay: one kg/d is 0.1 mg/L.

    The upper removes 10 of 20 kg/d for 100 a year, the lower 10 of 10 kg/d for 50.
    """
    return Problem(
        network=build_network(2, [0], [1], [1.0]),
        a=np.ones((1, 2)),
        flow=np.full(2, 10 / KG_PER_DAY),
        background=np.zeros((1, 2)),
        reach=np.array([0, 1]),
        load=np.array([[[20.0], [10.0]], [[10.0], [0.0]]]),
        cost=np.array([[0.0, 100.0], [0.0, 50.0]]),
        allowed=np.ones((2, 2), dtype=bool),
        limit_reach=np.array([1]),
        limit_pollutant=np.array([0]),
        limit=np.array([limit]),
    )


def test_by_hand():
    """At most 15 kg/d of 30: the lower city removes its 10 first (5 a kg), the upper 5 of 10 (10 a kg)."""
    plan = cheapest(hand())
    np.testing.assert_allclose(plan.shares, [[0.5, 0.5], [0, 1]], atol=1e-9)
    np.testing.assert_allclose(plan.cost, [50, 50])
    np.testing.assert_allclose(plan.mass, [[15, 15]])
    np.testing.assert_allclose(plan.price, [100])  # 10 kg/d per mg/L at 10 a kg
    np.testing.assert_allclose(plan.charge, [[10, 10]])
    assert all(c.ok for c in plan.checks)


def test_a_river_that_cleans_itself_makes_the_upper_kilogram_cheaper():
    p = replace(hand(1.0), a=np.array([[1.0, 0.5]]))
    charge = cheapest(p).charge[0]
    assert charge[0] == pytest.approx(charge[1])  # both pass the second reach
    p = replace(hand(0.5), a=np.array([[0.5, 1.0]]))
    charge = cheapest(p).charge[0]
    assert charge[0] / charge[1] == pytest.approx(0.5)  # the trading ratio: two kilograms above for one below


def test_whole_plants_cost_no_less():
    plan = cheapest(hand(), whole=True)
    assert set(plan.shares.ravel()) <= {0.0, 1.0}
    assert plan.cost.sum() == pytest.approx(150)
    assert np.isnan(plan.price).all()


def test_a_floor_of_the_law_is_kept():
    p = replace(hand(), allowed=np.array([[False, True], [True, True]]))
    np.testing.assert_allclose(cheapest(p).shares, [[0, 1], [0.5, 0.5]], atol=1e-9)


def test_what_no_level_can_reach_is_named_and_approached():
    plan = cheapest(hand(0.8))
    np.testing.assert_allclose(plan.unmet, [0.2], rtol=1e-6)
    np.testing.assert_allclose(plan.mass[0, 1], 10, rtol=1e-6)
    assert all(c.ok for c in plan.checks)


def test_no_level_allowed():
    with pytest.raises(CheckFailed, match="no treatment level"):
        cheapest(replace(hand(), allowed=np.zeros((2, 2), dtype=bool)))


def test_without_limits_everyone_takes_the_cheapest_level():
    none = np.array([], dtype=np.int64)
    plan = cheapest(replace(hand(), limit_reach=none, limit_pollutant=none, limit=np.array([])))
    np.testing.assert_allclose(plan.cost, 0)


def random_problem(seed, cities=4, levels=3, pollutants=2, n=8):
    rng = np.random.default_rng(seed)
    target = [int(rng.integers(i + 1, n)) for i in range(n - 1)]
    first = rng.uniform(20, 60, (cities, 1, pollutants))
    load = first * np.cumprod(rng.uniform(0.3, 0.9, (cities, levels, pollutants)), axis=1)
    cost = np.cumsum(rng.uniform(10, 100, (cities, levels)), axis=1)
    p = Problem(
        network=build_network(n, np.arange(n - 1), target, np.ones(n - 1)),
        a=rng.uniform(0.6, 1, (pollutants, n)),
        flow=rng.uniform(1, 3, n),
        background=rng.uniform(0, 2, (pollutants, n)),
        reach=rng.integers(0, n, cities),
        load=load,
        cost=cost,
        allowed=np.ones((cities, levels), dtype=bool),
        limit_reach=np.array([n - 1, n - 2, n - 1]),
        limit_pollutant=np.array([0, 0, pollutants - 1]),
        limit=np.ones(3),
    )
    worst = loads_of(p, np.eye(levels)[np.zeros(cities, int)])
    best = loads_of(p, np.eye(levels)[np.full(cities, levels - 1)])
    between = (best + rng.uniform(0.2, 0.9) * (worst - best))[p.limit_pollutant, p.limit_reach]
    return replace(p, limit=between / (KG_PER_DAY * p.flow[p.limit_reach]))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_whole_plants_against_every_combination(seed):
    p = random_problem(seed)
    cities, levels = p.cost.shape
    best = np.inf
    for choice in product(range(levels), repeat=cities):
        shares = np.eye(levels)[list(choice)]
        if (loads_of(p, shares)[p.limit_pollutant, p.limit_reach] <= p.caps * (1 + 1e-9)).all():
            best = min(best, float((shares * p.cost).sum()))
    whole, shared = cheapest(p, whole=True), cheapest(p)
    assert whole.cost.sum() == pytest.approx(best, rel=1e-4)
    assert shared.cost.sum() <= best * (1 + 1e-6)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_prices_are_the_change_of_cost(seed):
    p = random_problem(seed)
    plan = cheapest(p)
    step = 1e-6
    for k in range(len(p.limit)):
        change = np.zeros(len(p.limit))
        change[k] = step * p.limit[k]
        tighter = cheapest(replace(p, limit=p.limit - change)).cost.sum()
        looser = cheapest(replace(p, limit=p.limit + change)).cost.sum()
        slope = [(tighter - plan.cost.sum()) / change[k], (plan.cost.sum() - looser) / change[k]]
        low, high = min(slope), max(slope)  # at a kink the price lies between the two
        scale = 1e-4 * max(abs(high), 1e-2 * plan.cost.sum() / p.limit[k])
        assert low - scale <= plan.price[k] <= high + scale
        assert plan.price[k] >= -1e-9


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.integers(0, 7))
def test_charges_are_the_cost_of_a_kilogram_more(seed, reach):
    p = random_problem(seed)
    plan = cheapest(p)
    more = p.background.copy()
    more[0, reach] += 1e-4
    less = p.background.copy()
    less[0, reach] -= 1e-4
    slope = [
        (cheapest(replace(p, background=b)).cost.sum() - plan.cost.sum()) / d for b, d in ((more, 1e-4), (less, -1e-4))
    ]
    scale = 1e-4 * max(*map(abs, slope), 1e-2 * plan.cost.sum())
    assert min(slope) - scale <= plan.charge[0, reach] <= max(slope) + scale
