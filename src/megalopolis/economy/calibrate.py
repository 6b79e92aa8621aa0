"""Fundamentals from data: productivity from output by industry and city, amenities from residents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from megalopolis.economy.balance import balance
from megalopolis.economy.model import Indices, Matrix, Model
from megalopolis.economy.solve import Equilibrium, solve
from megalopolis.economy.workplaces import Workplaces, at_home
from megalopolis.units import Array


@dataclass(frozen=True)
class Elasticities:
    """Elasticities by industry and of people; see `megalopolis.economy.model.Model`.

    ``theta`` and ``gamma`` have shape (k,); ``q`` is the share of goods, ``eps`` and ``nu`` the dispersion of tastes
    for places and for workplaces.
    """

    theta: Array
    gamma: Array
    q: float
    eps: float
    nu: float = 4.6


@dataclass(frozen=True)
class Kernels:
    """Ease of trade and of moving.

    Attributes
    ----------
    trade : ndarray, shape (c, n, n)
        See `megalopolis.economy.model.Model`.
    of : ndarray of int, shape (k,)
        Kernel of every industry.
    mobility : ndarray, shape (n, n)
        Ease of moving.
    stay : float or None
        Share of people who live where they are registered: the diagonal of ``mobility`` is scaled to it.
    """

    trade: Matrix
    of: Indices
    mobility: Matrix
    stay: float | None


@dataclass(frozen=True)
class _Accounts:
    """Money of the data, all wage bills less subsidies one: by industry and city, and spending by city."""

    bills: Array
    gross: Array
    bought: Array
    spending: Array
    beta: Array


def calibrate(
    output: Array,
    people: Array,
    registered: Array,
    kernels: Kernels,
    elasticities: Elasticities,
    *,
    subsidy: Array | None = None,
    work: Workplaces | None = None,
    inputs: Array | None = None,
) -> Equilibrium:
    """Build the economy whose equilibrium is the data, and return it as that, with the residual of its equations.

    Wages are output per worker. The residents of every city spend what they earn: imbalances are purged.

    Parameters
    ----------
    output : ndarray, shape (k, n)
        Value added by place of work, positive, in any unit.
    people, registered : ndarray, shape (n,)
        Residents; people by place of registration, of the same total.
    kernels, elasticities
        In force.
    subsidy : ndarray, shape (k, n), optional
        Share of the wage bill that cities pay in the data; none by default.
    work : Workplaces, optional
        Of the `wage_bills`; by default nobody commutes.
    inputs : ndarray, shape (l, k, n), optional
        See `megalopolis.economy.model.Model`; none by default.

    Raises
    ------
    ValueError
        If output or residents are not positive, industries buy more of one than it makes, or data cannot be inverted.
    """
    _check(output, people)
    subsidy = np.zeros_like(output) if subsidy is None else subsidy
    inputs = np.empty((0, 0, 0)) if inputs is None else inputs
    found = at_home(people, wage_bills(output, subsidy)) if work is None else work
    money = _accounts(output, people, subsidy, found, inputs)
    log_labour = np.log(money.bills / (1.0 - subsidy) / found.wage)
    e, cost = elasticities, np.log(found.wage) + np.log1p(-subsidy)
    log_t, log_price = _productivity(kernels, e, money, (log_labour, cost, inputs))
    log_v, moving = balance(kernels.mobility, registered, people, stay=kernels.stay)
    real = e.q * (np.log(money.spending / e.q) - money.beta @ log_price) - np.log(people) + found.log_choice
    fitted = Model(
        kernels=kernels.trade,
        kernel_of=kernels.of,
        beta=money.beta,
        log_t=log_t,
        subsidy=subsidy,
        transfers=np.zeros_like(people),
        mobility=moving,
        registered=registered,
        log_b=log_v / e.eps - real,
        log_h=np.zeros_like(people),
        commuting=found.kernel,
        inputs=inputs,
        **vars(e),
    )
    return solve(fitted, (log_labour, np.log(found.wage), np.log(people), log_price), limit=1)


def _productivity(
    kernels: Kernels, e: Elasticities, money: _Accounts, making: tuple[Array, Array, Array]
) -> tuple[Array, Array]:
    """Log of productivity at which every city sells what it makes, and of the prices that follow, shape (k, n).

    ``making``: log of workers (k, n) and of what they cost, and inputs.
    """
    log_labour, cost, inputs = making
    trade = [kernels.trade[c] for c in kernels.of]
    spent = money.bought + money.beta[:, None] * money.spending
    log_a = np.stack([balance(d, x, y)[0] for d, x, y in zip(trade, spent, money.gross, strict=True)])
    log_price = np.stack([-np.log(d @ np.exp(a)) / t for d, a, t in zip(trade, log_a, e.theta, strict=True)])
    if len(inputs):
        cost = money.bills / money.gross * cost + np.einsum("jkn,jn->kn", inputs, log_price)
    return log_a - (e.gamma * e.theta)[:, None] * log_labour + e.theta[:, None] * cost, log_price


def wage_bills(output: Array, subsidy: Array) -> Array:
    """Wage bills by city, shape (n,), as shares of all output (k, n): output over what subsidies leave to pay."""
    return np.asarray((output / output.sum() / (1.0 - subsidy)).sum(axis=0))


def _check(output: Array, people: Array) -> None:
    if not (output > 0).all() or not np.isfinite(output).all():
        worst = np.unravel_index(np.argmin(np.nan_to_num(output, nan=-1.0)), output.shape)
        raise ValueError(f"output of industry number {worst[0]} in city number {worst[1]} is not positive")
    if not (people > 0).all() or not np.isfinite(people).all():
        raise ValueError(f"residents of city number {int(np.argmin(np.nan_to_num(people)))} are not positive")


def _accounts(output: Array, people: Array, subsidy: Array, work: Workplaces, inputs: Array) -> _Accounts:
    bills = output / output.sum()
    spending = np.asarray(bills.sum(axis=0))
    if len(work.kernel):  # what residents earn anywhere, less what their city pays
        spending = work.mean_wage * people - (bills * subsidy / (1.0 - subsidy)).sum(axis=0)
    if not (spending > 0).all():
        raise ValueError(f"subsidies of city number {int(spending.argmin())} are more than its residents earn")
    if not len(inputs):
        return _Accounts(bills, bills, np.zeros_like(bills), spending, np.asarray(bills.sum(axis=1)))
    gross = bills / (1.0 - inputs.sum(axis=0))
    bought = np.einsum("jkn,kn->jn", inputs, gross)
    beta = gross.sum(axis=1) - bought.sum(axis=1)
    if not (beta > 0).all():
        raise ValueError(
            f"industries buy {bought.sum(axis=1)[beta.argmin()] / gross.sum(axis=1)[beta.argmin()]:.0%} of what "
            f"industry number {beta.argmin()} makes: nothing is left to consume"
        )
    return _Accounts(bills, gross, bought, spending, beta / beta.sum())
