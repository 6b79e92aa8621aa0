"""Published totals and the internal consistency of the China pack's tables of cities, read as plain CSV."""

from importlib.resources import files

import pandas as pd
import pytest

PACK = files("megalopolis") / "region" / "packs" / "china"
CODES = {"id": str, "parent": str, "city": str, "place": str}
HEADLINE = {  # census 2020
    "Shanghai": 24_870_895,
    "Beijing": 21_893_095,
    "Chongqing": 32_054_159,
    "Guangzhou": 18_676_605,
    "Shenzhen": 17_560_061,
    "Baoding": 11_544_036,
}
PROVINCES = {  # census 2020, persons
    "Hebei": 74_610_235,
    "Jilin": 24_073_453,
    "Anhui": 61_027_171,
    "Hubei": 57_752_557,
    "Guangdong": 126_012_510,
    "Hainan": 10_081_232,
    "Sichuan": 83_674_866,
    "Shaanxi": 39_528_999,
    "Xinjiang": 25_852_345,
}
PROVINCE_GDP = {  # 2021, bn CNY
    "Hebei": 4039.13,
    "Jiangsu": 11636.42,
    "Zhejiang": 7351.6,
    "Anhui": 4295.92,
    "Shandong": 8309.59,
    "Henan": 5888.74,
    "Guangdong": 12436.97,
    "Sichuan": 5385.08,
    "Tibet": 208.02,
    "Xinjiang": 1598.37,
}
PROVINCE_AREA = {  # thousand km2
    "Hebei": 188.8,
    "Inner Mongolia": 1183,
    "Heilongjiang": 454.8,
    "Anhui": 140.1,
    "Hunan": 211.8,
    "Guangdong": 179.7,
    "Sichuan": 486.0,
    "Tibet": 1228.4,
    "Gansu": 425.9,
    "Xinjiang": 1664.9,
}
ANHUI_GDP = {
    "Hefei": 1141.28,
    "Wuhu": 430.26,
    "Chuzhou": 336.21,
    "Fuyang": 307.15,
    "Anqing": 265.69,
    "Ma'anshan": 243.93,
}
USUAL_NAMES = [
    *(
        "Suzhou",
        "Suzhou (Anhui)",
        "Taizhou (Jiangsu)",
        "Taizhou (Zhejiang)",
        "Fuzhou",
        "Xi'an",
        "Xiangyang",
        "Lu'an",
    ),
    *("Ordos", "Hohhot", "Urumqi", "Lhasa", "Shigatse", "Hong Kong", "Macao"),
]
CLUSTERS = {"jing-jin-ji": 13, "yangtze-delta": 27, "pearl-delta": 11, "cheng-yu": 16, "middle-yangtze": 31}


def table(name):
    with (PACK / f"{name}.csv").open(encoding="utf-8") as handle:
        return pd.read_csv(handle, dtype=CODES)


@pytest.fixture(scope="module")
def cities():
    return table("cities")


@pytest.fixture(scope="module")
def mainland(cities):
    return cities[cities["parent"].isna() & (cities["country"] == "CHN")]


def test_ids_and_names_are_unique_and_sorted(cities):
    assert cities["id"].str.fullmatch(r"[1-8]\d{5}").all()
    assert cities["id"].is_monotonic_increasing
    for column in ("id", "name", "name_local"):
        assert cities[column].notna().all()
        assert cities[column].is_unique
    assert cities["name"].str.isascii().all()


@pytest.mark.parametrize("name", USUAL_NAMES)
def test_usual_english_names(cities, name):
    assert (cities["name"] == name).sum() == 1


def test_namesakes_lie_in_the_province_they_name(cities):
    province = cities.set_index("name")["admin1"]
    assert province["Suzhou"] == "Jiangsu"
    assert province["Fuzhou"] == "Fujian"
    named = cities["name"].str.extract(r"\((.+)\)")[0]
    assert (named.dropna() == cities.loc[named.notna(), "admin1"]).all()


def test_parents_exist_and_hold_their_children(cities):
    children = cities[cities["parent"].notna()].set_index("name")
    assert set(children.index) == {"Qingpu", "Wujiang", "Jiashan"}
    parents = cities.set_index("id").loc[children["parent"]]
    assert parents["parent"].isna().all()
    assert (children["population"].to_numpy() < parents["population"].to_numpy()).all()
    assert (children["area_km2"].to_numpy() < parents["area_km2"].to_numpy()).all()


