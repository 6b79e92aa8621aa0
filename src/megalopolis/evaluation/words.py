"""The report's words in two languages, from one table."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

LANGUAGES = ("en", "zh")


@cache
def table() -> dict[str, dict[str, str]]:
    """Every key of ``labels.csv`` with its text by language."""
    with files("megalopolis.evaluation").joinpath("labels.csv").open(encoding="utf-8") as stream:
        return {row["key"]: row for row in csv.DictReader(stream)}


@dataclass(frozen=True)
class Words:
    """Look-up of the report's words in one language.

    Raises
    ------
    ValueError
        If the language is neither ``en`` nor ``zh``.
    """

    language: str

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise ValueError(f"the report is written in {' or '.join(LANGUAGES)}, not '{self.language}'")

    def __call__(self, key: str, **fields: object) -> str:
        """Text of a key with its fields filled in; the result is plain text, to be escaped where it is shown."""
        return table()[key][self.language].format(**fields)

    def term(self, group: str, word: object) -> str:
        """Text of one of a fixed set of words, such as a verdict; one that the table lacks is shown as it is."""
        key = f"{group}_{str(word).replace(' ', '_')}"
        return self(key) if key in table() else str(word)
