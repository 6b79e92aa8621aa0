"""Cases: oxygen held by cutting planes, nobody cleaner for less, nobody dirtier than the own standard."""

import numpy as np
import pandas as pd
import pytest

from megalopolis.environment.cases import abatement_problem, compare_cases, levels_of
from megalopolis.environment.face import run
from megalopolis.environment.inputs import basin_of, depths
from megalopolis.environment.oxygen_limits import cheapest_with_oxygen, oxygen_rows
from megalopolis.environment.simulate import simulate
from megalopolis.environment.standards import limits_on, standards

DATE = "2020-12-31"


@pytest.fixture
def parts(toy, frames, parameters):
    state = toy.replace(frames)
    basin = basin_of(state, parameters)
    limits = {b: limits_on(standards(), "GB 3838-2002", DATE, b) for b in ("river", "lake")}
    levels = levels_of(state, basin, parameters, DATE)
    return basin, levels, limits


def test_rows_of_oxygen_are_the_simulation(parts, parameters):
    """Oxygen is affine in the loads: any treatment, by the rows and by a solve of its own."""
    basin, levels, _ = parts
    treated = np.flatnonzero(levels.own >= 0)
    taken, left = oxygen_rows(basin, parameters, levels.concentration[treated], treated, basin.section_at)
    rng = np.random.default_rng(0)
    for _ in range(5):
        shares = rng.dirichlet(np.ones(3), len(treated))
        load = basin.load.copy()
        effluent = np.einsum("dt,dtp->dp", shares, levels.concentration[treated])
        load[treated] = effluent * basin.volume[treated, None] / 1000
        oxygen = simulate(basin, parameters, load).concentration["do"][basin.section_at]
        np.testing.assert_allclose(left - np.einsum("kdt,dt->k", taken, shares), oxygen, rtol=1e-9)


def test_a_limit_of_oxygen_is_held_and_has_its_price(parts, parameters):
    basin, levels, limits = parts
    treated = np.flatnonzero(levels.own >= 0)
    p = abatement_problem(basin, parameters, levels, limits)
    free = type(p)(**{**vars(p), "limit": np.full(len(p.limit), 1e3)})
    args = (free, basin, parameters, levels.concentration[treated], treated)
    dirty, none = cheapest_with_oxygen(*args, np.full(3, np.nan))
    assert len(none) == 0
    taken, left = oxygen_rows(basin, parameters, levels.concentration[treated], treated, basin.section_at)
    before = left - np.einsum("kdt,dt->k", taken, dirty.shares)
    floor = np.array([np.nan, before[1] + 0.4, np.nan])
    held, rows = cheapest_with_oxygen(*args, floor)
    after = left - np.einsum("kdt,dt->k", taken, held.shares)
    assert rows.tolist() == [1]
    assert after[1] == pytest.approx(floor[1], abs=1e-6)
    step = 1e-3
    tighter, _ = cheapest_with_oxygen(*args, floor + step)
    assert held.cut_price[0] == pytest.approx((tighter.cost.sum() - held.cost.sum()) / step, rel=1e-4)


def test_oxygen_that_no_treatment_reaches_is_named(toy, frames, parameters):
    frames["sections"].loc[1, "target"] = "I"
    frames["reaches"]["temperature_c"] = 28.0
    found = run(toy.replace(frames), parameters=parameters)
    unmet = found.tables["unmet"]
    assert ("s-low", "do") in set(zip(unmet["section"], unmet["pollutant"], strict=True))
    assert any("'s-low' cannot meet 7.5 mg/L of do" in w for w in found.warnings)


def test_a_cheaper_level_is_no_cleaner_for_it(parts, parameters):
    """C meets the strict level at its cost: the plain one would be cheaper, and dirtier."""
    basin, levels, limits = parts
    c = basin.discharges["id"].tolist().index("c")
    plain = levels.table["id"].tolist().index("plain")
    assert (levels.concentration[c, plain] > basin.concentration[c]).any()
    costs = compare_cases(basin, parameters, levels, limits).tables["cases"].set_index(["case", "city"])["cost"]
    for case in ("common", "common_floor", "least_cost"):
        assert costs[case, "C"] >= costs["own", "C"] * (1 - 1e-9)


def test_two_standards_that_differ_bind_together(toy, frames, parameters):
    """One is stricter in ammonia, the other in phosphorus: under the common one, both limits hold."""
    levels = frames["treatment_levels"]
    odd = levels[levels["id"] == "strict"].assign(id="odd", role=None, nh3n=4.0, nh3n_cold=4.0, tp=1.0, cost_per_m3=0.7)
    frames["treatment_levels"] = pd.concat([levels[levels["id"] != "best"], odd], ignore_index=True)
    frames["discharges"].loc[2, ["nh3n", "tp", "level"]] = [4.0, 1.0, "odd"]
    found = run(toy.replace(frames), parameters=parameters).tables
    common = found["case_sections"].query("case == 'common'").set_index("section")
    own = found["case_sections"].query("case == 'own'").set_index("section")
    assert (common["nh3n"] <= own["nh3n"] * (1 + 1e-12)).all()
    assert (common["tp"] <= own["tp"] * (1 + 1e-12)).all()
    cost = found["cases"].set_index(["case", "city"])["cost"]
    assert cost["common", "B"] > cost["own", "B"]


def test_depth_is_estimated_and_told(toy, frames, parameters):
    frames["reaches"].loc[0, "depth_m"] = None
    basin = basin_of(toy.replace(frames), parameters)
    depth, estimated = depths(basin)
    assert depth[0] == pytest.approx(10 / 7.2)  # 100 m3/s at 1 m/s
    assert estimated.tolist() == [True, False, False, False, False]
    assert depth[4] == pytest.approx(8.64e7 / 30e6)
    warnings = run(toy.replace(frames), parameters=parameters).warnings
    assert any("1 rivers have no depth" in w for w in warnings)


def test_assumed_targets_and_nitrogen(toy, frames, parameters):
    found = run(toy.replace(frames), parameters=parameters | {"assumed_target": 3.0})
    assert found.tables["sections"]["target"].tolist() == ["III", "III", "III"]
    assert any("class III is assumed" in w for w in found.warnings)
    without = run(toy.replace(frames), parameters=parameters | {"assumed_target": 3.0, "lake_nitrogen": 0.0})
    lake = without.tables["sections"].set_index("section").loc["s-lake"]
    assert "tn" in found.tables["sections"].set_index("section").loc["s-lake", "exceeded"].split()
    assert "tn" not in lake["exceeded"].split()


def test_the_bed_takes_oxygen(toy, frames, parameters):
    clean, dirty = (
        run(toy.replace(frames), parameters=parameters | {"sediment_demand": s}).tables["reaches"]["do"] for s in (0, 1)
    )
    assert (dirty < clean).all()
