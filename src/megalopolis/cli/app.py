"""The application, its options, and what its commands share. Heavy parts are imported when a command needs them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from megalopolis.evaluation import Evaluation
    from megalopolis.pillar import Progress, Result
    from megalopolis.plan import Plan
    from megalopolis.region import Region

FAILED: Final = 1
BAD_INPUT: Final = 2

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


def progress_bar() -> tuple[Any, Progress]:
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


def load(region: str, plans: Sequence[str | None]) -> tuple[Region, list[Plan | None]]:
    """Read a region and the plans named."""
    from megalopolis.region.read import read_region

    return read_region(region), load_plans(plans)


def load_plans(names: Sequence[str | None]) -> list[Plan | None]:
    """Read the plans named; None stays None, the baseline."""
    from megalopolis.plan import load_plan

    return [load_plan(name) if name else None for name in names]


def evaluate_plans(
    region: Region,
    plans: list[Plan | None],
    *,
    only: set[str] | None = None,
    years: Sequence[int] | None = None,
    settings: list[str] | None = None,
    draws: int | None = None,
) -> list[Evaluation]:
    """Evaluate plans behind a progress bar."""
    from megalopolis.evaluation.evaluate import DRAWS, evaluate_all
    from megalopolis.parameters import parse_settings

    bar, progress = progress_bar()
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


def evaluate_one(
    region: str, plan: str | None, pillars: set[str], year: int | None, settings: list[str] | None, draws: int
) -> Evaluation:
    """Evaluate one plan in one year: the given one, the plan's last, or today."""
    found, plans = load(region, [plan])
    years = [year if year is not None else (plans[0].last_year(found.meta.now) if plans[0] else found.meta.now)]
    evaluation = evaluate_plans(found, plans, only=pillars, years=years, settings=settings, draws=draws)[0]
    missing = pillars & set(evaluation.skipped)
    if missing:
        from megalopolis.errors import BadInput, Problem

        name = min(missing)
        raise BadInput(Problem(region, f"{name} cannot be evaluated", evaluation.skipped[name]))
    return evaluation


def print_json(evaluation: Evaluation, result: dict[str, Any], own: Result | None = None) -> None:
    """Print a result in the envelope of every answer, with the checks and warnings of its own computation."""
    from megalopolis.evaluation.answers.document import envelope
    from megalopolis.evaluation.export import dump_json

    print_document(dump_json(envelope(evaluation, result, own)))


def print_document(text: str) -> None:
    """Print JSON: the same bytes on every machine, whatever the terminal's encoding and line ends."""
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def say_warnings(evaluation: Evaluation, language: str = "en") -> None:
    """Print the warnings of an evaluation to stderr."""
    say_notes(evaluation.warnings, language, evaluation.region)


def say_notes(notes: Iterable[str], language: str, region: Region) -> None:
    """Print what is worth knowing of a result to stderr."""
    from megalopolis.evaluation.sentences import told
    from megalopolis.evaluation.words import Words

    for note in notes:
        typer.echo(Words(language)("text_note", said=told(note, language, region)), err=True)
