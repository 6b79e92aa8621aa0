"""What could be linked: the parts to build, and what every set of them saves.

A link is digital only if all its parts exist: a connector at the issuer (evidence type, city), one at the consumer
(city, sector), and an agreement where two provinces are joined. The saving of a pair of cities is a set function of
the links (and recognitions) that its cases could use; it is tabulated whole, so that alternatives (OR), shared trips
and chains of evidence are exact.
"""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from megalopolis.services.burden import Travel, World, kernel_amounts, kernel_tables
from megalopolis.services.compile import WORK, Compiled, Ints
from megalopolis.services.kernels import fixed_ways, issuing_city, least, trip_of
from megalopolis.services.models import Catalogue
from megalopolis.units import Array

_MAX_ELEMENTS: Final = 14
_GROUP: Final = 10


@dataclass(frozen=True, order=True)
class Part:
    """One thing that can be built.

    Attributes
    ----------
    kind : str
        ``issuer``, ``consumer``, ``agreement`` or ``recognition``.
    what : str
        Evidence type, sector, or province.
    where : str
        City, ``national``, or the other province.
    """

    kind: str
    what: str
    where: str

    @property
    def id(self) -> str:
        """Name of the part in a plan."""
        return f"{self.kind}:{self.what}:{self.where}"


@dataclass(frozen=True)
class Options:
    """Parts, the links they make, and what sets of links save.

    Attributes
    ----------
    parts : tuple of Part
        What can be built.
    cost : ndarray, shape (parts,)
        Currency: building, and running for the years that a budget covers.
    city : ndarray of int, shape (parts,)
        City that pays, -1 for none.
    elements : tuple of tuple of int
        Parts of each link or recognition.
    codes : tuple of int
        Place of each link in `World.live`, flat, and behind those of each recognition in `World.recognised`.
    groups : tuple of tuple of int
        Links and recognitions of each group of cases.
    pair : ndarray of int, shape (groups, 2)
        Home and work city of each group.
    saving : tuple of ndarray
        For each group, the saving of every set of its links, by the bits of the set; hours a year.
    baseline : float
        Burden with nothing built, hours a year.
    """

    parts: tuple[Part, ...]
    cost: Array
    city: Ints
    elements: tuple[tuple[int, ...], ...]
    codes: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]
    pair: Ints
    saving: tuple[Array, ...]
    baseline: float

    def potential(self) -> Array:
        """Saving of each group with everything built."""
        return np.array([f[-1] for f in self.saving])

    def saved(self, built: npt.NDArray[np.bool_]) -> float:
        """Hours a year saved by a set of parts."""
        works = np.array([all(built[i] for i in e) for e in self.elements], dtype=bool)
        return float(sum(f[_mask(works, g)] for f, g in zip(self.saving, self.groups, strict=True)))

    def world(self, base: World, built: npt.NDArray[np.bool_]) -> World:
        """What is linked once a set of parts is built."""
        live, recognised = base.live.copy(), base.recognised.copy()
        for code, element in zip(self.codes, self.elements, strict=True):
            if all(built[i] for i in element):
                if code < live.size:
                    live.flat[code] = 1
                else:
                    recognised.flat[code - live.size] = 1
        return World(live, recognised)


def _mask(works: npt.NDArray[np.bool_], group: tuple[int, ...]) -> int:
    return sum(1 << b for b, e in enumerate(group) if works[e])


#: Bit of what is there already; no element has it.
_LIVE: Final = 61


@njit(cache=True, nogil=True)
def _elements_of(
    spot: tuple[int, int, int, int, int],
    ways: Ints,
    tables: tuple[npt.NDArray[Any], ...],
    world: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    elements: Ints,
    bits: Ints,
) -> tuple[int, int]:
    """Links and the recognition that a case could use.

    Parameters
    ----------
    spot : (int, int, int, int, int)
        Variant, its sector, home, work, competent city.
    ways, tables, world
        See `megalopolis.services.kernels.all_burdens`.
    elements : ndarray of int, shape (limit,)
        Receives their codes.
    bits : ndarray of int, shape (entries,)
        Receives the bit that links each entry.

    Returns
    -------
    found : int
        Number of them; -1 where they are more than the limit.
    known : int
        Bit of the recognition, 0 where no way asks for one.
    """
    v, sector, home, work, competent = spot
    live, recognised = world
    cities = recognised.shape[1]
    entry, role = tables[2], tables[3]
    found, known = 0, 0
    if recognised[sector, competent] == 1:
        known = 1 << _LIVE
    elif np.any(tables[0][ways[v] : ways[v + 1], 4] == 1):
        elements[0] = live.size + sector * cities + competent
        known, found = 1, 1
    for j in range(tables[0][ways[v], 0], tables[0][ways[v + 1] - 1, 1]):
        bits[j] = 0
        if entry[j, 2] < 0:
            continue
        city = issuing_city(role[entry[j, 0]], home, work, cities)
        if live[entry[j, 2], city, competent] == 1:
            bits[j] = np.int64(1) << _LIVE
            continue
        code = (entry[j, 2] * (cities + 1) + city) * cities + competent
        at = 0
        while at < found and elements[at] != code:
            at += 1
        if at == found:
            if found >= elements.size:
                return -1, known
            elements[at] = code
            found += 1
        bits[j] = np.int64(1) << at
    return found, known


