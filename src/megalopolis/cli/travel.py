"""Minutes between cities."""

from __future__ import annotations

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
) -> None:
    """Door-to-door minutes: between two cities with the itinerary, or between all.

    Cities by id, English or Chinese name.

    \b
    megalopolis travel china Beijing Shanghai
    megalopolis travel china 北京 大连 --year 2000
    megalopolis travel china Chengdu Chongqing china/2035 --json
    """
    from megalopolis.errors import BadInput, Problem
    from megalopolis.evaluation.answers.travel import travel_answer, travel_lines, travel_table, travel_table_lines

    given = where or []
    if len(given) > 3:
        raise BadInput(Problem("", f"{len(given)} names after the region", "give FROM TO, and a plan"))
    ends, plan = (given[:2], given[2:]) if len(given) >= 2 else ([], given)
    found, _ = load(region, [])
    if plan and not ends and found.names.knows(plan[0]):
        raise BadInput(Problem("", f"'{plan[0]}' is a city", "name two cities, FROM and TO"))
    ids = [found.names.city(text) for text in ends]
    if ids and ids[0] == ids[1]:
        raise BadInput(Problem("", f"'{ends[0]}' and '{ends[1]}' are the same city", "name two cities"))
    evaluation = evaluate_one(region, plan[0] if plan else None, {"travel"}, year, settings, 0)
    answer = travel_answer(evaluation, *ids) if ids else travel_table(evaluation)
    if json:
        print_json(evaluation, answer)
        return
    say_warnings(evaluation, lang)
    lines = travel_lines(answer, lang) if ids else travel_table_lines(evaluation, lang)
    typer.echo("\n".join(lines))
