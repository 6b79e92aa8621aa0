"""What all answers as plain text share: words, figures and names of places in one language, and tables."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from megalopolis.environment.inputs import BACKGROUND
from megalopolis.evaluation.number import PRINTED, number
from megalopolis.evaluation.words import Words
from megalopolis.pillar import indicators
from megalopolis.region import Region

#: What stands for a figure that is absent.
ABSENT = "-"


@dataclass(frozen=True)
class Teller:
    """Words, figures and names of a region's places in the language of an answer.

    Attributes
    ----------
    region : Region
        Knows its places and its currency.
    language : {"en", "zh"}
        Language of the answer.
    """

    region: Region
    language: str

    @property
    def words(self) -> Words:
        """Texts by their keys."""
        return Words(self.language)

    def heads(self, *keys: str) -> list[str]:
        """Heads of columns."""
        return [self.words(key) for key in keys]

    def figure(self, value: Any, unit: str = "", *, signed: bool = False) -> str:
        """Three significant digits with the unit; a dash for what is absent."""
        return self.ranged(value, None, None, unit, signed=signed)[0]

    def ranged(self, value: Any, low: Any, high: Any, unit: str = "", *, signed: bool = False) -> tuple[str, str]:
        """A figure with its unit and its range, with the digits that the range supports; the range may be empty."""
        if value is None or pd.isna(value):
            return ABSENT, ""
        base = self.region.meta.currency if unit.startswith("currency") else unit
        found = number(float(value), _known(low), _known(high), base, self.language, signed=signed)
        text = found.text + (self._rest(unit) if base in PRINTED or unit.startswith("currency") else self._apart(unit))
        scale = text.lstrip("+−0123456789,.")
        return text, self.words("range_cell", low=found.low, high=found.high + scale) if found.low else ""

    def change(self, row: Mapping[Hashable, Any], unit: str) -> tuple[str, str]:
        """Difference and range of a row; what is rounding beside the level is none, and less than half a person."""
        level, least = row["baseline"], 0.5 if unit == "persons" else 0.0
        near = max(1e-9 * max(abs(level), 1.0), least)
        change, low, high = (0.0 if abs(row[k]) <= near else row[k] for k in ("difference", "low", "high"))
        return self.ranged(change, low, high, unit, signed=True)

    def unit(self, unit: str) -> str:
        """Name of a unit, as it stands in the head of a column."""
        if unit.startswith("currency"):
            money = number(1.0, None, None, self.region.meta.currency, self.language).text
            return money.lstrip("1.0").strip() + self._rest(unit)
        return self.words.term("unit", unit) if unit else ""

    def _rest(self, unit: str) -> str:
        """What money is counted by."""
        rest = unit.removeprefix("currency") if unit.startswith("currency") else ""
        return rest.replace("person", "人").replace("year", "年") if self.language == "zh" else rest

    def _apart(self, unit: str) -> str:
        """Unit that `number` leaves to the head of a column."""
        label = "" if unit in {"index", "year"} else self.unit(unit)
        return f" {label}" if label and (self.language == "en" or label.isascii()) else label

    def label(self, indicator: str) -> str:
        """Label of an indicator."""
        return indicators()[indicator].label(self.language)

    def yes(self, value: Any) -> str:
        """Whether something holds; a dash where it is not known."""
        return ABSENT if value is None or pd.isna(value) else self.words("yes" if value else "no")

    def share(self, value: float, digits: int = 0) -> str:
        """A fraction in per cent; nothing where it is not known."""
        if value is None or not math.isfinite(value):
            return ""
        return f"{100 * value:.{digits}f}{' %' if self.language == 'en' else '%'}"

    def many(self, names: list[str]) -> str:
        """Names in a row; a dash where there are none."""
        return self.words("comma").join(names) or ABSENT

    def pick(self, name: object, local: object) -> str:
        """Return the local name in Chinese, where there is one."""
        return str(local) if self.language == "zh" and isinstance(local, str) and local else str(name)

    def place(self, place: str) -> str:
        """Name of a city, a planned cluster, the region, or of what is nobody's."""
        local = self.language == "zh"
        if place.startswith("cluster:"):
            planned = self.region.frame("clusters_planned")
            rows = planned[planned["cluster"] == place.removeprefix("cluster:")]
            column = "name_local" if local else "name"
            return str(rows[column].iloc[0]) if len(rows) and rows[column].notna().any() else place
        if place == BACKGROUND:
            return self.words("text_background")
        if place == "region":
            return self.region.meta.names.get(self.language, self.region.name)
        return (self.region.names.local if local else self.region.names.labels).get(place, place)

    def named(self, table: str, id_: str) -> str:
        """Name of a row of a table with names in two languages: a section, a station."""
        rows = self.region.frame(table)
        chosen = rows.loc[rows["id"] == id_, "name_local" if self.language == "zh" else "name"]
        return str(chosen.iloc[0]) if len(chosen) and isinstance(chosen.iloc[0], str) else id_

    def table(self, header: list[str], rows: list[list[str]]) -> list[str]:
        """Lay rows out in columns: the first to the left, the others to the right; Chinese characters count twice."""
        return table(header, rows) if rows else [self.words("none")]


def _known(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    """Lay rows out in columns: the first to the left, the others to the right; Chinese characters count twice."""
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
