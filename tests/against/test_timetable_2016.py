"""Modelled rides against the fastest trains of the real timetable of March 2016."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import megalopolis as mp
from megalopolis.parameters import Parameters
from megalopolis.plan import at
from megalopolis.travel.assemble import assemble
from megalopolis.travel.network import order, ride_minutes

TOOL = Path(__file__).parents[2] / "tools" / "calibrate_rides.py"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("calibrate_rides", TOOL)
    module = importlib.util.module_from_spec(spec)
    sys.modules["calibrate_rides"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def region():
    return mp.load_region("china")


@pytest.fixture(scope="module")
def parameters(region):
    return Parameters.of(region.meta.parameters, {}).of_pillar("travel")


@pytest.fixture(scope="module")
def sample(tool, region, parameters, reference_data):
    return tool.sample(region, reference_data, parameters)


def test_the_timetable_is_read_whole(tool, reference_data):
    trips = pd.read_csv(reference_data / "china" / "timetable_2016_trips.csv.gz", dtype=str)
    runs = (trips["first_date"].fillna(tool.DAY) <= tool.DAY) & (trips["last_date"].fillna(tool.DAY) >= tool.DAY)
    assert (len(trips), runs.sum()) == (4458, 3862)
    rides = tool.direct_rides(reference_data)
    assert len(set(rides["one"]) | set(rides["two"])) == 670
    known = rides.set_index(["one", "two"])["minutes"]
    assert known["上海虹桥", "北京南"] == 288
    assert known["北京南", "天津"] == 33


def test_held_out_rides(tool, sample, parameters):
    minutes = tool.modelled(sample, parameters)
    held = sample.held_out & np.isfinite(minutes)
    assert np.isfinite(minutes).mean() > 0.98
    assert held.sum() > 1000
    score = tool.score(minutes[held], sample.pairs["minutes"].to_numpy()[held])
    assert score["median APE %"] <= 10
    assert abs(score["bias %"]) <= 5


def test_better_than_great_circle_speed(tool, sample, parameters):
    """The naive baseline: one speed for all, fitted on the same half."""
    minutes = tool.modelled(sample, parameters)
    observed = sample.pairs["minutes"].to_numpy()
    place = sample.network.layout.stations[["lon", "lat"]].to_numpy(float)[sample.doors]
    (lon1, lat1), (lon2, lat2) = (place[end].T for end in sample.ends)
    km = mp.units.great_circle_km(lon1, lat1, lon2, lat2)
    pace = np.median((observed / km)[~sample.held_out])
    held = sample.held_out & np.isfinite(minutes)
    naive = tool.score(pace * km[held], observed[held])["median APE %"]
    assert tool.score(minutes[held], observed[held])["median APE %"] < 0.6 * naive


def test_the_tool_models_what_the_product_does(tool, sample, parameters):
    changed = parameters | {"speed_share_hsr": 0.8, "call_steepness": 0.7, "junction_min": 6.0}
    values = np.array([changed[name] for name in tool.FITTED])
    joined = tool.reachable(sample, tool.modelled(sample, parameters))
    model = tool.Model(joined, parameters)
    np.testing.assert_allclose(model(values), tool.modelled(joined, changed), rtol=0, atol=1e-6)


# rail_time_facts: published fastest direct rides between stations, of the years the network is taken at.
PUBLISHED = [
    ("北京南", "上海虹桥", 2020, 258),
    ("北京南", "天津", 2020, 30),
    ("上海虹桥", "杭州东", 2020, 45),
    ("上海虹桥", "南京南", 2020, 59),
    ("广州南", "深圳北", 2020, 29),
    ("北京南", "大连北", 2020, 299),
    ("成都东", "沙坪坝", 2020, 62),
    ("武汉", "南昌西", 2020, 113),
]


def test_published_rides(region, parameters):
    """Facts, so needing no reference data; held out: none of them is fitted."""
    state = at(region, None, 2020)
    network = assemble(state, parameters)
    used = np.unique(
        network.layout.stops["station"].map(
            dict(zip(network.layout.stations["id"], network.layout.stations.index, strict=True))
        )
    )
    number = {network.layout.stations["name_local"][i]: i for i in used}
    doors = np.unique([number[name] for ride in PUBLISHED for name in ride[:2]])
    minutes = ride_minutes(network.rail, doors, np.inf, order(network.rail, doors))
    place = {station: k for k, station in enumerate(doors)}
    error = [minutes[place[number[a]], place[number[b]]] / published - 1 for a, b, _, published in PUBLISHED]
    assert np.median(np.abs(error)) <= 0.10
