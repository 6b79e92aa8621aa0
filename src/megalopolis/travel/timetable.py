"""Minutes of travel by a timetable: all origins and targets at once, over a window of departures.

Legs of trains are worked off from the last departure to the first, as in the profile connection scan (Dibbelt, Pajor,
Strasser and Wagner 2013), but for all targets together: a train's row holds the earliest arrival at every target for
who sits in it, a stop's row that for who stands there, and a leg is a few minima of whole rows of 16-bit minutes. The
rows of a stop over time are a step function of the departure, from which any percentile over the window follows
exactly, by bisection on the number of departures that reach the target within a limit (all minutes of the window count
alike, as in Conway, Byrd and van der Linden 2017).

What a travel time is. Whole minutes from being at the origin stop to arriving at the target stop. One departs at every
minute of the window, walks at most one footpath, boards whatever leaves from then on, changes at a stop after its
change time or over one footpath, and arrives by train or over one footpath. No change time at the first boarding.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from megalopolis.travel import _plan as plan
from megalopolis.travel import _timetable as kernel
from megalopolis.travel._lanes import LANES
from megalopolis.travel._window import intervals, on_foot, work_off

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Index = NDArray[np.int64]
    Minutes = NDArray[np.int16]

NEVER = kernel.NEVER
"""Minutes where a target is not reached, at the percentile asked for."""

HORIZON = 16_000
"""Minutes from the start of the window within which every train must arrive: 11 days."""

SPAN = 1_000_000
"""Minutes, about two years, within which all trains of a timetable must run."""

THREADS = min(os.cpu_count() or 1, 4)  # panels worked off at the same time; the result is the same on any number
_WORTH_THREADS = 5_000_000  # legs times targets: below, starting threads costs more than they save
_LINE = 64  # bytes


@dataclass(frozen=True, eq=False)
class Footpaths:
    """Ways on foot from stop to stop, in one direction each.

    Attributes
    ----------
    tails, heads : ndarray of int, shape (paths,)
        Stops at either end.
    minutes : ndarray of int, shape (paths,)
        At least 1; what a change over this way takes, in all. No way leads back to its stop.
    """

    tails: Index = field(default_factory=lambda: np.empty(0, np.int64))
    heads: Index = field(default_factory=lambda: np.empty(0, np.int64))
    minutes: Index = field(default_factory=lambda: np.empty(0, np.int64))

    def __post_init__(self) -> None:
        for name in ("tails", "heads", "minutes"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Timetable:
    """Trains that run, each on its own day: a train of yesterday that is still on its way is one of them.

    Attributes
    ----------
    stops : int
        Number of stops.
    trip : ndarray of int, shape (calls,)
        Train of each call; calls of a train stand together, in the order of travel.
    stop : ndarray of int, shape (calls,)
        Stop of each call.
    arrive, depart : ndarray of int, shape (calls,)
        Minutes after midnight of one day; below 0 the day before, 1,440 and above the days after. The first arrival and
        the last departure of a train are not read.
    change : ndarray of int, shape (stops,)
        Minutes from arriving at a stop to leaving it by another train, at least 1.
    paths : Footpaths
        Ways on foot.
    board, alight : ndarray of bool, shape (calls,)
        Whether passengers may board, and alight; everywhere, where left out.
    """

    stops: int
    trip: Index
    stop: Index
    arrive: Index
    depart: Index
    change: Index
    paths: Footpaths = field(default_factory=Footpaths)
    board: NDArray[np.bool_] | None = None
    alight: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        for name in ("trip", "stop", "arrive", "depart"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.int64))
        object.__setattr__(self, "change", np.asarray(self.change, dtype=np.int64))
        for name in ("board", "alight"):
            given = getattr(self, name)
            allowed = np.ones(self.trip.size, np.bool_) if given is None else np.asarray(given, dtype=np.bool_)
            object.__setattr__(self, name, allowed)
        _check(self)

    @cached_property
    def legs(self) -> Legs:
        """Every ride from one call of a train to its next."""
        on = np.flatnonzero(self.trip[1:] == self.trip[:-1])
        board, alight = np.asarray(self.board), np.asarray(self.alight)
        return Legs(
            self.trip[on],
            self.stop[on],
            self.stop[on + 1],
            self.depart[on],
            self.arrive[on + 1],
            board[on],
            alight[on + 1],
        )

    @cached_property
    def walks(self) -> tuple[Index, Index, Index]:
        """Footpaths by their start: where those of each stop begin, their ends and minutes."""
        order = np.argsort(self.paths.tails, kind="stable")
        first = np.searchsorted(self.paths.tails[order], np.arange(self.stops + 1)).astype(np.int64)
        return first, self.paths.heads[order], self.paths.minutes[order]

    @cached_property
    def prepared(self) -> Prepared:
        """What is done for each leg, for any window of departures."""
        legs, change, walks = self.legs, self.change, self.walks
        columns = (legs.trip, legs.start, legs.end, legs.depart, legs.arrive, legs.board, legs.alight)
        order = plan.last_first(legs.depart)
        grid, point, onto, opens = plan.points(order, columns, change)
        where, on_foot = plan.afoot(order, columns, walks, grid)
        row, work, rows = plan.rows(order, columns, grid, (point, onto, opens), (where, on_foot))
        return Prepared(grid, point, onto, where, on_foot, row, work, rows)


@dataclass(frozen=True, eq=False)
class Prepared:
    """Legs of a timetable in the order of work, and the rows they read and write; see :mod:`megalopolis.travel._plan`.

    Attributes
    ----------
    grid : tuple of ndarray
        Points: the first of each stop, the one after its last, and the minute of each.
    point, onto : ndarray of int32, shape (legs,)
        Point at which each leg is boarded, and at which who alights from it boards again; -1 for none.
    where, on_foot : ndarray of int32, shape (legs + 1,) and (ways,)
        Points at which who alights boards after a way on foot: those of the i-th leg are where[i]..where[i + 1].
    row : ndarray of int32, shape (points,)
        Row of each point.
    work : ndarray of int32, shape (legs, 8)
        Rows, stop and minutes.
    rows : int
        Number of rows of points and trains.
    """

    grid: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]
    point: NDArray[np.int32]
    onto: NDArray[np.int32]
    where: NDArray[np.int32]
    on_foot: NDArray[np.int32]
    row: NDArray[np.int32]
    work: NDArray[np.int32]
    rows: int


@dataclass(frozen=True, eq=False)
class Legs:
    """Rides from call to next call, by train and in the order of travel; all of shape (legs,)."""

    trip: NDArray[np.integer[Any]]
    start: NDArray[np.integer[Any]]
    end: NDArray[np.integer[Any]]
    depart: NDArray[np.integer[Any]]
    arrive: NDArray[np.integer[Any]]
    board: NDArray[np.bool_]
    alight: NDArray[np.bool_]

    def since(self, minute: int) -> Legs:
        """Legs that depart at a minute or later, in minutes after it, as 32-bit numbers."""
        on = np.flatnonzero(self.depart >= minute)
        trip, start, end = (column[on].astype(np.int32) for column in (self.trip, self.start, self.end))
        depart, arrive = ((column[on] - minute).astype(np.int32) for column in (self.depart, self.arrive))
        return Legs(trip, start, end, depart, arrive, self.board[on], self.alight[on])


def _check(t: Timetable) -> None:
    calls, paths = t.trip.size, t.paths
    given = (t.stop, t.arrive, t.depart, np.asarray(t.board), np.asarray(t.alight))
    if any(values.shape != (calls,) for values in given):
        raise ValueError("trip, stop, arrive, depart, board and alight need one value for each call")
    if t.change.shape != (t.stops,) or not paths.tails.size == paths.heads.size == paths.minutes.size:
        raise ValueError("change needs one value for each stop, and footpaths two stops and minutes each")
    for stops in (t.stop, paths.tails, paths.heads):
        if stops.size and not 0 <= stops.min() <= stops.max() < t.stops:
            raise ValueError(f"stops must lie in 0..{t.stops - 1}")
    if (paths.tails == paths.heads).any():
        raise ValueError("a footpath leads to another stop: what a change at a stop takes is its change time")
    if (t.change < 1).any() or (paths.minutes < 1).any():
        raise ValueError("change times and footpaths take at least 1 minute")
    begins = np.flatnonzero(np.r_[True, t.trip[1:] != t.trip[:-1]]) if calls else np.empty(0, np.int64)
    if np.unique(t.trip[begins]).size != begins.size or (t.trip < 0).any():
        raise ValueError("calls of a train must stand together, and trains have numbers of at least 0")
    legs = t.legs
    on = np.flatnonzero((t.trip[1:] == t.trip[:-1])[1:] & (t.trip[1:] == t.trip[:-1])[:-1]) + 1
    early = np.flatnonzero(legs.arrive < legs.depart)
    if early.size or (t.depart[on] < t.arrive[on]).any():
        which = legs.trip[early[0]] if early.size else t.trip[on[np.argmax(t.depart[on] < t.arrive[on])]]
        raise ValueError(f"train {which} goes back in time")
    if legs.trip.size and legs.arrive.max() - legs.depart.min() > SPAN:
        raise ValueError(f"all trains must run within {SPAN} minutes")


def travel_minutes(
    timetable: Timetable,
    window: tuple[int, int],
    percentiles: Sequence[float] = (50.0,),
    *,
    max_transfers: int | None = None,
    origins: ArrayLike | None = None,
    targets: ArrayLike | None = None,
) -> Minutes:
    """Percentiles of the minutes from every stop to every target, over the departures of a window.

    Parameters
    ----------
    timetable : Timetable
        All trains that may be of use: those of the days after too, for trips over night.
    window : tuple of int
        First and last minute of departure, both included, after midnight.
    percentiles : sequence of float
        In 0..100. Of N minutes of departure, the p-th percentile is the shortest time that at least ``p / 100 N`` of
        them (and at least one) keep to; 0 is the fastest trip. A minute from which the target is not reached counts as
        infinitely long.
    max_transfers : int, optional
        Largest number of changes of trains; any number where it is left out.
    origins, targets : array_like of int, optional
        Stops whose rows and columns are wanted; all of them in order where they are left out.

    Returns
    -------
    ndarray of int16, shape (percentiles, origins, targets)
        Minutes from each stop; 0 to itself, `NEVER` where the percentile is not reached.

    Raises
    ------
    ValueError
        Where the window is empty or negative in length, a percentile, an origin or a target is out of range, a number
        of transfers is negative, or a train arrives later than `HORIZON` minutes after the start of the window.
    """
    share = np.asarray(percentiles, dtype=np.float64)
    if share.ndim != 1 or not ((share >= 0) & (share <= 100)).all():
        raise ValueError("percentiles must lie in 0..100")
    last = int(window[1]) - int(window[0])
    # A share such as 0.07 of 100 is 7.000000000000001 in floating point.
    ranks = np.maximum(np.ceil(share / 100 * (last + 1) - 1e-9), 1).astype(np.int64)
    return _swept(timetable, window, (origins, targets), max_transfers, ranks)


def connections(
    timetable: Timetable, window: tuple[int, int], *, origins: ArrayLike | None = None, targets: ArrayLike | None = None
) -> Minutes:
    """Number of departures in a window that are worth waiting for: none later arrives as early.

    Parameters
    ----------
    timetable, window, origins, targets
        As in `travel_minutes`.

    Returns
    -------
    ndarray of int16, shape (origins, targets)
        Departures that leave within the window; 0 from a stop to itself.
    """
    found: Minutes = _swept(timetable, window, (origins, targets), None, None)[0]
    return found


def _swept(
    timetable: Timetable,
    window: tuple[int, int],
    ends: tuple[ArrayLike | None, ArrayLike | None],
    max_transfers: int | None,
    ranks: Index | None,
) -> Minutes:
    """Ranks of the minutes, or the number of connections where there are no ranks."""
    t0, last = int(window[0]), int(window[1]) - int(window[0])
    every = np.arange(timetable.stops)
    origins, to = (every if given is None else np.asarray(given, dtype=np.int64) for given in ends)
    check_query(timetable, (t0, t0 + last), (origins, to), max_transfers)
    out = np.empty((1 if ranks is None else ranks.size, origins.size, to.size), dtype=np.int16)
    column = np.full(timetable.stops + 1, -1, dtype=np.int64)
    column[to] = np.arange(to.size)
    ready = timetable.prepared
    edge = last if ranks is not None else last + 1
    longest = int(timetable.walks[2].max(initial=0))
    cut, end = (kernel.until(ready.work, minute) for minute in (t0 + edge + longest + 1, t0))
    given = (ready.row, ready.work, ready.point, ready.onto, ready.where, ready.on_foot)
    rows, inside, walked, used = kernel.window(given, ready.rows, cut, end)
    foot = (
        timetable.walks,
        (ready.where[: cut + 1], ready.row[ready.on_foot]),
        (ready.where[cut : end + 1], walked),
    )
    limit = (1, False) if max_transfers is None else (max_transfers + 1, True)
    departures = intervals(origins, ready.grid, rows, timetable.walks, t0, edge)
    query = (column, t0, edge, np.empty(0, np.int64) if ranks is None else ranks, *departures)
    panels = -(-to.size // LANES)
    threads = min(THREADS, panels) if end * limit[0] * to.size > _WORTH_THREADS else 1

    def share(thread: int) -> None:
        space = _aligned(used * limit[0] * LANES)
        work_off((ready.work[:cut], inside), foot, limit, query, (space, thread, threads), out)

    if threads > 1:
        with ThreadPoolExecutor(threads - 1) as pool:
            waiting = pool.map(share, range(1, threads))
            share(0)
            list(waiting)
    else:
        share(0)
    if ranks is not None:
        on_foot(origins, column, timetable.walks, out)
    else:
        stays = np.flatnonzero(column[origins] >= 0)
        out[0, stays, column[origins[stays]]] = 0
    return out


def _aligned(size: int) -> Minutes:
    """Uninitialized minutes that begin at a line of the cache: a vector that straddles two of them loads twice."""
    space = np.empty(2 * size + _LINE, dtype=np.uint8)
    begin = -space.ctypes.data % _LINE
    return space[begin : begin + 2 * size].view(np.int16)


def check_query(
    timetable: Timetable, window: tuple[int, int], ends: tuple[Index, Index], max_transfers: int | None
) -> None:
    """Refuse a window, stops or a limit that cannot be worked off; see `travel_minutes`."""
    t0, t1 = window
    latest = max(timetable.legs.arrive.max(initial=t0), t1) + timetable.walks[2].max(initial=0)
    if not 0 <= t1 - t0 < HORIZON or latest - t0 >= HORIZON:
        raise ValueError(f"the window must not be empty, and trains arrive within {HORIZON} minutes of its start")
    for stops, what in zip(ends, ("origins", "targets"), strict=True):
        if stops.size and not 0 <= stops.min() <= stops.max() < timetable.stops:
            raise ValueError(f"{what} must lie in 0..{timetable.stops - 1}")
        if np.bincount(stops, minlength=1).max() > 1:
            raise ValueError(f"{what} must not be repeated")
    if max_transfers is not None and max_transfers < 0:
        raise ValueError("the limit on transfers must be at least 0")


def over_days(timetable: Timetable, days: Sequence[int]) -> Timetable:
    """The same trains on several days, for trips over night.

    Parameters
    ----------
    timetable : Timetable
        Trains of one day.
    days : sequence of int
        Days on which they run: 0 is the day itself, -1 the day before.

    Returns
    -------
    Timetable
        Trains of the k-th day of the list have their number plus k times the number of trains.
    """
    count = int(timetable.trip.max(initial=-1)) + 1
    shift = np.repeat(np.asarray(days, dtype=np.int64) * 1440, timetable.trip.size)
    again = len(days)
    return Timetable(
        timetable.stops,
        np.tile(timetable.trip, again) + np.repeat(np.arange(again) * count, timetable.trip.size),
        np.tile(timetable.stop, again),
        np.tile(timetable.arrive, again) + shift,
        np.tile(timetable.depart, again) + shift,
        timetable.change,
        timetable.paths,
        np.tile(np.asarray(timetable.board), again),
        np.tile(np.asarray(timetable.alight), again),
    )
