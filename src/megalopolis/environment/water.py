"""Rivers and lakes of a state: what the pillar says of them, from concentrations to the four cases of abatement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from megalopolis.environment.cases import Levels, compare_cases, levels_of, own_cost
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
from megalopolis.environment.standards import CLASSES, NAMES, Limits, limits_on, standards
from megalopolis.environment.uncertainty import compliance_probability
from megalopolis.errors import BadInput, Problem
from megalopolis.pillar import Check, Progress, Result
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


def solve_water(
    state: Region,
    parameters: Mapping[str, float],
    date: str,
    *,
    standard: str,
    progress: Progress,
    indicators_only: bool,
) -> Result:
    """Solve the rivers and lakes of one state; arguments, tables and errors as of `megalopolis.environment.face.run`.

    Parameters
    ----------
    date : str
        ISO date on which standards and treatment levels have to be valid.
    """
    basin = basin_of(state, parameters)
    if not basin.pollutants:
        raise BadInput(NOTHING_STATED)
    limits = limits_of(state, basin, standard, date, nitrogen=parameters["lake_nitrogen"] > 0)
    progress("environment: transport", 0, 4)
    quality = simulate(basin, parameters, basin.load)
    sections = assess_sections(basin, quality, limits)
    levels = levels_of(state, basin, parameters, date) if state.has("treatment_levels") else None
    rows = _indicators(basin, sections, None if levels is None else own_cost(levels))
    warnings = _warnings(basin, quality, parameters)
    if indicators_only:
        return Result("environment", {}, rows, quality.checks, warnings)
    progress("environment: attribution", 1, 4)
    causes, conserved = attribution(basin, parameters, quality)
    tables = {
        "sections": _shown(basin, sections, parameters, limits),
        "attribution": causes,
        "reaches": _reaches(basin, quality, limits),
        "lakes": _lakes(basin, quality),
        "balance": _balance(quality),
    }
    checks = [*quality.checks, conserved]
    if state.has("daily") and len(sections):
        progress("environment: day by day", 2, 4)
        tables["daily"], tables["daily_sections"], kept = daily(basin, parameters, state.frame("daily"), limits)
        checks += kept
    progress("environment: abatement", 3, 4)
    more, found, said = _cases(basin, parameters, levels, limits)
    return Result("environment", tables | more, rows, (*checks, *found), (*warnings, *said))


#: Discharges without figures: said when a state is solved, and when a region is checked.
NOTHING_STATED = Problem("discharges", "no concentration of any pollutant is given", "give cod, nh3n or tp")


def _shown(
    basin: Basin, sections: pd.DataFrame, parameters: Mapping[str, float], limits: Mapping[str, Mapping[str, Limits]]
) -> pd.DataFrame:
    """Sections with target, name of the class and probability of complying."""
    shown = sections.assign(target=basin.sections["target"])
    shown["class"] = [NAMES[g] for g in sections["grade"]]
    if len(sections):
        shown["probability"] = compliance_probability(basin, parameters, limits)
    return shown


def _cases(
    basin: Basin,
    parameters: Mapping[str, float],
    levels: Levels | None,
    limits: Mapping[str, Mapping[str, Limits]],
) -> tuple[dict[str, pd.DataFrame], tuple[Check, ...], tuple[str, ...]]:
    """The four cases, where any discharge can be treated."""
    if levels is None or not (levels.own >= 0).any():
        return {}, (), ()
    compared = compare_cases(basin, parameters, levels, limits)
    return compared.tables, compared.checks, compared.warnings


def limits_of(state: Region, basin: Basin, standard: str, date: str, *, nitrogen: bool) -> dict[str, dict[str, Limits]]:
    """Limits of a standard on a date by kind of water; total nitrogen of lakes where it counts.

    Raises
    ------
    BadInput
        If the standards of the region cannot be used, or the one asked for is not valid on the date.
    """
    key = f"environment: limits {standard} {nitrogen}"
    return state.derive(key, lambda: _limits(state, basin, standard, date, nitrogen=nitrogen))


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
