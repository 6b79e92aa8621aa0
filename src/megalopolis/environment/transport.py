"""Steady transport of one substance: one sweep where water only runs down, sparse LU where it can return.

``M_i = a_i (sum_j f_ji M_j + W_i) + b_i w_i`` (kg/d), with the load ``W`` at the head and ``w`` spread along the reach.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.sparse import csr_array, diags_array, eye_array
from scipy.sparse.linalg import SuperLU, splu

from megalopolis.environment.network import Ints, Network
from megalopolis.environment.rates import phi
from megalopolis.pillar import Check
from megalopolis.units import Array

#: Largest relative difference between what came in and what left, decayed or was taken out.
CONSERVED = 1e-12


def retention(rate: npt.ArrayLike, days: npt.ArrayLike) -> tuple[Array, Array]:
    """Shares of the load at the head and of the load along a reach that reach its end, by plug flow.

    ``a = exp(-k tau)``, ``b = (1 - a)/(k tau)`` (Chapra 1997, lecture 9).

    Parameters
    ----------
    rate : array_like
        First-order loss at the temperature of the water, 1/d.
    days : array_like
        Travel time, d.
    """
    z = np.asarray(rate, float) * np.asarray(days, float)
    return np.exp(-z), np.asarray(phi(z))


def mixed_retention(rate: npt.ArrayLike, days: npt.ArrayLike) -> Array:
    """Share of the inflow that leaves a completely mixed lake, ``1/(1 + k tau)``; rate in 1/d, days in d."""
    return np.asarray(1.0 / (1.0 + np.asarray(rate, float) * np.asarray(days, float)))


@dataclass(frozen=True)
class Balance:
    """Where the mass of a solve went, kg/d.

    Attributes
    ----------
    came_in, left, decayed, taken : float
        Loads; what leaves at the outlets; decay and settling; abstraction.
    """

    came_in: float
    left: float
    decayed: float
    taken: float

    def check(self, name: str) -> Check:
        """Compare both sides of the balance, relative to what came in."""
        gap = abs(self.came_in - self.left - self.decayed - self.taken)
        return Check(f"mass of {name} conserved", gap / self.came_in if self.came_in > 0 else gap, CONSERVED)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _sweep(order: Ints, pointer: Ints, source: Ints, fraction: Array, a: Array, head: Array, along: Array) -> Array:
    mass = np.empty(len(order))
    for i in order:
        inflow = head[i]
        for link in range(pointer[i], pointer[i + 1]):
            inflow += fraction[link] * mass[source[link]]
        mass[i] = a[i] * inflow + along[i]
    return mass


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _sweep_many(order: Ints, pointer: Ints, source: Ints, fraction: Array, a: Array, mass: Array) -> None:
    """Sweep many loads at once; ``mass`` comes in as the loads themselves and leaves as the answer."""
    columns = mass.shape[1]
    for i in order:
        for link in range(pointer[i], pointer[i + 1]):
            j, share = source[link], fraction[link]
            for c in range(columns):
                mass[i, c] += share * mass[j, c]
        for c in range(columns):
            mass[i, c] *= a[i]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _sweep_back(order: Ints, pointer: Ints, source: Ints, fraction: Array, a: Array, value: Array) -> None:
    """Adjoint sweep: ``value`` comes in as weights of the reaches' loads and leaves as those of what enters them."""
    for k in range(len(order) - 1, -1, -1):
        i = order[k]
        for c in range(value.shape[1]):
            value[i, c] *= a[i]
        for link in range(pointer[i], pointer[i + 1]):
            j, share = source[link], fraction[link]
            for c in range(value.shape[1]):
                value[j, c] += share * value[i, c]


def matrix(network: Network, a: Array) -> csr_array:
    """Sparse ``I - A R`` of the state equation, shape (n, n)."""
    n = len(network)
    flows = csr_array((network.fraction, network.source, network.pointer), shape=(n, n))
    return csr_array(eye_array(n) - diags_array(a) @ flows)


