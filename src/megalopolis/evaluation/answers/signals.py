"""The five signals, as a document and as text."""

from __future__ import annotations

from megalopolis.evaluation.answers.document import Document
from megalopolis.evaluation.answers.plaintext import Teller
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.evaluation.signals import signals_of
from megalopolis.region import Region


def signals_answer(evaluation: Evaluation, language: str) -> Document:
    """The five signals."""
    return {"signals": signals_of(evaluation, language)}


def signals_lines(answer: Document, region: Region, language: str) -> list[str]:
    """The five signals, an indicator a line."""
    tell = Teller(region, language)
    words, lines = tell.words, list[str]()
    for signal in answer["signals"]:
        lines += [
            words("text_signal", **{k: signal[k] for k in ("label", "change", "driving_force")}),
            f"  {words('horizon')}{words('colon')}{signal['horizon']}",
        ]
        for row in signal["indicators"]:
            said = tell.figure(row["value"], row["unit"])
            if row["year"]:
                said += words("text_when", case=words.term("case", row["case"]), year=row["year"])
            if row["target"] is not None:
                said += words("text_target", value=tell.figure(row["target"], row["unit"]), year=row["target_year"])
            why = words("colon") + row["why"] if row["why"] else ""
            lines.append(f"  - {row['label']}{words('colon')}{said} -> {words.term('verdict', row['verdict'])}{why}")
        lines.append("")
    return lines[:-1]
