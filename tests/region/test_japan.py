"""Published totals of the Japan pack and its consistency, read as plain CSV; its plans apply."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from megalopolis.plan import load_plan
from megalopolis.plan.apply import at
from megalopolis.region.inspect import check_region
from megalopolis.region.read import read_region

PACK = files("megalopolis") / "region" / "packs" / "japan"
TRACK_KM = {  # track length, MLIT
    "tokaido-shinkansen": 515.4,
    "joetsu-shinkansen": 269.5,
    "hokkaido-shinkansen": 148.8,
    "nishi-kyushu-shinkansen": 66.0,
    "tohoku-shinkansen-hachinohe": 96.6,
}
OPENED = {
    "tokaido-shinkansen": 1964,
    "sanyo-shinkansen-east": 1972,
    "sanyo-shinkansen-west": 1975,
    "joetsu-shinkansen": 1982,
    "tohoku-shinkansen": 1982,
    "hokuriku-shinkansen-kanazawa": 2015,
    "hokuriku-shinkansen-tsuruga": 2024,
    "nishi-kyushu-shinkansen": 2022,
}


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(PACK / f"{name}.csv", dtype={"id": str, "city": str, "from": str, "to": str})


def test_has_no_problems() -> None:
    report = check_region("japan")
    assert not report.problems
    assert not report.warnings
    assert all(row["unstated"] in {"0 %", "-"} for row in report.summary)


def test_residents_add_up_to_the_census() -> None:
    by_prefecture = table("cities").groupby("admin1")["population"].sum()
    assert len(by_prefecture) == 47
    assert by_prefecture.sum() == 126_146_099
    assert by_prefecture["Tokyo"] == 14_047_594
    assert by_prefecture["Okinawa"] == 1_467_480


def test_residents_of_every_prefecture(reference_data: Path) -> None:
    census = pd.read_csv(reference_data / "japan" / "jp_prefectures_pop1920_2020_gva2015.csv").set_index("pref_en")
    cities = table("cities").groupby("admin1")
    np.testing.assert_array_equal(cities["population"].sum(), census["pop_2020"].sort_index())
    added = census["gross_value_added_2015_mjpy"].sort_index() * 1e6
    known = added.notna()
    np.testing.assert_allclose(cities["gdp"].sum()[known], added[known], rtol=2e-3)


def test_value_added() -> None:
    cities = table("cities")
    by_prefecture = cities.groupby("admin1")["gdp"].sum(min_count=1)
    assert by_prefecture.sum() == pytest.approx(537.0e12, rel=1e-3)  # of 548.2 trn in the national table
    assert by_prefecture["Tokyo"] == pytest.approx(103.1e12, rel=1e-3)
    assert set(by_prefecture.index[by_prefecture.isna()]) == {"Ishikawa", "Fukui", "Nara", "Tottori", "Okinawa"}


def test_large_cities_are_at_least_themselves() -> None:
    people = table("cities").set_index("name")["population"]
    assert people["Tokyo"] == 9_733_276
    assert people["Osaka"] == 2_752_412
    assert people["Nagoya"] >= 2_332_176
    assert people.drop(["Tokyo"]).max() == people["Yokohama"] == 3_777_491


@pytest.mark.parametrize("line", TRACK_KM)
def test_length(line: str) -> None:
    stops = table("rail_stops")
    assert stops.loc[stops["line"] == line, "km"].max() == pytest.approx(TRACK_KM[line], abs=0.2)


def test_whole_sanyo_and_kyushu() -> None:
    length = table("rail_stops").groupby("line")["km"].max()
    assert length.filter(like="sanyo-shinkansen").sum() == pytest.approx(553.7, abs=0.3)
    assert length.filter(like="kyushu-shinkansen-").sum() == pytest.approx(256.8, abs=0.3)


def test_opening_years() -> None:
    opened = table("rail_lines").set_index("id")["opened"]
    assert opened[list(OPENED)].to_dict() == OPENED


def test_shinkansen_stations() -> None:
    fast = table("rail_lines").query("kind == 'hsr'")["id"]
    stops = table("rail_stops")
    assert stops.loc[stops["line"].isin(fast), "station"].nunique() == 103  # with Tokyo, Omiya ... once


def test_speeds_of_the_tokaido_shinkansen() -> None:
    speeds = table("rail_speeds").query("line == 'tokaido-shinkansen'").set_index("year")["operating_kmh"]
    assert speeds.to_dict() == {1964: 210, 1986: 220, 1992: 270, 2015: 285}


def test_rides() -> None:
    rides = table("rides_published")
    fast = rides[rides["class"] == "high-speed"]
    assert len(fast) >= 12
    assert (rides["use"] == "fit").sum() >= 6
    assert (rides["use"] == "held_out").sum() >= 6
    assert rides["source"].notna().all()


def test_history_grows() -> None:
    region, plan = read_region("japan"), load_plan("japan/history")
    count = [
        (at(region, plan, year).frame("rail_lines")["kind"] == "hsr").sum() for year in (1960, 1964, 1975, 1985, 2025)
    ]
    assert count == [0, 1, 3, 6, 15]


def test_plan_opens_its_lines() -> None:
    region, plan = read_region("japan"), load_plan("japan/2045")
    by_year = {y: set(at(region, plan, y).frame("rail_lines")["id"]) for y in (2025, 2035, 2039, 2045)}
    assert [len(by_year[y] - by_year[2025]) for y in (2035, 2039, 2045)] == [1, 2, 3]
    built = at(region, plan, 2045).frame("investments").groupby("measure")["cost"].sum()
    assert built.sum() == pytest.approx((11.0 + 3.6 + 2.315) * 1e12)


def test_industries_add_up_to_the_gdp_of_every_city() -> None:
    made = table("industries").groupby("city")["value_added"].sum()
    gdp = table("cities").set_index("id")["gdp"]
    np.testing.assert_allclose(made, gdp[made.index], rtol=1e-5)
    assert len(made) == gdp.notna().sum()


def test_industries_are_those_of_the_input_output_tables(reference_data: Path) -> None:
    tables = pd.read_csv(reference_data / "japan" / "jp_regional_io_12sector_2015.csv").set_index("AreaName")
    made = table("industries").merge(table("cities")[["id", "admin1"]], left_on="city", right_on="id")
    found = made[made["industry"] == "manufacturing"].groupby("admin1")["value_added"].sum()
    used = tables[[f"R{i}C3" for i in range(1, 13)]].sum(axis=1)
    share = ((tables["Y3"] - used) / tables["gross_value_added_2015_mjpy"])[found.index]
    whole = made.groupby("admin1")["value_added"].sum()
    np.testing.assert_allclose(found / whole, share, rtol=1e-4)
