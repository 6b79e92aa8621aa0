"""What is wrong with the tables of rivers, lakes and air of a region beyond their schemas, and what to know of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from megalopolis.environment.air_state import observed, responses_of
from megalopolis.environment.cases import effluents
from megalopolis.environment.daily import factors
from megalopolis.environment.inputs import Basin, basin_of, depths
from megalopolis.environment.network import Network
from megalopolis.environment.simulate import water_balance
from megalopolis.environment.standards import SURFACE_WATER
from megalopolis.environment.water import NOTHING_STATED, limits_of
from megalopolis.errors import BadInput, Problem
from megalopolis.region import Region

#: Things of one kind that are named.
_NAMED = 5


def problems_of(state: Region, parameters: Mapping[str, float]) -> tuple[Problem, ...]:
    """Everything for which the pillar would refuse the tables of a region in its own year."""
    date, found = f"{state.year}-12-31", list[Problem]()
    if state.has("reaches"):
        try:
            basin = basin_of(state, parameters)
        except BadInput as error:
            found += error.problems
        else:
            found += _water_problems(state, basin, date)
    if state.has("air_quality"):
        found += _raised(lambda: observed(state, date))
    if state.has("air_sources"):
        found += _raised(lambda: responses_of(state, parameters))
    return tuple(dict.fromkeys(found))


def notes_of(state: Region, parameters: Mapping[str, float]) -> tuple[Problem, ...]:
    """What the pillar makes of the tables without refusing them: what is left out, estimated, taken out or looped."""
    found: list[Problem] = []
    if state.has("reaches"):
        if not state.has("discharges"):
            found.append(Problem("reaches", "rivers and lakes are left out: the region has no table discharges"))
        found += _water_notes(basin_of(state, parameters))
    if state.has("air_sources"):
        found += [Problem("air_responses", said) for said in responses_of(state, parameters)[1]]
    return tuple(found)


def _raised(ask: Callable[[], Any]) -> tuple[Problem, ...]:
    try:
        ask()
    except BadInput as error:
        return error.problems
    return ()


def _water_problems(state: Region, basin: Basin, date: str) -> list[Problem]:
    found = [NOTHING_STATED] if len(basin.discharges) and not basin.pollutants else []
    found += _raised(lambda: limits_of(state, basin, SURFACE_WATER, date, nitrogen=True))
    if state.has("treatment_levels"):
        found += _raised(lambda: effluents(state, basin, date))
    if state.has("daily"):
        for quantity, ids in (("flow", basin.reaches["id"]), ("load", basin.discharges["id"])):
            found += _raised(lambda q=quantity, i=ids: factors(state.frame("daily"), q, i.tolist()))  # type: ignore[misc]
    return found


def _water_notes(basin: Basin) -> list[Problem]:
    """Loops, water that is taken out, flows that contradict each other, estimated depths, sections without a target."""
    ids, network = basin.reaches["id"].to_numpy(object), basin.network
    found = []
    looped = _in_loops(network)
    if len(looped):
        said = f"water can return to {_names(ids[looped])}: loops are solved together, by sparse LU"
        found.append(Problem("reach_links", said))
    lost = np.flatnonzero(network.abstraction > 0)
    found += [
        Problem(
            "reach_links",
            f"the fractions of '{ids[i]}' sum to {1 - network.abstraction[i]:g}: "
            f"{network.abstraction[i] * basin.flow[i]:.3g} m3/s are taken out of the rivers there",
        )
        for i in lost[:_NAMED]
    ]
    if len(lost) > _NAMED:
        found.append(Problem("reach_links", f"and at {len(lost) - _NAMED} more reaches"))
    found += [Problem("reaches", said) for said in water_balance(basin)]
    shallow = np.flatnonzero(depths(basin)[1])
    if len(shallow):
        said = f"{len(shallow)} rivers have no depth, which is estimated from their flow: {_names(ids[shallow])}"
        found.append(Problem("reaches", said))
    open_ = int(basin.sections["target"].isna().sum())
    if open_:
        found.append(Problem("sections", f"{open_} of {len(basin.sections)} have no target: classed, not judged"))
    return found


def _in_loops(network: Network) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Reaches that water can return to."""
    if not network.looped:
        return np.empty(0, np.int64)
    target = np.repeat(np.arange(len(network)), np.diff(network.pointer))
    links = csr_array((np.ones(len(target)), (network.source, target)), shape=(len(network), len(network)))
    _, group = connected_components(links, connection="strong")
    return np.flatnonzero(np.bincount(group)[group] > 1)


def _names(ids: np.ndarray[Any, Any]) -> str:
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return ", ".join(f"'{i}'" for i in ids[:_NAMED]) + more
