"""All-pairs shortest minutes: elimination against scipy, networkx and rustworkx, as ratios in one run.

Run as ``python benchmarks/bench_shortest.py`` (about a minute and a half; prints Markdown). The network is road-like:
random points in the plane, their Delaunay edges and the shortest further ones between near neighbours. One thread.
"""

import gc
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

import networkx as nx
import numpy as np
import rustworkx as rx
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import Delaunay, cKDTree

from megalopolis.travel.shortest import eliminate, shortest_minutes, sweep

os.environ["RAYON_NUM_THREADS"] = "1"  # rustworkx, like all others here, on one thread

SIDE_KM, KMH, DETOUR = 1000.0, 60.0, (1.0, 1.5)


def road_like(n, edges, seed=0):
    """End nodes and minutes of the edges of a spatial network."""
    rng = np.random.default_rng(seed)
    points = SIDE_KM * rng.random((n, 2))
    corners = Delaunay(points).simplices
    planar = np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]]), axis=1)
    near = cKDTree(points).query(points, 16)[1]
    further = np.sort(np.column_stack([np.repeat(near[:, 0], 15), near[:, 1:].ravel()]), axis=1)
    planar, further = np.unique(planar, axis=0), np.unique(further, axis=0)
    known = np.isin(further[:, 0] * n + further[:, 1], planar[:, 0] * n + planar[:, 1])
    further = further[~known]
    gap = np.hypot(*(points[further[:, 0]] - points[further[:, 1]]).T)
    ends = np.concatenate([planar, further[np.argsort(gap, kind="stable")]])[:edges]
    km = np.hypot(*(points[ends[:, 0]] - points[ends[:, 1]]).T)
    return ends[:, 0], ends[:, 1], km * rng.uniform(*DETOUR, ends.shape[0]) * 60 / KMH


def best(function, repeats):
    """Result and shortest time of some calls, seconds."""
    times = []
    for _ in range(repeats):
        gc.collect()
        begin = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - begin)
    return result, min(times)


def write_seconds(n, dtype):
    """Seconds to write the result matrix once from memory, twice read: the least that the memory allows."""
    source, target = np.ones((n, n), dtype), np.zeros((n, n), dtype)
    return best(lambda: np.add(source, 1, out=target), 5)[1]


def peers(n, tails, heads, minutes):
    """Seconds of every peer for all pairs; networkx is timed on a tenth of the sources and scaled."""
    graph = csr_array((minutes, (tails, heads)), shape=(n, n))
    reference, scipy_s = best(lambda: dijkstra(graph, directed=False), 3)
    rust = rx.PyGraph()
    rust.add_nodes_from(range(n))
    rust.add_edges_from(list(zip(tails.tolist(), heads.tolist(), minutes.tolist(), strict=True)))
    rust_s = best(lambda: rx.all_pairs_dijkstra_path_lengths(rust, float), 1)[1]
    net = nx.Graph()
    net.add_weighted_edges_from(zip(tails.tolist(), heads.tolist(), minutes.tolist(), strict=True))
    sources = range(0, n, 10)
    nx_s = best(lambda: [nx.single_source_dijkstra_path_length(net, s) for s in sources], 1)[1] * n / len(sources)
    return reference, {"scipy Dijkstra": scipy_s, "rustworkx Dijkstra": rust_s, "networkx Dijkstra": nx_s}


PEAK = """
import sys
sys.path.insert(0, sys.argv[1])
from bench_shortest import road_like, shortest_minutes
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
n, edges, dtype = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
network = road_like(n, edges)
shortest_minutes(50, *road_like(50, 120), dtype=dtype)
open("/proc/self/clear_refs", "w").write("5")  # peak memory counts from here
before = peak()
shortest_minutes(n, *network, dtype=dtype)
print(peak() - before)
"""


def peak_mb(n, edges, dtype):
    """Memory that one solve takes at its peak above what the process holds before it (Linux), MB."""
    arguments = [sys.executable, "-c", PEAK, str(Path(__file__).parent), str(n), str(edges), dtype]
    return int(subprocess.run(arguments, capture_output=True, text=True, check=True).stdout) / 1024


