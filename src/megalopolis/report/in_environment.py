"""Section on rivers and lakes: classes, causes, and what four ways of cleaning up cost."""

from __future__ import annotations

from typing import Any

import pandas as pd

from megalopolis.evaluation.answers.environment import by_receptor
from megalopolis.evaluation.ledger import BASELINE, PLAN
from megalopolis.report.blocks import Block, Cell, Column, Paragraph, Section, Table, amount, count, text
from megalopolis.report.rivermap import case_bars, cause_bars, class_shade, river_map
from megalopolis.report.view import View

#: Shown in the table of sections; the tables beside the page hold all.
_POLLUTANTS = ("cod", "nh3n", "tp", "do")


def environment(view: View) -> Section | None:
    """Give the classes of rivers and sections, who causes what, the cases, and the air; None where there is nothing."""
    words = view.words
    sections, reaches = view.table("environment", "sections"), view.table("environment", "reaches")
    if reaches is None:
        air = tuple(_air(view))
        return Section("environment", words("air_title"), words("air_lead"), air) if air else None
    blocks: list[Block] = []
    if sections is not None:
        drawn = river_map(view, reaches, sections)
        blocks += [drawn] if drawn else []
        causes = view.table("environment", "attribution")
        bars = cause_bars(view, sections, causes) if causes is not None else None
        blocks += [bars] if bars else []
        blocks.append(_sections(view, sections))
    blocks += _cases(view)
    blocks += [Paragraph(words("water_limits"), "note"), *_air(view)]
    return Section("environment", words("water_title"), _lead(view, sections), tuple(blocks))


def _lead(view: View, sections: pd.DataFrame | None) -> str:
    if sections is None:
        return view.words("water_none")
    said = []
    for case in view.cases:
        table = view.table("environment", "sections", case)
        if table is None:
            continue
        judged = table["complies"].dropna()
        good = float((table["grade"].between(1, 3)).mean())
        name = view.words.term("case", case)
        said.append(
            view.words("water_found", case=name, met=int(judged.sum()), judged=len(judged), good=f"{100 * good:.0f}")
        )
    return view.words("water_lead", year=view.evaluation.year) + (" " if view.language == "en" else "").join(said)


def _class(name: str) -> Cell:
    shade, ink = class_shade(name)
    return Cell(name or "–", shade=shade, ink=ink)


def _sections(view: View, sections: pd.DataFrame) -> Table:
    """Every section: class without and with the plan, what exceeds, and concentrations."""
    words = view.words
    names = view.evaluation.region.frame("sections").set_index("id")
    before = view.table("environment", "sections", BASELINE) if view.has_plan() else None
    was = dict(zip(before["section"], before["class"], strict=True)) if before is not None else {}
    pollutants = [p for p in _POLLUTANTS if p in sections]
    heads = [Column(words("section")), Column(words("city"))]
    heads += [Column(words("class_reference"))] if was else []
    heads += [Column(words("class_plan" if was else "class")), Column(words("target")), Column(words("exceeded"))]
    heads += [Column(words("probability"), numeric=True)]
    heads += [Column(words.term("pollutant", p), numeric=True) for p in pollutants]
    rows = []
    for row in sections.to_dict("records"):
        own = names.loc[row["section"]]
        cells = [Cell(view.pick(own["name"], own["name_local"]))]
        cells.append(Cell(view.city(row["city"])) if isinstance(row["city"], str) else Cell("–"))
        cells += [_class(str(was[row["section"]]))] if was else []
        beyond = words("comma").join(words.term("pollutant", p) for p in str(row["exceeded"]).split())
        cells += [_class(str(row["class"])), text(row["target"]), text(beyond)]
        cells.append(amount(row.get("probability"), "share", view.language))
        cells += [amount(row[p], "", view.language) for p in pollutants]
        rows.append(tuple(cells))
    caption = words("sections_caption", count=len(rows), year=view.evaluation.year)
    return Table(caption, tuple(heads), tuple(rows), words("sections_note"), folded=len(rows) > 15)


def _cases(view: View) -> list[Block]:
    totals, cases = view.table("environment", "case_totals"), view.table("environment", "cases")
    if totals is None or cases is None:
        return [Paragraph(view.words("cases_none"), "absent")]
    blocks: list[Block] = [_totals(view, totals)]
    bars = case_bars(view, cases)
    blocks += [bars] if bars else []
    blocks.append(_by_city(view, cases))
    prices, unmet = view.table("environment", "prices"), view.table("environment", "unmet")
    binding = None if prices is None else prices[prices["price"] > 0]
    if binding is not None and len(binding):
        blocks.append(_prices(view, binding))
    if unmet is not None:
        blocks.append(_unmet(view, unmet))
    return blocks


