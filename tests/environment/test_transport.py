"""Transport of one substance: against the dense state equation, itself subdivided, and its adjoint."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from megalopolis.environment.network import build_network, named_network
from megalopolis.environment.transport import (
    balance,
    factorize,
    influence,
    mixed_retention,
    responses,
    retention,
    steady,
)
from megalopolis.errors import BadInput
from megalopolis.pillar import CheckFailed, Result


@st.composite
def rivers(draw, *, loops=False):
    """A network with bifurcations and abstractions, its retention, and loads."""
    n = draw(st.integers(2, 25))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    links = []
    for i in range(n - 1):
        count = min(int(rng.integers(1, 4)), n - 1 - i)
        share = rng.dirichlet(np.ones(count)) * (1.0 if rng.random() < 0.7 else rng.uniform(0.3, 0.9))
        links += [(i, j, f) for j, f in zip(rng.choice(np.arange(i + 1, n), count, replace=False), share, strict=True)]
    if loops:
        links = [(i, j, 0.8 * f) for i, j, f in links] + [(int(rng.integers(1, n)), 0, 0.15)]
    names = rng.permutation(n)
    source, target, fraction = zip(*links, strict=True)
    network = build_network(n, names[list(source)], names[list(target)], fraction)
    a, _ = retention(rng.uniform(0, 1, n), rng.uniform(0.01, 2, n))
    return network, a, rng.uniform(0, 10, n), rng.uniform(0, 3, n)


def dense(network):
    n = len(network)
    full = np.zeros((n, n))
    for i in range(n):
        for link in range(network.pointer[i], network.pointer[i + 1]):
            full[i, network.source[link]] += network.fraction[link]
    return full


@settings(deadline=None)  # the first call may compile
@given(rivers())
def test_sweep_is_the_state_equation_and_conserves_mass(river):
    network, a, head, along = river
    assert not network.looped
    mass = steady(network, a, head, along)
    expected = np.linalg.solve(np.eye(len(a)) - a[:, None] * dense(network), a * head + along)
    np.testing.assert_allclose(mass, expected, rtol=1e-12, atol=1e-12)
    assert balance(network, a, mass, head, (along, np.ones_like(a))).check("x").ok
    np.testing.assert_allclose(factorize(network, a).solve(a * head + along), mass, rtol=1e-12, atol=1e-12)


@settings(deadline=None)  # the first call may compile
@given(rivers(loops=True))
def test_water_that_returns(river):
    network, a, head, _ = river
    mass = steady(network, a, head)
    expected = np.linalg.solve(np.eye(len(a)) - a[:, None] * dense(network), a * head)
    np.testing.assert_allclose(mass, expected, rtol=1e-10, atol=1e-12)
    assert balance(network, a, mass, head).check("x").ok
    points = np.arange(len(a))
    np.testing.assert_allclose(responses(network, a, points).T, influence(network, a, points), rtol=1e-9, atol=1e-12)


@settings(deadline=None)  # the first call may compile
@given(rivers())
def test_responses_superpose_and_the_adjoint_is_the_forward(river):
    network, a, head, _ = river
    everywhere = np.arange(len(a))
    forward = responses(network, a, everywhere)
    np.testing.assert_allclose(forward @ head, steady(network, a, head), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(forward.T, influence(network, a, everywhere), rtol=1e-12, atol=1e-12)
    short = responses(network, a, everywhere, dtype=np.float32)
    np.testing.assert_allclose(short, forward, rtol=1e-5, atol=1e-6)


@settings(deadline=None)  # the first call may compile
@given(st.integers(1, 40), st.floats(0, 5), st.floats(0.001, 10), st.floats(0, 10), st.floats(0, 10))
def test_subdividing_a_reach_changes_nothing(parts, rate, days, head, along):
    whole_a, whole_b = retention([rate], [days])
    whole = steady(build_network(1, [], [], []), whole_a, np.array([head]), whole_b * along)[0]
    a, b = retention(np.full(parts, rate), np.full(parts, days / parts))
    network = build_network(parts, np.arange(parts - 1), np.arange(1, parts), np.ones(parts - 1))
    load = np.zeros(parts)
    load[0] = head
    finer = steady(network, a, load, b * along / parts)[-1]
    assert finer == pytest.approx(whole, rel=1e-11, abs=1e-11)


def test_a_fork_by_hand():
    """Reach 0 gives 0.25 to 1 and 0.75 to 2; both meet in 3, which loses half. 8 kg/d enter reach 0, 2 enter 2."""
    network = build_network(4, [0, 0, 1, 2], [1, 2, 3, 3], [0.25, 0.75, 1, 1])
    mass = steady(network, np.array([0.5, 1, 0.5, 0.5]), np.array([8.0, 0, 2, 0]))
    np.testing.assert_allclose(mass, [4, 1, 2.5, 1.75])


def test_abstraction_is_booked_as_a_sink():
    network = build_network(2, [0], [1], [0.6])
    a, head = np.ones(2), np.array([10.0, 0])
    mass = steady(network, a, head)
    booked = balance(network, a, mass, head)
    assert (booked.left, booked.taken, booked.decayed) == (6.0, 4.0, 0.0)


@pytest.mark.parametrize("wrong", [0.6, 0.3])
def test_a_deliberately_wrong_split_is_caught(wrong):
    network = build_network(4, [0, 0, 1, 2], [1, 2, 3, 3], [0.5, 0.5, 1, 1])
    broken = replace(network, fraction=np.where(network.fraction == 0.5, wrong, network.fraction))
    a, head = np.full(4, 0.9), np.array([8.0, 0, 2, 0])
    check = balance(broken, a, steady(broken, a, head), head).check("COD")
    assert not check.ok
    with pytest.raises(CheckFailed, match="mass of COD conserved"):
        Result("environment", checks=(check,))


def test_fractions_of_thirds_are_whole():
    network = build_network(4, [0, 0, 0], [1, 2, 3], [0.333, 0.333, 0.333])
    assert network.fraction.sum() == pytest.approx(1, abs=1e-15)
    assert network.abstraction[0] == 0


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("a", "a", 1.0)], "flows to itself"),
        ([("a", "x", 1.0)], "no reach has the id 'x'"),
        ([("a", "b", 1.2)], "a fraction of 1.2"),
        ([("a", "b", -0.2)], "a fraction of -0.2"),
        ([("a", "b", float("nan"))], "a fraction of nan"),
        ([("a", "b", 0.7), ("a", "c", 0.7)], "the fractions of 'a' sum to 1.4"),
        ([("a", "b", 0.5), ("a", "b", 0.5)], "stands twice"),
    ],
)
def test_bad_links_are_named(rows, said):
    with pytest.raises(BadInput, match=said):
        named_network(["a", "b", "c"], rows, table="reach_links")


def test_all_bad_links_are_told_at_once():
    with pytest.raises(BadInput) as error:
        named_network(["a", "b"], [("a", "a", 1.0), ("b", "z", 2.0)], table="reach_links")
    assert len(error.value.problems) >= 3


def test_a_mixed_lake():
    assert mixed_retention(0.1, 10) == 0.5
