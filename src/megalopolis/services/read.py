"""Read and check a catalogue: a folder of YAML documents, every problem with file and line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.region.documents import Document, read_yaml
from megalopolis.services.models import SCHEMA_VERSION, Catalogue, PublicService

_REFERENCE: Final = "see the method page of services"
_WILD: Final = ("*", "same")


class Documents:
    """The documents of a folder as one, with the place of every value."""

    def __init__(self, documents: Sequence[Document], label: str) -> None:
        self.data: dict[str, Any] = {}
        self.problems: list[Problem] = []
        self._of: dict[str, Document] = {}
        self.label = label
        for document in documents:
            for key, value in document.data.items():
                if key in self._of and not (isinstance(value, list) and isinstance(self.data[key], list)):
                    todo = f"it stands already in {self._of[key].label}"
                    self.problems.append(Problem(document.where([key]), f"the key '{key}' stands twice", todo))
                elif key in self._of:
                    self.problems.append(Problem(document.where([key]), f"'{key}' is split over two files", "join it"))
                else:
                    self._of[key], self.data[key] = document, value

    def where(self, path: Sequence[str | int]) -> str:
        """Return ``file:line`` of a value."""
        document = self._of.get(str(path[0])) if path else None
        return document.where(path) if document else self.label

    def found(self, error: ValidationError) -> list[Problem]:
        """Findings of the models with their places."""
        problems = []
        for item in error.errors(include_url=False, include_context=False):
            path = [p for p in item["loc"] if not (isinstance(p, str) and p.startswith("function-"))]
            name = ".".join(map(str, path))
            what = item["msg"].removeprefix("Value error, ")
            known = {"Extra inputs are not permitted": "is not known here", "Field required": "is missing"}
            what = known.get(what, what[:1].lower() + what[1:])
            problems.append(Problem(self.where(path), f"'{name}' {what}", _REFERENCE))
        return problems


def read_catalogue(folder: Path) -> Catalogue:
    """Read every ``*.yaml`` of a folder as one catalogue and check it.

    Parameters
    ----------
    folder : Path
        Holds the documents; each top-level key stands in one of them.

    Returns
    -------
    Catalogue
        Checked.

    Raises
    ------
    BadInput
        With every problem found, each with file and line.
    """
    paths = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    if not paths:
        raise BadInput(Problem(str(folder.name), "has no catalogue of services", "add YAML documents to it"))
    documents: list[Document] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            documents.append(read_yaml(path))
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(problems)
    return catalogue_from(documents, folder.name)


def catalogue_from(documents: Sequence[Document], label: str) -> Catalogue:
    """Make a catalogue of its documents and check it.

    Parameters
    ----------
    documents : sequence of Document
        Each top-level key stands in one of them.
    label : str
        Name of the whole in messages.

    Raises
    ------
    BadInput
        With every problem found, each with file and line.
    """
    whole = Documents(documents, label)
    version = whole.data.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        what = f"is of schema {version}, and this version reads up to {SCHEMA_VERSION}"
        raise BadInput(Problem(whole.where(["schema_version"]), what, "upgrade megalopolis"))
    if whole.problems:
        raise BadInput(whole.problems)
    try:
        catalogue = Catalogue.model_validate(whole.data)
    except ValidationError as error:
        raise BadInput(whole.found(error)) from error
    problems = check(catalogue, whole)
    if problems:
        raise BadInput(problems)
    return catalogue


def check(catalogue: Catalogue, places: Documents) -> list[Problem]:
    """Find what the models alone cannot see: dangling names, evidence that nobody issues, circles, missing lists.

    Parameters
    ----------
    catalogue : Catalogue
        As read.
    places : Documents
        Gives the lines.

    Returns
    -------
    list of Problem
        Sorted by place; empty where the catalogue is whole.
    """
    problems = [
        *_twice(catalogue, places),
        *_dangling(catalogue, places),
        *_requirements(catalogue, places),
        *_issuers(catalogue, places),
        *_circles(catalogue, places),
        *_days(catalogue, places),
        *_honest(catalogue, places.data, (), places),
    ]
    return sorted(set(problems))


def _twice(catalogue: Catalogue, places: Documents) -> Iterator[Problem]:
    for key in ("sources", "sectors", "evidence_types", "procedures", "services", "cities", "calendars"):
        seen = set()
        for i, entry in enumerate(getattr(catalogue, key)):
            id_ = getattr(entry, "id", None) or getattr(entry, "code", None)
            if id_ in seen:
                yield Problem(places.where([key, i]), f"'{id_}' stands twice in {key}", "give each its own id")
            seen.add(id_)


def _references(data: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str, str, tuple[str | int, ...]]]:
    """Every reference of the plain data: kind of thing, its name, its path."""
    kinds = {
        "source": "sources",
        "sector": "sectors",
        "issuer_sector": "sectors",
        "authority": "sectors",
        "consuming_sector": "sectors",
        "evidence": "evidence_types",
        "procedure": "procedures",
        "service": "services",
        "calendar": "calendars",
        "issuing_city": "cities",
        "consuming_city": "cities",
        "home_city": "cities",
        "work_city": "cities",
        "city": "cities",
    }
    if isinstance(data, dict):
        for key, value in data.items():
            if key in kinds and isinstance(value, str):
                yield kinds[key], value, (*path, key)
            elif key == "needs" and isinstance(value, list):
                yield from (("evidence_types", str(v), (*path, key, i)) for i, v in enumerate(value))
            elif key == "lists" and isinstance(value, list):
                for i, items in enumerate(value):
                    for j, item in enumerate(items):
                        name = item if isinstance(item, str) else item["evidence"]
                        yield "evidence_types", name, (*path, key, i, j)
            else:
                yield from _references(value, (*path, key))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from _references(value, (*path, i))


def _dangling(catalogue: Catalogue, places: Documents) -> Iterator[Problem]:
    known = {
        key: {getattr(e, "id", None) or getattr(e, "code", None) for e in getattr(catalogue, key)}
        for key in ("sources", "sectors", "evidence_types", "procedures", "services", "cities", "calendars")
    }
    for kind, name, path in _references(places.data, ()):
        if name not in known[kind] and not (kind == "cities" and name in _WILD):
            todo = suggest(name, sorted(map(str, known[kind])), f"add it to {kind}")
            yield Problem(places.where(path), f"'{name}' is not in {kind}", todo)
    if "default" not in known["calendars"] and any(c.calendar == "default" for c in catalogue.cities):
        yield Problem(places.where(["cities"]), "there is no calendar 'default'", "add it to calendars")


def _requirements(catalogue: Catalogue, places: Documents) -> Iterator[Problem]:
    for i, service in enumerate(catalogue.services):
        for j, requirement in enumerate(service.requirements):
            path = ("services", i, "requirements", j)
            if not requirement.lists:
                what = f"the requirement '{requirement.id}' of '{service.id}' has no list of evidence types"
                yield Problem(places.where(path), what, "give at least one list")
            for k, listed in enumerate(requirement.lists):
                if not listed:
                    yield Problem(places.where((*path, "lists", k)), "a list of evidence types is empty", "fill it")
        yield from _stages(service, ("services", i), places)
    by_id = {s.id: {r.id for r in s.requirements} for s in catalogue.services}
    for i, city in enumerate(catalogue.cities):
        for j, override in enumerate(city.overrides):
            for name in sorted(set(override.waives) - by_id.get(override.service, set(override.waives))):
                what = f"'{city.id}' waives '{name}', which is no requirement of '{override.service}'"
                yield Problem(places.where(("cities", i, "overrides", j)), what, "name one that it has")


def _stages(service: PublicService, path: tuple[str, int], places: Documents) -> Iterator[Problem]:
    stages = [s.id for s in service.stages]
    for j, stage in enumerate(service.stages):
        late = [a for a in stage.after or () if a not in stages[:j]]
        if late:
            what = f"the stage '{stage.id}' comes after '{late[0]}', which does not stand before it"
            yield Problem(places.where((*path, "stages", j)), what, "list stages in order")
    ids = {r.id for r in service.requirements}
    for j, channel in enumerate(service.channels):
        for name in sorted(set(channel.drops) - ids):
            what = f"the channel drops '{name}', which is no requirement of '{service.id}'"
            yield Problem(places.where((*path, "channels", j)), what, suggest(name, sorted(ids)))


def _issuers(catalogue: Catalogue, places: Documents) -> Iterator[Problem]:
    for i, evidence in enumerate(catalogue.evidence_types):
        public = evidence.issuer_role in {"home", "work", "birthplace", "national"}
        if public and evidence.issuer_sector is None:
            what = f"nobody issues '{evidence.id}': it has no issuer_sector"
            yield Problem(places.where(("evidence_types", i)), what, "name the sector, or the role self or employer")


def _circles(catalogue: Catalogue, places: Documents) -> Iterator[Problem]:
    try:
        TopologicalSorter({e.id: e.needs for e in catalogue.evidence_types}).prepare()
    except CycleError as error:
        circle = error.args[1]
        i = next(i for i, e in enumerate(catalogue.evidence_types) if e.id in circle)
        what = f"evidence types need each other in a circle: {' needs '.join(reversed(circle))}"
        yield Problem(places.where(("evidence_types", i, "needs")), what, "break the circle")


def _days(catalogue: Catalogue, places: Documents) -> Iterator[Problem]:
    for i, calendar in enumerate(catalogue.calendars):
        for key in ("holidays", "workdays"):
            for j, text in enumerate(getattr(calendar, key)):
                where = places.where(("calendars", i, key, j))
                try:
                    day = dt.date.fromisoformat(text)
                except ValueError:
                    yield Problem(where, f"'{text}' is not a date", "write 2025-01-01 in quotes")
                    continue
                if day.year not in calendar.years:
                    yield Problem(where, f"{text} is not in the years of the calendar", "add the year")


def _honest(catalogue: Catalogue, data: Any, path: tuple[str | int, ...], places: Documents) -> Iterator[Problem]:
    """Values that call themselves sourced or measured, and name no document."""
    if isinstance(data, dict):
        kind = next((s.kind for s in catalogue.sources if s.id == data.get("source")), "document")
        if data.get("status") in {"sourced", "measured"} and kind != "document":
            what = f"the value is {data['status']}, but '{data['source']}' is no document"
            yield Problem(places.where((*path, "source")), what, "name the document, or call it assumed")
        for key, value in data.items():
            yield from _honest(catalogue, value, (*path, key), places)
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from _honest(catalogue, value, (*path, i), places)