@njit(cache=True, nogil=True)
def _copied(old: Ints, new: Ints, first: int, last: int) -> bool:
    """Copy a range, by a loop, which compiles in milliseconds where a slice takes seconds; say whether it differed."""
    differs = False
    for j in range(first, last):
        differs = differs or old[j] != new[j]
        old[j] = new[j]
    return differs


@njit(cache=True, nogil=True)
def _tabulate(
    spots: Ints,
    compiled: tuple[Ints, Ints, Ints, Ints],
    tables: tuple[npt.NDArray[Any], ...],
    world: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    travel: tuple[npt.NDArray[Any], ...],
    amounts: npt.NDArray[Any],
    limit: int,
) -> tuple[Ints, Ints, npt.NDArray[Any], int]:
    """Elements of every case, and its weight for every set of them, one after the other with the start of each case.

    The last answer is the first case that has too many elements, -1 where there is none.
    """
    variant_of, competence, sector_of, ways = compiled
    count = spots.shape[0]
    start = np.zeros(count + 1, dtype=np.int64)
    elements = np.full((count, limit), -1, dtype=np.int64)
    bits, held = np.zeros(tables[2].shape[0], dtype=np.int64), np.full(tables[2].shape[0], -1, dtype=np.int64)
    fixed = np.empty((1, 1, 6))
    before: tuple[Any, ...] = (-1, -1, -1, -1)
    weights, best = np.empty(1 << 16), np.empty(6)
    for case in range(count):
        p, home, work = spots[case, 0], spots[case, 1], spots[case, 2]
        competent = work if competence[p] == WORK else home
        v = variant_of[p, competent]
        spot = (v, sector_of[v], home, work, competent)
        found, known = _elements_of(spot, ways, tables, world, elements[case], bits)
        if found < 0:
            return start, elements, weights, case
        size, number = 1 << found, ways[v + 1] - ways[v]
        first, last = tables[0][ways[v], 0], tables[0][ways[v + 1] - 1, 1]
        now = (v, np.int64(home == work), known, found)
        if _copied(held, bits, first, last) or now != before:  # else the fixed parts are the same
            before = now
            fixed = np.empty((size, number, 6))
            for subset in range(size):
                avail = np.int64(subset) | (np.int64(1) << _LIVE)
                same, at_work = home == work, competent == work
                fixed_ways(v, bits, avail, known, same, at_work, ways, tables, amounts, fixed[subset])
        used = start[case]
        start[case + 1] = used + size
        if used + size > weights.size:
            weights = np.concatenate((weights, np.empty(weights.size + size)))
        trip = trip_of(home, work, travel, amounts[0])
        for subset in range(size):
            weights[used + subset] = best[5] if least(fixed[subset], number, trip, amounts[4], best) >= 0 else np.inf
    return start, elements, weights[: start[count]].copy(), -1


def options(
    catalogue: Catalogue,
    compiled: Compiled,
    world: World,
    travel: Travel,
    demand: Array,
    parameters: Mapping[str, float],
) -> Options:
    """List the parts, and tabulate what every set of links saves every pair of cities.

    Parameters
    ----------
    catalogue : Catalogue
        Gives the costs.
    compiled, world, travel
        See `megalopolis.services.burden.burdens`.
    demand : ndarray, shape (procedures, cities, cities)
        Cases a year.
    parameters : mapping of str to float
        Of services.

    Returns
    -------
    Options
        Savings in hours a year; with a value of time, hours and money's worth of hours.

    Raises
    ------
    ValueError
        If a case could use more than 14 links, or demand is negative or stands where there is no such case.
    """
    _refuse_cases(compiled, demand)
    spots = np.argwhere(demand > 0).astype(np.int64)
    start, elements, weights = _by_case(spots, compiled, world, travel, parameters)
    cases = demand[tuple(spots.T)]
    merged = _merge(spots, cases, start, elements, weights)
    codes = sorted({c for _, group, _ in merged for c in group})
    parts, made = _parts(compiled, codes)
    cost = _costs(catalogue, parts, parameters["running_years"])
    at = {c: i for i, c in enumerate(codes)}
    reachable = np.isfinite(weights[start[:-1]])
    return Options(
        parts=parts,
        cost=cost,
        city=_payers(compiled, parts),
        elements=made,
        codes=tuple(codes),
        groups=tuple(tuple(at[c] for c in group) for _, group, _ in merged),
        pair=np.array([pair for pair, _, _ in merged], dtype=np.int64).reshape(-1, 2),
        saving=tuple(f for _, _, f in merged),
        baseline=float(np.sum(cases[reachable] * weights[start[:-1]][reachable])),
    )


