import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from services_small import PARAMETERS, catalogue, evidence, service, value

from megalopolis.errors import BadInput
from megalopolis.region.read import read_region
from megalopolis.services import face, jsonld, jsonld_read
from megalopolis.services.compile import compile_catalogue
from megalopolis.services.demand import cases, home_shares
from megalopolis.services.resident import render
from megalopolis.services.state import catalogue_of


@pytest.fixture(scope="module")
def china():
    return read_region("china")


@pytest.fixture(scope="module")
def minutes(china, china_catalogue):
    """Great-circle times: enough to tell near from far."""
    from megalopolis.units import great_circle_matrix

    rows = china.frame("cities").set_index("id").loc[[c.id for c in china_catalogue.cities]]
    km = great_circle_matrix(rows["lon"], rows["lat"])
    return pd.DataFrame(30.0 + km * 0.4, index=rows.index, columns=list(rows.index))


def test_run_of_china(china, minutes, defaults):
    found = face.run(china, minutes=minutes, parameters=defaults)
    assert set(found.tables) == {"hours", "money", "documents", "visits", "days", "procedures", "assumed"}
    hours = found.tables["hours"]
    assert hours.loc["320500", "310100"] > hours.loc["310100", "310100"]
    assert hours.loc["110100", "310100"] > hours.loc["320500", "310100"]
    table = found.tables["procedures"].set_index("procedure")
    assert len(table) == 22
    assert (table["hours_low"] <= table["hours"] + 1e-12).all()
    assert (table["hours"] <= table["hours_high"] + 1e-12).all()
    rows = found.indicators[found.indicators["indicator"] == "service_hours"]
    assert len(rows) == len(minutes)
    assert (rows["low"] < rows["value"]).all()
    assert (rows["value"] < rows["high"]).all()
    only = face.run(china, minutes=minutes, parameters=defaults, indicators_only=True)
    assert not only.tables
    merged = only.indicators.merge(found.indicators, on=["place", "indicator"], suffixes=("", "_whole"))
    assert (merged["value"] == merged["value_whole"]).all()


def test_people_and_cases_are_conserved(china, minutes, defaults):
    setting = face.set_up(china, minutes=minutes, parameters=defaults)
    shares = home_shares(setting.population, setting.travel.minutes, defaults)
    np.testing.assert_allclose(shares.sum(axis=0), 1.0)
    assert np.diag(shares) == pytest.approx(1 - defaults["elsewhere_share"])
    p = setting.compiled.procedures.index("driver_renewal")
    rate = setting.compiled.cases_per_1000[p] / 1000
    offered = setting.compiled.variant_of[p] >= 0
    assert setting.demand[p].sum() == pytest.approx(rate * setting.population[offered].sum())


def test_flows_spread_the_homes(china, minutes, defaults):
    ids = list(minutes.index)
    flows = pd.DataFrame(0.0, index=ids, columns=ids)
    flows.loc["110100", "310100"] = 1.0  # only Beijing and Shanghai exchange anybody
    setting = face.set_up(china, minutes=minutes, flows=flows, parameters=defaults)
    p = setting.compiled.procedures.index("pension_transfer")
    home, work = ids.index("110100"), ids.index("310100")
    assert setting.demand[p, home, work] > 0
    assert setting.demand[p, :, work].sum() == pytest.approx(setting.demand[p, home, work])
    assert setting.demand[p, :, ids.index("320500")].sum() == 0
    flows.iloc[0, 1] = -1.0
    with pytest.raises(ValueError, match="at least 0"):
        face.set_up(china, minutes=minutes, flows=flows, parameters=defaults)


def test_observed_cases_replace_the_rate():
    demand = {"procedure": "p", "home_city": "A", "work_city": "B", "cases": value(7.0)}
    cat = catalogue([evidence("e")], [service("p", [[["e"]]])], demands=[demand])
    compiled = compile_catalogue(cat)
    found = cases(cat, compiled, np.full(3, 1000.0), np.full((3, 3), 1 / 3))
    assert found[0, 0, 1] == 7.0
    assert found[0, 1, 0] == pytest.approx(10 / 3)
    with pytest.raises(BadInput, match="population"):
        cases(cat, compiled, np.array([1.0, np.nan, 1.0]), np.full((3, 3), 1 / 3))


def test_without_a_catalogue_nothing_is_invented(toy):
    toy = replace(toy, tables={name: table for name, table in toy.tables.items() if name != "catalogue"})
    ids = list(toy.cities["id"])
    times = pd.DataFrame(60.0, index=ids, columns=ids)
    found = face.run(toy, minutes=times, parameters=PARAMETERS)
    assert found.indicators.empty
    assert "no catalogue" in found.warnings[0]
    with pytest.raises(BadInput, match="no catalogue"):
        face.resident(toy, minutes=times, parameters=PARAMETERS, home="A", work="B")


