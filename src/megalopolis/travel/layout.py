"""A state's tables as arrays: all of the travel network that no parameter changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from megalopolis.region import Region
from megalopolis.region.patterns import other_trains
from megalopolis.travel.land import around, crossings
from megalopolis.travel.runs import Runs, at_headway, runs_of
from megalopolis.units import Array, great_circle_km, great_circle_matrix

Index = npt.NDArray[np.int64]

#: Kinds of line that run through into each other; conventional lines are the other group.
FAST = ("hsr", "intercity")
KINDS = ("hsr", "intercity", "conventional")


@dataclass(frozen=True, eq=False)
class Patterns:
    """Stopping patterns of a line.

    Attributes
    ----------
    names : tuple of str
        English.
    every : tuple of float
        Minutes between the trains of each.
    stops : slice
        Rows of the line's stops.
    calls : ndarray of bool, shape (patterns, k)
        Where each calls, along the stops of the line.
    """

    names: tuple[str, ...]
    every: tuple[float, ...]
    stops: slice
    calls: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Layout:
    """Where cities, stations and lines lie.

    Attributes
    ----------
    cities, lines, stations, stops : DataFrame
        Rows behind the numbers; stops by line and sequence.
    ids : tuple of str
        Cities, in the order of every matrix.
    km : ndarray, shape (n, n)
        Great-circle distances of cities, around barriers.
    known : tuple of ndarray
        Cities of departure, of arrival, and minutes of the known road times.
    stop_line, stop_station : ndarray of int, shape (stops,)
        Numbers of line and station.
    top_kmh : ndarray, shape (lines,)
        Operating speed, else design speed.
    line_kind : ndarray of int, shape (lines,)
        Place in `KINDS`.
    owner : ndarray of int, shape (stations,)
        City that a station serves; -1 at a junction post.
    used : ndarray of int
        Stations where a line stops or a train of the timetable calls, rising.
    station_km : ndarray, shape (n, used)
        Great-circle km between cities and used stations.
    changes : tuple of ndarray
        Pairs of used stations of one city, and their km.
    main : ndarray of int, shape (n,)
        Main station of each city in service, else its used station nearest to the centre, else -1.
    people : ndarray, shape (n,)
        Residents; none of units that are part of another.
    calls : tuple of ndarray
        Cities, the lines that stop in them and the minutes between their trains: each line once, or each of its
        patterns and its other trains.
    patterns : dict of int to Patterns
        Stopping patterns, by the number of the line.
    line_km : ndarray, shape (lines,)
        Length of each line.
    runs : Runs or None
        Trains of the timetable, where the state has one.
    headway : ndarray of bool, shape (lines,)
        Lines that run at their headway, not by the timetable.
    barriers : ndarray, shape (s, 4)
        Segments of every barrier, as ``lon1, lat1, lon2, lat2``.
    """

    cities: pd.DataFrame
    lines: pd.DataFrame
    stations: pd.DataFrame
    stops: pd.DataFrame
    ids: tuple[str, ...]
    km: Array
    known: tuple[Index, Index, Array]
    stop_line: Index
    stop_station: Index
    top_kmh: Array
    line_kind: Index
    owner: Index
    used: Index
    station_km: Array
    changes: tuple[Index, Index, Array]
    main: Index
    people: Array
    calls: tuple[Index, Index, Array]
    patterns: dict[int, Patterns]
    line_km: Array
    runs: Runs | None
    headway: npt.NDArray[np.bool_]
    barriers: Array

    @cached_property
    def index(self) -> pd.Index[Any]:
        """The ids as both axes of every matrix: whoever looks up rows in one has looked them up in all."""
        return pd.Index(self.ids)


def numbers(ids: pd.Series[Any], number: Mapping[str, int]) -> Index:
    """Numbers of ids; -1 for an empty one."""
    return np.array([number.get(id_, -1) for id_ in ids.tolist()], dtype=np.int64)


def layout_of(state: Region) -> Layout:
    """Return the layout of a state, built once for each."""
    return state.derive("travel.layout", lambda: _layout(state))


def _layout(state: Region) -> Layout:
    cities, lines, stations = state.frame("cities"), state.frame("rail_lines"), state.frame("stations")
    stops = state.frame("rail_stops").sort_values(["line", "seq"], ignore_index=True)
    lon, lat = cities["lon"].to_numpy(float), cities["lat"].to_numpy(float)
    slon, slat = stations["lon"].to_numpy(float), stations["lat"].to_numpy(float)
    number = {id_: i for i, id_ in enumerate(cities["id"].tolist())}
    station = {id_: i for i, id_ in enumerate(stations["id"].tolist())}
    owner = numbers(stations["city"], number)
    stop_station = numbers(stops["station"], station)
    stop_line = numbers(stops["line"], {id_: i for i, id_ in enumerate(lines["id"].tolist())})
    runs = runs_of(state)
    used = np.unique(stop_station if runs is None else np.r_[stop_station, runs.station])
    station_km = _station_km(lon.tobytes(), lat.tobytes(), slon.tobytes(), slat.tobytes())[:, used]
    known, barriers = state.frame("road_times"), _segments(state.frame("barriers"))
    patterns = _patterns(state, stop_line, stops["station"].to_numpy(object), lines["id"].tolist())
    return Layout(
        cities=cities,
        lines=lines,
        stations=stations,
        stops=stops,
        ids=tuple(number),
        km=_city_km(lon.tobytes(), lat.tobytes(), barriers.tobytes()),
        known=(numbers(known["from"], number), numbers(known["to"], number), known["minutes"].to_numpy(float)),
        stop_line=stop_line,
        stop_station=stop_station,
        top_kmh=lines["operating_kmh"].fillna(lines["speed_kmh"]).to_numpy(float),
        line_kind=numbers(lines["kind"], {kind: i for i, kind in enumerate(KINDS)}),
        owner=owner,
        used=used,
        station_km=station_km,
        changes=_changes(owner, used, slon, slat),
        main=_main(numbers(cities["main_station"], station), owner, used, station_km),
        people=np.where(cities["parent"].isna(), np.nan_to_num(cities["population"].to_numpy(float)), 0.0),
        calls=_calls(owner[stop_station], stop_line, lines["headway_min"].to_numpy(float), patterns),
        patterns=patterns,
        line_km=np.array(stops.groupby("line")["km"].max().reindex(lines["id"]).fillna(0.0), dtype=np.float64),
        runs=runs,
        headway=at_headway(lines, runs),
        barriers=barriers,
    )


@lru_cache(maxsize=4)
def _city_km(lon: bytes, lat: bytes, segments: bytes) -> Array:
    """Distances of cities around barriers, which the states of a region share; not to be changed."""
    x, y = np.frombuffer(lon), np.frombuffer(lat)
    return around(great_circle_matrix(x, y), crossings(x, y, np.frombuffer(segments).reshape(-1, 4)))


@lru_cache(maxsize=4)
def _station_km(lon: bytes, lat: bytes, slon: bytes, slat: bytes) -> Array:
    """Distances of cities and stations, which the states of a region share; not to be changed."""
    x, y, sx, sy = (np.frombuffer(degrees) for degrees in (lon, lat, slon, slat))
    return great_circle_km(x[:, None], y[:, None], sx[None, :], sy[None, :])


def _segments(barriers: pd.DataFrame) -> Array:
    """Segments of every barrier, shape (s, 4)."""
    rows = barriers.sort_values(["barrier", "seq"])
    names, points = rows["barrier"].tolist(), rows[["lon", "lat"]].to_numpy(float)
    joined = [i for i in range(len(names) - 1) if names[i] == names[i + 1]]
    return np.array([[*points[i], *points[i + 1]] for i in joined], dtype=np.float64).reshape(-1, 4)


def _changes(owner: Index, used: Index, lon: Array, lat: Array) -> tuple[Index, Index, Array]:
    """Pairs of used stations of one city, for passengers who change from one to another."""
    served = used[owner[used] >= 0]
    one, two = np.nonzero(np.triu(owner[served][:, None] == owner[served][None, :], 1))
    one, two = served[one], served[two]
    return one, two, great_circle_km(lon[one], lat[one], lon[two], lat[two])


def _patterns(state: Region, line: Index, station: npt.NDArray[Any], lines: list[str]) -> dict[int, Patterns]:
    """Stopping patterns of each line that has some, in the order of the table."""
    rows = state.frame("rail_patterns")
    if rows.empty:
        return {}
    called = state.frame("rail_pattern_calls").groupby("pattern")["station"].agg(set).to_dict()
    found = {}
    for number, id_ in enumerate(lines):
        own = rows[rows["line"] == id_]
        if own.empty:
            continue
        at = np.flatnonzero(line == number)
        along = slice(int(at[0]), int(at[-1]) + 1)
        calls = np.array([[s in called.get(pattern, ()) for s in station[along]] for pattern in own["id"]])
        found[number] = Patterns(tuple(own["name"]), tuple(own["headway_min"].astype(float)), along, calls)
    return found


def _calls(city: Index, line: Index, every: Array, patterns: Mapping[int, Patterns]) -> tuple[Index, Index, Array]:
    """Cities, lines that stop in them and minutes between trains; junction posts are no city's."""
    left = every.copy()
    for number, own in patterns.items():
        left[number] = other_trains(float(every[number]), own.every)
    pairs = np.unique(np.column_stack([city, line]), axis=0)
    on = [(pairs[:, 0], pairs[:, 1], left[pairs[:, 1]])]
    for number, own in patterns.items():
        for each, calls in zip(own.every, own.calls, strict=True):
            there = np.unique(city[own.stops][calls])
            on.append((there, np.full(there.size, number), np.full(there.size, each)))
    cities, lines, minutes = (np.concatenate(part) for part in zip(*on, strict=True))
    real = (cities >= 0) & np.isfinite(minutes)
    return cities[real], lines[real], minutes[real]


def _main(named: Index, owner: Index, used: Index, station_km: Array) -> Index:
    """Main station in service; before it opened, the city's nearest one that was."""
    main = np.where(np.isin(named, used), named, -1)
    for city in np.flatnonzero(main < 0):
        own = np.flatnonzero(owner[used] == city)
        if own.size:
            main[city] = used[own[station_km[city, own].argmin()]]
    return main
