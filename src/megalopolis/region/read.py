"""Read a region: a bundled name, a folder of tables, a workbook, or a file of layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.region.arrays import ENDINGS
from megalopolis.region.catalogue import FOLDER, TABLE, read_catalogue_folder
from megalopolis.region.check import Checked, check_tables
from megalopolis.region.csvfile import read_csv
from megalopolis.region.documents import Document, read_yaml
from megalopolis.region.meta import document_of_rows, is_meta
from megalopolis.region.raw import RawTable, table_name, unknown_table
from megalopolis.region.region import Region, RegionMeta
from megalopolis.region.timetable import feed_path, with_timetable

_PARQUET: Final = (".parquet", ".geoparquet")
_META_TODO: Final = "write a file region.yaml with the lines `name: My region` and `base_year: 2021`"


@dataclass
class RawRegion:
    """A region as it stands in its files.

    Attributes
    ----------
    meta : RegionMeta or None
        None where it cannot be read.
    tables : dict of str to RawTable
        The tables found.
    problems, warnings : list of Problem
        What is wrong beside the tables' own findings.
    place : Path or None
        Folder of the files, from which the path of a timetable counts.
    own_folder : bool
        Whether the region is that folder.
    """

    label: str
    meta: RegionMeta | None = None
    tables: dict[str, RawTable] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    place: Path | None = None
    own_folder: bool = False

    @property
    def currency(self) -> str | None:
        """Currency of the region, for units in headers."""
        return self.meta.currency if self.meta else None

    def set_meta(self, document: Document) -> None:
        """Read name, currency and years from a document."""
        try:
            stripped = {k: v.strip() if isinstance(v, str) else v for k, v in document.data.items()}
            self.meta = RegionMeta.model_validate(stripped)
        except ValidationError as error:
            self.problems += [
                Problem(p.where, p.what, "see the reference of regions") for p in document.problems(error)
            ]


def packs() -> Path:
    """Return the folder of the bundled regions."""
    return Path(str(files("megalopolis.region"))) / "packs"


def bundled_regions() -> list[str]:
    """Return the names of the bundled regions."""
    return sorted(p.parent.name for p in packs().glob("*/region.yaml"))


def region_path(source: str | Path) -> Path:
    """Find a region: a bundled name, or a folder or file, its name in any capitalisation.

    Raises
    ------
    BadInput
        If there is neither.
    """
    text = str(source)
    if text.casefold() in bundled_regions():
        return packs() / text.casefold()
    found = _on_disk(Path(text)) if text.strip() else None
    if found is not None:
        return found
    known = bundled_regions()
    todo = suggest(text, known, f"give a folder, a workbook, or a bundled region: {', '.join(known)}")
    raise BadInput(Problem("", f"there is no region '{text}'", todo))


def _on_disk(path: Path) -> Path | None:
    """Find a path, its last part in any capitalisation; None where there is nothing or it may not be looked at."""
    try:
        if path.exists():
            return path
        alike = [p for p in sorted(path.parent.iterdir()) if p.name.casefold() == path.name.casefold()]
    except (OSError, ValueError):
        return None
    return alike[0] if len(alike) == 1 else None


def read_region(source: str | Path) -> Region:
    """Read and check a region.

    Parameters
    ----------
    source : str or Path
        A bundled name (``china``); a folder with ``region.yaml``, one CSV or Parquet file per table and, where it has a
        timetable, a GTFS feed ``timetable`` or ``timetable.zip``; an Excel
        workbook with one sheet per table and a sheet ``region``; a GeoPackage with one layer per table; a shapefile
        or a Parquet file of cities with ``region.yaml`` beside it.

    Returns
    -------
    Region
        Tables typed by the schema, defaults and missing km filled.

    Raises
    ------
    BadInput
        With every problem found, each with its place.
    """
    raw = read_raw(region_path(source))
    return assemble(raw, check_tables(raw.tables))


def assemble(raw: RawRegion, checked: Checked) -> Region:
    """Make a region of checked tables.

    Raises
    ------
    BadInput
        With every problem, of the files and of the tables.
    """
    problems = [*raw.problems, *checked.problems]
    if "cities" not in raw.tables and not any("cities" in p.todo for p in raw.problems):
        what = "has no table 'cities'"
        problems.append(Problem(raw.label, what, "add it: it is the only one that every region needs"))
    if problems or raw.meta is None:
        raise BadInput(problems)
    path = None if raw.place is None else feed_path(raw.place, raw.meta, folder=raw.own_folder)
    if path is None:
        return Region(raw.meta, checked.tables)
    found = with_timetable(checked.tables, raw.meta, path, "region.yaml")
    raw.warnings += found.warnings
    return Region(found.meta, found.tables)


def read_raw(path: Path) -> RawRegion:
    """Read the files of a region as they are, by what kind of file they are."""
    suffix = path.suffix.casefold()
    reader = _read_folder if path.is_dir() else _readers().get(suffix)
    if reader is None:
        todo = "give a folder, .xlsx, .gpkg, .parquet or .shp"
        raise BadInput(Problem(path.name, f"'{suffix or path.name}' is not a format of regions", todo))
    try:
        raw = reader(path)
    except OSError as error:
        raise BadInput(Problem(path.name, error.strerror or "cannot be read", "check the permissions")) from error
    raw.own_folder = path.is_dir()
    raw.place = path if raw.own_folder else path.parent
    return raw


def _readers() -> dict[str, Callable[[Path], RawRegion]]:
    shapes = dict.fromkeys((".shp", *_PARQUET), _read_cities)
    return {".xlsx": _read_workbook, ".xlsm": _read_workbook, ".gpkg": _read_geopackage, **shapes}


def _read_workbook(path: Path) -> RawRegion:
    from megalopolis.region.excel import read_excel, read_sheet  # noqa: PLC0415 - loads slowly, rarely needed

    raw = RawRegion(path.name)
    sheets, document, raw.problems = read_excel(path)
    if document is None:
        todo = "add it: keys in column A (name, base_year, currency), their values in column B"
        raw.problems.append(Problem(path.name, "has no sheet 'region'", todo))
    else:
        raw.set_meta(document)
    raw.tables = {table: read_sheet(sheet, table, raw.currency) for table, sheet in sheets.items()}
    return raw


def _read_geopackage(path: Path) -> RawRegion:
    from megalopolis.region.layers import list_layers, read_layer, read_rows  # noqa: PLC0415

    raw = RawRegion(path.name)
    layers = list_layers(path)
    found: dict[str, str] = {}
    for layer in layers:
        table = table_name(layer)
        if is_meta(layer):
            label = f"{path.name}:{layer}"
            rows = [(row[0], row[1], f"{label}:{i}") for i, row in enumerate(read_rows(path, layer), 1) if len(row) > 1]
            document, more = document_of_rows(rows, label)
            raw.problems += more
            raw.set_meta(document)
        elif table in found:
            what = f"the table '{table}' stands in the layer '{found[table]}' too"
            raw.problems.append(Problem(f"{path.name}:{layer}", what, "remove one of the layers"))
        elif table is not None:
            found[table] = layer
    for layer in layers:
        problem = None if table_name(layer) or is_meta(layer) else unknown_table(layer, f"{path.name}:{layer}", found)
        raw.problems += [problem] if problem else []
    if not any(is_meta(layer) for layer in layers):
        _meta_beside(raw, _beside(path))
    raw.tables = {table: read_layer(path, table, layer, raw.currency) for table, layer in found.items()}
    return raw


def _read_cities(path: Path) -> RawRegion:
    """Read a shapefile or a Parquet file: the cities alone."""
    from megalopolis.region.layers import read_layer, read_parquet  # noqa: PLC0415

    raw = RawRegion(path.name)
    _meta_beside(raw, _beside(path))
    is_shape = path.suffix.casefold() == ".shp"
    cities = read_layer(path, "cities", None, raw.currency) if is_shape else read_parquet(path, "cities", raw.currency)
    raw.tables = {"cities": cities}
    return raw


def _beside(path: Path) -> Path | None:
    """Find the metadata of a region whose tables are in one file: of the same name, or ``region.yaml``."""
    for name in (f"{path.stem}.yaml", "region.yaml"):
        if path.with_name(name).is_file():
            return path.with_name(name)
    return None


def _read_folder(folder: Path) -> RawRegion:
    raw = RawRegion(folder.name)
    found: dict[str, Path] = {}
    entries = [p for p in sorted(folder.iterdir()) if p.is_file() and not p.name.startswith((".", "~$"))]
    books = [p for p in entries if p.suffix.casefold() == ".xlsx"]
    if len(books) == 1 and not any(p.stem.casefold() in {"region", "cities"} and p != books[0] for p in entries):
        raw = _read_workbook(books[0])
        _add_catalogue(raw, folder)
        return raw
    document = [p for p in entries if p.name.casefold() in {"region.yaml", "region.yml"}]
    rows = [p for p in entries if is_meta(p.stem) and p.suffix.casefold() == ".parquet"]
    if rows and not document:
        _meta_of_parquet(raw, rows[0])
    else:
        _meta_beside(raw, document[0] if document else None)
    entries += [p for p in sorted(folder.iterdir()) if p.is_dir() and _is_matrix(p)]
    texts = {".csv", ".txt", ".tsv", *_PARQUET}
    tables = [p for p in entries if p.suffix.casefold() in texts or _is_omx(p) or _is_matrix(p)]
    for path in tables:
        name = table_name(path.stem)
        if name is None:
            continue
        if name in found:
            what = f"the table '{name}' stands in {found[name].name} too"
            raw.problems.append(Problem(path.name, what, "remove one of the files"))
            continue
        found[name] = path
    for path in tables:
        if table_name(path.stem) is None and not is_meta(path.stem) and path.suffix.casefold() != ".txt":
            problem = unknown_table(path.stem, path.name, found)
            if problem:
                raw.problems.append(problem)
    for name, path in sorted(found.items(), key=lambda item: _is_matrix(item[1])):  # matrices need the cities
        raw.tables[name] = _read_table(path, name, raw.currency, raw.tables.get("cities"))
    _add_catalogue(raw, folder)
    return raw


def _add_catalogue(raw: RawRegion, folder: Path) -> None:
    """Add the catalogue of services that lies beside the tables."""
    table, problems = read_catalogue_folder(folder / FOLDER)
    raw.problems += problems
    if table is not None and TABLE in raw.tables:
        what = f"the table '{TABLE}' stands in {raw.tables[TABLE].label} too"
        raw.problems.append(Problem(FOLDER, what, "remove one of them"))
    elif table is not None:
        raw.tables[TABLE] = table


def _meta_of_parquet(raw: RawRegion, path: Path) -> None:
    from megalopolis.region.layers import parquet_rows  # noqa: PLC0415 - loads slowly, rarely needed

    try:
        rows = [(row[0], row[1], f"{path.name}:{i}") for i, row in enumerate(parquet_rows(path), 1) if len(row) > 1]
    except BadInput as error:
        raw.problems += error.problems
        return
    document, more = document_of_rows(rows, path.name)
    raw.problems += more
    raw.set_meta(document)


def _is_omx(path: Path) -> bool:
    """Whether a file is a matrix of road minutes; other matrices of a model may lie beside the tables."""
    return path.suffix.casefold() == ".omx" and table_name(path.stem) == "road_times"


def _is_matrix(path: Path) -> bool:
    """Whether a file, or a Zarr folder, is a source-receptor matrix of the air."""
    return path.suffix.casefold() in ENDINGS and table_name(path.stem) == "air_responses"


def _read_table(path: Path, table: str, currency: str | None, cities: RawTable | None) -> RawTable:
    if _is_matrix(path):
        from megalopolis.region.responses import responses_table  # noqa: PLC0415 - rarely needed

        return responses_table(path, table, cities)
    if _is_omx(path):
        from megalopolis.region.omx import read_omx  # noqa: PLC0415 - rarely needed

        return read_omx(path, table)
    if path.suffix.casefold() in _PARQUET:
        from megalopolis.region.layers import read_parquet  # noqa: PLC0415 - loads slowly, rarely needed

        return read_parquet(path, table, currency)
    return read_csv(path, table, currency)


def _meta_beside(raw: RawRegion, path: Path | None) -> None:
    if path is None:
        raw.problems.append(Problem("region.yaml", "is missing", _META_TODO))
        return
    try:
        raw.set_meta(read_yaml(path))
    except BadInput as error:
        raw.problems += error.problems
