"""The one list of pillars: what each reads, what it takes of others, and who runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from megalopolis.clusters import face as clusters
from megalopolis.economy import face as economy
from megalopolis.environment import face as environment
from megalopolis.pillar import Result
from megalopolis.region import Region
from megalopolis.services import face as services
from megalopolis.travel import face as travel


@dataclass(frozen=True)
class Pillar:
    """A pillar as `evaluate` joins it.

    Attributes
    ----------
    name : str
        Name of the package.
    run : callable
        ``run(state, *, parameters, progress, indicators_only, **inputs) -> Result``.
    needs : tuple of str
        Tables without which the pillar is skipped; ``table.column`` wants figures in two rows at least.
    otherwise : tuple of tuple of str
        Tables any of which will do instead of `needs`.
    reads : tuple of str
        Every table it may read: a change of any makes its result stale.
    inputs : dict of str to tuple of str
        Argument to the pillar and table that fill it.
    reference : dict of str to tuple of str
        The same for arguments filled from the baseline of the year, where the state is another.
    asked_only : bool
        Whether it runs only where it is named.
    ranged : bool
        Whether the draws of the parameters are run through it.
    """

    name: str
    run: Callable[..., Result]
    needs: tuple[str, ...]
    reads: tuple[str, ...]
    inputs: dict[str, tuple[str, str]] = field(default_factory=dict)
    reference: dict[str, tuple[str, str]] = field(default_factory=dict)
    otherwise: tuple[tuple[str, ...], ...] = ()
    asked_only: bool = False
    ranged: bool = True

    def missing(self, state: Region) -> list[str]:
        """Tables and columns that the pillar needs and the state lacks."""
        if any(all(_there(state, name) for name in names) for names in self.otherwise):
            return []
        return [name for name in self.needs if not _there(state, name)]


def _there(state: Region, name: str) -> bool:
    table, _, column = name.partition(".")
    if not column or not state.has(table):
        return state.has(table)
    figures = state.tables[table].column(column)
    return int(len(figures) - figures.null_count) >= 2


PILLARS: Final = (
    Pillar(
        "travel",
        travel.run,
        needs=("cities",),
        reads=(
            "cities",
            "stations",
            "rail_lines",
            "rail_stops",
            "rail_patterns",
            "rail_pattern_calls",
            "road_times",
            "barriers",
            "rides_published",
            "investments",
            "industries",
            "timetable_trains",
            "timetable_calls",
            "timetable_changes",
        ),
    ),
    Pillar(
        "clusters",
        clusters.run,
        needs=("cities",),
        reads=("cities", "clusters_planned", "flows", "industries"),
        inputs={"minutes": ("travel", "minutes")},
    ),
    Pillar(
        "economy",
        economy.run,
        needs=("cities", "cities.gdp"),
        reads=(
            "cities",
            "clusters_planned",
            "industries",
            "commuting",
            "input_shares",
            "drivers",
            "migration_barriers",
            "trade_barriers",
            "subsidies",
            "land_supply",
            "agreements",
        ),
        inputs={"minutes": ("travel", "minutes")},
        reference={"baseline_minutes": ("travel", "minutes")},
    ),
    Pillar(
        "services",
        services.run,
        needs=("cities", "catalogue"),
        reads=("cities", "clusters_planned", "catalogue", "evidence_links", "recognitions", "online_channels"),
        inputs={"minutes": ("travel", "minutes"), "flows": ("clusters", "flows")},
    ),
    Pillar(
        "environment",
        environment.run,
        needs=("reaches", "discharges"),
        otherwise=(("air_quality",), ("air_sources",)),
        reads=(
            "cities",
            "reaches",
            "reach_links",
            "sections",
            "discharges",
            "treatment_levels",
            "standards",
            "daily",
            "air_quality",
            "air_sources",
            "air_responses",
            "wind",
        ),
    ),
)


def chosen(only: set[str] | None) -> tuple[Pillar, ...]:
    """Return the pillars asked for, by default the usual ones, and those that they take inputs from, in order.

    Raises
    ------
    KeyError
        If one asked for is not in the list.
    """
    if only is None:
        return tuple(p for p in PILLARS if not p.asked_only)
    by_name = {p.name: p for p in PILLARS}
    wanted = with_sources(PILLARS, {by_name[name].name for name in only})
    return tuple(p for p in PILLARS if p.name in wanted)


def with_sources(pillars: tuple[Pillar, ...], names: set[str]) -> frozenset[str]:
    """Pillars of these names and those that they take inputs from; `pillars` are in order of evaluation."""
    wanted = set(names)
    for pillar in reversed(pillars):
        if pillar.name in wanted:
            wanted |= {source for source, _ in (*pillar.inputs.values(), *pillar.reference.values())}
    return frozenset(wanted)
