"""Plans side by side, as a document and as text."""

from __future__ import annotations

import pandas as pd

from megalopolis.evaluation.answers.document import Document
from megalopolis.evaluation.answers.plaintext import figure, place_name, table
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
