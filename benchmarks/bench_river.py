"""Rivers: sweeps against scipy's sparse LU, responses, and the least-cost programme, as ratios in one run.

Run as ``python benchmarks/bench_river.py`` (about half a minute; prints Markdown). Networks are trees in which
every twentieth reach forks. One thread.
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import gc
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from scipy.sparse.linalg import splu

from megalopolis.environment.abatement import Problem, cheapest, loads_of
from megalopolis.environment.daily import route
from megalopolis.environment.network import build_network
from megalopolis.environment.oxygen import Water, solve_oxygen
from megalopolis.environment.rates import KG_PER_DAY
from megalopolis.environment.transport import balance, influence, matrix, responses, retention, steady
from megalopolis.environment.uncertainty import _draws


def river(n, seed=0):
    """A network of n reaches, every twentieth of which forks, with its retention and loads."""
    rng = np.random.default_rng(seed)
    source = np.arange(n - 1)
    target = np.minimum(source + rng.integers(1, 50, n - 1), n - 1)
    fork = rng.choice(n - 60, n // 20, replace=False)
    share = np.ones(n - 1)
    share[fork] = 0.6
    ends = np.concatenate([source, fork]), np.concatenate([target, fork + rng.integers(50, 59, len(fork))])
    network = build_network(n, *ends, np.concatenate([share, np.full(len(fork), 0.4)]))
    a, _ = retention(rng.uniform(0.05, 0.4, n), rng.uniform(0.01, 0.1, n))
    return network, a, rng.uniform(0, 10, n)


def best(function, repeats):
    """Result and shortest time of some calls, seconds."""
    times = []
    for _ in range(repeats):
        gc.collect()
        begin = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - begin)
    return result, min(times)


def water(n, seed=1):
    """Rates of oxygen for n reaches."""
    rng = np.random.default_rng(seed)
    low_high = {
        "days": (0.01, 0.1),
        "flow": (50, 100),
        "saturation": (8, 10),
        "hydrolysis": (0.1, 0.3),
        "oxidation": (0.1, 0.4),
        "settling": (0, 0.1),
        "ammonification": (0, 0.1),
        "nitrification": (0.05, 0.2),
        "reaeration": (0.5, 2),
        "demand": (0, 0.5),
    }
    return Water(**{k: rng.uniform(*v, n) for k, v in low_high.items()}, mixed=np.zeros(n, dtype=bool))


def programme(cities, sectors=3, levels=7, pollutants=4, seed=2):
    """Least-cost programme of cities on a river of twice as many reaches; a section at every tenth reach."""
    rng = np.random.default_rng(seed)
    n, d = 2 * cities, cities * sectors
    source = np.arange(n - 1)
    network = build_network(n, source, np.minimum(source + rng.integers(1, 20, n - 1), n - 1), np.ones(n - 1))
    first = rng.uniform(500, 5000, (d, 1, pollutants))
    load = first * np.cumprod(rng.uniform(0.5, 0.9, (d, levels, pollutants)), axis=1)
    at = np.arange(0, n, 10)
    p = Problem(
        network=network,
        a=rng.uniform(0.9, 1, (pollutants, n)),
        flow=rng.uniform(100, 1000, n),
        background=np.zeros((pollutants, n)),
        reach=rng.integers(0, n, d),
        load=load,
        cost=np.cumsum(rng.uniform(1e6, 1e7, (d, levels)), axis=1),
        allowed=np.ones((d, levels), dtype=bool),
        limit_reach=np.tile(at, pollutants),
        limit_pollutant=np.repeat(np.arange(pollutants), len(at)),
        limit=np.ones(len(at) * pollutants),
    )
    worst = loads_of(p, np.eye(levels)[np.zeros(d, int)])
    strict = loads_of(p, np.eye(levels)[np.full(d, levels - 1)])
    between = (strict + 0.4 * (worst - strict))[p.limit_pollutant, p.limit_reach]
    limit = np.maximum(between, 1e-3) / (KG_PER_DAY * p.flow[p.limit_reach])
    return Problem(**{**vars(p), "limit": limit})


def draws(n):
    """Seconds of a thousand draws of flow and rate, sections at every tenth reach."""
    network, _, load = river(n)
    rng = np.random.default_rng(3)
    reach = rng.uniform(0.05, 0.4, n), rng.uniform(0.01, 0.1, n), np.zeros(n)
    zero, at = np.zeros(n), np.arange(0, n, 10)
    flow, faster = np.exp(0.3 * rng.standard_normal(1000)), np.exp(0.4 * rng.standard_normal(1000))
    links = network.order, network.pointer, network.source, network.fraction
    cap, met = np.full(len(at), 1e3), np.ones((1000, len(at)))
    args = links, reach, (load, zero, zero, zero), (flow, faster), (at, cap)
    return best(lambda: _draws(*args, exponent=0.34, regression=False, met=met), 2)[1]


def year(n):
    """Seconds of 365 days."""
    network, _, load = river(n)
    rng = np.random.default_rng(4)
    days, rate = rng.uniform(0.01, 0.1, (365, n)), rng.uniform(0.05, 0.4, n)
    head, lake = np.tile(load, (365, 1)), np.zeros(n, dtype=bool)
    found, seconds = best(lambda: route(network, days, rate, lake, head), 2)
    assert found.check("load").ok
    return seconds


PEAK = """
import sys
from pathlib import Path
sys.path.insert(0, {folder!r})
import numpy as np
from bench_river import river, responses

