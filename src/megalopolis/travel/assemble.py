"""The travel network of a state under given parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from megalopolis.region import Region
from megalopolis.travel.land import on_this_side, road_matrix
from megalopolis.travel.layout import FAST, KINDS, Layout, layout_of
from megalopolis.travel.network import Lines, Rail, Rules, build
from megalopolis.travel.patterns import named, services_of
from megalopolis.travel.ridetime import call_probability
from megalopolis.travel.road import Access, RoadSpeeds, road_minutes, station_access
from megalopolis.units import Array

Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Network:
    """A state's travel network.

    Attributes
    ----------
    layout : Layout
        Numbers, rows and distances behind it.
    rail : Rail
        The graph.
    road : ndarray, shape (n, n)
        Door-to-door minutes by road.
    access, main : Access
        Ways of every city to the stations that it uses, and to its main station.
    boarding_min : float
        Minutes at the two stations together.
    changes : tuple of ndarray
        Pairs of stations of one city, and minutes of the way between them.
    lines : Lines
        Lines that run at their headway; the numbers are those of the layout, then the services of lines with stopping
        patterns.
    names : tuple of str
        English name of each line and service.
    call : ndarray, shape (stations,)
        Probability that the fastest train calls.
    rules : Rules
        Minutes of running and changing.
    """

    layout: Layout
    rail: Rail
    road: Array
    access: Access
    main: Access
    boarding_min: float
    changes: tuple[Index, Index, Array]
    lines: Lines
    names: tuple[str, ...]
    call: Array
    rules: Rules


def road_speeds(parameters: Mapping[str, float]) -> RoadSpeeds:
    """Road speeds from the pillar's parameters."""
    return RoadSpeeds(
        detour=parameters["road_detour"],
        band_km=(parameters["road_streets_km"], parameters["road_regional_km"]),
        band_kmh=(parameters["road_streets_kmh"], parameters["road_regional_kmh"], parameters["road_motorway_kmh"]),
        terminal_min=parameters["road_terminal_min"],
    )


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
    layout = layout_of(state)
    speeds = road_speeds(parameters)
    reach = parameters["access_reach_km"]
    owner, places = layout.owner[layout.used], layout.stations[["lon", "lat"]].to_numpy(float)[layout.used]
    core = layout.cities["built_up_km2"].to_numpy(float) * parameters["built_up_core"]
    access = station_access(layout.station_km, owner, core, reach, speeds)
    access = on_this_side(access, owner, layout.cities[["lon", "lat"]].to_numpy(float), places, layout.barriers)
    one, two, km = layout.changes
    near = km <= reach
    changes = (one[near], two[near], road_minutes(km[near], speeds) - speeds.terminal_min)
    has = np.flatnonzero(layout.main >= 0)
    call, rules = _call(layout, parameters), _rules(parameters)
    lines, names = _services(layout, _lines(layout, parameters), call)
    return Network(
        layout=layout,
        rail=build(lines, call, layout.owner >= 0, rules, changes),
        road=road_matrix(layout.km, speeds, layout.known),
        access=Access(access.city, layout.used[access.station], access.minutes),
        main=Access(has, layout.main[has], np.zeros(has.size)),
        boarding_min=parameters["boarding_min"],
        changes=changes,
        lines=lines,
        names=names,
        call=call,
        rules=rules,
    )


def _lines(layout: Layout, parameters: Mapping[str, float]) -> Lines:
    """Lines that run at their headway; trains keep a share of the operating speed between stations, by kind of line."""
    kept = np.array([parameters[f"speed_share_{kind}"] for kind in KINDS])
    stop = np.flatnonzero(layout.headway[layout.stop_line])
    return Lines(
        line=layout.stop_line[stop],
        station=layout.stop_station[stop],
        km=layout.stops["km"].to_numpy(float)[stop],
        speed_kmh=layout.top_kmh * kept[layout.line_kind],
        fast=layout.line_kind < len(FAST),
        headway_min=layout.lines["headway_min"].to_numpy(float),
    )


def _services(layout: Layout, lines: Lines, chance: Array) -> tuple[Lines, tuple[str, ...]]:
    """Lines without stopping patterns as they are, and after them the services of each that has some; their names."""
    names = layout.lines["name"].tolist()
    own = {number: of for number, of in layout.patterns.items() if layout.headway[number]}
    if not own:
        return lines, tuple(names)
    km, plain = layout.stops["km"].to_numpy(float), ~np.isin(lines.line, list(own))
    line, station, at = [lines.line[plain]], [lines.station[plain]], [lines.km[plain]]
    call, passed = [chance[lines.station[plain]]], [np.zeros(int(plain.sum()))]
    owner, every = list(range(len(names))), lines.headway_min.tolist()
    for number, patterns in own.items():
        stations = layout.stop_station[patterns.stops]
        boards = layout.owner[stations] >= 0
        for service in services_of(chance[stations], boards, every[number], patterns.calls, patterns.every):
            line.append(np.full(service.stop.size, len(owner)))
            station.append(stations[service.stop])
            at.append(km[patterns.stops][service.stop])
            call.append(service.call)
            passed.append(service.passed)
            owner.append(number)
            every.append(service.headway_min)
            names.append(named(names[number], patterns.names, service))
    return Lines(
        line=np.concatenate(line),
        station=np.concatenate(station),
        km=np.concatenate(at),
        speed_kmh=lines.speed_kmh[owner],
        fast=lines.fast[owner],
        headway_min=np.array(every),
        call=np.concatenate(call),
        passed=np.concatenate(passed),
    ), tuple(names)


def _call(layout: Layout, parameters: Mapping[str, float]) -> Array:
    """Chance that the fastest train calls at each station."""
    population = np.nan_to_num(layout.cities["population"].to_numpy(float))
    served = np.where(layout.owner >= 0, population[layout.owner] if len(population) else 0.0, 0.0)
    return call_probability(served, parameters["call_half_population"], parameters["call_steepness"])


def _rules(parameters: Mapping[str, float]) -> Rules:
    return Rules(
        dwell_min=parameters["dwell_min"],
        acceleration=parameters["acceleration"],
        junction_min=parameters["junction_min"],
        transfer_min=parameters["transfer_min"],
    )
