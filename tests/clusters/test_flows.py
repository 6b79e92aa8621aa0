"""Gravity flows against hand-worked numbers, their calibration against known elasticities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from megalopolis.clusters.flows import (
    backbone,
    calibrate_gravity,
    deterrence,
    economic_mass,
    gravity_flows,
    poisson_fit,
)


def test_deterrence_by_hand():
    t = np.array([0.0, 60.0, 120.0, np.inf])
    np.testing.assert_allclose(deterrence(t, "exponential", 60), [1, np.exp(-1), np.exp(-2), 0])
    np.testing.assert_allclose(deterrence(t, "gaussian", 60), [1, np.exp(-0.5), np.exp(-2), 0])
    np.testing.assert_allclose(deterrence(t, "power", 2), [1, 1 / 3600, 1 / 14400, 0])


@pytest.mark.parametrize("bad", [np.array([-1.0]), np.array([np.nan])])
def test_deterrence_refuses_bad_times(bad):
    with pytest.raises(ValueError, match="known and not negative"):
        deterrence(bad, "gaussian", 60)


def test_deterrence_refuses_a_scale_of_zero_and_an_unknown_form():
    with pytest.raises(ValueError, match="above zero"):
        deterrence(np.ones(1), "gaussian", 0.0)
    with pytest.raises(ValueError, match="'linear'"):
        deterrence(np.ones(1), "linear", 1.0)


def test_economic_mass_by_hand():
    # Known output: 18 of 3 people, 6 a head; the third city's 4 people stand for 24.
    mass, filled = economic_mass(np.array([1.0, 2, 4]), np.array([16.0, 2, np.nan]))
    np.testing.assert_allclose(mass, [4, 2, np.sqrt(4 * 24)])
    assert filled.tolist() == [False, False, True]
    mass, filled = economic_mass(np.array([1.0, 2]), np.full(2, np.nan))
    assert mass.tolist() == [1, 2]
    assert filled.all()
    with pytest.raises(ValueError, match="Populations"):
        economic_mass(np.array([np.nan]), np.ones(1))


def test_gravity_by_hand():
    # Masses 1, 2, 4; f = 1/t: 1-2 at 10 min, 1-3 at 20, 2-3 at 40.
    # F12 = 2/10 = 0.2, F13 = 4/20 = 0.2, F23 = 8/40 = 0.2, so each of the six directed flows is one sixth.
    t = np.array([[0.0, 10, 20], [10, 0, 40], [20, 40, 0]])
    flows = gravity_flows(t, np.array([1.0, 2, 4]), form="power", scale=1.0)
    np.testing.assert_allclose(flows, (1 - np.eye(3)) / 6)


def test_gravity_exponents_are_the_origins_and_the_destinations():
    t = np.full((2, 2), 30.0)
    flows = gravity_flows(t, np.array([1.0, 4.0]), np.array([1.0, 9.0]), exponents=(0.5, 1.0))
    # 1 -> 2: 1^0.5 * 9 = 9; 2 -> 1: 4^0.5 * 1 = 2.
    np.testing.assert_allclose(flows, np.array([[0, 9], [2, 0]]) / 11)


def test_borders_weaken_flows_between_provinces():
    flows = gravity_flows(np.full((3, 3), 30.0), np.ones(3), borders=(np.array(["a", "a", "b"], dtype=object), 0.5))
    # Two directed pairs inside of weight 1, four across of 0.5.
    np.testing.assert_allclose(flows, np.array([[0, 1, 0.5], [1, 0, 0.5], [0.5, 0.5, 0]]) / 4)


def test_gravity_refuses_what_it_cannot_use():
    t = np.array([[0.0, np.inf], [np.inf, 0.0]])
    with pytest.raises(ValueError, match="No pair"):
        gravity_flows(t, np.ones(2))
    with pytest.raises(ValueError, match="not negative"):
        gravity_flows(np.ones((2, 2)), np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match="do not fit"):
        gravity_flows(np.ones((3, 3)), np.ones(2))


def test_backbone_keeps_what_matters_to_either_end():
    # City 2 has 1 % of city 0's flows, but they are all that city 2 has.
    flows = np.array([[0.0, 99, 1], [0, 0, 0], [0, 0, 0]])
    kept = backbone(flows, 0.05).toarray()
    assert kept[0, 1] == kept[1, 0] == 99
    assert kept[0, 2] == kept[2, 0] == 1
    # 1-2 is small for both of its cities.
    flows[1, 2] = 0.001
    assert backbone(flows, 0.05)[1, 2] == 0


@given(st.integers(0, 10_000), st.integers(2, 12))
def test_backbone_is_symmetric_and_gives_every_city_its_largest_link(seed, n):
    flows = np.random.default_rng(seed).lognormal(sigma=2, size=(n, n))
    kept = backbone(flows, 0.9 / n).toarray()
    np.testing.assert_array_equal(kept, kept.T)
    both = flows + flows.T
    np.fill_diagonal(both, 0)
    for i in range(n):
        assert kept[i, both[i].argmax()] > 0


def test_poisson_fit_without_columns_that_explain_gives_the_closed_form():
    # One binary column, one group: exp(effect) = mean at x=0, exp(effect + b) = mean at x=1.
    y = np.array([1.0, 3, 2, 10, 0, 8])
    x = np.array([0.0, 0, 0, 1, 1, 1])[:, None]
    fit = poisson_fit(y, x, np.zeros(6, dtype=int))
    np.testing.assert_allclose(np.exp(fit.effects[0]), 2.0)
    np.testing.assert_allclose(fit.coefficients[0], np.log(6 / 2))
    np.testing.assert_allclose(fit.fitted, [2, 2, 2, 6, 6, 6])


@given(st.integers(0, 1000))
def test_poisson_fit_returns_exact_elasticities_and_origin_sums(seed):
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(6), 8)
    x = rng.normal(size=(48, 2)) + 100
    effects = rng.normal(size=6)
    b = np.array([0.8, -0.5])
    y = np.exp(effects[group] + (x - 100) @ b)
    fit = poisson_fit(y, x, group)
    np.testing.assert_allclose(fit.coefficients, b, atol=1e-6)
    np.testing.assert_allclose(fit.effects + 100 * b.sum(), effects, atol=1e-4)
    noisy = rng.poisson(10 * y).astype(float)
    fitted = poisson_fit(noisy, x, group).fitted
    # First-order conditions of the Poisson likelihood: fitted sums equal observed ones per origin.
    np.testing.assert_allclose(np.bincount(group, fitted), np.bincount(group, noisy), rtol=1e-9)


def test_poisson_fit_solves_its_first_order_conditions_with_zeros_and_an_empty_group():
    rng = np.random.default_rng(3)
    group = np.repeat(np.arange(5), 20)
    x = rng.normal(size=(100, 2))
    y = rng.poisson(np.exp(0.3 * x[:, 0] - 0.6 * x[:, 1])).astype(float)
    y[group == 2] = 0
    fit = poisson_fit(y, x, group)
    np.testing.assert_allclose(x.T @ (y - fit.fitted), 0, atol=1e-6)
    assert fit.effects[2] == -np.inf
    assert (fit.fitted[group == 2] == 0).all()
    assert 0 < fit.explained < 1


def test_poisson_fit_refuses_a_column_that_is_constant_in_groups():
    group = np.repeat([0, 1], 4)
    with pytest.raises(ValueError, match="does not vary"):
        poisson_fit(np.arange(8.0), group[:, None].astype(float), group)
    with pytest.raises(ValueError, match="No flow"):
        poisson_fit(np.zeros(8), np.arange(8.0)[:, None], group)


@pytest.mark.parametrize(("form", "scale"), [("exponential", 50.0), ("gaussian", 90.0), ("power", 1.7)])
def test_calibration_recovers_exponent_and_scale(form, scale):
    rng = np.random.default_rng(0)
    xy = rng.uniform(0, 200, size=(25, 2))
    t = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1)) + 20
    mass = rng.lognormal(size=25)
    flows = 1e7 * gravity_flows(t, mass, exponents=(0.7, 0.9), form=form, scale=scale)
    exact = calibrate_gravity(flows, t, mass, form)
    assert exact.exponent == pytest.approx(0.9, rel=1e-6)
    assert exact.scale == pytest.approx(scale, rel=1e-6)
    sample = calibrate_gravity(rng.poisson(flows / 100).astype(float), t, mass, form)
    assert abs(sample.exponent - 0.9) < 4 * sample.exponent_error
    assert sample.scale == pytest.approx(scale, rel=0.05)


def test_calibration_refuses_flows_that_rise_with_time():
    t = np.array([[0.0, 10, 20, 50], [10, 0, 30, 40], [20, 30, 0, 15], [50, 40, 15, 0]])
    with pytest.raises(ValueError, match="do not fall"):
        calibrate_gravity(t, t, np.array([1.0, 2, 3, 1.5]), "exponential")
