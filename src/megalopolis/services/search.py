"""Bundle greedy: start for large problems, and what fills the rest of a budget.

Single links rarely save anything, because a link needs several parts and a trip several links. A bundle is the set of
parts that one mode of one group lacks; the bundle with the highest saving per currency is built, again and again.
"""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from megalopolis.services.compile import Ints
from megalopolis.services.options import Options
from megalopolis.services.program import modes
from megalopolis.units import Array

_REFRESH = 40
_BEST = 200
_CENT = 1e-6


@njit(cache=True, nogil=True)
def _switch(
    part: int,
    up: int,
    of_part: tuple[Ints, Ints],
    of_element: tuple[Ints, Ints, Ints],
    tables: tuple[Ints, npt.NDArray[Any]],
    state: tuple[Ints, Ints],
) -> float:
    """Build (1) or tear down (0) a part and return the change of the saving."""
    missing, masks = state
    gain = 0.0
    for i in range(of_part[0][part], of_part[0][part + 1]):
        element = of_part[1][i]
        if up:
            missing[element] -= 1
            changes = missing[element] == 0
        else:
            changes = missing[element] == 0
            missing[element] += 1
        if changes:
            for j in range(of_element[0][element], of_element[0][element + 1]):
                group, bit = of_element[1][j], np.int64(1) << of_element[2][j]
                start = tables[0][group]
                before = tables[1][start + masks[group]]
                masks[group] ^= bit
                gain += tables[1][start + masks[group]] - before
    return gain


