"""A plan: an ordered list of measures, read from YAML, with the line of each for messages."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.plan.measures import AnyMeasure, Measure
from megalopolis.region.documents import Document, read_yaml

_MEASURE: TypeAdapter[AnyMeasure] = TypeAdapter(AnyMeasure)
_KINDS = tuple(str(get_args(m.model_fields["kind"].annotation)[0]) for m in get_args(get_args(AnyMeasure)[0]))
MAX_MEASURES = 10_000


class _Head(BaseModel):
    """Everything of a plan file but its measures."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=200)
    names: dict[str, str] = Field(default_factory=dict)
    region: str | None = None
    years: tuple[int, ...] = Field(default=(), max_length=100)
    description: str = ""
    descriptions: dict[str, str] = Field(default_factory=dict)
    extends: str | None = None
    measures: list[Any] = Field(default_factory=list, max_length=MAX_MEASURES)

    @field_validator("years")
    @classmethod
    def _rise(cls, years: tuple[int, ...]) -> tuple[int, ...]:
        if list(years) != sorted(set(years)) or any(not 1800 <= y <= 2200 for y in years):
            raise ValueError("must rise, between 1800 and 2200")
        return years


@dataclass(frozen=True)
class Plan:
    """Measures in the order in which they are applied.

    Attributes
    ----------
    name : str
        Name shown in reports.
    years : tuple of int
        Years to evaluate, rising.
    measures : tuple of Measure
        The measures, those of an extended plan first.
    names : dict of str to str
        Language to name.
    description : str
        What the plan is for.
    descriptions : dict of str to str
        Language to description.
    where : tuple of str
        ``file:line`` of each measure; not part of the plan's hash.
    """

    name: str
    years: tuple[int, ...]
    measures: tuple[Measure, ...]
    names: dict[str, str] = field(default_factory=dict)
    description: str = ""
    where: tuple[str, ...] = field(default=(), compare=False)
    descriptions: dict[str, str] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """Content hash: name, years and measures, however the file is laid out."""
        content = {
            "name": self.name,
            "years": self.years,
            "measures": [m.model_dump(mode="json", by_alias=True) for m in self.measures],
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def document(self) -> dict[str, Any]:
        """Return the plan as the mapping that a plan file holds."""
        measures = [m.model_dump(mode="json", by_alias=True, exclude_none=True) for m in self.measures]
        head: dict[str, Any] = {"name": self.name, "names": self.names}
        head |= {"description": self.description} if self.description else {}
        head |= {"descriptions": self.descriptions} if self.descriptions else {}
        return head | {"years": list(self.years), "measures": measures}

    def last_year(self, default: int) -> int:
        """Return the last year of the plan, or a default where it names none."""
        return self.years[-1] if self.years else default


def plan_path(name: str) -> Path:
    """Find a plan: a bundled name such as ``china/2035``, or a file.

    Raises
    ------
    BadInput
        If there is neither.
    """
    path = Path(name)
    try:
        if path.suffix.lower() in {".yaml", ".yml"} or path.is_file():
            return path
    except OSError as error:  # a name too long for a path
        what = error.strerror or "cannot be read"
        raise BadInput(Problem("", f"the plan '{name[:60]}' cannot be opened: {what}", "check the path")) from error
    region, _, plan = name.partition("/")
    bundled = bundled_plans()
    if name in bundled:
        return Path(str(files("megalopolis.region"))) / "packs" / region / "plans" / f"{plan}.yaml"
    raise BadInput(Problem("", f"there is no plan '{name}'", suggest(name, bundled, f"bundled: {', '.join(bundled)}")))


def bundled_plans() -> list[str]:
    """Names of the plans that come with the bundled regions."""
    packs = Path(str(files("megalopolis.region"))) / "packs"
    return sorted(f"{p.parent.parent.name}/{p.stem}" for p in packs.glob("*/plans/*.yaml"))


def load_plan(name: str | Path) -> Plan:
    """Read a plan by bundled name or path.

    Raises
    ------
    BadInput
        If it cannot be read or any measure is not valid; every problem with its line.
    """
    return _load(plan_path(str(name)), ())


def parse_plan(document: Document) -> Plan:
    """Read a plan from a document that is no file: data only, so that it cannot extend another plan.

    Raises
    ------
    BadInput
        If the plan or any of its measures is not valid; every problem with its place.
    """
    try:
        head = _Head.model_validate(document.data)
    except ValidationError as error:
        raise BadInput(document.problems(error)) from error
    if head.extends:
        todo = "give all its measures"
        raise BadInput(Problem(document.where(("extends",)), "a plan sent here cannot extend another", todo))
    measures, where = _measures(document, head.measures)
    _refuse_twins(measures, where, set())
    return Plan(head.name, head.years, measures, head.names, head.description, where, head.descriptions)


def _refuse_twins(measures: tuple[Measure, ...], where: tuple[str, ...], known: set[str]) -> None:
    """Refuse two measures of one id."""
    for measure, place in zip(measures, where, strict=True):
        if measure.id in known:
            raise BadInput(Problem(place, f"another measure is called '{measure.name}'", "rename one of them"))
        known.add(measure.id)


def _beside(path: Path, name: str) -> Path:
    """Find the plan that another one extends: a file beside it, else as `plan_path`."""
    try:
        if (path.parent / name).is_file():
            return path.parent / name
    except (OSError, ValueError):  # no name of a file
        pass
    return plan_path(name)


def _load(path: Path, inside: tuple[Path, ...]) -> Plan:
    document = read_yaml(path)
    if path in inside or len(inside) > 5:
        raise BadInput(Problem(document.where(("extends",)), "the plan extends itself", "remove extends"))
    try:
        head = _Head.model_validate(document.data)
    except ValidationError as error:
        raise BadInput(document.problems(error)) from error
    base = _load(_beside(path, head.extends), (*inside, path)) if head.extends else None
    measures, where = _measures(document, head.measures)
    _refuse_twins(measures, where, {m.id for m in (base.measures if base else ())})
    return Plan(
        name=head.name,
        years=head.years or (base.years if base else ()),
        measures=(*(base.measures if base else ()), *measures),
        names=head.names,
        description=head.description,
        where=(*(base.where if base else ()), *where),
        descriptions=head.descriptions,
    )


def _measures(document: Document, raw: list[Any]) -> tuple[tuple[Measure, ...], tuple[str, ...]]:
    measures, where, problems = [], [], []
    for position, item in enumerate(raw):
        try:
            measures.append(_MEASURE.validate_python(item))
        except ValidationError as error:
            problems += _of_one_kind(document, error, position)
        where.append(document.where(("measures", position)))
    if problems:
        raise BadInput(problems)
    return tuple(measures), tuple(where)


def _of_one_kind(document: Document, error: ValidationError, position: int) -> list[Problem]:
    """Problems of one measure, which the union of kinds tags with its kind."""
    if any(e["type"] in {"union_tag_invalid", "union_tag_not_found"} for e in error.errors()):
        where = document.where(("measures", position, "kind"))
        return [Problem(where, "is not a kind of measure", f"kinds: {', '.join(_KINDS)}")]
    return document.problems(error, ("measures", position), tagged=True)
