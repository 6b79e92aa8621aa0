"""Travel while a line is dragged: the network without it made ready once, an exact answer for every position."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from megalopolis.evaluation.evaluate import evaluate
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.evaluation.what_if import Tried, WhatIf
from megalopolis.pillar import indicators
from megalopolis.plan import Plan
from megalopolis.plan.measures import RailLine
from megalopolis.region import Region
from megalopolis.units import Array


def travel_of(region: Region, plan: Plan | None, year: int) -> Evaluation:
    """Evaluate travel alone in one year, without ranges."""
    return evaluate(region, plan, years=[year], only={"travel"}, draws=0)


@dataclass(frozen=True)
class Preview:
    """A network into which one line is inserted again and again; see `WhatIf`.

    Attributes
    ----------
    state : Region
        The state with the plan as it is.
    what_if : WhatIf
        Its network without the line.
    """

    state: Region
    what_if: WhatIf

    @classmethod
    def of(cls, evaluation: Evaluation, without: str | None) -> Preview:
        """Make ready to drag a line of the plan, or a new one where the state has none of that id."""
        state = evaluation.state()
        there = without is not None and without in set(state.frame("rail_lines")["id"])
        return cls(state, WhatIf(evaluation, without=[without] if there and without else ()))

    def tried(self, line: RailLine) -> Tried:
        """Answer for the line at a place; one that opens later leaves the network without it.

        Raises
        ------
        BadInput
            If a stop names what the state does not have.
        """
        return self.what_if.closed() if line.opens > self.state.year else self.what_if.insert(line)

    @cached_property
    def places(self) -> tuple[str, ...]:
        """Cities, then ``cluster:<id>``, then ``region``."""
        return (*self.what_if.ids, *(f"cluster:{c}" for c in self.state.names.clusters), "region")

    @cached_property
    def _groups(self) -> list[tuple[npt.NDArray[np.int64], Array]]:
        """Members of each cluster and of the region that count in totals, and their residents."""
        number = {id_: i for i, id_ in enumerate(self.what_if.ids)}
        cities = self.state.cities
        people = dict(zip(cities["id"], np.nan_to_num(cities["population"].to_numpy(float)), strict=True))
        groups = [[m for m in members if m in people] for members in self.state.names.clusters.values()]
        return [
            (np.array([number[m] for m in members], dtype=np.int64), np.array([people[m] for m in members]))
            for members in (*groups, list(people))
        ]

    def values(self, tried: Tried) -> dict[str, Array]:
        """Indicators that follow while dragging, by place as in `places`; NaN where a total is not a mean of cities."""
        known = indicators()
        return {
            name: np.concatenate([values, self._totals(values, mean=known[name].aggregate == "mean")])
            for name, values in tried.city_values.items()
        }

    def _totals(self, values: Array, *, mean: bool) -> Array:
        """Means of clusters and region, weighted by residents."""
        totals = np.full(len(self._groups), np.nan)
        for k, (members, people) in enumerate(self._groups if mean else ()):
            there = np.isfinite(values[members])
            weight = people[there]
            if weight.sum() > 0:
                totals[k] = values[members][there] @ weight / weight.sum()
        return totals
