"""Equilibria of the economy: against the plain damped iteration and the bandwidth of the memory, in one run.

Run as ``python benchmarks/bench_economy.py`` (about a minute; prints Markdown). One thread. Places are random points,
ease of trade and of moving falls with their distance.
"""

import gc
import os
import resource
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # numpy's algebra too on one thread

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "economy"))

from picard import picard, published

from megalopolis.economy import game
from megalopolis.economy.model import model
from megalopolis.economy.solve import solve


def economy(n, k, gamma, *, classes=1, single=False, commute=False, links=False, seed=0):
    """An economy of random places; where asked for with commuting, and with half of all output as inputs."""
    rng = np.random.default_rng(seed)
    spot = rng.random((n, 2))
    far = np.hypot(*(spot[:, None] - spot[None]).transpose(2, 0, 1)) + 0.05
    kernels = np.stack([far ** -(1.5 + 0.2 * c) for c in range(classes)])
    mobility = 1 / far
    mobility = mobility / mobility.sum(axis=1, keepdims=True) * 0.2 + 0.8 * np.eye(n)
    kind = np.float32 if single else np.float64
    more = {"commuting": (np.exp(-30 * (far - 0.05)) + 1e-9).astype(kind)} if commute else {}
    if links:
        more["inputs"] = np.repeat(rng.dirichlet(np.ones(k), k).T[:, :, None] * 0.5, n, axis=2)
    return model(
        kernels.astype(kind),
        theta=4.0,
        gamma=gamma,
        beta=np.full(k, 1 / k),
        productivity=np.exp(0.3 * rng.normal(size=(k, n))),
        registered=rng.lognormal(0, 0.7, n),
        mobility=mobility.astype(kind),
        q=0.78,
        kernel_of=np.arange(k) % classes,
        **more,
    )


def kernels_of(m):
    """Bytes of the kernels that a sweep reads."""
    return m.kernels.nbytes + m.mobility.nbytes + m.commuting.nbytes


def grid(side=30, seed=0):
    """The grid of Redding and Rossi-Hansberg (2017): 900 places, theta 4, eps 3, goods 3/4, gamma theta 1, one pool."""
    at = np.array([(x, y) for x in range(side) for y in range(side)], dtype=float)
    far = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1)) + 1.0
    n, rng = side * side, np.random.default_rng(seed)
    return model(
        far ** (-4.0 * 0.33),
        theta=4.0,
        gamma=0.25,
        beta=1.0,
        productivity=np.exp(rng.normal(0, 0.3, (1, n))),
        registered=[float(n)],
        mobility=np.ones((1, n)),
        q=0.75,
        eps=3.0,
    )


def best(function, repeats):
    """Result and shortest time of the processor of some calls, seconds."""
    times = []
    for _ in range(repeats):
        gc.collect()
        begin = time.thread_time()  # other work on the machine does not count
        result = function()
        times.append(time.thread_time() - begin)
    return result, min(times)


def bandwidth():
    """Bytes a second that one thread reads from memory."""
    field = np.ones(40_000_000)
    return field.nbytes / best(field.sum, 7)[1]


def main():
    """Print the tables."""
    speed = bandwidth()
    print(f"Reading from memory: {speed / 1e9:.1f} GB/s\n")
    print("| cities | industries | kernels | sweeps | ms | against the bandwidth limit |")
    print("| --- | --- | --- | --- | --- | --- |")
    plain, both = {}, {"commute": True, "links": True}
    for n, k, classes, options in [
        (300, 1, 1, plain),
        (300, 10, 3, plain),
        (300, 10, 3, {"commute": True}),
        (300, 10, 3, both),
        (370, 3, 2, plain),
        (370, 3, 2, {"commute": True}),
        (3000, 1, 1, plain),
        (3000, 1, 1, {"single": True}),
        (3000, 1, 1, {"commute": True}),
        (3000, 10, 3, plain),
        (3000, 10, 3, {"single": True}),
        (3000, 10, 3, {"commute": True}),
        (3000, 10, 3, both),
    ]:
        m = economy(n, k, 0.05 if k == 1 else 0.1, classes=classes, **options)
        solve(m, limit=2)  # compiled
        found, seconds = best(lambda m=m: solve(m), 5)
        limit = kernels_of(m) * found.sweeps / speed
        label = " ".join([str(classes + 1 + m.commutes), *({"single": "float32"}.get(o, o) for o in options)])
        print(f"| {n} | {k} | {label} | {found.sweeps} | {1e3 * seconds:.1f} | {seconds / limit:.1f} |")
    m = economy(3000, 10, 0.1, classes=3, commute=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    solve(m)
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    print(f"\nMemory of a solve beyond the kernels, at most: {more / kernels_of(m):.0%}\n")
    print("| 900 cities, one industry | rounds | ms | here: sweeps | ms | times faster | wages differ by |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    pool, many = grid(), economy(900, 1, 0.05)
    cases = [
        ("published loops, grid, residual 1e-9", lambda: published(pool), pool, 1e-9),
        ("published loops, grid, residual 1e-6", lambda: published(pool, tolerance=1e-6), pool, 1e-6),
        ("one loop, migration at costs, residual 1e-9", lambda: picard(many), many, 1e-9),
        ("one loop, grid, residual 1e-9", lambda: picard(pool), pool, 1e-9),
    ]
    for name, loops, m, tolerance in cases:
        single = m.changed(kernels=m.kernels.astype(np.float32), mobility=m.mobility.astype(np.float32))
        (_, wage, rounds), slow = best(loops, 1)
        for word, own in (("", m), (", float32 kernels", single)):
            solve(own, limit=2)
            found, quick = best(lambda own=own, t=tolerance: solve(own, tolerance=t), 5)
            gap = np.abs(wage / found.wage - 1).max()
            row = f"| {name}{word} | {rounds} | {1e3 * slow:.0f} | {found.sweeps} | {1e3 * quick:.1f} |"
            print(f"{row} {slow / quick:.0f} | {gap:.0e} |")
    print()
    print("| Nash equilibrium of 41 cities with 10 industries | s | equilibria | times the first |")
    print("| --- | --- | --- | --- |")
    first = 0.0
    for name, options in [
        ("external economies alone", plain),
        ("with commuting", {"commute": True}),
        ("with links", {"links": True}),
        ("with both", both),
    ]:
        m = economy(41, 10, np.linspace(0, 0.1, 10), **options)
        outcome, seconds = best(lambda m=m: game.nash(game.Game(m, np.arange(41))), 3)
        first = first or seconds
        print(f"| {name} | {seconds:.2f} | {outcome.rounds} | {seconds / first:.1f} |")


if __name__ == "__main__":
    main()
