"""What every measure is: a named, dated edit of a region's tables."""

from __future__ import annotations

import re
from typing import Literal, Self

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from megalopolis.region import Region

Status = Literal["sourced", "measured", "estimated", "assumed"]


class Tables(dict[str, pd.DataFrame]):
    """Editable copies of a region's tables, made when first touched."""

    def __init__(self, region: Region) -> None:
        super().__init__()
        self.region = region

    def __missing__(self, name: str) -> pd.DataFrame:
        self[name] = self.region.frame(name)
        return self[name]

    def append(self, name: str, rows: list[dict[str, object]]) -> None:
        """Add rows to a table; columns not named in a row stay empty."""
        frame = self[name]
        added = pd.DataFrame(rows, columns=list(frame.columns))
        kept = [part.dropna(axis=1, how="all") for part in (frame, added) if len(part)]
        self[name] = pd.concat(kept, ignore_index=True).reindex(columns=frame.columns)


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
    ) -> None:
        """Book what the measure costs, shared by the length built at each place where that is known."""
        places: dict[str, float | None] = {**km} if km else {"region": None}
        total = sum(km.values()) if km else 1.0
        rows: list[dict[str, object]] = [
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
