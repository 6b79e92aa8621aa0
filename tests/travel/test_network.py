"""Rides and trips: an example worked by hand, and random networks against a plain Bellman-Ford."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from megalopolis.travel.door import NONE, RAIL, ROAD, solve, trains_per_day
from megalopolis.travel.itinerary import itinerary, rail_legs
from megalopolis.travel.network import Lines, Rules, build, order, ride_minutes
from megalopolis.travel.ridetime import end_minutes, leg_minutes
from megalopolis.travel.road import Access

INF = np.inf

# Four stations A, B, C, D of four cities. Trains lose 4 min per call at 300 km/h: 300 / 3.6 / 60 / 4 m/s2.
RULES = Rules(dwell_min=2.0, acceleration=300 / 3.6 / 60 / 4, junction_min=3.0, transfer_min=20.0)
CALL = np.array([1.0, 0.5, 1.0, 1.0])
# Line 0 A-B-C, 100 + 100 km at 300 km/h, every 30 min. Line 1 B-D, 50 km at 150 km/h, every 60 min; a call loses 2 min.
# Line 2 A-D, conventional, 200 km at 100 km/h, every 120 min; a call loses 4/3 min.
LINES = Lines(
    line=np.array([0, 0, 0, 1, 1, 2, 2]),
    station=np.array([0, 1, 2, 1, 3, 0, 3]),
    km=np.array([0, 100, 200, 0, 50, 0, 200.0]),
    speed_kmh=np.array([300, 150, 100.0]),
    fast=np.array([True, True, False]),
    headway_min=np.array([30, 60, 120.0]),
)
A, B, C, D = range(4)
EVERY = np.arange(4)
BOARDS = np.ones(4, dtype=np.bool_)


def toy(**changes):
    return build(replace(LINES, **changes), CALL, BOARDS, RULES)


def rides(rail, headway):
    doors = np.arange(rail.doors)
    return ride_minutes(rail, doors, headway, order(rail, doors))


def test_rides_by_hand():
    every = rides(toy(), 120)
    # A-B: 20 min at speed, and braking and accelerating once: 4. B is left out of the dwell: it is the end.
    assert every[A, B] == pytest.approx(24)
    # A-C: 40 at speed, 4 for the two ends, half a call at B: (2 + 4) / 2.
    assert every[A, C] == pytest.approx(47)
    # B-D: 20 at speed, 2 for the ends.
    assert every[B, D] == pytest.approx(22)
    # A-D: 20 + 20 at speed; ends (4 + 2) / 2; at B half of both lines' expected call, (3 + 2) / 2; junction 3.
    assert every[A, D] == pytest.approx(48.5)
    np.testing.assert_allclose(every, every.T, rtol=0, atol=1e-9)
    assert np.isinf(np.diagonal(every)).all()


def test_rides_on_frequent_lines_only():
    frequent = rides(toy(), 30)
    assert frequent[A, C] == pytest.approx(47)
    assert np.isinf(frequent[:, D]).all()


def test_a_transfer_between_groups_by_hand():
    every = rides(toy(fast=np.array([True, False, False])), 60)
    # A-B alights at 24, 20 for the transfer, B-D 22.
    assert every[A, D] == pytest.approx(66)
    legs = rail_legs(toy(fast=np.array([True, False, False])), MAIN, (A, D), 60)[0]
    assert [(leg.mode, leg.line, leg.start, leg.end) for leg in legs] == [
        ("rail", 0, A, B),
        ("transfer", -1, B, B),
        ("rail", 1, B, D),
    ]
    assert [leg.minutes for leg in legs] == pytest.approx([24, 20, 22])


def test_nobody_boards_at_a_junction_post():
    rail = build(LINES, np.array([1, 0, 1, 1.0]), np.array([True, False, True, True]), RULES)
    every = rides(rail, 120)
    assert np.isinf(every[B]).all()
    assert every[A, C] == pytest.approx(44)  # 40 at speed and 4 for the ends: no call
    # 40 at speed, ends (4 + 2) / 2, junction 3.
    assert every[A, D] == pytest.approx(46)


def test_interchange_between_stations_of_a_city():
    # C and D are stations of one city, 12 min apart; B-D is not built.
    keep = LINES.line != 1
    lines = replace(LINES, line=LINES.line[keep], station=LINES.station[keep], km=LINES.km[keep])
    rail = build(lines, CALL, BOARDS, RULES, (np.array([C]), np.array([D]), np.array([12.0])))
    every = rides(rail, 120)
    # A trip may end with an interchange: 24 to C, 12 to D and 20 for the change. The train boarded at D runs nowhere;
    # its two ends (4/3 - 10/3) / 2 are what such a trip gains.
    assert every[B, D] == pytest.approx(24 + 12 + 20 - 2)
    # Without the interchange: 24 to A, 20 for the transfer, 121 1/3 to D.
    assert rides(build(lines, CALL, BOARDS, RULES), 120)[B, D] == pytest.approx(24 + 20 + 121 + 1 / 3)
    # The way alone is no ride: from C, the same and its own train that runs nowhere.
    assert every[C, D] == pytest.approx(12 + 20 - 4)


ACCESS = Access(EVERY, EVERY, np.full(4, 10.0))
MAIN = Access(EVERY, EVERY, np.zeros(4))


def trips(road=INF, **changes):
    return solve(toy(**changes), np.full((4, 4), road), ACCESS, MAIN, boarding_min=15)


def test_door_to_door_by_hand():
    found = trips()
    # Access 10, boarding 15, half of 30, ride 47, egress 10.
    assert found.rail[A, C] == pytest.approx(97)
    assert found.rail_headway[A, C] == 30
    # The larger headway of the two lines counts, once: 10 + 15 + 30 + 48.5 + 10.
    assert found.rail[A, D] == pytest.approx(113.5)
    assert found.rail_headway[A, D] == found.ride_headway[A, D] == 60
    assert (found.mode[~np.eye(4, dtype=bool)] == RAIL).all()
    np.testing.assert_array_equal(np.diagonal(found.minutes), 0)
    np.testing.assert_array_equal(np.diagonal(found.ride), 0)


def test_a_slower_but_more_frequent_ride_wins_the_trip():
    # The connection at B now runs once a day: the ride stays the fastest, the trip takes the conventional line.
    found = trips(headway_min=np.array([30, 1440, 120.0]))
    assert found.ride[A, D] == pytest.approx(48.5)
    assert found.ride_headway[A, D] == 1440
    assert found.rail[A, D] == pytest.approx(10 + 15 + 60 + 121 + 1 / 3 + 10)
    assert found.rail_headway[A, D] == 120
    np.testing.assert_allclose(trains_per_day(found.ride_headway, 1080)[A, [C, D, A]], [36, 0.75, 0])


def test_the_faster_mode_wins():
    found = trips(road=100.0)
    assert found.mode[A, C] == RAIL
    assert found.mode[A, D] == ROAD
    assert found.minutes[A, D] == 100
    legs = itinerary(toy(), found, ACCESS, 15, (A, D))
    assert [(leg.mode, leg.minutes) for leg in legs] == [("road", 100)]


def test_an_itinerary_by_hand():
    legs = itinerary(toy(), trips(), ACCESS, 15, (A, D))
    assert [(leg.mode, leg.line, leg.start, leg.end) for leg in legs] == [
        ("access", -1, -1, A),
        ("wait", -1, A, A),
        ("rail", 0, A, B),
        ("rail", 1, B, D),
        ("egress", -1, D, -1),
    ]
    # 24.5 less 1 at A; 23 less 1 at D, and the junction.
    assert [leg.minutes for leg in legs] == pytest.approx([17.5, 30, 23.5, 25, 17.5])


def test_a_city_without_any_connection():
    access = Access(EVERY[:3], EVERY[:3], np.full(3, 10.0))
    found = solve(toy(), np.full((4, 4), INF), access, Access(EVERY[:3], EVERY[:3], np.zeros(3)), 15)
    assert (found.mode[D, :3] == NONE).all()
    assert np.isnan(found.ride_headway[D]).all()
    assert itinerary(toy(), found, access, 15, (A, D)) is None


@st.composite
def railways(draw):
    """Random lines over a few stations, some of them posts, some sharing a city."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    stations, count = int(rng.integers(2, 9)), int(rng.integers(1, 7))
    stops = [rng.permutation(stations)[: rng.integers(2, stations + 1)] for _ in range(count)]
    lines = Lines(
        line=np.repeat(np.arange(count), [s.size for s in stops]),
        station=np.concatenate(stops),
        km=np.concatenate([np.cumsum(rng.uniform(5, 200, s.size)) for s in stops]),
        speed_kmh=rng.choice([100.0, 200.0, 300.0], count),
        fast=rng.random(count) < 0.6,
        headway_min=rng.choice([15.0, 60.0, 240.0], count),
    )
    boards = rng.random(stations) < 0.8
    boards[:2] = True
    call = np.where(boards, rng.random(stations), 0)
    served = np.flatnonzero(boards)
    change = (served[:1], served[-1:], np.array([9.0])) if served.size > 2 and rng.random() < 0.5 else None
    return lines, call, boards, change


