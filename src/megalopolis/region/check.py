"""Type the tables of a region and find everything that is wrong in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from megalopolis.errors import BadInput, Problem
from megalopolis.region.cells import BadCell, Value, is_blank, parse
from megalopolis.region.raw import RawTable, table_titles
from megalopolis.region.rules import Findings, apply_rules
from megalopolis.region.schema import SCHEMA_VERSION, Column, schemas
from megalopolis.units import RAIL_DETOUR, great_circle_km

if TYPE_CHECKING:
    from megalopolis.region.region import Region

STATUSES: Final = ("sourced", "measured", "estimated", "assumed")


@dataclass(frozen=True)
class TableSummary:
    """Rows of a table and the provenance of its values.

    Attributes
    ----------
    table : str
        Name.
    rows : int
        Number of rows.
    shares : dict of str to float
        Share of the values that are sourced, measured, estimated, assumed, and of those for which nothing is stated
        (key ``unstated``); without keys, names and notes, empty where no value is left.
    """

    table: str
    rows: int
    shares: dict[str, float]


@dataclass(frozen=True)
class Report:
    """What a check of a region found.

    Attributes
    ----------
    problems : tuple of Problem
        Why it cannot be used; empty where it can.
    warnings : tuple of Problem
        What looks wrong and does not hinder its use.
    tables : tuple of TableSummary
        Tables found, in the order in which they are shown; without shares where there are problems.
    region : Region or None
        The region where there are no problems.
    """

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    tables: tuple[TableSummary, ...]
    region: Region | None

    @property
    def summary(self) -> list[dict[str, str | int]]:
        """One row per table: its rows, and the percentage of its values by provenance."""
        rows: list[dict[str, str | int]] = []
        for t in self.tables:
            shares = {s: f"{100 * t.shares[s]:.0f} %" if t.shares else "-" for s in (*STATUSES, "unstated")}
            rows.append({"table": t.table, "rows": t.rows, **shares})
        return rows

    def record(self) -> dict[str, Any]:
        """Return the report as the document that ``--json`` prints."""
        region = self.region
        return {
            "schema_version": SCHEMA_VERSION,
            "region": {"name": region.name, "hash": region.hash} if region else None,
            "plan": None,
            "year": region.year if region else None,
            "result": {
                "problems": [{"where": p.where, "what": p.what, "todo": p.todo} for p in self.problems],
                "tables": [{"table": t.table, "rows": t.rows, "shares": t.shares} for t in self.tables],
            },
            "checks": [],
            "residual": None,
            "warnings": [str(w) for w in self.warnings],
        }


@dataclass(frozen=True)
class Checked:
    """Typed tables with all that was found in them."""

    tables: dict[str, pa.Table]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def check_tables(raw: Mapping[str, RawTable]) -> Checked:
    """Type the tables of a region, fill defaults and missing km, and apply every rule.

    Parameters
    ----------
    raw : mapping of str to RawTable
        Tables as read.

    Returns
    -------
    Checked
        Tables with at least one row; where there are problems, cells that are wrong are empty.
    """
    order = [name for name in table_titles() if name in raw]
    problems = [p for name in order for p in raw[name].problems]
    warnings = [p for name in order for p in raw[name].warnings]
    typed = {}
    for name in order:
        typed[name] = _typed(raw[name], problems)
    if "cities" in raw and not raw["cities"].rows and not raw["cities"].problems:
        problems.append(Problem(raw["cities"].label, "has no rows", "write one row for each city"))
    found = Findings({name: table.to_pandas() for name, table in typed.items()}, raw)
    apply_rules(found)
    problems += found.problems
    if not problems:
        typed = fill_km(typed)
    filled = {name: table for name, table in typed.items() if table.num_rows}
    return Checked(filled, tuple(dict.fromkeys(problems)), tuple(dict.fromkeys(warnings + found.warnings)))


def _typed(raw: RawTable, problems: list[Problem]) -> pa.Table:
    schema = schemas()[raw.name]
    arrays = []
    for column in schema.columns:
        cells = raw.columns.get(column.name)
        values = [None] * len(raw.rows) if cells is None else _column(raw, column, cells, problems)
        if cells is None and column.default:
            values = [parse(column, column.default)] * len(raw.rows)
        arrays.append(pa.array(values, type=column.arrow))
    return pa.Table.from_arrays(arrays, schema=schema.arrow)


def _column(raw: RawTable, column: Column, cells: list[object], problems: list[Problem]) -> list[Value]:
    values: list[Value] = []
    scale = raw.scales.get(column.name)
    default = parse(column, column.default) if column.default else None
    for row, cell in enumerate(cells):
        value: Value = None
        if is_blank(cell):
            value = default
            if column.required and value is None:
                problems.append(Problem(raw.where(row, column.name), f"{column.name} is empty", "every row needs one"))
        else:
            try:
                value = parse(column, cell, scale, decimal_comma=raw.decimal_comma)
            except BadCell as error:
                what, todo = error.what, error.todo
                if column.kind == "lat" and _swapped(raw, row):
                    what, todo = "lon and lat look swapped", "exchange the two columns"
                problems.append(Problem(raw.where(row, column.name), what, todo))
        values.append(value)
    return values


def _swapped(raw: RawTable, row: int) -> bool:
    """Whether a latitude that cannot be one would be a longitude, and the longitude a latitude."""
    try:
        lon, lat = (float(str(raw.columns[name][row])) for name in ("lon", "lat"))
    except (KeyError, ValueError):
        return False
    return abs(lon) <= 90 < abs(lat) <= 180


def fill_km(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """Fill missing km of rail stops and say in ``sources`` which lines they are assumed for.

    A leg without a length is 1.15 times the great circle; between two stops whose km are given the legs share the
    length in proportion to the great circle. A missing km of the first stop is 0.

    Parameters
    ----------
    tables : dict of str to pyarrow.Table
        Checked tables; not changed.

    Returns
    -------
    dict of str to pyarrow.Table
        With ``rail_stops.km`` complete and a row of ``sources`` for each line that has an assumed km.
    """
    if "rail_stops" not in tables or not tables["rail_stops"].column("km").null_count:
        return tables
    stops = tables["rail_stops"].to_pandas()
    stations = tables["stations"].to_pandas().set_index("id")[["lon", "lat"]]
    km = stops["km"].to_numpy(float).copy()
    assumed = []
    for line, rows in stops.groupby("line", sort=False):
        at = rows.sort_values("seq", kind="stable").index.to_numpy()
        place = stations.loc[stops["station"].to_numpy()[at]].to_numpy()
        filled = _along(km[at], great_circle_km(place[:-1, 0], place[:-1, 1], place[1:, 0], place[1:, 1]))
        if np.isnan(km[at][1:]).any():
            assumed.append(str(line))
        km[at] = filled
    position = tables["rail_stops"].schema.get_field_index("km")
    stops_table = tables["rail_stops"].set_column(position, "km", pa.array(km, type=pa.float64()))
    return tables | {"rail_stops": stops_table, "sources": _with_assumed(tables.get("sources"), assumed)}


def _along(km: np.ndarray, straight: np.ndarray) -> np.ndarray:
    """Complete the km of one line from the great circles between its stops."""
    km = km.copy()
    known = np.flatnonzero(~np.isnan(km))
    run = np.concatenate([[0.0], np.cumsum(RAIL_DETOUR * straight)])
    if not len(known):
        return run
    if known[0] > 0:  # the first stop is 0 by definition
        km[0] = 0.0
        known = np.concatenate([[0], known])
    for a, b in pairwise(known.tolist()):
        whole = run[b] - run[a]
        share = (run[a : b + 1] - run[a]) / whole if whole > 0 else np.linspace(0, 1, b - a + 1)
        km[a + 1 : b] = (km[a] + (km[b] - km[a]) * share)[1:-1]
    km[known[-1] :] = km[known[-1]] + run[known[-1] :] - run[known[-1]]
    return km


def _with_assumed(sources: pa.Table | None, lines: list[str]) -> pa.Table:
    schema = schemas()["sources"].arrow
    rows = [
        {
            "table": "rail_stops",
            "column": "km",
            "rows": f"line={line}",
            "status": "assumed",
            "method": f"{RAIL_DETOUR} times the great circle where no km is given",
            "source": "coordinates of the stations",
        }
        for line in lines
    ]
    added = pa.Table.from_pylist(rows, schema=schema)
    return added if sources is None else pa.concat_tables([sources, added])


def summarize(region: Region) -> tuple[TableSummary, ...]:
    """Count rows and the provenance of values, table by table."""
    return tuple(
        TableSummary(name, region.tables[name].num_rows, _shares(region, name))
        for name in table_titles()
        if name in region.tables
    )


def _shares(region: Region, table: str) -> dict[str, float]:
    if table == "sources":
        return {}
    skipped = {"status", "source", "note", "seq"}
    columns = [c for c in schemas()[table].columns if c.kind != "id" and c.name not in skipped]
    statuses = [region.status(table, c.name)[region.frame(table)[c.name].notna()] for c in columns]
    said = pd.concat(statuses).replace("", "unstated").value_counts()
    total = said.sum()
    return {key: float(said.get(key, 0) / total) for key in (*STATUSES, "unstated")} if total else {}


def check_region(source: str | Path) -> Report:
    """Check a region without using it.

    Parameters
    ----------
    source : str or Path
        Bundled name, folder, workbook or layer file, as for `read_region`.

    Returns
    -------
    Report
        Every problem and warning; nothing is raised for bad input.
    """
    from megalopolis.region.read import assemble, read_raw, region_path  # noqa: PLC0415 - reading stands on checking

    try:
        raw = read_raw(region_path(source))
    except BadInput as error:
        return Report(error.problems, (), (), None)
    checked = check_tables(raw.tables)
    warnings = (*raw.warnings, *checked.warnings)
    try:
        region = assemble(raw, checked)
    except BadInput as error:
        tables = tuple(TableSummary(name, t.num_rows, {}) for name, t in checked.tables.items())
        return Report(error.problems, warnings, tables, None)
    return Report((), warnings, summarize(region), region)
