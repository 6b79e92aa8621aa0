"""Services: what paperwork costs, one resident's view, and which links first, as documents and as text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from megalopolis.evaluation.answers.document import Document, city
from megalopolis.evaluation.answers.plaintext import Teller
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.evaluation.ledger import BASELINE, PLAN
from megalopolis.evaluation.words import Words
from megalopolis.pillar import Progress, indicators, silent
from megalopolis.services import face
from megalopolis.services.quantity import reform, standard_cost
from megalopolis.services.resident import render
from megalopolis.units import MINUTES_PER_HOUR

#: Parameters shown of the tornado.
_WIDEST: Final = 6
_KINDS: Final = ("documents", "visits", "hours", "money", "days")


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
    tell, result = Teller(evaluation.region, language), evaluation.result("services")
    words = tell.words
    name = "name_local" if language == "zh" else "name"
    heads = tell.heads("paperwork_procedure", "paper_cases", "paper_hours", "text_range", "paper_documents")
    heads += tell.heads("paper_visits", "paper_money", "paper_days", "paper_remote")
    rows = [
        [
            str(r[name]),
            tell.figure(r["cases"]),
            f"{r['hours']:.2f}",
            f"{r['hours_low']:.2f}-{r['hours_high']:.2f}",
            f"{r['documents']:.2f}",
            f"{r['visits']:.2f}",
            tell.figure(r["money"]),
            f"{r['days']:.1f}",
            tell.share(r["remote"]),
        ]
        for r in result.tables["procedures"].dropna(subset=["hours"]).to_dict("records")
    ]
    lines = [*tell.table(heads, rows), "", *_places(evaluation, tell), ""]
    saving = _saving(evaluation)
    if saving:
        kinds = {"total": "hours", "time": "hours_by_time", "count": "hours_by_cases"}
        lines.append(words("paper_saves", **{k: tell.figure(sum(r[c] for r in saving)) for k, c in kinds.items()}))
    swings = [
        [r["parameter"], f"{r['low']:g}-{r['high']:g}", tell.figure(r["hours_low"]), tell.figure(r["hours_high"])]
        for r in _tornado(evaluation)[:_WIDEST]
    ]
    heads = tell.heads("paper_parameter", "text_range", "paper_at_low", "paper_at_high")
    assumed = dict(result.tables["assumed"].itertuples(index=False, name=None))["all"]
    return [*lines, "", *tell.table(heads, swings), "", _assumed(words, assumed)]


def _assumed(words: Words, share: float) -> str:
    return words("paper_assumed", share=f"{share:.0%}")


def _places(evaluation: Evaluation, tell: Teller) -> list[str]:
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
        value = wide.loc[(place, indicator)]
        row = [tell.place(place), tell.label(indicator), tell.figure(value[BASELINE], indicators()[indicator].unit)]
        found.append([*row, tell.figure(value[PLAN] - value[BASELINE], signed=True)] if PLAN in wide else row)
    last = ("text_reference", "text_change") if PLAN in wide else ("value",)
    return tell.table(tell.heads("text_place", "indicator", *last), found)


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
    return [*render(answer, language).split("\n"), "", _assumed(Words(language), answer["assumed_share"])]


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
    tell, unit = Teller(evaluation.region, language), "currency"
    words = tell.words
    paperwork, full = tell.figure(answer["baseline_hours"]), tell.figure(answer["full_cost"], unit)
    rows = [
        [
            str(p["year"]),
            tell.figure(p["cost"], unit),
            tell.figure(p["saving_hours"]),
            tell.figure(p["bound_hours"]),
            f"{p['gap']:.2%}",
        ]
        for p in answer["phases"]
    ]
    lines = [words("paper_all", count=len(answer["cities"]), paperwork=paperwork, full=full), ""]
    heads = ("year", "paper_spent", "paper_saved", "paper_bound", "paper_gap")
    lines += [*tell.table(tell.heads(*heads), rows), ""]
    names = PartNames(evaluation, language)
    rows = [
        [
            names.parts(f["parts"]),
            tell.figure(f["cost"], unit),
            tell.figure(f["adds_hours"]),
            tell.figure(f["documents_removed"]),
            tell.figure(f["visits_removed"]),
        ]
        for f in answer["first"]
    ]
    heads = ("paper_parts", "paper_spent", "paper_adds", "paper_papers", "paper_trips")
    lines += [words("paper_first"), "", *tell.table(tell.heads(*heads), rows), ""]
    lines.append(words("paper_counts", links=len(answer["links"]), recognitions=len(answer["recognitions"])))
    if any(p["stopped_by_clock"] for p in answer["phases"]):
        lines.append(words("paper_clock"))
    return [*lines, _assumed(words, answer["catalogue"]["assumed_share"])]


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
        self._tell, self._language = Teller(evaluation.region, language), language

    def parts(self, ids: Sequence[str]) -> str:
        """Parts of a bundle in words, those of one kind and thing together."""
        groups: dict[tuple[str, str], list[str]] = {}
        for part in ids:
            kind, what, where = part.split(":", 2)
            groups.setdefault((kind, what), []).append(self._tell.place(where))
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
