"""What the main job must show on the bundled region, asked the way a user asks."""

import pytest


def of(done):
    assert done.status == 0, done.err
    assert done.errors == []
    return done.document


def test_beijing_shanghai(quick, megalopolis):
    """The fastest trains take 4 h 18, the typical ones 4 h 30 to 6 h; the two are names, ids or Chinese names."""
    document = of(megalopolis("travel", "china", "Beijing", "Shanghai", "--json"))
    result = document["result"]
    assert result["from"] == {"id": "110100", "name": "Beijing", "name_local": "北京市"}
    assert result["to"]["name_local"] == "上海市"
    assert 250 <= result["ride_minutes"] <= 360
    assert result["ride_minutes"] + 60 <= result["minutes"] <= result["ride_minutes"] + 180
    assert result["trains_per_day"] >= 30
    assert all(list(leg) == ["mode", "line", "from", "to", "minutes"] for leg in result["legs"])
    assert sum(leg["minutes"] for leg in result["legs"]) == pytest.approx(result["minutes"])
    again = quick("travel", "china", "北京", "310100", "--json")
    assert again.document == document


def test_beijing_dalian_then_and_now(quick):
    """Published: about 12 h on conventional lines in 2000 (the model gives 11 h), 4 h 59 today."""
    then = of(quick("travel", "china", "北京", "大连", "--year", 2000, "--json"))
    now = of(quick("travel", "china", "北京市", "大连市", "--json"))["result"]
    assert then["year"] == 2000
    assert 600 <= then["result"]["ride_minutes"] <= 800
    assert now["ride_minutes"] <= 320
    assert now["minutes"] < then["result"]["minutes"]


def test_names_that_mislead(quick):
    """Two cities of one name, and a slip of the keys."""
    assert quick("travel", "china", "Taizhou", "Beijing").err == (
        "error: the name 'Taizhou' is borne by several cities: Taizhou (Jiangsu) (321200), "
        "Taizhou (Zhejiang) (331000); give the id\n"
    )
    slip = quick("travel", "china", "Beijng", "Shanghai")
    assert slip.status == 2
    assert slip.err.startswith("error: no city is called 'Beijng'; did you mean Beijing")
    one = quick("travel", "china", "Beijing")
    assert (one.status, one.err) == (2, "error: 'Beijing' is a city; name two cities, FROM and TO\n")


def test_five_signals(quick):
    """Railway km against its target, shares of the planned clusters; without draws, which these do not need."""
    found = of(quick("signals", "china", "--json", "--draws", 0))["result"]["signals"]
    signals = {s["signal"]: s for s in found}
    assert list(signals) == ["clusters", "megalopolis", "rail", "services", "pollution"]
    for signal in signals.values():
        assert all(signal[key] for key in ("change", "horizon", "driving_force", "indicators"))
        for row in signal["indicators"]:
            asked = {"id", "value", "low", "high", "unit", "case", "year", "target", "verdict", "status", "source"}
            assert asked <= set(row)
            assert row["value"] is not None or row["verdict"] == "not measurable yet"
    rail = {row["id"]: row for row in signals["rail"]["indicators"]}
    whole, fast = rail["route_km_all"], rail["route_km_high_speed"]
    assert (whole["target"], whole["target_year"], whole["unit"]) == (200_000, 2035, "km")
    assert 150_000 <= whole["value"] < 200_000
    assert (fast["target"], fast["target_year"]) == (70_000, 2035)
    assert whole["status"] == fast["status"] == "sourced"
    assert whole["verdict"] in {"on track", "behind"}
    assert whole["source"]
    rows = [row for row in signals["clusters"]["indicators"] if row["case"] == "baseline"]
    share = {row["id"]: row for row in rows}
    assert 0.5 <= share["share_gdp"]["value"] <= 0.6
    assert 0.4 <= share["share_urban_population"]["value"] <= 0.55
    assert share["clusters_established"]["target"] == 5
    assert share["share_gdp"]["label"] == "Share of GDP in the planned clusters, whole prefectures"


def test_clusters_are_the_same_bytes_on_every_run(megalopolis):
    first, second = (megalopolis("clusters", "china", "--json", PYTHONHASHSEED=seed) for seed in ("1", "2"))
    document = of(first)
    assert second.out == first.out
    planned = document["result"]["planned"]
    assert len(planned) == 5
    people = sum(p["population"] for p in planned)
    found = sum(p["population"] * p["jaccard"] for p in planned) / people
    by_chance = sum(p["population"] * p["baselines"]["random"] for p in planned) / people
    assert by_chance + 0.1 < found <= 1
    assert sum(p["jaccard"] for p in planned) / 5 >= 0.85  # of residents shared, with no knowledge of the membership
