"""Timetable, lines at a headway and road in one matrix: the figures of docs/method/toy.md, "With a timetable".

Ways between door and platform: Ann 13.1203 + 15 = 28 min, Ben 9.2774 + 15 = 24, Cor and Dee 6.5601 + 15 = 22. One
leaves the door from 7:00 to 7:59; of 60 departures the 30th shortest is the median.
"""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from megalopolis.errors import BadInput
from megalopolis.evaluation.answers.travel import travel_answer
from megalopolis.evaluation.evaluate import evaluate
from megalopolis.evaluation.what_if import WhatIf
from megalopolis.plan import Plan
from megalopolis.plan.measures import RailLine, RailUpgrade
from megalopolis.travel import _mixed as kernel

HERE = Path(__file__).parent
spec = importlib.util.spec_from_file_location("toy_by_hand", HERE.parent / "test_toy.py")
by_hand = importlib.util.module_from_spec(spec)
spec.loader.exec_module(by_hand)
SETTINGS = by_hand.SETTINGS | {"travel.timetable_from": 420, "travel.timetable_to": 479}
PAGE = HERE.parents[1] / "docs" / "method" / "toy.md"

FAST = RailLine(
    kind="rail_line",
    name="Fast north",
    stops=("Ben", {"city": "Dee", "km": 120}),
    speed_kmh=300,
    headway_min=20,
    opens=2020,
)
FASTER = RailUpgrade(
    kind="rail_upgrade", name="Faster", line="North line", operating_kmh=160, headway_min=30, opens=2020
)


def travel(region, *measures, year=2020, **more):
    plan = Plan(name="p", years=(year,), measures=measures) if measures else None
    given = SETTINGS | {f"travel.{name}": value for name, value in more.items()}
    return evaluate(region, plan, years=[year], only={"travel"}, settings=given, draws=0)


@pytest.fixture(scope="module")
def base(timed):
    return travel(timed)


@pytest.fixture(scope="module")
def built(timed):
    return travel(timed, FAST)


@pytest.fixture(scope="module")
def alone(toy):
    return travel(toy)


@pytest.mark.parametrize(
    ("pair", "minutes"),
    [
        # To 7:32 one catches 8:00 and is at the door at 9:00 + 22: 142 to 110 min, 33 departures; then 10:00 + 22.
        ("AC", 139),  # 110 + 29
        ("AB", 111),  # 8:30 + 24 less 7:32 is 82; + 29
        ("CB", 105),  # to 7:48 one catches 8:10: 8:40 + 24 less 7:48 is 76, 49 departures; + 29; later none of the day
        ("CA", 139),  # 9:10 + 28 less 7:48 is 110; + 29
        ("BA", 128),  # all catch 8:42: 9:10 + 28 less 7:59 is 99; + 29
        ("BC", 112),  # all catch 8:32: 9:00 + 22 less 7:59 is 83; + 29
        ("BD", 110),  # every half hour: 96 to 125 min, each at two departures; 96 + 14
        ("DB", 135.7322),  # no train back: by road
        ("AD", 171.6547),  # by road; by train 8:30 + 6, 9:00, 9:50 + 22 less 7:32 is 160; + 29 = 189
    ],
)
def test_door_to_door_by_timetable(base, pair, minutes):
    assert base.travel_times.loc[pair[0], pair[1]] == pytest.approx(minutes, abs=1e-4)


def test_percentile_and_window_are_parameters(timed):
    fastest = travel(timed, timetable_percentile=0).travel_times
    assert fastest.loc["A", "C"] == 110
    assert fastest.loc["B", "D"] == 96
    # One minute of departure: at 7:32 the train of 8:00 is caught, at 7:33 that of 9:00.
    for minute, taken in ((452, 110), (453, 169)):
        found = travel(timed, timetable_from=minute, timetable_to=minute).travel_times
        assert found.loc["A", "C"] == taken


