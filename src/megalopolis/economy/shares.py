"""Exact hat algebra: an economy whose kernels are observed shares (Dekle, Eaton and Kortum 2008)."""

from __future__ import annotations

from typing import Any

import numpy as np

from megalopolis.economy.model import Model
from megalopolis.economy.solve import Equilibrium, solve
from megalopolis.units import Array


def from_shares(
    trade: Array,
    labour: Array,
    wage: Array,
    *,
    theta: Array,
    gamma: Array,
    beta: Array,
    q: float,
    eps: float,
    migration: Array | None = None,
    registered: Array | None = None,
    people: Array | None = None,
    **options: Any,
) -> Model:
    """Build the model that observed shares stand for: its equilibrium is the data, with all prices and utilities one.

    It takes what the published tables of Caliendo and Parro (2015) and Monte, Redding and Rossi-Hansberg (2018) use. A
    counterfactual multiplies ``kernels`` by ``dhat^-theta``, ``mobility`` by ``mhat^-eps``, ``commuting`` by
    ``kappahat^-nu``, adds to ``log_t``, ``log_b``, ``log_h``, or sets tariffs by `Model.tariffed`.

    Parameters
    ----------
    trade : ndarray, shape (k, n, i)
        Share of n's spending on industry k, tariffs included, that goes to i; rows sum to one.
    labour, wage : ndarray, shape (k, n) and (n,)
        Workers by place of work; wages in any unit.
    theta, gamma, beta, q, eps
        See `Model`; ``beta`` are shares of consumption.
    migration : ndarray, shape (o, n), optional
        Share of the people registered in o who live in n; rows sum to one. Without it nobody moves.
    registered, people : ndarray, shape (o,) and (n,), optional
        People by place of registration, by default the residents; residents, by default the workers.
    **options
        Of the data: ``subsidy`` (k, n), ``transfers`` (n,), ``commuting`` (n, i) shares of the residents of n who work
        in i and ``nu``, ``inputs`` (l, k, n), ``tariffs`` (k, n, i).

    Raises
    ------
    ValueError
        If shares do not sum to one, or do not clear the markets or give the residents and workers of the data.
    """
    options.setdefault("subsidy", np.zeros_like(labour))
    people = labour.sum(axis=0) if people is None else people
    registered = people if registered is None else registered
    wage = wage / ((1.0 - options["subsidy"]) * wage * labour).sum()
    commuting = options.get("commuting", np.empty((0, 0)))
    _check_shares(trade, migration, commuting, registered, people, labour)
    if len(commuting):
        options["commuting"] = commuting * wage ** -options.get("nu", 4.6)
    mobility = np.empty((0, wage.size)) if migration is None else migration
    given: dict[str, Any] = options | {"theta": theta, "gamma": gamma, "beta": beta, "q": q, "eps": eps}
    fitted = _unit_prices(trade, labour, wage, mobility=mobility, registered=registered, **given)
    found = data_of(fitted, labour, wage, people)
    gap = np.abs(fitted.value_added * found.sales - found.bills).max() / found.bills.max()
    if not gap <= 1e-8:
        raise ValueError(f"trade shares and wage bills do not clear the markets: off by {gap:.2g}")
    return fitted.changed(log_b=np.log(people) - q * np.log(found.spending / q) - found.log_choice_of_work)


def _unit_prices(trade: Array, labour: Array, wage: Array, **fields: Any) -> Model:
    """Model with the productivity that makes all prices one."""
    zero = np.zeros(wage.size)
    fields = {"transfers": zero} | fields
    still: dict[str, Any] = {"log_t": np.zeros_like(labour), "log_b": zero, "log_h": zero}
    fitted = Model(kernels=trade, kernel_of=np.arange(len(labour), dtype=np.int64), **still, **fields)
    cost = fitted.value_added * (np.log(wage) + np.log1p(-fitted.subsidy))
    scale = fitted.gamma * fitted.theta
    return fitted.changed(log_t=fitted.theta[:, None] * cost - scale[:, None] * np.log(labour))


def data_of(fitted: Model, labour: Array, wage: Array, people: Array) -> Equilibrium:
    """Return data as a state of the model at unit prices; arguments as in `from_shares`."""
    return solve(fitted, (np.log(labour), np.log(wage), np.log(people), np.zeros_like(labour)), limit=1)


def _check_shares(
    trade: Array, migration: Array | None, commuting: Array, registered: Array, people: Array, labour: Array
) -> None:
    if np.abs(trade.sum(axis=2) - 1.0).max() > 1e-9:
        raise ValueError("trade shares of a city do not sum to one")
    if migration is not None:
        if np.abs(migration.sum(axis=1) - 1.0).max() > 1e-9:
            raise ValueError("migration shares of a place do not sum to one")
        if np.abs(registered @ migration / people - 1.0).max() > 1e-8:
            raise ValueError("migration shares do not give the residents of the data")
    if len(commuting):
        if np.abs(commuting.sum(axis=1) - 1.0).max() > 1e-9:
            raise ValueError("commuting shares of a city do not sum to one")
        if np.abs(people @ commuting / labour.sum(axis=0) - 1.0).max() > 1e-8:
            raise ValueError("commuting shares do not give the workers of the data")
