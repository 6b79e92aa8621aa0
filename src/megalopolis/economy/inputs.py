"""Tables of a state as the arrays that the economy is calibrated on; what is missing is estimated, and said."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from megalopolis.economy.calibrate import Elasticities
from megalopolis.economy.model import Indices, goods_share
from megalopolis.economy.tables import commuters_of, input_shares_of
from megalopolis.errors import BadInput, Problem
from megalopolis.region import Region
from megalopolis.units import MINUTES_PER_HOUR, Array

#: Least share of an industry in a city's output: the equations know no industry that is not there.
_LEAST: Final = 1e-6
#: Gap between a city's sectors and its GDP that is said, and the one that is refused.
_SAID, _REFUSED = 0.02, 0.5
GOODS, SERVICES = 0, 1


@dataclass(frozen=True)
class Data:
    """The cities of the economy: those counted in totals that have residents and can be reached.

    Attributes
    ----------
    ids : ndarray of str, shape (n,)
        Cities.
    names : tuple of str
        Industries.
    output : ndarray, shape (k, n)
        Value added by industry, summing to GDP, currency per year.
    people, registered : ndarray, shape (n,)
        Residents; people by place of registration, of the same total.
    area : ndarray, shape (n,)
        km2, NaN where unknown.
    kinds : tuple of str
        ``land``, ``goods`` or ``services``, by industry.
    estimated : ndarray of bool, shape (n,)
        Cities whose GDP is estimated.
    warnings : tuple of str
        What was completed or left out.
    commuters : ndarray, shape (n, n)
        Share of the residents of n who work in i; no rows where the region does not say.
    working : float
        Workers for each resident: those of the table of commuters, else one.
    inputs : ndarray, shape (k, k)
        Share of the gross output of the second industry that it pays for what it buys from the first; no rows where
        the region does not say.
    """

    ids: npt.NDArray[np.object_]
    names: tuple[str, ...]
    output: Array
    people: Array
    registered: Array
    area: Array
    kinds: tuple[str, ...]
    estimated: npt.NDArray[np.bool_]
    warnings: tuple[str, ...]
    commuters: Array
    working: float
    inputs: Array


@cache
def kinds() -> dict[str, str]:
    """Kind of the industries whose names are known."""
    with files("megalopolis").joinpath("economy", "industries.csv").open(encoding="utf-8") as stream:
        return {row["industry"]: row["kind"] for row in csv.DictReader(stream)}


def data_of(state: Region, reached: npt.NDArray[np.bool_]) -> Data:
    """Take the tables of a state.

    - GDP that is missing: residents times the GDP per resident of the known cities of the same ``admin1``, else of
      the region.
    - Industries of a city that are missing: their shares in the known cities of the same ``admin1``, else of the
      region, times GDP. Without the table there is one industry.
    - Registered people: the column ``registered``, where a city has none its residents; without the column residents
      in the first year of ``drivers`` before the base year stand in for it. Scaled to the total of the state.

    Parameters
    ----------
    state : Region
        With ``cities``.
    reached : ndarray of bool, shape (n,)
        Which units of ``state.cities`` can be reached.

    Raises
    ------
    BadInput
        If no city has residents and GDP, GDP is zero or negative, or sectors do not add up to GDP.
    """
    frame = state.cities
    people = frame["population"].to_numpy(float)
    inside = reached & (people > 0)
    warnings: list[str] = []
    left = frame["name"].to_numpy(object)[~inside]
    if len(left):
        warnings.append(f"{len(left)} cities without residents or way to any other are left out: {_some(left)}")
    frame, people = frame[inside].reset_index(drop=True), people[inside]
    groups = frame["admin1"].fillna("").to_numpy(object)
    gdp, known = _gdp(frame, people, groups, warnings)
    names, shares = _shares(state, frame, groups, warnings)
    unknown = [n for n in names if n not in kinds()]
    if unknown and names != ("all",):
        warnings.append(f"industries taken as goods: {_some(np.array(unknown, dtype=object))}")
    commuters, working = commuters_of(state, frame, people, warnings)
    return Data(
        ids=frame["id"].to_numpy(object),
        names=names,
        output=shares * gdp,
        people=people,
        registered=_registered(state, frame, people, warnings),
        area=frame["area_km2"].to_numpy(float),
        kinds=tuple(kinds().get(n, "goods") for n in names),
        estimated=~known,
        warnings=tuple(warnings),
        commuters=commuters,
        working=working,
        inputs=input_shares_of(state, names),
    )


def _gdp(
    frame: pd.DataFrame, people: Array, groups: npt.NDArray[np.object_], warnings: list[str]
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """GDP of every city, and where the table has it."""
    gdp = frame["gdp"].to_numpy(float)
    if (gdp <= 0).any():
        city = frame["name"].iloc[int(np.argmax(gdp <= 0))]
        raise BadInput(Problem("cities:gdp", f"GDP of {city} is not positive", "correct it, or leave it empty"))
    known = np.isfinite(gdp)
    if not known.any() or len(frame) < 2:
        raise BadInput(Problem("cities:gdp", "fewer than two cities, or none with GDP", "give GDP of the cities"))
    rates = _by_group(groups, known, gdp, people)
    filled = np.where(known, gdp, rates * people)
    if not known.all():
        warnings.append(
            f"GDP of {int((~known).sum())} cities is estimated by their residents and the GDP per resident around "
            f"them: {_some(frame['name'].to_numpy(object)[~known])}"
        )
    return filled, known


def elasticities_of(data: Data, parameters: Mapping[str, float]) -> Elasticities:
    """Elasticities by industry: those that live on land have no external economies.

    Raises
    ------
    ValueError
        If a parameter is outside its domain.
    """
    theta = np.full(len(data.names), parameters["theta"])
    gamma = np.array([0.0 if kind == "land" else parameters["gamma"] for kind in data.kinds])
    q = goods_share(1.0 - parameters["housing_share"], parameters["housing_elasticity"])
    return Elasticities(theta, gamma, q, parameters["eps"], parameters["nu"])


def kernel_of(data: Data) -> Indices:
    """Kernel of every industry: goods or services."""
    return np.array([SERVICES if kind == "services" else GOODS for kind in data.kinds], dtype=np.int64)


def own_minutes(area: Array, parameters: Mapping[str, float]) -> Array:
    """Minutes of a trip inside each city: two thirds of the radius of its land (Head and Mayer 2010) and both ends."""
    known = np.where(np.isfinite(area) & (area > 0), area, np.nan)
    filled = np.where(np.isnan(known), np.nanmedian(known) if np.isfinite(known).any() else 1000.0, known)
    km = 2.0 / 3.0 * np.sqrt(filled / np.pi)
    return np.asarray(parameters["own_terminal_min"] + MINUTES_PER_HOUR * km / parameters["own_kmh"])


def trade_kernels(minutes: Array, base: Array, parameters: Mapping[str, float]) -> Array:
    """Ease of trade of goods and of services, shape (2, n, n).

    Trade costs are ``t^decay``. Only a share follows the fastest passenger minutes, the rest stays as in the base case.
    """
    power = parameters["theta"] * parameters["trade_decay"]
    return np.stack([_eased(minutes, base, power, parameters[f"{kind}_by_rail"]) for kind in ("goods", "services")])


def mobility_kernel(minutes: Array, base: Array, parameters: Mapping[str, float]) -> Array:
    """Ease of moving, shape (n, n): one on the diagonal, which the share of those who stay scales."""
    ease = _eased(minutes, base, parameters["migration_decay"], parameters["migration_by_rail"])
    np.fill_diagonal(ease, 1.0)
    return ease


def _eased(minutes: Array, base: Array, power: float, share: float) -> Array:
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"share that follows passenger minutes {share:g} must lie between 0 and 1")
    if minutes is base:
        return np.asarray(base**-power)
    return np.asarray(base**-power * (minutes / base) ** (-power * share))


def _by_group(groups: npt.NDArray[np.object_], known: npt.NDArray[np.bool_], top: Array, under: Array) -> Array:
    """Ratio of sums over the known of each group, else over all known; one value for each row."""
    whole = top[known].sum() / under[known].sum()
    found = pd.DataFrame({"group": groups[known], "top": top[known], "under": under[known]}).groupby("group").sum()
    ratio = pd.Series(groups).map(found["top"] / found["under"])
    return ratio.fillna(whole).to_numpy(float)


def _shares(
    state: Region, frame: pd.DataFrame, groups: npt.NDArray[np.object_], warnings: list[str]
) -> tuple[tuple[str, ...], Array]:
    """Shares of the industries in every city's output, shape (k, n)."""
    table = state.frame("industries")
    table = table[table["value_added"].notna()]
    if table.empty:
        warnings.append("the region has no value added by industry: the economy has one industry")
        return ("all",), np.ones((1, len(frame)))
    wide = table.pivot(index="city", columns="industry", values="value_added").reindex(frame["id"])
    names = tuple(str(c) for c in wide.columns)
    values = wide.to_numpy(float)
    there = np.isfinite(values).all(axis=1) & (np.nansum(values, axis=1) > 0)
    if not there.any():
        raise BadInput(
            Problem("industries:value_added", "no city of the region is complete", "give all its industries")
        )
    if state.year == state.meta.base_year:
        _adds_up(state, frame, values, there, warnings)
    filled = np.empty_like(values)
    for k in range(len(names)):
        rate = _by_group(groups, there, values[:, k], values.sum(axis=1))
        filled[:, k] = np.where(there, values[:, k] / np.where(there, values.sum(axis=1), 1.0), rate)
    if not there.all():
        warnings.append(
            f"industries of {int((~there).sum())} cities are estimated by the shares around them: "
            f"{_some(frame['name'].to_numpy(object)[~there])}"
        )
    if (filled < _LEAST).any():
        warnings.append(f"{int((filled < _LEAST).sum())} industries of cities that have none get {_LEAST:g} of GDP")
    filled = np.maximum(filled, _LEAST)
    return names, np.asarray((filled / filled.sum(axis=1, keepdims=True)).T)


