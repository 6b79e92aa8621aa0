"""Which links first: the best set under a budget, with a proven bound, its sequence, and what each part saves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from megalopolis.pillar import CheckFailed, Progress, silent
from megalopolis.services.compile import Compiled
from megalopolis.services.options import Options
from megalopolis.services.program import Program, exact, program, relaxed
from megalopolis.services.search import Search, bundles_of, fill, prune
from megalopolis.units import Array

#: Variables beyond which the whole program is not given to branch and bound.
EXACT_SIZE: Final = 90_000
_TAIL: Final = 0.005
_ROUNDING: Final = 1e-6

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LinkPlan:
    """A set of parts and how good it is.

    Attributes
    ----------
    built : ndarray of bool, shape (parts,)
        What to build.
    cost, budget : float
        Currency.
    saving : float
        Hours a year.
    bound : float
        Hours a year that no set within the limits exceeds.
    stopped : bool
        Whether a clock stopped a search: the same input may then give another plan elsewhere.
    """

    built: Bools
    cost: float
    budget: float
    saving: float
    bound: float
    stopped: bool

    @property
    def gap(self) -> float:
        """Share of the bound that the plan may fall short of, at most."""
        return 0.0 if self.bound <= 0 else max(0.0, 1.0 - self.saving / self.bound)


def optimise(
    chosen: Options,
    budget: float,
    *,
    seconds: float = 60.0,
    city_cap: float | None = None,
    worst: tuple[Array, Array] | None = None,
    progress: Progress = silent,
) -> LinkPlan:
    """Choose parts that save most within a budget.

    Parameters
    ----------
    chosen : Options
        Parts, links and savings.
    budget : float
        Currency, at least 0.
    seconds : float
        Limit by the clock for the solver.
    city_cap : float, optional
        Most that one city pays.
    worst : (ndarray, ndarray), optional
        Pairs of home and work city, shape (k, 2), and the hours a year that each must at least be spared.
    progress : callable
        See `megalopolis.pillar.Progress`.

    Returns
    -------
    LinkPlan
        Optimal to rounding where ``gap`` is 0. Up to `EXACT_SIZE` variables branch and bound; beyond, the linear
        relaxation bounds and guides: its whole parts are fixed, the others branched on. The rest of the budget is
        filled by bundles; a bundle greedy from nothing is always tried too, except with ``worst``.

    Raises
    ------
    ValueError
        If the budget or the cap is negative, or nothing satisfies ``worst``.
    CheckFailed
        If a plan costs more than the budget or saves more than the bound.
    """
    if not budget >= 0 or (city_cap is not None and not city_cap >= 0):
        raise ValueError("a budget and a cap are amounts of at least 0")
    if not chosen.parts:
        return LinkPlan(np.zeros(0, dtype=bool), 0.0, budget, 0.0, 0.0, stopped=False)
    begin = time.monotonic()
    bundles = bundles_of(chosen)
    starts: list[Bools] = []
    if worst is None:
        progress("services: bundles of links", 0, 2)
        search = Search(chosen, np.zeros(len(chosen.parts), dtype=bool))
        fill(search, bundles, budget, city_cap)
        starts.append(search.built)
    progress("services: links", 1, 2)
    problem = program(chosen, budget, city_cap, worst)
    if problem.objective.size > EXACT_SIZE and worst is None:
        problem = program(chosen, budget, city_cap, worst, drop=_TAIL)
    parts, bound, stopped = _solve(problem, seconds - (time.monotonic() - begin))
    if parts.size:
        search = Search(chosen, parts > 0.5)
        if worst is None:
            prune(search)
            fill(search, bundles, budget, city_cap)
        starts.append(search.built)
    if not starts:
        raise ValueError("no set of links was found within the time: give more seconds, or fewer limits")
    best = max(starts, key=chosen.saved)
    saving = chosen.saved(best)
    cost = float(chosen.cost[best].sum())
    if saving > bound * (1.0 + _ROUNDING) + _ROUNDING or cost > budget * (1.0 + _ROUNDING) + _ROUNDING:
        raise CheckFailed(f"services: links save {saving:g} h for {cost:g}, bound {bound:g} h, budget {budget:g}")
    bound = max(saving, min(bound, float(chosen.potential().sum())))
    return LinkPlan(best, cost, budget, saving, bound, stopped)


def _solve(problem: Program, seconds: float) -> tuple[Array, float, bool]:
    """Parts, bound, and whether the clock stopped it."""
    if problem.objective.size <= EXACT_SIZE:
        found = exact(problem, max(seconds, 1.0))
        if found.parts.size or not found.stopped:
            return found.parts, found.bound, found.stopped
        loose = relaxed(problem, max(seconds, 10.0))
        return found.parts, min(found.bound, loose.bound), True
    begin = time.monotonic()
    loose = relaxed(problem, max(seconds, 1.0))
    if loose.stopped:
        return np.empty(0), loose.bound, True
    whole = np.flatnonzero((loose.parts < 1e-3) | (loose.parts > 1 - 1e-3))
    left = max(seconds - (time.monotonic() - begin), 5.0)
    near = exact(problem, left, gap=1e-3, fixed=(whole, np.round(loose.parts[whole])))
    return near.parts, loose.bound, near.stopped


def phases(
    chosen: Options, budgets: Sequence[float], *, seconds: float = 60.0, progress: Progress = silent
) -> list[LinkPlan]:
    """Plan by years: what is built stays.

    The set for the whole money is chosen first; each earlier year is the best part of the next year's set that its own
    money pays. The years are not optimised jointly; the bound of each year is that of the free choice with the money so
    far.

    Parameters
    ----------
    chosen : Options
        Parts, links and savings.
    budgets : sequence of float
        Money of each year, currency; what is not spent is kept.
    seconds : float
        Limit by the clock for all years together.
    progress : callable
        See `megalopolis.pillar.Progress`.

    Returns
    -------
    list of LinkPlan
        By year: all that is built by then, with the money so far as its budget.

    Raises
    ------
    ValueError
        If a budget is negative or there is none.
    """
    if not budgets or min(budgets) < 0:
        raise ValueError("give the money of at least one year, none of them negative")
    money = np.cumsum(budgets)
    share = seconds / len(money)
    last = optimise(chosen, float(money[-1]), seconds=share, progress=progress)
    found = [last]
    for amount in money[-2::-1].tolist():
        alone = optimise(chosen, amount, seconds=share, progress=progress)
        if not (alone.built & ~found[0].built).any():
            found.insert(0, alone)
            continue
        inside = optimise(restricted(chosen, found[0].built), amount, seconds=share, progress=progress)
        found.insert(0, replace(inside, bound=max(alone.bound, inside.saving), stopped=alone.stopped or inside.stopped))
    return found


def restricted(chosen: Options, allowed: Bools) -> Options:
    """The same problem where only some parts may be built: the others are dearer than any budget."""
    dear = float(chosen.cost.sum()) * 1e3 + 1.0
    return replace(chosen, cost=np.where(allowed, chosen.cost, dear))


def marginal(chosen: Options, built: Bools) -> Array:
    """What each part is worth beside the plan, hours a year, shape (parts,).

    Of a part that is built: what is lost without it (leave one out). Of one that is not: what it would add.
    """
    search = Search(chosen, built.copy())
    worth = np.zeros(len(chosen.parts))
    for part in range(len(chosen.parts)):
        up = not search.built[part]
        worth[part] = abs(search.switch(part, up=up))
        search.switch(part, up=not up)
    return worth


def sequence(chosen: Options, built: Bools) -> list[tuple[list[int], float]]:
    """Order in which to build a plan: bundles by saving per currency, with the saving each adds, hours a year."""
    search = Search(chosen, np.zeros(len(chosen.parts), dtype=bool))
    start, parts = bundles_of(chosen)
    inside = [i for i in range(start.size - 1) if built[parts[start[i] : start[i + 1]]].all()]
    left = np.array(inside, dtype=np.int64)
    order: list[tuple[list[int], float]] = []
    while left.size:
        gain, price = search.gains((start, parts), left)
        useful = price > 0
        if not useful.any():
            break
        left, gain, price = left[useful], gain[useful], price[useful]
        best = int(left[np.argmax(gain / price)])
        new = [int(p) for p in parts[start[best] : start[best + 1]] if not search.built[p]]
        order.append((new, float(sum(search.switch(p, up=True) for p in new))))
    return order


def document(chosen: Options, compiled: Compiled, years: Sequence[int], plans: Sequence[LinkPlan]) -> dict[str, Any]:
    """Write plans by year as a document that a hub reads: parts, links and recognitions with the year they are live.

    Parameters
    ----------
    chosen : Options
        The problem.
    compiled : Compiled
        Names of evidence types, sectors and cities.
    years : sequence of int
        Year of each plan.
    plans : sequence of LinkPlan
        Nested, see `phases`.

    Raises
    ------
    ValueError
        If there is not one plan for each year.
    """
    worth = marginal(chosen, plans[-1].built)
    year_of = np.full(len(chosen.parts), -1)
    for year, plan in sorted(zip(years, plans, strict=True), reverse=True, key=lambda pair: pair[0]):
        year_of[plan.built] = year
    links, recognitions = [], []
    n = len(compiled.cities)
    size = len(compiled.pairs) * (n + 1) * n
    for code, element in zip(chosen.codes, chosen.elements, strict=True):
        if any(year_of[p] < 0 for p in element):
            continue
        year = int(max(year_of[p] for p in element))
        if code >= size:
            sector, city = divmod(code - size, n)
            recognitions.append({"sector": compiled.sectors[sector], "city": compiled.cities[city], "live_from": year})
            continue
        rest, consumer = divmod(code, n)
        pair, issuer = divmod(rest, n + 1)
        evidence, sector = compiled.pairs[pair]
        links.append(
            {
                "evidence": compiled.evidence[evidence],
                "issuing_city": "national" if issuer == n else compiled.cities[issuer],
                "consuming_sector": compiled.sectors[sector],
                "consuming_city": compiled.cities[consumer],
                "live_from": year,
            }
        )
    return {
        "schema_version": 1,
        "phases": [
            {
                "year": int(year),
                "budget": plan.budget,
                "cost": plan.cost,
                "saving_hours": plan.saving,
                "bound_hours": plan.bound,
                "gap": plan.gap,
                "stopped_by_clock": plan.stopped,
            }
            for year, plan in zip(years, plans, strict=True)
        ],
        "baseline_hours": chosen.baseline,
        "parts": [
            {
                "id": part.id,
                "kind": part.kind,
                "what": part.what,
                "where": part.where,
                "cost": float(chosen.cost[i]),
                "year": int(year_of[i]),
                "lost_without_hours": float(worth[i]),
            }
            for i, part in enumerate(chosen.parts)
            if year_of[i] >= 0
        ],
        "links": links,
        "recognitions": recognitions,
    }
