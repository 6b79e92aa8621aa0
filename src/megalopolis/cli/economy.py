"""Where people live and work."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from megalopolis.cli.app import (
    Draws,
    Json,
    Lang,
    PlanName,
    RegionName,
    Settings,
    Year,
    app,
    evaluate_one,
    print_json,
    say_notes,
    say_warnings,
)

Game = Literal["nash", "pigou", "cooperate", "bargain", "all"]
Wish = Literal["welfare", "real_income", "gdp"]
Played = Annotated[Game | None, typer.Option("--game", help="Game of the cities.")]
Cities = Annotated[
    list[str] | None,
    typer.Option("--cities", metavar="CITY", help="Who plays: cities, or cluster:<id>; several times."),
]
Objective = Annotated[Wish, typer.Option("--objective", help="What each city's government wants.")]


@app.command()
def economy(
    region: RegionName,
    plan: PlanName = None,
    json: Json = False,
    year: Year = None,
    settings: Settings = None,
    draws: Draws = None,
    lang: Lang = "en",
    game: Played = None,
    cities: Cities = None,
    objective: Objective = "welfare",
) -> None:
    """Where people live and work with a plan, what they earn, and what it is worth to them.

    With --game, cities choose subsidies to their industries: competition (always solved) beside the agreement asked
    for, with what agreeing is worth to each.

    \b
    megalopolis economy china china/2035
    megalopolis economy china china/2035 --json --draws 0
    megalopolis economy china --game cooperate --cities cluster:yangtze-delta
    """
    if game or cities:
        _play(region, plan, year, settings, json=json, lang=lang, game=game, cities=cities, objective=objective)
        return
    from megalopolis.evaluation.answers.economy import economy_answer, economy_lines
    from megalopolis.evaluation.answers.economy_evidence import evidence_lines
    from megalopolis.evaluation.answers.economy_games import policies_answer, policies_lines
    from megalopolis.evaluation.evaluate import DRAWS

    evaluation = evaluate_one(region, plan, {"economy"}, year, settings, DRAWS if draws is None else draws)
    if json:
        print_json(evaluation, {**economy_answer(evaluation), **policies_answer(evaluation), "games": []})
        return
    say_warnings(evaluation, lang)
    lines = [*economy_lines(evaluation, lang), *policies_lines(evaluation, lang), *evidence_lines(evaluation, lang)]
    typer.echo("\n".join(lines))


def _play(
    region: str,
    plan: str | None,
    year: int | None,
    settings: list[str] | None,
    *,
    json: bool,
    lang: str,
    game: Game | None,
    cities: list[str] | None,
    objective: Wish,
) -> None:
    from megalopolis.cli.app import progress_bar
    from megalopolis.errors import BadInput, Problem
    from megalopolis.evaluation.answers.economy_games import games_answer, games_lines, play_games
    from megalopolis.pillar import Result

    if not cities or not game:
        what, todo = ("nobody plays", "--cities cluster:<id>") if game else ("no game is named", "--game nash")
        raise BadInput(Problem("--game" if game else "--cities", what, f"add {todo}"))
    evaluation = evaluate_one(region, plan, {"travel"}, year, settings, 0)
    bar, progress = progress_bar()
    with bar:
        found: Result = play_games(evaluation, cities, game, objective, progress)
    if json:
        print_json(evaluation, games_answer(evaluation, found, objective), found)
        return
    say_notes(found.warnings, lang, evaluation.region)
    typer.echo("\n".join(games_lines(evaluation, found, lang)))
