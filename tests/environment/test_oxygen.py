"""BOD, ammonia and oxygen together: against Streeter and Phelps, numerical integration, subdivision and loops."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from megalopolis.environment.network import build_network
from megalopolis.environment.oxygen import LOADS, Water, solve_oxygen
from megalopolis.environment.rates import KG_PER_DAY, critical_point
from megalopolis.errors import BadInput

DEFAULT = {
    "days": 1.0,
    "flow": 10.0,
    "saturation": 9.0,
    "hydrolysis": 0.0,
    "oxidation": 0.23,
    "settling": 0.0,
    "ammonification": 0.0,
    "nitrification": 0.0,
    "reaeration": 0.46,
    "demand": 0.0,
}


def water(n=1, *, mixed=False, **given_):
    values = {name: np.broadcast_to(np.asarray(v, float), n).copy() for name, v in (DEFAULT | given_).items()}
    return Water(**values, mixed=np.full(n, mixed))


def chain(n):
    return build_network(n, np.arange(n - 1), np.arange(1, n), np.ones(n - 1))


def entering(n, **loads):
    """Loads at the head of the first reach from concentrations in 10 m3/s."""
    return {name: np.r_[KG_PER_DAY * 10 * c, np.zeros(n - 1)] for name, c in loads.items()}


def test_the_sag_of_streeter_and_phelps():
    time, deficit = critical_point(0.23, 0.46, 20, 1)
    days = np.array([time, 1.0])
    found = solve_oxygen(chain(2), water(2, days=days), entering(2, bod=20.0, deficit=1.0))
    assert 9 - found.oxygen[0] == pytest.approx(deficit, rel=1e-12)
    assert found.oxygen[1] > found.oxygen[0]


RATES = st.floats(0, 3)


@settings(deadline=None)  # the first call may compile
@given(st.lists(RATES, min_size=6, max_size=6), st.floats(0.01, 3), st.floats(0, 2))
def test_the_closed_form_is_the_differential_equation(rates, days, demand):
    kh, kd, ks, km, kn, ka = rates
    w = water(
        days=days,
        hydrolysis=kh,
        oxidation=kd,
        settling=ks,
        ammonification=km,
        nitrification=kn,
        reaeration=ka,
        demand=demand,
    )
    start = np.array([5.0, 8.0, 2.0, 3.0, 1.0])
    found = solve_oxygen(chain(1), w, entering(1, **dict(zip(LOADS, start, strict=True))))

    def change(_, y):
        p, bod, m, n, d = y
        return [
            -kh * p,
            kh * p - (kd + ks) * bod,
            -km * m,
            km * m - kn * n,
            kd * bod + 4.57 * kn * n - ka * d + demand,
        ]

    exact = solve_ivp(change, (0, days), start, rtol=1e-10, atol=1e-12).y[:, -1]
    np.testing.assert_allclose(found.loads[0] / (KG_PER_DAY * 10), exact, rtol=1e-7, atol=1e-8)
    assert found.checks[0].ok


@settings(deadline=None)  # the first call may compile
@given(st.lists(RATES, min_size=6, max_size=6), st.integers(1, 20))
def test_subdividing_changes_nothing(rates, parts):
    names = ("hydrolysis", "oxidation", "settling", "ammonification", "nitrification", "reaeration")
    given_ = dict(zip(names, rates, strict=True))
    loads = {"particulate_bod": 5.0, "bod": 8.0, "organic_n": 2.0, "nh3n": 3.0, "deficit": 1.0}
    whole = solve_oxygen(chain(1), water(demand=0.3, **given_), entering(1, **loads))
    finer = solve_oxygen(chain(parts), water(parts, days=1 / parts, demand=0.3, **given_), entering(parts, **loads))
    np.testing.assert_allclose(finer.loads[-1], whole.loads[-1], rtol=1e-9, atol=1e-9)


def test_mixed_reaches_approach_plug_flow():
    loads = {"particulate_bod": 5.0, "bod": 8.0, "organic_n": 2.0, "nh3n": 3.0, "deficit": 1.0}
    rates = {"hydrolysis": 0.4, "ammonification": 0.3, "nitrification": 0.2, "settling": 0.1, "demand": 0.5}
    plug = solve_oxygen(chain(1), water(**rates), entering(1, **loads)).loads[-1]
    gaps = []
    for parts in (100, 200):
        tank = water(parts, days=1 / parts, mixed=True, **rates)
        gaps.append(np.abs(solve_oxygen(chain(parts), tank, entering(parts, **loads)).loads[-1] - plug).max())
    assert gaps[1] < 0.51 * gaps[0]
    assert gaps[1] < 1e-3 * plug.max()


def test_loops_and_sweeps_agree():
    """A link back that carries next to nothing makes the network looped and leaves the answer."""
    n = 6
    loads = entering(n, particulate_bod=5.0, bod=8.0, organic_n=2.0, nh3n=3.0, deficit=1.0)
    rates = water(n, hydrolysis=0.4, ammonification=0.3, nitrification=0.2, settling=0.1, demand=0.5, days=0.3)
    rates = replace(rates, saturation=np.linspace(9, 8, n))
    once = build_network(n, [0, 0, 1, 2, 3, 4], [1, 2, 3, 3, 4, 5], [0.3, 0.7, 1, 1, 1, 1])
    back = build_network(n, [0, 0, 1, 2, 3, 4, 4], [1, 2, 3, 3, 4, 5, 0], [0.3, 0.7, 1, 1, 1, 1 - 1e-9, 1e-9])
    assert back.looped
    one, two = solve_oxygen(once, rates, loads), solve_oxygen(back, rates, loads)
    np.testing.assert_allclose(two.loads, one.loads, rtol=1e-7, atol=1e-6)
    assert two.checks[0].ok
    with pytest.raises(BadInput, match="without loops"):
        solve_oxygen(back, rates, loads, limit=0.6)


def test_anoxia_is_flagged_and_never_clipped():
    found = solve_oxygen(chain(1), water(days=2.0), entering(1, bod=200.0))
    assert found.anoxic[0]
    assert found.oxygen[0] < -10


@settings(deadline=None)  # the first call may compile
@given(st.floats(1, 400), st.floats(0.1, 2))
def test_oxygen_limited_rates_keep_oxygen_above_zero(bod, limit):
    found = solve_oxygen(chain(5), water(5, days=0.5, mixed=True), entering(5, bod=bod), limit=limit)
    assert (found.oxygen > -1e-6).all()
    expected = 1 - np.exp(-limit * np.maximum(found.oxygen, 0))
    np.testing.assert_allclose(found.active, expected, atol=1e-6)


def test_water_is_mixed_against_its_own_saturation():
    """Saturated water at 9 mg/L that flows into a reach where 8 is saturation is 1 above it, and nothing else."""
    rates = water(2, oxidation=0.0, reaeration=0.0, saturation=np.array([9.0, 8.0]))
    found = solve_oxygen(chain(2), rates, {})
    np.testing.assert_allclose(found.oxygen, [9, 9])


def test_columns_follow_the_fields():
    table = water(2, flow=np.array([1.0, 2.0])).columns()
    assert table.shape == (2, len(fields(Water)))
    np.testing.assert_array_equal(table[:, 1], [1, 2])
