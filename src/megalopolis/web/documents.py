"""What the page is told of regions and plans, as JSON documents."""

from __future__ import annotations

import json
from html import escape
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely

from megalopolis.evaluation import Evaluation
from megalopolis.evaluation.answers.document import plain
from megalopolis.evaluation.isochrones import isochrones
from megalopolis.evaluation.pillars import PILLARS
from megalopolis.parameters import Parameters, registry
from megalopolis.pillar import indicators
from megalopolis.plan import Plan, at
from megalopolis.plan.apply import applied
from megalopolis.plan.measures.travel import RailLine
from megalopolis.region import Region
from megalopolis.region.names import short_local
from megalopolis.report.geography import coast
from megalopolis.web.formed import outline

Document = dict[str, Any]

#: Degrees around the cities in which land is drawn.
_AROUND: Final = 25.0
#: Reach of a cluster's outline about its cities, as a share of the region's height in degrees.
_REACH: Final = 0.012


def region_document(id_: str, region: Region, plans: list[str]) -> Document:
    """Describe a region: names, years, cities, clusters, rivers and their sections, and what can be shown of it.

    ``places`` is the order of the frames of the live channel.
    """
    meta = region.meta
    cities = region.frame("cities")
    return {
        "id": id_,
        "name": meta.name,
        "names": meta.names,
        "hash": region.hash,
        "currency": meta.currency,
        "base_year": meta.base_year,
        "today": meta.now,
        "languages": list(meta.languages),
        "default_plan": meta.default_plan,
        "plans": plans,
        "notes": meta.notes,
        "cities": plain(_cities(cities)),
        "clusters": _clusters(region, cities),
        "rivers": _rivers(region),
        "sections": _sections(region),
        "indicators": [vars(entry) for entry in indicators().values()],
        "places": [*cities["id"], *(f"cluster:{c}" for c in region.names.clusters), "region"],
        "assumed": _assumed(region),
    }


def _cities(cities: pd.DataFrame) -> list[Document]:
    local = cities["name_local"].where(cities["name_local"].notna(), cities["name"])
    frame = cities[["id", "name", "admin1", "lon", "lat", "population", "main_station"]].copy()
    frame["name_local"] = [short_local(str(name)) for name in local]
    frame["part"] = cities["parent"].notna()
    return [{str(k): None if v is None or v != v else v for k, v in r.items()} for r in frame.to_dict("records")]  # noqa: PLR0124 - NaN


def _clusters(region: Region, cities: pd.DataFrame) -> list[Document]:
    """Planned clusters with the outline of discs about their members, degrees."""
    planned = region.frame("clusters_planned")
    places = cities.set_index("id")
    reach = _REACH * max(float(np.ptp(places["lat"].to_numpy(float))), 1.0)
    found = []
    for cluster, rows in planned.groupby("cluster", sort=False):
        members = [m for m in rows["city"] if m in places.index]
        lon, lat = (places.loc[members, axis].to_numpy(float) for axis in ("lon", "lat"))
        first = rows.iloc[0]
        found.append(
            {
                "id": str(cluster),
                "name": str(first["name"]),
                "name_local": str(first["name_local"]) if isinstance(first["name_local"], str) else str(first["name"]),
                "cities": members,
                "outline": outline(lon, lat, reach),
            }
        )
    return found


def _rivers(region: Region) -> list[Document]:
    """Reaches as they are drawn: along their points, else straight on to the reaches that they flow into."""
    if not region.has("reaches"):
        return []
    reaches, points = region.frame("reaches"), region.frame("reach_points").sort_values(["reach", "seq"])
    drawn = {str(reach): rows[["lon", "lat"]].round(3).to_numpy().tolist() for reach, rows in points.groupby("reach")}
    place = {
        r["id"]: [round(r["lon"], 3), round(r["lat"], 3)]
        for r in reaches.dropna(subset=["lon", "lat"]).to_dict("records")
    }
    on = region.frame("reach_links").groupby("from")["to"].apply(list).to_dict()
    found = []
    for row in reaches.astype(object).where(reaches.notna(), None).to_dict("records"):
        own = drawn.get(row["id"], [])
        here = [place[row["id"]]] if row["id"] in place else []
        lines = [own] if len(own) > 1 else [[*here, place[to]] for to in on.get(row["id"], []) if here and to in place]
        if lines:
            named = {key: row[key] for key in ("id", "name", "name_local", "kind")}
            found.append({**named, "flow": row["flow_m3s"], "lines": lines})
    return plain(found)  # type: ignore[no-any-return]


def _sections(region: Region) -> list[Document]:
    """Monitored sections where they stand, else in the middle of their reach."""
    if not region.has("sections", "reaches"):
        return []
    sections, reaches = region.frame("sections"), region.frame("reaches").set_index("id")
    for axis in ("lon", "lat"):
        sections[axis] = sections[axis].fillna(sections["reach"].map(reaches[axis]))
    sections = sections.dropna(subset=["lon", "lat"])
    return plain(sections.astype(object).where(sections.notna(), None).to_dict("records"))  # type: ignore[no-any-return]


def _assumed(region: Region) -> list[str]:
    """Tables and columns of which every value is assumed: shown with a mark."""
    sources = region.frame("sources")
    rows = sources[sources["status"] == "assumed"]
    return sorted({f"{t}.{c}" for t, c in zip(rows["table"], rows["column"], strict=True)})


def land_document(region: Region) -> Document:
    """Land about the region as GeoJSON, degrees to two places."""
    cities = region.frame("cities")
    box = (
        float(cities["lon"].min()) - 2 * _AROUND,
        max(float(cities["lat"].min()) - _AROUND, -85.0),
        float(cities["lon"].max()) + 2 * _AROUND,
        min(float(cities["lat"].max()) + _AROUND, 85.0),
    )
    return {"type": "Feature", "properties": {}, "geometry": {"type": "MultiPolygon", "coordinates": coast(box)}}


