"""Fundamentals from data: productivity from output by industry and city, amenities from residents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from megalopolis.economy.balance import balance
from megalopolis.economy.model import Indices, Matrix, Model
from megalopolis.economy.solve import Equilibrium, solve
from megalopolis.units import Array


@dataclass(frozen=True)
class Elasticities:
    """Elasticities by industry and of people; see `megalopolis.economy.model.Model`.

    ``theta`` and ``gamma`` have shape (k,); ``q`` is the share of goods, ``eps`` the dispersion of tastes.
    """

    theta: Array
    gamma: Array
    q: float
    eps: float


def calibrate(
    output: Array,
    people: Array,
    registered: Array,
    *,
    kernels: Matrix,
    kernel_of: Indices,
    mobility: Matrix,
    stay: float | None,
    elasticities: Elasticities,
    subsidy: Array | None = None,
) -> Model:
    """Build the model whose equilibrium is the data.

    Wages are output per resident. Every city spends on goods what it earns with them: imbalances are purged.

    Parameters
    ----------
    output : ndarray, shape (k, n)
        Value added, positive, in any unit.
    people : ndarray, shape (n,)
        Residents.
    registered : ndarray, shape (n,)
        People by place of registration, of the same total.
    kernels : ndarray, shape (c, n, n)
        Ease of trade, see `Model`.
    kernel_of : ndarray of int, shape (k,)
        Kernel of every industry.
    mobility : ndarray, shape (n, n)
        Ease of moving.
    stay : float or None
        Share of people who live where they are registered: the diagonal of ``mobility`` is scaled to it.
    elasticities : Elasticities
        In force.
    subsidy : ndarray, shape (k, n), optional
        Share of the wage bill that cities pay in the data; none by default.

    Returns
    -------
    Model

    Raises
    ------
    ValueError
        If output or residents are not positive, or the data cannot be inverted.
    """
    if not (output > 0).all() or not np.isfinite(output).all():
        worst = np.unravel_index(np.argmin(np.nan_to_num(output, nan=-1.0)), output.shape)
        raise ValueError(f"output of industry number {worst[0]} in city number {worst[1]} is not positive")
    if not (people > 0).all() or not np.isfinite(people).all():
        raise ValueError(f"residents of city number {int(np.argmin(np.nan_to_num(people)))} are not positive")
    e = elasticities
    bills = output / output.sum()
    spending, beta = bills.sum(axis=0), bills.sum(axis=1)
    subsidy = np.zeros_like(output) if subsidy is None else subsidy
    log_labour, log_wage = _workers(bills, people, subsidy)
    log_a = np.stack([balance(kernels[kernel_of[k]], beta[k] * spending, bills[k])[0] for k in range(len(bills))])
    cost = log_wage + np.log1p(-subsidy)
    log_t = log_a - (e.gamma * e.theta)[:, None] * log_labour + e.theta[:, None] * cost
    log_v, moving = balance(mobility, registered, people, stay=stay)
    offers = [kernels[kernel_of[k]] @ np.exp(log_a[k]) for k in range(len(bills))]
    log_price = -sum(b / t * np.log(s) for b, t, s in zip(beta, e.theta, offers, strict=True))
    real = e.q * (np.log(spending / e.q) - log_price) - np.log(people)
    return Model(
        kernels=kernels,
        kernel_of=kernel_of,
        theta=e.theta,
        gamma=e.gamma,
        beta=beta,
        log_t=log_t,
        subsidy=subsidy,
        transfers=np.zeros_like(people),
        mobility=moving,
        registered=registered,
        log_b=log_v / e.eps - real,
        log_h=np.zeros_like(people),
        q=e.q,
        eps=e.eps,
    )


def observed(model: Model, output: Array, people: Array) -> Equilibrium:
    """Return the data as the equilibrium that they are, with the residual of the equations.

    Parameters
    ----------
    model : Model
        As from `calibrate`.
    output : ndarray, shape (k, n)
        As given to it.
    people : ndarray, shape (n,)
        As given to it.
    """
    return solve(model, _workers(output / output.sum(), people, model.subsidy), limit=1)


def _workers(bills: Array, people: Array, subsidy: Array) -> tuple[Array, Array]:
    """Log of workers (k, n), by what industries pay before subsidies, and log of the wage (n,)."""
    paid = bills / (1.0 - subsidy)
    total = paid.sum(axis=0)
    return np.log(people * paid / total), np.log(total / people)
