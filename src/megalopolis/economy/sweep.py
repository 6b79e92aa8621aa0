"""One sweep over an equilibrium, and the accelerated iteration, in machine code.

Arrays of industries are laid out ``(k, n)``: every industry is one contiguous row of cities.
"""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from megalopolis.economy.passes import commuting_pass, migration_pass, taxed_pass, trade_pass
from megalopolis.units import Array

#: Least share of the elasticity of labour demand that is left after the home market's own response.
_LEAST: Final = 0.1
#: Longest step of a logarithm in one iteration.
_LONGEST: Final = 2.0
#: Accelerated sweeps without a better state after which it has strayed.
_PATIENCE: Final = 100


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
def evaluate(x: Array, arrays: Any, extras: Any, scalars: Any, y: Array) -> float:
    """Next state of the sweep, written to ``y``, and the residual of the equilibrium at ``x``.

    The state holds ``ln L`` by industry and city, ``ln w``, where people commute ``ln R``, and where industries buy
    from each other ``ln P`` by industry and city. The residual is the largest log gap of the equations themselves:
    wage bills against sales, residents against those who choose to live there, workers by place of work against those
    who commute to it, prices against the offers.

    ``extras`` are None where there is no commuting, no input and no tariff: what they need is then not compiled.
    """
    trade, production, people = arrays
    theta, beta, value_added = production[0], production[2], production[5]
    mobility, registered, log_place = people
    q, eps, nu = scalars
    count, n = production[3].shape
    cut = count * n
    log_w, log_p = x[cut : cut + n], x[x.size - cut :].reshape(count, n)
    log_a, net, bought = np.empty((count, n)), np.empty((count, n)), np.zeros((count, n))
    labour, spending = np.zeros(n), production[6].copy()
    _offers(x, production, log_a, net, labour)
    log_labour = np.log(labour)
    log_r, log_workers, edge, ties = log_labour, log_labour, np.zeros(n), np.ones((3, n))
    commute = False
    if extras is not None:
        commute = extras[0].shape[0] > 0
        if commute:
            log_r, log_workers, log_mean = x[cut + n : cut + 2 * n], np.empty(n), np.empty(n)
            _commuters(extras[0], log_w, log_r, nu, log_workers, log_mean, edge, ties)
            spending += np.exp(log_mean + log_r)
    _earn(net, production[4], commute, spending)
    log_s, sales = np.empty((count, n)), np.empty((count, n))
    taxed = False
    if extras is not None:
        if extras[1].shape[0] > 0:
            _link(production, extras[1], log_w, log_p, net, log_a, bought)
        taxed = extras[2].shape[0] > 0
        if taxed:
            taxed_pass((trade[0], trade[1], extras[2]), beta, log_a, spending, bought, log_s, sales)
    if not taxed:
        _consume(beta, spending, bought)
        trade_pass(trade[0], trade[1], log_a, bought, log_s, sales)
    log_v = _utility(log_place, spending, log_r, edge, log_s, q * beta / theta, q)
    target, elasticity = np.empty(n), np.zeros(n)
    residual = _residents(mobility, registered, log_v, log_r, (q, eps), target, elasticity)
    if extras is not None:
        if extras[1].shape[0] > 0:
            _prices(log_s, theta, y[x.size - cut :])
            residual = _worst(residual, x[x.size - cut :], y[x.size - cut :])
        if commute:
            residual = _worst(residual, log_labour, log_workers)
            y[cut + n : cut + 2 * n] = target - np.log(np.sum(np.exp(target)) / np.sum(registered))
            _at_work(ties, nu, log_r, log_workers, target, elasticity)
    money = (net, sales, bought, spending, value_added, ties[1])
    residual = max(residual, _wages(x, y, (trade[0], trade[1], theta, beta, log_a, log_s), money, (target, elasticity)))
    _normalise(y[: cut + n], production[4], np.sum(registered))
    return float(residual)


@njit(cache=True, nogil=True, error_model="numpy")
def _offers(x: Array, production: Any, log_a: Array, net: Array, labour: Array) -> None:
    """Competitiveness, wage bills less subsidies, and workers."""
    theta, gamma, _, log_t, log_keep = production[:5]
    count, n = log_t.shape
    log_w = x[count * n : count * n + n]
    for k in range(count):
        log_l = x[k * n : (k + 1) * n]
        log_a[k] = log_t[k] + gamma[k] * theta[k] * log_l - theta[k] * (log_w + log_keep[k])
        net[k] = np.exp(log_keep[k] + log_w + log_l)
        labour += np.exp(log_l)


