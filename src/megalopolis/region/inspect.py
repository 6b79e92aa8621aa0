"""Inspect a region without using it: what is wrong, and where its numbers come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pandas as pd

from megalopolis.errors import BadInput, Problem
from megalopolis.region.catalogue import TABLE, stated
from megalopolis.region.check import check_tables
from megalopolis.region.raw import RawTable, table_titles
from megalopolis.region.read import assemble, read_raw, region_path
from megalopolis.region.region import Region
from megalopolis.region.schema import SCHEMA_VERSION, schemas

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
    if table == TABLE:
        return _parts(stated(region.tables[table]))
    skipped = {"status", "source", "note", "seq", "live_from"}
    columns = [c for c in schemas()[table].columns if c.kind != "id" and c.name not in skipped]
    statuses = [region.status(table, c.name)[region.frame(table)[c.name].notna()] for c in columns]
    return _parts(pd.concat(statuses).replace("", "unstated").value_counts()) if statuses else {}


def _parts(said: Mapping[str, int]) -> dict[str, float]:
    total = sum(said.get(key, 0) for key in (*STATUSES, "unstated"))
    return {key: float(said.get(key, 0) / total) for key in (*STATUSES, "unstated")} if total else {}


Asked = Callable[[Region], Sequence[Problem]]


def check_region(source: str | Path, more: Sequence[Asked] = (), notes: Sequence[Asked] = ()) -> Report:
    """Check a region without using it.

    Parameters
    ----------
    source : str or Path
        Bundled name, folder, workbook or layer file, as for `read_region`.
    more : sequence of callable
        Further checks of a region that can be read, such as of its catalogue of services.
    notes : sequence of callable
        The same for warnings, where no problem was found.

    Returns
    -------
    Report
        Every problem and warning; nothing is raised for bad input.
    """
    try:
        raw = read_raw(region_path(source))
    except BadInput as error:
        return Report(error.problems, (), (), None)
    checked = check_tables(raw.tables)
    try:
        region = assemble(raw, checked)
    except BadInput as error:
        tables = tuple(TableSummary(name, t.num_rows, {}) for name, t in checked.tables.items())
        return Report(error.problems, (*raw.warnings, *checked.warnings), tables, None)
    found = tuple(_placed(raw.tables, problem) for check in more for problem in check(region))
    warnings = [*raw.warnings, *checked.warnings]
    if not found:
        warnings += [_placed(raw.tables, note) for ask in notes for note in ask(region)]
    return Report(found, tuple(warnings), summarize(region), None if found else region)


def _placed(raw: Mapping[str, RawTable], problem: Problem) -> Problem:
    """Say ``table:row:column`` of a pillar as the file, or the cell of the workbook, that the row was read from."""
    table, _, rest = problem.where.partition(":")
    row, _, column = rest.partition(":")
    if table not in raw:
        return problem
    if row.isdigit() and 0 <= int(row) - 2 < len(raw[table].rows):
        return replace(problem, where=raw[table].where(int(row) - 2, column or None))
    place = raw[table].label if not row or row.isdigit() else f"{raw[table].label}: {rest}"
    return replace(problem, where=place)
