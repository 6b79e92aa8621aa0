"""The base case of a state, and the economy under any combination of the policies that a plan changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from megalopolis.economy.calibrate import Kernels, calibrate, wage_bills
from megalopolis.economy.coordination import agreed
from megalopolis.economy.inputs import (
    Data,
    data_of,
    elasticities_of,
    kernel_of,
    mobility_kernel,
    own_minutes,
    trade_kernels,
)
from megalopolis.economy.levers import Levers, levers_of
from megalopolis.economy.model import Model
from megalopolis.economy.solve import Equilibrium, solve
from megalopolis.economy.workplaces import Workplaces, by_flows, by_minutes, ease_of_minutes
from megalopolis.region import Region
from megalopolis.units import Array

Policy = Literal["rail", "migration", "trade", "subsidies", "land"]
POLICIES: Final[tuple[Policy, ...]] = ("rail", "migration", "trade", "subsidies", "land")


@dataclass(frozen=True)
class Pair:
    """The base case as the tables have it, and the state.

    Attributes
    ----------
    data : Data
        Cities and what the tables say of them.
    base, new : Equilibrium
        The same object where travel times are those of the base case.
    """

    data: Data
    base: Equilibrium
    new: Equilibrium


@dataclass(frozen=True)
class CaseBook:
    """The base case, and what policies change in it.

    Attributes
    ----------
    data : Data
        Cities and what the tables say of them.
    base : Equilibrium
        The tables as an equilibrium.
    minutes : tuple of ndarray, shape (n, n)
        Of the base case and of the state; the same object where nothing differs.
    levers : tuple of Levers
        Of the base case and of the state.
    parameters : mapping of str to float
        In force.
    """

    data: Data
    base: Equilibrium
    minutes: tuple[Array, Array]
    levers: tuple[Levers, Levers]
    parameters: Mapping[str, float]

    @property
    def changed(self) -> tuple[Policy, ...]:
        """Policies that differ from the base case."""
        (before, after), (then, now) = self.minutes, self.levers
        subsidies = bool(now.agreements) or not np.array_equal(then.subsidy, now.subsidy)
        differ = {
            "rail": not np.array_equal(before, after),
            "migration": not np.array_equal(then.move, now.move),
            "trade": not np.array_equal(then.trade, now.trade),
            "subsidies": subsidies,
            "land": not np.array_equal(then.land, now.land),
        }
        return tuple(name for name in POLICIES if differ[name])

    def model(self, policies: Collection[str] = POLICIES) -> Model:
        """Economy with some of the policies of the state, the others as in the base case."""
        chosen = set(policies) & set(self.changed)
        if not chosen:
            return self.base.model
        (before, after), (then, now), p, old = self.minutes, self.levers, self.parameters, self.base.model
        minutes = after if "rail" in chosen else before
        move = mobility_kernel(minutes, before, p)
        move *= np.exp(-p["eps"] * (now if "migration" in chosen else then).move)
        np.fill_diagonal(move, np.diag(old.mobility))
        trade = trade_kernels(minutes, before, p)
        trade *= np.exp(-p["theta"] * (now if "trade" in chosen else then).trade)
        ride = old.commuting
        if old.commutes and minutes is not before:  # those who commute are passengers: all of their cost is theirs
            ride = ride * np.exp(-p["commuting_decay"] * (minutes - before))
        found = old.changed(
            kernels=trade,
            mobility=move,
            commuting=ride,
            subsidy=(now if "subsidies" in chosen else then).subsidy,
            log_h=old.log_h + (now.land - then.land if "land" in chosen else 0.0),
        )
        for agreement in now.agreements if "subsidies" in chosen else ():
            found = agreed(found, agreement.members, agreement.rule, agreement.objective)
        return found

    def solved(self, policies: Collection[str] = POLICIES) -> Equilibrium:
        """Equilibrium with some of the policies; the base case itself where none of them differs."""
        found = self.model(policies)
        if found is self.base.model:
            return self.base
        return solve(found, self.base.state)

    def pair(self) -> Pair:
        """Base case and state, solved."""
        return Pair(self.data, self.base, self.solved())


def case_book(
    state: Region, minutes: pd.DataFrame, baseline: pd.DataFrame, parameters: Mapping[str, float]
) -> CaseBook:
    """Calibrate on the tables at the baseline's minutes and the region's own policies.

    Parameters
    ----------
    state, minutes, baseline, parameters
        As in `megalopolis.economy.face.run`.

    Raises
    ------
    BadInput, ValueError
        As there.
    """
    data, inside, then, now = prepared(state, baseline)
    own = own_minutes(data.area, parameters)
    before, after = (_within(square(state, m), inside, own) for m in (baseline, minutes))
    e = elasticities_of(data, parameters)
    mobility = mobility_kernel(before, before, parameters) * np.exp(-parameters["eps"] * then.move)
    trade = trade_kernels(before, before, parameters) * np.exp(-parameters["theta"] * then.trade)
    base = calibrate(
        data.output,
        data.people,
        data.registered,
        Kernels(trade, kernel_of(data), mobility, parameters["stay_share"]),
        e,
        subsidy=then.subsidy,
        work=_workplaces(data, before, then.subsidy, parameters),
        inputs=np.repeat(data.inputs[:, :, None], len(data.ids), axis=2) if len(data.inputs) else None,
    )
    return CaseBook(data, base, (before, after), (then, now), parameters)


def commutes(data: Data, parameters: Mapping[str, float]) -> bool:
    """Whether people work elsewhere than they live: the region has commuters, or the parameter asks for it.

    Raises
    ------
    ValueError
        If the parameter is neither 0 nor 1.
    """
    if parameters["commuting"] not in {0.0, 1.0}:
        raise ValueError(f"commuting {parameters['commuting']:g} must be 0 (by the table alone) or 1 (by minutes)")
    return len(data.commuters) > 0 or parameters["commuting"] == 1.0


def _workplaces(data: Data, minutes: Array, subsidy: Array, parameters: Mapping[str, float]) -> Workplaces | None:
    """Where residents work: as the table says, else by minutes where asked for, else at home."""
    if not commutes(data, parameters):
        return None
    paid = wage_bills(data.output, subsidy)
    if len(data.commuters):
        return by_flows(data.commuters, data.people, paid, parameters["nu"])
    return by_minutes(ease_of_minutes(minutes, parameters["commuting_decay"]), data.people, paid, parameters["nu"])


def solve_pair(state: Region, minutes: pd.DataFrame, baseline: pd.DataFrame, parameters: Mapping[str, float]) -> Pair:
    """Solve the base case and the state; arguments and errors as `case_book`."""
    return case_book(state, minutes, baseline, parameters).pair()


def prepared(state: Region, baseline: pd.DataFrame) -> tuple[Data, npt.NDArray[np.bool_], Levers, Levers]:
    """What the tables say, which units are in it, and the policies of the base case and of the state: read once."""
    there = reached(square(state, baseline))

    def build() -> tuple[Data, npt.NDArray[np.bool_], Levers, Levers]:
        data = data_of(state, there)
        inside = np.isin(state.cities["id"].to_numpy(object), data.ids)
        return data, inside, levers_of(state, data, base=True), levers_of(state, data, base=False)

    return state.derive(f"economy:{there.tobytes().hex()}", build)


def square(state: Region, minutes: pd.DataFrame) -> Array:
    """Minutes in the order of the state's units."""
    ids = state.derive("economy.ids", lambda: pd.Index(state.cities["id"]))
    rows, columns = (axis.get_indexer(ids) for axis in (minutes.index, minutes.columns))
    if min(rows.min(initial=0), columns.min(initial=0)) < 0:
        raise ValueError("minutes lack units of the state")
    return np.asarray(minutes.to_numpy(float).take(rows, axis=0).take(columns, axis=1))


def reached(minutes: Array) -> npt.NDArray[np.bool_]:
    """Units of the largest group that all reach each other: the row with the most finite minutes names it."""
    finite = np.isfinite(minutes)
    np.fill_diagonal(finite, val=True)
    return np.asarray(finite[int(np.argmax(finite.sum(axis=1)))] & finite.any(axis=0))


def _within(minutes: Array, inside: npt.NDArray[np.bool_], own: Array) -> Array:
    found = minutes[np.ix_(inside, inside)].copy()
    np.fill_diagonal(found, own)
    low = float(found.min())
    if not low > 0:
        raise ValueError("two different cities are no minutes apart: trade and migration need positive times")
    return found
