"""Air of a state: what was measured against the limits, and what the cities' emissions do to each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd

from megalopolis.environment.air import against_limits, kernel_responses, latest, modelled
from megalopolis.environment.standards import standards
from megalopolis.region import Region

#: Kinds of provenance, the strongest first.
_STRENGTH: Final = ("sourced", "measured", "estimated", "assumed", "unstated")


def observed(state: Region, date: str) -> pd.DataFrame | None:
    """Observed air against the limits; None where nothing was observed."""
    if not state.has("air_quality"):
        return None

    def build() -> pd.DataFrame:
        return against_limits(state.frame("air_quality"), standards(state.frame("standards")), date)

    return state.derive("environment: air", build)


def air_indicators(state: Region, air: pd.DataFrame | None) -> list[pd.DataFrame]:
    """Latest fine particles of every city with the status of the row, and the share of the cities that meet the limit.

    The share is as good as the weakest of the values behind it.
    """
    if air is None:
        return []
    last = latest(air, state.year)
    status = state.status("air_quality", "value").loc[last.index]
    rows = list(zip(last["city"], ["pm25_observed"] * len(last), last["value"].astype(float), status, strict=True))
    meets = last["complies_on_date"].dropna()
    if len(meets):
        weakest = max(status[meets.index], key=_STRENGTH.index)
        rows.append(("region", "air_complying", float(meets.mean()), weakest))
    return [pd.DataFrame(rows, columns=["place", "indicator", "value", "status"])] if rows else []


def air_tables(
    state: Region, air: pd.DataFrame | None, parameters: Mapping[str, float]
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Tables ``air``, as of `observed`, and ``air_modelled``, where the region has them; and what to know of them."""
    tables = {} if air is None else {"air": air}
    if not state.has("air_sources"):
        return tables, []
    responses, said = responses_of(state, parameters)
    return {**tables, "air_modelled": modelled(responses, state.frame("air_sources"))}, said


def responses_of(state: Region, parameters: Mapping[str, float]) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Responses of every species that a city emits: the region's own, else the plume's; and what is missing in them.

    Raises
    ------
    BadInput
        If a species has no responses of its own and the plume cannot carry it, or a wind rose cannot be used.
    """
    emitted = state.frame("air_sources")
    responses, said = {}, []
    for species, rows in state.frame("air_responses").groupby("species", sort=True):
        matrix = rows.pivot(index="receptor", columns="source_city", values="response")
        emitters = set(emitted.loc[emitted["species"] == species, "city"])
        empty = int(matrix[[c for c in matrix if c in emitters]].isna().to_numpy().sum())
        if empty:
            said.append(f"{empty} pairs of cities have no response to {species} in air_responses: they count as zero")
        responses[str(species)] = matrix.fillna(0.0)
    for species in sorted(set(emitted["species"]) - set(responses)):
        responses[species] = kernel_responses(
            state.cities,
            state.frame("wind"),
            species,
            mixing=parameters["mixing_height"],
            scavenging=parameters["scavenging"],
        )
    return responses, said
