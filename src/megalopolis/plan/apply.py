"""A region under a plan in one year is an ordinary region."""

from __future__ import annotations

import numpy as np
import pandas as pd

from megalopolis.errors import BadInput, Problem
from megalopolis.plan.measures import Tables
from megalopolis.plan.plan import Plan
from megalopolis.region import Region

#: Tables whose rows live from ``opened`` until before ``closed``.
_DATED = ("rail_lines",)


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
    tables = Tables(region)
    _drive(tables, year)
    _speeds(tables, year)
    for position, measure in enumerate(plan.measures if plan else ()):
        try:
            measure.resolve(tables).edit(tables, year)
        except BadInput as error:
            where = plan.where[position] if plan and position < len(plan.where) else measure.name
            raise BadInput([Problem(p.where or where, p.what, p.todo) for p in error.problems]) from error
    _open(tables, year)
    return region.replace(tables, year)


def _ratio(drivers: pd.DataFrame, places: list[str], variable: str, base: int, year: int) -> float | None:
    """Growth of a variable from base to year, from the first place whose series covers the year."""
    for place in places:
        series = drivers[(drivers["place"] == place) & (drivers["variable"] == variable)].sort_values("year")
        years, values = series["year"].to_numpy(float), series["value"].to_numpy(float)
        if len(years) > 1 and years[0] <= year <= years[-1]:
            logs = np.interp([base, year], years, np.log(values))
            return float(np.exp(logs[1] - logs[0]))
    return None


def _drive(tables: Tables, year: int) -> None:
    """Take population, urban population and GDP of every city from the base year to the year."""
    base = tables.region.meta.base_year
    if year == base or not tables.region.has("drivers"):
        return
    drivers = tables["drivers"]
    cities = tables["cities"]
    known: dict[tuple[str, ...], float | None] = {}

    def growth(places: tuple[str, ...], variable: str) -> float:
        key = (*places, variable)
        if key not in known:
            known[key] = _ratio(drivers, list(places), variable, base, year)
        return known[key] if known[key] is not None else 1.0  # type: ignore[return-value]

    own = set(drivers["place"])
    columns = ("id", "admin1", "country")
    chains = [
        tuple(p for p in (*row, "region") if isinstance(p, str) and p in own)
        for row in cities[list(columns)].itertuples(index=False)
    ]
    people = np.array([growth(chain, "population") for chain in chains])
    urban = np.array([growth(chain, "urban_share") for chain in chains])
    output = np.array([growth(chain, "productivity") for chain in chains])
    old_population = cities["population"].to_numpy(float)
    cities["population"] = old_population * people
    share = np.minimum(cities["urban_population"].to_numpy(float) / old_population * urban, 1.0)
    cities["urban_population"] = cities["population"] * share
    cities["gdp"] = cities["gdp"].to_numpy(float) * people * output


def _speeds(tables: Tables, year: int) -> None:
    """Set the operating speed that each line ran at in the year."""
    if not tables.region.has("rail_speeds"):
        return
    speeds = tables["rail_speeds"].sort_values("year")
    known = speeds[speeds["year"] <= year].groupby("line")["operating_kmh"].last()
    lines = tables["rail_lines"]
    lines["operating_kmh"] = lines["id"].map(known).fillna(lines["operating_kmh"])


def _open(tables: Tables, year: int) -> None:
    """Leave out lines that are not open in the year, and the stops of such lines."""
    for name in _DATED:
        frame = tables[name]
        live = ~(frame["opened"] > year) & ~(frame["closed"] <= year)
        tables[name] = frame[live].reset_index(drop=True)
    stops = tables["rail_stops"]
    tables["rail_stops"] = stops[stops["line"].isin(tables["rail_lines"]["id"])].reset_index(drop=True)
    built = tables["investments"]
    tables["investments"] = built[built["year"] <= year].reset_index(drop=True)
