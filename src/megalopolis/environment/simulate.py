"""From loads to concentrations, oxygen, classes, causes and the probability of compliance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from megalopolis.environment.inputs import (
    Basin,
    head_loads,
    loss_rates,
    oxygen_loads,
    retentions,
    summed,
    water_of,
)
from megalopolis.environment.oxygen import solve_oxygen
from megalopolis.environment.rates import KG_PER_DAY, SECONDS_PER_DAY
from megalopolis.environment.standards import CLASSES, UNKNOWN, Assessment, Limits, assess, exceedance
from megalopolis.environment.transport import Balance, balance, influence, steady
from megalopolis.pillar import Check
from megalopolis.units import Array


@dataclass(frozen=True)
class Quality:
    """Water at the end of every reach.

    Attributes
    ----------
    mass : ndarray, shape (p, n)
        kg/d.
    concentration : dict of str to ndarray, shape (n,)
        Concentration by parameter, mg/L; ``do`` where BOD and ammonia are known.
    anoxic : ndarray of bool, shape (n,)
        Reaches where the linear model of oxygen does not hold.
    balances : dict of str to Balance
        Conservation by pollutant.
    checks : tuple of Check
        Of every solve.
    """

    mass: Array
    concentration: dict[str, Array]
    anoxic: npt.NDArray[np.bool_]
    balances: dict[str, Balance]
    checks: tuple[Check, ...]


def simulate(basin: Basin, parameters: Mapping[str, float], load: Array) -> Quality:
    """Solve all pollutants of a basin.

    Parameters
    ----------
    basin : Basin
        n reaches, d discharges, p pollutants.
    parameters : mapping of str to float
        Of environment.
    load : ndarray, shape (d, p)
        Load of each discharge, kg/d.
    """
    n, at, along = len(basin.flow), basin.reach_of, basin.along
    a, b = retentions(basin, loss_rates(basin, parameters))
    mass, balances = np.zeros((len(basin.pollutants), n)), {}
    for k, name in enumerate(basin.pollutants):
        head = summed(at, np.where(along, 0.0, load[:, k]), n)
        spread = summed(at, np.where(along, load[:, k], 0.0), n)
        mass[k] = steady(basin.network, a[k], head, b[k] * spread)
        balances[name] = balance(basin.network, a[k], mass[k], head, (spread, b[k]))
    values = {name: mass[k] / (KG_PER_DAY * basin.flow) for k, name in enumerate(basin.pollutants)}
    checks = [found.check(name) for name, found in balances.items()]
    anoxic = np.zeros(n, dtype=bool)
    if {"bod5", "nh3n"} <= set(basin.pollutants):
        water = water_of(basin, parameters)
        limit = 0.0 if basin.network.looped else parameters["oxygen_limit"]
        solved = solve_oxygen(basin.network, water, oxygen_loads(basin, water, load, parameters), limit=limit)
        values["do"], anoxic = solved.oxygen, solved.anoxic
        checks += solved.checks
    return Quality(mass, values, anoxic, balances, tuple(checks))


def attribution(basin: Basin, parameters: Mapping[str, float], quality: Quality) -> tuple[pd.DataFrame, Check]:
    """Who causes the load at every section.

    Parameters
    ----------
    basin : Basin
        s sections.
    parameters : mapping of str to float
        Of environment.
    quality : Quality
        The solve that the sum over cities is checked against.

    Returns
    -------
    frame : DataFrame
        Columns ``section, pollutant, city, load, share``: kg/d and share of all load at the section. The shares of a
        section and pollutant sum to one.
    check : Check
        Largest relative difference between the sum over discharges and the solve.
    """
    a, b = retentions(basin, loss_rates(basin, parameters))
    heads = head_loads(basin, a, b, basin.load)
    cities, group = np.unique(basin.city.astype(str), return_inverse=True)
    frames, worst = [], 0.0
    for k, name in enumerate(basin.pollutants):
        response = influence(basin.network, a[k], basin.section_at)[basin.reach_of]
        caused = np.zeros((len(cities), len(basin.section_at)))
        np.add.at(caused, group, response * heads[:, k, None])
        total, solved = caused.sum(axis=0), quality.mass[k, basin.section_at]
        worst = max(worst, float(np.max(np.abs(total - solved) / np.where(solved > 0, solved, 1.0), initial=0.0)))
        share = np.divide(caused, total, out=np.zeros_like(caused), where=total > 0)
        where, who = np.nonzero(caused.T > 0)
        frames.append(
            pd.DataFrame(
                {
                    "section": basin.sections["id"].to_numpy()[where],
                    "pollutant": name,
                    "city": cities[who],
                    "load": caused[who, where],
                    "share": share[who, where],
                }
            )
        )
    empty = pd.DataFrame(columns=["section", "pollutant", "city", "load", "share"])
    table = pd.concat(frames, ignore_index=True) if frames else empty
    return table, Check("attribution sums to the load at the sections", worst, 1e-9)


def assess_sections(
    basin: Basin, quality: Quality, limits: Mapping[str, Mapping[str, Limits]], *, slack: float = 0.0
) -> pd.DataFrame:
    """Class, deciding parameter and exceedances of every section.

    Parameters
    ----------
    basin : Basin
        s sections.
    quality : Quality
        Concentrations.
    limits : mapping of str to mapping of str to Limits
        By ``river`` and ``lake``.
    slack : float
        Share by which a value may be beyond a limit and still meet it: the tolerance of a solver that stops at limits.

    Returns
    -------
    DataFrame
        Columns ``section, city, reach, body``, one per parameter (mg/L), ``grade`` (1 to 5, 6 is worse than V),
        ``factor``, ``target``, ``complies`` (empty where there is no target), ``exceedance`` (largest, as share of the
        limit), ``exceeded`` (parameters beyond the target).
    """
    at = basin.section_at
    body = np.where(basin.lake[at], "lake", "river")
    values = {name: v[at] for name, v in quality.concentration.items()}
    target = basin.sections["target"].map({c: i + 1 for i, c in enumerate(CLASSES)}).fillna(UNKNOWN).to_numpy(np.int64)
    judged = {name: v * (1.0 + slack if name == "do" else 1.0 - slack) for name, v in values.items()}
    found = {kind: assess(judged, limits[kind]) for kind in np.unique(body)}
    worst, named = np.full(len(at), np.nan), np.full(len(at), "", object)
    for kind in found:
        here = body == kind
        for name in [n for n in values if n in limits[kind]]:
            over = np.where(here, exceedance(judged[name], limits[kind][name], target), np.nan)
            worst = np.fmax(worst, over)
            named[over > 0] = [f"{before} {name}".strip() for before in named[over > 0]]
    grade = _pick(found, body, "grade", len(at)).astype(np.int64)
    complies = pd.Series(grade <= target, dtype="boolean").mask((target == UNKNOWN) | (grade == UNKNOWN))
    return pd.DataFrame(
        {
            "section": basin.sections["id"],
            "city": basin.sections["city"],
            "reach": basin.sections["reach"],
            "body": body,
            **values,
            "grade": grade,
            "factor": _pick(found, body, "factor", len(at)),
            "target": target,
            "complies": complies,
            "exceedance": worst,
            "exceeded": named,
        }
    )


def _pick(
    found: Mapping[str, Assessment], body: npt.NDArray[np.str_], name: str, count: int
) -> npt.NDArray[np.object_]:
    picked = np.empty(count, object)
    for kind, assessment in found.items():
        picked[body == kind] = getattr(assessment, name)[body == kind]
    return picked


def water_balance(basin: Basin) -> list[str]:
    """Name the reaches that carry less water than flows into them: the figures contradict each other there."""
    network, n = basin.network, len(basin.flow)
    target = np.repeat(np.arange(n), np.diff(network.pointer))
    inflow = np.bincount(target, network.fraction * basin.flow[network.source], minlength=n)
    short = np.flatnonzero(basin.flow < 0.98 * inflow)
    ids = basin.reaches["id"]
    said = [
        f"the reach '{ids[i]}' carries {basin.flow[i]:.4g} m3/s of the {inflow[i]:.4g} m3/s that enter it"
        for i in short[:5]
    ]
    if len(short) > 5:
        said.append(f"and {len(short) - 5} more reaches carry less than flows into them")
    added = np.bincount(basin.reach_of, basin.volume, minlength=n) / SECONDS_PER_DAY
    over = np.flatnonzero(added > 1.1 * basin.flow)  # sewage may grow over the years, flows are those given
    return said + [f"the discharges into '{ids[i]}' are over a tenth more than its flow" for i in over[:5]]
