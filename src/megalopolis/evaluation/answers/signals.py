"""The five signals, as a document and as text."""

from __future__ import annotations

from megalopolis.evaluation.answers.document import Document
from megalopolis.evaluation.answers.plaintext import figure
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.evaluation.signals import signals_of


def signals_answer(evaluation: Evaluation, language: str) -> Document:
    """The five signals."""
    return {"signals": signals_of(evaluation, language)}


def signals_lines(answer: Document) -> list[str]:
    """The five signals, an indicator a line."""
    lines: list[str] = []
    for signal in answer["signals"]:
        lines += [
            f"{signal['label']}: {signal['change']} ({signal['driving_force']})",
            f"  horizon: {signal['horizon']}",
        ]
        for row in signal["indicators"]:
            year = f" ({row['case']} {row['year']})" if row["year"] else ""
            target = (
                f", target {figure(row['target'], row['unit'])} in {row['target_year']}"
                if row["target"] is not None
                else ""
            )
            why = f": {row['why']}" if row["why"] else ""
            lines.append(
                f"  - {row['label']}: {figure(row['value'], row['unit'])}{year}{target} -> {row['verdict']}{why}"
            )
        lines.append("")
    return lines
