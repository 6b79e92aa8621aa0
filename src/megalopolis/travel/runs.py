"""The trains of a state's timetable, and which of its lines run at a headway beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from megalopolis.region import Region
from megalopolis.travel.timetable import Footpaths, Timetable
from megalopolis.units import MINUTES_PER_DAY

Index = npt.NDArray[np.int64]

CHANGE_MIN = 5
"""Minutes to change trains where the timetable says nothing. Assumed."""
LONGEST_CHANGE = 720
"""Minutes; a longer change is none."""


@dataclass(frozen=True, eq=False)
class Runs:
    """A timetable and its stations.

    Attributes
    ----------
    timetable : Timetable
        Trains of the day and the days around it; its stops are the stations where trains call.
    station : ndarray of int, shape (stops,)
        Row of the station of each stop.
    names : tuple of str
        What passengers call each train.
    since : int
        Year of the timetable.
    """

    timetable: Timetable
    station: Index
    names: tuple[str, ...]
    since: int

    def trains_at(self, owner: Index, cities: int) -> npt.NDArray[np.float64]:
        """Trains of the day that call at stations of each city (`owner` of each station), each train once."""
        t = self.timetable
        minute = np.where(np.r_[True, t.trip[1:] != t.trip[:-1]][: t.trip.size], t.depart, t.arrive)
        city = owner[self.station[t.stop]]
        on = (minute >= 0) & (minute < MINUTES_PER_DAY) & (city >= 0) & (np.asarray(t.board) | np.asarray(t.alight))
        pairs = np.unique(np.column_stack([city, t.trip])[on], axis=0)
        return np.bincount(pairs[:, 0], minlength=cities).astype(np.float64)


def runs_of(state: Region) -> Runs | None:
    """The timetable of a state, read once; None without one, or in a year before it."""
    return state.derive("travel.runs", lambda: _runs(state))


def _runs(state: Region) -> Runs | None:
    meta = state.meta.timetable
    since = state.meta.base_year if meta is None else meta.day.year
    if not state.has("timetable_calls", "timetable_trains", "stations") or state.year < since:
        return None
    trains, stations = state.frame("timetable_trains"), state.frame("stations")["id"]
    calls = state.frame("timetable_calls")
    train = pd.Index(trains["id"]).get_indexer(calls["train"])
    order = np.lexsort((calls["seq"].to_numpy(), train))
    place = pd.Index(stations).get_indexer(calls["station"])[order]
    used, stop = np.unique(place, return_inverse=True)
    arrive, depart = (calls[name].to_numpy(float)[order] for name in ("arrive", "depart"))
    number = np.full(len(stations), -1, dtype=np.int64)
    number[used] = np.arange(used.size)
    change, paths = _changes(state, number, used.size)
    timetable = Timetable(
        used.size,
        train[order],
        stop.astype(np.int64),
        np.where(np.isnan(arrive), depart, arrive),
        np.where(np.isnan(depart), arrive, depart),
        change,
        paths,
        *((calls[name] != "no").to_numpy()[order] for name in ("board", "alight")),
    )
    names = trains["name"].fillna(trains["id"]).tolist()
    return Runs(timetable, used.astype(np.int64), tuple(names), since)


def _changes(state: Region, number: Index, stops: int) -> tuple[Index, Footpaths]:
    """Minutes of changing at every stop, and the ways on foot between stops."""
    rows = state.frame("timetable_changes")
    ids = pd.Index(state.frame("stations")["id"])
    one, two = (number[ids.get_indexer(rows[name])] for name in ("from", "to"))
    minutes = rows["minutes"].to_numpy(np.int64)
    there = (one >= 0) & (two >= 0)
    change = np.full(stops, CHANGE_MIN, dtype=np.int64)
    own = there & (one == two)
    change[one[own]] = minutes[own]
    way = there & (one != two) & (minutes <= LONGEST_CHANGE)
    return change, Footpaths(one[way], two[way], minutes[way])


def at_headway(lines: pd.DataFrame, runs: Runs | None) -> npt.NDArray[np.bool_]:
    """Lines whose trains no timetable has: all of them without one, else those that are newer or that say so."""
    if runs is None:
        return np.ones(len(lines), dtype=np.bool_)
    newer = lines["opened"].to_numpy(float) > runs.since
    said = lines["timetabled"]
    return np.asarray(np.where(said.isna(), newer, said == "no"), dtype=np.bool_)
