"""Flows between cities: the gravity model, its calibration on observed flows, and its backbone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

if TYPE_CHECKING:
    from megalopolis.units import Array

Groups = npt.NDArray[np.intp]
Form = Literal["exponential", "power", "gaussian"]

#: Newton steps of the calibration; the iteration converges quadratically, ten steps are usual.
MAX_STEPS = 100
#: Largest change of a fitted logarithm at which the calibration stops.
TOLERANCE = 1e-9


def deterrence(minutes: Array, form: Form, scale: float) -> Array:
    """Share of the interaction that is left at a travel time.

    exponential ``exp(-t / scale)`` (Wilson, 1967), gaussian ``exp(-(t / scale)^2 / 2)`` (Ingram,
    1971), power ``max(t, 1)^-scale`` (Zipf, 1946).

    Parameters
    ----------
    minutes : ndarray
        Travel times; infinite where there is no way.
    form : str
        One of the three.
    scale : float
        Minutes; of the power form the exponent.

    Returns
    -------
    ndarray
        Between 0 and 1, zero where there is no way.

    Raises
    ------
    ValueError
        For an unknown form, a scale that is not above zero, negative or missing times.
    """
    if not scale > 0:
        raise ValueError(f"The deterrence scale must be above zero, not {scale}.")
    if np.isnan(minutes).any() or (minutes < 0).any():
        raise ValueError("Travel times must be known and not negative; use inf where there is no way.")
    if form == "exponential":
        return np.asarray(np.exp(-minutes / scale))
    if form == "gaussian":
        return np.asarray(np.exp(-0.5 * (minutes / scale) ** 2))
    if form == "power":
        return np.asarray(np.maximum(minutes, 1.0) ** -scale)
    raise ValueError(f"The deterrence form must be exponential, power or gaussian, not '{form}'.")


def economic_mass(population: Array, gdp: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Mass of a city in the gravity model: the geometric mean of its people and its output.

    ``sqrt(P G)``, the usual mass of city-cluster studies in China (Wang and Zhuang, 1996). Where an output
    is missing, that of the region's mean resident stands in; without any output the mass is the population.

    Parameters
    ----------
    population, gdp : ndarray, shape (n,)
        Persons and currency per year; NaN only in the output.

    Returns
    -------
    mass : ndarray, shape (n,)
    filled : ndarray of bool, shape (n,)
        Where the output was missing: name these in a warning.

    Raises
    ------
    ValueError
        For a missing or negative population.
    """
    if np.isnan(population).any() or (population < 0).any():
        raise ValueError("Populations must be known and not negative.")
    missing = np.asarray(np.isnan(gdp))
    people = population[~missing].sum()
    if not people > 0:
        return population.astype(np.float64), missing
    head = float(gdp[~missing].sum() / people)
    return np.sqrt(population * np.where(missing, head * population, gdp)), missing


def gravity_flows(
    minutes: Array,
    origin: Array,
    destination: Array | None = None,
    *,
    exponents: tuple[float, float] = (1.0, 1.0),
    form: Form = "gaussian",
    scale: float = 120.0,
    borders: tuple[npt.NDArray[Any], float] | None = None,
) -> Array:
    """Flows of the unconstrained gravity model ``F_ij = O_i^a D_j^b f(t_ij) B_ij``, self-flows excluded.

    Parameters
    ----------
    minutes : ndarray, shape (n, n)
        Door-to-door times; infinite where there is no way.
    origin, destination : ndarray, shape (n,)
        Masses (persons, or currency per year); the destination's default is the origin's.
    exponents : (float, float)
        a and b.
    form, scale
        See `deterrence`.
    borders
        Province of each city and the factor B on flows between two provinces (the border effect of McCallum, 1995,
        and for China Poncet, 2005); 1 inside each, and everywhere by default.

    Returns
    -------
    ndarray, shape (n, n)
        Shares of all flows: they sum to 1, the diagonal is zero.

    Raises
    ------
    ValueError
        For missing or negative masses, times of the wrong shape, or where no pair has a flow.
    """
    to = origin if destination is None else destination
    n = len(origin)
    if minutes.shape != (n, n) or to.shape != (n,):
        raise ValueError(f"Times of shape {minutes.shape} do not fit {n} origins and {len(to)} destinations.")
    for mass in (origin, to):
        if np.isnan(mass).any() or (mass < 0).any():
            raise ValueError("Masses of the gravity model must be known and not negative.")
    a, b = exponents
    # Divided by the largest, so that no power overflows.
    flows = np.outer((origin / origin.max()) ** a, (to / to.max()) ** b) * deterrence(minutes, form, scale)
    np.fill_diagonal(flows, 0.0)
    if borders is not None:
        province, factor = np.unique(borders[0], return_inverse=True)[1], borders[1]
        flows[province[:, None] != province[None, :]] *= factor
    total = flows.sum()
    if not total > 0:
        raise ValueError("No pair of cities has a flow: masses are zero or every time is infinite.")
    return np.asarray(flows / total)


