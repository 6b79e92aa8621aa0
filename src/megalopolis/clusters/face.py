"""Clusters: which cities act as one, against the clusters that are planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from megalopolis.clusters.communities import community_runs, resolution_grid
from megalopolis.clusters.compare import distance_only_minutes
from megalopolis.clusters.flows import backbone, gravity_flows
from megalopolis.clusters.geometry import spanning_tree
from megalopolis.clusters.hierarchy import Hierarchy, build_hierarchy
from megalopolis.clusters.inputs import Cities, cities_of, fit_of, flows_of, industries_of
from megalopolis.clusters.measures import cohesion, duplication, internal_times, ratio
from megalopolis.clusters.tables import (
    assignment_table,
    branches_table,
    corridors_table,
    null_table,
    planned_table,
    sums,
)
from megalopolis.pillar import Check, Progress, Result, silent
from megalopolis.region import Region
from megalopolis.units import Array, great_circle_matrix

#: Partitions of one consensus, a hundred times the usual: more fill the memory and tell nothing more.
MAX_PARTITIONS = 40_000
#: Seed of the resampled flows: the same on every run.
_SEED = 1


def run(
    state: Region,
    *,
    minutes: pd.DataFrame,
    parameters: Mapping[str, float],
    progress: Progress = silent,
    indicators_only: bool = False,
) -> Result:
    """Find the clusters of one state.

    Parameters
    ----------
    state : Region
        With ``cities``; planned clusters, observed flows and industries where it has them.
    minutes : DataFrame, shape (n, n)
        Door-to-door minutes, ids on both axes.
    parameters : mapping of str to float
        Parameters of clusters by short id.
    progress : callable
        See `megalopolis.pillar.Progress`.
    indicators_only : bool
        Leave out the communities, which the indicators do not need.

    Returns
    -------
    Result
        Tables ``flows`` (shares of all flows between the units), ``branches``, ``planned``, ``corridors``,
        ``assignment``; the indicators of ``indicators.csv`` for each
        planned cluster and the region.

    Raises
    ------
    CheckFailed
        If flows do not sum to one, or a city is lost from the partition.
    """
    cities = cities_of(state, minutes)
    warnings = _warnings(cities)
    if not _travels(cities):
        none = pd.DataFrame(0.0, index=minutes.index, columns=minutes.columns)
        return Result(
            "clusters",
            {**_empty(), "flows": none},
            warnings=(*warnings, "fewer than two cities that travel: no clusters"),
        )
    progress("clusters: flows", 0, 3)
    flows = flows_of(state, cities, parameters)
    rows = _indicators(state, cities, flows)
    checks = [Check("flows sum to one", float(abs(flows.sum() - 1.0)), 1e-9)]
    if state.has("flows"):
        warnings = (*warnings, "flows are the observed ones: they do not follow a change of travel times")
    shares = pd.DataFrame(flows, index=pd.Index(cities.ids, name="id"), columns=cities.ids)
    if indicators_only:
        return Result("clusters", {"flows": shares}, rows, tuple(checks), warnings)
    tables = {"flows": shares, **_tables(state, cities, flows, parameters, progress)}
    lost = len(cities.lon) - tables["assignment"]["city"].nunique()
    checks.append(Check("cities lost from the partition", float(lost), 0.0))
    return Result("clusters", tables, rows, tuple(checks), warnings)


def _tables(
    state: Region, cities: Cities, flows: Array, parameters: Mapping[str, float], progress: Progress
) -> dict[str, pd.DataFrame]:
    """Tables of a whole result besides the flows."""
    progress("clusters: communities", 1, 3)
    tree = _tree(flows, cities, parameters)
    progress("clusters: comparison", 2, 3)
    return {
        "branches": branches_table(tree, cities, flows, parameters["flow_share"]),
        "corridors": corridors_table(spanning_tree(cities.minutes), cities),
        **_formed(state, cities, flows, tree, parameters),
        "gravity": fit_of(state, cities),
    }


def formed(state: Region, *, minutes: pd.DataFrame, parameters: Mapping[str, float]) -> dict[str, pd.DataFrame]:
    """Tables ``assignment`` and ``planned`` of `run` alone: what a map draws of the clusters that travel forms.

    Parameters
    ----------
    state, minutes, parameters
        As of `run`.
    """
    cities = cities_of(state, minutes)
    if not _travels(cities):
        return {name: table for name, table in _empty().items() if name in {"assignment", "planned"}}
    flows = flows_of(state, cities, parameters)
    return _formed(state, cities, flows, _tree(flows, cities, parameters), parameters)


def _formed(
    state: Region, cities: Cities, flows: Array, tree: Hierarchy, parameters: Mapping[str, float]
) -> dict[str, pd.DataFrame]:
    planned = planned_table(state, cities, flows, tree) if cities.planned else _empty()["planned"]
    return {"assignment": assignment_table(tree, cities, parameters), "planned": planned}


def _travels(cities: Cities) -> bool:
    """Whether there are two cities between which people can travel."""
    reachable = np.isfinite(np.where(np.eye(len(cities.lon), dtype=bool), np.inf, cities.minutes)).any()
    return bool(len(cities.lon) >= 2 and reachable and cities.people.sum() > 0)


def null_scores(
    state: Region, *, minutes: pd.DataFrame, sizes: Sequence[int], parameters: Mapping[str, float]
) -> pd.DataFrame:
    """Match of the planned clusters with what knows nothing of travel: the bar that their match has to clear.

    Parameters
    ----------
    state : Region
        With ``cities`` and planned clusters.
    minutes : DataFrame, shape (n, n)
        Door-to-door minutes, which give the median pace of the distance-only times.
    sizes : sequence of int
        Number of cities of every branch that was found.
    parameters : mapping of str to float
        Parameters of clusters by short id.

    Returns
    -------
    DataFrame
        By id of the planned cluster: weighted Jaccard of the best province (``provinces``), of the best branch of the
        same method on distance alone (``distance_only``), and mean over draws of the best of random neighbouring
        groups (``random``).
    """
    cities = cities_of(state, minutes)
    only_km = distance_only_minutes(cities.minutes, great_circle_matrix(cities.lon, cities.lat))
    exponents = (parameters["origin_exponent"], parameters["destination_exponent"])
    flows = gravity_flows(only_km, cities.mass, exponents=exponents, scale=parameters["deterrence_scale"])
    return null_table(cities, np.asarray(sizes, dtype=np.int64), _tree(flows, cities, parameters))


def _tree(flows: Array, cities: Cities, parameters: Mapping[str, float]) -> Hierarchy:
    """Consensus hierarchy of a flow matrix."""
    partitions = parameters["resolutions"] * parameters["runs"]
    if partitions > MAX_PARTITIONS:
        raise ValueError(f"resolutions x runs are {partitions:g} partitions, above {MAX_PARTITIONS:g}")
    resolutions = resolution_grid(
        parameters["resolution_low"], parameters["resolution_high"], int(parameters["resolutions"])
    )
    labels = community_runs(
        backbone(flows, parameters["flow_share"]),
        resolutions,
        runs=int(parameters["runs"]),
        trips=parameters["trips"],
        seed=_SEED,
    )
    return build_hierarchy(labels, resolutions, cities.people, min_persistence=parameters["min_persistence"])


def _empty() -> dict[str, pd.DataFrame]:
    return {
        "branches": pd.DataFrame(columns=["id", "name", "level", "parent", "cities"]),
        "planned": pd.DataFrame(columns=["id", "name", "jaccard", "best_cluster", "missing", "extra", "maturity"]),
        "corridors": pd.DataFrame(
            columns=["threshold_min", "rank", "cities", "population", "length_km", "before_jump"]
        ),
        "assignment": pd.DataFrame(columns=["city", "cluster", "stability"]),
    }


def _indicators(state: Region, cities: Cities, flows: Array) -> pd.DataFrame:
    """Measures of every planned cluster and of all of them together."""
    people = cities.people
    rows: list[tuple[str, str, float, str]] = []
    figures = state.derive("clusters.figures", lambda: _figures(cities, industries_of(state, cities)))
    for cluster, members in cities.planned.items():
        times = internal_times(cities.minutes, people, members)
        values = figures[f"cluster:{cluster}"] | {
            "cohesion": cohesion(flows, members),
            "cluster_minutes": times.mean,
            "cluster_minutes_p90": times.p90,
            "cluster_people_1h": times.population_within,
        }
        rows += [(f"cluster:{cluster}", name, value, "estimated") for name, value in values.items()]
    rows += [("region", name, value, "estimated") for name, value in (figures["region"] | _across(cities)).items()]
    frame = pd.DataFrame(rows, columns=["place", "indicator", "value", "status"])
    return frame.dropna(subset=["value"], ignore_index=True)


def _figures(cities: Cities, industries: Array | None) -> dict[str, dict[str, float]]:
    """What needs no travel times, by place: every planned cluster, and the region for all of them together."""
    found: dict[str, dict[str, float]] = {"region": {}}
    for cluster, members in cities.planned.items():
        part = sums(cities, members)
        own = {
            "cluster_population": part["population"],
            "cluster_gdp": part["gdp"],
            "share_population": part["share_population"],
            "share_urban_population": part["share_urban_population"],
            "share_gdp": part["share_gdp"],
            "density": ratio(cities.population, cities.area, members),
            "crowding": ratio(cities.urban, cities.built_up, members),
        }
        if industries is not None:
            own["duplication"] = duplication(industries, members).similarity
        found[f"cluster:{cluster}"] = own
    if cities.planned:
        part = sums(cities, np.unique(np.concatenate(list(cities.planned.values()))))
        found["region"] = {k: part[k] for k in ("share_population", "share_urban_population", "share_gdp")}
    return found


def _across(cities: Cities) -> dict[str, float]:
    """Mean times within planned clusters, and across them."""
    if not cities.planned:
        return {}
    home = np.full(len(cities.lon), -1)
    for number, members in enumerate(cities.planned.values()):
        home[members] = number
    inside = np.flatnonzero(home >= 0)
    minutes, home, people = cities.minutes[np.ix_(inside, inside)], home[inside], cities.people[inside]
    both = np.isfinite(minutes)
    np.fill_diagonal(both, val=False)
    weight, one = np.outer(people, people), home[:, None] == home[None, :]
    found = {}
    for name, chosen in (("within", both & one), ("across", both & ~one)):
        if weight[chosen].sum() > 0:
            found[f"cluster_minutes_{name}"] = float(np.average(minutes[chosen], weights=weight[chosen]))
    return found


def _warnings(cities: Cities) -> tuple[str, ...]:
    said = []
    missing = int(np.isnan(cities.population).sum())
    if missing:
        said.append(f"{missing} of {len(cities.population)} cities have no population: they weigh nothing in clusters")
    missing = int(np.isnan(cities.gdp).sum())
    if missing:
        said.append(
            f"{missing} of {len(cities.gdp)} cities have no GDP: flows take that of the region's mean resident, "
            "sums leave them out"
        )
    if not cities.planned:
        said.append("the region has no planned clusters to compare with")
    return tuple(said)