def _adds_up(
    state: Region, frame: pd.DataFrame, values: Array, there: npt.NDArray[np.bool_], warnings: list[str]
) -> None:
    """Compare the sectors with the GDP of the table: industries are scaled to it, large gaps are refused."""
    given = frame["gdp"].to_numpy(float)
    gap = np.abs(values.sum(axis=1) / given - 1.0)
    gap = np.where(there & np.isfinite(given), gap, 0.0)
    city = frame["name"].iloc[int(np.argmax(gap))]
    if gap.max() > _REFUSED:
        what = f"industries of {city} are {gap.max():.0%} off its GDP"
        raise BadInput(Problem(f"{state.name}: industries", what, "give both in the same year and unit"))
    if gap.max() > _SAID:
        count = int((gap > _SAID).sum())
        warnings.append(f"industries of {count} cities are scaled to their GDP, at most {gap.max():.0%} ({city})")


def _registered(state: Region, frame: pd.DataFrame, people: Array, warnings: list[str]) -> Array:
    """People by place of registration, of the same total as the residents."""
    given = frame["registered"].to_numpy(float)
    if np.isfinite(given).any():
        origin = np.where(np.isfinite(given), given, people)
        return np.asarray(origin * (people.sum() / origin.sum()))
    rows = state.frame("drivers")
    rows = rows[(rows["variable"] == "population") & (rows["year"] < state.meta.base_year)]
    rows = rows[rows["place"].isin(frame["id"])]
    years = sorted(set(rows["year"].tolist()))
    if len(years) < 2:
        warnings.append("registered people are taken as the residents: the region has no earlier census by city")
        return people.copy()
    first, last = (
        rows[rows["year"] == y].set_index("place")["value"].reindex(frame["id"]) for y in (years[0], years[-1])
    )
    ratio = (first / last).to_numpy(float)
    known = np.isfinite(ratio) & (ratio > 0)
    origin = np.where(known, ratio, 1.0) * people
    warnings.append(f"registered people are estimated by the residents of {years[0]}, scaled to the total of the state")
    return np.asarray(origin * (people.sum() / origin.sum()))


def _some(names: npt.NDArray[np.object_], most: int = 5) -> str:
    shown = ", ".join(map(str, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
