"""The bundled plan china/2035, read as plain YAML and held against the tables of the china pack."""

import itertools
import math
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

import megalopolis

PACK = Path(megalopolis.__file__).parent / "region" / "packs" / "china"
PLAN = PACK / "plans" / "2035.yaml"
CORRIDORS = [f"{axis}{number}" for axis in "VH" for number in range(1, 9)]
SPEED_KMH = {"hsr": (200, 400), "intercity": (160, 250), "conventional": (160, 200)}
MISPLACED = {"shiyan-east"}  # some 60 km off in the pack's stations; the announced length is right
CHINA_LON, CHINA_LAT = (73.0, 136.0), (3.0, 54.0)


def measures():
    return yaml.safe_load(PLAN.read_text(encoding="utf-8"))["measures"]


def as_stop(stop):
    return {"city": stop} if isinstance(stop, str) else stop


def table(name):
    path = PACK / f"{name}.csv"
    if not path.exists():
        pytest.skip(f"{name}.csv of the china pack is absent")
    return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")


def great_circle_km(a, b):
    (lon1, lat1), (lon2, lat2) = (tuple(math.radians(x) for x in p) for p in (a, b))
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6371.0088 * math.asin(math.sqrt(h))


@pytest.fixture(scope="module")
def locate():
    """Return a function from a stop to (station id or new name, (lon, lat))."""
    cities = table("cities").set_index("name")
    stations = table("stations").set_index("id")

    def where(stop):
        stop = as_stop(stop)
        if "name" in stop:
            return stop["name"], (stop["lon"], stop["lat"])
        station = stop.get("station") or cities.loc[stop["city"], "main_station"]
        row = stations.loc[station]
        return station, (float(row["lon"]), float(row["lat"]))

    return where


def test_the_head_names_region_and_years():
    plan = yaml.safe_load(PLAN.read_text(encoding="utf-8"))
    assert plan["name"] == "China 2035"
    assert plan["names"] == {"zh": "中国2035"}
    assert plan["region"] == "china"
    assert plan["years"] == [2025, 2035]
    assert plan["description"].strip()


def test_at_least_25_lines_each_with_its_facts():
    lines = [m for m in measures() if m["kind"] == "rail_line"]
    assert len(lines) >= 25
    for m in lines:
        assert len(m["source"].split()) >= 5, m["name"]
        assert re.search(r"20[0-2]\d", m["source"]), f"{m['name']}: the source has no year"
        assert 2026 <= m["opens"] <= 2035, m["name"]
        if "ferry" not in m["name"]:
            low, high = SPEED_KMH[m.get("line_kind", "hsr")]
            assert low <= m["speed_kmh"] <= high, m["name"]
        assert 5 <= m["headway_min"] <= 240, m["name"]
        assert len(m["stops"]) >= 2, m["name"]
        assert m["status"] in {"sourced", "estimated", "assumed"}, m["name"]


def test_what_is_not_sourced_is_explained():
    for m in measures():
        if m["status"] != "sourced":
            assert re.search(r"estimated|assumed|[Oo]pening|year", m["note"]), m["name"]


def test_cost_is_a_number_of_yuan_plausible_per_km():
    for m in measures():
        if "cost" not in m:
            continue
        assert isinstance(m["cost"], float), f"{m['name']}: cost is read as {m['cost']!r}"
        km = as_stop(m["stops"][-1]).get("km")
        if km:
            assert 50e6 <= m["cost"] / km <= 600e6, m["name"]


def test_names_are_unique():
    for key in ("name", "name_local"):
        names = [m[key] for m in measures()]
        assert len(names) == len(set(names))


def test_every_corridor_has_its_missing_piece_or_is_listed_complete():
    covered = {m["corridor"] for m in measures() if "corridor" in m}
    head = PLAN.read_text(encoding="utf-8").split("name:", 1)[0]
    complete = set(re.findall(r"([VH]\d) complete", head))
    assert covered <= set(CORRIDORS)
    assert covered | complete == set(CORRIDORS)


