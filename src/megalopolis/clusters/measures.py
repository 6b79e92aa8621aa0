"""What is measured on a cluster: people, output, extent, polycentricity, cohesion, times, industries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from megalopolis.units import Array

Members = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Total:
    """A sum over a cluster, and how much of the cluster it covers.

    Attributes
    ----------
    value : float
        Sum of the known values; NaN where none is known.
    share : float
        Of the sum of all known values of the region; NaN where none is known.
    coverage : float
        Share of the cluster's weight (people) whose value is known.
    coverage_region : float
        The same for the whole region, whose sum the share refers to.
    """

    value: float
    share: float
    coverage: float
    coverage_region: float


def _coverage(known: npt.NDArray[np.bool_], weight: Array) -> float:
    people = np.nan_to_num(weight)
    return float(people[known].sum() / people.sum()) if people.sum() > 0 else float(known.mean())


def total(values: Array, members: Members, weight: Array) -> Total:
    """Sum a column over a cluster, with its share of the region and the coverage of both.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Any quantity that adds up; NaN where unknown. Units that are part of another must not be among them.
    members : ndarray of int, shape (m,)
        Cities of the cluster.
    weight : ndarray, shape (n,)
        Persons, by which coverage is counted.
    """
    known = ~np.isnan(values)
    mine = known[members]
    value = float(values[members][mine].sum()) if mine.any() else np.nan
    everything = float(values[known].sum())
    share = value / everything if everything > 0 else np.nan
    return Total(value, share, _coverage(mine, weight[members]), _coverage(known, weight))


def ratio(numerator: Array, denominator: Array, members: Members) -> float:
    """Sum over sum of the cities that have both: density, people per built-up km2, output per head.

    Returns
    -------
    float
        NaN where no city has both.
    """
    top, bottom = numerator[members], denominator[members]
    both = ~np.isnan(top) & ~np.isnan(bottom)
    below = bottom[both].sum()
    return float(top[both].sum() / below) if below > 0 else np.nan


def rank_size_slope(sizes: Array, largest: int | None = None) -> float:
    """Slope of ln(size) on ln(rank): flatter (nearer to zero) is more polycentric.

    Meijers and Burger (2010), Environment and Planning A 42; after Zipf (1949).

    Parameters
    ----------
    sizes : ndarray, shape (m,)
        Populations; missing and zero ones are left out.
    largest : int, optional
        Only so many cities from the top.

    Returns
    -------
    float
        Negative or zero; NaN for fewer than three cities.
    """
    size = np.sort(sizes[sizes > 0])[::-1][:largest]
    if len(size) < 3:
        return np.nan
    x = np.log(np.arange(1, len(size) + 1))
    y = np.log(size)
    x -= x.mean()
    return float(x @ (y - y.mean()) / (x @ x))


def functional_polycentricity(flows: Array, members: Members) -> float:
    """Balance of the flows between a cluster's cities times their density (Green, 2007, Urban Studies 44).

    ``(1 - s / s_max) d``: s is the standard deviation of the inflows from the other members, s_max that of
    two nodes of which one has nothing and the other the largest inflow, d the share of ordered pairs that
    have a flow.

    Parameters
    ----------
    flows : ndarray, shape (n, n)
        From row to column; zero where a flow is below the share that counts (`backbone`).
    members : ndarray of int, shape (m,)
        Cities of the cluster.

    Returns
    -------
    float
        0 (one centre) to 1 (all alike and all joined); NaN for fewer than two cities or no flow.
    """
    m = len(members)
    if m < 2:
        return np.nan
    inside = flows[np.ix_(members, members)].copy()
    np.fill_diagonal(inside, 0.0)
    inflow = inside.sum(axis=0)
    if not inflow.max() > 0:
        return np.nan
    density = np.count_nonzero(inside) / (m * (m - 1))
    return float((1.0 - inflow.std() / (0.5 * inflow.max())) * density)


def cohesion(flows: Array, members: Members) -> float:
    """Share of the flows that start in a cluster and also end in it (self-containment; Smart, 1974).

    Parameters
    ----------
    flows : ndarray, shape (n, n)
        From row to column, without self-flows.
    members : ndarray of int, shape (m,)
        Cities of the cluster.

    Returns
    -------
    float
        Between 0 and 1; NaN without flows.
    """
    out = float(flows[members].sum())
    return float(flows[np.ix_(members, members)].sum()) / out if out > 0 else np.nan


def weighted_quantile(values: Array, weight: Array, share: float) -> float:
    """Smallest value at or below which at least `share` of the weight lies."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    k = int(np.searchsorted(reached, share * reached[-1] * (1 - 1e-12)))
    return float(values[order][k])


@dataclass(frozen=True)
class InternalTimes:
    """Travel times between the cities of a cluster, weighted by the product of their populations.

    Attributes
    ----------
    mean, p90 : float
        Door-to-door minutes over all pairs of different cities; NaN for fewer than two, infinite where a
        pair has no way.
    population_within : float
        People whom the average resident finds inside the cluster within the limit, those of the own city
        included.
    """

    mean: float
    p90: float
    population_within: float


