"""Derivatives of an equilibrium: one factorisation gives the gradients of every city's objective by its adjoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.linalg import lu_factor, lu_solve

from megalopolis.economy.model import Indices
from megalopolis.economy.solve import Equilibrium
from megalopolis.units import Array

Objective = Literal["welfare", "real_income", "gdp"]
OBJECTIVES: Final[tuple[Objective, ...]] = ("welfare", "real_income", "gdp")


@dataclass(frozen=True)
class Shares:
    """Shares of an equilibrium that its derivatives are made of.

    Attributes
    ----------
    bought : ndarray, shape (k, n, i)
        Share of n's spending on an industry that goes to i.
    sold : ndarray, shape (k, i, n)
        Share of i's sales of an industry that go to n.
    income : ndarray, shape (k, n)
        Sales of an industry over the city's spending.
    work : ndarray, shape (k, n)
        Share of an industry in the city's workers.
    choice : ndarray, shape (o, n)
        Share of the registered of o who live in n; no rows where nobody moves.
    """

    bought: Array
    sold: Array
    income: Array
    work: Array
    choice: Array


def shares_of(found: Equilibrium) -> Shares:
    """Take the shares of an equilibrium."""
    m = found.model
    bought = found.trade_shares()
    paid = bought * (m.beta[:, None] * found.spending)[:, :, None]
    sold = np.transpose(paid, (0, 2, 1)) / found.sales[:, :, None]
    choice = found.migration_shares() if m.mobile else np.empty((0, m.cities))
    return Shares(bought, sold, found.bills / found.spending, found.labour / found.people, choice)


def _utility(found: Equilibrium, s: Shares) -> tuple[Array, Array, Array]:
    """Derivatives of log utility by ln L (n, k, n), ln w (n, n) and the log of what the city keeps (n, k, n)."""
    m, n = found.model, found.model.cities
    by_labour, by_keep = np.empty((n, m.industries, n)), np.empty((n, m.industries, n))
    by_wage = np.diag(m.q * s.income.sum(axis=0))
    for k in range(m.industries):
        priced = m.q * m.beta[k] * s.bought[k]
        by_labour[:, k] = m.gamma[k] * priced + np.diag(m.q * s.income[k] - s.work[k])
        by_keep[:, k] = np.diag(m.q * s.income[k]) - priced
        by_wage -= priced
    return by_labour, by_wage, by_keep


@dataclass(frozen=True)
class Linear:
    """The equations of an equilibrium to first order.

    Attributes
    ----------
    jacobian : ndarray, shape (kn + n, kn + n)
        Of wage bills against sales, then of residents against choices, by ``ln L`` (k, n) and ``ln w``. The redundant
        equation is replaced by the numeraire.
    forcing : ndarray, shape (kn + n, k p)
        By the log of what each chosen city keeps of the wage in each industry, ``ln(1 - s)``.
    shares : Shares
        Of the equilibrium.
    """

    jacobian: Array
    forcing: Array
    shares: Shares


def linearise(found: Equilibrium, cities: Indices) -> Linear:
    """Linearise the equations around an equilibrium.

    Parameters
    ----------
    found : Equilibrium
        Solved tightly.
    cities : ndarray of int, shape (p,)
        Cities whose subsidies are varied.
    """
    m, s = found.model, shares_of(found)
    count, n = m.log_t.shape
    cut = count * n
    by_labour, by_wage, by_keep = _utility(found, s)
    jac, force = np.zeros((cut + n, cut + n)), np.zeros((cut + n, count, cities.size))
    at = np.arange(n)
    for k in range(count):
        rows, twice = slice(k * n, (k + 1) * n), s.sold[k] @ s.bought[k]
        own = np.eye(n)
        jac[rows, :cut] = -(s.sold[k][:, None, :] * s.income[None]).reshape(n, cut)
        jac[rows, rows] += (1.0 - m.gamma[k] * m.theta[k]) * own + m.gamma[k] * m.theta[k] * twice
        cost = (1.0 + m.theta[k]) * own - m.theta[k] * twice
        jac[rows, cut:] = cost - s.sold[k] * s.income.sum(axis=0)
        force[rows] = -s.sold[k][:, None, cities] * s.income[None][:, :, cities]
        force[rows, k] += cost[:, cities]
    people = slice(cut, cut + n)
    for k in range(count):
        jac[cut + at, k * n + at] = s.work[k]
    if m.mobile:
        spread = (s.choice * m.registered[:, None]).T @ s.choice / found.people[:, None]
        pull = m.eps * (np.eye(n) - spread)
        jac[people, :cut] -= pull @ by_labour.reshape(n, cut)
        jac[people, cut:] -= pull @ by_wage
        force[people] -= (pull @ by_keep[:, :, cities].reshape(n, -1)).reshape(n, count, cities.size)
    # Sales always add up to spending, so that the wage bills' equations, weighted by bills, say nothing of the
    # level of wages; the numeraire takes their place.
    numeraire = np.concatenate([found.bills.ravel(), found.bills.sum(axis=0)])
    weight = np.concatenate([found.bills.ravel(), np.zeros(n)])
    weight /= np.abs(weight).max()
    jac += np.outer(weight, numeraire)
    force += weight[:, None, None] * found.bills[None][:, :, cities]
    return Linear(jac, force.reshape(cut + n, -1), s)


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


def _slopes(found: Equilibrium, s: Shares, cities: Indices, kind: Objective) -> tuple[Array, Array]:
    """Direct derivatives of the objectives by the state (p, kn + n) and by what the cities keep (p, k, p)."""
    m, n, count = found.model, found.model.cities, found.model.industries
    by_labour, by_wage, by_keep = _utility(found, s)
    if kind == "gdp":  # ln V = q ln(E/P) - ln R
        here = np.zeros((n, count, n))
        for k in range(count):
            here[np.arange(n), k, np.arange(n)] = s.work[k]
        by_labour, by_wage, by_keep = (by_labour + here) / m.q, by_wage / m.q, by_keep / m.q
    pick: Any = np.eye(n)[cities]
    if kind == "welfare" and m.mobile:
        pick = s.choice[cities]
    state = np.concatenate([pick @ by_labour.reshape(n, -1), pick @ by_wage], axis=1)
    kept = (pick @ by_keep[:, :, cities].reshape(n, -1)).reshape(cities.size, count, cities.size)
    return state, kept


def gradients(found: Equilibrium, cities: Indices, kind: Objective) -> tuple[Array, Array]:
    """Objectives of cities and their gradients by all these cities' subsidies.

    The adjoint ``jacobian^T x = W_x`` is solved for all objectives with one factorisation.

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
        Objectives, shape (p,); gradient of p's objective by ``-ln(1 - s)`` of city c in industry k, shape (p, c, k).
    """
    lin = linearise(found, cities)
    state, kept = _slopes(found, lin.shares, cities, kind)
    adjoint = lu_solve(lu_factor(lin.jacobian, check_finite=False), state.T, trans=1, check_finite=False)
    total = kept.reshape(cities.size, -1) - adjoint.T @ lin.forcing
    shape: npt.NDArray[np.float64] = total.reshape(cities.size, found.model.industries, cities.size)
    return objective_of(found, cities, kind), -np.transpose(shape, (0, 2, 1))
