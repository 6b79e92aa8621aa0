"""Passes over the kernels of trade, migration and commuting, each in one reading, in machine code.

Arrays of industries are laid out ``(k, n)``: every industry is one contiguous row of cities.
"""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from megalopolis.units import Array

#: Sums may be reordered; infinities and NaN keep their meaning, so that a sweep that fails is seen.
_FAST: Final = {"reassoc", "contract", "nsz"}
#: Products and sums may fuse, nothing else: reordered, the division by a row's total would be done for every column.
_FUSED: Final = {"contract"}


@njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
def _dots(r0: Array, r1: Array, r2: Array, r3: Array, source: Array, out: Array, first: int) -> None:
    """Write four rows of a kernel times a vector to ``out``."""
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    for i in range(source.size):
        x = source[i]
        s0 += r0[i] * x
        s1 += r1[i] * x
        s2 += r2[i] * x
        s3 += r3[i] * x
    out[first] = s0
    out[first + 1] = s1
    out[first + 2] = s2
    out[first + 3] = s3


@njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
def _dots_of_two(
    r0: Array, r1: Array, r2: Array, r3: Array, one: Array, two: Array, out: Array, k: int, first: int
) -> None:
    """The same for two industries at once: every value that is read is used twice."""
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
    for i in range(one.size):
        x, y = one[i], two[i]
        d0, d1, d2, d3 = r0[i], r1[i], r2[i], r3[i]
        s0 += d0 * x
        s1 += d1 * x
        s2 += d2 * x
        s3 += d3 * x
        t0 += d0 * y
        t1 += d1 * y
        t2 += d2 * y
        t3 += d3 * y
    out[k, first] = s0
    out[k, first + 1] = s1
    out[k, first + 2] = s2
    out[k, first + 3] = s3
    out[k + 1, first] = t0
    out[k + 1, first + 1] = t1
    out[k + 1, first + 2] = t2
    out[k + 1, first + 3] = t3


@njit(cache=True, nogil=True, fastmath=_FUSED, error_model="numpy")
def _adds(r0: Array, r1: Array, r2: Array, r3: Array, weight: Array, total: Array, first: int, target: Array) -> None:
    """Add four weighted rows of a kernel to a vector."""
    c0, c1 = weight[first] / total[first], weight[first + 1] / total[first + 1]
    c2, c3 = weight[first + 2] / total[first + 2], weight[first + 3] / total[first + 3]
    for i in range(target.size):
        target[i] = target[i] + r0[i] * c0 + r1[i] * c1 + r2[i] * c2 + r3[i] * c3


@njit(cache=True, nogil=True, fastmath=_FUSED, error_model="numpy")
def _adds_of_two(
    r0: Array, r1: Array, r2: Array, r3: Array, weight: Array, total: Array, k: int, first: int, one: Array, two: Array
) -> None:
    """The same for two industries at once."""
    c0, c1 = weight[k, first] / total[k, first], weight[k, first + 1] / total[k, first + 1]
    c2, c3 = weight[k, first + 2] / total[k, first + 2], weight[k, first + 3] / total[k, first + 3]
    e0, e1 = weight[k + 1, first] / total[k + 1, first], weight[k + 1, first + 1] / total[k + 1, first + 1]
    e2, e3 = weight[k + 1, first + 2] / total[k + 1, first + 2], weight[k + 1, first + 3] / total[k + 1, first + 3]
    for i in range(one.size):
        d0, d1, d2, d3 = r0[i], r1[i], r2[i], r3[i]
        one[i] = one[i] + d0 * c0 + d1 * c1 + d2 * c2 + d3 * c3
        two[i] = two[i] + d0 * e0 + d1 * e1 + d2 * e2 + d3 * e3


@njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
def _last_rows(kernel: Array, source: Array, weight: Array, total: Array, back: Array, first: int) -> None:
    """Rows that are left after the fours, one by one."""
    for n in range(first, kernel.shape[0]):
        row = kernel[n]
        for k in range(source.shape[0]):
            s = 0.0
            for i in range(row.size):
                s += row[i] * source[k, i]
            total[k, n] = s
            c = weight[k, n] / s
            for i in range(row.size):
                back[k, i] += row[i] * c


@njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
def fused_pass(kernel: Array, source: Array, weight: Array, total: Array, back: Array) -> None:
    """Forward and backward sums over a kernel in one reading of it.

    ``total[k, n] = sum_i kernel[n, i] source[k, i]`` and
    ``back[k, i] = sum_n kernel[n, i] weight[k, n] / total[k, n]``.
    Four rows are read at a time and used twice while they are in the cache.

    Parameters
    ----------
    kernel : ndarray, shape (m, n)
        Contiguous rows, float64 or float32.
    source : ndarray, shape (k, n)
        Column weights.
    weight : ndarray, shape (k, m)
        Row totals to be shared out.
    total : ndarray, shape (k, m)
        Written.
    back : ndarray, shape (k, n)
        Written.
    """
    count, rows = source.shape[0], kernel.shape[0]
    back[:] = 0.0
    whole = rows - rows % 4
    for n in range(0, whole, 4):
        r0, r1, r2, r3 = kernel[n], kernel[n + 1], kernel[n + 2], kernel[n + 3]
        for k in range(0, count - 1, 2):
            _dots_of_two(r0, r1, r2, r3, source[k], source[k + 1], total, k, n)
        if count % 2:
            _dots(r0, r1, r2, r3, source[count - 1], total[count - 1], n)
        for k in range(0, count - 1, 2):
            _adds_of_two(r0, r1, r2, r3, weight, total, k, n, back[k], back[k + 1])
        if count % 2:
            _adds(r0, r1, r2, r3, weight[count - 1], total[count - 1], n, back[count - 1])
    _last_rows(kernel, source, weight, total, back, whole)


