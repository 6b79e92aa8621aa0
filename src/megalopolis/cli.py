"""The command line. Heavy parts are imported when a command needs them."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NoReturn, cast

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from megalopolis.evaluation import Evaluation
    from megalopolis.pillar import Progress
    from megalopolis.plan import Plan
    from megalopolis.region import Region

FAILED, BAD_INPUT = 1, 2
INTERRUPTED: Final = 130
#: Wrong use of a command; typer does not export it and keeps it in different places in different versions.
_WRONG_USE: Final = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])

app = typer.Typer(
    help="""Plan city clusters: what a joint plan changes in every city, what it costs, who gains, who pays.

    \b
    megalopolis report china                       the bundled plan china/2035, as a report with its tables
    megalopolis travel china Beijing Shanghai      door to door today
    megalopolis clusters china china/2035 --json   clusters that travel really forms, with the plan's lines
    megalopolis check my-region                    everything wrong with a region of your own

    REGION is a bundled name (china), a folder of CSV files, an Excel workbook or a GeoPackage; PLAN is a bundled
    name (china/2035) or a YAML file. Results go to stdout, progress and warnings to stderr. Exit: 0 done, 1 failed,
    2 bad input.
    """,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

RegionName = Annotated[str, typer.Argument(metavar="REGION", help="Bundled name, folder, workbook or GeoPackage.")]
PlanName = Annotated[
    str | None, typer.Argument(metavar="[PLAN]", help="Bundled name or YAML file; none: the baseline.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Year = Annotated[
    int | None, typer.Option("--year", min=1800, max=2200, help="Year; default the plan's last, else today.")
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="ID=VALUE", help="Parameter, as travel.transfer_min=20.")
]
Draws = Annotated[int | None, typer.Option("--draws", min=0, max=1000, help="Parameter draws behind every range.")]
Lang = Annotated[Literal["en", "zh"], typer.Option("--lang", help="Language of texts.")]


def _progress() -> tuple[Any, Progress]:
    """Return a progress bar on stderr and the callback that moves it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
    )
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task("reading", total=None)

    def progress(stage: str, done: int, total: int) -> None:
        bar.update(task, description=stage, completed=done, total=total)

    return bar, progress


def _load(region: str, plans: Sequence[str | None]) -> tuple[Region, list[Plan | None]]:
    from megalopolis.region.read import read_region

    return read_region(region), _plans(plans)


def _plans(names: Sequence[str | None]) -> list[Plan | None]:
    from megalopolis.plan import load_plan

    return [load_plan(name) if name else None for name in names]


def _evaluate(
    region: Region,
    plans: list[Plan | None],
    *,
    only: set[str] | None = None,
    years: Sequence[int] | None = None,
    settings: list[str] | None = None,
    draws: int | None = None,
) -> list[Evaluation]:
    from megalopolis.evaluation.evaluate import DRAWS, evaluate_all
    from megalopolis.parameters import parse_settings

    bar, progress = _progress()
    with bar:
        return evaluate_all(
            region,
            plans,
            years=years,
            only=only,
            settings=parse_settings(settings or []),
            draws=DRAWS if draws is None else draws,
            progress=progress,
        )


def _one(
    region: str, plan: str | None, pillars: set[str], year: int | None, settings: list[str] | None, draws: int
) -> Evaluation:
    """Evaluate one plan in one year: the given one, the plan's last, or today."""
    found, plans = _load(region, [plan])
    years = [year if year is not None else (plans[0].last_year(found.meta.now) if plans[0] else found.meta.now)]
    evaluation = _evaluate(found, plans, only=pillars, years=years, settings=settings, draws=draws)[0]
    missing = pillars & set(evaluation.skipped)
    if missing:
        from megalopolis.errors import BadInput, Problem

        name = min(missing)
        raise BadInput(Problem(region, f"{name} cannot be evaluated", evaluation.skipped[name]))
    return evaluation


def _print_json(evaluation: Evaluation, result: dict[str, Any]) -> None:
    from megalopolis.evaluation.answers import envelope
    from megalopolis.evaluation.export import dump_json

    _print_document(dump_json(envelope(evaluation, result)))


