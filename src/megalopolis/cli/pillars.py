"""Commands on one pillar each, and the five signals."""

from __future__ import annotations

from typing import Annotated

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
    evaluate_plans,
    load,
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
    from megalopolis.evaluation.answers import clusters_answer
    from megalopolis.evaluation.text import clusters_lines

    evaluation = evaluate_one(region, plan, {"clusters"}, year, settings, 0)
    if json:
        print_json(evaluation, clusters_answer(evaluation))
        return
    say_warnings(evaluation)
    typer.echo("\n".join(clusters_lines(evaluation, lang)))


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
    from megalopolis.evaluation.answers import travel_answer, travel_table
    from megalopolis.evaluation.text import travel_lines, travel_table_lines

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
    say_warnings(evaluation)
    lines = travel_lines(answer, lang) if ids else travel_table_lines(evaluation, lang)
    typer.echo("\n".join(lines))


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
    from megalopolis.evaluation.answers import economy_answer
    from megalopolis.evaluation.evaluate import DRAWS
    from megalopolis.evaluation.text import economy_lines

    evaluation = evaluate_one(region, plan, {"economy"}, year, settings, DRAWS if draws is None else draws)
    if json:
        print_json(evaluation, economy_answer(evaluation))
        return
    say_warnings(evaluation)
    typer.echo("\n".join(economy_lines(evaluation, lang)))


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
    from megalopolis.evaluation.answers import signals_answer
    from megalopolis.evaluation.text import signals_lines

    found, _ = load(region, [])
    _, plans = load(region, [plan or found.meta.default_plan])
    years = sorted({found.meta.now, plans[0].last_year(found.meta.now) if plans[0] else found.meta.now})
    evaluation = evaluate_plans(found, plans, years=years, settings=settings, draws=draws)[0]
    answer = signals_answer(evaluation, lang)
    if json:
        print_json(evaluation, answer)
        return
    say_warnings(evaluation)
    typer.echo("\n".join(signals_lines(answer)))
