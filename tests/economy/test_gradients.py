"""Gradients with commuting, links, tariffs and transfers: against the plain equations and against the solver itself.

The plain equations go through a complex step, so that the implicit function theorem on them is exact to rounding; the
solver's own central differences of the fourth order are exact to about 1e-9, the error of a solve over the step.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain import equations
from test_commuting import drawn, fused

from megalopolis.economy.linear import OBJECTIVES, Adjoint, gradients, objective_of
from megalopolis.economy.reverse import Reverse
from megalopolis.economy.solve import solve

#: Any of commuting, links, tariffs with transfers, and moving, alone and together.
OPTIONS = st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans())


def economy(seed, commute, links, tariffs, mobile, gamma=0.08, n=4, k=3):
    """A small random economy for the plain equations."""
    rng = np.random.default_rng(seed)
    fields = {
        "gamma": np.linspace(0.0, gamma, k),
        "q": 0.8,
        "subsidy": rng.uniform(-0.1, 0.1, (k, n)),
        "log_b": 0.1 * rng.normal(size=n),
        "inputs": rng.dirichlet(np.ones(k + 1), size=(k, n)).transpose(2, 0, 1)[:k] * 0.8 * links,
    }
    if commute:
        fields["commuting"] = np.exp(-rng.uniform(1, 3, (n, n))) + np.eye(n)
    if mobile:
        fields["mobility"] = np.exp(-rng.uniform(0, 2, (n, n))) + 2 * np.eye(n)
    if tariffs:
        fields["tariffs"] = rng.uniform(0, 0.3, (k, n, n)) * (1 - np.eye(n))
        fields["transfers"] = 0.02 * np.array([1.0, -1.0] + [0.0] * (n - 2))
    return drawn(seed, n, k, **fields)


def plainer(e):
    """The same for the fused solver, without the options that do nothing."""
    m = fused(e)
    none = np.empty((0, 0, 0))
    return m.changed(
        inputs=m.inputs if m.inputs.any() else none, tariffs=m.tariffs if m.tariffs.any() else none, log_b=e.log_b
    )


def tight(m, start=None):
    return solve(m, start, tolerance=1e-14, limit=600)


def worth(e, x, kind):
    """Objectives of all cities in logs at a state of the plain equations."""
    k, n = e.shape
    found, _ = equations(e, x)
    price = e.beta @ found["price"]
    if kind == "gdp":
        return np.log(found["net"].sum(axis=0)) - price
    if kind == "real_income":
        return e.q * (np.log(found["income"] / e.q) - price) - x[2 * k * n + n :]
    if not e.mobility.shape[0]:
        return found["utility"]
    return np.log(e.mobility @ np.exp(e.eps * found["utility"])) / e.eps


def exact(e, found, kind):
    """Objectives by all wedges ``-ln(1 - s)``, shape (n, n, k), by the implicit function theorem."""
    k, n = e.shape
    price = -found.log_market / e.theta[:, None]
    x = np.concatenate([found.log_labour.ravel(), price.ravel(), found.log_wage, found.log_people])
    step, wedge = 1e-30, -np.log1p(-e.subsidy)

    def both(state, moved):
        at = e.changed(subsidy=-np.expm1(-moved))
        return np.concatenate([worth(at, state, kind), *(p.ravel() for p in equations(at, state)[1])])

    assert np.abs(both(x, wedge)[n:]).max() < 1e-11
    by_state = np.column_stack([both(x + 1j * step * d, wedge).imag / step for d in np.eye(x.size)])
    units = np.eye(k * n).reshape(-1, k, n)
    by_wedge = np.column_stack([both(x.astype(complex), wedge + 1j * step * d).imag / step for d in units])
    moves = np.linalg.lstsq(by_state[n:], -by_wedge[n:], rcond=1e-11)[0]  # the level of wages and prices is free
    assert np.abs(by_state[n:] @ moves + by_wedge[n:]).max() < 1e-9
    return (by_state[:n] @ moves + by_wedge[:n]).reshape(n, k, n).transpose(0, 2, 1)


@given(st.integers(0, 10**6), OPTIONS, st.sampled_from(OBJECTIVES))
@settings(max_examples=40, deadline=None)
def test_gradients_are_those_of_the_plain_equations(seed, options, kind):
    e = economy(seed, *options)
    found = tight(plainer(e))
    cities = np.arange(4)
    values, grad = gradients(found, cities, kind)
    assert values == pytest.approx(objective_of(found, cities, kind))
    wanted = exact(e, found, kind)
    assert grad == pytest.approx(wanted, abs=1e-9 * max(1.0, np.abs(wanted).max()))


@given(st.integers(0, 10**6), OPTIONS, st.sampled_from(OBJECTIVES))
@settings(max_examples=12, deadline=None)
def test_gradients_are_those_of_the_solver(seed, options, kind):
    m, players = plainer(economy(seed, *options)), np.array([0, 2])
    found = tight(m)
    _, grad = gradients(found, players, kind)
    step, rng = 2e-3, np.random.default_rng(seed)
    direction = rng.normal(size=(3, 2))
    direction /= np.abs(direction).max()

    def at(size):
        subsidy = m.subsidy.copy()
        subsidy[:, players] = 1 - (1 - subsidy[:, players]) * np.exp(-size * step * direction)
        return objective_of(tight(m.changed(subsidy=subsidy), found.state), players, kind)

    one, two, three = (at(s) - at(-s) for s in (1, 2, 3))
    slope = (45 * one - 9 * two + three) / (60 * step)  # central differences of the sixth order
    mine = np.einsum("pck,kc->p", grad, direction)
    assert mine == pytest.approx(slope, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("options", [(True, False, False, True), (False, True, False, False), (True,) * 4])
def test_an_old_factorisation_gives_the_same_gradients(options):
    m, players, adjoint = plainer(economy(3, *options)), np.array([0, 1, 3]), Adjoint()
    adjoint.gradients(tight(m), players, "welfare")
    subsidy = m.subsidy.copy()
    subsidy[:, players] += np.array([[0.0], [0.2], [-0.3]])
    moved = tight(m.changed(subsidy=subsidy))
    for kind in OBJECTIVES:
        fresh = gradients(moved, players, kind)[1]
        assert adjoint.gradients(moved, players, kind)[1] == pytest.approx(fresh, abs=1e-9)
        weights = np.array([0.2, 0.3, 0.5])
        joint = adjoint.gradient(moved, players, kind, weights)
        assert joint == pytest.approx(np.einsum("p,pck->ck", weights, fresh), abs=1e-9)


@given(st.integers(0, 10**6), OPTIONS)
@settings(max_examples=10, deadline=None)
def test_the_redundant_equation_is_the_numeraire(seed, options):
    found = tight(plainer(economy(seed, *options)))
    parts, m = Reverse(found), found.model
    assert parts.size == 12 * (1 + m.linked) + 4 * (1 + m.commutes)
    gross = (found.bills / m.value_added).ravel()
    income = (found.wage * found.workers) * m.commutes
    rest = np.zeros(parts.size - 16)
    walras = np.concatenate([gross, -income, rest])[:, None]  # weighted so, the equations add up to nothing
    state, forced = parts.transposed(walras)
    level = gross @ gross / gross.max()
    numeraire = np.concatenate([found.bills.ravel(), found.bills.sum(axis=0), rest])
    assert state[:, 0] == pytest.approx(level * numeraire, abs=1e-11)
    assert forced[:, :, 0] == pytest.approx(level * found.bills, abs=1e-11)
