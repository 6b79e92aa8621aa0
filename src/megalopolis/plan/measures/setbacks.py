"""What goes wrong with other measures: they open later, they cost more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.plan.measures.base import Measure, Tables
from megalopolis.plan.measures.travel import RailLine, line_id


class _Setback(Measure):
    """What a delay and an overrun share: the lines and the other measures that they meet."""

    lines: tuple[str, ...] | Literal["all"] | None = None
    measures: tuple[str, ...] | Literal["all"] | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not self.lines and not self.measures:
            raise ValueError("needs lines or measures")
        return self

    def resolve(self, tables: Tables) -> Self:
        """Find the lines; ``all`` means every line that opens after today; see `Measure.resolve`."""
        return self.model_copy(update={"lines": _future_lines(self.lines or (), self.name, tables)})


class Delay(_Setback):
    """Lines and other measures open later than announced: moves their opening by some years.

    ``measures`` names measures before this one that are no new lines; `postponed` moves them before any is applied.
    """

    kind: Literal["delay"]
    years: int = Field(ge=1, le=100)

    def edit(self, tables: Tables, year: int) -> None:  # noqa: ARG002 - the year is a row's opening
        """Move the opening years, of the line and of its investment; see `Measure.edit`."""
        lines, built = tables["rail_lines"], tables["investments"]
        ids = list(self.lines or ())
        lines.loc[lines["id"].isin(ids), "opened"] += self.years
        built.loc[built["measure"].isin(ids), "year"] += self.years

    def meets(self, earlier: Sequence[Measure]) -> list[int]:
        """Positions of the measures that it moves.

        Raises
        ------
        BadInput
            If a name is none of them, or means a new line or what has no opening.
        """
        dated = {i: m for i, m in enumerate(earlier) if hasattr(m, "opens") and not isinstance(m, RailLine)}
        if self.measures == "all":
            if not dated:
                what = f"'{self.name}' matches no measure before it that opens and is no new line"
                raise BadInput(Problem("", what, "put it behind them, or name lines"))
            return list(dated)
        found = []
        for text in self.measures or ():
            at = next((i for i, m in enumerate(earlier) if text in {m.id, m.name, m.name_local}), None)
            if at is None:
                todo = suggest(text, [m.name for m in dated.values()], "put the delay behind it")
                raise BadInput(Problem("", f"no measure before '{self.name}' is called '{text}'", todo))
            if at not in dated:
                todo = "name it under lines" if isinstance(earlier[at], RailLine) else "name a measure that opens"
                raise BadInput(
                    Problem("", f"'{text}' is of kind {earlier[at].kind}, which '{self.name}' cannot move", todo)
                )
            found.append(at)
        return sorted(set(found))


class Overrun(_Setback):
    """Lines and other measures cost more than announced: multiplies their cost.

    ``measures`` names measures before this one that have a cost and are no new lines.
    """

    kind: Literal["overrun"]
    factor: float = Field(gt=0, le=100, allow_inf_nan=False)

    def resolve(self, tables: Tables) -> Self:
        """Find the lines and the measures with a cost; see `Measure.resolve`."""
        found = super().resolve(tables)
        if self.measures is None:
            return found
        built, own = tables["investments"], tables.region.frame("investments")
        others = {*tables["rail_lines"]["id"], *own["measure"]}  # lines, and what the region itself has built
        priced = built[built["cost"].notna() & ~built["measure"].isin(others)]
        ids = dict(zip(priced["measure"], priced["name"], strict=True))
        return found.model_copy(update={"measures": _priced(self.measures, ids, self.name)})

    def edit(self, tables: Tables, year: int) -> None:  # noqa: ARG002 - cost has no year
        """Multiply the costs; see `Measure.edit`."""
        built = tables["investments"]
        built.loc[built["measure"].isin([*(self.lines or ()), *(self.measures or ())]), "cost"] *= self.factor


def postponed(measures: Sequence[Measure], position: int) -> list[Measure]:
    """Measures with the openings of those moved that the delay at a position names; see `Delay.meets`."""
    moved, delay = list(measures), measures[position]
    if isinstance(delay, Delay):
        for i in delay.meets(measures[:position]):
            moved[i] = moved[i].model_copy(update={"opens": getattr(moved[i], "opens", 0) + delay.years})
    return moved


def _priced(named: Iterable[str], ids: dict[str, str], setback: str) -> tuple[str, ...]:
    if named == "all":
        if not ids:
            what = f"'{setback}' matches no measure before it that has a cost and is no new line"
            raise BadInput(Problem("", what, "put it behind them, or name lines"))
        return tuple(ids)
    found = []
    for text in named:
        same = [i for i, name in ids.items() if text in {i, name}]
        if not same:
            todo = suggest(text, [*ids.values()], "give it a cost, or put the overrun behind it")
            raise BadInput(Problem("", f"no measure before '{setback}' that has a cost is called '{text}'", todo))
        found.append(same[0])
    return tuple(dict.fromkeys(found))


def _future_lines(named: tuple[str, ...] | str, measure: str, tables: Tables) -> tuple[str, ...]:
    if not isinstance(named, str):
        return tuple(line_id(text, tables) for text in named)
    lines = tables["rail_lines"]
    found = tuple(lines.loc[lines["opened"] > tables.region.meta.now, "id"])
    if not found:
        raise BadInput(
            Problem("", f"'{measure}' matches no line that opens after {tables.region.meta.now}", "name lines")
        )
    return found
