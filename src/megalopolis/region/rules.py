"""What must hold between the rows of tables: keys, references, lines and their stops."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd

from megalopolis.errors import Problem, suggest
from megalopolis.region.patterns import pattern_rule
from megalopolis.region.raw import RawTable, repeated
from megalopolis.region.schema import schemas
from megalopolis.region.sectors import sectors
from megalopolis.region.timetable_rule import timetable_rule
from megalopolis.region.work import commuting, input_shares
from megalopolis.units import Array, great_circle_km

#: Columns that together stand only once in a table.
KEYS: Final[dict[str, tuple[str, ...]]] = {
    "air_responses": ("species", "source_city", "receptor"),
    "air_quality": ("city", "year", "pollutant", "statistic"),
    "barriers": ("barrier", "seq"),
    "catalogue": ("file", "seq"),
    "cities": ("id",),
    "clusters_planned": ("cluster", "city"),
    "commuting": ("home", "work"),
    "corridors_quoted": ("corridor", "measure"),
    "declared_industries": ("city", "plan", "document", "industry"),
    "drivers": ("place", "year", "variable"),
    "evidence_links": ("evidence", "issuing_city", "consuming_sector", "consuming_city"),
    "flows": ("from", "to"),
    "industries": ("city", "industry"),
    "input_shares": ("industry", "input"),
    "observations": ("section", "date", "parameter"),
    "online_channels": ("procedure", "city"),
    "rail_lines": ("id",),
    "rail_pattern_calls": ("pattern", "station"),
    "rail_patterns": ("id",),
    "rail_speeds": ("line", "year"),
    "rail_stops": ("line", "seq"),
    "reach_links": ("from", "to"),
    "reach_points": ("reach", "seq"),
    "recognitions": ("sector", "city"),
    "road_times": ("from", "to"),
    "route_length": ("year", "kind"),
    "stations": ("id",),
    "targets": ("indicator", "year"),
    "timetable_calls": ("train", "seq"),
    "timetable_changes": ("from", "to"),
}
#: A station further away hardly serves its city, unless twice the radius of a disc of the city's area is more.
FAR_KM: Final = 100.0


@dataclass
class Findings:
    """Tables as typed and as read, and what was found in them.

    Attributes
    ----------
    frames : mapping of str to DataFrame
        Typed rows, in the order of the file.
    raw : mapping of str to RawTable
        The places of the cells.
    problems, warnings : list of Problem
        Filled by the rules.
    """

    frames: Mapping[str, pd.DataFrame]
    raw: Mapping[str, RawTable]
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def error(self, table: str, row: int, column: str | None, what: str, todo: str = "") -> None:
        """Note a problem at a cell."""
        self.problems.append(Problem(self.raw[table].where(row, column), what, todo))

    def warn(self, table: str, row: int, column: str | None, what: str, todo: str = "") -> None:
        """Note a warning at a cell."""
        self.warnings.append(Problem(self.raw[table].where(row, column), what, todo))

    def frame(self, table: str) -> pd.DataFrame:
        """Return a table, empty with its columns where the region has none."""
        if table in self.frames:
            return self.frames[table]
        return pd.DataFrame({c.name: pd.Series(dtype=object) for c in schemas()[table].columns})


def apply_rules(found: Findings) -> None:
    """Apply every rule to the tables; findings are added to ``found``."""
    for name in found.frames:
        _keys(found, name)
        _references(found, name)
    for rule in RULES:
        rule(found)


def _keys(found: Findings, table: str) -> None:
    frame = found.frames[table]
    key = KEYS.get(table) or (("id",) if "id" in frame and schemas()[table]["id"].kind == "id" else ())
    if not key or not set(key) <= found.raw[table].columns.keys():
        return
    rows = frame[list(key)]
    if not rows.duplicated().any():
        return
    first: dict[tuple[object, ...], int] = {}
    for i, values in enumerate(rows.itertuples(index=False, name=None)):
        if any(pd.isna(v) for v in values):
            continue
        if values in first:
            said = ", ".join(_shown(v) for v in values)
            before = found.raw[table].rows[first[values]]
            found.error(
                table,
                i,
                key[0],
                f"{', '.join(key)} {said} stands already in row {before}",
                "remove one, or change it",
            )
        first.setdefault(values, i)


def _shown(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else f"{value:g}"


def _references(found: Findings, table: str) -> None:
    for column in schemas()[table].columns:
        if column.kind != "ref" or column.name not in found.raw[table].columns:
            continue
        target = column.choices[0]
        rows = found.frame(target)
        key = schemas()[target].names[0]
        known = set(rows[key].dropna())
        values = found.frames[table][column.name].tolist()
        wrong = [i for i, value in enumerate(values) if isinstance(value, str) and value not in known]
        by_name = _ids_by_name(rows, key) if wrong else {}
        for i in wrong:
            value = values[i]
            if not known:
                found.error(
                    table,
                    i,
                    column.name,
                    f"the region has no table '{target}'",
                    "add it, or empty the column",
                )
                break
            what = f"no {_one(target)} has the id '{value}'"
            if (table, column.name) == ("rail_stops", "station"):
                what = f"a stop that no city has: no station has the id '{value}'"
            todo = (
                f"write its id {by_name[value]}"
                if value in by_name
                else suggest(value, sorted(known), f"add it to {target}")
            )
            found.error(table, i, column.name, what, todo)


def _one(table: str) -> str:
    return {
        "cities": "city",
        "rail_lines": "line",
        "rail_patterns": "pattern",
        "stations": "station",
        "timetable_trains": "train",
    }.get(table, f"row of {table}")


def _ids_by_name(rows: pd.DataFrame, key: str) -> dict[str, str]:
    names = [c for c in ("name", "name_local") if c in rows and key == "id"]
    pairs = [(n, i) for c in names for n, i in zip(rows[c], rows[key], strict=True) if isinstance(n, str)]
    twice = repeated(n for n, _ in dict.fromkeys(pairs))
    return {n: i for n, i in pairs if n not in twice}


def _city_names(found: Findings) -> None:
    """Names of cities are unique, in each of the two languages."""
    cities = found.frame("cities")
    for column in ("name", "name_local"):
        first: dict[str, int] = {}
        for i, value in enumerate(cities[column]):
            if not isinstance(value, str):
                continue
            before = first.setdefault(value.casefold(), i)
            if before != i:
                row = found.raw["cities"].rows[before]
                todo = "tell them apart, as in Taizhou (Jiangsu) and Taizhou (Zhejiang)"
                found.error("cities", i, column, f"the {column} '{value}' stands already in row {row}", todo)


def _parents(found: Findings) -> None:
    """No unit is, over its parents, part of itself."""
    cities = found.frame("cities")
    parent = {
        i: p for i, p in zip(cities["id"], cities["parent"], strict=True) if isinstance(i, str) and isinstance(p, str)
    }
    for row, start in enumerate(cities["id"]):
        seen, unit = [start], parent.get(start)
        while unit is not None and unit not in seen:
            seen.append(unit)
            unit = parent.get(unit)
        if unit == start and start == min(seen):
            chain = " of ".join(f"'{u}'" for u in [*seen, start])
            found.error(
                "cities",
                row,
                "parent",
                f"a unit cannot be part of itself: {chain}",
                "correct one of the parents",
            )


def _city_figures(found: Findings) -> None:
    cities = found.frame("cities")
    for part, whole in (("urban_population", "population"), ("built_up_km2", "area_km2")):
        for i in np.flatnonzero((cities[part] > cities[whole]).to_numpy()):
            found.warn("cities", int(i), part, f"{part} is greater than {whole}", "check both")


def _main_stations(found: Findings) -> None:
    """Require that a main station serves its city, the unit around it, or a part of it."""
    cities, stations = found.frame("cities"), found.frame("stations")
    serves = dict(zip(stations["id"], stations["city"], strict=True))
    parent = dict(zip(cities["id"], cities["parent"], strict=True))
    for i, (city, station) in enumerate(zip(cities["id"], cities["main_station"], strict=True)):
        if not isinstance(station, str) or station not in serves:
            continue
        served = serves[station]
        if not isinstance(served, str):
            what = f"the main station '{station}' is a junction post, where no passenger boards"
        elif city in (served, parent.get(served)) or parent.get(city) == served:
            continue
        else:
            what = f"the main station '{station}' serves '{served}', not '{city}'"
        found.error("cities", i, "main_station", what, f"name a station whose city is '{city}'")


def _far_stations(found: Findings) -> None:
    cities, stations = found.frame("cities"), found.frame("stations")
    if not len(stations) or not cities["id"].is_unique:
        return
    served = cities.set_index("id")[["lon", "lat", "area_km2"]].astype(float).reindex(stations["city"])
    reach = np.fmax(FAR_KM, 2 * np.sqrt(served["area_km2"].to_numpy() / np.pi))
    lon, lat = stations["lon"].to_numpy(float), stations["lat"].to_numpy(float)
    km = great_circle_km(lon, lat, served["lon"].to_numpy(), served["lat"].to_numpy())
    swapped = great_circle_km(lat, np.clip(lon, -90, 90), served["lon"].to_numpy(), served["lat"].to_numpy())
    for i in map(int, np.flatnonzero(km > reach)):
        name, city = stations["name"].iloc[i], stations["city"].iloc[i]
        what = f"the station '{name}' is {km[i]:.0f} km from its city '{city}'"
        if swapped[i] <= reach[i]:
            found.error("stations", i, "lon", f"lon and lat look swapped: {what}", "exchange the two columns")
        else:
            found.warn("stations", i, "city", what, "check its coordinates and its city")


def _lines(found: Findings) -> None:
    lines, stops = found.frame("rail_lines"), found.frame("rail_stops")
    count = stops["line"].value_counts()
    raw = found.raw.get("rail_stops")
    for i, line in enumerate(lines["id"]):
        if isinstance(line, str) and line not in count.index:
            todo = "add its stops to rail_stops, or remove the line"
            found.error("rail_lines", i, "id", f"the line '{line}' has no stops", todo)
    for i, (opened, closed) in enumerate(zip(lines["opened"], lines["closed"], strict=True)):
        if closed <= opened:
            found.error(
                "rail_lines",
                i,
                "closed",
                f"closed in {closed:g}, before it opened in {opened:g}",
                "correct one of them",
            )
    for i in map(int, np.flatnonzero((lines["operating_kmh"] > lines["speed_kmh"]).to_numpy())):
        found.warn(
            "rail_lines",
            i,
            "operating_kmh",
            "the operating speed is above the design speed",
            "check both",
        )
    if raw is None:
        return
    stations, km = stops["station"].tolist(), stops["km"].to_numpy(float)
    for line, positions in _in_order(stops).items():
        if len(positions) == 1:
            found.error("rail_stops", positions[0], "line", f"the line '{line}' has one stop", "a line needs two")
        _along(found, line, positions, stations, km)


def _in_order(stops: pd.DataFrame) -> dict[str, list[int]]:
    """Positions of the stops of each line, in the order of ``seq``."""
    lines = stops["line"].tolist()
    order: dict[str, list[int]] = {line: [] for line in lines if isinstance(line, str)}
    for i in np.argsort(stops["seq"].to_numpy(float), kind="stable").tolist():
        if isinstance(lines[i], str):
            order[lines[i]].append(i)
    return order


def _along(found: Findings, line: str, positions: list[int], stations: list[object], km: Array) -> None:
    """Note stops that repeat the one before and km that do not rise."""
    last = 0.0 if np.isnan(km[positions[0]]) else None  # a missing km of the first stop is 0
    for a, b in pairwise(positions):
        if isinstance(stations[a], str) and stations[a] == stations[b]:
            found.error("rail_stops", b, "station", f"the stop repeats '{stations[a]}', the one before", "remove it")
    for i in positions:
        if np.isnan(km[i]):
            continue
        if last is not None and km[i] <= last:
            what = f"km of the line '{line}' does not rise: {km[i]:g} after {last:g}"
            found.error("rail_stops", i, "km", what, "count km from the first stop in the order of seq")
        last = float(km[i])


def _short_legs(found: Findings) -> None:
    """Warn of legs that are shorter than the great circle between their stations."""
    stops, stations = found.frame("rail_stops"), found.frame("stations")
    if not len(stops) or not stations["id"].is_unique:
        return
    rows = stops.sort_values(["line", "seq"], kind="stable")
    place = stations.set_index("id")[["lon", "lat"]].astype(float).reindex(rows["station"]).to_numpy()
    same = rows["line"].to_numpy()[1:] == rows["line"].to_numpy()[:-1]
    km = np.diff(rows["km"].to_numpy(float))
    straight = great_circle_km(place[:-1, 0], place[:-1, 1], place[1:, 0], place[1:, 1])
    for i in map(int, np.flatnonzero(same & (km > 0) & (straight > 1.02 * km + 0.5))):
        what = f"{km[i]:.1f} km from the stop before is less than the great circle, {straight[i]:.1f} km"
        found.warn("rail_stops", int(rows.index[i + 1]), "km", what, "check the km and the stations' coordinates")


def _clusters(found: Findings) -> None:
    planned = found.frame("clusters_planned")
    for cluster, rows in planned.groupby("cluster", sort=False):
        first = int(rows.index[0])
        if len(rows) == 1:
            found.warn(
                "clusters_planned",
                first,
                "cluster",
                f"the cluster '{cluster}' has one city",
                "add its other cities",
            )
        if len(set(rows["name"].dropna())) > 1:
            names = ", ".join(f"'{n}'" for n in rows["name"].dropna().unique())
            found.warn(
                "clusters_planned",
                first,
                "name",
                f"the cluster '{cluster}' has several names: {names}",
                "use one",
            )


def _drivers(found: Findings) -> None:
    drivers, cities = found.frame("drivers"), found.frame("cities")
    known = {"region", *cities["id"].dropna(), *cities["admin1"].dropna(), *cities["country"].dropna()}
    told: set[str] = set()
    rows = zip(drivers["place"], drivers["variable"], drivers["value"], strict=True)
    for i, (place, variable, value) in enumerate(rows):
        if isinstance(place, str) and place not in known and place not in told:
            told.add(place)
            todo = suggest(place, sorted(known), "give the id of a city, its admin1, its country, or region")
            found.error("drivers", i, "place", f"no city lies in a place called '{place}'", todo)
        if value == 0:
            found.error("drivers", i, "value", f"{variable} cannot be 0", "growth is taken from ratios")
        elif variable == "urban_share" and value > 1:
            found.error("drivers", i, "value", f"an urban_share of {value:g} is above 1", "write 0.61 for 61 %")


def _barriers(found: Findings) -> None:
    for barrier, rows in found.frame("barriers").groupby("barrier", sort=False):
        if len(rows) == 1:
            found.error(
                "barriers", int(rows.index[0]), "barrier", f"the barrier '{barrier}' has one point", "it needs two"
            )


def _policies(found: Findings) -> None:
    """Places and industries of the economy's policies are known."""
    cities, clusters = (
        set(found.frame("cities")["id"].dropna()),
        set(found.frame("clusters_planned")["cluster"].dropna()),
    )
    places = cities | {f"cluster:{c}" for c in clusters} | {"region"}
    industries = {"all", *found.frame("industries")["industry"].dropna()}
    known = [
        *((t, c, places) for t in ("migration_barriers", "trade_barriers") for c in ("from", "to")),
        ("land_supply", "city", places),
        *((t, "city", places - {"region"}) for t in ("subsidies", "agreements")),
        ("subsidies", "industry", industries),
    ]
    for table, column, values in known:
        for i, value in enumerate(found.frame(table)[column]):
            if isinstance(value, str) and value not in values:
                todo = suggest(value, sorted(values), "give the id of a city or cluster:<id>")
                found.error(table, i, column, f"there is no {column} '{value}' in the region", todo)


