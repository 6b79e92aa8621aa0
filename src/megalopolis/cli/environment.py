"""Rivers, lakes and air."""

from __future__ import annotations

from typing import Annotated

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
def environment(
    region: RegionName,
    plan: PlanName = None,
    sections: Annotated[bool, typer.Option("--sections", help="Only classes and exceedances of the sections.")] = False,
    attribute: Annotated[
        str | None, typer.Option("--attribute", metavar="CITY", help="Only what a city causes; all: every city.")
    ] = None,
    allocate: Annotated[bool, typer.Option("--allocate", help="Only the four cases and the prices.")] = False,
    json: Json = False,
    year: Year = None,
    settings: Settings = None,
    lang: Lang = "en",
) -> None:
    """Water quality of every section, who causes it, and what four ways of cleaning up cost.

    \b
    megalopolis environment china china/2035
    megalopolis environment china --sections
    megalopolis environment china --attribute Shanghai
    megalopolis environment china --allocate --json
    """
    from megalopolis.evaluation.answers.environment import environment_answer, environment_lines

    evaluation = evaluate_one(region, plan, {"environment"}, year, settings, 0)
    asked = {"sections": sections, "attribution": attribute is not None, "cases": allocate}
    parts = {name for name, wanted in asked.items() if wanted} or set(asked)
    who = None if attribute == "all" else attribute
    if json:
        print_json(evaluation, environment_answer(evaluation, who))
        return
    say_warnings(evaluation, lang)
    typer.echo("\n".join(environment_lines(evaluation, lang, parts=parts, who=who)))
