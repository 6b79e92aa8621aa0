"""What policy does to the kernels: barriers, subsidies and land, as the tables of a state have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from megalopolis.economy.inputs import GOODS, SERVICES, Data
from megalopolis.economy.model import Indices
from megalopolis.errors import BadInput, Problem
from megalopolis.region import Region
from megalopolis.units import Array

_SECTORS = {"all": (GOODS, SERVICES), "goods": (GOODS,), "services": (SERVICES,)}


@dataclass(frozen=True)
class Agreement:
    """Cities that agree on their subsidies: ``rule`` and ``objective`` as in the table ``agreements``."""

    id: str
    members: Indices
    rule: str
    objective: str


@dataclass(frozen=True)
class Levers:
    """Policies in force.

    Attributes
    ----------
    move : ndarray, shape (n, n)
        Log factor on the cost of moving from place of registration (row) to city.
    trade : ndarray, shape (2, n, n)
        Log factor on the cost of selling goods and services to a city (row) from another.
    subsidy : ndarray, shape (k, n)
        Share of the wage bill that the city pays.
    land : ndarray, shape (n,)
        Log factor on land.
    agreements : tuple of Agreement
        In force.
    """

    move: Array
    trade: Array
    subsidy: Array
    land: Array
    agreements: tuple[Agreement, ...]

    def same(self, other: Levers) -> bool:
        """Whether nothing differs."""
        pairs = (
            (self.move, other.move),
            (self.trade, other.trade),
            (self.subsidy, other.subsidy),
            (self.land, other.land),
        )
        return not self.agreements and not other.agreements and all(np.array_equal(a, b) for a, b in pairs)


def levers_of(state: Region, data: Data, *, base: bool) -> Levers:
    """Read the policies of a state.

    Parameters
    ----------
    state : Region
        Its tables ``migration_barriers``, ``trade_barriers``, ``subsidies``, ``land_supply`` and ``agreements``.
    data : Data
        Cities and industries of the economy.
    base : bool
        Whether to leave out what measures of a plan added: the policies of the base case.

    Raises
    ------
    BadInput
        If a row names no city or industry, or subsidies reach the whole wage bill.
    """
    return _Reader(state, data, base=base).levers()


class _Reader:
    def __init__(self, state: Region, data: Data, *, base: bool) -> None:
        self.state, self.data, self.base = state, data, base
        self.number = {id_: i for i, id_ in enumerate(data.ids.tolist())}

    def levers(self) -> Levers:
        n = len(self.number)
        move, trade = np.zeros((n, n)), np.zeros((2, n, n))
        for row in self._rows("migration_barriers"):
            origin = row["from"] if isinstance(row["from"], str) else "region"
            move[np.ix_(self._cities(origin), self._cities(row["to"]))] += np.log(row["factor"])
        for row in self._rows("trade_barriers"):
            origin = row["from"] if isinstance(row["from"], str) else "region"
            sector = row["sector"] if isinstance(row["sector"], str) else "all"
            pairs = np.ix_(self._cities(row["to"]), self._cities(origin))
            for kernel in _SECTORS[sector]:
                trade[kernel][pairs] += np.log(row["factor"])
        for kernel in (move, *trade):
            np.fill_diagonal(kernel, 0.0)  # barriers lie between different cities
        land = np.zeros(n)
        for row in self._rows("land_supply"):
            land[self._cities(row["city"])] += np.log(row["factor"])
        return Levers(move, trade, self._subsidies(), land, tuple(self._agreements()))

    def _rows(self, table: str) -> Iterator[dict[str, Any]]:
        if not self.state.has(table):
            return
        frame = self.state.frame(table)
        if self.base:
            frame = frame[frame["measure"].isna()]
        for row in frame.to_dict("records"):
            yield {str(name): value for name, value in row.items()}

    def _cities(self, place: str) -> list[int]:
        if place == "region":
            return list(self.number.values())
        return [self.number[c] for c in self.state.names.cities([place]) if c in self.number]

    def _subsidies(self) -> Array:
        names = self.data.names
        share = np.zeros((len(names), len(self.number)))
        for row in self._rows("subsidies"):
            if row["industry"] != "all" and row["industry"] not in names:
                what = f"no industry is called '{row['industry']}'"
                raise BadInput(Problem("subsidies:industry", what, f"industries: {', '.join(names)}"))
            chosen = range(len(names)) if row["industry"] == "all" else [names.index(row["industry"])]
            for k in chosen:
                share[k, self._cities(row["city"])] += row["share"]
        if (share >= 1.0).any():
            worst, at = np.unravel_index(int(np.argmax(share)), share.shape)
            city = self.state.names.labels[self.data.ids[at]]
            what = f"subsidies of {city} to {names[worst]} add up to {share[worst, at]:.0%} of its wage bill"
            raise BadInput(Problem("subsidies:share", what, "they must stay below 100 %"))
        return share

    def _agreements(self) -> Iterator[Agreement]:
        rows = pd.DataFrame(
            list(self._rows("agreements")), columns=["agreement", "city", "rule", "objective", "measure"]
        )
        rows = rows[rows["measure"].notna()]  # what the region's own agreements do is in its figures
        for id_, part in rows.groupby("agreement", sort=False):
            members = sorted({i for place in part["city"] for i in self._cities(place)})
            rule, objective = (
                str(part[c].iloc[0]) if isinstance(part[c].iloc[0], str) else default
                for c, default in (("rule", "pigou"), ("objective", "welfare"))
            )
            yield Agreement(str(id_), np.array(members, dtype=np.int64), rule, objective)
