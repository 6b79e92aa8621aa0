"""The China pack's rivers against published figures and against themselves, read as plain CSV."""

from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

PACK = files("megalopolis") / "region" / "packs" / "china"
CODES = {"id": str, "city": str, "parent": str}
#: National discharge of 2017, Mt (second national survey of pollution sources).
NATION = {"cod": 21.44, "nh3n": 0.9634, "tn": 3.0414, "tp": 0.3154}
NATION_PEOPLE = 1_409_778_724


def table(name):
    with (PACK / f"{name}.csv").open(encoding="utf-8") as handle:
        return pd.read_csv(handle, dtype=CODES)


@pytest.fixture(scope="module")
def reaches():
    return table("reaches").set_index("id")


@pytest.fixture(scope="module")
def links():
    return table("reach_links")


@pytest.fixture(scope="module")
def discharges():
    return table("discharges")


def test_the_basins_and_lakes_are_there(reaches):
    assert len(reaches) >= 60
    names = " ".join(reaches["name"])
    for name in ("Lake Tai", "East Dongting", "Poyang Lake", "Chaohu Lake", "Qiandao Lake", "Danjiangkou Reservoir"):
        assert name in names
    rivers = set(reaches.index.str.partition("-").get_level_values(0))
    assert rivers >= {
        "yz",
        "jl",
        "wu",
        "han",
        "xiang",
        "zi",
        "yuan",
        "li",
        "gan",
        "taipu",
        "hp",
        "xa",
        "qt",
        "xi",
        "bei",
        "dong",
    }
    lakes = reaches[reaches["kind"] == "lake"]
    assert lakes[["volume_m3", "area_km2"]].gt(0).all(axis=None)
    rivers = reaches[reaches["kind"] == "river"]
    assert rivers[["length_km", "velocity_ms", "depth_m"]].gt(0).all(axis=None)
    assert reaches["temperature_c"].between(10, 25).all()


def test_length_of_the_yangtze(reaches):
    stem = reaches[reaches.index.str.startswith("yz-") & (reaches.index != "yz-north")]
    # waterway from Yibin to Yichang 1,044 km, to Wuhan 626, to Shanghai 1,125; the sea some 45 further
    assert stem["length_km"].sum() == pytest.approx(1044 + 626 + 1125 + 45, rel=0.06)
    assert reaches.loc["yz-zhutuo":"yz-yichang", "length_km"].drop("yz-zhutuo").sum() == pytest.approx(820, rel=0.1)


def test_lines_join_and_stay_in_china(reaches, links):
    points = table("reach_points")
    assert set(points["reach"]) == set(reaches.index[reaches["kind"] == "river"])
    assert points.groupby("reach").size().min() >= 2
    assert points["lon"].between(101, 123).all()
    assert points["lat"].between(21, 34).all()
    ends = points.groupby("reach")[["lon", "lat"]].agg(["first", "last"])
    joined = links[links["from"].isin(ends.index) & links["to"].isin(ends.index)]
    gap = np.hypot(
        ends["lon"]["last"][joined["from"]].to_numpy() - ends["lon"]["first"][joined["to"]].to_numpy(),
        ends["lat"]["last"][joined["from"]].to_numpy() - ends["lat"]["first"][joined["to"]].to_numpy(),
    )
    follows = joined["from"].str.partition("-")[0].to_numpy() == joined["to"].str.partition("-")[0].to_numpy()
    assert np.median(gap[follows]) < 0.05


def test_shares_sum_to_one_but_where_water_is_led_away(reaches, links):
    shares = links.groupby("from")["fraction"].sum()
    assert shares.max() < 1 + 1e-3
    assert set(shares.index[shares < 0.998]) == {"han-danjiangkou", "yz-zhenjiang", "dong-shilong", "th-lake"}
    outlets = set(reaches.index) - set(links["from"])
    assert outlets == {
        *(
            "yz-north",
            "yz-mouth",
            "jx-nanpai",
            "caoe-mouth",
            "qt-mouth",
            "tan-yamen",
            "gz-humen",
            "sz-mouth",
            "mz-gonghe",
        ),
        *("xi-modaomen", "xi-jitimen", "xi-hutiaomen", "bei-hongqili", "bei-jiaomen"),
    }


def test_water_is_conserved_at_every_junction(reaches, links, discharges):
    inflow = links.assign(water=links["fraction"] * links["from"].map(reaches["flow_m3s"])).groupby("to")["water"].sum()
    joins = discharges.groupby("reach")["volume_m3d"].sum() / 86400
    total = inflow.reindex(reaches.index, fill_value=0.0) + joins.reindex(reaches.index, fill_value=0.0)
    np.testing.assert_allclose(total, reaches["flow_m3s"], rtol=0.01)
    assert (reaches["low_flow_m3s"] < reaches["flow_m3s"]).all()