def test_cities_of_stops_exist():
    names = set(table("cities")["name"])
    named = {stop["city"] for m in measures() for stop in map(as_stop, m["stops"]) if "city" in stop}
    assert named - names == set()


def test_stations_of_stops_exist_and_cities_named_alone_have_a_main_station():
    stations = set(table("stations")["id"])
    main = table("cities").set_index("name")["main_station"]
    for m in measures():
        for stop in map(as_stop, m["stops"]):
            if "station" in stop:
                assert stop["station"] in stations, f"{m['name']}: {stop['station']}"
            elif "name" not in stop:
                assert main[stop["city"]] in stations, f"{m['name']}: {stop['city']} has no main station"


def test_a_new_station_is_new_complete_and_the_same_wherever_it_is_named():
    existing = {name.removesuffix("站") for name in table("stations")["name_local"]}
    seen = {}
    for m in measures():
        for stop in map(as_stop, m["stops"]):
            if "name" not in stop:
                continue
            facts = {key: value for key, value in stop.items() if key != "km"}
            assert set(facts) == {"name", "name_local", "lon", "lat", "city"}, stop
            assert CHINA_LON[0] < stop["lon"] < CHINA_LON[1], stop
            assert CHINA_LAT[0] < stop["lat"] < CHINA_LAT[1], stop
            assert stop["name_local"].removesuffix("站") not in existing, f"{stop['name']} exists already"
            assert seen.setdefault(stop["name"], facts) == facts, stop["name"]


def test_a_new_station_lies_near_its_city():
    cities = table("cities").set_index("name")
    for m in measures():
        for stop in map(as_stop, m["stops"]):
            if "name" in stop:
                centre = tuple(cities.loc[stop["city"], ["lon", "lat"]].astype(float))
                far = great_circle_km((stop["lon"], stop["lat"]), centre)
                # Aba, Chongqing and Hulunbuir are the widest units that a stop names
                assert far < 250, f"{stop['name']} is {far:.0f} km from {stop['city']}"


def test_no_stop_twice_in_a_line(locate):
    for m in measures():
        places = [locate(stop)[0] for stop in m["stops"]]
        assert len(places) == len(set(places)), m["name"]


def test_km_is_cumulative_and_agrees_with_the_great_circle(locate):
    for m in measures():
        km = [as_stop(stop).get("km") for stop in m["stops"]]
        if all(x is None for x in km):
            continue
        assert km[0] == 0, m["name"]
        places, points = zip(*(locate(stop) for stop in m["stops"]), strict=True)
        if MISPLACED & set(places):
            continue
        for (k1, p1), (k2, p2) in itertools.pairwise(zip(km, points, strict=True)):
            leg, straight = k2 - k1, great_circle_km(p1, p2)
            assert 0.95 * straight <= leg <= 1.8 * straight, f"{m['name']}: {leg:.0f} km for {straight:.0f}"


def test_no_measure_repeats_a_line_of_the_pack(locate):
    lines = table("rail_lines").set_index("id")
    stops = table("rail_stops")
    stops["seq"] = stops["seq"].astype(int)
    ends = stops.sort_values(["line", "seq"]).groupby("line")["station"].agg(["first", "last"])
    speed = lines["speed_kmh"].astype(float)
    of_pack = {(frozenset(row), speed[line]): line for line, *row in ends.itertuples(name=None)}
    names = set(lines["name"]) | set(lines["name_local"])
    for m in measures():
        assert m["name"] not in names, m["name"]
        assert m["name_local"] not in names, m["name"]
        key = frozenset(locate(stop)[0] for stop in (m["stops"][0], m["stops"][-1])), float(m["speed_kmh"])
        assert key not in of_pack, f"{m['name']} has the ends and the speed of {of_pack.get(key)}"
