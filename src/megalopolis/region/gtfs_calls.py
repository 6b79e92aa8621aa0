"""Calls of trains from ``stop_times``, streamed: only those of trips that run are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.region.gtfs_files import Source, batches

MAX_CALLS: Final = 10_000_000
"""Calls kept at most: 2 GiB of memory hold them through the reading and the checks."""
MISSING: Final = -1
_TIME: Final = r"^\s*(?P<h>[0-9]{1,3}):(?P<m>[0-5][0-9]):(?P<s>[0-5][0-9])\s*$"
_NUMBER: Final = r"^\s*[0-9]{1,9}\s*$"
_MOST: Final = 100  # problems said of one kind

Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Calls:
    """Calls by trip and in the order of travel; all of shape (calls,).

    Attributes
    ----------
    trip, stop : ndarray of int
        Numbers of trip and stop.
    arrive, depart : ndarray of int
        Seconds after midnight.
    board, alight : ndarray of bool
        Whether passengers may.
    """

    trip: Index
    stop: Index
    arrive: Index
    depart: Index
    board: npt.NDArray[np.bool_]
    alight: npt.NDArray[np.bool_]


def seconds(texts: pa.Array) -> npt.NDArray[np.int64]:
    """Seconds of times such as ``25:10:00``; `MISSING` where there is none, -2 where it is no time."""
    empty = pc.is_null(texts)
    parts = pc.extract_regex(texts, pattern=_TIME)
    h, m, s = (
        np.asarray(pc.fill_null(pc.cast(pc.struct_field(parts, name), pa.int64()), 0)) for name in ("h", "m", "s")
    )
    found = np.where(np.asarray(pc.is_valid(parts)), 3600 * h + 60 * m + s, -2)
    return np.where(np.asarray(empty), MISSING, found)


def read_calls(source: Source, trips: Mapping[str, bool], stops: Mapping[str, int]) -> Calls:
    """Read the calls of the trips that run.

    Parameters
    ----------
    source : Source
        The feed.
    trips : mapping of str to bool
        Every trip of the feed, in order, and whether it runs.
    stops : mapping of str to int
        Every stop of the feed, and the number of its station.

    Returns
    -------
    Calls
        Times that are missing between others are interpolated evenly over the calls, as the reference of GTFS allows.

    Raises
    ------
    BadInput
        For a trip or stop that is not there, a time, sequence or type that cannot be read, a sequence that stands
        twice, a trip that goes back in time, or more than `MAX_CALLS` calls.
    """
    known = (pa.array(list(trips), pa.string()), pa.array(list(stops), pa.string()))
    runs = np.fromiter(trips.values(), np.bool_, len(trips))
    station = np.fromiter(stops.values(), np.int64, len(stops))
    needed = ("trip_id", "arrival_time", "departure_time", "stop_id", "stop_sequence")
    kept: list[npt.NDArray[np.int64]] = []
    size = 0
    for row, columns in batches(source, "stop_times", needed, ("pickup_type", "drop_off_type")):
        part = _kept(source, row, columns, known, runs)
        size += part.shape[1]
        if size > MAX_CALLS:
            what = f"more than {MAX_CALLS:,} calls run on the days asked for"
            raise BadInput(Problem(source.where("stop_times"), what, "cut the feed to the trains that are needed"))
        if part.size:
            kept.append(part)
    table = np.concatenate(kept, axis=1) if kept else np.empty((8, 0), np.int64)
    del kept
    table = table[:, np.lexsort((table[2], table[0]))]
    table[1] = station[table[1]]
    _check_order(source, table, list(trips))
    return _times(source, table, list(trips))


def _kept(source: Source, row: int, columns: dict[str, Any], known: Any, runs: Any) -> npt.NDArray[np.int64]:
    """Trip, stop, sequence, arrival, departure, pickup, drop-off and row of the calls of a block that run."""
    found = {
        name: pc.index_in(_trimmed(columns[name]), value_set=values) for name, values in zip(_IDS, known, strict=True)
    }
    for name, values in zip(_IDS, known, strict=True):
        lost = np.flatnonzero(np.asarray(pc.is_null(found[name])))
        if lost.size:
            raise BadInput(_lost(source, row, name, columns[name], lost, values))
    trip = np.asarray(found["trip_id"]).astype(np.int64)
    on = np.flatnonzero(runs[trip])
    take = pa.array(on)
    stop = np.asarray(found["stop_id"]).astype(np.int64)[on]
    arrive, depart = (seconds(pc.take(columns[name], take)) for name in ("arrival_time", "departure_time"))
    sequence = _whole(pc.take(columns["stop_sequence"], take))
    kinds = [
        _whole(pc.fill_null(pc.take(columns[name], take), "0")) if name in columns else np.zeros(on.size, np.int64)
        for name in ("pickup_type", "drop_off_type")
    ]
    problems = []
    for name, values, todo in (
        ("arrival_time", arrive, "write times as 07:05:00; 25:10:00 is ten past one the next morning"),
        ("departure_time", depart, "write times as 07:05:00; 25:10:00 is ten past one the next morning"),
        ("stop_sequence", sequence, "write a whole number of at least 0"),
        ("pickup_type", kinds[0], "write 0, 1, 2 or 3"),
        ("drop_off_type", kinds[1], "write 0, 1, 2 or 3"),
    ):
        wrong = (values == -2) | ((values > 3) if name.endswith("_type") else False)
        for k in np.flatnonzero(wrong)[:_MOST]:
            what = f"'{columns[name][int(on[k])].as_py() or ''}' cannot be read"
            problems.append(Problem(source.where("stop_times", row + int(on[k]), name), what, todo))
    if problems:
        raise BadInput(problems)
    return np.stack([trip[on], stop, sequence, arrive, depart, *kinds, on + row])


_IDS: Final = ("trip_id", "stop_id")


def _trimmed(texts: pa.Array) -> pa.Array:
    return pc.utf8_trim_whitespace(texts)


def _whole(texts: pa.Array) -> npt.NDArray[np.int64]:
    """Whole numbers; -2 where a text is none."""
    good = pc.fill_null(pc.match_substring_regex(texts, _NUMBER), False)  # noqa: FBT003
    values = pc.cast(_trimmed(pc.if_else(good, texts, "0")), pa.int64())
    return np.where(np.asarray(good), np.asarray(values), -2)


def _lost(source: Source, row: int, name: str, texts: pa.Array, lost: Index, known: pa.Array) -> list[Problem]:
    """Ids that no other table has."""
    ids = [str(texts[int(k)].as_py() or "").strip() for k in lost[:_MOST]]
    near = known.slice(0, 10_000).to_pylist()
    other = name.removesuffix("_id") + "s.txt"
    return [
        Problem(
            source.where("stop_times", row + int(k), name),
            f"{other} has no '{id_}'" if id_ else "the cell is empty",
            suggest(id_, near, f"add it to {other}, or leave the row out"),
        )
        for k, id_ in zip(lost, ids, strict=False)
    ]


def _check_order(source: Source, table: npt.NDArray[np.int64], names: list[str]) -> None:
    """No two calls of a trip may have one sequence."""
    twice = (table[0, 1:] == table[0, :-1]) & (table[2, 1:] == table[2, :-1])
    problems = [
        Problem(
            source.where("stop_times", int(table[7, k + 1]), "stop_sequence"),
            f"trip '{names[table[0, k]]}' has the sequence {table[2, k]} twice",
            "number the calls of a trip upwards",
        )
        for k in np.flatnonzero(twice)[:_MOST]
    ]
    if problems:
        raise BadInput(problems)


def _times(source: Source, table: npt.NDArray[np.int64], names: list[str]) -> Calls:
    """Fill times in, and see that no trip goes back."""
    trip, arrive, depart = table[0], table[3], table[4]
    arrive = np.where(arrive == MISSING, depart, arrive)
    depart = np.where(depart == MISSING, arrive, depart)
    first = np.r_[True, trip[1:] != trip[:-1]][: trip.size]
    last = np.r_[first[1:], True][: trip.size]
    open_ends = np.flatnonzero((arrive == MISSING) & (first | last))
    if open_ends.size:
        raise BadInput(
            [
                Problem(
                    source.where("stop_times", int(table[7, k]), "arrival_time"),
                    f"the first and the last call of trip '{names[trip[k]]}' need a time",
                    "write it as 07:05:00",
                )
                for k in open_ends[:_MOST]
            ]
        )
    at, gaps = np.arange(trip.size), arrive == MISSING
    if gaps.any():
        known = at[~gaps]
        before, after = known[np.searchsorted(known, at[gaps]) - 1], known[np.searchsorted(known, at[gaps])]
        share = (at[gaps] - before) / (after - before)
        filled = depart[before] + np.floor(share * (arrive[after] - depart[before])).astype(np.int64)
        arrive[gaps] = depart[gaps] = filled
    back = depart < arrive
    back[1:] |= (arrive[1:] < depart[:-1]) & ~first[1:]
    if back.any():
        raise BadInput(
            [
                Problem(
                    source.where("stop_times", int(table[7, k])),
                    f"trip '{names[trip[k]]}' goes back in time at sequence {table[2, k]}",
                    "times after midnight go on past 24:00:00",
                )
                for k in np.flatnonzero(back)[:_MOST]
            ]
        )
    return Calls(trip, table[1], arrive, depart, table[5] != 1, table[6] != 1)
