"""One pass over a kernel, one sweep over an equilibrium, and the accelerated iteration, in machine code.

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
#: Least share of the elasticity of labour demand that is left after the home market's own response.
_LEAST: Final = 0.1
#: Longest step of a logarithm in one iteration.
_LONGEST: Final = 2.0


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
def _clear(demand: Array, slope: Array, supply: float, elasticity: float) -> float:
    """Change of the log wage at which labour demand meets supply.

    Solves ``ln sum_k exp(demand_k - slope_k d) = supply + elasticity d`` by Newton's method: the left side is convex
    and falls, the right side rises, so that every start converges.
    """
    d = 0.0
    for _ in range(60):
        top = -np.inf
        for k in range(demand.size):
            top = max(top, demand[k] - slope[k] * d)
        s, ds = 0.0, 0.0
        for k in range(demand.size):
            e = np.exp(demand[k] - slope[k] * d - top)
            s += e
            ds += e * slope[k]
        step = (top + np.log(s) - supply - elasticity * d) / (ds / s + elasticity)
        d += step
        if not abs(step) > 1e-8:
            break  # the error left is of the order of the step squared
    return d


@njit(cache=True, nogil=True, error_model="numpy")
def trade_pass(
    kernels: Array, kernel_of: Any, log_a: Array, spending: Array, beta: Array, log_s: Array, sales: Array
) -> None:
    """Log market sums ``log_s`` (k, n) and sales ``sales`` (k, n) of all industries; classes share a reading."""
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
            weight[m] = beta[k] * spending
        fused_pass(kernels[c], source, weight, total, back)
        for m in range(members.size):
            k = members[m]
            log_s[k] = np.log(total[m]) + shift[m]
            sales[k] = source[m] * back[m]


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
def evaluate(x: Array, arrays: Any, scalars: Any, y: Array) -> float:
    """Next state of the sweep, written to ``y``, and the residual of the equilibrium at ``x``.

    The state holds ``ln L`` by industry and city, then ``ln w``. The residual is the largest log gap of the equations
    themselves: wage bills against sales, residents against those who choose to live there.
    """
    kernels, kernel_of, theta, gamma, beta, log_t, log_keep, transfer, mobility, registered, log_place = arrays
    q, eps = scalars
    count, n = log_t.shape
    log_l, log_w = x[: count * n].reshape(count, n), x[count * n :]
    log_a, net = np.empty((count, n)), np.empty((count, n))
    people, spending = np.zeros(n), transfer.copy()
    for k in range(count):
        log_a[k] = log_t[k] + gamma[k] * theta[k] * log_l[k] - theta[k] * (log_w + log_keep[k])
        net[k] = np.exp(log_keep[k] + log_w + log_l[k])
        people += np.exp(log_l[k])
        spending += net[k]
    log_s, sales = np.empty((count, n)), np.empty((count, n))
    trade_pass(kernels, kernel_of, log_a, spending, beta, log_s, sales)
    log_people, log_target, elasticity = np.log(people), np.log(people), np.zeros(n)
    residual = 0.0
    if mobility.shape[0] > 0:
        log_v = log_place + q * np.log(spending / q) - log_people
        for k in range(count):
            log_v += q * beta[k] / theta[k] * log_s[k]
        log_phi, log_r = np.empty(mobility.shape[0]), np.empty(n)
        migration_pass(mobility, registered, log_v, eps, log_phi, log_r)
        square = mobility.shape[0] == n
        for i in range(n):
            residual = max(residual, abs(log_people[i] - log_r[i]))
            stay = mobility[i, i] * np.exp(eps * log_v[i] - log_phi[i]) if square else 0.0
            loose = eps * (1.0 - stay * stay * registered[i] / np.exp(log_r[i])) if square else eps
            loose = max(loose, 0.0)
            log_target[i] = (log_r[i] + loose * (1.0 - q) * log_people[i]) / (1.0 + loose * (1.0 - q))
            elasticity[i] = loose * q / (1.0 + loose * (1.0 - q))
    else:
        log_target[:] = np.log(registered)
        residual = np.max(np.abs(log_people - log_target))
    residual = max(
        residual,
        _wages(x, y, (kernels, kernel_of, theta, beta, log_a, log_s), (net, sales, spending), (log_target, elasticity)),
    )
    _normalise(y, log_keep, np.sum(registered))
    return float(residual)


@njit(cache=True, nogil=True, error_model="numpy")
def _wages(x: Array, y: Array, trade: Any, money: Any, supply: Any) -> float:
    """Clear every city's labour market with the rest of the world as it was; return the gap of the wage bills."""
    kernels, kernel_of, theta, beta, log_a, log_s = trade
    net, sales, spending = money
    log_target, elasticity = supply
    count, n = net.shape
    demand, slope, residual = np.empty(count), np.empty(count), 0.0
    for i in range(n):
        for k in range(count):
            gap = np.log(sales[k, i] / net[k, i])
            residual = max(residual, abs(gap)) if gap == gap else np.inf  # noqa: PLR0124 - NaN
            own = kernels[kernel_of[k], i, i] * np.exp(log_a[k, i] - log_s[k, i])
            home = min(own * beta[k] * spending[i] / sales[k, i], 1.0)
            demand[k] = x[k * n + i] + gap
            slope[k] = (1.0 + theta[k]) - (1.0 - _LEAST) * home * (1.0 + theta[k] * own)
        d = _clear(demand, slope, log_target[i], elasticity[i])
        for k in range(count):
            y[k * n + i] = demand[k] - slope[k] * d
        y[count * n + i] = x[count * n + i] + d
    return float(residual)


