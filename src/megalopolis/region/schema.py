"""The tables a region may have: one CSV per table says type, unit, default and description of each column."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import pyarrow as pa

SCHEMA_VERSION: Final = 1

_ARROW: Final = {
    "number": pa.float64(),
    "lon": pa.float64(),
    "lat": pa.float64(),
    "integer": pa.int64(),
    "year": pa.int64(),
}


@dataclass(frozen=True)
class Column:
    """One column of a table, as its schema file describes it.

    Attributes
    ----------
    name : str
        Header in the files.
    kind : str
        ``id``, ``text``, ``line`` (text with its indent), ``number``, ``integer``, ``year``, ``lon``, ``lat``, ``ref``
        or ``enum``.
    choices : tuple of str
        Allowed words of an ``enum``; of a ``ref`` the one table it points to.
    unit, default, header_zh, description : str
        Empty where there is none.
    required : bool
        Whether every row needs a value.
    low, high : float or None
        Closed interval that a number must lie in.
    """

    name: str
    kind: str
    choices: tuple[str, ...]
    unit: str
    required: bool
    low: float | None
    high: float | None
    default: str
    header_zh: str
    description: str

    @property
    def arrow(self) -> pa.DataType:
        """Type of the column in a table of the region."""
        return _ARROW.get(self.kind, pa.string())


@dataclass(frozen=True)
class TableSchema:
    """The columns of one table, in order."""

    name: str
    columns: tuple[Column, ...]

    def __getitem__(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in the order of the schema."""
        return tuple(c.name for c in self.columns)

    @property
    def arrow(self) -> pa.Schema:
        """Arrow schema of the table."""
        return pa.schema([(c.name, c.arrow) for c in self.columns])


def _column(row: dict[str, str]) -> Column:
    kind, _, rest = row["type"].partition(":")
    return Column(
        name=row["column"],
        kind=kind,
        choices=tuple(rest.split("|")) if rest else (),
        unit=row["unit"],
        required=row["required"] == "yes",
        low=float(row["min"]) if row["min"] else None,
        high=float(row["max"]) if row["max"] else None,
        default=row["default"],
        header_zh=row["header_zh"],
        description=row["description"],
    )


@cache
def schemas() -> dict[str, TableSchema]:
    """Return every table that a region may have, by name, in alphabetical order."""
    found = {}
    for entry in sorted(files("megalopolis.region").joinpath("schema").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".csv"):
            with entry.open(encoding="utf-8") as stream:
                name = entry.name.removesuffix(".csv")
                found[name] = TableSchema(name, tuple(_column(row) for row in csv.DictReader(stream)))
    return found
