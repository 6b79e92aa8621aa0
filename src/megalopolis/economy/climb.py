"""Maximise what is known with its gradient, by wedges within bounds, where it may have no value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from scipy.optimize import minimize

from megalopolis.units import Array

Value = Callable[[Array], tuple[float, Array]]
#: Bounds of ``-ln(1 - s)``: s from -172 % to 63 %.
BOUND: Final = 1.0
#: Starts of a search, each where the last one got stuck.
_CLIMBS: Final = 4
#: Halvings of the step to another start.
_HALVES: Final = 6


class UnsolvedError(ValueError):
    """Subsidies at which the economy is not solved: a city may pay more than its residents earn."""


def climb(value: Value, first: Array, *, tolerance: float, close: float = 1e-14) -> tuple[Array, float, int]:
    """Maximise by L-BFGS-B (Byrd, Lu, Nocedal and Zhu 1995) within the bounds.

    Parameters
    ----------
    value : callable
        Value and gradient; minus infinity, or `UnsolvedError`, where there is none.
    first : ndarray, shape (p, c)
        Start, where there is a value.
    tolerance : float
        Gradient at which to stop.
    close : float
        Relative rise at which to stop.

    Returns
    -------
    tuple
        Wedges, shape (p, c); largest gradient left inside the bounds; evaluations.
    """
    rounds, least = 0, np.inf
    scale = max(float(np.abs(value(first)[1]).max()), 1e-6)  # gradients of order one suit the line search

    def falls(flat: Array) -> tuple[float, Array]:
        nonlocal rounds, least
        rounds += 1
        try:
            found, grad = value(flat.reshape(first.shape))
        except UnsolvedError:
            found, grad = -np.inf, np.zeros_like(first)
        if not np.isfinite(found):  # the search went too far: worse by what a step of one would bring
            return min(least, 1e10) + 1.0, np.zeros(first.size)
        least = min(least, -found / scale)
        return -found / scale, -grad.ravel() / scale

    x = np.clip(first, -BOUND, BOUND).ravel()
    for _ in range(_CLIMBS):
        best = minimize(
            falls,
            x,
            jac=True,
            method="L-BFGS-B",
            bounds=[(-BOUND, BOUND)] * first.size,
            options={"maxiter": 300, "maxcor": 30, "ftol": close, "gtol": max(1e-7, tolerance / scale)},
        )
        x = best.x
        if best.status != 2:  # else its memory of the shape misleads it: from there with none
            break
    free_of = np.abs(x) < BOUND
    left = float(np.abs(best.jac[free_of]).max() * scale) if free_of.any() else 0.0
    return x.reshape(first.shape), left, rounds


def solvable(value: Value, own: Array, step: Array) -> Array:
    """Wedges (p, c) a step away, or the largest half, quarter, ... of it at which there is a value."""
    for _ in range(_HALVES):
        try:
            value(own + step)
        except UnsolvedError:
            step = step / 2.0
        else:
            return own + step
    return own
