"""What if this line were built, closed, or run otherwise: answers in milliseconds, equal to the full evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
from pydantic import ValidationError

from megalopolis.errors import BadInput, Problem
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.plan.measures import RailLine, Tables
from megalopolis.plan.measures.travel import Pattern, Stop, line_id
from megalopolis.region import Region
from megalopolis.travel.assemble import assemble
from megalopolis.travel.face import run
from megalopolis.travel.insertion import Insertion, TriedLine
from megalopolis.travel.layout import FAST, layout_of
from megalopolis.travel.values import Values
from megalopolis.units import Array, great_circle_km

#: Name of a line that is given none.
UNNAMED: Final = "Line tried"


@dataclass(frozen=True, eq=False)
class Tried:
    """Minutes and indicators before and after a change of lines.

    Attributes
    ----------
    ids : tuple of str
        Cities, in the order of the matrices.
    before, after : ndarray, shape (n, n)
        Door-to-door minutes.
    line : RailLine or None
        The line as it was placed, every stop with station (unless new), city, coordinates and km, fit for a plan; None
        where lines were only closed.
    region_values : dict of str to float
        Indicators of the region as a whole after the change.
    """

    ids: tuple[str, ...]
    before: Array
    after: Array
    line: RailLine | None
    region_values: dict[str, float]
    _of: Values
    _values: dict[str, Array]
    _added: dict[str, Array]

    @cached_property
    def minutes(self) -> pd.DataFrame:
        """Door-to-door minutes after the change, ids on both axes."""
        return pd.DataFrame(self.after, index=pd.Index(self.ids, name="id"), columns=list(self.ids))

    @cached_property
    def city_values(self) -> dict[str, Array]:
        """Indicators of the cities after the change, by id; each of shape (n,)."""
        added = {name: self._values[name] + more for name, more in self._added.items()}
        return self._of.reach(self.after) | added

    @cached_property
    def indicators(self) -> pd.DataFrame:
        """Columns ``place, indicator, before, after, change``: a row per city and indicator that changes."""
        parts = []
        for name, after in self.city_values.items():
            before = self._values[name]
            parts.append(pd.DataFrame({"place": self.ids, "indicator": name, "before": before, "after": after}))
        rows = pd.concat(parts, ignore_index=True)
        rows["change"] = rows["after"] - rows["before"]
        return rows[rows["change"].abs() > 1e-9].reset_index(drop=True)


class WhatIf:
    """A network made ready for trying lines: solved once, then an answer per line in milliseconds.

    Where lines are closed, or one is to be run otherwise, the network without them is solved once, when this is made;
    a line that is put in is inserted, which is exact (`megalopolis.travel.insertion`). Sites that a line was joined to
    are remembered, so that the next position of a dragged line costs little.

    Parameters
    ----------
    evaluation : Evaluation
        With travel; what is tried is compared with one of its states.
    without : str or sequence of str
        Lines that are closed, by id or name.
    case, year
        The state; default as `Evaluation.last`.

    Raises
    ------
    BadInput
        If a line is unknown.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        *,
        without: str | Sequence[str] = (),
        case: str | None = None,
        year: int | None = None,
    ) -> None:
        self.state = evaluation.state(case, year)
        self._parameters = evaluation.parameters.of_pillar("travel")
        self._all = Tables(self.state)
        self._closed = tuple(line_id(text, self._all) for text in ([without] if isinstance(without, str) else without))
        self._before = evaluation.result("travel", case, year).tables["minutes"].to_numpy(float)
        _refuse_timetabled(self.state, self._closed)
        rest, minutes = self.state, self._before
        if self._closed:
            rest = _without(self.state, self._closed)
            minutes = run(rest, parameters=self._parameters, indicators_only=True).tables["minutes"].to_numpy(float)
        self._rest, self._minutes, self._tables = rest, minutes, Tables(rest)
        for name in ("cities", "stations", "rail_lines"):
            self._tables.by_id(name)  # read once, before the first line is tried
        self._network = assemble(rest, self._parameters)
        self._insertion = Insertion(self._network, self._parameters, minutes)
        self._number = {id_: i for i, id_ in enumerate(self._network.layout.ids)}
        self._station = {id_: i for i, id_ in enumerate(self._network.layout.stations["id"].tolist())}
        self._of = Values(self.state, assemble(self.state, self._parameters), self._parameters)
        service = self._of.service()
        self._values = self._of.reach(self._before) | service
        of_rest = Values(rest, self._network, self._parameters)
        fewer, self._region = of_rest.service(), of_rest.region()
        self._fewer = {name: fewer[name] - value for name, value in service.items()}

    @property
    def ids(self) -> tuple[str, ...]:
        """Cities, in the order of every matrix."""
        return self._network.layout.ids

    def line(self, name: str) -> RailLine:
        """Return a line of the state, by id or name, as a line to be tried: change its fields and try it again.

        It costs what the plan invests in it: nothing where it is there already.

        Raises
        ------
        BadInput
            If no single line bears the name.
        """
        row = self._all.by_id("rail_lines")[line_id(name, self._all)]
        stops, built = self.state.frame("rail_stops"), self.state.frame("investments")
        cost = built.loc[built["measure"] == row["id"], "cost"]
        stops = stops[stops["line"] == row["id"]].sort_values("seq")
        return RailLine(
            kind="rail_line",
            name=row["name"],
            name_local=row["name_local"] if isinstance(row["name_local"], str) else None,
            stops=tuple(Stop(station=s, km=km) for s, km in zip(stops["station"], stops["km"], strict=True)),
            line_kind=row["kind"],
            speed_kmh=row["speed_kmh"],
            operating_kmh=None if pd.isna(row["operating_kmh"]) else row["operating_kmh"],
            headway_min=row["headway_min"],
            patterns=self._patterns(row["id"]) or None,
            cost=None if cost.isna().any() else float(cost.sum()),
            opens=int(row["opened"]) if pd.notna(row["opened"]) else self.state.year,
        )

    def _patterns(self, line: str) -> tuple[Pattern, ...]:
        """Stopping patterns of a line of the state."""
        rows, calls = self.state.frame("rail_patterns"), self.state.frame("rail_pattern_calls")
        return tuple(
            Pattern(
                name=row["name"],
                name_local=row["name_local"] if isinstance(row["name_local"], str) else None,
                stops=tuple(calls.loc[calls["pattern"] == row["id"], "station"]),
                headway_min=row["headway_min"],
            )
            for row in rows[rows["line"] == line].to_dict("records")
        )

    def closed(self) -> Tried:
        """Answer for the network without the lines that are closed."""
        return self._tried(self._minutes, None)

    def insert(self, line: RailLine | Mapping[str, Any]) -> Tried:
        """Answer for the network with a line more.

        Parameters
        ----------
        line : RailLine or mapping
            Fields of a plan's measure ``rail_line``; name, kind of line and opening year may be left out. A stop is a
            city, a mapping, or (lon, lat): a new station of the city whose centre is nearest, or a junction post where
            none lies within reach of a station.

        Returns
        -------
        Tried
            Minutes equal to those of `megalopolis.evaluate` with the line in the plan, to 1e-6.

        Raises
        ------
        BadInput
            If a field is not valid, or a stop names what the region does not have.
        """
        placed = self._placed(line)
        return self._tried(self._with(placed), placed)

    def _with(self, line: RailLine) -> Array:
        """Minutes with a line more: inserted, but solved anew beside trains of a timetable, which it may feed."""
        if self._network.layout.runs is None:
            return self._insertion.insert(self._numbers(line))
        tables = Tables(self._rest)
        line.edit(tables, self._rest.year)
        found = run(self._rest.replace(tables.frames()), parameters=self._parameters, indicators_only=True)
        return found.tables["minutes"].to_numpy(float)

    def _tried(self, after: Array, line: RailLine | None) -> Tried:
        every = {} if line is None else line.headways()
        if line is not None:
            plain = (
                stop if stop.station in self._station else stop.model_copy(update={"station": None})
                for stop in line.stops
            )
            line = line.model_copy(update={"stops": tuple(plain)})
        added = {name: more.copy() for name, more in self._fewer.items()}
        region = dict(self._region)
        if line is not None:
            built = line.km_by_place()
            per_km = self._parameters["cost_per_km"] if line.cost is None else line.cost / sum(built.values())
            for place, minutes in every.items():
                added["trains_per_day"][self._number[place]] += self._of.daily_trains(np.array(minutes)).sum()
            for place, km in built.items():
                if place in self._number:
                    added["investment"][self._number[place]] += km * per_km
            region["investment"] += sum(built.values()) * per_km
            for name in ("rail_km_all", *(["rail_km_high_speed"] if line.line_kind in FAST else [])):
                region[name] += sum(built.values())
        return Tried(self.ids, self._before, after, line, region, self._of, self._values, added)

    def _placed(self, line: RailLine | Mapping[str, Any]) -> RailLine:
        if isinstance(line, RailLine):
            return line.resolve(self._tables)
        fields = {"kind": "rail_line", "name": UNNAMED, "opens": self.state.year, **line}
        if isinstance(fields.get("stops"), Sequence):
            fields["stops"] = tuple(self._point(stop) for stop in fields["stops"])
        try:
            found = RailLine.model_validate(fields)
        except ValidationError as error:
            said = error.errors()[0]
            where = ".".join(str(part) for part in said["loc"])
            raise BadInput(Problem(where, str(said["msg"]), "see the measure rail_line")) from error
        return found.resolve(self._tables)

    def _point(self, stop: Any) -> Any:
        """Return a stop given by coordinates as a new station; others unchanged."""
        if isinstance(stop, (str, Mapping)) or not isinstance(stop, Sequence) or len(stop) != 2:
            return stop
        if not all(isinstance(x, (int, float, np.number)) and np.isfinite(x) for x in stop):
            raise BadInput(Problem("stops", f"{stop} are no coordinates", "give lon and lat in degrees"))
        lon, lat = (float(x) for x in stop)
        cities = self._network.layout.cities
        km = great_circle_km(lon, lat, cities["lon"].to_numpy(float), cities["lat"].to_numpy(float))
        near = int(np.argmin(km))
        city = self.ids[near] if km[near] <= self._parameters["access_reach_km"] else None
        return {"name": f"{lon:.5f} {lat:.5f}", "lon": lon, "lat": lat, "city": city}

    def _numbers(self, line: RailLine) -> TriedLine:
        number, new, patterns = dict(self._station), [], line.patterns or ()
        for stop in line.stops:
            if stop.station not in number:
                number[str(stop.station)] = len(number)
                new.append(stop)
        return TriedLine(
            station=np.array([number[str(s.station)] for s in line.stops], dtype=np.int64),
            km=np.array([s.km for s in line.stops], dtype=np.float64),
            kind=line.line_kind,
            speed_kmh=line.operating_kmh or line.speed_kmh,
            headway_min=line.headway_min,
            lon=np.array([s.lon for s in new], dtype=np.float64),
            lat=np.array([s.lat for s in new], dtype=np.float64),
            owner=np.array([-1 if s.city is None else self._number[s.city] for s in new], dtype=np.int64),
            calls=np.array([[s.station in pattern.stops for s in line.stops] for pattern in patterns], dtype=bool),
            every=tuple(pattern.headway_min for pattern in patterns),
        )


