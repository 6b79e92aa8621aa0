"""What is wrong with a region, as text."""

from __future__ import annotations

from pathlib import Path

from megalopolis.environment import check as environment
from megalopolis.evaluation.answers.plaintext import table
from megalopolis.region.inspect import Report, check_region
from megalopolis.services.state import problems_of


def inspected(source: str | Path) -> Report:
    """Check a region with what its pillars would refuse; see `megalopolis.region.inspect.check_region`."""
    return check_region(source, (problems_of, environment.problems_of), (environment.notes_of,))


def check_lines(report: Report) -> list[str]:
    """Tables with the shares of provenance, then every problem and warning."""
    rows = [[str(cell) for cell in row.values()] for row in report.summary]
    lines = table(list(report.summary[0]), rows) if rows else []
    lines += [f"warning: {w}" for w in report.warnings]
    shown = [f"error: {p}" for p in report.problems[:100]]
    if len(report.problems) > 100:
        shown.append(f"and {len(report.problems) - 100} more problems")
    return [*lines, *shown, f"{len(report.problems)} problems, {len(report.warnings)} warnings"]
