"""The section on paperwork: matrices by home and work city, the first links, hours saved in every city."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd
from markupsafe import Markup, escape

from megalopolis.evaluation.answers.services import PartNames, links_answer
from megalopolis.evaluation.number import known, number
from megalopolis.report.blocks import (
    Block,
    Cell,
    Column,
    Figure,
    Paragraph,
    Section,
    Swatch,
    Table,
    amount,
    count,
    said,
)
from megalopolis.report.drawing import INK, text_width
from megalopolis.report.view import View
from megalopolis.units import Array

#: ColorBrewer's OrRd (Harrower and Brewer 2003): dark is much.
_SHADES: Final = ("#fef0d9", "#fdd49e", "#fdbb84", "#fc8d59", "#e34a33", "#b30000")
_CELL: Final = 8.5
_FONT: Final = 7.0
_WIDTH: Final = 760.0
#: Clusters up to this size have their links chosen here, within a second; larger ones by the command.
MOST_LINKED: Final = 12
#: Money for the links shown, as a share of what all of them would cost.
SHARE: Final = 0.1
_KINDS: Final = (("hours", "h/case"), ("documents", ""), ("visits", ""), ("days", ""), ("money", ""))
_LARGEST: Final = 20


def paperwork(view: View) -> Section:
    """What paperwork costs: by home and work city, by procedure, with the plan, and which links to build first."""
    words = view.words
    section = ("paperwork", words("paperwork_title"))
    hours = view.table("services", "hours")
    if hours is None:
        return Section(*section, view.why_absent("services"))
    assumed = view.table("services", "assumed")
    share = "–" if assumed is None else number(_all(assumed), None, None, "share", view.language).text
    total, each = view.level("service_hours_total"), view.level("service_hours")
    lead = words(
        "paperwork_lead",
        cities=len(hours),
        hours=total.text,
        low=total.low or "–",
        high=total.high or "–",
        each=each.text,
        each_low=each.low or "–",
        each_high=each.high or "–",
        share=share,
    )
    blocks: list[Block] = [Paragraph(words("paperwork_range"), "note")]
    blocks += [b for b in (_heat(view, hours), _clusters(view), _procedures(view), _links(view), _saved(view)) if b]
    return Section(*section, lead, tuple(blocks))


def _all(assumed: pd.DataFrame) -> float:
    return float(dict(assumed.itertuples(index=False, name=None))["all"])


def _members(view: View, ids: pd.Index[Any]) -> dict[str, list[str]]:
    """Planned clusters with those of their cities that the catalogue has, the most populous city first."""
    order = {c: i for i, c in enumerate(view.largest)}
    found = {c: sorted(set(cities) & set(ids), key=lambda i: order.get(i, 0)) for c, cities in view.clusters.items()}
    return {c: cities for c, cities in found.items() if len(cities) > 1}


def _heat(view: View, hours: pd.DataFrame) -> Figure | None:
    """Hours of a case by home (rows) and work city (columns), one panel for each planned cluster."""
    clusters = _members(view, hours.index) or {"": [str(i) for i in hours.index][:30]}
    panels = {c: hours.loc[ids, ids].to_numpy(float) for c, ids in clusters.items()}
    values = np.concatenate([p.ravel() for p in panels.values()])
    values = values[np.isfinite(values)]
    if not values.size:
        return None
    digits = 1 if np.ptp(values) > 1 else 2
    bounds = np.unique(np.round(np.quantile(values, [0.1, 0.3, 0.5, 0.7, 0.9]), digits))
    colours = [_SHADES[round(i * (len(_SHADES) - 1) / len(bounds))] for i in range(len(bounds) + 1)]
    drawn, x, y, shelf = [], 0.0, 0.0, 0.0
    for cluster, ids in clusters.items():
        names = _short([view.city(i) for i in ids])
        body, width, height = _panel(panels[cluster], names, view.cluster(cluster) if cluster else "", bounds, colours)
        if x and x + width > _WIDTH:
            x, y, shelf = 0.0, y + shelf + 14, 0.0
        drawn.append(f'<g transform="translate({x:g} {y:g})">{body}</g>')
        x, shelf = x + width + 16, max(shelf, height)
    worst = view.words("paperwork_heat_alt", low=f"{values.min():.1f}", high=f"{values.max():.1f}")
    head = f'<svg class="drawing" viewBox="0 0 {_WIDTH:g} {y + shelf:g}" role="img" aria-label="{escape(worst)}">'
    svg = Markup(f'{head}<g font-size="{_FONT:g}" fill="{INK}">{"".join(drawn)}</g></svg>')  # noqa: S704 - escaped
    edges = [f"{b:.{digits}f}" for b in bounds]
    labels = [f"< {edges[0]}", *(f"{a}–{b}" for a, b in pairwise(edges)), f"≥ {edges[-1]}"]
    legend = tuple(Swatch(c, label) for c, label in zip(colours, labels, strict=True))
    caption = view.words(
        "paperwork_heat", case=view.words.term("case", view.evaluation.last[0]), year=view.evaluation.year
    )
    note = view.words("paperwork_heat_note")
    return Figure(svg, caption, worst, view.words("paperwork_hours_case"), legend, note)


def _short(names: list[str]) -> list[str]:
    """Names without what stands in parentheses, where that leaves them apart."""
    short = [n.partition(" (")[0] for n in names]
    return [s if short.count(s) == 1 else n for s, n in zip(short, names, strict=True)]


def _panel(values: Array, names: list[str], title: str, bounds: Array, colours: list[str]) -> tuple[str, float, float]:
    """One matrix: cells of a colour in one path, names at both sides; with its width and height."""
    left = max(text_width(n, _FONT) for n in names) + 4
    top = left + 14
    n = len(names)
    number_of = np.searchsorted(bounds, values, side="right")
    parts = [f'<text x="0" y="9" font-size="9" font-weight="600">{escape(title)}</text>']
    for k, colour in enumerate(colours):
        cells = np.argwhere(np.isfinite(values) & (number_of == k))
        if len(cells):
            path = "".join(f"M{j} {i}h1v1h-1z" for i, j in cells.tolist())
            parts.append(f'<path fill="{colour}" transform="translate({left:g} {top:g}) scale({_CELL})" d="{path}"/>')
    for i, name in enumerate(names):
        at = (i + 0.75) * _CELL
        parts.append(f'<text x="{left - 3:g}" y="{top + at:g}" text-anchor="end">{escape(name)}</text>')
        parts.append(f'<text transform="translate({left + at:g} {top - 3:g}) rotate(-90)">{escape(name)}</text>')
    width = max(left + n * _CELL, text_width(title, 9.0))
    return "".join(parts), width, top + n * _CELL


def _clusters(view: View) -> Table | None:
    """Mean burden of a case inside each planned cluster: home in the same city, and in another one."""
    words = view.words
    tables = {kind: view.table("services", kind) for kind, _ in _KINDS}
    first = tables["hours"]
    if first is None:
        return None
    rows = []
    for cluster, ids in _members(view, first.index).items():
        own = np.eye(len(ids), dtype=bool)
        cells = [Cell(view.cluster(cluster))]
        for kind, _ in _KINDS:
            frame = tables[kind]
            values = np.full((len(ids), len(ids)), np.nan) if frame is None else frame.loc[ids, ids].to_numpy(float)
            for mask in (own, ~own):
                mean = float(np.nanmean(values[mask])) if np.isfinite(values[mask]).any() else None
                cells.append(amount(mean, view.currency if kind == "money" else "", view.language))
        rows.append(tuple(cells))
    if not rows:
        return None
    heads = [Column(words("cluster"))]
    for kind, _ in _KINDS:
        label = words.term("paperwork", kind)
        heads += [Column(words(where, label=label), numeric=True) for where in ("paperwork_own", "paperwork_cross")]
    return Table(words("paperwork_clusters"), tuple(heads), tuple(rows), words("paperwork_clusters_note"), kind="dense")


def _procedures(view: View) -> Table | None:
    frame = view.table("services", "procedures")
    if frame is None:
        return None
    words = view.words
    heads = ("cases", "hours", "documents", "visits", "days", "money", "remote")
    columns = (Column(words("paperwork_procedure")), *(Column(words.term("paperwork", h), numeric=True) for h in heads))
    rows = []
    for r in frame.dropna(subset=["hours"]).to_dict("records"):
        spread = number(r["hours"], r["hours_low"], r["hours_high"], "", view.language)
        cells = [Cell(view.pick(r["name"], r["name_local"])), amount(r["cases"], "", view.language)]
        cells.append(said(spread, r["hours"]))
        cells += [amount(r[k], "", view.language) for k in ("documents", "visits", "days")]
        cells += [amount(r["money"], view.currency, view.language), amount(r["remote"], "share", view.language)]
        rows.append(tuple(cells))
    note = words("paperwork_procedures_note")
    return Table(words("paperwork_procedures"), columns, tuple(rows), note, kind="dense", folded=True)


def _links(view: View) -> Block | None:
    """First ten links of the smallest cluster, with what each saves; of larger ones, the command that finds them."""
    words = view.words
    hours = view.table("services", "hours")
    clusters = {} if hours is None else _members(view, hours.index)
    small = min(clusters, key=lambda c: len(clusters[c]), default="")
    if not small or len(clusters[small]) > MOST_LINKED:
        return Paragraph(words("paperwork_links_command"), "note") if clusters else None
    e = view.evaluation
    try:
        plan = links_answer(e, clusters[small], [e.year], share=SHARE)
    except ValueError:  # a catalogue without the costs of parts
        return Paragraph(words("paperwork_links_none"), "note")
    names = PartNames(e, view.language)
    heads = ("link_cost", "link_hours", "link_documents", "link_visits")
    columns = (
        Column(words("paperwork_rank"), numeric=True),
        Column(words("paperwork_link_parts")),
        *(Column(words.term("paperwork", h), numeric=True) for h in heads),
    )
    rows = tuple(
        (
            count(rank),
            Cell(names.parts(f["parts"])),
            amount(f["cost"], view.currency, view.language),
            amount(f["adds_hours"], "", view.language),
            amount(f["documents_removed"], "", view.language),
            amount(f["visits_removed"], "", view.language),
        )
        for rank, f in enumerate(plan["first"], 1)
    )
    if not rows:
        return Paragraph(words("paperwork_links_none"), "note")
    phase = plan["phases"][-1]

    def said_(value: float, unit: str = "") -> str:
        return number(value, None, None, unit, view.language).text

    note = words(
        "paperwork_links_note",
        cost=said_(phase["cost"], view.currency),
        hours=said_(phase["saving_hours"]),
        share=said_(phase["saving_hours"] / plan["baseline_hours"], "share"),
        gap=said_(phase["gap"], "share"),
    )
    return Table(words("paperwork_links", cluster=view.cluster(small)), columns, rows, note, kind="wide")


def _saved(view: View) -> Block | None:
    """Hours that the plan saves a year in the cities that gain most, from the ledger."""
    words = view.words
    if not view.has_plan():
        return None
    gap = view.evaluation.at_place("service_hours_total")
    if gap.empty:
        return None
    saved = -gap["difference"]
    saved = saved[saved.abs() > 0.5]
    if saved.empty:
        return Paragraph(words("paperwork_saved_none"), "note")
    order = saved.sort_values(ascending=False).index
    columns = (
        Column(words("city")),
        Column(words("reference_case"), numeric=True),
        Column(words("paperwork_saved_hours"), numeric=True),
        Column(words("paperwork_saved_each"), numeric=True),
    )
    people = view.evaluation.state().cities.set_index("id")["population"]
    rows = []
    for id_ in order:
        row = gap.loc[id_]
        printed = number(-row["difference"], -row["high"], -row["low"], "", view.language, signed=True)
        each = -60 * row["difference"] / people[id_] if known(float(people.get(id_, np.nan))) else None
        rows.append(
            (
                Cell(view.city(id_)),
                amount(row["baseline"], "", view.language),
                said(printed, -row["difference"], spans_zero=bool(row["spans_zero"])),
                amount(each, "", view.language),
            )
        )
    caption = words("paperwork_saved", year=view.evaluation.year, count=min(_LARGEST, len(rows)), total=len(rows))
    return Table(caption, columns, tuple(rows[:_LARGEST]), words("paperwork_saved_note"), kind="dense")
