"""The report: one HTML page for a minister, and every table beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from megalopolis.errors import BadInput, Problem
from megalopolis.evaluation import Evaluation
from megalopolis.evaluation.export import write_tables
from megalopolis.evaluation.words import Words
from megalopolis.pillar import Progress, silent
from megalopolis.region.write import atomic
from megalopolis.report.front import front
from megalopolis.report.page import render
from megalopolis.report.view import View

__all__ = ["write_report"]

#: What a folder must hold to be known as a report of ours, and so to be replaced.
_OURS: Final = ("report.html", "run.json")
#: Parts of ``run.json`` that may differ between machines on which the numbers are the same.
_MACHINE: Final = ("megalopolis", "python", "machine", "libraries")


def write_report(
    evaluations: Sequence[Evaluation],
    folder: Path,
    *,
    source: str = "",
    language: str = "en",
    progress: Progress = silent,
) -> list[Path]:
    """Write the report of a plan and its alternatives, and the tables beside it.

    The folder is written under a temporary name and then put in place whole. An earlier report in its place is
    replaced; any other folder is left alone.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        Of one region; the main plan first, alternatives after it.
    folder : Path
        Gets ``report.html``, ``report.xlsx``, ``region.gpkg``, ``run.json`` and the tables as Parquet and CSV.
    source : str
        Name or path that the region was loaded by, for ``run.json``; default its name.
    language : {"en", "zh"}
        Language of the page.
    progress : callable
        See `megalopolis.pillar.Progress`.

    Returns
    -------
    list of Path
        The files, the page first.

    Raises
    ------
    BadInput
        If the folder holds something else than an earlier report.
    ValueError
        If the language is unknown.
    """
    folder = Path(folder)
    words = Words(language)
    refuse_foreign(folder)
    with atomic(folder) as part:
        part.mkdir()
        progress("report: tables", 0, 2)
        written = write_tables(evaluations, part, source or evaluations[0].region.name)
        progress("report: page", 1, 2)
        views = [View(e, words) for e in evaluations]
        page = part / "report.html"
        page.write_text(
            render(views[0], front(views, _run_hash(part / "run.json")), version("megalopolis")),
            encoding="utf-8",
            newline="\n",
        )
        names = [page.relative_to(part), *(path.relative_to(part) for path in written)]
        if folder.is_dir():  # its files are not to be mixed with those of another run
            folder.rename(part.with_name("replaced"))
    progress("report: page", 2, 2)
    return [folder / name for name in names]


def refuse_foreign(folder: Path) -> None:
    """Refuse a folder that holds anything but an earlier report, or a file.

    Raises
    ------
    BadInput
        If so.
    """
    if folder.exists() and not folder.is_dir():
        raise BadInput(Problem(str(folder), "is a file", "give a new folder"))
    if folder.is_dir() and any(folder.iterdir()) and not all((folder / name).is_file() for name in _OURS):
        raise BadInput(
            Problem(str(folder), "is a folder that holds no earlier report", "give a new folder, or empty it")
        )


def _run_hash(record: Path) -> str:
    """Hash of what was computed, the same on every machine: regions, plans, parameters and values."""
    said = json.loads(record.read_text(encoding="utf-8"))
    kept = {key: value for key, value in said.items() if key not in _MACHINE}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
