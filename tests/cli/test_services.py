"""Services as a process: one resident, links as files, clear errors."""

import shutil
from pathlib import Path

import pytest
import yaml

TOY = Path(__file__).parents[1] / "toy" / "region"
PLAN = Path(__file__).parents[1] / "toy" / "plan.yaml"


def test_one_resident(megalopolis):
    done = megalopolis("services", TOY, PLAN, "--home", "Ann", "--work", "Ben", "--json")
    assert done.status == 0, done.err
    found = done.document["result"]
    assert (found["home"]["id"], found["work"]["name"]) == ("A", "Ben")
    shop = next(p for p in found["procedures"] if p["code"] == "shop")
    assert shop["channel"]["kind"] == "online_full"
    assert {d["evidence"]: d["shared"] for d in shop["documents"]} == {"identity": False, "record": True}
    for one in found["procedures"]:
        for key in ("visits", "hours", "money", "days", "document_count"):
            assert one[key]["status"] in ("sourced", "measured", "estimated", "assumed")
            assert one[key]["sources"]
        assert one["office"]["authority"]["city"] in ("A", "B")
    chinese = megalopolis("services", TOY, "--home", "安市", "--work", "Ben", "--procedure", "开办商店", "--lang", "zh")
    assert "出生记录" in chinese.out
    assert "迁移登记" not in chinese.out


def test_what_paperwork_costs(megalopolis):
    done = megalopolis("services", TOY, PLAN, "--draws", "0", "--json")
    assert done.status == 0, done.err
    found = done.document["result"]
    total = {r["place"]: r["value"] for r in found["indicators"] if r["indicator"] == "service_hours_total"}
    base = megalopolis("services", TOY, "--year", "2030", "--draws", "0", "--json").document["result"]
    before = {r["place"]: r["value"] for r in base["indicators"] if r["indicator"] == "service_hours_total"}
    assert sum(r["hours"] for r in found["saving"]) == pytest.approx(before["region"] - total["region"])
    assert "hours" in megalopolis("services", TOY, "--draws", "0").out
    assert base["business"][0] == {
        "procedure": "shop",
        "cases": pytest.approx(87_000),
        "hours": pytest.approx(base["business"][0]["hours"]),
        "cost": None,
    }
    swings = [abs(r["hours_high"] - r["hours_low"]) for r in base["tornado"]]
    assert swings == sorted(swings, reverse=True)
    scale = next(r for r in base["tornado"] if r["parameter"] == "services.cases_scale")
    assert scale["hours_high"] == pytest.approx(4 * scale["hours_low"])  # from half the cases to twice as many
    told = megalopolis(
        "services", TOY, "--year", "2030", "--draws", "0", "--json", "--set", "services.business_tariff=20"
    )
    shop = told.document["result"]["business"][0]
    assert shop["cost"] == pytest.approx(20 * 1.25 * shop["hours"])


def test_links_are_written_for_a_hub_and_as_a_plan(megalopolis, tmp_path):
    asked = (
        "services",
        TOY,
        "--links",
        "--cities",
        "cluster:core",
        "--share",
        "0.5",
        "--spend",
        "2026",
        "--spend",
        "2027",
    )
    done = megalopolis(*asked, "-o", tmp_path / "links.json", "--json")
    assert done.status == 0, done.err
    plan = done.document["result"]
    assert [p["year"] for p in plan["phases"]] == [2026, 2027]
    assert plan["phases"][1]["gap"] < 1e-6
    assert plan["first"][0]["adds_hours"] > 0
    assert (tmp_path / "links.json").read_text("utf-8").count('"live_from"') == len(plan["links"]) + len(
        plan["recognitions"]
    )
    again = megalopolis(*asked, "-o", tmp_path / "links.yaml", "--json")
    assert again.out == done.out
    document = yaml.safe_load((tmp_path / "links.yaml").read_text("utf-8"))
    assert {m["status"] for m in document["measures"]} == {"assumed"}
    assert sum(m["cost"] for m in document["measures"]) == pytest.approx(plan["phases"][1]["cost"])
    built = megalopolis("services", TOY, tmp_path / "links.yaml", "--draws", "0", "--json").document["result"]
    base = megalopolis("services", TOY, "--year", "2027", "--draws", "0", "--json").document["result"]
    hours = [
        {r["place"]: r["value"] for r in x["indicators"] if r["indicator"] == "service_hours_total"}["region"]
        for x in (base, built)
    ]
    assert hours[0] > hours[1]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--home", "Ann"), "error: one resident has a home and a work city; give both --home and --work"),
        (("--home", "Ann", "--work", "Bem"), "error: --work: no city is called 'Bem'; did you mean Ben?"),
        (
            ("--home", "Ann", "--work", "Ben", "--procedure", "shopp"),
            "error: --procedure: there is no procedure 'shopp'",
        ),
        (("--home", "Ann", "--work", "Ben", "--start", "1.3."), "error: --start: '1.3.' is not a date; write"),
        (("--home", "Ann", "--work", "Ben", "--start", "2025-03-01"), "error: the calendar 'default' does not know"),
        (("--links",), "error: --cities: no cities to link; name cities, or cluster:<id>"),
        (("--links", "--cities", "cluster:cor"), "error: --cities: no planned cluster is called 'cor'"),
        (("--cities", "Ann"), "error: --cities and -o belong to --links; add --links"),
        (("--links", "--cities", "Ann", "-o", "x.txt"), "error: -o: 'x.txt' is neither JSON nor YAML"),
    ],
)
def test_bad_questions(megalopolis, more, said):
    done = megalopolis("services", TOY, *more)
    assert (done.status, done.out) == (2, "")
    assert len(done.errors) == 1
    assert done.errors[0].startswith(said)


