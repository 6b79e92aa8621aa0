"""Sections on clusters: the signals, the planned clusters, who joins or leaves, corridors."""

from __future__ import annotations

from typing import Any

import pandas as pd

from megalopolis.evaluation.ledger import BASELINE
from megalopolis.evaluation.number import known, number
from megalopolis.evaluation.sentences import told
from megalopolis.evaluation.signals import signals_of
from megalopolis.report.blocks import (
    Block,
    Cell,
    Column,
    Paragraph,
    Section,
    Table,
    amount,
    count,
    minutes,
    text,
)
from megalopolis.report.charts import corridors as corridor_chart
from megalopolis.report.view import View


def signals(view: View) -> Section:
    """Give the five signals with their change, horizon, driving force, targets and verdicts."""
    words = view.words
    blocks: list[Block] = []
    heads = ("indicator", "reference_case", "with_plan", "target", "verdict", "why_source")
    columns = tuple(Column(words(h), numeric=h in heads[1:4]) for h in heads if h != "with_plan" or view.has_plan())
    for signal in signals_of(view.evaluation, view.language):
        groups: dict[str, list[dict[str, Any]]] = {}
        for row in signal["indicators"]:
            groups.setdefault(str(row["id"]), []).append(row)
        rows = tuple(_signal_row(view, group) for group in groups.values())
        note = words("signal_note", change=signal["change"], horizon=signal["horizon"], force=signal["driving_force"])
        blocks.append(Table(str(signal["label"]), columns, rows, note, kind="signal", fixed=True))
    return Section("signals", words("signals_title"), words("signals_lead"), tuple(blocks))


def _signal_row(view: View, group: list[dict[str, Any]]) -> tuple[Cell, ...]:
    """One indicator: its values in the reference case and with the plan, and the verdict on the last of them."""
    words = view.words
    last = group[-1]
    unit = view.unit_of(str(last["unit"] or ""))
    cells = [text(last["label"])]
    for case in view.cases:
        found = [row for row in group if row["case"] == case and known(row["value"])]
        cells.append(_signal_value(view, found[-1], unit) if found else Cell("–"))
    target = ""
    if known(last["target"]):
        value = number(last["target"], None, None, unit, view.language).text
        year = last.get("target_year")
        target = words("by_year", value=value, year=year) if year and unit != "year" else value
    origin = words("semicolon").join(str(x) for x in (last["why"], _source(view, last)) if x)
    return (*cells, text(target), text(words.term("verdict", last["verdict"])), text(origin))


def _signal_value(view: View, row: dict[str, Any], unit: str) -> Cell:
    printed = number(row["value"], row["low"], row["high"], unit, view.language)
    year = view.words("in_year", value=printed.text, year=row["year"]) if row["year"] else printed.text
    return Cell(year, printed.low, printed.high, float(row["value"]))


def _source(view: View, row: dict[str, Any]) -> str:
    named = view.words.term("source", row["source"]) if row["source"] else ""
    source = told(named, view.language, view.evaluation.region)
    return f"{source} ({view.words.term('status', row['status'])})" if source and row["status"] else source


def planned(view: View) -> Section:
    """Give the planned clusters in numbers, today and in the last year."""
    words = view.words
    e = view.evaluation
    section = ("clusters", words("clusters_title"))
    if not e.region.has("clusters_planned"):
        return Section(*section, words("clusters_none"))
    states = list(dict.fromkeys([(BASELINE, view.today), e.last]))
    lead = words("clusters_lead", today=view.today, year=e.year)
    blocks: list[Block] = [_size_table(view, states)]
    if view.table("clusters", "planned") is None:
        blocks.append(Paragraph(view.why_absent("clusters"), "absent"))
    else:
        blocks += [_function_table(view, states), _membership_table(view)]
    return Section(*section, lead, tuple(blocks))


