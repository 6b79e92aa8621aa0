"""Write the river tables of the China pack: reaches, their links and lines, sections, observations and discharges.

Run as ``MEGALOPOLIS_REFERENCE_DATA=FOLDER python tools/china_water.py`` after a change of ``tools/china_water/*.txt``,
which hold the network as drawn by hand, the shares of the cities and the sections. Of the folder it reads two files:
``natural_earth/ne_10m_rivers_lake_centerlines_simpl.geojson`` (public domain), on which lengths and lines are measured,
and ``river/china_surface_water_snapshot_2026-02-04.csv``, whose values at the chosen sections are transcribed.
"""

from __future__ import annotations

import csv
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

import china_loads
import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import shapely

from megalopolis.region.schema import schemas
from megalopolis.units import great_circle_km

HERE: Final = Path(__file__).parent / "china_water"
PACK: Final = Path(__file__).parent.parent / "src" / "megalopolis" / "region" / "packs" / "china"
LINES: Final = Path("natural_earth") / "ne_10m_rivers_lake_centerlines_simpl.geojson"
SNAPSHOT: Final = Path("river") / "china_surface_water_snapshot_2026-02-04.csv"

#: Length over that of the line through the given points where Natural Earth has no line.
SINUOSITY: Final = 1.3
#: Downstream hydraulic geometry: mean exponents of Leopold and Maddock (1953); factors so that the Yangtze at Datong is
#: about 14 m deep and runs at 1 m/s.
VELOCITY: Final = (0.36, 0.1)
DEPTH: Final = (0.23, 0.4)
#: Shares of the three outlets to Lake Dongting in the dry season, when the Ouchi and the Hudu all but stand still.
DRY_SHARES: Final = {
    "yz-zhicheng": {"yz-taipingkou": 0.985, "dtsong-anxiang": 0.015},
    "yz-taipingkou": {"yz-shishou": 0.999, "dthudu-anxiang": 0.001},
    "yz-shishou": {"yz-jianli": 0.998, "dtou-huarong": 0.002},
}
#: Water that the Three Gorges and the reservoirs above it release in the dry season, m3/s.
RELEASE: Final = ("yz-yichang", 1000.0)
#: Local yield where no gauge lies below, m3/s and km.
YIELD: Final = 0.06
LENGTHS: Final = {
    "measured": "Natural Earth",
    "stretched": "Natural Earth, stretched to the waterway",
    "estimated": "points by hand",
    "given": "general knowledge",
    "": "",
}
PARAMETERS: Final = {
    "temp_c": "temperature",
    "do_mgl": "do",
    "codmn_mgl": "codmn",
    "nh3n_mgl": "nh3n",
    "tp_mgl": "tp",
    "tn_mgl": "tn",
}

Point = tuple[float, float]
Links = Mapping[str, Mapping[str, float]]


@dataclass
class Reach:
    """A reach as drawn by hand, and what is worked out for it."""

    id: str
    name: str
    name_local: str
    lake: bool
    start: Point
    end: Point
    first: bool
    river: list[str]
    flow: float | None
    options: dict[str, str]
    km: float = 0.0
    points: list[Point] = field(default_factory=list)
    measured: str = ""

    @property
    def head(self) -> float:
        """Flow that comes in at the head of the river, m3/s; zero of the reaches after the first."""
        return float(self.river[4]) if self.first else 0.0

    @property
    def dry(self) -> float:
        """Runoff of the dry season over that of the year."""
        return float(self.river[5])

    def number(self, name: str, default: float = 0.0) -> float:
        """Return an option as a number."""
        return float(self.options.get(name, default))


def rows(name: str) -> Iterator[list[str]]:
    """Yield the fields of the lines of a file by hand."""
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split("|")


def point(text: str) -> Point:
    """Read lon,lat."""
    lon, lat = text.split(",")
    return float(lon), float(lat)


