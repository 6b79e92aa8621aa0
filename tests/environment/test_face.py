"""The pillar on a small basin: figures by hand, shares, cases, and input that is wrong."""

import numpy as np
import pandas as pd
import pytest

from megalopolis.environment.face import run
from megalopolis.environment.rates import KG_PER_DAY
from megalopolis.errors import BadInput
from megalopolis.pillar import indicators


@pytest.fixture
def state(toy, frames):
    return toy.replace(frames)


@pytest.fixture
def result(state, parameters):
    return run(state, parameters=parameters)


def test_concentrations_by_hand(result, parameters):
    """Ammonia: 432 + 25,000 kg/d enter the upper reach, which takes a day; 0.4 of it goes left, where B adds 25,000."""
    k = parameters["nitrification"]
    up = (432 + 25_000) * np.exp(-k)
    left = (0.4 * up + 25_000) * np.exp(-2 * k)
    right = 0.6 * up * np.exp(-k)
    low = (left + right + 5_000) * np.exp(-k)
    lake = low / (1 + k * 10)
    found = result.tables["reaches"].set_index("reach")["nh3n"] * KG_PER_DAY
    expected = [up / 100, left / 40, right / 60, low / 100, lake / 100]
    np.testing.assert_allclose(found[["up", "left", "right", "low", "lake"]], expected, rtol=1e-12)


def test_a_lake_by_both_regressions(result):
    lake = result.tables["lakes"].iloc[0]
    assert lake["residence_years"] == pytest.approx(10 / 365.25)
    low = result.tables["reaches"].set_index("reach").loc["low", "tp"]
    assert lake["tp_vollenweider"] == pytest.approx(low / (1 + np.sqrt(10 / 365.25)))
    q = 100 * 86400 * 365.25 / 30e6
    assert lake["tp_reckhow"] == pytest.approx(low * q / (11.6 + 1.2 * q))


def test_shares_sum_to_one_and_nobody_below_is_blamed(result):
    causes = result.tables["attribution"]
    sums = causes.groupby(["section", "pollutant"])["share"].sum()
    assert len(sums) == 15
    np.testing.assert_allclose(sums, 1, rtol=1e-14)
    assert set(causes.loc[causes["section"] == "s-left", "city"]) == {"A", "B", "background"}
    loads = causes.groupby(["section", "pollutant"])["load"].sum()
    reaches = result.tables["reaches"].set_index("reach")
    for reach, section in (("left", "s-left"), ("low", "s-low"), ("lake", "s-lake")):
        assert loads[section, "tp"] == pytest.approx(
            reaches.loc[reach, "tp"] * KG_PER_DAY * reaches.loc[reach, "flow_m3s"]
        )


def test_what_enters_along_a_reach_decays_less(toy, frames, parameters):
    head = run(toy.replace(frames), parameters=parameters)
    frames["discharges"]["entry"] = "along"
    along = run(toy.replace(frames), parameters=parameters)
    one, two = (r.tables["sections"].set_index("section")["nh3n"] for r in (head, along))
    assert (two > one).all()
    assert two["s-left"] < one["s-left"] * np.exp(3 * parameters["nitrification"])


def test_cases(result):
    totals = result.tables["case_totals"].set_index("case")
    assert list(totals.index) == ["own", "common", "common_floor", "least_cost"]
    assert totals.loc["own", "change"] == pytest.approx(0)
    assert totals.loc["own", "complying"] < totals.loc["least_cost", "complying"]
    assert totals.loc["least_cost", "cost"] <= totals.loc["common_floor", "cost"] * (1 + 1e-9)
    costs = result.tables["cases"].groupby("case")["cost"].sum()
    np.testing.assert_allclose(costs[totals.index], totals["cost"])
    assert set(result.tables["cases"]["city"]) == {"A", "B", "C"}


def test_own_case_is_the_state_itself(result):
    own = result.tables["case_sections"].query("case == 'own'").set_index("section")
    shown = result.tables["sections"].set_index("section")
    np.testing.assert_allclose(own["nh3n"], shown["nh3n"], rtol=1e-12)


def test_prices_and_charges(result):
    prices = result.tables["prices"]
    assert (prices["price"] >= -1e-6).all()
    assert prices["price"].max() > 0
    assert (result.tables["charges"]["charge"] >= -1e-9).all()


def test_what_cannot_comply_is_explained(toy, frames, parameters):
    frames["discharges"].loc[0, "tp"] = 5.0
    found = run(toy.replace(frames), parameters=parameters)
    unmet = found.tables["unmet"].set_index(["section", "pollutant"])
    assert unmet.loc[("s-left", "tp"), "reason"] == "background alone"
    assert any("cannot meet 0.2 mg/L of tp" in w for w in found.warnings)


