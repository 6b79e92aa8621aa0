"""What paperwork costs residents, and which links between authorities to build first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    progress_bar,
    say_warnings,
)

if TYPE_CHECKING:
    import datetime as dt

    from megalopolis.evaluation import Evaluation

City = Annotated[str | None, typer.Option(metavar="CITY", help="City by id or name.")]


@app.command()
def services(
    region: RegionName,
    plan: PlanName = None,
    home: City = None,
    work: City = None,
    procedures: Annotated[
        list[str] | None, typer.Option("--procedure", metavar="CODE", help="Procedure, by code or label; repeatable.")
    ] = None,
    start: Annotated[str | None, typer.Option("--start", metavar="DATE", help="Day of filing, 2026-03-01.")] = None,
    links: Annotated[bool, typer.Option("--links", help="Choose the links to build first.")] = False,
    cities: Annotated[
        list[str] | None, typer.Option("--cities", metavar="CITY", help="City or cluster:<id>; repeatable.")
    ] = None,
    budget: Annotated[float | None, typer.Option("--budget", min=0, help="Currency, over all years.")] = None,
    share: Annotated[
        float, typer.Option("--share", min=0, max=1, help="Budget as a share of what everything costs.")
    ] = 0.25,
    spend: Annotated[
        list[int] | None, typer.Option("--spend", min=1800, max=2200, help="Year in which money is spent; repeatable.")
    ] = None,
    cap: Annotated[float | None, typer.Option("--cap", min=0, help="Most that one city pays, currency.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the links: .json for a hub, .yaml as a plan.")
    ] = None,
    json: Json = False,
    year: Year = None,
    settings: Settings = None,
    draws: Draws = None,
    lang: Lang = "en",
) -> None:
    """What paperwork costs residents by home and work city; what one resident needs; which links to build first.

    \b
    megalopolis services china
    megalopolis services china --home Suzhou --work Shanghai --procedure pension_transfer
    megalopolis services china --home 苏州 --work 上海 --lang zh
    megalopolis services china --links --cities cluster:pearl-delta --budget 2e8 -o links.json
    """
    from megalopolis.evaluation.answers import services as answers
    from megalopolis.evaluation.evaluate import DRAWS

    one = home is not None or work is not None
    _refuse_mixed(one=one, links=links, home=home, work=work, cities=cities, output=output)
    day = _day(start, wanted=one or links, procedures=procedures)
    number = 0 if one or links else DRAWS if draws is None else draws
    evaluation = evaluate_one(region, plan, {"services"}, year, settings, number)
    if one:
        answer = _resident(evaluation, str(home), str(work), procedures or [], day)
        lines = answers.resident_lines(answer, lang)
    elif links:
        answer = _chosen(evaluation, cities or [], spend, budget=budget, share=share, cap=cap, output=output)
        lines = answers.links_lines(answer, evaluation, lang)
    else:
        answer, lines = answers.services_answer(evaluation), answers.services_lines(evaluation, lang)
    if json:
        print_json(evaluation, answer)
        return
    say_warnings(evaluation, lang)
    typer.echo("\n".join(lines))


def _resident(
    evaluation: Evaluation, home: str, work: str, procedures: list[str], day: dt.date | None
) -> dict[str, object]:
    from megalopolis.evaluation.answers.services import resident_answer

    names = evaluation.region.names
    ends = names.city(home, "--home"), names.city(work, "--work")
    return resident_answer(evaluation, *ends, procedures, day)


def _chosen(
    evaluation: Evaluation,
    cities: list[str],
    spend: list[int] | None,
    *,
    budget: float | None,
    share: float,
    cap: float | None,
    output: Path | None,
) -> dict[str, object]:
    """Choose the links behind a progress bar, and write them where that is asked."""
    from megalopolis.evaluation.answers.services import links_answer

    years = sorted(set(spend or range(evaluation.year + 1, evaluation.year + 4)))
    ids = evaluation.region.names.cities(cities, "--cities")
    bar, progress = progress_bar()
    with bar:
        answer = links_answer(evaluation, ids, years, budget=budget, share=share, city_cap=cap, progress=progress)
    if output is not None:
        _write(answer, output, evaluation)
    return answer


def _refuse_mixed(
    *, one: bool, links: bool, home: str | None, work: str | None, cities: list[str] | None, output: Path | None
) -> None:
    from megalopolis.errors import BadInput, Problem

    if one and links:
        raise BadInput(Problem("", "--links and --home ask for two things", "ask for one of them"))
    if one and (home is None or work is None):
        raise BadInput(Problem("", "one resident has a home and a work city", "give both --home and --work"))
    if links and not cities:
        raise BadInput(Problem("--cities", "no cities to link", "name cities, or cluster:<id>"))
    if not links and (cities or output):
        raise BadInput(Problem("", "--cities and -o belong to --links", "add --links"))
    if output is not None and output.suffix.casefold() not in {".json", ".yaml", ".yml"}:
        what = f"'{output.name}' is neither JSON nor YAML"
        raise BadInput(Problem("-o", what, "end it with .json for a hub, or .yaml for a plan"))


def _day(text: str | None, *, wanted: bool, procedures: list[str] | None) -> dt.date | None:
    import datetime as dt

    from megalopolis.errors import BadInput, Problem

    if (procedures or text) and not wanted:
        raise BadInput(Problem("", "--procedure and --start ask for one resident", "give --home and --work too"))
    try:
        return None if text is None else dt.date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(Problem("--start", f"'{text}' is not a date", "write 2026-03-01")) from error


def _write(answer: dict[str, object], path: Path, evaluation: Evaluation) -> None:
    """Write the links as a hub reads them, or as a plan of measures."""
    import yaml

    from megalopolis.evaluation.answers.catalogue import plan_of_links
    from megalopolis.evaluation.answers.document import plain
    from megalopolis.evaluation.export import dump_json
    from megalopolis.region.write import write_text

    if path.suffix.casefold() == ".json":
        write_text(dump_json(plain(answer)), path)
        return
    plan = plan_of_links(answer, evaluation.region)
    write_text(yaml.safe_dump(plan, allow_unicode=True, sort_keys=False, width=120), path)
