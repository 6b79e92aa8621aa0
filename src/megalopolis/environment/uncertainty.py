"""Probability that a section complies, when flow and loss rates are uncertain: a thousand sweeps in one kernel."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
from numba import njit

from megalopolis.environment.inputs import (
    BACKGROUND,
    Basin,
    head_loads,
    loss_rates,
    oxygen_loads,
    retentions,
    summed,
    water_of,
)
from megalopolis.environment.network import Ints
from megalopolis.environment.oxygen import LOADS
from megalopolis.environment.oxygen import _sweep as _oxygen_sweep
from megalopolis.environment.rates import KG_PER_DAY
from megalopolis.environment.standards import CLASSES, Limits
from megalopolis.environment.transport import steady
from megalopolis.units import Array

#: Seed of the draws of flow and rates: the same for every case, so that differences are drawn in pairs.
_SEED: Final = 2002


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _draws(
    network: tuple[Ints, Ints, Ints, Array],
    reach: tuple[Array, Array, Array],
    loads: tuple[Array, Array, Array, Array],
    draws: tuple[Array, Array],
    sections: tuple[Ints, Array],
    *,
    exponent: float,
    regression: bool,
    met: Array,
) -> None:
    """Clear ``met`` (draws, sections) wherever one pollutant is above its cap.

    `reach` is rate, days, lake (1 or 0); `loads` are those at the heads and along the reaches, of cities and of the
    background; a load along a reach decays by the mean of its exponential. A lake is mixed; with `regression` it keeps
    phosphorus after Vollenweider.
    """
    order, pointer, source, fraction = network
    rate, days, lake = reach
    head, along, wild_head, wild_along = loads
    flow, faster = draws
    at, cap = sections
    mass = np.empty(len(rate))
    for d in range(len(flow)):
        q = flow[d]
        slower = q**-exponent
        for i in order:
            inflow = head[i] + q * wild_head[i]
            spread = along[i] + q * wild_along[i]
            for link in range(pointer[i], pointer[i + 1]):
                inflow += fraction[link] * mass[source[link]]
            if lake[i] > 0.0:
                tau = days[i] / q
                kept = 1.0 / (1.0 + math.sqrt(tau / 365.25)) if regression else 1.0 / (1.0 + rate[i] * faster[d] * tau)
                mass[i] = kept * (inflow + spread)
            else:
                z = rate[i] * faster[d] * days[i] * slower
                mass[i] = math.exp(-z) * inflow
                if spread > 0.0:
                    mass[i] += spread * (-math.expm1(-z) / z if z > 1e-300 else 1.0)
        for s in range(len(at)):
            if mass[at[s]] > cap[s] * q:
                met[d, s] = 0.0


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _oxygen_draws(
    network: tuple[Ints, Ints, Ints, Array],
    water: Array,
    heads: tuple[Array, Array],
    draws: tuple[Array, Array, Array],
    sections: tuple[Ints, Array],
    *,
    exponents: tuple[float, float],
    limit: float,
    met: Array,
) -> None:
    """Clear ``met`` wherever oxygen is below its floor; columns of `water` as of `oxygen.Water`."""
    order, pointer, source, fraction = network
    flow, oxidation, nitrification = draws
    at, floor = sections
    own, wild = heads
    drawn = water.copy()
    for d in range(len(flow)):
        q = flow[d]
        # O'Connor and Dobbins: U^0.5 H^-1.5
        refill = q ** (0.5 * exponents[0] - 1.5 * exponents[1])
        for i in order:
            mixed = water[i, 10] > 0.0
            drawn[i, 0] = water[i, 0] / (q if mixed else q ** exponents[0])
            drawn[i, 1] = water[i, 1] * q
            drawn[i, 4] = water[i, 4] * oxidation[d]
            drawn[i, 7] = water[i, 7] * nitrification[d]
            drawn[i, 8] = water[i, 8] * (1.0 if mixed else refill)
        load, _ = _oxygen_sweep(order, pointer, source, fraction, drawn, own + q * wild, limit)
        for s in range(len(at)):
            i = at[s]
            if water[i, 2] - load[i, 4] / (KG_PER_DAY * drawn[i, 1]) < floor[s]:
                met[d, s] = 0.0


def compliance_probability(
    basin: Basin, parameters: Mapping[str, float], limits: Mapping[str, Mapping[str, Limits]]
) -> Array:
    """Probability that each section meets its target when flow and loss rates are uncertain.

    Flow of the whole basin is lognormal about the given one; travel times and depths follow it by hydraulic geometry
    at a station (Leopold and Maddock 1953). Background keeps its concentration and discharges keep their load. The rate
    of each pollutant is lognormal about its own. Oxygen is drawn with the rates of BOD and ammonia; in a network with
    loops it is left out.

    Parameters
    ----------
    basin : Basin
        s sections.
    parameters : mapping of str to float
        Of environment.
    limits : mapping of str to mapping of str to Limits
        By ``river`` and ``lake``.

    Returns
    -------
    ndarray, shape (s,)
        NaN where a section has no target.
    """
    count, at = int(parameters["draws"]), basin.section_at
    rng = np.random.default_rng(_SEED)
    flow = np.exp(parameters["flow_spread"] * rng.standard_normal(count))
    faster = np.exp(parameters["rate_spread"] * rng.standard_normal((count, len(basin.pollutants))))
    number = {c: float(i) for i, c in enumerate(CLASSES)}
    target = np.array([number.get(c, np.nan) for c in basin.sections["target"]], float)
    met = np.ones((count, len(at)))
    if basin.network.looped:
        _looped(basin, parameters, (flow, faster), _bounds(basin, limits, target), met)
    else:
        _swept(basin, parameters, (flow, faster), _bounds(basin, limits, target), met)
        if {"bod5", "nh3n"} <= set(basin.pollutants):
            _oxygenated(basin, parameters, (flow, faster), _floors(basin, limits, target), met)
    return np.where(np.isnan(target), np.nan, met.mean(axis=0))


def _bounds(basin: Basin, limits: Mapping[str, Mapping[str, Limits]], target: Array) -> Array:
    """Limit of every pollutant at every section, mg/L, shape (p, s); infinity where there is none."""
    caps = np.full((len(basin.pollutants), len(basin.section_at)), np.inf)
    for s, (row, goal) in enumerate(zip(basin.section_at, target, strict=True)):
        known = limits["lake" if basin.lake[row] else "river"]
        for k, name in enumerate(basin.pollutants):
            if name in known and not np.isnan(goal):
                caps[k, s] = known[name].bounds[int(goal)]
    return caps


def _floors(basin: Basin, limits: Mapping[str, Mapping[str, Limits]], target: Array) -> Array:
    """Least oxygen at every section, mg/L, shape (s,); minus infinity where none is asked for."""
    floors = np.full(len(basin.section_at), -np.inf)
    for s, (row, goal) in enumerate(zip(basin.section_at, target, strict=True)):
        known = limits["lake" if basin.lake[row] else "river"]
        if "do" in known and not np.isnan(goal):
            floors[s] = known["do"].bounds[int(goal)]
    return floors


def _above(basin: Basin, at: Ints) -> Ints:
    """Order of the reaches whose water passes some sections; nothing else has to be swept."""
    g, needed = basin.network, np.zeros(len(basin.flow), bool)
    needed[at] = True
    for i in g.order[::-1]:
        if needed[i]:
            needed[g.source[g.pointer[i] : g.pointer[i + 1]]] = True
    return g.order[needed[g.order]]


def _swept(basin: Basin, parameters: Mapping[str, float], draws: tuple[Array, Array], caps: Array, met: Array) -> None:
    flow, faster = draws
    n, at, along = len(basin.flow), basin.section_at, basin.along
    rates, natural, g = loss_rates(basin, parameters), basin.city == BACKGROUND, basin.network
    for k, name in enumerate(basin.pollutants):
        bound = np.flatnonzero(np.isfinite(caps[k]))
        if not len(bound):
            continue
        held = np.ones((len(flow), len(bound)))
        groups = [
            summed(basin.reach_of, np.where(who & where, basin.load[:, k], 0.0), n)
            for who, where in ((~natural, ~along), (~natural, along), (natural, ~along), (natural, along))
        ]
        _draws(
            (_above(basin, at[bound]), g.pointer, g.source, g.fraction),
            (rates[k], basin.days, basin.lake.astype(float)),
            (groups[0], groups[1], groups[2], groups[3]),
            (flow, np.ascontiguousarray(faster[:, k])),
            (at[bound], KG_PER_DAY * basin.flow[at[bound]] * caps[k, bound]),
            exponent=parameters["velocity_exponent"],
            regression=name == "tp",
            met=held,
        )
        met[:, bound] *= held


def _oxygenated(
    basin: Basin, parameters: Mapping[str, float], draws: tuple[Array, Array], floors: Array, met: Array
) -> None:
    flow, faster = draws
    g, n, natural = basin.network, len(basin.flow), basin.city == BACKGROUND
    bound = np.flatnonzero(np.isfinite(floors))
    if not len(bound):
        return
    at, held = basin.section_at[bound], np.ones((len(flow), len(bound)))
    water = water_of(basin, parameters)
    heads = []
    for who in (~natural, natural):
        heads.append(np.zeros((n, len(LOADS))))
        for name, load in oxygen_loads(basin, water, basin.load, parameters, of=who).items():
            heads[-1][:, LOADS.index(name)] = load
    _oxygen_draws(
        (_above(basin, at), g.pointer, g.source, g.fraction),
        water.columns(),
        (heads[0], heads[1]),
        (
            flow,
            np.ascontiguousarray(faster[:, basin.pollutants.index("bod5")]),
            np.ascontiguousarray(faster[:, basin.pollutants.index("nh3n")]),
        ),
        (at, floors[bound]),
        exponents=(parameters["velocity_exponent"], parameters["depth_exponent"]),
        limit=parameters["oxygen_limit"],
        met=held,
    )
    met[:, bound] *= held


def _looped(basin: Basin, parameters: Mapping[str, float], draws: tuple[Array, Array], caps: Array, met: Array) -> None:
    """One solve by LU for every draw and pollutant."""
    n, at = len(basin.flow), basin.section_at
    rates, natural = loss_rates(basin, parameters), basin.city == BACKGROUND
    for d, (q, speed) in enumerate(zip(*draws, strict=True)):
        days = basin.days / np.where(basin.lake, q, q ** parameters["velocity_exponent"])
        a, b = retentions(basin, rates * speed[:, None], days)
        heads = head_loads(basin, a, b, np.where(natural[:, None], q, 1.0) * basin.load)
        for k in range(len(basin.pollutants)):
            mass = steady(basin.network, a[k], summed(basin.reach_of, heads[:, k], n))
            met[d] *= mass[at] / (KG_PER_DAY * q * basin.flow[at]) <= caps[k]
