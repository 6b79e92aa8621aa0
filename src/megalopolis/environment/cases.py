"""Four cases side by side: each its own standard, one common standard, common with a floor, least cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from megalopolis.environment.abatement import FEASIBLE, Plan, Problem
from megalopolis.environment.inputs import Basin, head_loads, loss_rates, retentions, summed
from megalopolis.environment.oxygen_limits import cheapest_with_oxygen, oxygen_floors
from megalopolis.environment.rates import DAYS_PER_YEAR
from megalopolis.environment.simulate import Quality, assess_sections, simulate
from megalopolis.environment.standards import CLASSES, NAMES, Limits
from megalopolis.environment.transport import steady
from megalopolis.errors import BadInput
from megalopolis.errors import Problem as Wrong
from megalopolis.pillar import Check
from megalopolis.region import Region
from megalopolis.units import COLD_WATER_C, Array

CASES = ("own", "common", "common_floor", "least_cost")


@dataclass(frozen=True)
class Levels:
    """What may be done about each discharge.

    Attributes
    ----------
    table : DataFrame
        Treatment levels in force, t of them.
    own : ndarray of int, shape (d,)
        Level that its own standard demands; -1 where the discharge cannot be treated.
    concentration : ndarray, shape (d, t, p)
        mg/L; never above what it discharges today, but for levels cheaper than its own.
    cost : ndarray, shape (d, t)
        Currency per year.
    """

    table: pd.DataFrame
    own: npt.NDArray[np.int64]
    concentration: Array
    cost: Array

    def at_least(self, concentration: Array) -> npt.NDArray[np.bool_]:
        """Levels that are nowhere weaker than one of shape (d, p) or (p,); shape (d, t)."""
        return np.asarray((self.concentration <= concentration[..., None, :] + 1e-12).all(axis=2))

    def of_role(self, role: str) -> int | None:
        """Level that has a role, or None."""
        found = np.flatnonzero((self.table["role"] == role).to_numpy())
        return int(found[0]) if len(found) else None


def levels_of(state: Region, basin: Basin, parameters: Mapping[str, float], date: str) -> Levels:
    """Take the treatment levels that are in force on a date.

    Raises
    ------
    BadInput
        If a discharge's level is not in force, lacks a concentration, or two levels have the same role.
    """
    table, effluent, own = state.derive(f"environment: levels {date}", lambda: effluents(state, basin, date))
    if "nh3n" in basin.pollutants:
        effluent = effluent.copy()
        k, cold = basin.pollutants.index("nh3n"), basin.temperature[basin.reach_of] <= COLD_WATER_C
        winter = table["nh3n_cold"].fillna(table["nh3n"]).to_numpy(float)
        effluent[:, :, k] = np.where(cold[:, None], winter, effluent[:, :, k])
    scale = (np.maximum(basin.volume, 1e-9) / parameters["cost_volume"]) ** -parameters["cost_scale"]
    cost = table["cost_per_m3"].to_numpy(float)[None, :] * (DAYS_PER_YEAR * basin.volume * scale)[:, None]
    # a level never makes an effluent worse, but what a discharge's own level achieves is not had for less
    cheaper = (own >= 0)[:, None] & (cost < cost[np.arange(len(own)), own][:, None])
    kept = np.where(cheaper[:, :, None], np.inf, basin.concentration[:, None, :])
    return Levels(table, own, np.minimum(effluent, kept), cost)


def effluents(state: Region, basin: Basin, date: str) -> tuple[pd.DataFrame, Array, npt.NDArray[np.int64]]:
    """Levels in force on a date, their effluent at every discharge (d, t, p), and the level of each.

    Raises
    ------
    BadInput
        See `levels_of`.
    """
    table = state.frame("treatment_levels")
    begins, ends = table["valid_from"].fillna(""), table["valid_to"].fillna("")
    valid = ((begins <= date) & ((ends == "") | (ends >= date))).to_numpy()
    in_force = set(table["id"][valid])
    problems = [
        Wrong(f"discharges:{row + 2}:level", f"the level '{level}' is not in force on {date}", "give one that is")
        for row, level in enumerate(basin.discharges["level"].tolist())
        if isinstance(level, str) and level not in in_force
    ]
    table = table[valid].reset_index(drop=True)
    problems += [
        Wrong(
            f"treatment_levels:{p}",
            f"the level '{level}' has no {p}",
            "a level needs every pollutant of the discharges",
        )
        for p in basin.pollutants
        for level in table.loc[table[p].isna(), "id"]
    ]
    problems += [
        Wrong("treatment_levels:role", f"two levels have the role '{role}'", "keep one")
        for role in ("common", "floor")
        if (table["role"] == role).sum() > 1
    ]
    if problems:
        raise BadInput(problems)
    number = {id_: k for k, id_ in enumerate(table["id"])}
    own = basin.discharges["level"].map(number).fillna(-1).to_numpy(np.int64)
    return table, np.tile(table[list(basin.pollutants)].to_numpy(float), (len(own), 1, 1)), own


def own_cost(levels: Levels) -> Array:
    """Yearly cost of what each discharge's own standard demands; zero where it cannot be treated; shape (d,)."""
    treated = levels.own >= 0
    cost = np.zeros(len(treated))
    cost[treated] = levels.cost[treated, levels.own[treated]]
    return cost


