"""The trains of 10 March 2016 as a GTFS feed beside the region china: rides and minutes by timetable."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from megalopolis.evaluation.answers.travel import travel_answer
from megalopolis.evaluation.evaluate import evaluate
from megalopolis.region.read import packs, read_region


def read():
    spec = importlib.util.spec_from_file_location("real", Path(__file__).with_name("test_timetable_kernel.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.read


def clock(minutes):
    return [f"{m // 60:02d}:{m % 60:02d}:00" for m in minutes.tolist()]


def write_feed(folder, names, timetable, places):
    """A feed of which nothing but names, places and times is known: no ids of the region."""
    folder.mkdir()
    ids = np.array([f"s{i}" for i in range(len(names))], dtype=object)
    at = places.drop_duplicates("station").set_index("station").reindex(names)
    stops = {"stop_id": ids, "stop_name": names, "stop_lon": at["lon_wgs84"], "stop_lat": at["lat_wgs84"]}
    pd.DataFrame(stops).to_csv(folder / "stops.txt", index=False)
    trips = pd.DataFrame({"route_id": "r", "service_id": "daily", "trip_id": np.unique(timetable.trip)})
    trips.to_csv(folder / "trips.txt", index=False)
    calls = {
        "trip_id": timetable.trip,
        "arrival_time": clock(timetable.arrive),
        "departure_time": clock(timetable.depart),
        "stop_id": ids[timetable.stop],
        "stop_sequence": np.arange(timetable.trip.size),
    }
    pd.DataFrame(calls).to_csv(folder / "stop_times.txt", index=False)
    days = "monday,tuesday,wednesday,thursday,friday,saturday,sunday"
    text = f"service_id,{days},start_date,end_date\ndaily,1,1,1,1,1,1,1,20160101,20161231\n"
    (folder / "calendar.txt").write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def region(reference_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("timed") / "china"
    shutil.copytree(packs() / "china", folder)
    names, timetable = read()(reference_data)
    write_feed(folder / "timetable", names, timetable, pd.read_csv(reference_data / "china" / "stations.csv"))
    with (folder / "region.yaml").open("a", encoding="utf-8") as file:
        file.write("\ntimetable: {day: 2016-03-10, change_min: 15}\n")
    return read_region(folder)


def test_the_day_beside_the_region(region):
    calls = region.frame("timetable_calls")
    # Of 670 stations two are one (within a km of each other); nearly all are stations that the region knows.
    assert calls["station"].nunique() == 669
    known = set(read_region("china").frame("stations")["id"])
    assert np.mean([id_ in known for id_ in calls["station"].unique()]) > 0.97
    evaluation = evaluate(region, years=[2016], only={"travel"}, draws=0)
    beijing, shanghai, nanjing = (region.names.city(name) for name in ("Beijing", "Shanghai", "Nanjing"))
    found = evaluation.result("travel")
    assert found.tables["ride_minutes"].loc[beijing, shanghai] == 288
    answer = travel_answer(evaluation, beijing, shanghai)
    assert answer["ride_minutes"] == 288
    assert answer["minutes"] == evaluation.travel_times.loc[beijing, shanghai]
    assert sum(leg["minutes"] for leg in answer["legs"]) == pytest.approx(answer["minutes"])
    assert evaluation.travel_times.loc[beijing, nanjing] < answer["minutes"]