def test_indicators_are_registered_and_in_their_places(result):
    known = {i for i, entry in indicators().items() if entry.pillar == "environment"}
    known -= {"pm25_observed", "air_complying"}  # this basin has no air
    assert set(result.indicators["indicator"]) == known
    table = result.indicators.set_index(["place", "indicator"])["value"]
    assert table["A", "nh3n_discharged"] == pytest.approx(25_000)
    assert table["region", "sections_complying"] == 0
    assert not result.indicators.duplicated(["place", "indicator"]).any()


def test_indicators_only_are_the_same(state, parameters, result):
    quick = run(state, parameters=parameters, indicators_only=True)
    pd.testing.assert_frame_equal(quick.indicators, result.indicators)
    assert not quick.tables


def test_conservation_is_reported(result):
    assert (result.tables["balance"]["error"] <= 1e-12).all()
    assert sum("conserved" in c.name for c in result.checks) >= 5
    assert all(c.ok for c in result.checks)


def test_probability_of_compliance(toy, frames, parameters):
    frames["discharges"] = frames["discharges"].assign(volume_m3d=[50 * 86400.0, 1e4, 1e4, 1e4])
    found = run(toy.replace(frames), parameters=parameters).tables["sections"].set_index("section")["probability"]
    assert found["s-low"] == 1
    assert np.isnan(found["s-lake"])


def test_cold_water_takes_the_winter_limit(toy, frames, parameters):
    frames["reaches"]["temperature_c"] = 8.0
    frames["discharges"]["nh3n"] = [0.1, 40.0, 40.0, 40.0]
    cold = run(toy.replace(frames), parameters=parameters).tables["case_sections"]
    frames["reaches"]["temperature_c"] = 12.5
    mild = run(toy.replace(frames), parameters=parameters | {"theta_nitrification": 1.0}).tables["case_sections"]
    assert (cold.query("case == 'own'")["nh3n"].to_numpy() > mild.query("case == 'own'")["nh3n"].to_numpy()).all()


def test_the_same_input_gives_the_same_output(state, parameters, result):
    again = run(state, parameters=parameters)
    for name, frame in result.tables.items():
        pd.testing.assert_frame_equal(frame, again.tables[name], check_exact=True)


def test_a_reach_that_carries_less_than_enters_it_is_named(toy, frames, parameters):
    frames["reaches"].loc[3, "flow_m3s"] = 80.0
    found = run(toy.replace(frames), parameters=parameters)
    assert any("'low' carries 80 m3/s of the 100 m3/s" in w for w in found.warnings)


def change(table, column, row, value):
    def apply(frames):
        frames[table][column] = frames[table][column].astype(object)
        frames[table].loc[row, column] = value

    return apply


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (change("reaches", "flow_m3s", 1, 0.0), "'left' has 0; give a value above zero"),
        (change("reaches", "flow_m3s", 1, None), "the river 'left' has none"),
        (change("reaches", "velocity_ms", 0, 0.0), "reaches:2:velocity_ms: 'up' has 0"),
        (change("reaches", "volume_m3", 4, None), "the lake 'lake' has none"),
        (change("reach_links", "fraction", 0, 1.4), "a fraction of 1.4"),
        (change("reach_links", "fraction", 0, 0.9), "the fractions of 'up' sum to 1.5"),
        (change("reach_links", "to", 2, "nowhere"), "no reach has the id 'nowhere'"),
        (change("reach_links", "to", 2, "left"), "flows to itself"),
        (change("discharges", "reach", 1, "nowhere"), "discharges:3:reach: no reach has the id 'nowhere'"),
        (change("sections", "reach", 1, "lo"), "did you mean low"),
        (change("discharges", "tp", 2, None), "1 of 4 discharges have no tp, first 'b'"),
        (change("treatment_levels", "valid_from", 0, "2099-01-01"), "the level 'plain' is not in force on 2020-12-31"),
        (change("treatment_levels", "tp", 1, None), "the level 'strict' has no tp"),
        (change("treatment_levels", "role", 0, "common"), "two levels have the role 'common'"),
    ],
)
def test_bad_input_is_named(toy, frames, parameters, spoil, said):
    frames["treatment_levels"] = frames["treatment_levels"].assign(valid_from=None)
    spoil(frames)
    with pytest.raises(BadInput, match=said.replace("(", r"\(")):
        run(toy.replace(frames), parameters=parameters)


