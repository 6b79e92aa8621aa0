"""The first page: what the plan brings, to whom, against which alternatives, and how far to trust it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.evaluation.ledger import BASELINE
from megalopolis.evaluation.number import number
from megalopolis.evaluation.pillars import PILLARS
from megalopolis.region.raw import table_titles
from megalopolis.report.blocks import Cell, Column, Figure, Table, count, said
from megalopolis.report.charts import bars
from megalopolis.report.citymap import gain_map
from megalopolis.report.view import View

#: Indicators of the alternatives' table, in order.
COMPARED = ("investment", "accessibility", "people_180", "mean_minutes", "gdp")
#: Change, as a share of the reference case, from which an indicator gets a column in the clusters' table.
LEAST_TOLD = 0.01
#: Indicators of the clusters' table, one or two of each pillar, in order; whether the change is told in per cent.
TOLD = {
    "cluster_minutes": False,
    "accessibility": True,
    "gdp": True,
    "real_income": True,
    "service_hours": False,
    "sections_complying": False,
    "treatment_cost": False,
}


@dataclass(frozen=True)
class Trust:
    """One item of the strip at the foot: a heading, the figure, and what it means."""

    head: str
    text: str
    note: str = ""


@dataclass(frozen=True)
class Front:
    """The first page."""

    title: str
    facts: tuple[tuple[str, str], ...]
    sentence: str
    map: Figure
    alternatives: Table
    bars: Figure | None
    clusters: Table | None
    trust: tuple[Trust, ...]


def front(views: list[View], run_hash: str) -> Front:
    """Collect the first page; the first view is the main plan."""
    view = views[0]
    e, words = view.evaluation, view.words
    facts = (
        (words("region"), view.region_name),
        (words("base_year"), str(e.region.meta.base_year)),
        (words("reference_case"), words("reference_text", year=e.year)),
        (words("years"), words("comma").join(map(str, e.years))),
        (words("run"), run_hash[:12]),
    )
    title = view.plan_name() if e.plan is not None else words("baseline_title", region=view.region_name)
    return Front(
        title, facts, sentence(view), gain_map(view), alternatives(views), bars(view), by_cluster(view), trust(view)
    )


def _range(view: View, low: str, high: str) -> str:
    return view.words("range", low=low, high=high) if low else ""


def sentence(view: View) -> str:
    """Say the result in one sentence, with its range."""
    words = view.words
    if not view.has_plan():
        people, minutes = view.level("people_180"), view.level("mean_minutes")
        if people.sort is None:
            return words("sentence_nothing", why=view.why_absent("travel"))
        return words(
            "sentence_level",
            year=view.evaluation.year,
            people=people.text,
            people_range=_range(view, people.low, people.high),
            minutes=minutes.text,
            minutes_range=_range(view, minutes.low, minutes.high),
        )
    row = view.change("people_180")
    if row is None:
        return words("sentence_nothing", why=view.why_absent("travel"))
    gain = view.gain("people_180")
    ends = sorted((row["low"], row["high"]), key=abs)
    signed = row["spans_zero"]
    low, high = (abs(x) for x in ends)
    size = gain if signed else said(number(abs(row["difference"]), low, high, "persons", view.language))
    share = view.percent(row)
    key = "sentence_open" if signed else "sentence_more" if row["difference"] >= 0 else "sentence_fewer"
    key = key if row["difference"] or size.low else "sentence_same"
    return words(
        key,
        year=view.evaluation.year,
        people=size.text,
        people_range=_range(view, size.low, size.high),
        percent=share.text,
        cost=_cost_said(view) + _output(view),
    )


def _cost_said(view: View) -> str:
    cost = _cost(view)
    if cost is None:
        return view.words("no_cost")
    return view.words("costs", cost=cost.text, cost_range=_range(view, cost.low, cost.high))


def _output(view: View) -> str:
    """What the plan does to GDP, as the end of the sentence; empty where the economy was not evaluated."""
    row = view.change("gdp")
    if row is None or not row["difference"]:
        return ""
    share = view.percent(row)
    return view.words("and_output", percent=share.text, output_range=_range(view, share.low, share.high))


def _cost(view: View) -> Cell | None:
    row = view.change("investment")
    if row is None or row["difference"] == 0:
        return None
    return said(number(row["difference"], row["low"], row["high"], view.currency, view.language), row["difference"])


def alternatives(views: list[View]) -> Table:
    """Every plan against the reference."""
    view = views[0]
    words = view.words
    columns = [Column(words("plan"))]
    columns += [Column(words(f"alternative_{name}", currency=view.currency), numeric=True) for name in COMPARED]
    columns += [Column(words("position"), numeric=True)]
    reference = [Cell(words("reference_row", year=view.evaluation.year))]
    reference += [Cell("–") if name == "investment" else view.level(name, case=BASELINE) for name in COMPARED]
    reference.append(Cell("–"))
    rows = [tuple(reference)]
    for other in views:
        if not other.has_plan():
            continue
        same = other.evaluation.year == view.evaluation.year
        name = other.plan_name() if same else f"{other.plan_name()} ({other.evaluation.year})"
        rows.append((Cell(name), *(_compared(other, indicator) for indicator in COMPARED), _positions(other)))
    caption = words("alternatives_caption", year=view.evaluation.year)
    note = words("alternatives_note") if len(rows) > 1 else words("alternatives_none")
    return Table(caption, tuple(columns), tuple(rows), note, kind="alternatives", fixed=True)


def _compared(view: View, indicator: str) -> Cell:
    if indicator != "accessibility":
        return view.gain(indicator)
    row = view.change(indicator)
    return Cell("–") if row is None else view.percent(row)


def _positions(view: View) -> Cell:
    relative = view.relative["relative"].dropna()
    if relative.empty:
        return Cell("–")
    return Cell(f"{count(int((relative > 0).sum())).text} / {count(int((relative < 0).sum())).text}")


def by_cluster(view: View) -> Table | None:
    """What the plan changes in every planned cluster, over all pillars that were evaluated; None without any."""
    words = view.words
    places = [f"cluster:{name}" for name in view.clusters]
    if not places or not view.has_plan():
        return None
    told = [name for name in TOLD if any(_moves(view.change(name, place)) for place in places)]
    if not told:
        return None
    columns = [Column(words("cluster"))]
    columns += [Column(view.heading(name, percent=TOLD[name]), numeric=True) for name in told]
    rows = []
    for place, name in [*((p, view.cluster(p.removeprefix("cluster:"))) for p in places), ("region", view.region_name)]:
        cells = (_told(view, indicator, place) for indicator in told)
        rows.append((Cell(name), *cells))
    caption = words("front_clusters", year=view.evaluation.year)
    return Table(caption, tuple(columns), tuple(rows), kind="alternatives", fixed=True)


def _moves(row: dict[str, Any] | None) -> bool:
    """Whether a change is worth a column on the first page."""
    return row is not None and abs(row["difference"]) > LEAST_TOLD * abs(row["baseline"])


def _told(view: View, indicator: str, place: str) -> Cell:
    row = view.change(indicator, place)
    if row is None:
        return Cell("–")
    return view.percent(row) if TOLD[indicator] else view.gain(indicator, place)


def trust(view: View) -> tuple[Trust, ...]:
    """How far to trust the numbers, in five items."""
    e, words = view.evaluation, view.words
    draws = Trust(
        words("trust_draws"), words("draws", count=e.draws) if e.draws else words("no_draws"), words("draws_note")
    )
    passed = sum(c.ok for c in e.checks)
    residual = f"{e.residual:.2g}"
    checks = Trust(
        words("trust_checks"),
        words("checks_passed", passed=passed, total=len(e.checks)) if e.checks else words("no_checks"),
        words("residual", residual=residual) if e.checks else "",
    )
    return (_score(view), _assumed(e, view), _age(view), draws, checks)


def _score(view: View) -> Trust:
    words = view.words
    rides = view.evaluation.held_out_rides
    if rides.empty:
        return Trust(words("trust_score"), words("not_available"), words("no_scores"))
    error = number(float(rides["error"].abs().median()), None, None, "share", view.language).text
    bias = number(float(rides["error"].mean()), None, None, "share", view.language, signed=True).text
    return Trust(words("trust_score"), words("score", error=error), words("score_note", bias=bias, count=len(rides)))


def _assumed(e: Evaluation, view: View) -> Trust:
    words = view.words
    frame = e.provenance
    tables = frame[frame["table"] != "parameters"]
    total = float(tables["values"].sum())
    if not total:
        return Trust(words("trust_assumed"), words("not_available"), words("no_provenance"))

    def percent(value: float) -> str:
        return number(value, None, None, "share", view.language).text

    assumed, unstated = (float((tables[kind] * tables["values"]).sum()) / total for kind in ("assumed", "unstated"))
    worst = tables[tables["assumed"] > 0].sort_values("assumed", ascending=False, kind="stable").head(2)
    title = {name: row["name_zh"] for name, row in table_titles().items()} if view.language == "zh" else {}
    named = words("comma").join(
        f"{title.get(table, table)} {percent(float(part))}"
        for table, part in zip(worst["table"], worst["assumed"], strict=True)
    )
    notes = [words("assumed_most", tables=named)] if named else []
    notes += [words("unstated", share=percent(unstated))] if unstated else []
    own = frame[frame["table"] == "parameters"]
    notes += [words("assumed_parameters", share=percent(float(own["assumed"].iloc[0])))] if len(own) else []
    head = percent(assumed) if unstated < 1 else words("not_stated")
    return Trust(words("trust_assumed"), head, words("semicolon").join(notes))


def _age(view: View) -> Trust:
    """Latest years of the sources behind every pillar, from the oldest source to the newest."""
    words = view.words
    meta = view.evaluation.region.meta
    sources = view.evaluation.region.frame("sources")
    said_: list[str] = []
    for pillar in PILLARS:
        if pillar.name not in view.evaluation.ran:
            continue
        stated = sources.loc[sources["table"].isin(pillar.reads), "year"].dropna().astype("str")
        years = [max(found) for text in stated if (found := _years(text, meta.now))] or [meta.base_year]
        span = str(max(years)) if min(years) == max(years) else f"{min(years)}–{max(years)}"
        said_.append(f"{words.term('pillar', pillar.name)} {span}")
    text = words("age", base=meta.base_year, today=meta.now)
    return Trust(words("trust_age"), text, words("semicolon").join(said_))


def _years(text: str, now: int) -> list[int]:
    return [year for year in map(int, re.findall(r"\b(?:1[89]|20)\d\d\b", text)) if year <= now]
