"""What a resident needs to know about a procedure: papers, office, time, money, each with its provenance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.services.burden import Burden, Travel, World
from megalopolis.services.calendar import WorkingDays
from megalopolis.services.compile import HOME, WORK, Compiled, Way, legal_days
from megalopolis.services.kernels import issuing_city
from megalopolis.services.models import Catalogue, EvidenceType, Provenance, PublicService, Value

_ORDER: Final = ("sourced", "measured", "estimated", "assumed")
#: Words of the view; names of places and papers are in the catalogue.
_WORDS: Final[dict[str, tuple[str, str]]] = {
    "title": ("Home {home}, living and working in {work}", "户籍地{home}，居住和工作地{work}"),
    "need": ("you need", "需要材料"),
    "shared": ("already shared", "已共享，无需提交"),
    "nothing": ("nothing", "无"),
    "papers": ("papers", "份"),
    "from": ("from", "由"),
    "file": ("file", "办理方式"),
    "at": ("at", "地点"),
    "away": (", {minutes:.0f} min away", "，单程{minutes:.0f}分钟"),
    "takes": (
        "{hours:.1f} h of your time, {visits:.0f} visits, {money:.0f} {currency}",
        "耗时{hours:.1f}小时，跑动{visits:.0f}次，费用{money:.0f} {currency}",
    ),
    "days": (
        "done in {days:.0f} working days; by law at most {legal:.0f}",
        "约{days:.0f}个工作日办结；法定时限{legal:.0f}个工作日",
    ),
    "by": (", by {date} if filed on {start}", "；{start}递交，最迟{date}办结"),
    "not": ("no such case: {why}", "不适用：{why}"),
    "assumed": ("assumed values: {share:.0%}", "假设数据占比：{share:.0%}"),
    "online_full": ("online", "全程网办"),
    "proxy_window": ("at a window where you live, for the other city", "代收代办窗口"),
    "joint": ("at a joint window where you live", "多地联办窗口"),
    "local_window": ("at the counter of the office in charge", "主管部门窗口"),
    "post": ("by post", "邮寄"),
}


@dataclass(frozen=True)
class Case:
    """What the view is made of: the catalogue, its arrays, and the burdens of all pairs."""

    catalogue: Catalogue
    compiled: Compiled
    world: World
    travel: Travel
    burden: Burden


def resident_view(
    case: Case, home: str, work: str, procedures: Sequence[str] = (), start: dt.date | None = None
) -> dict[str, Any]:
    """Describe what procedures ask of one resident.

    Parameters
    ----------
    case : Case
        Catalogue and burdens.
    home, work : str
        Ids of the city of the household register and of residence and work.
    procedures : sequence of str
        Codes, or labels in any language; default: all.
    start : date, optional
        Day of filing: adds the last day by law, in the calendar of the competent city.

    Returns
    -------
    dict
        ``home, work, currency, assumed_share, procedures``; of each procedure its documents (needed or shared, from
        where), channel, office, visits, hours, money, working days, days by law, with provenance. Labels are by
        language. A procedure that has no such case says why under ``absent``.

    Raises
    ------
    BadInput
        If a city or procedure is unknown, or the calendar does not know the year.
    """
    for city in (home, work):
        if city not in case.compiled.cities:
            todo = suggest(city, case.compiled.cities, "see the cities of the catalogue")
            raise BadInput(Problem("", f"the catalogue of services has no city '{city}'", todo))
    codes = case.compiled.procedures
    known = {name: p.code for p in case.catalogue.procedures for name in (*p.label.values(), p.code)}
    for code in procedures:
        if known.get(code) not in codes:
            raise BadInput(
                Problem(
                    "--procedure",
                    f"there is no procedure '{code}'",
                    suggest(code, codes, f"known are {', '.join(codes)}"),
                )
            )
    labels = {c.id: c.label for c in case.catalogue.cities}
    wanted = {known[name] for name in procedures}
    chosen = [p for p in codes if not wanted or p in wanted]
    found = [_procedure(case, codes.index(p), home, work, start) for p in chosen]
    return {
        "home": {"id": home, "label": labels[home]},
        "work": {"id": work, "label": labels[work]},
        "currency": case.catalogue.currency,
        "procedures": found,
    }


def _procedure(case: Case, p: int, home: str, work: str, start: dt.date | None) -> dict[str, Any]:
    c = case.compiled
    h, w = c.cities.index(home), c.cities.index(work)
    competent = w if c.competence[p] == WORK else h
    kind = next(x for x in case.catalogue.procedures if x.code == c.procedures[p])
    out: dict[str, Any] = {"code": kind.code, "label": kind.label, "life_event": kind.life_event}
    v, k = int(c.variant_of[p, competent]), int(case.burden.way[p, h, w])
    if v < 0 or (c.cross_only[p] and h == w):
        why = (
            {"en": "only between two cities", "zh": "仅适用于跨市"}
            if v >= 0
            else {"en": "not offered there", "zh": "当地不办理"}
        )
        return {**out, "absent": why}
    if k < 0:
        return {**out, "absent": {"en": "no office can be reached", "zh": "无法到达办理地点"}}
    variant = c.variants[v]
    way = variant.ways[k - int(c.ways[v])]
    service = variant.service
    documents = _documents(case, k, way, (h, w, competent))
    needed = [d for d in documents if not d["shared"]]
    evidence = {e.id: e for e in case.catalogue.evidence_types}
    papers: list[Provenance] = [evidence[d["evidence"]].obtain.minutes for d in needed]
    fees: list[Provenance] = [evidence[d["evidence"]].obtain.fee for d in needed]
    waits: list[Provenance] = [evidence[d["evidence"]].obtain.issuance_days for d in needed]
    stages: list[Provenance] = [s.days for s in service.stages]
    extra = [x for x in (way.channel.minutes, way.channel.fee, way.channel.extra_days) if x is not None]
    override = [] if variant.override is None else [variant.override]
    hours, money, count, visits, days = (float(x) for x in case.burden.values[:, p, h, w])
    promised = [service.promised_days] if service.promised_days is not None else stages
    lists: list[Provenance] = [*service.requirements, *override]
    return {
        **out,
        "service": service.label,
        "legal_resource": service.legal_resource,
        "channel": {"kind": way.channel.kind, **_known([way.channel])},
        "office": _office(case, service, way, competent, w),
        "documents": documents,
        "document_count": {"value": count, **_known(lists)},
        "visits": {"value": visits, **_known([way.channel, *papers])},
        "hours": {"value": hours, "unit": "h", **_known([service.form_minutes, *papers, *extra, _assumption()])},
        "money": {
            "value": money,
            "unit": case.catalogue.currency,
            **_known([service.fee, *fees, *extra, _assumption()]),
        },
        "days": {"value": days, "unit": "working days", **_known([*promised, *waits, *extra])},
        "legal_days": {"value": _legal(case, service), "unit": "working days", **_known(stages)},
        **({} if start is None else {"filed": start.isoformat(), "by_law": _deadline(case, service, competent, start)}),
    }


def _assumption() -> Provenance:
    """Parameters of trips: queue, counter, fares are assumed."""
    return Provenance(status="assumed", source="parameters")


def _known(values: Iterable[Provenance | Value]) -> dict[str, Any]:
    """Weakest status of what a figure is made of, and all its sources."""
    found = list(values)
    status = max((v.status for v in found), key=_ORDER.index, default="assumed")
    return {"status": status, "sources": sorted({v.source for v in found})}


def _documents(case: Case, k: int, way: Way, spot: tuple[int, int, int]) -> list[dict[str, Any]]:
    """Papers of a way in the order asked for: shared ones too, each with the city and office that issue it."""
    c = case.compiled
    home, work, competent = spot
    evidence = {e.id: e for e in case.catalogue.evidence_types}
    manual, out = 0, []
    first, last = int(c.way[k, 0]), int(c.way[k, 1])
    for j in range(first, last):
        e, papers, pair, direct, parents = (int(x) for x in c.entry[j])
        if not direct and not manual & parents:
            continue
        role = int(c.role[e])
        city = issuing_city(role, home, work, len(c.cities))
        shared = pair >= 0 and bool(case.world.live[pair, city, competent])
        manual |= 0 if shared else 1 << (j - first)
        kind = evidence[c.evidence[e]]
        out.append(
            {
                "evidence": kind.id,
                "label": kind.label,
                "papers": papers,
                "shared": shared,
                "issuer": _issuer(case, kind, role, city),
                "in_person": kind.obtain.in_person and not shared,
                "minutes": kind.obtain.minutes.model_dump(exclude_none=True),
                "fee": kind.obtain.fee.model_dump(exclude_none=True),
            }
        )
    return sorted(out, key=lambda d: list(way.papers).index(d["evidence"]) if d["evidence"] in way.papers else 99)


def _issuer(case: Case, kind: EvidenceType, role: int, city: int) -> dict[str, Any]:
    if kind.issuer_sector is None or role not in (HOME, WORK):
        return {"role": kind.issuer_role}
    office = case.catalogue.organisation(case.compiled.cities[city], kind.issuer_sector)
    return {"role": kind.issuer_role, **office.model_dump()}


def _office(case: Case, service: PublicService, way: Way, competent: int, work: int) -> dict[str, Any]:
    """The authority in charge, and the counter to go to: the nearest that takes the filing."""
    c = case.compiled
    charge = case.catalogue.organisation(c.cities[competent], service.authority).model_dump()
    place = {"local_window": competent, "proxy_window": work, "joint": work}.get(way.channel.kind)
    if place is None and way.channel.identity_in_person:
        place = competent
    if place is None:
        return {"authority": charge, "counter": None}
    counter = case.catalogue.organisation(c.cities[place], service.authority).model_dump()
    return {"authority": charge, "counter": {**counter, "minutes": float(case.travel.minutes[work, place])}}


def _calendar(case: Case, city: int) -> WorkingDays | None:
    wanted = next(x.calendar for x in case.catalogue.cities if x.id == case.compiled.cities[city])
    return next((WorkingDays.of(x) for x in case.catalogue.calendars if x.id == wanted), None)


def _legal(case: Case, service: PublicService) -> float:
    pace = WorkingDays.of(case.catalogue.calendars[0]).per_calendar_day() if case.catalogue.calendars else 1.0
    return legal_days(service, "value", pace)


def _deadline(case: Case, service: PublicService, city: int, start: dt.date) -> str:
    """Last day by law: every stage in its own basis, in the calendar of the competent city."""
    calendar = _calendar(case, city)
    if calendar is None:
        raise BadInput(Problem(case.catalogue.id, "has no calendar", "add one, or ask without a date"))
    done: dict[str, dt.date] = {}
    last: str | None = None
    for stage in service.stages:
        before = stage.after if stage.after is not None else (() if last is None else (last,))
        done[stage.id] = calendar.after(max((done[b] for b in before), default=start), stage.days.value, stage.basis)
        last = stage.id
    return max(done.values()).isoformat()


def render(view: dict[str, Any], language: str = "en") -> str:
    """Write a view as plain text, in English or, for ``zh``, Chinese.

    Parameters
    ----------
    view : dict
        See `resident_view`.
    language : str
        ``en`` or ``zh``.
    """
    zh = language == "zh"

    def word(key: str, **values: Any) -> str:
        return _WORDS[key][int(zh)].format(**values)

    def label(text: dict[str, str]) -> str:
        return text.get(language, text["en"])

    lines = [word("title", home=label(view["home"]["label"]), work=label(view["work"]["label"]))]
    stop, comma = ("：", "、") if zh else (": ", ", ")
    for one in view["procedures"]:
        lines += ["", label(one["label"])]
        if "absent" in one:
            lines.append("  " + word("not", why=label(one["absent"])))
            continue
        for key, shared in (("need", False), ("shared", True)):
            listed = [d for d in one["documents"] if d["shared"] == shared]
            names = comma.join(label(d["label"]) + (f" ×{d['papers']}" if d["papers"] > 1 else "") for d in listed)
            if listed or key == "need":
                lines.append(f"  {word(key)}{stop}{names or word('nothing')}")
        lines.append(f"  {word('file')}{stop}{word(one['channel']['kind'])}")
        office = one["office"]["counter"] or one["office"]["authority"]
        away = word("away", minutes=office["minutes"]) if "minutes" in office else ""
        lines.append(f"  {word('at')}{stop}{label(office['label'])}{away}")
        figures = {k: one[k]["value"] for k in ("hours", "visits", "money")}
        lines.append("  " + word("takes", **figures, currency=view["currency"]))
        deadline = word("by", date=one["by_law"], start=one["filed"]) if "by_law" in one else ""
        lines.append("  " + word("days", days=one["days"]["value"], legal=one["legal_days"]["value"]) + deadline)
    return "\n".join(lines)
