"""What was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from megalopolis.cli.app import Json, Lang, RegionName, app, load, print_document, say_notes


@app.command()
def monitoring(
    region: RegionName,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE ...]", help="CSV or SensorThings JSON of observations.")
    ] = None,
    standard: Annotated[str, typer.Option("--standard", help="Standard to assess by.")] = "GB 3838-2002",
    below: Annotated[
        Literal["limit", "half", "zero"], typer.Option("--below", help="Taken for values below the detection limit.")
    ] = "half",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write every value with its flags to a CSV file.")
    ] = None,
    json: Json = False,
    lang: Lang = "en",
) -> None:
    """Quality flags, class and exceedances of what was measured, who causes them, and trends.

    \b
    megalopolis monitoring china
    megalopolis monitoring my-region measured-2025.csv sensors.json -o flagged.csv
    """
    from megalopolis.evaluation.answers.monitoring import causes_of, monitored, monitoring_answer, monitoring_lines
    from megalopolis.evaluation.export import dump_json

    found, _ = load(region, [])
    result, said = monitored(found, files or [], standard=standard, below=below)
    causes = causes_of(found, result.exceedances)
    if output is not None:
        scratch = output.with_name(f".{output.name}.part")
        result.observations.drop(columns=["when", "below"]).to_csv(scratch, index=False)
        scratch.replace(output)
    if json:
        record = {"region": {"name": found.name, "hash": found.hash}, "standard": standard}
        document = {**record, "result": monitoring_answer(found, result, causes), "warnings": list(said)}
        print_document(dump_json(document))
        return
    say_notes(said, lang, found)
    typer.echo("\n".join(monitoring_lines(found, result, causes, lang)))
