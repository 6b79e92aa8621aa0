"""Links, tariffs, deficits and commuting against closed forms, against the main solver, and in exact hats."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain import linked, observed_shares, settle
from test_equilibrium import some

from megalopolis.economy.solve import solve

TIGHT = {"tolerance": 1e-13, "limit": 2000}


def drawn(seed=0, n=4, k=3, **fields):
    rng = np.random.default_rng(seed)
    kernels = np.exp(-rng.uniform(0, 3, (k, n, n)))
    inputs = rng.dirichlet(np.ones(k + 1), size=(k, n)).transpose(2, 0, 1)[:k]
    given_ = {
        "theta": rng.uniform(3, 6, k),
        "beta": rng.dirichlet(np.full(k, 3.0)),
        "registered": rng.lognormal(0, 0.5, n),
        "log_t": rng.normal(size=(k, n)),
        "inputs": inputs,
    } | fields
    return linked(kernels, **given_)


def test_without_links_it_is_the_main_model():
    m = some(6, 3, 3, gamma=[0.0, 0.1, 0.2], subsidy=0.1 * np.arange(18).reshape(3, 6) / 18)
    found = solve(m, tolerance=1e-13)
    e = linked(
        m.kernels[m.kernel_of],
        theta=m.theta,
        gamma=m.gamma,
        beta=m.beta,
        log_t=m.log_t,
        subsidy=m.subsidy,
        mobility=m.mobility,
        registered=m.registered,
        log_b=m.log_b + (1 - m.q) * m.log_h,
        q=m.q,
        eps=m.eps,
    )
    other = settle(e, **TIGHT)
    assert other.log_labour == pytest.approx(found.log_labour, abs=1e-10)
    assert other.log_welfare == pytest.approx(found.log_welfare, abs=1e-10)
    wage = other.log_wage - found.log_wage
    assert wage == pytest.approx(np.full(6, wage[0]), abs=1e-10)


def test_round_about_production_multiplies_productivity():
    # one closed city that pays a third of its output to labour: A up by 10 % makes the real wage A^(1/v), 33.1 %
    closed = linked(
        np.ones((1, 1, 1)),
        theta=np.array([4.0]),
        beta=np.ones(1),
        registered=np.ones(1),
        inputs=np.full((1, 1, 1), 2 / 3),
    )
    before = settle(closed, **TIGHT)
    after = settle(closed.changed(log_t=np.full((1, 1), 4 * np.log(1.1))), **TIGHT)
    assert after.log_real_wage - before.log_real_wage == pytest.approx([3 * np.log(1.1)], abs=1e-11)


@given(st.integers(0, 10**6))
@settings(max_examples=10, deadline=None)
def test_home_shares_and_the_inverse_of_leontief_give_the_real_wage(seed):
    # Costinot and Rodriguez-Clare (2014), equation 28: ln(w/P) changes by -sum_sk beta_s a_sk ln(pi_nnk) / theta_k
    e = drawn(seed)
    before = settle(e, **TIGHT)
    rng = np.random.default_rng(seed)
    costs = rng.uniform(0.7, 1.3, e.kernels.shape)
    for k in range(3):
        np.fill_diagonal(costs[k], 1.0)
    after = settle(e.changed(kernels=e.kernels * costs), **TIGHT)
    for n in range(4):
        leontief = np.linalg.inv(np.eye(3) - e.inputs[:, :, n].T)  # row s: what a unit of s takes of each industry
        home = np.log(after.trade_shares[:, n, n] / before.trade_shares[:, n, n]) / e.theta
        assert after.log_real_wage[n] - before.log_real_wage[n] == pytest.approx(-(e.beta @ leontief @ home), abs=1e-10)


def test_tariff_of_a_small_country_that_makes_half_of_what_it_buys():
    # two countries alike, one industry: shares are 1/2 at a tariff of 0; with t both ways home is
    # 1 / (1 + (1+t)^-theta), income is w L / (1 - t/(1+t) (1-home)), the price (home)^(1/theta) of autarky's
    theta, t = 4.0, 0.25
    e = linked(np.ones((1, 2, 2)), theta=np.array([theta]), beta=np.ones(1), registered=np.ones(2))
    tariffs = np.where(np.eye(2, dtype=bool), 0.0, t)[None]
    free, taxed = settle(e, **TIGHT), settle(e.changed(tariffs=tariffs), **TIGHT)
    home = 1 / (1 + (1 + t) ** -theta)
    assert taxed.trade_shares[0, 0, 0] == pytest.approx(home, rel=1e-12)
    revenue = 1 / (1 - t / (1 + t) * (1 - home))
    gain = np.log(revenue) - np.log(home / 0.5) / theta
    assert taxed.log_welfare - free.log_welfare == pytest.approx([gain, gain], abs=1e-11)
    assert gain < 0


def test_deficits_are_spent():
    e = drawn(1, transfers=np.array([0.1, -0.05, -0.05, 0.0]))
    found = settle(e, **TIGHT)
    wages = np.exp(found.log_labour + found.log_wage).sum(axis=0)
    assert found.income == pytest.approx(wages + e.transfers, abs=1e-12)
    other = settle(e.changed(transfers=np.zeros(4)), **TIGHT)
    assert found.log_welfare[0] > other.log_welfare[0]


def test_commuting_over_free_trade_by_hand():
    # one good, free trade: the price is one everywhere; two cities, those of the second may all work in the first.
    # Equal taste and no cost: shares of workplaces are w_i^nu / sum w^nu in both cities, and labour clears.
    nu, theta = 3.0, 4.0
    e = linked(
        np.ones((1, 2, 2)),
        theta=np.array([theta]),
        beta=np.ones(1),
        registered=np.array([2.0, 1.0]),
        log_t=np.array([[np.log(16.0), 0.0]]),
        commuting=np.ones((2, 2)),
        nu=nu,
    )
    found = settle(e, **TIGHT)
    # demand: w1 L1 / (w2 L2) = 16 (w1/w2)^-theta; supply: L1/L2 = (w1/w2)^nu; so (w1/w2)^(1 + nu + theta) = 16
    ratio = 16 ** (1 / (1 + nu + theta))
    assert np.exp(found.log_wage[0] - found.log_wage[1]) == pytest.approx(ratio, rel=1e-12)
    assert np.exp(found.log_labour).sum() == pytest.approx(3, rel=1e-12)
    assert found.commuting_shares[1, 0] == pytest.approx(ratio**nu / (1 + ratio**nu), rel=1e-12)


def test_nobody_commutes_where_it_costs_too_much():
    e = drawn(2, commuting=np.eye(4))
    a, b = settle(e, **TIGHT), settle(e.changed(commuting=np.empty((0, 4))), **TIGHT)
    assert a.log_wage == pytest.approx(b.log_wage, abs=1e-11)


def test_acceleration_that_strays_again_and_again_gives_way_to_plain_sweeps():
    seed = 487
    rng = np.random.default_rng(seed)
    e = drawn(
        seed,
        k=2,
        gamma=np.array([0.0, 0.1]),
        tariffs=rng.uniform(0, 0.2, (2, 4, 4)) * (1 - np.eye(4)),
        mobility=np.exp(-rng.uniform(0, 2, (4, 4))) + 2 * np.eye(4),
        commuting=np.exp(-rng.uniform(2, 4, (4, 4))) + np.eye(4),
        q=0.8,
        transfers=np.array([0.02, -0.02, 0.0, 0.0]),
    )
    assert settle(e, **TIGHT).converged


@given(st.integers(0, 10**6))
@settings(max_examples=8, deadline=None)
def test_hats_equal_levels(seed):
    rng = np.random.default_rng(seed)
    n, k = 4, 2
    e = drawn(
        seed,
        n,
        k,
        gamma=np.array([0.0, 0.05]),
        tariffs=rng.uniform(0, 0.2, (k, n, n)) * (1 - np.eye(n)),
        mobility=np.exp(-rng.uniform(0, 2, (n, n))) + 2 * np.eye(n),
        commuting=np.exp(-rng.uniform(2, 4, (n, n))) + np.eye(n),
        q=0.8,
        transfers=np.array([0.02, -0.02, 0.0, 0.0]),
    )
    before = settle(e, **TIGHT)
    assert before.residual < 1e-11
    shares = before.trade_shares
    stay = e.mobility * np.exp(e.eps * before.log_utility)
    data = e.changed(
        kernels=shares,
        mobility=stay / stay.sum(axis=1, keepdims=True),
        commuting=before.commuting_shares,
        log_t=np.zeros((k, n)),
        log_b=np.zeros(n),
    )
    fitted, base = observed_shares(data, np.exp(before.log_labour), np.exp(before.log_wage), np.exp(before.log_people))
    assert base.residual < 1e-10
    assert np.abs(base.log_utility).max() < 1e-12
    d, ride = rng.uniform(0.8, 1.2, e.kernels.shape), rng.uniform(0.8, 1.2, (n, n))
    tariffs = np.zeros((k, n, n))
    levels = e.changed(kernels=e.kernels * d, commuting=e.commuting * ride, tariffs=tariffs)
    hats = fitted.changed(kernels=fitted.kernels * d, commuting=fitted.commuting * ride, tariffs=tariffs)
    after, found = settle(levels, before, **TIGHT), settle(hats, base, **TIGHT)
    assert found.log_labour == pytest.approx(after.log_labour, abs=1e-10)
    assert found.log_wage == pytest.approx(after.log_wage, abs=1e-10)
    assert found.log_welfare == pytest.approx(after.log_welfare - before.log_welfare, abs=1e-10)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"inputs": np.full((3, 3, 4), 0.5)}, "share of gross output"),
        ({"tariffs": np.full((3, 4, 4), -1.0)}, "tariffs"),
        ({"tariffs": np.zeros((3, 4, 3))}, "shape"),
        ({"gamma": np.full(3, 0.5)}, "gamma theta at most 1"),
        ({"transfers": np.full(4, 0.1)}, "sum to zero"),
        ({"beta": np.full(3, 0.5)}, "sum to 1"),
        ({"registered": np.full(4, np.nan)}, "not finite"),
        ({"nu": 0.0}, "nu"),
    ],
)
def test_bad_input_is_named(fields, said):
    with pytest.raises(ValueError, match=said):
        drawn(0, **fields)


def test_transfers_beyond_income_are_refused_and_the_cap_holds():
    with pytest.raises(ValueError, match="no equilibrium"):
        settle(drawn(0, transfers=np.array([-1.5, 1.5, 0.0, 0.0])))
    found = settle(drawn(0), limit=3)
    assert not found.converged
    assert found.sweeps == 3
    with pytest.raises(ValueError, match="do not sum to one"):
        observed_shares(drawn(0), np.ones((3, 4)), np.ones(4))