@njit(cache=True, nogil=True, error_model="numpy")
def _normalise(y: Array, log_keep: Array, people: float) -> None:
    """Scale wages so that all spending on goods is one, and labour to the number of people."""
    count, n = log_keep.shape
    labour, bill = 0.0, 0.0
    for k in range(count):
        for i in range(n):
            one = np.exp(y[k * n + i])
            labour += one
            bill += one * np.exp(y[count * n + i] + log_keep[k, i])
    shift = np.log(people / labour)
    y[: count * n] += shift
    y[count * n :] -= np.log(bill) + shift


@njit(cache=True, nogil=True, error_model="numpy")
def remember(x: Array, f: Array, last_x: Array, last_f: Array, held: int, dx: Array, df: Array, gram: Array) -> None:
    """Keep the last step of the state and of its update, in the place of the oldest, with their inner products."""
    slot = held % gram.shape[0]
    dx[slot], df[slot] = x - last_x, f - last_f
    for j in range(min(held + 1, gram.shape[0])):
        gram[slot, j] = np.dot(df[slot], df[j])
        gram[j, slot] = gram[slot, j]


@njit(cache=True, nogil=True, error_model="numpy")
def mixed(f: Array, dx: Array, df: Array, gram: Array, use: int) -> Array:
    """Step of the acceleration: the combination of remembered steps that leaves the least of ``f``."""
    step = f.copy()
    if use == 0:
        return step
    small, right = gram[:use, :use].copy(), np.empty(use)
    scale = np.sqrt(np.diag(small)) + 1e-300
    for i in range(use):
        right[i] = np.dot(df[i], f) / scale[i]
        for j in range(use):
            small[i, j] /= scale[i] * scale[j]
        small[i, i] += 1e-12  # steps that point the same way
    if not (np.all(np.isfinite(small)) and np.all(np.isfinite(right))):
        return step
    weights = np.linalg.solve(small, right) / scale
    for j in range(use):
        step -= weights[j] * (dx[j] + df[j])
    return step


@njit(cache=True, nogil=True, error_model="numpy")
def iterate(x: Array, arrays: Any, scalars: Any, tolerance: float, limit: int, memory: int) -> tuple[Array, float, int]:
    """Anderson acceleration of the sweep (Anderson 1965; Walker and Ni 2011, type II), restarted where it strays.

    Returns
    -------
    tuple
        Best state, its residual, and the number of sweeps.
    """
    size = x.size
    y, best, best_residual = np.empty(size), x.copy(), np.inf
    slots = max(memory, 1)
    dx, df, gram = np.zeros((slots, size)), np.zeros((slots, size)), np.zeros((slots, slots))
    last_x, last_f, held = x.copy(), np.zeros(size), 0
    count = 0
    while count < limit:
        residual = evaluate(x, arrays, scalars, y)
        count += 1
        if residual < best_residual:
            best_residual, best = residual, x.copy()
            if residual <= tolerance:
                break
        strayed = not residual <= 30.0 * best_residual or not np.all(np.isfinite(y))
        if strayed and count > 1:
            x = best.copy()
            evaluate(x, arrays, scalars, y)
            count += 1
            held = 0
            if not np.all(np.isfinite(y)):
                break
        f = y - x
        if held > 0 or (count > 1 and not strayed):
            remember(x, f, last_x, last_f, held, dx, df, gram)
            held += 1
        last_x, last_f = x.copy(), f
        step = mixed(f, dx, df, gram, min(held, memory))
        longest = np.max(np.abs(step))
        x = x + (step if longest <= _LONGEST else step * (_LONGEST / longest))
    return best, best_residual, count
