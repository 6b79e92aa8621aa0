"""Derivatives of the equations of an equilibrium, read backwards: products with the transposed Jacobian.

Every quantity passes what it is worth on to those it is made of (reverse accumulation: Griewank and Walther 2008), each
kernel is read once in each direction, and no derivative is stored as a matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from megalopolis.economy.model import Indices, Matrix
from megalopolis.economy.solve import Equilibrium
from megalopolis.units import Array


@dataclass
class _Worth:
    """Derivatives by the logs of what an equilibrium consists of, times columns: shapes (k, n, r) and (n, r).

    ``paid`` stands for wage bills less subsidies and ``level`` (r,) for all of them together, ``offer`` for
    competitiveness, ``market`` for the sum of all offers, ``mean`` for the mean wage of residents and ``choice`` for
    the worth of choosing where to work over it; ``workers``, ``wage``, ``people`` and ``price`` are the state itself.
    """

    paid: Array | float = 0.0
    level: Array | float = 0.0
    offer: Array | float = 0.0
    market: Array | float = 0.0
    spending: Array | float = 0.0
    mean: Array | float = 0.0
    choice: Array | float = 0.0
    workers: Array | float = 0.0
    wage: Array | float = 0.0
    people: Array | float = 0.0
    price: Array | float = 0.0


class Reverse:
    """Products with the transposed derivatives at an equilibrium.

    The equations are, in logs: wage bills against sales (k, n); workers against residents or, where people commute,
    against commuters (n,); residents against those who choose to live there (n,), where people commute; prices against
    offers (k, n), where industries buy from each other. Unknowns are ``ln L``, ``ln w``, ``ln R`` and ``ln P``
    likewise. The redundant equation (the wage bills' add up) is replaced by the numeraire. Cities that are ``levied``
    pay for their subsidies by a levy on all wages paid there: ``1 - s`` is what they set over its mean by workers.
    """

    def __init__(self, found: Equilibrium, levied: Indices | None = None) -> None:
        m, self.levied = found.model, levied
        self.found, self.model = found, m
        shift = found.log_a.max(axis=1, keepdims=True)  # keeps the exponentials in range; it cancels
        self.offer, self.market = np.exp(found.log_a - shift), np.exp(found.log_market - shift)
        self.kernels = m.kernels.astype(np.float64, copy=False)
        self.gross = found.bills / m.value_added
        self.bought = m.beta[:, None] * found.spending
        self.received, self.earnings = self.kernels, found.spending
        if m.linked:
            made = m.inputs * self.gross
            self.bought = self.bought + made.sum(axis=1)
            self.consumed, self.used = m.beta[:, None] * found.spending / self.bought, made / self.bought[:, None]
        if m.tariffs.shape[0]:
            self.received = m.received.astype(np.float64, copy=False)
            self.duties = self.kernels - self.received
            self.duty = np.stack([self._buys(self.duties, k, np.ones((m.cities, 1)))[:, 0] for k in self._industries])
            self.earnings = found.spending * (1.0 - m.beta @ self.duty)
        if m.mobile:
            top = found.log_utility.max()
            self.mobility = m.mobility.astype(np.float64, copy=False)
            self.draw = np.exp(m.eps * (found.log_utility - top))
            self.option = np.exp(m.eps * (found.log_welfare - top))
        if m.commutes:
            self.shares = found.commuting_shares()
            self.earned = self.shares * found.wage / np.exp(found.log_mean_wage)[:, None]

    @property
    def _industries(self) -> range:
        return range(self.model.industries)

    @property
    def size(self) -> int:
        """Number of equations."""
        m = self.model
        return m.log_t.size * (1 + m.linked) + m.cities * (1 + m.commutes)

    def _buys(self, kernels: Matrix, k: int, y: Array) -> Array:
        """Shares of purchases (n, i) times columns (i, r)."""
        if not (y[:, 0].any() or y.any()):
            return np.zeros_like(y)
        made = kernels[self.model.kernel_of[k]] @ (self.offer[k][:, None] * y)
        return np.asarray(made / self.market[k][:, None])

    def _sells(self, kernels: Matrix, k: int, y: Array) -> Array:
        """Transposed shares of purchases (i, n) times columns (n, r)."""
        if not (y[:, 0].any() or y.any()):
            return np.zeros_like(y)
        made = kernels[self.model.kernel_of[k]].T @ (y / self.market[k][:, None])
        return np.asarray(self.offer[k][:, None] * made)

    def _stays(self, y: Array) -> Array:
        """Shares of choices (o, n) times columns (n, r)."""
        return np.asarray((self.mobility @ (self.draw[:, None] * y)) / self.option[:, None])

    def chosen(self, y: Array) -> Array:
        """Transposed shares of choices (n, o) times columns (o, r)."""
        return np.asarray(self.draw[:, None] * (self.mobility.T @ (y / self.option[:, None])))

    def utility(self, v: Array) -> tuple[Array, Array]:
        """Derivatives of log utility, weighted by columns (n, r), by the state and by ``ln(1 - s)`` (k, n, r)."""
        worth = _Worth()
        self._add_utility(worth, v)
        return self._passed_on(worth)

    def real_income(self, v: Array) -> tuple[Array, Array]:
        """The same of log real income per resident."""
        worth = _Worth()
        self._add_real_income(worth, v)
        return self._passed_on(worth)

    def output(self, v: Array) -> tuple[Array, Array]:
        """The same of the log of output at the city's prices."""
        m, bills = self.model, self.found.bills
        share = bills / bills.sum(axis=0)
        market = (m.beta / m.theta)[:, None, None] * v
        return self._passed_on(_Worth(paid=share[:, :, None] * v, market=market, spending=np.zeros_like(v)))

    def transposed(self, x: Array) -> tuple[Array, Array]:
        """Transposed Jacobian (size, r) and transposed forcing by ``ln(1 - s)`` (k, n, r), times columns (size, r)."""
        m, found = self.model, self.found
        count, n = m.log_t.shape
        cut = count * n
        rows, workers = x[:cut].reshape(count, n, -1), x[cut : cut + n]
        level = (self.gross / self.gross.max()).ravel() @ x[:cut]
        made = [self._buys(self.received, k, rows[k] / found.sales[k][:, None]) for k in self._industries]
        sold = self.bought[:, :, None] * np.stack(made)
        worth = _Worth(rows, level, -rows, sold, workers=workers)
        self._buy(worth, sold)
        people = workers
        if m.commutes:
            people = x[cut + n : cut + 2 * n]
            moved = found.people[:, None] * (self.shares @ (workers / found.workers[:, None]))
            worth.people, worth.wage = people - moved, m.nu * (self.shares.T @ moved - workers)
        if m.linked:
            worth.price = x[-cut:].reshape(count, n, -1)
            worth.market = sold + worth.price / m.theta[:, None, None]
        if m.mobile:
            inner = m.registered[:, None] * self._stays(people / found.people[:, None])
            self._add_utility(worth, m.eps * (self.chosen(inner) - people))
        return self._passed_on(worth)

    def jacobian(self) -> Array:
        """Transposed Jacobian, shape (size, size)."""
        unit, step = np.eye(self.size), self.model.cities  # industry by industry most products have nothing to do
        return np.hstack([self.transposed(unit[:, at : at + step])[0] for at in range(0, self.size, step)])

    def _add_utility(self, worth: _Worth, v: Array) -> None:
        self._add_real_income(worth, v)
        if self.model.commutes:
            worth.choice, worth.mean = worth.choice + v, worth.mean - v

    def _add_real_income(self, worth: _Worth, v: Array) -> None:
        m = self.model
        worth.spending = worth.spending + m.q * v
        worth.market = worth.market + (m.q * m.beta / m.theta)[:, None, None] * v
        if m.commutes:
            worth.people = worth.people - v
        else:
            worth.workers = worth.workers - v

    def _passed_on(self, worth: _Worth) -> tuple[Array, Array]:
        """Pass everything on to the state and to ``ln(1 - s)``."""
        m, found, parts = self.model, self.found, []
        self._spend(worth)
        market = np.asarray(worth.market)
        sold = np.stack([self._sells(self.kernels, k, market[k]) for k in self._industries])
        offer = np.asarray(worth.offer + sold)
        dear = m.theta[:, None, None] * offer
        cost = worth.paid - (m.value_added[:, :, None] * dear if m.linked else dear)
        wage = worth.wage + cost.sum(axis=0)
        if m.commutes:
            wage = wage + self.shares.T @ (worth.choice - m.nu * worth.mean) + (1.0 + m.nu) * self.earned.T @ worth.mean
            parts.append(worth.people)
        if m.linked:
            parts.append((worth.price - np.einsum("jkn,knr->jnr", m.inputs, dear)).reshape(m.log_t.size, -1))
        work = (found.labour / found.workers)[:, :, None]
        labour = worth.paid + m.gamma[:, None, None] * dear + work * worth.workers
        if self.levied is not None:
            work = work[:, self.levied]
            left = (1.0 - m.subsidy[:, self.levied, None]) * work
            whole = cost[:, self.levied].sum(axis=0)
            labour[:, self.levied] += (work - left) * whole
            cost[:, self.levied] -= left * whole
        return np.concatenate([labour.reshape(m.log_t.size, -1), wage, *parts]), cost

    def _buy(self, worth: _Worth, lost: Array) -> None:
        """Pass what is lost by purchases on to those who pay for them: consumers, and industries for their inputs."""
        if self.model.linked:
            worth.spending = worth.spending - (self.consumed[:, :, None] * lost).sum(axis=0)
            worth.paid = worth.paid - np.einsum("lkn,lnr->knr", self.used, lost)
        else:
            worth.spending = worth.spending - lost.sum(axis=0)

    def _spend(self, worth: _Worth) -> None:
        """Pass spending on to what it is paid from."""
        m, found = self.model, self.found
        each = worth.spending / self.earnings[:, None]
        worth.paid = worth.paid + found.bills[:, :, None] * (each + worth.level)
        if m.commutes:  # residents earn anywhere what their own city's wage bills do not tell
            full = (found.wage * found.workers)[:, None] * each
            home = (np.exp(found.log_mean_wage) * found.people)[:, None] * each
            worth.workers, worth.wage = worth.workers - full, worth.wage - full
            worth.mean, worth.people = worth.mean + home, worth.people + home
        if m.tariffs.shape[0]:
            taxed = self.bought[:, :, None] * each
            worth.market = worth.market - self.duty[:, :, None] * taxed
            worth.offer = worth.offer + np.stack([self._sells(self.duties, k, taxed[k]) for k in self._industries])
            if m.linked:
                taken = np.einsum("ln,lkn->kn", self.duty, m.inputs) * self.gross
                worth.paid = worth.paid + taken[:, :, None] * each
