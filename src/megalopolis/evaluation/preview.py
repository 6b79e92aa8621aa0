"""Travel while a line is being dragged: every other line solved once, the dragged one inserted at each position."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from megalopolis.parameters import Parameters
from megalopolis.pillar import indicators
from megalopolis.plan.measures import Tables
from megalopolis.plan.measures.travel import RailLine
from megalopolis.region import Region
from megalopolis.travel.accessibility import mean_minutes, own_minutes, people_within, potential
from megalopolis.travel.assemble import Network, assemble, road_speeds
from megalopolis.travel.door import solve
from megalopolis.travel.what_if import HeadwayLine, insert
from megalopolis.units import MINUTES_PER_HOUR, Array

#: Indicators that follow while dragging, in the order of `Preview.values`.
FOLLOWING: Final = ("accessibility", "people_60", "people_180", "mean_minutes")


@dataclass(frozen=True)
class Preview:
    """A state's travel, solved once, into which one line is inserted again and again.

    Attributes
    ----------
    state : Region
        The state without the line that is dragged.
    parameters : mapping of str to float
        Of travel, by short id.
    network : Network
        The state's network.
    base : ndarray, shape (n, n)
        Door-to-door minutes without the line.
    """

    state: Region
    parameters: dict[str, float]
    network: Network
    base: npt.NDArray[np.float32]

    @classmethod
    def of(cls, state: Region, parameters: Parameters) -> Preview:
        """Solve a state."""
        own = parameters.of_pillar("travel")
        network = assemble(state, own)
        trips = solve(network.rail, network.road, network.access, network.main, network.boarding_min)
        return cls(state, own, network, trips.minutes.astype(np.float32))

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.base.nbytes + self.network.road.nbytes + self.network.layout.km.nbytes

    @cached_property
    def places(self) -> tuple[str, ...]:
        """Cities, then ``cluster:<id>``, then ``region``."""
        return (*self.network.layout.ids, *(f"cluster:{c}" for c in self.state.names.clusters), "region")

    @cached_property
    def _groups(self) -> list[npt.NDArray[np.int64]]:
        """Members of each cluster and of the region that count in totals."""
        number = {id_: i for i, id_ in enumerate(self.network.layout.ids)}
        counted = self.state.cities["id"].tolist()
        keep = set(counted)
        groups = [[m for m in members if m in keep] for members in self.state.names.clusters.values()]
        return [np.array([number[m] for m in members], dtype=np.int64) for members in (*groups, counted)]

    @cached_property
    def _tables(self) -> Tables:
        """The state's tables, to be read: resolving a line changes none."""
        return Tables(self.state)

    def resolved(self, line: RailLine) -> RailLine:
        """Find the stations of a line in the state.

        Raises
        ------
        BadInput
            If a stop names what the state does not have.
        """
        return line.resolve(self._tables)

    def with_line(self, line: RailLine) -> npt.NDArray[np.float32]:
        """Minutes between all cities with a line more, ``(n, n)``.

        Parameters
        ----------
        line : RailLine
            Resolved: every stop with its station and km.
        """
        number = {id_: i for i, id_ in enumerate(self.network.layout.ids)}
        stops: list[int] = []
        at: list[float] = []
        for stop in line.stops:
            if stop.city in number and (not stops or stops[-1] != number[stop.city]):
                stops.append(number[stop.city])
                at.append(stop.km or 0.0)
        if len(stops) < 2:
            return self.base
        kmh = (line.operating_kmh or line.speed_kmh) * self.parameters[f"speed_share_{line.line_kind}"]
        ride = np.diff(at) / kmh * MINUTES_PER_HOUR + self.parameters["dwell_min"]
        change = self.network.boarding_min + float(np.median(self.network.access.minutes))
        return insert(self.base, HeadwayLine(np.array(stops), ride, line.headway_min, change))

    def values(self, minutes: npt.NDArray[np.float32]) -> dict[str, Array]:
        """Indicators that follow while dragging, by place as in `places`."""
        people = self.network.layout.people
        own = minutes.astype(np.float64)
        np.fill_diagonal(own, self._own)
        found = {
            "accessibility": potential(own, people, self.parameters["potential_scale"]),
            "people_60": people_within(own, people, 60.0),
            "people_180": people_within(own, people, 180.0),
            "mean_minutes": mean_minutes(own, people),
        }
        return {name: np.concatenate([values, self._totals(name, values)]) for name, values in found.items()}

    @cached_property
    def _own(self) -> Array:
        built = self.network.layout.cities["built_up_km2"].to_numpy(float) * self.parameters["built_up_core"]
        return own_minutes(built, road_speeds(self.parameters))

    def _totals(self, name: str, values: Array) -> Array:
        """Clusters and region, aggregated as the registry says."""
        people, kind = self.network.layout.people, indicators()[name].aggregate
        totals = []
        for members in self._groups:
            inside = members[np.isfinite(values[members])]
            weight = people[inside] if kind == "mean" else np.ones(len(inside))
            total = float(values[inside] @ weight)
            totals.append(total / weight.sum() if kind == "mean" and weight.sum() > 0 else total)
        return np.array(totals)
