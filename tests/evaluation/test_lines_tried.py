"""What if a line were built: every answer equals the full evaluation of a plan with the line."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import megalopolis as mp
from megalopolis.errors import BadInput
from megalopolis.plan import Plan
from megalopolis.plan.measures import RailLine
from megalopolis.travel import insertion
from megalopolis.travel.face import itinerary

YEAR = 2020
ROOT = Path(__file__).parents[2]


def region_of(toy, cities, stations, lines, stops, patterns=()):
    """Return the toy region with other cities and lines; patterns: id, line, minutes between trains, calls."""
    frame = pd.DataFrame(cities, columns=["id", "lon", "lat", "population"])
    frame = frame.assign(name=frame["id"], country="TOY", area_km2=1000.0, built_up_km2=frame["population"] / 1e4)
    placed = pd.DataFrame(stations, columns=["id", "lon", "lat", "city"])
    return toy.replace(
        {
            "cities": frame,
            "stations": placed.assign(name=placed["id"]),
            "rail_lines": pd.DataFrame(lines, columns=["id", "kind", "speed_kmh", "headway_min"]).assign(
                name=lambda f: f["id"], opened=2000
            ),
            "rail_stops": pd.DataFrame(stops, columns=["line", "seq", "station", "km"]),
            "rail_patterns": pd.DataFrame(
                [(id_, line, id_, every) for id_, line, every, _ in patterns],
                columns=["id", "line", "name", "headway_min"],
            ),
            "rail_pattern_calls": pd.DataFrame(
                [(id_, station) for id_, *_, calls in patterns for station in calls], columns=["pattern", "station"]
            ),
            **{name: toy.frame(name)[:0] for name in ("drivers", "rail_speeds", "barriers", "clusters_planned")},
            **{name: toy.frame(name)[:0] for name in ("road_times", "investments", "rides_published", "targets")},
            **{name: toy.frame(name)[:0] for name in ("flows", "industries")},
        },
    )


def evaluated(region, *lines):
    plan = Plan("tried", (YEAR,), lines) if lines else None
    return mp.evaluate(region, plan, years=[YEAR], only={"travel"}, draws=0)


def assert_equal(tried, evaluation):
    """Equal minutes and indicators; the worst difference of minutes is asserted well below 1e-3."""
    np.testing.assert_allclose(tried.after, evaluation.travel_times.to_numpy(), rtol=0, atol=1e-6)
    ledger = evaluation.ledger[evaluation.ledger["case"] == evaluation.last[0]].set_index(["indicator", "place"])
    for name, values in tried.city_values.items():
        expected = ledger["value"].reindex([(name, id_) for id_ in tried.ids]).to_numpy()
        np.testing.assert_allclose(values, expected, rtol=1e-9, err_msg=name)


@st.composite
def regions(draw):
    """A few near cities with stations in use and not, junction posts, lines that meet, part, call twice; patterns."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = int(rng.integers(2, 7))
    where = rng.uniform(0, rng.choice([0.6, 3.0]), (n, 2))
    cities = [(f"c{i}", *where[i], float(rng.choice([1e5, 1e6, 9e6]))) for i in range(n)]
    owner = [None if rng.random() < 0.15 else f"c{rng.integers(n)}" for _ in range(rng.integers(2, 10))]
    stations = []
    for i, city in enumerate(owner):
        at = rng.uniform(0, 3, 2) if city is None else where[int(city[1:])] + rng.normal(0, 0.15, 2)
        stations.append((f"s{i}", *at, city))
    lines, stops, patterns = [], [], []
    served = [f"s{i}" for i, city in enumerate(owner) if city is not None]
    for i in range(rng.integers(0, 6)):
        called = route(rng, len(stations))
        lines.append((f"l{i}", str(rng.choice(["hsr", "intercity", "conventional"])), *pace(rng)))
        km = np.cumsum(np.r_[0, rng.uniform(5, 200, called.size - 1)])
        stops += [(f"l{i}", q + 1, f"s{s}", k) for q, (s, k) in enumerate(zip(called, km, strict=True))]
        own = expresses(rng, [f"s{s}" for s in called if f"s{s}" in served], lines[-1][-1])
        patterns += [(f"l{i}p{q}", f"l{i}", every, calls) for q, (calls, every) in enumerate(own)]
    added = []
    for k, s in enumerate(route(rng, len(stations))):
        stop = {"station": f"s{s}"}
        if rng.random() < 0.25:
            at = rng.uniform(0, 3, 2)
            stop = {"name": f"n{k}", "lon": at[0], "lat": at[1], "city": rng.choice([None, f"c{rng.integers(n)}"])}
        added.append(stop | {"km": float(k * rng.uniform(20, 21))})
    speed, headway = pace(rng)
    kind = str(rng.choice(["hsr", "conventional"]))
    names = [s["name"] if "name" in s else s["station"] for s in added if s.get("city", s.get("station")) is not None]
    own = expresses(rng, [name for name in names if name.startswith("n") or name in served], headway)
    line = {"stops": added, "line_kind": kind, "speed_kmh": speed, "headway_min": headway}
    line["patterns"] = [{"name": f"p{i}", "stops": calls, "headway_min": every} for i, (calls, every) in enumerate(own)]
    return cities, stations, lines, stops, patterns, line


