"""The five signals."""

from __future__ import annotations

import typer

from megalopolis.cli.app import (
    Draws,
    Json,
    Lang,
    PlanName,
    RegionName,
    Settings,
    app,
    evaluate_plans,
    load,
    print_json,
    say_warnings,
)


@app.command()
def signals(
    region: RegionName,
    plan: PlanName = None,
    json: Json = False,
    settings: Settings = None,
    draws: Draws = None,
    lang: Lang = "en",
) -> None:
    """Measure the five signals of city clusters, each with its target and verdict.

    \b
    megalopolis signals china --json
    """
    from megalopolis.evaluation.answers.signals import signals_answer, signals_lines

    found, _ = load(region, [])
    _, plans = load(region, [plan or found.meta.default_plan])
    years = sorted({found.meta.now, plans[0].last_year(found.meta.now) if plans[0] else found.meta.now})
    evaluation = evaluate_plans(found, plans, years=years, settings=settings, draws=draws)[0]
    answer = signals_answer(evaluation, lang)
    if json:
        print_json(evaluation, answer)
        return
    say_warnings(evaluation, lang)
    typer.echo("\n".join(signals_lines(answer, evaluation.region, lang)))