def _size_table(view: View, states: list[tuple[str, int]]) -> Table:
    words = view.words
    columns = [Column(words("cluster")), Column(words("year")), Column(words("cities"), numeric=True)]
    for key in ("population", "urban_population", "gdp"):
        columns += [
            Column(words(key, currency=view.currency), numeric=True),
            Column(words(f"share_{key}"), numeric=True),
        ]
    rows = []
    short = False
    for cluster, members in view.clusters.items():
        for case, year in states:
            cities = view.evaluation.states[case, year].cities.set_index("id")
            inside = cities.loc[cities.index.intersection(list(members))]
            row = [Cell(view.cluster(cluster)), Cell(str(year)), count(len(inside))]
            for column in ("population", "urban_population", "gdp"):
                unit = view.currency if column == "gdp" else "persons"
                total, part = float(cities[column].sum()), float(inside[column].sum())
                short = short or bool(inside[column].isna().any())
                row += [amount(part if inside[column].notna().any() else None, unit, view.language)]
                row += [amount(part / total if total else None, "share", view.language)]
            rows.append(tuple(row))
    note = words("clusters_definition") + (words("clusters_coverage") if short else "")
    return Table(words("clusters_size"), tuple(columns), tuple(rows), note)


def _function_table(view: View, states: list[tuple[str, int]]) -> Table:
    words = view.words
    heads = ("length", "cohesion", "mean_internal", "p90_internal", "jaccard", "null_jaccard")
    columns = [Column(words("cluster")), Column(words("year")), Column(words("best_branch"))]
    columns += [Column(words(key), numeric=True) for key in heads] + [Column(words("maturity"))]
    rows = []
    nulls = view.evaluation.null_scores(*states[0]).max(axis=1)  # of today: they hardly move
    for case, year in states:
        table = view.table("clusters", "planned", case, year)
        branches = view.table("clusters", "branches", case, year)
        names = {} if branches is None else dict(zip(branches["id"].astype("str"), branches["name"], strict=True))
        for row in () if table is None else table.to_dict("records"):
            length = row.get("length_km")
            length_cell = (
                amount(length, "km", view.language)
                if known(length)
                else view.level("length_km", f"cluster:{row['id']}", case, year)
            )
            best = str(row.get("best_cluster", ""))
            rows.append(
                (
                    Cell(view.cluster(str(row["id"]))),
                    Cell(str(year)),
                    text(view.branch(names.get(best, best))),
                    length_cell,
                    amount(row.get("cohesion"), "share", view.language),
                    minutes(row.get("mean_minutes"), view.language),
                    minutes(row.get("p90_minutes"), view.language),
                    _decimal(row.get("jaccard")),
                    _decimal(nulls[row["id"]] if (case, year) == states[0] else None),
                    text(words.term("maturity", row.get("maturity", ""))),
                )
            )
    rows.sort(key=lambda r: (list(map(view.cluster, view.clusters)).index(r[0].text), r[1].text))
    return Table(words("clusters_function"), tuple(columns), tuple(rows), words("clusters_function_note"))


def _decimal(value: Any) -> Cell:
    return Cell(f"{value:.2f}", sort=float(value)) if known(value) else Cell("–")


def _membership_table(view: View) -> Table:
    words = view.words
    columns = (Column(words("cluster")), Column(words("missing")), Column(words("extra")))
    table = view.table("clusters", "planned")
    order = list(view.clusters)
    rows = [] if table is None else sorted(table.to_dict("records"), key=lambda r: order.index(str(r["id"])))
    cells = [
        (
            Cell(view.cluster(str(r["id"]))),
            text(view.cities(r.get("missing"), 30)),
            text(view.cities(r.get("extra"), 30)),
        )
        for r in rows
    ]
    return Table(
        words("membership_caption", year=view.evaluation.year),
        columns,
        tuple(cells),
        words("membership_note"),
        kind="wide",
    )


