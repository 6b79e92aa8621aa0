"""Environment: water quality of a state, who causes it, and what four ways of cleaning it up cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from megalopolis.environment.air import against_limits, kernel_responses, latest, modelled
from megalopolis.environment.cases import compare_cases, levels_of, own_cost
from megalopolis.environment.daily import daily
from megalopolis.environment.inputs import BACKGROUND, Basin, basin_of, depths
from megalopolis.environment.rates import DAYS_PER_YEAR, reckhow
from megalopolis.environment.simulate import (
    Quality,
    assess_sections,
    attribution,
    simulate,
    water_balance,
)
from megalopolis.environment.standards import CLASSES, NAMES, SURFACE_WATER, Limits, limits_on, standards
from megalopolis.environment.uncertainty import compliance_probability
from megalopolis.errors import BadInput, Problem
from megalopolis.pillar import Check, Progress, Result, silent
from megalopolis.region import Region

#: Worst class that counts as good: III.
GOOD = 3
#: Indicator to the parameter whose mean over the sections it is.
_MEANS = {
    "nh3n_at_sections": "nh3n",
    "tp_at_sections": "tp",
    "cod_at_sections": "cod",
    "oxygen_at_sections": "do",
}


def run(
    state: Region,
    *,
    parameters: Mapping[str, float],
    progress: Progress = silent,
    indicators_only: bool = False,
    standard: str = SURFACE_WATER,
) -> Result:
    """Solve the rivers and lakes of one state.

    Parameters
    ----------
    state : Region
        With ``reaches`` and ``discharges``; links, sections, treatment levels and own standards where it has them.
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
        Tables ``sections``, ``attribution``, ``reaches``, ``lakes``, ``balance`` and, where discharges have treatment
        levels, ``cases``, ``case_totals``, ``case_sections``, ``prices``, ``charges`` and ``unmet``.

    Raises
    ------
    BadInput
        If the tables cannot be used, or the standard is not valid in the year.
    CheckFailed
        If mass is not conserved, or a limit that the cheapest plan claims to hold is broken.
    """
    basin = basin_of(state, parameters)
    if not basin.pollutants:
        raise BadInput(Problem("discharges", "no concentration of any pollutant is given", "give cod, nh3n or tp"))
    date = f"{state.year}-12-31"
    nitrogen = parameters["lake_nitrogen"] > 0
    limits = state.derive(
        f"environment: limits {standard} {nitrogen}", lambda: _limits(state, basin, standard, date, nitrogen=nitrogen)
    )
    progress("environment: transport", 0, 4)
    quality = simulate(basin, parameters, basin.load)
    sections = assess_sections(basin, quality, limits)
    levels = levels_of(state, basin, parameters, date) if state.has("treatment_levels") else None
    cost = None if levels is None else own_cost(levels)
    air = _observed(state, date)
    rows = pd.concat([_indicators(basin, sections, cost), *_air_indicators(state, air)], ignore_index=True)
    checks: tuple[Check, ...] = quality.checks
    warnings = _warnings(basin, quality, parameters)
    if indicators_only:
        return Result("environment", {}, rows, checks, warnings)
    progress("environment: attribution", 1, 4)
    causes, check = attribution(basin, parameters, quality)
    shown = sections.assign(target=basin.sections["target"])
    shown["class"] = [NAMES[g] for g in sections["grade"]]
    if len(sections):
        shown["probability"] = compliance_probability(basin, parameters, limits)
    tables = {
        "sections": shown,
        "attribution": causes,
        "reaches": _reaches(basin, quality, limits),
        "lakes": _lakes(basin, quality),
        "balance": _balance(quality),
    }
    checks = (*checks, check)
    if state.has("daily") and len(sections):
        progress("environment: day by day", 2, 4)
        tables["daily"], tables["daily_sections"], kept = daily(basin, parameters, state.frame("daily"), limits)
        checks = (*checks, *kept)
    tables |= {"air": air} if air is not None else {}
    tables |= _air(state, parameters)
    progress("environment: abatement", 3, 4)
    if levels is not None and (levels.own >= 0).any():
        compared = compare_cases(basin, parameters, levels, limits)
        tables |= compared.tables
        checks, warnings = (*checks, *compared.checks), (*warnings, *compared.warnings)
    return Result("environment", tables, rows, checks, warnings)


def _limits(state: Region, basin: Basin, standard: str, date: str, *, nitrogen: bool) -> dict[str, dict[str, Limits]]:
    table = standards(state.frame("standards"))
    found = {body: limits_on(table, standard, date, body) for body in _bodies(basin)}
    if not nitrogen:
        found = {body: {name: of for name, of in limits.items() if name != "tn"} for body, limits in found.items()}
    return found


def _bodies(basin: Basin) -> list[str]:
    kinds = [("lake", basin.lake.any()), ("river", not basin.lake.all())]
    return [name for name, there in kinds if there]


def _indicators(basin: Basin, sections: pd.DataFrame, cost: np.ndarray | None) -> pd.DataFrame:
    """Ledger rows of every city with sections or discharges, and of the region."""
    rows: list[tuple[str, str, float]] = []
    owners = [c if isinstance(c, str) else "" for c in sections["city"].tolist()]
    cities, owner = np.unique(np.array(owners, str), return_inverse=True)
    complies = sections["complies"].to_numpy(float, na_value=np.nan)
    grade = sections["grade"].to_numpy(float)
    columns = {
        "sections_complying": complies,
        "sections_good": np.where(grade > 0, grade <= GOOD, np.nan),
        **{id_: sections[name].to_numpy(float) for id_, name in _MEANS.items() if name in sections},
    }
    for id_, values in columns.items():
        known = ~np.isnan(values)
        if known.any():
            rows.append(("region", id_, float(values[known].mean())))
        count = np.bincount(owner[known], minlength=len(cities))
        total = np.bincount(owner[known], values[known], minlength=len(cities))
        rows += [(str(c), id_, t / n) for c, t, n in zip(cities, total, count, strict=True) if c and n]
    mine = basin.city != BACKGROUND
    names, who = np.unique(basin.city[mine].astype(str), return_inverse=True)
    sums = {
        f"{p}_discharged": basin.load[mine, basin.pollutants.index(p)] for p in ("nh3n", "tp") if p in basin.pollutants
    }
    if cost is not None:
        sums["treatment_cost"] = cost[mine]
    for id_, values in sums.items():
        total = np.bincount(who, values, minlength=len(names))
        rows += [(str(c), id_, float(t)) for c, t in zip(names, total, strict=True)]
    return pd.DataFrame(rows, columns=["place", "indicator", "value"]).assign(status="estimated")


def _observed(state: Region, date: str) -> pd.DataFrame | None:
    """Observed air against the limits; None where nothing was observed."""
    if not state.has("air_quality"):
        return None

    def build() -> pd.DataFrame:
        return against_limits(state.frame("air_quality"), standards(state.frame("standards")), date)

    return state.derive("environment: air", build)


def _air_indicators(state: Region, air: pd.DataFrame | None) -> list[pd.DataFrame]:
    """Latest fine particles of every city, and the share of the cities that meet the limit of the state's year."""
    if air is None:
        return []
    last = latest(air, state.year)
    meets = last["complies_on_date"].dropna()
    rows = [(c, "pm25_observed", float(v)) for c, v in zip(last["city"], last["value"], strict=True)]
    rows += [("region", "air_complying", float(meets.mean()))] if len(meets) else []
    return [pd.DataFrame(rows, columns=["place", "indicator", "value"]).assign(status="sourced")] if rows else []


