"""Environment: water quality of a state, who causes it, what four ways of cleaning it up cost, and its air."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from megalopolis.environment.air_state import air_indicators, air_tables, observed
from megalopolis.environment.standards import SURFACE_WATER
from megalopolis.environment.water import solve_water
from megalopolis.pillar import Progress, Result, silent
from megalopolis.region import Region


def run(
    state: Region,
    *,
    parameters: Mapping[str, float],
    progress: Progress = silent,
    indicators_only: bool = False,
    standard: str = SURFACE_WATER,
) -> Result:
    """Solve the rivers and lakes of one state, and its air.

    Parameters
    ----------
    state : Region
        With ``reaches`` and ``discharges``; links, sections, treatment levels and own standards where it has them. Or
        with ``air_quality`` or ``air_sources`` alone: then rivers and lakes are left out.
    parameters : mapping of str to float
        Parameters of environment by short id.
    progress : callable
        See `megalopolis.pillar.Progress`.
    indicators_only : bool
        Leave out attribution, probabilities and the cases of abatement.
    standard : str
        Standard by which sections are assessed, as valid on the last day of the state's year.

    Returns
    -------
    Result
        Of the water, tables ``sections``, ``attribution``, ``reaches``, ``lakes``, ``balance`` and, where discharges
        have treatment levels, ``cases``, ``case_totals``, ``case_sections``, ``prices``, ``charges`` and ``unmet``; of
        the air ``air`` and ``air_modelled``.

    Raises
    ------
    BadInput
        If the tables cannot be used, or the standard is not valid in the year.
    CheckFailed
        If mass is not conserved, or a limit that the cheapest plan claims to hold is broken.
    """
    date = f"{state.year}-12-31"
    lacking = [name for name in ("reaches", "discharges") if not state.has(name)]
    if lacking:
        said = f"rivers and lakes are left out: the region has no table {', '.join(lacking)}"
        water = Result("environment", warnings=(said,))
    else:
        water = solve_water(
            state, parameters, date, standard=standard, progress=progress, indicators_only=indicators_only
        )
    air = observed(state, date)
    rows = [frame for frame in (water.indicators, *air_indicators(state, air)) if len(frame)]
    found = pd.concat(rows, ignore_index=True) if rows else water.indicators
    if indicators_only:
        return replace(water, indicators=found)
    tables, notes = air_tables(state, air, parameters)
    return replace(water, tables={**water.tables, **tables}, indicators=found, warnings=(*water.warnings, *notes))