def _head_load(basin: Basin, parameters: Mapping[str, float]) -> Array:
    """Load at the head of its reach, kg/d, that each discharge makes with 1 mg/L; shape (d, p)."""
    a, b = retentions(basin, loss_rates(basin, parameters))
    kg = np.repeat(basin.volume[:, None] / 1000.0, len(basin.pollutants), axis=1)
    return head_loads(basin, a, b, kg)


def abatement_problem(
    basin: Basin, parameters: Mapping[str, float], levels: Levels, limits: Mapping[str, Mapping[str, Limits]]
) -> Problem:
    """Write the programme of a basin with every level allowed; limits where a section has a target."""
    treated = np.flatnonzero(levels.own >= 0)
    n = len(basin.flow)
    a, _ = retentions(basin, loss_rates(basin, parameters))
    per_mg = _head_load(basin, parameters)
    heads = per_mg * basin.concentration
    fixed = levels.own < 0
    background = [summed(basin.reach_of[fixed], heads[fixed, k], n) for k in range(len(basin.pollutants))]
    load = levels.concentration * per_mg[:, None, :]
    rows = _limits_of(basin, limits)
    where = np.array([r[1:3] for r in rows], np.int64).reshape(-1, 2)
    return Problem(
        network=basin.network,
        a=a,
        flow=basin.flow,
        background=np.array(background).reshape(len(basin.pollutants), n),
        reach=basin.reach_of[treated],
        load=load[treated],
        cost=levels.cost[treated],
        allowed=np.ones((len(treated), len(levels.table)), dtype=bool),
        limit_reach=where[:, 0],
        limit_pollutant=where[:, 1],
        limit=np.array([r[3] for r in rows], float),
    )


def _limits_of(basin: Basin, limits: Mapping[str, Mapping[str, Limits]]) -> list[tuple[str, int, int, float]]:
    """Section, reach, pollutant and mg/L of every limit that a target sets."""
    rows = []
    for section, at, goal in zip(basin.sections["id"], basin.section_at, basin.sections["target"], strict=True):
        known = limits["lake" if basin.lake[at] else "river"]
        rows += [
            (section, int(at), k, float(known[name].bounds[CLASSES.index(goal)]))
            for k, name in enumerate(basin.pollutants)
            if isinstance(goal, str) and name in known
        ]
    return rows


def _allowed(case: str, levels: Levels, treated: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.bool_], Levels] | None:
    """Levels that a case allows each treated discharge, and what they do; None where no level has the role it needs.

    Where no single level is as strict in everything as a discharge's own and the shared one, its own level is taken to
    meet both, at the higher of the two costs.
    """
    own = np.eye(len(levels.table), dtype=bool)[levels.own[treated]]
    demanded = levels.concentration[treated, levels.own[treated]]
    mine = Levels(levels.table, levels.own[treated], levels.concentration[treated], levels.cost[treated])
    if case == "own":
        return own, mine
    if case == "least_cost":
        return mine.at_least(demanded) | own, mine
    role = levels.of_role("common") if case == "common" else levels.of_role("floor")
    role = levels.of_role("common") if role is None else role
    if role is None:
        return None
    strict = np.minimum(demanded, mine.concentration[:, role])
    allowed = mine.at_least(strict)
    lost = np.flatnonzero(~allowed.any(axis=1))
    at, concentration, cost = mine.own[lost], mine.concentration.copy(), mine.cost.copy()
    concentration[lost, at] = strict[lost]
    cost[lost, at] = np.maximum(cost[lost, at], cost[lost, role])
    allowed[lost, at] = True
    return allowed, replace(mine, concentration=concentration, cost=cost)


