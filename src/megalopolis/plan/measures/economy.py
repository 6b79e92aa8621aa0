"""Measures of the economy: barriers between cities, subsidies to industries, agreements on them, land."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field

from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.plan.measures.base import Measure, Row, Tables
from megalopolis.plan.measures.travel import Year

#: All cities of the region, as a place.
EVERYWHERE = "region"
Factor = Annotated[float, Field(ge=0.01, le=100, allow_inf_nan=False)]


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Places = Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1, max_length=5000)]


class Lever(Measure):
    """A measure that adds rows, one for each place, to a table of the economy from the year it opens."""

    table: ClassVar[str]
    opens: Year
    cost: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    def rows(self) -> list[Row]:
        """Rows without their years, measure and source."""
        raise NotImplementedError

    def where(self) -> tuple[str, ...]:
        """Places where the cost falls."""
        raise NotImplementedError

    def edit(self, tables: Tables, year: int) -> None:  # noqa: ARG002 - the year is a row's opening
        """Add the rows and book the cost; see `Measure.edit`."""
        common = {"opened": self.opens, "measure": self.id, "source": self.source}
        tables.append(self.table, [{**row, **common} for row in self.rows()])
        if self.cost is not None:
            cities = self.where()
            place = cities[0] if len(cities) == 1 and ":" not in cities[0] else EVERYWHERE
            self.invest(tables, self.opens, self.cost, place=place)


class MigrationBarrier(Lever):
    """Moving made easier or harder: adds rows to ``migration_barriers``.

    Hukou reform eases moving to the cities that open up; shared services ease it between the cities that share them.
    ``factor`` multiplies the cost of moving from any of ``from`` to any of ``to``.
    """

    table: ClassVar[str] = "migration_barriers"
    kind: Literal["migration_barrier"]
    from_: Places = Field(alias="from", default=(EVERYWHERE,))
    to: Places
    factor: Factor

    def resolve(self, tables: Tables) -> Self:
        """Find the places; see `Measure.resolve`."""
        return self.model_copy(update=_ends(self.from_, self.to, self, tables))

    def rows(self) -> list[Row]:
        """One row for each pair of places; see `Lever.rows`."""
        return [{"from": a, "to": b, "factor": self.factor} for a in self.from_ for b in self.to]

    def where(self) -> tuple[str, ...]:
        """Where people may settle."""
        return self.to


class TradeBarrier(Lever):
    """Trade made easier or harder: adds rows to ``trade_barriers``.

    Local protection is a factor above 1 on what is sold to the cities that protect themselves; a common market is one
    below 1 between its members. ``factor`` multiplies the cost of trade from any of ``from`` to any of ``to``.
    """

    table: ClassVar[str] = "trade_barriers"
    kind: Literal["trade_barrier"]
    from_: Places = Field(alias="from", default=(EVERYWHERE,))
    to: Places
    sector: Literal["all", "goods", "services"] = "all"
    factor: Factor

    def resolve(self, tables: Tables) -> Self:
        """Find the places; see `Measure.resolve`."""
        return self.model_copy(update=_ends(self.from_, self.to, self, tables))

    def rows(self) -> list[Row]:
        """One row for each pair of places; see `Lever.rows`."""
        own = {"sector": self.sector, "factor": self.factor}
        return [{"from": a, "to": b, **own} for a in self.from_ for b in self.to]

    def where(self) -> tuple[str, ...]:
        """Where buyers are."""
        return self.to


class IndustrySubsidy(Lever):
    """Cities pay a share of the wage bill of an industry: adds rows to ``subsidies``."""

    table: ClassVar[str] = "subsidies"
    kind: Literal["industry_subsidy"]
    cities: Places
    industry: str
    share: float = Field(ge=-2, le=0.95, allow_inf_nan=False)

    def resolve(self, tables: Tables) -> Self:
        """Find the cities and the industry; see `Measure.resolve`."""
        known = sorted(set(tables["industries"]["industry"]))
        if self.industry not in known:
            todo = suggest(self.industry, known, f"industries: {', '.join(known) or 'the region has none'}")
            raise BadInput(Problem("", f"no industry is called '{self.industry}'", todo))
        return self.model_copy(update={"cities": _places(self.cities, tables, everywhere=False)})

    def rows(self) -> list[Row]:
        """One row for each place; see `Lever.rows`."""
        return [{"city": c, "industry": self.industry, "share": self.share} for c in self.cities]

    def where(self) -> tuple[str, ...]:
        """Who pays."""
        return self.cities


class LandSupply(Lever):
    """More or less land for housing: adds rows to ``land_supply``. ``factor`` multiplies the land."""

    table: ClassVar[str] = "land_supply"
    kind: Literal["land_supply"]
    cities: Places
    factor: Factor

    def resolve(self, tables: Tables) -> Self:
        """Find the cities; see `Measure.resolve`."""
        return self.model_copy(update={"cities": _places(self.cities, tables)})

    def rows(self) -> list[Row]:
        """One row for each place; see `Lever.rows`."""
        return [{"city": c, "factor": self.factor} for c in self.cities]

    def where(self) -> tuple[str, ...]:
        """Where the land is."""
        return self.cities


class IndustryAgreement(Lever):
    """Cities agree on their subsidies instead of competing with them: adds rows to ``agreements``.

    The rule sets the subsidies of all members and replaces those they have; see docs/method/economy.md.
    """

    table: ClassVar[str] = "agreements"
    kind: Literal["industry_agreement"]
    cities: Places
    rule: Literal["none", "pigou", "cooperate", "bargain"] = "pigou"
    objective: Literal["welfare", "real_income", "gdp"] = "welfare"

    def resolve(self, tables: Tables) -> Self:
        """Find the cities, two or more, none of them in another agreement; see `Measure.resolve`."""
        names = tables.region.names
        found = _places(self.cities, tables, everywhere=False)
        members = set(names.cities(found))
        if len(members) < 2:
            raise BadInput(Problem("", f"'{self.name}' has one member", "name two cities or more"))
        taken = {c: str(a) for a, c in _members(tables)}
        both = sorted(members & taken.keys())
        if both:
            what = f"{names.labels[both[0]]} is in the agreement '{taken[both[0]]}' already"
            raise BadInput(Problem("", f"'{self.name}': {what}", "leave it out of one of them"))
        return self.model_copy(update={"cities": found})

    def rows(self) -> list[Row]:
        """One row for each place; see `Lever.rows`."""
        own = {"agreement": self.id, "rule": self.rule, "objective": self.objective}
        return [{**own, "city": c} for c in self.cities]

    def where(self) -> tuple[str, ...]:
        """Who takes part."""
        return self.cities


def _members(tables: Tables) -> list[tuple[str, str]]:
    """Agreement and city of every membership so far."""
    rows = tables["agreements"]
    names = tables.region.names
    pairs = zip(rows["agreement"].tolist(), rows["city"].tolist(), strict=True)
    return [(agreement, city) for agreement, place in pairs for city in names.cities([place])]


def _places(texts: Sequence[str], tables: Tables, *, everywhere: bool = True) -> tuple[str, ...]:
    """Ids of cities; clusters and, where allowed, ``region`` stay as they are."""
    names = tables.region.names
    found: list[str] = []
    for text in texts:
        if everywhere and text == EVERYWHERE:
            found.append(text)
        elif text.startswith("cluster:"):
            names.cities([text])
            found.append(text)
        else:
            found.append(names.city(text))
    return tuple(dict.fromkeys(found))


def _ends(from_: Sequence[str], to: Sequence[str], measure: Measure, tables: Tables) -> dict[str, tuple[str, ...]]:
    ends = {"from_": _places(from_, tables), "to": _places(to, tables)}
    if ends["from_"] == ends["to"] and len(ends["to"]) == 1 and ":" not in ends["to"][0] != EVERYWHERE:
        raise BadInput(Problem("", f"'{measure.name}' leads from a city to itself", "name two cities or more"))
    return ends
