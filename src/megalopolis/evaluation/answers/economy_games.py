"""Economy: cities that compete with subsidies or agree on them, and what each policy of a plan does."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from megalopolis.economy.case import case_book
from megalopolis.economy.contest import contest
from megalopolis.economy.coordination import NAMES
from megalopolis.economy.linear import Objective
from megalopolis.errors import BadInput, Problem
from megalopolis.evaluation.answers.document import Document, city
from megalopolis.evaluation.answers.plaintext import Teller
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.evaluation.incomes import policies, sensitivity
from megalopolis.evaluation.ledger import BASELINE
from megalopolis.evaluation.words import Words
from megalopolis.pillar import Progress, Result, silent


def _minutes(evaluation: Evaluation) -> tuple[pd.DataFrame, pd.DataFrame]:
    baseline = evaluation.result("travel", BASELINE).tables["minutes"]
    return evaluation.result("travel").tables["minutes"], baseline


def play_games(
    evaluation: Evaluation,
    cities: Sequence[str],
    game: str,
    objective: Objective,
    progress: Progress = silent,
) -> Result:
    """Solve games on the last state of an evaluation of travel.

    Parameters
    ----------
    evaluation : Evaluation
        Of travel at least.
    cities : sequence of str
        Names, ids or ``cluster:<id>``.
    game : str
        Agreement to compare with competition, ``nash`` for competition alone, or ``all``.
    objective : str
        What each city wants.
    progress : callable
        See `megalopolis.pillar.Progress`.

    Raises
    ------
    BadInput
        If a city is unknown or a game cannot be played or solved.
    """
    ids = evaluation.region.names.cities(cities, "--cities")
    parameters = evaluation.parameters.of_pillar("economy")
    try:
        book = case_book(evaluation.state(), *_minutes(evaluation), parameters)
        names = tuple(n for n in NAMES if n == game or (game == "all" and n != "nash"))
        return contest(book.pair(), ids, objective, names, parameters, progress=progress)
    except ValueError as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(Problem("--game", str(error).rstrip("."), "choose other cities or parameters")) from error


def games_answer(evaluation: Evaluation, found: Result, objective: str) -> Document:
    """Games as a document: each with its cities and their industries, and the certificate of competition."""
    region, tables = evaluation.region, found.tables
    industries = tables["game_industries"]
    games = []
    for row in tables["games"].to_dict("records"):
        own = tables["game_cities"][tables["game_cities"]["game"] == row["game"]].drop(columns="game")
        made = industries[industries["game"] == row["game"]].drop(columns="game")
        by_city = {c: part.drop(columns="city").to_dict("records") for c, part in made.groupby("city")}
        records = [
            {**city(region, r.pop("city")), **r, "industries": by_city[id_]}
            for id_, r in zip(own["city"], own.to_dict("records"), strict=True)
        ]
        games.append({**row, "cities": records})
    tried = [{**city(region, r.pop("city")), **r} for r in tables["regret"].to_dict("records")]
    return {"objective": objective, "games": games, "regret": tried}


def games_lines(evaluation: Evaluation, found: Result, language: str) -> list[str]:
    """Games side by side, then what the agreement asked for last is worth to each city."""
    tell, tables, money = Teller(evaluation.region, language), found.tables, "currency"
    words = tell.words
    rows = [
        [
            words.term("game", r["game"]),
            *(tell.figure(r[c], money) for c in ("gdp", "welfare", "value_over_nash", "subsidies")),
            f"{r['duplication']:.3f}",
            f"{r['krugman']:.3f}",
        ]
        for r in tables["games"].to_dict("records")
    ]
    last = tables["games"]["game"].iloc[-1]
    own = tables["game_cities"][tables["game_cities"]["game"] == last].sort_values("value_over_nash", ascending=False)
    made = tables["game_industries"]
    made = made[made["game"] == last]
    top = made.loc[made.groupby("city")["subsidy"].idxmax()].set_index("city")
    cities = [
        [
            tell.place(r["city"]),
            tell.figure(r["value_over_nash"], money),
            tell.figure(r["gdp"], money),
            f"{tell.share(top.loc[r['city'], 'subsidy'], 1)} {words.term('industry', top.loc[r['city'], 'industry'])}",
            f"{r['krugman']:.3f}",
        ]
        for r in own.to_dict("records")
    ]
    heads = ("game", "gdp", "text_welfare", "text_value", "text_subsidies", "text_duplication", "text_krugman")
    worst = float(tables["regret"]["log_gain"].max())
    return [
        *tell.table(tell.heads(*heads), rows),
        "",
        words("text_worth") + words("colon") + words.term("game", last),
        "",
        *tell.table(tell.heads("city", "text_value", "gdp", "text_highest", "text_krugman"), cities),
        "",
        f"{words('text_certificate')}{words('colon')}{worst:.1e}",
    ]


def policies_answer(evaluation: Evaluation) -> Document:
    """Shapley values of a plan's policies by city as a document; empty where the plan changes nothing."""
    values = policies(evaluation)
    whole = values.groupby("policy", sort=False)[["gdp", "welfare"]].sum()
    cities = [{**city(evaluation.region, r.pop("city")), **r} for r in values.to_dict("records")]
    return {"policies": {"region": whole.reset_index().to_dict("records"), "cities": cities}}


def policies_lines(evaluation: Evaluation, language: str) -> list[str]:
    """Shapley values of the region, and its sensitivity, as text; nothing where nothing changes."""
    tell, money = Teller(evaluation.region, language), "currency"
    words = tell.words
    values = policies(evaluation)
    if values.empty:
        return []
    whole = values.groupby("policy", sort=False)[["gdp", "welfare"]].sum()
    rows = [
        [words.term("policy", p), tell.figure(r["gdp"], money), tell.figure(r["welfare"], money)]
        for p, r in whole.iterrows()
    ]
    ends = [
        [
            f"{words.term('economy_parameter', r['parameter'])}{words('colon')}{_end(words, r[end], end)}",
            *(tell.figure(r[f"{name}_{end}"], money) for name in ("gdp", "welfare")),
            tell.figure(r[f"moved_{end}"]),
        ]
        for r in sensitivity(evaluation).to_dict("records")
        for end in ("low", "high")
    ]
    made = ("gdp", "text_welfare")
    lines = ["", words("text_policies"), "", *tell.table(tell.heads("economy_policy", *made), rows), ""]
    return [*lines, words("text_bands"), "", *tell.table(["", *tell.heads(*made, "text_moved")], ends)]


def _end(words: Words, value: float, end: str) -> str:
    return words(end) if pd.isna(value) else f"{value:g}"
