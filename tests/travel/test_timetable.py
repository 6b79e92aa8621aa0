"""The timetable: feeds worked by hand, and random ones against a plain profile connection scan, pair by pair."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from megalopolis.travel import timetable as module
from megalopolis.travel.rides import Ride, itinerary
from megalopolis.travel.timetable import NEVER, Footpaths, Timetable, connections, over_days, travel_minutes

spec = importlib.util.spec_from_file_location("plain_scan", Path(__file__).with_name("test_timetable_plain.py"))
scan = importlib.util.module_from_spec(spec)
spec.loader.exec_module(scan)
plain = scan.plain


def feed(stops, trains, change=5, paths=(), **more):
    """Trains as lists of (stop, arrive, depart)."""
    calls = [(z, *call) for z, train in enumerate(trains) for call in train]
    trip, stop, arrive, depart = np.array(calls, dtype=np.int64).reshape(-1, 4).T
    ways = Footpaths(*np.array(list(paths), dtype=np.int64).reshape(-1, 3).T)
    return Timetable(stops, trip, stop, arrive, depart, np.full(stops, change), ways, **more)


A, B, C, D = range(4)
#: A-B-C at 10:00, B-D from 10:35; A-C direct at 10:20, slower.
TRAINS = [
    [(A, 0, 600), (B, 630, 632), (C, 660, 0)],
    [(B, 0, 635), (D, 650, 0)],
    [(A, 0, 620), (C, 690, 0)],
]


def test_a_feed_by_hand():
    found = travel_minutes(feed(4, TRAINS), (596, 605), (0, 50, 100))
    # A-C: 10:00 arrives at 11:00 for the five minutes to 10:00, 10:20 at 11:30 for the five after it.
    fastest, middle, slowest = found[:, A, C]
    assert (fastest, middle, slowest) == (60, 64, 89)
    # A-D: alight at 10:30, five minutes to change, 10:35 is caught; after 10:00 no more.
    assert list(found[:, A, D]) == [50, 54, NEVER]
    assert (np.diagonal(found, axis1=1, axis2=2) == 0).all()
    assert (found[:, D, :3] == NEVER).all()


def test_departures_worth_waiting_for():
    """To C 10:00 and 10:20; to D 10:00 only. A train that leaves later and arrives earlier makes one useless."""
    found = connections(feed(4, TRAINS), (600, 620))
    assert found[A].tolist() == [0, 1, 2, 1]
    assert connections(feed(4, TRAINS), (600, 619))[A].tolist() == [0, 1, 1, 1]
    assert connections(feed(4, TRAINS), (601, 700))[A].tolist() == [0, 0, 1, 0]
    overtaken = [*TRAINS, [(A, 0, 621), (C, 689, 0)]]
    assert connections(feed(4, overtaken), (600, 700))[A, C] == 2


def test_rows_of_some_origins():
    timetable = feed(4, TRAINS, paths=[(B, D, 4)])
    every = travel_minutes(timetable, (590, 640), (0, 50))
    np.testing.assert_array_equal(travel_minutes(timetable, (590, 640), (0, 50), origins=[D, A]), every[:, [D, A]])


def test_a_change_is_missed_by_a_minute():
    assert travel_minutes(feed(4, TRAINS, change=6), (600, 600))[0, A, D] == NEVER


def test_a_limit_on_transfers():
    assert travel_minutes(feed(4, TRAINS), (600, 600), max_transfers=0)[0, A, D] == NEVER
    assert travel_minutes(feed(4, TRAINS), (600, 600), max_transfers=1)[0, A, D] == 50


def test_footpaths_by_hand():
    # From B four minutes on foot to D, and from D ten to A; nobody walks two of them on end.
    found = travel_minutes(feed(4, TRAINS, paths=[(B, D, 4), (D, A, 10)]), (590, 590))[0]
    assert found[A, D] == 44  # ten minutes of wait, the train to B, and on foot
    assert found[D, C] == 70  # on foot to A, just in time for 10:00
    assert found[D, A] == 10
    assert found[B, D] == 4
    assert found[B, A] == 70  # the train of 10:35 to D and on foot, not on foot twice


def test_nobody_walks_before_alighting_again():
    """At B the train stands until 10:20: who boards there at 10:20 cannot have walked from it at 10:05."""
    trains = [[(A, 0, 600), (B, 605, 620), (C, 700, 0)], [(D, 0, 612), (C, 615, 0)]]
    found = travel_minutes(feed(4, trains, change=2, paths=[(B, D, 6)]), (607, 607))[0]
    assert found[B, C] == 93


def test_a_long_change_does_not_reach_back():
    """Ten minutes on along the line, a change at B that takes 30 is no way back to it."""
    trains = [[(A, 0, 600), (B, 605, 606), (C, 616, 617), (D, 700, 0)], [(B, 0, 640), (D, 650, 0)]]
    found = travel_minutes(feed(4, trains, change=30), (600, 600))[0]
    assert found[A, D] == 50
    assert travel_minutes(feed(4, trains, change=30), (610, 610))[0, C, D] == 90


def test_nobody_makes_a_change_of_years():
    assert travel_minutes(feed(4, TRAINS, change=10**9), (600, 600))[0, A].tolist() == [0, 30, 60, NEVER]


def test_no_boarding_and_no_alighting():
    board, alight = np.ones(7, np.bool_), np.ones(7, np.bool_)
    board[0], alight[6] = False, False
    found = travel_minutes(feed(4, TRAINS, board=board, alight=alight), (600, 600))[0]
    assert found[A].tolist() == [0, NEVER, NEVER, NEVER]
    assert found[B, C] == 60  # boards at B, where the train stands until 10:32


def test_over_night():
    """A train at 23:00 that arrives at 5:00: yesterday's is still running, tomorrow's is caught the day after."""
    night = feed(3, [[(A, 0, 1380), (B, 1740, 1745), (C, 1800, 0)]])
    days = over_days(night, [-1, 0, 1])
    assert travel_minutes(days, (300, 300))[0, B, C] == 60  # of yesterday, at 5:05
    assert travel_minutes(days, (400, 400))[0, B, C] == 1800 - 400  # of today, at 29:05
    assert travel_minutes(days, (1381, 1381))[0, A, B] == 1440 + 360 - 1
    assert itinerary(days, B, C, 300) == [Ride(0, B, C, 305, 360)]


def test_an_itinerary_by_hand():
    ways = [(D, A, 10), (C, D, 3)]
    assert itinerary(feed(4, TRAINS, paths=ways), D, D, 590) == []
    assert itinerary(feed(4, TRAINS), D, A, 590) is None
    assert itinerary(feed(4, TRAINS), A, D, 590) == [Ride(0, A, B, 600, 630), Ride(1, B, D, 635, 650)]
    assert itinerary(feed(4, TRAINS), A, D, 590, max_transfers=0) is None
    assert itinerary(feed(4, TRAINS, paths=ways), A, D, 590, max_transfers=0) == [
        Ride(0, A, C, 600, 660),
        Ride(-1, C, D, 660, 663),
    ]
    assert itinerary(feed(4, TRAINS, paths=ways), D, C, 585) == [Ride(-1, D, A, 585, 595), Ride(0, A, C, 600, 660)]


@st.composite
def feeds(draw, most=9):
    """Random trains, with stops of no minutes, dwells, loops, nights, footpaths and calls without boarding."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    stops, count = draw(st.integers(1, most)), draw(st.integers(0, 25))
    trip, stop, arrive, depart = [], [], [], []
    dense = int(rng.choice([40, 200, 1500]))
    for z in rng.permutation(count):
        calls = int(rng.integers(1, 7))
        minutes = np.cumsum(rng.integers(0, int(rng.choice([3, 25])), 2 * calls)) + rng.integers(-100, dense)
        trip += [z] * calls
        stop += rng.integers(0, stops, calls).tolist()
        arrive += minutes[::2].tolist()
        depart += minutes[1::2].tolist()
    paths = (
        rng.integers(0, stops, (rng.integers(0, 6), 2)) if stops > 1 and rng.random() < 0.6 else np.empty((0, 2), int)
    )
    paths = paths[paths[:, 0] != paths[:, 1]]
    calls = len(trip)
    return Timetable(
        stops,
        np.array(trip, int),
        np.array(stop, int),
        np.array(arrive, int),
        np.array(depart, int),
        rng.integers(1, int(rng.choice([3, 40])), stops),
        Footpaths(paths[:, 0], paths[:, 1], rng.integers(1, 30, len(paths))),
        rng.random(calls) < 0.9,
        rng.random(calls) < 0.9,
    )


