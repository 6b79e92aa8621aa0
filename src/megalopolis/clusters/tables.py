"""The kernels' findings as labelled tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from megalopolis.clusters.compare import Match, best_branch, best_random, found_range, groups, maturity
from megalopolis.clusters.flows import backbone
from megalopolis.clusters.geometry import SpanningTree, length_km, neighbours
from megalopolis.clusters.hierarchy import Branch, Hierarchy
from megalopolis.clusters.inputs import Cities
from megalopolis.clusters.measures import cohesion, functional_polycentricity, internal_times, rank_size_slope, total
from megalopolis.clusters.percolation import corridors, growth, largest_jump
from megalopolis.region import Region
from megalopolis.units import Array

Members = npt.NDArray[np.intp]

#: Door-to-door minutes at which corridors are shown; never one alone.
THRESHOLDS = (60.0, 75.0, 90.0, 105.0, 120.0, 135.0, 150.0)
CORRIDOR_COLUMNS = ["threshold_min", "rank", "cities", "population", "length_km", "before_jump"]


def branch_id(branch: Branch, cities: Cities) -> str:
    """Id of a branch: its leading city, and its rank among the branches that this city leads."""
    return f"{cities.ids[branch.leader]}-{branch.rank}"


def _name(branch: Branch, cities: Cities) -> str:
    own = str(cities.frame["name"].iloc[branch.leader])
    return own if branch.rank == 1 else f"{own} {branch.rank}"


def sums(cities: Cities, members: Members) -> dict[str, float]:
    """Population, urban population and GDP of a cluster with their shares of the region and the coverage of both."""
    found: dict[str, float] = {}
    for name, values in (("population", cities.population), ("urban_population", cities.urban), ("gdp", cities.gdp)):
        part = total(values, members, cities.people)
        found |= {name: part.value, f"share_{name}": part.share, f"coverage_{name}": part.coverage}
    return found


def branches_table(tree: Hierarchy, cities: Cities, flows: Array, flow_share: float) -> pd.DataFrame:
    """One row per branch of the hierarchy, parents first."""
    rows = []
    counted = backbone(flows, flow_share).toarray()
    for branch in tree.branches:
        m = branch.members
        rows.append(
            {
                "id": branch_id(branch, cities),
                "name": _name(branch, cities),
                "level": branch.level,
                "parent": None if branch.parent is None else branch_id(tree.branches[branch.parent], cities),
                "cities": cities.ids[m].tolist(),
                **sums(cities, m),
                "length_km": length_km(cities.lon[m], cities.lat[m]),
                "cohesion": cohesion(flows, m),
                "rank_size_slope": rank_size_slope(cities.population[m]),
                "functional_polycentricity": functional_polycentricity(counted, m),
                "resolution_low": branch.resolution_low,
                "resolution_high": branch.resolution_high,
                "persistence": branch.persistence,
                "stability": branch.stability,
            }
        )
    return pd.DataFrame(rows)


def _planned_masks(cities: Cities) -> dict[str, npt.NDArray[np.bool_]]:
    return {cluster: np.isin(np.arange(len(cities.lon)), m) for cluster, m in cities.planned.items()}


def null_table(cities: Cities, sizes: npt.NDArray[np.int64], distance_tree: Hierarchy) -> pd.DataFrame:
    """Best match of each planned cluster, the index, with what knows nothing of travel.

    Columns ``provinces``, ``distance_only`` and ``random``; groups of the last have the given numbers of cities.
    """
    people, wanted = cities.people, _planned_masks(cities)
    provinces = groups(cities.frame["admin1"].fillna(cities.frame["id"]).to_numpy(object).astype(str))
    near = neighbours(cities.lon, cities.lat)
    nulls = {
        "provinces": [best_branch(mask, provinces, people).jaccard for mask in wanted.values()],
        "distance_only": [best_branch(mask, distance_tree.masks(), people).jaccard for mask in wanted.values()],
        "random": best_random(np.array(list(wanted.values())), sizes, near, people).mean(axis=0),
    }
    return pd.DataFrame(nulls, index=pd.Index(list(wanted), name="id"))


def planned_table(state: Region, cities: Cities, flows: Array, tree: Hierarchy) -> pd.DataFrame:
    """One row per planned cluster: its best branch and the verdict."""
    names = state.frame("clusters_planned").drop_duplicates("cluster").set_index("cluster")
    masks, people = tree.masks(), cities.people
    persistence = np.array([branch.persistence for branch in tree.branches])
    typical = float(np.median(persistence)) if len(persistence) else 0.0
    rows = []
    for cluster, mask in _planned_masks(cities).items():
        match = best_branch(mask, masks, people)
        members = cities.planned[cluster]
        times = internal_times(cities.minutes, people, members)
        held = cohesion(flows, members)
        lasting = found_range(mask, masks, persistence, people)
        row: dict[str, Any] = {
            "id": cluster,
            "name": names.loc[cluster, "name"],
            "name_local": names.loc[cluster, "name_local"],
            "jaccard": match.jaccard,
            "best_cluster": None if match.branch is None else branch_id(tree.branches[match.branch], cities),
            "missing": cities.ids[match.missing].tolist(),
            "extra": cities.ids[match.extra].tolist(),
            "maturity": maturity(match.jaccard, held, lasting, typical_persistence=typical),
            "cohesion": held,
            "persistence": lasting,
            "mean_minutes": times.mean,
            "p90_minutes": times.p90,
            "length_km": length_km(cities.lon[members], cities.lat[members]),
            **sums(cities, members),
        }
        rows.append(row | _stays(match, tree))
    return pd.DataFrame(rows)


def _stays(match: Match, tree: Hierarchy) -> dict[str, float]:
    return {"stability": tree.branches[match.branch].stability if match.branch is not None else 0.0}


def corridors_table(tree: SpanningTree, cities: Cities) -> pd.DataFrame:
    """Clusters of three and more cities at every threshold shown.

    ``before_jump`` marks the last threshold shown before the largest cluster grows most at once: beyond it everything
    runs together.
    """
    rows: list[dict[str, Any]] = []
    jump = largest_jump(growth(tree, cities.population))
    for threshold in THRESHOLDS:
        found = corridors(tree, threshold, cities.population, cities.lon, cities.lat)
        for rank, corridor in enumerate(found, 1):
            rows.append(
                {
                    "threshold_min": threshold,
                    "rank": rank,
                    "cities": cities.ids[corridor.members].tolist(),
                    "population": corridor.population,
                    "length_km": corridor.length_km,
                }
            )
    there = sorted({row["threshold_min"] for row in rows})
    before = max((t for t in there if jump and t <= jump.from_minutes), default=there[0] if there else 0.0)
    for row in rows:
        row["before_jump"] = row["threshold_min"] == before
    return pd.DataFrame(rows, columns=CORRIDOR_COLUMNS)


def assignment_table(tree: Hierarchy, cities: Cities, parameters: Mapping[str, float]) -> pd.DataFrame:
    """Cluster of every city at the resolution shown, named by its largest city, with the city's stability."""
    labels = tree.partition(parameters["resolution_shown"])
    people = cities.people
    leader = {
        label: int(np.flatnonzero(labels == label)[people[labels == label].argmax()]) for label in np.unique(labels)
    }
    ids = cities.ids
    stays = np.ones(len(labels))
    for branch in tree.branches:  # smaller branches come later and say more of a city
        if branch.resolution_low <= parameters["resolution_shown"]:
            stays[branch.members] = branch.city_stability
    return pd.DataFrame({"city": ids, "cluster": [ids[leader[label]] for label in labels], "stability": stays})