def test_coverage(cities, mainland):
    assert mainland["id"].str.endswith("00").sum() == 337
    assert mainland["gdp"].notna().sum() >= 325
    assert mainland["population"].notna().all()
    assert cities["area_km2"].notna().all()


@pytest.mark.parametrize("name", HEADLINE)
def test_census_of_the_great_cities(cities, name):
    assert cities.set_index("name").loc[name, "population"] == HEADLINE[name]


@pytest.mark.parametrize("name", PROVINCES)
def test_census_of_provinces_to_the_person(mainland, name):
    assert mainland.loc[mainland["admin1"] == name, "population"].sum() == PROVINCES[name]


def test_census_of_the_mainland_without_servicemen(mainland):
    assert mainland["population"].sum() == 1_411_778_724 - 2_000_000


def test_urban_residents(mainland):
    assert (mainland["urban_population"] <= mainland["population"]).all()
    assert mainland["urban_population"].sum() / mainland["population"].sum() == pytest.approx(0.6389, abs=0.002)


def test_gdp_of_cities(cities):
    gdp = cities.set_index("name")["gdp"] / 1e9
    assert gdp["Beijing"] == pytest.approx(4027.0, rel=1e-3)
    assert gdp["Shanghai"] == pytest.approx(4321.5, rel=1e-3)
    for name, value in ANHUI_GDP.items():
        assert gdp[name] == pytest.approx(value, rel=1e-3)


def test_gdp_of_the_mainland(mainland):
    assert 112.8e12 < mainland["gdp"].sum() < 114.93e12


@pytest.mark.parametrize("name", PROVINCE_GDP)
def test_gdp_of_provinces(mainland, name):
    total = mainland.loc[mainland["admin1"] == name, "gdp"].sum() / 1e9
    assert total == pytest.approx(PROVINCE_GDP[name], rel=0.008)


def test_gdp_per_resident_is_plausible(cities):
    ratio = (cities["gdp"] / cities["population"]).dropna()
    assert ratio.between(10_000, 350_000).all()


def test_area(mainland):
    assert mainland["area_km2"].sum() == pytest.approx(9.6e6, rel=0.005)
    totals = mainland.groupby("admin1")["area_km2"].sum() / 1000
    for name, value in PROVINCE_AREA.items():
        assert totals[name] == pytest.approx(value, rel=0.01), name


def test_built_up_area(mainland):
    assert mainland["built_up_km2"].sum() == pytest.approx(124_900, rel=0.002)
    assert (mainland["built_up_km2"] < 0.5 * mainland["area_km2"]).all()
    crowding = mainland["urban_population"] / mainland["built_up_km2"]
    assert crowding.dropna().between(5_000, 20_000).all()


def test_a_unit_lies_near_the_others_of_its_province(cities):
    grouped = cities.groupby("admin1")
    for column, limit in {
        "lon": 14.0,
        "lat": 9.0,
    }.items():  # Inner Mongolia spans 24 degrees, Hainan reaches Sansha
        assert (cities[column] - grouped[column].transform("median")).abs().max() < limit
    small = cities[cities["admin1"].isin(["Jiangsu", "Zhejiang", "Anhui", "Fujian", "Jiangxi", "Ningxia", "Guizhou"])]
    spread = small.groupby("admin1")
    for column in ("lon", "lat"):
        assert (small[column] - spread[column].transform("median")).abs().max() < 3.0


def test_planned_clusters(cities):
    planned = table("clusters_planned")
    assert planned.groupby("cluster").size().to_dict() == CLUSTERS
    assert not planned.duplicated(["cluster", "city"]).any()
    known = cities[cities["parent"].isna()].set_index("id")["population"]
    assert planned["city"].isin(known.index).all()
    inside = planned[planned["population"].notna()]
    assert (inside["membership"] == "partial").all()
    assert (inside["population"].to_numpy() < known.loc[inside["city"]].to_numpy()).all()
    chongqing = planned.set_index("city").loc["500100"]
    assert chongqing["population"] == pytest.approx(25.75e6, rel=1e-3)


