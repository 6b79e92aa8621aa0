"""The plain profile connection scan, one target at a time, against which the kernel is held; and a feed by hand.

It shares no code with the kernel. Compiled, so that its speed is that of the method and not of the interpreter.
"""

import numpy as np
from numba import njit

NEVER = 32767


@njit
def _arrival(leave, reach, count, stop, minute):
    """Earliest arrival for who is at a stop by a minute: the last entry of its profile that leaves late enough."""
    for k in range(count[stop] - 1, -1, -1):  # entries are from the latest to the earliest departure
        if leave[stop, k] >= minute:
            return reach[stop, k]
    return NEVER


@njit
def profiles(  # noqa: C901 - loops in the plainest order
    target, legs, order, layers, change, paths, capacity
):
    """Profiles of all stops for one target: minutes of departure and of arrival, for each number of rides allowed.

    `layers` is 0 for any number of rides.
    """
    trip, start, end, depart, arrive, board, alight = legs
    tails, heads, minutes = paths
    n, rides = change.size, max(layers, 1)
    leave, reach = np.empty((rides, n, capacity), np.int32), np.empty((rides, n, capacity), np.int32)
    count = np.zeros((rides, n), np.int64)
    sits = np.full((rides, trip.max() + 1 if trip.size else 0), NEVER, np.int64)
    for e in order:
        v, z = end[e], trip[e]
        for r in range(rides):
            best = sits[r, z]
            if alight[e]:
                if v == target:
                    best = min(best, arrive[e])
                more = r - 1 if layers else 0
                if more >= 0:
                    best = min(best, _arrival(leave[more], reach[more], count[more], v, arrive[e] + change[v]))
                for w in range(tails.size):
                    if tails[w] == v:
                        on = arrive[e] + minutes[w]
                        if heads[w] == target:
                            best = min(best, on)
                        if more >= 0:
                            best = min(best, _arrival(leave[more], reach[more], count[more], heads[w], on))
            sits[r, z] = best
        for r in range(rides):
            u, c = start[e], count[r, start[e]]
            if board[e] and sits[r, z] < (reach[r, u, c - 1] if c else NEVER):
                leave[r, u, c], reach[r, u, c] = depart[e], sits[r, z]
                count[r, u] += 1
    return leave, reach, count


@njit
def plain_minutes(target, legs, order, layers, change, paths, capacity, window, ranks):
    """Ranks of the minutes from all stops to a target over every minute of the window, sorted."""
    tails, heads, minutes = paths
    leave, reach, count = profiles(target, legs, order, layers, change, paths, capacity)
    last = max(layers, 1) - 1
    n, every = change.size, window[1] - window[0] + 1
    out, taken = np.empty((ranks.size, n), np.int64), np.empty(every, np.int64)
    for u in range(n):
        for t in range(every):
            minute = window[0] + t
            best = minute if u == target else _arrival(leave[last], reach[last], count[last], u, minute)
            for w in range(tails.size):
                if tails[w] == u:
                    on = minute + minutes[w]
                    best = min(best, on if heads[w] == target else NEVER)
                    best = min(best, _arrival(leave[last], reach[last], count[last], heads[w], on))
            taken[t] = best - minute if best < NEVER else NEVER
        taken.sort()
        for k in range(ranks.size):
            out[k, u] = taken[ranks[k] - 1]
    return out


def plain(timetable, window, percentiles, max_transfers=None, targets=None):
    """All pairs, one target after the other; as `travel_minutes`."""
    legs = timetable.legs
    given = (legs.trip, legs.start, legs.end, legs.depart, legs.arrive, legs.board, legs.alight)
    # From the last departure to the first; of one train and minute the later leg first.
    order = np.lexsort((-np.arange(legs.trip.size), -legs.depart))
    paths = tuple(
        np.asarray(a, np.int64) for a in (timetable.paths.tails, timetable.paths.heads, timetable.paths.minutes)
    )
    capacity = int(np.bincount(legs.start, minlength=1).max(initial=0)) + 1
    every = window[1] - window[0] + 1
    ranks = np.array([max(int(np.ceil(p * every / 100)), 1) for p in percentiles])
    layers = 0 if max_transfers is None else max_transfers + 1
    wanted = range(timetable.stops) if targets is None else targets
    columns = [plain_minutes(t, given, order, layers, timetable.change, paths, capacity, window, ranks) for t in wanted]
    return np.stack(columns, axis=2) if columns else np.empty((ranks.size, timetable.stops, 0))


def test_the_plain_scan_by_hand():
    """One train 0-1 at 10 to 20, one 1-2 at 25 to 40, change 5; departures 8 to 12."""
    one = np.ones(2, np.bool_)
    legs = (*(np.array(a) for a in ([0, 1], [0, 1], [1, 2], [10, 25], [20, 40])), one, one)
    none = np.empty(0, np.int64)
    for change, layers, fastest, middle in ((5, 0, 30, 32), (5, 2, 30, 32), (6, 0, NEVER, NEVER), (5, 1, NEVER, NEVER)):
        found = plain_minutes(
            2, legs, np.array([1, 0]), layers, np.full(3, change), (none, none, none), 3, (8, 10), np.array([1, 3])
        )
        assert list(found[:, 0]) == [fastest, middle]
        assert list(found[:, 2]) == [0, 0]
        assert list(found[:, 1]) == [30, 32]
