"""The solver against closed forms, against its equations written plainly, and against what must hold exactly."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from picard import gaps, picard, published

from megalopolis.economy.certificate import certify, uniqueness
from megalopolis.economy.model import goods_share, model
from megalopolis.economy.shares import from_shares
from megalopolis.economy.solve import solve

TIGHT = 1e-13


def some(n=6, k=2, seed=0, *, mobile=True, gamma=0.1, classes=1, **options):
    """An economy of random places."""
    rng = np.random.default_rng(seed)
    spot = rng.random((n, 2))
    far = np.hypot(*(spot[:, None] - spot[None]).transpose(2, 0, 1)) + 0.1
    mobility = far**-1.0 + 3.0 * np.eye(n) if mobile else None
    arguments = {
        "theta": 4.0,
        "gamma": gamma,
        "beta": np.full(k, 1 / k),
        "registered": rng.lognormal(0, 0.5, n),
        "mobility": mobility,
        "amenity": np.exp(0.2 * rng.normal(size=n)),
        "land": np.exp(0.2 * rng.normal(size=n)),
        "q": 0.78,
        "kernel_of": np.arange(k) % classes,
        "productivity": np.exp(0.3 * rng.normal(size=(k, n))),
    }
    return model(np.stack([far ** -(1.5 + c) for c in range(classes)]), **(arguments | options))


def test_two_cities_have_the_perron_root():
    # sigma 5, A (1.1, 1), tau 1.5, free mobility: w^-4 is the Perron vector of phi_ij a_j, and amenities are
    # set so that the same labour is chosen at finite eps.
    theta, phi, a = 4.0, 1.5**-4.0, np.array([1.1, 1.0]) ** 4.0
    root = (a.sum() + np.sqrt((a[0] - a[1]) ** 2 + 4 * phi**2 * a[0] * a[1])) / 2
    vector = np.array([phi * a[1], root - a[0]])
    wage = vector ** (-1 / theta)
    assert wage[0] / wage[1] == pytest.approx(0.8457756, abs=5e-8)
    kernel = np.array([[1, phi], [phi, 1]])
    shares = kernel * a * wage**-theta
    shares /= shares.sum(axis=1, keepdims=True)
    values, vectors = np.linalg.eig(shares.T)
    bill = np.abs(vectors[:, np.argmax(values.real)].real)
    people = bill / wage
    m = model(
        kernel,
        theta=theta,
        gamma=0.0,
        beta=1.0,
        productivity=[[1.1, 1.0]],
        registered=[1.0],
        mobility=np.ones((1, 2)),
        amenity=people ** (1 / 1.5),
    )
    found = solve(m, tolerance=TIGHT)
    assert found.wage[0] / found.wage[1] == pytest.approx(0.8457756, abs=5e-8)
    real = found.wage * np.exp(-found.log_price)
    assert real == pytest.approx(np.full(2, root ** (1 / theta)), rel=1e-12)


def test_closed_economy_gains_from_subsidies_to_external_economies():
    beta, gamma = np.array([0.5, 0.3, 0.2]), np.array([0, 0.2, 0.4])
    free = model(np.ones((1, 1)), theta=2.0, gamma=gamma, beta=beta, productivity=np.ones((3, 1)), registered=[1.0])
    pigou = free.changed(subsidy=(gamma / (1 + gamma))[:, None])
    gain = solve(pigou, tolerance=TIGHT).log_welfare - solve(free, tolerance=TIGHT).log_welfare
    assert gain == pytest.approx([0.0104757676], abs=1e-10)


@pytest.mark.parametrize("mobile", [True, False])
def test_uniform_productivity_raises_welfare_by_the_goods_share(mobile):
    m = some(mobile=mobile, k=3)
    rise = 0.07
    before = solve(m, tolerance=TIGHT)
    after = solve(m.changed(log_t=m.log_t + m.theta[:, None] * rise), tolerance=TIGHT)
    assert after.log_welfare - before.log_welfare == pytest.approx(np.full(6, m.q * rise), abs=1e-11)
    assert after.people == pytest.approx(before.people, rel=1e-11)


def test_industries_alike_without_external_economies_are_one():
    many = some(k=4, gamma=0.0, productivity=np.tile(np.linspace(1, 2, 6), (4, 1)))
    one = some(k=1, gamma=0.0, productivity=np.linspace(1, 2, 6)[None])
    a, b = solve(many, tolerance=TIGHT), solve(one, tolerance=TIGHT)
    assert a.people == pytest.approx(b.people, rel=1e-11)
    assert a.wage == pytest.approx(b.wage, rel=1e-11)
    assert a.log_welfare == pytest.approx(b.log_welfare, abs=1e-11)


@given(st.integers(0, 10**6), st.integers(1, 4), st.floats(0, 0.24), st.booleans())
@settings(max_examples=25, deadline=None)
def test_equations_hold_as_written_plainly(seed, k, gamma, mobile):
    m = some(5, k, seed, gamma=gamma, mobile=mobile, classes=min(k, 2), theta=np.linspace(2, 4, k))
    found = solve(m)
    assert found.converged
    sold, wanted, price, welfare = gaps(m, found.labour, found.wage)
    assert sold == pytest.approx(np.ones_like(sold), abs=3e-9)
    assert wanted == pytest.approx(np.ones_like(wanted), abs=3e-9)
    assert np.log(price) == pytest.approx(found.log_price, abs=1e-12)
    assert np.log(welfare) == pytest.approx(found.log_welfare, abs=1e-12)
    assert max(found.conservation().values()) < 3e-9


@pytest.mark.parametrize("mobile", [True, False])
def test_plain_iteration_finds_the_same(mobile):
    m = some(9, 3, 4, mobile=mobile, gamma=[0.0, 0.1, 0.2], subsidy=0.1 * np.arange(27).reshape(3, 9) / 27)
    lab, wage, _ = picard(m, tolerance=1e-12)
    found = solve(m, tolerance=TIGHT)
    assert found.labour == pytest.approx(lab, rel=1e-9)
    assert found.wage == pytest.approx(wage, rel=1e-9)


def test_published_loops_find_the_same():
    pool = {"mobility": np.ones((1, 9)), "registered": [9.0], "gamma": 0.25, "q": 0.75, "eps": 3.0, "theta": 4.0}
    m = some(9, 1, 4, **pool)
    lab, wage, _ = published(m, tolerance=1e-11)
    found = solve(m, tolerance=TIGHT)
    assert found.people == pytest.approx(lab, rel=1e-8)
    assert found.wage == pytest.approx(wage, rel=1e-8)


@given(st.permutations(range(6)), st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_names_of_cities_do_not_matter(order, seed):
    m = some(6, 2, seed, classes=2)
    o = np.array(order)
    other = m.changed(
        kernels=m.kernels[:, o][:, :, o],
        mobility=m.mobility[o][:, o],
        registered=m.registered[o],
        log_t=m.log_t[:, o],
        log_b=m.log_b[o],
        log_h=m.log_h[o],
    )
    a, b = solve(m, tolerance=1e-12), solve(other, tolerance=1e-12)
    assert b.people == pytest.approx(a.people[o], rel=1e-9)
    assert b.log_welfare == pytest.approx(a.log_welfare[o], abs=1e-9)


@given(st.integers(0, 10**6), st.booleans())
@settings(max_examples=15, deadline=None)
def test_hats_equal_levels(seed, mobile):
    rng = np.random.default_rng(seed)
    m = some(5, 3, seed, mobile=mobile, classes=2, subsidy=0.05, transfers=[0.01, -0.01, 0.02, -0.02, 0])
    before = solve(m, tolerance=1e-14, limit=300)
    assume(before.residual < 1e-9)  # of such random economies six in a thousand have no equilibrium that is found
    d, move = rng.uniform(0.8, 1.25, m.kernels.shape), rng.uniform(0.8, 1.25, m.mobility.shape)
    land = 0.1 * rng.normal(size=5)
    change = {"kernels": m.kernels * d, "mobility": m.mobility * move, "log_h": m.log_h + land}
    after = solve(m.changed(**change), tolerance=1e-14, limit=300)
    hats = from_shares(
        before.trade_shares(),
        before.labour,
        before.wage,
        theta=m.theta,
        gamma=m.gamma,
        beta=m.beta,
        q=m.q,
        eps=m.eps,
        migration=before.migration_shares() if mobile else None,
        registered=m.registered,
        subsidy=m.subsidy,
        transfers=m.transfers,
    )
    base = solve(hats, (before.log_labour, before.log_wage), tolerance=1e-14, limit=300)
    assert np.abs(base.log_labour - before.log_labour).max() < 1e-11
    assert np.abs(base.log_utility).max() < 1e-11
    change = {
        "kernels": hats.kernels * d[m.kernel_of],
        "mobility": hats.mobility * move,
        "log_h": hats.log_h + land,
    }
    found = solve(hats.changed(**change), tolerance=1e-14, limit=300)
    assert np.abs(found.log_labour - after.log_labour).max() < 1e-12
    assert np.abs(found.log_wage - after.log_wage).max() < 1e-12
    assert np.abs(found.log_welfare - (after.log_welfare - before.log_welfare)).max() < 1e-12


def test_uniform_subsidies_change_nothing():
    m = some(6, 3, 1, gamma=[0.05, 0.1, 0.2])
    free, paid = solve(m, tolerance=TIGHT), solve(m.changed(subsidy=np.full((3, 6), 0.2)), tolerance=TIGHT)
    assert paid.labour == pytest.approx(free.labour, rel=1e-11)
    assert paid.log_welfare == pytest.approx(free.log_welfare, abs=1e-11)


def test_housing_supply_is_fixed_land_at_another_share():
    # H = land (r/P)^eta with spending share 1 - alpha: indirect utility falls with crowding as with share 1 - q.
    alpha, eta = 0.7, 0.38
    q = goods_share(alpha, eta)
    assert q == pytest.approx(1 - 0.3 / 1.38)
    income, people, price, land = 3.0, 2.0, 1.3, 0.8
    rent = price * ((1 - alpha) * income / price / land) ** (1 / (1 + eta))
    direct = income / people / price**alpha / rent ** (1 - alpha)
    solved = (income / price) ** q / people * land ** (1 - q)
    ratio = direct / solved
    income, people, price, land = 5.0, 1.0, 0.9, 1.7
    rent = price * ((1 - alpha) * income / price / land) ** (1 / (1 + eta))
    direct = income / people / price**alpha / rent ** (1 - alpha)
    assert direct / ((income / price) ** q / people * land ** (1 - q)) == pytest.approx(ratio, rel=1e-12)


def test_kernels_in_single_precision():
    m = some(30, 3, 2)
    single = m.changed(kernels=m.kernels.astype(np.float32), mobility=m.mobility.astype(np.float32))
    assert solve(single).people == pytest.approx(solve(m).people, rel=1e-6)


def test_cap_reports_the_best_residual():
    found = solve(some(20, 3, 3, gamma=0.2), limit=3)
    assert not found.converged
    assert found.sweeps == 3
    assert 1e-9 < found.residual < np.inf
    assert np.isfinite(found.log_labour).all()
    sold, wanted, *_ = gaps(found.model, found.labour, found.wage)
    assert found.residual == pytest.approx(max(np.abs(np.log(sold)).max(), np.abs(np.log(wanted)).max()), rel=1e-9)


def test_strong_external_economies_close_in():
    found = solve(some(25, 4, 5, gamma=0.938 / 4))
    assert found.converged


def test_certificate():
    alone = some(5, 2, mobile=False)
    sure = certify(solve(alone), starts=3, rng=np.random.default_rng(0))
    assert sure.unique
    assert sure.spread < 1e-7
    assert 0 < sure.radius < 1
    pool = some(5, 1, gamma=0.05, mobility=np.ones((1, 5)), registered=[1.0])
    assert uniqueness(pool)[0]
    strong = some(5, 1, gamma=0.2, mobility=np.ones((1, 5)), registered=[1.0], eps=9.0, q=0.95)
    assert not uniqueness(strong)[0]
    assert not uniqueness(some(5, 2))[0]
    with pytest.raises(ValueError, match="generator"):
        certify(solve(alone), starts=1)


def test_radius_is_the_factor_of_the_plain_sweep():
    m = some(12, 3, 7, gamma=0.15)
    radius = certify(solve(m, tolerance=TIGHT)).radius
    gap = [solve(m, memory=0, limit=c, tolerance=0.0).residual for c in (30, 40)]
    assert (gap[1] / gap[0]) ** 0.1 == pytest.approx(radius, abs=0.03)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"gamma": 0.3}, "above 1"),
        ({"gamma": -0.1}, "negative"),
        ({"theta": 0.0}, "theta"),
        ({"beta": [0.5, 0.6]}, "sum to 1"),
        ({"productivity": np.zeros((2, 6))}, "productivity"),
        ({"subsidy": 1.0}, "below 1"),
        ({"transfers": np.full(6, 0.1)}, "sum to zero"),
        ({"registered": np.full(6, -1.0)}, "registered"),
        ({"registered": np.ones(5)}, "shape"),
        ({"q": 0.0}, "goods share"),
        ({"q": 1.2}, "goods share"),
        ({"eps": 0.0}, "eps"),
        ({"eps": np.nan}, "eps"),
        ({"land": np.nan}, "land"),
        ({"kernel_of": [0, 1]}, "kernel_of"),
        ({"mobility": np.diag([1, 1, 1, 1, 1, 0.0])}, "number 5"),
    ],
)
def test_bad_input_is_named(change, said):
    with pytest.raises(ValueError, match=said):
        some(**change)


def test_city_that_nobody_can_reach():
    kernel = np.ones((3, 3))
    kernel[2] = 0
    with pytest.raises(ValueError, match="number 2 can be supplied by no city"):
        model(kernel, theta=4, gamma=0, beta=1, productivity=np.ones((1, 3)), registered=np.ones(3))
    with pytest.raises(ValueError, match="number 2 can sell to no city"):
        model(kernel.T, theta=4, gamma=0, beta=1, productivity=np.ones((1, 3)), registered=np.ones(3))


def test_shares_that_are_not_data():
    m = some(4, 2, mobile=False)
    found = solve(m, tolerance=TIGHT)
    kind = {"theta": m.theta, "gamma": m.gamma, "beta": m.beta, "q": m.q, "eps": m.eps}
    with pytest.raises(ValueError, match="do not sum to one"):
        from_shares(found.trade_shares() * 1.01, found.labour, found.wage, **kind)
    with pytest.raises(ValueError, match="clear the markets"):
        from_shares(found.trade_shares(), found.labour, found.wage * [1, 2, 1, 1], **kind)
    with pytest.raises(ValueError, match="residents"):
        from_shares(found.trade_shares(), found.labour, found.wage, migration=np.full((4, 4), 0.25), **kind)
