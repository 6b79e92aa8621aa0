"""Isochrones: the land that is reached from a city within some minutes, door to door."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from megalopolis.errors import BadInput, Problem
from megalopolis.travel.assemble import Network
from megalopolis.travel.boarding import boardings
from megalopolis.travel.door import order_of
from megalopolis.travel.road import Access, RoadSpeeds, road_minutes
from megalopolis.travel.spread import Ways, node_minutes
from megalopolis.units import EARTH_RADIUS_KM, Array

#: Points of the circle around a city or station.
_POINTS = 64


def station_minutes(network: Network, city: int) -> Array:
    """Minutes from a city to leaving every station, wait and boarding time included; infinity where no train leads.

    Parameters
    ----------
    network : Network
        The network.
    city : int
        Number of the city.

    Returns
    -------
    ndarray, shape (stations,)
    """
    rail, access, order = network.rail, network.access, order_of(network.rail)
    stations = np.arange(rail.doors)
    at = boardings(rail, Access(stations, stations, np.zeros(rail.doors)))
    mine = access.city == city
    to = np.full(rail.doors, np.inf)
    np.minimum.at(to, access.station[mine], access.minutes[mine])
    one, other, single, single_headway = at.single
    best = np.full(rail.doors, np.inf)
    for headway in rail.levels.tolist():
        near = at.headway <= headway
        place, node, minutes = at.ways.place[near], at.ways.node[near], at.ways.minutes[near]
        begin = np.flatnonzero(np.isfinite(to[place]))
        if not begin.size:
            continue
        weights = np.where(rail.headway <= headway, rail.minutes, np.inf)
        start = Ways(np.zeros(begin.size, np.int64), node[begin], minutes[begin] + to[place[begin]])
        panel = node_minutes(order, (rail.nodes, rail.tails, rail.heads), weights, start, 1)[:, 0]
        reached = np.full(rail.doors, np.inf)
        np.minimum.at(reached, place, panel[node] + minutes)
        short = single_headway <= headway
        np.minimum.at(reached, other[short], to[one[short]] + single[short])
        best = np.minimum(best, reached + headway / 2)
    return np.asarray(best + network.boarding_min - rail.transfer_min)


def road_km(minutes: Array, speeds: RoadSpeeds) -> Array:
    """Great-circle km that a road trip of some minutes covers, without terminal time: the inverse of `road_minutes`."""
    edges = np.array([0.0, *speeds.band_km]) / speeds.detour
    at = road_minutes(edges, speeds) - speeds.terminal_min
    beyond = np.maximum(minutes - at[-1], 0.0) * speeds.band_kmh[-1] / 60.0 / speeds.detour
    return np.asarray(np.interp(minutes, at, edges) + beyond)


def reach(
    network: Network, city: int, limits: Sequence[float], speeds: RoadSpeeds, access_km: float
) -> gpd.GeoDataFrame:
    """Land reached from a city: by road from its centre, and by road from every station that trains bring one to.

    Parameters
    ----------
    network : Network
        The network.
    city : int
        Number of the city.
    limits : sequence of float
        Minutes.
    speeds : RoadSpeeds
        Road speeds.
    access_km : float
        Great-circle km within which people use a station.

    Returns
    -------
    GeoDataFrame
        Columns ``minutes, area_km2, geometry``, a row per limit, WGS-84. Circles do not stop at coasts or barriers.
    """
    layout = network.layout
    centre = layout.cities[["lon", "lat"]].to_numpy(float)[city]
    stations = layout.stations[["lon", "lat"]].to_numpy(float)
    reached = station_minutes(network, city)
    serves = layout.owner >= 0
    shapes, areas = [], []
    for limit in limits:
        at = np.flatnonzero((reached < limit) & serves)
        km = np.minimum(road_km(limit - reached[at], speeds), access_km)
        own = road_km(np.array([max(limit - speeds.terminal_min, 0.0)]), speeds)
        circles = _circles(np.vstack([centre[None, :], stations[at]]), np.r_[own, km])
        shape = shapely.union_all(circles)
        shapes.append(shape)
        areas.append(gpd.GeoSeries([shape], crs="EPSG:4326").to_crs("ESRI:54034").area.iloc[0] / 1e6)  # equal area
    return gpd.GeoDataFrame({"minutes": list(limits), "area_km2": areas}, geometry=shapes, crs="EPSG:4326")


def _circles(lonlat: Array, km: Array) -> npt.NDArray[np.object_]:
    """Circles on the sphere as polygons (destination point given distance and bearing)."""
    lon, lat = np.radians(lonlat[:, :1]), np.radians(lonlat[:, 1:])
    arc, bearing = km[:, None] / EARTH_RADIUS_KM, np.linspace(0.0, 2 * np.pi, _POINTS, endpoint=False)[None, :]
    y = np.arcsin(np.sin(lat) * np.cos(arc) + np.cos(lat) * np.sin(arc) * np.cos(bearing))
    x = lon + np.arctan2(np.sin(bearing) * np.sin(arc) * np.cos(lat), np.cos(arc) - np.sin(lat) * np.sin(y))
    rings = np.degrees(np.stack([x, y], axis=2))
    return np.asarray(shapely.polygons(rings[km > 0]))


def check_limits(limits: Sequence[float]) -> None:
    """Refuse limits that are no minutes.

    Raises
    ------
    BadInput
        If there is none, or one is not between 1 and 1,440.
    """
    if not limits or not all(1 <= limit <= 1440 for limit in limits):
        what = f"{', '.join(map(str, limits)) or 'nothing'} is not a list of minutes"
        raise BadInput(Problem("isochrones", what, "give minutes from 1 to 1440"))