def internal_times(minutes: Array, population: Array, members: Members, limit: float = 60.0) -> InternalTimes:
    """Measure times inside a cluster (potential encounters as weights; Hansen, 1959).

    Parameters
    ----------
    minutes : ndarray, shape (n, n)
        Door-to-door times from row to column.
    population : ndarray, shape (n,)
        Persons; a missing one counts nothing.
    members : ndarray of int, shape (m,)
        Cities of the cluster.
    limit : float
        Minutes.
    """
    people = np.nan_to_num(population[members])
    inside = minutes[np.ix_(members, members)]
    near = inside <= limit
    np.fill_diagonal(near, val=True)
    within = float(people @ near @ people / people.sum()) if people.sum() > 0 else np.nan
    other = ~np.eye(len(members), dtype=bool)
    weight = np.outer(people, people)[other]
    if not weight.sum() > 0:
        return InternalTimes(np.nan, np.nan, within)
    some = weight > 0
    times, weight = inside[other][some], weight[some]
    return InternalTimes(float(times @ weight / weight.sum()), weighted_quantile(times, weight, 0.9), within)


def industry_shares(values: Array) -> Array:
    """Each city's shares of industries; NaN for a city with a missing figure or no output.

    Parameters
    ----------
    values : ndarray, shape (n, s)
        Value added or employment by city and industry.
    """
    if (values < 0).any():
        raise ValueError("Value added and employment must not be negative.")
    sums = values.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(sums[:, None] > 0, values / sums[:, None], np.nan))


def location_quotients(values: Array) -> Array:
    """Share of an industry in a city over its share in the region (Florence, 1939).

    Parameters
    ----------
    values : ndarray, shape (n, s)
        Value added or employment; cities with a missing figure are left out of the region and have NaN.

    Returns
    -------
    ndarray, shape (n, s)
        Above 1: specialized. NaN for an industry that nobody has.
    """
    shares = industry_shares(values)
    region = values[~np.isnan(shares).any(axis=1)].sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(shares / np.where(region > 0, region / region.sum(), np.nan))


def krugman_index(shares: Array) -> Array:
    """Difference of industrial structure of each pair, ``sum_s |a_is - a_js|`` (Krugman, 1991).

    Parameters
    ----------
    shares : ndarray, shape (n, s)
        From `industry_shares`.

    Returns
    -------
    ndarray, shape (n, n)
        0 (same structure) to 2 (nothing in common).
    """
    return np.asarray(np.abs(shares[:, None, :] - shares[None, :, :]).sum(axis=2))


def export_similarity(shares: Array) -> Array:
    """Overlap of industrial structure of each pair, ``sum_s min(a_is, a_js)`` (Finger and Kreinin, 1979).

    Of shares that sum to one it is ``1 - K / 2`` with the Krugman index K.

    Parameters
    ----------
    shares : ndarray, shape (n, s)
        From `industry_shares`; of exports where they are known, else of output.

    Returns
    -------
    ndarray, shape (n, n)
        0 (nothing in common) to 1 (same structure).
    """
    low = np.minimum(shares[:, None, :], shares[None, :, :])
    return np.asarray(low.sum(axis=2))


@dataclass(frozen=True)
class Duplication:
    """How alike the industries of a cluster's cities are.

    Attributes
    ----------
    krugman, similarity : float
        Means over all pairs of different cities, weighted by the product of their outputs; NaN for fewer
        than two.
    specialization : float
        Krugman index of each city against the whole cluster, weighted by output.
    coverage : float
        Share of the members whose industries are known.
    """

    krugman: float
    similarity: float
    specialization: float
    coverage: float


def duplication(values: Array, members: Members) -> Duplication:
    """Measure the duplication of industries in a cluster.

    Parameters
    ----------
    values : ndarray, shape (n, s)
        Value added or employment by city and industry; NaN where unknown.
    members : ndarray of int, shape (m,)
        Cities of the cluster.
    """
    shares = industry_shares(values[members])
    known = np.asarray(~np.isnan(shares).any(axis=1))
    coverage = float(known.mean()) if len(known) else np.nan
    output = values[members][known].sum(axis=1)
    if known.sum() < 2:
        return Duplication(np.nan, np.nan, np.nan, coverage)
    weight = np.outer(output, output)
    np.fill_diagonal(weight, 0.0)
    weight /= weight.sum()
    mine = shares[known]
    whole = output @ mine / output.sum()
    apart = np.abs(mine - whole).sum(axis=1)
    return Duplication(
        krugman=float((krugman_index(mine) * weight).sum()),
        similarity=float((export_similarity(mine) * weight).sum()),
        specialization=float(output @ apart / output.sum()),
        coverage=coverage,
    )
