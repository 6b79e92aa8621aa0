"""Timetables from GTFS (General Transit Feed Specification, Schedule): the columns that travel minutes need.

Stops with a parent station count as that station. Times are floored to the minute. A day is read with trips of the days
around it, shifted by 24 hours each: clock changes are not modelled. Trips of ``frequencies`` run from the start of each
span at its headway, whether or not the feed calls these times exact.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.region.gtfs_calls import MAX_CALLS, Calls, read_calls, seconds
from megalopolis.region.gtfs_files import Source, whole
from megalopolis.units import great_circle_km

WALK_KMH: Final = 4.5
"""Walking speed where a transfer has no time. Assumed."""
WALK_DETOUR: Final = 1.3
"""Walking km per great-circle km. Assumed."""
_NO_CHANGE: Final = 100_000  # minutes: longer than any horizon
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MOST: Final = 100
DAYS: Final = (-2, -1, 0, 1)
"""Days of operation read around a day: trains of two nights are still under way, those of the next morning run."""

Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Feed:
    """What of a feed runs around a day.

    Attributes
    ----------
    stations : DataFrame
        Columns ``id, name, lon, lat``; stops are numbered by its rows.
    trains : DataFrame
        Columns ``id, day, name``; trains are numbered by its rows, the day counts from the one asked for. The name is
        that of the trip, else of its route, else the id.
    calls : DataFrame
        Columns ``train, stop, arrive, depart, board, alight``: numbers, minutes after midnight of the day, and whether
        passengers may; by train and in the order of travel.
    change : ndarray of int, shape (stations,)
        Minutes from train to train at a station.
    paths : DataFrame
        Columns ``tail, head, minutes``: ways on foot between stations.
    warnings : tuple of str
        What of the feed is not used.
    """

    stations: pd.DataFrame
    trains: pd.DataFrame
    calls: pd.DataFrame
    change: Index
    paths: pd.DataFrame
    warnings: tuple[str, ...]


def read_gtfs(path: str | Path, day: dt.date, *, days: Sequence[int] = DAYS, change_min: int = 5) -> Feed:
    """Read the trains around a day: those that are under way after its midnight.

    Parameters
    ----------
    path : str or Path
        Folder, or zip archive; nothing is written.
    day : date
        The day whose midnight the minutes count from.
    days : sequence of int
        Days of operation that are read: 0 is the day, -1 the day before. Of trains of days before, only those are kept
        that arrive after the midnight.
    change_min : int
        Minutes to change trains where the feed says none, at least 1.

    Returns
    -------
    Feed

    Raises
    ------
    BadInput
        With every problem of the first table that has some, by file, row and column.
    ValueError
        Where `change_min` is below 1 or a day stands twice.
    """
    if change_min < 1 or len(set(days)) != len(days):
        raise ValueError("change_min must be at least 1, and days must not be repeated")
    source = Source(Path(path))
    stations, number = _stations(source)
    ids, service, named = _trips(source)
    active = _active(source, set(service), [day + dt.timedelta(days=int(k)) for k in days])
    runs = np.array([[s in on for s in service] for on in active], dtype=np.bool_).reshape(len(days), len(ids))
    if not runs.any():
        what = f"no trip runs on the days around {day}"
        raise BadInput(Problem(source.where("calendar"), what, "name a day of the feed's calendar"))
    calls = read_calls(source, dict(zip(ids, map(bool, np.any(runs, axis=0)), strict=True)), number)
    spans = _frequencies(source, {id_: k for k, id_ in enumerate(ids)})
    change, paths, warnings = _transfers(source, number, stations, change_min)
    trip, shift, found = _trains(calls, runs, np.asarray(days), spans, source)
    trains = pd.DataFrame({"id": np.array(ids, object)[trip], "day": shift, "name": np.array(named, object)[trip]})
    return Feed(stations, trains, found, change, paths, warnings)


def _stations(source: Source) -> tuple[pd.DataFrame, dict[str, int]]:
    """Stations, and the number of the station of each stop."""
    table = whole(source, "stops", ("stop_id",), ("stop_name", "stop_lon", "stop_lat", "parent_station"))
    ids, parents = table["stop_id"], table["parent_station"]
    row = _rows(source, "stops", "stop_id", ids)
    problems = [
        Problem(source.where("stops", k + 2, "parent_station"), f"there is no stop '{p}'", suggest(p, ids, "add it"))
        for k, p in enumerate(parents)
        if p and p not in row
    ]
    place = {}
    for name, limit in (("stop_lon", 180.0), ("stop_lat", 90.0)):
        values = pd.to_numeric(pd.Series(table[name], dtype=object).replace("", np.nan), errors="coerce").to_numpy(
            float
        )
        wrong = [k for k, text in enumerate(table[name]) if text and not abs(values[k]) <= limit]
        problems += [
            Problem(
                source.where("stops", k + 2, name), f"'{table[name][k]}' is no degree", f"write -{limit} to {limit}"
            )
            for k in wrong
        ]
        place[name] = values
    if problems:
        raise BadInput(problems[:_MOST])
    top = [_top(k, parents, row) for k in range(len(ids))]
    own = sorted(set(top))
    number = {k: i for i, k in enumerate(own)}
    stations = pd.DataFrame(
        {
            "id": [ids[k] for k in own],
            "name": [table["stop_name"][k] for k in own],
            "lon": place["stop_lon"][own],
            "lat": place["stop_lat"][own],
        }
    )
    return stations, {id_: number[top[k]] for k, id_ in enumerate(ids)}


def _top(k: int, parents: list[str], row: Mapping[str, int]) -> int:
    """The outermost parent of a stop; a ring of parents ends after a few."""
    for _ in range(4):
        if not parents[k]:
            break
        k = row[parents[k]]
    return k


def _rows(source: Source, table: str, column: str, ids: list[str]) -> dict[str, int]:
    """Row of every id, each there once."""
    row: dict[str, int] = {}
    problems = []
    for k, id_ in enumerate(ids):
        if not id_ or id_ in row:
            what = f"'{id_}' stands twice" if id_ else "the cell is empty"
            problems.append(Problem(source.where(table, k + 2, column), what, "give every row an id of its own"))
        row.setdefault(id_, k)
    if problems:
        raise BadInput(problems[:_MOST])
    return row


def _trips(source: Source) -> tuple[list[str], list[str], list[str]]:
    """Ids, services and names of the trips."""
    table = whole(source, "trips", ("trip_id", "service_id"), ("trip_short_name", "route_id"))
    _rows(source, "trips", "trip_id", table["trip_id"])
    route: dict[str, str] = {}
    if source.has("routes"):
        routes = whole(source, "routes", ("route_id",), ("route_short_name", "route_long_name"))
        columns = (routes["route_id"], routes["route_short_name"], routes["route_long_name"])
        route = {id_: short or long for id_, short, long in zip(*columns, strict=True)}
    rows = zip(table["trip_id"], table["trip_short_name"], table["route_id"], strict=True)
    named = [own or route.get(of, "") or id_ for id_, own, of in rows]
    return table["trip_id"], table["service_id"], named


def _active(source: Source, used: set[str], dates: Sequence[dt.date]) -> list[set[str]]:
    """Services that run on each date."""
    if not (source.has("calendar") or source.has("calendar_dates")):
        what = "neither calendar.txt nor calendar_dates.txt is there"
        raise BadInput(Problem(source.path.name, what, "a feed needs one of them"))
    found: list[set[str]] = [set() for _ in dates]
    known: set[str] = set()
    if source.has("calendar"):
        table = whole(source, "calendar", ("service_id", *_DAYS, "start_date", "end_date"))
        _rows(source, "calendar", "service_id", table["service_id"])
        for name in _DAYS:
            _only(source, "calendar", name, table[name], ("0", "1"))
        begin, end = (_dates(source, "calendar", name, table[name]) for name in ("start_date", "end_date"))
        known |= set(table["service_id"])
        for on, date in zip(found, dates, strict=True):
            runs = table[_DAYS[date.weekday()]]
            on |= {
                s
                for s, r, b, e in zip(table["service_id"], runs, begin, end, strict=True)
                if r == "1" and b <= date <= e
            }
    if source.has("calendar_dates"):
        table = whole(source, "calendar_dates", ("service_id", "date", "exception_type"))
        _only(source, "calendar_dates", "exception_type", table["exception_type"], ("1", "2"))
        days = _dates(source, "calendar_dates", "date", table["date"])
        known |= set(table["service_id"])
        for on, date in zip(found, dates, strict=True):
            for s, d, kind in zip(table["service_id"], days, table["exception_type"], strict=True):
                if d == date:
                    (on.add if kind == "1" else on.discard)(s)
    lost = sorted(used - known)
    if lost:
        what = f"the service '{lost[0]}' is in no calendar" + (f", and {len(lost) - 1} more" if len(lost) > 1 else "")
        raise BadInput(Problem(source.where("trips", None, "service_id"), what, "add it to calendar.txt"))
    return found


def _only(source: Source, table: str, column: str, cells: list[str], allowed: tuple[str, ...]) -> None:
    problems = [
        Problem(source.where(table, k + 2, column), f"'{cell}' is not known", f"write {' or '.join(allowed)}")
        for k, cell in enumerate(cells)
        if cell not in allowed
    ]
    if problems:
        raise BadInput(problems[:_MOST])


def _dates(source: Source, table: str, column: str, cells: list[str]) -> list[dt.date]:
    found, problems = [], []
    for k, cell in enumerate(cells):
        try:
            digits = cell if re.fullmatch(r"[0-9]{8}", cell) else "00000000"  # no year 0: refused like day 32
            found.append(dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:])))
        except ValueError:
            problems.append(Problem(source.where(table, k + 2, column), f"'{cell}' is no date", "write it as 20160310"))
    if problems:
        raise BadInput(problems[:_MOST])
    return found


def _frequencies(source: Source, number: Mapping[str, int]) -> dict[int, Index]:
    """Departures of each trip that runs at a headway, seconds."""
    if not source.has("frequencies"):
        return {}
    table = whole(source, "frequencies", ("trip_id", "start_time", "end_time", "headway_secs"))
    begin, end = (seconds(pa.array(table[name], pa.string())) for name in ("start_time", "end_time"))
    problems: list[Problem] = []
    found: dict[int, Index] = {}
    total = 0
    for k, id_ in enumerate(table["trip_id"]):
        gap = table["headway_secs"][k]
        if id_ not in number:
            what, column = f"trips.txt has no '{id_}'", "trip_id"
        elif not re.fullmatch(r"[0-9]{1,6}", gap) or int(gap) == 0:
            what, column = f"'{gap}' is no headway in seconds", "headway_secs"
        elif begin[k] < 0 or end[k] <= begin[k]:
            what, column = "the span ends before it begins, or is no time", "end_time"
        else:
            total += int(end[k] - begin[k] - 1) // int(gap) + 1
            if total <= MAX_CALLS:
                more = np.arange(begin[k], end[k], int(gap), dtype=np.int64)
                found[number[id_]] = np.union1d(found.get(number[id_], more), more)
            continue
        problems.append(Problem(source.where("frequencies", k + 2, column), what, "mend the row or leave it out"))
    if total > MAX_CALLS:
        problems = [Problem(source.where("frequencies"), f"{total:,} departures", "cut the feed")]
    if problems:
        raise BadInput(problems[:_MOST])
    return found


def _transfers(
    source: Source, number: Mapping[str, int], stations: pd.DataFrame, change_min: int
) -> tuple[Index, pd.DataFrame, tuple[str, ...]]:
    """Change time of every station, footpaths, and what is left out."""
    change = np.full(len(stations), change_min, dtype=np.int64)
    if not source.has("transfers"):
        return change, _paths({}, stations, change_min), ()
    table = whole(
        source,
        "transfers",
        ("from_stop_id", "to_stop_id"),
        ("transfer_type", "min_transfer_time", "from_trip_id", "to_trip_id", "from_route_id", "to_route_id"),
    )
    _only(source, "transfers", "transfer_type", table["transfer_type"], ("", "0", "1", "2", "3", "4", "5"))
    special = [
        any(table[c][k] for c in _SPECIAL) or kind in ("4", "5") for k, kind in enumerate(table["transfer_type"])
    ]
    change_of, ways = dict[int, int](), dict[tuple[int, int], int]()
    for one, two, minutes in _changes(source, table, special, number):
        if one == two:
            change_of[one] = max(change_of.get(one, 0), minutes)
        else:
            ways[one, two] = max(ways.get((one, two), 0), minutes)
    for station, minutes in change_of.items():
        change[station] = minutes or change_min
    said = f"{sum(special):,} transfers between certain trips or routes are left out"
    return change, _paths(ways, stations, change_min), ((said,) if any(special) else ())


def _changes(
    source: Source, table: Mapping[str, list[str]], special: list[bool], number: Mapping[str, int]
) -> list[tuple[int, int, int]]:
    """Stations at either end and minutes of each transfer; 0 where the feed says none."""
    problems, found = [], []
    for k in np.flatnonzero(~np.array(special, dtype=np.bool_)).tolist():
        one, two, text = (table[c][k] for c in ("from_stop_id", "to_stop_id", "min_transfer_time"))
        wrong = [
            Problem(source.where("transfers", k + 2, column), f"stops.txt has no '{id_}'", "add it, or cut the row")
            for column, id_ in (("from_stop_id", one), ("to_stop_id", two))
            if id_ not in number
        ]
        if text and not re.fullmatch(r"[0-9]{1,6}", text):
            what = f"'{text}' is no time in seconds"
            wrong.append(Problem(source.where("transfers", k + 2, "min_transfer_time"), what, "write whole seconds"))
        problems += wrong
        if not wrong:
            minutes = max(-(-int(text) // 60), 1) if text else 0
            possible = table["transfer_type"][k] != "3"
            found.append((number[one], number[two], minutes if possible else _NO_CHANGE))
    if problems:
        raise BadInput(problems[:_MOST])
    return found


_SPECIAL: Final = ("from_trip_id", "to_trip_id", "from_route_id", "to_route_id")


def _paths(ways: Mapping[tuple[int, int], int], stations: pd.DataFrame, change_min: int) -> pd.DataFrame:
    """Footpaths that are possible; where the feed says no time, that of walking, and at least that of a change."""
    open_ = [(a, b, minutes) for (a, b), minutes in sorted(ways.items()) if minutes < _NO_CHANGE]
    one, two, minutes = np.array(open_, dtype=np.int64).reshape(-1, 3).T
    lon, lat = stations["lon"].to_numpy(float), stations["lat"].to_numpy(float)
    km = np.nan_to_num(great_circle_km(lon[one], lat[one], lon[two], lat[two]))
    walked = np.maximum(np.ceil(60 * WALK_DETOUR * km / WALK_KMH).astype(np.int64), change_min)
    return pd.DataFrame({"tail": one, "head": two, "minutes": np.where(minutes > 0, minutes, walked)})


def _trains(
    calls: Calls, runs: npt.NDArray[np.bool_], days: Index, spans: Mapping[int, Index], source: Source
) -> tuple[Index, Index, pd.DataFrame]:
    """Trip and day of every train under way after midnight, those at a headway once for each departure; their calls."""
    begin = np.flatnonzero(np.r_[True, calls.trip[1:] != calls.trip[:-1]][: calls.trip.size])
    size = np.diff(np.r_[begin, calls.trip.size])
    trip = calls.trip[begin]
    once = [np.zeros(1, np.int64)] * trip.size
    shifts = [
        spans[t] - calls.depart[b] if t in spans else once[i]
        for i, (t, b) in enumerate(zip(trip.tolist(), begin, strict=True))
    ]
    count = np.array([s.size for s in shifts], dtype=np.int64)
    shift = np.concatenate([np.empty(0, np.int64), *shifts])
    which = np.repeat(np.arange(trip.size), count)
    ends = calls.arrive[begin + size - 1][which] + shift
    day, train = np.nonzero(runs[:, trip[which]] & (ends[None, :] + 86_400 * days[:, None] >= 0))
    total = int(size[which[train]].sum())
    if total > MAX_CALLS:
        what = f"{total:,} calls run on the days asked for, at most {MAX_CALLS:,} are read"
        raise BadInput(Problem(source.path.name, what, "read fewer days, or cut the feed"))
    length = size[which[train]]
    number = np.repeat(np.arange(train.size), length)
    call = np.repeat(begin[which[train]] - (np.cumsum(length) - length), length) + np.arange(total)
    later = np.repeat(shift[train] + 86_400 * days[day], length)
    found = {
        "train": number,
        "stop": calls.stop[call],
        "arrive": (calls.arrive[call] + later) // 60,
        "depart": (calls.depart[call] + later) // 60,
        "board": calls.board[call],
        "alight": calls.alight[call],
    }
    return trip[which[train]], days[day], pd.DataFrame(found)
