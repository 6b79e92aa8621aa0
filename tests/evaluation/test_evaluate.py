"""Baseline against plan on the toy region: ledger, ranges, cache, cancel, and the same numbers again."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import megalopolis as mp
from megalopolis.evaluation.answers.economy import economy_answer
from megalopolis.evaluation.compare import compare
from megalopolis.evaluation.export import dump_json
from megalopolis.evaluation.ledger import KEY
from megalopolis.evaluation.runfile import ledger_hash, reproduce, run_record
from megalopolis.evaluation.signals import signals_of
from megalopolis.parameters import Parameters
from megalopolis.pillar import Cancelled, Check, CheckFailed, Result, indicators
from megalopolis.plan import Plan
from megalopolis.region import Region
from megalopolis.region.read import read_region


@pytest.fixture(scope="module")
def evaluation(toy: Region, toy_plan: Plan) -> mp.Evaluation:
    return mp.evaluate(toy, toy_plan, draws=4)


def test_ledger_has_one_row_for_each_key(evaluation: mp.Evaluation) -> None:
    ledger = evaluation.ledger
    assert list(ledger.columns) == [*KEY, "value", "low", "high", "unit", "status"]
    assert not ledger.duplicated(KEY).any()
    assert ledger["value"].notna().all()
    assert set(ledger["case"]) == {"baseline", "plan"}
    assert set(ledger["year"]) == {2020, 2030}
    assert set(ledger["indicator"]) <= set(indicators())
    assert {"A", "B", "C", "D", "cluster:core", "region"} == set(ledger["place"])


def test_ranges_hold_their_value(evaluation: mp.Evaluation) -> None:
    ranged = evaluation.ledger.dropna(subset=["low"])
    assert len(ranged) == len(evaluation.ledger)
    assert (ranged["low"] <= ranged["value"]).all()
    assert (ranged["value"] <= ranged["high"]).all()
    assert (
        ranged.loc[ranged["indicator"] == "accessibility", "low"]
        < ranged.loc[ranged["indicator"] == "accessibility", "high"]
    ).all()


def test_nothing_changes_before_the_plan_opens(evaluation: mp.Evaluation) -> None:
    rows = evaluation.difference[evaluation.difference["year"] == 2020]
    assert (rows[["difference", "low", "high"]] == 0).all(axis=None)
    assert not rows["spans_zero"].any()


def test_difference_is_drawn_in_pairs(evaluation: mp.Evaluation) -> None:
    # A faster link can only help: in no draw does a city reach fewer people, though the levels' ranges overlap.
    rows = evaluation.difference.query("indicator == 'accessibility' and year == 2030")
    assert (rows["low"] >= 0).all()
    level = evaluation.ledger.query("indicator == 'accessibility' and year == 2030 and place == 'D'").set_index("case")
    unpaired = (level["high"] - level["low"]).sum()
    paired = rows.set_index("place").loc["D"]
    assert paired["high"] - paired["low"] < 0.8 * unpaired


def test_region_aggregates_follow_the_registry(evaluation: mp.Evaluation) -> None:
    people = evaluation.state("plan", 2030).frame("cities").set_index("id")["population"]
    for name, how in (("accessibility", "mean"), ("investment", None)):
        rows = evaluation.ledger.query(f"indicator == '{name}' and year == 2030 and case == 'plan'").set_index("place")[
            "value"
        ]
        if how == "mean":
            assert rows["region"] == pytest.approx(np.average(rows[people.index], weights=people))
            assert rows["cluster:core"] == pytest.approx(
                np.average(rows[["A", "B", "C"]], weights=people[["A", "B", "C"]])
            )
    # 0.1 bn of before, 18 bn x 1.5, 1.2 bn and 2.0 bn, 18 M of services; only what is booked to a city is in the
    # sum of cities.
    assert evaluation.value("region", "investment") == pytest.approx(0.1e9 + 27e9 + 1.2e9 + 2.0e9 + 18e6)


def test_same_input_gives_the_same_bytes(evaluation: mp.Evaluation, toy: Region, toy_plan: Plan) -> None:
    assert ledger_hash(mp.evaluate(toy, toy_plan, draws=4).ledger) == ledger_hash(evaluation.ledger)


def test_cache_gives_the_same_and_survives_damage(toy, toy_plan, evaluation, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MEGALOPOLIS_CACHE", str(tmp_path / "cache"))
    mp.evaluate(toy, toy_plan, draws=0)
    kept = list((tmp_path / "cache").iterdir())
    assert kept
    again = mp.evaluate(toy, toy_plan, draws=4)
    assert ledger_hash(again.ledger) == ledger_hash(evaluation.ledger)
    for folder in kept:
        (folder / "result.json").write_text("{", encoding="utf-8")
    damaged = mp.evaluate(toy, toy_plan, draws=4)
    assert ledger_hash(damaged.ledger) == ledger_hash(evaluation.ledger)


def test_cache_is_keyed_by_parameters(toy, toy_plan, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MEGALOPOLIS_CACHE", str(tmp_path))
    slow = mp.evaluate(toy, toy_plan, draws=0, settings={"travel.boarding_min": 60})
    fast = mp.evaluate(toy, toy_plan, draws=0, settings={"travel.boarding_min": 0})
    assert slow.value("A", "mean_minutes") > fast.value("A", "mean_minutes")


def test_setting_has_no_range_and_an_unknown_one_is_refused(toy, toy_plan) -> None:
    found = mp.evaluate(toy, toy_plan, draws=1, settings={"travel.transfer_min": 20})
    assert found.parameters.ranges["travel.transfer_min"] == (20, 20)
    with pytest.raises(mp.BadInput, match=r"no parameter 'travel\.transfre_min'; did you mean travel\.transfer_min"):
        mp.evaluate(toy, settings={"travel.transfre_min": 20})
    with pytest.raises(mp.BadInput, match="is nan"):
        mp.evaluate(toy, settings={"travel.transfer_min": float("nan")})


def test_progress_counts_to_the_end_and_can_cancel(toy, toy_plan) -> None:
    seen: list[tuple[str, int, int]] = []
    mp.evaluate(toy, toy_plan, draws=1, progress=lambda *step: seen.append(step))
    assert seen[-1] == ("done", 8, 8)

    def stop(*_: object) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        mp.evaluate(toy, toy_plan, progress=stop)


def test_only_runs_a_pillar_and_what_it_needs(toy) -> None:
    assert set(mp.evaluate(toy, only=["travel"], draws=0).results["baseline", 2020]) == {"travel"}
    assert set(mp.evaluate(toy, only=["clusters"], draws=0).results["baseline", 2020]) == {"travel", "clusters"}
    with pytest.raises(mp.BadInput, match="no pillar 'magic' is built"):
        mp.evaluate(toy, only=["magic"])


def test_pillars_not_built_are_named(evaluation: mp.Evaluation) -> None:
    assert evaluation.skipped["carbon"] == "not built yet"
    assert "economy" not in evaluation.skipped
    assert any("carbon is not evaluated" in w for w in evaluation.warnings)
    with pytest.raises(KeyError, match="carbon was not evaluated: not built yet"):
        evaluation.result("carbon")


def test_cities_alone_are_enough(toy: Region) -> None:
    bare = Region(toy.meta, {"cities": toy.tables["cities"]})
    found = mp.evaluate(bare, draws=0)
    assert found.value("A", "mean_minutes") > 0
    assert found.result("clusters").tables["planned"].empty


def test_child_units_are_not_counted_twice(toy: Region) -> None:
    cities = toy.frame("cities")
    child = cities.iloc[[1]].assign(id="B1", name="Bay", name_local="湾", parent="B", population=5e5, lon=1.01)
    both = toy.replace({"cities": pd.concat([cities, child], ignore_index=True)})
    one, two = mp.evaluate(toy, draws=0), mp.evaluate(both, draws=0)
    for name in ("accessibility", "share_population", "people_180"):
        assert two.value("region", name) == pytest.approx(one.value("region", name))
    assert "B1" in two.travel_times.index


def test_run_can_be_reproduced(evaluation, tmp_path) -> None:
    run = tmp_path / "run.json"
    source = str(Path(__file__).parent.parent / "toy" / "region")
    run.write_text(dump_json(run_record([evaluation], source)), encoding="utf-8")
    again, differences = reproduce(run, read_region)
    assert differences == []
    assert ledger_hash(again[0].ledger) == ledger_hash(evaluation.ledger)
    record = json.loads(run.read_text())
    record["plans"][0]["ledger"] = "other"
    run.write_text(json.dumps(record))
    assert reproduce(run, read_region)[1]
    altered = evaluation.ledger.assign(plan="Toy 2030")
    altered.loc[3, "value"] *= 1.001
    altered.to_parquet(tmp_path / "ledger.parquet")
    assert "1 of" in reproduce(run, read_region)[1][0]
    record["region"]["hash"] = "other"
    run.write_text(json.dumps(record))
    with pytest.raises(mp.BadInput, match="is not what it was"):
        reproduce(run, read_region)


def test_compare_lays_plans_side_by_side(toy, toy_plan) -> None:
    shorter = Plan("Shorter", toy_plan.years, toy_plan.measures[1:3])
    found = compare(mp.evaluate_all(toy, [toy_plan, shorter], draws=1))
    differs = found.measures.set_index("measure")
    assert differs.loc["Link", ["Toy 2030", "Shorter"]].tolist() == [True, False]
    assert differs.loc["Bridge", ["Toy 2030", "Shorter"]].tolist() == [True, True]
    region = found.table.query("place == 'region' and indicator == 'investment'").set_index("plan")["difference"]
    assert region["Shorter"] == pytest.approx(3.2e9)
    assert set(found.ledger["plan"]) == {"", "Toy 2030", "Shorter"}
    with pytest.raises(mp.BadInput, match="two plans are called 'Toy 2030'"):
        mp.evaluate_all(toy, [toy_plan, toy_plan])


def test_signals_are_five_with_verdicts(evaluation: mp.Evaluation) -> None:
    found = signals_of(evaluation)
    assert [s["signal"] for s in found] == ["clusters", "megalopolis", "rail", "services", "pollution"]
    rail = {i["id"]: i for i in found[2]["indicators"]}
    # 360 km in 2010 and in 2020: no growth, 500 km by 2030 is not reached.
    assert rail["route_km_all"]["verdict"] == "behind"
    assert rail["route_km_all"]["target"] == 500
    services = found[3]["indicators"]
    assert [(r["id"], r["case"]) for r in services[:2]] == [
        ("procedures_without_travel", c) for c in ("baseline", "plan")
    ]
    assert services[0]["value"] == 0 < services[1]["value"]
    assert {r["verdict"] for r in services} == {"no target"}
    assert {i["label"] for s in signals_of(evaluation, "zh") for i in s["indicators"]} & {"铁路营业里程"}


def test_violated_check_gives_no_result() -> None:
    with pytest.raises(CheckFailed, match=r"mass in = mass out is 0\.1, limit 1e-12"):
        Result("river", checks=(Check("mass in = mass out", 0.1, 1e-12),))
    with pytest.raises(CheckFailed):
        Result("river", checks=(Check("residual", float("nan"), 1.0),))
    with pytest.raises(CheckFailed, match="no value for load"):
        Result("river", indicators=pd.DataFrame({"place": ["A"], "indicator": ["load"], "value": [float("nan")]}))


def test_provenance_counts_every_number(evaluation: mp.Evaluation) -> None:
    table = evaluation.provenance.set_index("table")
    assert table.loc["cities", "assumed"] == 1.0
    # lon, lat, area, built-up, people, urban people, GDP of four cities
    assert table.loc["cities", "values"] == 28
    shares = table.loc["parameters", ["sourced", "measured", "estimated", "assumed"]]
    assert shares.sum() == pytest.approx(1.0)


def test_held_out_rides_are_scored_in_the_network_of_their_year(toy) -> None:
    rides = mp.evaluate(toy, years=[2030], draws=0).held_out_rides
    assert [tuple(row) for row in rides[["from", "to", "year"]].to_numpy()] == [("A", "C", 2020)]
    then, later = (mp.evaluate(toy, years=[y], draws=0).result("travel").tables["ride_minutes"] for y in (2020, 2030))
    assert rides["modelled"].iloc[0] == pytest.approx(then.loc["A", "C"])
    assert rides["modelled"].iloc[0] != pytest.approx(later.loc["A", "C"])
    assert rides["error"].iloc[0] == pytest.approx(then.loc["A", "C"] / 66 - 1)


def test_null_scores_are_of_every_planned_cluster(toy) -> None:
    found = mp.evaluate(toy, draws=0).null_scores()
    assert list(found.columns) == ["provinces", "distance_only", "random"]
    assert found.index.tolist() == list(toy.names.clusters)
    assert ((found > 0) & (found <= 1)).all(axis=None)


def test_parts_that_ask_for_too_many_partitions_are_refused(toy) -> None:
    with pytest.raises(mp.BadInput, match="above 40000"):
        mp.evaluate(toy, draws=0, settings={"clusters.runs": 1e9})


def test_economy_is_solved_against_the_baseline_of_its_year(toy, toy_plan) -> None:
    found = mp.evaluate(toy, toy_plan, only=["economy"], draws=1)
    today, later = (found.difference[found.difference["year"] == y] for y in (2020, 2030))
    own = {"gdp", "welfare", "real_income", "population"}
    assert (today.loc[today["indicator"].isin(own), "difference"] == 0).all()  # nothing is built yet
    people = found.at_place("population")
    assert people["difference"].sum() == pytest.approx(0, abs=1)
    assert people.loc["A", "difference"] > 1000  # land, and doors that open
    assert found.value("region", "welfare") > 0
    assert (later.loc[later["indicator"] == "welfare", "baseline"] == 0).all()


def test_regions_without_output_have_no_economy(toy) -> None:
    cities = toy.frame("cities")
    cities["gdp"] = np.where(cities["id"] == "A", cities["gdp"], np.nan)
    found = mp.evaluate(toy.replace({"cities": cities}), draws=0)
    assert found.skipped["economy"] == "the region has no figures in cities.gdp"
    assert "economy" not in found.ran
    with pytest.raises(mp.BadInput, match=r"no figures in cities\.gdp"):
        economy_answer(found)


def test_draws_of_a_parameter_do_not_hang_on_others() -> None:
    all_free = Parameters.of({}, {}).draws(5)
    fewer = Parameters.of({}, {"clusters.deterrence_scale": 100.0, "travel.boarding_min": 30.0}).draws(5)
    drawn, again = ([p["travel.transfer_min"] for p in sets] for sets in (all_free, fewer))
    assert drawn == again
    low, high = Parameters.of({}, {}).ranges["travel.transfer_min"]
    assert len(set(drawn)) == 5
    assert all(low <= value <= high for value in drawn)
    other = [p["travel.boarding_min"] for p in all_free]
    assert np.argsort(drawn).tolist() != np.argsort(other).tolist()  # each in an order of its own
