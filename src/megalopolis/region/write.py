"""Write tables and regions: whole or not at all, and the same bytes for the same content."""

from __future__ import annotations

import csv
import datetime as dt
import errno
import html
import io
import re
import secrets
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import yaml
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from megalopolis.errors import BadInput, Problem
from megalopolis.region.catalogue import FOLDER, TABLE, texts_of
from megalopolis.region.meta import meta_document, meta_rows
from megalopolis.region.raw import table_titles
from megalopolis.region.region import Region
from megalopolis.region.schema import schemas

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

#: Time that stands in files which must carry one, so that the same content gives the same bytes.
_EPOCH: Final = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - workbooks know no zones
_MAX_CELL: Final = 32_767
_MAX_ROWS: Final = 1_048_575


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Write a file or a folder under a temporary name and put it in place only when it is whole.

    Yields a path of the same name inside a hidden folder beside the target; nothing is there yet. When the block
    ends, what was written there replaces the target. When it raises, for a full disk or an interrupt as well, it is
    removed and the target is as before. A folder that is there already keeps the files that are not written anew.

    Parameters
    ----------
    path : Path
        Target; the folders above it are made.

    Yields
    ------
    Path
        Where to write.
    """
    path = Path(path)
    # Named before it is made, so that an interrupt in between leaves nothing behind.
    scratch = path.parent / f".{path.name}.{secrets.token_hex(8)}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.mkdir(mode=0o700)
        yield scratch / path.name
        _put(scratch / path.name, path)
    except OSError as error:  # named by what was to be written, not by the temporary name
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _put(made: Path, target: Path) -> None:
    if made.is_dir() and target.is_dir():
        for entry in sorted(made.iterdir()):
            _put(entry, target / entry.name)
    else:
        made.replace(target)


def write_text(text: str, path: Path) -> None:
    """Write a UTF-8 text file with LF line ends; see `atomic`."""
    with atomic(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def plain(value: Any) -> Any:
    """Return a value of a frame as a plain Python one, None where it is missing, a whole number without its point."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def _csv_text(frame: pd.DataFrame) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(frame.columns)
    for row in frame.itertuples(index=False, name=None):
        writer.writerow([plain(v) for v in row])
    return stream.getvalue()


def write_folder(region: Region, directory: Path) -> None:
    """Write a region as a folder of ``region.yaml`` and one CSV per table; see `atomic`.

    Parameters
    ----------
    region : Region
        Read back, it has the same hash.
    directory : Path
        The folder.
    """
    with atomic(directory) as part:
        part.mkdir()
        document = yaml.safe_dump(meta_document(region.meta), allow_unicode=True, sort_keys=False)
        (part / "region.yaml").write_text(document, encoding="utf-8", newline="\n")
        for name in region.tables:
            if name == TABLE:
                (part / FOLDER).mkdir()
                for file, text in texts_of(region.tables[name]).items():
                    (part / FOLDER / file).write_text(text, encoding="utf-8", newline="\n")
                continue
            (part / f"{name}.csv").write_text(_csv_text(region.frame(name)), encoding="utf-8", newline="\n")


def region_frames(region: Region) -> dict[str, pd.DataFrame]:
    """Return the tables of a region in the order in which they are shown, ``region`` with its metadata first.

    `write_excel`, `write_parquet` and (as layers) `write_geopackage` turn them into what `read_region` reads.
    """
    frames = {"region": pd.DataFrame(meta_rows(region.meta), columns=["key", "value"])}
    return frames | {name: region.frame(name) for name in table_titles() if name in region.tables}


def region_layers(region: Region) -> dict[str, pd.DataFrame]:
    """Return the tables of a region as layers: those with coordinates as points, WGS-84."""
    import geopandas  # noqa: PLC0415 - GDAL loads slowly

    layers = region_frames(region)
    for name, frame in layers.items():
        if {"lon", "lat"} <= set(frame.columns):
            points = geopandas.points_from_xy(frame["lon"], frame["lat"])
            layers[name] = geopandas.GeoDataFrame(frame, geometry=points, crs="EPSG:4326")
    return layers


