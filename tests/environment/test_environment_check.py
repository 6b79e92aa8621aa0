"""What `megalopolis check` says of rivers, lakes and air beyond the schemas; and a region with air and no rivers."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

import megalopolis as mp
from megalopolis.environment.air import by_receptor
from megalopolis.environment.face import run
from megalopolis.errors import BadInput
from megalopolis.evaluation.answers.environment import environment_answer, environment_lines
from megalopolis.evaluation.answers.inspection import inspected

TOY = Path(__file__).parents[1] / "toy" / "region"
WATER = ("reaches", "reach_links", "sections", "discharges", "treatment_levels", "daily")


@pytest.fixture
def folder(tmp_path):
    return Path(shutil.copytree(TOY, tmp_path / "region"))


def edit(folder, file, old, new):
    text = (folder / file).read_text("utf-8")
    assert text.count(old) == 1
    (folder / file).write_text(text.replace(old, new), "utf-8")


#: File, text in it, what it becomes, and what must be said.
WRONG = [
    ("reach_links.csv", "lower,lake,1", "lower,sea,1", "reach_links.csv:3:to: no row of reaches has the id 'sea'"),
    ("reach_links.csv", "upper,lower,1", "upper,lower,1.2", "reach_links.csv:2:fraction"),
    (
        "reach_links.csv",
        "upper,lower,1",
        "upper,lower,0.7\nupper,lake,0.6",
        "reach_links.csv: the fractions of 'upper' sum to 1.3",
    ),
    ("reach_links.csv", "lower,lake,1", "lower,lower,1", "reach_links.csv:3: the reach 'lower' flows to itself"),
    ("sections.csv", "S2,Ben Bridge,本桥,lower", "S2,Ben Bridge,本桥,loewr", "sections.csv:3:reach: no row of reaches"),
    ("discharges.csv", "ben,B,", "ben,Z,", "discharges.csv:5:city: no city has the id 'Z'"),
    ("discharges.csv", "households,upper", "households,uper", "discharges.csv:3:reach: no row of reaches has the id"),
    ("reaches.csv", "43.2,120,", "43.2,-120,", "reaches.csv:3:flow_m3s"),
    ("reaches.csv", "43.2,120,", "43.2,0,", "reaches.csv:3:flow_m3s: 'lower' has 0; give a value above zero"),
    ("reaches.csv", "43.2,120,0.5", "43.2,120,", "reaches.csv:3:velocity_ms: the river 'lower' has none; give one"),
    ("reaches.csv", "20,103680000", "20,", "reaches.csv:4:volume_m3: the lake 'lake' has none"),
    ("discharges.csv", "500000,50,10,5,0.5", "500000,50,10,5,", "discharges.csv:5:tp: 1 of 5 discharges have no tp"),
    ("treatment_levels.csv", "strict,", "strikt,", "no row of treatment_levels has the id 'strict'"),
    ("air_quality.csv", "24,ug/m3", "24,ppb", "air_quality.csv:3:unit: 'ppb' is no mass in a volume"),
    ("air_sources.csv", "B,primary_pm25", "B,pm25", "the plume refuses total pm25"),
    ("air_sources.csv", "A,primary_pm25", "Z,primary_pm25", "air_sources.csv:2:city: no city has the id 'Z'"),
    (
        "air_responses.csv",
        "primary_pm25,A,B,0.001",
        "primary_pm25,A,A,0.001",
        "air_responses.csv:3:species: species, source_city, receptor 'primary_pm25', 'A', 'A' stands already in row 2",
    ),
    ("daily.csv", "2020", "20x0", "daily.csv:2:date: "),
]


@pytest.mark.parametrize(("file", "old", "new", "said"), WRONG, ids=[w[3][:60] for w in WRONG])
def test_wrong_tables_are_named_with_their_places(folder, file, old, new, said):
    if file == "daily.csv":
        first = (folder / file).read_text("utf-8").splitlines()[1]
        old, new = first, first.replace("20", "xx", 1)
    edit(folder, file, old, new)
    found = [str(p) for p in inspected(folder).problems]
    assert any(said in line for line in found), found


def test_winds_that_cannot_be_used(folder):
    edit(folder, "air_sources.csv", "B,primary_pm25", "B,so2")
    edit(folder, "wind.csv", ",270,D,5,1", ",270,D,5,0.9")
    assert any("wind.csv: the wind rose of 'A' sums to 0.9" in str(p) for p in inspected(folder).problems)


def test_every_problem_at_once(folder):
    edit(folder, "reaches.csv", "43.2,120,0.5", "43.2,0,")
    edit(folder, "air_quality.csv", "24,ug/m3", "24,ppb")
    assert len(inspected(folder).problems) == 3


def test_what_is_stated_and_not_refused(folder):
    assert not inspected(folder).warnings
    edit(folder, "reaches.csv", "43.2,120,0.5,3,", "43.2,120,0.5,,")
    edit(folder, "reach_links.csv", "lower,lake,1", "lower,lake,0.7\nlower,upper,0.2")
    edit(folder, "sections.csv", ",lake,C,IV", ",lake,C,")
    edit(folder, "air_responses.csv", "primary_pm25,B,A,0.0005\n", "")
    report = inspected(folder)
    assert not report.problems
    assert {str(w) for w in report.warnings} >= {
        "reach_links.csv: water can return to 'upper', 'lower': loops are solved together, by sparse LU",
        "reach_links.csv: the fractions of 'lower' sum to 0.9: 12 m3/s are taken out of the rivers there",
        "reaches.csv: 1 rivers have no depth, which is estimated from their flow: 'lower'",
        "sections.csv: 1 of 3 have no target: classed, not judged",
        "air_responses.csv: 1 pairs of cities have no response to primary_pm25 in air_responses: they count as zero",
    }


def test_a_parameter_that_is_none(folder):
    edit(folder, "region.yaml", "base_year:", "parameters: {environment.tempreature: 9}\nbase_year:")
    assert any("did you mean environment.temperature" in str(p) for p in inspected(folder).problems)


@pytest.fixture
def dry(folder):
    for name in WATER:
        (folder / f"{name}.csv").unlink()
    (folder / "sources.csv").unlink()
    return folder


def test_air_without_rivers(dry):
    assert not inspected(dry).problems
    e = mp.evaluate(mp.load_region(str(dry)), only={"environment"}, draws=0)
    tables = e.result("environment").tables
    assert set(tables) == {"air", "air_modelled"}
    rows = e.ledger.set_index(["place", "indicator"])["value"]
    assert rows["A", "pm25_observed"] == 40
    assert rows["region", "air_complying"] == 0.5
    assert (
        "rivers and lakes are left out: the region has no table reaches, discharges" in e.result("environment").warnings
    )
    document = environment_answer(e)
    assert [r["value"] for r in document["air"]] == [40, 24]
    assert document["sections"] == document["attribution"] == document["balance"] == []
    assert set(document["cases"].values()) == {None}
    text = "\n".join(environment_lines(e, "en", parts={"sections", "attribution", "cases"}, who=None))
    assert "measured air" in text
    assert "modelled air" in text
    with pytest.raises(BadInput, match="has no rivers and lakes"):
        environment_lines(e, "en", parts={"sections"}, who=None)
    with pytest.raises(BadInput, match="discharges nothing"):
        environment_answer(e, "Ann")


@pytest.mark.parametrize("gone", ["discharges", "reaches"])
def test_half_a_river_is_told(folder, gone):
    if gone == "discharges":
        (folder / "discharges.csv").unlink()
        (folder / "daily.csv").unlink()
        report = inspected(folder)
        assert any("rivers and lakes are left out" in str(w) for w in report.warnings)
        found = run(mp.load_region(str(folder)), parameters=mp_parameters())
        assert set(found.tables) == {"air", "air_modelled"}
        assert any("no table discharges" in w for w in found.warnings)
    else:
        (folder / "reaches.csv").unlink()
        assert any("the region has no table 'reaches'" in str(p) for p in inspected(folder).problems)


def mp_parameters():
    from megalopolis.parameters import Parameters

    return Parameters.of({}, {}).of_pillar("environment")


def test_neither_air_nor_rivers(dry):
    for name in ("air_quality", "air_sources", "air_responses", "wind"):
        (dry / f"{name}.csv").unlink()
    e = mp.evaluate(mp.load_region(str(dry)), draws=0)
    assert e.skipped["environment"] == "the region has no table reaches, discharges"


def test_rivers_without_air(folder):
    for name in ("air_quality", "air_sources", "air_responses", "wind"):
        (folder / f"{name}.csv").unlink()
    found = run(mp.load_region(str(folder)), parameters=mp_parameters())
    assert "sections" in found.tables
    assert not {"air", "air_modelled"} & set(found.tables)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_shows_the_air_alone(dry, tmp_path, language):
    e = mp.evaluate(mp.load_region(str(dry)), draws=0)
    mp.write_report([e], tmp_path / language, language=language)
    page = (tmp_path / language / "report.html").read_text("utf-8")
    title, caption = {"en": ("Air", "Species emitted"), "zh": ("空气", "排放物种")}[language]
    assert f">{title}<" in page
    assert caption in page


def test_by_receptor():
    found = pd.DataFrame(
        {
            "receptor": ["A", "A", "A", "B"],
            "species": "so2",
            "source": ["A", "B", "C", "B"],
            "concentration": [1.0, 3.0, 4.0, 2.0],
            "share": [0.125, 0.375, 0.5, 1.0],
        }
    )
    rows = by_receptor(found).set_index("receptor")
    assert rows.loc["A", ["concentration", "own", "other", "other_share"]].tolist() == [8.0, 0.125, "C", 0.5]
    assert rows.loc["B", ["concentration", "own", "other_share"]].tolist() == [2.0, 1.0, 0.0]


def test_air_is_as_good_as_its_rows(dry):
    (dry / "air_quality.csv").write_text(
        "city,year,pollutant,statistic,value,unit,status\n"
        "A,2019,pm25,annual_mean,44,ug/m3,estimated\n"
        "A,2020,pm25,annual_mean,40,ug/m3,measured\n"
        "B,2020,pm25,annual_mean,24,ug/m3,sourced\n"
    )
    status = mp.evaluate(mp.load_region(str(dry)), only={"environment"}, draws=0).ledger.set_index(
        ["place", "indicator"]
    )["status"]
    assert status["A", "pm25_observed"] == "measured"
    assert status["B", "pm25_observed"] == "sourced"
    assert status["region", "air_complying"] == "measured"
