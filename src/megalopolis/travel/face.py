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
from megalopolis.travel.road import Access
from megalopolis.travel.values import Values
from megalopolis.units import MINUTES_PER_HOUR


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
    trips = solve(network.rail, network.road, network.access, main, network.boarding_min)
    progress("travel: access", 2, 3)
    tables = {"minutes": _matrix(trips.minutes, network.layout.ids)}
    if not indicators_only:
        tables |= {
            "ride_minutes": _matrix(np.where(np.isinf(trips.ride), np.nan, trips.ride), network.layout.ids),
            "headway": _matrix(trips.ride_headway, network.layout.ids),
            "mode": _matrix(trips.mode, network.layout.ids),
            "lines": _lines(network),
        }
    return Result(
        "travel",
        tables,
        _indicators(state, network, trips, parameters),
        _checks(trips),
        _warnings(state, network, trips),
    )


def _nowhere() -> Access:
    """No stations: rides between main stations are not wanted."""
    return Access(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


def _matrix(values: npt.NDArray[Any], ids: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(values, index=pd.Index(ids, name="id"), columns=list(ids))


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


def _checks(trips: Trips) -> tuple[Check, ...]:
    known = np.isfinite(trips.ride) & np.isfinite(trips.ride.T)
    rail = trips.ride[known]
    symmetric = np.abs(rail - trips.ride.T[known]).max(initial=0.0)
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
    built = state.frame("investments")
    unknown = built[built["cost"].isna()]["name"].nunique()
    if unknown:
        said.append(
            f"{unknown} of {built['name'].nunique()} investments have no announced cost: length times cost per km"
        )
    if state.has("rail_lines") and not (network.layout.main >= 0).any():
        said.append("no city names a main station: rides between cities are not computed")
    return tuple(said)


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


def itinerary(state: Region, parameters: Mapping[str, float], origin: str, destination: str) -> dict[str, Any]:
    """Answer for one pair of cities: door to door, ride, frequency and legs.

    Parameters
    ----------
    state : Region
        The state.
    parameters : mapping of str to float
        Parameters of travel by short id.
    origin, destination : str
        City ids, which differ.

    Returns
    -------
    dict
        ``minutes``, ``ride_minutes`` (None without rail), ``trains_per_day``, ``legs`` of the fastest trip from door to
        door and ``ride_legs`` of the fastest ride between main stations: ``mode, line, from, to, minutes``.

    Raises
    ------
    BadInput
        If neither road nor rail connects the two.
    """
    network = assemble(state, parameters)
    trips = solve(network.rail, network.road, network.access, network.main, network.boarding_min)
    pair = network.layout.ids.index(origin), network.layout.ids.index(destination)
    legs = trip_legs(network.rail, trips, network.access, network.boarding_min, pair)
    names = state.names.labels
    if legs is None:
        what = f"neither road nor rail of the model connects {names[origin]} and {names[destination]}"
        raise BadInput(Problem("", what, "add road_times or rail lines"))
    ends = (names[origin], names[destination])
    ride, headway = float(trips.ride[pair]), float(trips.ride_headway[pair])
    rides: list[Leg] = []
    if np.isfinite(ride):
        found = rail_legs(network.rail, network.main, pair, headway)
        rides = found[0] if found else []
    return {
        "minutes": float(trips.minutes[pair]),
        "mode": "road" if trips.mode[pair] == ROAD else "rail",
        "ride_minutes": ride if np.isfinite(ride) else None,
        "trains_per_day": float(trains_per_day(np.array(headway), parameters["operating_hours"] * MINUTES_PER_HOUR)),
        "legs": [_leg(leg, network, ends) for leg in legs],
        "ride_legs": [_leg(leg, network, ends) for leg in rides],
    }


def _leg(leg: Leg, network: Network, ends: tuple[str, str]) -> dict[str, Any]:
    stations, lines = network.layout.stations["name"], network.layout.lines["name"]
    return {
        "mode": leg.mode,
        "line": str(lines.iloc[leg.line]) if leg.line >= 0 else None,
        "from": str(stations.iloc[leg.start]) if leg.start >= 0 else ends[0],
        "to": str(stations.iloc[leg.end]) if leg.end >= 0 else ends[1],
        "minutes": leg.minutes,
    }
