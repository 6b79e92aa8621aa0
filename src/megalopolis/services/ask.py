"""Answers on demand: one resident's procedures, and which links to build first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from megalopolis.errors import BadInput, Problem
from megalopolis.pillar import Progress, silent
from megalopolis.region import Region
from megalopolis.services.burden import burdens
from megalopolis.services.linkplan import LinkPlan, marginal, phases, sequence
from megalopolis.services.models import Catalogue
from megalopolis.services.options import Options, options
from megalopolis.services.plandoc import document
from megalopolis.services.resident import Case, resident_view
from megalopolis.services.setting import Setting, set_up
from megalopolis.units import Array

_FIRST: Final = 10


def resident(
    state: Region,
    *,
    minutes: pd.DataFrame,
    parameters: Mapping[str, float],
    home: str,
    work: str,
    procedures: Sequence[str] = (),
    start: dt.date | None = None,
    catalogue: Catalogue | None = None,
) -> dict[str, Any]:
    """Describe the procedures of one resident; see `megalopolis.services.resident.resident_view`.

    Parameters
    ----------
    state, minutes, parameters, catalogue
        See `megalopolis.services.face.run`.
    home, work : str
        City ids.
    procedures : sequence of str
        Codes; default: all.
    start : date, optional
        Day of filing.
    """
    setting = set_up(state, minutes=minutes, parameters=parameters, catalogue=catalogue)
    case = Case(setting.catalogue, setting.compiled, setting.world, setting.travel, setting.burden)
    view = resident_view(case, home, work, procedures, start)
    return {**view, "assumed_share": setting.assumed}


def links(
    state: Region,
    *,
    minutes: pd.DataFrame,
    parameters: Mapping[str, float],
    cities: Sequence[str],
    years: Sequence[int],
    budgets: Sequence[float] | None = None,
    budget_share: float = 0.25,
    seconds: float = 600.0,
    city_cap: float | None = None,
    flows: pd.DataFrame | None = None,
    catalogue: Catalogue | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Choose the links to build first among some cities.

    Parameters
    ----------
    state, minutes, flows, catalogue, parameters, progress
        See `megalopolis.services.face.run`.
    cities : sequence of str
        Ids, all in the catalogue.
    years : sequence of int
        Years in which money is spent, ascending.
    budgets : sequence of float, optional
        Currency in each year; default: ``budget_share`` of the cost of everything, spread evenly.
    budget_share : float
        Used where no budgets are given.
    seconds : float
        Limit by the clock of each solve; a plan that it cut short says so.
    city_cap : float, optional
        Most that one city pays over all years, currency.

    Returns
    -------
    dict
        The plan of `megalopolis.services.plandoc.document`, with ``first`` (the first bundles and what each adds) and
        ``full_cost``, the cost of every part.

    Raises
    ------
    BadInput
        If a city is unknown, or years and budgets do not fit.
    """
    setting = set_up(state, minutes=minutes, parameters=parameters, flows=flows, catalogue=catalogue, only=list(cities))
    chosen = options(setting.catalogue, setting.compiled, setting.world, setting.travel, setting.demand, parameters)
    full = float(chosen.cost.sum())
    money = [budget_share * full / max(len(years), 1)] * len(years) if budgets is None else list(budgets)
    _refuse_years(years, money)
    plans = phases(chosen, money, seconds=seconds, city_cap=city_cap, progress=progress)
    return {
        **document(chosen, setting.compiled, years, plans),
        "catalogue": {"id": setting.catalogue.id, "assumed_share": setting.assumed},
        "currency": setting.catalogue.currency,
        "full_cost": full,
        "first": _first(chosen, setting, plans[-1], parameters),
    }


def _refuse_years(years: Sequence[int], money: Sequence[float]) -> None:
    if not years or len(money) != len(years) or list(years) != sorted(set(years)) or min(money) < 0:
        what = "years must ascend, with one budget of at least 0 each"
        raise BadInput(Problem("links", what, "give as many of both"))


def _first(chosen: Options, setting: Setting, plan: LinkPlan, parameters: Mapping[str, float]) -> list[dict[str, Any]]:
    """The first bundles in order: parts, hours added, and papers and visits removed a year."""
    worth = marginal(chosen, plan.built)
    built = np.zeros(len(chosen.parts), dtype=bool)
    demand = setting.passable

    def papers_and_visits() -> Array:
        world = chosen.world(setting.world, built)
        burden = burdens(setting.compiled, world, setting.travel, parameters)
        values = np.nan_to_num(np.stack([burden.of("documents"), burden.of("visits")]))
        return np.asarray((demand[None] * values).sum(axis=(1, 2, 3)))

    out = []
    before = papers_and_visits()
    for parts, hours in sequence(chosen, plan.built)[:_FIRST]:
        built[parts] = True
        after = papers_and_visits()
        out.append(
            {
                "parts": [chosen.parts[i].id for i in parts],
                "cost": float(chosen.cost[parts].sum()),
                "adds_hours": hours,
                "lost_without_hours": float(worth[parts].max()),
                "documents_removed": float(before[0] - after[0]),
                "visits_removed": float(before[1] - after[1]),
            }
        )
        before = after
    return out


def tornado(
    state: Region,
    *,
    minutes: pd.DataFrame,
    parameters: Mapping[str, float],
    ranges: Mapping[str, tuple[float, float]],
    flows: pd.DataFrame | None = None,
) -> list[dict[str, Any]]:
    """Hours a year of all residents with one parameter at a time at its low and at its high, the widest swing first.

    Parameters
    ----------
    state, minutes, flows, parameters
        See `megalopolis.services.face.run`.
    ranges : mapping of str to (float, float)
        Low and high of parameters by short id.

    Returns
    -------
    list of dict
        ``parameter, low, high`` and ``hours_low, hours_high``, the totals at these two ends.
    """
    rows = []
    for name, ends in ranges.items():
        if name in parameters and ends[0] < ends[1]:
            totals = []
            for end in ends:
                setting = set_up(state, minutes=minutes, flows=flows, parameters={**parameters, name: end})
                totals.append(float((setting.passable * setting.burden.known[0]).sum()))
            rows.append(
                {"parameter": f"services.{name}", "low": ends[0], "high": ends[1]}
                | {"hours_low": totals[0], "hours_high": totals[1]}
            )
    return sorted(rows, key=lambda r: -abs(r["hours_high"] - r["hours_low"]))