def _by_case(
    spots: Ints, compiled: Compiled, world: World, travel: Travel, parameters: Mapping[str, float]
) -> tuple[Ints, Ints, Array]:
    """What every set of links leaves of one case, at every spot (procedure, home, work) that has cases."""
    start, elements, weights, failed = _tabulate(
        spots,
        (compiled.variant_of, compiled.competence, compiled.sector_of, compiled.ways),
        kernel_tables(compiled),
        (world.live, world.recognised),
        (travel.minutes, travel.fare),
        kernel_amounts(parameters),
        _MAX_ELEMENTS,
    )
    if failed >= 0:
        raise ValueError(f"a case of {compiled.procedures[spots[failed, 0]]} could use more than 14 links")
    return start, elements, weights


def _refuse_cases(compiled: Compiled, demand: Array) -> None:
    if (demand < 0).any() or not np.isfinite(demand).all():
        raise ValueError("cases a year must be finite and at least 0")
    offered = compiled.variant_of >= 0
    passes = np.where((compiled.competence == WORK)[:, None, None], offered[:, None, :], offered[:, :, None])
    passes = passes & ~(compiled.cross_only[:, None, None] & np.eye(len(compiled.cities), dtype=bool)[None])
    if (demand[~passes] > 0).any():
        raise ValueError("there are cases of a procedure where it is not offered, or within one city")


_Merged = list[tuple[tuple[int, int], tuple[int, ...], Array]]


def _merge(spots: Ints, cases: Array, start: Ints, elements: Ints, weights: Array) -> _Merged:
    """Join the cases of a pair of cities whose links are among those of another: fewer, tighter groups."""
    of_pair: dict[tuple[int, int], list[tuple[list[int], Array]]] = {}
    order = np.lexsort((-(elements >= 0).sum(axis=1), spots[:, 2], spots[:, 1]))
    for case in order.tolist():
        own = [int(c) for c in elements[case] if c >= 0]
        table = weights[start[case] : start[case + 1]]
        if not own or not np.isfinite(table[0]) or table[-1] >= table[0]:
            continue
        gain = cases[case] * (table[0] - table)
        groups = of_pair.setdefault((int(spots[case, 1]), int(spots[case, 2])), [])
        home = next((g for g in groups if set(own) <= set(g[0])), None)
        if home is None:
            home = next((g for g in groups if len(set(own) | set(g[0])) <= min(_GROUP, len(g[0]) + 1)), None)
            if home is not None:
                groups.remove(home)
                whole = [*home[0], *(c for c in own if c not in home[0])]
                home = (whole, _spread(home[1], home[0], whole))
                groups.append(home)
        if home is None:
            groups.append((own, gain))
        else:
            home[1][:] += _spread(gain, own, home[0])
    return [(pair, tuple(own), gain) for pair, groups in of_pair.items() for own, gain in groups]


def _spread(gain: Array, own: list[int], whole: list[int]) -> Array:
    """A set function of some elements as one of more."""
    masks = np.arange(1 << len(whole))
    index = np.zeros_like(masks)
    for bit, code in enumerate(own):
        index |= ((masks >> whole.index(code)) & 1) << bit
    return np.asarray(gain[index])


def _parts(compiled: Compiled, codes: list[int]) -> tuple[tuple[Part, ...], tuple[tuple[int, ...], ...]]:
    needed = [tuple(_parts_of(compiled, code)) for code in codes]
    parts = tuple(sorted({p for some in needed for p in some}))
    at = {p: i for i, p in enumerate(parts)}
    return parts, tuple(tuple(at[p] for p in some) for some in needed)


def _parts_of(compiled: Compiled, code: int) -> Iterator[Part]:
    n = len(compiled.cities)
    offset = len(compiled.pairs) * (n + 1) * n
    if code >= offset:
        sector, city = divmod(code - offset, n)
        yield Part("recognition", compiled.sectors[sector], compiled.cities[city])
        return
    rest, consumer = divmod(code, n)
    pair, issuer = divmod(rest, n + 1)
    evidence, sector = compiled.pairs[pair]
    yield Part("issuer", compiled.evidence[evidence], "national" if issuer == n else compiled.cities[issuer])
    yield Part("consumer", compiled.sectors[sector], compiled.cities[consumer])
    if issuer < n:
        one, other = sorted(compiled.provinces[compiled.province_of[i]] for i in (issuer, consumer))
        if one != other:
            yield Part("agreement", one, other)


def _payers(compiled: Compiled, parts: tuple[Part, ...]) -> Ints:
    number = {c: i for i, c in enumerate(compiled.cities)}
    return np.array([-1 if p.kind == "agreement" else number.get(p.where, -1) for p in parts], dtype=np.int64)


def _costs(catalogue: Catalogue, parts: tuple[Part, ...], years: float) -> Array:
    of_kind = {c.part: c.build.value + years * c.yearly.value for c in catalogue.link_costs}
    lacking = sorted({p.kind for p in parts} - set(of_kind))
    if lacking:
        raise ValueError(f"the catalogue has no cost of the part '{lacking[0]}': add it to link_costs")
    return np.array([of_kind[p.kind] for p in parts])  # type: ignore[index]