def _air(state: Region, parameters: Mapping[str, float]) -> dict[str, pd.DataFrame]:
    """What the cities' emissions do to each other."""
    tables = {}
    if state.has("air_sources"):
        sources = state.frame("air_sources")
        given = state.frame("air_responses")
        responses = {
            str(s): rows.pivot(index="receptor", columns="source_city", values="response").fillna(0.0)
            for s, rows in given.groupby("species", sort=True)
        }
        for species in sorted(set(sources["species"]) - set(responses)):
            responses[species] = kernel_responses(
                state.cities,
                state.frame("wind"),
                species,
                mixing=parameters["mixing_height"],
                scavenging=parameters["scavenging"],
            )
        tables["air_modelled"] = modelled(responses, sources)
    return tables


def _warnings(basin: Basin, quality: Quality, parameters: Mapping[str, float]) -> tuple[str, ...]:
    said = water_balance(basin)
    anoxic = basin.reaches["id"].to_numpy()[quality.anoxic]
    if len(anoxic):
        named = ", ".join(f"'{i}'" for i in anoxic[:5])
        said.append(f"{len(anoxic)} reaches lose all oxygen, where the linear model does not hold: {named}")
    shallow = basin.reaches["id"].to_numpy()[depths(basin)[1]]
    if len(shallow) and "do" in quality.concentration:
        named = ", ".join(f"'{i}'" for i in shallow[:5])
        said.append(f"{len(shallow)} rivers have no depth; reaeration takes Q^0.5 / (7.2 U), an estimate: {named}")
    if "do" not in quality.concentration:
        said.append("without bod5 and nh3n of the discharges there is no dissolved oxygen")
    if basin.network.looped and parameters["oxygen_limit"] > 0:
        said.append("water can return in this network: rates are not limited by oxygen")
    if "assumed" in basin.sections:
        goal = CLASSES[int(parameters["assumed_target"]) - 1]
        count = int(basin.sections["assumed"].sum())
        said.append(f"{count} of {len(basin.sections)} sections have no target of their own: class {goal} is assumed")
    if basin.sections["target"].isna().any():
        count = int(basin.sections["target"].isna().sum())
        said.append(f"{count} of {len(basin.sections)} sections have no target: they are classed, not judged")
    return tuple(said)


