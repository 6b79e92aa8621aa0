"""Clusters that travel forms."""

from __future__ import annotations

import typer

from megalopolis.cli.app import (
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
def clusters(
    region: RegionName,
    plan: PlanName = None,
    json: Json = False,
    year: Year = None,
    settings: Settings = None,
    lang: Lang = "en",
) -> None:
    """Find the clusters that travel really forms, against the planned ones.

    \b
    megalopolis clusters china --json
    megalopolis clusters china china/2035 --year 2035
    """
    from megalopolis.evaluation.answers.clusters import clusters_answer, clusters_lines

    evaluation = evaluate_one(region, plan, {"clusters"}, year, settings, 0)
    if json:
        print_json(evaluation, clusters_answer(evaluation))
        return
    say_warnings(evaluation, lang)
    typer.echo("\n".join(clusters_lines(evaluation, lang)))
