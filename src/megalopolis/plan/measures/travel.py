"""Measures of travel: lines, upgrades, roads."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.plan.measures.base import Measure, Row, Tables, slug
from megalopolis.units import RAIL_DETOUR, great_circle_km

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


class RailLine(Measure):
    """A new rail line: adds rows to ``rail_lines`` and ``rail_stops``, and the stations it needs.

    ``speed_kmh`` is the design speed; ``operating_kmh`` defaults to it. ``cost`` is the announced investment in
    currency of the base year.
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

    def resolve(self, tables: Tables) -> Self:
        """Turn every stop into a station with its km; see `Measure.resolve`."""
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
        return self.model_copy(update={"stops": tuple(stops)})

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
        self.invest(tables, self.opens, self.cost, km=self.km_by_place(), detail=self.line_kind)

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
    """A line made faster or more frequent: sets ``operating_kmh`` or ``headway_min`` from the year it opens."""

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
