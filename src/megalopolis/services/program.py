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
#: Relative tolerance of the relaxation.
_SLACK = 1e-7
_NOTHING = "no set of links within the budget and the caps keeps every pair within its limit"


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
    """Minimise ``objective @ x`` with ``matrix @ x <= limit``, ``0 <= x <= 1``; the first variables are the parts."""

    objective: Array
    matrix: csr_array
    limit: Array
    parts: int


def program(
    chosen: Options,
    budget: float,
    city_cap: float | None = None,
    worst: tuple[Array, Array] | None = None,
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

    Returns
    -------
    Program
        Parts first, then links, then modes.
    """
    parts, count = len(chosen.parts), len(chosen.groups)
    used = sorted({e for group in chosen.groups for e in group})
    joined = [e for e in used if len(chosen.elements[e]) > 1]
    column = {e: chosen.elements[e][0] for e in used}  # what is one part alone is that part's own variable
    column |= {e: parts + i for i, e in enumerate(joined)}
    rows = _Rows()
    for e in joined:
        for part in chosen.elements[e]:
            rows.row([(column[e], 1.0), (part, -1.0)], 0.0)
    weights = _Weights(np.zeros(parts + len(joined)), [[] for _ in range(count)], [])
    for g in range(count):
        _write_group(chosen.saving[g], [column[e] for e in chosen.groups[g]], weights, weights.terms[g], rows)
    _write_money(chosen, budget, city_cap, rows)
    if worst is not None:
        for (home, work), least in zip(worst[0].tolist(), worst[1].tolist(), strict=True):
            own = np.flatnonzero((chosen.pair == (home, work)).all(axis=1)).tolist()
            rows.row([(c, -a) for g in own for c, a in weights.terms[g]], -float(least))
    objective = -np.concatenate([weights.first, weights.modes])
    return Program(objective, rows.matrix(objective.size), np.array(rows.limits), parts)


@dataclass
class _Weights:
    """Savings of the first variables and of the modes; and for each group, its variables with theirs."""

    first: Array
    terms: list[list[tuple[int, float]]]
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
    worth : ndarray, shape (parts,)
        Of a relaxation: how much the bound falls, hours a year, if a part that it leaves out is built, or one that it
        builds is left out; 0 where that is not known.
    """

    parts: Array
    bound: float
    stopped: bool
    worth: Array


def relaxed(problem: Program, seconds: float) -> Solved:
    """Solve the linear relaxation by the dual simplex method; the bound is rounded up by its tolerance.

    Raises
    ------
    ValueError
        If nothing satisfies the limits.
    """
    found = linprog(
        problem.objective,
        A_ub=problem.matrix,
        b_ub=problem.limit,
        bounds=(0.0, 1.0),
        method="highs-ds",
        options={"time_limit": seconds},
    )
    if found.status == 2:
        raise ValueError(_NOTHING)
    if found.status != 0:
        return Solved(np.empty(0), _trivial(problem), stopped=True, worth=np.zeros(problem.parts))
    worth = np.maximum(found.lower.marginals, -found.upper.marginals)[: problem.parts]
    bound = -float(found.fun) * (1.0 + _SLACK)
    return Solved(np.asarray(found.x[: problem.parts]), bound, stopped=False, worth=np.maximum(worth, 0.0))


def exact(
    problem: Program,
    seconds: float,
    fixed: tuple[Ints, npt.NDArray[np.float64]] | None = None,
    nodes: int | None = None,
) -> Solved:
    """Solve the program by branch and bound.

    Parameters
    ----------
    problem : Program
        The program.
    seconds : float
        Limit by the clock.
    fixed : (ndarray, ndarray), optional
        Parts that are fixed, and their values; the bound is one of the program so restricted.
    nodes : int, optional
        Limit by the nodes of the search.

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
    options = {"time_limit": seconds, "mip_rel_gap": 0.0} | ({} if nodes is None else {"node_limit": nodes})
    found: OptimizeResult = milp(
        problem.objective,
        constraints=LinearConstraint(problem.matrix, -np.inf, problem.limit),
        integrality=integer,
        bounds=Bounds(low, high),
        options=options,
    )
    if found.status == 2:
        raise ValueError(_NOTHING)
    dual = getattr(found, "mip_dual_bound", None)
    bound = _trivial(problem) if dual is None or not np.isfinite(dual) else -float(dual)
    parts = np.empty(0) if found.x is None else np.round(found.x[: problem.parts])
    by_clock = found.status == 1 and "ime limit" in str(found.message)
    return Solved(parts, bound, stopped=by_clock, worth=np.zeros(problem.parts))


def _trivial(problem: Program) -> float:
    return float(-problem.objective[problem.objective < 0].sum())
