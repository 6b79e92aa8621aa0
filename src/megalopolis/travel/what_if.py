"""What if this line were built: minutes between all places after an edit of one line, without solving anew.

Places (stations, or cities) are joined by lines and by ways that need no line (on foot, by road). A ride waits half the
headway, every time that a line is boarded, and the minutes are those of the fastest trip. With the present minutes
``D``, stops ``s`` and the line's own minutes ``L[k, j]`` from stop to stop, wait and change included, the line is first
closed over the network,

``W = closure of min(L[k, j], D[s_k, s_j])``

since a trip may leave the line and board it again; then

``B[i, j] = min_k D[i, s_k] + W[k, j]`` and ``D'[i, t] = min(D[i, t], min_j B[i, j] + D[s_j, t])``

where only the stops with ``B[i, j] < D[i, s_j]`` need to be looked at, by the triangle inequality. The cost is at most
O(k n^2), and that of a copy where the line is of no use. It is the insertion of a node into a matrix of shortest paths
(Murchland 1967; Ausiello, Italiano, Marchetti-Spaccamela and Nanni 1991), for all stops of a line at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from megalopolis.travel import _what_if as kernel
from megalopolis.travel.shortest import eliminate, shortest_minutes, sweep

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class HeadwayLine:
    """A line that runs in both directions with the same minutes.

    Attributes
    ----------
    stops : ndarray of int, shape (k,)
        Places in the order of travel, at least two; a place may come again, as on a ring.
    minutes : ndarray, shape (k - 1,)
        Minutes from each stop to the next, dwell included, at least 0.
    headway_min : float
        Minutes between trains, at least 0; every boarding waits half of them.
    change_min : float
        Minutes of boarding and alighting together, once per ride.
    """

    stops: Index
    minutes: Array
    headway_min: float
    change_min: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "stops", np.asarray(self.stops, dtype=np.int64))
        object.__setattr__(self, "minutes", np.asarray(self.minutes, dtype=np.float64))
        if self.stops.ndim != 1 or self.stops.size < 2 or self.minutes.shape != (self.stops.size - 1,):
            raise ValueError(f"a line of {self.stops.size} stops needs at least 2, and a time between each two")
        if not (np.isfinite(self.minutes).all() and (self.minutes >= 0).all()):
            raise ValueError("minutes between stops must be finite and at least 0")
        if not (0 <= self.boarding < np.inf):
            raise ValueError("headway and change must be finite and at least 0")

    @property
    def boarding(self) -> float:
        """Minutes of a ride before and after riding: half the headway, and the change."""
        if self.headway_min < 0 or self.change_min < 0:
            return np.nan
        return self.headway_min / 2 + self.change_min


@dataclass(frozen=True, eq=False)
class Ways:
    """Ways between places that need no line, in both directions.

    Attributes
    ----------
    tails, heads : ndarray of int, shape (ways,)
        Places at either end.
    minutes : ndarray, shape (ways,)
        At least 0.
    """

    tails: Index = field(default_factory=lambda: np.empty(0, np.int64))
    heads: Index = field(default_factory=lambda: np.empty(0, np.int64))
    minutes: Array = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True, eq=False)
class Base:
    """A network and its minutes.

    Attributes
    ----------
    lines : tuple of HeadwayLine
        All lines.
    ways : Ways
        Ways that need no line.
    minutes : ndarray, shape (n, n)
        Between all places; infinity where there is no way, 0 on the diagonal.
    """

    lines: tuple[HeadwayLine, ...]
    ways: Ways
    minutes: NDArray[Any]


def line_minutes(line: HeadwayLine) -> Array:
    """Minutes of one ride from each stop of a line to each other, shape (k, k); 0 on the diagonal.

    Half the headway, the change, and the minutes between the stops.
    """
    at = np.r_[0.0, np.cumsum(line.minutes)]
    ride = np.abs(at[:, None] - at[None, :]) + line.boarding
    np.fill_diagonal(ride, 0.0)
    return np.asarray(ride)


def insert(minutes: NDArray[Any], line: HeadwayLine, out: NDArray[Any] | None = None) -> NDArray[Any]:
    """Minutes between all places once a line more is built.

    Parameters
    ----------
    minutes : ndarray, shape (n, n)
        Shortest minutes of the network without the line (they hold the triangle inequality), float32 or float64.
    line : HeadwayLine
        The line; its stops are places of the matrix.
    out : ndarray, shape (n, n), optional
        Where to write, not `minutes` itself: dragging a line writes every frame to one place.

    Returns
    -------
    ndarray, shape (n, n)
        `out`, or a new matrix, of the type of `minutes`. Equal to the full solve to rounding: in float32 within 1e-3
        min below 3,000 min.

    Raises
    ------
    ValueError
        Where shapes or types do not match, `out` is `minutes`, or a stop is no place of the matrix.
    """
    n = minutes.shape[0]
    if minutes.shape != (n, n) or minutes.dtype not in (np.float32, np.float64):
        raise ValueError(f"minutes must be a square matrix of floats, not {minutes.dtype} of shape {minutes.shape}")
    _check_stops(line, n)
    result = np.empty_like(minutes, order="C") if out is None else out
    if result.shape != minutes.shape or result.dtype != minutes.dtype or np.may_share_memory(result, minutes):
        raise ValueError("out must be another matrix of the shape and type of minutes")
    way = np.minimum(line_minutes(line), minutes[np.ix_(line.stops, line.stops)].astype(np.float64))
    kernel.close(way)
    kernel.insert(np.ascontiguousarray(minutes), line.stops, way.astype(minutes.dtype), result)
    return result


def _check_stops(line: HeadwayLine, n: int) -> None:
    if line.stops.min() < 0 or line.stops.max() >= n:
        raise ValueError(f"stops must be places 0..{n - 1}, not {line.stops.min()}..{line.stops.max()}")


def line_graph(n: int, lines: tuple[HeadwayLine, ...], ways: Ways) -> tuple[int, Index, Index, Array]:
    """Nodes, ends and minutes of the undirected network whose shortest paths between the first `n` are the trips.

    Each stop of each line is a node, joined to its place by half the wait and the change: a trip alights from every
    line that it boards, so that it pays both halves.

    Raises
    ------
    ValueError
        Where a stop is not one of the `n` places.
    """
    for line in lines:
        _check_stops(line, n)
    size = np.array([line.stops.size for line in lines], dtype=np.int64)
    place = np.concatenate([np.empty(0, np.int64), *(line.stops for line in lines)])
    node = n + np.arange(place.size)
    follows = np.ones(place.size, dtype=np.bool_)
    follows[np.cumsum(size)[:-1]] = False
    follows[:1] = False
    half = np.repeat([line.boarding / 2 for line in lines], size)
    ride = np.concatenate([np.empty(0), *(line.minutes for line in lines)])
    return (
        n + place.size,
        np.concatenate([ways.tails, place, node[follows] - 1]).astype(np.int64),
        np.concatenate([ways.heads, node, node[follows]]).astype(np.int64),
        np.concatenate([ways.minutes, half, ride]),
    )


def solve(n: int, lines: tuple[HeadwayLine, ...], ways: Ways | None = None, dtype: DTypeLike = np.float64) -> Base:
    """Solve a network from nothing.

    Parameters
    ----------
    n : int
        Number of places.
    lines : tuple of HeadwayLine
        All lines.
    ways : Ways, optional
        Ways between places that need no line.
    dtype
        float64, or float32 for half the memory.

    Returns
    -------
    Base

    Raises
    ------
    ValueError
        Where a line or a way names an unknown place, or a way has negative minutes.
    """
    ways = ways or Ways()
    nodes, tails, heads, minutes = line_graph(n, lines, ways)
    places = np.arange(n)
    if ways.tails.size and max(ways.tails.max(), ways.heads.max()) >= n:
        raise ValueError(f"ways must join places 0..{n - 1}")
    order = eliminate(nodes, tails, heads, places)
    if order is None:
        found = shortest_minutes(nodes, tails, heads, minutes, places, dtype=dtype)
    else:
        found = sweep(order, minutes, dtype)
    return Base(lines, ways, found)


def add(base: Base, line: HeadwayLine) -> Base:
    """Build a line: an insertion."""
    return Base((*base.lines, line), base.ways, insert(base.minutes, line))


def remove(base: Base, number: int) -> Base:
    """Close the line of a number: a full solve of the others, since what is shorter hides what it replaced.

    Raises
    ------
    ValueError
        Where there is no line of that number.
    """
    _check_number(base, number)
    rest = base.lines[:number] + base.lines[number + 1 :]
    return solve(base.minutes.shape[0], rest, base.ways, base.minutes.dtype)


def change(base: Base, number: int, line: HeadwayLine, without: Base | None = None) -> Base:
    """Put another line in the place of one: another speed or headway, a stop more or fewer, another way.

    Parameters
    ----------
    base : Base
        The network.
    number : int
        Line to be replaced.
    line : HeadwayLine
        What replaces it.
    without : Base, optional
        The network without the line, from `remove`, where several changes are tried on one line.

    Returns
    -------
    Base
        With the lines in the same order. Where the new line is nowhere slower between the old one's stops it is
        inserted beside it, which comes to the same; else it is inserted into the network without it.

    Raises
    ------
    ValueError
        Where there is no line of that number, or `without` is not the network less one line.
    """
    _check_number(base, number)
    if without is not None and len(without.lines) != len(base.lines) - 1:
        raise ValueError("`without` must be the network without the line, from remove()")
    if without is None and _nowhere_slower(line, base.lines[number]):
        found = insert(base.minutes, line)
    else:
        found = insert((without or remove(base, number)).minutes, line)
    return Base((*base.lines[:number], line, *base.lines[number + 1 :]), base.ways, found)


def _check_number(base: Base, number: int) -> None:
    if not 0 <= number < len(base.lines):
        raise ValueError(f"there is no line {number}: lines are numbered 0..{len(base.lines) - 1}")


def _nowhere_slower(line: HeadwayLine, than: HeadwayLine) -> bool:
    """Whether one ride on a line is at most as long as on another, between all stops of the other."""
    place = {int(stop): k for k, stop in enumerate(line.stops)}
    at = [place.get(int(stop), -1) for stop in than.stops]
    return min(at) >= 0 and bool((line_minutes(line)[np.ix_(at, at)] <= line_minutes(than)).all())


def with_stop(line: HeadwayLine, at: int, stop: int, before: float, after: float) -> HeadwayLine:
    """One stop more.

    Parameters
    ----------
    line : HeadwayLine
        The line.
    at : int
        Number that the stop gets, 0 (a new start) to k (a new end).
    stop : int
        Its place.
    before, after : float
        Minutes from the stop before it, and to the one after it, with what the stop costs; `before` is ignored at a new
        start, `after` at a new end.

    Raises
    ------
    ValueError
        Where `at` is out of range or minutes are negative.
    """
    last = line.stops.size
    if not 0 <= at <= last:
        raise ValueError(f"a stop is put in at 0..{last}, not {at}")
    legs = [*([before] if at > 0 else []), *([after] if at < last else [])]
    minutes = np.r_[line.minutes[: max(at - 1, 0)], legs, line.minutes[at:]]
    return replace(line, stops=np.insert(line.stops, at, stop), minutes=minutes)


def without_stop(line: HeadwayLine, at: int, saved_min: float = 0.0) -> HeadwayLine:
    """One stop fewer: trains pass it, and save some minutes; at either end the line is cut.

    Parameters
    ----------
    line : HeadwayLine
        The line, of at least three stops.
    at : int
        Number of the stop, 0 to k - 1.
    saved_min : float
        Minutes that passing saves.

    Raises
    ------
    ValueError
        Where there is no such stop, only two are left, or more is saved than the way takes.
    """
    last = line.stops.size - 1
    if not 0 <= at <= last:
        raise ValueError(f"stops are numbered 0..{last}, not {at}")
    through = [line.minutes[at - 1] + line.minutes[at] - saved_min] if 0 < at < last else []
    minutes = np.r_[line.minutes[: max(at - 1, 0)], through, line.minutes[at + 1 :]]
    return replace(line, stops=np.delete(line.stops, at), minutes=minutes)


def at_speed(line: HeadwayLine, ratio: float) -> HeadwayLine:
    """Run a line `ratio` times as fast; above 0."""
    if not 0 < ratio < np.inf:
        raise ValueError(f"the ratio of speeds must be above 0, not {ratio}")
    return replace(line, minutes=line.minutes / ratio)


def every(line: HeadwayLine, headway_min: float) -> HeadwayLine:
    """Run a line at another headway, minutes."""
    return replace(line, headway_min=headway_min)
