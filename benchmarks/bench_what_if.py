"""Insertion of a line against the full solve, as ratios in one run.

Run as ``python benchmarks/bench_what_if.py`` (about a minute; prints Markdown). Places lie at random in a square,
joined by road-like ways (Delaunay edges and the shortest further ones, four per place) and by headway lines, one for
every ten places, of twelve stops each along a straight way, every half hour; one more is then built, from corner to
corner of the square, every ten minutes. scipy's full solve is that of the same network with the line, from all places,
over the line graph: the faster of its ways to read an undirected network. Everything runs on one thread.
"""

import gc
import platform
import time

import numpy as np
from bench_shortest import road_like
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from megalopolis.travel.what_if import HeadwayLine, Ways, insert, line_graph, solve

SIDE_KM, KMH, STOPS = 1000.0, 250.0, 12


def straight(points, start, end, headway=30):
    """A line by the places nearest to a straight way, at 250 km/h and two minutes a stop."""
    way = np.linspace(points[start], points[end], STOPS)
    near = np.hypot(*(way[:, None] - points[None]).transpose(2, 0, 1)).argmin(axis=1)
    stops = near[np.r_[True, near[1:] != near[:-1]]]
    km = np.hypot(*(points[stops[1:]] - points[stops[:-1]]).T)
    return HeadwayLine(stops, 60 * km / KMH + 2, headway_min=headway, change_min=10)


def network(n, seed=0):
    """Ways, lines, and the line to be built."""
    points = SIDE_KM * np.random.default_rng(seed).random((n, 2))  # the points of road_like
    rng = np.random.default_rng(seed + 1)
    lines = []
    while len(lines) < n // 10:
        start, end = rng.integers(0, n, 2)
        if np.hypot(*(points[start] - points[end])) > SIDE_KM / 5:
            lines.append(straight(points, start, end))
    corners = [np.hypot(*(points - corner).T).argmin() for corner in ((0, 0), (SIDE_KM, SIDE_KM))]
    return Ways(*road_like(n, 4 * n, seed)), tuple(lines), straight(points, *corners, headway=10)


def best(function, repeats):
    """Result and shortest time of some calls, seconds."""
    times = []
    for _ in range(repeats):
        gc.collect()
        begin = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - begin)
    return result, min(times)


def by_scipy(n, lines, ways):
    """Full solve and its seconds."""
    nodes, tails, heads, minutes = line_graph(n, lines, ways)
    both = np.r_[minutes, minutes], (np.r_[tails, heads], np.r_[heads, tails])
    order = np.lexsort((both[0], *both[1]))  # of parallel arcs the shortest: csr_array would add them up
    key = (both[1][0] * nodes + both[1][1])[order]
    order = order[np.r_[True, key[1:] != key[:-1]]]
    graph = csr_array((both[0][order], (both[1][0][order], both[1][1][order])), shape=(nodes, nodes))
    runs = [
        best(lambda d=d: dijkstra(graph, directed=d, indices=np.arange(n)), 1 + 2 * (n < 1000)) for d in (True, False)
    ]
    return runs[0][0][:, :n], min(seconds for _, seconds in runs), nodes


def main():
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, one thread\n")
    print("| places | nodes of the line graph | pairs changed | method | ms | times scipy | largest difference, min |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    insert(np.zeros((2, 2)), HeadwayLine([0, 1], [1], 1))
    insert(np.zeros((2, 2), np.float32), HeadwayLine([0, 1], [1], 1))
    for n in (340, 3000):
        ways, lines, line = network(n)
        reference, scipy_s, nodes = by_scipy(n, (*lines, line), ways)
        print(f"| {n} | {nodes} | | scipy Dijkstra, full solve | {1e3 * scipy_s:.0f} | 1 | |")
        whole = best(lambda net=((*lines, line), ways), n=n: solve(n, *net), 2)[1]
        print(f"| {n} | {nodes} | | our full solve, float64 | {1e3 * whole:.1f} | {scipy_s / whole:.1f} | |")
        for dtype in (np.float32, np.float64):
            base = solve(n, lines, ways, dtype).minutes
            frame = np.empty_like(base)
            found, ours = best(lambda b=base, line=line, f=frame: insert(b, line, f), 30)
            error = np.abs(found - reference).max()
            changed = (found < base - 1e-3).mean()
            name = f"insertion, {np.dtype(dtype)}"
            print(f"| {n} | | {changed:.0%} | {name} | {1e3 * ours:.2f} | {scipy_s / ours:.0f} | {error:.1e} |")
            copy = best(lambda b=base, f=frame: np.copyto(f, b), 10)[1]
            print(f"| {n} | | | copy of the matrix, {np.dtype(dtype)} | {1e3 * copy:.2f} | {scipy_s / copy:.0f} | |")


if __name__ == "__main__":
    main()