def expresses(rng, served, headway):
    """Up to three patterns of a line: where each calls, and minutes between its trains; at times all of the line's."""
    served = sorted(set(served))
    if len(served) < 2 or rng.random() < 0.3:
        return []
    count = int(rng.integers(1, 4))
    every = headway * (count if rng.random() < 0.3 else rng.choice([4, 7]))
    return [
        (rng.permutation(served)[: rng.integers(2, len(served) + 1)].tolist(), min(every, 1440.0)) for _ in range(count)
    ]


def route(rng, stations):
    called = rng.permutation(stations)[: rng.integers(2, 7)]
    if called.size > 2 and rng.random() < 0.4:
        called = np.r_[called, called[0]]
    return called


def pace(rng):
    return float(rng.choice([40, 120, 350])), float(rng.choice([10, 30, 60, 240]))


def as_measure(line):
    return RailLine(kind="rail_line", name="Line tried", opens=YEAR, **line)


@settings(max_examples=60, deadline=None)
@given(regions())
def test_an_inserted_line_equals_the_full_evaluation(toy, drawn):
    *tables, line = drawn
    region = region_of(toy, *tables)
    assert_equal(mp.what_if(evaluated(region), line), evaluated(region, as_measure(line)))


@settings(max_examples=30, deadline=None)
@given(regions())
def test_a_line_closed_and_put_in_again_changes_nothing(toy, drawn):
    *tables, line = drawn
    built = evaluated(region_of(toy, *tables), as_measure(line))
    ready = mp.WhatIf(built, without="Line tried")
    assert_equal(ready.closed(), evaluated(region_of(toy, *tables)))
    again = ready.insert(ready.line("Line tried"))
    np.testing.assert_allclose(again.after, again.before, rtol=0, atol=1e-6)


def test_a_network_that_fills_in_is_searched_by_dijkstra(toy, monkeypatch):
    region = region_of(toy, CITIES, STATIONS, *ACROSS)
    monkeypatch.setattr(insertion, "order_of", lambda _: None)
    ready = mp.WhatIf(evaluated(region))
    for stops in (AROUND["stops"][:2], AROUND["stops"]):  # sites that are new beside those that are known
        line = AROUND | {"stops": stops, "patterns": [{"name": "fast", "stops": ["P", "Q"], "headway_min": 60}]}
        assert_equal(ready.insert(line), evaluated(region, as_measure(line)))


#: Four cities 100 km apart; a line with a way around of 600 km in its middle, and a fast line across.
CITIES = [(c, 3.0 * i, 0.0, 1e6) for i, c in enumerate("PQRS")]
STATIONS = [(c.lower(), lon, 0.0, c) for c, lon, *_ in CITIES]
ACROSS = ([("across", "conventional", 300, 10)], [("across", 1, "q", 0), ("across", 2, "r", 100)])
AROUND = {
    "stops": [{"station": s, "km": km} for s, km in zip("pqrs", (0, 100, 1100, 1200), strict=True)],
    "speed_kmh": 300,
    "headway_min": 20,
}


def test_leaving_a_line_and_boarding_it_again(toy):
    """From P to S by the new line to Q, by the old one across, and by the new line again: staying on takes longer."""
    region = region_of(toy, CITIES, STATIONS, *ACROSS)
    tried, full = mp.what_if(evaluated(region), AROUND), evaluated(region, as_measure(AROUND))
    assert_equal(tried, full)
    legs = itinerary(full.state(), full.parameters.of_pillar("travel"), "P", "S")["legs"]
    assert [leg["line"] for leg in legs if leg["mode"] == "rail"] == ["Line tried", "across", "Line tried"]
    assert tried.minutes.loc["P", "S"] == pytest.approx(sum(leg["minutes"] for leg in legs))
    assert tried.after[0, 3] < tried.before[0, 3] - 60


