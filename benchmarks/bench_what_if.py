"""Insertion of a line into door-to-door minutes against the full solve, as ratios in one run.

Run as ``python benchmarks/bench_what_if.py`` (about two minutes; prints Markdown). Cities lie at random in a square of
nine degrees, each with a station, joined by high-speed lines, one for every ten cities, of twelve stops each along a
straight way, every 15, 30 or 60 minutes; one more is then built, from corner to corner of the square, every ten
minutes. scipy's full solve is that of the same network with the line, by Dijkstra's algorithm over all levels of
headway. Everything runs on one thread. The last rows are China with a line of its plan. The first frame is that of a
`mp.WhatIf` just made; it finds the minutes of the sites of the line, which the next frames have. Making it is a row of
its own: what no line changes (tables, indicators before, the eliminated network of every level) is worked out then.

Each time is the shortest of some runs (1 of SciPy at 3,000 cities, 3 of the full solves and first frames, 20 of the
next frames). Ratios are those of processor time, which other work on the machine does not stretch as it does the clock.
"""

import gc
import platform
import time

import numpy as np
import pandas as pd

import megalopolis as mp
from megalopolis.parameters import Parameters
from megalopolis.plan import Plan
from megalopolis.plan.measures import RailLine
from megalopolis.region import Region, RegionMeta
from megalopolis.travel import door
from megalopolis.travel.assemble import assemble

SIDE, STOPS, YEAR = 9.0, 12, 2020


def straight(points, start, end):
    """Cities nearest to a straight way."""
    way = np.linspace(points[start], points[end], STOPS)
    near = np.hypot(*(way[:, None] - points[None]).transpose(2, 0, 1)).argmin(axis=1)
    return near[np.r_[True, near[1:] != near[:-1]]]


def network(n, seed=0):
    """A region, and the line to be built."""
    rng = np.random.default_rng(seed)
    points = SIDE * rng.random((n, 2))
    id_ = [f"c{i}" for i in range(n)]
    place = {"id": id_, "name": id_, "lon": points[:, 0], "lat": points[:, 1]}
    cities = pd.DataFrame(
        {**place, "population": 10 ** rng.uniform(5, 7, n), "built_up_km2": 50.0, "main_station": id_}
    )
    lines, stops = [], []
    while len(lines) < n // 10:
        start, end = rng.integers(0, n, 2)
        if np.hypot(*(points[start] - points[end])) > SIDE / 5:
            line = straight(points, start, end)
            lines.append((f"l{len(lines)}", "hsr", 300.0, float(rng.choice([15, 30, 60]))))
            km = np.r_[0, 115 * np.hypot(*np.diff(points[line], axis=0).T).cumsum()]
            stops += [(lines[-1][0], i, id_[s], k) for i, (s, k) in enumerate(zip(line, km, strict=True), 1)]
    region = Region(RegionMeta(name="cities at random", currency="USD", base_year=YEAR), {}).replace(
        {
            "cities": cities,
            "stations": pd.DataFrame({**place, "city": id_}),
            "rail_lines": pd.DataFrame(lines, columns=["id", "kind", "speed_kmh", "headway_min"]).assign(
                name=lambda f: f["id"], opened=2000
            ),
            "rail_stops": pd.DataFrame(stops, columns=["line", "seq", "station", "km"]),
        }
    )
    corners = [np.hypot(*(points - corner).T).argmin() for corner in ((0, 0), (SIDE, SIDE))]
    called = tuple({"city": id_[s]} for s in straight(points, *corners))
    line = RailLine(kind="rail_line", name="Diagonal", stops=called, speed_kmh=350, headway_min=10, opens=YEAR)
    return region, line


def best(function, repeats, given=lambda: None):
    """Result of some calls, and the shortest time and processor time, seconds; what they are given is not timed."""
    clock, processor = [], []
    gc.collect()
    gc.disable()
    try:
        for _ in range(repeats):
            one = given()
            begin = time.perf_counter(), time.process_time()
            result = function(one)
            clock.append(time.perf_counter() - begin[0])
            processor.append(time.process_time() - begin[1])
    finally:
        gc.enable()
    return result, np.array([min(clock), min(processor)])


def solved(state, repeats, *, by_scipy=False):
    """Full solve from the graph on, and its seconds by the clock and of the processor."""
    own = Parameters.of(state.meta.parameters, {}).of_pillar("travel")
    net = assemble(state, own)
    nowhere = net.main.__class__(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    order = door.order_of
    if by_scipy:
        door.order_of = lambda _: None
    try:
        return best(lambda _: door.solve(net.rail, net.road, net.access, nowhere, net.boarding_min).minutes, repeats)
    finally:
        door.order_of = order


def report(region, line, year):
    """Rows of one network."""
    base = mp.evaluate(region, years=[year], only={"travel"}, draws=0)
    with_line = mp.at(region, Plan("line", (year,), (line.model_copy(update={"opens": year}),)), year)
    n = len(base.travel_times)
    reference, scipy_s = solved(with_line, 1 if n > 1000 else 3, by_scipy=True)
    _, full = solved(with_line, 3)
    _, made = best(lambda _: mp.WhatIf(base), 3)
    _, first = best(lambda ready: ready.insert(line), 3, lambda: mp.WhatIf(base))
    ready = mp.WhatIf(base)
    ready.insert(line)
    found, frame = best(lambda _: ready.insert(line), 20)
    known = np.isfinite(reference)
    error = np.abs(found.after[known] - reference[known]).max()
    changed = (found.after < found.before - 1e-3).mean()
    name = f"{region.name} ({n}), line of {len(line.stops)} stops"
    for method, seconds, off in (
        ("scipy Dijkstra, full solve", scipy_s, None),
        ("our full solve", full, None),
        ("made ready for any line", made, None),
        ("insertion, first frame", first, None),
        ("insertion, next frames", frame, error),
    ):
        worst, ms = "" if off is None else f"{off:.0e}", 1e3 * seconds
        times = f"{ms[0]:.1f} | {ms[1]:.1f} | {scipy_s[1] / seconds[1]:.0f}"
        print(f"| {name} | {changed:.0%} | {method} | {times} | {worst} |")


def main():
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, one thread\n")
    print("| network | pairs changed | method | ms | processor, ms | times scipy | largest difference, min |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    small = network(60, 1)
    mp.WhatIf(mp.evaluate(small[0], years=[YEAR], only={"travel"}, draws=0)).insert(small[1])  # compiled once
    for n in (340, 3000):
        report(*network(n), YEAR)
    plan = mp.load_plan("china/2035")
    line = max((m for m in plan.measures if m.kind == "rail_line"), key=lambda m: len(m.stops))
    report(mp.load_region("china"), line, 2025)


if __name__ == "__main__":
    main()
