"""Gradients against differences and the complex step; games against what defines them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_equilibrium import some

from megalopolis.economy import game as g
from megalopolis.economy.linear import OBJECTIVES, Adjoint, gradients, objective_of
from megalopolis.economy.reverse import Reverse
from megalopolis.economy.solve import solve

GAMMA = [0.0, 0.1, 0.2]


def tight(m):
    return solve(m, tolerance=1e-14, limit=400)


@pytest.mark.parametrize("mobile", [True, False])
@pytest.mark.parametrize("kind", OBJECTIVES)
def test_adjoint_is_the_derivative(kind, mobile):
    rng = np.random.default_rng(1)
    m, players = some(6, 3, 1, gamma=GAMMA, mobile=mobile, classes=2), np.array([0, 2, 5])

    def at(wedge):
        subsidy = np.zeros((3, 6))
        subsidy[:, players] = -np.expm1(-wedge.T)
        return tight(m.changed(subsidy=subsidy))

    wedge = 0.1 * rng.normal(size=(3, 3))
    values, grad = gradients(at(wedge), players, kind)
    assert values == pytest.approx(objective_of(at(wedge), players, kind))
    step = 1e-4
    for city in range(3):
        for k in range(3):
            e = np.zeros((3, 3))
            e[city, k] = step
            four = [objective_of(at(wedge + s * e), players, kind) for s in (1, -1, 2, -2)]
            slope = (8 * (four[0] - four[1]) - (four[2] - four[3])) / (12 * step)
            assert grad[:, city, k] == pytest.approx(slope, abs=1e-8)


def test_old_factorisation_gives_the_same_gradients():
    m, players, adjoint = some(6, 3, 1, gamma=GAMMA, classes=2), np.array([0, 2, 5]), Adjoint()
    adjoint.gradients(tight(m), players, "welfare")
    subsidy = np.zeros((3, 6))
    subsidy[:, players] = [[0.0], [0.2], [-0.3]]
    moved = tight(m.changed(subsidy=subsidy))
    for kind in OBJECTIVES:
        values, grad = adjoint.gradients(moved, players, kind)
        fresh = gradients(moved, players, kind)
        assert values == pytest.approx(fresh[0])
        assert grad == pytest.approx(fresh[1], abs=1e-9)
        weights = np.array([0.2, 0.3, 0.5])
        joint = adjoint.gradient(moved, players, kind, weights)
        assert joint == pytest.approx(np.einsum("p,pck->ck", weights, fresh[1]), abs=1e-9)


def equations(m, x):
    """The equations in logs, written plainly and analytic, so that a complex step goes through them."""
    count, n = m.log_t.shape
    log_l, log_w = x[: count * n].reshape(count, n), x[count * n :]
    keep, lab = np.log1p(-m.subsidy), np.exp(log_l)
    net = np.exp(keep + log_w) * lab
    spend, people, out, log_price = net.sum(axis=0), lab.sum(axis=0), [], 0
    for k in range(count):
        a = np.exp(m.log_t[k] + m.gamma[k] * m.theta[k] * log_l[k] - m.theta[k] * (log_w + keep[k]))
        offers = m.kernels[m.kernel_of[k]] * a
        total = offers.sum(axis=1)
        out.append(np.log(net[k]) - np.log((offers / total[:, None]).T @ (m.beta[k] * spend)))
        log_price = log_price - m.beta[k] / m.theta[k] * np.log(total)
    choice = m.mobility * np.exp(m.eps * (m.log_b + (1 - m.q) * m.log_h + m.q * (np.log(spend) - log_price))) ** 1
    choice = choice * people ** (-m.eps)
    wanted = (choice / choice.sum(axis=1)[:, None]).T @ m.registered
    return np.concatenate([*out, np.log(people) - np.log(wanted)])


def test_jacobian_against_the_complex_step():
    m = some(5, 3, 2, gamma=GAMMA, classes=2, subsidy=0.1 * np.arange(15).reshape(3, 5) / 15)
    found = tight(m)
    x = np.concatenate([found.log_labour.ravel(), found.log_wage])
    assert np.abs(equations(m, x)).max() < 1e-12
    step = 1e-20
    exact = np.column_stack([equations(m, x + 1j * step * e).imag / step for e in np.eye(x.size)])
    # the redundant equation is replaced by the numeraire, a change of rank one
    weight = np.concatenate([found.bills.ravel(), np.zeros(5)])
    numeraire = np.concatenate([found.bills.ravel(), found.bills.sum(axis=0)])
    jac = Reverse(found).jacobian().T - np.outer(weight / weight.max(), numeraire)
    assert jac == pytest.approx(exact, abs=1e-7)
    assert np.abs(exact[:, 15:].sum(axis=1)).max() < 1e-10  # the level of wages means nothing


@pytest.fixture(scope="module")
def played():
    m = some(6, 3, 3, gamma=GAMMA)
    game = g.Game(m, np.arange(6))
    names = {"free": g.free(game), "pigou": g.pigou(game), "nash": g.nash(game), "cooperate": g.cooperate(game)}
    return game, names | {"bargain": g.bargain(game, names["nash"])}


def test_nobody_regrets_nash(played):
    game, found = played
    gains = g.regret(game, found["nash"], np.arange(6), np.random.default_rng(0), starts=1)
    assert np.abs(gains).max() < 1e-9
    off = g.regret(game, found["pigou"], np.array([0, 4]), np.random.default_rng(0), starts=0)
    assert (off > 1e-6).all()  # a city alone would leave the common rule


def test_coordination_is_worth_something(played):
    game, found = played
    weights = game.model.registered / game.model.registered.sum()
    joint = {name: float(weights @ outcome.values) for name, outcome in found.items()}
    assert joint["cooperate"] == max(joint.values())
    assert joint["cooperate"] > joint["nash"]
    assert joint["cooperate"] >= joint["pigou"] > joint["free"]
    gain = found["bargain"].values - found["nash"].values
    assert (gain > 0).all()
    others = [found[k].values - found["nash"].values for k in ("cooperate", "pigou")]
    for other in others:
        assert np.log(gain).sum() >= np.log(np.maximum(other, 1e-300)).sum() - 1e-6
    for outcome in found.values():
        assert (outcome.subsidy[:, 0] == 0).all()
        assert outcome.equilibrium.converged


def test_pigou_by_hand(played):
    _, found = played
    s = np.array(GAMMA) / (1 + np.array(GAMMA))
    assert found["pigou"].subsidy == pytest.approx(np.tile(s, (6, 1)), abs=1e-14)  # the first has no economies


@given(st.floats(0.01, 0.3), st.floats(0.01, 0.3))
@settings(max_examples=8, deadline=None)
def test_one_closed_city_chooses_pigou(a, b):
    m = some(1, 3, 0, gamma=[0.0, a * 0.8, b * 0.8], theta=4.0 / 1.2, mobility=np.ones((1, 1)), registered=[1.0])
    best = g.cooperate(g.Game(m, np.array([0])))
    gamma = np.array([0.0, a, b]) * 0.8
    assert best.subsidy[0] == pytest.approx(gamma / (1 + gamma), abs=1e-5)


@given(st.floats(0.01, 0.3), st.floats(0.01, 0.3), st.integers(0, 10**6))
@settings(max_examples=8, deadline=None)
def test_one_closed_city_with_links_chooses_what_workers_add(a, b, seed):
    # sales are (v + gamma) times what a worker adds and v times what a worker is paid
    gamma = np.array([0.1, a, b]) * 0.8
    inputs = np.random.default_rng(seed).dirichlet(np.ones(4), 3).T[:3, :, None] * 0.8
    m = some(1, 3, 0, gamma=gamma, theta=3.3, mobility=np.ones((1, 1)), registered=[1.0], inputs=inputs)
    game = g.Game(m, np.array([0]))
    keep = m.value_added[:, 0] / (m.value_added[:, 0] + gamma)
    assert 1 - g.pigou(game).subsidy[0] == pytest.approx(keep / keep[0])
    assert g.cooperate(game).subsidy[0] == pytest.approx(g.pigou(game).subsidy[0], abs=1e-5)


def ride(n, seed):
    """Many commuters, and half of all output as inputs."""
    rng = np.random.default_rng(seed)
    inputs = np.repeat(rng.dirichlet(np.ones(3), 3).T[:, :, None] * 0.5, n, axis=2)
    return {"commuting": np.eye(n) + rng.uniform(0, 0.2, (n, n)), "inputs": inputs}


@pytest.mark.parametrize("kind", ["welfare", "gdp"])
def test_nobody_regrets_nash_where_people_commute_and_industries_buy(kind):
    game = g.Game(some(6, 3, 3, gamma=[0.0, 0.05, 0.1], **ride(6, 0)), np.arange(5), kind)
    nash, free = g.nash(game), g.free(game)
    assert nash.gradient <= g.TOLERANCE
    assert np.abs(g.regret(game, nash, np.arange(5), np.random.default_rng(0), starts=1)).max() < 1e-9
    assert (g.regret(game, free, np.array([0, 4]), np.random.default_rng(0), starts=0) > 1e-6).all()
    weights = np.full(5, 0.2)
    joint, deal = g.cooperate(game, weights), g.bargain(game, nash)
    assert weights @ joint.values > weights @ nash.values
    assert (deal.values > nash.values).all()
    # the joint best against many other subsidies of the same kind
    rng = np.random.default_rng(1)
    best = -np.log1p(-joint.subsidy)
    for _ in range(10):
        other = (best[:, 1:] - best[:, :1]) + 0.05 * rng.normal(size=(5, 2))
        assert weights @ game.values(other) < weights @ joint.values


def test_which_industry_comes_first_does_not_matter_where_people_commute():
    m, order = some(6, 3, 3, gamma=[0.0, 0.05, 0.1], **ride(6, 0)), np.array([2, 0, 1])
    other = m.changed(
        kernel_of=m.kernel_of[order],
        theta=m.theta[order],
        gamma=m.gamma[order],
        beta=m.beta[order],
        log_t=m.log_t[order],
        subsidy=m.subsidy[order],
        inputs=m.inputs[order][:, order],
    )
    one, two = (g.nash(g.Game(e, np.arange(4)), tolerance=3e-9) for e in (m, other))
    assert two.subsidy == pytest.approx(one.subsidy[:, order], abs=1e-5)
    assert two.values == pytest.approx(one.values, abs=1e-8)


@given(st.integers(0, 10**6), st.sampled_from(OBJECTIVES))
@settings(max_examples=8, deadline=None)
def test_slopes_with_levies_are_those_of_the_solver(seed, kind):
    rng = np.random.default_rng(seed)
    game = g.Game(some(5, 3, seed, gamma=GAMMA, **ride(5, seed)), np.array([0, 2, 3]), kind)
    weights, wedge = rng.uniform(0.5, 1, 3), 0.1 * rng.normal(size=(3, 2))
    direction, step = rng.normal(size=(3, 2)), 2e-3
    one, two, three = (
        weights @ (game.values(wedge + s * step * direction) - game.values(wedge - s * step * direction))
        for s in (1, 2, 3)
    )
    slope = (45 * one - 9 * two + three) / (60 * step)  # central differences of the sixth order
    assert (game.slope(wedge, weights) * direction).sum() == pytest.approx(slope, rel=1e-6, abs=1e-7)
    found = game.equilibrium(wedge)
    made = found.model.subsidy[:, game.players]
    assert (made * (found.labour / found.workers)[:, game.players]).sum(axis=0) == pytest.approx([0, 0, 0], abs=1e-10)
    over = np.log((1 - made[0]) / (1 - made[1:])).T
    assert over == pytest.approx(wedge, abs=1e-12)


def test_a_search_that_goes_too_far_comes_back():
    game = g.Game(some(4, 3, 0, gamma=GAMMA, **ride(4, 1)), np.arange(2))
    with pytest.raises(ValueError, match="is not solved"):
        game._solved(np.full((2, 3), 5.0), None)  # paid by residents, more than they earn
    levied = game.equilibrium(np.zeros((2, 2)))
    paid = (levied.model.subsidy * levied.labour)[:, :2].sum(axis=0) / levied.workers[:2]
    assert paid == pytest.approx([0, 0], abs=1e-11)


def test_unilateral_subsidies_lose_and_common_ones_gain():
    # the signs of Lashkaripour and Lugovskyy (2023), Table 5: small open economies that all subsidise alone
    m = some(12, 4, 8, gamma=[0.1, 0.1, 0.1, 0.1], mobile=False)
    game = g.Game(m, np.arange(12), "real_income")
    weights = m.registered / m.registered.sum()
    free, alone, joint = (f(game) for f in (g.free, g.nash, g.cooperate))
    assert weights @ (alone.values - free.values) < 0
    assert weights @ (joint.values - free.values) > 0


def test_bad_games():
    m = some(4, 2, 0)
    for players, said in (([], "players"), ([1, 1], "each once"), ([9], "no city")):
        with pytest.raises(ValueError, match=said):
            g.Game(m, np.array(players, dtype=np.int64))
    with pytest.raises(ValueError, match="two industries"):
        g.Game(some(4, 1, 0), np.array([0]))
    game = g.Game(m, np.array([0, 1]))
    with pytest.raises(ValueError, match="weights"):
        g.cooperate(game, np.array([1.0, 0.0]))
    with pytest.raises(ValueError, match="none of"):
        objective_of(tight(m), np.array([0]), "votes")
    with pytest.raises(ValueError, match="after 3 rounds"):
        g.nash(game, rounds=3, tolerance=1e-15)
