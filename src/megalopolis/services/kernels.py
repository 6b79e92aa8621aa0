"""Burden of cases on arrays: the best way of each, given what is linked.

A case is a procedure of a resident who lives and works in one city and whose home (register) is another. Each way to
satisfy it is weighed; the least burdensome is taken: least hours, or hours and money at a stated value of time; then
least money, then fewest papers.

What a way costs is a fixed part and its trips. The fixed part hangs on the links that are live, not on where the two
cities lie, so that it is computed once for all pairs that share a pattern of links; the trips are added pair by pair.
"""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from megalopolis.services.compile import COMPETENT, HOME, NATIONAL, NOBODY, RESIDENCE, WORK, Ints

_TIE = 1e-9


#: Columns of a way's fixed part: minutes, money, papers, visits at home and at work, working days.
_FIXED = 6


@njit(cache=True, nogil=True)
def way_fixed(
    k: int,
    bits: Ints,
    avail: int,
    same: bool,  # noqa: FBT001 - a kernel takes no keywords
    at_work: bool,  # noqa: FBT001
    tables: tuple[npt.NDArray[Any], ...],
    amounts: npt.NDArray[Any],
    out: npt.NDArray[Any],
) -> None:
    """What of a way does not hang on where the cities lie.

    Parameters
    ----------
    k : int
        Way.
    bits : ndarray of int, shape (entries,)
        Bit that links each entry; 0 for none.
    avail : int
        Bits that are available.
    same, at_work : bool
        Whether home and work are one city; whether the competent city is the work city.
    tables : tuple of ndarray
        ``way, way_amount, entry, role, in_person, amount`` of `Compiled`.
    amounts : ndarray, shape (5,)
        Queue and counter minutes together, cost of a paper, factors on form and document minutes, hours per unit of
        money in the choice.
    out : ndarray, shape (6,)
        Receives minutes and money without trips, papers, visits at home and at work, working days.
    """
    way, way_amount, entry, role, in_person, amount = tables
    first, last = way[k, 0], way[k, 1]
    minutes, money, papers = amounts[2] * way_amount[k, 0], way_amount[k, 1], 0.0
    visits_home = visits_work = 0
    if way[k, 2] == RESIDENCE or (way[k, 2] == COMPETENT and at_work):
        visits_work = way[k, 3]
    elif way[k, 2] == COMPETENT:
        visits_home = way[k, 3]
    manual = np.int64(0)
    for j in range(first, last):
        needed = entry[j, 3] == 1 or (manual & entry[j, 4]) != 0
        if not needed or (bits[j] & avail) != 0:
            continue
        manual |= np.int64(1) << (j - first)
        e = entry[j, 0]
        minutes += amounts[3] * amount[e, 0]
        money += amount[e, 1] + amounts[1] * entry[j, 1]
        papers += entry[j, 1]
        if in_person[e] == 1 and role[e] != NOBODY:
            if role[e] == HOME and not same:
                visits_home = max(visits_home, 1)
            else:
                visits_work = max(visits_work, 1)
    out[0], out[1], out[2] = minutes, money, papers
    out[3], out[4] = visits_home, visits_work
    out[5] = _issuance(manual, first, last, entry, amount) + way_amount[k, 2]


@njit(cache=True, nogil=True)
def _issuance(manual: int, first: int, last: int, entry: npt.NDArray[Any], amount: npt.NDArray[Any]) -> float:
    """Working days until the last paper is issued: each waits for those that it needs (Kelley and Walker 1959)."""
    ready = 0.0
    done = np.zeros(last - first)
    for j in range(last - 1, first - 1, -1):
        if (manual >> (j - first)) & 1:
            wait = 0.0
            for i in range(j + 1, last):
                if (manual >> (i - first)) & 1 and (entry[i, 4] >> (j - first)) & 1:
                    wait = max(wait, done[i - first])
            done[j - first] = wait + amount[entry[j, 0], 2]
            ready = max(ready, done[j - first])
    return ready


@njit(cache=True, nogil=True)
def fixed_ways(
    v: int,
    bits: Ints,
    avail: int,
    known: int,
    same: bool,  # noqa: FBT001
    at_work: bool,  # noqa: FBT001
    ways: Ints,
    tables: tuple[npt.NDArray[Any], ...],
    amounts: npt.NDArray[Any],
    out: npt.NDArray[Any],
) -> None:
    """Write the fixed part of every way of a variant into the rows of ``out``; NaN minutes where it is not passable."""
    for k in range(ways[v], ways[v + 1]):
        row = out[k - ways[v]]
        if tables[0][k, 4] == 1 and (known & avail) == 0:
            row[0] = np.nan
        else:
            way_fixed(k, bits, avail, same, at_work, tables, amounts, row)


