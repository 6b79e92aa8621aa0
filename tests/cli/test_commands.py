"""Every command on the toy region: exit status, and JSON with nothing beside it."""

import json
import shutil
from pathlib import Path

import pytest

TOY = Path(__file__).parents[1] / "toy" / "region"
PLAN = Path(__file__).parents[1] / "toy" / "plan.yaml"
ENVELOPE = ["schema_version", "region", "plan", "year", "result", "checks", "residual", "warnings"]
ANN = {"id": "A", "name": "Ann", "name_local": "安市"}
COR = {"id": "C", "name": "Cor", "name_local": "科市"}


def envelope_of(done):
    """Return the document of a command that succeeded, its envelope checked."""
    assert done.status == 0, done.err
    assert done.errors == []
    document = done.document
    assert list(document) == ENVELOPE
    assert document["region"]["name"] == "Toy"
    assert len(document["region"]["hash"]) == 64
    return document


def cities_within(value):
    """Every city that stands in a document, by the keys that hold them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from inner if key in {"cities", "missing", "extra"} else cities_within(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from cities_within(inner)


@pytest.fixture(scope="module")
def clusters(megalopolis):
    return megalopolis("clusters", TOY, "--json")


@pytest.fixture
def compared(quick, tmp_path):
    shorter = tmp_path / "shorter.yaml"
    text = PLAN.read_text(encoding="utf-8").partition("  - kind: delay")[0]
    shorter.write_text(text.replace("name: Toy 2030", "name: Shorter"), encoding="utf-8")
    return envelope_of(quick("compare", TOY, PLAN, shorter, "--json", "--draws", 2))["result"]


def test_clusters(clusters):
    document = envelope_of(clusters)
    assert (document["plan"], document["year"]) == (None, 2020)
    assert document["checks"]
    assert all(list(c) == ["name", "value", "limit", "ok"] and c["ok"] is True for c in document["checks"])
    assert 0 <= document["residual"] <= 1
    result = document["result"]
    assert list(result) == ["clusters", "planned", "corridors"]
    for branch in result["clusters"]:
        assert {
            *("id", "name", "level", "parent", "cities", "population", "urban_population", "gdp"),
            *("share_population", "share_urban_population", "share_gdp", "length_km", "persistence", "stability"),
        } <= set(branch)
        people = sum({"A": 4e6, "B": 2e6, "C": 1e6, "D": 1e6}[c["id"]] for c in branch["cities"])
        assert branch["population"] == pytest.approx(people)
        assert branch["share_population"] == pytest.approx(people / 8e6)
    known = {b["id"] for b in result["clusters"]}
    assert {b["parent"] for b in result["clusters"]} <= known | {None}
    (core,) = result["planned"]
    asked = {"id", "name", "jaccard", "baselines", "best_cluster", "missing", "extra", "maturity"}
    assert asked <= set(core)
    assert core["id"] == "core"
    assert core["best_cluster"] in known
    assert 0 <= core["jaccard"] <= 1
    assert core["baselines"]
    for corridor in result["corridors"]:
        assert list(corridor) == ["threshold_min", "clusters"]
        assert all(list(c) == ["cities", "population", "length_km"] for c in corridor["clusters"])
    named = list(cities_within(result))
    assert named
    assert all(list(c) == ["id", "name", "name_local"] for c in named)
    assert ANN in named


def test_same_bytes_on_every_run(clusters, megalopolis):
    again = megalopolis("clusters", TOY, "--json", PYTHONHASHSEED="7", NUMBA_NUM_THREADS="1", OMP_NUM_THREADS="1")
    assert again.out == clusters.out


def test_travel_between_two_cities(megalopolis):
    document = envelope_of(megalopolis("travel", TOY, "Ann", "Cor", "--json"))
    result = document["result"]
    assert {"from", "to", "minutes", "ride_minutes", "trains_per_day", "legs"} <= set(result)
    assert result["from"] == ANN
    assert result["to"] == COR
    assert all(list(leg) == ["mode", "line", "from", "to", "minutes"] for leg in result["legs"])
    assert sum(leg["minutes"] for leg in result["legs"]) == pytest.approx(result["minutes"])
    # East line: 240 km at up to 240 km/h are an hour without its stop; every 30 minutes in 17 hours are 34 trains.
    assert 60 < result["ride_minutes"] < 75
    assert result["trains_per_day"] == 34
    assert {leg["line"] for leg in result["legs"] if leg["mode"] == "rail"} == {"East line"}


def test_travel_by_any_name_in_any_terminal(megalopolis):
    """Chinese names with and without 市, and a terminal that cannot show them."""
    done = megalopolis(
        "travel", TOY, "安市", "C", "--json", "--set", "travel.transfer_min=25", PYTHONIOENCODING="latin-1"
    )
    result = envelope_of(done)["result"]
    assert (result["from"], result["to"]) == (ANN, COR)
    text = megalopolis("travel", TOY, "ann", "科市", "--lang", "zh", PYTHONIOENCODING="latin-1")
    assert text.status == 0, text.err
    assert "?? - ??" in text.out
    assert "East line" not in text.out
    assert "East line" in megalopolis("travel", TOY, "ann", "科市").out


def test_travel_with_a_plan(quick):
    document = envelope_of(quick("travel", TOY, "Ann", "Dee", PLAN, "--json"))
    assert document["plan"]["name"] == "Toy 2030"
    assert document["year"] == 2030
    table = envelope_of(quick("travel", TOY, "--json"))["result"]
    assert [c["id"] for c in table["cities"]] == ["A", "B", "C", "D"]
    assert [len(row) for row in table["minutes"]] == [4, 4, 4, 4]


def test_plan_extends_one_beside_it(quick, tmp_path):
    """Wherever the command is run: the path is taken from the plan's own folder."""
    (tmp_path / "plans").mkdir()
    shutil.copy(PLAN, tmp_path / "plans" / "base.yaml")
    (tmp_path / "plans" / "mine.yaml").write_text("name: Mine\nextends: base.yaml\nmeasures: []\n")
    done = quick("travel", TOY, "Ann", "Dee", "plans/mine.yaml", "--json", cwd=tmp_path)
    assert envelope_of(done)["plan"]["name"] == "Mine"