def test_no_concentration_at_all(toy, frames, parameters):
    frames["discharges"][["cod", "bod5", "nh3n", "tn", "tp"]] = None
    with pytest.raises(BadInput, match="no concentration of any pollutant"):
        run(toy.replace(frames), parameters=parameters)


def test_a_standard_not_valid_in_the_year(toy, frames, parameters):
    with pytest.raises(BadInput, match="not valid on 1990-12-31; it is valid 2002-06-01 to now"):
        run(toy.replace(frames, year=1990), parameters=parameters)


def test_without_levels_there_are_no_cases(toy, frames, parameters):
    frames["discharges"]["level"] = None
    del frames["treatment_levels"]
    found = run(toy.replace(frames), parameters=parameters)
    assert "cases" not in found.tables
    assert len(found.tables["sections"]) == 3


def test_without_a_common_level_its_cases_are_left_out(toy, frames, parameters):
    frames["treatment_levels"]["role"] = None
    found = run(toy.replace(frames), parameters=parameters)
    assert list(found.tables["case_totals"]["case"]) == ["own", "least_cost"]
    assert sum("is left out" in w for w in found.warnings) == 2


def test_loops_are_solved_too(toy, frames, parameters):
    frames["reach_links"] = pd.concat(
        [
            frames["reach_links"].assign(fraction=[0.4, 0.6, 1.0, 1.0, 0.9]),
            pd.DataFrame({"from": ["low"], "to": ["left"], "fraction": [0.1]}),
        ]
    )
    found = run(toy.replace(frames), parameters=parameters)
    assert all(c.ok for c in found.checks)
    assert "C" in set(found.tables["attribution"].query("section == 's-left'")["city"])


@pytest.mark.parametrize("gone", ["sections", "reach_links", "treatment_levels"])
def test_optional_tables(toy, frames, parameters, gone):
    del frames[gone]
    if gone == "treatment_levels":
        frames["discharges"]["level"] = None
    found = run(toy.replace(frames), parameters=parameters)
    assert len(found.tables["reaches"]) == 5
    assert all(c.ok for c in found.checks)
    if gone == "sections":
        assert found.tables["attribution"].empty
        assert found.tables["unmet"].empty
        assert set(found.indicators["place"]) == {"A", "B", "C"}


def test_a_pollutant_that_nobody_states_is_left_out_and_told(toy, frames, parameters):
    frames["discharges"]["bod5"] = None
    found = run(toy.replace(frames), parameters=parameters)
    assert "do" not in found.tables["sections"]
    assert any("no dissolved oxygen" in w for w in found.warnings)


def test_anoxic_reaches_are_named(toy, frames, parameters):
    frames["discharges"].loc[1, "bod5"] = 3000.0
    frames["discharges"].loc[1, "level"] = None
    found = run(toy.replace(frames), parameters=parameters)
    assert found.tables["reaches"]["anoxic"].any()
    assert any("lose all oxygen" in w for w in found.warnings)
    limited = run(toy.replace(frames), parameters=parameters | {"oxygen_limit": 0.6})
    assert not limited.tables["reaches"]["anoxic"].any()


def test_a_level_never_makes_an_effluent_worse(toy, frames, parameters):
    frames["discharges"].loc[3, ["cod", "nh3n"]] = [10.0, 1.0]
    found = run(toy.replace(frames), parameters=parameters)
    for case in ("own", "common"):
        shown = found.tables["case_sections"].query("case == @case")
        if case == "own":
            np.testing.assert_allclose(shown["nh3n"], found.tables["sections"]["nh3n"], rtol=1e-12)
        assert (shown["nh3n"].to_numpy() <= found.tables["sections"]["nh3n"].to_numpy() * (1 + 1e-12)).all()


def test_with_the_flow_background_keeps_its_concentration_and_discharges_their_load(toy, frames, parameters):
    still = dict.fromkeys(("cod_loss", "oxidation", "nitrification", "tn_loss", "tp_loss"), 0.0)
    wide = parameters | still | {"flow_spread": 1.0, "draws": 200.0}
    frames["sections"] = frames["sections"].iloc[:1]
    frames["discharges"] = frames["discharges"].iloc[:1]
    frames["discharges"]["volume_m3d"] = 100 * 86400.0
    frames["discharges"]["nh3n"] = 0.9
    clean = run(toy.replace(frames), parameters=wide).tables["sections"]
    assert clean["nh3n"].iloc[0] == pytest.approx(0.9)
    assert clean["probability"].iloc[0] == 1
    frames["discharges"]["city"] = "A"
    town = run(toy.replace(frames), parameters=wide).tables["sections"]
    assert 0.4 < town["probability"].iloc[0] < 0.7  # the flow may fall by a tenth before the limit is broken