def test_sectors_add_up_to_gdp(cities):
    industries = table("industries")
    assert set(industries["industry"]) == {"primary", "secondary", "tertiary"}
    assert not industries.duplicated(["city", "industry"]).any()
    total = industries.groupby("city")["value_added"].sum()
    assert len(total) >= 300
    gdp = cities.set_index("id")["gdp"].loc[total.index]
    assert (total / gdp - 1).abs().max() < 0.01
    shares = industries.groupby("industry")["value_added"].sum() / total.sum()
    assert shares["primary"] == pytest.approx(0.073, abs=0.01)  # national accounts 2021: 7.3, 39.4, 53.3 %
    assert shares["secondary"] == pytest.approx(0.394, abs=0.01)


def test_drivers(cities):
    drivers = table("drivers")
    assert not drivers.duplicated(["place", "year", "variable"]).any()
    known = set(cities["id"]) | set(cities["admin1"]) | set(cities["country"])
    assert set(drivers["place"]) <= known
    people = drivers[drivers["variable"] == "population"].set_index(["place", "year"])["value"]
    top = cities[cities["parent"].isna() & (cities["country"] == "CHN")].set_index("id")
    assert (people.xs(2020, level="year").loc[top.index] == top["population"]).all()
    old = people.xs(2010, level="year")
    assert old[old.index.isin(top.index)].sum() == pytest.approx(1_332_810_869, rel=1e-4)  # 31 provinces, census 2010
    assert drivers.loc[drivers["variable"] == "urban_share", "value"].between(0, 1).all()
    spans = (
        drivers[drivers["place"].isin(set(top["admin1"]))].groupby(["variable", "place"])["year"].agg(["min", "max"])
    )
    for variable, first, last in (
        ("population", 2000, 2060),
        ("productivity", 2020, 2060),
        ("urban_share", 2020, 2050),
    ):
        assert len(spans.loc[variable]) == 31
        assert (spans.loc[variable, "min"] == first).all()
        assert (spans.loc[variable, "max"] == last).all()


@pytest.mark.parametrize(("year", "total"), [(2000, 1_242_612_226), (2010, 1_332_810_869), (2020, 1_409_778_724)])
def test_censuses_of_the_provinces(mainland, year, total):
    drivers = table("drivers")
    rows = drivers[(drivers["variable"] == "population") & (drivers["year"] == year)].set_index("place")["value"]
    assert rows.loc[mainland["admin1"].unique()].sum() == total


def test_urban_shares_of_provinces_give_the_national_path(mainland):
    drivers = table("drivers").set_index(["variable", "year", "place"])["value"].sort_index()
    provinces = mainland["admin1"].unique()
    for year in (2030, 2035, 2050):
        people = drivers["population", year].loc[provinces]
        urban = (drivers["urban_share", year].loc[provinces] * people).sum() / people.sum()
        assert urban == pytest.approx(drivers["urban_share", year, "CHN"], abs=1e-4)


def test_people_of_a_province_are_those_of_its_units(mainland):
    drivers = table("drivers")
    rows = drivers[(drivers["variable"] == "population") & (drivers["year"] == 2020)].set_index("place")["value"]
    totals = mainland.groupby("admin1")["population"].sum()
    assert (rows.loc[totals.index] == totals).all()


def test_targets():
    targets = table("targets").set_index("indicator")
    assert targets.index.is_unique
    values = targets["value"].to_dict()
    assert values["route_km_all"] == 200_000
    assert values["route_km_high_speed"] == 70_000
    assert values["corridors"] == 16
    assert values["clusters_established"] == 5
    assert (values["emissions_peak_year"], values["neutrality_year"]) == (2030, 2060)
    assert targets["source"].notna().all()


def test_route_length():
    lengths = table("route_length").pivot_table(index="year", columns="kind", values="km")
    assert lengths.loc[2021, "all"] == 150_700
    assert lengths.loc[2024].to_dict() == {"all": 162_000, "high_speed": 48_000}
    for kind in ("all", "high_speed"):
        assert lengths[kind].dropna().is_monotonic_increasing
    both = lengths.dropna()
    assert (both["high_speed"] < both["all"]).all()


def test_every_column_has_a_source(cities):
    sources = table("sources")
    assert set(sources["status"]) <= {"sourced", "measured", "estimated", "assumed"}
    stated = set(zip(sources["table"], sources["column"], strict=True))
    for name in ("cities", "clusters_planned", "drivers", "route_length", "targets"):
        filled = table(name).drop(columns="main_station", errors="ignore").dropna(axis="columns", how="all")
        assert {(name, column) for column in filled} <= stated
    for row in sources.loc[sources["table"] == "cities", "rows"].dropna():
        column, _, value = row.partition("=")
        assert (cities[column] == value).any(), row
