"""Plans side by side, as a document and as text."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from megalopolis.evaluation.answers.document import Document
from megalopolis.evaluation.answers.plaintext import ABSENT, Teller
from megalopolis.evaluation.compare import Comparison
from megalopolis.pillar import indicators
from megalopolis.region import Region


def compare_answer(comparison: Comparison) -> Document:
    """Alternatives side by side."""
    return {
        "year": comparison.year,
        "measures": comparison.measures.to_dict("records"),
        "table": comparison.table.to_dict("records"),
    }


def comparison_lines(comparison: Comparison, region: Region, language: str) -> list[str]:
    """What differs between plans, and the region's and clusters' figures beside each other."""
    tell = Teller(region, language)
    words = tell.words
    names = [c for c in comparison.measures.columns if c not in {"measure", "name_local", "kind"}]
    differs = comparison.measures[~comparison.measures[names].all(axis=1)]
    rows = [
        [tell.pick(m["measure"], m["name_local"]), words.term("measure_kind", m["kind"])]
        + [words("yes") if m[n] else ABSENT for n in names]
        for m in differs.to_dict("records")
    ]
    lines = [words("text_differs", year=comparison.year), ""]
    lines += [*tell.table([*tell.heads("measure", "text_kind"), *names], rows), ""]
    rows = []
    for (place, indicator), group in comparison.table.groupby(["place", "indicator"], sort=False):
        unit = indicators()[str(indicator)].unit
        level = tell.figure(group["baseline"].iloc[0], unit)
        by_plan = {row["plan"]: row for row in group.to_dict("records")}
        told = [_change(tell, by_plan[name], unit) if name in by_plan else ABSENT for name in names]
        rows.append([tell.place(str(place)), tell.label(str(indicator)), level, *told])
    return [*lines, *tell.table([*tell.heads("text_place", "indicator", "text_reference"), *names], rows)]


def _change(tell: Teller, row: Mapping[Hashable, Any], unit: str) -> str:
    text, span = tell.change(row, unit)
    zero = f" {tell.words('spans_zero')}" if row["spans_zero"] else ""
    return f"{text} ({span}){zero}" if span else text + zero
