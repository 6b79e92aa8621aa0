"""The railway as a graph whose shortest paths are rides of the fastest trains.

Every stop of a line is a node, joined to the next stop by the minutes of the leg. Where several lines of one group
(fast lines, conventional lines) meet, trains run through from one to the other at a junction penalty. Passengers board
and alight between a stop and the *door* of its station, at half the transfer penalty each: a trip with k transfers
passes 2 + 2k of these arcs, so its minutes are those of the path less one transfer penalty. Stations of one city are
joined for interchange apart from their doors, so that no way between two doors avoids boarding a train.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from megalopolis.travel.ridetime import end_minutes, leg_minutes
from megalopolis.travel.shortest import Elimination, dijkstra_minutes, eliminate, sweep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]

RIDE, THROUGH, BOARD, CHANGE = range(4)
"""Kinds of arc: along a line, between lines at a junction, between door and train, between stations on foot or road."""


@dataclass(frozen=True)
class Lines:
    """Lines and their stops.

    Attributes
    ----------
    line, station, km
        Line, station and km from the start of the line of each stop, ``(stops,)``; stops of a line stand together, km
        rising.
    speed_kmh
        Speed between stations of each line, km/h, ``(lines,)``.
    fast
        Whether a line belongs to the group of fast (high-speed and intercity) lines, ``(lines,)``.
    headway_min
        Minutes between trains of each line, ``(lines,)``.
    call, passed
        Mean number of calls at each stop, and between the one before and it, ``(stops,)``, where trains have stopping
        patterns (`megalopolis.travel.patterns`); None: by the chance of the station, and none.
    """

    line: Index
    station: Index
    km: Array
    speed_kmh: Array
    fast: NDArray[np.bool_]
    headway_min: Array
    call: Array | None = None
    passed: Array | None = None

    def calls(self, chance: Array) -> tuple[Array, Array]:
        """Calls at each stop, and between the one before and it, by the chance of a call at each station."""
        at = chance[self.station] if self.call is None else self.call
        return at, np.zeros(at.size) if self.passed is None else self.passed


@dataclass(frozen=True)
class Rules:
    """Minutes of running and changing.

    Attributes
    ----------
    dwell_min
        Standing time of a call.
    acceleration
        Mean rate of braking and accelerating, m/s2.
    junction_min
        Penalty for running through from line to line.
    transfer_min
        Time from train to train for passengers who change; at least the dwell.
    """

    dwell_min: float
    acceleration: float
    junction_min: float
    transfer_min: float


@dataclass(frozen=True)
class Rail:
    """Graph of the railway.

    Attributes
    ----------
    nodes, doors
        Number of nodes; the first `doors` of them are the stations, where passengers enter and leave.
    tails, heads, minutes
        Undirected arcs, ``(arcs,)``.
    kind
        `RIDE`, `THROUGH`, `BOARD` or `CHANGE`, ``(arcs,)``.
    line
        Line of a ride or boarding, -1 otherwise, ``(arcs,)``.
    headway
        Headway needed to use the arc: that of the line for a ride, 0 otherwise, minutes, ``(arcs,)``.
    station
        Station at each node, ``(nodes,)``.
    transfer_min
        Transfer penalty contained in every path between doors.
    levels
        The distinct headways, ascending.
    """

    nodes: int
    doors: int
    tails: Index
    heads: Index
    minutes: Array
    kind: Index
    line: Index
    headway: Array
    station: Index
    transfer_min: float
    levels: Array


def _check(lines: Lines, call: Array, rules: Rules) -> None:
    if lines.station.size and not 0 <= lines.station.min() <= lines.station.max() < call.size:
        raise ValueError(f"stops name stations outside 0..{call.size - 1}")
    same = lines.line[1:] == lines.line[:-1]
    if np.flatnonzero(~same).size + bool(lines.line.size) != np.unique(lines.line).size:
        raise ValueError("the stops of a line must stand together")
    if not (np.diff(lines.km)[same] > 0).all():
        raise ValueError("km must rise along every line")
    if not (lines.headway_min > 0).all():
        raise ValueError("headways must be above 0")
    if rules.transfer_min < rules.dwell_min:
        raise ValueError(f"a transfer of {rules.transfer_min} min is shorter than a dwell of {rules.dwell_min}")


def _platforms(lines: Lines) -> tuple[Index, Index]:
    """Stops where several lines of one group meet, and the number of their meeting point, from 0."""
    key = 2 * lines.station + lines.fast[lines.line]
    _, point, count = np.unique(key, return_inverse=True, return_counts=True)
    stops = np.flatnonzero(count[point] > 1)
    return stops, np.unique(point[stops], return_inverse=True)[1]


class _Arcs(NamedTuple):
    """Arcs of one kind; the line of each, -1 for none."""

    tails: Index
    heads: Index
    minutes: Array
    kind: int
    line: Index


def _rides(lines: Lines, call: Array, rules: Rules) -> _Arcs:
    """From every stop to the next of its line."""
    first = np.flatnonzero(lines.line[1:] == lines.line[:-1])
    on, (at, passed), node = lines.line[first], lines.calls(call), call.size + first
    km, speed = np.diff(lines.km)[first], lines.speed_kmh[on]
    running = rules.dwell_min, rules.acceleration
    minutes = leg_minutes(km, speed, at[first], at[first + 1], *running, passed[first + 1])
    return _Arcs(node, node + 1, minutes, RIDE, on)


def _interchange(doors: _Arcs, change: tuple[Index, Index, Array] | None, base: int) -> tuple[Index, _Arcs, _Arcs]:
    """Stations with ways to others: these, nodes from `base` on; boarding from there as at the doors, and the ways."""
    a, b, way = change or (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    halls, hall = np.unique(np.r_[a, b], return_inverse=True)
    at = np.isin(doors.tails, halls)
    inside = _Arcs(
        base + np.searchsorted(halls, doors.tails[at]), doors.heads[at], doors.minutes[at], BOARD, doors.line[at]
    )
    minutes = np.asarray(way, dtype=np.float64)
    return halls, inside, _Arcs(base + hall[: a.size], base + hall[a.size :], minutes, CHANGE, np.full(a.size, -1))


def _joined(lines: Lines, parts: Sequence[_Arcs], station: Index, doors: int, transfer_min: float) -> Rail:
    """Arcs of all kinds as one graph."""
    line = np.concatenate([p.line for p in parts])
    kind = np.repeat([p.kind for p in parts], [p.tails.size for p in parts])
    return Rail(
        nodes=station.size,
        doors=doors,
        tails=np.concatenate([p.tails for p in parts]),
        heads=np.concatenate([p.heads for p in parts]),
        minutes=np.concatenate([p.minutes for p in parts]),
        kind=kind,
        line=line,
        headway=np.where(kind == RIDE, lines.headway_min[line], 0.0) if line.size else np.empty(0),
        station=station,
        transfer_min=transfer_min,
        levels=np.unique(lines.headway_min[np.unique(lines.line)]),
    )


def build(
    lines: Lines,
    call: Array,
    boards: NDArray[np.bool_],
    rules: Rules,
    change: tuple[Index, Index, Array] | None = None,
) -> Rail:
    """Join lines, stations and ways between stations.

    Parameters
    ----------
    lines
        Lines and stops.
    call
        Probability that the fastest train calls at each station, ``(stations,)``, in 0..1.
    boards
        Whether passengers board at a station, ``(stations,)``; not at junction posts.
    rules
        Minutes of running and changing.
    change
        Ways between stations for passengers who change: stations at either end and minutes, ``(ways,)``.

    Returns
    -------
    Rail
        The graph; its order of arcs is rides, through running, boarding at doors, boarding for interchange, ways.

    Raises
    ------
    ValueError
        Where stops are not grouped by line, km do not rise, a headway is not positive, a station is unknown or the
        transfer penalty is shorter than the dwell.
    """
    _check(lines, call, rules)
    stations, stops = call.size, lines.line.size
    met, point = _platforms(lines)
    base = stations + stops + (int(point.max()) + 1 if point.size else 0)
    minutes = rules.transfer_min / 2 + end_minutes(
        lines.speed_kmh[lines.line], lines.calls(call)[0], rules.dwell_min, rules.acceleration
    )
    boarding = np.flatnonzero(boards[lines.station])
    doors = _Arcs(lines.station[boarding], stations + boarding, minutes[boarding], BOARD, lines.line[boarding])
    through = np.full(met.size, rules.junction_min / 2)
    halls, inside, ways = _interchange(doors, change, base)
    parts = (
        _rides(lines, call, rules),
        _Arcs(stations + met, stations + stops + point, through, THROUGH, np.full(met.size, -1)),
        doors,
        inside,
        ways,
    )
    platform_station = np.empty(base - stations - stops, np.int64)
    platform_station[point] = lines.station[met]
    at = np.concatenate([np.arange(stations), lines.station, platform_station, halls])
    return _joined(lines, parts, at, stations, rules.transfer_min)


def order(rail: Rail, doors: Index) -> Elimination | None:
    """Order of elimination for the minutes between `doors`; None where Dijkstra's algorithm is to be used."""
    return eliminate(rail.nodes, rail.tails, rail.heads, doors)


def ride_minutes(rail: Rail, doors: Index, headway: float, elimination: Elimination | None = None) -> Array:
    """Minutes of the fastest rides between doors on the lines of at most a headway.

    Parameters
    ----------
    rail
        The graph.
    doors
        Stations between which rides are wanted, ``(m,)``.
    headway
        Largest headway of a line ridden, minutes.
    elimination
        The order for these doors, from `order`; Dijkstra's algorithm is used where it is None.

    Returns
    -------
    ndarray
        Minutes from boarding to alighting, transfers included, ``(m, m)``; infinity where no such ride exists and from
        a station to itself.
    """
    weights = np.where(rail.headway <= headway, rail.minutes, np.inf)
    if elimination is None:
        found = dijkstra_minutes(rail.nodes, rail.tails, rail.heads, weights, doors)
    else:
        found = sweep(elimination, weights)
    np.fill_diagonal(found, np.inf)
    return np.asarray(found - rail.transfer_min)
