"""Which links first: the best set under a budget, with a proven bound, by years, its sequence, what each part saves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from megalopolis.pillar import CheckFailed, Progress, silent
from megalopolis.services.compile import Ints
from megalopolis.services.options import Options
from megalopolis.services.program import Program, Solved, exact, program, relaxed
from megalopolis.services.search import Search, bundles_of, fill, prune
from megalopolis.units import Array

#: Variables beyond which branch and bound is left out where the relaxation has come near enough.
EXACT_SIZE: Final = 100_000
NEAR: Final = 0.005
#: Nodes of branch and bound, so that the same input gives the same plan anywhere.
NODES: Final = 500
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
    seconds: float = 600.0,
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
        Limit by the clock for each of the two solvers; a plan that it cut short says so.
    city_cap : float, optional
        Most that one city pays.
    worst : (ndarray, ndarray), optional
        Pairs of home and work city, shape (k, 2), and the hours a year that each must at least be spared.

    Returns
    -------
    LinkPlan
        Optimal to rounding where ``gap`` is 0. The linear relaxation bounds and guides: what it builds whole is built,
        and the rest of the money filled by bundles. Parts that would cost more of the bound than the plan falls short
        of it are fixed (Dantzig, Fulkerson and Johnson 1954), and the others branched on, up to `NODES` nodes; beyond
        `EXACT_SIZE` variables only where the plan falls short by more than `NEAR`.

    Raises
    ------
    ValueError
        If the budget or the cap is negative, or nothing satisfies ``worst``.
    CheckFailed
        If a plan costs more than the budget or saves more than the bound.
    """
    _refuse_negative(budget, city_cap)
    if not chosen.parts:
        return LinkPlan(np.zeros(0, dtype=bool), 0.0, budget, 0.0, 0.0, stopped=False)
    progress("services: bound of links", 0, 2)
    problem = program(chosen, budget, city_cap, worst)
    loose = relaxed(problem, seconds)
    progress("services: links", 1, 2)
    bundles = bundles_of(chosen)
    plans: list[Bools] = []
    if worst is None:  # what is rounded might leave a pair beyond its limit
        plans.append(_filled(chosen, loose.parts > 1.0 - _ROUNDING, bundles, budget, city_cap))
    saving = max((chosen.saved(p) for p in plans), default=0.0)
    bound, stopped = loose.bound, loose.stopped
    near = _branched(problem, loose, saving if plans else None, seconds)
    if near is not None:
        if near.parts.size:
            plans.append(near.parts > 0.5 if worst else _filled(chosen, near.parts > 0.5, bundles, budget, city_cap))
        bound, stopped = min(bound, max(near.bound, saving)), stopped or near.stopped
    if not plans:
        raise ValueError("no set of links was found within the time: give more seconds, or fewer limits")
    return _best(chosen, plans, budget, bound, stopped=stopped)


def _branched(problem: Program, loose: Solved, saving: float | None, seconds: float) -> Solved | None:
    """Branch on the parts that the relaxation does not settle, or on all where there is no plan yet.

    None where the plan so far, which saves ``saving``, is near enough to the bound.
    """
    missing = loose.bound - (saving or 0.0)
    if missing <= _ROUNDING * loose.bound:
        return None
    if saving is None:
        return exact(problem, seconds, None, NODES)
    if problem.objective.size > EXACT_SIZE and missing <= NEAR * loose.bound:
        return None
    sure = np.flatnonzero(loose.worth > missing * (1.0 + _ROUNDING))
    return exact(problem, seconds, (sure, np.round(loose.parts[sure])) if sure.size else None, NODES)


def _refuse_negative(budget: float, city_cap: float | None) -> None:
    if not budget >= 0 or (city_cap is not None and not city_cap >= 0):
        raise ValueError("a budget and a cap are amounts of at least 0")


def _filled(chosen: Options, parts: Bools, bundles: tuple[Ints, Ints], budget: float, city_cap: float | None) -> Bools:
    """Some parts without those that save nothing, and what the rest of the money builds."""
    search = Search(chosen, parts if parts.size else np.zeros(len(chosen.parts), dtype=bool))
    prune(search)
    fill(search, bundles, budget, city_cap)
    return search.built


def _best(chosen: Options, plans: Sequence[Bools], budget: float, bound: float, *, stopped: bool) -> LinkPlan:
    """The plan that saves most, checked against budget and bound."""
    best = max(plans, key=chosen.saved)
    saving, cost = chosen.saved(best), float(chosen.cost[best].sum())
    if saving > bound * (1.0 + _ROUNDING) + _ROUNDING or cost > budget * (1.0 + _ROUNDING) + _ROUNDING:
        raise CheckFailed(f"services: links save {saving:g} h for {cost:g}, bound {bound:g} h, budget {budget:g}")
    return LinkPlan(best, cost, budget, saving, max(saving, min(bound, float(chosen.potential().sum()))), stopped)


def phases(
    chosen: Options,
    budgets: Sequence[float],
    *,
    seconds: float = 600.0,
    city_cap: float | None = None,
    progress: Progress = silent,
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
    seconds, city_cap, progress
        See `optimise`; the cap holds for all years together.

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
    found = [optimise(chosen, float(money[-1]), seconds=seconds, city_cap=city_cap, progress=progress)]
    for amount in money[-2::-1].tolist():
        free = relaxed(program(chosen, amount, city_cap), seconds)
        inside = optimise(restricted(chosen, found[0].built), amount, seconds=seconds, city_cap=city_cap)
        bound = max(inside.saving, min(free.bound, found[0].bound))
        found.insert(0, replace(inside, bound=bound, stopped=free.stopped or inside.stopped))
    return found


def restricted(chosen: Options, allowed: Bools) -> Options:
    """The same problem where only some parts may be built: links that need others are left out of the groups."""
    able = np.array([all(allowed[p] for p in e) for e in chosen.elements], dtype=bool)
    groups, saving, kept = [], [], []
    for i, (group, table) in enumerate(zip(chosen.groups, chosen.saving, strict=True)):
        bits = [b for b, e in enumerate(group) if able[e]]
        masks = np.arange(1 << len(bits))
        index = np.zeros_like(masks)
        for position, bit in enumerate(bits):
            index |= ((masks >> position) & 1) << bit
        if bits:
            groups.append(tuple(group[b] for b in bits))
            saving.append(table[index])
            kept.append(i)
    return replace(chosen, groups=tuple(groups), saving=tuple(saving), pair=chosen.pair[kept])


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
