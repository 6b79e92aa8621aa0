"""Travel and clusters while a line is dragged: the network without it made ready once, then exact for every place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from megalopolis.clusters import face as clusters
from megalopolis.evaluation.evaluate import evaluate
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.evaluation.pillars import PILLARS
from megalopolis.evaluation.what_if import Tried, WhatIf
from megalopolis.pillar import indicators
from megalopolis.plan import Plan
from megalopolis.plan.apply import applied
from megalopolis.plan.measures import Delay, Overrun, RailLine, RailUpgrade
from megalopolis.region import Region
from megalopolis.units import Array

#: Pillars whose every indicator follows while dragging.
FOLLOWING = ("travel", "clusters")


def travel_of(region: Region, plan: Plan | None, year: int) -> Evaluation:
    """Evaluate travel alone in one year, without ranges."""
    return evaluate(region, plan, years=[year], only={"travel"}, draws=0)


@dataclass(frozen=True)
class Forming:
    """All that the clusters of one frame are computed of: tables, times and parameters; may be sent to a process.

    Attributes
    ----------
    state : Region
        With the tables that clusters read.
    minutes : DataFrame, shape (n, n)
        Door-to-door minutes, ids on both axes.
    parameters : mapping of str to float
        Parameters of clusters by short id.
    """

    state: Region
    minutes: pd.DataFrame
    parameters: Mapping[str, float]

    def values(self) -> list[tuple[str, str, float]]:
        """Every indicator of clusters as place, indicator and value, as the whole evaluation has them."""
        result = clusters.run(self.state, minutes=self.minutes, parameters=self.parameters, indicators_only=True)
        return list(result.indicators[["place", "indicator", "value"]].itertuples(index=False, name=None))

    def formed(self) -> dict[str, pd.DataFrame]:
        """Tables ``assignment`` and ``planned`` as the whole evaluation has them; see `clusters.face.formed`."""
        return clusters.formed(self.state, minutes=self.minutes, parameters=self.parameters)


@dataclass(frozen=True)
class Preview:
    """A network into which one line is inserted again and again; see `WhatIf`.

    Attributes
    ----------
    state : Region
        The state with the plan as it is.
    what_if : WhatIf
        Its network without the line.
    parameters : mapping of str to float
        Parameters of clusters by short id.
    others : tuple of Delay, Overrun or RailUpgrade
        What other measures of the plan do to the line, in their order.
    """

    state: Region
    what_if: WhatIf
    parameters: Mapping[str, float] = field(default_factory=dict)
    others: tuple[Delay | Overrun | RailUpgrade, ...] = ()

    @classmethod
    def of(cls, evaluation: Evaluation, without: str | None) -> Preview:
        """Make ready to drag a line of the plan, or a new one where the state has none of that id."""
        state = evaluation.state()
        there = without is not None and without in set(state.frame("rail_lines")["id"])
        what_if = WhatIf(evaluation, without=[without] if there and without else ())
        return cls(state, what_if, evaluation.parameters.of_pillar("clusters"), _others(evaluation, without))

    def in_force(self, line: RailLine) -> RailLine:
        """Return the line as the plan's other measures leave it: late, dearer, upgraded."""
        now = self.state.meta.now
        for measure in self.others:
            if isinstance(measure, RailUpgrade):
                if self.state.year >= measure.opens:
                    if measure.operating_kmh is not None:
                        line = line.model_copy(update={"operating_kmh": measure.operating_kmh})
                    if measure.headway_min is not None:
                        line = line.every(measure.headway_min)
            elif measure.lines == "all" and line.opens <= now:
                continue
            elif isinstance(measure, Delay):
                line = line.model_copy(update={"opens": line.opens + measure.years})
            elif line.cost is not None:
                line = line.model_copy(update={"cost": line.cost * measure.factor})
        return line

    def tried(self, line: RailLine) -> Tried:
        """Answer for the line at a place; one that opens later leaves the network without it.

        Raises
        ------
        BadInput
            If a stop names what the state does not have.
        """
        line = self.in_force(line)
        return self.what_if.closed() if line.opens > self.state.year else self.what_if.insert(line)

    @cached_property
    def places(self) -> tuple[str, ...]:
        """Cities, then ``cluster:<id>``, then ``region``."""
        return (*self.what_if.ids, *(f"cluster:{c}" for c in self.state.names.clusters), "region")

    @cached_property
    def _number(self) -> dict[str, int]:
        return {place: i for i, place in enumerate(self.places)}

    @cached_property
    def _groups(self) -> list[tuple[npt.NDArray[np.int64], Array]]:
        """Members of each cluster and of the region that count in totals, and their residents."""
        cities = self.state.cities
        people = dict(zip(cities["id"], np.nan_to_num(cities["population"].to_numpy(float)), strict=True))
        groups = [[m for m in members if m in people] for members in self.state.names.clusters.values()]
        return [
            (np.array([self._number[m] for m in members], dtype=np.int64), np.array([people[m] for m in members]))
            for members in (*groups, list(people))
        ]

    def travel_values(self, tried: Tried) -> dict[str, Array]:
        """Every indicator of travel, by place as in `places`; NaN where a place has none.

        They are those that the whole evaluation gives of the plan with this line.
        """
        known = indicators()
        found = {
            name: np.concatenate([values, self._totals(values, known[name].aggregate)])
            for name, values in tried.city_values.items()
        }
        for name, value in tried.region_values.items():
            found.setdefault(name, np.full(len(self.places), np.nan))[-1] = value
        return found

    def cluster_values(self, values: Iterable[tuple[str, str, float]]) -> dict[str, Array]:
        """Indicators of clusters (`Forming.values`) laid out as `travel_values`."""
        found: dict[str, Array] = {}
        for place, name, value in values:
            found.setdefault(name, np.full(len(self.places), np.nan))[self._number[place]] = value
        return found

    def _totals(self, values: Array, how: str) -> Array:
        """Sums, or means weighted by residents, of clusters and region, as in the ledger."""
        totals = np.full(len(self._groups), np.nan)
        for k, (members, people) in enumerate(self._groups if how != "none" else ()):
            there = np.isfinite(values[members])
            weight = people[there]
            if how == "sum":
                totals[k] = values[members][there].sum() if there.any() else np.nan
            elif weight.sum() > 0:
                totals[k] = values[members][there] @ weight / weight.sum()
        return totals

    @cached_property
    def clusters_state(self) -> Region:
        """The state with no more tables than clusters read: a line changes none of them."""
        reads = next(pillar.reads for pillar in PILLARS if pillar.name == "clusters")
        tables = {name: table for name, table in self.state.tables.items() if name in reads}
        return Region(self.state.meta, tables, self.state.year)

    def forming(self, tried: Tried) -> Forming:
        """Return what the clusters of a frame are computed of."""
        return Forming(self.clusters_state, tried.minutes, self.parameters)


def _others(evaluation: Evaluation, line: str | None) -> tuple[Delay | Overrun | RailUpgrade, ...]:
    """Measures of the plan that change one of its lines; those that mean all lines keep saying so."""
    plan = evaluation.plan
    if plan is None or line is None:
        return ()
    found: list[Delay | Overrun | RailUpgrade] = []
    behind = False
    for written, resolved in zip(plan.measures, applied(evaluation.region, plan, evaluation.year)[1], strict=True):
        if isinstance(resolved, RailUpgrade) and resolved.line == line:
            found.append(resolved)
        elif isinstance(written, Delay | Overrun) and isinstance(resolved, Delay | Overrun):
            if written.lines == "all" and behind:
                found.append(written)
            elif resolved.lines and written.lines != "all" and line in resolved.lines:
                found.append(resolved)
        behind = behind or resolved.id == line
    return tuple(found)
