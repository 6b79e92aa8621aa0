"""Services: what paperwork costs, one resident's view, and which links first, as documents and as text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from megalopolis.evaluation.answers.document import Document, city
from megalopolis.evaluation.answers.plaintext import figure, place_name, table
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.evaluation.ledger import BASELINE, PLAN
from megalopolis.pillar import Progress, indicators, silent
from megalopolis.services import face
from megalopolis.services.quantity import reform, standard_cost
from megalopolis.services.resident import render
from megalopolis.units import MINUTES_PER_HOUR

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "procedure": ("procedure", "事项"),
    "cases": ("cases a year", "年办件量"),
    "hours": ("hours", "小时"),
    "range": ("range", "区间"),
    "documents": ("documents", "材料"),
    "visits": ("visits", "跑动"),
    "money": ("money", "费用"),
    "days": ("working days", "工作日"),
    "remote": ("without a trip", "零跑动"),
    "place": ("place", "地区"),
    "indicator": ("indicator", "指标"),
    "value": ("value", "数值"),
    "reference": ("reference", "参照"),
    "change": ("change", "变化"),
    "assumed": ("assumed values of the catalogue: {share:.0%}", "目录中假设数据占比：{share:.0%}"),
    "saves": ("the plan saves {total} h a year: {time} h by less time a case, {count} h by fewer cases",
              "规划每年节省{total}小时：单件耗时减少节省{time}小时，办件减少节省{count}小时"),
    "links_head": (
        "{count} cities, {paperwork} h of paperwork a year; everything would cost {full}",
        "{count}个城市，每年办事{paperwork}小时；全部建成需{full}",
    ),
    "year": ("year", "年份"),
    "spent": ("spent", "投入"),
    "saved": ("hours saved a year", "每年节省小时"),
    "bound": ("bound", "上界"),
    "gap": ("gap", "差距"),
    "first": ("first links and what each saves", "首批链接及其节省"),
    "parts": ("parts", "组成"),
    "adds": ("hours a year", "小时/年"),
    "papers": ("documents", "材料份数"),
    "trips": ("visits", "跑动次数"),
    "counts": ("{links} links and {recognitions} recognitions in all", "共{links}条链接、{recognitions}项异地收件"),
    "parameter": ("parameter, one at a time", "参数（逐一变动）"),
    "at_low": ("hours a year at its low", "低值时年小时"),
    "at_high": ("at its high", "高值时年小时"),
    "clock": ("stopped by the clock: not the same everywhere", "因时限中止：结果可能因机器而异"),
}  # fmt: skip
#: Parameters shown of the tornado.
_WIDEST: Final = 6
_KINDS: Final = ("documents", "visits", "hours", "money", "days")


def _word(key: str, language: str, **values: Any) -> str:
    return _WORDS[key][language == "zh"].format(**values)


def services_answer(evaluation: Evaluation) -> Document:
    """Burden of every procedure in the last state, indicators of all places, and what the plan saves.

    ``saving`` decomposes the hours by procedure: less time for the cases that remain, and fewer cases; the two add up.
    """
    result = evaluation.result("services")
    case, year = evaluation.last
    rows = evaluation.ledger
    own = set(result.indicators["indicator"])
    keep = (rows["case"] == case) & (rows["year"] == year) & rows["indicator"].isin(own)
    return {
        "procedures": result.tables["procedures"].to_dict("records"),
        "indicators": rows.loc[keep, ["place", "indicator", "value", "low", "high", "unit", "status"]].to_dict(
            "records"
        ),
        "saving": _saving(evaluation),
        "business": _business(evaluation),
        "tornado": _tornado(evaluation),
        "assumed": result.tables["assumed"].to_dict("records"),
    }


def _saving(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Hours a year that the plan saves by procedure, decomposed; empty without a plan."""
    if evaluation.plan is None:
        return []
    before, after = (
        evaluation.result("services", case, evaluation.year).tables["procedures"].set_index("procedure")
        for case in (BASELINE, PLAN)
    )
    rows = []
    for code in after.index:
        cases = (_number(before["cases"][code]), _number(after["cases"][code]))
        hours = tuple(_number(t["hours"][code]) for t in (before, after))
        found = reform(cases, (hours[0] * MINUTES_PER_HOUR, hours[1] * MINUTES_PER_HOUR))
        rows.append(
            {
                "procedure": code,
                "hours_by_time": found.by_time.amount,
                "hours_by_cases": found.by_cases.amount,
                "hours": found.total.amount,
            }
        )
    return rows


