"""The files of a GTFS feed, in a folder or a zip archive: read as streams of batches, nothing is written or unpacked.

What others made is read with care: names that lead out of the archive, archives that unfold to many times their size,
encrypted or damaged entries, and tables that are too large are refused, with one line that says so.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.csv as pacsv

from megalopolis.errors import BadInput, Problem, suggest

MAX_BYTES: Final = 512 * 2**20
"""Largest table that is read whole; ``stop_times`` is streamed and may be larger."""
MAX_STREAM: Final = 64 * 2**30
"""Largest table that is streamed."""
BLOCK: Final = 8 * 2**20
"""Bytes of a table in memory at a time; no row may be longer."""

_MAX_ENTRIES: Final = 10_000
_MAX_RATIO: Final = 200  # timetables shrink by a factor of 5 to 40
_SMALL: Final = 2**20  # bytes up to which any ratio is harmless
_TABLES: Final = ("stops", "trips", "stop_times", "calendar", "calendar_dates", "transfers", "frequencies", "routes")


class Source:
    """The tables of a feed.

    Parameters
    ----------
    path : Path
        Folder, or zip archive with the files at its top or in one folder.

    Raises
    ------
    BadInput
        If there is neither, or the archive is not to be trusted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names: dict[str, str] = {}
        if path.is_dir():
            self.names = {t: f"{t}.txt" for t in _TABLES if (path / f"{t}.txt").is_file()}
            self.archive = False
        elif path.is_file():
            self.names = _entries(path)
            self.archive = True
        else:
            raise BadInput(Problem(str(path), "no such folder or archive", "name a GTFS folder or zip file"))

    def has(self, table: str) -> bool:
        """Whether the feed has a table."""
        return table in self.names

    def where(self, table: str, row: int | None = None, column: str = "") -> str:
        """Place of a row of a table, as ``feed.zip/stops.txt:row:column``; rows are counted from the header, 1."""
        place = f"{self.path.name}/{self.names.get(table, table + '.txt')}"
        return ":".join([place, *([str(row)] if row else []), *([column] if column else [])])

    @contextmanager
    def open(self, table: str) -> Iterator[IO[bytes]]:
        """Bytes of a table."""
        limit = MAX_STREAM if table == "stop_times" else MAX_BYTES
        try:
            if not self.archive:
                file = self.path / self.names[table]
                self._check_size(table, file.stat().st_size, limit)
                with file.open("rb") as stream:
                    yield stream
                return
            with zipfile.ZipFile(self.path) as archive:
                self._check_size(table, archive.getinfo(self.names[table]).file_size, limit)
                with archive.open(self.names[table]) as stream:
                    yield stream
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
            raise BadInput(Problem(self.where(table), f"cannot be read: {error}", "ask for the feed again")) from error

    def _check_size(self, table: str, size: int, limit: int) -> None:
        if size > limit:
            what = f"the table takes {size / 2**20:,.0f} MB, at most {limit / 2**20:,.0f} are read"
            raise BadInput(Problem(self.where(table), what, "cut the feed to the trains that are needed"))