def write_excel(frames: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write frames as the sheets of a workbook, with their columns as headers and without their index; see `atomic`.

    Text is always text, never a formula. Missing values are empty cells.

    Raises
    ------
    ValueError
        If a frame has more rows than a sheet, or a name cannot be a sheet's.
    """
    book = Workbook(write_only=True)
    rows = []
    for name, frame in frames.items():
        if len(frame) > _MAX_ROWS:
            raise ValueError(f"{name} has {len(frame)} rows, a sheet at most {_MAX_ROWS}")
        sheet = book.create_sheet(sheet_title(name))
        sheet.freeze_panes = "A2"
        for position, column in enumerate(frame.columns, 1):
            sheet.column_dimensions[get_column_letter(position)].width = min(max(10, len(str(column)) + 2), 40)
        bold = Font(bold=True)
        sheet.append([_text_cell(sheet, str(c), bold) for c in frame.columns])
        rows.append(_rows(frame))
    if not frames:
        book.create_sheet("empty")
    with atomic(path) as part:
        save_workbook(book, part, rows)


def sheet_title(name: str) -> str:
    """Return a name as the title of a sheet: without signs that a workbook refuses.

    Raises
    ------
    ValueError
        If it is empty or longer than 31 characters.
    """
    title = re.sub(r"[\[\]:*?/\\]", "-", name).strip("'")
    if not 1 <= len(title) <= 31:
        raise ValueError(f"'{name}' cannot be the name of a sheet: give 1 to 31 characters")
    return title


def _text_cell(sheet: Any, text: str, font: Font) -> Any:
    cell = WriteOnlyCell(sheet, None)
    cell.value, cell.data_type, cell.font = _legal(text), "s", font
    return cell


def _legal(text: str) -> str:
    text = ILLEGAL_CHARACTERS_RE.sub("", text)
    return text if len(text) <= _MAX_CELL else f"{text[: _MAX_CELL - 1]}…"


def _rows(frame: pd.DataFrame) -> bytes:
    """Rows of a sheet below its header, as XML: the library makes an object of each cell, writes 16 digits of 17."""
    letters = [get_column_letter(position) for position in range(1, frame.shape[1] + 1)]
    columns = (map(_cell, frame.iloc[:, i].tolist()) for i in range(frame.shape[1]))
    rows = []
    for n, row in enumerate(zip(*columns, strict=True), 2):
        cells = [f'<c r="{at}{n}" {cell}' for at, cell in zip(letters, row, strict=True) if cell]
        rows.append(f'<row r="{n}">{"".join(cells)}</row>')
    return "".join(rows).encode()


def _cell(value: Any) -> str:
    """Type and content of a cell; nothing where the value is missing."""
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, int | float) and np.isfinite(value):
        return f't="b"><v>{value:d}</v></c>' if isinstance(value, bool) else f't="n"><v>{value!r}</v></c>'
    text = _legal(str(value))
    space = "" if text == text.strip() else ' xml:space="preserve"'
    return f't="inlineStr"><is><t{space}>{html.escape(text, quote=False)}</t></is></c>' if text else 't="inlineStr" />'


def save_workbook(book: Workbook, path: Path, rows: Sequence[bytes] = ()) -> None:
    """Save a workbook with fixed times inside, so that the same content gives the same bytes.

    `rows` are what is added at the end of each sheet, as XML.
    """
    book.properties.created = _EPOCH
    stream = io.BytesIO()
    book.save(stream)
    stamp = _EPOCH.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    with zipfile.ZipFile(stream) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            data = old.read(entry)
            sheet = re.fullmatch(r"xl/worksheets/sheet(\d+)\.xml", entry.filename)
            if sheet and rows:
                data = data.replace(b"</sheetData>", rows[int(sheet[1]) - 1] + b"</sheetData>")
            if entry.filename == "docProps/core.xml":  # the library writes the time of saving
                data = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, data)
            fixed = zipfile.ZipInfo(entry.filename, (2000, 1, 1, 0, 0, 0))
            fixed.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(fixed, data)


def write_geopackage(layers: Mapping[str, GeoDataFrame | pd.DataFrame], path: Path) -> None:
    """Write frames as layers of a GeoPackage, those without geometry as attribute tables; see `atomic`."""
    import pyogrio  # type: ignore[import-untyped]  # noqa: PLC0415

    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _EPOCH.strftime("%Y-%m-%dT%H:%M:%S.000Z")})
    try:
        with atomic(path) as part:
            for name, frame in layers.items():
                try:
                    pyogrio.write_dataframe(_whole(frame), part, layer=name, driver="GPKG")
                except RuntimeError as error:  # GDAL has many words for a full disk
                    raise OSError(errno.EIO, "a GeoPackage cannot be written; the disk may be full") from error
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _whole(frame: pd.DataFrame) -> pd.DataFrame:
    """Give columns that hold nothing a type, which a layer needs."""
    empty = [c for c in frame.columns if c != "geometry" and frame[c].isna().all() and frame[c].dtype == object]
    return frame.assign(**{c: frame[c].astype("str") for c in empty}) if empty else frame


def write_parquet(frames: Mapping[str, pd.DataFrame], directory: Path) -> list[Path]:
    """Write frames as Parquet files of a folder, those with geometry as GeoParquet; see `atomic`.

    Returns
    -------
    list of Path
        The files.
    """
    with atomic(directory) as part:
        part.mkdir()
        for name, frame in frames.items():
            frame.to_parquet(part / f"{name}.parquet", index=False)
    return [Path(directory) / f"{name}.parquet" for name in frames]


def write_csvs(frames: Mapping[str, pd.DataFrame], directory: Path) -> Sequence[Path]:
    """Write frames as CSV files of a folder, UTF-8, LF, numbers so that they read back the same; see `atomic`."""
    with atomic(directory) as part:
        part.mkdir()
        for name, frame in frames.items():
            (part / f"{name}.csv").write_text(_csv_text(frame), encoding="utf-8", newline="\n")
    return [Path(directory) / f"{name}.csv" for name in frames]


def write_new(tables: Mapping[str, pd.DataFrame], folder: Path) -> list[Path]:
    """Write tables into the folder of a region that has none of them yet, all or none.

    Raises
    ------
    BadInput
        If the folder is none, or one of the tables is there already.
    """
    if not folder.is_dir():
        raise BadInput(Problem(str(folder), "is no folder", "start one with megalopolis new"))
    paths = [folder / f"{name}.csv" for name in tables]
    for path in paths:
        if path.exists() and path.read_text(encoding="utf-8", errors="replace").count("\n") > 1:
            raise BadInput(Problem(str(path), "is there already", "move it away, or give another folder"))
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as scratch:
        for (name, frame), path in zip(tables.items(), paths, strict=True):
            known = [c for c in schemas()[name].names if c in frame]
            frame[known].to_csv(Path(scratch) / path.name, index=False)
        for path in paths:
            shutil.move(Path(scratch) / path.name, path)
    return paths
