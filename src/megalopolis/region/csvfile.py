"""Read one table from a text file of separated values."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from megalopolis.errors import BadInput, Problem
from megalopolis.region.raw import MAX_BYTES, MAX_CITIES, RawTable, count_known, match_headers

_UTF8: Final = "save it as CSV UTF-8"
_PAIRS: Final = re.compile(rb"([\x81-\xfe])([\x40-\x7e\x80-\xfe])")
#: Longest cell; a longer one is nearly always a quote that is not closed.
_MAX_CELL: Final = 131_072


def refuse_large(path: Path, label: str | None = None, limit: int = MAX_BYTES) -> None:
    """Refuse a file by its size, before it is read.

    Raises
    ------
    BadInput
        If the file is too large, empty, or cannot be read at all.
    """
    label = label or path.name
    try:
        size = path.stat().st_size
    except OSError as error:
        raise BadInput(Problem(label, error.strerror or "cannot be read", "check the path")) from error
    if size > limit:
        raise BadInput(
            Problem(label, f"is larger than {limit >> 20} MB", "leave out what is not needed, or split the region")
        )
    if size == 0:
        raise BadInput(Problem(label, "is empty", "write the headers and rows, or delete the file"))


def read_csv(path: Path, table: str, currency: str | None = None) -> RawTable:
    """Read a table from a file separated by commas, semicolons or tabs, in UTF-8 or GB18030.

    Parameters
    ----------
    path : Path
        The file.
    table : str
        Table of the schema.
    currency : str, optional
        The region's, for units in headers.

    Returns
    -------
    RawTable
        With what is wrong in the file in ``problems``; rows that are wholly empty are left out.
    """
    raw = RawTable(table, path.name)
    try:
        refuse_large(path)
        text = _decode(path.read_bytes(), table)
    except BadInput as error:
        raw.problems += [
            Problem(path.name + p.where if p.where != path.name else p.where, p.what, p.todo) for p in error.problems
        ]
        return raw
    except OSError as error:
        raw.problems.append(Problem(path.name, error.strerror or "cannot be read", "check the file"))
        return raw
    separator = _separator(text, table)
    raw.decimal_comma = separator == ";"
    _fill(raw, _rows(text, separator), currency)
    return raw


def _decode(data: bytes, table: str) -> str:
    """Return the text of a file; a place in the file, if there is one, begins with a colon in the problem."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise BadInput(Problem("", "is UTF-16 text", _UTF8))
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise BadInput(
            Problem("", "is a workbook or an archive, not text", "save it as CSV, or name it .xlsx and read that")
        )
    if b"\0" in data:
        head = data[:4096]
        if max(head[::2].count(0), head[1::2].count(0)) > 0.4 * len(head) / 2:
            raise BadInput(Problem("", "is UTF-16 text", _UTF8))
        raise BadInput(Problem("", "is a binary file, not text", _UTF8))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if is_chinese(data):
            try:
                text = data.decode("gb18030")
            except UnicodeDecodeError:
                text = ""
            if count_known(re.split(r"[,;\t]", text.partition("\n")[0].strip("\r")), table):
                return text
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInput(Problem(f":{line}", "is neither UTF-8 nor a table in GB18030", _UTF8)) from error


def is_chinese(data: bytes) -> bool:
    """Whether the bytes beyond ASCII pair up as in Chinese text and not as accented letters between plain ones."""
    pairs = _PAIRS.findall(data)
    common = sum(lead >= b"\xa1" and trail >= b"\xa1" for lead, trail in pairs)
    return bool(pairs) and common > 0.8 * len(pairs)


def _separator(text: str, table: str) -> str:
    head = text.lstrip("\r\n").partition("\n")[0]
    return max(",;\t", key=lambda s: count_known([c.strip(' "\r') for c in head.split(s)], table))


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each row begins, and its cells."""
    csv.field_size_limit(_MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise _At(line, str(error)) from error


class _At(csv.Error):
    def __init__(self, line: int, what: str) -> None:
        self.line = line
        super().__init__(what)


def _fill(raw: RawTable, rows: Iterator[tuple[int, list[str]]], currency: str | None) -> None:
    headers: list[str] = []
    lines: list[int] = []
    cells: list[list[str]] = []
    try:
        raw.header_row, headers = next(rows, (1, []))
        if not headers:
            raw.problems.append(Problem(raw.label, "is empty", "write the headers and rows, or delete the file"))
            return
        for line, row in rows:
            if len(row) != len(headers):
                extra = row[len(headers) :]
                if len(row) < len(headers) or any(c.strip() for c in extra):
                    what = f"has {len(row)} cells where the header has {len(headers)}"
                    raw.problems.append(
                        Problem(raw.place(line), what, "quote cells that hold a separator, and fill up short rows")
                    )
                row = (row + [""] * len(headers))[: len(headers)]  # noqa: PLW2901 - read on, to find all problems
            lines.append(line)
            cells.append(row)
            if raw.name == "cities" and len(cells) > MAX_CITIES:
                raw.problems.append(Problem(raw.label, f"has more than {MAX_CITIES:,} cities", "split the region"))
                return
    except _At as error:
        what = str(error)
        if "larger than" in what or "end of data" in what:
            what = "a quotation mark is opened and not closed"
        todo = "close it, or double a quotation mark inside a cell"
        raw.problems.append(Problem(raw.place(error.line), what, todo))
    found = match_headers(raw, headers, lambda i: headers[i].strip(), currency)
    for position, header in enumerate(headers):
        if not header.strip() and any(row[position].strip() for row in cells):
            raw.problems.append(
                Problem(raw.place(raw.header_row), f"column {position + 1} has no header", "name it, or empty it")
            )
    raw.rows = lines
    raw.columns = {name: [row[position] for row in cells] for name, position in found.items()}
