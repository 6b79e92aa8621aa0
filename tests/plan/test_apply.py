"""A region under a plan in one year: drivers, speeds, openings and measures, on the toy region."""

import pandas as pd
import pytest

from megalopolis.errors import BadInput
from megalopolis.plan import Plan, at, load_plan
from megalopolis.region import Region


def _plan(tmp_path, text: str) -> Plan:
    path = tmp_path / "plan.yaml"
    path.write_text("name: P\nmeasures:\n" + text, encoding="utf-8")
    return load_plan(path)


def _line(state: Region, line: str) -> pd.Series:
    lines = state.frame("rail_lines").set_index("id")
    return lines.loc[line]


def test_base_year_without_plan_is_the_region_as_read(toy: Region) -> None:
    state = at(toy, None, 2020)
    pd.testing.assert_frame_equal(state.frame("cities"), toy.frame("cities"))
    assert at(toy, None, 2020).hash == state.hash


def test_drivers_take_the_most_specific_series(toy: Region) -> None:
    # region: people 8.0 -> 8.8 M (+10 %), productivity doubles, urban share x 1.2; D has its own people, constant.
    cities = at(toy, None, 2030).frame("cities").set_index("id")
    assert cities.loc["A", "population"] == pytest.approx(4.4e6)
    assert cities.loc["D", "population"] == pytest.approx(1.0e6)
    assert cities.loc["A", "gdp"] == pytest.approx(200e9 * 1.1 * 2)
    assert cities.loc["D", "gdp"] == pytest.approx(20e9 * 2)
    assert cities.loc["B", "urban_population"] == pytest.approx(2.2e6 * 0.5 * 1.2)
    # half way, growth is geometric: 1.1 ** 0.5
    assert at(toy, None, 2025).frame("cities")["population"][0] == pytest.approx(4e6 * 1.1**0.5)


def test_urban_people_never_exceed_people(toy: Region) -> None:
    cities = at(toy, None, 2030).frame("cities")
    assert (cities["urban_population"] <= cities["population"]).all()


def test_lines_are_open_from_their_year_and_run_at_the_speed_of_the_year(toy: Region) -> None:
    assert list(at(toy, None, 2009).frame("rail_lines")["id"]) == ["north"]
    assert set(at(toy, None, 2009).frame("rail_stops")["line"]) == {"north"}
    assert _line(at(toy, None, 2010), "east")["operating_kmh"] == 200
    assert _line(at(toy, None, 2015), "east")["operating_kmh"] == 240


def test_plan_changes_only_tables_and_only_from_its_years(toy: Region, toy_plan: Plan) -> None:
    before, after = at(toy, toy_plan, 2020), at(toy, toy_plan, 2030)
    assert before.hash == at(toy, None, 2020).hash
    # The link opens in 2025, two years late: in 2026 it is not there yet.
    assert "link" not in set(at(toy, toy_plan, 2026).frame("rail_lines")["id"])
    assert _line(after, "link")["opened"] == 2027
    assert _line(after, "north")["operating_kmh"] == 160
    assert _line(after, "north")["headway_min"] == 30
    assert _line(before, "north")["operating_kmh"] == 120
    roads = after.frame("road_times")
    assert sorted(zip(roads["from"], roads["to"], roads["minutes"], strict=True)) == [
        ("A", "D", 90),
        ("C", "D", 150),
        ("D", "A", 90),
        ("D", "C", 150),
    ]


def test_costs_are_booked_where_the_line_is_built(toy: Region, toy_plan: Plan) -> None:
    # 18 bn, half of the 180 km at either end, times the overrun of 1.5; the upgrade and the bridge in the region.
    built = at(toy, toy_plan, 2030).frame("investments").set_index(["measure", "place"])["cost"]
    assert built["link", "C"] == pytest.approx(13.5e9)
    assert built["link", "D"] == pytest.approx(13.5e9)
    assert built["faster-north", "region"] == pytest.approx(1.2e9)
    assert built["bridge", "region"] == pytest.approx(2.0e9)


def test_missing_km_is_the_great_circle_times_1_15(toy: Region, tmp_path) -> None:
    plan = _plan(
        tmp_path,
        "- {kind: rail_line, name: L, stops: [Ann, Cor], speed_kmh: 300, headway_min: 30, opens: 2025}\n",
    )
    stops = at(toy, plan, 2025).frame("rail_stops")
    assert stops[stops["line"] == "l"]["km"].tolist() == pytest.approx([0, 2 * 111.19508 * 1.15], rel=1e-6)


def test_new_station_is_added_and_shared(toy: Region, tmp_path) -> None:
    new = "{name: Mid, name_local: 中, lon: 1, lat: 0.5, city: Ben}"
    line = "- {{kind: rail_line, name: {}, stops: [{}, {}], speed_kmh: 300, headway_min: 30, opens: 2025}}\n"
    plan = _plan(tmp_path, line.format("One", "Ben", new) + line.format("Two", new, "Dee"))
    stations = at(toy, plan, 2025).frame("stations")
    assert stations.set_index("id").loc["mid", "city"] == "B"
    assert len(stations) == len(toy.frame("stations")) + 1


