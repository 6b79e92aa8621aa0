"""Measures of travel: lines, upgrades, roads."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.plan.measures.base import Measure, Row, Tables, slug
from megalopolis.region.patterns import MOST, other_trains
from megalopolis.units import MINUTES_PER_DAY, RAIL_DETOUR, great_circle_km

#: A new station this near to one of the same name is that one.
SAME_STATION_KM = 1.0
Year = Annotated[int, Field(ge=1800, le=2200)]


class Stop(BaseModel):
    """A stop of a planned line.

    A city (its main station), a station that exists, or a new station with a name and coordinates. ``km`` counts from
    the first stop; where it is missing, 1.15 times the great circle is assumed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    city: str | None = None
    station: str | None = None
    name: str | None = None
    name_local: str | None = None
    lon: float | None = Field(default=None, ge=-180, le=180, allow_inf_nan=False)
    lat: float | None = Field(default=None, ge=-90, le=90, allow_inf_nan=False)
    km: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _is_placed(self) -> Self:
        new = self.name is not None and self.lon is not None and self.lat is not None
        if not (self.city or self.station or new):
            raise ValueError("needs a city, a station, or a name with lon and lat")
        if self.name is not None and not new:
            raise ValueError("needs lon and lat beside the name of a new station")
        return self


def _as_stop(value: Any) -> Any:
    return {"city": value} if isinstance(value, str) else value


