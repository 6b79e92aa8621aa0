"""A table as it stands in a file: cells not yet typed, and the place of each for messages."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Final

from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.region.schema import Column, TableSchema, schemas

#: Refused beyond: far above any region this is for, and a reader keeps a table in memory.
MAX_BYTES: Final = 512 * 2**20
MAX_CITIES: Final = 100_000

_MULTIPLES: Final = {
    "万亿": Decimal(10**12),
    "亿": Decimal(10**8),
    "千万": Decimal(10**7),
    "百万": Decimal(10**6),
    "万": Decimal(10**4),
    "千": Decimal(1000),
    "billion": Decimal(10**9),
    "million": Decimal(10**6),
    "thousand": Decimal(1000),
    "bn": Decimal(10**9),
}
_UNIT_WORDS: Final = {
    "degree": {"degree", "degrees", "deg", "°", "度", "wgs-84", "wgs84"},
    "km2": {"km2", "sq km", "平方公里", "平方千米"},
    "persons": {"person", "persons", "people", "residents", "人"},
    "currency": {"currency"},
    "currency/year": {"currency", "currency/year"},
    "km": {"km", "公里", "千米"},
    "km/h": {"km/h", "kmh", "公里/小时", "千米/小时", "公里/时", "千米/时"},
    "min": {"min", "minute", "minutes", "分", "分钟"},
    "trips/day": {"trips/day", "人次", "人次/日", "人次/天"},
}
_CURRENCY_WORDS: Final = {
    "CNY": {"元", "元/年", "人民币", "人民币元", "rmb"},
    "JPY": {"円", "日元"},
    "USD": {"$", "us$", "美元"},
}
_PARENTHESES: Final = re.compile(r"(.*?)\s*[(\[【]([^()\[\]【】]*)[)\]】]\s*")


@dataclass
class RawTable:
    """Cells of one table as read.

    Attributes
    ----------
    name : str
        Table of the schema.
    label : str
        File, or ``workbook.xlsx:sheet``, in messages.
    columns : dict of str to list
        Column of the schema to its cells; all lists have the length of ``rows``.
    rows : sequence of int
        Line or row number of each row in the file.
    headers : dict of str to str
        Column of the schema to what stands in the header; in a workbook, to the letter of its column.
    scales : dict of str to Decimal
        Factor of a column whose header gives a multiple of the unit (万, 亿).
    is_sheet : bool
        Whether cells are named ``sheet!C12``.
    problems, warnings : list of Problem
        What was found while reading.
    header_row : int
        Line or row of the header.
    decimal_comma : bool
        Whether a comma in a number could be a decimal comma (files separated by semicolons).
    """

    name: str
    label: str
    columns: dict[str, list[object]] = field(default_factory=dict)
    rows: Sequence[int] = ()
    headers: dict[str, str] = field(default_factory=dict)
    scales: dict[str, Decimal] = field(default_factory=dict)
    is_sheet: bool = False
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    header_row: int = 1
    decimal_comma: bool = False

    def where(self, row: int, column: str | None = None) -> str:
        """Return the place of a cell, or of a row, by its position among the rows."""
        return self.place(self.rows[row], None if column is None else self.headers.get(column, column))

    def place(self, line: int, header: str | None = None) -> str:
        """Return the place of a cell by line number and header (in a workbook, by row and column letter)."""
        if self.is_sheet:
            return f"{self.label}!{header or 'A'}{line}"
        return f"{self.label}:{line}" if header is None else f"{self.label}:{line}:{header}"


def fold(text: str) -> str:
    """Reduce a header or a table's name to what counts when it is compared."""
    return "".join(ch for ch in unicodedata.normalize("NFKC", text).casefold() if ch.isalnum())


@cache
def table_titles() -> dict[str, dict[str, str]]:
    """Return, for each table in the order in which they are shown, ``name_zh``, ``title`` and ``title_zh``."""
    text = files("megalopolis.region").joinpath("tables.csv").read_text(encoding="utf-8")
    listed = {row["table"]: row for row in csv.DictReader(text.splitlines())}
    known = {name: row for name, row in listed.items() if name in schemas()}
    other = {name: {"name_zh": name, "title": "", "title_zh": ""} for name in schemas() if name not in listed}
    return known | other


def table_name(text: str) -> str | None:
    """Return the table that a file or sheet is named after, in English or Chinese, or None."""
    folded = fold(text)
    for name, row in table_titles().items():
        if folded in {fold(name), fold(row["name_zh"])}:
            return name
    return None


def unknown_table(text: str, where: str, present: Iterable[str]) -> Problem | None:
    """Return a problem where a file or sheet seems to be a misspelt table, else None."""
    known = [n for name, row in table_titles().items() if name not in present for n in (name, row["name_zh"])]
    near = get_close_matches(text.strip().casefold(), known, n=1, cutoff=0.7)
    return Problem(where, f"'{text}' is not the name of a table", f"did you mean {near[0]}?") if near else None