def test_rides_and_trains(base):
    found = base.result("travel")
    ride, headway = found.tables["ride_minutes"], found.tables["headway"]
    # Fastest of the day, boarding to alighting; with the change at Ben 8:30 + 6 to 9:00, 9:50.
    assert [ride.loc["A", "C"], ride.loc["A", "B"], ride.loc["B", "C"], ride.loc["A", "D"]] == [60, 30, 28, 110]
    assert np.isnan(ride.loc["D", "B"])
    assert headway.loc["A", "C"] == 17 * 60 / 2  # two trains a day
    assert headway.loc["B", "D"] == 17 * 60 / 10
    rows = found.indicators[found.indicators["indicator"] == "trains_per_day"].set_index("place")["value"]
    # E1, E2, E3; at Ben the night train and ten to Dee as well. At Cor the night train is of tomorrow, and that of
    # yesterday did not run.
    assert rows.loc[list("ABCD")].tolist() == [3, 14, 3, 10]
    assert "1 of 5 stations of the timetable serve no city" in found.warnings


def test_a_planned_line_joins_the_trains(base, built):
    """Fast north: 120 km at 270 km/h is 26.6667 min, one braking and starting 75 / 0.3 s = 4.1667, wait 10."""
    found, ride = built.travel_times, built.result("travel").tables["ride_minutes"]
    # On the line alone, as in any region: 9.2774 + 6.5601 + 30 + 10 + 30.8333.
    assert found.loc["B", "D"] == found.loc["D", "B"] == pytest.approx(86.6709, abs=1e-4)
    # Train to Ben: 8:30 + 6 less 7:32 is 64, + 29 = 93; then 10 + 30.8333 + 21.5601.
    assert found.loc["A", "D"] == pytest.approx(155.3934, abs=1e-4)
    assert found.loc["C", "D"] == pytest.approx(526 - 468 + 29 + 10 + 30.8333 + 21.5601, abs=1e-4)
    # Line first: 22 + 10 + 30.8333, then from Ben's platform 6 min to change: of 7:00 to 7:59 all wait for 8:42, 8:32.
    assert travel(built.region, FAST, boarding_min=0).travel_times.loc["D", "A"] < 171.6547
    assert ride.loc["B", "D"] == pytest.approx(30.8333, abs=1e-4)  # who begins on the line does not wait for it
    assert ride.loc["A", "D"] == pytest.approx(30 + 6 + 10 + 30.8333, abs=1e-4)
    np.testing.assert_array_less(found.to_numpy(), base.travel_times.to_numpy() + 1e-9)  # a line more does not harm


def test_an_upgraded_line_runs_beside_its_trains(timed, base):
    """The north line at 160 km/h, every 30 min: by the timetable's trains before, at its headway too after."""
    found = travel(timed, FASTER).travel_times
    assert found.loc["D", "B"] == pytest.approx(9.2774 + 6.5601 + 30 + 15 + 61.8519, abs=1e-4)
    assert found.loc["B", "D"] == base.travel_times.loc["B", "D"] == 110


def test_lines_of_the_timetable_do_not_run_twice(timed, alone):
    """East and north line opened before 2020: only their trains count. Said to run at their headway, they do."""
    lines = timed.frame("rail_lines").assign(timetabled="no")
    both = travel(timed.replace({"rail_lines": lines})).travel_times.to_numpy()
    assert (both <= alone.travel_times.to_numpy() + 1e-9).all()
    assert both[0, 1] == pytest.approx(104.0644, abs=1e-4)  # the headway of docs/method/toy.md


def test_before_the_timetable_lines_run_at_their_headway(timed, toy):
    found, other = travel(timed, year=2015), travel(toy, year=2015)
    np.testing.assert_array_equal(found.travel_times, other.travel_times)
    assert "the timetable is of a later year than 2015: all lines run at their headway" in found.warnings
    with pytest.raises(BadInput, match="no timetable runs in 2015"):
        travel_answer(found, "A", "C", 420)


def legs(answer, key="legs"):
    names = ("mode", "line", "from", "to", "minutes", "depart", "arrive")
    return [tuple(leg.get(name) for name in names) for leg in answer[key]]


