"""From a catalogue to arrays: every way to satisfy a service, for the kernels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from megalopolis.errors import BadInput, Problem
from megalopolis.services.calendar import WorkingDays
from megalopolis.services.models import Catalogue, Channel, EvidenceType, Obtain, PublicService, ServiceOverride, Value

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
End = Literal["low", "value", "high"]

HOME: Final = 0
WORK: Final = 1
NATIONAL: Final = 2
NOBODY: Final = 3
#: Where a filing is physical: nowhere, at the competent city, at the city of residence.
NOWHERE: Final = 0
COMPETENT: Final = 1
RESIDENCE: Final = 2
_ROLES: Final = {
    "home": HOME,
    "birthplace": HOME,
    "work": WORK,
    "national": NATIONAL,
    "employer": NOBODY,
    "self": NOBODY,
}
_PLACES: Final = {"online_full": NOWHERE, "post": NOWHERE, "local_window": COMPETENT}
MAX_WAYS: Final = 4096
_MAX_ENTRIES: Final = 60


@dataclass(frozen=True)
class Way:
    """One way to satisfy a service: a channel and one list for each requirement.

    Attributes
    ----------
    channel : Channel
        The channel.
    lists : dict of str to int
        Requirement to the position of its list.
    papers : dict of str to int
        Evidence type asked for to its papers.
    """

    channel: Channel
    lists: Mapping[str, int]
    papers: Mapping[str, int]


@dataclass(frozen=True)
class Variant:
    """A service as one or more cities offer it."""

    service: PublicService
    override: ServiceOverride | None
    ways: tuple[Way, ...]


@dataclass(frozen=True)
class Compiled:
    """A catalogue as arrays; positions of cities are those of ``cities``.

    Attributes
    ----------
    cities, procedures, evidence, sectors, provinces : tuple of str
        Ids in order.
    variants : tuple of Variant
        What the positions in ``variant_of`` mean.
    variant_of : ndarray, shape (procedures, cities)
        Variant of the competent city; -1 where it does not offer the procedure.
    competence : ndarray, shape (procedures,)
        `HOME` or `WORK`.
    cross_only : ndarray of bool, shape (procedures,)
        Whether only residents from elsewhere have cases.
    cases_per_1000 : ndarray, shape (procedures,)
        Cases a year per 1,000 residents.
    ways : ndarray, shape (variants + 1,)
        First way of each variant.
    way : ndarray, shape (ways, 5)
        First entry, last entry + 1, place of filing, visits, needs recognition.
    way_amount : ndarray, shape (ways, 3)
        Form minutes; fee, currency; working days of handling.
    entry : ndarray, shape (entries, 5)
        Evidence type, papers, link pair (-1: cannot be linked), asked for directly, bits of the entries that need it.
    pairs : tuple of (int, int)
        Evidence type and consuming sector of each link pair.
    role, in_person : ndarray, shape (evidence,)
        Who issues; whether on paper it takes a visit.
    amount : ndarray, shape (evidence, 3)
        Minutes, fee, working days of issuance.
    province_of : ndarray, shape (cities,)
        Position of the city's province.
    sector_of : ndarray, shape (variants,)
        Sector that handles it.
    """

    cities: tuple[str, ...]
    procedures: tuple[str, ...]
    evidence: tuple[str, ...]
    sectors: tuple[str, ...]
    provinces: tuple[str, ...]
    variants: tuple[Variant, ...]
    variant_of: Ints
    competence: Ints
    cross_only: npt.NDArray[np.bool_]
    cases_per_1000: Floats
    ways: Ints
    way: Ints
    way_amount: Floats
    entry: Ints
    pairs: tuple[tuple[int, int], ...]
    role: Ints
    in_person: Ints
    amount: Floats
    province_of: Ints
    sector_of: Ints


def compile_catalogue(catalogue: Catalogue, cities: Sequence[str] | None = None, end: End = "value") -> Compiled:
    """Turn a catalogue into arrays.

    Parameters
    ----------
    catalogue : Catalogue
        Checked.
    cities : sequence of str, optional
        Ids, in the order wanted; default: all of the catalogue.
    end : {"value", "low", "high"}
        Which end of every range to take.

    Returns
    -------
    Compiled
        The arrays.

    Raises
    ------
    BadInput
        If a city is not in the catalogue, or a service has more than `MAX_WAYS` ways.
    """
    by_id = {c.id: c for c in catalogue.cities}
    chosen = tuple(by_id) if cities is None else tuple(cities)
    missing = [c for c in chosen if c not in by_id]
    if missing:
        raise BadInput(Problem(catalogue.id, f"the city '{missing[0]}' is not in the catalogue", "add it to cities"))
    services = {s.procedure: s for s in catalogue.services}
    procedures = [p for p in catalogue.procedures if p.code in services]
    evidence = {e.id: e for e in catalogue.evidence_types}
    variants, variant_of = _variants(catalogue, [services[p.code] for p in procedures], chosen)
    provinces = tuple(dict.fromkeys(by_id[c].province for c in chosen))
    sectors = tuple(s.id for s in catalogue.sectors)
    pace = WorkingDays.of(catalogue.calendars[0]).per_calendar_day() if catalogue.calendars else 1.0
    packed = _pack(variants, evidence, sectors, end, pace)
    return Compiled(
        cities=chosen,
        procedures=tuple(p.code for p in procedures),
        evidence=tuple(evidence),
        sectors=sectors,
        provinces=provinces,
        variants=variants,
        variant_of=variant_of,
        competence=np.array([WORK if p.competence in ("work", "any") else HOME for p in procedures], dtype=np.int64),
        cross_only=np.array([p.applies == "cross_city" for p in procedures]),
        cases_per_1000=np.array([p.cases_per_1000.at(end) for p in procedures]),
        ways=packed.ways,
        way=packed.way,
        way_amount=packed.amount,
        entry=packed.entry,
        pairs=packed.pairs,
        role=np.array([_ROLES[e.issuer_role] for e in evidence.values()], dtype=np.int64),
        in_person=np.array([int(e.obtain.in_person) for e in evidence.values()]),
        amount=_amounts([e.obtain for e in evidence.values()], end, pace),
        province_of=np.array([provinces.index(by_id[c].province) for c in chosen], dtype=np.int64),
        sector_of=np.array([sectors.index(v.service.authority) for v in variants], dtype=np.int64),
    )


def _amounts(obtain: Sequence[Obtain], end: End, pace: float) -> Floats:
    """Minutes, fee and working days of issuance of evidence types, shape (evidence, 3)."""
    rows = [[o.minutes.at(end), o.fee.at(end), _working(o.issuance_days, o.basis, end, pace)] for o in obtain]
    return np.array(rows).reshape(-1, 3)


def _working(days: Value, basis: str, end: End, pace: float) -> float:
    return days.at(end) * (pace if basis == "calendar" else 1.0)


def _variants(
    catalogue: Catalogue, services: Sequence[PublicService], cities: Sequence[str]
) -> tuple[tuple[Variant, ...], Ints]:
    overrides = {(c.id, o.service): o for c in catalogue.cities for o in c.overrides}
    found: list[Variant] = []
    number: dict[tuple[str, str], int] = {}
    variant_of = np.full((len(services), len(cities)), -1, dtype=np.int64)
    for p, service in enumerate(services):
        for c, city in enumerate(cities):
            override = overrides.get((city, service.id))
            if override is not None and override.not_offered:
                continue
            key = (service.id, "" if override is None else override.model_dump_json())
            if key not in number:
                number[key] = len(found)
                found.append(Variant(service, override, tuple(_ways(service, override))))
            variant_of[p, c] = number[key]
    return tuple(found), variant_of


def _ways(service: PublicService, override: ServiceOverride | None) -> Iterator[Way]:
    """Every channel with every choice of lists, without those that ask for more than another of the same channel."""
    channels = [*service.channels]
    waived: set[str] = set()
    if override is not None:
        channels = [c for c in channels if c.kind not in override.drops_channels] + list(override.adds_channels)
        waived = set(override.waives)
    if not channels:
        raise BadInput(Problem(service.id, "is left without a channel by an override", "keep one"))
    for channel in channels:
        asked = [r for r in service.requirements if r.standard and r.id not in waived | set(channel.drops)]
        count = int(np.prod([len(r.lists) for r in asked], dtype=object))
        if count > MAX_WAYS:
            raise BadInput(
                Problem(service.id, f"can be satisfied in {count:,} ways", f"at most {MAX_WAYS:,} are weighed")
            )
        ways: list[Way] = []
        for choice in product(*(range(len(r.lists)) for r in asked)):
            papers: dict[str, int] = {}
            for requirement, k in zip(asked, choice, strict=True):
                for item in requirement.lists[k]:
                    papers[item.evidence] = max(item.papers, papers.get(item.evidence, 0))
            ways.append(Way(channel, {r.id: k for r, k in zip(asked, choice, strict=True)}, papers))
        yield from (
            w for i, w in enumerate(ways) if not any(_beats(o, w, tie=j < i) for j, o in enumerate(ways) if j != i)
        )


def _beats(one: Way, other: Way, *, tie: bool) -> bool:
    less = all(n <= other.papers.get(e, 0) for e, n in one.papers.items())
    return less and (one.papers != other.papers or tie)


@dataclass(frozen=True)
class _Packed:
    ways: Ints
    way: Ints
    amount: Floats
    entry: Ints
    pairs: tuple[tuple[int, int], ...]


def _pack(
    variants: Sequence[Variant], evidence: Mapping[str, EvidenceType], sectors: Sequence[str], end: End, pace: float
) -> _Packed:
    number = {id_: i for i, id_ in enumerate(evidence)}
    pairs: dict[tuple[int, int], int] = {}
    ways: list[int] = [0]
    way: list[list[int]] = []
    amount: list[list[float]] = []
    entry: list[list[int]] = []
    for variant in variants:
        sector = sectors.index(variant.service.authority)
        for one in variant.ways:
            first = len(entry)
            for id_, papers, direct, parents in _entries(one, evidence):
                linkable = evidence[id_].linkable and _ROLES[evidence[id_].issuer_role] != NOBODY
                pair = pairs.setdefault((number[id_], sector), len(pairs)) if linkable else -1
                entry.append([number[id_], papers, pair, int(direct), parents])
            place = _PLACES.get(one.channel.kind, RESIDENCE)
            visits = max(one.channel.visits, int(place != NOWHERE or one.channel.identity_in_person))
            if place == NOWHERE and visits:
                place = COMPETENT
            way.append([first, len(entry), place, visits, int(one.channel.needs_recognition)])
            amount.append(_way_amount(variant, one.channel, end, pace))
        ways.append(len(way))
    return _Packed(
        np.array(ways, dtype=np.int64),
        np.array(way, dtype=np.int64).reshape(-1, 5),
        np.array(amount, dtype=np.float64).reshape(-1, 3),
        np.array(entry, dtype=np.int64).reshape(-1, 5),
        tuple(pairs),
    )


def _entries(way: Way, evidence: Mapping[str, EvidenceType]) -> list[tuple[str, int, bool, int]]:
    """Evidence of a way and what its issuing asks for, each before what it needs; with the bits of who needs it."""
    order: list[str] = []

    def visit(id_: str) -> None:
        if id_ not in order:
            for needed in evidence[id_].needs:
                visit(needed)
            order.append(id_)

    for id_ in way.papers:
        visit(id_)
    order.reverse()
    if len(order) > _MAX_ENTRIES:
        raise BadInput(Problem("", f"a service asks for {len(order)} evidence types", f"at most {_MAX_ENTRIES}"))
    parents = dict.fromkeys(order, 0)
    for i, id_ in enumerate(order):
        for needed in evidence[id_].needs:
            parents[needed] |= 1 << i
    return [(id_, way.papers.get(id_, 1), id_ in way.papers, parents[id_]) for id_ in order]


def _way_amount(variant: Variant, channel: Channel, end: End, pace: float) -> list[float]:
    service, override = variant.service, variant.override
    fee = service.fee if override is None or override.fee is None else override.fee
    promised = service.promised_days if override is None or override.promised_days is None else override.promised_days
    if promised is not None:
        days = _working(promised, service.promised_basis, end, pace)
    else:
        days = legal_days(service, end, pace)
    minutes = service.form_minutes.at(end) + (channel.minutes.at(end) if channel.minutes else 0.0)
    money = fee.at(end) + (channel.fee.at(end) if channel.fee else 0.0)
    return [minutes, money, days + (channel.extra_days.at(end) if channel.extra_days else 0.0)]


def legal_days(service: PublicService, end: End = "value", pace: float = 1.0) -> float:
    """Longest path through the stages, working days; calendar days count ``pace`` each (Kelley and Walker 1959)."""
    done: dict[str, float] = {}
    last = None
    for stage in service.stages:
        before = stage.after if stage.after is not None else (() if last is None else (last,))
        start = max((done[b] for b in before), default=0.0)
        done[stage.id] = start + _working(stage.days, stage.basis, end, pace)
        last = stage.id
    return max(done.values())
