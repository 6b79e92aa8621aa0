"""Neighbours that build the same industries, and what agreeing is worth to each: the games, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from megalopolis.economy import game as games
from megalopolis.economy.game import Game, Outcome
from megalopolis.economy.linear import Objective
from megalopolis.economy.model import Indices, Model
from megalopolis.economy.solve import Equilibrium
from megalopolis.pillar import Progress, silent
from megalopolis.units import Array

Name = Literal["nash", "pigou", "cooperate", "bargain"]
NAMES: Final[tuple[Name, ...]] = ("nash", "pigou", "cooperate", "bargain")
#: Seed of the certificate: starts of best responses and, in large groups, who is tried.
_SEED: Final = 20210101


@dataclass(frozen=True)
class Played:
    """Games of one group of cities.

    Attributes
    ----------
    game : Game
        Who plays for what.
    outcomes : dict of str to Outcome
        ``free`` first (no subsidies of the players), then those asked for and what they need.
    regret : ndarray, shape (s,)
        Most that each city of ``sample`` gains by its best response to the Nash equilibrium, in logs of its
        objective; empty where there is none.
    sample : ndarray of int, shape (s,)
        Positions in ``game.players``.
    """

    game: Game
    outcomes: dict[str, Outcome]
    regret: Array
    sample: Indices


def play(
    model: Model,
    players: Indices,
    objective: Objective,
    names: tuple[Name, ...],
    *,
    start: Equilibrium | None = None,
    weights: Array | None = None,
    tried: int = 5,
    progress: Progress = silent,
) -> Played:
    """Solve games of one group of cities, all others passive.

    Parameters
    ----------
    model : Model
        Economy; its subsidies hold for cities that do not play.
    players : ndarray of int, shape (p,)
        Cities that choose.
    objective : str
        See `megalopolis.economy.linear.objective_of`.
    names : tuple of str
        Of `NAMES`; ``bargain`` needs the Nash equilibrium and gets it.
    start : Equilibrium, optional
        Of the same cities and industries, to start from.
    weights : ndarray, shape (p,), optional
        Of the players in the joint objective; see `megalopolis.economy.game.cooperate`.
    tried : int
        Cities whose best responses, from several starts, certify the Nash equilibrium.
    progress : callable
        See `megalopolis.pillar.Progress`.

    Raises
    ------
    ValueError
        If the group is not one, or a game has no solution that is found.
    """
    group = Game(model, players, objective, start)
    found: dict[str, Outcome] = {"free": games.free(group)}
    wanted = [n for n in NAMES if n in names or (n == "nash" and "bargain" in names)]
    for done, name in enumerate(wanted):
        progress(f"game: {name}", done, len(wanted))
        if name == "nash":
            found[name] = games.nash(group)
        elif name == "pigou":
            found[name] = games.pigou(group)
        elif name == "cooperate":
            found[name] = games.cooperate(group, weights)
        else:
            found[name] = games.bargain(group, found["nash"])
    if "nash" not in found:
        return Played(group, found, np.empty(0), np.empty(0, dtype=np.int64))
    progress("game: certificate", len(wanted), len(wanted))
    rng = np.random.default_rng(_SEED)
    sample = np.sort(rng.permutation(players.size)[:tried])
    return Played(group, found, games.regret(group, found["nash"], sample, rng, starts=2), sample)


def agreed(model: Model, members: Indices, rule: str, objective: str) -> Model:
    """Economy with the subsidies of an agreement.

    Parameters
    ----------
    model : Model
        Before it.
    members : ndarray of int, shape (p,)
        Cities of the agreement.
    rule : str
        ``none``, or one of `NAMES` but ``nash``.
    objective : str
        What the members want.

    Raises
    ------
    ValueError
        As `play`.
    """
    if rule == "none":
        subsidy = model.subsidy.copy()
        subsidy[:, members] = 0.0
        return model.changed(subsidy=subsidy)
    found = play(model, members, objective, (rule,), tried=0)  # type: ignore[arg-type]
    return found.outcomes[rule].equilibrium.model


def specialisation(output: Array) -> tuple[Array, Array]:
    """Krugman's index and location quotients of cities against their group.

    The index is ``sum_k |v_ik - v_k|`` of the shares of industries in the city and in the rest of the group (Krugman
    1991, Geography and Trade): 0 where a city builds what the others build, 2 where it builds nothing of theirs.

    Parameters
    ----------
    output : ndarray, shape (k, p)
        Of the group's cities.

    Returns
    -------
    tuple of ndarray
        Index, shape (p,); location quotients, shape (k, p): the industry's share in the city over that in the group.
    """
    own = output / output.sum(axis=0)
    total = output.sum(axis=1, keepdims=True)
    rest = total - output
    others = rest / np.maximum(rest.sum(axis=0), 1e-300)
    return np.abs(own - others).sum(axis=0), np.asarray(own / (total / total.sum()))


def duplication(output: Array) -> float:
    """Overlap of industries between the pairs of a group, weighted by the product of their outputs, 0 to 1.

    The overlap of two cities is ``sum_k min(v_ik, v_jk)`` of their industries' shares.

    Parameters
    ----------
    output : ndarray, shape (k, p)
        Of the group's cities.
    """
    size = output.sum(axis=0)
    share = output / size
    overlap, weight = 0.0, 0.0
    for i in range(size.size - 1):
        both = np.minimum(share[:, i : i + 1], share[:, i + 1 :]).sum(axis=0)
        overlap += size[i] * float(size[i + 1 :] @ both)
        weight += size[i] * float(size[i + 1 :].sum())
    return overlap / weight if weight > 0 else float("nan")
