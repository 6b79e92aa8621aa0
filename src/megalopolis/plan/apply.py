"""A region under a plan in one year is an ordinary region."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd

from megalopolis.errors import BadInput, Problem
from megalopolis.plan.measures import Measure, Tables
from megalopolis.plan.measures.setbacks import postponed
from megalopolis.plan.plan import Plan
from megalopolis.region import Region

#: Tables whose rows live from ``opened`` until before ``closed``.
_DATED = (
    "rail_lines",
    "rail_patterns",
    "migration_barriers",
    "trade_barriers",
    "subsidies",
    "agreements",
    "land_supply",
)
#: Sector of the discharges that grow with urban residents.
HOUSEHOLDS = "households"


def at(region: Region, plan: Plan | None, year: int) -> Region:
    """Return the region as it stands at the end of a year.

    Drivers are taken to the year, the plan's measures edit the tables in their order, and rows that are not open in
    the year are left out (``opened <= year < closed``). Without a plan this is the baseline, the reference case.

    Parameters
    ----------
    region : Region
        As read.
    plan : Plan or None
        Measures; ``None`` for the baseline.
    year : int
        Year of the state.

    Returns
    -------
    Region
        Same name and metadata, tables of that year.

    Raises
    ------
    BadInput
        If a measure names what the region does not have, or matches nothing; with its file and line.
    """
    tables, _ = applied(region, plan, year)
    _open(tables, year)
    edited = {name: rows for name, rows in tables.frames().items() if len(rows) or name in region.tables}
    return region.replace(edited, year)


def applied(region: Region, plan: Plan | None, year: int) -> tuple[Tables, tuple[Measure, ...]]:
    """Apply the measures of a plan in their order.

    Returns
    -------
    tuple
        The edited tables, rows of every year still in them, and the measures as resolved: stops with their stations
        and km, names as ids.

    Raises
    ------
    BadInput
        As `at`.
    """
    tables = Tables(region)
    _drive(tables, year)
    _speeds(tables, year)
    resolved: list[Measure] = []
    measures: list[Measure] = list(plan.measures) if plan else []
    for position in range(len(measures)):
        with _at(plan, position, measures[position]):
            measures = postponed(measures, position)
    for position, measure in enumerate(measures):
        with _at(plan, position, measure):
            resolved.append(measure.resolve(tables))
            resolved[-1].edit(tables, year)
    return tables, tuple(resolved)


@contextmanager
def _at(plan: Plan | None, position: int, measure: Measure) -> Iterator[None]:
    """Say of a problem where the measure stands."""
    try:
        yield
    except BadInput as error:
        where = plan.where[position] if plan and position < len(plan.where) else measure.name
        raise BadInput([Problem(p.where or where, p.what, p.todo) for p in error.problems]) from error


Series = dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]


def _series(drivers: pd.DataFrame) -> Series:
    """Years, rising, and the logarithm of the values of every place and variable."""
    rows = drivers.sort_values(["place", "variable", "year"])
    keys = list(zip(rows["place"].tolist(), rows["variable"].tolist(), strict=True))
    starts = [i for i, key in enumerate(keys) if i == 0 or key != keys[i - 1]]
    years, logs = rows["year"].to_numpy(float), np.log(rows["value"].to_numpy(float))
    ends = [*starts[1:], len(keys)]
    return {keys[i]: (years[i:j], logs[i:j]) for i, j in zip(starts, ends, strict=True)}


def _growth(series: Series, places: tuple[str, ...], variable: str, base: int, year: int) -> float:
    """Growth from base to year by the first place whose series covers the year; none where no series does."""
    for place in places:
        years, logs = series.get((place, variable), (np.empty(0), np.empty(0)))
        if len(years) > 1 and years[0] <= year <= years[-1]:
            then, now = np.interp([base, year], years, logs)
            return float(np.exp(now - then))
    return 1.0


def _drive(tables: Tables, year: int) -> None:
    """Take population, urban population and GDP of every city from the base year to the year."""
    base = tables.region.meta.base_year
    if year == base or not tables.region.has("drivers"):
        return
    series = _series(tables["drivers"])
    cities = tables["cities"]
    chains = [
        tuple(p for p in (*row, "region") if isinstance(p, str))
        for row in cities[["id", "admin1", "country"]].itertuples(index=False)
    ]
    people, urban, output = (
        np.array([_growth(series, chain, variable, base, year) for chain in chains])
        for variable in ("population", "urban_share", "productivity")
    )
    old_population = cities["population"].to_numpy(float)
    cities["population"] = old_population * people
    share = np.minimum(cities["urban_population"].to_numpy(float) / old_population * urban, 1.0)
    cities["urban_population"] = cities["population"] * share
    cities["gdp"] = cities["gdp"].to_numpy(float) * people * output
    if tables.region.has("discharges"):
        before = np.minimum(tables.region.frame("cities")["urban_population"].to_numpy(float), old_population)
        _drive_sewage(tables, dict(zip(cities["id"], cities["urban_population"].to_numpy(float) / before, strict=True)))


def _drive_sewage(tables: Tables, growth: dict[str, float]) -> None:
    """Let the sewage of households grow with the urban residents of its city; concentrations stay."""
    rows = tables["discharges"]
    factor = rows["city"].map(growth).fillna(1.0).to_numpy(float)
    rows["volume_m3d"] *= np.where(rows["sector"] == HOUSEHOLDS, factor, 1.0)


def _speeds(tables: Tables, year: int) -> None:
    """Set the operating speed that each line ran at in the year."""
    if not tables.region.has("rail_speeds"):
        return
    speeds = tables["rail_speeds"].sort_values("year")
    known = speeds[speeds["year"] <= year].groupby("line")["operating_kmh"].last()
    lines = tables["rail_lines"]
    lines["operating_kmh"] = lines["id"].map(known).fillna(lines["operating_kmh"])


def _open(tables: Tables, year: int) -> None:
    """Leave out rows that are not open in the year, stops of lines, and stations that measures added for them."""
    for name in filter(tables.has, _DATED):
        frame = tables[name]
        live = ~(frame["opened"] > year) & ~(frame["closed"] <= year)
        tables[name] = frame[live].reset_index(drop=True)
    open_lines, stops = set(tables["rail_lines"]["id"]), tables["rail_stops"]
    stops = stops[np.array([line in open_lines for line in stops["line"].tolist()], dtype=bool)]
    tables["rail_stops"] = stops.reset_index(drop=True)
    if tables.has("rail_patterns"):
        patterns, calls = tables["rail_patterns"], tables["rail_pattern_calls"]
        patterns = patterns[patterns["line"].isin(open_lines)].reset_index(drop=True)
        tables["rail_patterns"] = patterns
        tables["rail_pattern_calls"] = calls[calls["pattern"].isin(set(patterns["id"]))].reset_index(drop=True)
    there, stations = {*tables.region.frame("stations")["id"], *stops["station"]}, tables["stations"]
    kept = np.array([id_ in there for id_ in stations["id"].tolist()], dtype=bool)
    tables["stations"] = stations[kept].reset_index(drop=True)
    built = tables["investments"]
    tables["investments"] = built[built["year"] <= year].reset_index(drop=True)
