"""Reaches from river networks as HydroRIVERS gives them: GeoPackage, shapefile, GeoParquet.

HydroRIVERS (Lehner and Grill 2013, Hydrological Processes 27) numbers every reach (``HYRIV_ID``), names the next one
down (``NEXT_DOWN``, 0 at the sea) and gives length and mean flow. Networks with the same columns under other names, as
MERIT-Basins, are read too. Such networks are trees: forks of a delta are for the user to add.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely

from megalopolis.errors import BadInput, Problem
from megalopolis.region.csvfile import refuse_large

#: Column to its names in known networks, in lower case.
_NAMES: Final = {
    "id": ("hyriv_id", "comid", "linkno", "id"),
    "down": ("next_down", "nextdownid", "dslinkno", "down"),
    "length_km": ("length_km", "lengthkm"),
    "flow_m3s": ("dis_av_cms", "qmean", "flow_m3s"),
}
#: Velocity ``0.4 Q^0.1`` m/s: downstream exponent of Leopold and Maddock (1953), coefficient assumed.
_VELOCITY: Final = (0.4, 0.1)
#: Most reaches that are taken at once.
MOST: Final = 1_000_000
#: Points by which the line of a reach is drawn.
_POINTS: Final = 6
Tables = dict[str, pd.DataFrame]
Box = tuple[float, float, float, float]


def read_rivers(path: Path, *, box: Box | None = None, least_flow: float = 1.0) -> tuple[Tables, tuple[str, ...]]:
    """Read a river network.

    Parameters
    ----------
    path : Path
        ``.gpkg``, ``.shp``, or ``.parquet`` with geometry.
    box : tuple of float, optional
        West, south, east, north in degrees: reaches that touch it.
    least_flow : float
        Reaches with a smaller mean flow, m3/s, are left out. Zero would leave reaches without water, which is an error.

    Returns
    -------
    tables : dict of str to DataFrame
        ``reaches``, ``reach_links``, ``reach_points``.
    warnings : tuple of str
        What was left out, and what is estimated.

    Raises
    ------
    BadInput
        If the file cannot be read, lacks a column, or its reaches repeat, flow to themselves or have no length or flow.
    """
    frame = _read(path, box)
    columns = {str(c).casefold(): c for c in frame.columns}
    found = {key: next((columns[n] for n in names if n in columns), None) for key, names in _NAMES.items()}
    lacking = [names[0].upper() for key, names in _NAMES.items() if found[key] is None]
    if lacking:
        raise BadInput(Problem(path.name, f"has no column {', '.join(lacking)}", "give a network like HydroRIVERS"))
    rows = pd.DataFrame({key: frame[name] for key, name in found.items()}).reset_index(drop=True)
    geometry = frame.geometry.reset_index(drop=True)
    numbers = rows[["length_km", "flow_m3s"]].apply(pd.to_numeric, errors="coerce")
    _refuse(path.name, rows, numbers)
    kept = (numbers["flow_m3s"] >= least_flow).to_numpy()
    if not kept.any():
        raise BadInput(Problem(path.name, f"no reach carries {least_flow:g} m3/s or more", "lower --min-flow"))
    ids = rows["id"].map(_id)
    down = rows["down"].map(_id)
    inside = set(ids[kept])
    lost = kept & ~down.isin(inside).to_numpy() & ~down.isin(["0", "-1", ""]).to_numpy()
    tables = _tables(ids[kept], down[kept], numbers[kept], geometry[kept], inside)
    coefficient, exponent = _VELOCITY
    said = [f"velocity is estimated as {coefficient:g} Q^{exponent:g} m/s; depth is left to the model; no lakes"]
    if (~kept).any():
        said.append(f"{int((~kept).sum())} of {len(rows)} reaches carry less than {least_flow:g} m3/s and are left out")
    if lost.any():
        said.append(f"{int(lost.sum())} reaches flow out of what was read: they are outlets")
    return tables, tuple(said)


def _id(value: Any) -> str:
    if pd.isna(value):
        return ""
    return str(int(value)) if isinstance(value, float | np.floating) and float(value).is_integer() else str(value)


def _read(path: Path, box: Box | None) -> Any:
    import geopandas  # noqa: PLC0415 - loads slowly
    import pyogrio  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        if path.suffix.lower() in {".parquet", ".geoparquet"}:
            refuse_large(path, limit=4 << 30)
            frame = geopandas.read_parquet(path)
        else:
            refuse_large(path, limit=8 << 30)
            frame = geopandas.read_file(path, bbox=box)
    except BadInput:
        raise
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, OSError, ValueError) as error:
        what = f"cannot be read: {str(error).partition(chr(10))[0][:100]}"
        raise BadInput(Problem(path.name, what, "give a GeoPackage, a shapefile or a GeoParquet file")) from error
    if frame.crs is None:
        raise BadInput(Problem(path.name, "has no coordinate reference system", "set it"))
    frame = frame.to_crs("EPSG:4326")
    if box is not None:
        frame = frame.cx[box[0] : box[2], box[1] : box[3]]
    if frame.empty:
        raise BadInput(Problem(path.name, "has no reach there", "check the box: west south east north, in degrees"))
    if len(frame) > MOST:
        raise BadInput(Problem(path.name, f"has more than {MOST:,} reaches there", "give a smaller box"))
    return frame


def _refuse(label: str, rows: pd.DataFrame, numbers: pd.DataFrame) -> None:
    problems = []
    for name in ("length_km", "flow_m3s"):
        bad = np.flatnonzero(~(numbers[name] >= 0).to_numpy())
        if len(bad):
            value = rows[name].iloc[bad[0]]
            where = f"{label}:{bad[0] + 1}:{name}"
            problems.append(Problem(where, f"'{value}' in {len(bad)} reaches", "give a number at or above zero"))
    ids, down = rows["id"].map(_id), rows["down"].map(_id)
    problems += [
        Problem(f"{label}:{row + 1}", f"the reach '{ids[row]}' stands twice", "remove one")
        for row in np.flatnonzero(ids.duplicated().to_numpy())[:20]
    ]
    problems += [
        Problem(f"{label}:{row + 1}", f"the reach '{ids[row]}' flows to itself", "name the next one")
        for row in np.flatnonzero((ids == down).to_numpy())[:20]
    ]
    if problems:
        raise BadInput(problems)


def _tables(
    ids: pd.Series[str], down: pd.Series[str], numbers: pd.DataFrame, geometry: Any, inside: set[str]
) -> Tables:
    flow = numbers["flow_m3s"].to_numpy(float)
    lines = shapely.line_merge(geometry.to_numpy())
    middle = shapely.line_interpolate_point(lines, 0.5, normalized=True)
    coefficient, exponent = _VELOCITY
    reaches = pd.DataFrame(
        {
            "id": ids.to_numpy(),
            "name": [f"Reach {i}" for i in ids],
            "kind": "river",
            "length_km": np.maximum(numbers["length_km"].to_numpy(float), 1e-3),
            "flow_m3s": flow,
            "velocity_ms": (coefficient * flow**exponent).round(3),
            "lon": shapely.get_x(middle).round(5),
            "lat": shapely.get_y(middle).round(5),
        }
    )
    there = down.isin(inside).to_numpy()
    links = pd.DataFrame({"from": ids.to_numpy()[there], "to": down.to_numpy()[there], "fraction": 1.0})
    at = shapely.line_interpolate_point(lines[:, None], np.linspace(0, 1, _POINTS)[None, :], normalized=True)
    points = pd.DataFrame(
        {
            "reach": np.repeat(ids.to_numpy(), _POINTS),
            "seq": np.tile(np.arange(1, _POINTS + 1), len(ids)),
            "lon": shapely.get_x(at).round(5).ravel(),
            "lat": shapely.get_y(at).round(5).ravel(),
        }
    )
    return {"reaches": reaches, "reach_links": links, "reach_points": points}
