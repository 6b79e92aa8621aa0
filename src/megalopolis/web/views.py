"""An evaluation as the page shows it, and as files."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from megalopolis.evaluation import Evaluation
from megalopolis.evaluation.answers.clusters import clusters_answer
from megalopolis.evaluation.answers.document import envelope, plain
from megalopolis.evaluation.answers.travel import travel_table
from megalopolis.evaluation.export import dump_json
from megalopolis.evaluation.ledger import BASELINE, PLAN
from megalopolis.evaluation.sentences import told
from megalopolis.evaluation.words import LANGUAGES, Words
from megalopolis.pillar import Progress, indicators
from megalopolis.report import write_report
from megalopolis.report.front import trust
from megalopolis.report.view import View
from megalopolis.web.formed import Document, formed_document

#: Files of an evaluation by their names, with their types.
FILES: Final = {
    "ledger.json": "application/json",
    "ledger.csv": "text/csv; charset=utf-8",
    "ledger.parquet": "application/vnd.apache.parquet",
    "travel.json": "application/json",
    "clusters.json": "application/json",
    "region.gpkg": "application/geopackage+sqlite3",
    "report.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "run.json": "application/json",
    "report.html": "text/html; charset=utf-8",
    "report.zh.html": "text/html; charset=utf-8",
}
#: Files that are made of all years of a plan, as `megalopolis report` does.
OF_REPORT: Final = ("region.gpkg", "report.xlsx", "run.json", "report.html", "report.zh.html")


def view_document(evaluations: Sequence[Evaluation], *, whole: bool) -> Document:
    """Lay out the last year of an evaluation by place and indicator.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        Of one region, plan and year; they differ in the pillars that ran. Earlier ones win.
    whole : bool
        Whether ranges and the trust badge belong to it.
    """
    first = evaluations[0]
    case = first.last[0]
    places = list(dict.fromkeys(place for e in evaluations for place in e.ledger["place"]))
    number = {place: i for i, place in enumerate(places)}
    columns: dict[str, dict[str, Any]] = {}
    for e in evaluations:
        ledger = e.ledger[(e.ledger["year"] == e.year)]
        for name in indicators():
            if name in columns:
                continue
            rows = ledger[ledger["indicator"] == name]
            if rows.empty:
                continue
            columns[name] = _column(rows, number, case, ("value", "low", "high"))
            gap = e.difference[(e.difference["indicator"] == name) & (e.difference["year"] == e.year)]
            columns[name]["difference"] = _spread(gap, number, ("difference", "low", "high"))
    warnings = list(dict.fromkeys(w for e in evaluations for w in e.warnings))
    document = {
        "region": first.region.name,
        "plan": first.plan.hash if first.plan else None,
        "year": first.year,
        "complete": whole,
        "draws": first.draws,
        "places": places,
        "indicators": columns,
        "clusters": _formed(first),
        "checks": [c.record() for e in evaluations for c in e.checks],
        "residual": max(e.residual for e in evaluations),
        "warnings": {code: [told(w, code, first.region) for w in warnings] for code in LANGUAGES},
        "skipped": first.skipped,
        "trust": {code: _trust(first, code) for code in LANGUAGES} if whole else None,
    }
    return plain(document)  # type: ignore[no-any-return]


def _spread(rows: Any, number: dict[str, int], columns: tuple[str, ...]) -> dict[str, list[float]]:
    """Columns as lists by place; NaN where a place has no row."""
    at = [number[place] for place in rows["place"]]
    found = {}
    for column in columns:
        values = np.full(len(number), np.nan)
        values[at] = rows[column].to_numpy(float)
        found[column] = values.tolist()
    return found


def _column(rows: Any, number: dict[str, int], case: str, columns: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {BASELINE: _spread(rows[rows["case"] == BASELINE], number, columns)}
    if case == PLAN:
        found[PLAN] = _spread(rows[rows["case"] == PLAN], number, columns)
    found["status"] = sorted(set(rows["status"].dropna()))
    return found


def _formed(evaluation: Evaluation) -> dict[str, Document]:
    """Clusters that travel forms, by case."""
    found: dict[str, Document] = {}
    for case in (BASELINE, PLAN):
        key = (case, evaluation.year)
        if key in evaluation.results and "clusters" in evaluation.results[key]:
            found[case] = formed_document(evaluation.region, evaluation.results[key]["clusters"].tables)
    return found


def _trust(evaluation: Evaluation, language: str) -> list[dict[str, str]]:
    return [vars(item) for item in trust(View(evaluation, Words(language)))]


def write_file(evaluation: Evaluation, name: str, path: Path) -> None:
    """Write one file of an evaluation of one year: the ledger, or a document as ``--json`` prints it."""
    if name == "ledger.csv":
        evaluation.ledger.to_csv(path, index=False)
    elif name == "ledger.parquet":
        evaluation.ledger.to_parquet(path, index=False)
    elif name == "ledger.json":
        rows = plain(evaluation.ledger.to_dict("records"))
        path.write_text(dump_json(envelope(evaluation, {"ledger": rows})), encoding="utf-8")
    elif name == "travel.json":
        path.write_text(dump_json(envelope(evaluation, travel_table(evaluation))), encoding="utf-8")
    elif name == "clusters.json":
        path.write_text(dump_json(envelope(evaluation, clusters_answer(evaluation))), encoding="utf-8")
    else:
        raise ValueError(f"no file is called {name}")


def write_reports(evaluations: Sequence[Evaluation], folder: Path, source: str, progress: Progress) -> None:
    """Write the files of `megalopolis report` with the page in both languages."""
    for language in reversed(LANGUAGES):  # the English one last: its tables stay
        part = folder / language
        write_report(evaluations, part, source=source, language=language, progress=progress)
        page = "report.html" if language == "en" else f"report.{language}.html"
        shutil.copy(part / "report.html", folder / page)
        if language == "en":
            for name in ("region.gpkg", "report.xlsx", "run.json"):
                shutil.copy(part / name, folder / name)
        shutil.rmtree(part)