LIMITS = st.sampled_from([None, 0, 1, 3])


@settings(deadline=None, max_examples=150)
@given(feeds(), st.integers(-50, 150), st.integers(0, 90), LIMITS)
def test_every_pair_against_the_plain_scan(timetable, begin, length, limit):
    window, shares = (begin, begin + length), (0, 7, 50, 95, 100)
    found = travel_minutes(timetable, window, shares, max_transfers=limit)
    np.testing.assert_array_equal(found, plain(timetable, window, shares, limit))


@settings(deadline=None, max_examples=20)
@given(feeds(most=300), LIMITS, st.sampled_from([0, 10**9]))
def test_panels_of_targets_windows_and_threads(timetable, limit, worth):
    """Columns of several panels, one thread or more, and windows asked for one after the other."""
    for window in ((30, 60), (-200, 1700), (0, 0), (1600, 1650)):
        with pytest.MonkeyPatch.context() as changed:
            changed.setattr(module, "_WORTH_THREADS", worth)
            found = travel_minutes(timetable, window, (0, 50), max_transfers=limit)
        np.testing.assert_array_equal(found, plain(timetable, window, (0, 50), limit))


@settings(deadline=None, max_examples=100)
@given(feeds(), st.integers(-50, 150), LIMITS, st.integers(0, 2**32 - 1))
def test_itineraries_can_be_travelled_and_take_what_the_matrix_says(timetable, minute, limit, seed):
    found = travel_minutes(timetable, (minute, minute), max_transfers=limit)[0]
    origin, destination = np.random.default_rng(seed).integers(0, timetable.stops, 2)
    parts = itinerary(timetable, int(origin), int(destination), minute, max_transfers=limit)
    if parts is None:
        assert found[origin, destination] == NEVER
        return
    at, ready, afoot, trains = origin, minute, False, 0
    walks = set(zip(timetable.paths.tails, timetable.paths.heads, timetable.paths.minutes, strict=True))
    for k, part in enumerate(parts):
        assert part.start == at
        if part.trip < 0:
            assert not afoot
            assert (part.start, part.end, part.arrive - part.depart) in walks
            assert part.depart == (parts[k - 1].arrive if k else minute)
        else:
            calls = np.flatnonzero(timetable.trip == part.trip)
            on = [c for c in calls[:-1] if (timetable.stop[c], timetable.depart[c]) == (part.start, part.depart)]
            off = [c for c in calls[1:] if (timetable.stop[c], timetable.arrive[c]) == (part.end, part.arrive)]
            assert any(timetable.board[a] and timetable.alight[b] and a < b for a in on for b in off)
            change = timetable.change[at] if k and not afoot else 0
            assert part.depart >= ready + change
            trains += 1
        at, ready, afoot = part.end, part.arrive, part.trip < 0
    assert at == destination
    assert ready - minute == found[origin, destination]
    assert limit is None or trains <= limit + 1


