"""Where residents work: from observed commuters, or from minutes, with the wages that pay the bills of the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from megalopolis.economy.balance import balance
from megalopolis.economy.model import Matrix
from megalopolis.units import Array

#: Least ease of commuting that is kept: below, nobody commutes.
_LEAST: Final = 1e-12


@dataclass(frozen=True)
class Workplaces:
    """Wages, workers and commuting of the data.

    Attributes
    ----------
    kernel : ndarray, shape (n, n) or no rows
        Ease of living in n and working in i, one on the diagonal; see `megalopolis.economy.model.Model`.
    wage : ndarray, shape (n,)
        By place of work.
    workers : ndarray, shape (n,)
        By place of work; as many as residents.
    mean_wage : ndarray, shape (n,)
        Of residents, wherever they work.
    log_choice : ndarray, shape (n,)
        Log of the worth of choosing the place of work, over the mean wage.
    """

    kernel: Matrix
    wage: Array
    workers: Array
    mean_wage: Array
    log_choice: Array


def at_home(people: Array, paid: Array) -> Workplaces:
    """Nobody commutes: wages are what is paid (n,) per resident (n,)."""
    wage = paid / people
    return Workplaces(np.empty((0, 0)), wage, people, wage, np.zeros_like(wage))


def by_flows(shares: Array, people: Array, paid: Array, nu: float) -> Workplaces:
    """Observed commuters: kernels whose shares at the wages of the data are those observed.

    Exact hats of Monte, Redding and Rossi-Hansberg (2018, American Economic Review 108): wages are what is paid per
    worker by place of work.

    Parameters
    ----------
    shares : ndarray, shape (n, n)
        Of the residents of n, who work in i; rows sum to one, the diagonal is positive.
    people, paid : ndarray, shape (n,)
        Residents; wage bills by place of work.
    nu : float
        Dispersion of tastes for workplaces.

    Raises
    ------
    ValueError
        If shares do not sum to one, or nobody works where they live.
    """
    own = np.diag(shares)
    if np.abs(shares.sum(axis=1) - 1.0).max() > 1e-9 or not (own > 0).all():
        raise ValueError("commuting shares must sum to one, with some who work where they live")
    workers = people @ shares
    wage = paid / workers
    kernel = shares / own[:, None] * (wage[:, None] / wage) ** nu
    mean = shares @ wage
    return Workplaces(kernel, wage, workers, mean, np.log(wage / mean) - np.log(own) / nu)


def by_minutes(kernel: Matrix, people: Array, paid: Array, nu: float) -> Workplaces:
    """Commuting by its costs alone: the wages at which those who come to work earn what is paid.

    ``w_i^(1 + nu) sum_n kernel_ni R_n / W_n = paid_i`` (Ahlfeldt et al. 2015, Econometrica 83, appendix): one solution,
    found by the iteration of `balance`.

    Parameters
    ----------
    kernel : ndarray, shape (n, n)
        Ease of commuting.
    people, paid, nu
        As in `by_flows`.

    Raises
    ------
    ValueError
        If no wages are found.
    """
    log_option, _ = balance(kernel, people / people.sum(), paid / paid.sum(), power=1.0 / nu)
    level = np.exp(log_option - log_option.max())
    shares = kernel * level
    shares /= shares.sum(axis=1, keepdims=True)
    return by_flows(shares, people, paid, nu)


def ease_of_minutes(minutes: Array, decay: float) -> Matrix:
    """Ease of commuting that falls by ``decay`` a minute beyond a trip at home (Ahlfeldt et al. 2015), shape (n, n).

    ``decay`` is the fall of the log of commuters: the dispersion of tastes times the cost of a minute.

    Raises
    ------
    ValueError
        If decay is not positive.
    """
    if not 0.0 < decay < np.inf:
        raise ValueError(f"decay of commuting {decay:g} a minute must be positive")
    ease = np.exp(-decay * (minutes - np.diag(minutes)[:, None]))
    return np.where(ease < _LEAST, 0.0, ease)
