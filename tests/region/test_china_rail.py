"""Published lengths and opening years of the China pack's railway and its consistency, read as plain CSV."""

from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

PACK = files("megalopolis") / "region" / "packs" / "china"
OFFICIAL_HIGH_SPEED = {2021: 40_000, 2022: 42_000, 2023: 45_000, 2024: 48_000, 2025: 50_400}  # km, end of year
PUBLISHED_KM = [
    ("beijing-shanghai", "beijing-south", "shanghai-hongqiao", 1318),
    ("beijing-tianjin", "beijing-south", "tianjin", 120),
    ("shanghai-hangzhou", "shanghai-hongqiao", "hangzhou-east", 159),
    ("guangzhou-shenzhen-hsr", "guangzhou-south", "shenzhen-north", 102),
    ("wuhan-guangzhou", "wuhan", "changsha-south", 362),
    ("xiangyang-wanzhou", "xiangyang-east", "wanzhou-north", 434),
    ("shenyang-changbaishan", "shenyang-north", "changbaishan", 430),
    ("xian-yanan", "xian-north", "yanan", 299),
]
OPENED = {
    "qinhuangdao-shenyang": 2003,
    "hefei-nanjing": 2008,
    "beijing-tianjin": 2008,
    "wuhan-guangzhou": 2009,
    "ningbo-wenzhou": 2009,
    "shijiazhuang-taiyuan": 2009,
    "zhengzhou-xian": 2010,
    "shanghai-hangzhou": 2010,
    "shanghai-nanjing": 2010,
    "beijing-shanghai": 2011,
    "guangzhou-shenzhen-hsr": 2011,
    "harbin-dalian": 2012,
    "beijing-shijiazhuang": 2012,
    "hangzhou-ningbo": 2013,
    "nanjing-hangzhou": 2013,
    "xian-baoji": 2013,
    "xiamen-shenzhen": 2013,
    "hangzhou-changsha": 2014,
    "changsha-xinhuang": 2014,
    "lanzhou-urumqi": 2014,
    "guiyang-guangzhou": 2014,
    "xinhuang-guiyang": 2015,
    "chengdu-chongqing": 2015,
    "hefei-fuzhou": 2015,
    "shenzhen-futian": 2015,
    "guiyang-kunming": 2016,
    "zhengzhou-xuzhou": 2016,
    "xian-jiangyou": 2017,
    "baoji-lanzhou": 2017,
    "futian-hong-kong": 2018,
    "beijing-zhangjiakou": 2019,
    "leshan-guiyang": 2019,
    "ganzhou-shenzhen": 2021,
    "beijing-chengde": 2021,
    "shaoxing-taizhou": 2022,
    "fuzhou-zhangzhou": 2023,
    "tonglu-wenzhou": 2024,
    "shenyang-changbaishan": 2025,
}
NO_RAILWAY_IN_PACK = 40  # top-level units without a station: islands, Tibet, the upper Yellow River, some of the Corps


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    names = ("cities", "stations", "rail_lines", "rail_stops", "rail_speeds", "rides_published")
    codes = dict.fromkeys(("id", "parent", "city", "from", "to"), str)
    return {n: pd.read_csv(str(PACK / f"{n}.csv"), dtype=codes) for n in names}