@settings(deadline=None, max_examples=30)
@given(feeds())
def test_departures_are_the_steps_of_the_arrival(timetable):
    t0, t1 = 0, 40
    found = connections(timetable, (t0, t1))
    every = np.stack([travel_minutes(timetable, (t, t))[0].astype(int) for t in range(t0, t1 + 2)])
    arrive = np.where(every < NEVER, every + np.arange(t0, t1 + 2)[:, None, None], 10**6)
    steps = (arrive[:-1] < arrive[1:]).sum(axis=0)
    if not timetable.paths.tails.size:
        np.testing.assert_array_equal(found, steps * ~np.eye(timetable.stops, dtype=bool))


@given(feeds(), st.integers(0, 2**32 - 1))
def test_some_targets_are_columns_of_all(timetable, seed):
    rng = np.random.default_rng(seed)
    some = rng.permutation(timetable.stops)[: rng.integers(0, timetable.stops + 1)]
    every = travel_minutes(timetable, (0, 60), (0, 50))
    np.testing.assert_array_equal(travel_minutes(timetable, (0, 60), (0, 50), targets=some), every[:, :, some])


def test_no_trains_at_all():
    empty = Timetable(2, *(np.empty(0, np.int64) for _ in range(4)), np.ones(2), Footpaths([0], [1], [7]))
    np.testing.assert_array_equal(travel_minutes(empty, (0, 10))[0], [[0, 7], [NEVER, 0]])
    assert itinerary(empty, 0, 1, 5) == [Ride(-1, 0, 1, 5, 12)]
    assert itinerary(empty, 1, 0, 5) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: feed(4, [[(A, 0, 600), (B, 599, 0)]]), "train 0 goes back in time"),
        (lambda: feed(4, [TRAINS[1], [(A, 0, 600), (B, 610, 609), (C, 620, 0)]]), "train 1 goes back in time"),
        (lambda: feed(2, [[(A, 0, -(10**7)), (B, 0, 0)]]), "run within 1000000 minutes"),
        (lambda: feed(2, TRAINS), r"stops must lie in 0\.\.1"),
        (lambda: feed(4, TRAINS, change=0), "at least 1 minute"),
        (lambda: feed(4, TRAINS, paths=[(A, B, 0)]), "at least 1 minute"),
        (lambda: feed(4, TRAINS, paths=[(A, A, 3)]), "another stop"),
        (lambda: feed(4, TRAINS, board=[True]), "one value for each call"),
        (lambda: replace(feed(4, TRAINS), change=np.ones(3)), "one value for each stop"),
        (lambda: replace(feed(4, TRAINS), trip=np.array([0, 1, 0, 1, 1, 2, 2])), "stand together"),
        (lambda: travel_minutes(feed(4, TRAINS), (10, 9)), "window"),
        (lambda: travel_minutes(feed(4, TRAINS), (-40_000, 9)), "window"),
        (lambda: travel_minutes(feed(4, TRAINS), (0, 9), (101,)), "percentiles"),
        (lambda: travel_minutes(feed(4, TRAINS), (0, 9), targets=[4]), "targets must lie"),
        (lambda: travel_minutes(feed(4, TRAINS), (0, 9), targets=[1, 1]), "repeated"),
        (lambda: travel_minutes(feed(4, TRAINS), (0, 9), max_transfers=-1), "at least 0"),
        (lambda: itinerary(feed(4, TRAINS), 0, 4, 0), "targets must lie"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