@njit(cache=True, nogil=True)
def least(
    fixed: npt.NDArray[Any],
    count: int,
    trip: tuple[float, float, float, float],
    weight: float,
    best: npt.NDArray[Any],
) -> int:
    """Write the burden of the best of some ways into ``best``; return its position, -1 where none is passable.

    Parameters
    ----------
    fixed : ndarray, shape (>= count, 6)
        See `way_fixed`.
    count : int
        Ways.
    trip : (float, float, float, float)
        Minutes and money of one visit at home, of one at work: there and back, queue and counter.
    weight : float
        Hours per unit of money in the choice.
    best : ndarray, shape (6,)
        Receives hours, money, papers, visits, working days, weight in the choice.
    """
    chosen = -1
    best[5] = np.inf
    for k in range(count):
        minutes, money = fixed[k, 0], fixed[k, 1]
        if fixed[k, 3] > 0:
            minutes += fixed[k, 3] * trip[0]
            money += fixed[k, 3] * trip[1]
        if fixed[k, 4] > 0:
            minutes += fixed[k, 4] * trip[2]
            money += fixed[k, 4] * trip[3]
        value = minutes / 60.0 + weight * money
        if not np.isfinite(value):
            continue
        tie = _TIE * max(1.0, abs(best[5])) if chosen >= 0 else 0.0
        better = chosen < 0 or value < best[5] - tie
        if not better and value <= best[5] + tie:
            better = money < best[1] - _TIE or (money <= best[1] + _TIE and fixed[k, 2] < best[2])
        if better:
            best[0], best[1], best[2] = minutes / 60.0, money, fixed[k, 2]
            best[3], best[4], best[5] = fixed[k, 3] + fixed[k, 4], fixed[k, 5], value
            chosen = k
    return chosen


@njit(cache=True, nogil=True)
def trip_of(
    home: int, work: int, travel: tuple[npt.NDArray[Any], ...], at_counter: float
) -> tuple[float, float, float, float]:
    """Minutes and money of one visit at home, of one at work, for a resident of the work city."""
    return (
        2.0 * travel[0][work, home] + at_counter,
        2.0 * travel[1][work, home],
        2.0 * travel[0][work, work] + at_counter,
        2.0 * travel[1][work, work],
    )


@njit(cache=True, nogil=True)
def issuing_city(role: int, home: int, work: int, cities: int) -> int:
    """City that issues an evidence; the number of cities stands for the national issuer."""
    if role == NATIONAL:
        return cities
    return home if role == HOME else work


@njit(cache=True, nogil=True)
def _most(ways: Ints) -> int:
    """Most ways of a variant."""
    most = 0
    for v in range(ways.size - 1):
        most = max(most, ways[v + 1] - ways[v])
    return most


@njit(cache=True, nogil=True)
def all_burdens(
    compiled: tuple[Ints, Ints, npt.NDArray[Any], Ints, Ints],
    tables: tuple[npt.NDArray[Any], ...],
    world: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    travel: tuple[npt.NDArray[Any], ...],
    amounts: npt.NDArray[Any],
    burden: npt.NDArray[Any],
    taken: Ints,
) -> None:
    """Burden of every procedure for every home and work city.

    Parameters
    ----------
    compiled : tuple of ndarray
        ``variant_of, competence, cross_only, ways, sector_of`` of `Compiled`.
    tables, amounts
        See `way_fixed`.
    world : (ndarray, ndarray)
        Links that are live, shape (pairs, cities + 1, cities) by issuing and consuming city, and recognitions, shape
        (sectors, cities).
    travel : tuple of ndarray
        Minutes and fares of one way, shape (cities, cities), by residence and destination.
    burden : ndarray, shape (5, procedures, cities, cities)
        Receives hours, money, papers, visits, working days by home and work city; NaN where there is no such case.
    taken : ndarray of int, shape (procedures, cities, cities)
        Receives the way taken, -1 where there is none.
    """
    variant_of, competence, cross_only, ways, sector_of = compiled
    procedures, cities = variant_of.shape
    entry, role = tables[2], tables[3]
    bits = np.zeros(entry.shape[0], dtype=np.int64)
    best = np.empty(6)
    fixed = np.empty((_most(ways), _FIXED))
    there = np.int64(1)  # a bare 1 would be compiled for itself
    for p in range(procedures):
        held = -1
        for home in range(cities):
            for work in range(cities):
                competent = work if competence[p] == WORK else home
                v = variant_of[p, competent]
                if v < 0 or (cross_only[p] and home == work):
                    for kind in range(5):
                        burden[kind, p, home, work] = np.nan
                    taken[p, home, work] = -1
                    continue
                known = np.int64(world[1][sector_of[v], competent])
                key = 4 * v + 2 * known + (home == work)  # the fixed parts are taken anew only where it changes
                changed, held = held != key, key
                for j in range(tables[0][ways[v], 0], tables[0][ways[v + 1] - 1, 1]):
                    linked = 0
                    if entry[j, 2] >= 0:
                        city = issuing_city(role[entry[j, 0]], home, work, cities)
                        linked = world[0][entry[j, 2], city, competent]
                    changed = changed or bits[j] != linked
                    bits[j] = linked
                if changed:
                    fixed_ways(v, bits, there, known, home == work, competent == work, ways, tables, amounts, fixed)
                trip = trip_of(home, work, travel, amounts[0])
                k = least(fixed, ways[v + 1] - ways[v], trip, amounts[4], best)
                taken[p, home, work] = ways[v] + k if k >= 0 else -1
                for kind in range(5):
                    burden[kind, p, home, work] = best[kind] if k >= 0 else np.nan