def drawn() -> list[Reach]:
    """Read the reaches, each starting where the one before it ends."""
    found: list[Reach] = []
    river: list[str] = []
    start: Point = (0.0, 0.0)
    first = True
    for kind, *cells in rows("rivers.txt"):
        if kind == "R":
            river, start, first = cells, point(cells[3]), True
            continue
        part, en, zh, end, flow, *rest = cells
        options = dict(word.split("=", 1) for word in " ".join(rest).split())
        known = None if flow == "-" else float(flow)
        name, local = (en, zh) if kind == "l" else (f"{river[1]}, {en}", f"{river[2]}（{zh}）")
        id_ = f"{river[0]}-{part}"
        found.append(Reach(id_, name, local, kind == "l", start, point(end), first, river, known, options))
        start, first = point(end), False
    return found


def linked(reaches: list[Reach]) -> dict[str, dict[str, float]]:
    """Read the links: reaches of a river follow each other unless the file says otherwise."""
    links: dict[str, dict[str, float]] = {}
    for one, two in zip(reaches, [*reaches[1:], reaches[0]], strict=True):
        links[one.id] = {} if two.first else {two.id: 1.0}
    for origin, targets in rows("links.txt"):
        pairs = (word.split(":") for word in targets.split(",") if word)
        links[origin] = {target: float(share) for target, share in pairs}
    unknown = {t for of in links.values() for t in of} - {r.id for r in reaches}
    if unknown or len(links) != len(reaches):
        sys.exit(f"links.txt names unknown reaches: {sorted(unknown)}, {sorted(set(links) - {r.id for r in reaches})}")
    return links


class Lines:
    """Natural Earth as a graph of points some 4 km apart."""

    def __init__(self, path: Path) -> None:
        self.graph = nx.Graph()
        ends = []
        for shape in gpd.read_file(path, bbox=(100, 20, 124, 36)).geometry.explode():
            dense = shapely.get_coordinates(shapely.segmentize(shape, 0.04)).round(4)
            places = [(float(x), float(y)) for x, y in dense]
            ends += [places[0], places[-1]]
            for one, two in pairwise(places):
                self._join(one, two)
        self.places = np.array(self.graph.nodes)
        for end in ends:  # features that meet a little beside each other
            for other in self._nearest(end, 8):
                if other != end and km(end, other) < 3:
                    self._join(end, other)

    def _join(self, one: Point, two: Point) -> None:
        if one != two:
            self.graph.add_edge(one, two, km=km(one, two))

    def _nearest(self, place: Point, count: int) -> list[Point]:
        away = great_circle_km(place[0], place[1], self.places[:, 0], self.places[:, 1])
        return [(float(x), float(y)) for x, y in self.places[np.argsort(away)[:count]]]

    def trace(self, reach: Reach) -> tuple[float, list[Point], str]:
        """Measure a reach along the lines; beside them, along its own points."""
        via = [point(text) for text in reach.options.get("via", "").split(";") if text]
        straight = km(reach.start, reach.end)
        one, two = self._nearest(reach.start, 1)[0], self._nearest(reach.end, 1)[0]
        if not via and max(km(reach.start, one), km(reach.end, two)) < 15 and nx.has_path(self.graph, one, two):
            along = nx.shortest_path(self.graph, one, two, weight="km")
            long = length(along)
            if 0.9 * straight - 5 < long < 3 * straight + 25:
                return long, along, "measured"
        points = [reach.start, *via, reach.end]
        return SINUOSITY * length(points), points, "estimated"


def km(one: Point, two: Point) -> float:
    """Great circle, km."""
    return float(great_circle_km(*one, *two))


def length(points: list[Point]) -> float:
    """Length of a line, km."""
    return sum(km(a, b) for a, b in pairwise(points))


