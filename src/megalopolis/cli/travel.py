"""Minutes between cities."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from megalopolis.cli.app import (
    Json,
    Lang,
    RegionName,
    Settings,
    Year,
    app,
    evaluate_one,
    load,
    print_json,
    say_warnings,
)

Isochrones = Annotated[
    Path | None,
    typer.Option("--isochrones", metavar="FILE", help="Write what one city reaches: .gpkg or .geojson."),
]
Within = Annotated[str, typer.Option("--within", metavar="MIN,MIN", help="Minutes of the isochrones.")]
Omx = Annotated[Path | None, typer.Option("--omx", metavar="FILE", help="Write the matrices as an OMX file.")]
Depart = Annotated[
    str | None, typer.Option("--depart", metavar="HH:MM", help="Leaving the door, where a timetable runs.")
]


def _minute(text: str) -> int:
    """Minute after midnight of a time of day."""
    from megalopolis.errors import BadInput, Problem

    hours, colon, minutes = text.partition(":")
    good = colon and hours.isascii() and hours.isdigit() and minutes.isascii() and minutes.isdigit()
    if not good or len(minutes) != 2 or int(hours) > 23 or int(minutes) > 59:
        raise BadInput(Problem("--depart", f"'{text}' is no time of day", "write it as 07:30"))
    return 60 * int(hours) + int(minutes)


@app.command()
def travel(
    region: RegionName,
    where: Annotated[
        list[str] | None, typer.Argument(metavar="[FROM TO] [PLAN]", help="Two cities, a plan, or all three.")
    ] = None,
    json: Json = False,
    year: Year = None,
    settings: Settings = None,
    lang: Lang = "en",
    isochrones: Isochrones = None,
    within: Within = "60,120,180",
    omx: Omx = None,
    depart: Depart = None,
) -> None:
    """Door-to-door minutes: between two cities with the itinerary, or between all; isochrones of one.

    Cities by id, English or Chinese name.

    \b
    megalopolis travel china Beijing Shanghai
    megalopolis travel china 北京 大连 --year 2000
    megalopolis travel china Chengdu Chongqing china/2035 --json
    megalopolis travel china Wuhan china/2035 --isochrones wuhan.gpkg --within 60,120
    megalopolis travel china --omx minutes.omx
    megalopolis travel my-region Ann Cor --depart 07:30
    """
    from megalopolis.errors import BadInput, Problem
    from megalopolis.evaluation.answers.travel import travel_answer, travel_lines, travel_table, travel_table_lines

    given = where or []
    if isochrones:
        _isochrones(region, given, isochrones, within, year, settings)
        return
    minute = None if depart is None else _minute(depart)
    if len(given) > 3:
        raise BadInput(Problem("", f"{len(given)} names after the region", "give FROM TO, and a plan"))
    ends, plan = (given[:2], given[2:]) if len(given) >= 2 else ([], given)
    found, _ = load(region, [])
    if plan and not ends and found.names.knows(plan[0]):
        raise BadInput(Problem("", f"'{plan[0]}' is a city", "name two cities, FROM and TO"))
    ids = [found.names.city(text) for text in ends]
    if ids and ids[0] == ids[1]:
        raise BadInput(Problem("", f"'{ends[0]}' and '{ends[1]}' are the same city", "name two cities"))
    if minute is not None and not ids:
        raise BadInput(Problem("", "a departure needs a trip", "name two cities, FROM and TO"))
    evaluation = evaluate_one(region, plan[0] if plan else None, {"travel"}, year, settings, 0)
    if omx:
        from megalopolis.evaluation.export import to_omx

        to_omx(evaluation, omx)
        typer.echo(omx)
        return
    answer = travel_answer(evaluation, ids[0], ids[1], minute) if ids else travel_table(evaluation)
    if json:
        print_json(evaluation, answer)
        return
    say_warnings(evaluation, lang)
    lines = travel_lines(answer, evaluation, lang) if ids else travel_table_lines(evaluation, lang)
    typer.echo("\n".join(lines))


def _isochrones(
    region: str, given: list[str], path: Path, within: str, year: int | None, settings: list[str] | None
) -> None:
    from megalopolis.errors import BadInput, Problem
    from megalopolis.evaluation.isochrones import isochrones, write_isochrones

    if not 1 <= len(given) <= 2:
        raise BadInput(Problem("--isochrones", f"{len(given)} names after the region", "give one city, and a plan"))
    try:
        limits = [float(text) for text in within.split(",")]
    except ValueError as error:
        raise BadInput(Problem("--within", f"'{within}' is not a list of minutes", "write 60,120,180")) from error
    evaluation = evaluate_one(region, given[1] if len(given) > 1 else None, {"travel"}, year, settings, 0)
    land = isochrones(evaluation, given[0], limits)
    write_isochrones(land, path)
    for row in land.itertuples():
        typer.echo(f"{row.minutes:g} min: {row.cities} cities, {row.people / 1e6:.1f} million people")
    typer.echo(path)
