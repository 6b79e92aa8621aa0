"""Transport day by day: parcels of a day travel down their reaches and arrive when the water does.

What enters a reach on a day leaves it after the travel time of that day, split between two days by the fraction, and
less what has decayed on the way. A lake is one mixed volume, exact within each day for a constant inflow. Nothing is
lost but by decay and abstraction: what has not arrived yet is held, and booked as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from numba import njit

from megalopolis.environment.inputs import BACKGROUND, Basin, loss_rates, summed
from megalopolis.environment.network import Ints, Network
from megalopolis.environment.rates import DAYS_PER_YEAR, KG_PER_DAY
from megalopolis.environment.standards import CLASSES, Limits
from megalopolis.environment.transport import factorize
from megalopolis.errors import BadInput, Problem
from megalopolis.pillar import Check
from megalopolis.units import Array

#: Largest relative difference between what came in and what left, decayed, was taken or is still on its way.
_CONSERVED = 1e-10
#: Days that water may take through one river reach.
_LONGEST = 365


@dataclass(frozen=True)
class Days:
    """Loads day by day.

    Attributes
    ----------
    mass : ndarray, shape (T, n)
        Load leaving each reach, kg/d.
    came_in, left, decayed, taken, held : float
        Balance over all days, kg; ``held`` is still on its way or in the lakes at the end.
    """

    mass: Array
    came_in: float
    left: float
    decayed: float
    taken: float
    held: float

    def check(self, name: str) -> Check:
        """Compare both sides of the balance, relative to what came in."""
        gap = abs(self.came_in - self.left - self.decayed - self.taken - self.held)
        return Check(f"mass of {name} conserved day by day", gap / max(self.came_in, 1e-300), _CONSERVED)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _route(
    network: tuple[Ints, Ints, Ints, Array], days: Array, rate: Array, lake: Array, head: Array, stock: Array
) -> tuple[Array, float]:
    """Loads leaving every reach, shape (T, n), and what decayed; `stock` of the lakes is changed to that at the end.

    `days` and `head` have shape (T, n). A parcel that would arrive after the last day stays away: it is held.
    """
    order, pointer, source, fraction = network
    steps, n = head.shape
    mass, decayed = np.zeros((steps, n)), 0.0
    for i in order:
        for t in range(steps):
            inflow = head[t, i]
            for link in range(pointer[i], pointer[i + 1]):
                inflow += fraction[link] * mass[t, source[link]]
            if lake[i] > 0.0:
                out = 1.0 / days[t, i]
                z = out + rate[i]
                kept = np.exp(-z)
                lost = stock[i] * (1.0 - kept) + inflow * (1.0 - (1.0 - kept) / z)
                stock[i] = stock[i] * kept + inflow * (1.0 - kept) / z
                mass[t, i] = lost * out / z
                decayed += lost * rate[i] / z
                continue
            whole = int(days[t, i])
            part = days[t, i] - whole
            arrives = inflow * np.exp(-rate[i] * days[t, i])
            decayed += inflow - arrives
            if t + whole < steps:
                mass[t + whole, i] += (1.0 - part) * arrives
            if t + whole + 1 < steps:
                mass[t + whole + 1, i] += part * arrives
    return mass, decayed


def _route_looped(
    network: Network, days: Array, rate: Array, lake: Array, head: Array, stock: Array
) -> tuple[Array, float]:
    """The same where water can return: what arrives within its own day is solved by sparse LU, day by day."""
    steps, n = head.shape
    mass, decayed = np.zeros((steps, n)), 0.0
    target = np.repeat(np.arange(n), np.diff(network.pointer))
    whole, part = np.floor(days).astype(np.int64), days - np.floor(days)
    for t in range(steps):
        out = 1.0 / days[t]
        z = np.where(lake > 0, out + rate, 1.0)
        kept = np.exp(-z)
        within = np.where(lake > 0, (1.0 - (1.0 - kept) / z) * out / z, 0.0)
        a = np.where(lake > 0, within, np.where(whole[t] == 0, (1.0 - part[t]) * np.exp(-rate * days[t]), 0.0))
        waiting = mass[t] + np.where(lake > 0, stock * (1.0 - kept) * out / z, 0.0)
        mass[t] = factorize(network, a).solve(a * head[t] + waiting)
        inflow = head[t] + np.bincount(target, network.fraction * mass[t, network.source], minlength=n)
        lost = stock * (1.0 - kept) + inflow * (1.0 - (1.0 - kept) / z)
        decayed += float(np.sum(np.where(lake > 0, lost * rate / z, inflow * -np.expm1(-rate * days[t]))))
        stock[:] = np.where(lake > 0, stock * kept + inflow * (1.0 - kept) / z, 0.0)
        arrives = np.where(lake > 0, 0.0, inflow * np.exp(-rate * days[t]))
        for i in np.flatnonzero(lake == 0):
            if whole[t, i] > 0 and t + whole[t, i] < steps:
                mass[t + whole[t, i], i] += (1.0 - part[t, i]) * arrives[i]
            if t + whole[t, i] + 1 < steps:
                mass[t + whole[t, i] + 1, i] += part[t, i] * arrives[i]
    return mass, decayed


def route(network: Network, days: Array, rate: Array, lake: npt.NDArray[np.bool_], head: Array) -> Days:
    """Carry one substance down a network day by day; rivers and lakes begin empty.

    Parameters
    ----------
    network : Network
        n reaches.
    days : ndarray, shape (T, n)
        Travel time of a river reach, residence time of a lake, d, on each day.
    rate : ndarray, shape (n,)
        First-order loss, 1/d.
    lake : ndarray of bool, shape (n,)
        Completely mixed.
    head : ndarray, shape (T, n)
        Load entering at the heads, kg/d.

    Returns
    -------
    Days
        With its balance: what was on its way at the end is ``held``.

    Raises
    ------
    BadInput
        If a river reach takes more than a year.
    """
    slow = np.flatnonzero((days[:, ~lake] > _LONGEST).any(axis=0))
    if len(slow):
        raise BadInput(Problem("", f"{len(slow)} river reaches take more than a year to pass", "make them lakes"))
    stock, mixed = np.zeros(len(network)), lake.astype(float)
    if network.looped:
        mass, decayed = _route_looped(network, days, rate, mixed, head, stock)
    else:
        links = (network.order, network.pointer, network.source, network.fraction)
        mass, decayed = _route(links, days, rate, mixed, np.ascontiguousarray(head, float), stock)
    left, taken = float(mass[:, network.outlet].sum()), float((network.abstraction * mass).sum())
    return Days(mass, float(head.sum()), left, decayed, taken, _held(network, days, rate, lake, head, mass, stock))


def _held(
    network: Network, days: Array, rate: Array, lake: npt.NDArray[np.bool_], head: Array, mass: Array, stock: Array
) -> float:
    """What is on its way at the end, from the parcels themselves: those that arrive after the last day, and lakes."""
    steps, n = head.shape
    target = np.repeat(np.arange(n), np.diff(network.pointer))
    inflow = head.copy()
    carried = network.fraction * mass[:, network.source]
    for link, into in enumerate(target):
        inflow[:, into] += carried[:, link]
    first = np.arange(steps)[:, None] + np.floor(days)
    part = days - np.floor(days)
    away = np.where(first >= steps, 1.0 - part, 0.0) + np.where(first + 1 >= steps, part, 0.0)
    return float((away * inflow * np.exp(-rate * days))[:, ~lake].sum() + stock.sum())


def factors(table: pd.DataFrame, quantity: str, ids: list[str]) -> tuple[list[str], Array]:
    """Days in order and the factor of every reach or discharge on each, shape (T, len(ids)).

    Raises
    ------
    BadInput
        If a day is missing, a row stands twice, names nothing, or a flow is not above zero.
    """
    rows = table[table["quantity"] == quantity]
    dates = pd.to_datetime(table["date"], errors="coerce", format="%Y-%m-%d")
    wrong = np.flatnonzero(dates.isna().to_numpy())
    if len(wrong):
        text = table["date"].iloc[wrong[0]]
        raise BadInput(Problem(f"daily:{wrong[0] + 2}:date", f"'{text}' is not a day", "write 2024-07-01"))
    every = sorted(set(table["date"]))
    span = pd.date_range(every[0], every[-1]).strftime("%Y-%m-%d").tolist()
    lost = sorted(set(span) - set(every))
    if lost:
        raise BadInput(Problem("daily", f"{len(lost)} days are missing, first {lost[0]}", "give every day"))
    number, day = {id_: i for i, id_ in enumerate(ids)}, {d: t for t, d in enumerate(span)}
    found = np.full((len(span), len(ids)), np.nan)
    common = np.full(len(span), 1.0)
    seen: set[tuple[str, object]] = set()
    for row, (date, id_, factor) in enumerate(zip(rows["date"], rows["id"], rows["factor"], strict=True)):
        where = f"daily:{rows.index[row] + 2}"
        named = id_ if isinstance(id_, str) else None
        if (date, named) in seen:
            raise BadInput(Problem(where, f"{quantity} of {named or 'all'} on {date} stands twice", "remove one"))
        if named is not None and named not in number:
            raise BadInput(Problem(f"{where}:id", f"no {quantity} is of '{named}'", "name a reach or a discharge"))
        if quantity == "flow" and not factor > 0:
            raise BadInput(Problem(f"{where}:factor", f"a flow of {factor:g}", "give a factor above zero"))
        seen.add((date, named))
        if named is None:
            common[day[date]] = factor
        else:
            found[day[date], number[named]] = factor
    return span, np.where(np.isnan(found), common[:, None], found)


def daily(
    basin: Basin, parameters: Mapping[str, float], table: pd.DataFrame, limits: Mapping[str, Mapping[str, Limits]]
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[Check, ...]]:
    """Concentrations at every section day by day, and how often they are within the target.

    Background discharges keep their concentration: their load follows the flow of their reach, unless a row of the
    table says otherwise.

    Parameters
    ----------
    basin : Basin
        s sections.
    parameters : mapping of str to float
        Of environment.
    table : DataFrame
        Rows of the table ``daily``.
    limits : mapping of str to mapping of str to Limits
        By ``river`` and ``lake``.

    Returns
    -------
    series : DataFrame
        Columns ``date, section, pollutant, concentration``. Before the first day the water fills at that day's factors.
    summary : DataFrame
        Columns ``section, pollutant, days, mean, p90, worst, worst_date, within`` (share of days within the target).
    checks : tuple of Check
        Conservation of every pollutant.
    """
    dates, flow = factors(table, "flow", basin.reaches["id"].tolist())
    _, load = factors(table, "load", basin.discharges["id"].tolist())
    natural = basin.city == BACKGROUND
    own = set(table.loc[table["quantity"] == "load", "id"].dropna())
    follows = natural & ~basin.discharges["id"].isin(own).to_numpy()
    load = np.where(follows[None, :], flow[:, basin.reach_of], load)
    days = basin.days / np.where(basin.lake, flow, flow ** parameters["velocity_exponent"])
    rates, at, n = loss_rates(basin, parameters), basin.section_at, len(basin.flow)
    if "tp" in basin.pollutants:  # a lake keeps phosphorus as Vollenweider's regression, at its mean residence time
        k = basin.pollutants.index("tp")
        rates[k] = np.where(basin.lake, np.sqrt(basin.days / DAYS_PER_YEAR) / basin.days, rates[k])
    series, checks = [], []
    warm = 1 + int(np.ceil(_longest_way(basin, days[0])))
    days, load = (np.concatenate([np.repeat(x[:1], warm, axis=0), x]) for x in (days, load))
    for k, name in enumerate(basin.pollutants):
        head = np.stack([summed(basin.reach_of, day * basin.load[:, k], n) for day in load])
        found = route(basin.network, days, rates[k], basin.lake, head)
        checks.append(found.check(name))
        here = found.mass[warm:, at] / (KG_PER_DAY * basin.flow[at] * flow[:, at])
        series.append(
            pd.DataFrame(
                {
                    "date": np.repeat(dates, len(at)),
                    "section": np.tile(basin.sections["id"].to_numpy(object), len(dates)),
                    "pollutant": name,
                    "concentration": here.ravel(),
                }
            )
        )
    whole = pd.concat(series, ignore_index=True)
    return whole, _summary(basin, whole, limits), tuple(checks)


def _longest_way(basin: Basin, days: Array) -> float:
    """Days until the slowest water has passed to the sections; lakes count ten residence times, at most ten years."""
    own = np.where(basin.lake, np.minimum(10 * days, 3652.0), days)
    if basin.network.looped:
        return float(own.sum())
    longest = own.copy()
    g = basin.network
    for i in g.order:
        above = g.source[g.pointer[i] : g.pointer[i + 1]]
        longest[i] += longest[above].max(initial=0.0)
    return float(longest[basin.section_at].max(initial=0.0))


def _summary(basin: Basin, whole: pd.DataFrame, limits: Mapping[str, Mapping[str, Limits]]) -> pd.DataFrame:
    target = dict(zip(basin.sections["id"], basin.sections["target"], strict=True))
    body = dict(zip(basin.sections["id"], np.where(basin.lake[basin.section_at], "lake", "river"), strict=True))
    rows = []
    for (section, name), part in whole.groupby(["section", "pollutant"], sort=True):
        values, goal = part["concentration"].to_numpy(float), target[section]
        known = limits[body[section]].get(str(name))
        bound = known.bounds[CLASSES.index(goal)] if known is not None and isinstance(goal, str) else np.nan
        worst = int(values.argmax())
        within = float((values <= bound).mean()) if not np.isnan(bound) else np.nan
        rows.append(
            {
                "section": section,
                "pollutant": name,
                "days": len(values),
                "mean": values.mean(),
                "p90": np.quantile(values, 0.9),
                "worst": values[worst],
                "worst_date": part["date"].iloc[worst],
                "within": within,
            }
        )
    return pd.DataFrame(rows)
