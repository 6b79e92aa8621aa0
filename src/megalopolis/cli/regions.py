"""Commands on regions and runs: check, new, reproduce."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from megalopolis.cli.app import (
    BAD_INPUT,
    FAILED,
    Json,
    Lang,
    RegionName,
    app,
    print_document,
    progress_bar,
)


@app.command()
def check(region: RegionName, json: Json = False) -> None:
    """Validate a region: every problem with its file, row and column.

    \b
    megalopolis check my-region
    megalopolis check cities.xlsx
    """
    from megalopolis.evaluation.answers.inspection import check_lines, inspected

    found = inspected(region)
    if json:
        from megalopolis.evaluation.export import dump_json

        print_document(dump_json(found.record()))
    else:
        typer.echo("\n".join(check_lines(found)))
    if found.problems:
        raise typer.Exit(BAD_INPUT)


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make; must not exist.")],
    excel: Annotated[bool, typer.Option("--excel", help="One workbook instead of CSV files.")] = False,
    lang: Lang = "en",
    country: Annotated[
        str | None,
        typer.Option("--country", metavar="CODE", help="Cities of a country from GeoNames: DE, JPN, France."),
    ] = None,
    min_population: Annotated[
        int | None, typer.Option("--min-population", min=15_000, help="Residents of its smallest city; default 50000.")
    ] = None,
) -> None:
    """Start a region of one's own from an empty template, or from the cities of a country.

    \b
    megalopolis new my-region
    megalopolis new my-region --excel --lang zh
    megalopolis new germany --country DE
    """
    from megalopolis.region.new import new_region

    for path in new_region(folder, excel=excel, language=lang, country=country, min_population=min_population):
        typer.echo(path)


@app.command()
def reproduce(run: Annotated[Path, typer.Argument(metavar="run.json", help="The run.json beside a report.")]) -> None:
    """Compute a run again and say whether the numbers are the same.

    \b
    megalopolis reproduce china-report/run.json
    """
    from megalopolis.evaluation.runfile import reproduce as again
    from megalopolis.region.read import read_region

    bar, progress = progress_bar()
    with bar:
        evaluations, differences = again(run, read_region, progress)
    for line in differences:
        typer.echo(line)
    if differences:
        raise typer.Exit(FAILED)
    typer.echo(f"the same: {sum(len(e.ledger) for e in evaluations)} values agree")
