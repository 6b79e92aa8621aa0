"""Games of a group of cities as tables: subsidies, welfare, output and duplication, before and after an agreement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from megalopolis.economy.case import Pair
from megalopolis.economy.coordination import Name, Played, duplication, play, specialisation
from megalopolis.economy.effects import outcomes
from megalopolis.economy.game import TOLERANCE as NASH_TOLERANCE
from megalopolis.economy.linear import Objective
from megalopolis.economy.solve import TOLERANCE, Equilibrium
from megalopolis.pillar import Check, Progress, Result, silent
from megalopolis.units import Array

#: Most that a city may gain alone from the Nash equilibrium, in logs of its objective.
REGRET: Final = 1e-6
_CONSERVED: Final = 1e-8


def contest(
    pair: Pair,
    cities: Sequence[str],
    objective: Objective,
    names: tuple[Name, ...],
    parameters: Mapping[str, float],
    *,
    progress: Progress = silent,
) -> Result:
    """Let cities compete with subsidies and agree on them.

    The Nash equilibrium is always solved: it is what an agreement is compared with.

    Parameters
    ----------
    pair : Pair
        Solved economy; see `megalopolis.economy.face.solve_pair`.
    cities : sequence of str
        Ids of the players; those that the economy leaves out are passed over with a warning.
    objective : str
        What each city's government wants: ``welfare``, ``real_income`` or ``gdp``.
    names : tuple of str
        Games beside the Nash equilibrium: ``pigou``, ``cooperate``, ``bargain``.
    parameters : mapping of str to float
        Parameters of the economy by short id.
    progress : callable
        See `megalopolis.pillar.Progress`.

    Returns
    -------
    Result
        Tables ``games`` (one row each), ``game_cities`` (by game and city: objective and welfare against no
        subsidies and against the Nash equilibrium), ``game_industries`` and ``regret``.

    Raises
    ------
    ValueError
        If fewer than two cities play, there is one industry, or a game has no solution that is found.
    CheckFailed
        If an equilibrium is not solved, or a city gains alone from the Nash equilibrium.
    """
    number = {id_: i for i, id_ in enumerate(pair.data.ids.tolist())}
    players = np.array(sorted(number[c] for c in cities if c in number), dtype=np.int64)
    if players.size < 2:
        raise ValueError("a game needs two cities or more of the economy")
    out = sorted(set(cities) - number.keys())
    warnings = [f"{len(out)} cities are not in the economy and do not play: {', '.join(out[:5])}"] if out else []
    base = pair.new
    gdp = outcomes(pair.base, base, gdp=float(pair.data.output.sum()), housing=_housing(parameters))["gdp"]
    weights = _weights(base, gdp, objective)[players]
    found = play(base.model, players, objective, ("nash", *names), start=base, weights=weights, progress=progress)
    checks = [
        Check(
            "economy: game: first-order gain at the Nash equilibrium", found.outcomes["nash"].gradient, NASH_TOLERANCE
        ),
        Check("economy: game: most that a city gains alone", float(found.regret.max(initial=0.0)), REGRET),
    ]
    for name, outcome in found.outcomes.items():
        checks.append(Check(f"economy: game: residual of {name}", outcome.equilibrium.residual, TOLERANCE))
        worst = max(outcome.equilibrium.conservation().values())
        checks.append(Check(f"economy: game: people and money conserved by {name}", worst, _CONSERVED))
    tables = _tables(pair, found, float(gdp.sum()), _housing(parameters))
    tables["regret"] = pd.DataFrame(
        {"city": pair.data.ids[players[found.sample]], "log_gain": np.maximum(found.regret, 0.0)}
    )
    return Result("economy", tables, checks=tuple(checks), warnings=(*pair.data.warnings, *warnings))


def _housing(parameters: Mapping[str, float]) -> tuple[float, float]:
    return parameters["housing_share"], parameters["housing_elasticity"]


def _weights(base: Equilibrium, gdp: Array, objective: Objective) -> Array:
    """Weights at which the joint objective is money, to first order: the income that a city's log objective scales."""
    if objective == "welfare" and base.model.mobile:
        return np.asarray(base.model.registered * (base.migration_shares() @ (gdp / base.people)))
    return gdp


def _tables(pair: Pair, found: Played, gdp: float, housing: tuple[float, float]) -> dict[str, pd.DataFrame]:
    players, names = found.game.players, pair.data.names
    ids = pair.data.ids[players]
    free, nash = found.outcomes["free"], found.outcomes["nash"]
    level = float(outcomes(pair.new, free.equilibrium, gdp=gdp, housing=housing)["gdp"].sum())
    games, cities, industries = [], [], []
    for name, outcome in found.outcomes.items():
        now = outcomes(free.equilibrium, outcome.equilibrium, gdp=level, housing=housing)
        rival = outcomes(nash.equilibrium, outcome.equilibrium, gdp=level, housing=housing)
        made = outcome.equilibrium.bills[:, players]
        wish = np.subtract(outcome.values, free.values)
        krugman, quotient = specialisation(made)
        paid = (outcome.subsidy.T * (outcome.equilibrium.wage * outcome.equilibrium.labour)[:, players]).sum(axis=0)
        deflate = now["wage"][0] / outcome.equilibrium.wage[0]
        games.append(
            {
                "game": name,
                "gdp": now["gdp"][players].sum(),
                "gdp_elsewhere": np.delete(now["gdp"], players).sum(),
                "welfare": now["welfare"][players].sum(),
                "welfare_elsewhere": np.delete(now["welfare"], players).sum(),
                "value_over_nash": rival["welfare"][players].sum(),
                "subsidies": paid.sum() * deflate,
                "duplication": duplication(made),
                "krugman": float(np.average(krugman, weights=made.sum(axis=0))),
                "log_objective": float(wish.mean()),
                "first_order_gain": outcome.gradient,
                "equilibria": outcome.rounds,
            }
        )
        cities.append(
            pd.DataFrame(
                {
                    "game": name,
                    "city": ids,
                    "log_objective": wish,
                    "welfare": now["welfare"][players],
                    "value_over_nash": rival["welfare"][players],
                    "gdp": now["gdp"][players],
                    "population": now["population"][players],
                    "real_income": now["real_income"][players],
                    "subsidies": paid * deflate,
                    "krugman": krugman,
                }
            )
        )
        industries.append(
            pd.DataFrame(
                {
                    "game": name,
                    "city": np.tile(ids, len(names)),
                    "industry": np.repeat(list(names), ids.size),
                    "subsidy": outcome.subsidy.T.ravel(),
                    "output": made.ravel() * now["gdp"].sum(),
                    "location_quotient": quotient.ravel(),
                }
            )
        )
    return {
        "games": pd.DataFrame(games),
        "game_cities": pd.concat(cities, ignore_index=True),
        "game_industries": pd.concat(industries, ignore_index=True),
    }
