"""Cases a year by procedure, home and work city."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from megalopolis.errors import BadInput, Problem
from megalopolis.services.compile import WORK, Compiled
from megalopolis.services.models import Catalogue
from megalopolis.units import Array


def home_shares(
    population: Array, minutes: Array, parameters: Mapping[str, float], flows: Array | None = None
) -> Array:
    """Shares of the residents of each work city by home city.

    Parameters
    ----------
    population : ndarray, shape (n,)
        Residents.
    minutes : ndarray, shape (n, n)
        Door-to-door minutes.
    parameters : mapping of str to float
        ``elsewhere_share`` of the residents have another home; ``flow_scale_min`` spreads them without flows.
    flows : ndarray, shape (n, n), optional
        Flows between cities, any unit; both directions are added. Default: ``population x exp(-(t / scale)^2 / 2)``,
        the Gaussian gravity model (Ingram 1971).

    Returns
    -------
    ndarray, shape (n, n)
        By home (rows) and work city (columns); columns sum to 1, those of a city that no flow reaches to its own.

    Raises
    ------
    ValueError
        If flows are negative or missing, or of the wrong shape.
    """
    n = len(population)
    if flows is None:
        tie = population[:, None] * np.exp(-0.5 * (minutes / parameters["flow_scale_min"]) ** 2)
    else:
        if flows.shape != (n, n) or np.isnan(flows).any() or (flows < 0).any():
            raise ValueError(f"flows must be {n} x {n}, at least 0 and without gaps")
        tie = flows + flows.T
    tie = tie.copy()
    np.fill_diagonal(tie, 0.0)
    total = tie.sum(axis=0)
    elsewhere = np.where(total > 0, parameters["elsewhere_share"], 0.0)
    shares = elsewhere * tie / np.where(total > 0, total, 1.0)
    shares[np.arange(n), np.arange(n)] = 1.0 - elsewhere
    return np.asarray(shares)


def cases(catalogue: Catalogue, compiled: Compiled, population: Array, shares: Array, scale: float = 1.0) -> Array:
    """Cases a year, shape (procedures, n, n) by home and work city.

    Parameters
    ----------
    catalogue : Catalogue
        Observed demands replace the rate.
    compiled : Compiled
        Gives the rates. A procedure only for residents from elsewhere has no cases on the diagonal; one that the
        competent city does not offer has none at all. Rates are per 1,000 residents of the work city, those of
        procedures that cross cities per 1,000 residents from elsewhere.
    population : ndarray, shape (n,)
        Residents.
    shares : ndarray, shape (n, n)
        See `home_shares`.
    scale : float
        Factor on the rates.

    Raises
    ------
    BadInput
        If population is missing or negative.
    """
    if np.isnan(population).any() or (population < 0).any():
        raise BadInput(Problem("cities", "the population of a city is missing or negative", "give the residents"))
    people = shares * population[None, :]
    found = scale * compiled.cases_per_1000[:, None, None] / 1000.0 * people[None]
    number = {c: i for i, c in enumerate(compiled.cities)}
    for demand in catalogue.demands:
        if demand.home_city in number and demand.work_city in number:
            p = compiled.procedures.index(demand.procedure)
            found[p, number[demand.home_city], number[demand.work_city]] = demand.cases.value
    for p in range(len(compiled.procedures)):
        if compiled.cross_only[p]:
            np.fill_diagonal(found[p], 0.0)
        absent = compiled.variant_of[p] < 0
        if compiled.competence[p] == WORK:
            found[p][:, absent] = 0.0
        else:
            found[p][absent, :] = 0.0
    return np.asarray(found)
