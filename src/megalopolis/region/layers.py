"""Read the tables of a region from layers: GeoPackage, shapefile, GeoParquet."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from megalopolis.errors import BadInput, Problem
from megalopolis.region.csvfile import is_chinese, refuse_large
from megalopolis.region.raw import MAX_BYTES, RawTable, match_headers, refuse_many, shapefile_headers
from megalopolis.region.schema import schemas

_GEOMETRY: Final = {"geometry", "geom", "wkb_geometry", "the_geom", "shape"}


def list_layers(path: Path) -> list[str]:
    """Return the names of the layers of a GeoPackage.

    Raises
    ------
    BadInput
        If it cannot be read or is too large.
    """
    import pyogrio  # type: ignore[import-untyped]  # noqa: PLC0415 - GDAL loads slowly, and most regions are CSV

    refuse_large(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [str(name) for name, _ in pyogrio.list_layers(path)]
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise BadInput(Problem(path.name, "cannot be read as a GeoPackage", "write it again as .gpkg")) from error


def read_rows(path: Path, layer: str) -> list[tuple[object, ...]]:
    """Return the rows of a layer without geometry."""
    import pyogrio  # noqa: PLC0415

    frame = pyogrio.read_dataframe(path, layer=layer, read_geometry=False)
    return list(frame.itertuples(index=False, name=None))


def read_layer(path: Path, table: str, layer: str | None = None, currency: str | None = None) -> RawTable:
    """Read one table from a layer of a GeoPackage, or from a shapefile.

    Parameters
    ----------
    path : Path
        The file.
    table : str
        Table of the schema.
    layer : str, optional
        The layer; of a shapefile the only one.
    currency : str, optional
        The region's, for units in headers.

    Returns
    -------
    RawTable
        Rows are features, counted from 1. Where ``lon`` and ``lat`` are missing they come from the geometry, taken to
        WGS-84.
    """
    import pyogrio  # noqa: PLC0415

    raw = RawTable(table, f"{path.name}:{layer}" if layer else path.name)
    encoding = _shape_encoding(path) if layer is None else None
    try:
        refuse_large(path)
        count = pyogrio.read_info(path, layer=layer, force_feature_count=True)["features"]
        refuse_many(raw.label, table, count)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame = pyogrio.read_dataframe(path, layer=layer, encoding=encoding)
    except BadInput as error:
        raw.problems += error.problems
        return raw
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        OSError,
        UnicodeDecodeError,
        ValueError,
    ) as error:
        raw.problems.append(Problem(raw.label, f"cannot be read: {_line(error)}", "write the file again"))
        return raw
    names = [str(c) for c in frame.columns if c != "geometry"]
    headers = shapefile_headers(names, table) if layer is None else names
    geometry = frame.geometry if "geometry" in frame else None
    columns = {header: [_plain(v) for v in frame[name]] for header, name in zip(headers, names, strict=True)}
    _fill(raw, columns, geometry, currency)
    return raw


def parquet_rows(path: Path) -> list[tuple[object, ...]]:
    """Return the rows of a Parquet file.

    Raises
    ------
    BadInput
        If it cannot be read or is too large.
    """
    from pyarrow import parquet  # noqa: PLC0415

    refuse_large(path)
    try:
        _refuse_unpacked(path.name, parquet.ParquetFile(path).metadata)
        return [tuple(row.values()) for row in parquet.ParquetFile(path).read().to_pylist()]
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput(Problem(path.name, f"cannot be read as Parquet: {_line(error)}", "write it again")) from error


def read_parquet(path: Path, table: str, currency: str | None = None) -> RawTable:
    """Read one table from a Parquet or GeoParquet file; see `read_layer`."""
    from pyarrow import parquet  # noqa: PLC0415

    raw = RawTable(table, path.name)
    try:
        refuse_large(path)
        about = parquet.ParquetFile(path).metadata
        _refuse_unpacked(raw.label, about)
        refuse_many(raw.label, table, about.num_rows)
        content = parquet.ParquetFile(path).read()
        is_geo = b"geo" in (content.schema.metadata or {})
        plain = [f.name for f in content.schema if not pa.types.is_binary(f.type) and not pa.types.is_nested(f.type)]
        columns = {name: content.column(name).to_pylist() for name in plain if not name.startswith("__index")}
        geometry = _parquet_geometry(path) if is_geo else None
    except BadInput as error:
        raw.problems += error.problems
        return raw
    except (pa.ArrowException, OSError, ValueError) as error:
        raw.problems.append(Problem(raw.label, f"cannot be read as Parquet: {_line(error)}", "write it again"))
        return raw
    _fill(raw, columns, geometry, currency)
    return raw


def _refuse_unpacked(label: str, about: Any) -> None:
    if sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups)) > MAX_BYTES:
        raise BadInput(Problem(label, f"unpacks to more than {MAX_BYTES >> 20} MB", "split the region"))


def _parquet_geometry(path: Path) -> Any:
    import geopandas  # noqa: PLC0415

    return geopandas.read_parquet(path).geometry


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0][:120]


def _shape_encoding(path: Path) -> str | None:
    """Encoding of the field values of a shapefile that does not say it in a .cpg file."""
    table = path.with_suffix(".dbf")
    if path.with_suffix(".cpg").exists() or not table.is_file() or table.stat().st_size > MAX_BYTES:
        return None
    data = table.read_bytes()[32:]
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "GB18030" if is_chinese(data) else None
    return "UTF-8"


def _plain(value: Any) -> object:
    """Return a value of a frame as a plain one; a missing number of a layer is an empty cell."""
    if hasattr(value, "item"):
        value = value.item()
    return (
        None
        if value is None or (isinstance(value, float) and math.isnan(value)) or str(value) in {"NaT", "<NA>"}
        else value
    )


def _fill(raw: RawTable, columns: dict[str, list[Any]], geometry: Any, currency: str | None) -> None:
    headers = [h for h in columns if h.casefold() not in _GEOMETRY | {"fid"}]
    length = len(next(iter(columns.values()), [])) if columns else (0 if geometry is None else len(geometry))
    raw.rows = range(1, length + 1)
    folded = {h.casefold() for h in headers}
    if (
        geometry is not None
        and {"lon", "lat"} <= set(schemas()[raw.name].names)
        and not folded & {"lon", "lat", "经度"}
    ):
        places = _lon_lat(raw, geometry)
        columns = columns | {"lon": [p[0] for p in places], "lat": [p[1] for p in places]}
        headers += ["lon", "lat"]
    found = match_headers(raw, headers, lambda i: headers[i], currency)
    raw.columns = {name: list(columns[headers[position]]) for name, position in found.items()}


def _lon_lat(raw: RawTable, geometry: Any) -> list[tuple[float | None, float | None]]:
    """Longitude and latitude of the features, WGS-84; of one that is not a point, of a point on its surface."""
    if geometry.crs is None:
        bounds = geometry.total_bounds
        if not (len(geometry) and abs(bounds[[0, 2]]).max() <= 180 and abs(bounds[[1, 3]]).max() <= 90):
            raw.problems.append(
                Problem(raw.label, "has no coordinate reference system", "set it, or give columns lon and lat")
            )
            return [(None, None)] * len(geometry)
        raw.warnings.append(Problem(raw.label, "has no coordinate reference system; degrees WGS-84 are taken"))
    else:
        geometry = geometry.to_crs("EPSG:4326")
    places: list[tuple[float | None, float | None]] = []
    for shape in geometry:
        if shape is None or shape.is_empty:
            places.append((None, None))
            continue
        point = shape if shape.geom_type == "Point" else shape.representative_point()
        places.append((float(point.x), float(point.y)))
    return places
