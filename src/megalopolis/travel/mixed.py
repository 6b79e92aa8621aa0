"""Minutes where trains run by a timetable, and lines that no timetable has run at their headway beside them.

A trip is made of parts. Between two *places* (a city's door, a platform of a line at a headway) a part goes by
timetable or on foot, and takes the percentile of its minutes over the departures of the window; on a line, half its
headway and the ride. With ``E`` the minutes from doors to platforms, ``Q`` from platform to platform and ``X`` from
platforms to doors by timetable or on foot, ``w`` the waits and ``R`` the rides on the lines, all minima over sums,

``mixed = (E + w) R N* X``, ``N = (Q + w) R``, ``N*`` any number of steps ``N``

and a trip takes the least of road, timetable, headway lines and mixed. Trips by timetable alone are exact over the
window: which station to go to is chosen at every minute anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from megalopolis.travel import _mixed as kernel
from megalopolis.travel.assemble import Network
from megalopolis.travel.door import NONE, RAIL, Trips
from megalopolis.travel.network import Lines
from megalopolis.travel.ridetime import end_minutes, leg_minutes
from megalopolis.travel.runs import CHANGE_MIN, LONGEST_CHANGE, Runs
from megalopolis.travel.timetable import NEVER, Footpaths, Timetable, connections, travel_minutes
from megalopolis.units import MINUTES_PER_DAY, MINUTES_PER_HOUR, Array

Index = npt.NDArray[np.int64]
_DAY = (0, MINUTES_PER_DAY - 1)


@dataclass(frozen=True)
class Window:
    """Departures that count, both ends included, minutes after midnight, and the percentile of their minutes."""

    first: int
    last: int
    percentile: float

    @classmethod
    def of(cls, parameters: Mapping[str, float]) -> Window:
        """Window of the parameters.

        Raises
        ------
        ValueError
            Where it does not lie within the day, or the percentile not in 0..100.
        """
        first, last = (round(parameters[f"timetable_{end}"]) for end in ("from", "to"))
        if not 0 <= first <= last < MINUTES_PER_DAY:
            raise ValueError(f"departures from minute {first} to {last} are no window within a day")
        if not 0 <= parameters["timetable_percentile"] <= 100:
            raise ValueError(f"the percentile {parameters['timetable_percentile']:g} does not lie in 0..100")
        return cls(first, last, parameters["timetable_percentile"])


@dataclass(frozen=True, eq=False)
class Platforms:
    """Stops of the lines at a headway where passengers board.

    Attributes
    ----------
    line, station : ndarray of int, shape (m,)
        Numbers as in the layout.
    wait : ndarray, shape (m,)
        Half the headway.
    ride : ndarray, shape (m, m)
        Boarding to alighting; infinity where the line does not go.
    """

    line: Index
    station: Index
    wait: Array
    ride: Array


def platforms_of(lines: Lines, network: Network) -> Platforms:
    """Platforms of the lines, and the rides between them by the rules of the network."""
    rules, speed = network.rules, lines.speed_kmh[lines.line]
    at, passed = lines.calls(network.call)
    follows = lines.line[1:] == lines.line[:-1]
    leg = np.zeros(lines.line.size)
    on = np.flatnonzero(follows)
    running = rules.dwell_min, rules.acceleration
    leg[on + 1] = leg_minutes(np.diff(lines.km)[on], speed[on], at[on], at[on + 1], *running, passed[on + 1])
    run, end = np.cumsum(leg), end_minutes(speed, at, rules.dwell_min, rules.acceleration)
    here = np.flatnonzero(network.layout.owner[lines.station] >= 0)
    line, station = lines.line[here], lines.station[here]
    ride = np.abs(run[here][:, None] - run[here][None, :]) + end[here][:, None] + end[here][None, :]
    ride[(line[:, None] != line[None, :]) | (station[:, None] == station[None, :])] = np.inf
    return Platforms(line, station, lines.headway_min[line] / 2, np.maximum(ride, 0.0))


@dataclass(frozen=True, eq=False)
class Door:
    """Timetable from door to door: its stops are the stations of the runs, then the cities, then the platforms.

    Attributes
    ----------
    timetable : Timetable
        Trains, with footpaths between all of these.
    station : ndarray of int
        Row of the station of each stop, -1 for cities.
    cities, platforms : ndarray of int
        Stops.
    walk : ndarray, shape (cities, platforms)
        Minutes between door and platform, not rounded; infinity where the city does not use the station.
    """

    timetable: Timetable
    station: Index
    cities: Index
    platforms: Index
    walk: Array


def door_of(network: Network, runs: Runs, platforms: Platforms) -> Door:
    """Join cities and platforms to the stations of a timetable.

    A change to or from a platform takes the change time of its station, or the way on foot; a way to a station, half
    the boarding time more. Minutes to trains are whole, to the nearest, at least 1.
    """
    timetable, n = runs.timetable, len(network.layout.ids)
    station = np.r_[runs.station, np.full(n, -1), platforms.station]
    cities = timetable.stops + np.arange(n)
    ways = [_access(network, station, cities), *_changes(network, runs, station)]
    tail, head, minutes = (np.concatenate(parts) for parts in zip(*ways, strict=True))
    change = np.r_[timetable.change, np.ones(n + platforms.station.size, dtype=np.int64)]
    paths = Footpaths(tail, head, minutes)
    joined = replace(timetable, stops=station.size, change=change, paths=paths)
    walk = np.full((n, platforms.station.size), np.inf)
    way, platform = _pairs(network.access.station, platforms.station)
    walk[network.access.city[way], platform] = network.access.minutes[way] + network.boarding_min / 2
    return Door(joined, station, cities, n + timetable.stops + np.arange(platforms.station.size), walk)


def _access(network: Network, station: Index, cities: Index) -> tuple[Index, Index, Index]:
    """Ways between cities and stops, both directions."""
    way, stop = _pairs(network.access.station, station)
    minutes = np.maximum(np.rint(network.access.minutes[way] + network.boarding_min / 2), 1).astype(np.int64)
    city = cities[network.access.city[way]]
    return np.r_[city, stop], np.r_[stop, city], np.r_[minutes, minutes]


def _changes(network: Network, runs: Runs, station: Index) -> list[tuple[Index, Index, Index]]:
    """Ways between stops: of the timetable, between stations of one city, and within a station to its platforms."""
    given = runs.timetable.paths
    change = np.full(len(network.layout.stations), CHANGE_MIN, dtype=np.int64)
    change[runs.station] = runs.timetable.change
    one, two, way = network.changes
    by_road = np.rint(way).astype(np.int64) + np.maximum(change[one], change[two])
    tail = np.r_[runs.station[given.tails], one, two, np.unique(station[station >= 0])]
    head = np.r_[runs.station[given.heads], two, one, np.unique(station[station >= 0])]
    minutes = np.r_[given.minutes, by_road, by_road, change[np.unique(station[station >= 0])]]
    key = tail * len(change) + head  # of two ways between the same stations the timetable's own is the first
    kept = np.unique(key, return_index=True)[1]
    kept = kept[minutes[kept] <= LONGEST_CHANGE]
    row, start = _pairs(tail[kept], station)
    again, end = _pairs(head[kept][row], station)
    start, minutes = start[again], minutes[kept][row][again]
    real = start != end
    return [(start[real], end[real], minutes[real])]


def _pairs(wanted: Index, station: Index) -> tuple[Index, Index]:
    """Positions in `wanted` and stops, one for each stop at the station wanted."""
    order = np.argsort(station, kind="stable")
    left, right = (np.searchsorted(station[order], wanted, side=side) for side in ("left", "right"))
    count = right - left
    position = np.repeat(np.arange(wanted.size), count)
    within = np.arange(position.size) - np.repeat(np.cumsum(count) - count, count)
    return position, order[left[position] + within]


@dataclass(frozen=True, eq=False)
class Parts:
    """Minutes of the parts of trips between ends (doors, or main stations), over platforms.

    Attributes
    ----------
    direct : ndarray, shape (n, n)
        By timetable alone.
    out, back : ndarray, shapes (n, m) and (m, n)
        From ends to trains of the lines, waits included, and from platforms to ends.
    between : ndarray, shape (m, m)
        From platform to platform by timetable or on foot.
    wait, ride : ndarray, shapes (m,) and (m, m)
        Of the lines.
    walk : ndarray, shape (n, m)
        Between ends and platforms without a train, wait excluded; infinity where there is no such way.
    """

    direct: Array
    out: Array
    back: Array
    between: Array
    wait: Array
    ride: Array
    walk: Array

    @cached_property
    def mixed(self) -> Array:
        """Least minutes of trips that ride a line at a headway, shape (n, n)."""
        return self.with_lines(np.ones(self.wait.size, dtype=np.bool_))

    def with_lines(self, chosen: npt.NDArray[np.bool_]) -> Array:
        """The same on the lines of some platforms."""
        pick = np.flatnonzero(chosen)
        ride = self.ride[np.ix_(pick, pick)]
        step = kernel.join(self.between[np.ix_(pick, pick)] + self.wait[pick], ride)
        there = kernel.join(kernel.join(self.out[:, pick], ride), kernel.repeat(step))
        return np.asarray(kernel.join(there, np.ascontiguousarray(self.back[pick])))


def door_parts(door: Door, platforms: Platforms, window: Window) -> Parts:
    """Parts of the trips from door to door over a window."""
    ends = np.r_[door.cities, door.platforms]
    found = travel_minutes(
        door.timetable, (window.first, window.last), (window.percentile,), origins=ends, targets=ends
    )[0]
    minutes, n = _real(found), door.cities.size
    rounded = np.maximum(np.rint(door.walk), 1)
    out, back = (np.where(a == rounded, door.walk, a) for a in (minutes[:n, n:], minutes[n:, :n].T))
    between = _apart(minutes[n:, n:])
    lines = (platforms.wait, platforms.ride)
    return Parts(minutes[:n, :n], out + platforms.wait, np.ascontiguousarray(back.T), between, *lines, door.walk)


def ride_parts(door: Door, platforms: Platforms, stations: Index) -> Parts:
    """Parts of the fastest rides of the day between different stations; who begins on a line does not wait for it."""
    stop = np.full(int(max(door.station.max(initial=0), stations.max(initial=0))) + 1, -1, dtype=np.int64)
    stop[door.station[: door.cities[0]]] = np.arange(door.cities[0])
    known = np.flatnonzero(stop[stations] >= 0)
    ends = np.r_[stop[stations[known]], door.platforms]
    found = _real(travel_minutes(door.timetable, _DAY, (0.0,), origins=ends, targets=ends)[0])
    k, m, n = known.size, door.platforms.size, stations.size
    direct, out, back = np.full((n, n), np.inf), np.full((n, m), np.inf), np.full((m, n), np.inf)
    direct[np.ix_(known, known)] = _apart(found[:k, :k])
    out[known] = found[:k, k:] + platforms.wait
    back[:, known] = found[k:, :k]
    walk = np.where(stations[:, None] == platforms.station[None, :], 0.0, np.inf)
    out, back = np.minimum(out, walk), np.minimum(back, walk.T)
    return Parts(direct, out, back, _apart(found[k:, k:]), platforms.wait, platforms.ride, walk)


def _apart(minutes: Array) -> Array:
    """Minutes between different places: who stays where he is makes no part of a trip."""
    return np.where(np.eye(len(minutes), dtype=np.bool_), np.inf, minutes)


def departures_of(door: Door, stations: Index) -> Array:
    """Departures of a day between stations that are worth waiting for; 0 where no train of the timetable calls."""
    stop = np.full(int(max(door.station.max(initial=0), stations.max(initial=0))) + 1, -1, dtype=np.int64)
    stop[door.station[: door.cities[0]]] = np.arange(door.cities[0])
    known = np.flatnonzero(stop[stations] >= 0)
    ends = stop[stations[known]]
    count = np.zeros((stations.size, stations.size))
    count[np.ix_(known, known)] = connections(door.timetable, _DAY, origins=ends, targets=ends)
    return count


def _real(minutes: npt.NDArray[np.int16]) -> Array:
    return np.where(minutes == NEVER, np.inf, minutes.astype(np.float64))


@dataclass(frozen=True, eq=False)
class Mixture:
    """What a timetable adds to the lines of a state at a headway.

    Attributes
    ----------
    door : Door
        Timetable from door to door.
    platforms : Platforms
        Of the lines at a headway.
    parts : Parts
        From door to door.
    rides : Parts or None
        Between main stations, where wanted.
    trips : Trips
        Best of everything.
    """

    door: Door
    platforms: Platforms
    parts: Parts
    rides: Parts | None
    trips: Trips


def mix(network: Network, runs: Runs, trips: Trips, window: Window, operating_hours: float, *, rides: bool) -> Mixture:
    """Combine the timetable with road and the lines at a headway.

    Parameters
    ----------
    network
        The state's network.
    runs
        Its timetable.
    trips
        By road and by the lines at a headway alone.
    window
        Departures that count.
    operating_hours
        Hours of operation a day: a number of trains a day is told as a headway.
    rides
        Whether the rides between main stations are wanted.

    Returns
    -------
    Mixture
    """
    platforms = platforms_of(network.lines, network)
    door = door_of(network, runs, platforms)
    parts = door_parts(door, platforms, window)
    rail = np.minimum(parts.direct, parts.mixed)
    better = rail < trips.rail
    best = np.minimum(trips.minutes, rail)
    np.fill_diagonal(best, 0.0)
    mode = np.where(best < trips.minutes, RAIL, trips.mode).astype(np.int8)
    mode[np.isinf(best)] = NONE
    found = replace(
        trips,
        minutes=best,
        mode=mode,
        rail=np.minimum(trips.rail, rail),
        rail_headway=np.where(better, np.nan, trips.rail_headway),
    )
    if not rides:
        return Mixture(door, platforms, parts, None, found)
    stations, number = np.unique(network.main.station, return_inverse=True)
    own = ride_parts(door, platforms, stations)
    fastest = _rides(departures_of(door, stations), platforms, own, operating_hours * MINUTES_PER_HOUR)
    ride, headway = (values[np.ix_(number, number)] for values in fastest)
    city = np.ix_(network.main.city, network.main.city)
    faster = ride < trips.ride[city] - 1e-9
    minutes, apart = trips.ride.copy(), trips.ride_headway.copy()
    minutes[city] = np.where(faster, ride, trips.ride[city])
    apart[city] = np.where(faster, headway, trips.ride_headway[city])
    np.fill_diagonal(minutes, 0.0)
    np.fill_diagonal(apart, np.nan)
    return Mixture(door, platforms, parts, own, replace(found, ride=minutes, ride_headway=apart))


def _rides(count: Array, platforms: Platforms, parts: Parts, operating_min: float) -> tuple[Array, Array]:
    """Fastest rides between stations by timetable or mixed, and the headway that their trains a day make."""
    with np.errstate(divide="ignore"):
        ride, headway = parts.direct.copy(), np.where(count > 0, operating_min / count, np.nan)
    for level in np.unique(platforms.wait):
        mixed = parts.with_lines(platforms.wait <= level)
        faster = mixed < ride - 1e-9
        ride, headway = np.where(faster, mixed, ride), np.where(faster, 2 * level, headway)
    np.fill_diagonal(ride, np.inf)
    return ride, headway