def unit_scale(text: str, unit: str, currency: str | None = None) -> Decimal | None:
    """Return the factor by which a unit as written must be multiplied, or None where it is not understood."""
    words = _UNIT_WORDS.get(unit, set())
    if unit.startswith("currency") and currency:
        words = words | {currency.casefold()} | _CURRENCY_WORDS.get(currency.upper(), set())
    said = unicodedata.normalize("NFKC", text).casefold().strip()
    if said == unit.casefold() or said in words:
        return Decimal(1)
    for multiple, factor in _MULTIPLES.items():
        if said.startswith(multiple) and (said == multiple or said.removeprefix(multiple).strip() in words):
            return factor
    return None


def _find_column(header: str, schema: TableSchema) -> tuple[Column, str] | None:
    """Return the column that a header means and the unit it gives, if any."""
    by_name = {fold(c.name): c for c in schema.columns} | {fold(c.header_zh): c for c in schema.columns if c.header_zh}
    by_name |= {fold(c.name): c for c in schema.columns}
    if fold(header) in by_name:
        return by_name[fold(header)], ""
    parts = _PARENTHESES.fullmatch(unicodedata.normalize("NFKC", header))
    if parts:
        base, unit = parts.groups()
        if fold(base) in by_name:
            return by_name[fold(base)], unit
        return (by_name[fold(base + unit)], "") if fold(base + unit) in by_name else None
    return None


def count_known(cells: Sequence[object], table: str) -> int:
    """Count the cells of a row that are headers of a table."""
    schema = schemas()[table]
    return sum(isinstance(c, str) and _find_column(c, schema) is not None for c in cells)


def shapefile_headers(headers: Sequence[str], table: str) -> list[str]:
    """Undo the cut of field names to 10 characters where only one column begins so."""
    names = schemas()[table].names
    result = []
    for header in headers:
        longer = [n for n in names if len(header) == 10 and n.startswith(header.casefold())]
        result.append(longer[0] if header.casefold() not in names and len(longer) == 1 else header)
    return result


def match_headers(
    raw: RawTable, headers: Sequence[str], spot: Callable[[int], str], currency: str | None = None
) -> dict[str, int]:
    """Find the columns of a table in its header row.

    Parameters
    ----------
    raw : RawTable
        Receives headers, scales and problems.
    headers : sequence of str
        As written; empty where a column has none.
    spot : callable
        Position to what names the column in messages.
    currency : str, optional
        The region's, so that a header may name it as the unit.

    Returns
    -------
    dict of str to int
        Column of the schema to its position.
    """
    schema = schemas()[raw.name]
    found: dict[str, int] = {}
    unknown: list[int] = []
    for position, header in enumerate(headers):
        if not header.strip():
            continue
        match = _find_column(header, schema)
        if match is None:
            unknown.append(position)
            continue
        column, unit = match
        where = raw.place(raw.header_row, spot(position))
        if column.name in found:
            raw.problems.append(Problem(where, f"the column '{column.name}' stands twice", "remove one of them"))
            continue
        found[column.name] = position
        raw.headers[column.name] = spot(position)
        if unit and column.unit:
            scale = unit_scale(unit, column.unit, currency)
            if scale is None:
                what = f"the unit '{unit.strip()}' of '{column.name}' is not understood"
                raw.problems.append(Problem(where, what, f"give {_shown_unit(column.unit, currency)}"))
            elif scale != 1:
                raw.scales[column.name] = scale
    _tell_unknown(raw, [(spot(p), headers[p].strip()) for p in unknown], found)
    for column in schema.columns:
        if column.required and column.name not in found:
            _tell_missing(raw, column, [headers[p] for p in unknown])
    return found


def _shown_unit(unit: str, currency: str | None) -> str:
    return unit.replace("currency", currency) if currency else unit


def _tell_unknown(raw: RawTable, unknown: list[tuple[str, str]], found: dict[str, int]) -> None:
    schema = schemas()[raw.name]
    open_names = [n for c in schema.columns if c.name not in found for n in (c.name, c.header_zh) if n]
    for spot, header in unknown:
        where = raw.place(raw.header_row, spot)
        todo = suggest(header.casefold(), open_names, "")
        if todo:
            raw.problems.append(Problem(where, f"the column '{header}' is not known", todo))
        else:
            raw.warnings.append(Problem(where, f"the column '{header}' is not known and was not read"))


def _tell_missing(raw: RawTable, column: Column, unknown: list[str]) -> None:
    todo = suggest(column.name, unknown, "") if unknown else ""
    todo = todo or f"add it: {column.description[:1].lower()}{column.description[1:]}"
    raw.problems.append(Problem(raw.label, f"the column '{column.name}' is missing", todo))


def refuse_many(label: str, table: str, rows: int) -> None:
    """Refuse a table of more cities than any region this is for.

    Raises
    ------
    BadInput
        If it has more than 100,000.
    """
    if table == "cities" and rows > MAX_CITIES:
        raise BadInput(Problem(label, f"has more than {MAX_CITIES:,} cities", "split the region"))


def repeated(values: Iterable[object]) -> set[object]:
    """Return the values that stand more than once."""
    return {value for value, count in Counter(values).items() if count > 1}
