"""The China pack's rivers against the national sections of one winter day and against the published flux at Datong."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import megalopolis as mp
from megalopolis.environment import face
from megalopolis.environment.inputs import basin_of
from megalopolis.environment.simulate import simulate
from megalopolis.parameters import Parameters
from megalopolis.plan import at

TOOLS = Path(__file__).parents[2] / "tools"
RATES = {"nh3n": (0.07, 1e-9), "tp": (0.0, 0.107)}  # docs/method/environment.md


@pytest.fixture(scope="module")
def state():
    region = mp.load_region("china")
    return at(region, None, region.meta.today)


@pytest.fixture(scope="module")
def parameters(state):
    return Parameters.of(state.meta.parameters, {}).of_pillar("environment")


@pytest.fixture(scope="module")
def calibration(state, parameters):
    sys.path.insert(0, str(TOOLS))
    try:
        spec = importlib.util.spec_from_file_location("calibrate_water", TOOLS / "calibrate_water.py")
        tool = importlib.util.module_from_spec(spec)
        sys.modules["calibrate_water"] = tool
        spec.loader.exec_module(tool)
    finally:
        sys.path.remove(str(TOOLS))
    return tool, tool.winter(state, parameters)


@pytest.mark.parametrize(("pollutant", "within", "rank"), [("tp", 80, 0.55), ("nh3n", 60, 0.45)])
def test_held_out_sections_beside_the_mean_of_their_basin(calibration, pollutant, within, rank):
    tool, data = calibration
    assert 0.4 < data.held_out.mean() < 0.6
    score = tool.scores(data, pollutant, data.modelled(pollutant, *RATES[pollutant]), data.held_out)
    naive = tool.scores(data, pollutant, tool.basin_mean(data, pollutant), data.held_out)
    assert int(score["within a factor of 2"].split()[0]) >= within
    assert float(score["rank correlation"]) > max(rank, float(naive["rank correlation"]) + 0.2)
    assert int(score["within a factor of 2"].split()[0]) > int(naive["within a factor of 2"].split()[0])


def test_phosphorus_past_datong_if_all_sources_arrived(state, parameters):
    basin = basin_of(state, parameters)
    diffuse = basin.discharges["sector"].isin(["untreated", "farming"]).to_numpy()
    k, row = basin.pollutants.index("tp"), basin.reaches["id"].tolist().index("yz-datong")
    load = basin.load.copy()
    load[diffuse, k] /= 0.2
    flux = simulate(basin, parameters, load).mass[k, row] * 365.25 / 1e6
    assert flux == pytest.approx(93.7, rel=0.15)  # kt in 2018, Lou et al. 2020


def test_the_state_of_today_is_plausible(state, parameters):
    result = face.run(state, parameters=parameters)
    assert all(check.ok for check in result.checks)
    sections = result.tables["sections"].set_index("section")
    stem = sections[sections["reach"].str.startswith("yz-")]
    assert (stem["grade"] <= 2).all()  # class II since 2020
    rivers = sections[sections["body"] == "river"]
    assert (rivers["grade"] <= 3).mean() > 0.9
    assert sections["do"].gt(0).all()
    assert sections["do"].quantile(0.05) > 5  # the least, the Maozhou, was black water until some years ago
    assert sections.loc["th-tuoshan", "tp"] == pytest.approx(0.053, rel=0.3)  # mg/L, mean of Lake Tai in 2023
    shares = result.tables["attribution"].groupby(["section", "pollutant"])["share"].sum()
    np.testing.assert_allclose(shares, 1.0, rtol=1e-9)
