"""Section on megalopolises that others describe: what they say, what is found, and why the two differ."""

from __future__ import annotations

from megalopolis.evaluation.quoted import quoted_corridors
from megalopolis.report.blocks import Cell, Column, Section, Table, amount, count, minutes
from megalopolis.report.view import View

_UNITS = {"length_km": "km", "people": "persons"}


def quoted(view: View) -> Section | None:
    """Hold every quoted figure against the corridor that joins its cities; None where the region quotes none."""
    words = view.words
    found = quoted_corridors(view.evaluation)
    if found.empty:
        return None
    columns = (
        Column(words("quoted_megalopolis")),
        Column(words("quoted_measure")),
        Column(words("quoted_said"), numeric=True),
        Column(words("quoted_found"), numeric=True),
        Column(words("quoted_difference"), numeric=True),
        Column(words("threshold"), numeric=True),
        Column(words("cities"), numeric=True),
        Column(words("quoted_why")),
    )
    rows = []
    for row in found.to_dict("records"):
        share = row["measure"].endswith("_share")
        values = [row["value"] * 100 if share else row["value"], row["found"] * 100 if share else row["found"]]
        unit = "%" if share else _UNITS[row["measure"]]
        rows.append(
            (
                Cell(view.pick(row["corridor"], row["corridor_local"])),
                Cell(words(f"quoted_{row['measure']}")),
                *(amount(value, unit, view.language) for value in values),
                Cell(f"{row['difference']:+.0%}".replace("-", "−") if row["difference"] == row["difference"] else "–"),
                minutes(row["threshold_min"], view.language),
                count(int(row["count"])) if row["count"] == row["count"] else Cell("–"),
                Cell(str(row["why_local"] if view.language == "zh" and row["why_local"] else row["why"] or "")),
            )
        )
    lead = words("quoted_lead", year=view.evaluation.years[0])
    return Section("quoted", words("quoted_title"), lead, (Table(words("quoted_caption"), columns, tuple(rows)),))
