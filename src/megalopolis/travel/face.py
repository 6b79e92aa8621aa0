"""Travel: door-to-door minutes between all cities, and what they give access to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from megalopolis.errors import BadInput, Problem
from megalopolis.pillar import Check, Progress, Result, silent
from megalopolis.region import Region
from megalopolis.travel.assemble import Network, assemble
from megalopolis.travel.door import ROAD, Trips, solve, trains_per_day
from megalopolis.travel.itinerary import Leg, rail_legs
from megalopolis.travel.itinerary import itinerary as trip_legs
from megalopolis.travel.layout import numbers
from megalopolis.travel.mixed import Mixture, Window, mix
from megalopolis.travel.mixed_legs import DAY, departures_between, legs_between
from megalopolis.travel.road import Access
from megalopolis.travel.values import Values
from megalopolis.units import MINUTES_PER_HOUR

_SAME = 1e-9  # minutes by which two rides must differ to count as different


def run(
    state: Region,
    *,
    parameters: Mapping[str, float],
    progress: Progress = silent,
    indicators_only: bool = False,
) -> Result:
    """Solve travel in one state.

    Parameters
    ----------
    state : Region
        With ``cities``; lines, stations, road times and barriers where it has them.
    parameters : mapping of str to float
        Parameters of travel by short id.
    progress : callable
        See `megalopolis.pillar.Progress`.
    indicators_only : bool
        Leave out the tables that only people read.

    Returns
    -------
    Result
        Tables ``minutes``, ``ride_minutes``, ``headway``, ``mode`` (ids on both axes) and ``lines`` (stops with
        coordinates); the indicators of ``indicators.csv``.

    Raises
    ------
    CheckFailed
        If the minutes are not symmetric to rounding, or a ride is faster than its lines allow.
    """
    progress("travel: network", 0, 3)
    network = assemble(state, parameters)
    progress("travel: shortest minutes", 1, 3)
    main = _nowhere() if indicators_only else network.main
    trips = alone = solve(network.rail, network.road, network.access, main, network.boarding_min)
    if network.layout.runs is not None:
        trips = _mixed(network, trips, parameters, rides=not indicators_only).trips
    progress("travel: access", 2, 3)
    tables = {"minutes": _matrix(trips.minutes, network.layout.index)}
    if not indicators_only:
        tables |= {
            "ride_minutes": _matrix(np.where(np.isinf(trips.ride), np.nan, trips.ride), network.layout.index),
            "headway": _matrix(trips.ride_headway, network.layout.index),
            "mode": _matrix(trips.mode, network.layout.index),
            "lines": _lines(network),
        }
    return Result(
        "travel",
        tables,
        _indicators(state, network, trips, parameters),
        _checks(trips, alone),
        _warnings(state, network, trips),
    )


def _mixed(network: Network, trips: Trips, parameters: Mapping[str, float], *, rides: bool = True) -> Mixture:
    """Trips where some trains run by the timetable of the state."""
    if network.layout.runs is None:
        raise AssertionError("the state has a timetable")
    window = Window.of(parameters)
    return mix(network, network.layout.runs, trips, window, parameters["operating_hours"], rides=rides)


def _nowhere() -> Access:
    """No stations: rides between main stations are not wanted."""
    return Access(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


def _matrix(values: npt.NDArray[Any], ids: pd.Index[Any]) -> pd.DataFrame:
    return pd.DataFrame(values, index=ids.rename("id"), columns=ids)


def _indicators(state: Region, network: Network, trips: Trips, parameters: Mapping[str, float]) -> pd.DataFrame:
    of, ids = Values(state, network, parameters), network.layout.ids
    values, region = of.reach(trips.minutes) | of.service(), of.region()
    frame = pd.DataFrame(
        {
            "place": [*ids * len(values), *["region"] * len(region)],
            "indicator": [*np.repeat(list(values), len(ids)), *region],
            "value": np.concatenate([*values.values(), list(region.values())]),
            "status": "estimated",
        }
    )
    return frame.dropna(subset=["value"], ignore_index=True)


def _lines(network: Network) -> pd.DataFrame:
    """Stops of every line with their coordinates, for maps."""
    stops = network.layout.stops.copy()
    for key, table, columns in (
        ("line", network.layout.lines, ("name", "name_local", "kind", "opened")),
        ("station", network.layout.stations, ("lon", "lat", "city")),
    ):
        rows = table.set_index("id")
        for column in columns:
            stops[column] = stops[key].map(rows[column])
    return stops[["line", "name", "name_local", "kind", "opened", "seq", "station", "city", "lon", "lat", "km"]]


def _checks(trips: Trips, alone: Trips) -> tuple[Check, ...]:
    """Checks of the trips, and of those by lines at a headway alone, which are the same in both directions."""
    known = np.isfinite(alone.ride) & np.isfinite(alone.ride.T)
    symmetric = np.abs(alone.ride[known] - alone.ride.T[known]).max(initial=0.0)
    rail = trips.ride[np.isfinite(trips.ride)]
    by_road = np.isfinite(trips.road)
    above_road = (trips.minutes[by_road] - trips.road[by_road]).max(initial=0.0)
    return (
        Check("rides the same in both directions, min", float(symmetric), 1e-6),
        Check("door to door never longer than by road, min", float(above_road), 1e-9),
        Check("rides below zero, min", float(-min(rail.min(initial=0.0), 0.0)), 1e-9),
    )


def _warnings(state: Region, network: Network, trips: Trips) -> tuple[str, ...]:
    said = []
    reached = np.isfinite(trips.minutes).sum(axis=1) > 1
    if not reached.all() and len(network.layout.ids) > 1:
        names = ", ".join(network.layout.cities["name"].to_numpy()[~reached][:10])
        said.append(f"no road or rail of the model reaches {names}: left out of means")
    unknown, named = state.derive("travel.unpriced", lambda: _unpriced(state.frame("investments")))
    if unknown:
        said.append(f"{unknown} of {named} investments have no announced cost: length times cost per km")
    runs = network.layout.runs
    if runs is not None:
        lost = np.flatnonzero(network.layout.owner[runs.station] < 0)
        if lost.size:
            said.append(f"{lost.size} of {runs.station.size} stations of the timetable serve no city")
    elif state.has("timetable_calls"):
        said.append(f"the timetable is of a later year than {state.year}: all lines run at their headway")
    if state.has("rail_lines") and not (network.layout.main >= 0).any():
        said.append("no city names a main station: rides between cities are not computed")
    return tuple(said)


def _unpriced(built: pd.DataFrame) -> tuple[int, int]:
    """Investments without an announced cost, and all of them."""
    return built[built["cost"].isna()]["name"].nunique(), built["name"].nunique()


def ride_scores(state: Region, parameters: Mapping[str, float]) -> pd.DataFrame:
    """Published fastest rides of the state's year against the modelled ones.

    Parameters
    ----------
    state : Region
        The state.
    parameters : mapping of str to float
        Parameters of travel by short id.

    Returns
    -------
    DataFrame
        Columns ``from, to, year, minutes, class, use, source, modelled, error``; the error is a share of the published
        minutes, NaN where the model has no ride.
    """
    published = state.frame("rides_published")
    found = published[published["year"] == state.year].drop(columns="status", errors="ignore").reset_index(drop=True)
    network = assemble(state, parameters)
    number = {id_: i for i, id_ in enumerate(network.layout.ids)}
    one, two = numbers(found["from"], number), numbers(found["to"], number)
    asked = np.isin(network.main.city, np.r_[one, two])
    main = Access(network.main.city[asked], network.main.station[asked], network.main.minutes[asked])
    trips = solve(network.rail, network.road, _nowhere(), main, network.boarding_min)
    ride = trips.ride[one, two]
    found["modelled"] = np.where(np.isfinite(ride), ride, np.nan)
    found["error"] = found["modelled"] / found["minutes"] - 1.0
    return found


def itinerary(
    state: Region, parameters: Mapping[str, float], origin: str, destination: str, depart: int | None = None
) -> dict[str, Any]:
    """Answer for one pair of cities: door to door, ride, frequency and legs.

    Parameters
    ----------
    state : Region
        The state.
    parameters : mapping of str to float
        Parameters of travel by short id.
    origin, destination : str
        City ids, which differ.
    depart : int, optional
        Minute after midnight of leaving the door, where a timetable runs; left out, the window counts.

    Returns
    -------
    dict
        ``minutes``, ``ride_minutes`` (None without rail), ``trains_per_day``, ``legs`` of the fastest trip from door to
        door and ``ride_legs`` of the fastest ride between main stations: ``mode, line, from, to, minutes``, and of
        trains of a timetable ``depart`` and ``arrive``, as ``07:05``; ``timetable``: the window in force, None without.

    Raises
    ------
    BadInput
        If neither road nor rail connects the two, or a departure is asked for where no timetable runs.
    """
    network = assemble(state, parameters)
    alone = solve(network.rail, network.road, network.access, network.main, network.boarding_min)
    pair = network.layout.ids.index(origin), network.layout.ids.index(destination)
    ends = (state.names.labels[origin], state.names.labels[destination])
    mixture, window = _timetabled(state, network, alone, parameters, depart)
    trips = mixture.trips if mixture else alone
    legs: list[Leg] | None
    if mixture and window and trips.mode[pair] != ROAD and trips.rail[pair] < alone.rail[pair]:
        legs = legs_between(mixture, mixture.parts, mixture.door.cities, pair, window)
    else:
        legs = trip_legs(network.rail, trips, network.access, network.boarding_min, pair)
    if legs is None:
        what = f"neither road nor rail of the model connects {ends[0]} and {ends[1]}"
        raise BadInput(Problem("", what, "add road_times or rail lines"))
    ride = float(trips.ride[pair])
    rides, daily = _fastest(network, alone, mixture, pair, parameters["operating_hours"] * MINUTES_PER_HOUR)
    return {
        "minutes": float(trips.minutes[pair]),
        "mode": "road" if trips.mode[pair] == ROAD else "rail",
        "ride_minutes": ride if np.isfinite(ride) else None,
        "trains_per_day": daily,
        "legs": [_leg(leg, network, ends) for leg in legs],
        "ride_legs": [_leg(leg, network, ends) for leg in rides],
        "timetable": None if window is None else _window(window),
    }


def _timetabled(
    state: Region, network: Network, alone: Trips, parameters: Mapping[str, float], depart: int | None
) -> tuple[Mixture | None, Window | None]:
    """Trips by the timetable of a state and their window, that of one departure where it is given; None without one."""
    if network.layout.runs is None and depart is None:
        return None, None
    if network.layout.runs is None:
        raise BadInput(Problem("", f"no timetable runs in {state.year}", "leave the departure out"))
    at = {} if depart is None else {"timetable_from": depart, "timetable_to": depart}
    own = {**parameters, **at}
    return _mixed(network, alone, own), Window.of(own)


def _fastest(
    network: Network, alone: Trips, mixture: Mixture | None, pair: tuple[int, int], operating_min: float
) -> tuple[list[Leg], float]:
    """Legs of the fastest ride between the main stations of two cities, none without one, and its trains a day."""
    trips = mixture.trips if mixture else alone
    ride, headway = float(trips.ride[pair]), float(trips.ride_headway[pair])
    if mixture and mixture.rides and ride < alone.ride[pair] - _SAME:
        return _ride_legs(network, mixture, pair, operating_min)
    found = rail_legs(network.rail, network.main, pair, headway) if np.isfinite(ride) else None
    return (found[0] if found else []), float(trains_per_day(np.array(headway), operating_min))


def _ride_legs(
    network: Network, mixture: Mixture, pair: tuple[int, int], operating_min: float
) -> tuple[list[Leg], float]:
    """Legs of the fastest ride of the day between the main stations of two cities, and its departures a day."""
    if mixture.rides is None:
        raise AssertionError("the rides were asked for")
    stations = np.unique(network.main.station)
    stop = np.full(len(network.layout.stations), -1, dtype=np.int64)
    trains = mixture.door.station[: mixture.door.cities[0]]
    stop[trains] = np.arange(trains.size)
    main = dict(zip(network.main.city.tolist(), np.searchsorted(stations, network.main.station), strict=True))
    ends, own = stop[stations], (int(main[pair[0]]), int(main[pair[1]]))
    legs = legs_between(mixture, mixture.rides, ends, own, DAY)
    return legs, departures_between(mixture, mixture.rides, ends, own, operating_min)


def _window(window: Window) -> dict[str, Any]:
    return {"from": clock(window.first), "to": clock(window.last), "percentile": window.percentile}


def clock(minute: int | None) -> str | None:
    """Minutes after midnight as ``07:05``; those of the days after go on past ``24:00``."""
    return None if minute is None else f"{minute // 60:02d}:{minute % 60:02d}"


def _leg(leg: Leg, network: Network, ends: tuple[str, str]) -> dict[str, Any]:
    stations = network.layout.stations["name"]
    trains = network.layout.runs.names if network.layout.runs else ()
    return {
        "mode": leg.mode,
        "line": trains[leg.train] if leg.train >= 0 else network.names[leg.line] if leg.line >= 0 else None,
        "from": str(stations.iloc[leg.start]) if leg.start >= 0 else ends[0],
        "to": str(stations.iloc[leg.end]) if leg.end >= 0 else ends[1],
        "minutes": leg.minutes,
        **({} if leg.depart is None else {"depart": clock(leg.depart), "arrive": clock(leg.arrive)}),
    }