def test_a_stop_more_or_fewer_another_speed_and_headway(toy):
    region = region_of(toy, CITIES, STATIONS, *ACROSS)
    ready = mp.WhatIf(evaluated(region, as_measure(AROUND)), without="Line tried")
    line = ready.line("Line tried")
    for changes in (
        {"stops": line.stops[:2] + line.stops[3:]},
        {"stops": (*line.stops, {"name": "Far", "lon": 10.0, "lat": 0.0, "km": 1400})},
        {"operating_kmh": 90.0},
        {"headway_min": 5.0},
    ):
        changed = RailLine.model_validate(line.model_dump() | changes)
        assert_equal(ready.insert(changed), evaluated(region, changed))


def test_points_serve_the_nearest_city_or_nobody(toy):
    region = region_of(toy, CITIES, STATIONS, [], [])
    tried = mp.what_if(evaluated(region), AROUND | {"stops": [(0.1, 0.0), (4.5, 0.0), (8.9, 0.1)]})
    assert [stop.city for stop in tried.line.stops] == ["P", None, "S"]
    rows = tried.indicators.set_index(["indicator", "place"])
    assert set(rows.loc["trains_per_day"].index) == {"P", "S"}
    assert rows.loc[("accessibility", "P"), "change"] > 0
    assert_equal(tried, evaluated(region, tried.line))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"stops": ["P", "Nowhere"], "speed_kmh": 300, "headway_min": 10}, "no city is called 'Nowhere'"),
        ({"stops": ["P"], "speed_kmh": 300, "headway_min": 10}, "stops"),
        ({"stops": ["P", "Q"], "speed_kmh": -1, "headway_min": 10}, "speed_kmh"),
        ({"stops": ["P", "Q"], "speed_kmh": 300}, "headway_min"),
        ({"stops": [(0, 0), (float("nan"), 1)], "speed_kmh": 300, "headway_min": 10}, "coordinates"),
        ({"stops": [(0, 0), (1, "x")], "speed_kmh": 300, "headway_min": 10}, "coordinates"),
        (None, "nothing to try"),
    ],
)
def test_bad_lines_are_named(toy, line, said):
    base = evaluated(region_of(toy, CITIES, STATIONS, *ACROSS))
    with pytest.raises(BadInput, match=said):
        mp.what_if(base, line)


def test_an_unknown_line_cannot_be_closed(toy):
    with pytest.raises(BadInput, match="no single line is called 'acros'"):
        mp.what_if(evaluated(region_of(toy, CITIES, STATIONS, *ACROSS)), without="acros")


def test_lines_of_the_plan_in_china():
    """Six lines of the plan, the Hainan ferry among them, each against the full evaluation."""
    region, plan = mp.load_region("china"), mp.load_plan("china/2035")
    base = mp.evaluate(region, years=[2025], only={"travel"}, draws=0)
    ready = mp.WhatIf(base)
    lines = [m for m in plan.measures if m.kind == "rail_line"]
    for line in [*lines[1:50:12], *(m for m in lines if m.name.startswith("Qiongzhou"))]:
        opened = Plan(line.name, (2025,), (line.model_copy(update={"opens": 2025}),))
        full = mp.evaluate(region, opened, only={"travel"}, draws=0)
        np.testing.assert_allclose(ready.insert(line).after, full.travel_times.to_numpy(), rtol=0, atol=1e-6)


def test_the_page_runs():
    """Every example of the page, in order; the reference pages say what the fields mean."""
    page = (ROOT / "docs" / "how-to" / "what-if.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for block in re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        exec(block, names)
    assert names["tried"].after.shape == names["evaluation"].travel_times.shape


@pytest.mark.parametrize("strait", [False, True])
def test_nobody_goes_over_a_strait_to_a_station(toy, strait):
    """P has no station of its own, and one 22 km away, across a strait or not; R is 100 km from there."""
    cities = [("P", 0.0, 0.0, 1e6), ("Q", 0.2, 0.0, 1e6), ("R", 1.1, 0.0, 1e6)]
    region = region_of(toy, cities, [("r", 1.1, 0.0, "R")], [], [])
    water = pd.DataFrame([("sound", 1, 0.1, -2.0), ("sound", 2, 0.1, 2.0)], columns=["barrier", "seq", "lon", "lat"])
    region = region.replace({"barriers": water}) if strait else region
    stops = [{"name": "q", "lon": 0.2, "lat": 0.0, "city": "Q", "km": 0}, {"station": "r", "km": 100}]
    line = {"stops": stops, "speed_kmh": 350, "headway_min": 10}
    tried, full = mp.what_if(evaluated(region), line), evaluated(region, as_measure(line))
    assert_equal(tried, full)
    assert np.isfinite(tried.after[0, 2]) != strait
