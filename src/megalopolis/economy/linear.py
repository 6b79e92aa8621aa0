"""Derivatives of an equilibrium: gradients of every city's objective by its adjoint, with few factorisations."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
from scipy.linalg import lu_factor, lu_solve

from megalopolis.economy.model import Indices, Model
from megalopolis.economy.solve import Equilibrium
from megalopolis.units import Array

Objective = Literal["welfare", "real_income", "gdp"]
OBJECTIVES: Final[tuple[Objective, ...]] = ("welfare", "real_income", "gdp")
#: Residual of the adjoint, relative to its right-hand side.
_TIGHT: Final = 1e-10
#: Refinements with an old factorisation before a new one is made.
_REFINEMENTS: Final = 15


def check_plain(model: Model) -> None:
    """Refuse what the gradients do not know.

    Raises
    ------
    ValueError
        If people commute, industries buy from each other, or there are tariffs.
    """
    there = {
        "people commute": model.commutes,
        "industries buy from each other": model.linked,
        "there are tariffs": model.tariffs.shape[0] > 0,
    }
    if any(there.values()):
        what = " and ".join(name for name, holds in there.items() if holds)
        raise ValueError(f"games of subsidies are not solved where {what}: leave that out of the region")


def jacobian(found: Equilibrium) -> Array:
    """Assemble the Jacobian of the equations at an equilibrium.

    Parameters
    ----------
    found : Equilibrium
        Solved tightly.

    Returns
    -------
    ndarray, shape (kn + n, kn + n)
        Of wage bills against sales, then of residents against choices, by ``ln L`` (k, n) and ``ln w``. The redundant
        equation is replaced by the numeraire.

    Raises
    ------
    ValueError
        As `check_plain`.
    """
    m = found.model
    check_plain(m)
    count, n = m.log_t.shape
    cut, at = count * n, np.arange(n)
    income, work = found.bills / found.spending, found.labour / found.people
    jac = np.zeros((cut + n, cut + n))
    people = slice(cut, cut + n)
    by_wage = np.diag(m.q * income.sum(axis=0))
    pull = _pull(found)
    for k, bought in enumerate(found.trade_shares()):
        rows, scale = slice(k * n, (k + 1) * n), m.gamma[k] * m.theta[k]
        sold = (bought * (m.beta[k] * found.spending)[:, None]).T / found.sales[k][:, None]
        twice = sold @ bought
        jac[rows, :cut] = -(sold[:, None, :] * income[None]).reshape(n, cut)
        jac[rows, rows] += (1.0 - scale) * np.eye(n) + scale * twice
        jac[rows, people] = (1.0 + m.theta[k]) * np.eye(n) - m.theta[k] * twice - sold * income.sum(axis=0)
        jac[cut + at, k * n + at] = work[k]
        priced = m.q * m.beta[k] * bought
        if m.mobile:
            jac[people, rows] -= pull @ (m.gamma[k] * priced + np.diag(m.q * income[k] - work[k]))
        by_wage -= priced
    if m.mobile:
        jac[people, people] -= pull @ by_wage
    # Sales always add up to spending, so that the wage bills' equations, weighted by bills, say nothing of the
    # level of wages; the numeraire takes their place.
    weight, numeraire = _numeraire(found)
    jac += np.outer(weight, numeraire)
    return jac


def _pull(found: Equilibrium) -> Array:
    """Response of log residents to log utility, shape (n, n)."""
    m = found.model
    if not m.mobile:
        return np.zeros((m.cities, m.cities))
    choice = found.migration_shares()
    spread = (choice * m.registered[:, None]).T @ choice / found.people[:, None]
    return np.asarray(m.eps * (np.eye(m.cities) - spread))


def _numeraire(found: Equilibrium) -> tuple[Array, Array]:
    """Weights of the redundant equation, and the row that fixes the level of wages in its place."""
    bills = found.bills.ravel()
    return np.concatenate([bills / bills.max(), np.zeros(found.model.cities)]), np.concatenate(
        [bills, found.bills.sum(axis=0)]
    )


class _Products:
    """Products with the shares of an equilibrium and with its transposed Jacobian, from the kernels themselves."""

    def __init__(self, found: Equilibrium) -> None:
        m = found.model
        self.found, self.model = found, m
        shift = found.log_a.max(axis=1, keepdims=True)  # keeps the exponentials in range; it cancels
        self.offer, self.market = np.exp(found.log_a - shift), np.exp(found.log_market - shift)
        self.kernels = m.kernels.astype(np.float64, copy=False)
        self.income, self.work = found.bills / found.spending, found.labour / found.people
        if m.mobile:
            top = found.log_utility.max()
            self.mobility = m.mobility.astype(np.float64, copy=False)
            self.draw = np.exp(m.eps * (found.log_utility - top))
            self.option = np.exp(m.eps * (found.log_welfare - top))

    def buys(self, k: int, y: Array) -> Array:
        """Shares of purchases (n, i) times columns (i, r)."""
        made = self.kernels[self.model.kernel_of[k]] @ (self.offer[k][:, None] * y)
        return np.asarray(made / self.market[k][:, None])

    def bought(self, k: int, y: Array) -> Array:
        """Transposed shares of purchases (i, n) times columns (n, r)."""
        made = self.kernels[self.model.kernel_of[k]].T @ (y / self.market[k][:, None])
        return np.asarray(self.offer[k][:, None] * made)

    def stays(self, y: Array) -> Array:
        """Shares of choices (o, n) times columns (n, r)."""
        return np.asarray((self.mobility @ (self.draw[:, None] * y)) / self.option[:, None])

    def chosen(self, y: Array) -> Array:
        """Transposed shares of choices (n, o) times columns (o, r)."""
        return np.asarray(self.draw[:, None] * (self.mobility.T @ (y / self.option[:, None])))

    def utility(self, v: Array, *, gross: bool) -> tuple[Array, Array, Array]:
        """Derivatives of log utility, weighted by columns (n, r), by ln L (k, n, r), ln w (n, r), ln(1 - s) (k, n, r).

        ``gross`` leaves out how residents share income: utility times residents.
        """
        m, income = self.model, self.income[:, :, None]
        priced = np.stack([m.q * m.beta[k] * self.bought(k, v) for k in range(m.industries)])
        crowd = 0.0 if gross else self.work[:, :, None] * v
        by_labour = m.gamma[:, None, None] * priced + m.q * income * v - crowd
        kept = m.q * income * v - priced
        return by_labour, np.asarray(kept.sum(axis=0)), kept

    def transposed(self, x: Array) -> tuple[Array, Array]:
        """Transposed Jacobian (kn + n, r) and transposed forcing by ln(1 - s) (k, n, r), times columns (kn + n, r)."""
        m, found = self.model, self.found
        count, n = m.log_t.shape
        rows, people = x[: count * n].reshape(count, n, -1), x[count * n :]
        sold = np.stack(
            [
                (m.beta[k] * found.spending)[:, None] * self.buys(k, rows[k] / found.sales[k][:, None])
                for k in range(count)
            ]
        )
        twice = np.stack([self.bought(k, sold[k]) for k in range(count)])
        theta, scale = m.theta[:, None, None], (m.gamma * m.theta)[:, None, None]
        spread = self.income[:, :, None] * sold.sum(axis=0)
        cost = (1.0 + theta) * rows - theta * twice - spread
        by_labour = (1.0 - scale) * rows + scale * twice - spread + self.work[:, :, None] * people
        by_wage, kept = cost.sum(axis=0), cost
        if m.mobile:
            inner = m.registered[:, None] * self.stays(people / found.people[:, None])
            felt, by, keep = self.utility(m.eps * (people - self.chosen(inner)), gross=False)
            by_labour, by_wage, kept = by_labour - felt, by_wage - by, kept - keep
        weight, numeraire = _numeraire(found)
        level = weight @ x
        state = np.concatenate([by_labour.reshape(count * n, -1), by_wage]) + numeraire[:, None] * level
        return state, kept + found.bills[:, :, None] * level


def objective_of(found: Equilibrium, cities: Indices, kind: Objective) -> Array:
    """Objective of each city's government in logs, shape (p,).

    ``welfare``: expected utility of the people registered there (Redding 2016); ``real_income``: real income per
    resident; ``gdp``: output at the city's prices, the promotion tournament (Li and Zhou 2005).

    Raises
    ------
    ValueError
        If the objective is unknown, or welfare is asked for places that are not cities.
    """
    if kind not in OBJECTIVES:
        raise ValueError(f"objective '{kind}' is none of {', '.join(OBJECTIVES)}")
    if kind == "welfare":
        if found.model.mobile and found.model.mobility.shape[0] != found.model.cities:
            raise ValueError("welfare of the registered needs cities as places of registration")
        return found.log_welfare[cities]
    if kind == "real_income":
        return found.log_real_income[cities]
    return np.asarray((np.log(found.spending) - found.log_price)[cities])


class Adjoint:
    """Gradients of objectives by subsidies, by the adjoint ``J^T x = W_x``.

    The Jacobian is assembled and factorised once; at equilibria nearby the same factorisation is refined against the
    exact products, which cost a few readings of the kernels. Where that closes in slowly, a new one is made.
    """

    def __init__(self) -> None:
        self._factor: Any = None

    def gradients(self, found: Equilibrium, cities: Indices, kind: Objective) -> tuple[Array, Array]:
        """Objectives of cities and their gradients by all these cities' subsidies.

        Parameters
        ----------
        found : Equilibrium
            Solved tightly.
        cities : ndarray of int, shape (p,)
            Players.
        kind : str
            See `objective_of`.

        Returns
        -------
        tuple of ndarray
            Objectives, shape (p,); gradient of p's objective by ``-ln(1 - s)`` of city c in industry k, shape
            (p, c, k).
        """
        found_values = objective_of(found, cities, kind)
        return found_values, np.transpose(self._by_keep(found, cities, kind, np.eye(cities.size)), (2, 1, 0))

    def gradient(self, found: Equilibrium, cities: Indices, kind: Objective, weights: Array) -> Array:
        """Gradient (p, k) of the weighted sum of the cities' objectives by their own ``-ln(1 - s)``."""
        return np.asarray(self._by_keep(found, cities, kind, weights[:, None])[:, :, 0].T)

    def _by_keep(self, found: Equilibrium, cities: Indices, kind: Objective, weights: Array) -> Array:
        """Gradients (k, c, r) of weighted objectives; weights (p, r)."""
        check_plain(found.model)
        parts, m = _Products(found), found.model
        seeds = np.zeros((m.cities, weights.shape[1]))
        seeds[cities] = weights
        if kind == "welfare" and m.mobile:
            seeds = parts.chosen(seeds)
        by_labour, by_wage, kept = parts.utility(seeds, gross=kind == "gdp")
        state = np.concatenate([by_labour.reshape(-1, seeds.shape[1]), by_wage])
        if kind == "gdp":  # ln V = q ln(E/P) - ln R
            state, kept = state / m.q, kept / m.q
        return np.asarray(-(kept - self._solve(parts, state))[:, cities])

    def _solve(self, parts: _Products, right: Array) -> Array:
        """Transposed forcing (k, n, r) times the adjoint of right-hand sides (kn + n, r)."""
        size = float(np.abs(right).max())
        for fresh in (False, True):
            if fresh or self._factor is None or self._factor[0].shape[0] != right.shape[0]:
                self._factor = lu_factor(jacobian(parts.found), check_finite=False)
            forced, left = self._refined(parts, right, _TIGHT * size)
            if left <= (1e3 if fresh else 1.0) * _TIGHT * size:  # a fresh one is as good as the economy's condition
                return forced
        raise ValueError(f"the gradient of the game is not found: {left / size:.1e} of it is left")

    def _refined(self, parts: _Products, right: Array, tolerance: float) -> tuple[Array, float]:
        """Refine by conjugate residuals (Eisenstat, Elman and Schultz 1983), preconditioned by the factorisation."""
        made, forced = parts.transposed(lu_solve(self._factor, right, trans=1, check_finite=False))
        gap = right - made
        kept: list[tuple[Array, Array]] = []
        left = float(np.abs(gap).max())
        for _ in range(_REFINEMENTS):
            if left <= tolerance or not np.isfinite(left):
                break
            made, felt = parts.transposed(lu_solve(self._factor, gap, trans=1, check_finite=False))
            for old, old_felt in kept:
                along = (old * made).sum(axis=0)
                made, felt = made - along * old, felt - along * old_felt
            length = np.maximum(np.sqrt((made**2).sum(axis=0)), 1e-300)
            made, felt = made / length, felt / length
            kept.append((made, felt))
            along = (made * gap).sum(axis=0)
            gap, forced = gap - along * made, forced + along * felt
            left = float(np.abs(gap).max())
        return forced, left


def gradients(found: Equilibrium, cities: Indices, kind: Objective) -> tuple[Array, Array]:
    """Objectives and gradients of one equilibrium; see `Adjoint.gradients`."""
    return Adjoint().gradients(found, cities, kind)