def _entries(path: Path) -> dict[str, str]:
    """Entry of each table in an archive that can be trusted."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        what = f"not a zip archive that can be read: {error}"
        raise BadInput(Problem(path.name, what, "name a GTFS folder or zip file")) from error
    if len(infos) > _MAX_ENTRIES:
        raise BadInput(Problem(path.name, f"{len(infos):,} files in the archive", "leave the tables of GTFS only"))
    problems = [p for info in infos if (p := _distrust(path, info))]
    names = [info.filename for info in infos]
    problems += [
        Problem(f"{path.name}/{n}", "stands in the archive more than once", "make the archive again")
        for n in sorted({n for n in names if names.count(n) > 1})
    ]
    if problems:
        raise BadInput(problems)
    homes = sorted({n.removesuffix("stops.txt") for n in names if n.rpartition("/")[2] == "stops.txt"})
    if len(homes) > 1 or any(home.count("/") > 1 for home in homes):
        what = f"stops.txt stands in {', '.join(homes) or 'several folders'}"
        raise BadInput(Problem(path.name, what, "leave one feed, at the top of the archive or in one folder"))
    home = homes[0] if homes else ""
    return {t: f"{home}{t}.txt" for t in _TABLES if f"{home}{t}.txt" in names}


def _distrust(path: Path, info: zipfile.ZipInfo) -> Problem | None:
    """What is wrong with an entry."""
    where = f"{path.name}/{info.filename}"
    parts = re.split(r"[/\\]", info.orig_filename)
    if ".." in parts or not parts[0] or ":" in parts[0] or "\\" in info.orig_filename:
        return Problem(where, "the name leads out of the archive", "do not use this archive")
    if info.flag_bits & 1:
        return Problem(where, "is encrypted", "unpack it and name the folder")
    if info.file_size > max(_SMALL, _MAX_RATIO * info.compress_size):
        what = f"unfolds from {info.compress_size:,} to {info.file_size:,} bytes"
        return Problem(where, what, "unpack it and name the folder, if you trust it")
    return None


def header(source: Source, table: str, needed: tuple[str, ...]) -> list[str]:
    """Columns of a table.

    Raises
    ------
    BadInput
        If the file or a column that is needed is missing, or a column stands twice.
    """
    if not source.has(table):
        raise BadInput(Problem(source.where(table), "the file is missing", "every feed needs it"))
    with source.open(table) as stream:
        line = stream.readline(2**16)
    try:
        text = line.decode("utf-8-sig")
        names = [name.strip() for name in next(csv.reader(io.StringIO(text)), [])]
    except (UnicodeDecodeError, csv.Error) as error:
        todo = "save the file as UTF-8"
        raise BadInput(Problem(source.where(table, 1), f"the header cannot be read: {error}", todo)) from error
    problems = [
        Problem(source.where(table, 1, name), "the column stands twice", "leave one of them")
        for name in sorted({n for n in names if n and names.count(n) > 1})
    ]
    problems += [
        Problem(source.where(table, 1), f"the column {name} is missing", suggest(name, names, "every feed needs it"))
        for name in needed
        if name not in names
    ]
    if problems:
        raise BadInput(problems)
    return names


def batches(
    source: Source, table: str, needed: tuple[str, ...], wanted: tuple[str, ...] = ()
) -> Iterator[tuple[int, dict[str, pa.Array]]]:
    """Rows of a table as text, block by block.

    Parameters
    ----------
    source : Source
        The feed.
    table : str
        Name without ``.txt``.
    needed, wanted : tuple of str
        Columns that must be there, and that may be.

    Yields
    ------
    tuple
        Row number of the first row (the first after the header is 2), and the columns that are there by name; an empty
        cell is null.

    Raises
    ------
    BadInput
        If the table cannot be read.
    """
    names = header(source, table, needed)
    columns = [c for c in (*needed, *wanted) if c in names]
    unnamed = [name or f"column {i}" for i, name in enumerate(names)]
    with source.open(table) as stream:
        row = 2
        try:
            reader = pacsv.open_csv(
                pa.PythonFile(stream, mode="r"),
                read_options=pacsv.ReadOptions(
                    block_size=BLOCK, column_names=unnamed, skip_rows=1, use_threads=False, encoding="utf8"
                ),
                parse_options=pacsv.ParseOptions(newlines_in_values=False),
                convert_options=pacsv.ConvertOptions(
                    include_columns=columns,
                    column_types=dict.fromkeys(columns, pa.string()),
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                ),
            )
            for batch in reader:
                yield row, {name: batch.column(name) for name in columns}
                row += batch.num_rows
        except pa.ArrowInvalid as error:
            if "Empty CSV" in str(error):
                return
            raise BadInput(Problem(source.where(table), _said(error, row), "mend the row")) from error


def _said(error: Exception, row: int) -> str:
    """What a reader of tables says, on one short line."""
    text = " ".join(str(error).split())
    if "straddling" in text:
        return f"a row after row {row} is longer than {BLOCK / 2**20:.0f} MB"
    if "UTF8" in text or "UTF-8" in text:
        return f"not UTF-8 text after row {row}"
    return f"after row {row}: {text[:200]}"


def whole(source: Source, table: str, needed: tuple[str, ...], wanted: tuple[str, ...] = ()) -> dict[str, list[Any]]:
    """Columns of a table that is read whole, as lists of stripped text; "" where there is no cell or no column."""
    found: dict[str, list[Any]] = {name: [] for name in (*needed, *wanted)}
    for _, columns in batches(source, table, needed, wanted):
        size = len(next(iter(columns.values())))
        for name in found:
            cells = columns[name].to_pylist() if name in columns else [""] * size
            found[name] += [(cell or "").strip() for cell in cells]
    return found
