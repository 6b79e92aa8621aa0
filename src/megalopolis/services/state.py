"""The catalogue of a region's state: its documents, and what a plan's tables add to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import pandas as pd
from pydantic import BaseModel

from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.region import Region
from megalopolis.region.documents import read_yaml
from megalopolis.region.read import packs
from megalopolis.services.models import (
    Catalogue,
    Channel,
    City,
    EvidenceLink,
    Provenance,
    Recognition,
    ServiceOverride,
)
from megalopolis.services.read import read_catalogue

#: Tables that measures of a plan edit: what they add to the catalogue.
TABLES: Final = ("evidence_links", "recognitions", "online_channels")
_PLAN: Final[dict[str, Any]] = {"status": "assumed", "source": "plan"}


@cache
def bundled(folder: Path) -> Catalogue:
    """Read a catalogue once; it never changes."""
    return read_catalogue(folder)


def catalogue_of(state: Region) -> Catalogue | None:
    """Return the catalogue that is bundled with the region of this name, or None where there is none."""
    for path in sorted(packs().glob("*/services")):
        meta = path.parent / "region.yaml"
        if meta.is_file() and read_yaml(meta).data.get("name") == state.meta.name:
            return bundled(path)
    return None


def with_tables(catalogue: Catalogue, state: Region) -> Catalogue:
    """Add the links, recognitions and online channels of a state's tables to a catalogue.

    Parameters
    ----------
    catalogue : Catalogue
        As read.
    state : Region
        May have the tables ``evidence_links`` (``evidence, issuing_city, consuming_sector, consuming_city``),
        ``recognitions`` (``sector, city``) and ``online_channels`` (``procedure, city``); every row is live.

    Returns
    -------
    Catalogue
        The same one where there are no such rows.

    Raises
    ------
    BadInput
        If a row names an evidence type, sector, procedure or city that the catalogue does not have.
    """
    rows = {name: state.tables[name].to_pandas() for name in TABLES if state.has(name)}
    if not rows:
        return catalogue
    cities = [c.id for c in catalogue.cities]
    known = {
        "evidence": [e.id for e in catalogue.evidence_types],
        "sector": [s.id for s in catalogue.sectors],
        "consuming_sector": [s.id for s in catalogue.sectors],
        "procedure": [p.code for p in catalogue.procedures],
        "city": cities,
        "issuing_city": cities,
        "consuming_city": cities,
    }
    problems = [p for name, frame in rows.items() for p in _unknown(name, frame, known)]
    if problems:
        raise BadInput(problems)
    links = [
        EvidenceLink(
            evidence=r.evidence,
            issuing_city=r.issuing_city,
            consuming_sector=r.consuming_sector,
            consuming_city=r.consuming_city,
            state="live",
            **_PLAN,
        )
        for r in rows.get("evidence_links", pd.DataFrame()).itertuples()
    ]
    recognised = [
        Recognition(sector=r.sector, city=r.city, state="live", **_PLAN)
        for r in rows.get("recognitions", pd.DataFrame()).itertuples()
    ]
    online: dict[str, list[str]] = {}
    for r in rows.get("online_channels", pd.DataFrame()).itertuples():
        online.setdefault(str(r.city), []).append(str(r.procedure))
    return catalogue.model_copy(
        update={
            "links": (*catalogue.links, *links),
            "recognitions": (*catalogue.recognitions, *recognised),
            "cities": tuple(_with_online(c, online.get(c.id, ()), catalogue) for c in catalogue.cities),
        }
    )


def _unknown(table: str, frame: pd.DataFrame, known: dict[str, list[str]]) -> Iterator[Problem]:
    for column in frame.columns:
        for name in sorted(
            {str(v) for v in frame[column]} - {*known.get(column, frame[column].astype(str)), "*", "same"}
        ):
            what = f"'{name}' of {table} is not in the catalogue of services"
            yield Problem(f"{table}:{column}", what, suggest(name, known[column], "add it to the catalogue"))


def _with_online(city: City, procedures: Sequence[str], catalogue: Catalogue) -> City:
    if not procedures:
        return city
    online = Channel(kind="online_full", **_PLAN)
    overrides = {o.service: o for o in city.overrides}
    for service in catalogue.services:
        if service.procedure in procedures:
            old = overrides.get(service.id) or ServiceOverride(service=service.id, **_PLAN)
            overrides[service.id] = old.model_copy(update={"adds_channels": (*old.adds_channels, online)})
    return city.model_copy(update={"overrides": tuple(overrides.values())})


def provenances(model: object) -> Iterator[Provenance]:
    """Every value of a catalogue, or of a part of it, with its provenance."""
    if isinstance(model, Provenance):
        yield model
    if isinstance(model, BaseModel):
        for name in type(model).model_fields:
            yield from provenances(getattr(model, name))
    elif isinstance(model, tuple):
        for item in model:
            yield from provenances(item)


def assumed_share(model: object) -> float:
    """Share of the values of a catalogue, or of a part of it, that are assumed; NaN where there are none."""
    found = [p.status == "assumed" for p in provenances(model)]
    return sum(found) / len(found) if found else float("nan")