def test_toy_by_hand(toy):
    """One procedure, one paper fetched at home: 10 cases a year per 1,000 residents."""
    cat = catalogue(
        [evidence("e", minutes=12.0, in_person=True)],
        [service("p", [[["e"]]])],
        cities=(("A", "West"), ("B", "West"), ("C", "East")),
    )
    ids = ["A", "B", "C"]
    times = pd.DataFrame([[0.0, 60, 120], [60, 0, 60], [120, 60, 0]], index=ids, columns=ids)
    flows = pd.DataFrame([[0.0, 1, 0], [0, 0, 0], [0, 0, 0]], index=ids, columns=ids)
    found = face.run(toy, minutes=times, flows=flows, catalogue=cat, parameters=PARAMETERS)
    value_of = found.indicators.set_index(["indicator", "place"])["value"]
    own, away = (6 + 12 + 90) / 60, (6 + 12 + 90 + 150) / 60
    assert value_of["service_hours", "A"] == pytest.approx(0.01 * (0.8 * own + 0.2 * away))
    assert value_of["service_hours", "C"] == pytest.approx(0.01 * own)  # nobody comes from elsewhere
    assert value_of["service_visits", "B"] == pytest.approx(0.8 + 0.2 * 2)
    assert value_of["service_hours_cross", "B"] == pytest.approx(away)
    assert ("service_hours_cross", "C") not in value_of.index
    assert any("cover 3 of 4 cities" in w for w in found.warnings)


def test_what_cannot_be_reached_is_counted(toy):
    cat = catalogue([evidence("e", in_person=True)], [service("p", [[["e"]]])])
    ids = ["A", "B", "C"]
    times = pd.DataFrame([[0.0, np.inf, 120], [np.inf, 0, 60], [120, 60, 0]], index=ids, columns=ids)
    flows = pd.DataFrame(1.0, index=ids, columns=ids)
    found = face.run(toy, minutes=times, flows=flows, catalogue=cat, parameters=PARAMETERS)
    assert any("no passable way" in w for w in found.warnings)


def test_links_of_a_cluster(china, minutes, defaults):
    cities = ["310100", "320500", "330100"]
    plan = face.links(china, minutes=minutes, parameters=defaults, cities=cities, years=[2026, 2027])
    assert [p["year"] for p in plan["phases"]] == [2026, 2027]
    assert plan["phases"][-1]["gap"] < 1e-6
    assert plan["phases"][-1]["cost"] <= 0.25 * plan["full_cost"] * (1 + 1e-9)
    assert plan["first"][0]["adds_hours"] > 0
    assert sum(f["documents_removed"] for f in plan["first"]) > 0
    json.dumps(plan, allow_nan=False)
    with pytest.raises(BadInput, match="ascend"):
        face.links(china, minutes=minutes, parameters=defaults, cities=cities, years=[2027, 2026])
    with pytest.raises(BadInput, match="not in the catalogue"):
        face.links(china, minutes=minutes, parameters=defaults, cities=["310100", "nowhere"], years=[2026])


def ask(china, minutes, defaults, **more):
    return face.resident(china, minutes=minutes, parameters=defaults, home="320500", work="310100", **more)


def test_resident_of_suzhou_in_shanghai(china, minutes, defaults):
    view = ask(china, minutes, defaults, start=dt.date(2025, 9, 29))
    assert len(view["procedures"]) == 22
    for one in view["procedures"]:
        assert {"documents", "visits", "hours", "money", "days", "channel", "office"} <= set(one)
        assert one["hours"]["status"] in ("sourced", "measured", "estimated", "assumed")
        assert one["hours"]["sources"]
    moved = next(p for p in view["procedures"] if p["code"] == "pension_transfer")
    statement = next(d for d in moved["documents"] if d["evidence"] == "pension_statement")
    assert statement["issuer"]["city"] == "320500"
    assert moved["office"]["counter"]["city"] == "310100"
    assert moved["legal_days"]["value"] == 45
    assert moved["legal_days"]["status"] == "sourced"
    assert moved["by_law"] == "2025-12-08"  # 45 working days around the National Day
    json.dumps(view, allow_nan=False)


def test_view_in_both_languages(china, minutes, defaults):
    view = ask(china, minutes, defaults, procedures=["household_transfer"])
    english, chinese = render(view, "en"), render(view, "zh")
    assert "Suzhou" in english
    assert "Household registration transfer" in english
    assert "苏州" in chinese
    assert "户口迁移" in chinese
    assert not set(chinese) & set("abcdefghijklmnopqrstuvwxyz")


def test_view_marks_what_is_shared_and_what_is_not_offered(china, minutes, defaults):
    own = face.resident(china, minutes=minutes, parameters=defaults, home="310100", work="310100")
    by_code = {p["code"]: p for p in own["procedures"]}
    assert "absent" in by_code["pension_transfer"]
    assert by_code["no_criminal_record"]["documents"][0]["shared"]
    assert by_code["no_criminal_record"]["visits"]["value"] == 1
    assert "only between two cities" in render(own)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"procedures": ["pension_transfr"]}, "did you mean pension_transfer"),
        ({"start": dt.date(2031, 1, 2)}, "does not know the year 2031"),
    ],
)
def test_bad_questions(china, minutes, defaults, more, said):
    with pytest.raises(BadInput, match=said):
        ask(china, minutes, defaults, **more)