def _refuse_timetabled(state: Region, closed: Sequence[str]) -> None:
    """Refuse to close lines whose trains stand in the timetable."""
    layout = layout_of(state)
    by_timetable = set(layout.lines["id"][~layout.headway])
    for line in closed:
        if line in by_timetable:
            what = f"the trains of the line '{line}' stand in the timetable"
            raise BadInput(Problem("", what, "leave them out of the feed, or say timetabled: no in rail_lines"))


def _without(state: Region, lines: Sequence[str]) -> Region:
    """Return a state without some lines, and what was invested in them."""
    patterns = state.frame("rail_patterns")
    own = patterns.loc[patterns["line"].isin(list(lines)), "id"]
    keys = (("rail_lines", "id"), ("rail_stops", "line"), ("rail_patterns", "line"), ("investments", "measure"))
    kept = {
        name: (frame := state.frame(name))[~frame[key].isin(list(lines))].reset_index(drop=True) for name, key in keys
    }
    calls = state.frame("rail_pattern_calls")
    kept["rail_pattern_calls"] = calls[~calls["pattern"].isin(own)].reset_index(drop=True)
    return state.replace(kept)


def what_if(
    evaluation: Evaluation,
    line: RailLine | Mapping[str, Any] | None = None,
    *,
    without: str | Sequence[str] = (),
    case: str | None = None,
    year: int | None = None,
) -> Tried:
    """Answer what a line more, lines fewer, or a line run otherwise would change.

    Parameters
    ----------
    evaluation : Evaluation
        With travel.
    line : RailLine or mapping, optional
        The line that is put in; see `WhatIf.insert`.
    without : str or sequence of str
        Lines that are closed, by id or name: alone a removal, together with `line` the line in another form.
    case, year
        The state; default as `Evaluation.last`.

    Returns
    -------
    Tried
        ``minutes`` between all cities and ``indicators`` of the cities, before and after.

    Raises
    ------
    BadInput
        If a line or stop is unknown, a field is not valid, or there is nothing to try.

    Notes
    -----
    To try many lines make a `WhatIf` once.
    """
    if line is None and not without:
        raise BadInput(Problem("", "there is nothing to try", "give a line, or lines to close"))
    ready = WhatIf(evaluation, without=without, case=case, year=year)
    return ready.closed() if line is None else ready.insert(line)
