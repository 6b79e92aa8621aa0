"""What a pillar takes and gives: results with their checks, the registry of indicators, progress."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import pandas as pd

#: Called as ``progress(stage, done, total)``; may raise `Cancelled`.
Progress = Callable[[str, int, int], None]

#: The seven pillars of the design, built or not.
ALL_PILLARS = ("travel", "clusters", "economy", "services", "environment", "carbon", "settlement")


class Cancelled(Exception):  # noqa: N818 - an event, not an error
    """Raised by a progress callback to stop an evaluation."""


class CheckFailed(RuntimeError):  # noqa: N818 - says what happened
    """A residual or a conservation check of a solve is violated: the result would be wrong, so there is none."""


def silent(stage: str, done: int, total: int) -> None:
    """Report no progress."""


@dataclass(frozen=True)
class Check:
    """A residual or conserved quantity of a solve against its limit."""

    name: str
    value: float
    limit: float

    @property
    def ok(self) -> bool:
        """Whether the value is within the limit; NaN is not."""
        return self.value <= self.limit

    @property
    def ratio(self) -> float:
        """Value as a share of the limit; of a limit of zero, 0 where it holds."""
        if self.limit > 0:
            return self.value / self.limit
        return 0.0 if self.ok else float("inf")

    def record(self) -> dict[str, object]:
        """Return the check as in the JSON envelope."""
        return {"name": self.name, "value": self.value, "limit": self.limit, "ok": self.ok}


@dataclass(frozen=True)
class Result:
    """What a pillar computed for one state.

    Attributes
    ----------
    pillar : str
        Name of the pillar.
    tables : mapping of str to DataFrame
        Labelled frames, by name.
    indicators : DataFrame
        Columns ``place, indicator, value`` and, where the pillar knows them, ``low, high, status``.
    checks : tuple of Check
        Residuals and conservation, all of them ok.
    warnings : tuple of str
        What a user should know about the result.

    Raises
    ------
    CheckFailed
        If a check is not ok.
    """

    pillar: str
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    indicators: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["place", "indicator", "value"]))
    checks: tuple[Check, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", MappingProxyType(dict(self.tables)))
        broken = [c for c in self.checks if not c.ok]
        if broken:
            said = "; ".join(f"{c.name} is {c.value:g}, limit {c.limit:g}" for c in broken)
            raise CheckFailed(f"{self.pillar}: {said}")
        if self.indicators["value"].isna().any():
            bad = self.indicators.loc[self.indicators["value"].isna(), "indicator"].unique()
            raise CheckFailed(f"{self.pillar}: no value for {', '.join(bad)}")


@dataclass(frozen=True)
class Indicator:
    """An entry of the registry of indicators.

    Attributes
    ----------
    id, unit, label_en, label_zh, description, description_zh : str
        As shown.
    better : int
        1 where more is better, -1 where less is, 0 where neither.
    aggregate : str
        How cities make a cluster or the region: ``sum``, ``mean`` (weighted by population) or ``none``.
    account : str
        Group it belongs to in the report.
    pillar : str
        Pillar that computes it.
    """

    id: str
    unit: str
    better: int
    aggregate: str
    account: str
    label_en: str
    label_zh: str
    description: str
    description_zh: str
    pillar: str

    def label(self, language: str) -> str:
        """Label in a language, English where there is none."""
        return self.label_zh if language == "zh" and self.label_zh else self.label_en

    def described(self, language: str) -> str:
        """Definition in a language, English where there is none."""
        return self.description_zh if language == "zh" and self.description_zh else self.description


@cache
def indicators() -> dict[str, Indicator]:
    """Every indicator of every pillar that is built, by id, in the order of the pillars' tables."""
    found = {}
    for pillar in ALL_PILLARS:
        table = files("megalopolis").joinpath(pillar, "indicators.csv")
        if not table.is_file():
            continue
        with table.open(encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                better = int(row.pop("better"))
                found[row["id"]] = Indicator(**row, better=better, pillar=pillar)
    return found
