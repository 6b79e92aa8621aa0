"""The economy with links, tariffs, deficits and commuting, plainly in numpy: what the fused solver is held against.

Its own equations, state and sweep, written without the package's; only the acceleration is shared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np

from megalopolis.economy.solve import LIMIT, MEMORY, TOLERANCE
from megalopolis.economy.sweep import mixed, remember
from megalopolis.units import Array

_LONGEST: Final = 1.0


@dataclass(frozen=True)
class Linked:
    """An economy of n cities (or countries) and k industries.

    With observed shares as kernels, and productivity and amenities from `observed_shares`, the data are its
    equilibrium and changes of its fields are counterfactuals in exact hats (Dekle, Eaton and Kortum 2008; Caliendo
    and Parro 2015; with commuting Monte, Redding and Rossi-Hansberg 2018). Fields as in
    `megalopolis.economy.model.Model` but for those below.

    Attributes
    ----------
    kernels : ndarray, shape (k, n, i)
        Ease of selling from i in n, before tariffs; or trade shares.
    value_added : ndarray, shape (k, n)
        Share of labour in gross output.
    inputs : ndarray, shape (l, k, n)
        Share of what industry k of a city buys from industry l in its gross output; with ``value_added`` sums to one.
    tariffs : ndarray, shape (k, n, i)
        Ad valorem, on what n buys from i; the revenue is the buyers' income.
    commuting : ndarray, shape (n, i)
        Ease of living in n and working in i (cost to the power of minus nu), or shares; no rows: nobody commutes.
    nu : float
        Dispersion of tastes for workplaces.
    """

    kernels: Array
    theta: Array
    gamma: Array
    beta: Array
    log_t: Array
    subsidy: Array
    transfers: Array
    value_added: Array
    inputs: Array
    tariffs: Array
    mobility: Array
    registered: Array
    log_b: Array
    q: float
    eps: float
    commuting: Array
    nu: float

    def __post_init__(self) -> None:
        k, n = self.log_t.shape
        shapes: dict[str, tuple[int, ...]] = {
            "kernels": (k, n, n),
            "theta": (k,),
            "gamma": (k,),
            "beta": (k,),
            "subsidy": (k, n),
            "transfers": (n,),
            "value_added": (k, n),
            "inputs": (k, k, n),
            "tariffs": (k, n, n),
            "mobility": (*self.mobility.shape[:1], n),
            "registered": (self.mobility.shape[0] or n,),
            "log_b": (n,),
            "commuting": (n if self.commuting.shape[0] else 0, n),
        }
        for name, shape in shapes.items():
            found = getattr(self, name)
            if found.shape != shape:
                raise ValueError(f"{name} has shape {found.shape}, not {shape}")
            if not np.isfinite(found).all():
                raise ValueError(f"{name} has values that are not finite")
        wrong = {
            "theta must be positive": (self.theta <= 0).any(),
            "gamma must not be negative, and gamma theta at most 1": (self.gamma < 0).any()
            or (self.gamma * self.theta > 1).any(),
            "shares of spending must be positive and sum to 1": (self.beta <= 0).any()
            or abs(self.beta.sum() - 1.0) > 1e-9,
            "labour must have a share of gross output above 0": (self.value_added <= 0).any(),
            "inputs must not be negative": (self.inputs < 0).any(),
            "value added and inputs must sum to 1": np.abs(self.value_added + self.inputs.sum(axis=0) - 1.0).max()
            > 1e-9,
            "tariffs must be above -100 %": (self.tariffs <= -1).any(),
            "a subsidy must be below 1": (self.subsidy >= 1).any(),
            "transfers must sum to zero": abs(self.transfers.sum()) > 1e-9,
            "q must lie in (0, 1], eps and nu be positive": not (0 < self.q <= 1 and self.eps > 0 and self.nu > 0),
            "every city must be supplied": (self.kernels.sum(axis=2) <= 0).any(),
            "registered people must not be negative": (self.registered < 0).any() or self.registered.sum() <= 0,
        }
        for what, broken in wrong.items():
            if broken:
                raise ValueError(what)

    @property
    def shape(self) -> tuple[int, int]:
        """Industries and cities."""
        return int(self.log_t.shape[0]), int(self.log_t.shape[1])

    def changed(self, **fields: Any) -> Linked:
        """Return the economy with some fields replaced, checked again."""
        return replace(self, **fields)


def linked(kernels: Array, **fields: Any) -> Linked:
    """Build an economy with defaults: no links, tariffs, subsidies, transfers, moving or commuting.

    Parameters
    ----------
    kernels : ndarray, shape (k, n, i)
        See `Linked`.
    **fields
        Of `Linked`; ``theta``, ``beta`` and ``registered`` are needed.

    Raises
    ------
    ValueError
        As `Linked`.
    """
    k, n = kernels.shape[:2]
    zero = np.zeros((k, n))
    given = {
        "gamma": np.zeros(k),
        "log_t": zero,
        "subsidy": zero,
        "transfers": np.zeros(n),
        "value_added": np.ones((k, n)) - np.asarray(fields.get("inputs", np.zeros((k, k, n)))).sum(axis=0),
        "inputs": np.zeros((k, k, n)),
        "tariffs": np.zeros((k, n, n)),
        "mobility": np.empty((0, n)),
        "log_b": np.zeros(n),
        "q": 1.0,
        "eps": 1.5,
        "commuting": np.empty((0, n)),
        "nu": 4.6,
    } | fields
    return Linked(kernels=kernels, **given)


@dataclass(frozen=True)
class Settled:
    """A solved economy: logs of workers (k, n), wages (n,), prices (k, n) and residents (n,); residual; sweeps."""

    economy: Linked
    log_labour: Array
    log_wage: Array
    log_price: Array
    log_people: Array
    residual: float
    sweeps: int
    converged: bool

    @cached_property
    def _flows(self) -> dict[str, Array]:
        return _flows(self.economy, self.log_labour, self.log_wage, self.log_price, self.log_people)

    @property
    def trade_shares(self) -> Array:
        """Share of n's spending on an industry, tariffs included, that goes to i, shape (k, n, i)."""
        return self._flows["shares"]

    @property
    def commuting_shares(self) -> Array:
        """Share of the residents of n who work in i, shape (n, i)."""
        return self._flows["work"]

    @property
    def income(self) -> Array:
        """Spending on goods by residence, tariff revenue and transfers included, shape (n,)."""
        return self._flows["income"]

    @property
    def log_real_wage(self) -> Array:
        """Log of the wage over the price index of goods, shape (n,)."""
        return np.asarray(self.log_wage - self.economy.beta @ self.log_price)

    @property
    def log_utility(self) -> Array:
        """Log of the utility of living in each city, shape (n,)."""
        return self._flows["utility"]

    @property
    def log_welfare(self) -> Array:
        """Log of expected utility by place of registration, shape (o,)."""
        e = self.economy
        if not e.mobility.shape[0]:
            return self.log_utility
        return np.asarray(np.log(e.mobility @ np.exp(e.eps * self.log_utility)) / e.eps)


