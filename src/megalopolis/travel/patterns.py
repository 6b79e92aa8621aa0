"""Services of a line whose trains have stopping patterns.

Passengers between two stations may let trains pass until one of a fast pattern comes, or take the first of several:
the common lines of Chriqui and Robillard (1975), the strategies of Spiess and Florian (1989). Every set of patterns is
therefore a service of its own: it calls where all of them call, comes as often as all of them together, and takes the
mean of their minutes, by their trains. Whoever travels takes the best of them; the set of least wait and ride is
among them, because all are.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from megalopolis.region.patterns import other_trains

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]

_DIGITS = 9  # of headways: equal ones are one level


@dataclass(frozen=True, eq=False)
class Service:
    """The first train of some patterns of a line.

    Attributes
    ----------
    stop : ndarray of int, shape (m,)
        Stops of the line where all of them call, and junction posts that they pass, rising.
    call : ndarray, shape (m,)
        Calls at each: 1 where every train calls, 0 at posts, the chance of it where the rule says so.
    passed : ndarray, shape (m,)
        Mean number of calls between the stop before and each; 0 at the first.
    headway_min : float
        Minutes between trains of all of them together.
    members : tuple of int
        The patterns; the number of patterns stands for the other trains of the line.
    """

    stop: Index
    call: Array
    passed: Array
    headway_min: float
    members: tuple[int, ...]


def services_of(
    chance: Array, boards: NDArray[np.bool_], headway_min: float, calls: NDArray[np.bool_], every: Sequence[float]
) -> list[Service]:
    """Services of one line.

    Parameters
    ----------
    chance
        Chance that a train without a pattern calls at each stop, ``(k,)``.
    boards
        Whether passengers board at each stop, ``(k,)``; not at junction posts, which all trains pass.
    headway_min
        Minutes between trains of the line.
    calls
        Where each pattern calls, ``(patterns, k)``.
    every
        Minutes between the trains of each pattern.

    Returns
    -------
    list of Service
        One for each set of patterns with two calls in common; what the patterns leave of the trains of the line is a
        pattern too, which calls everywhere by the chance. Without patterns the one service is the line.

    Raises
    ------
    ValueError
        Where the patterns have more trains than the line.
    """
    if not every:
        alone = np.arange(boards.size), np.where(boards, chance, 0.0), np.zeros(boards.size)
        return [Service(*alone, headway_min, (0,))]
    left = other_trains(headway_min, every)
    served = np.vstack([calls.reshape(-1, boards.size) & boards, boards])
    rate = np.r_[1 / np.asarray(every, dtype=np.float64), 1 / left]
    number = np.where(served, 1.0, 0.0)
    number[-1] = np.where(boards, chance, 0.0)
    before = np.concatenate([np.zeros((len(number), 1)), np.cumsum(number, axis=1)], axis=1)
    running = np.flatnonzero(rate > 0).tolist()
    found = []
    for size in range(1, len(running) + 1):
        for members in combinations(running, size):
            own = list(members)
            stop = _kept(np.logical_and.reduce(served[own]), boards)
            if not stop.size:
                continue
            share = rate[own] / rate[own].sum()
            between = before[own][:, stop[1:]] - before[own][:, stop[:-1] + 1]
            headway, passed = round(1 / float(rate[own].sum()), _DIGITS), np.r_[0.0, share @ between]
            found.append(Service(stop, share @ number[own][:, stop], passed, headway, members))
    return found


def _kept(called: NDArray[np.bool_], boards: NDArray[np.bool_]) -> Index:
    """Stops of a service: its calls, and the posts between them and those at which the line ends beyond them."""
    at = np.flatnonzero(called)
    if at.size < 2:
        return np.empty(0, np.int64)
    low = 0 if not boards[: at[0]].any() else int(at[0])
    high = boards.size if not boards[at[-1] + 1 :].any() else int(at[-1]) + 1
    kept = np.flatnonzero(called | ~boards)
    return kept[(kept >= low) & (kept < high)]


def named(line: str, patterns: Sequence[str], service: Service) -> str:
    """Name of a service: that of its line, and of its patterns where it is not the first train of any."""
    others = len(patterns)
    if others in service.members and len(service.members) > 1:
        return line
    return f"{line}: {' or '.join(patterns[i] if i < others else 'other trains' for i in service.members)}"