def _reaches(basin: Basin, quality: Quality, limits: Mapping[str, Mapping[str, Limits]]) -> pd.DataFrame:
    everywhere = pd.DataFrame({"id": basin.reaches["id"], "city": None, "reach": basin.reaches["id"], "target": None})
    whole = replace(basin, sections=everywhere, section_at=np.arange(len(basin.flow)))
    graded = assess_sections(whole, quality, limits)
    columns = ["reach", "body", *quality.concentration, "grade", "factor"]
    place = basin.reaches[["name", "lon", "lat", "flow_m3s"]]
    frame = pd.concat([graded[columns], place], axis=1).assign(anoxic=quality.anoxic)
    frame["class"] = [NAMES[g] for g in graded["grade"]]
    return frame


def _lakes(basin: Basin, quality: Quality) -> pd.DataFrame:
    """Phosphorus of the lakes by both regressions: what enters is what Vollenweider kept, divided by its share."""
    years = basin.days[basin.lake] / DAYS_PER_YEAR
    frame = pd.DataFrame({"reach": basin.reaches["id"][basin.lake], "residence_years": years})
    if "tp" in quality.concentration:
        kept = quality.concentration["tp"][basin.lake]
        area = basin.reaches["area_km2"].to_numpy(float)[basin.lake]
        load = basin.flow[basin.lake] * 86400 * DAYS_PER_YEAR / (1e6 * area)
        frame["tp_vollenweider"] = kept
        frame["tp_reckhow"] = kept * (1.0 + np.sqrt(years)) * reckhow(load)
    return frame.reset_index(drop=True)


def _balance(quality: Quality) -> pd.DataFrame:
    """Where the mass of every pollutant went, kg/d."""
    rows = [
        {
            "pollutant": name,
            "came_in": found.came_in,
            "left": found.left,
            "decayed": found.decayed,
            "taken": found.taken,
            "error": found.check(name).value,
        }
        for name, found in quality.balances.items()
    ]
    return pd.DataFrame(rows)