def _flows(e: Linked, log_labour: Array, log_wage: Array, log_price: Array, log_people: Array) -> dict[str, Array]:
    """Shares, sales, income and utility at a state."""
    keep = np.log1p(-e.subsidy) + log_wage
    cost = e.value_added * keep + np.einsum("lkn,ln->kn", e.inputs, log_price)
    theta = e.theta[:, None]
    log_a = e.log_t + (e.gamma * e.theta)[:, None] * log_labour - theta * cost
    shift = log_a.max(axis=1, keepdims=True)
    offers = e.kernels * (1.0 + e.tariffs) ** -e.theta[:, None, None] * np.exp(log_a - shift)[:, None, :]
    total = offers.sum(axis=2)
    shares = offers / total[:, :, None]
    price = -(np.log(total) + shift) / theta
    net = np.exp(keep + log_labour)
    gross = net / e.value_added
    wage, people = np.exp(log_wage), np.exp(log_people)
    if e.commuting.shape[0]:
        draw = e.commuting * wage**e.nu
        option = draw.sum(axis=1)
        work = draw / option[:, None]
        mean = work @ wage
        supply = people @ work
        edge = np.log(option) / e.nu - np.log(mean)
    else:
        work, mean, supply, edge = np.eye(wage.size), wage, people, np.zeros(wage.size)
    earned = mean * people - (e.subsidy * np.exp(log_wage + log_labour)).sum(axis=0)
    bought = np.einsum("lkn,kn->ln", e.inputs, gross)
    duty = (shares * (e.tariffs / (1.0 + e.tariffs))).sum(axis=2)
    income = (earned + e.transfers * earned.sum() + (duty * bought).sum(axis=0)) / (1.0 - e.beta @ duty)
    spending = e.beta[:, None] * income + bought
    sales = np.einsum("kni,kn->ki", shares / (1.0 + e.tariffs), spending)
    utility = e.log_b + edge + e.q * (np.log(income / e.q) - e.beta @ price) - log_people
    return {
        "shares": shares,
        "price": price,
        "net": net,
        "sales": sales,
        "work": work,
        "supply": supply,
        "income": income,
        "utility": utility,
    }