def high_water():
    return next(int(line.split()[1]) for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))

network, a, load = river(100_000)
points = np.arange(0, 99_900, 333)
responses(network, a, points[:2], dtype=np.{dtype})
before = high_water()
responses(network, a, points, dtype=np.{dtype})
print((high_water() - before) / 1024)
"""


def peak(dtype):
    """Additional memory of 100,000 x 300 responses in a process of its own, MB (Linux)."""
    code = PEAK.format(folder=str(Path(__file__).resolve().parent), dtype=dtype)
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def steady_table():
    """Sweep against LU by size."""
    print("| reaches | sweep, ms | LU, factor and solve, ms | LU / sweep | largest difference | mass lost |")
    print("|---|---|---|---|---|---|")
    for n in (1_000, 10_000, 100_000, 1_000_000):
        network, a, load = river(n)
        mass, sweep_s = best(lambda: steady(network, a, load), 20)  # noqa: B023
        lost = balance(network, a, mass, load).check("load").value
        if n <= 100_000:
            system = matrix(network, a).tocsc()
            solved, lu_s = best(lambda: splu(system).solve(a * load), 3)  # noqa: B023
            gap = np.max(np.abs(solved - mass)) / mass.max()
            peer = f"{1000 * lu_s:,.1f} | {lu_s / sweep_s:,.0f} | {gap:.0e}"
        else:
            peer = "| | "
        print(f"| {n:,} | {1000 * sweep_s:.3g} | {peer} | {lost:.0e} |")


def others():
    """Oxygen, responses, adjoint, programme."""
    n = 100_000
    network, a, load = river(n)
    rates = water(n)
    heads = {"bod": 5 * load, "nh3n": load, "deficit": load}
    points = np.arange(0, 99_900, 333)
    responses(network, a, points[:2], dtype=np.float32)
    rows = [
        ("BOD, ammonia and oxygen, 100,000 reaches", best(lambda: solve_oxygen(network, rates, heads), 3)[1]),
        ("the same, limited by oxygen", best(lambda: solve_oxygen(network, rates, heads, limit=0.6), 1)[1]),
        ("100,000 x 300 responses, float64", best(lambda: responses(network, a, points), 3)[1]),
        ("100,000 x 300 responses, float32", best(lambda: responses(network, a, points, dtype=np.float32), 3)[1]),
        ("influence on 300 sections", best(lambda: influence(network, a, points), 3)[1]),
        ("network of 100,000 reaches from its links", best(lambda: river(n), 1)[1]),
    ]
    for size in (1_000, 10_000, 100_000):
        small, kept, _ = river(size)
        few = points[points < size - 100][:: max(1, 100_000 // size)]
        name = f"{size:,} x {len(few)} responses, float32"
        rows.append((name, best(lambda: responses(small, kept, few, dtype=np.float32), 3)[1]))  # noqa: B023
    sizes = (300, 3_000, 30_000)
    rows += [(f"probability: 1,000 draws of one pollutant, {size:,} reaches", draws(size)) for size in sizes]
    rows += [(f"a year day by day of one pollutant, {size:,} reaches", year(size)) for size in sizes]
    for cities in (100, 300, 600):
        p = programme(cities)
        plan, seconds = best(lambda: cheapest(p), 3)  # noqa: B023
        assert all(c.ok for c in plan.checks)
        assert not plan.unmet.any()
        rows.append((f"least cost of {cities} cities x 3 sectors x 7 levels x 4 pollutants", seconds))
    print("\n| | ms |\n|---|---|")
    for name, seconds in rows:
        print(f"| {name} | {1000 * seconds:,.1f} |")
    print(f"| memory of the responses, float64 / float32, MB | {peak('float64'):,.0f} / {peak('float32'):,.0f} |")


if __name__ == "__main__":
    print(f"Python {platform.python_version()}, {platform.machine()}\n")
    steady_table()
    others()
    print(f"\npeak memory of all, MB: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f}")
