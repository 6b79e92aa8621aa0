"""A region: named, immutable tables with a content hash."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from pydantic import BaseModel, ConfigDict, Field

from megalopolis.errors import BadInput, Problem
from megalopolis.region.names import NameIndex
from megalopolis.region.schema import SCHEMA_VERSION, schemas

T = TypeVar("T")


class TimetableMeta(BaseModel):
    """What ``region.yaml`` says of the region's timetable.

    ``path`` is a GTFS folder or zip archive beside it (default: ``timetable`` or ``timetable.zip``), ``day`` the day
    that is read, ``change_min`` what a change of trains takes where the feed says nothing, ``reach_km`` the
    great-circle km from a city's centre within which a station of the feed serves it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str | None = Field(default=None, min_length=1, max_length=4096)
    day: dt.date
    change_min: int = Field(default=5, ge=1, le=240)
    reach_km: float = Field(default=60.0, gt=0, le=1000)


class RegionMeta(BaseModel):
    """What ``region.yaml`` says of a region.

    ``base_year`` is the year of the tables, ``today`` the year taken for now (default: the base year). ``parameters``
    override the defaults of the pillars, as ``travel.transfer_min: 20``. ``timetable`` is read with the region.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    names: dict[str, str] = Field(default_factory=dict)
    currency: str = "USD"
    base_year: int = Field(ge=1800, le=2200)
    today: int | None = Field(default=None, ge=1800, le=2200)
    languages: tuple[str, ...] = ("en",)
    default_plan: str | None = None
    alternatives: tuple[str, ...] = ()
    parameters: dict[str, float] = Field(default_factory=dict)
    timetable: TimetableMeta | None = None
    notes: str = ""
    schema_version: int = Field(default=SCHEMA_VERSION, ge=1, le=SCHEMA_VERSION)

    @property
    def now(self) -> int:
        """Year taken for today."""
        return self.base_year if self.today is None else self.today


def table_hash(table: pa.Table) -> str:
    """Hash the values of a table, independent of how they lie in memory."""
    sink = pa.BufferOutputStream()
    pa.csv.write_csv(table, sink)
    return hashlib.sha256(sink.getvalue()).hexdigest()


@dataclass(frozen=True)
class Region:
    """Tables of a region in one year.

    Attributes
    ----------
    meta : RegionMeta
        Name, currency, base year, languages.
    tables : mapping of str to pyarrow.Table
        Only the tables that the region has, each in the order and types of its schema.
    year : int
        Year that the tables describe; the base year as read.
    """

    meta: RegionMeta
    tables: Mapping[str, pa.Table]
    year: int = field(default=0)
    _derived: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _frames: dict[str, pd.DataFrame] = field(default_factory=dict, init=False, repr=False, compare=False)
    _hashes: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", MappingProxyType(dict(self.tables)))
        if not self.year:
            object.__setattr__(self, "year", self.meta.base_year)

    @property
    def name(self) -> str:
        """Name of the region."""
        return self.meta.name

    def has(self, *names: str) -> bool:
        """Whether every named table is present and has rows."""
        return all(name in self.tables and self.tables[name].num_rows > 0 for name in names)

    def frame(self, name: str) -> pd.DataFrame:
        """Copy of a table; an absent one comes back with its columns and no rows.

        Raises
        ------
        KeyError
            If no schema knows a table of that name.
        """
        if name not in self._frames:
            table = self.tables.get(name)
            self._frames[name] = (schemas()[name].arrow.empty_table() if table is None else table).to_pandas()
        return self._frames[name].copy()

    @cached_property
    def cities(self) -> pd.DataFrame:
        """The units counted in totals: rows of ``cities`` that are not part of another unit. Not to be changed."""
        frame = self.frame("cities")
        return frame[frame["parent"].isna()].reset_index(drop=True)

    @cached_property
    def names(self) -> NameIndex:
        """Look-up of cities by id or name."""
        return NameIndex.of(self.frame("cities"), self.frame("clusters_planned"))

    def derive(self, key: str, build: Callable[[], T]) -> T:
        """Return what was built from the tables alone, once: a region never changes, so neither does this."""
        if key not in self._derived:
            self._derived[key] = build()
        found: T = self._derived[key]
        return found

    def replace(self, frames: Mapping[str, pd.DataFrame], year: int | None = None) -> Region:
        """Return a region with some tables replaced, typed again by their schemas."""
        tables = dict(self.tables)
        for name, frame in frames.items():
            tables[name] = typed(name, frame)
        made = replace(self, tables=tables, year=self.year if year is None else year)
        kept = tables.keys() - frames.keys()
        made._frames.update({name: self._frames[name] for name in kept & self._frames.keys()})  # noqa: SLF001
        made._hashes.update({name: self._hashes[name] for name in kept & self._hashes.keys()})  # noqa: SLF001
        return made

    @cached_property
    def table_hashes(self) -> dict[str, str]:
        """Content hash of each table."""
        self._hashes.update({name: table_hash(t) for name, t in self.tables.items() if name not in self._hashes})
        return {name: self._hashes[name] for name in sorted(self.tables)}

    @cached_property
    def hash(self) -> str:
        """Content hash of the whole region: the same content has the same hash on any machine."""
        parts = [self.meta.model_dump_json(), str(self.year), *map(str, self.table_hashes.items())]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def status(self, table: str, column: str) -> pd.Series[Any]:
        """Provenance of every value of a column: sourced, measured, estimated, assumed or unstated; empty cells are "".

        Rows of ``sources`` are read in order; later, narrower ones win. A ``status`` column of the table itself wins
        over both.
        """
        frame = self.frame(table)
        status = np.full(len(frame), "unstated", dtype=object)
        for rows, word in self._stated.get((table, column), ()):
            key, named, value = rows.partition("=") if isinstance(rows, str) else ("", "", "")
            chosen = (frame[key].astype("str") == value).to_numpy() if named and key in frame else slice(None)
            status[chosen] = word
        if "status" in frame and column != "status":
            own = frame["status"]
            status = np.where(own.notna(), own.to_numpy(object), status)
        status[frame[column].isna()] = ""
        return pd.Series(status, index=frame.index, dtype="str")

    @cached_property
    def _stated(self) -> dict[tuple[str, str], list[tuple[Any, str]]]:
        """Rows named and status of every row of ``sources``, by table and column."""
        found: dict[tuple[str, str], list[tuple[Any, str]]] = {}
        for row in self.frame("sources").to_dict("records"):
            found.setdefault((row["table"], row["column"]), []).append((row["rows"], str(row["status"])))
        return found


def typed(name: str, frame: pd.DataFrame) -> pa.Table:
    """Type a frame by the schema of its table; columns that are missing become empty.

    Raises
    ------
    BadInput
        If a value does not fit its column's type.
    """
    schema = schemas()[name]
    arrays = []
    for column in schema.columns:
        values = frame[column.name] if column.name in frame else pd.Series([None] * len(frame), dtype=object)
        try:
            arrays.append(pa.Array.from_pandas(values, type=column.arrow, safe=True))
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise BadInput(Problem(f"{name}:{column.name}", str(error), f"give {column.kind} values")) from error
    return pa.Table.from_arrays(arrays, schema=schema.arrow)
