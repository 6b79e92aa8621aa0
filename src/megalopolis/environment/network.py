"""The river network: who flows into whom, in which shares, and in what order it can be swept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.units import Array

Ints = npt.NDArray[np.int64]
#: Rounding allowed in fractions that are meant to sum to one: 0.333 three times is one.
_ROUNDING = 2e-3


@dataclass(frozen=True)
class Network:
    """Reaches and the links between them.

    Attributes
    ----------
    pointer : ndarray of int, shape (n + 1,)
        Links into reach i are ``pointer[i]`` to ``pointer[i + 1]``.
    source : ndarray of int, shape (edges,)
        Reach that each link leaves.
    fraction : ndarray, shape (edges,)
        Share of the water of that reach that takes the link.
    abstraction : ndarray, shape (n,)
        Share of the water leaving a reach that nobody receives further down; zero at an outlet.
    outlet : ndarray of bool, shape (n,)
        Reaches that leave the region.
    order : ndarray of int, shape (n,)
        Order from upstream to downstream; meaningless where there are loops.
    looped : bool
        Whether water can return to where it was.
    """

    pointer: Ints
    source: Ints
    fraction: Array
    abstraction: Array
    outlet: npt.NDArray[np.bool_]
    order: Ints
    looped: bool

    def __len__(self) -> int:
        return len(self.order)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _incoming(count: int, target: Ints) -> tuple[Ints, Ints]:
    """Pointer by target and, for each place of the sorted links, the link that stands there."""
    pointer = np.zeros(count + 1, np.int64)
    for t in target:
        pointer[t + 1] += 1
    for i in range(count):
        pointer[i + 1] += pointer[i]
    place, next_ = np.empty(len(target), np.int64), pointer[:-1].copy()
    for link, t in enumerate(target):
        place[next_[t]] = link
        next_[t] += 1
    return pointer, place


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _sorted_downstream(pointer: Ints, target: Ints, waiting: Ints) -> tuple[Ints, int]:
    """Kahn's order (1962); the number of reaches that it could place."""
    order, placed = np.empty(len(waiting), np.int64), 0
    for i in range(len(waiting)):
        if waiting[i] == 0:
            order[placed] = i
            placed += 1
    done = 0
    while done < placed:
        i = order[done]
        done += 1
        for link in range(pointer[i], pointer[i + 1]):
            j = target[link]
            waiting[j] -= 1
            if waiting[j] == 0:
                order[placed] = j
                placed += 1
    return order, placed


def build_network(count: int, source: npt.ArrayLike, target: npt.ArrayLike, fraction: npt.ArrayLike) -> Network:
    """Build a network from its links.

    Parameters
    ----------
    count : int
        Number of reaches, n.
    source, target : array_like of int, shape (edges,)
        Reach that a link leaves, and reach that it enters.
    fraction : array_like, shape (edges,)
        Share of the source's water, above 0 up to 1.

    Returns
    -------
    Network
        Fractions of a reach that sum to one within rounding (0.002) are scaled to one; a smaller sum is an abstraction.

    Raises
    ------
    BadInput
        If a fraction is outside 0 to 1 or the fractions of a reach sum to more than one, a reach flows to itself, or a
        link names no reach.
    """
    tails, heads = np.asarray(source, np.int64), np.asarray(target, np.int64)
    share = np.asarray(fraction, np.float64)
    for link in np.flatnonzero((tails < 0) | (tails >= count) | (heads < 0) | (heads >= count)):
        raise BadInput(Problem(f"link {link + 1}", "names a reach that does not exist", "number reaches from 0"))
    for link in np.flatnonzero(tails == heads):
        raise BadInput(Problem(f"link {link + 1}", f"reach {tails[link]} flows to itself", "name another reach"))
    for link in np.flatnonzero(~((share > 0) & (share <= 1))):
        raise BadInput(Problem(f"link {link + 1}", f"a fraction of {share[link]:g}", "give a share above 0 up to 1"))
    total = np.bincount(tails, share, minlength=count)
    for reach in np.flatnonzero(total > 1 + _ROUNDING):
        raise BadInput(
            Problem(f"reach {reach}", f"its fractions sum to {total[reach]:g}", "they are shares: at most 1 together")
        )
    whole = np.abs(total - 1) <= _ROUNDING
    share = share / np.where(whole, total, 1.0)[tails]
    out_pointer, out_place = _incoming(count, tails)
    order, placed = _sorted_downstream(out_pointer, heads[out_place], np.bincount(heads, minlength=count))
    pointer, place = _incoming(count, heads)
    outlet = np.diff(out_pointer) == 0
    left = np.where(outlet | whole, 0.0, 1.0 - total)
    looped = placed < count
    if looped:
        order = np.arange(count, dtype=np.int64)
    return Network(pointer, tails[place], share[place], left, outlet, order, looped)


def named_network(ids: Sequence[str], rows: Sequence[tuple[str, str, float]], *, table: str) -> Network:
    """Build a network from links between named reaches.

    Parameters
    ----------
    ids : sequence of str
        Reaches.
    rows : sequence of (str, str, float)
        From, to, fraction; in the order of the file.
    table : str
        Named in messages.

    Raises
    ------
    BadInput
        With every link that is wrong.
    """
    number = {id_: i for i, id_ in enumerate(ids)}
    problems: list[Problem] = []
    seen: set[tuple[str, str]] = set()
    total: dict[str, float] = {}
    for row, (one, two, share) in enumerate(rows):
        where = f"{table}:{row + 2}"
        problems += [
            Problem(where, f"no reach has the id '{end}'", suggest(end, list(number), "add it to reaches"))
            for end in (one, two)
            if end not in number
        ]
        if one == two:
            problems.append(Problem(where, f"the reach '{one}' flows to itself", "name the next reach"))
        if (one, two) in seen:
            problems.append(Problem(where, f"the link from '{one}' to '{two}' stands twice", "remove one"))
        if not 0 < share <= 1:
            problems.append(Problem(where, f"a fraction of {share:g}", "give a share above 0 up to 1"))
        seen.add((one, two))
        total[one] = total.get(one, 0.0) + share
    problems += [
        Problem(table, f"the fractions of '{one}' sum to {sum_:g}", "shares of a reach are at most 1 together")
        for one, sum_ in total.items()
        if sum_ > 1 + _ROUNDING
    ]
    if problems:
        raise BadInput(problems)
    ends = [(number[one], number[two]) for one, two, _ in rows]
    source, target = np.array(ends, np.int64).reshape(-1, 2).T
    return build_network(len(ids), source, target, [share for *_, share in rows])
