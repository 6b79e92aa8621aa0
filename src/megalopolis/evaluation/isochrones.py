"""Isochrones of a city in a state of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np

from megalopolis.errors import BadInput, Problem
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.region.write import atomic
from megalopolis.travel.accessibility import people_within
from megalopolis.travel.assemble import assemble, road_speeds
from megalopolis.travel.isochrones import check_limits, reach

LIMITS: Final = (60.0, 120.0, 180.0)
_DRIVERS: Final = {".gpkg": "GPKG", ".geojson": "GeoJSON", ".json": "GeoJSON"}


def isochrones(
    evaluation: Evaluation,
    city: str,
    minutes: Sequence[float] = LIMITS,
    *,
    case: str | None = None,
    year: int | None = None,
) -> gpd.GeoDataFrame:
    """Land reached from a city within some minutes, door to door.

    By road from the centre, and by train to every station and on by road within ``travel.access_reach_km`` of it; the
    minutes are those of the door-to-door times between cities.

    Parameters
    ----------
    evaluation : Evaluation
        With travel.
    city : str
        Id or name.
    minutes : sequence of float
        One isochrone for each, 1 to 1,440.
    case, year
        The state; default as `Evaluation.last`.

    Returns
    -------
    GeoDataFrame
        Columns ``city, name, minutes, cities, people, area_km2, geometry`` by rising minutes, WGS-84: cities and
        residents whose centre lies within the minutes, and the land as a polygon, which does not stop at coasts or
        barriers.

    Raises
    ------
    BadInput
        If no city is called so, or minutes are out of range.
    """
    limits = sorted({float(limit) for limit in minutes})
    check_limits(limits)
    state = evaluation.state(case, year)
    id_ = state.names.city(city)
    parameters = evaluation.parameters.of_pillar("travel")
    network = assemble(state, parameters)
    number = network.layout.ids.index(id_)
    land = reach(network, number, limits, road_speeds(parameters), parameters["access_reach_km"])
    row = evaluation.result("travel", case, year).tables["minutes"].to_numpy(float)[number : number + 1]
    counted = (network.layout.people > 0).astype(float)
    land.insert(0, "city", id_)
    land.insert(1, "name", state.names.labels[id_])
    for place, (name, weight) in enumerate((("cities", counted), ("people", network.layout.people)), 3):
        land.insert(place, name, [float(people_within(row, weight, limit)[0]) for limit in limits])
    land["cities"] = land["cities"].astype(np.int64)
    return land


def write_isochrones(land: gpd.GeoDataFrame, path: Path) -> None:
    """Write isochrones as GeoPackage or GeoJSON, by the file's ending, larger ones first.

    Raises
    ------
    BadInput
        If the ending is none of these, or the file cannot be written.
    """
    driver = _DRIVERS.get(path.suffix.casefold())
    if driver is None:
        raise BadInput(Problem(path.name, "is not a format of isochrones", "end it in .gpkg or .geojson"))
    try:
        with atomic(path) as part:
            land[::-1].to_file(part, driver=driver, layer="isochrones" if driver == "GPKG" else None)
    except OSError as error:
        raise BadInput(Problem(str(path), error.strerror or "cannot be written", "give another file")) from error
