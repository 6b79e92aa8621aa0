"""Backtest of the economy: the lines opened between two censuses, and what people did meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from megalopolis.economy.case import solve_pair
from megalopolis.parameters import Parameters
from megalopolis.plan import at
from megalopolis.region import Region
from megalopolis.travel import face as travel
from megalopolis.units import Array

#: Years between the censuses compared.
SPAN: Final = 10
#: Least number of places with both censuses that is worth a score.
_LEAST: Final = 10


@dataclass(frozen=True)
class Backtest:
    """Change of residents between two censuses: counted, modelled, and as baselines that know no railway have it.

    Attributes
    ----------
    start, end : int
        Years of the censuses.
    rows : DataFrame
        One row for each place: ``place, people`` of the first census, and log changes ``actual``, ``model``,
        ``past_trend`` (NaN where nothing earlier is known) and, with a trend, ``model_on_trend``.
    scores : DataFrame
        One row for each method: ``rmse`` (log points, weighted by people), ``correlation`` with the counted change
        (weighted; NaN where a method says the same for all), ``right_side`` (share of people in places put on the
        right side of the region's growth).
    slope, slope_error : float
        Counted change on modelled change, least squares weighted by people, and its standard error; 1 were the model
        right on average.
    trend : bool
        Whether an earlier census gives a past trend.
    """

    start: int
    end: int
    rows: pd.DataFrame
    scores: pd.DataFrame
    slope: float
    slope_error: float
    trend: bool


def population_backtest(region: Region, parameters: Parameters) -> Backtest | None:
    """Predict how residents change over ten years from the lines opened in them; score it against the later census.

    Fundamentals are inverted on the first census at the travel times of its network; then the network of the later
    one replaces it and people move. No parameter was fitted to the later census. What is not known of the first year
    is said in docs/method/economy.md: GDP per resident has the pattern of the base year, and the registered people
    of a city are its residents times what its province had of today's residents ten years before, where that is known.

    Parameters
    ----------
    region : Region
        As read.
    parameters : Parameters
        Values in force.

    Returns
    -------
    Backtest or None
        None where the region has no two censuses ten years apart, or neither cities nor railway.
    """
    years = _years(region)
    if years is None or not region.has("rail_lines"):
        return None
    start, end = years
    early = _origins(at(region, None, start), region, start)
    late = at(region, None, end).replace(
        {"cities": early.frame("cities")}, end
    )  # trains call by residents: of the first year
    minutes = [_minutes(state, parameters) for state in (early, late)]
    pair = solve_pair(early, minutes[1], minutes[0], parameters.of_pillar("economy"))
    cities = region.cities.set_index("id")
    found = pd.DataFrame({"city": pair.data.ids, "before": pair.base.people, "after": pair.new.people})
    counted = _counted(region)
    whole = counted.xs(start, level="year").index
    by_city = found["city"].isin(whole).mean() > 0.5
    place = found["city"] if by_city else found["city"].map(cities["admin1"].to_dict())
    sums = found.groupby(place)[["before", "after"]].sum()
    table = counted.unstack("year").reindex(sums.index)
    rows = pd.DataFrame({"place": sums.index.astype(str), "people": table[start].to_numpy(float)})
    rows["actual"] = np.log(table[end].to_numpy(float) / table[start].to_numpy(float))
    rows["model"] = np.log(sums["after"].to_numpy(float) / sums["before"].to_numpy(float))
    rows["past_trend"] = _trend(region, sums.index.tolist(), start)
    rows = rows[np.isfinite(rows["actual"]) & np.isfinite(rows["people"])].reset_index(drop=True)
    return _scored(rows, start, end) if len(rows) >= _LEAST else None


def _counted(region: Region) -> pd.Series[float]:
    """Residents of the censuses by place and year; figures of later years are projections."""
    rows = region.frame("drivers")
    rows = rows[(rows["variable"] == "population") & (rows["year"] <= region.meta.base_year)]
    return rows.set_index(["place", "year"])["value"].astype(float)


def _years(region: Region) -> tuple[int, int] | None:
    """Last census of most cities, or else of most of their provinces, and the one ten years before."""
    counted = _counted(region)
    cities = region.cities
    for places in (set(cities["id"]), set(cities["admin1"].dropna())):
        own = counted[counted.index.get_level_values("place").isin(places)]
        many = own.groupby(level="year").size() >= max(_LEAST, len(places) // 2)
        known = {int(y) for y in many.index[many]}
        ends = [y for y in known if y - SPAN in known]
        if ends:
            return max(ends) - SPAN, max(ends)
    return None


def _minutes(state: Region, parameters: Parameters) -> pd.DataFrame:
    found = travel.run(state, parameters=parameters.of_pillar("travel"), indicators_only=True)
    return found.tables["minutes"]


def _origins(early: Region, region: Region, start: int) -> Region:
    """Set registered people to what was known in the first year: nothing of the later census may enter."""
    cities = early.frame("cities")
    past = _trend(region, cities["admin1"].tolist(), start)
    cities["registered"] = cities["population"] * np.exp(-np.nan_to_num(past))
    return early.replace({"cities": cities}, early.year)


def _trend(region: Region, places: list[str], start: int) -> Array:
    """Log change in the ten years before, of the place itself or else of its province; NaN where unknown."""
    counted = _counted(region).unstack("year")
    if not {start, start - SPAN} <= set(counted.columns):
        return np.full(len(places), np.nan)
    both = counted[[start - SPAN, start]].dropna()
    change = dict(zip(both.index, np.log(both[start].to_numpy() / both[start - SPAN].to_numpy()), strict=True))
    above = region.cities.set_index("id")["admin1"].to_dict()
    return np.array([change.get(p, change.get(above.get(p), np.nan)) for p in places], dtype=float)


def _scored(rows: pd.DataFrame, start: int, end: int) -> Backtest:
    people, actual = rows["people"].to_numpy(float), rows["actual"].to_numpy(float)
    growth = float(np.log((people * np.exp(actual)).sum() / people.sum()))
    trend = bool(np.isfinite(rows["past_trend"]).mean() > 0.5)
    past = rows["past_trend"].fillna(0.0).to_numpy(float)
    methods = {
        "no_change": np.zeros(len(rows)),
        "national_growth": np.full(len(rows), growth),
        "model": _at_growth(rows["model"].to_numpy(float), people, growth),
    }
    if trend:
        methods["past_trend"] = _at_growth(past, people, growth)
        methods["model_on_trend"] = _at_growth(past + rows["model"].to_numpy(float), people, growth)
    scores = pd.DataFrame([{"method": name, **_score(said, actual, people, growth)} for name, said in methods.items()])
    for name in set(methods) & {"model", "past_trend", "model_on_trend"}:
        rows[name] = methods[name]
    slope, error = _slope(rows["model"].to_numpy(float), actual, people)
    return Backtest(start, end, rows, scores, slope, error, trend)


def _at_growth(change: Array, people: Array, growth: float) -> Array:
    """Shift log changes so that all places together grow as the region did: methods differ by where people go."""
    return np.asarray(change + growth - np.log((people * np.exp(change)).sum() / people.sum()))


def _score(said: Array, actual: Array, people: Array, growth: float) -> dict[str, float]:
    weight = people / people.sum()
    same = np.sign(said - growth) == np.sign(actual - growth)
    spread = np.ptp(said) > 1e-12
    return {
        "rmse": float(np.sqrt(weight @ (said - actual) ** 2)),
        "correlation": _correlation(said, actual, weight) if spread else np.nan,
        "right_side": float(weight @ same) if spread else np.nan,
    }


def _correlation(a: Array, b: Array, weight: Array) -> float:
    x, y = a - weight @ a, b - weight @ b
    return float(weight @ (x * y) / np.sqrt((weight @ x**2) * (weight @ y**2)))


def _slope(model: Array, actual: Array, people: Array) -> tuple[float, float]:
    """Weighted least squares with errors robust to unequal variances (White 1980)."""
    weight = people / people.sum()
    x, y = model - weight @ model, actual - weight @ actual
    total = weight @ x**2
    if not total > 0:
        return np.nan, np.nan
    slope = float(weight @ (x * y) / total)
    return slope, float(np.sqrt(((weight * x * (y - slope * x)) ** 2).sum()) / total)
