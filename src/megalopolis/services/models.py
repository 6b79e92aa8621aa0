"""The catalogue's classes, in the terms of CPSV-AP 3.2 (services) and CCCEV 2.1 (evidence).

Every figure is a `Value` with its provenance. Labels are by language. Types stand once; what a city does differently
stands with the city. The models know nothing of how a burden is computed: a running hub reads the same catalogue.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

SCHEMA_VERSION: Final = 1

Status = Literal["sourced", "measured", "estimated", "assumed"]
Competence = Literal["home", "work", "birthplace", "asset", "any"]
IssuerRole = Literal["home", "work", "birthplace", "employer", "self", "national"]
ChannelKind = Literal["online_full", "proxy_window", "joint", "local_window", "post"]
Basis = Literal["working", "calendar"]
LinkStatus = Literal["none", "agreed", "live"]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$")]
Text = dict[str, str]


def _day(value: Any) -> Any:
    return None if value is None else str(value)


Date = Annotated[str | None, BeforeValidator(_day), Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")]


class Model(BaseModel):
    """Base: no unknown fields, no change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Provenance(Model):
    """How a value is known, from which source, of which date."""

    status: Status
    source: Identifier
    date: Date = None


class Value(Provenance):
    """A figure, its range, and where it comes from. The field that holds it names the unit."""

    value: float = Field(ge=0, allow_inf_nan=False)
    low: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    high: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.at("low") <= self.value <= self.at("high"):
            raise ValueError(f"low, value and high are not in order: {self.low}, {self.value}, {self.high}")
        return self

    def at(self, end: Literal["low", "value", "high"]) -> float:
        """Return one end of the range; without one, the value."""
        found = getattr(self, end)
        return self.value if found is None else float(found)


class Source(Model):
    """A document that values are taken from. ``kind`` assumption marks our own judgement."""

    id: Identifier
    title: str = Field(min_length=1)
    publisher: str = ""
    date: Date = None
    kind: Literal["document", "memory", "assumption"] = "document"


class Sector(Model):
    """A branch of administration: with a city it makes a public organisation (cv:PublicOrganisation)."""

    id: Identifier
    label: Text


class PublicOrganisation(Model):
    """An authority (cv:PublicOrganisation)."""

    identifier: str
    label: Text
    city: str
    sector: str


class Obtain(Model):
    """What it takes to get an evidence on paper: minutes, a visit or none, currency, days to issuance."""

    minutes: Value
    fee: Value
    issuance_days: Value
    in_person: bool = False
    basis: Basis = "working"


class EvidenceType(Provenance):
    """A kind of document or record (cccev:EvidenceType). ``needs`` are evidence types asked for to issue it."""

    id: Identifier
    label: Text
    issuer_role: IssuerRole
    issuer_sector: Identifier | None = None
    obtain: Obtain
    validity_days: Value | None = None
    needs: tuple[Identifier, ...] = ()
    linkable: bool = True


class ListItem(Model):
    """An evidence type of a list, and how many papers it counts for."""

    evidence: Identifier
    papers: int = Field(default=1, ge=1)


def _item(value: Any) -> Any:
    return {"evidence": value} if isinstance(value, str) else value


Item = Annotated[ListItem, BeforeValidator(_item)]
#: cccev:EvidenceTypeList: all of it is needed.
EvidenceTypeList = tuple[Item, ...]


class Requirement(Provenance):
    """What must be shown (cccev:Requirement): any one of the lists satisfies it."""

    id: Identifier
    label: Text
    type: Literal["criterion", "information", "constraint"] = "criterion"
    lists: tuple[EvidenceTypeList, ...]
    applies_if: Text | None = None
    standard: bool = True


class Channel(Provenance):
    """A way to file (cv:Channel), with what is particular to it."""

    kind: ChannelKind
    visits: int = Field(default=0, ge=0)
    identity_in_person: bool = False
    needs_recognition: bool = False
    minutes: Value | None = None
    fee: Value | None = None
    extra_days: Value | None = None
    drops: tuple[Identifier, ...] = ()


class Stage(Model):
    """A step of the handling: who, and how long by law. Without ``after`` it follows the stage before it."""

    id: Identifier
    sector: Identifier
    days: Value
    basis: Basis = "working"
    after: tuple[Identifier, ...] | None = None


