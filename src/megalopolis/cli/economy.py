"""Where people live and work."""

from __future__ import annotations

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
    say_warnings,
)


@app.command()
def economy(
    region: RegionName,
    plan: PlanName = None,
    json: Json = False,
    year: Year = None,
    settings: Settings = None,
    draws: Draws = None,
    lang: Lang = "en",
) -> None:
    """Where people live and work with a plan, what they earn, and what it is worth to them.

    \b
    megalopolis economy china china/2035
    megalopolis economy china china/2035 --json --draws 0
    """
    from megalopolis.evaluation.answers.economy import economy_answer, economy_lines
    from megalopolis.evaluation.answers.economy_evidence import evidence_lines
    from megalopolis.evaluation.evaluate import DRAWS

    evaluation = evaluate_one(region, plan, {"economy"}, year, settings, DRAWS if draws is None else draws)
    if json:
        print_json(evaluation, economy_answer(evaluation))
        return
    say_warnings(evaluation, lang)
    typer.echo("\n".join([*economy_lines(evaluation, lang), *evidence_lines(evaluation, lang)]))
