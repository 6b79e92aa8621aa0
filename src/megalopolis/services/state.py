"""The catalogue of a region's state: its documents, and what the state's tables add to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.region import Region
from megalopolis.region.catalogue import TABLE, documents_of, texts_of
from megalopolis.services.burden import World, world_of
from megalopolis.services.compile import Compiled
from megalopolis.services.models import Catalogue, Channel, City, ServiceOverride
from megalopolis.services.read import Documents, catalogue_from

#: Tables that measures of a plan edit: what they add to the catalogue.
TABLES: Final = ("evidence_links", "recognitions", "online_channels")
_PLAN: Final[dict[str, Any]] = {"status": "assumed", "source": "plan"}
#: Catalogues read by the hash of their lines; the oldest makes room.
_KEPT: Final[dict[str, Catalogue]] = {}
_MOST: Final = 8


def catalogue_of(state: Region) -> Catalogue | None:
    """Return the catalogue of a region, or None where it has none; read once, as it never changes.

    Raises
    ------
    BadInput
        With every problem of the documents, each with file and line.
    """
    if not state.has(TABLE):
        return None
    key = state.table_hashes[TABLE]
    if key not in _KEPT:
        _KEPT[key] = catalogue_from(documents_of(texts_of(state.tables[TABLE])), "services")
        while len(_KEPT) > _MOST:
            _KEPT.pop(next(iter(_KEPT)))
    return _KEPT[key]


def problems_of(state: Region) -> tuple[Problem, ...]:
    """Everything wrong with a region's catalogue and the tables that add to it, with file and line of the documents."""
    try:
        catalogue = catalogue_of(state)
        if catalogue is not None:
            Added.of(state, catalogue)
    except BadInput as error:
        return error.problems
    if catalogue is None:
        tables = [name for name in TABLES if state.has(name)]
        what, todo = "has rows, but the region has no catalogue of services", "write its documents into services/"
        return tuple(Problem(name, what, todo) for name in tables)
    known, places = state.names.ids, Documents(documents_of(texts_of(state.tables[TABLE])), "services")
    return tuple(
        Problem(
            places.where(["cities", i, "id"]), f"the region has no city '{city.id}'", suggest(city.id, sorted(known))
        )
        for i, city in enumerate(catalogue.cities)
        if city.id not in known
    )


@dataclass(frozen=True)
class Added:
    """What a state's tables add to its catalogue: rows that are live in the year, by table."""

    rows: Mapping[str, pd.DataFrame]
    clusters: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, state: Region, catalogue: Catalogue) -> Added:
        """Take the rows of a state.

        Raises
        ------
        BadInput
            If a row names an evidence type, sector, procedure or city that the catalogue does not have.
        """
        rows = {}
        for name in TABLES:
            if state.has(name):
                frame = state.frame(name)
                live = ~(frame["live_from"] > state.year)
                if live.any():
                    rows[name] = frame[live].reset_index(drop=True)
        problems = [p for name, frame in rows.items() for p in _unknown(name, frame, catalogue)]
        if problems:
            raise BadInput(problems)
        return cls(rows, state.names.clusters if rows else {})

    def world(self, catalogue: Catalogue, compiled: Compiled) -> World:
        """What is linked and recognised: by the catalogue, and by the rows."""
        world = world_of(catalogue, compiled)
        for row in self._of("evidence_links"):
            pairs = [
                i
                for i, (evidence, sector) in enumerate(compiled.pairs)
                if compiled.evidence[evidence] == row["evidence"]
                and row["consuming_sector"] in ("*", compiled.sectors[sector])
            ]
            joined = self._joined(row, compiled)
            for pair in pairs:
                world.live[pair] |= joined
        for row in self._of("recognitions"):
            chosen = np.array([row["sector"] in ("*", s) for s in compiled.sectors], dtype=bool)
            world.recognised[np.ix_(chosen, self._cities(row["city"], compiled))] = 1
        return world

    def _of(self, table: str) -> list[dict[str, Any]]:
        return self.rows[table].to_dict("records") if table in self.rows else []  # type: ignore[return-value]

    def _cities(self, name: str, compiled: Compiled) -> npt.NDArray[np.bool_]:
        members = self.clusters.get(name.removeprefix("cluster:"), ()) if name.startswith("cluster:") else (name,)
        return np.array([name == "*" or c in members for c in compiled.cities], dtype=bool)

    def _joined(self, row: Mapping[str, Any], compiled: Compiled) -> npt.NDArray[np.uint8]:
        """Pairs that a row joins, by issuing city (the last is national) and consuming city."""
        n = len(compiled.cities)
        to = self._cities(row["consuming_city"], compiled)
        joined = np.zeros((n + 1, n), dtype=np.uint8)
        if row["issuing_city"] == "same":
            joined[np.flatnonzero(to), np.flatnonzero(to)] = 1
            return joined
        issuing = np.append(self._cities(row["issuing_city"], compiled), row["issuing_city"] in ("*", "national"))
        joined[np.ix_(issuing, to)] = 1
        return joined

    def online(self, catalogue: Catalogue) -> Catalogue:
        """Return the catalogue with the online channels of the rows; the same one where there are none."""
        opened: dict[str, set[str]] = {}
        codes = [p.code for p in catalogue.procedures]
        for row in self._of("online_channels"):
            name = str(row["city"])
            members = self.clusters.get(name.removeprefix("cluster:"), ()) if name.startswith("cluster:") else (name,)
            for city in [c.id for c in catalogue.cities if name == "*" or c.id in members]:
                opened.setdefault(city, set()).update(codes if row["procedure"] == "*" else [row["procedure"]])
        if not opened:
            return catalogue
        cities = tuple(_with_online(c, opened.get(c.id, set()), catalogue) for c in catalogue.cities)
        return catalogue.model_copy(update={"cities": cities})


def _unknown(table: str, frame: pd.DataFrame, catalogue: Catalogue) -> Iterator[Problem]:
    known = {
        "evidence": [e.id for e in catalogue.evidence_types],
        "sector": [s.id for s in catalogue.sectors],
        "consuming_sector": [s.id for s in catalogue.sectors],
        "procedure": [p.code for p in catalogue.procedures],
        "city": [c.id for c in catalogue.cities],
        "issuing_city": [c.id for c in catalogue.cities],
        "consuming_city": [c.id for c in catalogue.cities],
    }
    for column in [c for c in frame.columns if c in known]:
        signs = {"*", "same", "national", *known[column]}
        for name in sorted({str(v) for v in frame[column] if not str(v).startswith("cluster:")} - signs):
            what = f"'{name}' of {table} is not in the catalogue of services"
            yield Problem(f"{table}:{column}", what, suggest(name, known[column], "add it to the catalogue"))


def _with_online(city: City, procedures: set[str], catalogue: Catalogue) -> City:
    if not procedures:
        return city
    online = Channel(kind="online_full", **_PLAN)
    overrides = {o.service: o for o in city.overrides}
    for service in catalogue.services:
        if service.procedure in procedures:
            old = overrides.get(service.id) or ServiceOverride(service=service.id, **_PLAN)
            overrides[service.id] = old.model_copy(update={"adds_channels": (*old.adds_channels, online)})
    return city.model_copy(update={"overrides": tuple(overrides.values())})