def _air(view: View) -> list[Block]:
    """Latest measured fine particles of every city against the limit of their year and of the state's."""
    words = view.words
    air = view.table("environment", "air")
    if air is None:
        return _modelled(view)
    rows = air[(air["pollutant"] == "pm25") & (air["statistic"] == "annual_mean")].sort_values("year", kind="stable")
    last = rows.groupby("city", sort=False).tail(1)
    rank = {c: i for i, c in enumerate(view.largest)}
    last = last.assign(rank=last["city"].map(rank).fillna(len(rank))).sort_values("rank", kind="stable")
    heads = ("city", "year", "pm25", "limit_then", "limit_state")
    columns = tuple(Column(words(h, year=view.evaluation.year), numeric=h != "city") for h in heads)
    cells = tuple(
        (
            Cell(view.city(r["city"])),
            Cell(f"{r['year']:.0f}", sort=float(r["year"])),
            amount(r["value"], "", view.language),
            _held(view, r["limit"], r["complies"]),
            _held(view, r["limit_on_date"], r["complies_on_date"]),
        )
        for r in last.to_dict("records")
    )
    met = last["complies_on_date"].dropna()
    caption = words("air_caption", met=int(met.sum()), count=len(met), year=view.evaluation.year)
    return [Table(caption, columns, cells, words("air_note"), folded=len(cells) > 15), *_modelled(view)]


def _modelled(view: View) -> list[Block]:
    """What the cities' emissions add to the air of each, by species emitted."""
    words = view.words
    modelled = view.table("environment", "air_modelled")
    if modelled is None or modelled.empty:
        return []
    heads = ("city", "air_species", "air_adds", "air_own", "air_other", "air_other_share")
    columns = tuple(Column(words(h), numeric=h in {"air_adds", "air_own", "air_other_share"}) for h in heads)
    rows = tuple(
        (
            Cell(view.city(r["receptor"])),
            Cell(str(r["species"])),
            amount(r["concentration"], "", view.language),
            amount(r["own"], "share", view.language),
            Cell(view.city(r["other"]) if isinstance(r["other"], str) else "–"),
            amount(r["other_share"], "share", view.language),
        )
        for r in by_receptor(modelled).to_dict("records")
    )
    return [Table(words("air_modelled_caption"), columns, rows, words("air_modelled_note"), folded=len(rows) > 15)]


def _held(view: View, limit: float, complies: Any) -> Cell:
    """A limit and whether it is met; a dash where none is valid."""
    if pd.isna(limit):
        return Cell("–")
    return Cell(view.words("limit_met" if complies else "limit_missed", limit=f"{limit:g}"), sort=float(limit))


def _totals(view: View, totals: pd.DataFrame) -> Table:
    words = view.words
    heads = ("abatement_case", "abatement_rule", "yearly_cost", "against_own", "complying", "without_oxygen")
    columns = tuple(Column(words(h), numeric=h not in heads[:2]) for h in heads)
    rows = tuple(
        (
            Cell(words.term("abatement", r["case"])),
            Cell(words.term("abatement", f"{r['case']}_rule")),
            amount(r["cost"], view.currency, view.language),
            amount(r["change"], view.currency, view.language),
            Cell(words("of_count", part=r["complying"], whole=r["sections"]), sort=float(r["complying"])),
            count(int(r["anoxic_reaches"])),
        )
        for r in totals.to_dict("records")
    )
    case = words.term("case", PLAN if view.has_plan() else BASELINE)
    return Table(words("cases_caption", case=case, year=view.evaluation.year), columns, rows, fixed=True)


def _by_city(view: View, cases: pd.DataFrame) -> Table:
    words = view.words
    wide = cases.pivot_table(index="city", columns="case", values="cost", aggfunc="sum", sort=False)
    found = [c for c in ("own", "common", "common_floor", "least_cost") if c in wide]
    rank = {c: i for i, c in enumerate(view.largest)}
    columns = (Column(words("city")), *(Column(words.term("abatement", c), numeric=True) for c in found))
    rows = tuple(
        (Cell(view.city(city)), *(amount(row[c], view.currency, view.language) for c in found))
        for city, row in sorted(wide.iterrows(), key=lambda item: rank.get(str(item[0]), len(rank)))
    )
    return Table(words("case_cities_caption"), columns, rows, folded=True)


def _name(view: View, section: Any) -> str:
    own = view.evaluation.region.frame("sections").set_index("id").loc[section]
    return view.pick(own["name"], own["name_local"])


def _prices(view: View, binding: pd.DataFrame) -> Table:
    words = view.words
    heads = ("section", "pollutant", "limit_mgl", "price")
    columns = tuple(Column(words(h), numeric=h in heads[2:]) for h in heads)
    rows = tuple(
        (
            Cell(_name(view, r["section"])),
            Cell(words.term("pollutant", r["pollutant"])),
            amount(r["limit"], "", view.language),
            amount(r["price"], view.currency, view.language),
        )
        for r in binding.sort_values("price", ascending=False).head(20).to_dict("records")
    )
    return Table(words("prices_caption"), columns, rows, words("prices_note"))


def _unmet(view: View, unmet: pd.DataFrame) -> Table:
    words = view.words
    heads = ("section", "pollutant", "limit_mgl", "at_best", "of_it_background")
    columns = tuple(Column(words(h), numeric=h in heads[2:]) for h in heads)
    rows = tuple(
        (
            Cell(_name(view, r["section"])),
            Cell(words.term("pollutant", r["pollutant"])),
            amount(r["limit"], "", view.language),
            amount(r["best"], "", view.language),
            amount(r["background"], "", view.language),
        )
        for r in unmet.to_dict("records")
    )
    return Table(words("unmet_caption"), columns, rows, words("unmet_note"), folded=len(rows) > 15)
