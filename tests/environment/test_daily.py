"""Day by day: what is constant is steady, pulses arrive whole and on their day, loops agree with sweeps."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from megalopolis.environment.daily import factors, route
from megalopolis.environment.face import run
from megalopolis.environment.network import build_network
from megalopolis.errors import BadInput


def chain(n, *, back=False):
    source, target, share = list(range(n - 1)), list(range(1, n)), [1.0] * (n - 1)
    if back:
        source, target, share = [*source, n - 2], [*target, 0], [*share[:-1], 1 - 1e-12, 1e-12]
    return build_network(n, source, target, share)


def table(days, rows):
    dates = pd.date_range("2024-01-01", periods=days).strftime("%Y-%m-%d")
    frames = [
        pd.DataFrame({"date": dates, "quantity": q, "id": i, "factor": np.broadcast_to(f, days)}) for q, i, f in rows
    ]
    return pd.concat(frames, ignore_index=True)


def test_a_pulse_arrives_when_the_water_does():
    """1,000 kg on day 0 through 1.25 and 2.5 days: 0.75 x 0.5 on day 3 and so on, less 3.75 days of decay."""
    days, head = np.tile([1.25, 2.5], (8, 1)), np.zeros((8, 2))
    head[0, 0] = 1000.0
    found = route(chain(2), days, np.full(2, 0.1), np.zeros(2, bool), head)
    kept = 1000 * np.exp(-0.375)
    expected = np.array([0, 0, 0, 0.375, 0.5, 0.125, 0, 0]) * kept
    np.testing.assert_allclose(found.mass[:, 1], expected, rtol=1e-9, atol=1e-8)
    assert found.check("x").ok
    assert found.held == pytest.approx(0, abs=1e-6)


@settings(deadline=None, max_examples=30)  # the first call may compile
@given(st.integers(0, 10_000), st.booleans())
def test_nothing_is_lost(seed, back):
    rng = np.random.default_rng(seed)
    days, lake = rng.uniform(0.05, 4, (20, 5)), rng.random(5) < 0.3
    found = route(chain(5, back=back), days, rng.uniform(0, 1, 5), lake, rng.uniform(0, 100, (20, 5)))
    assert found.check("x").ok
    assert (found.mass >= -1e-9).all()


def test_a_wrong_split_is_caught():
    network = chain(3)
    network.fraction[0] = 0.9  # the rest goes nowhere and is no abstraction
    found = route(network, np.full((9, 3), 0.5), np.zeros(3), np.zeros(3, bool), np.full((9, 3), 10.0))
    assert not found.check("x").ok


def test_loops_and_sweeps_agree():
    rng = np.random.default_rng(5)
    days, lake = rng.uniform(0.1, 3, (30, 6)), np.array([0, 0, 1, 0, 0, 1], bool)
    given_ = (days, rng.uniform(0, 0.5, 6), lake, rng.uniform(0, 100, (30, 6)))
    one, two = route(chain(6), *given_), route(chain(6, back=True), *given_)
    np.testing.assert_allclose(two.mass, one.mass, rtol=1e-7, atol=1e-6)


def test_constant_days_are_the_steady_state(toy, frames, parameters):
    frames["daily"] = table(5, [("flow", None, 1.0)])
    found = run(toy.replace(frames), parameters=parameters).tables
    days = found["daily"].pivot_table(
        index="section", columns="pollutant", values="concentration", aggfunc=["min", "max"]
    )
    steady = found["sections"].set_index("section")
    for name in ("nh3n", "tp", "cod"):
        for edge in ("min", "max"):
            np.testing.assert_allclose(days[edge, name][steady.index], steady[name], rtol=1e-3)
            np.testing.assert_allclose(
                days[edge, name][["s-left", "s-low"]], steady.loc[["s-left", "s-low"], name], rtol=1e-9
            )


def test_a_low_flow_worsens_what_cities_discharge(toy, frames, parameters):
    low = np.where(np.arange(60) >= 30, 0.5, 1.0)
    frames["daily"] = table(60, [("flow", None, low), ("load", "a", 1.0)])
    found = run(toy.replace(frames), parameters=parameters).tables["daily_sections"].set_index(["section", "pollutant"])
    row = found.loc["s-low", "nh3n"]
    assert row["worst_date"] >= "2024-01-31"
    assert row["worst"] > 1.3 * row["mean"] / (1 + row["within"])
    assert 0 <= row["within"] <= 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop(index=2), "1 days are missing, first 2024-01-03"),
        (lambda t: t.assign(factor=0.0), "a flow of 0"),
        (lambda t: t.assign(date="May"), "'May' is not a day"),
        (lambda t: pd.concat([t, t]), "stands twice"),
        (lambda t: t.assign(id="nowhere"), "no flow is of 'nowhere'"),
    ],
)
def test_bad_days(change, said):
    with pytest.raises(BadInput, match=said):
        factors(change(table(5, [("flow", None, 1.0)])).reset_index(drop=True), "flow", ["up"])


def test_a_reach_of_years():
    with pytest.raises(BadInput, match="make them lakes"):
        route(chain(2), np.full((3, 2), 400.0), np.zeros(2), np.zeros(2, bool), np.zeros((3, 2)))