@dataclass(frozen=True)
class Compared:
    """The cases.

    Attributes
    ----------
    tables : dict of str to DataFrame
        ``cases`` (by case and city: cost, change against own standards), ``case_sections`` (by case and section: class,
        complies), ``case_totals``, ``prices``, ``charges``, ``unmet``.
    checks : tuple of Check
        Of every programme.
    warnings : tuple of str
        Cases left out, and sections that cannot comply.
    """

    tables: dict[str, pd.DataFrame]
    checks: tuple[Check, ...]
    warnings: tuple[str, ...]


def compare_cases(
    basin: Basin, parameters: Mapping[str, float], levels: Levels, limits: Mapping[str, Mapping[str, Limits]]
) -> Compared:
    """Solve the four cases of a basin.

    Parameters
    ----------
    basin : Basin
        Reaches, discharges, sections with targets.
    parameters : mapping of str to float
        Of environment.
    levels : Levels
        What may be done.
    limits : mapping of str to mapping of str to Limits
        By ``river`` and ``lake``.
    """
    p = abatement_problem(basin, parameters, levels, limits)
    treated = np.flatnonzero(levels.own >= 0)
    per_mg = _head_load(basin, parameters)[treated][:, None, :]
    unbound = replace(p, limit_reach=p.limit_reach[:0], limit_pollutant=p.limit_pollutant[:0], limit=p.limit[:0])
    before = own_cost(levels)[treated]
    costs, sections, totals, checks, warnings = [], [], [], [], []
    extra: dict[str, pd.DataFrame] = {}
    for case in CASES:
        found = _allowed(case, levels, treated)
        if found is None:
            warnings.append(f"the case '{case}' is left out: no treatment level has the role common")
            continue
        free = case in {"common_floor", "least_cost"}
        allowed, mine = found
        own = replace(p if free else unbound, allowed=allowed, load=mine.concentration * per_mg, cost=mine.cost)
        floors = oxygen_floors(basin, limits) if free else np.full(len(basin.section_at), np.nan)
        plan, breathing = cheapest_with_oxygen(own, basin, parameters, mine.concentration, treated, floors)
        quality = _simulated(basin, parameters, plan, mine, treated)
        checks += [Check(f"{case}: {c.name}", c.value, c.limit) for c in (*plan.checks, *quality.checks)]
        assessed = assess_sections(basin, quality, limits, slack=FEASIBLE)
        by_city = pd.DataFrame({"city": basin.city[treated], "cost": plan.cost, "change": plan.cost - before})
        costs.append(by_city.groupby("city", sort=True, as_index=False).sum().assign(case=case))
        sections.append(assessed.assign(case=case, **{"class": [NAMES[g] for g in assessed["grade"]]}))
        totals.append(_total(case, plan, before, assessed, quality))
        if case == "least_cost":
            extra = _prices(basin, p, plan, treated, [r[0] for r in _limits_of(basin, limits)])
            extra = _with_oxygen(extra, basin, plan, breathing, floors)
            warnings += _explained(extra["unmet"])
    tables = {
        "cases": _first(pd.concat(costs, ignore_index=True), "case"),
        "case_sections": _first(pd.concat(sections, ignore_index=True), "case"),
        "case_totals": pd.DataFrame(totals),
        **extra,
    }
    return Compared(tables, tuple(checks), tuple(warnings))


def _simulated(
    basin: Basin, parameters: Mapping[str, float], plan: Plan, mine: Levels, treated: npt.NDArray[np.int64]
) -> Quality:
    """Water quality where the treated discharges carry what a plan leaves in them."""
    load = basin.load.copy()
    concentration = np.einsum("dt,dtp->dp", plan.shares, mine.concentration)
    load[treated] = concentration * basin.volume[treated, None] / 1000.0
    return simulate(basin, parameters, load)