def equations(e: Linked, x: Array) -> tuple[dict[str, Array], tuple[Array, Array, Array, Array]]:
    """What holds at a state (ln L, ln P, ln w, ln R), and the log gaps of the equations; analytic, also in complex x.

    Gaps: sales against wage bills (k, n), workers against commuters (n,), prices (k, n), residents (n,).
    """
    k, n = e.shape
    log_labour, log_price = x[: k * n].reshape(k, n), x[k * n : 2 * k * n].reshape(k, n)
    log_wage, log_people = x[2 * k * n : 2 * k * n + n], x[2 * k * n + n :]
    found = _flows(e, log_labour, log_wage, log_price, log_people)
    asked = np.log(e.value_added * found["sales"]) - np.log(found["net"])
    wanted = np.log(e.registered)
    if e.mobility.shape[0]:
        draw = e.mobility * np.exp(e.eps * (found["utility"] - found["utility"].max()))
        wanted = np.log((draw / draw.sum(axis=1, keepdims=True)).T @ e.registered)
    here = np.log(np.exp(log_labour).sum(axis=0) / found["supply"])
    return found, (asked, here, found["price"] - log_price, wanted - log_people)


@np.errstate(all="ignore")  # what fails is seen by its residual
def _sweep(e: Linked, x: Array) -> tuple[Array, float]:
    """Next state and the largest log gap of the equations."""
    k, n = e.shape
    log_labour, log_wage, log_people = x[: k * n].reshape(k, n), x[2 * k * n : 2 * k * n + n], x[2 * k * n + n :]
    found, parts = equations(e, x)
    asked = parts[0]
    labour = log_labour + asked
    lack = np.log(np.exp(labour).sum(axis=0) / found["supply"])
    least = float((1.0 + e.theta).min())
    wage = log_wage + lack / least
    labour = log_labour + asked - lack
    people = log_people + parts[3] / (1.0 + e.eps if e.mobility.shape[0] else 1.0)
    residual = float(np.abs(np.concatenate([p.ravel() for p in parts])).max())  # NaN stays NaN
    level = np.log((np.exp(wage) * np.exp(labour).sum(axis=0)).sum())
    price = found["price"] - level
    return np.concatenate([labour.ravel(), price.ravel(), wage - level, people]), residual


def settle(
    economy: Linked, start: Settled | None = None, *, tolerance: float = TOLERANCE, limit: int = LIMIT
) -> Settled:
    """Solve by accelerated sweeps; the sum of all wages is one.

    Parameters
    ----------
    economy : Linked
        What to solve.
    start : Settled, optional
        To start from.
    tolerance : float
        Largest log gap of the equations at which to stop.
    limit : int
        Sweeps after which to stop with the best state.

    Raises
    ------
    ValueError
        If no state with finite numbers was found.
    """
    k, n = economy.shape
    if start is None:
        fixed = not economy.mobility.shape[0]
        people = economy.registered if fixed else np.full(n, economy.registered.sum() / n)
        labour = np.log(economy.beta)[:, None] + np.log(people)
        flat = np.full(n, -np.log(people.sum()))
        x = np.concatenate([labour.ravel(), np.tile(flat, k), flat, np.log(people)])
    else:
        x = np.concatenate([start.log_labour.ravel(), start.log_price.ravel(), start.log_wage, start.log_people])
    best, least, held = x.copy(), np.inf, 0
    dx, df, gram = np.zeros((MEMORY, x.size)), np.zeros((MEMORY, x.size)), np.zeros((MEMORY, MEMORY))
    last_x, last_f = x, x
    sweeps, turns, plain = 0, 0, 0
    while sweeps < limit and least > tolerance:
        y, residual = _sweep(economy, x)
        sweeps += 1
        strayed = (plain == 0 and not residual <= 30.0 * least) or not np.isfinite(y).all()
        if residual < least:
            least, best = residual, x.copy()
        if strayed and sweeps > 1:
            if not np.isfinite(least):
                break
            y, _ = _sweep(economy, best)
            x, held = best.copy(), 0
            turns += 1
            plain = 2 ** min(turns, 10)  # ever longer without acceleration: it strays from the same state again
        f = y - x
        if sweeps > 1 and not strayed:
            remember(x, f, last_x, last_f, held, dx, df, gram)
            held += 1
        last_x, last_f = x, f
        step = mixed(f, dx, df, gram, 0 if plain else min(held, MEMORY))
        plain = max(plain - 1, 0)
        x = x + step * min(1.0, _LONGEST / max(float(np.abs(step).max()), 1e-300))
    if not np.isfinite(least):
        raise ValueError(
            "no equilibrium was found: a sweep leaves the range of numbers; check trade costs and transfers"
        )
    cut = k * n
    found = Settled(
        economy,
        best[:cut].reshape(k, n),
        best[2 * cut : 2 * cut + n],
        best[cut : 2 * cut].reshape(k, n),
        best[2 * cut + n :],
        least,
        sweeps,
        least <= tolerance,
    )
    with np.errstate(invalid="ignore"):
        if not (found.income > 0).all():
            raise ValueError("no equilibrium was found: a city has to pay more than it earns; check transfers")
    return found
