"""The timetable kernel on the trains of 10 March 2016, every pair against the plain profile connection scan."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from megalopolis.travel.rides import itinerary
from megalopolis.travel.timetable import NEVER, Timetable, over_days, travel_minutes

DAY = "2016-03-10"
MORNING = (7 * 60, 10 * 60)
CHANGE = 15  # minutes from train to train: an assumption, the same for both methods


@pytest.fixture(scope="module")
def plain():
    path = Path(__file__).parents[1] / "travel" / "test_timetable_plain.py"
    spec = importlib.util.spec_from_file_location("plain_scan", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.plain


def clock(text):
    hours, minutes = text.str.split(":", expand=True).astype(float).to_numpy().T
    return 60 * hours + minutes


def read(folder):
    """Names of the stations, and the trains that run on the day; minutes go on past midnight."""
    trips = pd.read_csv(folder / "china" / "timetable_2016_trips.csv.gz", dtype=str)
    runs = (trips["first_date"].fillna(DAY) <= DAY) & (trips["last_date"].fillna(DAY) >= DAY)
    calls = pd.read_csv(folder / "china" / "timetable_2016_stop_times.csv.gz", dtype={"arrive": str, "depart": str})
    calls = calls[calls["trip_id"].isin(trips["trip_id"][runs])].sort_values(["trip_id", "stop_seq"])
    trip, _ = pd.factorize(calls["trip_id"])
    stop, names = pd.factorize(calls["station"], sort=True)
    times = np.column_stack([clock(calls["arrive"]), clock(calls["depart"])])
    empty = np.isnan(times)
    times[empty] = times[:, ::-1][empty]
    minutes = times.ravel()
    follows = np.repeat(trip[1:] == trip[:-1], 2)
    falls = np.zeros(minutes.size)
    falls[1:] = minutes[1:] < minutes[:-1]
    falls[2::2] *= follows[::2]
    nights = np.cumsum(falls)
    begins = np.r_[True, trip[1:] != trip[:-1]]
    nights -= np.repeat(nights[::2][begins][trip], 2)
    arrive, depart = (minutes + 1440 * nights).reshape(-1, 2).astype(np.int64).T
    return list(names), Timetable(len(names), trip, stop, arrive, depart, np.full(len(names), CHANGE))


@pytest.fixture(scope="module")
def real(reference_data):
    return read(reference_data)


def test_fastest_from_beijing_to_shanghai(real):
    names, timetable = real
    pair = names.index("北京南"), names.index("上海虹桥")
    found = travel_minutes(timetable, MORNING, (0,), targets=[pair[1]])
    assert (timetable.stops, np.unique(timetable.trip).size) == (670, 3862)
    assert found[0, pair[0], 0] == 288


def test_every_pair_over_the_morning(real, plain):
    _, timetable = real
    shares = (0, 50, 90)
    found, expected = travel_minutes(timetable, MORNING, shares), plain(timetable, MORNING, shares)
    assert (found != expected).sum() == 0
    assert (found[1] < NEVER).mean() > 0.4


@pytest.mark.parametrize("limit", [0, 1, 2])
def test_every_pair_with_few_transfers(real, plain, limit):
    _, timetable = real
    some = np.arange(0, timetable.stops, 10)
    found = travel_minutes(timetable, MORNING, (0, 50), max_transfers=limit, targets=some)
    assert (found != plain(timetable, MORNING, (0, 50), limit, some)).sum() == 0


def test_every_pair_over_night(real, plain):
    """Departures from 20:00 to 24:00 go on the next morning; trains of the day before are still running."""
    _, timetable = real
    days, some = over_days(timetable, (-1, 0, 1)), np.arange(0, timetable.stops, 10)
    found = travel_minutes(days, (1200, 1440), (0, 50), targets=some)
    assert (found != plain(days, (1200, 1440), (0, 50), None, some)).sum() == 0
    assert (found[1] < NEVER).mean() > 0.4


def test_itineraries_take_what_the_matrix_says(real):
    _, timetable = real
    found = travel_minutes(timetable, (480, 480))[0]
    for origin, destination in np.random.default_rng(0).integers(0, timetable.stops, (20, 2)):
        parts = itinerary(timetable, int(origin), int(destination), 480)
        if parts is None:
            assert found[origin, destination] == NEVER
        elif parts:
            assert parts[-1].arrive - 480 == found[origin, destination]
