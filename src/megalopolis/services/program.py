"""The choice of links as a mixed-integer program, solved by HiGHS (Huangfu and Hall 2018).

The saving of a group of cases is a set function of its links. What is additive in it becomes a coefficient of the
link; the rest is written by its modes: at most one set of links is used in a group, and only as far as each of its
links exists. This is the concave closure of the set function, the tightest relaxation that a group allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, linprog, milp
from scipy.sparse import csc_array, csr_array

from megalopolis.services.compile import Ints
from megalopolis.services.options import Options
from megalopolis.units import Array

_TOLERANCE = 1e-9


def split(saving: Array) -> tuple[Array, Array, list[int]]:
    """Split a set function into an additive part and a core.

    Parameters
    ----------
    saving : ndarray, shape (2**m,)
        By the bits of the set.

    Returns
    -------
    additive : ndarray, shape (m,)
        What each element adds whatever the others are; 0 for elements of the core.
    core : ndarray, shape (2**c,)
        The rest, on the elements of the core.
    members : list of int
        Elements of the core.
    """
    m = int(saving.size).bit_length() - 1
    cube = saving.reshape((2,) * m)  # axis 0 is the highest bit
    scale = _TOLERANCE * max(1.0, float(np.abs(saving).max(initial=0.0)))
    additive, members = np.zeros(m), []
    for bit in range(m):
        step = np.take(cube, 1, axis=m - 1 - bit) - np.take(cube, 0, axis=m - 1 - bit)
        if float(np.ptp(step)) <= scale:
            additive[bit] = float(step.flat[0])
        else:
            members.append(bit)
    masks = np.arange(1 << len(members))
    index = np.zeros_like(masks)
    for position, bit in enumerate(members):
        index |= ((masks >> position) & 1) << bit
    return additive, saving[index], members


def modes(core: Array) -> list[int]:
    """Sets that save more than each of their subsets with one element less; the empty set is left out."""
    found = []
    scale = _TOLERANCE * max(1.0, float(core.max(initial=0.0)))
    for mask in range(1, core.size):
        less = [core[mask & ~(1 << b)] for b in range(mask.bit_length()) if mask >> b & 1]
        if core[mask] > max(less) + scale:
            found.append(mask)
    return found


@dataclass(frozen=True)
class Program:
    """Minimise ``objective @ x`` with ``matrix @ x <= limit``, ``0 <= x <= 1``.

    The first variables are the parts. ``dropped`` is the saving that the groups left out could bring at most, hours a
    year: it is added to every bound.
    """

    objective: Array
    matrix: csr_array
    limit: Array
    parts: int
    dropped: float


def program(
    chosen: Options,
    budget: float,
    city_cap: float | None = None,
    worst: tuple[Array, Array] | None = None,
    drop: float = 0.0,
) -> Program:
    """Write the choice of links under a budget.

    Parameters
    ----------
    chosen : Options
        Parts, links and savings.
    budget : float
        Currency.
    city_cap : float, optional
        Most that one city pays, currency.
    worst : (ndarray, ndarray), optional
        Home and work city of pairs, shape (k, 2), and the least saving of each, hours a year.
    drop : float
        Share of the whole potential that may be left out with the smallest groups.

    Returns
    -------
    Program
        Parts first, then links, then modes.
    """
    keep, dropped = _kept(chosen, 0.0 if worst is not None else drop)
    parts = len(chosen.parts)
    used = sorted({e for g in keep for e in chosen.groups[g]})
    joined = [e for e in used if len(chosen.elements[e]) > 1]
    column = {e: chosen.elements[e][0] for e in used}  # what is one part alone is that part's own variable
    column |= {e: parts + i for i, e in enumerate(joined)}
    rows = _Rows()
    for e in joined:
        for part in chosen.elements[e]:
            rows.row([(column[e], 1.0), (part, -1.0)], 0.0)
    weights = _Weights(np.zeros(parts + len(joined)), {g: [] for g in keep}, [])
    for g in keep:
        _write_group(chosen.saving[g], [column[e] for e in chosen.groups[g]], weights, weights.terms[g], rows)
    _write_money(chosen, budget, city_cap, rows)
    if worst is not None:
        for (home, work), least in zip(worst[0].tolist(), worst[1].tolist(), strict=True):
            own = [g for g in keep if tuple(chosen.pair[g]) == (home, work)]
            rows.row([(c, -a) for g in own for c, a in weights.terms[g]], -float(least))
    objective = -np.concatenate([weights.first, weights.modes])
    return Program(objective, rows.matrix(objective.size), np.array(rows.limits), parts, dropped)


@dataclass
class _Weights:
    """Savings of the first variables and of the modes; and for each group, its variables with theirs."""

    first: Array
    terms: dict[int, list[tuple[int, float]]]
    modes: list[float]


def _write_group(saving: Array, group: list[int], weights: _Weights, own: list[tuple[int, float]], rows: _Rows) -> None:
    """Write one group: additive links as coefficients, the core by its modes."""
    additive, core, members = split(saving)
    np.add.at(weights.first, group, additive)
    own += [(c, a) for c, a in zip(group, additive.tolist(), strict=True) if a]
    start = weights.first.size + len(weights.modes)
    found = modes(core)
    weights.modes += [float(core[m]) for m in found]
    own += [(start + i, float(core[m])) for i, m in enumerate(found)]
    if len(found) > 1:
        rows.row([(start + i, 1.0) for i in range(len(found))], 1.0)
    for position, bit in enumerate(members):
        inside = [(start + i, 1.0) for i, m in enumerate(found) if m >> position & 1]
        if inside:
            rows.row([*inside, (group[bit], -1.0)], 0.0)


def _write_money(chosen: Options, budget: float, city_cap: float | None, rows: _Rows) -> None:
    """Write the budget and the caps of the cities, scaled to 1."""
    limits = [(np.arange(len(chosen.parts)), budget)]
    if city_cap is not None:
        limits += [(np.flatnonzero(chosen.city == c), city_cap) for c in range(chosen.city.max(initial=-1) + 1)]
    for mine, amount in limits:
        scale = max(amount, 1.0)
        rows.row([(int(i), float(chosen.cost[i]) / scale) for i in mine], amount / scale)


def _kept(chosen: Options, drop: float) -> tuple[list[int], float]:
    """Groups kept, in order, and the potential of the others."""
    potential = chosen.potential()
    order = np.argsort(-potential, kind="stable")
    total = potential.sum()
    rest = total - np.cumsum(potential[order])
    number = int(np.searchsorted(-rest, -drop * total)) + 1 if potential.size else 0
    return sorted(order[:number].tolist()), float(potential[order[number:]].sum())


class _Rows:
    """Rows of a sparse matrix, one after the other."""

    def __init__(self) -> None:
        self.limits: list[float] = []
        self._row: list[int] = []
        self._column: list[int] = []
        self._value: list[float] = []

    def row(self, terms: Sequence[tuple[int, float]], limit: float) -> None:
        """Add ``sum of value * x[column] <= limit``."""
        for column, value in terms:
            self._row.append(len(self.limits))
            self._column.append(column)
            self._value.append(value)
        self.limits.append(limit)

    def matrix(self, columns: int) -> csr_array:
        """All rows; a column named twice in a row is added."""
        shape = (len(self.limits), columns)
        return csc_array((self._value, (self._row, self._column)), shape=shape).tocsr()


@dataclass(frozen=True)
class Solved:
    """A relaxation or a program solved.

    Attributes
    ----------
    parts : ndarray, shape (parts,)
        Values of the parts; fractional in a relaxation. Empty where no solution was found.
    bound : float
        Saving that nothing within the limits exceeds, hours a year.
    stopped : bool
        Whether the clock stopped it.
    """

    parts: Array
    bound: float
    stopped: bool


def relaxed(problem: Program, seconds: float) -> Solved:
    """Solve the linear relaxation by an interior point; the bound is rounded up by its tolerance."""
    found = linprog(
        problem.objective,
        A_ub=problem.matrix,
        b_ub=problem.limit,
        bounds=(0.0, 1.0),
        method="highs-ipm",
        options={"time_limit": seconds},
    )
    if found.status != 0:
        return Solved(np.empty(0), _trivial(problem), stopped=True)
    bound = -float(found.fun) * (1.0 + 1e-7) + problem.dropped
    return Solved(np.asarray(found.x[: problem.parts]), bound, stopped=False)


def exact(
    problem: Program, seconds: float, gap: float = 0.0, fixed: tuple[Ints, npt.NDArray[np.float64]] | None = None
) -> Solved:
    """Solve the program by branch and bound.

    Parameters
    ----------
    problem : Program
        The program.
    seconds : float
        Limit by the clock.
    gap : float
        Relative gap at which to stop.
    fixed : (ndarray, ndarray), optional
        Parts that are fixed, and their values: a neighbourhood, whose bound is no bound of the whole.

    Raises
    ------
    ValueError
        If nothing satisfies the limits.
    """
    size = problem.objective.size
    integer = np.zeros(size)
    integer[: problem.parts] = 1
    low, high = np.zeros(size), np.ones(size)
    if fixed is not None:
        low[fixed[0]] = high[fixed[0]] = fixed[1]
    found: OptimizeResult = milp(
        problem.objective,
        constraints=LinearConstraint(problem.matrix, -np.inf, problem.limit),
        integrality=integer,
        bounds=Bounds(low, high),
        options={"time_limit": seconds, "mip_rel_gap": gap},
    )
    if found.status == 2:
        raise ValueError("no set of links within the budget and the caps keeps every pair within its limit")
    dual = getattr(found, "mip_dual_bound", None)
    bound = _trivial(problem) if dual is None or not np.isfinite(dual) else -float(dual) + problem.dropped
    parts = np.empty(0) if found.x is None else np.round(found.x[: problem.parts])
    return Solved(parts, bound, stopped=found.status == 1)


def _trivial(problem: Program) -> float:
    return float(-problem.objective[problem.objective < 0].sum()) + problem.dropped
