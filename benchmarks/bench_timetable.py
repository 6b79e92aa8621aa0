"""Minutes by timetable, all pairs, median over three hours: the kernel against the plain profile scan, in one run.

Run as ``python benchmarks/bench_timetable.py`` (some minutes; prints Markdown). The plain scan is the one of the tests:
one profile scan per target, compiled, on one thread, and the median over every minute of departure sorted out pair by
pair; on the real trains it is timed uncompiled too, on three targets. The kernel runs on one thread and on all that it
takes; once with what it prepares for a timetable at hand, as for a second window, and once with nothing at hand. With
MEGALOPOLIS_REFERENCE_DATA set, on the trains of 10 March 2016; always on random feeds: trains along straight ways
between stations at random in a square.

All take turns, and each time is the shortest of its turns: 3 of the plain scan, 30 of each of the others. Processor
time is that of all threads together; it says more than the clock where other work is on the machine.
"""

import gc
import importlib.util
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from megalopolis.travel import timetable as kernel
from megalopolis.travel.timetable import Footpaths, Timetable, travel_minutes

MORNING = (420, 600)
ROOT = Path(__file__).parents[1]


def module(path):
    spec = importlib.util.spec_from_file_location(path.stem, ROOT / path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def random_feed(stations, trains, seed=0):
    """Trains of 6 to 14 calls at 200 km/h between 5:30 and 22:00, some five trains of the same way a day."""
    rng = np.random.default_rng(seed)
    points = 1000 * rng.random((stations, 2))
    ways = []
    while len(ways) < trains // 10:
        start, end = rng.integers(0, stations, 2)
        gap = np.hypot(*(points[start] - points[end]))
        if gap > 200:
            line = np.linspace(points[start], points[end], int(rng.integers(6, 15)))
            near = np.hypot(*(line[:, None] - points[None]).transpose(2, 0, 1)).argmin(axis=1)
            stops = near[np.r_[True, near[1:] != near[:-1]]]
            ways += [stops, stops[::-1]]
    trip, stop, arrive, depart = [], [], [], []
    for z in range(trains):
        stops = ways[rng.integers(len(ways))]
        km = np.hypot(*(points[stops[1:]] - points[stops[:-1]]).T)
        ride = np.ceil(60 * km / 200).astype(int)
        dwell = rng.integers(1, 4, stops.size)
        leave = rng.integers(330, 1320) + np.r_[0, np.cumsum(ride + dwell[1:])]
        trip += [z] * stops.size
        stop += stops.tolist()
        depart += leave.tolist()
        arrive += (leave - dwell).tolist()
    return Timetable(stations, trip, stop, arrive, depart, np.full(stations, 10))


def best(function, repeats):
    """Result of some calls, and the shortest time and processor time, ms."""
    clock, processor = [], []
    gc.collect()
    gc.disable()
    try:
        for _ in range(repeats):
            begin = time.perf_counter(), time.process_time()
            result = function()
            clock.append(time.perf_counter() - begin[0])
            processor.append(time.process_time() - begin[1])
    finally:
        gc.enable()
    return result, 1e3 * np.array([min(clock), min(processor)])


def ours(timetable, *, threads=None, anew=False):
    """The kernel, with a number of threads, with or without what is prepared."""
    every, kernel.THREADS = kernel.THREADS, threads or kernel.THREADS
    if anew:
        vars(timetable).pop("prepared", None)
    try:
        return travel_minutes(timetable, MORNING)
    finally:
        kernel.THREADS = every


def peak_mb():
    """Peak memory of the process since it was last cleared (Linux)."""
    return next(int(line.split()[1]) for line in Path("/proc/self/status").open() if line.startswith("VmHWM")) / 1024


WAYS = (
    ("prepared, one thread", {"threads": 1}),
    (f"prepared, {kernel.THREADS} threads", {}),
    ("not prepared, one thread", {"threads": 1, "anew": True}),
    (f"not prepared, {kernel.THREADS} threads", {"anew": True}),
)


def rows(name, timetable, plain, sample=None):
    """Rows of the table: the plain scan is timed on a sample of the targets, and scaled, where one is given."""
    some = np.arange(timetable.stops) if sample is None else np.arange(0, timetable.stops, sample)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = peak_mb()
    found = ours(timetable, anew=True)
    memory = peak_mb() - before
    scan, times = np.full(2, np.inf), np.full((len(WAYS), 2), np.inf)
    for _ in range(3):
        expected, own = best(lambda: plain(timetable, MORNING, (50,), targets=some), 1)
        scan = np.minimum(scan, own * timetable.stops / some.size)
        for k, (_, how) in enumerate(WAYS):
            times[k] = np.minimum(times[k], best(lambda h=how: ours(timetable, **h), 10)[1])
    wrong = (found[:, :, some] != expected).sum()
    trains = np.unique(timetable.trip).size
    print(
        f"| {name}: {timetable.stops} stations, {trains} trains, {timetable.legs.trip.size} legs; "
        f"{wrong} of {expected.size} pairs differ; {memory:.0f} MB | plain scan | {scan[0]:.0f} | {scan[1]:.0f} | | |"
    )
    for (way, _), own in zip(WAYS, times, strict=True):
        ratios = scan / own
        print(f"| | {way} | {own[0]:.2f} | {own[1]:.2f} | {ratios[0]:.0f} | {ratios[1]:.0f} |")


def uncompiled():
    """Seconds of the plain scan without a compiler, on three targets and scaled."""
    folder = Path(os.environ["MEGALOPOLIS_REFERENCE_DATA"])
    real = module(Path("tests/against/test_timetable_kernel.py")).read(folder)[1]
    plain = module(Path("tests/travel/test_timetable_plain.py")).plain
    print(best(lambda: plain(real, MORNING, (50,), targets=(100, 300, 500)), 1)[1][0] * real.stops / 3)


def main():
    plain = module(Path("tests/travel/test_timetable_plain.py")).plain
    small = random_feed(30, 40)
    plain(small, MORNING, (50,))
    travel_minutes(small, MORNING)
    print(
        f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, {kernel.THREADS} threads\n"
    )
    print("| feed | method | ms | processor, ms | times the plain scan | in processor time |")
    print("|---|---|---|---|---|---|")
    folder = os.environ.get("MEGALOPOLIS_REFERENCE_DATA")
    if folder:
        real = module(Path("tests/against/test_timetable_kernel.py")).read(Path(folder))[1]
        rows("10 March 2016", real, plain)
        environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
        done = subprocess.run(
            [sys.executable, __file__, "uncompiled"], env=environment, capture_output=True, text=True, check=True
        )
        clock, slow = best(lambda: ours(real, anew=True), 10)[1][0], float(done.stdout)
        print(f"| | plain scan uncompiled | {slow:.0f} | | kernel, not prepared: {slow / clock:.0f} | |")
    else:
        print("MEGALOPOLIS_REFERENCE_DATA is not set: no real timetable", file=sys.stderr)
    for stations, trains in ((250, 1500), (500, 3000), (1000, 6000), (2000, 12_000)):
        rows("random", random_feed(stations, trains), plain, sample=max(1, stations // 250))
    feed = random_feed(1000, 6000)
    print("\n| 1,000 stations, 6,000 trains, prepared | ms | processor, ms |\n|---|---|---|")
    near = np.random.default_rng(1).integers(0, 1000, (2, 2000))
    near = near[:, near[0] != near[1]]
    walked = Timetable(
        1000, feed.trip, feed.stop, feed.arrive, feed.depart, feed.change, Footpaths(*near, np.full(near.shape[1], 15))
    )
    for name, timetable, percentiles, limit in (
        ("median", feed, (50,), None),
        ("five percentiles", feed, (0, 25, 50, 75, 100), None),
        ("at most two transfers", feed, (50,), 2),
        ("2,000 footpaths", walked, (50,), None),
    ):
        one = best(lambda t=timetable, p=percentiles, k=limit: travel_minutes(t, MORNING, p, max_transfers=k), 10)[1]
        print(f"| {name} | {one[0]:.1f} | {one[1]:.1f} |")


if __name__ == "__main__":
    uncompiled() if sys.argv[1:] else main()
