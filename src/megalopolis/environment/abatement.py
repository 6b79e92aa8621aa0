"""Least-cost abatement: which discharge treats how far so that every section meets its limit, by HiGHS.

Loads of the reaches stay variables of the programme, so its matrix is as sparse as the river (a matrix of responses
from every discharge to every section is dense and was measured 20 to 34 times slower).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import block_array, block_diag, csc_array, csr_array, eye_array, vstack

from megalopolis.environment.network import Network
from megalopolis.environment.rates import KG_PER_DAY
from megalopolis.environment.transport import matrix, steady
from megalopolis.pillar import Check, CheckFailed
from megalopolis.units import Array

#: Largest relative violation of a limit that the solver may leave.
FEASIBLE = 1e-6
_HELD = "limits held by the cheapest plan, loads by an independent sweep"
_ONCE = "volume treated once"


@dataclass(frozen=True)
class Problem:
    """What may be treated, at what cost, and which limits are to be met.

    Attributes
    ----------
    network : Network
        n reaches.
    a : ndarray, shape (p, n)
        Retention of each pollutant in each reach.
    flow : ndarray, shape (n,)
        m3/s.
    background : ndarray, shape (p, n)
        Loads that nobody treats, kg/d at the head.
    reach : ndarray of int, shape (d,)
        Reach of each discharge.
    load : ndarray, shape (d, t, p)
        kg/d at each treatment level.
    cost : ndarray, shape (d, t)
        Currency per year at each level.
    allowed : ndarray of bool, shape (d, t)
        Levels that the law allows the discharge.
    limit_reach, limit_pollutant : ndarray of int, shape (k,)
        Where each limit holds, and for which pollutant.
    limit : ndarray, shape (k,)
        mg/L.
    cut : ndarray, shape (m, d, t)
        Further rows, as of oxygen: mg/L that each discharge would add at each level, were it all treated so.
    cut_limit : ndarray, shape (m,)
        mg/L that they may add together.
    """

    network: Network
    a: Array
    flow: Array
    background: Array
    reach: npt.NDArray[np.int64]
    load: Array
    cost: Array
    allowed: npt.NDArray[np.bool_]
    limit_reach: npt.NDArray[np.int64]
    limit_pollutant: npt.NDArray[np.int64]
    limit: Array
    cut: Array = field(default_factory=lambda: np.zeros((0, 0, 0)))
    cut_limit: Array = field(default_factory=lambda: np.zeros(0))

    @property
    def caps(self) -> Array:
        """Largest load at each limit, kg/d."""
        return np.asarray(KG_PER_DAY * self.flow[self.limit_reach] * self.limit)


@dataclass(frozen=True)
class Plan:
    """The cheapest treatment.

    Attributes
    ----------
    shares : ndarray, shape (d, t)
        Share of each discharge's volume at each level; rows sum to one.
    cost : ndarray, shape (d,)
        Currency per year.
    mass : ndarray, shape (p, n)
        Load leaving each reach, kg/d.
    price : ndarray, shape (k,)
        Cost per year of one mg/L less at each limit; NaN for whole plants.
    charge : ndarray, shape (p, n)
        Cost per year of one kg/d more at the head of each reach: the charge that would lead everyone to this plan.
        Ratios between reaches are trading ratios. NaN for whole plants.
    unmet : ndarray, shape (k,)
        mg/L by which a limit cannot be met by any allowed treatment; 0 where it is met.
    cut_price, cut_unmet : ndarray, shape (m,)
        The same of the further rows.
    checks : tuple of Check
        Limits held, and loads against an independent sweep.
    """

    shares: Array
    cost: Array
    mass: Array
    price: Array
    charge: Array
    unmet: Array
    cut_price: Array
    cut_unmet: Array
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class _Programme:
    """Columns: the allowed levels of all discharges, then the loads of pollutant 0, 1, ... of all reaches."""

    objective: Array
    equal: csr_array
    right: Array
    upper: Array
    levels: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
    money: float


def _programme(p: Problem) -> _Programme:
    n, used = len(p.network), np.unique(p.limit_pollutant)
    who, level = np.nonzero(p.allowed)
    columns = np.arange(len(who))
    one = csr_array((np.ones(len(who)), (who, columns)), shape=(len(p.reach), len(who)))
    blocks = []
    for k in used:
        rate = p.a[k, p.reach[who]] * p.load[who, level, k]
        blocks.append([csr_array((-rate, (p.reach[who], columns)), shape=(n, len(who)))])
    state = block_diag([matrix(p.network, p.a[k]) for k in used], format="csr") if len(used) else None
    equal = block_array([[one, None], [block_array(blocks), state]]) if len(used) else one
    right = np.concatenate([np.ones(len(p.reach)), *(p.a[k] * p.background[k] for k in used)])
    upper = np.full(len(who) + len(used) * n, np.inf)
    at = len(who) + np.searchsorted(used, p.limit_pollutant) * n + p.limit_reach
    np.minimum.at(upper, at, p.caps)
    money = float(np.abs(p.cost[p.allowed]).mean()) or 1.0
    objective = np.concatenate([p.cost[who, level] / money, np.zeros(len(used) * n)])
    return _Programme(objective, csr_array(equal), right, upper, (who, level), money)


def cheapest(p: Problem, *, whole: bool = False) -> Plan:
    """Find the cheapest treatment that meets every limit.

    Where that is impossible the limits are loosened by as little as possible (in sum, relative to each) and `unmet`
    says by how much: what remains is the cheapest way to come that close.

    Parameters
    ----------
    p : Problem
        What may be done.
    whole : bool
        Each discharge takes one level only: an integer programme, without prices.

    Raises
    ------
    CheckFailed
        If a discharge has no allowed level, or the solver fails.
    """
    if not p.allowed.any(axis=1).all():
        raise CheckFailed("environment: a discharge has no treatment level that the law allows")
    free = _unbound(p)
    if free is not None:
        return free
    programme = _programme(p)
    unmet, short = np.zeros(len(p.limit)), np.zeros(len(p.cut_limit))
    found = _solve(programme, p, whole=whole)
    if found is None:
        unmet, short = _elastic(programme, p)
        loosened = np.where(unmet > 0, p.limit + unmet * (1 + 1e-7) + 1e-9 * p.limit, p.limit)
        cut = np.where(short > 0, p.cut_limit + short + 1e-7, p.cut_limit)
        relaxed = replace(p, limit=loosened, cut_limit=cut)
        programme = _programme(relaxed)
        found = _solve(programme, relaxed, whole=whole)
    if found is None:
        raise CheckFailed("environment: no treatment was found within the loosened limits")
    return _plan(p, programme, found, unmet, short)


def _unbound(p: Problem) -> Plan | None:
    """Return the cheapest level of every discharge where that meets all limits: nothing binds, all prices are zero."""
    shares = np.zeros_like(p.cost)
    shares[np.arange(len(p.cost)), np.where(p.allowed, p.cost, np.inf).argmin(axis=1)] = 1.0
    mass = loads_of(p, shares)
    over = float(np.max(mass[p.limit_pollutant, p.limit_reach] / p.caps - 1.0, initial=-1.0))
    used = np.einsum("kdt,dt->k", p.cut, shares) if len(p.cut_limit) else p.cut_limit
    if over > 0 or (used > p.cut_limit).any():
        return None
    return Plan(
        shares=shares,
        cost=(shares * p.cost).sum(axis=1),
        mass=mass,
        price=np.zeros(len(p.limit)),
        charge=np.zeros(p.background.shape),
        unmet=np.zeros(len(p.limit)),
        cut_price=np.zeros(len(p.cut_limit)),
        cut_unmet=np.zeros(len(p.cut_limit)),
        checks=(Check(_HELD, max(over, 0.0), FEASIBLE), Check(_ONCE, 0.0, FEASIBLE)),
    )


@dataclass(frozen=True)
class _Found:
    """Columns of the programme, prices of the limits and of the further rows, charges."""

    x: Array
    price: Array
    cut_price: Array
    charge: Array


def _cuts(g: _Programme, p: Problem) -> csr_array:
    """Further rows over all columns, shape (m, columns)."""
    who, level = g.levels
    rows = p.cut[:, who, level] if len(p.cut_limit) else np.zeros((0, len(who)))
    at = np.nonzero(rows)
    return csr_array((rows[at], at), shape=(len(p.cut_limit), len(g.objective)))


def _solve(g: _Programme, p: Problem, *, whole: bool) -> _Found | None:
    """Solve the programme; None where the limits cannot be met."""
    n, used = len(p.network), np.unique(p.limit_pollutant)
    charge = np.full(p.background.shape, np.nan if whole else 0.0)
    price = np.full(len(p.limit), np.nan if whole else 0.0)
    cut_price = np.full(len(p.cut_limit), np.nan if whole else 0.0)
    cuts = _cuts(g, p)
    if whole:
        count = len(g.levels[0])
        done = milp(
            g.objective,
            integrality=(np.arange(len(g.objective)) < count).astype(int),
            bounds=Bounds(0, g.upper),
            constraints=[
                LinearConstraint(csc_array(g.equal), g.right, g.right),
                LinearConstraint(csc_array(cuts), -np.inf, p.cut_limit),
            ],
        )
    else:
        bounds = np.column_stack([np.zeros_like(g.upper), g.upper])
        done = linprog(
            g.objective, A_ub=cuts, b_ub=p.cut_limit, A_eq=g.equal, b_eq=g.right, bounds=bounds, method="highs"
        )
    if done.status == 2:
        return None
    if done.status != 0:
        raise CheckFailed(f"environment: HiGHS stopped: {done.message}")
    if not whole:
        rows = done.eqlin.marginals[len(p.reach) :].reshape(len(used), n)
        charge[used] = 0.0 + g.money * p.a[used] * rows
        at = len(g.levels[0]) + np.searchsorted(used, p.limit_pollutant) * n + p.limit_reach
        cut_price = 0.0 - g.money * done.ineqlin.marginals
        tight = p.caps <= g.upper[at] * (1 + 1e-12)
        price = np.where(tight, 0.0 - g.money * done.upper.marginals[at] * KG_PER_DAY * p.flow[p.limit_reach], 0.0)
    return _Found(done.x, price, cut_price, charge)


def _elastic(g: _Programme, p: Problem) -> tuple[Array, Array]:
    """Smallest sum of excesses over the limits, relative to each, and over the further rows; mg/L."""
    n, used, k, m = len(p.network), np.unique(p.limit_pollutant), len(p.limit), len(p.cut_limit)
    at = len(g.levels[0]) + np.searchsorted(used, p.limit_pollutant) * n + p.limit_reach
    columns = len(g.objective)
    equal = csr_array(block_array([[g.equal, csr_array((len(g.right), k + m))]]))
    over = csr_array(
        (
            np.concatenate([1.0 / p.caps, -np.ones(k)]),
            (np.tile(np.arange(k), 2), np.concatenate([at, columns + np.arange(k)])),
        ),
        shape=(k, columns + k + m),
    )
    cuts = block_array([[_cuts(g, p), csr_array((m, k)), -eye_array(m)]]) if m else csr_array((0, columns + k))
    done = linprog(
        np.concatenate([np.zeros(columns), np.ones(k + m)]),
        A_ub=csr_array(vstack([over, cuts])),
        b_ub=np.concatenate([np.ones(k), p.cut_limit]),
        A_eq=equal,
        b_eq=g.right,
        bounds=(0, None),
        method="highs",
    )
    if done.status != 0:
        raise CheckFailed(f"environment: HiGHS stopped: {done.message}")
    excess = np.where(done.x[columns:] > FEASIBLE, done.x[columns:], 0.0)
    return excess[:k] * p.limit, excess[k:]


def _plan(p: Problem, g: _Programme, found: _Found, unmet: Array, short: Array) -> Plan:
    who, level = g.levels
    shares = np.zeros_like(p.cost)
    shares[who, level] = found.x[: len(who)]
    mass = loads_of(p, shares)
    reached = mass[p.limit_pollutant, p.limit_reach]
    allowed = KG_PER_DAY * p.flow[p.limit_reach] * (p.limit + unmet)
    over = float(np.max(reached / allowed - 1.0, initial=0.0))
    whole = float(np.abs(shares.sum(axis=1) - 1.0).max(initial=0.0))
    checks = (
        Check(_HELD, over, FEASIBLE),
        Check(_ONCE, whole, FEASIBLE),
    )
    return Plan(
        shares=shares,
        cost=(shares * p.cost).sum(axis=1),
        mass=mass,
        price=found.price,
        charge=found.charge,
        unmet=unmet,
        cut_price=found.cut_price,
        cut_unmet=short,
        checks=checks,
    )


def loads_of(p: Problem, shares: Array) -> Array:
    """Load leaving each reach under a treatment, kg/d.

    Parameters
    ----------
    p : Problem
        The river.
    shares : ndarray, shape (d, t)
        Share of each discharge's volume at each level.

    Returns
    -------
    ndarray, shape (p, n)
        By pollutant and reach.
    """
    n = len(p.network)
    treated = np.einsum("dt,dtp->dp", shares, np.where((shares > 0)[:, :, None], p.load, 0.0))
    heads = [p.background[k] + np.bincount(p.reach, treated[:, k], minlength=n) for k in range(len(p.a))]
    return np.stack([steady(p.network, p.a[k], head) for k, head in enumerate(heads)])
