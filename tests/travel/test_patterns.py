"""Stopping patterns: a line worked by hand, and every pair against the best set of trains found by brute force."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import megalopolis as mp
from megalopolis.errors import BadInput
from megalopolis.plan import Plan
from megalopolis.plan.measures import RailLine, RailUpgrade
from megalopolis.region.patterns import other_trains
from megalopolis.travel.assemble import assemble
from megalopolis.travel.patterns import services_of

# Four cities A to D 100 km apart on a line of 300 km/h; a call costs 2 min of dwell and 3.4722 min of braking.
LINE = {
    "kind": "rail_line",
    "name": "Main",
    "stops": [{"city": c, "km": 100.0 * i} for i, c in enumerate("ABCD")],
    "speed_kmh": 300,
    "headway_min": 15,
    "opens": 2020,
}
EXPRESS = {"name": "express", "stops": ["A", "D"], "headway_min": 60}
LOCAL = {"name": "all stops", "stops": ["A", "B", "C", "D"], "headway_min": 20}
OWN = {"travel.speed_share_hsr": 1.0, "travel.acceleration": 0.4, "travel.dwell_min": 2.0}
LOSS = 300 / 3.6 / 0.4 / 60


def region_of(toy):
    """Return the toy region with four cities and no lines."""
    cities = toy.frame("cities").assign(lon=range(4), lat=0.0, main_station=None, parent=None)
    empty = ("stations", "rail_lines", "rail_stops", "rail_speeds", "barriers", "road_times", "rides_published")
    return toy.replace({"cities": cities, **{name: toy.frame(name)[:0] for name in (*empty, "investments")}})


def evaluated(toy, *measures):
    plan = Plan("p", (2020,), tuple(measures))
    return mp.evaluate(region_of(toy), plan, years=[2020], only={"travel"}, draws=0, settings=OWN)


def line(**changes):
    return RailLine.model_validate(LINE | changes)


def test_express_and_all_stops_by_hand(toy):
    found = evaluated(toy, line(patterns=[EXPRESS, LOCAL])).result("travel")
    ride, headway = found.tables["ride_minutes"], found.tables["headway"]
    # Express A-D: 60 min at speed, braking and accelerating once; every hour. All stops A-C: 40, and a call at B.
    assert ride.loc["A", "D"] == pytest.approx(60 + LOSS)
    assert headway.loc["A", "D"] == 60
    assert ride.loc["A", "C"] == pytest.approx(40 + LOSS + 2 + LOSS)
    assert headway.loc["A", "C"] == 20
    # A train of either comes every 15 min; three of four call at B and C. That beats the express: half of 45 min more
    # of waiting saves 0.75 * 2 calls.
    minutes = found.tables["minutes"]
    both = 60 + LOSS + 0.75 * 2 * (2 + LOSS) + 7.5
    assert both < 60 + LOSS + 30
    net = assemble(evaluated(toy, line(patterns=[EXPRESS, LOCAL])).state(), _own(toy))
    walked = net.access.minutes[0] + net.access.minutes[-1] + net.boarding_min
    assert minutes.loc["A", "D"] == pytest.approx(walked + both)
    assert net.names[1:] == ("Main: express", "Main: all stops", "Main: express or all stops")


def _own(toy):
    return evaluated(toy, line()).parameters.of_pillar("travel")


def test_trains_a_day_are_those_that_call(toy):
    trains = evaluated(toy, line(patterns=[EXPRESS])).ledger.set_index(["case", "indicator", "place"])["value"]
    day = 2 * 17 * 60
    by_city = trains["plan"]["trains_per_day"]
    assert by_city["A"] == by_city["D"] == pytest.approx(day / 15)
    assert by_city["B"] == by_city["C"] == pytest.approx(day / 15 - day / 60)


def test_a_pattern_more_never_makes_the_fastest_ride_longer(toy):
    before = evaluated(toy, line()).result("travel").tables["ride_minutes"]
    after = evaluated(toy, line(patterns=[EXPRESS])).result("travel").tables["ride_minutes"]
    assert (after <= before + 1e-9).to_numpy().all()
    assert after.loc["A", "D"] < before.loc["A", "D"]


def test_an_upgrade_keeps_the_shares_of_the_patterns(toy):
    upgrade = RailUpgrade(kind="rail_upgrade", name="More", line="Main", opens=2020, headway_min=7.5)
    state = evaluated(toy, line(patterns=[EXPRESS, LOCAL]), upgrade).state()
    assert state.frame("rail_patterns")["headway_min"].tolist() == [30, 10]


@st.composite
def lines(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    k, patterns = int(rng.integers(2, 7)), int(rng.integers(1, 4))
    boards = rng.random(k) < 0.85
    boards[[0, -1]] |= not boards.any()
    calls = (rng.random((patterns, k)) < 0.6) & boards
    headway = float(rng.choice([5, 12, 20]))
    every = (
        (headway * patterns * np.ones(patterns)) if rng.random() < 0.3 else headway * rng.choice([4, 6, 9], patterns)
    )
    return rng.random(k) * boards, boards, headway, calls, tuple(every.tolist())


@settings(max_examples=200, deadline=None)
@given(lines())
def test_the_best_service_is_the_best_set_of_trains(drawn):
    """For every pair of stops: half the wait and the mean calls of every set of trains that call at both."""
    chance, boards, headway, calls, every = drawn
    trains = [(every[p], np.where(calls[p], 1.0, 0.0), calls[p]) for p in range(len(every))]
    left = other_trains(headway, every)
    if np.isfinite(left):
        trains.append((left, chance, boards))
    best = {}
    for size in range(1, len(trains) + 1):
        for chosen in combinations(trains, size):
            rate = np.array([1 / t[0] for t in chosen])
            for a, b in combinations(range(boards.size), 2):
                if all(t[2][a] and t[2][b] for t in chosen):
                    mean = sum(r * t[1][a + 1 : b].sum() for r, t in zip(rate / rate.sum(), chosen, strict=True))
                    best[a, b] = min(best.get((a, b), np.inf), 0.5 / rate.sum() + 5 * mean)
    found = {}
    for service in services_of(chance, boards, headway, calls, every):
        for i, j in combinations(range(service.stop.size), 2):
            a, b = int(service.stop[i]), int(service.stop[j])
            if boards[a] and boards[b]:
                between = service.call[i + 1 : j].sum() + service.passed[i + 1 : j + 1].sum()
                found[a, b] = min(found.get((a, b), np.inf), service.headway_min / 2 + 5 * between)
    assert found.keys() == best.keys()
    for pair, minutes in best.items():
        assert found[pair] == pytest.approx(minutes, abs=1e-6)


@pytest.mark.parametrize(
    ("patterns", "said"),
    [
        ([EXPRESS | {"stops": ["A", "Nowhere"]}], "the pattern 'express' of 'Main' has no stop of 'Nowhere'"),
        ([EXPRESS | {"stops": ["A", "Ann"]}], "calls twice at a station"),
        ([EXPRESS | {"headway_min": 10}], "48 trains a day more than the line"),
        ([EXPRESS, EXPRESS], "two patterns of 'Main' have one name"),
    ],
)
def test_bad_patterns_are_named(toy, patterns, said):
    with pytest.raises(BadInput, match=said):
        evaluated(toy, line(patterns=patterns))