class ProcedureType(Model):
    """A procedure as residents know it: life event, who is competent, how many cases a year per 1,000 residents."""

    code: Identifier
    label: Text
    life_event: Identifier
    competence: Competence
    applies: Literal["all", "cross_city"] = "all"
    cases_per_1000: Value


class FormField(Model):
    """One field of a form, a subset of JSON Schema."""

    type: Literal["string", "number", "integer", "boolean"] = "string"
    title: Text
    enum: tuple[str, ...] | None = None


class FormSchema(Model):
    """The form of a service: the subset of JSON Schema that a form needs."""

    properties: dict[str, FormField]
    required: tuple[str, ...] = ()


class PublicService(Provenance):
    """A service of an authority (cpsv:PublicService)."""

    id: Identifier
    procedure: Identifier
    label: Text
    authority: Identifier
    legal_resource: str = ""
    requirements: tuple[Requirement, ...]
    channels: tuple[Channel, ...] = Field(min_length=1)
    form_minutes: Value
    fee: Value
    stages: tuple[Stage, ...] = Field(min_length=1)
    promised_days: Value | None = None
    promised_basis: Basis = "working"
    output: Text
    form: FormSchema | None = None
    valid_from: Date = None
    valid_to: Date = None
    version: int = Field(default=1, ge=1)


class ServiceOverride(Provenance):
    """What one city does differently for one service."""

    service: Identifier
    waives: tuple[Identifier, ...] = ()
    adds_channels: tuple[Channel, ...] = ()
    drops_channels: tuple[ChannelKind, ...] = ()
    fee: Value | None = None
    promised_days: Value | None = None
    not_offered: bool = False


class City(Model):
    """A city of the catalogue: ``id`` as in the region, the province that signs its agreements, its differences."""

    id: Identifier
    label: Text
    province: str
    calendar: Identifier = "default"
    overrides: tuple[ServiceOverride, ...] = ()


class Calendar(Provenance):
    """Days off on weekdays and working weekends of the years given; other years are unknown."""

    id: Identifier
    years: tuple[int, ...]
    holidays: tuple[str, ...]
    workdays: tuple[str, ...] = ()


class EvidenceLink(Provenance):
    """An evidence type that a city issues reaches a sector of another without paper.

    ``*`` is any city, ``same`` the issuing one.
    """

    evidence: Identifier
    issuing_city: str
    consuming_sector: Identifier
    consuming_city: str
    state: LinkStatus
    legal_basis: str = ""


class Recognition(Provenance):
    """A sector of a city takes a filing made elsewhere. ``*`` is any city."""

    sector: Identifier
    city: str
    waives: Literal["physical_filing", "original_document"] = "physical_filing"
    state: LinkStatus


class LinkCost(Model):
    """What the parts of a link cost: to build, and to run for a year. Currency of the catalogue."""

    part: Literal["issuer", "consumer", "agreement", "recognition"]
    build: Value
    yearly: Value


class Demand(Model):
    """Observed cases a year of one procedure between two cities; they replace the rate."""

    procedure: Identifier
    home_city: str
    work_city: str
    cases: Value


class Catalogue(Model):
    """A whole catalogue."""

    schema_version: int = Field(ge=1)
    id: Identifier
    title: Text
    currency: str
    sources: tuple[Source, ...]
    sectors: tuple[Sector, ...]
    evidence_types: tuple[EvidenceType, ...]
    procedures: tuple[ProcedureType, ...]
    services: tuple[PublicService, ...]
    cities: tuple[City, ...]
    calendars: tuple[Calendar, ...] = ()
    links: tuple[EvidenceLink, ...] = ()
    recognitions: tuple[Recognition, ...] = ()
    link_costs: tuple[LinkCost, ...] = ()
    demands: tuple[Demand, ...] = ()

    @cached_property
    def assumed(self) -> float:
        """Share of the values that are assumed."""
        return assumed_share(self)

    def organisation(self, city: str, sector: str) -> PublicOrganisation:
        """Return the authority of a sector in a city; its identifier is ``city:sector``."""
        town = next(c for c in self.cities if c.id == city)
        branch = next(s for s in self.sectors if s.id == sector)
        label = {"en": f"{town.label['en']} {branch.label['en']}"}
        if "zh" in town.label and "zh" in branch.label:
            label["zh"] = f"{town.label['zh']}{branch.label['zh']}"
        return PublicOrganisation(identifier=f"{city}:{sector}", label=label, city=city, sector=sector)


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