def _total(case: str, plan: Plan, before: Array, assessed: pd.DataFrame, quality: Quality) -> dict[str, object]:
    """Row of ``case_totals``."""
    met = assessed["complies"].dropna()
    return {
        "case": case,
        "cost": plan.cost.sum(),
        "change": (plan.cost - before).sum(),
        "sections": len(met),
        "complying": int(met.sum()),
        "anoxic_reaches": int(quality.anoxic.sum()),
    }


def _first(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    return frame[[column, *(c for c in frame.columns if c != column)]]


def _prices(
    basin: Basin, p: Problem, plan: Plan, treated: npt.NDArray[np.int64], sections: list[str]
) -> dict[str, pd.DataFrame]:
    """Shadow prices of limits, charges at the sources, and limits that no treatment can reach."""
    names = np.array(basin.pollutants, object)
    limits = pd.DataFrame(
        {
            "section": sections,
            "pollutant": names[p.limit_pollutant],
            "limit": p.limit,
            "price": plan.price,
        }
    )
    used = np.unique(p.limit_pollutant)
    charges = pd.concat(
        [
            pd.DataFrame(
                {
                    "discharge": basin.discharges["id"].to_numpy()[treated],
                    "city": basin.city[treated],
                    "pollutant": names[k],
                    "charge": plan.charge[k, p.reach] / DAYS_PER_YEAR,
                }
            )
            for k in used
        ]
        or [pd.DataFrame(columns=["discharge", "city", "pollutant", "charge"])],
        ignore_index=True,
    )
    natural = np.stack([steady(p.network, p.a[k], p.background[k]) for k in range(len(p.a))])
    share = natural[p.limit_pollutant, p.limit_reach] / p.caps
    missed = limits.drop(columns="price").assign(best=p.limit + plan.unmet, background=share * p.limit)
    missed["reason"] = np.where(share > 1, "background alone", "best treatment of all discharges")
    missed = missed[plan.unmet > 0].reset_index(drop=True)
    return {"prices": limits, "charges": charges, "trading": _trading(charges), "unmet": missed}


def _trading(charges: pd.DataFrame) -> pd.DataFrame:
    """What a kg of a city counts for against one of the city with the largest charge; ratios of two are their rate.

    Columns ``pollutant, city, charge, ratio``; the charge of a city is the mean of its discharges.
    """
    mean = charges[charges["charge"] > 0].groupby(["pollutant", "city"], sort=False, as_index=False)["charge"].mean()
    largest = mean.groupby("pollutant")["charge"].transform("max").to_numpy(float)
    return pd.DataFrame(mean.assign(ratio=mean["charge"].to_numpy(float) / largest))


def _with_oxygen(
    extra: dict[str, pd.DataFrame], basin: Basin, plan: Plan, sections: npt.NDArray[np.int64], floors: Array
) -> dict[str, pd.DataFrame]:
    """Add the oxygen that had to be held to the prices, and what stays short of it to what is unmet."""
    held = pd.DataFrame(
        {
            "section": basin.sections["id"].to_numpy()[sections],
            "pollutant": "do",
            "limit": floors[sections],
            "price": plan.cut_price,
        }
    )
    short = held.drop(columns="price").assign(best=floors[sections] - plan.cut_unmet, background=np.nan)
    short = short.assign(reason="best treatment of all discharges")[plan.cut_unmet > 0]
    return extra | {
        "prices": pd.concat([extra["prices"], held], ignore_index=True) if len(held) else extra["prices"],
        "unmet": pd.concat([extra["unmet"], short], ignore_index=True) if len(short) else extra["unmet"],
    }


def _explained(unmet: pd.DataFrame) -> list[str]:
    said = []
    for row in unmet.head(20).to_dict("records"):
        natural = "" if pd.isna(row["background"]) else f", {row['background']:.3g} of them background"
        said.append(
            f"section '{row['section']}' cannot meet {row['limit']:g} mg/L of {row['pollutant']}: {row['best']:.3g} "
            f"remain at the best treatment{natural}"
        )
    if len(unmet) > 20:
        said.append(f"and {len(unmet) - 20} more limits cannot be met")
    return said