def test_unknown_city_of_a_resident(china, minutes, defaults):
    with pytest.raises(BadInput, match="no city '999999'"):
        face.resident(china, minutes=minutes, parameters=defaults, home="999999", work="310100")


def test_json_ld_there_and_back(china_catalogue, tmp_path):
    path = tmp_path / "catalogue.jsonld"
    graph = jsonld.export(china_catalogue, ["310100"])
    path.write_text(json.dumps(graph, ensure_ascii=False), "utf-8")
    found = {s["id"]: s for s in jsonld_read.load(path)}
    for service_ in china_catalogue.services:
        there = found[service_.id]
        assert there["label"] == service_.label
        lists = [[[i.evidence for i in items] for items in r.lists] for r in service_.requirements]
        assert [r["lists"] for r in there["requirements"]] == lists
        assert found[f"{service_.id}@310100"]["authority"] == f"310100:{service_.authority}"
    ids = [n["@id"] for n in graph["@graph"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "no cpsv:PublicService"),
        ('{"@id": "s", "@type": "cpsv:PublicService", "cv:holdsRequirement": {"@id": "gone"}}', "names 'gone'"),
        (
            '{"@graph": [{"@id": "s", "@type": "cpsv:PublicService", "cv:holdsRequirement": {"@id": "r", "a": 1}}]}',
            "has no list",
        ),
    ],
)
def test_bad_json_ld(tmp_path, text, said):
    path = tmp_path / "bad.jsonld"
    path.write_text(text, "utf-8")
    with pytest.raises(BadInput, match=said):
        jsonld_read.load(path)


def test_json_ld_with_full_names_is_read(tmp_path):
    path = tmp_path / "other.jsonld"
    node = {
        "@id": "urn:s",
        "@type": ["http://purl.org/vocab/cpsv#PublicService"],
        "http://purl.org/dc/terms/title": [{"@value": "Dienst", "@language": "de"}],
        "http://data.europa.eu/m8g/holdsRequirement": [
            {
                "@id": "urn:r",
                "http://data.europa.eu/m8g/hasEvidenceTypeList": [
                    {
                        "@id": "urn:l",
                        "http://data.europa.eu/m8g/specifiesEvidenceType": [
                            {"@id": "urn:e", "http://purl.org/dc/terms/identifier": "id"}
                        ],
                    }
                ],
            }
        ],
    }
    path.write_text(json.dumps([node]), "utf-8")
    (found,) = jsonld_read.load(path)
    assert found["label"] == {"de": "Dienst"}
    assert found["requirements"][0]["lists"] == [["id"]]


def test_rows_of_tables_link_and_recognise(china, minutes, defaults):
    link = {
        "evidence": "pension_statement",
        "issuing_city": "320500",
        "consuming_sector": "hrss",
        "consuming_city": "cluster:yangtze-delta",
    }
    rows = {
        "evidence_links": pd.DataFrame([link]),
        "recognitions": pd.DataFrame([{"sector": "hrss", "city": "310100"}]),
        "online_channels": pd.DataFrame([{"procedure": "household_transfer", "city": "310100"}]),
    }

    def codes(state):
        view = face.resident(state, minutes=minutes, parameters=defaults, home="320500", work="310100")
        return {p["code"]: p for p in view["procedures"]}

    before, after = codes(china), codes(china.replace(rows))
    assert before["pension_transfer"]["visits"]["value"] > after["pension_transfer"]["visits"]["value"] == 0
    assert after["household_transfer"]["channel"]["kind"] == "online_full"
    late = {name: frame.assign(live_from=china.year + 1) for name, frame in rows.items()}
    assert codes(china.replace(late)) == before
    with pytest.raises(BadInput, match="did you mean hrss"):
        codes(china.replace({"recognitions": pd.DataFrame([{"sector": "hrsss", "city": "310100"}])}))


def test_a_second_region_works_from_data_alone():
    """The 21 procedures of Annex II of the single digital gateway, by life event."""
    from megalopolis.evaluation import evaluate
    from megalopolis.parameters import Parameters

    region = read_region("eu")
    catalogue_ = catalogue_of(region)
    count = {}
    for procedure in catalogue_.procedures:
        count[procedure.life_event] = count.get(procedure.life_event, 0) + 1
    assert count == {"birth": 1, "residence": 1, "studying": 3, "working": 4, "moving": 4, "retiring": 2, "business": 6}
    times = evaluate(region, only=["travel"], draws=0).travel_times
    parameters = Parameters.of({}, {}).of_pillar("services")
    found = face.run(region, minutes=times, parameters=parameters)
    assert (found.tables["hours"].to_numpy() > 0).all()
    view = face.resident(region, minutes=times, parameters=parameters, home="lille", work="brussels")
    assert len(view["procedures"]) == 21
    plan = face.links(region, minutes=times, parameters=parameters, cities=["lille", "brussels"], years=[2026])
    assert plan["phases"][0]["saving_hours"] > 0
