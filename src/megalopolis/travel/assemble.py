"""Tables of a state as the arrays that the kernels of travel take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from megalopolis.region import Region
from megalopolis.travel.land import road_matrix
from megalopolis.travel.network import Lines, Rail, Rules, build
from megalopolis.travel.ridetime import call_probability
from megalopolis.travel.road import Access, RoadSpeeds, road_minutes, station_access
from megalopolis.units import Array, great_circle_km

Index = npt.NDArray[np.int64]

#: Kinds of line that run through into each other; conventional lines are the other group.
FAST = ("hsr", "intercity")


@dataclass(frozen=True)
class Network:
    """A state's travel network.

    Attributes
    ----------
    ids : tuple of str
        Cities, in the order of every matrix.
    lines, stations : DataFrame
        Rows behind the line and station numbers of the graph.
    stops : DataFrame
        Stops in the order of the graph.
    rail : Rail
        The graph.
    road : ndarray, shape (n, n)
        Door-to-door minutes by road.
    access, main : Access
        Ways of every city to the stations that it uses, and to its main station.
    boarding_min : float
        Minutes at the two stations together.
    """

    ids: tuple[str, ...]
    lines: pd.DataFrame
    stations: pd.DataFrame
    stops: pd.DataFrame
    rail: Rail
    road: Array
    access: Access
    main: Access
    boarding_min: float


def road_speeds(parameters: Mapping[str, float]) -> RoadSpeeds:
    """Road speeds from the pillar's parameters."""
    return RoadSpeeds(
        detour=parameters["road_detour"],
        band_km=(parameters["road_streets_km"], parameters["road_regional_km"]),
        band_kmh=(parameters["road_streets_kmh"], parameters["road_regional_kmh"], parameters["road_motorway_kmh"]),
        terminal_min=parameters["road_terminal_min"],
    )


def _road(state: Region, cities: pd.DataFrame, number: Mapping[str, int], speeds: RoadSpeeds) -> Array:
    barriers = state.frame("barriers").sort_values(["barrier", "seq"])
    segments = [
        (a.lon, a.lat, b.lon, b.lat)
        for _, points in barriers.groupby("barrier", sort=True)
        for a, b in zip(points[:-1].itertuples(), points[1:].itertuples(), strict=True)
    ]
    known = state.frame("road_times")
    return road_matrix(
        cities["lon"].to_numpy(float),
        cities["lat"].to_numpy(float),
        speeds,
        np.array(segments, dtype=np.float64).reshape(-1, 4),
        (_numbers(known["from"], number), _numbers(known["to"], number), known["minutes"].to_numpy(float)),
    )


def _numbers(ids: pd.Series[Any], number: Mapping[str, int]) -> Index:
    return np.asarray(ids.map(dict(number)).fillna(-1), dtype=np.int64)


def assemble(state: Region, parameters: Mapping[str, float]) -> Network:
    """Build the network of a state.

    Parameters
    ----------
    state : Region
        With ``cities``; rail tables may be absent.
    parameters : mapping of str to float
        Parameters of travel by short id.

    Returns
    -------
    Network
    """
    cities = state.frame("cities")
    number = {id_: i for i, id_ in enumerate(cities["id"])}
    speeds = road_speeds(parameters)
    lines, stations = state.frame("rail_lines"), state.frame("stations")
    stops = state.frame("rail_stops").sort_values(["line", "seq"], ignore_index=True)
    line_number = {id_: i for i, id_ in enumerate(lines["id"])}
    station_number = {id_: i for i, id_ in enumerate(stations["id"])}
    owner = _numbers(stations["city"], number)
    network = Lines(
        line=_numbers(stops["line"], line_number),
        station=_numbers(stops["station"], station_number),
        km=stops["km"].to_numpy(float),
        speed_kmh=_speeds(lines, parameters),
        fast=lines["kind"].isin(FAST).to_numpy(),
        headway_min=lines["headway_min"].to_numpy(float),
    )
    population = np.nan_to_num(cities["population"].to_numpy(float))
    served = np.where(owner >= 0, population[owner] if len(population) else 0.0, 0.0)
    call = call_probability(served, parameters["call_half_population"], parameters["call_steepness"])
    rules = Rules(
        dwell_min=parameters["dwell_min"],
        acceleration=parameters["acceleration"],
        junction_min=parameters["junction_min"],
        transfer_min=parameters["transfer_min"],
    )
    used = np.unique(network.station)
    rail = build(
        network, call, owner >= 0, rules, _changes(stations, owner, used, speeds, parameters["access_reach_km"])
    )
    reach = np.flatnonzero(np.isin(np.arange(len(stations)), used))
    access = station_access(
        (cities["lon"].to_numpy(float), cities["lat"].to_numpy(float)),
        (stations["lon"].to_numpy(float)[reach], stations["lat"].to_numpy(float)[reach]),
        owner[reach],
        cities["built_up_km2"].to_numpy(float) * parameters["built_up_core"],
        parameters["access_reach_km"],
        speeds,
    )
    access = Access(access.city, reach[access.station], access.minutes)
    main = _numbers(cities["main_station"], station_number)
    has = np.flatnonzero((main >= 0) & np.isin(main, used))
    return Network(
        ids=tuple(cities["id"]),
        lines=lines,
        stations=stations,
        stops=stops,
        rail=rail,
        road=_road(state, cities, number, speeds),
        access=access,
        main=Access(has, main[has], np.zeros(has.size)),
        boarding_min=parameters["boarding_min"],
    )


def _speeds(lines: pd.DataFrame, parameters: Mapping[str, float]) -> Array:
    """Speed between stations: the operating speed times the share of it that timetables keep, by kind of line."""
    top = lines["operating_kmh"].fillna(lines["speed_kmh"]).to_numpy(float)
    kept = lines["kind"].map({kind: parameters[f"speed_share_{kind}"] for kind in ("hsr", "intercity", "conventional")})
    return np.asarray(top * kept.to_numpy(float))


def _changes(
    stations: pd.DataFrame, owner: Index, used: Index, speeds: RoadSpeeds, reach_km: float
) -> tuple[Index, Index, Array]:
    """Ways between the stations of one city within reach, for passengers who change from one to another."""
    served = used[owner[used] >= 0]
    one, two = np.nonzero(np.triu(owner[served][:, None] == owner[served][None, :], 1))
    one, two = served[one], served[two]
    lon, lat = stations["lon"].to_numpy(float), stations["lat"].to_numpy(float)
    km = great_circle_km(lon[one], lat[one], lon[two], lat[two])
    near = km <= reach_km
    return one[near], two[near], road_minutes(km[near], speeds) - speeds.terminal_min
