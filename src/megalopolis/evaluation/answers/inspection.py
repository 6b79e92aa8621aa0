"""What is wrong with a region, as text."""

from __future__ import annotations

from pathlib import Path

from megalopolis.environment import check as environment
from megalopolis.errors import BadInput, Problem
from megalopolis.evaluation.answers.plaintext import table
from megalopolis.parameters import Parameters
from megalopolis.region import Region
from megalopolis.region.inspect import Report, check_region
from megalopolis.services.state import problems_of


def inspected(source: str | Path) -> Report:
    """Check a region with what its pillars would refuse; see `megalopolis.region.inspect.check_region`."""
    return check_region(source, (problems_of, _environment), (_notes_of_environment,))


def _environment(region: Region) -> tuple[Problem, ...]:
    try:
        own = Parameters.of(region.meta.parameters, {})
    except BadInput as error:
        return error.problems
    return environment.problems_of(region, own.of_pillar("environment"))


def _notes_of_environment(region: Region) -> tuple[Problem, ...]:
    return environment.notes_of(region, Parameters.of(region.meta.parameters, {}).of_pillar("environment"))


def check_lines(report: Report) -> list[str]:
    """Tables with the shares of provenance, then every problem and warning."""
    rows = [[str(cell) for cell in row.values()] for row in report.summary]
    lines = table(list(report.summary[0]), rows) if rows else []
    lines += [f"warning: {w}" for w in report.warnings]
    shown = [f"error: {p}" for p in report.problems[:100]]
    if len(report.problems) > 100:
        shown.append(f"and {len(report.problems) - 100} more problems")
    return [*lines, *shown, f"{len(report.problems)} problems, {len(report.warnings)} warnings"]
