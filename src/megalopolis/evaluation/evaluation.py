"""What an evaluation holds, and how to read it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd

from megalopolis.clusters.face import null_scores
from megalopolis.evaluation.backtest import Backtest, population_backtest
from megalopolis.evaluation.declared import Declared, declared_industries
from megalopolis.evaluation.ledger import BASELINE, PLAN, State
from megalopolis.evaluation.solve import Results
from megalopolis.parameters import Parameters, registry
from megalopolis.pillar import Check, Result
from megalopolis.plan import Plan, at
from megalopolis.region import Region
from megalopolis.region.catalogue import TABLE as CATALOGUE
from megalopolis.region.catalogue import stated
from megalopolis.region.schema import schemas
from megalopolis.travel.face import ride_scores

#: Kinds of columns that hold numbers somebody has to answer for, and those that only order rows.
MEASURED_KINDS: Final = frozenset({"number", "integer", "year", "lon", "lat"})
ORDER_COLUMNS: Final = frozenset({"seq"})
#: Reason of a pillar that was left out on purpose; the others are warned of.
NOT_ASKED: Final = "not asked for"
ALONE: Final = "runs by its own command"


@dataclass(frozen=True)
class Evaluation:
    """A plan against the reference case.

    Attributes
    ----------
    region : Region
        As read.
    plan : Plan or None
        The plan; None where only the baseline was evaluated.
    years : tuple of int
        Years evaluated.
    parameters : Parameters
        Values in force.
    draws : int
        Parameter draws behind the ranges.
    states : mapping of (case, year) to Region
        The region in each case and year.
    brief : mapping of (case, year) to mapping of str to Result
        Indicators and checks of the pillars in every state.
    results : mapping of (case, year) to mapping of str to Result
        Whole results of the pillars; a state is solved when it is first asked for.
    ledger : DataFrame
        Columns ``place, year, case, indicator, value, low, high, unit, status``; the first four are its key.
    difference : DataFrame
        Plan less baseline, with the range of paired draws.
    skipped : dict of str to str
        Pillars that were not evaluated, and why.
    """

    region: Region
    plan: Plan | None
    years: tuple[int, ...]
    parameters: Parameters
    draws: int
    states: dict[State, Region]
    brief: dict[State, dict[str, Result]]
    results: Results
    ledger: pd.DataFrame
    difference: pd.DataFrame
    skipped: dict[str, str]

    @property
    def year(self) -> int:
        """Last year evaluated."""
        return self.years[-1]

    @property
    def last(self) -> State:
        """Case and year that a single answer refers to: the plan's (else the baseline's) last year."""
        return (PLAN if self.plan is not None else BASELINE, self.year)

    def state(self, case: str | None = None, year: int | None = None) -> Region:
        """Return the region in a case and year; default as `last`."""
        return self.states[case or self.last[0], year or self.year]

    def result(self, pillar: str, case: str | None = None, year: int | None = None) -> Result:
        """Return the result of a pillar in a case and year; default as `last`.

        Raises
        ------
        KeyError
            If the pillar was not evaluated; the message says why.
        """
        found = self.results[case or self.last[0], year or self.year]
        if pillar not in found:
            raise KeyError(f"{pillar} was not evaluated: {self.skipped.get(pillar, 'unknown pillar')}")
        return found[pillar]

    @property
    def travel_times(self) -> pd.DataFrame:
        """Door-to-door minutes between all units, ids on both axes, in the last state."""
        return self.result("travel").tables["minutes"]

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """Worst instance of every check over all states, with those of the last one if it was solved whole."""
        worst: dict[str, Check] = {}
        whole = [self.results[self.last]] if self.results.solved(self.last) else []
        for results in (*self.brief.values(), *whole):
            for result in results.values():
                for check in result.checks:
                    name = f"{result.pillar}: {check.name}"
                    if name not in worst or check.ratio > worst[name].ratio:
                        worst[name] = Check(name, check.value, check.limit)
        return tuple(worst.values())

    @property
    def residual(self) -> float:
        """Largest check as a share of its limit; below 1 is sound."""
        return max((c.ratio for c in self.checks), default=0.0)

    @cached_property
    def held_out_rides(self) -> pd.DataFrame:
        """Published rides that no parameter was fitted to against the modelled ones, each in its year's network.

        Columns as of `megalopolis.travel.face.ride_scores`; no rows where travel was not evaluated.
        """
        published = self.region.frame("rides_published")
        wanted = published["use"] == "held_out" if "travel" in self.ran else np.zeros(len(published), dtype=bool)
        years = sorted(published.loc[wanted, "year"].unique())
        own = self.parameters.of_pillar("travel")
        found = [ride_scores(self.states.get((BASELINE, y)) or at(self.region, None, y), own) for y in years]
        rows = pd.concat(found, ignore_index=True) if found else published.assign(modelled=np.nan, error=np.nan)[:0]
        return rows[(rows["use"] == "held_out") & rows["error"].notna()].reset_index(drop=True)

    def null_scores(self, case: str | None = None, year: int | None = None) -> pd.DataFrame:
        """Match of the planned clusters with what knows nothing of travel; see `clusters.face.null_scores`."""
        found = self.results[case or self.last[0], year or self.year]
        return null_scores(
            self.state(case, year),
            minutes=found["travel"].tables["minutes"],
            sizes=[len(ids) for ids in found["clusters"].tables["branches"]["cities"]],
            parameters=self.parameters.of_pillar("clusters"),
        )

    @cached_property
    def backtest(self) -> Backtest | None:
        """Change of residents between two censuses as the economy has it; None where it did not run.

        See `megalopolis.evaluation.backtest.population_backtest`.
        """
        return population_backtest(self.region, self.parameters) if "economy" in self.ran else None

    @cached_property
    def declared(self) -> Declared | None:
        """What the cities of each planned cluster say they will build; None where the region has no such table."""
        minutes = self.travel_times if "travel" in self.ran else None
        return declared_industries(self.region, minutes)

    @cached_property
    def ran(self) -> frozenset[str]:
        """Pillars that were evaluated in any state."""
        return frozenset(name for results in self.brief.values() for name in results)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """Warnings of all states, each once, and the pillars that were skipped."""
        said: dict[str, None] = {}
        for results in reversed(self.brief.values()):
            for result in results.values():
                said.update(dict.fromkeys(result.warnings))
        skipped = {name: why for name, why in self.skipped.items() if why != NOT_ASKED}
        said.update({f"{name} is not evaluated: {why}": None for name, why in skipped.items()})
        return tuple(said)

    @cached_property
    def of_region(self) -> pd.DataFrame:
        """Rows of the ledger for the region as a whole."""
        return self.ledger[self.ledger["place"] == "region"]

    def at_place(self, indicator: str, year: int | None = None, places: str = "cities") -> pd.DataFrame:
        """Difference rows of one indicator in a year, indexed by place.

        Parameters
        ----------
        indicator : str
            Id of the indicator.
        year : int, optional
            Default the last.
        places : {"cities", "clusters", "region"}
            Which places.
        """
        rows = self.difference
        rows = rows[(rows["indicator"] == indicator) & (rows["year"] == (year or self.year))]
        cluster, region = rows["place"].str.startswith("cluster:"), rows["place"] == "region"
        chosen = {"cities": ~cluster & ~region, "clusters": cluster, "region": region}[places]
        return rows[chosen].set_index("place")

    def value(self, place: str, indicator: str, case: str | None = None, year: int | None = None) -> float:
        """Return one value of the ledger.

        Raises
        ------
        KeyError
            If the ledger has no such row.
        """
        rows = self.ledger
        chosen = rows[
            (rows["place"] == place)
            & (rows["indicator"] == indicator)
            & (rows["case"] == (case or self.last[0]))
            & (rows["year"] == (year or self.year))
        ]
        if chosen.empty:
            raise KeyError(f"the ledger has no {indicator} of {place}")
        return float(chosen["value"].iloc[0])

    @cached_property
    def provenance(self) -> pd.DataFrame:
        """Numbers that entered, by table: ``values``, and the share of each status, as ``sourced`` or ``assumed``.

        The row ``parameters`` counts the parameters of the pillars that ran.
        """
        rows = []
        for table in self.region.tables:
            columns = [
                c.name for c in schemas()[table].columns if c.kind in MEASURED_KINDS and c.name not in ORDER_COLUMNS
            ]
            if table == CATALOGUE:
                words = [w for w, n in stated(self.region.tables[table]).items() for _ in range(n)]
                rows.append({"table": table, **_shares(pd.Series(words, dtype="str"))})
            if table == "sources" or not columns:
                continue
            status = pd.concat([self.region.status(table, c) for c in columns], ignore_index=True)
            rows.append({"table": table, **_shares(status[status != ""])})
        used = pd.Series([p.status for p in registry().values() if p.id.partition(".")[0] in self.ran], dtype="str")
        rows.append({"table": "parameters", **_shares(used)})
        return pd.DataFrame(rows)


def _shares(status: pd.Series[Any]) -> dict[str, float]:
    """Number of values and the share of each status."""
    kinds = ("sourced", "measured", "estimated", "assumed", "unstated")
    counts = status.value_counts()
    total = int(counts.sum())
    return {"values": total, **{kind: float(counts.get(kind, 0)) / total if total else 0.0 for kind in kinds}}