def bellman_ford(network, origin, headway):  # noqa: C901 - loops in the plainest order
    """Rides from one station: states are (on a train, station, line) and (off, station), as a traveller sees them."""
    lines, call, boards, change = network
    speed = lines.speed_kmh[lines.line]
    end = end_minutes(speed, call[lines.station], RULES.dwell_min, RULES.acceleration)
    on = np.full(lines.line.size, INF)
    on[(lines.station == origin) & boards[lines.station]] = end[(lines.station == origin) & boards[lines.station]]
    off = np.full(call.size, INF)
    before = None
    while before is None or (before != np.r_[on, off]).any():
        before = np.r_[on, off]
        for k in range(lines.line.size - 1):
            if lines.line[k] == lines.line[k + 1] and lines.headway_min[lines.line[k]] <= headway:
                ends = call[lines.station[k : k + 2]]
                km = lines.km[k + 1] - lines.km[k]
                leg = leg_minutes(km, speed[k], *ends, RULES.dwell_min, RULES.acceleration)
                on[k + 1] = min(on[k + 1], on[k] + leg)
                on[k] = min(on[k], on[k + 1] + leg)
        for k in range(on.size):
            for m in np.flatnonzero(lines.station == lines.station[k]):
                if lines.fast[lines.line[k]] == lines.fast[lines.line[m]]:
                    on[m] = min(on[m], on[k] + RULES.junction_min * (lines.line[k] != lines.line[m]))
            if boards[lines.station[k]]:
                off[lines.station[k]] = min(off[lines.station[k]], on[k] + end[k])
        ways = [(s, s, 0.0) for s in range(call.size)]
        if change:
            ways += [(change[0][0], change[1][0], change[2][0]), (change[1][0], change[0][0], change[2][0])]
        for s, t, minutes in ways:
            for m in np.flatnonzero(lines.station == t):
                if boards[t]:
                    on[m] = min(on[m], off[s] + minutes + RULES.transfer_min + end[m])
    off[origin] = INF
    return off