def moves(view: View) -> Section:
    """Tell which cities join or leave a cluster when the plan is built."""
    words = view.words
    section = ("moves", words("moves_title"))
    tables = [view.table("clusters", "assignment", case) for case in view.cases]
    if not view.has_plan():
        return Section(*section, words("needs_plan"))
    if any(t is None for t in tables):
        return Section(*section, view.why_absent("clusters"))
    before, after = (t.set_index("city")["cluster"].astype("str") for t in tables if t is not None)
    people = view.evaluation.state().cities.set_index("id")["population"].fillna(0)
    moved = _moved(before, after, people)
    if moved.empty:
        return Section(*section, words("moves_none", year=view.evaluation.year))
    stable = tables[1].set_index("city")["stability"] if tables[1] is not None else pd.Series(dtype=float)
    moved["stability"] = stable.reindex(moved.index).to_numpy(float)
    heads = (
        ("from_cluster", False),
        ("to_cluster", False),
        ("cities", True),
        ("population", True),
        ("stability", True),
    )
    columns = (*(Column(words(key), numeric=numeric) for key, numeric in heads), Column(words("which")))
    names = [_namer(view, labels, people) for labels in (before, after)]
    groups = moved.groupby(["before", "after"], sort=False)
    order = groups["people"].sum().sort_values(ascending=False, kind="stable").index
    rows = []
    for pair in order:
        group = groups.get_group(pair)
        rows.append(
            (
                Cell(names[0](pair[0])),
                Cell(names[1](pair[1])),
                count(len(group)),
                amount(float(group["people"].sum()), "persons", view.language),
                amount(float(group["stability"].min()), "share", view.language),
                Cell(view.cities(group.index, 30)),
            )
        )
    lead = words("moves_lead", count=len(moved), year=view.evaluation.year)
    return Section(
        *section, lead, (Table(words("moves_caption"), columns, tuple(rows), words("moves_note"), kind="wide"),)
    )


def _moved(before: pd.Series[Any], after: pd.Series[Any], people: pd.Series[Any]) -> pd.DataFrame:
    """Cities whose cluster afterwards is not the one that continues their cluster of before, the largest first.

    A cluster continues the one of before with which it shares the most people; a continued cluster has one successor.
    """
    both = pd.DataFrame({"before": before, "after": after}).dropna()
    both["people"] = people.reindex(both.index).fillna(0)
    shared = both.groupby(["before", "after"])["people"].sum().reset_index()
    shared = shared.sort_values(["people", "before", "after"], ascending=[False, True, True], kind="stable")
    successor: dict[str, str] = {}
    for old, new in zip(shared["before"], shared["after"], strict=True):
        if old not in successor and new not in successor.values():
            successor[old] = new
    moved = both[both["before"].map(successor) != both["after"]]
    return moved.sort_values("people", ascending=False, kind="stable")


def _namer(view: View, labels: pd.Series[Any], people: pd.Series[Any]) -> Any:
    """Return a function that names a cluster by its largest city."""
    frame = pd.DataFrame({"cluster": labels, "people": people.reindex(labels.index).fillna(0)})
    largest = frame.groupby("cluster")["people"].idxmax()
    sizes = frame["cluster"].value_counts()

    def name(cluster: str) -> str:
        city = view.city(largest[cluster])
        return (
            view.words("cluster_about", city=city, count=sizes[cluster])
            if sizes[cluster] > 1
            else view.words("alone", city=city)
        )

    return name


def corridors(view: View) -> Section:
    """Show what percolation finds: the largest groups of cities at every threshold."""
    words = view.words
    section = ("corridors", words("corridors_title"))
    table = view.table("clusters", "corridors")
    if table is None:
        return Section(*section, view.why_absent("clusters"))
    thresholds = sorted(table["threshold_min"].unique())
    picked = thresholds[:: max(1, len(thresholds) // 8)]
    shown = table[table["threshold_min"].isin(picked)].sort_values(["threshold_min", "rank"], kind="stable")
    chosen = shown.groupby("threshold_min").head(3)
    columns = (
        Column(words("threshold"), numeric=True),
        Column(words("rank"), numeric=True),
        Column(words("cities"), numeric=True),
        Column(words("population"), numeric=True),
        Column(words("length"), numeric=True),
        Column(words("largest_cities")),
    )
    order = {id_: i for i, id_ in enumerate(view.largest)}
    rows = tuple(
        (
            minutes(row["threshold_min"], view.language),
            count(int(row["rank"])),
            count(len(row["cities"])),
            amount(row["population"], "persons", view.language),
            amount(row["length_km"], "km", view.language),
            Cell(view.cities(sorted(row["cities"], key=lambda c: order.get(str(c), len(order))), 6)),
        )
        for row in chosen.to_dict("records")
    )
    blocks: tuple[Block, ...] = (corridor_chart(view, table), Table(words("corridors_table"), columns, rows))
    return Section(*section, words("corridors_lead"), blocks)