def _business(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Administrative burden of businesses by procedure: hours, and their cost where a tariff is stated."""
    own = evaluation.parameters.of_pillar("services")
    tariff, overhead = own["business_tariff"], own["business_overhead"]
    frame = evaluation.result("services").tables["procedures"]
    rows = []
    for r in frame[frame["life_event"] == "business"].to_dict("records"):
        cases, hours = _number(r["cases"]), _number(r["hours"])
        cost = standard_cost(hours, tariff, cases, 1.0, overhead).amount if tariff > 0 else None
        rows.append({"procedure": r["procedure"], "cases": cases, "hours": cases * hours, "cost": cost})
    return rows


def _tornado(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Hours a year at both ends of each parameter, the widest swing first."""
    ranges = {k.removeprefix("services."): v for k, v in evaluation.parameters.ranges.items()}
    return face.tornado(
        evaluation.state(),
        minutes=evaluation.travel_times,
        flows=evaluation.result("clusters").tables["flows"],
        parameters=evaluation.parameters.of_pillar("services"),
        ranges=ranges,
    )


def _number(value: Any) -> float:
    """A figure; 0 where there are no cases to take it of."""
    return 0.0 if pd.isna(value) else float(value)


def services_lines(evaluation: Evaluation, language: str) -> list[str]:
    """Procedures, then the region and its clusters, then what the plan saves."""
    result = evaluation.result("services")
    name = "name_local" if language == "zh" else "name"
    heads = ["procedure", "cases", "hours", "range", "documents", "visits", "money", "days", "remote"]
    rows = [
        [
            str(r[name]),
            figure(r["cases"]),
            f"{r['hours']:.2f}",
            f"{r['hours_low']:.2f}-{r['hours_high']:.2f}",
            f"{r['documents']:.2f}",
            f"{r['visits']:.2f}",
            figure(r["money"]),
            f"{r['days']:.1f}",
            f"{r['remote']:.0%}",
        ]
        for r in result.tables["procedures"].dropna(subset=["hours"]).to_dict("records")
    ]
    share = dict(result.tables["assumed"].itertuples(index=False, name=None))["all"]
    lines = [*table([_word(h, language) for h in heads], rows), "", *_places(evaluation, language), ""]
    saving = _saving(evaluation)
    if saving:
        total, time, count = (sum(r[k] for r in saving) for k in ("hours", "hours_by_time", "hours_by_cases"))
        lines.append(_word("saves", language, total=figure(total), time=figure(time), count=figure(count)))
    widest = _tornado(evaluation)[:_WIDEST]
    swings = [
        [r["parameter"], f"{r['low']:g}-{r['high']:g}", figure(r["hours_low"]), figure(r["hours_high"])] for r in widest
    ]
    lines += ["", *table([_word(k, language) for k in ("parameter", "range", "at_low", "at_high")], swings), ""]
    return [*lines, _word("assumed", language, share=share)]


def _places(evaluation: Evaluation, language: str) -> list[str]:
    """Indicators of the region and the planned clusters, with the change by the plan."""
    own = [n for n, e in indicators().items() if e.pillar == "services"]
    rows = evaluation.ledger[
        (evaluation.ledger["year"] == evaluation.year)
        & evaluation.ledger["indicator"].isin(own)
        & ~evaluation.ledger["place"].isin(evaluation.region.names.ids)
    ]
    wide = rows.pivot(index=["place", "indicator"], columns="case", values="value")
    found = []
    for place, indicator in wide.index:
        entry, value = indicators()[indicator], wide.loc[(place, indicator)]
        row = [
            place_name(evaluation.region, place, language),
            entry.label(language),
            figure(value[BASELINE], entry.unit),
        ]
        found.append([*row, f"{value[PLAN] - value[BASELINE]:+.3g}"] if PLAN in wide else row)
    heads = ["place", "indicator", "reference" if PLAN in wide else "value", *(["change"] if PLAN in wide else [])]
    return table([_word(h, language) for h in heads], found)


def resident_answer(
    evaluation: Evaluation, home: str, work: str, procedures: Sequence[str] = (), start: dt.date | None = None
) -> Document:
    """Procedures of one resident in the last state; see `megalopolis.services.resident.resident_view`.

    Parameters
    ----------
    evaluation : Evaluation
        With services.
    home, work : str
        City ids.
    procedures : sequence of str
        Codes or labels; default: all.
    start : date, optional
        Day of filing.
    """
    view = face.resident(
        evaluation.state(),
        minutes=evaluation.travel_times,
        parameters=evaluation.parameters.of_pillar("services"),
        home=home,
        work=work,
        procedures=procedures,
        start=start,
    )
    return {
        **view,
        "home": {**city(evaluation.region, home), **view["home"]},
        "work": {**city(evaluation.region, work), **view["work"]},
    }


def resident_lines(answer: Document, language: str) -> list[str]:
    """The view as text, with the assumed share."""
    return [*render(answer, language).split("\n"), "", _word("assumed", language, share=answer["assumed_share"])]


def links_answer(
    evaluation: Evaluation,
    cities: Sequence[str],
    years: Sequence[int],
    *,
    budget: float | None = None,
    share: float = 0.25,
    city_cap: float | None = None,
    progress: Progress = silent,
) -> Document:
    """Links to build first among some cities; see `megalopolis.services.ask.links`.

    Parameters
    ----------
    evaluation : Evaluation
        With services; its last state is what the links are added to.
    cities : sequence of str
        Ids.
    years : sequence of int
        Years in which money is spent, rising.
    budget : float, optional
        Currency for all years together, spread evenly; default: ``share`` of what everything costs.
    share, city_cap, progress
        See `megalopolis.services.ask.links`.
    """
    plan = face.links(
        evaluation.state(),
        minutes=evaluation.travel_times,
        flows=evaluation.result("clusters").tables["flows"],
        parameters=evaluation.parameters.of_pillar("services"),
        cities=cities,
        years=years,
        budgets=None if budget is None else [budget / len(years)] * len(years),
        budget_share=share,
        city_cap=city_cap,
        progress=progress,
    )
    return {**plan, "region": {"name": evaluation.region.name, "hash": evaluation.region.hash}}


def links_lines(answer: Document, evaluation: Evaluation, language: str) -> list[str]:
    """Phases with saving, bound and gap; the first links and what each saves."""
    unit = answer["currency"]
    lines = [
        _word(
            "links_head", language, count=len(answer["cities"]), paperwork=figure(answer["baseline_hours"]),
            full=figure(answer["full_cost"], unit),
        ),
        "",
    ]  # fmt: skip
    rows = [
        [
            str(p["year"]),
            figure(p["cost"], unit),
            figure(p["saving_hours"]),
            figure(p["bound_hours"]),
            f"{p['gap']:.2%}",
        ]
        for p in answer["phases"]
    ]
    lines += [*table([_word(k, language) for k in ("year", "spent", "saved", "bound", "gap")], rows), ""]
    names = PartNames(evaluation, language)
    rows = [
        [
            names.parts(f["parts"]),
            figure(f["cost"], unit),
            figure(f["adds_hours"]),
            figure(f["documents_removed"]),
            figure(f["visits_removed"]),
        ]
        for f in answer["first"]
    ]
    lines += [
        _word("first", language),
        "",
        *table([_word(k, language) for k in ("parts", "spent", "adds", "papers", "trips")], rows),
    ]
    lines += ["", _word("counts", language, links=len(answer["links"]), recognitions=len(answer["recognitions"]))]
    if any(p["stopped_by_clock"] for p in answer["phases"]):
        lines.append(_word("clock", language))
    return [*lines, _word("assumed", language, share=answer["catalogue"]["assumed_share"])]


class PartNames:
    """Parts of links in words: labels of the catalogue's evidence types and sectors, names of cities.

    Parameters
    ----------
    evaluation : Evaluation
        With services.
    language : {"en", "zh"}
        Language of the words.
    """

    def __init__(self, evaluation: Evaluation, language: str) -> None:
        catalogue = face.catalogue_of(evaluation.state())
        labels = {}
        if catalogue is not None:
            labels = {e.id: e.label for e in catalogue.evidence_types} | {s.id: s.label for s in catalogue.sectors}
        self._label = {id_: label.get(language, label["en"]) for id_, label in labels.items()}
        self._region, self._language = evaluation.region, language

    def parts(self, ids: Sequence[str]) -> str:
        """Parts of a bundle in words, those of one kind and thing together."""
        groups: dict[tuple[str, str], list[str]] = {}
        for part in ids:
            kind, what, where = part.split(":", 2)
            groups.setdefault((kind, what), []).append(place_name(self._region, where, self._language))
        zh = self._language == "zh"
        said = []
        for (kind, what), places in groups.items():
            where, label = ("、" if zh else ", ").join(places), self._label.get(what, what)
            if kind == "agreement":
                said.append(f"{label}—{where}协议" if zh else f"agreement {label} - {where}")
            elif kind == "recognition":
                said.append(f"{where}{label}异地收件" if zh else f"filings elsewhere at {label}, {where}")
            else:
                said.append(f"{where}{label}" if zh else f"{label}, {where}")
        return ("；" if zh else "; ").join(said)
