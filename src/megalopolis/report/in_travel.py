"""Sections on travel and money: who gets closer, the matrix, years, cities, investment."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from megalopolis.evaluation.ledger import BASELINE, PLAN
from megalopolis.evaluation.number import known, number
from megalopolis.pillar import indicators
from megalopolis.report.blocks import Block, Cell, Column, Paragraph, Section, Table, amount, minutes, said, text
from megalopolis.report.view import View

PAIRS: Final = 20
PAIR_CITIES: Final = 30
MATRIX_CITIES: Final = 20
#: More cities than this would make the file heavy; all of them stand in the tables beside it.
MOST_CITIES: Final = 400
#: Hours and the shade of cells up to them: ColorBrewer's YlGnBu, near is dark; ink chosen for contrast.
_SHADES: Final = (
    (2, "#225ea8", "#ffffff"),
    (3, "#1d91c0", "#ffffff"),
    (4, "#41b6c4", "#0b2233"),
    (6, "#7fcdbb", "#0b2233"),
    (8, "#c7e9b4", "#0b2233"),
    (1e9, "#ffffd9", "#0b2233"),
)


def closer(view: View) -> Section:
    """List the pairs of large cities that the plan brings closest together."""
    words = view.words
    section = ("closer", words("closer_title"))
    if not view.has_plan():
        return Section(*section, words("needs_plan"))
    tables = [view.table("travel", "minutes", case) for case in (BASELINE, PLAN)]
    if tables[0] is None or tables[1] is None:
        return Section(*section, view.why_absent("travel"))
    ids = [i for i in view.largest if i in tables[0].index][:PAIR_CITIES]
    before, after = (t.loc[ids, ids].to_numpy(float) for t in tables if t is not None)
    rows_, columns_ = np.triu_indices(len(ids), 1)
    saved = before[rows_, columns_] - after[rows_, columns_]
    order = [k for k in np.argsort(-saved, kind="stable")[:PAIRS] if saved[k] >= 0.5]
    if not order:
        return Section(*section, words("closer_none", count=len(ids)))
    rides = view.table("travel", "ride_minutes", PLAN)
    heads = ("before", "after", "saved", "saved_share", "ride_after")
    columns = (Column(words("from")), Column(words("to")), *(Column(words(h), numeric=True) for h in heads))
    rows = []
    for k in order:
        i, j = rows_[k], columns_[k]
        ride = rides.loc[ids[i], ids[j]] if rides is not None else None
        rows.append(
            (
                Cell(view.city(ids[i])),
                Cell(view.city(ids[j])),
                minutes(before[i, j], view.language),
                minutes(after[i, j], view.language),
                minutes(saved[k], view.language),
                amount(saved[k] / before[i, j], "share", view.language),
                minutes(ride, view.language) if known(ride) else Cell("–"),
            )
        )
    lead = words("closer_lead", count=len(ids), year=view.evaluation.year)
    caption = words("closer_caption", pairs=len(rows), year=view.evaluation.year)
    return Section(*section, lead, (Table(caption, columns, tuple(rows), words("closer_note")),))


def matrix(view: View) -> Section:
    """Show door-to-door hours between the largest cities, each cell shaded."""
    words = view.words
    section = ("matrix", words("matrix_title"))
    table = view.table("travel", "minutes")
    if table is None:
        return Section(*section, view.why_absent("travel"))
    ids = [i for i in view.largest if i in table.index][:MATRIX_CITIES]
    columns = (Column(""), *(Column(view.city(i).partition(" (")[0]) for i in ids))
    rows = []
    hours_of = table.loc[ids, ids].to_numpy(float) / 60
    for i, a in enumerate(ids):
        row = [Cell(view.city(a))]
        for j, b in enumerate(ids):
            hours = float(hours_of[i, j])
            if a == b or not np.isfinite(hours):
                row.append(Cell("" if a == b else "–"))
                continue
            _, shade, ink = next(s for s in _SHADES if hours < s[0])
            row.append(Cell(f"{hours:.1f}", sort=hours, shade=shade, ink=ink))
        rows.append(tuple(row))
    caption = words("matrix_caption", case=words.term("case", view.evaluation.last[0]), year=view.evaluation.year)
    blocks: tuple[Block, ...] = (Table(caption, columns, tuple(rows), words("matrix_note"), kind="matrix", fixed=True),)
    return Section(*section, words("matrix_lead", count=len(ids)), blocks)


def years(view: View) -> Section:
    """Give the region's indicators in every year, reference and plan."""
    words = view.words
    e = view.evaluation
    columns = [Column(words("indicator")), Column(words("unit")), Column(words("year"))]
    columns += [Column(words("reference_case"), numeric=True)]
    if view.has_plan():
        columns += [Column(words("with_plan"), numeric=True), Column(words("difference"), numeric=True)]
    rows = []
    there = set(e.ledger.loc[e.ledger["place"] == "region", "indicator"])
    for name, entry in indicators().items():
        if name not in there:
            continue
        for year in e.years:
            row = [Cell(entry.label(view.language)), Cell(view.unit_label(name)), Cell(str(year))]
            row.append(view.level(name, case=BASELINE, year=year))
            if view.has_plan():
                row += [view.level(name, case=PLAN, year=year), view.gain(name, year=year)]
            rows.append(tuple(row))
    section = ("years", words("years_title"))
    if not rows:
        return Section(*section, view.why_absent("travel"))
    return Section(*section, words("years_lead"), (Table(words("years_caption"), tuple(columns), tuple(rows)),))