class Water:
    """Mass balance of the network: runoff between gauges is spread by length so that every gauge is met."""

    def __init__(
        self, reaches: list[Reach], links: Mapping[str, Mapping[str, float]], sewage: Mapping[str, float]
    ) -> None:
        self.reaches, self.links = {r.id: r for r in reaches}, links
        self.into: dict[str, list[str]] = defaultdict(list)
        for origin, targets in links.items():
            for target in targets:
                self.into[target].append(origin)
        graph = nx.DiGraph([(a, b) for a, of in links.items() for b in of])
        graph.add_nodes_from(self.reaches)
        self.order = list(nx.lexicographical_topological_sort(graph))
        self.local = {r.id: r.number("lat") + sewage.get(r.id, 0.0) if "lat" in r.options else 0.0 for r in reaches}
        settled = {r.id for r in reaches if "lat" in r.options}
        for id_ in self.order:
            if self.reaches[id_].flow is not None:
                settled |= self._meet(id_, settled)
        for r in reaches:
            if r.id not in settled and not r.lake:
                self.local[r.id] = YIELD * r.km + sewage.get(r.id, 0.0)
        self.flow = self.balance(links, self.local, 1.0)
        shares = dict(links) | DRY_SHARES
        dry = {r.id: (self.local[r.id] - sewage.get(r.id, 0.0)) * r.dry + sewage.get(r.id, 0.0) for r in reaches}
        dry[RELEASE[0]] += RELEASE[1]
        self.low = self.balance(shares, dry, None)

    def _meet(self, gauge: str, settled: set[str]) -> set[str]:
        """Spread what a gauge has more than comes in over the reaches above it, up to the gauges before."""
        free, stack, seen = [], [gauge], set()
        while stack:
            id_ = stack.pop()
            if id_ in seen:
                continue
            seen.add(id_)
            free += [id_] * (id_ not in settled)
            stack += [a for a in self.into[id_] if self.reaches[a].flow is None]
        share = {i: self.reaches[i].km or 40.0 for i in free}
        whole = sum(share.values())
        base = self.balance(self.links, self.local, 1.0)[gauge]
        more = {i: v + share.get(i, 0.0) / whole for i, v in self.local.items()}
        gain = self.balance(self.links, more, 1.0)[gauge] - base
        missing = ((self.reaches[gauge].flow or 0.0) - base) / gain
        if missing < 0:
            sys.exit(f"more water reaches {gauge} than its gauge has: {base:.0f} m3/s")
        for i in free:
            self.local[i] += missing * share[i] / whole
        return set(free)

    def balance(self, links: Links, local: Mapping[str, float], share: float | None) -> dict[str, float]:
        """Flow at the end of every reach; heads by ``share``, or by their own dry season."""
        found: dict[str, float] = {}
        for id_ in self.order:
            reach = self.reaches[id_]
            head = reach.head * (reach.dry if share is None else share)
            found[id_] = head + local[id_] + sum(found[a] * links[a].get(id_, 0.0) for a in self.into[id_])
        return found


def write(name: str, table: pd.DataFrame) -> None:
    """Write a table of the pack, its columns in the order of the schema."""
    columns = [c for c in schemas()[name].names if c in table]
    table[columns].to_csv(PACK / f"{name}.csv", index=False, lineterminator="\n")


def digits(value: float, count: int = 4) -> float:
    """Round to significant digits."""
    return float(f"{value:.{count}g}")


