"""Solve an economy: prices, wages, residents and welfare, with the residual and what is conserved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from megalopolis.economy.model import Model
from megalopolis.economy.sweep import iterate, migration_pass, trade_pass
from megalopolis.units import Array

TOLERANCE: Final = 1e-9
#: Sweeps after which the best state is returned, with its residual.
LIMIT: Final = 5000
#: Steps remembered by the acceleration.
MEMORY: Final = 10


@dataclass(frozen=True)
class Equilibrium:
    """A solved economy.

    Attributes
    ----------
    model : Model
        What was solved.
    log_labour : ndarray, shape (k, n)
        Log of workers by industry and city.
    log_wage : ndarray, shape (n,)
        Log of wages; all spending on goods sums to one.
    residual : float
        Largest log gap of the equations at this state.
    sweeps : int
        Evaluations of the sweep.
    converged : bool
        Whether the residual is within the tolerance; where not, this is the best state found.
    """

    model: Model
    log_labour: Array
    log_wage: Array
    residual: float
    sweeps: int
    converged: bool

    @cached_property
    def labour(self) -> Array:
        """Workers, shape (k, n)."""
        return np.exp(self.log_labour)

    @cached_property
    def wage(self) -> Array:
        """Wages, shape (n,)."""
        return np.exp(self.log_wage)

    @cached_property
    def people(self) -> Array:
        """Residents, shape (n,)."""
        return np.asarray(self.labour.sum(axis=0))

    @cached_property
    def bills(self) -> Array:
        """Wage bills less subsidies, which are the sales, shape (k, n)."""
        return np.asarray((1.0 - self.model.subsidy) * self.wage * self.labour)

    @cached_property
    def spending(self) -> Array:
        """Spending on goods, shape (n,); sums to one."""
        return np.asarray(self.bills.sum(axis=0) + self.model.transfers)

    @cached_property
    def log_a(self) -> Array:
        """Log of competitiveness, shape (k, n): productivity over unit cost, to the power of theta."""
        m = self.model
        scale, cost = (m.gamma * m.theta)[:, None], self.log_wage + np.log1p(-m.subsidy)
        return np.asarray(m.log_t + scale * self.log_labour - m.theta[:, None] * cost)

    @cached_property
    def _trade(self) -> tuple[Array, Array]:
        m = self.model
        log_s, sales = np.empty_like(self.log_labour), np.empty_like(self.log_labour)
        trade_pass(m.kernels, m.kernel_of, self.log_a, self.spending, m.beta, log_s, sales)
        return log_s, sales

    @property
    def log_market(self) -> Array:
        """Log of the sum of what all cities offer, ``S``, shape (k, n)."""
        return self._trade[0]

    @property
    def sales(self) -> Array:
        """What each industry of each city sells, shape (k, n)."""
        return self._trade[1]

    @cached_property
    def log_price(self) -> Array:
        """Log of the price index of goods, shape (n,)."""
        return np.asarray(-((self.model.beta / self.model.theta) @ self.log_market))

    @cached_property
    def log_real_income(self) -> Array:
        """Log of what income per resident buys of goods and housing, without amenities, shape (n,)."""
        m = self.model
        bought = m.q * (np.log(self.spending / m.q) - self.log_price)
        return np.asarray(bought - np.log(self.people) + (1.0 - m.q) * m.log_h)

    @cached_property
    def log_utility(self) -> Array:
        """Log of the utility of living in each city, ``V``, shape (n,)."""
        return np.asarray(self.log_real_income + self.model.log_b)

    @cached_property
    def _choice(self) -> tuple[Array, Array]:
        m = self.model
        if not m.mobile:
            return m.eps * self.log_utility, np.log(m.registered)
        log_phi, log_r = np.empty(m.mobility.shape[0]), np.empty(m.cities)
        migration_pass(m.mobility, m.registered, self.log_utility, m.eps, log_phi, log_r)
        return log_phi, log_r

    @property
    def log_welfare(self) -> Array:
        """Log of expected utility of the people registered in each place, shape (o,)."""
        return np.asarray(self._choice[0] / self.model.eps)

    def trade_shares(self) -> Array:
        """Share of city n's spending on industry k that goes to city i, shape (k, n, i)."""
        kernels = self.model.kernels[self.model.kernel_of].astype(np.float64)
        return np.asarray(kernels * np.exp(self.log_a[:, None, :] - self.log_market[:, :, None]))

    def migration_shares(self) -> Array:
        """Share of the people registered in o who live in n, shape (o, n)."""
        m = self.model
        return np.asarray(m.mobility * np.exp(m.eps * self.log_utility[None, :] - self._choice[0][:, None]))

    def conservation(self) -> dict[str, float]:
        """Relative gaps of what must be conserved: people, money, and the trade balance of every city."""
        m = self.model
        balance = np.abs(self.sales.sum(axis=0) + m.transfers - self.spending) / self.spending
        return {
            "people": float(abs(self.people.sum() / m.registered.sum() - 1.0)),
            "money": float(abs(self.sales.sum() / self.spending.sum() - 1.0)),
            "trade balance": float(balance.max()),
        }


def start_of(model: Model) -> tuple[Array, Array]:
    """Neutral start: people as registered or evenly, industries by spending, one wage."""
    people = model.registered if not model.mobile else np.full(model.cities, model.registered.sum() / model.cities)
    log_labour = np.log(model.beta)[:, None] + np.log(people)[None, :]
    keep = np.log(((1.0 - model.subsidy) * np.exp(log_labour)).sum())
    return log_labour, np.full(model.cities, -keep)


def solve(
    model: Model,
    start: tuple[Array, Array] | None = None,
    *,
    tolerance: float = TOLERANCE,
    limit: int = LIMIT,
    memory: int = MEMORY,
) -> Equilibrium:
    """Solve an economy by accelerated sweeps.

    Every sweep reads each kernel once, clears each city's labour market with the others as they were, and moves
    people. The iteration is that of Allen and Arkolakis (2014) and Redding and Rossi-Hansberg (2017) in logs, with
    Anderson acceleration.

    Parameters
    ----------
    model : Model
        What to solve.
    start : tuple of ndarray, optional
        ``(log_labour (k, n), log_wage (n,))`` to start from.
    tolerance : float
        Largest log gap of the equations at which to stop.
    limit : int
        Sweeps after which to stop with the best state.
    memory : int
        Steps remembered; 0 for the plain iteration.

    Returns
    -------
    Equilibrium
        ``converged`` says whether the tolerance was reached; the numbers are finite either way.

    Raises
    ------
    ValueError
        If the start has the wrong shape, or no state with finite numbers was found.
    """
    log_labour, log_wage = start_of(model) if start is None else start
    if log_labour.shape != model.log_t.shape or log_wage.shape != (model.cities,):
        raise ValueError("the start has not the shape of the model")
    x = np.concatenate([log_labour.ravel(), log_wage])
    if not np.isfinite(x).all():
        raise ValueError("the start has values that are not finite")
    best, residual, sweeps = iterate(x, model.arrays(), (model.q, model.eps), tolerance, limit, memory)
    if not np.isfinite(residual) or not np.isfinite(best).all():
        raise ValueError("no equilibrium was found: a sweep leaves the range of numbers; check trade costs and scales")
    cut = log_labour.size
    labour, wage = best[:cut].reshape(log_labour.shape), best[cut:]
    return Equilibrium(model, labour, wage, float(residual), int(sweeps), bool(residual <= tolerance))