@njit(cache=True, nogil=True)
def _gains(
    bundles: tuple[Ints, Ints],
    which: Ints,
    built: npt.NDArray[Any],
    cost: npt.NDArray[Any],
    of_part: tuple[Ints, Ints],
    of_element: tuple[Ints, Ints, Ints],
    tables: tuple[Ints, npt.NDArray[Any]],
    state: tuple[Ints, Ints],
    most: float,
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Cost of what each bundle lacks, and its saving where it costs at most as much as given."""
    gain, price = np.zeros(which.size), np.zeros(which.size)
    for n in range(which.size):
        for i in range(bundles[0][which[n]], bundles[0][which[n] + 1]):
            if not built[bundles[1][i]]:
                price[n] += cost[bundles[1][i]]
        if price[n] <= 0.0 or price[n] > most:
            continue
        for i in range(bundles[0][which[n]], bundles[0][which[n] + 1]):
            part = bundles[1][i]
            if not built[part]:
                gain[n] += _switch(part, np.int64(1), of_part, of_element, tables, state)
        for i in range(bundles[0][which[n]], bundles[0][which[n] + 1]):
            part = bundles[1][i]
            if not built[part]:
                _switch(part, np.int64(0), of_part, of_element, tables, state)
    return gain, price


@dataclass
class Search:
    """Parts that are built, with the saving kept up to date.

    Attributes
    ----------
    options : Options
        The problem.
    built : ndarray of bool, shape (parts,)
        What is built.
    saving : float
        Hours a year.
    """

    options: Options
    built: npt.NDArray[np.bool_]
    saving: float = 0.0

    def __post_init__(self) -> None:
        chosen = self.options
        wanted, self.built = self.built, np.zeros(len(chosen.parts), dtype=bool)
        self._of_part = _inverse(chosen.elements, len(chosen.parts))[:2]
        self._of_element = _inverse(chosen.groups, len(chosen.elements))
        sizes = [f.size for f in chosen.saving]
        self._tables = (np.cumsum([0, *sizes]), np.concatenate([*chosen.saving, np.empty(0)]))
        self._state = (
            np.array([len(e) for e in chosen.elements], dtype=np.int64),
            np.zeros(len(chosen.groups), dtype=np.int64),
        )
        for part in np.flatnonzero(wanted).tolist():
            self.switch(part, up=True)

    @property
    def cost(self) -> float:
        """Currency spent."""
        return float(self.options.cost[self.built].sum())

    def switch(self, part: int, *, up: bool) -> float:
        """Build or tear down a part; return the change of the saving."""
        gain = float(_switch(part, int(up), self._of_part, self._of_element, self._tables, self._state))
        self.built[part] = up
        self.saving += gain
        return gain

    def gains(self, bundles: tuple[Ints, Ints], which: Ints, most: float = np.inf) -> tuple[Array, Array]:
        """Saving and cost of what some bundles lack; no saving of those that cost more than ``most``."""
        cost, of_part, of_element = self.options.cost, self._of_part, self._of_element
        found = _gains(bundles, which, self.built, cost, of_part, of_element, self._tables, self._state, most)
        return found[0], found[1]


def _inverse(lists: tuple[tuple[int, ...], ...], size: int) -> tuple[Ints, Ints, Ints]:
    """For each member: start, owners, and its position in each owner."""
    owner = np.repeat(np.arange(len(lists)), [len(x) for x in lists])
    member = np.array([m for x in lists for m in x], dtype=np.int64)
    position = np.array([i for x in lists for i in range(len(x))], dtype=np.int64)
    order = np.argsort(member, kind="stable")
    start = np.searchsorted(member[order], np.arange(size + 1))
    return start.astype(np.int64), owner[order].astype(np.int64), position[order]


def bundles_of(chosen: Options) -> tuple[Ints, Ints]:
    """Distinct sets of parts that one mode of one group needs: start of each, and the parts."""
    found: dict[tuple[int, ...], None] = {}
    for group, saving in zip(chosen.groups, chosen.saving, strict=True):
        for mask in modes(saving):
            parts = {p for b, e in enumerate(group) if mask >> b & 1 for p in chosen.elements[e]}
            found[tuple(sorted(parts))] = None
    start = np.cumsum([0, *(len(f) for f in found)]).astype(np.int64)
    return start, np.array([p for f in found for p in f], dtype=np.int64)


def fill(search: Search, bundles: tuple[Ints, Ints], budget: float, city_cap: float | None = None) -> None:
    """Build the best bundle per currency until no more fits.

    Gains are taken anew for the best candidates at every step, and for all of them every so often: links help each
    other, so that a gain may also grow.
    """
    density = np.full(bundles[0].size - 1, np.inf)
    closed = np.zeros(density.size, dtype=bool)
    step, whole = 0, True
    while density.size:
        which = np.arange(density.size) if whole else np.argsort(-density, kind="stable")[:_BEST]
        left = budget - search.cost + _CENT
        gain, price = search.gains(bundles, which, left)
        fits = (price > 0) & (price <= left) & (gain > 0) & ~closed[which]
        density[which] = np.where(fits, gain / np.where(price > 0, price, 1.0), 0.0)
        best = int(which[np.argmax(density[which])])  # only what was just taken anew may be built
        if density[best] <= 0:
            if whole:
                return
            whole = True
            continue
        parts = bundles[1][bundles[0][best] : bundles[0][best + 1]]
        if not _within_cap(search, parts, city_cap):
            closed[best], whole = True, False
            continue
        for part in parts.tolist():
            if not search.built[part]:
                search.switch(part, up=True)
        step += 1
        whole = step % _REFRESH == 0


def _within_cap(search: Search, parts: Ints, city_cap: float | None) -> bool:
    if city_cap is None:
        return True
    chosen = search.options
    after = search.built.copy()
    after[parts] = True
    paid = np.bincount(chosen.city[after] + 1, chosen.cost[after])[1:]
    return bool((paid <= city_cap + _CENT).all())


def prune(search: Search) -> None:
    """Tear down parts that save nothing, the dearest first."""
    for part in np.argsort(-search.options.cost, kind="stable").tolist():
        if search.built[part] and search.switch(part, up=False) < -1e-9:
            search.switch(part, up=True)
