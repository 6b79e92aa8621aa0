"""The main jobs: a report on a plan, and plans side by side."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from megalopolis.cli.app import (
    Draws,
    Json,
    Lang,
    RegionName,
    Settings,
    Year,
    app,
    evaluate_plans,
    load,
    load_plans,
    print_json,
    say_warnings,
)


@app.command()
def report(
    region: RegionName,
    plans: Annotated[
        list[str] | None, typer.Argument(metavar="[PLAN ...]", help="Plans; the first is the main one.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Folder; default REGION-report.")] = None,
    years: Annotated[
        list[int] | None, typer.Option("--year", min=1800, max=2200, help="Year to evaluate; repeatable.")
    ] = None,
    settings: Settings = None,
    draws: Draws = None,
    lang: Lang = "en",
) -> None:
    """Evaluate a plan and its alternatives; write the report and the tables beside it.

    \b
    megalopolis report china
    megalopolis report china china/2035 my-plan.yaml -o out --lang zh
    """
    from megalopolis.report import write_report

    found, loaded = load(region, list(plans or []))
    if not loaded:
        loaded = load_plans([n for n in (found.meta.default_plan, *found.meta.alternatives) if n]) or [None]
    folder = output or Path(f"{Path(region).resolve().stem}-report")
    _refuse_output(folder)
    evaluations = evaluate_plans(found, loaded, years=years, settings=settings, draws=draws)
    say_warnings(evaluations[0], lang)
    for path in write_report(evaluations, folder, source=region, language=lang):
        typer.echo(path)


def _refuse_output(folder: Path) -> None:
    """Refuse a folder that cannot be written, before anything is computed for it."""
    from megalopolis.errors import BadInput, Problem
    from megalopolis.report import refuse_foreign

    try:
        above = next(p for p in (folder, *folder.parents) if p.exists())
    except OSError as error:
        raise BadInput(Problem(str(folder), error.strerror or "cannot be written", "give another folder")) from error
    if not above.is_dir():
        raise BadInput(Problem(str(above), "is a file", "give a folder"))
    if not os.access(above, os.W_OK):
        raise BadInput(Problem(str(above), "cannot be written to", "give another folder"))
    refuse_foreign(folder)


@app.command()
def compare(
    region: RegionName,
    plans: Annotated[list[str], typer.Argument(metavar="PLAN PLAN ...", help="At least two plans.")],
    json: Json = False,
    year: Year = None,
    settings: Settings = None,
    draws: Draws = None,
    lang: Lang = "en",
) -> None:
    """Lay alternatives side by side against the same reference case.

    \b
    megalopolis compare china china/2035 china/2035-late
    """
    from megalopolis.errors import BadInput, Problem
    from megalopolis.evaluation.answers.alternatives import compare_answer, comparison_lines
    from megalopolis.evaluation.compare import compare as side_by_side

    if len(plans) < 2:
        raise BadInput(Problem("", "one plan alone cannot be compared", "name at least two plans"))
    found, loaded = load(region, list(plans))
    last = year or min(p.last_year(found.meta.now) for p in loaded if p)
    evaluations = evaluate_plans(found, loaded, years=[last], settings=settings, draws=draws)
    comparison = side_by_side(evaluations)
    if json:
        print_json(evaluations[0], compare_answer(comparison))
        return
    say_warnings(evaluations[0], lang)
    typer.echo("\n".join(comparison_lines(comparison, found, lang)))
