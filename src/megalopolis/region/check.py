"""Type the tables of a region and find everything that is wrong in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa

from megalopolis.errors import Problem
from megalopolis.region.cells import BadCell, Value, is_blank, parse
from megalopolis.region.raw import RawTable, table_titles
from megalopolis.region.rules import Findings, apply_rules
from megalopolis.region.schema import Column, schemas
from megalopolis.units import RAIL_DETOUR, great_circle_km


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
    known: dict[str, Value] = {}  # cells without a problem: most columns repeat a few words
    for row, cell in enumerate(cells):
        if isinstance(cell, str) and cell in known:
            values.append(known[cell])
            continue
        value: Value = None
        if is_blank(cell):
            value = default
            if column.required and value is None:
                problems.append(Problem(raw.where(row, column.name), f"{column.name} is empty", "every row needs one"))
            elif isinstance(cell, str):
                known[cell] = value
        else:
            try:
                value = parse(column, cell, scale, decimal_comma=raw.decimal_comma)
                if isinstance(cell, str):
                    known[cell] = value
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
