"""What if this line were built: door-to-door minutes with a line more, without solving anew.

Every new trip rides the line, so that it passes one of its stops ``x``. For each level of headway ``H`` (see
`megalopolis.travel.door`) let ``F[i, a]`` be the minutes between city ``i`` and the nodes ``a`` of the network that the
line is joined to (doors, halls for interchange, meeting points of trains), and ``P[a, b]`` those between them, without
the line. The line is first closed over the network,

``W = closure of min(rides along the line, c[x, a] + P[a, b] + c[b, y])``

since a trip may leave the line and board it again; then

``U[i, x] = min over y of min(min over a of F[i, a] + c[a, y], access and first ride) + W[y, x]``

and the new minutes are ``min(D[i, j], U[i, x] + U[j, x] + H / 2 + boarding)``. Only cities are looked at from which a
site is reached sooner than before, by the triangle inequality, and for each only the stops where its trips enter the
line. It is the insertion of nodes into a matrix of shortest paths (Murchland 1967; Ausiello,
Italiano, Marchetti-Spaccamela and Nanni 1991), with the wait of `door`. ``F`` and ``P`` are found when a site is
first used, by one sweep over the elimination, and kept: a line that is dragged changes a few sites in each frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from threading import Lock

import numpy as np
import numpy.typing as npt

from megalopolis.travel import _insertion
from megalopolis.travel.assemble import Network, road_speeds
from megalopolis.travel.boarding import boardings, expand
from megalopolis.travel.door import order_of
from megalopolis.travel.land import on_this_side
from megalopolis.travel.layout import FAST, KINDS
from megalopolis.travel.network import CHANGE, THROUGH
from megalopolis.travel.patterns import Service, services_of
from megalopolis.travel.ridetime import call_probability, end_minutes, leg_minutes
from megalopolis.travel.road import road_minutes, station_access
from megalopolis.travel.spread import Ways, later_weights, node_to_place_minutes, place_minutes_by_dijkstra
from megalopolis.units import Array, great_circle_km

Index = npt.NDArray[np.int64]

#: Sites whose minutes are kept; where a line needs more, as many as it needs.
SITES = 384


@dataclass(frozen=True, eq=False)
class TriedLine:
    """A line that is tried, in numbers of the network.

    Attributes
    ----------
    station : ndarray of int, shape (k,)
        Stations in the order of travel; numbers from that of stations in the network on are new ones.
    km : ndarray, shape (k,)
        From the first stop, rising.
    kind : str
        One of `megalopolis.travel.layout.KINDS`.
    speed_kmh : float
        Operating speed.
    headway_min : float
        Minutes between trains.
    lon, lat : ndarray, shape (new,)
        Places of the new stations.
    owner : ndarray of int, shape (new,)
        City of each; -1 at a junction post, where nobody boards.
    calls : ndarray of bool, shape (patterns, k)
        Stops where the trains of each stopping pattern call.
    every : tuple of float
        Minutes between the trains of each pattern.
    """

    station: Index
    km: Array
    kind: str
    speed_kmh: float
    headway_min: float
    lon: Array = field(default_factory=lambda: np.empty(0))
    lat: Array = field(default_factory=lambda: np.empty(0))
    owner: Index = field(default_factory=lambda: np.empty(0, np.int64))
    calls: npt.NDArray[np.bool_] = field(default_factory=lambda: np.empty((0, 0), np.bool_))
    every: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class _Joined:
    """A line as arcs: between its stops (`direct`), to nodes of the network (stop, node, minutes), and to cities.

    `ways` are those of `megalopolis.travel.boarding` (city, stop, minutes), `single` its trips of one ride.
    """

    direct: Array
    join: tuple[Index, Index, Array]
    ways: tuple[Index, Index, Array]
    single: tuple[Index, Index, Array]


class Insertion:
    """A network made ready to have lines inserted.

    Parameters
    ----------
    network : Network
        The network without the line.
    parameters : mapping of str to float
        Parameters of travel by short id.
    minutes : ndarray, shape (n, n)
        Door to door in that network.
    """

    def __init__(self, network: Network, parameters: Mapping[str, float], minutes: Array) -> None:
        self._network = network
        self._parameters = parameters
        self._minutes = np.ascontiguousarray(minutes, dtype=np.float64)
        self._plan = order_of(network.rail)
        self._use = boardings(network.rail, network.access)
        self._sites = _Sites(self._spread, len(minutes))
        self._later = np.empty((0, 0))
        if self._plan is not None:
            levels = range(network.rail.levels.size + 1)
            self._later = later_weights(self._plan, np.array([self._weights(level) for level in levels]))
        self._one = Lock()
        self._where = _where(network)
        self._in_use = np.zeros(network.rail.doors, dtype=np.bool_)
        self._in_use[network.layout.used] = True
        self._cities = _Cities.of(network, parameters)

    @property
    def stations(self) -> int:
        """Stations of the network; new ones are numbered from here."""
        return self._network.rail.doors

    def insert(self, line: TriedLine) -> Array:
        """Door-to-door minutes with the line.

        Parameters
        ----------
        line : TriedLine
            The line.

        Returns
        -------
        ndarray, shape (n, n)
            A new matrix, equal to the full solve of the network with the line to rounding.

        Raises
        ------
        ValueError
            Where the line has fewer than two stops, km do not rise, or speed or headway are not above 0.
        """
        _check(line, self.stations + line.owner.size)
        with self._one:
            rides = self._rides(line)
        found = np.minimum(rides, rides.T)
        np.minimum(found, self._minutes, out=found)
        np.fill_diagonal(found, 0.0)
        return found

    def _rides(self, line: TriedLine) -> Array:
        """Minutes of the trips that ride a line, in one direction at least; infinity where they are of no use."""
        found = np.full_like(self._minutes, np.inf)
        rail, services = self._network.rail, self._services(line)
        every = np.array([service.headway_min for service in services])
        added = self._network.boarding_min - rail.transfer_min
        headways = np.unique(np.r_[every, rail.levels[rail.levels > every.min()]])
        for headway, level in zip(headways, np.searchsorted(rail.levels, headways, side="right").tolist(), strict=True):
            if headway in every:
                joined = self._join(line, [service for service in services if service.headway_min <= headway])
                one, other, minutes = joined.single
                np.minimum.at(found, (one, other), minutes + added + headway / 2)
            stop, node, cost = joined.join
            arcs = (stop, self._sites.slots(node), cost)
            dist, site = self._sites.level(level)
            _insertion.through(dist, site, joined.direct, arcs, joined.ways, added + headway / 2, found)
        return found

    def _spread(self, level: int, sites: Index, done: int) -> Array:
        """Minutes from the sites from number `done` on to cities, then to all sites, by the lines up to a level.

        Level 0 has no line, level l those of the l smallest headways. Shape (n + sites, new sites).
        """
        rail, use, n = self._network.rail, self._use, len(self._minutes)
        near = use.headway <= self._headway(level)
        ways = Ways(
            np.r_[use.ways.place[near], n + np.arange(sites.size)],
            np.r_[use.ways.node[near], sites],
            np.r_[use.ways.minutes[near], np.zeros(sites.size)],
        )
        if self._plan is not None:
            return node_to_place_minutes(self._plan, self._later[level], sites[done:], ways, n + sites.size)
        arcs, new = (rail.nodes, rail.tails, rail.heads), n + np.arange(done, sites.size)
        return place_minutes_by_dijkstra(arcs, self._weights(level), ways, n + sites.size, new)[new].T

    def _headway(self, level: int) -> float:
        return float(self._network.rail.levels[level - 1]) if level else -1.0

    def _weights(self, level: int) -> Array:
        rail = self._network.rail
        return np.where(rail.headway <= self._headway(level), rail.minutes, np.inf)

    def _services(self, line: TriedLine) -> list[Service]:
        """Services of a line, one without stopping patterns."""
        p, owner = self._parameters, np.r_[self._network.layout.owner, line.owner][line.station]
        served = np.where(owner >= 0, self._cities.people[owner], 0.0)
        chance = call_probability(served, p["call_half_population"], p["call_steepness"])
        return services_of(chance, owner >= 0, line.headway_min, line.calls, line.every)

    def _join(self, line: TriedLine, services: list[Service]) -> _Joined:
        """Join services of a line to the network by the rules of `megalopolis.travel.network.build`."""
        p, at_line = self._parameters, np.concatenate([service.stop for service in services])
        call, passed = (np.concatenate([getattr(s, name) for s in services]) for name in ("call", "passed"))
        service = np.repeat(np.arange(len(services)), [s.stop.size for s in services])
        line = replace(line, station=line.station[at_line], km=line.km[at_line])
        owner = np.r_[self._network.layout.owner, line.owner][line.station]
        speed = line.speed_kmh * p[f"speed_share_{line.kind}"]
        running = p["dwell_min"], p["acceleration"]
        first = np.flatnonzero(service[1:] == service[:-1])
        ride = np.full(service.size - 1, np.inf)
        km, to = np.diff(line.km)[first], first + 1
        ride[first] = leg_minutes(km, np.full(km.size, speed), call[first], call[to], *running, passed[to])
        board = p["transfer_min"] / 2 + end_minutes(np.full(call.size, speed), call, *running)
        board[owner < 0] = np.inf
        k = service.size
        direct = np.full((k, k), np.inf)
        np.fill_diagonal(direct, 0.0)
        direct[first, to] = direct[to, first] = ride[first]
        joins = _Joins(direct, self._where, self.stations)
        joins.trains(line.station, line.kind in FAST, p["junction_min"])
        joins.doors(line.station, board)
        self._interchanges(line, owner, board, joins)
        city, at, way = self._access(line, owner)
        minutes = way + board[at]
        order = np.argsort(at, kind="stable")
        city, at, minutes = city[order], at[order], minutes[order]
        on, back = (np.flatnonzero(np.isin(at, ends)) for ends in (first, to))
        stop = np.r_[at[on] + 1, at[back] - 1]
        ways = np.r_[city[on], city[back]], stop, np.r_[minutes[on] + ride[at[on]], minutes[back] + ride[at[back] - 1]]
        boarded, last = expand(np.searchsorted(at, np.arange(service.size + 1)), stop)
        single = ways[0][boarded], city[last], ways[2][boarded] + minutes[last]
        return _Joined(direct, joins.arcs(), ways, single)

    def _place(self, line: TriedLine) -> tuple[Array, Array]:
        """Longitude and latitude of the stops."""
        lon, lat = self._cities.stations
        return np.r_[lon, line.lon][line.station], np.r_[lat, line.lat][line.station]

    def _fresh(self, line: TriedLine) -> npt.NDArray[np.bool_]:
        """Whether no line of the network stops at the station of each stop."""
        return np.asarray(~np.r_[self._in_use, np.zeros(line.owner.size, dtype=np.bool_)][line.station])

    def _interchanges(self, line: TriedLine, owner: Index, board: Array, joins: _Joins) -> None:
        """Ways from stations that the line is the first to stop at to other stations of their city."""
        layout, p = self._network.layout, self._parameters
        fresh = np.flatnonzero(self._fresh(line) & (owner >= 0))
        if not fresh.size:
            return
        speeds, reach = road_speeds(p), p["access_reach_km"]
        lon, lat = self._place(line)
        slon, slat = self._cities.stations
        for x in fresh.tolist():
            others = layout.used[layout.owner[layout.used] == owner[x]]
            km = great_circle_km(lon[x], lat[x], slon[others], slat[others])
            minutes = road_minutes(km, speeds) - speeds.terminal_min
            for other, way in zip(others[km <= reach].tolist(), minutes[km <= reach].tolist(), strict=True):
                joins.interchange(x, other, board[x] + way)
        for x, y in combinations(fresh.tolist(), 2):
            if owner[x] == owner[y]:
                km = great_circle_km(lon[x], lat[x], lon[y], lat[y])
                if line.station[x] == line.station[y]:
                    joins.between(x, y, board[x] + board[y])
                elif km <= reach:
                    way = float(road_minutes(km, speeds)) - speeds.terminal_min
                    joins.between(x, y, board[x] + way + board[y])

    def _access(self, line: TriedLine, owner: Index) -> tuple[Index, Index, Array]:
        """Ways between cities and stops: city, stop, minutes."""
        layout, access = self._network.layout, self._network.access
        fresh = self._fresh(line) & (owner >= 0)
        city, at, minutes = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
        for x in np.flatnonzero(~fresh & (owner >= 0)).tolist():
            rows = np.flatnonzero(access.station == line.station[x])
            city.append(access.city[rows])
            at.append(np.full(rows.size, x))
            minutes.append(access.minutes[rows])
        new = np.flatnonzero(fresh)
        if new.size:
            lon, lat = self._place(line)
            cities, places = self._cities.places, np.column_stack([lon, lat])[new]
            km = great_circle_km(cities[:, :1], cities[:, 1:], *places.T)
            reach, speeds = self._parameters["access_reach_km"], road_speeds(self._parameters)
            ways = station_access(km, owner[new], self._cities.core, reach, speeds)
            ways = on_this_side(ways, owner[new], cities, places, layout.barriers)
            city.append(ways.city)
            at.append(new[ways.station])
            minutes.append(ways.minutes)
        return np.concatenate(city), np.concatenate(at), np.concatenate(minutes)


@dataclass(frozen=True, eq=False)
class _Cities:
    """Columns of cities and stations: people, places (n, 2), built-up cores (km2); lon and lat of the stations."""

    people: Array
    places: Array
    core: Array
    stations: tuple[Array, Array]

    @classmethod
    def of(cls, network: Network, parameters: Mapping[str, float]) -> _Cities:
        cities, stations = network.layout.cities, network.layout.stations
        return cls(
            np.nan_to_num(cities["population"].to_numpy(float)),
            cities[["lon", "lat"]].to_numpy(float),
            cities["built_up_km2"].to_numpy(float) * parameters["built_up_core"],
            (stations["lon"].to_numpy(float), stations["lat"].to_numpy(float)),
        )


def _check(line: TriedLine, stations: int) -> None:
    k = line.station.size
    if k < 2 or line.km.shape != (k,) or not (np.diff(line.km) > 0).all():
        raise ValueError(f"a line of {k} stops needs at least 2, and km that rise from stop to stop")
    if not 0 <= line.station.min() <= line.station.max() < stations:
        raise ValueError(f"stops name stations outside 0..{stations - 1}")
    if line.kind not in KINDS or not (line.speed_kmh > 0 and line.headway_min > 0):
        raise ValueError(f"a line has a kind ({', '.join(KINDS)}), a speed and a headway above 0")


@dataclass(frozen=True, eq=False)
class _Where:
    """Nodes of the network by station, -1 for none.

    `hall` for interchange; `platform` where several lines of a group meet and `single` the only stop of a group there,
    both by twice the station, plus one for fast lines.
    """

    hall: Index
    platform: Index
    single: Index


def _where(network: Network) -> _Where:
    rail = network.rail
    hall, platform, single = (np.full(size, -1) for size in (rail.doors, 2 * rail.doors, 2 * rail.doors))
    nodes = np.unique(np.r_[rail.tails[rail.kind == CHANGE], rail.heads[rail.kind == CHANGE]])
    hall[rail.station[nodes]] = nodes
    lines = network.lines
    key = 2 * lines.station + lines.fast[lines.line]
    single[key] = rail.doors + np.arange(key.size)
    single[np.bincount(key, minlength=single.size) > 1] = -1
    met = rail.kind == THROUGH
    platform[key[rail.tails[met] - rail.doors]] = rail.heads[met]
    return _Where(hall, platform, single)


class _Joins:
    """Collects the arcs between the stops of a line and nodes of the network, and those between stops."""

    def __init__(self, direct: Array, where: _Where, stations: int) -> None:
        self._direct, self._where, self._stations = direct, where, stations
        self._arcs: list[tuple[int, int, float]] = []

    def trains(self, station: Index, fast: bool, junction_min: float) -> None:  # noqa: FBT001
        """Join the stops to trains of other lines of their group that run through."""
        stops = station.tolist()
        for x, s in enumerate(stops):
            key = 2 * s + fast
            old = s < self._stations
            if old and self._where.platform[key] >= 0:
                self._arcs.append((x, int(self._where.platform[key]), junction_min / 2))
                continue
            if old and self._where.single[key] >= 0:
                self._arcs.append((x, int(self._where.single[key]), junction_min))
            for y in range(x):
                if stops[y] == s:
                    self.between(x, y, junction_min)

    def doors(self, station: Index, board: Array) -> None:
        """Join the stops to the doors and halls of their stations; -1 stands for the door of a new one."""
        for x, s in enumerate(station.tolist()):
            if np.isfinite(board[x]):
                old = s < self._stations
                self._arcs.append((x, s if old else -1, board[x]))
                if old and self._where.hall[s] >= 0:
                    self._arcs.append((x, int(self._where.hall[s]), board[x]))

    def interchange(self, stop: int, station: int, minutes: float) -> None:
        """Join a stop to the hall of another station, or to its door where it has no hall yet."""
        hall = int(self._where.hall[station])
        self._arcs.append((stop, hall if hall >= 0 else station, minutes))

    def between(self, one: int, two: int, minutes: float) -> None:
        """Join two stops of the line."""
        self._direct[one, two] = self._direct[two, one] = min(self._direct[one, two], minutes)

    def arcs(self) -> tuple[Index, Index, Array]:
        """Stop, node and minutes of every arc to the network."""
        stop, node, minutes = (list(part) for part in zip(*self._arcs, strict=True)) if self._arcs else ([], [], [])
        return np.array(stop, np.int64), np.array(node, np.int64), np.array(minutes, np.float64)


class _Sites:
    """Minutes of the sites that lines were joined to, by level of headway, each found when it is first wanted."""

    def __init__(self, spread: Callable[[int, Index, int], Array], cities: int) -> None:
        self._spread, self._cities, self._room = spread, cities, SITES
        self._slot: dict[int, int] = {}
        self._levels: dict[int, tuple[int, tuple[Array, Array]]] = {}

    def slots(self, nodes: Index) -> Index:
        """Slots of nodes, -1 for node -1; sites not used before are added, or replace all others where room ends."""
        wanted = [node for node in dict.fromkeys(nodes.tolist()) if node >= 0]
        missing = [node for node in wanted if node not in self._slot]
        if len(self._slot) + len(missing) > self._room:
            self._slot.clear()
            self._levels.clear()
            self._room = max(SITES, len(wanted))
            missing = wanted
        for node in missing:
            self._slot[node] = len(self._slot)
        return np.array([self._slot.get(node, -1) for node in nodes.tolist()], dtype=np.int64)

    def level(self, level: int) -> tuple[Array, Array]:
        """Minutes between sites, and between sites and cities, a row per slot."""
        if level not in self._levels:
            self._levels[level] = 0, (np.empty((self._room, self._room)), np.empty((self._room, self._cities)))
        done, (between, site) = self._levels[level]
        sites = len(self._slot)
        if done < sites:
            new = self._spread(level, np.array(list(self._slot), dtype=np.int64), done)
            site[done:sites] = new[: self._cities].T
            between[:sites, done:sites] = new[self._cities :]
            between[done:sites, :sites] = new[self._cities :].T
            self._levels[level] = sites, (between, site)
        return between, site
