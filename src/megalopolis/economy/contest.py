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
from megalopolis.economy.game import Outcome
from megalopolis.economy.linear import Objective
from megalopolis.economy.solve import TOLERANCE, Equilibrium
from megalopolis.pillar import Check, Progress, Result, silent
from megalopolis.units import Array

#: Most that a city may gain alone from the Nash equilibrium, in logs of its objective.
REGRET: Final = 1e-6
#: Largest first-order gain left of a joint objective, in logs of it per log of the wedge.
_JOINT: Final = 1e-5
_CONSERVED: Final = 1e-8
_LEVIED: Final = "people commute: a levy on all wages paid in a city pays for its subsidies, which are net of it"


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
    if pair.new.model.commutes:
        warnings.append(_LEVIED)
    base = pair.new
    gdp = outcomes(pair.base, base, gdp=float(pair.data.output.sum()), housing=_housing(parameters))["gdp"]
    weights = _weights(base, gdp, objective)[players]
    found = play(base.model, players, objective, ("nash", *names), start=base, weights=weights, progress=progress)
    tables = _tables(pair, found, float(gdp.sum()), _housing(parameters))
    tables["regret"] = pd.DataFrame(
        {"city": pair.data.ids[players[found.sample]], "log_gain": np.maximum(found.regret, 0.0)}
    )
    return Result("economy", tables, checks=_checks(found), warnings=(*pair.data.warnings, *warnings))


def _checks(found: Played) -> tuple[Check, ...]:
    checks = [
        Check(
            "economy: game: first-order gain at the Nash equilibrium", found.outcomes["nash"].gradient, NASH_TOLERANCE
        ),
        Check("economy: game: most that a city gains alone", float(found.regret.max(initial=0.0)), REGRET),
    ]
    for name, outcome in found.outcomes.items():
        if name in {"cooperate", "bargain"}:
            checks.append(Check(f"economy: game: first-order gain of {name}", outcome.gradient, _JOINT))
        checks.append(Check(f"economy: game: residual of {name}", outcome.equilibrium.residual, TOLERANCE))
        worst = max(outcome.equilibrium.conservation().values())
        checks.append(Check(f"economy: game: people and money conserved by {name}", worst, _CONSERVED))
    return tuple(checks)


def _housing(parameters: Mapping[str, float]) -> tuple[float, float]:
    return parameters["housing_share"], parameters["housing_elasticity"]


def _weights(base: Equilibrium, gdp: Array, objective: Objective) -> Array:
    """Weights at which the joint objective is money, to first order: the income that a city's log objective scales."""
    if objective == "gdp":
        return gdp
    income = gdp * (base.spending / base.bills.sum(axis=0))  # where people live, not where they work
    if objective == "welfare" and base.model.mobile:
        return np.asarray(base.model.registered * (base.migration_shares() @ (income / base.people)))
    return np.asarray(income)


def _tables(pair: Pair, found: Played, gdp: float, housing: tuple[float, float]) -> dict[str, pd.DataFrame]:
    free, nash = (found.outcomes[name].equilibrium for name in ("free", "nash"))
    level = float(outcomes(pair.new, free, gdp=gdp, housing=housing)["gdp"].sum())
    games, cities, industries = [], [], []
    for name, outcome in found.outcomes.items():
        now = outcomes(free, outcome.equilibrium, gdp=level, housing=housing)
        rival = outcomes(nash, outcome.equilibrium, gdp=level, housing=housing)["welfare"]
        own, made = _city_rows(pair, found, outcome, now, rival)
        games.append({"game": name, **_summary(found, outcome, now), **_sums(own)})
        cities.append(own.assign(game=name))
        industries.append(made.assign(game=name))
    return {
        "games": pd.DataFrame(games),
        "game_cities": pd.concat(cities, ignore_index=True),
        "game_industries": pd.concat(industries, ignore_index=True),
    }


def _city_rows(
    pair: Pair, found: Played, outcome: Outcome, now: Mapping[str, Array], rival: Array
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row for each player, and one for each of its industries."""
    players, names = found.game.players, pair.data.names
    ids, settled = pair.data.ids[players], outcome.equilibrium
    made = settled.bills[:, players]
    krugman, quotient = specialisation(made)
    deflate = now["wage"][0] / settled.wage[0]
    over = outcome.subsidy - outcome.subsidy[:, :1]  # the first industry stands for the levy, where there is one
    paid = (over.T * (settled.wage * settled.labour)[:, players]).sum(axis=0) * deflate
    cities = {
        "city": ids,
        "log_objective": np.subtract(outcome.values, found.outcomes["free"].values),
        "value_over_nash": rival[players],
        **{name: now[name][players] for name in ("welfare", "gdp", "population", "real_income")},
        "subsidies": paid,
        "krugman": krugman,
    }
    industries = {
        "city": np.tile(ids, len(names)),
        "industry": np.repeat(list(names), ids.size),
        "subsidy": outcome.subsidy.T.ravel(),
        "output": made.ravel() * now["gdp"].sum(),
        "location_quotient": quotient.ravel(),
    }
    return pd.DataFrame(cities), pd.DataFrame(industries)


def _summary(found: Played, outcome: Outcome, now: Mapping[str, Array]) -> dict[str, float]:
    """The rest of the region, how alike the players' industries are, and how well the game is solved."""
    players = found.game.players
    made = outcome.equilibrium.bills[:, players]
    return {
        "gdp_elsewhere": float(np.delete(now["gdp"], players).sum()),
        "welfare_elsewhere": float(np.delete(now["welfare"], players).sum()),
        "duplication": duplication(made),
        "krugman": float(np.average(specialisation(made)[0], weights=made.sum(axis=0))),
        "first_order_gain": outcome.gradient,
        "equilibria": outcome.rounds,
    }


def _sums(cities: pd.DataFrame) -> dict[str, float]:
    return {name: float(cities[name].sum()) for name in ("gdp", "welfare", "value_over_nash", "subsidies")}