@settings(deadline=None, max_examples=40)
@given(railways(), st.sampled_from([15.0, 60.0, 240.0]))
def test_rides_against_bellman_ford(network, headway):
    lines, call, boards, change = network
    rail = build(lines, call, boards, RULES, change)
    found = rides(rail, headway)
    for origin in np.flatnonzero(boards):
        np.testing.assert_allclose(found[origin], bellman_ford(network, origin, headway), rtol=0, atol=1e-8)


@settings(deadline=None, max_examples=20)
@given(railways(), st.integers(0, 2**32 - 1))
def test_itineraries_sum_to_the_matrix(network, seed):
    lines, call, boards, _ = network
    rail = build(lines, call, boards, RULES)
    rng = np.random.default_rng(seed)
    served = np.flatnonzero(boards)
    cities = 4
    uses = [np.sort(rng.permutation(served)[: rng.integers(1, 4)]) for _ in range(cities)]
    city = np.repeat(np.arange(cities), [u.size for u in uses])
    access = Access(city, np.concatenate(uses), rng.uniform(1, 40, city.size))
    road = rng.uniform(50, 900, (cities, cities))
    road[rng.random(road.shape) < 0.3] = INF
    found = solve(rail, road, access, Access(city, access.station, np.zeros(city.size)), 15)
    plain = {(a, h): bellman_ford((lines, call, boards, None), a, h) for a in access.station for h in rail.levels}
    for i in range(cities):
        for j in range(cities):
            if i == j:
                continue
            by_level = [
                plain[a, h][b] + x + y + h / 2 + 15
                for h in rail.levels
                for a, x in zip(uses[i], access.minutes[city == i], strict=True)
                for b, y in zip(uses[j], access.minutes[city == j], strict=True)
            ]
            if set(uses[i]) & set(uses[j]):  # out and back to a shared station is a trip too, though never a good one
                assert found.rail[i, j] <= min(by_level) + 1e-8
            else:
                assert found.rail[i, j] == pytest.approx(min(by_level), abs=1e-8)
            assert found.minutes[i, j] == min(found.rail[i, j], road[i, j])
            legs = itinerary(rail, found, access, 15, (i, j))
            if legs is None:
                assert np.isinf(found.minutes[i, j])
            else:
                assert sum(leg.minutes for leg in legs) == pytest.approx(found.minutes[i, j], abs=1e-6)
                assert all(leg.end == after.start for leg, after in pairwise(legs))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"km": np.zeros(7)}, "km must rise"),
        ({"line": np.array([0, 1, 0, 1, 1, 2, 2])}, "stand together"),
        ({"headway_min": np.array([0, 60, 120.0])}, "headways"),
        ({"station": np.array([0, 1, 9, 1, 3, 0, 3])}, "outside 0..3"),
        ({"speed_kmh": np.array([0, 150, 100.0])}, "speed above 0"),
    ],
)
def test_bad_lines(changes, message):
    with pytest.raises(ValueError, match=message):
        toy(**changes)


def test_bad_rules_and_ways():
    with pytest.raises(ValueError, match="shorter than a dwell"):
        build(LINES, CALL, BOARDS, replace(RULES, transfer_min=1.0))
    with pytest.raises(ValueError, match="square"):
        solve(toy(), np.zeros((4, 3)), ACCESS, MAIN, 15)
    with pytest.raises(ValueError, match="sorted by city"):
        solve(toy(), np.zeros((4, 4)), Access(EVERY[::-1], EVERY, np.zeros(4)), MAIN, 15)
    with pytest.raises(ValueError, match=r"outside 0\.\.3"):
        solve(toy(), np.zeros((4, 4)), ACCESS, Access(EVERY, EVERY + 1, np.zeros(4)), 15)
