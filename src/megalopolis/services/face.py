"""Services: what paperwork costs the residents of every city, by where their home is and where they work."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from megalopolis.errors import BadInput, Problem
from megalopolis.pillar import Check, Progress, Result, silent
from megalopolis.region import Region
from megalopolis.services.burden import KINDS, Burden, Travel, World, burdens, interval, travel_of, world_of
from megalopolis.services.compile import Compiled, compile_catalogue
from megalopolis.services.demand import cases, home_shares
from megalopolis.services.linkplan import LinkPlan, document, marginal, phases, sequence
from megalopolis.services.models import Catalogue
from megalopolis.services.options import Options, options
from megalopolis.services.resident import Case, resident_view
from megalopolis.services.state import assumed_share, catalogue_of, with_tables
from megalopolis.units import Array

_FIRST: Final = 10


@dataclass(frozen=True)
class Setting:
    """A catalogue in a state: its arrays, travel, cases a year and burdens with what is linked today."""

    catalogue: Catalogue
    compiled: Compiled
    world: World
    travel: Travel
    population: Array
    demand: Array
    burden: Burden
    places: tuple[Array, Array]


def run(
    state: Region,
    *,
    minutes: pd.DataFrame,
    flows: pd.DataFrame | None = None,
    catalogue: Catalogue | None = None,
    parameters: Mapping[str, float],
    progress: Progress = silent,
    indicators_only: bool = False,
) -> Result:
    """Compute the burden of all procedures in one state.

    Parameters
    ----------
    state : Region
        With ``cities`` and their populations; tables of `megalopolis.services.state.TABLES` where a plan adds links.
    minutes : DataFrame, shape (n, n)
        Door-to-door minutes, ids on both axes.
    flows : DataFrame, shape (n, n), optional
        Flows between cities, any unit: spread the homes of residents from elsewhere. Default: see `home_shares`.
    catalogue : Catalogue, optional
        Default: the one bundled with the region.
    parameters : mapping of str to float
        Parameters of services by short id.
    progress : callable
        See `megalopolis.pillar.Progress`.
    indicators_only : bool
        Leave out the tables and the range of the catalogue.

    Returns
    -------
    Result
        Tables ``hours, money, documents, visits, days`` (home x work city, mean per case over the procedures, weighted
        by their rates), ``procedures`` and ``assumed``; indicators by city of residence. Empty, with a warning, where
        there is no catalogue or fewer than one of its cities.

    Raises
    ------
    BadInput
        If a population is missing, or a table of links names what the catalogue does not have.
    ValueError
        If minutes are negative or missing.
    CheckFailed
        If cases are not conserved.
    """
    found = catalogue if catalogue is not None else catalogue_of(state)
    if found is None:
        return Result("services", warnings=("the region has no catalogue of services",))
    progress("services: burdens", 0, 2)
    setting = set_up(state, minutes=minutes, flows=flows, catalogue=found, parameters=parameters)
    if not setting.compiled.cities:
        return Result("services", warnings=("no city of the catalogue of services is in the region",))
    passable = setting.burden.way >= 0
    lost = float(setting.demand[~passable].sum())
    warnings = [_left_out(state, setting)] if len(setting.compiled.cities) < len(state.cities) else []
    if lost:
        warnings.append(f"{lost:,.0f} cases a year have no passable way: no travel time leads to the office")
    ends = None
    tables: dict[str, pd.DataFrame] = {}
    if not indicators_only:
        progress("services: ranges", 1, 2)
        ends = interval(
            found, setting.compiled.cities, _square(minutes, setting.compiled.cities), setting.places, parameters, {}
        )
        tables = {
            **_matrices(setting),
            "procedures": _procedures(setting, ends),
            "assumed": _assumed(setting.catalogue),
        }
    return Result("services", tables, _indicators(setting, ends), _checks(setting), tuple(warnings))


def set_up(
    state: Region,
    *,
    minutes: pd.DataFrame,
    parameters: Mapping[str, float],
    flows: pd.DataFrame | None = None,
    catalogue: Catalogue | None = None,
    only: Sequence[str] | None = None,
) -> Setting:
    """Bring catalogue and state together.

    Parameters
    ----------
    state, minutes, flows, catalogue, parameters
        See `run`.
    only : sequence of str, optional
        Ids of the cities to keep, all of which the catalogue must have.

    Raises
    ------
    BadInput
        If the region has no catalogue, a city is not in it, or a population is missing.
    """
    base = catalogue if catalogue is not None else catalogue_of(state)
    if base is None:
        raise BadInput(Problem(state.name, "has no catalogue of services", "give one"))
    base = with_tables(base, state)
    listed = {c.id for c in base.cities}
    known = state.frame("cities").set_index("id")
    ids = [c for c in known.index if c in listed] if only is None else list(only)
    absent = [c for c in ids if c not in listed or c not in known.index]
    if absent:
        raise BadInput(
            Problem("", f"the city '{absent[0]}' is not in the catalogue of services", "add it to its cities")
        )
    compiled = compile_catalogue(base, ids)
    rows = known.loc[ids]
    places = (rows["lon"].to_numpy(float), rows["lat"].to_numpy(float))
    travel = travel_of(_square(minutes, ids), *places, parameters)
    population = rows["population"].to_numpy(float)
    between = None if flows is None else _square(flows, ids)
    shares = home_shares(population, travel.minutes, parameters, between)
    world = world_of(base, compiled)
    demand = cases(base, compiled, population, shares, parameters["cases_scale"])
    return Setting(
        base, compiled, world, travel, population, demand, burdens(compiled, world, travel, parameters), places
    )


def _square(frame: pd.DataFrame, ids: Sequence[str]) -> Array:
    missing = [c for c in ids if c not in frame.index or c not in frame.columns]
    if missing:
        raise ValueError(f"the matrix has no row or column for the city '{missing[0]}'")
    return frame.loc[list(ids), list(ids)].to_numpy(float)


def _left_out(state: Region, setting: Setting) -> str:
    have = state.cities["id"].isin(setting.compiled.cities)
    people = state.cities["population"].to_numpy(float)
    share = float(np.nansum(people[have.to_numpy()]) / np.nansum(people))
    return (
        f"services cover {int(have.sum())} of {len(have)} cities, {share:.0%} of the residents: those of the catalogue"
    )


def _matrices(setting: Setting) -> dict[str, pd.DataFrame]:
    """Mean per case of each kind, by home and work city: procedures weigh by their rates."""
    weight = setting.compiled.cases_per_1000[:, None, None] * (setting.burden.way >= 0)
    total = weight.sum(axis=0)
    ids = setting.compiled.cities
    out = {}
    for kind in KINDS:
        mean = np.nansum(weight * np.nan_to_num(setting.burden.of(kind)), axis=0) / np.where(total > 0, total, np.nan)
        out[kind] = pd.DataFrame(mean, index=pd.Index(ids, name="id"), columns=list(ids))
    return out


def _procedures(setting: Setting, ends: tuple[Burden, Burden]) -> pd.DataFrame:
    """Cases and mean burden of every procedure over all residents, with the range of its hours."""
    c, demand = setting.compiled, setting.demand * (setting.burden.way >= 0)
    total = demand.sum(axis=(1, 2))

    def mean(values: Array) -> Array:
        return np.asarray((demand * np.nan_to_num(values)).sum(axis=(1, 2)) / np.where(total > 0, total, np.nan))

    kinds = {p.code: p for p in setting.catalogue.procedures}
    return pd.DataFrame(
        {
            "procedure": c.procedures,
            "name": [kinds[p].label["en"] for p in c.procedures],
            "name_local": [kinds[p].label.get("zh", kinds[p].label["en"]) for p in c.procedures],
            "life_event": [kinds[p].life_event for p in c.procedures],
            "cases": total,
            **{kind: mean(setting.burden.of(kind)) for kind in KINDS},
            "hours_low": mean(ends[0].of("hours")),
            "hours_high": mean(ends[1].of("hours")),
            "remote": mean((setting.burden.of("visits") == 0).astype(float)),
            "cases_status": [kinds[p].cases_per_1000.status for p in c.procedures],
        }
    )


def _assumed(catalogue: Catalogue) -> pd.DataFrame:
    """Assumed share of each part of the catalogue."""
    parts = ("procedures", "services", "evidence_types", "cities", "calendars", "links", "link_costs")
    rows = [(part, assumed_share(getattr(catalogue, part))) for part in parts]
    return pd.DataFrame([*rows, ("all", assumed_share(catalogue))], columns=["part", "assumed_share"])


def _indicators(setting: Setting, ends: tuple[Burden, Burden] | None) -> pd.DataFrame:
    """Per resident, or per case, of the city of residence."""
    demand = setting.demand * (setting.burden.way >= 0)
    people = np.where(setting.population > 0, setting.population, np.nan)
    every = demand.sum(axis=(0, 1))
    cross = demand.copy()
    cross[:, np.arange(len(people)), np.arange(len(people))] = 0.0

    def total(weight: Array, values: Array) -> Array:
        return np.asarray((weight * np.nan_to_num(values)).sum(axis=(0, 1)))

    hours, visits = setting.burden.of("hours"), setting.burden.of("visits")
    per_case = np.where(every > 0, every, np.nan)
    from_elsewhere = cross.sum(axis=(0, 1))
    values = {
        "service_hours": total(demand, hours) / people,
        "service_money": total(demand, setting.burden.of("money")) / people,
        "service_documents": total(demand, setting.burden.of("documents")) / per_case,
        "service_visits": total(demand, visits) / per_case,
        "service_hours_cross": total(cross, hours) / np.where(from_elsewhere > 0, from_elsewhere, np.nan),
        "service_remote": total(demand, (visits == 0).astype(float)) / per_case,
    }
    ids = setting.compiled.cities
    frame = pd.DataFrame(
        {
            "place": [*ids * len(values), "region"],
            "indicator": [*np.repeat(list(values), len(ids)), "service_assumed"],
            "value": [*np.concatenate(list(values.values())), assumed_share(setting.catalogue)],
            "status": "assumed",
        }
    )
    if ends is not None:
        for column, end in zip(("low", "high"), ends, strict=True):
            frame.loc[frame["indicator"] == "service_hours", column] = total(demand, end.of("hours")) / people
    return frame.dropna(subset=["value"], ignore_index=True)


def _checks(setting: Setting) -> tuple[Check, ...]:
    c = setting.compiled
    alone = setting.demand[c.cross_only][:, np.arange(len(c.cities)), np.arange(len(c.cities))]
    least = float(np.nanmin(setting.burden.values, initial=0.0))
    return (
        Check("burdens below zero", -min(least, 0.0), 0.0),
        Check("cases of cross-city procedures within one city", float(alone.sum()), 0.0),
    )


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
        See `run`.
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
    return {**view, "assumed_share": assumed_share(setting.catalogue)}


def links(
    state: Region,
    *,
    minutes: pd.DataFrame,
    parameters: Mapping[str, float],
    cities: Sequence[str],
    years: Sequence[int],
    budgets: Sequence[float] | None = None,
    budget_share: float = 0.25,
    seconds: float = 60.0,
    flows: pd.DataFrame | None = None,
    catalogue: Catalogue | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Choose the links to build first among some cities.

    Parameters
    ----------
    state, minutes, flows, catalogue, parameters, progress
        See `run`.
    cities : sequence of str
        Ids, all in the catalogue.
    years : sequence of int
        Years in which money is spent, ascending.
    budgets : sequence of float, optional
        Currency in each year; default: ``budget_share`` of the cost of everything, spread evenly.
    budget_share : float
        Used where no budgets are given.
    seconds : float
        Limit by the clock.

    Returns
    -------
    dict
        The plan of `megalopolis.services.linkplan.document`, with ``first`` (the first bundles and what each adds) and
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
    if not years or len(money) != len(years) or list(years) != sorted(set(years)) or min(money) < 0:
        raise BadInput(
            Problem("links", "years must ascend, with one budget of at least 0 each", "give as many of both")
        )
    plans = phases(chosen, money, seconds=seconds, progress=progress)
    return {
        "currency": setting.catalogue.currency,
        "full_cost": full,
        **document(chosen, setting.compiled, years, plans),
        "first": _first(chosen, setting, plans[-1], parameters),
    }


def _first(chosen: Options, setting: Setting, plan: LinkPlan, parameters: Mapping[str, float]) -> list[dict[str, Any]]:
    """The first bundles in order: parts, hours added, and papers and visits removed a year."""
    worth = marginal(chosen, plan.built)
    built = np.zeros(len(chosen.parts), dtype=bool)
    demand = setting.demand * (setting.burden.way >= 0)

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