def test_flow_where_no_gauge_fixes_it(reaches):
    flow = reaches["flow_m3s"]
    assert flow["yz-zhutuo"] == pytest.approx(8_390, rel=0.02)  # Zhutuo, between Yibin and Yichang
    assert flow["yz-cuntan"] == pytest.approx(10_880, rel=0.02)  # Cuntan, below the Jialing
    assert flow["yz-luoshan"] == pytest.approx(20_300, rel=0.03)  # Luoshan, below Lake Dongting
    assert 0.962 * flow["yz-taipingkou"] == pytest.approx(12_400, rel=0.02)  # Shashi, below the Hudu
    assert flow["yz-datong"] == pytest.approx(905.1e9 / (365.25 * 86400), rel=0.02)  # 1950 to 2000, bulletin of 2000
    assert flow["yz-yichang"] == pytest.approx(14_280, rel=0.06)  # 1877 to 1986, Global Runoff Data Centre
    assert flow["yz-baihushan"] == pytest.approx(23_390, rel=0.06)  # 1865 to 1986, the same: Hankou
    assert flow["qian-guiping"] == pytest.approx(4_100, rel=0.02)  # the Qian at its mouth, Wikipedia in Chinese
    arms = ["xi-modaomen", "xi-jitimen", "xi-hutiaomen", "bei-hongqili", "bei-jiaomen", "gz-humen", "tan-yamen"]
    assert flow[arms].sum() == pytest.approx(10_360, rel=0.1)  # the Pearl's mouths, 326 bn m3 a year
    sanshui = flow["bei-delta"] / (flow["bei-delta"] + flow["xi-gulao"])
    assert 0.167 < sanshui < 0.23  # Huang Chang et al. 2022: share of the Bei at Sanshui in the 1990s


def test_sections_stand_on_reaches_and_were_observed(reaches):
    sections, observed = table("sections"), table("observations")
    assert len(sections) >= 150
    assert sections["reach"].isin(reaches.index).all()
    assert sections["city"].isin(table("cities")["id"]).all()
    assert set(observed["section"]) <= set(sections["id"])
    assert not observed.duplicated(["section", "date", "parameter"]).any()
    assert observed["date"].str.startswith("2026-02-04").all()
    aimed = sections["target"].notna()
    stem = aimed & sections["reach"].str.startswith("yz-")
    assert set(sections.loc[stem, "target"]) == {"II"}  # action plan of 2022
    documented = table("sources").query("table == 'sections' and column == 'target'")["rows"].dropna()
    assert set("id=" + sections.loc[aimed & ~stem, "id"]) == set(documented)  # every other target names its document
    assert sections.loc[aimed & ~stem, "target"].value_counts().to_dict() == {"III": 7, "II": 5, "IV": 1}


def test_discharges_add_up_to_the_national_totals(discharges):
    cities = table("cities").set_index("id")
    inside = discharges.dropna(subset=["city"])
    people = cities.loc[inside["city"].unique(), "population"].sum()
    share = people / NATION_PEOPLE
    arrives = np.where(inside["sector"].isin(["untreated", "farming"]), 0.2, 1.0)  # SOURCES.md
    for pollutant, total in NATION.items():
        whole = arrives if pollutant != "tn" else 1.0
        found = (inside["volume_m3d"] * inside[pollutant] / whole).sum() * 365.25 / 1e12
        assert found == pytest.approx(share * total, rel=0.3), pollutant


def test_every_city_discharges_at_most_all_of_it(discharges):
    levels = table("treatment_levels")
    assert set(discharges["level"].dropna()) <= set(levels["id"])
    assert levels["role"].value_counts().to_dict() == {"floor": 1, "common": 1}
    assert discharges["volume_m3d"].gt(0).all()
    planned = table("clusters_planned")
    part = set(planned["city"]) & set(discharges["city"])
    assert len(part) >= 75  # of 98; the others lie on other rivers or the sea


def test_air_quality_of_the_planned_cities():
    air = table("air_quality")
    assert not air.duplicated(["city", "year", "pollutant", "statistic"]).any()
    assert set(air["pollutant"]) == {"pm25"}
    assert air["value"].between(15, 110).all()
    assert air["source"].notna().all()
    latest = air.sort_values("year").groupby("city")["value"].last()
    planned = set(table("clusters_planned")["city"])
    assert planned - set(latest.index) == {"820000"}  # all but Macao, as SOURCES.md says
    assert len(planned & set(air.loc[air["status"] == "sourced", "city"])) == 61
    assert set(air["status"]) == {"sourced", "measured", "estimated"}
    unread = air["source"].str.contains("not read|general knowledge|is missing|times the limit")
    assert (unread == (air["status"] == "estimated")).all()  # what was not read, or is not a whole year, says so
    hubei = latest[latest.index.str.startswith("42")]
    assert hubei.mean() == pytest.approx(37, abs=3)  # mean of its 17 cities in 2023, among them three cleaner ones
    beijing = air[air["city"] == "110100"].set_index("year")["value"]
    assert beijing[2013] > 3 * beijing[2024]


def test_every_column_has_a_source():
    sources = table("sources")
    stated = set(zip(sources["table"], sources["column"], strict=True))
    for name in (
        "reaches",
        "reach_links",
        "reach_points",
        "sections",
        "observations",
        "discharges",
        "treatment_levels",
        "air_quality",
    ):
        for column in table(name).columns:
            assert (name, column) in stated, (name, column)
