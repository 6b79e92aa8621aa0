"""Measures of digital public services: evidence links, recognitions of filings made elsewhere, online channels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field

from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.plan.measures.base import Measure, Row, Tables
from megalopolis.region.catalogue import TABLE, Entries

Year = Annotated[int, Field(ge=1800, le=2200)]
#: Names of cities, ``cluster:<id>`` for all of a planned cluster.
_SPECIAL = ("*", "national", "same")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1, max_length=1000)]


class _Services(Measure):
    """What the measures of services share: dates, cost, names checked against the catalogue."""

    opens: Year
    cost: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    def _entries(self, tables: Tables) -> Entries:
        if not tables.region.has(TABLE):
            what = f"the region has no catalogue of services for '{self.name}'"
            raise BadInput(Problem("", what, "write its YAML documents into the region's folder services/"))
        return Entries.of(tables.region)

    @staticmethod
    def _known(names: Iterable[str], entries: Entries, kind: str) -> tuple[str, ...]:
        """Ids of evidence types, sectors or procedures, each named by id or by a label."""
        known = entries.names[kind]
        for name in names:
            if name != "*" and name not in known:
                todo = suggest(name, list(known), f"add it to {kind} of the catalogue")
                raise BadInput(Problem("", f"'{name}' is not in {kind} of the catalogue of services", todo))
        return tuple(dict.fromkeys(known.get(name, name) for name in names))

    def _places(self, names: Iterable[str], tables: Tables, entries: Entries) -> tuple[str, ...]:
        """Ids of cities of the catalogue; a planned cluster stays one name."""
        found = []
        for name in names:
            members = () if name in _SPECIAL else tables.region.names.cities([name])
            if members and not set(members) & set(entries.provinces):
                what = f"'{self.name}' matches no city of the catalogue of services: {name}"
                raise BadInput(Problem("", what, "add the city to its cities, or name another"))
            found.append(name if name in _SPECIAL or name.startswith("cluster:") else members[0])
        return tuple(dict.fromkeys(found))

    @staticmethod
    def _members(names: Sequence[str], tables: Tables, entries: Entries) -> list[str]:
        """Every city of the catalogue that some names stand for."""
        listed = list(entries.provinces)
        found = {
            c
            for name in names
            for c in (
                listed if name in ("*", "same") else () if name == "national" else tables.region.names.cities([name])
            )
        }
        return [c for c in listed if c in found]

    def _add(self, tables: Tables, table: str, rows: list[Row], year: int) -> None:
        if year < self.opens:
            return
        there = {tuple(row) for row in tables[table][list(rows[0])].itertuples(index=False, name=None)}
        new = [row for row in rows if tuple(row.values()) not in there]
        if not new:
            what = f"'{self.name}' adds nothing: what it links is there already"
            raise BadInput(Problem("", what, "remove it, or name something else"))
        more = {"live_from": self.opens, "status": self.status, "source": self.source}
        tables.append(table, [{**row, **more} for row in new])

    def _book(self, tables: Tables, share: dict[str, float], *, priced: bool) -> None:
        """Book the cost, by city in the shares given: what is announced, else what the catalogue says of the parts."""
        total = sum(share.values())
        cost = self.cost if self.cost is not None else (total if priced else None)
        if cost is None or not total:
            self.invest(tables, self.opens, cost)
            return
        rows: list[Row] = [
            {
                "measure": self.id,
                "name": self.name,
                "place": place,
                "year": self.opens,
                "cost": cost * part / total,
                "km": None,
                "kind": self.kind,
                "status": self.status if self.cost is not None else "assumed",
                "source": self.source if self.cost is not None else "costs of parts in the catalogue of services",
            }
            for place, part in share.items()
        ]
        tables.append("investments", rows)


class EvidenceLink(_Services):
    """Evidence that reaches the authorities of other cities without paper: adds rows to ``evidence_links``.

    ``evidence``, ``sectors`` and cities are named by id or label; ``cluster:<id>`` stands for all cities of a planned
    cluster, ``*`` for any, and ``national`` for a national issuer. ``consuming`` defaults to ``issuing``, ``sectors``
    to every sector that asks for the evidence. Without ``cost`` the parts cost what the catalogue says (assumed): a
    connector for each evidence type and issuing city, one for each sector and consuming city, and an agreement for
    each two provinces.
    """

    kind: Literal["evidence_link"]
    evidence: Names
    issuing: Names
    consuming: Names | None = None
    sectors: Names = ("*",)

    def resolve(self, tables: Tables) -> Self:
        """Check names and that somebody asks for the evidence; see `Measure.resolve`."""
        entries = self._entries(tables)
        evidence = self._known(self.evidence, entries, "evidence_types")
        sectors = self._known(self.sectors, entries, "sectors")
        for name in evidence:
            if not any(e == name and (s in sectors or "*" in sectors) for e, s in entries.asked):
                what = f"'{self.name}' matches nothing: none of the sectors asks for '{name}', or it cannot be linked"
                raise BadInput(Problem("", what, "name another evidence type or sector"))
        issuing = self._places(self.issuing, tables, entries)
        consuming = self._places(self.consuming or tuple(n for n in self.issuing if n != "national"), tables, entries)
        if not consuming or {"national", "same"} & set(consuming):
            raise BadInput(Problem("", f"'{self.name}' names no consuming city", "give consuming: cities or a cluster"))
        found = {"evidence": evidence, "sectors": sectors, "issuing": issuing, "consuming": consuming}
        return self.model_copy(update=found)

    def edit(self, tables: Tables, year: int) -> None:
        """Add a row for each evidence type, sector and pair of cities or clusters, once open; see `Measure.edit`."""
        entries = self._entries(tables)
        consuming = self.consuming or self.issuing
        rows = [
            {"evidence": e, "issuing_city": i, "consuming_sector": s, "consuming_city": c}
            for e in self.evidence
            for s in self.sectors
            for i in self.issuing
            for c in consuming
        ]
        self._add(tables, "evidence_links", rows, year)
        self._book(tables, self._parts(tables, entries, consuming), priced=bool(entries.part_costs))

    def _parts(self, tables: Tables, entries: Entries, consuming: Sequence[str]) -> dict[str, float]:
        """What the parts cost, by the place that pays."""
        price = entries.part_costs
        issuers = self._members(self.issuing, tables, entries)
        consumers = self._members(consuming, tables, entries)
        sectors = {s for e, s in entries.asked if e in self.evidence and (s in self.sectors or "*" in self.sectors)}
        share: dict[str, float] = {}
        for city in issuers:
            share[city] = share.get(city, 0.0) + len(self.evidence) * price.get("issuer", 0.0)
        for city in consumers:
            share[city] = share.get(city, 0.0) + len(sectors) * price.get("consumer", 0.0)
        provinces = [{entries.provinces[c] for c in cities} for cities in (issuers, consumers)]
        pairs = {tuple(sorted((a, b))) for a in provinces[0] for b in provinces[1] if a != b}
        agreements = len(pairs) * price.get("agreement", 0.0)
        return share | ({"region": agreements} if agreements else {})


class Recognition(_Services):
    """Sectors that take filings made in another city, at a proxy or joint window: adds rows to ``recognitions``."""

    kind: Literal["recognition"]
    sectors: Names
    cities: Names

    def resolve(self, tables: Tables) -> Self:
        """Check names and that a recognition would open a channel; see `Measure.resolve`."""
        entries = self._entries(tables)
        sectors = self._known(self.sectors, entries, "sectors")
        for name in sectors:
            if name != "*" and name not in entries.recognising:
                what = f"'{self.name}' matches nothing: no service of '{name}' has a channel that needs a recognition"
                raise BadInput(Problem("", what, f"sectors with one: {', '.join(sorted(entries.recognising))}"))
        return self.model_copy(update={"sectors": sectors, "cities": self._places(self.cities, tables, entries)})

    def edit(self, tables: Tables, year: int) -> None:
        """Add a row for each sector and city or cluster, once open; see `Measure.edit`."""
        entries = self._entries(tables)
        self._add(tables, "recognitions", [{"sector": s, "city": c} for s in self.sectors for c in self.cities], year)
        count = len(entries.recognising) if "*" in self.sectors else len(self.sectors)
        price = count * entries.part_costs.get("recognition", 0.0)
        share = dict.fromkeys(self._members(self.cities, tables, entries), price)
        self._book(tables, share, priced="recognition" in entries.part_costs)


class OnlineChannel(_Services):
    """Procedures that can be filed online from the first to the last step: adds rows to ``online_channels``."""

    kind: Literal["online_channel"]
    procedures: Names
    cities: Names

    def resolve(self, tables: Tables) -> Self:
        """Check names; see `Measure.resolve`."""
        entries = self._entries(tables)
        procedures = self._known(self.procedures, entries, "procedures")
        return self.model_copy(update={"procedures": procedures, "cities": self._places(self.cities, tables, entries)})

    def edit(self, tables: Tables, year: int) -> None:
        """Add a row for each procedure and city or cluster, once open; see `Measure.edit`."""
        entries = self._entries(tables)
        self._add(
            tables, "online_channels", [{"procedure": p, "city": c} for p in self.procedures for c in self.cities], year
        )
        self._book(tables, dict.fromkeys(self._members(self.cities, tables, entries), 1.0), priced=False)
