"""Commands of environment on the toy region: documents, filters, files, and input that is wrong."""

import json
import shutil
from pathlib import Path

import pytest

TOY = Path(__file__).parents[1] / "toy" / "region"
PLAN = Path(__file__).parents[1] / "toy" / "plan.yaml"


@pytest.fixture(scope="module")
def document(megalopolis):
    return megalopolis("environment", TOY, PLAN, "--json").document


def test_the_document_holds_what_was_asked_for(document):
    result = document["result"]
    assert {"sections", "attribution", "cases", "balance"} <= set(result)
    assert list(result["cases"]) == ["own", "common", "common_floor", "least_cost"]
    assert {s["id"]: s["class"] for s in result["sections"]}.keys() == {"S1", "S2", "S3"}
    shares = [r["share"] for r in result["attribution"] if (r["section"], r["pollutant"]) == ("S2", "nh3n")]
    assert sum(shares) == pytest.approx(1)
    assert {c["city"]["id"] for c in result["cases"]["common"]["cities"]} == {"A", "B", "C"}
    assert {"prices", "charges", "trading", "unmet"} <= set(result["cases"]["least_cost"])
    assert [r["value"] for r in result["air"]] == [40, 24]
    assert {r["section"] for r in result["daily"]} == {"S1", "S2", "S3"}
    names = {c["name"] for c in document["checks"]}
    assert sum("conserved" in n for n in names) >= 8
    assert all(c["ok"] for c in document["checks"])


def test_filters(quick):
    whole = quick("environment", TOY).out
    only = {
        flag: quick("environment", TOY, *flag.split()).out for flag in ("--sections", "--attribute 安市", "--allocate")
    }
    assert all(text and len(text) < len(whole) for text in only.values())
    assert "Ben Bridge" in only["--sections"]
    assert "Caused by" not in only["--sections"]
    assert "Ann" in only["--attribute 安市"]
    assert "background" not in only["--attribute 安市"]
    assert "Common with floor" in only["--allocate"]
    assert "本桥" in quick("environment", TOY, "--sections", "--lang", "zh").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--attribute", "Dee"), "'Dee' discharges nothing that reaches a section"),
        (("--attribute", "Nowhere"), "no city is called 'Nowhere'"),
        (("--year", "1990"), "not valid on 1990-12-31"),
        (("--set", "environment.nitrificatoin=1"), "did you mean environment.nitrification"),
    ],
)
def test_bad_arguments(quick, arguments, said):
    done = quick("environment", TOY, *arguments)
    assert done.status == 2
    assert said in done.err
    assert not done.out


@pytest.mark.parametrize(
    ("table", "old", "new", "said"),
    [
        ("reach_links.csv", "upper,lower,1", "upper,lower,1.5", "reach_links.csv:2:fraction"),
        ("reach_links.csv", "upper,lower,1", "upper,upper,1", "flows to itself"),
        ("reach_links.csv", "upper,lower,1", "upper,nowhere,1", "nowhere"),
        ("reaches.csv", "river,86.4,100,", "river,86.4,0,", "give a value above zero"),
        (
            "discharges.csv",
            "ann,A,households,upper,head,1000000,60,20,8,",
            "ann,A,households,upper,head,1000000,60,20,,",
            "nh3n",
        ),
        ("air_quality.csv", "ug/m3", "ppb", "ppb need temperature"),
        ("daily.csv", "2020-07-02", "2020-07-04", "days are missing"),
    ],
)
def test_bad_tables(quick, tmp_path, table, old, new, said):
    shutil.copytree(TOY, tmp_path / "r")
    path = tmp_path / "r" / table
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    done = quick("environment", tmp_path / "r")
    assert done.status == 2
    assert said in done.err
    assert "Traceback" not in done.err


def test_monitoring(quick, tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("station,time,nh3n_mgl\nBen Bridge,2024-01-05,0.8\nAnn Bridge,2024-01-05,0.2\n", encoding="utf-8")
    done = quick("monitoring", TOY, path, "--json", "-o", tmp_path / "flags.csv")
    result = json.loads(done.out)["result"]
    assert [s["class"] for s in result["sections"]] == ["II", "III"]
    assert result["exceedances"][0]["exceedance"] == pytest.approx(0.6)
    assert result["causes"][0]["city"]["id"] == "A"
    assert "qartod" in (tmp_path / "flags.csv").read_text(encoding="utf-8").splitlines()[0]
    assert quick("monitoring", TOY).status == 2  # nothing was observed
    assert quick("monitoring", TOY, tmp_path / "none.csv").status == 2


def matrix(path, names=("A", "B"), units="ug m-3 per ug s-1"):
    """Two cities of the toy region as classic NetCDF, which needs no extra."""
    from scipy.io import netcdf_file

    with netcdf_file(str(path), "w") as book:
        book.createDimension("source", 2)
        book.createDimension("receptor", 2)
        book.createDimension("letters", 1)
        for dim in ("source", "receptor"):
            book.createVariable(dim, "c", (dim, "letters"))[:] = [[n] for n in names]
        v = book.createVariable("PrimaryPM25", "f4", ("source", "receptor"))
        v[:] = [[2e-8, 1e-8], [5e-9, 3e-8]]
        v.units = units.encode()


def test_a_matrix_becomes_a_table_once(quick, tmp_path):
    place = Path(shutil.copytree(TOY, tmp_path / "region"))
    matrix(tmp_path / "isrm.ncf")
    done = quick("air", tmp_path / "isrm.ncf", place)
    assert done.status == 2
    assert "air_responses.csv: is there already" in done.err
    (place / "air_responses.csv").unlink()
    done = quick("air", tmp_path / "isrm.ncf", place)
    assert done.status == 0
    assert "note: 2 of 2 sources are cities, by 'source'" in done.err
    assert "cities are no receptors: Cor" in done.err
    rows = (place / "air_responses.csv").read_text("utf-8").splitlines()
    assert rows[0] == "species,source_city,receptor,response"
    assert rows[1] == "primary_pm25,A,A,0.0006337618"  # 2e-8 x 31,688.09
    assert "modelled air" in quick("environment", place).out
    assert quick("check", place).status == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--species", "PrimaryPM25"), "--species: a variable and a species are wanted"),
        (("--species", "NOX=nox"), "isrm.ncf has no variable 'NOX'; it has PrimaryPM25, source, receptor"),
        (("--weight", "people"), "there is no weight 'people'; give point, area, population"),
    ],
)
def test_bad_options_of_a_matrix(quick, tmp_path, options, said):
    place = Path(shutil.copytree(TOY, tmp_path / "region"))
    (place / "air_responses.csv").unlink()
    matrix(tmp_path / "isrm.ncf")
    done = quick("air", tmp_path / "isrm.ncf", place, *options)
    assert done.status == 2
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert not (place / "air_responses.csv").exists()
