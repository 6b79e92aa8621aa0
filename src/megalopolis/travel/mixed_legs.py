"""The itinerary of a trip by timetable, alone or mixed with lines at a headway, leg by leg."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from megalopolis.travel.itinerary import Leg
from megalopolis.travel.mixed import Door, Mixture, Parts, Window
from megalopolis.travel.rides import Ride, itinerary
from megalopolis.travel.shortest import path
from megalopolis.travel.timetable import connections
from megalopolis.units import MINUTES_PER_DAY

Index = npt.NDArray[np.int64]
DAY = Window(0, MINUTES_PER_DAY - 1, 0.0)
_SAME = 1e-6  # minutes: sums of parts are rounded


def legs_between(mixture: Mixture, parts: Parts, ends: Index, pair: tuple[int, int], window: Window) -> list[Leg]:
    """Legs of the best trip by timetable, alone or mixed; their minutes sum to those of the trip.

    Of the departures of the window, the first that takes as long as the percentile is shown. Clock times stand at
    trains before the first line at a headway only: what follows it has no fixed time.

    Parameters
    ----------
    mixture
        The state's trips.
    parts
        Its parts from door to door, or between main stations.
    ends
        Stops of the door timetable at the ends of `parts`; -1 where no train of the timetable calls.
    pair
        Positions of origin and destination among the ends.
    window
        Departures that count.

    Returns
    -------
    list of Leg
    """
    stops = np.r_[ends, mixture.door.platforms]
    n = parts.direct.shape[0]
    if parts.direct[pair] <= parts.mixed[pair]:
        return _by_timetable(mixture.door, (int(ends[pair[0]]), int(ends[pair[1]])), window, parts.direct[pair])
    legs: list[Leg] = []
    for part in _way(parts, pair):
        at = int(mixture.platforms.station[part.head])
        if part.kind == _RIDE:
            start = int(mixture.platforms.station[part.tail])
            legs.append(Leg("rail", part.minutes, int(mixture.platforms.line[part.tail]), start, at))
            continue
        minutes, wait = part.minutes - part.wait, part.wait
        if part.walked and minutes:
            out = part.kind == _OUT
            legs.append(Leg("access" if out else "egress", minutes, start=-1 if out else at, end=at if out else -1))
        elif not part.walked:
            start, end = _nodes(part, pair, n)
            some = _by_timetable(mixture.door, (int(stops[start]), int(stops[end])), window, minutes)
            legs += some if not legs else [replace(leg, depart=None, arrive=None) for leg in some]
        legs += [Leg("wait", wait, start=at, end=at)] if wait else []
    return legs


def departures_between(
    mixture: Mixture, parts: Parts, ends: Index, pair: tuple[int, int], operating_min: float
) -> float:
    """Departures a day of the best trip: of its parts, those of the rarest; see `legs_between`."""
    stops, n = np.r_[ends, mixture.door.platforms], parts.direct.shape[0]

    def trains(start: int, end: int) -> float:
        found = connections(mixture.door.timetable, (DAY.first, DAY.last), origins=stops[[start]], targets=stops[[end]])
        return float(found[0, 0]) or np.inf  # on foot at any time

    if parts.direct[pair] <= parts.mixed[pair]:
        return trains(*pair)
    least = np.inf
    for part in _way(parts, pair):
        if part.kind == _RIDE:
            least = min(least, operating_min / (2 * float(parts.wait[part.tail])))
        elif not part.walked:
            least = min(least, trains(*_nodes(part, pair, n)))
    return least


_OUT, _RIDE, _BETWEEN, _BACK = range(4)


@dataclass(frozen=True)
class _Part:
    """Part of a mixed trip: kind, platforms at its ends, minutes, the wait for a line in them, whether on foot."""

    kind: int
    tail: int
    head: int
    minutes: float
    wait: float
    walked: bool


def _nodes(part: _Part, pair: tuple[int, int], n: int) -> tuple[int, int]:
    """Ends of a part among ends and platforms."""
    return pair[0] if part.kind == _OUT else n + part.tail, pair[1] if part.kind == _BACK else n + part.head


def _way(parts: Parts, pair: tuple[int, int]) -> list[_Part]:
    """Parts of the best mixed trip."""
    m = parts.wait.size
    origin, ride, alighted, destination = 0, 1, 1 + m, 1 + 2 * m
    every = np.arange(m)
    one, two = (a.ravel() for a in np.meshgrid(every, every, indexing="ij"))
    kinds = np.repeat([_OUT, _RIDE, _BETWEEN, _BACK], [m, m * m, m * m, m])
    starts = (np.full(m, origin), ride + one, alighted + one, alighted + every)
    stops = (ride + every, alighted + two, ride + two, np.full(m, destination))
    tails, heads = (np.concatenate(nodes).astype(np.int64) for nodes in (starts, stops))
    between = parts.between + parts.wait
    weights = np.concatenate([parts.out[pair[0]], parts.ride.ravel(), between.ravel(), parts.back[:, pair[1]]])
    there = np.flatnonzero(np.isfinite(weights))
    found = path(2 * m + 2, tails[there], heads[there], weights[there], (origin, destination), directed=True)
    if found is None:
        raise AssertionError("a finite number of minutes has a way")
    arcs = there[found]
    return [
        _part(parts, pair, int(kinds[a]), (int(tails[a] - ride) % m, int(heads[a] - ride) % m), float(weights[a]))
        for a in arcs
    ]


def _part(parts: Parts, pair: tuple[int, int], kind: int, ends: tuple[int, int], minutes: float) -> _Part:
    tail, head = (ends[1], ends[1]) if kind == _OUT else (ends[0], ends[0]) if kind == _BACK else ends
    walk = parts.walk[pair[0], head] if kind == _OUT else parts.walk[pair[1], tail] if kind == _BACK else np.inf
    alone = minutes == walk  # from its own platform one does not wait
    wait = 0.0 if alone or kind in (_RIDE, _BACK) else float(parts.wait[head])
    return _Part(kind, tail, head, minutes, wait, bool(alone or minutes == walk + wait))


def _by_timetable(door: Door, pair: tuple[int, int], window: Window, minutes: float) -> list[Leg]:
    """Legs of the first departure of a window that takes some minutes."""
    for minute in range(window.first, window.last + 1):
        rides = itinerary(door.timetable, *pair, minute)
        if rides and abs(rides[-1].arrive - minute - minutes) < _SAME:
            return _legs(door, rides, minute)
    raise AssertionError("a percentile is the time of some departure")


def _legs(door: Door, rides: list[Ride], minute: int) -> list[Leg]:
    """Rides and ways on foot as legs, with the waits between them."""
    legs: list[Leg] = []
    now = minute
    for k, part in enumerate(rides):
        start, end = int(door.station[part.start]), int(door.station[part.end])
        gap = part.depart - now
        if part.trip < 0:
            kind = "access" if start < 0 else "egress" if end < 0 else "transfer"
            legs.append(Leg(kind, float(gap + part.arrive - part.depart), start=start, end=end))
        else:
            if gap and legs and legs[-1].mode == "transfer":
                legs[-1] = replace(legs[-1], minutes=legs[-1].minutes + gap)
            elif gap:
                changes = any(before.trip >= 0 for before in rides[:k])
                legs.append(Leg("transfer" if changes else "wait", float(gap), start=start, end=start))
            minutes = float(part.arrive - part.depart)
            legs.append(Leg("rail", minutes, -1, start, end, part.trip, part.depart, part.arrive))
        now = part.arrive
    return legs
