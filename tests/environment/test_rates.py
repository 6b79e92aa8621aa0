"""Closed forms against published values and numerical integration."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from megalopolis.environment.rates import (
    at_temperature,
    critical_point,
    decay_pair,
    decay_triple,
    oxygen_saturation,
    phi,
    reaeration,
    reckhow,
    ultimate_bod,
    vollenweider,
)


def test_streeter_phelps_critical_point():
    time, deficit = critical_point(0.23, 0.46, 20, 1)
    assert time == pytest.approx(2.79067, abs=1e-5)
    assert deficit == pytest.approx(5.26316, abs=1e-5)


def test_equal_rates_are_the_limit():
    exact = critical_point(0.3, 0.3, 20, 1)
    assert exact == pytest.approx(((1 - 1 / 20) / 0.3, 20 * np.exp(-0.95)))
    assert critical_point(0.3, 0.3 * (1 + 1e-8), 20, 1) == pytest.approx(exact, rel=1e-7)


@pytest.mark.parametrize(("deficit", "at_head"), [(9.99, False), (10.0, True), (12.0, True)])
def test_the_maximum_is_at_the_head_where_reaeration_wins(deficit, at_head):
    time, _ = critical_point(0.23, 0.46, 20, deficit)
    assert (time == 0) is at_head


def test_published_values():
    np.testing.assert_allclose(oxygen_saturation([0, 10, 20, 30]), [14.621, 11.288, 9.092, 7.559], atol=6e-4)
    assert reaeration(0.6, 0.4572) == pytest.approx(9.847, abs=5e-4)
    assert reaeration(0.6, 0.4572, high=5) == 5
    assert 0.2 * vollenweider(0.44) == pytest.approx(0.12024, abs=5e-6)
    assert reckhow(10) == pytest.approx(0.42373, abs=5e-6)
    assert at_temperature(0.23, 1.047, 20) == 0.23
    assert ultimate_bod(10, 0.23) == pytest.approx(10 / (1 - np.exp(-1.15)))
    assert oxygen_saturation(20, 2500) == pytest.approx(9.092 * 0.713, abs=1e-3)


def test_phi_at_zero():
    assert phi(0.0) == 1
    assert phi(1e-12) == pytest.approx(1 - 5e-13, abs=1e-15)


RATE = st.one_of(st.just(0.0), st.just(0.5), st.floats(1e-4, 20))


@settings(deadline=None)  # the first call may compile
@given(RATE, RATE, RATE, st.floats(0.001, 5))
def test_convolutions_of_decays(a, b, c, tau):
    pair = quad(lambda s: np.exp(-a * (tau - s) - b * s), 0, tau, epsabs=0, epsrel=1e-11)[0]
    assert decay_pair(a, b, tau) == pytest.approx(pair, rel=1e-9)
    triple = quad(lambda s: np.exp(-a * (tau - s)) * decay_pair(b, c, s), 0, tau, epsabs=0, epsrel=1e-11)[0]
    assert decay_triple(a, b, c, tau) == pytest.approx(triple, rel=1e-9)
    assert decay_triple(a, b, c, tau) == pytest.approx(decay_triple(c, a, b, tau), rel=1e-12)
