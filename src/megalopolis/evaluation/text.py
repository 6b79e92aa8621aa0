"""Answers as plain text for the terminal."""

from __future__ import annotations

from typing import Any

import pandas as pd

from megalopolis.evaluation.compare import Comparison
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.pillar import indicators
from megalopolis.region import Region
from megalopolis.region.inspect import Report

Document = dict[str, Any]


def figure(value: Any, unit: str = "") -> str:
    """Three significant digits, thousands and millions named; a dash for what is absent."""
    if value is None or pd.isna(value):
        return "-"
    for size, word in ((1e12, " trn"), (1e9, " bn"), (1e6, " M")):
        if abs(value) >= size:
            return f"{value / size:.3g}{word} {unit}".rstrip()
    shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{shown} {unit}".rstrip()


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    """Lay rows out in columns: the first to the left, the others to the right; Chinese characters count twice."""
    if not rows:
        return ["(none)"]
    widths = [max(_width(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = []
    for row in [header, *rows]:
        cells = [_pad(cell, width, left=i == 0) for i, (cell, width) in enumerate(zip(row, widths, strict=True))]
        lines.append("  ".join(cells).rstrip())
    return lines


def _width(text: str) -> int:
    return sum(2 if ord(ch) > 0x2E7F else 1 for ch in text)


def _pad(text: str, width: int, *, left: bool) -> str:
    space = " " * (width - _width(text))
    return text + space if left else space + text


def place_name(region: Region, place: str, language: str) -> str:
    """Name of a city, a planned cluster or the region."""
    if place.startswith("cluster:"):
        planned = region.frame("clusters_planned")
        rows = planned[planned["cluster"] == place.removeprefix("cluster:")]
        column = "name_local" if language == "zh" else "name"
        return str(rows[column].iloc[0]) if len(rows) and rows[column].notna().any() else place
    if place == "region":
        return region.meta.names.get(language, region.name)
    return (region.names.local if language == "zh" else region.names.labels).get(place, place)


def travel_lines(answer: Document, language: str) -> list[str]:
    """Door to door between two cities, leg by leg."""
    key = "name_local" if language == "zh" else "name"
    ride = answer["ride_minutes"]
    lines = [
        f"{answer['from'][key]} - {answer['to'][key]}: {answer['minutes']:.0f} min door to door",
        f"ride {ride:.0f} min, {answer['trains_per_day']:.0f} trains a day" if ride is not None else "no ride by rail",
    ]
    rows = [[leg["mode"], leg["line"] or "", leg["from"], leg["to"], f"{leg['minutes']:.0f}"] for leg in answer["legs"]]
    return [*lines, "", *table(["mode", "line", "from", "to", "min"], rows)]


def travel_table_lines(evaluation: Evaluation, language: str) -> list[str]:
    """Indicators of travel of every city."""
    own = evaluation.result("travel").indicators
    wide = own.pivot(index="place", columns="indicator", values="value")
    names = [name for name in indicators() if name in wide.columns]
    header = ["city", *(f"{indicators()[n].label(language)} [{indicators()[n].unit}]" for n in names)]
    rows = [
        [place_name(evaluation.region, str(place), language), *(figure(row[n]) for n in names)]
        for place, row in wide.iterrows()
        if place != "region"
    ]
    return table(header, rows)


def clusters_lines(evaluation: Evaluation, language: str) -> list[str]:
    """Planned clusters against the branches that match them, then the corridors."""
    region, result = evaluation.region, evaluation.result("clusters")
    planned = result.tables["planned"]
    lines = [f"{region.name}, {evaluation.last[0]} {evaluation.year}: planned clusters against what travel forms", ""]
    rows = [
        [
            place_name(region, f"cluster:{row['id']}", language),
            f"{row['jaccard']:.2f}",
            str(row["best_cluster"]),
            str(row["maturity"]),
            ", ".join(place_name(region, i, language) for i in row["missing"]) or "-",
            ", ".join(place_name(region, i, language) for i in row["extra"]) or "-",
        ]
        for row in planned.to_dict("records")
    ]
    lines += table(["planned", "Jaccard", "best branch", "maturity", "missing", "extra"], rows)
    branches = result.tables["branches"]
    lines += ["", f"{len(branches)} branches; the 20 most populous of the finest level with more than one city", ""]
    finest = branches[(branches["level"] == branches["level"].max()) & (branches["cities"].map(len) > 1)]
    rows = [
        [
            str(b["name"]),
            str(len(b["cities"])),
            figure(b["population"]),
            figure(b["length_km"], "km"),
            f"{b['stability']:.2f}",
        ]
        for b in finest.sort_values("population", ascending=False).head(20).to_dict("records")
    ]
    lines += table(["branch", "cities", "people", "length", "stability"], rows)
    corridors = result.tables["corridors"]
    lines += ["", "corridors: the largest group of cities within each threshold of the next", ""]
    rows = [
        [
            f"{row['threshold_min']:.0f} min",
            str(len(row["cities"])),
            figure(row["population"]),
            figure(row["length_km"], "km"),
        ]
        for row in corridors[corridors["rank"] == 1].to_dict("records")
    ]
    return [*lines, *table(["threshold", "cities", "people", "length"], rows)]


def economy_lines(evaluation: Evaluation, language: str) -> list[str]:
    """Region and clusters, then the cities that gain and lose most per resident."""
    region, result = evaluation.region, evaluation.result("economy")
    names = [name for name, entry in indicators().items() if name in set(result.indicators["indicator"])]
    if evaluation.plan is None:
        ledger = evaluation.ledger
        shown = ledger[ledger["indicator"].isin(names) & ~ledger["place"].isin(region.names.labels)]
        rows = [
            [
                place_name(region, str(r["place"]), language),
                indicators()[str(r["indicator"])].label(language),
                figure(r["value"], r["unit"]),
            ]
            for r in shown.to_dict("records")
        ]
        return table(["place", "indicator", "reference"], rows)
    gap = evaluation.difference
    gap = gap[gap["indicator"].isin(names) & (gap["year"] == evaluation.year)]
    together = gap[gap["place"].eq("region") | gap["place"].str.startswith("cluster:")]
    rows = [
        [
            place_name(region, str(r["place"]), language),
            indicators()[str(r["indicator"])].label(language),
            figure(r["baseline"], indicators()[str(r["indicator"])].unit),
            f"{r['difference']:+.3g}",
            f"{r['low']:+.3g} to {r['high']:+.3g}" if pd.notna(r["low"]) else "",
        ]
        for r in together.to_dict("records")
    ]
    lines = [*table(["place", "indicator", "reference", "change", "range"], rows), ""]
    income = evaluation.at_place("real_income")
    share = (income["difference"] / income["baseline"]).sort_values(ascending=False)
    for title, part in (("gain most", share.head(10)), ("gain least or lose", share.tail(10)[::-1])):
        rows = [[place_name(region, str(place), language), f"{100 * v:+.2f} %"] for place, v in part.items()]
        lines += [f"cities that {title}: real income per resident", "", *table(["city", "change"], rows), ""]
    return lines[:-1]


def signals_lines(answer: Document) -> list[str]:
    """The five signals, an indicator a line."""
    lines: list[str] = []
    for signal in answer["signals"]:
        lines += [
            f"{signal['label']}: {signal['change']} ({signal['driving_force']})",
            f"  horizon: {signal['horizon']}",
        ]
        for row in signal["indicators"]:
            year = f" ({row['case']} {row['year']})" if row["year"] else ""
            target = (
                f", target {figure(row['target'], row['unit'])} in {row['target_year']}"
                if row["target"] is not None
                else ""
            )
            why = f": {row['why']}" if row["why"] else ""
            lines.append(
                f"  - {row['label']}: {figure(row['value'], row['unit'])}{year}{target} -> {row['verdict']}{why}"
            )
        lines.append("")
    return lines


def comparison_lines(comparison: Comparison, region: Region, language: str) -> list[str]:
    """What differs between plans, and the region's and clusters' figures beside each other."""
    names = [c for c in comparison.measures.columns if c not in {"measure", "kind"}]
    differs = comparison.measures[~comparison.measures[names].all(axis=1)]
    rows = [[m["measure"], m["kind"], *("yes" if m[n] else "-" for n in names)] for m in differs.to_dict("records")]
    lines = [f"{comparison.year}: measures that not all plans have", "", *table(["measure", "kind", *names], rows), ""]
    shown = comparison.table
    rows = []
    for (place, indicator), group in shown.groupby(["place", "indicator"], sort=False):
        entry = indicators()[str(indicator)]
        cells = [
            place_name(region, str(place), language),
            entry.label(language),
            figure(group["baseline"].iloc[0], entry.unit),
        ]
        by_plan = group.set_index("plan")
        for name in names:
            if name not in by_plan.index:
                cells.append("-")
                continue
            row = by_plan.loc[name]
            spread = f" ({figure(row['low'])} to {figure(row['high'])})" if pd.notna(row["low"]) else ""
            cells.append(f"{row['difference']:+.3g}{spread}{' spans zero' if row['spans_zero'] else ''}")
        rows.append(cells)
    return [*lines, *table(["place", "indicator", "reference", *names], rows)]


def check_lines(report: Report) -> list[str]:
    """Tables with the shares of provenance, then every problem and warning."""
    rows = [[str(cell) for cell in row.values()] for row in report.summary]
    lines = table(list(report.summary[0]), rows) if rows else []
    lines += [f"warning: {w}" for w in report.warnings]
    shown = [f"error: {p}" for p in report.problems[:100]]
    if len(report.problems) > 100:
        shown.append(f"and {len(report.problems) - 100} more problems")
    return [*lines, *shown, f"{len(report.problems)} problems, {len(report.warnings)} warnings"]