@njit(cache=True, nogil=True, error_model="numpy")
def _earn(net: Array, log_keep: Array, commute: bool, spending: Array) -> None:  # noqa: FBT001
    """Add what a city's industries pay to its spending: where people commute, less what the city pays of the wages."""
    for k in range(net.shape[0]):
        spending += net[k] * (1.0 - np.exp(-log_keep[k])) if commute else net[k]


@njit(cache=True, nogil=True, error_model="numpy")
def _link(production: Any, inputs: Array, log_w: Array, log_p: Array, net: Array, log_a: Array, bought: Array) -> None:
    """Costs with the prices of inputs, and the purchases of inputs."""
    theta, log_keep, value_added = production[0], production[4], production[5]
    gross = net / value_added
    for k in range(theta.size):
        log_a[k] += theta[k] * (1.0 - value_added[k]) * (log_w + log_keep[k])
        for j in range(theta.size):
            for i in range(log_w.size):
                log_a[k, i] -= theta[k] * inputs[j, k, i] * log_p[j, i]
                bought[j, i] += inputs[j, k, i] * gross[k, i]


@njit(cache=True, nogil=True, error_model="numpy")
def _prices(log_s: Array, theta: Array, out: Array) -> None:
    """Prices that follow from what all cities offer."""
    for k in range(theta.size):
        for i in range(log_s.shape[1]):
            out[k * log_s.shape[1] + i] = -log_s[k, i] / theta[k]


@njit(cache=True, nogil=True, error_model="numpy")
def _utility(
    log_place: Array, spending: Array, log_r: Array, edge: Array, log_s: Array, share: Array, q: float
) -> Array:
    """Log of the utility of living in each city."""
    log_v = np.empty(log_r.size)
    for i in range(log_r.size):
        log_v[i] = log_place[i] + q * np.log(spending[i] / q) - log_r[i] + edge[i]
        for k in range(share.size):
            log_v[i] += share[k] * log_s[k, i]
    return log_v