def test_signals(quick):
    document = envelope_of(quick("signals", TOY, PLAN, "--json", "--draws", 2))
    found = document["result"]["signals"]
    assert len(found) == 5
    for signal in found:
        assert {"signal", "change", "horizon", "driving_force", "indicators"} <= set(signal)
        assert signal["indicators"]
        for row in signal["indicators"]:
            asked = {"id", "value", "low", "high", "unit", "case", "year", "target", "verdict", "status", "source"}
            assert asked <= set(row)
            assert row["verdict"] in {"on track", "behind", "not measurable yet", "no target"}
    absent = [r for s in found for r in s["indicators"] if r["verdict"] == "not measurable yet"]
    assert all(r["value"] is None for r in absent), "what is not measured is null"


def test_compare(compared):
    assert {"year", "measures", "table"} <= set(compared)
    assert compared["year"] == 2030
    has = {m["measure"]: (m["Toy 2030"], m["Shorter"]) for m in compared["measures"]}
    expected = {
        "Link": (True, True),
        "Faster north": (True, True),
        "Bridge": (True, True),
        **dict.fromkeys(("Open doors", "Common market", "Chips for Ben", "Land for Ann", "Ceasefire"), (True, False)),
        "Link late": (True, False),
        "Link dearer": (True, False),
        **dict.fromkeys(("One standard", "Ben's new works", "Phosphate ban"), (True, False)),
    }
    assert expected.items() <= has.items()
    cost = {
        r["plan"]: r["difference"]
        for r in compared["table"]
        if (r["place"], r["indicator"]) == ("region", "investment")
    }
    # 18 billion x 1.5 for the link with its overrun, 18 without; 1.2 for the upgrade, 2.0 for the bridge; 18 million
    # for links of evidence.
    assert cost == {"Toy 2030": pytest.approx(30.218e9), "Shorter": pytest.approx(21.2e9)}


def test_check(quick, tmp_path):
    done = quick("check", TOY, "--json")
    document = envelope_of(done)
    assert document["result"]["problems"] == []
    assert {t["table"]: t["rows"] for t in document["result"]["tables"]}["cities"] == 4
    shutil.copytree(TOY, tmp_path / "region")
    (tmp_path / "region" / "cities.csv").write_text("id,name,lon,lat\nA,Ann,0,many\n")
    bad = quick("check", tmp_path / "region", "--json")
    assert bad.status == 2
    assert list(bad.document) == ENVELOPE
    assert "cities.csv:2:lat" in {p["where"] for p in bad.document["result"]["problems"]}
    said = quick("check", tmp_path / "region")
    assert said.status == 2
    assert any(line.startswith("error: cities.csv:2:lat: 'many' is not a number") for line in said.out.splitlines())


@pytest.mark.parametrize("more", [(), ("--excel", "--lang", "zh")], ids=["csv", "excel"])
def test_new(quick, tmp_path, more):
    done = quick("new", "mine", *more, cwd=tmp_path)
    assert done.status == 0, done.err
    assert sorted(done.out.splitlines()) == sorted(str(p.relative_to(tmp_path)) for p in tmp_path.glob("mine/*"))
    again = quick("new", "mine", *more, cwd=tmp_path)
    assert again.status == 2
    assert again.err == "error: mine: is there already; give a name that is free\n"