def backbone(flows: Array, share: float) -> csr_matrix:
    """Keep the flows that matter to at least one of their two cities.

    Both directions of a pair are added. A pair stays where it holds more than `share` of all flows of either
    city, so that a small city keeps its links (the idea of Serrano, Boguna and Vespignani, 2009, with a
    plain share).

    Parameters
    ----------
    flows : ndarray, shape (n, n)
        Non-negative, in any unit.
    share : float
        Between 0 and 1.

    Returns
    -------
    csr_matrix, shape (n, n)
        Symmetric, no diagonal, in the unit of the flows.

    Raises
    ------
    ValueError
        For missing or negative flows.
    """
    if np.isnan(flows).any() or (flows < 0).any():
        raise ValueError("Flows must be known and not negative.")
    both = flows + flows.T
    np.fill_diagonal(both, 0.0)
    limit = share * both.sum(axis=1)
    keep = (both > limit[:, None]) | (both > limit[None, :])
    return csr_matrix(np.where(keep, both, 0.0))


@dataclass(frozen=True)
class PoissonFit:
    """A Poisson pseudo-maximum-likelihood fit with one fixed effect per group."""

    coefficients: Array
    standard_errors: Array
    effects: Array
    fitted: Array
    deviance: float
    explained: float
    steps: int


def _deviance(y: Array, mu: Array) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(y > 0, y * np.log(y / mu), 0.0)
    return float(2.0 * (logs - (y - mu)).sum())


def _centred(x: Array, weight: Array, group: Groups) -> Array:
    """Columns less their weighted mean in each group."""
    total = np.bincount(group, weight)
    total[total == 0] = 1.0
    return np.asarray(x - np.column_stack([np.bincount(group, weight * c) / total for c in x.T])[group])


def _exact_effects(power: Array, total: Array, group: Groups) -> Array:
    """Fitted values for given coefficients, each group's sum equal to the observed one."""
    top = np.full(len(total), -np.inf)
    np.maximum.at(top, group, power)
    raw = np.exp(power - top[group])
    scale = total[group] / np.bincount(group, raw, len(total))[group]
    return np.asarray(np.maximum(raw * scale, np.finfo(float).tiny))


def poisson_fit(y: Array, x: Array, group: Groups) -> PoissonFit:
    """Fit ``E[y] = exp(effect[group] + x b)`` by iteratively reweighted least squares, effects swept out.

    Gourieroux, Monfort and Trognon (1984); for gravity models Santos Silva and Tenreyro (2006), eq. 9.

    Parameters
    ----------
    y : ndarray, shape (m,)
        Non-negative flows; zeros are kept.
    x : ndarray, shape (m, k)
        Explanatory columns.
    group : ndarray of int, shape (m,)
        Origin of each row, 0 to g-1. A group without any flow tells nothing and has the effect -inf.

    Returns
    -------
    PoissonFit
        `coefficients` and heteroskedasticity-robust `standard_errors` of shape (k,), `effects` (g,),
        `fitted` (m,), `deviance`, `explained`: the share of the deviance of the fixed effects alone that the
        columns explain.

    Raises
    ------
    ValueError
        For missing or negative flows, columns that do not vary within groups, or no convergence.
    """
    if not (np.isfinite(y).all() and np.isfinite(x).all()) or (y < 0).any():
        raise ValueError("Flows and explanatory columns must be finite, flows not negative.")
    if not y.any():
        raise ValueError("No flow was observed.")
    g = int(group.max()) + 1
    total = np.asarray(np.bincount(group, y, g), dtype=np.float64)
    use = total[group] > 0
    yu, gu = y[use], group[use]
    centre = x[use].mean(axis=0)
    spread = x[use].std(axis=0)
    spread[spread == 0] = 1.0
    xu = (x[use] - centre) / spread  # large numbers would overflow the exponential
    mean = (total / np.maximum(np.bincount(group, minlength=g), 1))[gu]
    b, mu, xd, normal, step = _reweighted(yu, xu, gu, total, 0.5 * (yu + mean))
    bread = np.linalg.inv(normal)
    meat = (xd * ((yu - mu) ** 2)[:, None]).T @ xd
    effects, fitted = np.full(g, -np.inf), np.zeros(len(y))
    slopes = np.asarray(b / spread, dtype=np.float64)
    errors = np.sqrt(np.diag(bread @ meat @ bread)) / spread
    effects[gu] = np.log(mu) - x[use] @ slopes
    fitted[use] = mu
    deviance, null = _deviance(yu, mu), _deviance(yu, mean)
    explained = 1.0 - deviance / null if null > 0 else 0.0
    return PoissonFit(slopes, errors, effects, fitted, deviance, explained, step)


