"""Places along a dimension of a matrix, as cities: by their names, or by the cells of a grid that the cities lie in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import pyproj
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.spatial import KDTree

from megalopolis.errors import BadInput, Problem
from megalopolis.region.arrays import Arrays, Variable
from megalopolis.region.raw import fold
from megalopolis.units import Array

#: How the cells that stand for a city are weighed.
WEIGHTS: Final = ("point", "area", "population")
#: Points that fill the disc of a city.
_POINTS: Final = 61
#: A point belongs to the nearest centre of a cell within this share of the way to the next centre: half a diagonal.
_HALF: Final = 0.5 * math.sqrt(2.0) + 1e-6
_EARTH_KM: Final = 6371.0
_DEGREES: Final = "EPSG:4326"
_EDGES: Final = (("n", "north"), ("s", "south"), ("e", "east"), ("w", "west"))
_LON: Final = {"lon", "longitude", "lons"}
_LAT: Final = {"lat", "latitude", "lats"}
Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Axis:
    """Cities along one dimension.

    Attributes
    ----------
    cities : tuple of str
        Ids of the cities found.
    cells : ndarray of int
        Positions along the dimension that stand for any of them, rising.
    weights : csr_array, shape (cells, cities)
        Weight of each cell in each city; those of a city sum to one.
    said : tuple of str
        How they were found, and what was not.
    """

    cities: tuple[str, ...]
    cells: Ints
    weights: csr_array
    said: tuple[str, ...]


def axis_of(arrays: Arrays, label: str, end: tuple[str, str, int], cities: pd.DataFrame, how: tuple[str, str]) -> Axis:
    """Find the cities along a dimension.

    Parameters
    ----------
    arrays : Arrays
        The file: labels of the dimension (ids, names or local names of cities), or edges ``N, S, E, W`` of cells, or
        their centres ``lon, lat``.
    label : str
        The file in messages.
    end : (str, str, int)
        ``source`` or ``receptor``, name of the dimension, its length.
    cities : DataFrame
        See `megalopolis.region.responses.read_responses`.
    how : (str, str)
        Projection of the edges, and one of `WEIGHTS`: ``point`` takes the cell in which the city's point lies; ``area``
        61 points that fill a disc of the built-up area (else the area) around it; ``population`` weighs the cells of
        these points by their people per area too (variable ``TotalPop``).

    Raises
    ------
    BadInput
        If no place is a city, a place stands twice, or coordinates or projection are missing.
    """
    role, dim, length = end
    texts = [(v.name, t) for v in arrays.variables.values() if v.dims[:1] == (dim,) and (t := v.texts())]
    known = _known(cities)
    named = any(t.casefold() in known for _, labels in texts for t in labels)
    crs, weight = how
    grid = None if named else _grid(arrays, label, end, crs)
    if grid is not None:
        return _in_cells(grid, label, role, cities, weight)
    if texts:
        return _named(texts, label, role, cities)
    coordinate = arrays.variables.get(dim)
    if coordinate is not None and coordinate.shape == (length,):
        numbers = coordinate.line()
        whole = [str(int(v)) if float(v).is_integer() else "" for v in numbers.tolist()]
        if set(whole) & set(cities["id"]):
            return _named([(dim, whole)], label, role, cities)
    what = f"the {role}s have no places: neither names, nor edges N, S, E, W, nor lon and lat, along '{dim}'"
    raise BadInput(Problem(label, what, "add the ids or names of the cities as a variable"))


def _named(texts: list[tuple[str, list[str]]], label: str, role: str, cities: pd.DataFrame) -> Axis:
    known = _known(cities)
    matched = {name: [known.get(t.casefold()) for t in labels] for name, labels in texts}
    name = max(matched, key=lambda n: sum(x is not None for x in matched[n]))
    found = matched[name]
    if not any(found):
        first = next(t for n, t in texts if n == name)[:1]
        what = f"no {role} of '{name}' is a city of the region, first '{first[0] if first else ''}'"
        raise BadInput(Problem(label, what, "give ids or names of cities"))
    place = {}
    for i, id_ in enumerate(found):
        if id_ is not None and id_ in place:
            raise BadInput(Problem(label, f"two {role}s of '{name}' are '{id_}'", "keep one"))
        if id_ is not None:
            place[id_] = i
    cells = np.array(sorted(place.values()), np.int64)
    ids = sorted(place, key=place.__getitem__)
    said = [f"{len(ids)} of {len(found)} {role}s are cities, by '{name}'"]
    if len(ids) < len(cities):
        said.append(_left_out(role, cities[~cities["id"].isin(ids)]))
    return Axis(tuple(ids), cells, csr_array(np.eye(len(ids))), tuple(said))


def _known(cities: pd.DataFrame) -> dict[str, str]:
    """Folded ids and names of cities to their ids; an id wins over a name."""
    known: dict[str, str] = {}
    for column in ("name_local", "name", "id"):
        pairs = zip(cities[column], cities["id"], strict=True)
        known |= {str(key).casefold(): str(id_) for key, id_ in pairs if isinstance(key, str)}
    return known


def _left_out(role: str, lost: pd.DataFrame) -> str:
    names = ", ".join(str(n) for n in lost["name"].head(5))
    return f"{len(lost)} cities are no {role}s: {names}{' ...' if len(lost) > 5 else ''}"


@dataclass(frozen=True)
class _Grid:
    """Cells of a dimension: edges in a projection, or centres in degrees; people per area where known."""

    edges: tuple[Array, Array, Array, Array] | None
    centres: tuple[Array, Array] | None
    crs: str
    density: Array | None


def _grid(arrays: Arrays, label: str, end: tuple[str, str, int], crs: str) -> _Grid | None:
    role, dim, length = end
    folded = {fold(name): v for name, v in arrays.variables.items() if len(v.shape) == 1}
    edges = [next((folded[n] for n in names if n in folded), None) for names in _EDGES]
    if all(e is not None for e in edges):
        lines = [e for e in edges if e is not None]
        at = _cells_of(arrays, label, end, lines[0].shape[0])
        north, south, east, west = (v.line()[at] for v in lines)
        people = folded.get("totalpop")
        area = (north - south) * (east - west)
        density = None if people is None or people.shape != lines[0].shape else people.line()[at] / area
        return _Grid((north, south, east, west), None, _projection(arrays, label, crs, lines), density)
    own = {fold(n): v for n, v in arrays.variables.items() if v.shape == (length,) and v.dims[:1] == (dim,)}
    other = {fold(n): v for n, v in arrays.variables.items() if v.shape == (length,)}
    for there in (own, other):
        lon, lat = (
            next((v for n, v in there.items() if n in names or n in {f"{role}{x}" for x in names}), None)
            for names in (_LON, _LAT)
        )
        if lon is not None and lat is not None:
            return _Grid(None, (lon.line(), lat.line()), _DEGREES, None)
    return None


def _cells_of(arrays: Arrays, label: str, end: tuple[str, str, int], count: int) -> Ints:
    """Cells of the grid that the places of a dimension are.

    A variable of the dimension's name gives their numbers, as in Zarr copies of InMAP's matrix; else they are the
    first cells: InMAP's grid lists all its layers, the ground first.
    """
    role, dim, length = end
    given = arrays.variables.get(dim)
    if given is not None and given.shape == (length,) and length != count:
        numbers = given.line()
        if not ((numbers >= 0) & (numbers < count) & (numbers == np.floor(numbers))).all():
            raise BadInput(Problem(label, f"'{dim}' does not number the {count:,} cells", "count them from 0"))
        return numbers.astype(np.int64)
    if count < length:
        raise BadInput(Problem(label, f"has edges of {count:,} cells, but {length:,} {role}s", "give every cell's"))
    return np.arange(length, dtype=np.int64)


def _projection(arrays: Arrays, label: str, crs: str, edges: list[Variable]) -> str:
    """Projection of the edges: what the user says, what the file says, else degrees where they can be."""
    if crs:
        return crs
    told: list[Mapping[str, Any]] = [arrays.attrs, *(v.attrs for v in arrays.variables.values())]
    for attrs in told:
        for key in ("crs_wkt", "spatial_ref", "proj4", "crs"):
            if isinstance(attrs.get(key), str):
                return str(attrs[key])
    reach = [float(np.nanmax(np.abs(e.line()))) for e in edges]
    if max(reach[:2]) <= 90 and max(reach[2:]) <= 360:
        return _DEGREES
    todo = "give --crs; InMAP's of the United States is a Lambert projection, which its configuration states"
    raise BadInput(Problem(label, "the edges of its cells are no degrees, and it names no projection", todo))


def _in_cells(grid: _Grid, label: str, role: str, cities: pd.DataFrame, weight: str) -> Axis:
    lon, lat, share = _spread(cities, weight)
    cell = _cell_at(grid, label, lon.ravel(), lat.ravel()).reshape(lon.shape)
    inside = (cell >= 0).mean(axis=1) >= 0.5
    if not inside.any():
        what = f"no city lies in its {role}s, which span {_span(grid)}"
        raise BadInput(Problem(label, what, "check the region, and the projection (--crs)"))
    if weight == "population" and grid.density is None:
        raise BadInput(Problem(label, "has no people by cell (TotalPop)", "weigh by area, or by point"))
    kept = np.flatnonzero(inside)
    city, point = np.nonzero(cell[kept] >= 0)
    at, mass = cell[kept][city, point], share[kept][city, point]
    if weight == "population" and grid.density is not None:
        mass = mass * (np.nan_to_num(grid.density[at]) + 1e-12 * np.nanmax(grid.density))  # nobody lives there: by area
    cells, place = np.unique(at, return_inverse=True)
    whole = np.bincount(city, mass, minlength=len(kept))
    weights = csr_array(coo_array((mass / whole[city], (place, city)), shape=(len(cells), len(kept))))
    said = [f"{len(kept)} cities lie in {len(cells)} {role}s, by {weight}"]
    if len(kept) < len(cities):
        said.append(_left_out(role, cities[~inside]))
    return Axis(tuple(cities["id"].astype(str).to_numpy()[kept]), cells, weights, tuple(said))


def _spread(cities: pd.DataFrame, weight: str) -> tuple[Array, Array, Array]:
    """Points that stand for each city and their shares, shape (cities, points)."""
    lon, lat = (cities[c].to_numpy(float)[:, None] for c in ("lon", "lat"))
    if weight == "point":
        return lon, lat, np.ones_like(lon)
    built, area = (cities[c].to_numpy(float) for c in ("built_up_km2", "area_km2"))
    radius = np.sqrt(np.where(built > 0, built, np.nan_to_num(area)) / math.pi)[:, None]
    k = np.arange(_POINTS) + 0.5  # Vogel's spiral fills a disc evenly
    far, angle = radius * np.sqrt(k / _POINTS)[None, :], k * math.pi * (3.0 - math.sqrt(5.0))
    degree = math.pi * _EARTH_KM / 180.0
    north = far * np.sin(angle) / degree
    east = far * np.cos(angle) / (degree * np.cos(np.radians(lat)))
    return lon + east, lat + north, np.full(north.shape, 1.0 / _POINTS)


def _cell_at(grid: _Grid, label: str, lon: Array, lat: Array) -> Ints:
    """Cell in which each point lies; -1 outside."""
    found = np.full(len(lon), -1, np.int64)
    if grid.edges is not None:
        try:
            turn = pyproj.Transformer.from_crs(_DEGREES, grid.crs, always_xy=True)
        except pyproj.exceptions.CRSError as error:
            raise BadInput(Problem(label, f"the projection '{grid.crs[:60]}' is not known", "give --crs")) from error
        north, south, east, west = grid.edges
        x, y = turn.transform(lon, lat)
        if grid.crs == _DEGREES and east.max() > 180:  # counted from 0 to 360
            x = np.where(x < west.min(), x + 360.0, x)
        tree = shapely.STRtree(shapely.box(west, south, east, north))
        point, cell = tree.query(shapely.points(x, y), predicate="intersects")
        found[point[::-1]] = cell[::-1]  # on an edge: one of the two
        return found
    centres = _vectors(*grid.centres) if grid.centres is not None else np.empty((0, 3))
    if len(centres) < 2 or not np.isfinite(centres).all():
        return found
    tree_ = KDTree(centres)
    apart = tree_.query(centres, k=2)[0][:, 1]
    far, cell = tree_.query(_vectors(lon, lat))
    return np.where(far <= _HALF * apart[cell], cell, -1).astype(np.int64)


def _vectors(lon: Array, lat: Array) -> Array:
    a, b = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(b) * np.cos(a), np.cos(b) * np.sin(a), np.sin(b)], axis=1)


def _span(grid: _Grid) -> str:
    if grid.edges is not None:
        north, south, east, west = grid.edges
        return f"{west.min():g} to {east.max():g} and {south.min():g} to {north.max():g} ({grid.crs[:40]})"
    lon, lat = grid.centres or (np.zeros(1), np.zeros(1))
    return f"{lon.min():g} to {lon.max():g} degrees east, {lat.min():g} to {lat.max():g} north"