@njit(cache=True, nogil=True, error_model="numpy")
def trade_pass(kernels: Array, kernel_of: Any, log_a: Array, bought: Array, log_s: Array, sales: Array) -> None:
    """Log market sums ``log_s`` (k, n) and sales (k, n) of what is ``bought`` (k, n); classes share a reading."""
    n = log_a.shape[1]
    for c in range(kernels.shape[0]):
        members = np.flatnonzero(kernel_of == c)
        source, weight = np.empty((members.size, n)), np.empty((members.size, n))
        total, back = np.empty((members.size, n)), np.empty((members.size, n))
        shift = np.empty(members.size)
        for m in range(members.size):
            k = members[m]
            shift[m] = np.max(log_a[k])  # keeps the exponentials in range; it cancels in the sales
            source[m] = np.exp(log_a[k] - shift[m])
            weight[m] = bought[k]
        fused_pass(kernels[c], source, weight, total, back)
        for m in range(members.size):
            k = members[m]
            log_s[k] = np.log(total[m]) + shift[m]
            sales[k] = source[m] * back[m]


@njit(cache=True, nogil=True, error_model="numpy")
def taxed_pass(trade: Any, beta: Array, log_a: Array, income: Array, bought: Array, log_s: Array, sales: Array) -> None:
    """The same with tariffs, whose revenue is income of the buyers: plain loops, for dozens of places.

    ``income`` (n,) comes without the revenue and is completed; ``bought`` (k, n) comes as purchases of inputs, and
    what is consumed is added. Sales are what reaches the seller.
    """
    kernels, kernel_of, received = trade
    count, n = log_a.shape
    source, total = np.empty((count, n)), np.empty((count, n))
    revenue, levied = np.zeros(n), np.zeros(n)
    for k in range(count):
        shift = np.max(log_a[k])
        source[k] = np.exp(log_a[k] - shift)
        for m in range(n):
            all_, reach = 0.0, 0.0
            for i in range(n):
                all_ += kernels[kernel_of[k], m, i] * source[k, i]
                reach += received[kernel_of[k], m, i] * source[k, i]
            total[k, m] = all_
            duty = 1.0 - reach / all_
            revenue[m] += duty * bought[k, m]
            levied[m] += beta[k] * duty
        log_s[k] = np.log(total[k]) + shift
    income[:] = (income + revenue) / (1.0 - levied)
    for k in range(count):
        bought[k] += beta[k] * income
        sales[k] = 0.0
        for m in range(n):
            sales[k] += received[kernel_of[k], m] * (bought[k, m] / total[k, m])
        sales[k] *= source[k]


@njit(cache=True, nogil=True, error_model="numpy")
def migration_pass(mobility: Array, registered: Array, log_v: Array, eps: float, log_phi: Array, log_r: Array) -> None:
    """Log of the value of the choice set ``log_phi`` (o) and of the residents it implies ``log_r`` (n)."""
    top = np.max(log_v)
    source = np.exp(eps * (log_v - top)).reshape(1, -1)
    total, back = np.empty((1, mobility.shape[0])), np.empty((1, mobility.shape[1]))
    fused_pass(mobility, source, registered.reshape(1, -1), total, back)
    log_phi[:] = np.log(total[0]) + eps * top
    log_r[:] = np.log(source[0] * back[0])


@njit(cache=True, nogil=True, error_model="numpy")
def commuting_pass(
    commuting: Array, log_w: Array, log_r: Array, nu: float, log_option: Array, log_mean: Array, log_workers: Array
) -> None:
    """Log of the value of the workplaces in reach, of the mean wage of residents, and of workers by place of work."""
    top = np.max(log_w)
    source, weight = np.empty((2, log_w.size)), np.zeros((2, log_w.size))
    source[0] = np.exp(nu * (log_w - top))
    source[1] = source[0] * np.exp(log_w - top)
    weight[0] = np.exp(log_r)
    total, back = np.empty((2, log_w.size)), np.empty((2, log_w.size))
    fused_pass(commuting, source, weight, total, back)
    log_option[:] = np.log(total[0]) + nu * top
    log_mean[:] = np.log(total[1] / total[0]) + top
    log_workers[:] = np.log(source[0] * back[0])
