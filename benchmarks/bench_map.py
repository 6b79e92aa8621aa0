"""Drag a line across China in a headless Chromium: milliseconds from a move of the pointer to the new colours.

    uv run python benchmarks/bench_map.py               one person, 200 moves
    uv run python benchmarks/bench_map.py --people 20   as many live channels dragging at once, without a browser

The server runs in a process of its own, with every line of China and 370 cities. A move is counted from the pointer's
event in the browser to the end of the drawing that shows its colours, and to that of the outlines of its clusters,
which are formed for the newest move whenever the process that forms them is free.
"""

import argparse
import asyncio
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

import httpx
import numpy as np
import websockets
from playwright.sync_api import sync_playwright

LINE = "nantong-suzhou-jiaxing-ningbo-high-speed-railway"
TAKEN = "() => !megalopolis.app.pending && megalopolis.app.view.plan === megalopolis.app.plan.hash"


def start() -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-c", "from megalopolis.cli import main; main()", "serve", "china"]
    process = subprocess.Popen([*command, "--no-browser", "--port", "0"], stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if found := re.search(r"http://localhost:\d+", line):
            return process, found[0]
    raise SystemExit("the server did not start")


def said(label: str, values: list[float]) -> None:
    p5, p50, p90, p95, p99 = np.percentile(values, [5, 50, 90, 95, 99])
    tail = f"90 % {p90:.1f}, 95 % {p95:.1f}, 99 % {p99:.1f}"
    print(f"{label}: median {p50:.1f} ms (5 % {p5:.1f}, {tail}), n = {len(values)}")


def in_browser(url: str, moves: int) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--enable-unsafe-swiftshader"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        begun = time.perf_counter()
        page.goto(url)
        page.wait_for_function("() => window.megalopolis?.app?.view", timeout=120_000)
        print(f"first numbers after {time.perf_counter() - begun:.1f} s")
        page.wait_for_function("() => megalopolis.app.settled", timeout=120_000)
        page.click(f"#open-{LINE}")
        page.wait_for_timeout(2500)
        x, y = page.evaluate(
            """() => {
            const { pane, active } = megalopolis.app, s = active.stops[4];
            const at = pane.map.project([s.lon, s.lat]), box = pane.element.getBoundingClientRect();
            megalopolis.timings.moves.length = megalopolis.timings.clusters.length = 0;
            return [at.x + box.left, at.y + box.top];
        }"""
        )
        page.mouse.move(x, y)
        page.mouse.down()
        for k in range(moves):
            page.mouse.move(x - 0.6 * k, y + 20 * math.sin(k / 9))
        page.mouse.up()
        released = time.perf_counter()
        page.wait_for_function(TAKEN, timeout=120_000)
        print(f"whole evaluation, first values: {time.perf_counter() - released:.1f} s after release")
        page.wait_for_function("() => megalopolis.app.settled", timeout=120_000)
        print(f"whole evaluation, with ranges and every pillar: {time.perf_counter() - released:.1f} s")
        timings = page.evaluate("megalopolis.timings")
        said("move to colours", timings["moves"])
        said("move to outlines of clusters", timings["clusters"])
        last = timings["drawnSeq"] == timings["lastSeq"]
        print(f"edits asked for {timings['sent']}, drawn {timings['drawn']}, last drawn is the last: {last}")
        browser.close()


async def one(url: str, plan: dict, number: int, moves: int) -> tuple[list[float], list[float]]:
    line = next(m for m in plan["measures"] if m["id"] == LINE)
    head = {"type": "edit", "region": "china", "plan": plan["hash"], "year": 2035, "replaces": LINE, "clusters": True}
    took, formed, asked = [], [], {}
    async with websockets.connect(url.replace("http", "ws") + "/api/live", max_size=None) as socket:
        await socket.recv()
        for k in range(moves):
            stops = [dict(s) for s in line["measure"]["stops"]]
            place = {"lon": 120.3 + 0.004 * k, "lat": 30.6 + 0.01 * number}
            stops[4] = {"name": f"Tried {number}", "city": "330400", "km": 180.3} | place
            begun = asked[k] = time.perf_counter()
            await socket.send(json.dumps(head | {"seq": k, "measure": line["measure"] | {"stops": stops}}))
            while isinstance(answer := await socket.recv(), str) or b'"of": "travel"' not in answer[:60]:
                if isinstance(answer, bytes):  # indicators of clusters
                    continue
                message = json.loads(answer)
                if message["type"] != "clusters":
                    raise SystemExit(answer)
                formed.append(1000 * (time.perf_counter() - asked[message["seq"]]))
            if k > 2:
                took.append(1000 * (time.perf_counter() - begun))
            await asyncio.sleep(0.016)
    return took, formed


async def crowd(url: str, plan: dict, people: int, moves: int) -> None:
    begun = time.perf_counter()
    found = await asyncio.gather(*(one(url, plan, k, moves) for k in range(people)))
    took = [t for each, _ in found for t in each]
    rate, slowest = len(took) / (time.perf_counter() - begun), max(statistics.median(f) for f, _ in found)
    said(f"{people} dragging at once, edit to frame", took)
    said("move to outlines of clusters", [t for _, formed in found for t in formed])
    print(f"{rate:.0f} frames a second; slowest person's median {slowest:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=0)
    parser.add_argument("--moves", type=int, default=200)
    given = parser.parse_args()
    process, url = start()
    try:
        if given.people:
            plan = httpx.get(f"{url}/api/plans/china/2035", timeout=60).json()
            asyncio.run(crowd(url, plan, given.people, given.moves))
        else:
            in_browser(url, given.moves)
    finally:
        process.terminate()
        process.wait(20)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