def test_cluster_names_all_its_cities(toy: Region) -> None:
    assert toy.names.cities(["cluster:core", "Dee", "A"]) == ("A", "B", "C", "D")


LINE = "- {kind: rail_line, name: L, stops: [Ann, Ben], speed_kmh: 300, headway_min: 30, opens: 2025}\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LINE.replace("Ben", "Bne"), "plan.yaml:3: no city is called 'Bne'; did you mean Ben?"),
        (LINE + LINE, "plan.yaml:4: another measure is called 'L'"),
        (LINE.replace("name: L", "name: East"), "plan.yaml:3: the line 'East' is there already"),
        (LINE.replace("Ben", "Ann"), "plan.yaml:3: stop 2 of 'L' repeats the one before"),
        (LINE.replace("300", "-3"), "plan.yaml:3: 'speed_kmh' input should be greater than 0"),
        (LINE.replace("300", ".nan"), "plan.yaml:3: 'speed_kmh' input should be a finite number"),
        (LINE.replace("[Ann, Ben]", "[Ann]"), "plan.yaml:3: 'stops'"),
        (LINE.replace("rail_line", "rail_lien"), "plan.yaml:3: is not a kind of measure"),
        (LINE.replace("}", ", opned: 2}"), "plan.yaml:3: 'opned' is not known here"),
        ("- {kind: delay, name: D, lines: all, years: 2}\n", "plan.yaml:3: 'D' matches no line that opens after 2020"),
        ("- {kind: overrun, name: D, lines: [Weast], factor: 2}\n", "no single line is called 'Weast'; did you mean"),
        ("- {kind: rail_upgrade, name: U, line: North line, opens: 2025}\n", "needs operating_kmh or headway_min"),
        ("- {kind: road_time, name: R, from: Ann, to: A, minutes: 5, opens: 2025}\n", "from a city to itself"),
    ],
)
def test_bad_measure_is_one_line_with_its_place(toy: Region, tmp_path, text: str, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        at(toy, _plan(tmp_path, text.replace("name: East,", "name: east,")), 2030)
    assert says.replace("'East'", "'east'") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not a mapping"),
        ("- a\n", "is not a mapping"),
        ("name: !!python/object/apply:os.system [ls]\n", "bad.yaml:1: could not determine a constructor"),
        ("name: P\nname: Q\n", "bad.yaml:2: the key 'name' stands twice"),
        ("a: &x [1]\nb: *x\n", "bad.yaml:2: aliases are not allowed"),
        ("name: [\n", "bad.yaml:2"),
        ("name: P\nyears: [2030, 2020]\n", "bad.yaml:2: 'years' must rise"),
        ("name: P\nmeasures: 3\n", "bad.yaml:2: 'measures' input should be a valid list"),
        ("name: P\nextends: nowhere/1\n", "there is no plan 'nowhere/1'"),
        ("a: " * 60, "bad.yaml:1"),
    ],
)
def test_bad_document_is_one_line_with_its_place(tmp_path, text: str, says: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        load_plan(path)
    assert says in str(caught.value)


def test_not_utf8_and_missing_files_are_said(tmp_path) -> None:
    path = tmp_path / "p.yaml"
    path.write_bytes("name: P".encode("utf-16"))
    with pytest.raises(BadInput, match=r"p\.yaml: is not UTF-8 text"):
        load_plan(path)
    with pytest.raises(BadInput, match="No such file"):
        load_plan(tmp_path / "none.yaml")


def test_plan_extends_another(toy: Region, tmp_path) -> None:
    (tmp_path / "one.yaml").write_text("name: One\nyears: [2030]\nmeasures:\n" + LINE, encoding="utf-8")
    late = f"name: Late\nextends: {tmp_path}/one.yaml\nmeasures:\n- {{kind: delay, name: D, lines: all, years: 3}}\n"
    (tmp_path / "late.yaml").write_text(late, encoding="utf-8")
    plan = load_plan(tmp_path / "late.yaml")
    assert plan.years == (2030,)
    assert _line(at(toy, plan, 2030), "l")["opened"] == 2028


def test_plan_that_extends_itself_is_refused(tmp_path) -> None:
    path = tmp_path / "me.yaml"
    path.write_text(f"name: Me\nextends: {path}\n", encoding="utf-8")
    with pytest.raises(BadInput, match="extends itself"):
        load_plan(path)


def test_hash_is_of_the_content_not_of_the_file(tmp_path) -> None:
    one, two = tmp_path / "a.yaml", tmp_path / "b.yaml"
    one.write_text("name: P\nmeasures:\n" + LINE, encoding="utf-8")
    two.write_text("# laid out differently\nmeasures:\n" + LINE + "name: P\n", encoding="utf-8")
    assert load_plan(one).hash == load_plan(two).hash
    two.write_text("name: P\nmeasures:\n" + LINE.replace("300", "301"), encoding="utf-8")
    assert load_plan(one).hash != load_plan(two).hash
