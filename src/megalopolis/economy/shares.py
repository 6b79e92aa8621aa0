"""Exact hat algebra: an economy whose kernels are observed shares (Dekle, Eaton and Kortum 2008)."""

from __future__ import annotations

from typing import Any

import numpy as np

from megalopolis.economy.model import Model
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
    **options: Array,
) -> Model:
    """Build the model that observed shares stand for: its equilibrium is the data, with all prices and utilities one.

    A counterfactual multiplies the kernels: ``kernels * dhat^-theta``, ``mobility * mhat^-eps``; ``log_t``, ``log_b``
    and ``log_h`` gain the logs of the changes. Spending shares are taken from the data's market clearing.

    Parameters
    ----------
    trade : ndarray, shape (k, n, i)
        Share of n's spending on industry k that goes to i; rows sum to one.
    labour : ndarray, shape (k, n)
        Workers.
    wage : ndarray, shape (n,)
        Wages, in any unit.
    theta, gamma, beta : ndarray, shape (k,)
        See `Model`.
    q, eps : float
        See `Model`.
    migration : ndarray, shape (o, n), optional
        Share of the people registered in o who live in n; rows sum to one. Without it nobody moves.
    registered : ndarray, shape (o,), optional
        People by place of registration; by default the workers.
    **options
        ``subsidy`` (k, n) and ``transfers`` (n,), of the data.

    Returns
    -------
    Model

    Raises
    ------
    ValueError
        If shares do not sum to one, or do not clear the markets or give the residents of the data.
    """
    n = wage.size
    subsidy = options.get("subsidy", np.zeros_like(labour))
    transfers = options.get("transfers", np.zeros(n))
    people = labour.sum(axis=0)
    registered = people if registered is None else registered
    if np.abs(trade.sum(axis=2) - 1.0).max() > 1e-9:
        raise ValueError("trade shares of a city do not sum to one")
    bills = (1.0 - subsidy) * wage * labour
    wage = wage / bills.sum()
    bills = bills / bills.sum()
    spending = bills.sum(axis=0) + transfers
    gap = np.einsum("kni,k,n->ki", trade, beta, spending) - bills
    if np.abs(gap).max() > 1e-8 * bills.max():
        raise ValueError(f"trade shares and wage bills do not clear the markets: off by {np.abs(gap).max():.2g}")
    mobility = np.empty((0, n)) if migration is None else migration
    if migration is not None:
        if np.abs(migration.sum(axis=1) - 1.0).max() > 1e-9:
            raise ValueError("migration shares of a place do not sum to one")
        if np.abs(registered @ migration / people - 1.0).max() > 1e-8:
            raise ValueError("migration shares do not give the residents of the data")
    scale, power = (gamma * theta)[:, None], theta[:, None]
    fields: dict[str, Any] = {
        "log_t": power * (np.log(wage) + np.log1p(-subsidy)) - scale * np.log(labour),
        "log_b": np.log(people) - q * np.log(spending / q),
        "log_h": np.zeros(n),
    }
    kernel_of = np.arange(labour.shape[0], dtype=np.int64)
    return Model(
        kernels=trade,
        kernel_of=kernel_of,
        theta=theta,
        gamma=gamma,
        beta=beta,
        subsidy=subsidy,
        transfers=transfers,
        mobility=mobility,
        registered=registered,
        q=q,
        eps=eps,
        **fields,
    )
