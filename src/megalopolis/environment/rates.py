"""Rates and closed forms of water quality: temperature, oxygen, reaeration, the sag, lakes."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from megalopolis.units import Array

#: kg/d carried by 1 mg/L in 1 m3/s.
KG_PER_DAY: Final = 86.4
SECONDS_PER_DAY: Final = 86400.0
DAYS_PER_YEAR: Final = 365.25
#: g of oxygen to nitrify 1 g of nitrogen: 2 O2 per N, 64/14 (Chapra 1997, lecture 23).
OXYGEN_PER_NITROGEN: Final = 4.57


def phi(z: npt.ArrayLike) -> Array:
    """Mean of ``exp(-z s)`` over 0 <= s <= 1: ``-expm1(-z)/z``, 1 at zero."""
    z = np.asarray(z, float)
    some = np.abs(z) > 1e-300
    return np.asarray(np.where(some, -np.expm1(-z) / np.where(some, z, 1.0), 1.0))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def decay_pair(a: float, b: float, tau: float) -> float:
    """Convolution of two decays, ``integral of exp(-a (tau - s)) exp(-b s)`` over 0 <= s <= tau; days.

    Symmetric, and stable where the rates are equal or far apart.

    Parameters
    ----------
    a, b : float
        Rates, 1/d.
    tau : float
        Travel time, d.
    """
    low, gap = min(a, b), abs(a - b) * tau
    share = 1.0 if gap < 1e-300 else -math.expm1(-gap) / gap
    return tau * math.exp(-low * tau) * share


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def decay_triple(a: float, b: float, c: float, tau: float) -> float:
    """Convolution of three decays over a travel time; d2.

    The second divided difference of ``exp(-x tau)``: by the recurrence across the widest gap where that is wide enough
    not to cancel, else by its Taylor series in complete homogeneous polynomials (de Boor 2005, Surveys in
    Approximation Theory 1).

    Parameters
    ----------
    a, b, c : float
        Rates, 1/d.
    tau : float
        Travel time, d.
    """
    low, high = min(a, b, c), max(a, b, c)
    middle = a + b + c - low - high
    if (high - low) * tau > 0.5:
        gap: float = decay_pair(low, middle, tau) - decay_pair(middle, high, tau)
        return gap / (high - low)
    x, y = (middle - low) * tau, (high - low) * tau
    total, symmetric, power, factor = 0.0, 1.0, 1.0, 0.5  # factor is (-1)^k/(k + 2)!
    for k in range(14):
        total += factor * symmetric
        power *= y
        symmetric = x * symmetric + power
        factor /= -(k + 3.0)
    return tau * tau * math.exp(-low * tau) * total


def at_temperature(rate20: npt.ArrayLike, theta: npt.ArrayLike, temperature_c: npt.ArrayLike) -> Array:
    """Rate at a temperature, ``k20 theta^(T - 20)`` (Chapra 1997, lecture 2).

    Parameters
    ----------
    rate20 : array_like
        Rate at 20 C, 1/d.
    theta : array_like
        Factor per degree.
    temperature_c : array_like
        Water temperature, C.
    """
    return np.asarray(rate20, float) * np.asarray(theta, float) ** (np.asarray(temperature_c, float) - 20.0)


def oxygen_saturation(temperature_c: npt.ArrayLike, elevation_m: npt.ArrayLike = 0.0) -> Array:
    """Dissolved oxygen of fresh water at saturation, mg/L.

    APHA (1992), Standard Methods 4500-O G: polynomial in the inverse absolute temperature (Benson and Krause 1984);
    elevation after Zison et al. (1978) as in Chapra (1997), lecture 19.

    Parameters
    ----------
    temperature_c : array_like
        Water temperature, C.
    elevation_m : array_like
        Height above the sea, m.
    """
    kelvin = np.asarray(temperature_c, float) + 273.15
    inverse = 1.0 / kelvin
    log = -139.34411 + inverse * (
        1.575701e5 + inverse * (-6.642308e7 + inverse * (1.243800e10 + inverse * -8.621949e11))
    )
    return np.asarray(np.exp(log) * (1.0 - 1.148e-4 * np.asarray(elevation_m, float)))


def reaeration(
    velocity_ms: npt.ArrayLike, depth_m: npt.ArrayLike, *, low: float = 0.0, high: float = math.inf
) -> Array:
    """Reaeration at 20 C, 1/d: ``3.93 U^0.5 H^-1.5`` (O'Connor and Dobbins 1958), kept within bounds.

    Parameters
    ----------
    velocity_ms, depth_m : array_like
        Mean velocity, m/s, and mean depth, m.
    low, high : float
        Bounds, 1/d: the formula holds for depths of 0.3 to 9 m.
    """
    rate = 3.93 * np.sqrt(np.asarray(velocity_ms, float)) * np.asarray(depth_m, float) ** -1.5
    return np.asarray(np.clip(rate, low, high))


def ultimate_bod(bod5: npt.ArrayLike, bottle_rate: float) -> Array:
    """Ultimate carbonaceous BOD, mg/L, from five days in a bottle: ``BOD5 / (1 - exp(-5 k))``.

    Parameters
    ----------
    bod5 : array_like
        Five-day BOD, mg/L.
    bottle_rate : float
        Rate in the bottle, 1/d.
    """
    return np.asarray(bod5, float) / -math.expm1(-5.0 * bottle_rate)


def critical_point(kd: float, ka: float, bod: float, deficit: float) -> tuple[float, float]:
    """Time and size of the largest oxygen deficit below one load (Streeter and Phelps 1925).

    Removal of BOD is taken to be by oxidation alone, ``kr = kd``.

    Parameters
    ----------
    kd, ka : float
        Deoxygenation and reaeration, 1/d; above zero.
    bod : float
        Ultimate BOD at the head, mg/L.
    deficit : float
        Oxygen deficit at the head, mg/L.

    Returns
    -------
    time : float
        Days from the head; 0 where the deficit only falls.
    deficit : float
        Largest deficit, mg/L. Above saturation it means anoxia, which a linear model cannot describe.
    """
    if ka * deficit >= kd * bod:
        return 0.0, deficit
    gap = ka - kd
    # ln[(ka/kd)(1 - D0 (ka-kd)/(kd L0))] / (ka - kd) as log1p, so that ka -> kd does not cancel
    inside = gap / kd * (1.0 - ka * deficit / (kd * bod))
    time = math.log1p(inside) / gap if abs(gap) > 1e-9 * kd else (1.0 - deficit / bod) / kd
    return time, kd / ka * bod * math.exp(-kd * time)


def vollenweider(years: npt.ArrayLike) -> Array:
    """Share of a lake's phosphorus inflow that stays in the water, ``1/(1 + sqrt(tau))``.

    Vollenweider (1976), Larsen and Mercier (1976).

    Parameters
    ----------
    years : array_like
        Residence time of the water, years.
    """
    return np.asarray(1.0 / (1.0 + np.sqrt(np.asarray(years, float))))


def reckhow(overflow_m_per_year: npt.ArrayLike) -> Array:
    """Share of a lake's phosphorus inflow that stays in the water, ``q/(11.6 + 1.2 q)`` (Reckhow 1979).

    Parameters
    ----------
    overflow_m_per_year : array_like
        Areal water loading, outflow over surface, m/year.
    """
    q = np.asarray(overflow_m_per_year, float)
    return np.asarray(q / (11.6 + 1.2 * q))