def _service_cities(found: Findings) -> None:
    """Cities that share evidence or take filings: of the region, of a planned cluster, or a sign for any."""
    clusters = {f"cluster:{c}" for c in found.frame("clusters_planned")["cluster"].dropna()}
    known = clusters | set(found.frame("cities")["id"].dropna())
    columns = [
        ("evidence_links", "issuing_city", {"*", "same", "national"}),
        *((t, c, {"*"}) for t, c in (("evidence_links", "consuming_city"), ("recognitions", "city"))),
        ("online_channels", "city", {"*"}),
    ]
    for table, column, signs in columns:
        for i, value in enumerate(found.frame(table)[column]):
            if isinstance(value, str) and value not in known | signs:
                todo = suggest(value, sorted(known), "give the id of a city, cluster:<id>, or *")
                found.error(table, i, column, f"there is no city '{value}'", todo)


def _sources(found: Findings) -> None:
    sources = found.frame("sources")
    for i, (table, column) in enumerate(zip(sources["table"], sources["column"], strict=True)):
        if not isinstance(table, str) or not isinstance(column, str):
            continue
        if table not in schemas():
            found.warn("sources", i, "table", f"'{table}' is not a table", suggest(table, list(schemas()), ""))
        elif column not in schemas()[table].names:
            todo = suggest(column, schemas()[table].names, "")
            found.warn("sources", i, "column", f"'{table}' has no column '{column}'", todo)


RULES: Final[tuple[Callable[[Findings], None], ...]] = (
    _city_names,
    _parents,
    _city_figures,
    _main_stations,
    _far_stations,
    _lines,
    _short_legs,
    _clusters,
    _drivers,
    timetable_rule,
    pattern_rule,
    _barriers,
    _policies,
    sectors,
    commuting,
    input_shares,
    _service_cities,
    _sources,
)
