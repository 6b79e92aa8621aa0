"""One cell of a file to one value of a column, or why it cannot be."""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from decimal import Decimal
from typing import Final

from megalopolis.errors import suggest
from megalopolis.region.raw import unit_scale
from megalopolis.region.schema import Column

Value = str | float | int | None

_NUMBER: Final = re.compile(
    r"[+-]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?", re.IGNORECASE | re.ASCII
)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SHEET_ERRORS: Final = {
    "#N/A",
    "#DIV/0!",
    "#REF!",
    "#VALUE!",
    "#NAME?",
    "#NUM!",
    "#NULL!",
    "#SPILL!",
    "#CALC!",
}
_LEAVE_EMPTY: Final = "leave the cell empty where the value is not known"
_NUMERIC: Final = {"number", "integer", "year", "lon", "lat"}


class BadCell(ValueError):  # noqa: N818 - the cell is bad
    """A cell that does not fit its column: ``what`` is wrong, ``todo`` about it."""

    def __init__(self, what: str, todo: str = "") -> None:
        self.what = what
        self.todo = todo
        super().__init__(what)


def is_numeric(column: Column) -> bool:
    """Whether the values of a column are numbers."""
    return column.kind in _NUMERIC


def is_blank(cell: object) -> bool:
    """Whether a cell holds nothing."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def shown(cell: object) -> str:
    """Return a cell for a message: short, on one line, in quotes."""
    text = "".join(ch if ch.isprintable() else "?" for ch in " ".join(str(cell).split()))
    return f"'{text[:39]}…'" if len(text) > 40 else f"'{text}'"


def parse(column: Column, cell: object, scale: Decimal | None = None, *, decimal_comma: bool = False) -> Value:
    """Return the value of a cell that is not blank.

    Parameters
    ----------
    column : Column
        Type and range.
    cell : object
        Text, or what a workbook or a layer holds.
    scale : Decimal, optional
        Factor that the header gives (万 is 10,000).
    decimal_comma : bool
        Whether a comma could be a decimal comma, so that a number with one is refused.

    Raises
    ------
    BadCell
        If the cell does not fit the column's type, range or words.
    """
    if isinstance(cell, str) and cell.strip() in _SHEET_ERRORS and column.kind != "line":
        raise BadCell(f"{shown(cell)} is an error of the spreadsheet", "correct the formula, or leave the cell empty")
    if is_numeric(column):
        return _ranged(column, _number(column, cell, scale, decimal_comma=decimal_comma))
    if column.kind in {"id", "ref"} and isinstance(cell, dt.date | dt.time):
        raise BadCell(f"{shown(cell)} is a date", "format the column as text and retype the id")
    text = str(cell).rstrip() if column.kind == "line" else as_text(cell)
    if _CONTROL.search(text):
        raise BadCell(f"{shown(text)} holds control characters", "retype the cell")
    if column.kind == "enum":
        words = {choice.casefold(): choice for choice in column.choices}
        if text.casefold() not in words:
            raise BadCell(f"{shown(text)} is not one of {', '.join(column.choices)}", suggest(text, column.choices, ""))
        return words[text.casefold()]
    return text


def as_text(cell: object) -> str:
    """Return a cell as text; a whole number without a decimal point (an id that a spreadsheet took for a number)."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        return cell.date().isoformat()
    return str(cell).strip().replace("\r\n", "\n").replace("\r", "\n")


def _number(column: Column, cell: object, scale: Decimal | None, *, decimal_comma: bool) -> float:
    if isinstance(cell, bool | dt.date | dt.time):
        raise BadCell(
            f"{shown(cell)} is not a number",
            "format the cell as a number" if not isinstance(cell, bool) else _LEAVE_EMPTY,
        )
    if isinstance(cell, int | float | Decimal):
        value = float(Decimal(str(cell)) * scale) if scale and math.isfinite(cell) else float(cell)
    else:
        value = _from_text(column, unicodedata.normalize("NFKC", str(cell)).strip(), scale, decimal_comma=decimal_comma)
    if not math.isfinite(value):
        raise BadCell(f"{shown(cell)} is not a finite number", _LEAVE_EMPTY)
    return value


def _from_text(column: Column, text: str, scale: Decimal | None, *, decimal_comma: bool) -> float:
    match = _NUMBER.match(text)
    if match is None:
        if text.casefold().lstrip("+-") in {"nan", "inf", "infinity"}:
            raise BadCell(f"{shown(text)} is not a finite number", _LEAVE_EMPTY)
        raise BadCell(f"{shown(text)} is not a number", _LEAVE_EMPTY)
    digits, rest = match.group(), text[match.end() :].strip()
    if decimal_comma and ("," in digits or rest.startswith(",")):
        raise BadCell(f"{shown(text)} holds a comma", "write a decimal point, and no separator of thousands")
    factor = scale or Decimal(1)
    if rest and not (column.kind == "year" and rest == "年"):
        said = unit_scale(rest, column.unit) if column.kind == "number" and column.unit else None
        if said is None:
            raise BadCell(f"{shown(text)} is not a number", _LEAVE_EMPTY)
        if said != 1 and scale is not None:
            raise BadCell(f"{shown(text)} gives a multiple that the header gives too", "give it in one of the two")
        factor = factor * said
    return float(Decimal(digits.replace(",", "")) * factor)


def _ranged(column: Column, value: float) -> float | int:
    if column.kind in {"integer", "year"}:
        if not value.is_integer() or abs(value) >= 2**53:
            raise BadCell(f"'{value:g}' is not a whole number", f"{column.name} counts in whole numbers")
        value = int(value)
    low, high = column.low, column.high
    if low is not None and value < low:
        raise BadCell(
            f"{value:g} is below {low:g}",
            "check the value" if not column.unit else f"the unit is {column.unit}",
        )
    if high is not None and value > high:
        raise BadCell(
            f"{value:g} is above {high:g}",
            "check the value" if not column.unit else f"the unit is {column.unit}",
        )
    return value + 0  # minus zero is zero
