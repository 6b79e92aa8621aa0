"""Solve an economy: prices, wages, residents and welfare, with the residual and what is conserved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from megalopolis.economy.model import Model
from megalopolis.economy.passes import commuting_pass, migration_pass, taxed_pass, trade_pass
from megalopolis.economy.sweep import iterate
from megalopolis.units import Array

TOLERANCE: Final = 1e-9
#: Sweeps after which the best state is returned, with its residual.
LIMIT: Final = 5000
#: Steps remembered by the acceleration.
MEMORY: Final = 10
#: Logs of workers (k, n) and wages (n,), then of residents (n,) and prices (k, n) where they are known.
State = tuple[Array, ...]


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
        Log of wages; all wage bills less subsidies sum to one.
    log_people : ndarray, shape (n,)
        Log of residents; the workers where nobody commutes.
    log_input_price : ndarray, shape (k, n)
        Log of the prices at which industries buy; not used where they do not.
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
    log_people: Array
    log_input_price: Array
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

    @property
    def state(self) -> State:
        """What another solve may start from."""
        return self.log_labour, self.log_wage, self.log_people, self.log_input_price

    @cached_property
    def people(self) -> Array:
        """Residents, shape (n,)."""
        return np.exp(self.log_people) if self.model.commutes else self.workers

    @cached_property
    def workers(self) -> Array:
        """Workers by place of work, shape (n,)."""
        return np.asarray(self.labour.sum(axis=0))

    @cached_property
    def bills(self) -> Array:
        """Wage bills less subsidies, which are the sales without inputs, shape (k, n)."""
        return np.asarray((1.0 - self.model.subsidy) * self.wage * self.labour)

    @property
    def spending(self) -> Array:
        """Spending on goods by place of residence, shape (n,); sums to one without tariffs."""
        return self._trade[2]

    @cached_property
    def _jobs(self) -> tuple[Array, Array]:
        """Log of the value of the workplaces in reach over the mean wage, and of the mean wage of residents."""
        m = self.model
        if not m.commutes:
            return np.zeros(m.cities), self.log_wage
        option, mean, workers = np.empty(m.cities), np.empty(m.cities), np.empty(m.cities)
        commuting_pass(m.commuting, self.log_wage, self.log_people, m.nu, option, mean, workers)
        return option / m.nu - mean, mean

    @property
    def log_mean_wage(self) -> Array:
        """Log of what residents earn, wherever they work, shape (n,)."""
        return self._jobs[1]

    @property
    def log_choice_of_work(self) -> Array:
        """Log of the worth of choosing the place of work, over the mean wage, shape (n,)."""
        return self._jobs[0]

    @cached_property
    def log_a(self) -> Array:
        """Log of competitiveness, shape (k, n): productivity over unit cost, to the power of theta."""
        m = self.model
        scale, cost = (m.gamma * m.theta)[:, None], self.log_wage + np.log1p(-m.subsidy)
        if m.linked:
            cost = m.value_added * cost + np.einsum("jkn,jn->kn", m.inputs, self.log_input_price)
        return np.asarray(m.log_t + scale * self.log_labour - m.theta[:, None] * cost)

    @cached_property
    def _trade(self) -> tuple[Array, Array, Array]:
        m = self.model
        spending = np.asarray(self.bills.sum(axis=0) + m.transfers)
        if m.commutes:  # what residents earn anywhere, less what their city pays
            paid = (m.subsidy * self.wage * self.labour).sum(axis=0)
            spending = np.exp(self.log_mean_wage) * self.people - paid + m.transfers
        bought = np.zeros_like(self.log_labour)
        if m.linked:
            bought = np.einsum("jkn,kn->jn", m.inputs, self.bills / m.value_added)
        log_s, sales = np.empty_like(self.log_labour), np.empty_like(self.log_labour)
        if m.tariffs.shape[0]:
            taxed_pass((m.kernels, m.kernel_of, m.received), m.beta, self.log_a, spending, bought, log_s, sales)
        else:
            trade_pass(m.kernels, m.kernel_of, self.log_a, bought + m.beta[:, None] * spending, log_s, sales)
        return log_s, sales, spending

    @property
    def log_market(self) -> Array:
        """Log of the sum of what all cities offer, ``S``, shape (k, n)."""
        return self._trade[0]

    @property
    def sales(self) -> Array:
        """What each industry of each city sells, tariffs taken off, shape (k, n)."""
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
        return np.asarray(self.log_real_income + self.model.log_b + self.log_choice_of_work)

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

    def commuting_shares(self) -> Array:
        """Share of the residents of n who work in i, shape (n, i)."""
        m = self.model
        if not m.commutes:
            return np.eye(m.cities)
        draw = m.commuting * np.exp(m.nu * (self.log_wage - self.log_wage.max()))
        return np.asarray(draw / draw.sum(axis=1, keepdims=True))

    def conservation(self) -> dict[str, float]:
        """Relative gaps of what must be conserved: people, money, and the trade balance of every city."""
        m = self.model
        made = (m.value_added * self.sales).sum(axis=0)
        gaps = {
            "people": float(abs(self.people.sum() / m.registered.sum() - 1.0)),
            "money": float(abs(made.sum() / self.bills.sum() - 1.0)),
            "trade balance": float((np.abs(made - self.bills.sum(axis=0)) / self.spending).max()),
        }
        if m.commutes:
            gaps["workers"] = float(abs(self.workers.sum() / m.registered.sum() - 1.0))
        return gaps


def start_of(model: Model) -> State:
    """Neutral start: people as registered or evenly, industries by spending, one wage."""
    people = model.registered if not model.mobile else np.full(model.cities, model.registered.sum() / model.cities)
    log_labour = np.log(model.beta)[:, None] + np.log(people)[None, :]
    keep = np.log(((1.0 - model.subsidy) * np.exp(log_labour)).sum())
    return log_labour, np.full(model.cities, -keep)


def solve(
    model: Model,
    start: State | None = None,
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
        ``(log_labour (k, n), log_wage (n,))`` to start from, or all of `Equilibrium.state`.
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
    x = pack(model, start_of(model) if start is None else start)
    if not np.isfinite(x).all():
        raise ValueError("the start has values that are not finite")
    best, residual, sweeps = iterate(x, model.arrays(), model.extras(), model.scalars, tolerance, limit, memory)
    if not np.isfinite(residual) or not np.isfinite(best).all():
        raise ValueError(
            "no equilibrium was found: a sweep leaves the range of numbers; check costs, scales and transfers"
        )
    labour, wage, people, price = _unpacked(model, best)
    done = bool(residual <= tolerance)
    return Equilibrium(model, labour, wage, people, price, float(residual), int(sweeps), done)


def pack(model: Model, state: State) -> Array:
    """State as the vector of the sweep: residents only where people commute, prices only where industries buy.

    Raises
    ------
    ValueError
        If a part has the wrong shape.
    """
    labour, wage = state[:2]
    if labour.shape != model.log_t.shape or wage.shape != (model.cities,):
        raise ValueError("the start has not the shape of the model")
    parts = [labour.ravel(), wage]
    if model.commutes:
        parts.append(state[2] if len(state) > 2 else np.log(np.exp(labour).sum(axis=0)))
    if model.linked:
        parts.append(state[3].ravel() if len(state) > 3 else np.tile(wage, model.industries))
    x = np.concatenate(parts)
    if x.size != model.log_t.size * (1 + model.linked) + model.cities * (1 + model.commutes):
        raise ValueError("the start has not the shape of the model")
    return x


def _unpacked(model: Model, x: Array) -> tuple[Array, Array, Array, Array]:
    cut, n = model.log_t.size, model.cities
    labour = x[:cut].reshape(model.log_t.shape)
    people = x[cut + n : cut + 2 * n] if model.commutes else np.log(np.exp(labour).sum(axis=0))
    price = x[-cut:].reshape(model.log_t.shape) if model.linked else np.zeros(model.log_t.shape)
    return labour, x[cut : cut + n], people, price
