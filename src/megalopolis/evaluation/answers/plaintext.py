"""What all answers as plain text share: figures, tables, names of places."""

from __future__ import annotations

from typing import Any

import pandas as pd

from megalopolis.region import Region


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