def cities(view: View) -> Section:
    """Give every city in a row: the table behind the map."""
    words = view.words
    section = ("cities", words("cities_title"))
    e = view.evaluation
    there = set(e.ledger["indicator"])
    names = [
        n for n in ("accessibility", "people_180", "mean_minutes", "trains_per_day") if n in there and n in indicators()
    ]
    if not names:
        return Section(*section, view.why_absent("travel"))
    ids = view.largest[:MOST_CITIES]
    heads = [Column(words("city")), Column(words("population"), numeric=True)]
    wide = e.ledger[(e.ledger["year"] == e.year) & e.ledger["indicator"].isin(names)]
    wide = wide.pivot(index="place", columns=["indicator", "case"], values="value").reindex(ids)
    people = e.state().cities.set_index("id")["population"].reindex(ids).to_list()
    for name in names:
        label = indicators()[name].label(view.language)
        heads.append(Column(words("label_reference", label=label), numeric=True))
        if view.has_plan():
            heads.append(Column(words("with_plan"), numeric=True))
    if view.has_plan():
        heads += [Column(words("change_percent"), numeric=True), Column(words("relative"), numeric=True)]
    values = [(view.unit(n), wide[n, case].to_list()) for n in names for case in view.cases if (n, case) in wide]
    relative = dict(view.relative.iterrows()) if view.has_plan() else {}
    rows = []
    for k, id_ in enumerate(ids):
        row = [Cell(view.city(id_)), amount(people[k], "persons", view.language)]
        row += [amount(column[k], unit, view.language) for unit, column in values]
        row += _relative_cells(view, relative.get(id_)) if view.has_plan() else []
        rows.append(tuple(row))
    note = words("cities_cut", count=MOST_CITIES) if len(view.largest) > MOST_CITIES else ""
    table = Table(words("cities_caption", year=e.year), tuple(heads), tuple(rows), note, kind="dense", folded=True)
    return Section(*section, words("cities_lead"), (table,))


def _relative_cells(view: View, row: pd.Series[Any] | None) -> list[Cell]:
    if row is None:
        return [Cell("–"), Cell("–")]
    change = number(row["percent"], row["percent_low"], row["percent_high"], "%", view.language, signed=True)
    apart = number(row["relative"], None, None, "points", view.language, signed=True)
    return [said(change, row["percent"], spans_zero=bool(row["spans_zero"])), said(apart, row["relative"])]


def investment(view: View) -> Section:
    """Give what the plan builds, and what is announced that it costs."""
    words = view.words
    section = ("investment", words("investment_title"))
    e = view.evaluation
    if not view.has_plan():
        return Section(*section, words("needs_plan"))
    built = e.states[PLAN, e.year].frame("investments")
    built = built[~built["measure"].isin(e.states[BASELINE, e.year].frame("investments")["measure"])]
    if built.empty:
        return Section(*section, words("investment_none", year=e.year))
    whole = built.groupby("measure", sort=False).agg(
        name=("name", "first"), kind=("kind", "first"), year=("year", "min"), km=("km", lambda s: s.sum(min_count=1)),
        cost=("cost", lambda s: s.sum(min_count=1)), status=("status", "first"), source=("source", "first"),
    )  # fmt: skip
    local = {m.id: m.name_local for m in e.plan.measures} if e.plan else {}
    heads = ("year", "km", "cost", "cost_per_km")
    columns = (
        Column(words("measure")),
        Column(words("kind")),
        *(Column(words(h, currency=view.currency), numeric=True) for h in heads),
        Column(words("provenance")),
        Column(words("source")),
    )
    rows = tuple(
        (
            Cell(view.pick(row["name"], local.get(str(id_)))),
            text(words.term("kind", row["kind"])),
            Cell(str(int(row["year"])), sort=float(row["year"])),
            amount(row["km"], "km", view.language),
            amount(row["cost"], view.currency, view.language) if known(row["cost"]) else Cell(words("not_announced")),
            amount(row["cost"] / row["km"] if row["km"] else None, view.currency, view.language),
            text(words.term("status", row["status"]) if isinstance(row["status"], str) else ""),
            text(row["source"]),
        )
        for id_, row in whole.sort_values(["year", "name"], kind="stable").iterrows()
    )
    unknown = int(whole["cost"].isna().sum())
    lead = words("investment_lead", count=len(whole), year=e.year)
    blocks: list[Block] = [Table(words("investment_caption"), columns, rows, words("investment_note"), kind="wide")]
    if unknown:
        blocks.append(Paragraph(words("investment_unknown", count=unknown), "note"))
    return Section(*section, lead, tuple(blocks))