def factorize(network: Network, a: Array) -> SuperLU:
    """LU factors of the state equation by SuperLU, for networks in which water can return."""
    return splu(matrix(network, a).tocsc())


def steady(network: Network, a: Array, head: Array, along: Array | None = None) -> Array:
    """Load leaving every reach, kg/d.

    Parameters
    ----------
    network : Network
        n reaches.
    a : ndarray, shape (n,)
        Share of what enters a reach that leaves it.
    head : ndarray, shape (n,)
        Load entering at the head, kg/d.
    along : ndarray, shape (n,), optional
        Load entering along the reach times its own retention ``b``, kg/d.

    Returns
    -------
    ndarray, shape (n,)
        kg/d at the end of each reach, before abstraction.
    """
    tail = np.zeros(len(network)) if along is None else along
    if network.looped:
        return np.asarray(factorize(network, a).solve(a * head + tail))
    return np.asarray(_sweep(network.order, network.pointer, network.source, network.fraction, a, head, tail))


def responses(network: Network, a: Array, points: npt.ArrayLike, *, dtype: npt.DTypeLike = np.float64) -> Array:
    """Load leaving every reach for one unit entering at the head of each point.

    Parameters
    ----------
    network : Network
        n reaches.
    a : ndarray, shape (n,)
        Share of what enters a reach that leaves it.
    points : array_like of int, shape (m,)
        Reaches that receive the unit loads.
    dtype : dtype
        float32 halves the memory, at 1e-6 of accuracy.

    Returns
    -------
    ndarray, shape (n, m)
        kg/d per kg/d.
    """
    points = np.asarray(points, np.int64)
    unit = np.zeros((len(network), len(points)), dtype)
    unit[points, np.arange(len(points))] = 1.0
    if network.looped:
        return np.asarray(factorize(network, a).solve(a[:, None] * unit), dtype)
    _sweep_many(network.order, network.pointer, network.source, network.fraction.astype(dtype), a.astype(dtype), unit)
    return unit


def influence(network: Network, a: Array, sections: npt.ArrayLike) -> Array:
    """Load leaving each section's reach for one unit entering at the head of any reach: the adjoint of `responses`.

    Parameters
    ----------
    network : Network
        n reaches.
    a : ndarray, shape (n,)
        Share of what enters a reach that leaves it.
    sections : array_like of int, shape (m,)
        Reaches at whose end the sections stand.

    Returns
    -------
    ndarray, shape (n, m)
        kg/d per kg/d.
    """
    sections = np.asarray(sections, np.int64)
    value = np.zeros((len(network), len(sections)))
    value[sections, np.arange(len(sections))] = 1.0
    if network.looped:
        return np.asarray(a[:, None] * factorize(network, a).solve(value, trans="T"))
    _sweep_back(network.order, network.pointer, network.source, network.fraction, a, value)
    return value


def balance(network: Network, a: Array, mass: Array, head: Array, along: tuple[Array, Array] | None = None) -> Balance:
    """Account for the mass of a solve, every term from its own process.

    Parameters
    ----------
    network : Network
        n reaches.
    a, mass, head : ndarray, shape (n,)
        As given to and returned by `steady`.
    along : (ndarray, ndarray), optional
        Load along each reach, kg/d, and its retention ``b``.

    Returns
    -------
    Balance
        Not balanced where the shares of a reach do not sum to one with its abstraction.
    """
    n = len(network)
    target = np.repeat(np.arange(n), np.diff(network.pointer))
    inflow = head + np.bincount(target, network.fraction * mass[network.source], minlength=n)
    spread, kept = (np.zeros(n), np.ones(n)) if along is None else along
    return Balance(
        came_in=float(np.sum(head) + np.sum(spread)),
        left=float(np.sum(mass[network.outlet])),
        decayed=float(np.sum((1.0 - a) * inflow) + np.sum((1.0 - kept) * spread)),
        taken=float(np.sum(network.abstraction * mass)),
    )