@njit(cache=True, nogil=True, error_model="numpy")
def _commuters(
    commuting: Array,
    log_w: Array,
    log_r: Array,
    nu: float,
    log_workers: Array,
    log_mean: Array,
    edge: Array,
    ties: Array,
) -> None:
    """Workers by place of work, mean wage of residents, the edge of choosing where to work, and what ties a city.

    ``ties``: share of the workers who live here, of residents' earnings that are earned here, of residents who stay.
    """
    log_option = np.empty(log_w.size)
    commuting_pass(commuting, log_w, log_r, nu, log_option, log_mean, log_workers)
    edge[:] = log_option / nu - log_mean
    for i in range(log_w.size):
        ties[2, i] = commuting[i, i] * np.exp(nu * log_w[i] - log_option[i])
        ties[0, i] = ties[2, i] * np.exp(log_r[i] - log_workers[i])
        ties[1, i] = ties[2, i] * np.exp(log_w[i] - log_mean[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _at_work(ties: Array, nu: float, log_r: Array, log_workers: Array, target: Array, elasticity: Array) -> None:
    """Turn residents to come and their response to the wage into workers to come and theirs."""
    for i in range(target.size):
        # of those who work here ties[0] live here, of what residents earn ties[1] is earned here
        target[i] = log_workers[i] + ties[0, i] * (target[i] - log_r[i])
        elasticity[i] = nu * (1.0 - ties[2, i] * ties[0, i]) + ties[0, i] * ties[1, i] * elasticity[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _consume(beta: Array, spending: Array, bought: Array) -> None:
    """Add what is consumed to what industries buy."""
    for k in range(beta.size):
        for i in range(spending.size):
            bought[k, i] += beta[k] * spending[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _worst(residual: float, one: Array, two: Array) -> float:
    """Largest gap; NaN counts as infinite."""
    gap = np.max(np.abs(one - two))
    return float(max(residual, gap) if gap == gap else np.inf)  # noqa: PLR0124 - NaN


@njit(cache=True, nogil=True, error_model="numpy")
def _residents(
    mobility: Array, registered: Array, log_v: Array, log_r: Array, scalars: Any, target: Array, elasticity: Array
) -> float:
    """Residents to come and their response to the log wage of their city; return the gap of residents."""
    q, eps = scalars
    n = log_v.size
    target[:] = log_r
    if not np.all(np.isfinite(log_v)):
        return np.inf  # a city that pays more than it earns is no equilibrium
    if mobility.shape[0] == 0:
        target[:] = np.log(registered)
        return float(_worst(0.0, log_r, target))
    log_phi, wanted = np.empty(mobility.shape[0]), np.empty(n)
    migration_pass(mobility, registered, log_v, eps, log_phi, wanted)
    square = mobility.shape[0] == n
    for i in range(n):
        stay = mobility[i, i] * np.exp(eps * log_v[i] - log_phi[i]) if square else 0.0
        loose = eps * (1.0 - stay * stay * registered[i] / np.exp(wanted[i])) if square else eps
        loose = max(loose, 0.0)
        target[i] = (wanted[i] + loose * (1.0 - q) * log_r[i]) / (1.0 + loose * (1.0 - q))
        elasticity[i] = loose * q / (1.0 + loose * (1.0 - q))
    return float(_worst(0.0, log_r, wanted))


@njit(cache=True, nogil=True, error_model="numpy")
def _wages(x: Array, y: Array, trade: Any, money: Any, supply: Any) -> float:
    """Clear every city's labour market with the rest of the world as it was; return the gap of the wage bills."""
    kernels, kernel_of, theta, beta, log_a, log_s = trade
    net, sales, bought, spending, value_added, own_wage = money
    log_target, elasticity = supply
    count, n = net.shape
    demand, slope, residual = np.empty(count), np.empty(count), 0.0
    for i in range(n):
        for k in range(count):
            paid = value_added[k, i]
            gap = np.log(paid * sales[k, i] / net[k, i])
            residual = max(residual, abs(gap)) if gap == gap else np.inf  # noqa: PLR0124 - NaN
            own = kernels[kernel_of[k], i, i] * np.exp(log_a[k, i] - log_s[k, i])
            home = min(own * bought[k, i] / sales[k, i], 1.0)
            earned = beta[k] * spending[i] / bought[k, i] * own_wage[i]
            demand[k] = x[k * n + i] + gap
            slope[k] = (1.0 + theta[k] * paid) - (1.0 - _LEAST) * home * (earned + theta[k] * paid * own)
        d = _clear(demand, slope, log_target[i], elasticity[i])
        for k in range(count):
            y[k * n + i] = demand[k] - slope[k] * d
        y[count * n + i] = x[count * n + i] + d
    return float(residual)


@njit(cache=True, nogil=True, error_model="numpy")
def _normalise(y: Array, log_keep: Array, people: float) -> None:
    """Scale wages so that all wage bills less subsidies are one, and labour to the number of people."""
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
    for i in range(x.size):  # a loop compiles in milliseconds, the assignment of a slice in a second
        dx[slot, i], df[slot, i] = x[i] - last_x[i], f[i] - last_f[i]
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
def iterate(
    x: Array, arrays: Any, extras: Any, scalars: Any, tolerance: float, limit: int, memory: int
) -> tuple[Array, float, int]:
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
    count, turns, plain, since, restarted = 0, 0, 0, 0, True
    while count < limit:
        residual = evaluate(x, arrays, extras, scalars, y)
        count += 1
        since += 1
        if residual < best_residual:
            best_residual, best, since = residual, x.copy(), 0
            if residual <= tolerance:
                break
        lost = not residual <= 30.0 * best_residual or since > _PATIENCE
        if (plain == 0 and lost) or not np.all(np.isfinite(y)):
            if restarted:
                break  # nor is there a way on from the best state
            x, held, since, restarted = best.copy(), 0, 0, True
            turns += 1
            plain = 2 ** min(turns, 10) if turns > 1 else 0  # it strays again: ever longer without acceleration
            continue
        f = y - x
        if not restarted:
            remember(x, f, last_x, last_f, held, dx, df, gram)
            held += 1
        last_x, last_f, restarted = x.copy(), f, False
        step = mixed(f, dx, df, gram, 0 if plain > 0 else min(held, memory))
        plain = max(plain - 1, 0)
        longest = np.max(np.abs(step))
        x = x + (step if longest <= _LONGEST else step * (_LONGEST / longest))
    return best, best_residual, count
