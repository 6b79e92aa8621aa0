"""Read the tables of a region from the sheets of an Excel workbook."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import openpyxl
from openpyxl.utils import get_column_letter

from megalopolis.errors import BadInput, Problem
from megalopolis.region.cells import as_text, is_blank, is_numeric
from megalopolis.region.csvfile import refuse_large
from megalopolis.region.meta import RowsDocument, document_of_rows, is_meta
from megalopolis.region.raw import (
    MAX_CITIES,
    RawTable,
    count_known,
    match_headers,
    table_name,
    unknown_table,
)
from megalopolis.region.schema import schemas

#: A workbook takes some 30 times its unpacked size in memory.
_MAX_UNPACKED: Final = 256 * 2**20
_MAX_CELLS: Final = 5_000_000
_MAX_COLUMNS: Final = 500
#: Titles and group headers may stand above the header row.
_HEADER_ZONE: Final = 12


def read_excel(path: Path) -> tuple[dict[str, Any], RowsDocument | None, list[Problem]]:
    """Open a workbook and find its sheets.

    Parameters
    ----------
    path : Path
        An .xlsx or .xlsm file.

    Returns
    -------
    tuple
        Table to what `read_sheet` takes, the document of the sheet ``region``, and problems.

    Raises
    ------
    BadInput
        If the file is not a workbook, or too large.
    """
    refuse_large(path)
    book, problems = _open(path), []
    for sheet in book.worksheets:
        if (sheet.max_row or 0) * min(sheet.max_column or 0, _MAX_COLUMNS) > _MAX_CELLS:
            what = f"reaches to row {sheet.max_row:,}"
            where = f"{path.name}:{sheet.title}"
            raise BadInput(Problem(where, what, "delete the rows and columns beyond the table"))
    stored = _open(path, data_only=True) if _has_formulas(book) else book
    found: dict[str, Any] = {}
    document = None
    for sheet in book.worksheets:
        label = f"{path.name}:{sheet.title}"
        if is_meta(sheet.title):
            document, more = _document(stored[sheet.title], label)
            problems += more
            continue
        table = table_name(sheet.title)
        if table is None:
            continue
        if table in found:
            problems.append(Problem(label, f"the table '{table}' has another sheet too", "remove one of them"))
            continue
        found[table] = (sheet, stored[sheet.title], label)
    for sheet in book.worksheets:
        if table_name(sheet.title) is None and not is_meta(sheet.title):
            problem = unknown_table(sheet.title, f"{path.name}:{sheet.title}", found)
            problems += [problem] if problem else []
    return found, document, problems


def _refuse_package(path: Path) -> None:
    with path.open("rb") as stream:
        head = stream.read(4)
    if head == b"\xd0\xcf\x11\xe0":
        raise BadInput(Problem(path.name, "is an old .xls or has a password", "save it as .xlsx without a password"))
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > _MAX_UNPACKED:
            what = f"unpacks to more than {_MAX_UNPACKED >> 20} MB"
            raise BadInput(Problem(path.name, what, "save the tables as CSV in a folder"))


def _open(path: Path, *, data_only: bool = False) -> Any:
    try:
        _refuse_package(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl tells of drawings and styles that it does not keep
            return openpyxl.load_workbook(path, data_only=data_only)
    except BadInput:
        raise
    except Exception as error:  # openpyxl raises whatever the broken part leads to
        raise BadInput(Problem(path.name, "cannot be read as an Excel workbook", "save it again as .xlsx")) from error


def _has_formulas(book: Any) -> bool:
    return any(cell.data_type == "f" for sheet in book.worksheets for row in _rows(sheet) for cell in row)


def _rows(sheet: Any) -> list[tuple[Any, ...]]:
    columns = min(sheet.max_column or 0, _MAX_COLUMNS)
    return list(sheet.iter_rows(max_col=columns)) if columns else []


def _document(sheet: Any, label: str) -> tuple[RowsDocument, list[Problem]]:
    rows = [(row[0].value, row[1].value if len(row) > 1 else None, f"{label}!B{row[0].row}") for row in _rows(sheet)]
    return document_of_rows(rows, label)


def read_sheet(source: tuple[Any, Any, str], table: str, currency: str | None = None) -> RawTable:
    """Read one table from its sheet.

    A title above the header and headers merged over rows are understood: the header of a column is its lowest cell in
    the header block. A header merged over several columns that hold data is a problem, as is a merged number. A text
    merged over rows stands for each of them.

    Parameters
    ----------
    source : tuple
        Of `read_excel`: the sheet, the sheet with the stored values of formulas, the label.
    table : str
        Table of the schema.
    currency : str, optional
        The region's, for units in headers.

    Returns
    -------
    RawTable
        Cells are named ``workbook.xlsx:sheet!C12``.
    """
    sheet, stored, label = source
    raw = RawTable(table, label, is_sheet=True)
    rows = _rows(sheet)
    values = [[cell.value for cell in row] for row in _rows(stored)]
    _spread_headers(sheet, values)
    head = _header_position(values, table)
    if head is None:
        raw.problems.append(Problem(label, "is empty", "write the headers and rows, or delete the sheet"))
        return raw
    raw.header_row = head + 1
    headers = ["" if is_blank(v) else as_text(v) for v in values[head]]
    found = match_headers(raw, headers, lambda i: get_column_letter(i + 1), currency)
    kept = [i for i in range(head + 1, len(values)) if not all(is_blank(v) for v in values[i])]
    _tell_unnamed(raw, sheet, headers, [values[i] for i in kept])
    if table == "cities" and len(kept) > MAX_CITIES:
        raw.problems.append(Problem(label, f"has more than {MAX_CITIES:,} cities", "split the region"))
        return raw
    raw.rows = [i + 1 for i in kept]
    for name, position in found.items():
        text = not is_numeric(schemas()[table][name])
        raw.columns[name] = [_cell(raw, rows[i][position], values[i][position], text=text) for i in kept]
    _spread_cells(raw, sheet, found)
    return raw


def _cell(raw: RawTable, cell: Any, value: object, *, text: bool) -> object:
    """Value of a cell; a whole number shown with leading zeros is text with them."""
    if cell.data_type == "f" and value is None:
        where = f"{raw.label}!{cell.coordinate}"
        raw.problems.append(
            Problem(where, "the formula has no stored value", "open and save the workbook in a spreadsheet program")
        )
    if text and isinstance(value, int) and not isinstance(value, bool) and re.fullmatch("0+", cell.number_format):
        return str(value).zfill(len(cell.number_format))
    return value


def _spread_headers(sheet: Any, values: list[list[Any]]) -> None:
    """Repeat headers that are merged over rows, in each of them."""
    for area in sheet.merged_cells.ranges:
        if area.max_row > area.min_row and area.max_row <= _HEADER_ZONE and area.min_col <= _MAX_COLUMNS:
            top = values[area.min_row - 1][area.min_col - 1]
            if count_known([top], table_name(sheet.title) or "cities"):
                for row in range(area.min_row, min(area.max_row, len(values))):
                    values[row][area.min_col - 1] = top


def _header_position(values: Sequence[Sequence[object]], table: str) -> int | None:
    """Position of the row with the most headers of the table, the lowest of several; else the first that has cells."""
    filled = [i for i, row in enumerate(values[:_HEADER_ZONE]) if not all(is_blank(v) for v in row)]
    if not filled:
        return None
    best = max(filled, key=lambda i: (count_known(values[i], table), i))
    return best if count_known(values[best], table) else filled[0]


def _tell_unnamed(raw: RawTable, sheet: Any, headers: list[str], rows: list[list[Any]]) -> None:
    """Note columns that hold cells and have no header, or share one that is merged."""
    merged: dict[int, Any] = {}
    for area in sheet.merged_cells.ranges:
        if area.min_row <= raw.header_row <= area.max_row and area.max_col > area.min_col:
            merged |= dict.fromkeys(range(area.min_col, area.max_col + 1), area)
    told = set()
    for position, header in enumerate(headers):
        area = merged.get(position + 1)
        if header.strip() or all(is_blank(row[position]) for row in rows):
            continue
        if area is None:
            where = raw.place(raw.header_row, get_column_letter(position + 1))
            raw.problems.append(Problem(where, "the column has no header", "name it, or empty it"))
        elif area.coord not in told:
            told.add(area.coord)
            where = raw.place(raw.header_row, get_column_letter(area.min_col))
            raw.problems.append(
                Problem(where, f"the header is merged over {area.coord}", "give every column its own header")
            )


def _spread_cells(raw: RawTable, sheet: Any, found: dict[str, int]) -> None:
    """Repeat a text merged over rows in each of them; refuse other merged cells below the header."""
    names = {position + 1: name for name, position in found.items()}
    index = {row: i for i, row in enumerate(raw.rows)}
    for area in sheet.merged_cells.ranges:
        rows = [r for r in range(area.min_row, area.max_row + 1) if r in index and r > raw.header_row]
        columns = [c for c in range(area.min_col, area.max_col + 1) if c in names]
        if not rows or not columns:
            continue
        name = names[columns[0]]
        if area.max_col > area.min_col or is_numeric(schemas()[raw.name][name]):
            where = raw.place(area.min_row, get_column_letter(columns[0]))
            raw.problems.append(
                Problem(where, f"the cells {area.coord} are merged", "give every row and column its own cell")
            )
            continue
        cells = raw.columns[name]
        for row in rows:
            cells[index[row]] = cells[index[rows[0]]]