def lines_document(region: Region, year: int) -> list[Document]:
    """Lines of the reference case in a year, each with the coordinates of its stops."""
    state = at(region, None, year)
    stops = state.frame("rail_stops").sort_values(["line", "seq"], kind="stable")
    stations = state.frame("stations").set_index("id")
    stops = stops[stops["station"].isin(stations.index)]
    lon = stations.loc[stops["station"], "lon"].to_numpy(float).round(3)
    lat = stations.loc[stops["station"], "lat"].to_numpy(float).round(3)
    points = np.column_stack([lon, lat])
    where = stops.groupby("line", sort=False).indices
    lines = state.frame("rail_lines")
    columns = ["id", "name", "name_local", "kind", "operating_kmh", "speed_kmh", "headway_min", "opened"]
    rows = lines[columns].astype(object).where(lines[columns].notna(), None).to_dict("records")
    return plain([{**row, "at": points[where[row["id"]]]} for row in rows if row["id"] in where])  # type: ignore[no-any-return]


def plan_document(id_: str, region: Region, plan: Plan) -> Document:
    """Describe a plan: its measures as data, as resolved, and what each costs with whose word."""
    year = plan.last_year(region.meta.now)
    tables, resolved = applied(region, plan, year)
    built = tables["investments"]
    per_km = Parameters.of(region.meta.parameters, {})["travel.cost_per_km"]
    estimate = built["km"].astype("float64") * per_km
    cost = built["cost"].astype("float64").fillna(estimate).groupby(built["measure"]).sum(min_count=1)
    stations = tables.by_id("stations")
    measures = []
    for written, found in zip(plan.measures, resolved, strict=True):
        entry: Document = {
            "id": found.id,
            "kind": found.kind,
            "name": found.name,
            "name_local": found.name_local or found.name,
            "measure": written.model_dump(mode="json", by_alias=True, exclude_none=True),
            "cost": float(cost.get(found.id, np.nan)),
            "cost_status": found.status if getattr(found, "cost", None) is not None else "estimated",
            "source": found.source,
        }
        if isinstance(found, RailLine):
            keys = ("station", "city", "name", "name_local", "lon", "lat", "km")
            old = region.tables["stations"]["id"].to_pylist() if "stations" in region.tables else []
            known = set(old)
            entry["stops"] = [
                {k: getattr(stop, k) for k in keys} | {"new": stop.station not in known} for stop in found.stops
            ]
        elif isinstance(line := getattr(found, "line", None), str):
            stops = tables["rail_stops"]
            own = stops[stops["line"] == line].sort_values("seq")["station"]
            entry["at"] = [[stations[s]["lon"], stations[s]["lat"]] for s in own if s in stations]
        measures.append(entry)
    return plain(  # type: ignore[no-any-return]
        {
            "hash": plan.hash,
            "region": id_,
            "name": plan.name,
            "names": plan.names,
            "description": plan.description,
            "descriptions": plan.descriptions,
            "years": list(plan.years) or [year],
            "document": plan.document(),
            "measures": measures,
        }
    )


def isochrones_document(evaluation: Evaluation, place: str) -> Document:
    """Isochrones of a city as a FeatureCollection, the largest first; degrees to three places."""
    land = isochrones(evaluation, place)[::-1]
    land["geometry"] = shapely.set_precision(land.geometry.to_numpy(), 0.001)
    found: Document = json.loads(land.to_json())
    return found


def why_document(region: Region, indicator: str) -> Document:
    """Say what an indicator is: definition, parameters with their sources, and the tables that it is computed from.

    Raises
    ------
    KeyError
        If there is no such indicator.
    """
    entry = indicators()[indicator]
    reads: set[str] = set()
    pillars = [entry.pillar]
    for pillar in reversed(PILLARS):
        if pillar.name in pillars:
            reads |= set(pillar.reads)
            pillars += [source for source, _ in pillar.inputs.values()]
    values = Parameters.of(region.meta.parameters, {})
    sources = region.frame("sources")
    rows = sources[sources["table"].isin(sorted(reads))]
    rows = rows.astype(object).where(rows.notna(), None)
    return plain(  # type: ignore[no-any-return]
        {
            "indicator": vars(entry),
            "parameters": [
                {
                    "id": id_,
                    "value": values[id_],
                    "low": values.ranges[id_][0],
                    "high": values.ranges[id_][1],
                    "unit": p.unit,
                    "status": p.status,
                    "source": p.source,
                }
                for id_, p in registry().items()
                if id_.partition(".")[0] in pillars
            ],
            "sources": rows.to_dict("records"),
        }
    )


def api_page(openapi: Document) -> str:
    """List of the API as a page that asks no other host."""
    rows = []
    for path, methods in openapi["paths"].items():
        for method, entry in methods.items():
            names = [f"{p['name']}{'' if p.get('required') else '?'}" for p in entry.get("parameters", [])]
            cells = (method.upper(), path, entry.get("description", ""), ", ".join(names))
            rows.append("<tr>" + "".join(f"<td>{escape(str(c))}</td>" for c in cells) + "</tr>")
    style = "body{font:15px system-ui;margin:2rem;max-width:70rem}td,th{text-align:left;padding:.3rem 1rem .3rem 0}"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>megalopolis API</title><style>{style}</style>"
        "<h1>megalopolis API</h1><p>Schema: <a href=/api/openapi.json>openapi.json</a>. Errors are "
        "<code>{&quot;error&quot;: [lines]}</code>.</p><table><tr><th>method<th>path<th><th>parameters</tr>"
        + "".join(rows)
        + "</table>"
    )
