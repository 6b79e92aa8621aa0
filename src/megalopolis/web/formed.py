"""Clusters that travel forms, as the map draws them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely

from megalopolis.evaluation.answers.document import plain
from megalopolis.region import Region

Document = dict[str, Any]

#: Smallest group of cities drawn.
_LEAST: Final = 3
#: Reach of an outline about its cities, as a share of the region's height in degrees.
_REACH: Final = 0.008


def formed_document(region: Region, tables: Mapping[str, pd.DataFrame]) -> Document:
    """Lay out the clusters that travel forms.

    Parameters
    ----------
    region : Region
        Gives the places of the cities.
    tables : mapping of str to DataFrame
        ``assignment`` and ``planned``; see `megalopolis.clusters.face.formed`.

    Returns
    -------
    dict
        ``formed``: cities, leader and outline of every group of three and more; ``planned``: by id of the planned
        cluster the match with the branch nearest to it, the cities that it lacks and those that it has besides.
    """
    assignment, planned = tables["assignment"], tables["planned"]
    places = region.frame("cities").set_index("id")
    reach = _REACH * max(float(np.ptp(places["lat"].to_numpy(float))), 1.0)
    formed = []
    for leader, rows in assignment.groupby("cluster", sort=True):
        members = [m for m in rows["city"] if m in places.index]
        if len(members) >= _LEAST:
            lon, lat = (places.loc[members, axis].to_numpy(float) for axis in ("lon", "lat"))
            formed.append({"leader": leader, "cities": members, "outline": outline(lon, lat, reach)})
    matches = {
        row["id"]: {key: row[key] for key in ("jaccard", "missing", "extra", "maturity")}
        for row in planned.to_dict("records")
    }
    return plain({"formed": formed, "planned": matches})  # type: ignore[no-any-return]


def outline(lon: np.ndarray[Any, Any], lat: np.ndarray[Any, Any], reach: float) -> list[list[list[list[float]]]]:
    """Union of discs about places as the coordinates of a multipolygon, degrees; discs stay round on the map."""
    stretch = float(np.cos(np.radians(lat.mean()))) if len(lat) else 1.0
    discs = shapely.buffer(shapely.points(lon * stretch, lat), 2.2 * reach)
    whole = shapely.simplify(shapely.buffer(shapely.union_all(discs), -reach), reach / 20)
    rings = [shapely.get_coordinates(shapely.get_exterior_ring(part)) for part in shapely.get_parts(whole)]
    return [[np.round(ring / (stretch, 1.0), 3).tolist()] for ring in rings if len(ring)]
