"""Limits of oxygen in the least-cost programme: rows for the sections where the cheapest plan breaks them.

Without limitation by oxygen the deficit at a section is affine in the loads of BOD and ammonia, so that a limit is one
row. The row is dense (every discharge upstream takes oxygen), and most limits never bind: only those that a solution
breaks are added, and it is solved again (cutting planes, Kelley 1960).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from megalopolis.environment.abatement import Plan, Problem, cheapest
from megalopolis.environment.inputs import Basin, oxygen_loads, water_of
from megalopolis.environment.oxygen import LOADS, _sweep
from megalopolis.environment.rates import KG_PER_DAY, ultimate_bod
from megalopolis.environment.standards import CLASSES, Limits
from megalopolis.units import Array

#: Rounds of cutting planes; each adds the sections that the last one broke, so few are needed.
_ROUNDS = 10
#: mg/L of oxygen that a row may be short of.
_TOLERANCE = 1e-6


def has_oxygen(basin: Basin) -> bool:
    """Whether limits of oxygen can be rows: BOD and ammonia are known, and water does not return."""
    return {"bod5", "nh3n"} <= set(basin.pollutants) and not basin.network.looped


def oxygen_floors(basin: Basin, limits: Mapping[str, Mapping[str, Limits]]) -> Array:
    """Least oxygen that the target of every section asks for, mg/L, shape (s,); NaN where none does."""
    floors = np.full(len(basin.section_at), np.nan)
    for s, (at, goal) in enumerate(zip(basin.section_at, basin.sections["target"], strict=True)):
        known = limits["lake" if basin.lake[at] else "river"]
        if isinstance(goal, str) and "do" in known:
            floors[s] = known["do"].bounds[CLASSES.index(goal)]
    return floors


def _deficits(
    basin: Basin, parameters: Mapping[str, float], sections: npt.NDArray[np.int64]
) -> tuple[Callable[[Array], Array], Array]:
    """Deficit at some sections, mg/L, as a function of the loads at the heads (n, 5), and saturation there."""
    g, water = basin.network, water_of(basin, parameters)
    columns = water.columns()

    def deficit(head: Array) -> Array:
        load, _ = _sweep(g.order, g.pointer, g.source, g.fraction, columns, head, 0.0)
        return np.asarray(load[sections, 4] / (KG_PER_DAY * basin.flow[sections]))

    return deficit, water.saturation[sections]


def _heads(basin: Basin, parameters: Mapping[str, float], load: Array) -> Array:
    """Loads that take oxygen, as columns, shape (n, 5)."""
    heads = np.zeros((len(basin.flow), len(LOADS)))
    for name, values in oxygen_loads(basin, water_of(basin, parameters), load, parameters).items():
        heads[:, LOADS.index(name)] = values
    return heads


def oxygen_rows(
    basin: Basin,
    parameters: Mapping[str, float],
    concentration: Array,
    treated: npt.NDArray[np.int64],
    sections: npt.NDArray[np.int64],
) -> tuple[Array, Array]:
    """Oxygen that every treated discharge takes at some sections, and what the rest leaves there.

    Parameters
    ----------
    basin : Basin
        d discharges.
    parameters : mapping of str to float
        Of environment.
    concentration : ndarray, shape (m, t, p)
        Effluent of the treated discharges at each level, mg/L.
    treated : ndarray of int, shape (m,)
        Which discharges they are.
    sections : ndarray of int, shape (k,)
        Reaches of the sections.

    Returns
    -------
    taken : ndarray, shape (k, m, t)
        mg/L of oxygen at each section.
    left : ndarray, shape (k,)
        mg/L of oxygen with the treated discharges free of BOD and ammonia.
    """
    deficit, saturation = _deficits(basin, parameters, sections)
    clean = basin.load.copy()
    for name in ("bod5", "nh3n"):
        clean[treated, basin.pollutants.index(name)] = 0.0
    base = _heads(basin, parameters, clean)
    rest = deficit(base)
    places, where = np.unique(basin.reach_of[treated], return_inverse=True)
    per_kg = np.zeros((2, len(sections), len(places)))
    for one, name in enumerate(("bod", "nh3n")):
        for j, place in enumerate(places):
            head = base.copy()
            head[place, LOADS.index(name)] += 1000.0  # a tonne: a kilogram would drown in the rounding of the base
            per_kg[one, :, j] = (deficit(head) - rest) / 1000.0
    kg = basin.volume[treated, None] / 1000.0
    bod = ultimate_bod(concentration[:, :, basin.pollutants.index("bod5")], parameters["bottle_rate"]) * kg
    nitrogen = concentration[:, :, basin.pollutants.index("nh3n")] * kg
    taken = per_kg[0][:, where, None] * bod[None] + per_kg[1][:, where, None] * nitrogen[None]
    return taken, saturation - rest


def cheapest_with_oxygen(
    p: Problem,
    basin: Basin,
    parameters: Mapping[str, float],
    concentration: Array,
    treated: npt.NDArray[np.int64],
    floors: Array,
) -> tuple[Plan, npt.NDArray[np.int64]]:
    """Find the cheapest treatment that also keeps oxygen above its floors; see `cheapest`.

    Returns
    -------
    plan : Plan
        With prices of the rows that were needed.
    sections : ndarray of int
        Sections, by row of ``basin.sections``, whose oxygen the rows hold.
    """
    asked = np.flatnonzero(~np.isnan(floors))
    plan = cheapest(p)
    if not len(asked) or not has_oxygen(basin):
        return plan, asked[:0]
    load = basin.load.copy()
    load[treated] = np.einsum("dt,dtp->dp", plan.shares, concentration) * basin.volume[treated, None] / 1000.0
    deficit, saturation = _deficits(basin, parameters, basin.section_at[asked])
    oxygen = saturation - deficit(_heads(basin, parameters, load))
    if (oxygen >= floors[asked] - _TOLERANCE).all():
        return plan, asked[:0]
    taken, left = oxygen_rows(basin, parameters, concentration, treated, basin.section_at[asked])
    held = np.zeros(len(asked), dtype=bool)
    for _ in range(_ROUNDS):
        oxygen = left - np.einsum("kdt,dt->k", taken, plan.shares)
        short = ~held & (oxygen < floors[asked] - _TOLERANCE)
        if not short.any():
            break
        held |= short
        plan = cheapest(replace(p, cut=taken[held], cut_limit=(left - floors[asked])[held]))
    return plan, asked[held]
