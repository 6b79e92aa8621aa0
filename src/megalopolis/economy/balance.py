"""Invert a gravity kernel: column weights at which flows have the given row and column totals."""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from megalopolis.economy.model import Matrix
from megalopolis.economy.passes import fused_pass
from megalopolis.economy.sweep import mixed, remember
from megalopolis.units import Array

_MEMORY: Final = 10
_LIMIT: Final = 3000
TOLERANCE: Final = 1e-12


def balance(
    kernel: Matrix,
    rows: Array,
    columns: Array,
    *,
    stay: float | None = None,
    power: float = 0.0,
    tolerance: float = TOLERANCE,
) -> tuple[Array, Matrix]:
    """Find the weights ``a`` with ``a_i^(1 + power) sum_n D_ni X_n / sum_j D_nj a_j = Y_i``, up to the level of Y.

    Sinkhorn's iteration (Sinkhorn 1967; trade: Ahlfeldt et al. 2015, appendix) in logs with Anderson acceleration.

    Parameters
    ----------
    kernel : ndarray, shape (m, n)
        D.
    rows : ndarray, shape (m,)
        X, not negative.
    columns : ndarray, shape (n,)
        Y, positive, of the same total.
    stay : float, optional
        Share of the total that must lie on the diagonal of a square kernel; the diagonal is then scaled to it.
    power : float
        Further power of the weights: what each of a column's units is worth rises with its weight.
    tolerance : float
        Largest log gap of the column totals.

    Returns
    -------
    tuple of ndarray
        Log weights, shape (n,), with mean zero; and the kernel, with the scaled diagonal.

    Raises
    ------
    ValueError
        If totals differ or are not positive, or no weights are found: the data cannot be inverted.
    """
    if not (rows >= 0).all() or not (columns > 0).all() or not np.isfinite(rows.sum() + columns.sum()):
        raise ValueError("totals to be inverted must be positive and finite")
    if abs(rows.sum() / columns.sum() - 1.0) > 1e-9:
        raise ValueError(
            f"row and column totals differ by {rows.sum() / columns.sum() - 1.0:.2g}: purge imbalances first"
        )
    if stay is not None:
        _check_stay(stay, rows / rows.sum(), columns / columns.sum())
    fixed = np.array(kernel, order="C") if stay is not None else np.ascontiguousarray(kernel)
    size = rows.sum()
    settings = (-1.0 if stay is None else stay, power, tolerance, _LIMIT)
    log_a, gap = _balance(fixed, rows / size, columns / size, settings)
    if not gap <= max(tolerance, 1e-9):
        raise ValueError(f"the data cannot be inverted: totals are {gap:.1e} off after {_LIMIT} iterations")
    return log_a - log_a.mean(), fixed


def _check_stay(stay: float, rows: Array, columns: Array) -> None:
    if not 0.0 < stay < 1.0:
        raise ValueError(f"share on the diagonal {stay:g} must lie between 0 and 1")
    most, least = np.minimum(rows, columns).sum(), np.maximum(rows + columns - 1.0, 0.0).sum()
    if not least < stay < most:
        raise ValueError(f"share on the diagonal {stay:g} does not fit the totals: it can be {least:.3g} to {most:.3g}")


@njit(cache=True, nogil=True, error_model="numpy")
def _scale(kernel: Matrix, diagonal: Array, log_scale: float) -> None:
    for i in range(diagonal.size):
        kernel[i, i] = diagonal[i] * np.exp(log_scale)


@njit(cache=True, nogil=True, error_model="numpy")
def _stay_gap(kernel: Matrix, source: Array, rows: Array, total: Array, stay: float) -> float:
    """Log odds by which those on the diagonal are too few."""
    held = 0.0
    for i in range(source.size):
        held += kernel[i, i] * source[i] * rows[i] / total[i]
    return float(np.log(stay / (1.0 - stay)) - np.log(held / (1.0 - held)))


@njit(cache=True, nogil=True, error_model="numpy")
def _lack(columns: Array, made: Array, log_a: Array, power: float) -> Array:
    """Log of what column totals lack; with a power, per unit of the response, up to a level."""
    lack = np.log(columns / made)
    if power > 0.0:
        lack -= power * log_a
        lack = (lack - np.mean(lack)) / (1.0 + power)
    return lack


@njit(cache=True, nogil=True, error_model="numpy")
def _balance(
    kernel: Matrix, rows: Array, columns: Array, settings: tuple[float, float, float, int]
) -> tuple[Array, float]:
    """Iterate; the diagonal of the kernel is scaled in place where a share of stayers is given."""
    stay, power, tolerance, limit = settings
    n = columns.size
    x, best, best_gap = np.zeros(n + 1), np.zeros(n + 1), np.inf
    diagonal = np.zeros(n)
    if stay > 0.0:
        diagonal[:] = np.diag(kernel)
    total, back = np.empty((1, rows.size)), np.empty((1, n))
    dx, df, gram = np.zeros((_MEMORY, n + 1)), np.zeros((_MEMORY, n + 1)), np.zeros((_MEMORY, _MEMORY))
    last_x, last_f, held = x.copy(), np.zeros(n + 1), -1
    for _ in range(limit):
        if stay > 0.0:
            _scale(kernel, diagonal, x[n])
        source = np.exp(x[:n] - np.max(x[:n])).reshape(1, -1)
        fused_pass(kernel, source, rows.reshape(1, -1), total, back)
        f = np.zeros(n + 1)
        f[:n] = _lack(columns, source[0] * back[0], x[:n], power)
        if stay > 0.0:
            f[n] = _stay_gap(kernel, source[0], rows, total[0], stay)
        gap = np.max(np.abs(f))
        if gap < best_gap:
            best_gap, best = gap, x.copy()
        if gap <= tolerance or not np.isfinite(gap):
            break
        if gap > 100.0 * best_gap:
            x, held = best.copy(), -1
            continue
        if held >= 0:
            remember(x, f, last_x, last_f, held, dx, df, gram)
        held += 1
        last_x, last_f = x.copy(), f
        step = mixed(f, dx, df, gram, min(held, _MEMORY))
        x = x + step * min(1.0, 5.0 / np.max(np.abs(step)))
    if stay > 0.0:
        _scale(kernel, diagonal, best[n])
    return best[:n].copy(), best_gap
