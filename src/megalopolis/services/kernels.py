"""Burden of cases on arrays: the best way of each, given what is linked.

A case is a procedure of a resident who lives and works in one city and whose home (register) is another. Each way to
satisfy it is weighed; the least burdensome is taken: least hours, or hours and money at a stated value of time; then
least money, then fewest papers.
"""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from megalopolis.services.compile import COMPETENT, HOME, NATIONAL, NOBODY, RESIDENCE, WORK, Ints

_TIE = 1e-9


@njit(cache=True, nogil=True)
def way_burden(  # noqa: C901, PLR0912 - one loop over the papers, kept together for speed
    k: int,
    bits: Ints,
    avail: int,
    spot: tuple[int, int, int],
    tables: tuple[npt.NDArray[Any], ...],
    travel: tuple[npt.NDArray[Any], ...],
    amounts: npt.NDArray[Any],
    out: npt.NDArray[Any],
) -> None:
    """Burden of one way.

    Parameters
    ----------
    k : int
        Way.
    bits : ndarray of int, shape (entries,)
        Bit that links each entry; 0 for none.
    avail : int
        Bits that are available.
    spot : (int, int, int)
        Home, work, competent city.
    tables : tuple of ndarray
        ``way, way_amount, entry, role, in_person, amount`` of `Compiled`.
    travel : tuple of ndarray
        Minutes and fares of one way, both of shape (cities, cities), by residence and destination.
    amounts : ndarray, shape (5,)
        Queue and counter minutes together, cost of a paper, factors on form and document minutes, hours per unit of
        money in the choice.
    out : ndarray, shape (6,)
        Receives hours, money, papers, visits, working days, weight in the choice.
    """
    way, way_amount, entry, role, in_person, amount = tables
    home, work, competent = spot
    first, last = way[k, 0], way[k, 1]
    minutes, money, papers = amounts[2] * way_amount[k, 0], way_amount[k, 1], 0.0
    visits_home = visits_work = 0
    if way[k, 2] == COMPETENT:
        if competent == work:
            visits_work = way[k, 3]
        else:
            visits_home = way[k, 3]
    elif way[k, 2] == RESIDENCE:
        visits_work = way[k, 3]
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
            if role[e] == HOME and home != work:
                visits_home = max(visits_home, 1)
            else:
                visits_work = max(visits_work, 1)
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
    if visits_home > 0:
        minutes += visits_home * (2.0 * travel[0][work, home] + amounts[0])
        money += visits_home * 2.0 * travel[1][work, home]
    if visits_work > 0:
        minutes += visits_work * (2.0 * travel[0][work, work] + amounts[0])
        money += visits_work * 2.0 * travel[1][work, work]
    out[0], out[1], out[2] = minutes / 60.0, money, papers
    out[3], out[4] = visits_home + visits_work, ready + way_amount[k, 2]
    out[5] = out[0] + amounts[4] * money


@njit(cache=True, nogil=True)
def best_way(
    v: int,
    bits: Ints,
    avail: int,
    recognised: int,
    spot: tuple[int, int, int],
    ways: Ints,
    tables: tuple[npt.NDArray[Any], ...],
    travel: tuple[npt.NDArray[Any], ...],
    amounts: npt.NDArray[Any],
    best: npt.NDArray[Any],
) -> int:
    """Write the burden of the best way of a variant into ``best`` and return the way, -1 where none is passable."""
    trial = np.empty(6)
    chosen = -1
    best[5] = np.inf
    for k in range(ways[v], ways[v + 1]):
        if tables[0][k, 4] == 1 and (recognised & avail) == 0:
            continue
        way_burden(k, bits, avail, spot, tables, travel, amounts, trial)
        if not np.isfinite(trial[5]):
            continue
        tie = _TIE * max(1.0, abs(best[5])) if chosen >= 0 else 0.0
        better = chosen < 0 or trial[5] < best[5] - tie
        if not better and trial[5] <= best[5] + tie:
            better = trial[1] < best[1] - _TIE or (trial[1] <= best[1] + _TIE and trial[2] < best[2])
        if better:
            best[:] = trial
            chosen = k
    return chosen


@njit(cache=True, nogil=True)
def issuing_city(role: int, home: int, work: int, cities: int) -> int:
    """City that issues an evidence; the number of cities stands for the national issuer."""
    if role == NATIONAL:
        return cities
    return home if role == HOME else work


@njit(cache=True, nogil=True)
def all_burdens(
    variant_of: Ints,
    competence: Ints,
    cross_only: npt.NDArray[Any],
    ways: Ints,
    tables: tuple[npt.NDArray[Any], ...],
    sector_of: Ints,
    world: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    travel: tuple[npt.NDArray[Any], ...],
    amounts: npt.NDArray[Any],
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Burden of every procedure for every home and work city.

    Parameters
    ----------
    variant_of, competence, cross_only, ways, sector_of
        Of `Compiled`.
    tables, travel, amounts
        See `way_burden`.
    world : (ndarray, ndarray)
        Links that are live, shape (pairs, cities + 1, cities) by issuing and consuming city, and recognitions, shape
        (sectors, cities).

    Returns
    -------
    burden : ndarray, shape (5, procedures, cities, cities)
        Hours, money, papers, visits, working days by home and work city; NaN where there is no such case.
    way : ndarray of int, shape (procedures, cities, cities)
        The way taken, -1 where there is none.
    """
    procedures, cities = variant_of.shape
    live, recognised = world
    burden = np.full((5, procedures, cities, cities), np.nan)
    taken = np.full((procedures, cities, cities), -1, dtype=np.int64)
    entry, role = tables[2], tables[3]
    bits = np.zeros(entry.shape[0], dtype=np.int64)
    best = np.empty(6)
    for p in range(procedures):
        for home in range(cities):
            for work in range(cities):
                competent = work if competence[p] == WORK else home
                v = variant_of[p, competent]
                if v < 0 or (cross_only[p] and home == work):
                    continue
                for j in range(tables[0][ways[v], 0], tables[0][ways[v + 1] - 1, 1]):
                    bits[j] = 0
                    if entry[j, 2] >= 0:
                        city = issuing_city(role[entry[j, 0]], home, work, cities)
                        bits[j] = live[entry[j, 2], city, competent]
                known = np.int64(recognised[sector_of[v], competent])
                k = best_way(v, bits, 1, known, (home, work, competent), ways, tables, travel, amounts, best)
                taken[p, home, work] = k
                if k >= 0:
                    burden[:, p, home, work] = best[:5]
    return burden, taken