def test_itinerary_by_timetable(base):
    answer = travel_answer(base, "A", "C")
    assert answer["timetable"] == {"from": "07:00", "to": "07:59", "percentile": 50}
    assert legs(answer) == [
        ("access", None, "Ann", "Ann Central", 28, None, None),
        ("wait", None, "Ann Central", "Ann Central", 29, None, None),
        ("rail", "E1", "Ann Central", "Cor Central", 60, "08:00", "09:00"),
        ("egress", None, "Cor Central", "Cor", 22, None, None),
    ]
    assert (answer["minutes"], answer["ride_minutes"], answer["trains_per_day"]) == (139, 60, 2)
    assert legs(answer, "ride_legs") == [("rail", "E1", "Ann Central", "Cor Central", 60, "08:00", "09:00")]


def test_itinerary_of_a_departure(base):
    answer = travel_answer(base, "B", "C", 1370)  # at 22:50; the night train at 23:30
    assert (answer["minutes"], answer["timetable"]["from"]) == (1460 + 22 - 1370, "22:50")
    assert ("rail", "East express", "Ben Central", "Cor Central", 50, "23:30", "24:20") in legs(answer)
    assert travel_answer(base, "A", "C", 1380)["minutes"] == pytest.approx(222.4643, abs=1e-4)  # by road


def test_itinerary_that_mixes(built):
    answer = travel_answer(built, "A", "D")
    assert legs(answer)[2:] == [
        ("rail", "E1", "Ann Central", "Ben Central", 30, "08:00", "08:30"),
        ("transfer", None, "Ben Central", "Ben Central", 6, None, None),
        ("wait", None, "Ben Central", "Ben Central", 10, None, None),
        ("rail", "Fast north", "Ben Central", "Dee Central", pytest.approx(30.8333, abs=1e-4), None, None),
        ("egress", None, "Dee Central", "Dee", pytest.approx(21.5601, abs=1e-4), None, None),
    ]
    assert answer["trains_per_day"] == 2  # those from Ann to Ben, of 51 on the line
    for origin in "ABCD":
        for destination in set("ABCD") - {origin}:
            answer = travel_answer(built, origin, destination)
            assert sum(leg["minutes"] for leg in answer["legs"]) == pytest.approx(answer["minutes"])
            assert answer["minutes"] == built.travel_times.loc[origin, destination]
            ride = answer["ride_minutes"]
            assert ride is None or sum(leg["minutes"] for leg in answer["ride_legs"]) == pytest.approx(ride)


def test_the_page_shows_these_figures(built):
    text = PAGE.read_text(encoding="utf-8")
    section = text[text.index("## With a timetable") :]
    for minutes in (139, 111, 105, 128, 112, 110):
        assert re.search(rf"\*\*{minutes}\*\*", section)
    for value in (built.travel_times.loc["A", "D"], built.travel_times.loc["C", "D"]):
        assert f"**{value:.4f}**" in section


@given(st.integers(1, 7), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_join_and_repeat_against_plain_loops(n, seed):
    rng = np.random.default_rng(seed)
    a, b = (np.where(rng.random((n, n)) < 0.5, np.inf, rng.integers(1, 50, (n, n)).astype(float)) for _ in range(2))
    expected = (a[:, :, None] + b[None, :, :]).min(axis=1)
    np.testing.assert_array_equal(kernel.join(a, b), expected)
    some, step = np.where(np.eye(n, dtype=bool), 0.0, np.inf), a.copy()
    for _ in range(n):
        some = np.minimum(some, (some[:, :, None] + step[None, :, :]).min(axis=1))
    np.testing.assert_array_equal(kernel.repeat(a), some)


def test_what_if_feeds_the_trains(base, built):
    line = {"name": "Fast north", "stops": ["Ben", {"city": "Dee", "km": 120}], "speed_kmh": 300, "headway_min": 20}
    tried = WhatIf(base).insert(line)
    np.testing.assert_allclose(tried.after, built.travel_times, atol=1e-9)
    with pytest.raises(BadInput, match="the trains of the line 'north' stand in the timetable"):
        WhatIf(base, without="North line")