#: Text in the catalogue, what it becomes, the text on whose line the problem is named, and what is said.
CATALOGUE = {
    "no list": ("lists: [[identity]]", "lists: []", "id: who", "the requirement 'who' of 'move' has no list"),
    "nobody issues": ("  issuer_sector: registry\n", "", "id: identity", "nobody issues 'identity': it has no"),
    "circle": (
        "in_person: true\n",
        "in_person: true\n  needs: [record]\n",
        "needs: [record]",
        "evidence types need each other in a circle: record needs record; break the circle",
    ),
    "unknown city": ("id: D, label", "id: E, label", "id: E, label", "the region has no city 'E'"),
    "negative minutes": (
        "minutes: {value: 12, low: 6",
        "minutes: {value: -12, low: 6",
        "value: -12",
        "'evidence_types.1.obtain.minutes.value' input should be greater than or equal to 0",
    ),
    "later schema": ("schema_version: 1", "schema_version: 2", "schema_version", "is of schema 2, and this version"),
    "day outside": ("'2030-01-01'", "'2031-01-01'", "2031-01-01", "2031-01-01 is not in the years of the calendar"),
    "not YAML": ("sectors:", "sectors: [", "- {id: registry", "did not find expected"),
}


@pytest.mark.parametrize("case", CATALOGUE)
def test_bad_catalogues(megalopolis, tmp_path, case):
    old, new, spot, said = CATALOGUE[case]
    shutil.copytree(TOY, tmp_path / "bad")
    path = tmp_path / "bad" / "services" / "catalogue.yaml"
    text = path.read_text("utf-8")
    assert old in text
    bad = text.replace(old, new, 1)
    path.write_text(bad, "utf-8")
    line = next(i for i, row in enumerate(bad.splitlines(), 1) if spot in row)
    done = megalopolis("check", tmp_path / "bad")
    assert done.status == 2
    assert f"error: services/catalogue.yaml:{line}: {said}" in done.out
    assert "Traceback" not in done.err


def test_measures_that_match_nothing_are_errors_with_their_line(megalopolis, tmp_path):
    path = tmp_path / "plan.yaml"
    for field, bad, said in (
        ("evidence: record", "evidence: recordd", "'recordd' is not in evidence_types of the catalogue of services"),
        ("sectors: registry", "sectors: tax", "'tax' is not in sectors of the catalogue"),
        ("issuing: cluster:core", "issuing: cluster:cor", "no planned cluster is called 'cor'"),
    ):
        text = (
            "name: X\nyears: [2030]\nmeasures:\n- kind: evidence_link\n  name: L\n  evidence: record\n"
            "  sectors: registry\n  issuing: cluster:core\n  opens: 2025\n"
        )
        path.write_text(text.replace(field, bad), "utf-8")
        done = megalopolis("services", TOY, path)
        assert done.status == 2
        assert done.errors[0].startswith(f"error: plan.yaml:4: {said}")


def test_catalogue_out_and_in(megalopolis, tmp_path):
    shapes = Path(__file__).parents[1] / "services" / "cpsv_ap_3_2.ttl"
    out = tmp_path / "toy.jsonld"
    done = megalopolis("catalogue", TOY, "-o", out, "--shapes", shapes, "--cities", "Ann")
    assert done.status == 0, done.err
    assert done.out.startswith("0 violations")
    assert megalopolis("catalogue", out, "-o", tmp_path / "start.yaml").status == 0
    assert yaml.safe_load((tmp_path / "start.yaml").read_text("utf-8"))["services"][0]["requirements"]
    again = megalopolis("catalogue", out, "-o", tmp_path / "start.yaml")
    assert (again.status, again.errors) == (
        2,
        [f"error: -o: '{tmp_path / 'start.yaml'}' is there already; name one, as -o my-region/services/catalogue.yaml"],
    )
    none = megalopolis("catalogue", "japan")
    assert (none.status, none.errors[0]) == (
        2,
        "error: Japan: has no catalogue of services; write its documents into services/",
    )