def _reweighted(y: Array, x: Array, group: Groups, total: Array, mu: Array) -> tuple[Array, Array, Array, Array, int]:
    """Reweight from the means `mu` until nothing moves: slopes, means, swept columns, normal matrix, steps."""
    last = np.full(len(y), np.inf)
    for step in range(1, MAX_STEPS + 1):
        swept = _centred(x, mu, group)
        normal = swept.T @ (mu[:, None] * swept)
        if np.linalg.matrix_rank(normal) < x.shape[1]:
            raise ValueError("An explanatory column does not vary within the groups.")
        z = np.log(mu) + (y - mu) / mu
        aim = swept.T @ (mu * _centred(z[:, None], mu, group)[:, 0])
        slopes = np.asarray(np.linalg.solve(normal, aim), dtype=np.float64)
        mu = _exact_effects(x @ slopes, total, group)
        if np.abs(x @ slopes - last).max() <= TOLERANCE:
            return slopes, mu, swept, normal, step
        last = x @ slopes
    raise ValueError(f"The Poisson fit did not converge in {MAX_STEPS} steps.")


@dataclass(frozen=True)
class GravityFit:
    """The gravity model's parameters as observed flows tell them."""

    exponent: float
    exponent_error: float
    form: Form
    scale: float
    fit: PoissonFit


def calibrate_gravity(flows: Array, minutes: Array, destination: Array, form: Form) -> GravityFit:
    """Fit the destination's exponent and the deterrence scale to observed flows, one effect per origin.

    Poisson pseudo-maximum likelihood (`poisson_fit`) of ``F_ij`` on ``ln D_j`` and on minutes (exponential),
    their square (gaussian) or their logarithm (power).

    Parameters
    ----------
    flows : ndarray, shape (n, n)
        Observed flows, NaN where a pair was not observed; the diagonal is not used.
    minutes : ndarray, shape (n, n)
        Times; pairs without a way are not used.
    destination : ndarray, shape (n,)
        Masses above zero.
    form : str
        Deterrence form.

    Returns
    -------
    GravityFit
        `exponent` of the destination with its standard error, `scale` of the deterrence, and the whole fit.

    Raises
    ------
    ValueError
        Where flows do not fall with time, so that no scale exists, or see `poisson_fit`.
    """
    if not (destination > 0).all():
        raise ValueError("Masses must be above zero for a calibration.")
    use = np.isfinite(flows) & np.isfinite(minutes) & ~np.eye(len(flows), dtype=bool)
    i, j = np.nonzero(use)
    t = minutes[i, j]
    time = {"exponential": t, "gaussian": 0.5 * t**2, "power": np.log(np.maximum(t, 1.0))}[form]
    fit = poisson_fit(flows[i, j], np.column_stack([np.log(destination[j]), time]), i)
    slope = -float(fit.coefficients[1])
    if not slope > 0:
        raise ValueError("Observed flows do not fall with travel time: no deterrence scale exists.")
    scale = {"exponential": 1.0 / slope, "gaussian": slope**-0.5, "power": slope}[form]
    return GravityFit(float(fit.coefficients[0]), float(fit.standard_errors[0]), form, float(scale), fit)