class Pattern(BaseModel):
    """A stopping pattern of a planned line: where its trains call, by city or station, and how often they run."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=200)
    name_local: str | None = Field(default=None, max_length=200)
    stops: tuple[str, ...] = Field(min_length=2, max_length=500)
    headway_min: float = Field(gt=0, le=1440, allow_inf_nan=False)


class RailLine(Measure):
    """A new rail line: adds rows to ``rail_lines`` and ``rail_stops``, and the stations it needs.

    ``speed_kmh`` is the design speed; ``operating_kmh`` defaults to it. ``cost`` is the announced investment in
    currency of the base year. ``patterns`` take their trains out of those of the line; what is left of them calls by
    the rule of lines without patterns.
    """

    kind: Literal["rail_line"]
    stops: tuple[Annotated[Stop, BeforeValidator(_as_stop)], ...] = Field(min_length=2, max_length=500)
    line_kind: Literal["hsr", "intercity", "conventional"] = "hsr"
    speed_kmh: float = Field(gt=0, le=1200, allow_inf_nan=False)
    operating_kmh: float | None = Field(default=None, gt=0, le=1200, allow_inf_nan=False)
    headway_min: float = Field(gt=0, le=1440, allow_inf_nan=False)
    opens: Year
    cost: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    corridor: str | None = None
    patterns: tuple[Pattern, ...] | None = Field(default=None, max_length=MOST)

    def resolve(self, tables: Tables) -> Self:
        """Turn every stop into a station with its km, also those of patterns; see `Measure.resolve`."""
        if self.id in tables.by_id("rail_lines"):
            raise BadInput(
                Problem("", f"the line '{self.name}' is there already", "give it another name, or remove it")
            )
        stops: list[Stop] = []
        for position, stop in enumerate(self.stops):
            placed = _place(stop, tables)
            if stops and placed.station == stops[-1].station:
                raise BadInput(Problem("", f"stop {position + 1} of '{self.name}' repeats the one before", "remove it"))
            km = 0.0 if not stops else stop.km
            if stops and km is None:
                km = _km(stops[-1]) + RAIL_DETOUR * float(
                    great_circle_km(stops[-1].lon, stops[-1].lat, placed.lon, placed.lat)  # type: ignore[arg-type]
                )
            if stops and km is not None and km <= _km(stops[-1]):
                raise BadInput(
                    Problem(
                        "", f"km of stop {position + 1} of '{self.name}' does not rise", "count km from the first stop"
                    )
                )
            stops.append(placed.model_copy(update={"km": km}))
        return self.model_copy(update={"stops": tuple(stops), "patterns": self._patterns(stops, tables)})

    def _patterns(self, stops: list[Stop], tables: Tables) -> tuple[Pattern, ...] | None:
        """Patterns with stations of the line as stops; None where the line has none."""
        if not self.patterns:
            return None
        if len({slug(pattern.name) for pattern in self.patterns}) < len(self.patterns):
            raise BadInput(Problem("", f"two patterns of '{self.name}' have one name", "give each its own"))
        try:
            other_trains(self.headway_min, [pattern.headway_min for pattern in self.patterns])
        except ValueError as error:
            todo = "give the line a smaller headway, or its patterns larger ones"
            raise BadInput(Problem("", f"'{self.name}': {error}", todo)) from error
        return tuple(self._pattern(pattern, stops, tables.by_id("cities")) for pattern in self.patterns)

    def _pattern(self, pattern: Pattern, stops: list[Stop], cities: Mapping[str, Row]) -> Pattern:
        """Turn the stops of a pattern into stations of the line."""
        who, found = f"the pattern '{pattern.name}' of '{self.name}'", []
        called: dict[str, set[Any]] = {}
        for stop in stops:
            city = cities.get(stop.city or "", {})
            names = {stop.name, stop.name_local, stop.city, city.get("name"), city.get("name_local")}
            called[str(stop.station)] = {stop.station, *names}
        for text in pattern.stops:
            own = [text] if text in called else [station for station, names in called.items() if text in names]
            if len(own) != 1:
                said = "calls at several stations of" if own else "has no stop of"
                raise BadInput(Problem("", f"{who} {said} '{text}'", suggest(text, own or list(called))))
            found += own
        if len(set(found)) < max(2, len(found)):
            raise BadInput(Problem("", f"{who} calls twice at a station", "name each once, at least two"))
        posts = [str(stop.station) for stop in stops if stop.city is None]
        for station in set(found).intersection(posts):
            raise BadInput(
                Problem("", f"{who} calls at '{station}', a junction post", "leave it out: all trains pass it")
            )
        return pattern.model_copy(update={"stops": tuple(found)})

    def edit(self, tables: Tables, year: int) -> None:  # noqa: ARG002 - the year is a row's opening
        """Add the line, its stops and any new station; see `Measure.edit`."""
        known = tables.by_id("stations")
        new = {s.station: s for s in self.stops if s.station not in known}
        keys = ("name", "name_local", "lon", "lat", "city")
        if new:
            tables.append("stations", [{"id": i, **{k: getattr(s, k) for k in keys}} for i, s in new.items()])
        line = {
            "id": self.id,
            "name": self.name,
            "name_local": self.name_local or self.name,
            "kind": self.line_kind,
            "speed_kmh": self.speed_kmh,
            "operating_kmh": self.operating_kmh or self.speed_kmh,
            "opened": self.opens,
            "headway_min": self.headway_min,
            "timetabled": "no",
            "source": self.source,
        }
        tables.append("rail_lines", [line])
        rows: list[Row] = [
            {"line": self.id, "seq": i, "station": s.station, "km": s.km} for i, s in enumerate(self.stops, 1)
        ]
        tables.append("rail_stops", rows)
        for pattern in self.patterns or ():
            row = {"id": f"{self.id}:{slug(pattern.name)}", "line": self.id, "source": self.source}
            named = {"name": pattern.name, "name_local": pattern.name_local or pattern.name}
            tables.append("rail_patterns", [{**row, **named, "headway_min": pattern.headway_min}])
            tables.append("rail_pattern_calls", [{"pattern": row["id"], "station": s} for s in pattern.stops])
        self.invest(tables, self.opens, self.cost, km=self.km_by_place(), detail=self.line_kind)

    def every(self, headway_min: float) -> Self:
        """Return the line with another headway; every pattern keeps its share of the trains."""
        times, own = headway_min / self.headway_min, []
        for pattern in self.patterns or ():
            minutes = min(pattern.headway_min * times, MINUTES_PER_DAY)
            own.append(pattern.model_copy(update={"headway_min": minutes}))
        return self.model_copy(update={"headway_min": headway_min, "patterns": tuple(own) or None})

    def headways(self) -> dict[str, list[float]]:
        """Minutes between the trains that call in each city: of patterns, and of other trains (infinity: none)."""
        left = other_trains(self.headway_min, [pattern.headway_min for pattern in self.patterns or ()])
        city = {str(s.station): s.city for s in self.stops if s.city is not None}
        found: dict[str, list[float]] = {place: [left] for place in city.values()}
        for pattern in self.patterns or ():
            for place in {city[s] for s in pattern.stops}:
                found[place].append(pattern.headway_min)
        return found

    def km_by_place(self) -> dict[str, float]:
        """Length built in each city: half of every leg at either end; at a junction post, the region."""
        built: dict[str, float] = {}
        for a, b in pairwise(self.stops):
            for stop in (a, b):
                place = stop.city or "region"
                built[place] = built.get(place, 0.0) + (_km(b) - _km(a)) / 2
        return built


def _km(stop: Stop) -> float:
    if stop.km is None:
        raise AssertionError("a resolved stop has its km")
    return stop.km


def _place(stop: Stop, tables: Tables) -> Stop:
    """Fill in station id, name, coordinates and city of a stop."""
    stations = tables.by_id("stations")
    if stop.station is not None:
        by_id = stations.get(stop.station)
        found = [r for r in stations.values() if r["name"] == stop.station] if by_id is None else [by_id]
        if len(found) != 1:
            todo = suggest(stop.station, list(stations))
            raise BadInput(Problem("", f"no single station is called '{stop.station}'", todo))
        return _at_station(found[0])
    city = None if stop.city is None else tables.region.names.city(stop.city)
    name: str | None
    local: str | None
    if stop.name is None and city is not None:
        row = tables.by_id("cities")[city]
        if isinstance(row["main_station"], str):
            return _at_station(stations[row["main_station"]])
        local = row["name_local"] if isinstance(row["name_local"], str) else None
        name, lon, lat = f"{row['name']} (planned)", row["lon"], row["lat"]
    else:
        name, local, lon, lat = stop.name, stop.name_local or stop.name, stop.lon, stop.lat
    id_ = slug(str(name))
    if id_ in stations:  # two lines of a plan may share a new station; an old one of that name is not moved
        old = stations[id_]
        if float(great_circle_km(old["lon"], old["lat"], lon, lat)) > SAME_STATION_KM:
            todo = f"write station: {id_}, or rename it"
            raise BadInput(Problem("", f"another station is called '{name}'", todo))
        return _at_station(old)
    return Stop(city=city, station=id_, name=name, name_local=local, lon=lon, lat=lat)


def _at_station(row: Row) -> Stop:
    local, city = (row[key] if isinstance(row[key], str) else None for key in ("name_local", "city"))
    return Stop(city=city, station=row["id"], name=row["name"], name_local=local, lon=row["lon"], lat=row["lat"])


def line_id(text: str, tables: Tables) -> str:
    """Return the id of the line that an id or a name, in either language, means."""
    lines = tables["rail_lines"]
    found = lines.loc[(lines["id"] == text) | (lines["name"] == text) | (lines["name_local"] == text), "id"]
    if len(found) != 1:
        todo = suggest(text, [*lines["id"], *lines["name"]])
        raise BadInput(Problem("", f"no single line is called '{text}'", todo))
    return str(found.iloc[0])


class RailUpgrade(Measure):
    """A line made faster or more frequent: sets ``operating_kmh`` or ``headway_min`` from the year it opens.

    Stopping patterns of the line keep their shares of its trains.
    """

    kind: Literal["rail_upgrade"]
    line: str
    opens: Year
    operating_kmh: float | None = Field(default=None, gt=0, le=1200, allow_inf_nan=False)
    headway_min: float | None = Field(default=None, gt=0, le=1440, allow_inf_nan=False)
    cost: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.operating_kmh is None and self.headway_min is None:
            raise ValueError("needs operating_kmh or headway_min")
        return self

    def resolve(self, tables: Tables) -> Self:
        """Find the line; see `Measure.resolve`."""
        return self.model_copy(update={"line": line_id(self.line, tables)})

    def edit(self, tables: Tables, year: int) -> None:
        """Set the new speed and headway once open; see `Measure.edit`."""
        lines = tables["rail_lines"]
        chosen = lines["id"] == self.line
        if self.cost is not None:
            self.invest(tables, self.opens, self.cost)
        if year < self.opens:
            return
        if self.operating_kmh is not None:
            lines.loc[chosen, "operating_kmh"] = self.operating_kmh
        if self.headway_min is not None:
            if tables.has("rail_patterns"):
                patterns = tables["rail_patterns"]
                own = patterns["line"] == self.line
                minutes = patterns.loc[own, "headway_min"] * self.headway_min / lines.loc[chosen, "headway_min"].iloc[0]
                patterns.loc[own, "headway_min"] = minutes.clip(upper=MINUTES_PER_DAY)
            lines.loc[chosen, "headway_min"] = self.headway_min
        lines.loc[chosen, "timetabled"] = "no"  # a timetable's trains do not know of it


class RoadTime(Measure):
    """A new road or bridge between two cities: sets their road minutes, both ways unless told otherwise."""

    kind: Literal["road_time"]
    from_: str = Field(alias="from")
    to: str
    minutes: float = Field(gt=0, le=100_000, allow_inf_nan=False)
    both_ways: bool = True
    opens: Year
    cost: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    def resolve(self, tables: Tables) -> Self:
        """Find the two cities; see `Measure.resolve`."""
        ends = [tables.region.names.city(text) for text in (self.from_, self.to)]
        if ends[0] == ends[1]:
            raise BadInput(Problem("", f"'{self.name}' leads from a city to itself", "name two cities"))
        return self.model_copy(update={"from_": ends[0], "to": ends[1]})

    def edit(self, tables: Tables, year: int) -> None:
        """Replace the road minutes of the pair once open; see `Measure.edit`."""
        if self.cost is not None:
            self.invest(tables, self.opens, self.cost)
        if year < self.opens:
            return
        pairs = [(self.from_, self.to), (self.to, self.from_)][: 2 if self.both_ways else 1]
        old = tables["road_times"]
        keep = [(a, b) not in pairs for a, b in zip(old["from"], old["to"], strict=True)]
        tables["road_times"] = old[keep].reset_index(drop=True)
        tables.append("road_times", [{"from": a, "to": b, "minutes": self.minutes} for a, b in pairs])