def print_peers(n, edges):
    network = (n, *road_like(n, edges))
    shortest_minutes(50, *road_like(50, 120))
    shortest_minutes(50, *road_like(50, 120), dtype=np.float32)
    reference, seconds = peers(*network)
    print(f"## {n} nodes, {edges} edges, all pairs\n")
    print("| method | ms | times scipy | largest difference, min |\n| --- | --- | --- | --- |")
    for dtype in (np.float32, np.float64):
        minutes, ours = best(lambda dtype=dtype: shortest_minutes(*network, dtype=dtype), 15)
        error = np.abs(minutes - reference).max()
        speed = seconds["scipy Dijkstra"] / ours
        print(f"| elimination, {np.dtype(dtype)} | {1e3 * ours:.1f} | {speed:.1f} | {error:.1e} |")
        elimination = eliminate(*network[:3])
        again = best(lambda e=elimination, dtype=dtype: sweep(e, network[3], dtype), 7)[1]
        speed = seconds["scipy Dijkstra"] / again
        print(f"| same, order known (new weights) | {1e3 * again:.1f} | {speed:.1f} | |")
        limit = write_seconds(n, dtype)
        print(f"| memory: matrix read and written once, {np.dtype(dtype)} | {1e3 * limit:.1f} | | |")
    for name, value in seconds.items():
        print(f"| {name} | {1e3 * value:.0f} | {seconds['scipy Dijkstra'] / value:.2f} | |")
    print(f"\nFill: {elimination.near.size / n:.1f} later neighbours per node. Longest: {reference.max():.0f} min.")


def print_growth(sizes):
    print("\n## Growth (4 edges per node)\n")
    print(
        "| nodes | order ms | float32 ms | float64 ms | scipy ms | scipy / float32 | fill per node | peak MB float32 |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for n in sizes:
        network = road_like(n, 4 * n)
        elimination, order_s = best(lambda n=n, network=network: eliminate(n, *network[:2]), 3)
        times = [best(lambda n=n, net=network, d=d: shortest_minutes(n, *net, dtype=d), 3)[1] for d in ("f4", "f8")]
        graph = csr_array((network[2], network[:2]), shape=(n, n))
        sources = np.arange(0, n, max(1, n // 500))
        part = best(lambda graph=graph, s=sources: dijkstra(graph, directed=False, indices=s), 1)[1]
        scipy_s = part * n / sources.size
        cells = (order_s, times[0], times[1], scipy_s)
        print(
            f"| {n} | " + " | ".join(f"{1e3 * c:.1f}" for c in cells) + f" | {scipy_s / times[0]:.0f} "
            f"| {elimination.near.size / n:.1f} | {peak_mb(n, 4 * n, 'f4'):.0f} |"
        )
    print("\nscipy is timed on 500 sources and scaled. The result matrix alone takes 4 n^2 bytes in float32.")


def print_fill():
    """Networks without small separators: where the bound on the fill should lie."""
    print("\n## Fill (1000 nodes, random ends: no small separators)\n")
    print("| edges | fill per node | elimination ms | scipy ms |\n| --- | --- | --- | --- |")
    rng = np.random.default_rng(1)
    for edges in (1500, 2000, 4000, 8000, 16000):
        tails, heads = rng.integers(0, 1000, (2, edges))
        minutes = rng.uniform(1, 60, edges)
        elimination, order_s = best(lambda t=tails, h=heads: eliminate(1000, t, h, max_fill_per_node=1e9), 1)
        sweep_s = best(lambda e=elimination, m=minutes: sweep(e, m), 2)[1]
        graph = csr_array((minutes, (tails, heads)), shape=(1000, 1000))
        scipy_s = best(lambda graph=graph: dijkstra(graph, directed=False), 1)[1]
        fill = elimination.near.size / 1000
        print(f"| {edges} | {fill:.0f} | {1e3 * (order_s + sweep_s):.0f} | {1e3 * scipy_s:.0f} |")


if __name__ == "__main__":
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, one thread\n")
    print_peers(3000, 12_000)
    print_growth((1000, 2000, 4000, 8000))
    print_fill()
    print(f"\nPeak of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB.")
