"""Where things lie on the page: an equal-area projection whose frame the region fills, and the land in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from pyproj import CRS, Transformer

Array = npt.NDArray[np.float64]

_PADDING: Final = 0.05
#: A region of one city is still shown with its surroundings, in km.
_LEAST_KM: Final = 120.0


@dataclass(frozen=True)
class Frame:
    """A rectangle of the projected plane.

    Attributes
    ----------
    transformer : pyproj.Transformer
        Degrees WGS-84 to km of the plane.
    middle : float
        Central meridian; longitudes are taken within 180 degrees of it.
    west, south, east, north : float
        Edges in km of the plane.
    """

    transformer: Transformer
    middle: float
    west: float
    south: float
    east: float
    north: float

    @property
    def width(self) -> float:
        """Width in km."""
        return self.east - self.west

    @property
    def height(self) -> float:
        """Height in km."""
        return self.north - self.south

    def project(self, lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Array, Array]:
        """Project degrees to km of the plane."""
        x, y = self.transformer.transform(_near(np.asarray(lon, float), self.middle), np.asarray(lat, float))
        return np.asarray(x), np.asarray(y)


def _near(lon: Array, middle: float) -> Array:
    return middle + (lon - middle + 180.0) % 360.0 - 180.0


def frame_of(lon: npt.ArrayLike, lat: npt.ArrayLike, aspect: float) -> Frame:
    """Frame that places fill, in Albers' equal-area conic projection (Snyder 1987, USGS Professional Paper 1395).

    The standard parallels lie a sixth of the extent inside it. Across the equator, where the cone degenerates, the
    projection is the cylindrical equal-area one.

    Parameters
    ----------
    lon, lat : array_like, shape (n,)
        Places, degrees WGS-84.
    aspect : float
        Width over height of the page.
    """
    lon, lat = np.asarray(lon, float), np.asarray(lat, float)
    turns = np.radians(lon)
    middle = float(np.degrees(np.arctan2(np.sin(turns).mean(), np.cos(turns).mean())))
    wrapped = _near(lon, middle)
    middle = float((wrapped.min() + wrapped.max()) / 2)
    south, north = float(lat.min()), float(lat.max())
    sixth = (north - south) / 6
    parallels = (south + sixth, north - sixth)
    if south * north <= 0 or abs(sum(parallels)) < 20:
        text = f"+proj=cea +lat_ts={(south + north) / 2} +lon_0={middle}"
    else:
        text = f"+proj=aea +lat_1={parallels[0]} +lat_2={parallels[1]} +lat_0={(south + north) / 2} +lon_0={middle}"
    transformer = Transformer.from_crs(CRS("EPSG:4326"), CRS(f"{text} +datum=WGS84 +units=km"), always_xy=True)
    x, y = transformer.transform(_near(lon, middle), lat)
    width = max(float(np.ptp(x)) * (1 + 2 * _PADDING), _LEAST_KM)
    height = max(float(np.ptp(y)) * (1 + 2 * _PADDING), _LEAST_KM)
    width, height = max(width, height * aspect), max(height, width / aspect)
    cx, cy = float(np.min(x) + np.max(x)) / 2, float(np.min(y) + np.max(y)) / 2
    return Frame(transformer, middle, cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2)


@cache
def _land() -> pa.Table:
    with files("megalopolis.report").joinpath("land.parquet").open("rb") as stream:
        return pq.read_table(stream)


def land(frame: Frame) -> list[Array]:
    """Rings of the land in a frame, in km of the plane; holes follow their shell with the opposite turn.

    Only the coastline inside the frame is meant to be seen: the rings are cut a little outside it.
    """
    across, up = np.linspace(frame.west, frame.east, 25), np.linspace(frame.south, frame.north, 25)
    x = np.concatenate([across, across, np.full(25, frame.west), np.full(25, frame.east)])
    y = np.concatenate([np.full(25, frame.south), np.full(25, frame.north), up, up])
    lon, lat = frame.transformer.transform(x, y, direction="INVERSE")
    lon = _near(np.asarray(lon), frame.middle)
    west, south, east, north = lon.min() - 2, max(np.min(lat) - 2, -89.5), lon.max() + 2, min(np.max(lat) + 2, 89.5)
    table = _land()
    edges = {name: table[name].to_numpy() for name in ("west", "south", "east", "north")}
    rings: list[Array] = []
    for turn in (-360.0, 0.0, 360.0):
        inside = (edges["east"] + turn > west) & (edges["west"] + turn < east)
        inside &= (edges["north"] > south) & (edges["south"] < north)
        if not inside.any():
            continue
        shapes = shapely.from_wkb(table["wkb"].filter(pa.array(inside)).to_pylist())
        cut = shapely.clip_by_rect(shapes, west - turn, south, east - turn, north)
        parts = shapely.get_parts(cut)
        parts = parts[(shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)]
        for ring in shapely.get_rings(shapely.segmentize(shapely.normalize(parts), 1.0)):
            points = shapely.get_coordinates(ring)
            rings.append(np.column_stack(frame.transformer.transform(points[:, 0] + turn, points[:, 1])))
    return rings


def coast(box: tuple[float, float, float, float]) -> list[list[list[list[float]]]]:
    """Land in a box of degrees (west, south, east, north) as the coordinates of a multipolygon, two places each.

    West and east may lie beyond 180 degrees; land is repeated there.
    """
    table = _land()
    found: list[list[list[list[float]]]] = []
    for turn in (-360.0, 0.0, 360.0):
        west, east = box[0] - turn, box[2] - turn
        edges = {name: table[name].to_numpy() for name in ("west", "south", "east", "north")}
        inside = (edges["east"] > west) & (edges["west"] < east)
        inside &= (edges["north"] > box[1]) & (edges["south"] < box[3])
        shapes = shapely.from_wkb(table["wkb"].filter(pa.array(inside)).to_pylist())
        cut = shapely.intersection(shapely.make_valid(shapes), shapely.box(west, box[1], east, box[3]))
        parts = shapely.get_parts(cut)
        parts = parts[(shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)]
        for part in parts:
            rings = [shapely.get_coordinates(ring) for ring in shapely.get_rings(part)]
            found.append([np.round(ring + np.array([turn, 0.0]), 2).tolist() for ring in rings if len(ring) > 3])
    return found