@pytest.fixture(scope="module")
def legs(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Consecutive stops with their km along the line and their great-circle km."""
    stops = tables["rail_stops"].merge(tables["stations"][["id", "lon", "lat"]], left_on="station", right_on="id")
    stops = stops.sort_values(["line", "seq"])
    after = stops.groupby("line").shift(-1)
    out = stops[["line", "station"]].assign(to=after["station"], km=after["km"] - stops["km"])
    lon1, lat1, lon2, lat2 = (np.radians(x) for x in (stops["lon"], stops["lat"], after["lon"], after["lat"]))
    half = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    return out.assign(straight=2 * 6371 * np.arcsin(np.sqrt(half))).dropna()


def open_at(lines: pd.DataFrame, year: int) -> pd.DataFrame:
    return lines[(lines["opened"].fillna(0) <= year) & (lines["closed"].fillna(9999) > year)]


def component_of(tables: dict[str, pd.DataFrame], legs: pd.DataFrame, year: int) -> pd.Series:
    """Component of the network of a year that each station with a train belongs to."""
    used = legs[legs["line"].isin(open_at(tables["rail_lines"], year)["id"])]
    ids = pd.Index(pd.unique(used[["station", "to"]].to_numpy().ravel()))
    rows, cols = ids.get_indexer(used["station"]), ids.get_indexer(used["to"])
    graph = coo_matrix((np.ones(len(rows)), (rows, cols)), shape=(len(ids), len(ids)))
    return pd.Series(connected_components(graph, directed=False)[1], index=ids)


@pytest.mark.parametrize(("line", "start", "end", "km"), PUBLISHED_KM)
def test_published_lengths(tables: dict[str, pd.DataFrame], line: str, start: str, end: str, km: float) -> None:
    stops = tables["rail_stops"].set_index(["line", "station"])["km"][line]
    assert abs(stops[end] - stops[start]) == pytest.approx(km)


def test_opening_years_of_known_lines(tables: dict[str, pd.DataFrame]) -> None:
    opened = tables["rail_lines"].set_index("id")["opened"]
    assert {line: int(opened[line]) for line in OPENED} == OPENED


@pytest.mark.parametrize(("year", "official"), OFFICIAL_HIGH_SPEED.items())
def test_high_speed_length_against_the_communiques(tables: dict[str, pd.DataFrame], year: int, official: float) -> None:
    """Within 4 %: the tables count connecting lines and 200 km/h lines that the communiques may leave out."""
    lines = open_at(tables["rail_lines"], year)
    length = tables["rail_stops"].groupby("line")["km"].max()
    assert length[lines.loc[lines["kind"] == "hsr", "id"]].sum() == pytest.approx(official, rel=0.04)


def test_kilometres_rise_along_every_line(tables: dict[str, pd.DataFrame]) -> None:
    stops = tables["rail_stops"]
    assert stops.sort_values(["line", "seq"]).equals(stops)
    groups = stops.groupby("line")
    assert (groups["km"].first() == 0).all()
    assert (groups["km"].diff().dropna() > 0).all()
    assert (groups["seq"].diff().dropna() == 1).all()
    assert (groups.size() >= 2).all()
    assert not stops.duplicated(["line", "station"]).any()


def test_straight_lines_fit_the_kilometres(legs: pd.DataFrame) -> None:
    too_short = legs[legs["straight"] > 1.02 * legs["km"] + 0.5]
    too_long = legs[legs["straight"] < 0.5 * legs["km"] - 0.5]
    assert too_short.empty, too_short
    assert too_long.empty, too_long


def test_references_hold(tables: dict[str, pd.DataFrame]) -> None:
    stations, lines, cities = tables["stations"], tables["rail_lines"], tables["cities"]
    for frame, key in ((stations, "id"), (stations, "name"), (lines, "id"), (lines, "name"), (lines, "name_local")):
        assert frame[key].is_unique, key
    assert set(tables["rail_stops"]["station"]) == set(stations["id"])
    assert set(tables["rail_stops"]["line"]) == set(lines["id"])
    assert set(tables["rail_speeds"]["line"]) <= set(lines["id"])
    top = set(cities.loc[cities["parent"].isna(), "id"])
    assert set(stations["city"].dropna()) <= top
    assert set(cities["main_station"].dropna()) <= set(stations["id"])
    rides = tables["rides_published"]
    assert set(rides["from"]) | set(rides["to"]) <= top


def test_main_station_lies_in_its_city(tables: dict[str, pd.DataFrame]) -> None:
    where = tables["stations"].set_index("id")["city"]
    cities = tables["cities"].dropna(subset="main_station")
    assert (where[cities["main_station"]].to_numpy() == cities["id"].to_numpy()).all()
    main = cities.set_index("name")["main_station"]
    assert main[["Beijing", "Shanghai", "Guangzhou", "Shenzhen", "Chengdu", "Hong Kong"]].to_list() == [
        "beijing-south",
        "shanghai-hongqiao",
        "guangzhou-south",
        "shenzhen-north",
        "chengdu-east",
        "hong-kong-west-kowloon",
    ]


@pytest.mark.parametrize("year", [2015, 2021, 2025])
def test_cities_are_connected(tables: dict[str, pd.DataFrame], legs: pd.DataFrame, year: int) -> None:
    component = component_of(tables, legs, year)
    stations = tables["stations"].dropna(subset="city")
    stations = stations[stations["id"].isin(component.index)]
    per_city = component.loc[stations["id"].to_list()].groupby(stations["city"].to_numpy()).agg(set)
    mainland = component["beijing-south"]
    names = tables["cities"].set_index("id")["name"]
    apart = per_city.index[[mainland not in found for found in per_city]]
    assert names[apart].to_list() == []


def test_cities_without_a_station_are_few(tables: dict[str, pd.DataFrame]) -> None:
    cities = tables["cities"]
    top = cities.loc[cities["parent"].isna()]
    without = top[~top["id"].isin(tables["stations"]["city"])]
    assert len(without) <= NO_RAILWAY_IN_PACK
    assert without["population"].sum() < 0.02 * top["population"].sum()


def test_speeds(tables: dict[str, pd.DataFrame]) -> None:
    lines, speeds = tables["rail_lines"].set_index("id"), tables["rail_speeds"]
    assert (lines["operating_kmh"] <= lines["speed_kmh"]).all()
    assert (lines.loc[lines["kind"] == "hsr", "speed_kmh"] >= 160).all()
    last = speeds.groupby("line").last()["operating_kmh"]
    assert (last == lines.loc[last.index, "operating_kmh"]).all()
    first = speeds.groupby("line")["year"].first()
    opened = lines.loc[first.index, "opened"]
    assert (first[opened.notna()] <= opened.dropna()).all()
    conventional = speeds[speeds["line"].map(lines["kind"]) == "conventional"]
    at_2000 = conventional[conventional["year"] <= 2000].groupby("line").last()["operating_kmh"]
    assert at_2000.max() <= 120


def test_ids_are_slugs_of_the_english_names(tables: dict[str, pd.DataFrame]) -> None:
    stations = tables["stations"]
    assert stations["id"].is_monotonic_increasing
    slug = stations["name"].str.lower().str.replace("'", "").str.replace(r"[^a-z0-9]+", "-", regex=True)
    assert (slug.str.strip("-") == stations["id"]).all()
