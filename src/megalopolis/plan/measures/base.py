"""What every measure is: a named, dated edit of a region's tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, Self

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from megalopolis.region import Region

Status = Literal["sourced", "measured", "estimated", "assumed"]


Row = dict[str, Any]


class Tables:
    """Editable copies of a region's tables, made when first touched.

    Added rows are kept aside until the whole table is asked for: a plan of many lines does not copy it for each.

    Attributes
    ----------
    region : Region
        As read.
    """

    def __init__(self, region: Region) -> None:
        self.region = region
        self._frames: dict[str, pd.DataFrame] = {}
        self._added: dict[str, list[Row]] = {}
        self._by_id: dict[str, dict[str, Row]] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Return a table to be edited in place."""
        if name not in self._frames:
            self._frames[name] = self.region.frame(name)
        added = self._added.pop(name, [])
        if added:
            old = self._frames[name]
            parts = [part for part in (old, pd.DataFrame(added, columns=list(old.columns))) if len(part)]
            kept = [part.dropna(axis=1, how="all") for part in parts]
            self._frames[name] = pd.concat(kept, ignore_index=True).reindex(columns=old.columns)
        self._by_id.pop(name, None)  # the caller may change any row
        return self._frames[name]

    def has(self, name: str) -> bool:
        """Whether the region has the table, or a measure added to it."""
        return self.region.has(name) or name in self._added or name in self._frames

    def __setitem__(self, name: str, frame: pd.DataFrame) -> None:
        """Replace a table."""
        self._frames[name] = frame
        self._added.pop(name, None)
        self._by_id.pop(name, None)

    def append(self, name: str, rows: list[Row]) -> None:
        """Add rows to a table; columns not named in a row stay empty."""
        self._added.setdefault(name, []).extend(rows)
        if name in self._by_id:
            self._by_id[name].update((row["id"], row) for row in rows)

    def by_id(self, name: str) -> Mapping[str, Row]:
        """Rows of a table by id, to be read; empty cells are None or NaN."""
        if name not in self._by_id:
            self._by_id[name] = {row["id"]: row for row in _records(self[name])}
        return self._by_id[name]

    def frames(self) -> dict[str, pd.DataFrame]:
        """Every table that was touched."""
        return {name: self[name] for name in {**self._frames, **self._added}}


def _records(frame: pd.DataFrame) -> list[Row]:
    names = [str(column) for column in frame.columns]
    columns = [frame[column].tolist() for column in frame.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


class Measure(BaseModel):
    """Common fields of all measures.

    ``resolve`` checks the measure against a region and the measures before it and fills in what it leaves open;
    ``edit`` changes tables and nothing else.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    kind: str
    name: str = Field(min_length=1, max_length=200)
    name_local: str | None = Field(default=None, max_length=200)
    status: Status = "sourced"
    source: str | None = None
    note: str | None = None

    @property
    def id(self) -> str:
        """Id of what the measure adds: its name as a slug."""
        return slug(self.name)

    def resolve(self, tables: Tables) -> Self:
        """Check names against the region as the earlier measures leave it.

        Raises
        ------
        BadInput
            If a city, line or station is unknown, or the measure repeats one that is there.
        """
        raise NotImplementedError

    def edit(self, tables: Tables, year: int) -> None:
        """Change the tables to what they are in ``year`` with this measure; the measure must be resolved."""
        raise NotImplementedError

    def invest(
        self,
        tables: Tables,
        year: int,
        cost: float | None,
        *,
        km: dict[str, float] | None = None,
        detail: str | None = None,
        place: str = "region",
    ) -> None:
        """Book what the measure costs at a place, or shared by the length built at each place where that is known."""
        places: dict[str, float | None] = {**km} if km else {place: None}
        total = sum(km.values()) if km else 1.0
        rows: list[Row] = [
            {
                "measure": self.id,
                "name": self.name,
                "place": place,
                "year": year,
                "cost": None if cost is None else cost * (1.0 if length is None else length / total),
                "km": length,
                "kind": detail or self.kind,
                "status": self.status if cost is not None else None,
                "source": self.source,
            }
            for place, length in places.items()
        ]
        tables.append("investments", rows)


def slug(text: str) -> str:
    """Lower-case id of a name: ``Chengdu-Chongqing middle line`` becomes ``chengdu-chongqing-middle-line``."""
    return re.sub(r"[^\w]+", "-", text.casefold(), flags=re.UNICODE).strip("-")