def write_reaches(reaches: list[Reach], water: Water) -> None:
    """Write ``reaches`` and ``reach_points``."""
    table = []
    for r in reaches:
        q, slow = water.flow[r.id], r.number("slow", float(r.river[7]))
        middle = r.points[len(r.points) // 2] if len(r.points) > 2 else tuple(np.mean(r.points, axis=0))
        gauge = "mass balance" if r.flow is None else "general knowledge"
        gauge = f"mean at {r.options['gauge']}" if "gauge" in r.options else gauge
        row: dict[str, object] = {
            "id": r.id,
            "name": r.name,
            "name_local": r.name_local,
            "kind": "lake" if r.lake else "river",
            "flow_m3s": digits(q),
            "low_flow_m3s": digits(water.low[r.id]),
            "temperature_c": float(r.river[6]),
            "elevation_m": r.number("elev"),
            "lon": round(middle[0], 3),
            "lat": round(middle[1], 3),
            "source": f"flow: {gauge}; length: {LENGTHS[r.measured]}",
        }
        if r.lake:
            row |= {"volume_m3": digits(r.number("vol")), "area_km2": r.number("area"), "source": f"flow: {gauge}"}
        else:
            row["length_km"] = round(r.km)
            row["velocity_ms"] = digits(VELOCITY[0] * q ** VELOCITY[1] * slow, 2)
            row["depth_m"] = digits(DEPTH[0] * q ** DEPTH[1] / slow, 2)
        table.append(row)
    write("reaches", pd.DataFrame(table))
    points = [
        (r.id, k + 1, round(x, 3), round(y, 3)) for r in reaches for k, (x, y) in enumerate(r.points) if not r.lake
    ]
    write("reach_points", pd.DataFrame(points, columns=["reach", "seq", "lon", "lat"]))


def write_sections(reaches: list[Reach], folder: Path) -> None:
    """Write ``sections`` and ``observations``."""
    with (folder / SNAPSHOT).open(encoding="utf-8") as stream:
        seen = {(row["province"], row["section"]): row for row in csv.DictReader(stream)}
    place = {r.id: r.end for r in reaches}
    sections, observed = [], []
    for local, name, province, reach, city, target in rows("sections.txt"):
        slug = re.sub("[^a-z0-9]+", "-", name.lower().replace("'", "")).strip("-")
        id_ = f"{reach.split('-', maxsplit=1)[0]}-{slug}"
        sections.append((id_, name, local, reach, city, target, *place[reach]))
        row = seen[province, local]
        day, hour = row["time_mmdd_2026"].split()
        for column, parameter in PARAMETERS.items():
            if row[column]:
                unit = "C" if parameter == "temperature" else "mg/L"
                observed.append((id_, f"2026-{day}T{hour}", parameter, row[column], unit, "valid", "automatic"))
    names = ["id", "name", "name_local", "reach", "city", "target", "lon", "lat"]
    write("sections", pd.DataFrame(sections, columns=names))
    names = ["section", "date", "parameter", "value", "unit", "flag", "method"]
    write("observations", pd.DataFrame(observed, columns=names))


def main() -> None:
    """Read, measure, balance, write."""
    folder = os.environ.get("MEGALOPOLIS_REFERENCE_DATA")
    if not folder:
        sys.exit("MEGALOPOLIS_REFERENCE_DATA is not set: it names the folder of reference data")
    reaches, lines = drawn(), Lines(Path(folder) / LINES)
    links = linked(reaches)
    for r in reaches:
        if r.lake:
            r.points = [r.end, r.end]
            continue
        r.km, traced, r.measured = lines.trace(r)
        r.points = [(float(x), float(y)) for x, y in shapely.get_coordinates(shapely.LineString(traced).simplify(0.03))]
        if "km" in r.options:
            r.km, r.measured = r.number("km"), "given"
        if "waterway" in r.options:
            r.km, r.measured = r.km * r.number("waterway"), "stretched"
    shares = {city: {a: float(b) for a, b in (w.split(":") for w in of.split(","))} for city, of in rows("cities.txt")}
    loads = china_loads.loads(PACK, shares)
    sewage = china_loads.volume_by_reach(loads)
    water = Water(reaches, links, sewage)
    write_reaches(reaches, water)
    table = [(a, b, share) for a, of in links.items() for b, share in of.items()]
    write("reach_links", pd.DataFrame(table, columns=["from", "to", "fraction"]))
    write_sections(reaches, Path(folder))
    heads = {r.id: (r.head, r.river[8]) for r in reaches if r.head > 0}
    write("discharges", china_loads.table(loads, water.local, heads))
    print(f"{len(reaches)} reaches, {len(loads)} discharges; Datong {water.flow['yz-datong']:,.0f} m3/s")


if __name__ == "__main__":
    main()
