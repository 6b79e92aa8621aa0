"""An evaluation as the report reads it: in one language, with nothing where there is nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.evaluation.ledger import BASELINE, PLAN, State
from megalopolis.evaluation.number import known, number
from megalopolis.evaluation.sentences import branch_name
from megalopolis.evaluation.words import Words
from megalopolis.pillar import Result, indicators
from megalopolis.plan import Plan
from megalopolis.region.names import short_local
from megalopolis.report.blocks import Cell, said


@dataclass(frozen=True)
class View:
    """One evaluation and the language in which it is told.

    Attributes
    ----------
    evaluation : Evaluation
        What was computed.
    words : Words
        The report's words.
    """

    evaluation: Evaluation
    words: Words
    _solved: dict[State, Mapping[str, Result]] = field(default_factory=dict, repr=False)

    @property
    def language(self) -> str:
        """Language of the report."""
        return self.words.language

    @property
    def currency(self) -> str:
        """Code of the region's currency."""
        return self.evaluation.region.meta.currency

    @cached_property
    def names(self) -> dict[str, str]:
        """City id to the name shown; where a short local name would be borne twice, the full one."""
        index = self.evaluation.region.names
        if self.language != "zh":
            return dict(index.labels)
        short = {id_: short_local(name) for id_, name in index.local.items()}
        borne = pd.Series(list(short.values())).value_counts()
        return {id_: name if borne[name] == 1 else index.local[id_] for id_, name in short.items()}

    def city(self, id_: object) -> str:
        """Name of a city, or the id where the region has no such city."""
        return self.names.get(str(id_), str(id_))

    def cities(self, ids: Iterable[object] | None, most: int = 12) -> str:
        """Names of several cities in a row, the first ones where there are many."""
        found = [] if ids is None else list(ids)
        names = (self.words("comma")).join(self.city(i) for i in found[:most])
        return names if len(found) <= most else self.words("and_more", names=names, count=len(found) - most)

    def plan_name(self, plan: Plan | None = None) -> str:
        """Name of a plan, of this evaluation's own by default."""
        plan = plan or self.evaluation.plan
        return self.words("no_plan") if plan is None else plan.names.get(self.language, plan.name)

    @property
    def region_name(self) -> str:
        """Name of the region."""
        meta = self.evaluation.region.meta
        return meta.names.get(self.language, meta.name)

    def pick(self, name: object, local: object) -> str:
        """Return the name in the language of the report, where there is one."""
        return str(local) if self.language == "zh" and isinstance(local, str) and local else str(name)

    @property
    def today(self) -> int:
        """Year shown for today: the region's, where it was evaluated, else the first one."""
        years = self.evaluation.years
        now = self.evaluation.region.meta.now
        return now if now in years else years[0]

    @property
    def cases(self) -> tuple[str, ...]:
        """Cases of the last year, the reference first."""
        return (BASELINE,) if self.evaluation.plan is None else (BASELINE, PLAN)

    def table(self, pillar: str, name: str, case: str | None = None, year: int | None = None) -> pd.DataFrame | None:
        """Return a table of a result, or None where there is none or it is empty."""
        last_case, last_year = self.evaluation.last
        state = (case or last_case, year or last_year)
        if pillar not in self.evaluation.ran or state not in self.evaluation.states:
            return None
        if state not in self._solved:  # a state is solved when it is first asked for
            self._solved[state] = self.evaluation.results[state]
        results = self._solved[state]
        found = results[pillar].tables.get(name) if pillar in results else None
        return None if found is None or found.empty else found

    def why_absent(self, pillar: str) -> str:
        """Say why a pillar has nothing to show."""
        why = self.evaluation.skipped.get(pillar)
        if why is None:
            return self.words("nothing_found")
        return self.words("not_evaluated", pillar=self.words.term("pillar", pillar), why=self.reason(why))

    def reason(self, why: str) -> str:
        """Reason for a skipped pillar in the language of the report."""
        for key, lacks in (("no_table", "the region has no table "), ("no_figures", "the region has no figures in ")):
            if why.startswith(lacks):
                return self.words(key, table=why.removeprefix(lacks))
        return self.words.term("skip", why)

    def unit_of(self, unit: str) -> str:
        """Unit of the registry as `number` takes it."""
        if unit.startswith("currency") and unit in {"currency", "currency/year"}:
            return self.currency
        return "share" if unit.startswith("share ") else {"people": "persons"}.get(unit, unit)

    def unit(self, indicator: str) -> str:
        """Unit of an indicator as `number` takes it."""
        entry = indicators().get(indicator)
        return self.unit_of(entry.unit) if entry else ""

    def unit_label(self, indicator: str) -> str:
        """Unit of an indicator as a reader knows it."""
        unit = self.unit(indicator)
        return self.words.term("unit", unit) if unit else ""

    def heading(self, indicator: str, *, percent: bool = False) -> str:
        """Label of an indicator as the head of a column, with its unit; ``percent`` where changes are told in it."""
        unit = "%" if percent else self.unit_label(indicator)
        return self.words("heading", label=indicators()[indicator].label(self.language), unit=unit)

    @cached_property
    def clusters(self) -> dict[str, tuple[str, ...]]:
        """Planned clusters and their cities, the most populous first."""
        found = self.evaluation.region.names.clusters
        people = self.evaluation.state().cities.set_index("id")["population"].fillna(0)
        size = {c: float(people.reindex(list(members)).sum()) for c, members in found.items()}
        return dict(sorted(found.items(), key=lambda item: -size[item[0]]))

    @cached_property
    def _cluster_names(self) -> dict[str, str]:
        planned = self.evaluation.region.frame("clusters_planned").drop_duplicates("cluster")
        return {str(r.cluster): self.pick(r.name, r.name_local) for r in planned.itertuples(index=False)}

    def cluster(self, id_: str) -> str:
        """Name of a planned cluster."""
        return self._cluster_names.get(id_, id_)

    def branch(self, name: object) -> str:
        """Name of a cluster that travel forms; where a city gives it, that city's in the language of the report."""
        return branch_name(name, self.language, self.evaluation.region)

    def level(self, indicator: str, place: str = "region", case: str | None = None, year: int | None = None) -> Cell:
        """Value of an indicator with its range as a cell; a dash where there is none."""
        last_case, last_year = self.evaluation.last
        row = self._levels.get((place, indicator, case or last_case, year or last_year))
        if row is None:
            return Cell("–")
        printed = number(row["value"], row["low"], row["high"], self.unit(indicator), self.language)
        return said(printed, row["value"])

    @cached_property
    def _levels(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        """Rows of the ledger for the region and its clusters, by place, indicator, case and year."""
        rows = _records(self.evaluation.ledger)
        return {(r["place"], r["indicator"], r["case"], r["year"]): r for r in rows}

    @cached_property
    def _changes(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        rows = _records(self.evaluation.difference)
        return {(r["place"], r["indicator"], r["year"]): r for r in rows}

    def change(self, indicator: str, place: str = "region", year: int | None = None) -> dict[str, Any] | None:
        """Row of the difference between plan and reference for the region or a cluster, or None where there is none."""
        return self._changes.get((place, indicator, year or self.evaluation.year))

    def gain(self, indicator: str, place: str = "region", year: int | None = None) -> Cell:
        """Change of an indicator by the plan with its range as a cell; a dash where there is none."""
        row = self.change(indicator, place, year)
        if row is None:
            return Cell("–")
        printed = number(row["difference"], row["low"], row["high"], self.unit(indicator), self.language, signed=True)
        return said(printed, row["difference"], spans_zero=bool(row["spans_zero"]))

    def percent(self, row: dict[str, Any]) -> Cell:
        """Change of an indicator in per cent of the reference case, with its range; a dash where that is zero."""
        if not row["baseline"]:
            return Cell("–")
        value, low, high = (100 * row[name] / row["baseline"] for name in ("difference", "low", "high"))
        printed = number(value, low, high, "%", self.language, signed=True)
        return said(printed, value, spans_zero=bool(row["spans_zero"]))

    @cached_property
    def relative(self) -> pd.DataFrame:
        """Change of accessibility of every city in per cent, and against the average resident's.

        Returns
        -------
        DataFrame
            Indexed by city: ``baseline, plan`` (persons), ``percent``, ``percent_low``, ``percent_high``, ``relative``
            (percentage points above the population-weighted average) and ``spans_zero``. Empty without a plan.
        """
        rows = self.evaluation.at_place("accessibility")
        people = self.evaluation.state().cities.set_index("id")["population"]
        rows = rows[rows.index.isin(people.index)]
        base = rows["baseline"].to_numpy(float)
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = {
                name: 100 * rows[column].to_numpy(float) / base
                for name, column in (("percent", "difference"), ("percent_low", "low"), ("percent_high", "high"))
            }
        frame = pd.DataFrame(shares, index=rows.index).replace([np.inf, -np.inf], np.nan)
        frame["baseline"], frame["plan"], frame["spans_zero"] = rows["baseline"], rows["plan"], rows["spans_zero"]
        frame["relative"] = frame["percent"] - self.average_percent(rows, people)
        return frame

    @staticmethod
    def average_percent(rows: pd.DataFrame, people: pd.Series[Any]) -> float:
        """Change of the average resident's accessibility, in per cent."""
        weight = people.reindex(rows.index).to_numpy(float)
        used = np.isfinite(weight) & (weight > 0)
        base = float(np.sum(weight[used] * rows["baseline"].to_numpy(float)[used]))
        gain = float(np.sum(weight[used] * rows["difference"].to_numpy(float)[used]))
        return 100 * gain / base if base > 0 else float("nan")

    @cached_property
    def largest(self) -> list[str]:
        """City ids by population, the largest first; by the order of the table where that is not known."""
        cities = self.evaluation.state().cities
        order = cities["population"].fillna(-1).to_numpy(float)
        return list(cities["id"].iloc[np.argsort(-order, kind="stable")])

    def has_plan(self) -> bool:
        """Whether there is a plan to compare with the reference."""
        return self.evaluation.plan is not None and known(self.evaluation.year)


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of the region and the clusters."""
    if rows.empty:
        return []
    wide = rows[(rows["place"] == "region") | rows["place"].str.startswith("cluster:")]
    return [{str(k): v for k, v in row.items()} for row in wide.to_dict("records")]