def test_report_and_the_same_again(megalopolis, tmp_path):
    """The files that stand there are those that were named; their numbers come out again, or what differs is said."""
    done = megalopolis("report", TOY, PLAN, "-o", "out", "--draws", 2, cwd=tmp_path)
    assert done.status == 0, done.err
    assert done.errors == []
    files = done.out.splitlines()
    assert files[0] == "out/report.html"
    assert {"out/run.json", "out/report.xlsx", "out/region.gpkg", "out/ledger.parquet"} <= set(files)
    assert sorted(files) == sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    run = tmp_path / "out" / "run.json"
    done = megalopolis("reproduce", run)
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("the same: ")
    record = json.loads(run.read_text(encoding="utf-8"))
    record["plans"][0]["ledger"] = "other"
    run.write_text(json.dumps(record), encoding="utf-8")
    (tmp_path / "out" / "ledger.parquet").write_bytes(b"PAR1 not a ledger")
    done = megalopolis("reproduce", run)
    assert done.status == 1
    assert done.out == "Toy 2030: the ledger's hash differs, and ledger.parquet cannot be read to compare with\n"


def test_report_replaces_an_earlier_one_whole(quick, tmp_path):
    """Nothing of the earlier report is left; without -o the folder is named after the region."""
    earlier = tmp_path / "region-report"
    earlier.mkdir()
    for name in ("report.html", "run.json", "of_then.csv"):
        (earlier / name).write_text("of then")
    shutil.copytree(TOY, tmp_path / "region")
    done = quick("report", "./region/", PLAN, "--draws", 0, "--lang", "zh", cwd=tmp_path)
    assert done.status == 0, done.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["region", "region-report"]
    assert not (earlier / "of_then.csv").exists()
    assert "示例2030" in (earlier / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["clusters", "signals", "compare", "travel"])
def test_plain_text(quick, command, tmp_path):
    """Without --json a table for people: no traceback, no JSON, every city or signal named."""
    plans = [PLAN] if command == "signals" else []
    if command == "compare":
        other = tmp_path / "other.yaml"
        other.write_text("name: Other\nyears: [2030]\nmeasures: []\n")
        plans = [PLAN, other]
    done = quick(command, TOY, *plans, *(["--draws", 0] if command in {"compare", "signals"} else []))
    assert done.status == 0, done.err
    assert done.errors == []
    expected = {"clusters": "Core", "signals": "Horizon", "compare": "Link late", "travel": "Ann"}
    assert expected[command] in done.out


def test_help_teaches_by_example(quick):
    bare = quick()
    assert (bare.status, bare.err) == (0, "")
    assert "megalopolis report china" in bare.out
    for command in ("report", "compare", "clusters", "travel", "signals", "check", "new", "reproduce"):
        done = quick(command, "--help")
        assert (done.status, done.err) == (0, "")
        assert f"megalopolis {command} " in done.out.partition("Options")[0].partition("\n\n")[2]


def test_economy(quick):
    document = envelope_of(quick("economy", TOY, PLAN, "--json", "--draws", 1))
    result = document["result"]
    assert {"change", "cities", "industries", "certificate", "channels", "structure", "sensitivity"} <= set(result)
    people = {row["id"]: row for row in result["cities"]}
    assert people["A"]["population"] > people["A"]["population_base"]
    assert [c["id"] for c in result["declared"]["coverage"]["not_covered"]] == ["C"]
    assert result["declared"]["pairs"][0]["industries"] == ["chips"]
    assert result["declared"]["coverage"]["kinds"] == {"own": 1, "official": 0, "press": 1}
    assert [s["text"] for s in result["declared"]["sources"]] == ["chapter", "press"]
    assert result["backtest"] is None
    change = {(row["place"], row["indicator"]): row for row in result["change"]}
    welfare = change["region", "welfare"]
    assert sum(v for k, v in result["channels"][0].items() if k != "place") == pytest.approx(welfare["plan"])
    assert 0 < welfare["low"] <= welfare["difference"] <= welfare["high"]
    assert result["certificate"]["residual"] <= 1e-9
    said = quick("economy", TOY, PLAN, "--draws", 0)
    assert "the document itself 1, the city's own account 0, a report only 1" in said.out
    assert "cities that gain most: real income per resident" in said.out
    alone = quick("economy", TOY, "--draws", 0)
    assert alone.status == 0
    assert "Reference" in alone.out.splitlines()[0]
