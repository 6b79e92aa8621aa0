"""Bad input: what is wrong, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

_LONGEST: Final = 500


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong in the input.

    Attributes
    ----------
    where : str
        ``file:row:column``, ``workbook.xlsx:sheet!C12`` or ``plan.yaml:line``.
    what : str
        What is wrong, as a clause.
    todo : str
        What the user can do about it.
    """

    where: str
    what: str
    todo: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        text = " ".join((f"{text}; {self.todo}" if self.todo else text).split())
        text = "".join(ch if ch.isprintable() else "?" for ch in text)  # headers and cells of others stand in it
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


class BadInput(ValueError):  # noqa: N818 - named for the reader of a traceback, who is a user
    """Raised for input that cannot be used; carries every problem found, never just the first."""

    def __init__(self, problems: Iterable[Problem] | Problem) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(listed(self.problems)))


def listed(problems: Sequence[Problem], limit: int = 100) -> list[str]:
    """Return one line for each problem, and one that says how many are left out beyond the limit."""
    rest = len(problems) - limit
    return [*map(str, problems[:limit]), *([f"and {rest:,} more problems"] if rest > 0 else [])]


def suggest(text: str, known: Sequence[str], otherwise: str = "see the region's tables for the names") -> str:
    """Say which known names lie nearest to a mistyped one, or else what to do."""
    near = get_close_matches(text, known, n=3, cutoff=0.6)
    return f"did you mean {' or '.join(near)}?" if near else otherwise
