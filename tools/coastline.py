"""Derive the land of the report's maps from Natural Earth, for ``src/megalopolis/report/land.parquet``.

Run once, when the coastline is to change::

    npm pack world-atlas@2 && tar xzf world-atlas-2.*.tgz
    python tools/coastline.py package/land-50m.json src/megalopolis/report/land.parquet

Reads the land polygons of Natural Earth 1:50m (public domain, naturalearthdata.com) in TopoJSON, as packed by
world-atlas 2 (ISC licence), without any country border. Polygons are cut at the
antimeridian. Islands smaller than some 12 km2 are left out, the rest is
simplified to 0.03 degrees (Douglas and Peucker 1973) and rounded to 0.01 degrees, about 1 km, well under the width of
a line on a map of a whole region. Writes one row per polygon: its bounds in degrees WGS-84, and the polygon as WKB.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

TOLERANCE: Final = 0.03
GRID: Final = 0.01
LEAST_AREA: Final = 0.001  # square degrees


def unwrap(ring: shapely.LinearRing) -> np.ndarray:
    """Return the points of a ring without jumps at the antimeridian; one about a pole is closed along it."""
    points = shapely.get_coordinates(ring)
    points[:, 0] = np.degrees(np.unwrap(np.radians(points[:, 0])))
    if abs(points[-1, 0] - points[0, 0]) > 180:
        pole = -90.0 if points[:, 1].mean() < 0 else 90.0
        points = np.vstack([points, [points[-1, 0], pole], [points[0, 0], pole], points[0]])
    return points


def cut(polygon: shapely.Polygon) -> list[shapely.Geometry]:
    """Cut a polygon that crosses the antimeridian into parts between -180 and 180 degrees."""
    whole = shapely.make_valid(shapely.Polygon(unwrap(polygon.exterior), [unwrap(r) for r in polygon.interiors]))
    parts = []
    for turn in (-360.0, 0.0, 360.0):
        part = shapely.intersection(whole, shapely.box(-180 - turn, -90, 180 - turn, 90))
        parts.append(shapely.transform(part, lambda p, turn=turn: np.add(p, (turn, 0.0))))
    return [part for part in parts if not part.is_empty]


def derive(source: Path, target: Path) -> int:
    """Write the land table and return its number of polygons."""
    polygons = gpd.read_file(source, engine="pyogrio").geometry.explode().to_numpy()
    polygons = shapely.get_parts([part for polygon in polygons for part in cut(polygon)])
    polygons = shapely.make_valid(shapely.simplify(polygons[shapely.area(polygons) > LEAST_AREA], TOLERANCE))
    polygons = shapely.get_parts(shapely.get_parts(shapely.set_precision(polygons, GRID)))
    polygons = polygons[(shapely.get_type_id(polygons) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(polygons)]
    bounds = shapely.bounds(polygons)
    order = bounds[:, ::-1].argsort(axis=0, kind="stable")[:, 0]
    columns = {name: bounds[order, i] for i, name in enumerate(("west", "south", "east", "north"))}
    table = pa.table({**columns, "wkb": pa.array(shapely.to_wkb(polygons[order]), pa.binary())})
    pq.write_table(table, target, compression="zstd", compression_level=19)
    return len(polygons)


if __name__ == "__main__":
    print(f"{derive(Path(sys.argv[1]), Path(sys.argv[2]))} polygons")
