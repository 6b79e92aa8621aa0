"""What a section is made of: paragraphs, tables, figures. All text is plain and escaped when it is rendered."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TypeAlias

from markupsafe import Markup

from megalopolis.evaluation.number import Printed, duration, number


@dataclass(frozen=True)
class Cell:
    """One cell: its text, its range, the value to sort by, and marks.

    Attributes
    ----------
    text, low, high : str
        As from `number`.
    sort : float or None
        Value that sorting compares; None sorts by text.
    open : bool
        Whether the range of a difference spans zero.
    shade : str
        Background as a CSS colour, and ``ink`` the colour of the text upon it; empty for none.
    """

    text: str
    low: str = ""
    high: str = ""
    sort: float | None = None
    open: bool = False
    shade: str = ""
    ink: str = ""


@dataclass(frozen=True)
class Column:
    """Head of a column; numeric ones are set flush right and sorted by value."""

    label: str
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """A table with its caption, sortable unless ``fixed``; ``folded`` ones open by a click and print in full."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    kind: str = ""
    fixed: bool = False
    folded: bool = False


@dataclass(frozen=True)
class Swatch:
    """An entry of a legend: a colour and its meaning; ``shape`` is ``dot``, ``hatch``, ``line`` or ``area``."""

    colour: str
    label: str
    shape: str = "dot"


@dataclass(frozen=True)
class Figure:
    """A drawing as inline SVG with its caption, its description for a screen reader, and its legend."""

    svg: Markup
    caption: str
    alt: str
    legend_title: str = ""
    legend: tuple[Swatch, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; ``kind`` is empty, ``note``, ``absent`` or ``finding``."""

    text: str
    kind: str = ""


@dataclass(frozen=True)
class Included:
    """A passage of fixed HTML that ships with the package, by the name of its template."""

    template: str


Block: TypeAlias = Table | Figure | Paragraph | Included


@dataclass(frozen=True)
class Section:
    """A numbered section."""

    id: str
    title: str
    lead: str
    blocks: tuple[Block, ...] = field(default=())


def said(printed: Printed, sort: float | None = None, *, spans_zero: bool = False) -> Cell:
    """Cell of a printed number."""
    return Cell(printed.text, printed.low, printed.high, _sortable(sort), open=spans_zero)


def amount(value: float | None, unit: str, language: str) -> Cell:
    """Cell of a number without a range."""
    return said(number(value, None, None, unit, language), value)


def minutes(value: float | None, language: str) -> Cell:
    """Cell of a duration."""
    return Cell(duration(value, language), sort=_sortable(value))


def text(value: object) -> Cell:
    """Cell of text; nothing at all is a dash."""
    missing = value is None or value != value or value == ""  # noqa: PLR0124 - NaN alone differs from itself
    return Cell("–" if missing else str(value))


def count(value: int) -> Cell:
    """Cell of an exact count."""
    return Cell(f"{value:,}", sort=float(value))


def _sortable(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
