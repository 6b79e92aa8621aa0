"""BOD, ammonia and dissolved oxygen together: Streeter and Phelps with nitrification, reach by reach.

Five loads in kg/d move down the network, each fed by those before it::

    P particulate BOD  -kh->  L dissolved BOD  -kd->  D deficit        L also settles, ks
    M organic nitrogen -km->  N ammonia        -kn->  D deficit        D is refilled by reaeration, ka

Within a reach the chain is solved in closed form: by plug flow (Streeter and Phelps 1925; Chapra 1997, lectures 21
to 23), or completely mixed, as in a lake or an element of QUAL2K (Chapra, Pelletier and Tao 2008).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
from numba import njit

from megalopolis.environment.network import Ints, Network
from megalopolis.environment.rates import KG_PER_DAY, OXYGEN_PER_NITROGEN, decay_pair, decay_triple
from megalopolis.environment.transport import CONSERVED, factorize
from megalopolis.errors import BadInput, Problem
from megalopolis.pillar import Check
from megalopolis.units import Array

#: Names of the loads, in the order of the columns.
LOADS = ("particulate_bod", "bod", "organic_n", "nh3n", "deficit")


@dataclass(frozen=True)
class Water:
    """What a reach does to oxygen; every array has shape (n,) and rates are those at the temperature of the water.

    Attributes
    ----------
    days : ndarray
        Travel or residence time, d.
    flow : ndarray
        m3/s, above zero.
    saturation : ndarray
        Dissolved oxygen at saturation, mg/L.
    hydrolysis, oxidation, settling : ndarray
        kh of particulate BOD; kd and ks of dissolved BOD, 1/d.
    ammonification, nitrification : ndarray
        km of organic nitrogen, kn of ammonia, 1/d.
    reaeration : ndarray
        ka, 1/d.
    demand : ndarray
        Oxygen taken by the sediment, mg/(L d).
    mixed : ndarray of bool
        Completely mixed instead of plug flow.
    """

    days: Array
    flow: Array
    saturation: Array
    hydrolysis: Array
    oxidation: Array
    settling: Array
    ammonification: Array
    nitrification: Array
    reaeration: Array
    demand: Array
    mixed: npt.NDArray[np.bool_]

    def columns(self) -> Array:
        """All arrays as one, shape (n, 11), as the kernels take them."""
        return np.ascontiguousarray(np.column_stack([getattr(self, f.name) for f in fields(self)]), np.float64)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _reach(water: Array, inflow: Array, active: float, out: Array) -> None:
    """Pass the five loads through one reach; ``active`` scales the two processes that take oxygen."""
    tau, flow, kh, ks, km, ka = water[0], water[1], water[3], water[5], water[6], water[8]
    kd, kn = active * water[4], active * water[7]
    kr = kd + ks
    if water[10] > 0.0:
        pp, ll, mm, nn, dd = 1 / (1 + kh * tau), 1 / (1 + kr * tau), 1 / (1 + km * tau), 1 / (1 + kn * tau), 0.0
        dd = 1 / (1 + ka * tau)
        pl, mn = kh * tau * pp * ll, km * tau * mm * nn
        ld, nd = kd * tau * ll * dd, kn * tau * nn * dd
        pd, md = kd * tau * pl * dd, kn * tau * mn * dd
        rest = tau * dd
    else:
        pp, ll, mm, nn = math.exp(-kh * tau), math.exp(-kr * tau), math.exp(-km * tau), math.exp(-kn * tau)
        dd = math.exp(-ka * tau)
        pl, mn = kh * decay_pair(kr, kh, tau), km * decay_pair(kn, km, tau)
        ld, nd = kd * decay_pair(ka, kr, tau), kn * decay_pair(ka, kn, tau)
        pd, md = kd * kh * decay_triple(ka, kr, kh, tau), kn * km * decay_triple(ka, kn, km, tau)
        rest = decay_pair(ka, 0.0, tau)
    out[0] = pp * inflow[0]
    out[1] = pl * inflow[0] + ll * inflow[1]
    out[2] = mm * inflow[2]
    out[3] = mn * inflow[2] + nn * inflow[3]
    nitrogen = OXYGEN_PER_NITROGEN * (md * inflow[2] + nd * inflow[3])
    sediment = KG_PER_DAY * flow * active * water[9] * rest
    out[4] = pd * inflow[0] + ld * inflow[1] + nitrogen + dd * inflow[4] + sediment


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _limited(water: Array, inflow: Array, limit: float, out: Array) -> float:
    """Pass one reach whose processes slow as oxygen runs out, by ``1 - exp(-limit O)`` of its own outflow.

    The share lies between 0 and 1 and is found by bisection.
    """
    low, high = 0.0, 1.0
    for _ in range(40):
        active = 0.5 * (low + high)
        _reach(water, inflow, active, out)
        oxygen = water[2] - out[4] / (KG_PER_DAY * water[1])
        if active < 1.0 - math.exp(-limit * max(oxygen, 0.0)):
            low = active
        else:
            high = active
    return high


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _sweep(
    order: Ints, pointer: Ints, source: Ints, fraction: Array, water: Array, head: Array, limit: float
) -> tuple[Array, Array]:
    load, active = np.empty_like(head), np.ones(len(head))
    inflow = np.empty(5)
    for i in order:
        for s in range(5):  # a loop compiles in milliseconds, the assignment of a slice in seconds
            inflow[s] = head[i, s]
        for link in range(pointer[i], pointer[i + 1]):
            j, share = source[link], fraction[link]
            for s in range(5):
                inflow[s] += share * load[j, s]
            # a deficit is taken against the saturation of the reach that the water enters
            inflow[4] += share * KG_PER_DAY * water[j, 1] * (water[i, 2] - water[j, 2])
        if limit > 0.0:
            active[i] = _limited(water[i], inflow, limit, load[i])
        else:
            _reach(water[i], inflow, 1.0, load[i])
    return load, active


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _passing(water: Array, active: Array) -> Array:
    """Matrix of every reach from inflow to outflow, shape (n, 5, 5), and in a sixth column what the sediment adds."""
    n = len(water)
    found = np.zeros((n, 5, 6))
    unit, out = np.zeros(5), np.empty(5)
    for i in range(n):
        _reach(water[i], unit, active[i], out)
        for k in range(5):
            found[i, k, 5] = out[k]
        for s in range(5):
            unit[s] = 1.0
            _reach(water[i], unit, active[i], out)
            for k in range(5):
                found[i, k, s] = out[k] - found[i, k, 5]
            unit[s] = 0.0
    return found


@dataclass(frozen=True)
class Oxygen:
    """Loads and oxygen at the end of every reach.

    Attributes
    ----------
    loads : ndarray, shape (n, 5)
        kg/d, in the order of `LOADS`.
    oxygen : ndarray, shape (n,)
        Dissolved oxygen, mg/L; below zero where a linear model cannot hold (`anoxic`).
    active : ndarray, shape (n,)
        Share of oxidation and nitrification that oxygen allows; 1 in the linear model.
    checks : tuple of Check
        Residual of the state equations.
    """

    loads: Array
    oxygen: Array
    active: Array
    checks: tuple[Check, ...]

    @property
    def anoxic(self) -> npt.NDArray[np.bool_]:
        """Reaches whose deficit is above saturation: flagged, never clipped."""
        return np.asarray(self.oxygen < 0.0)


def solve_oxygen(network: Network, water: Water, head: Mapping[str, Array], *, limit: float = 0.0) -> Oxygen:
    """Steady BOD, ammonia and dissolved oxygen of a network.

    Parameters
    ----------
    network : Network
        n reaches.
    water : Water
        What they do.
    head : mapping of str to ndarray, shape (n,)
        Loads entering at the heads, kg/d, by the names of `LOADS`; those left out are zero. The deficit of a water is
        ``86.4 flow (saturation - oxygen)``, which is zero for water that comes in saturated.
    limit : float
        L/mg of oxygen; above zero, oxidation, nitrification and the sediment's demand are slowed by
        ``1 - exp(-limit O)`` (QUAL2K: Chapra, Pelletier and Tao 2008). Zero is the linear model.

    Returns
    -------
    Oxygen
        See there.

    Raises
    ------
    BadInput
        If a limit is asked for where water can return: that is not one sweep.
    CheckFailed
        By the pillar that reports the checks.
    """
    loads = np.zeros((len(network), 5))
    for name, load in head.items():
        loads[:, LOADS.index(name)] = load
    columns = water.columns()
    if network.looped:
        if limit > 0:
            raise BadInput(Problem("", "oxygen-limited rates need a network without loops", "set oxygen_limit to 0"))
        found, active = _looped(network, columns, loads), np.ones(len(network))
    else:
        found, active = _sweep(
            network.order, network.pointer, network.source, network.fraction, columns, loads, float(limit)
        )
    oxygen = water.saturation - found[:, 4] / (KG_PER_DAY * water.flow)
    return Oxygen(found, oxygen, active, (_residual(network, columns, loads, found, active),))


def _inflow(network: Network, water: Array, head: Array, load: Array) -> Array:
    """Loads that enter every reach, shape (n, 5)."""
    n = len(network)
    target = np.repeat(np.arange(n), np.diff(network.pointer))
    carried = load[network.source].copy()
    carried[:, 4] += KG_PER_DAY * water[network.source, 1] * (water[target, 2] - water[network.source, 2])
    sums = [np.bincount(target, network.fraction * carried[:, s], minlength=n) for s in range(5)]
    return np.asarray(head + np.column_stack(sums))


def _residual(network: Network, water: Array, head: Array, load: Array, active: Array) -> Check:
    passing = _passing(water, active)
    inflow = _inflow(network, water, head, load)
    expected = np.einsum("ist,it->is", passing[:, :, :5], inflow) + passing[:, :, 5]
    scale = max(float(np.abs(load).max(initial=0.0)), 1e-300)
    gap = float(np.abs(load - expected).max(initial=0.0)) / scale
    return Check("residual of BOD, ammonia and oxygen", gap, 1e3 * CONSERVED)


def _looped(network: Network, water: Array, head: Array) -> Array:
    """Solve substance by substance with LU: each is fed only by those before it."""
    passing = _passing(water, np.ones(len(network)))
    load = np.zeros_like(head)
    for s in range(5):
        # what the own inflow does goes to the left-hand side; the rest is known by now
        inflow = _inflow(network, water, head, load)
        fed = np.einsum("it,it->i", passing[:, s, :5], inflow) + passing[:, s, 5]
        load[:, s] = factorize(network, np.ascontiguousarray(passing[:, s, s])).solve(fed)
    return load