def _print_document(text: str) -> None:
    """Print JSON: the same bytes on every machine, whatever the terminal's encoding and line ends."""
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def _say_warnings(evaluation: Evaluation) -> None:
    for warning in evaluation.warnings:
        typer.echo(f"note: {warning}", err=True)


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

    found, loaded = _load(region, list(plans or []))
    if not loaded:
        loaded = _plans([n for n in (found.meta.default_plan, *found.meta.alternatives) if n]) or [None]
    folder = output or Path(f"{Path(region).resolve().stem}-report")
    _refuse_output(folder)
    evaluations = _evaluate(found, loaded, years=years, settings=settings, draws=draws)
    _say_warnings(evaluations[0])
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
    from megalopolis.evaluation.answers import compare_answer
    from megalopolis.evaluation.compare import compare as side_by_side
    from megalopolis.evaluation.text import comparison_lines

    if len(plans) < 2:
        raise BadInput(Problem("", "one plan alone cannot be compared", "name at least two plans"))
    found, loaded = _load(region, list(plans))
    last = year or min(p.last_year(found.meta.now) for p in loaded if p)
    evaluations = _evaluate(found, loaded, years=[last], settings=settings, draws=draws)
    comparison = side_by_side(evaluations)
    if json:
        _print_json(evaluations[0], compare_answer(comparison))
        return
    _say_warnings(evaluations[0])
    typer.echo("\n".join(comparison_lines(comparison, found, lang)))


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

    evaluation = _one(region, plan, {"clusters"}, year, settings, 0)
    if json:
        _print_json(evaluation, clusters_answer(evaluation))
        return
    _say_warnings(evaluation)
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
    found, _ = _load(region, [])
    if plan and not ends and found.names.knows(plan[0]):
        raise BadInput(Problem("", f"'{plan[0]}' is a city", "name two cities, FROM and TO"))
    ids = [found.names.city(text) for text in ends]
    if ids and ids[0] == ids[1]:
        raise BadInput(Problem("", f"'{ends[0]}' and '{ends[1]}' are the same city", "name two cities"))
    evaluation = _one(region, plan[0] if plan else None, {"travel"}, year, settings, 0)
    answer = travel_answer(evaluation, *ids) if ids else travel_table(evaluation)
    if json:
        _print_json(evaluation, answer)
        return
    _say_warnings(evaluation)
    lines = travel_lines(answer, lang) if ids else travel_table_lines(evaluation, lang)
    typer.echo("\n".join(lines))


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

    found, _ = _load(region, [])
    _, plans = _load(region, [plan or found.meta.default_plan])
    years = sorted({found.meta.now, plans[0].last_year(found.meta.now) if plans[0] else found.meta.now})
    evaluation = _evaluate(found, plans, years=years, settings=settings, draws=draws)[0]
    answer = signals_answer(evaluation, lang)
    if json:
        _print_json(evaluation, answer)
        return
    _say_warnings(evaluation)
    typer.echo("\n".join(signals_lines(answer)))


@app.command()
def check(region: RegionName, json: Json = False) -> None:
    """Validate a region: every problem with its file, row and column.

    \b
    megalopolis check my-region
    megalopolis check cities.xlsx
    """
    from megalopolis.evaluation.text import check_lines
    from megalopolis.region.inspect import check_region

    found = check_region(region)
    if json:
        from megalopolis.evaluation.export import dump_json

        _print_document(dump_json(found.record()))
    else:
        typer.echo("\n".join(check_lines(found)))
    if found.problems:
        raise typer.Exit(BAD_INPUT)


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make; must not exist.")],
    excel: Annotated[bool, typer.Option("--excel", help="One workbook instead of CSV files.")] = False,
    lang: Lang = "en",
) -> None:
    """Start a region of one's own from an empty template.

    \b
    megalopolis new my-region
    megalopolis new my-region --excel --lang zh
    """
    from megalopolis.region.new import new_region

    for path in new_region(folder, excel=excel, language=lang):
        typer.echo(path)


@app.command()
def reproduce(run: Annotated[Path, typer.Argument(metavar="run.json", help="The run.json beside a report.")]) -> None:
    """Compute a run again and say whether the numbers are the same.

    \b
    megalopolis reproduce china-report/run.json
    """
    from megalopolis.evaluation.runfile import reproduce as again
    from megalopolis.region.read import read_region

    bar, progress = _progress()
    with bar:
        evaluations, differences = again(run, read_region, progress)
    for line in differences:
        typer.echo(line)
    if differences:
        raise typer.Exit(FAILED)
    typer.echo(f"the same: {sum(len(e.ledger) for e in evaluations)} values agree")


def _shown(error: BaseException | str) -> list[str]:
    """Lines of an error: one for each problem of bad input, else one in all."""
    from megalopolis.errors import BadInput

    if isinstance(error, BadInput):
        return str(error).splitlines()
    return [" ".join(str(error).split()) or type(error).__name__]


def main() -> None:
    """Run the command line; turn errors into one line each and an exit status."""
    from megalopolis.errors import BadInput
    from megalopolis.pillar import CheckFailed

    gc.disable()  # a command soon gives all its memory back: collecting on the way takes a tenth of its time
    atexit.register(gc.freeze)
    for stream in (sys.stdout, sys.stderr):
        cast("Any", stream).reconfigure(errors="replace")  # a terminal may lack Chinese characters
    status = None
    try:
        status = app(sys.argv[1:] or ["--help"], standalone_mode=False)
        sys.stdout.flush()
    except _WRONG_USE as error:
        usage = f"see {error.ctx.command_path} --help" if error.ctx else "see megalopolis --help"
        _fail(f"{error.format_message().rstrip('.')}; {usage}", BAD_INPUT)
    except BadInput as error:
        _fail(error, BAD_INPUT)
    except BrokenPipeError:
        _drop_output()
        sys.exit(FAILED)
    except OSError as error:
        _drop_output()
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}", FAILED)
    except (CheckFailed, MemoryError) as error:
        _fail(error, FAILED)
    except KeyboardInterrupt:
        status = INTERRUPTED
    if status == INTERRUPTED:
        _fail("interrupted; nothing was written", INTERRUPTED)
    sys.exit(status)


def _drop_output() -> None:
    """Throw away what cannot be written to stdout, so that Python does not try again when it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(error: BaseException | str, status: int) -> NoReturn:
    for line in _shown(error):
        typer.echo(f"error: {line}", err=True)
    sys.exit(status)
