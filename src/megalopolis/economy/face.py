"""Economy: where people live and work, what they earn, and what a change of travel times is worth to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from megalopolis.economy.calibrate import calibrate, observed
from megalopolis.economy.certificate import certify
from megalopolis.economy.coordination import agreed
from megalopolis.economy.effects import decomposition, outcomes
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
from megalopolis.economy.model import goods_share
from megalopolis.economy.solve import TOLERANCE, Equilibrium, solve
from megalopolis.pillar import Check, Progress, Result, silent
from megalopolis.region import Region
from megalopolis.units import Array

#: Largest log gap between the tables and the equilibrium calibrated on them.
_REPRODUCED: Final = 1e-10
_CONSERVED: Final = 1e-8
_ALONE: Final = "no two cities reach each other: there is no economy of several cities to solve"


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


def run(
    state: Region,
    *,
    minutes: pd.DataFrame,
    parameters: Mapping[str, float],
    progress: Progress = silent,
    indicators_only: bool = False,
    baseline_minutes: pd.DataFrame | None = None,
) -> Result:
    """Solve the economy of one state against its base case.

    The tables of the state describe the base case: residents and GDP of the year at the travel times of the
    baseline. Fundamentals are inverted on them; then people, wages and rents follow the state's own times.

    Parameters
    ----------
    state : Region
        With ``cities``; ``industries``, ``drivers`` and the policies (see `levers_of`) where it has them.
    minutes : DataFrame, shape (n, n)
        Door-to-door minutes of the state, ids on both axes.
    parameters : mapping of str to float
        Parameters of the economy by short id.
    progress : callable
        See `megalopolis.pillar.Progress`.
    indicators_only : bool
        Leave out the tables and the certificate.
    baseline_minutes : DataFrame, optional
        Minutes of the baseline of the same year; without them the state is its own base case.

    Returns
    -------
    Result
        Tables ``cities`` (indicators in the base case and now, and the decomposition of welfare), ``industries``
        and ``certificate``; the indicators of ``indicators.csv``.

    Raises
    ------
    BadInput
        If the tables cannot be used; see `megalopolis.economy.inputs.data_of`.
    ValueError
        If a parameter is outside its domain, or the data cannot be inverted.
    CheckFailed
        If the tables are not reproduced, the equations are not solved, or people or money are lost.
    """
    progress("economy: calibration", 0, 3)
    baseline = minutes if baseline_minutes is None else baseline_minutes
    if _reached(_square(state, baseline)).sum() < 2:
        return Result("economy", warnings=(_ALONE,))
    if indicators_only and (kept := _kept(state, minutes, baseline, parameters)) is not None:
        return kept
    pair = solve_pair(state, minutes, baseline, parameters)
    progress("economy: effects", 1, 3)
    data, base, new = pair.data, pair.base, pair.new
    housing = (parameters["housing_share"], parameters["housing_elasticity"])
    gdp = float(data.output.sum())
    now = outcomes(base, new, gdp=gdp, housing=housing)
    checks = [
        Check("economy: tables reproduced", base.residual, _REPRODUCED),
        Check("economy: residual of the equations", new.residual, TOLERANCE),
        *(Check(f"economy: {name} conserved", gap, _CONSERVED) for name, gap in new.conservation().items()),
    ]
    rows = _indicators(data, now)
    if indicators_only:
        return Result("economy", {}, rows, tuple(checks), data.warnings)
    then = outcomes(base, base, gdp=gdp, housing=housing)
    progress("economy: certificate", 2, 3)
    tables = {
        "cities": _cities(pair, then, now),
        "industries": _industries(pair, gdp, float(now["gdp"].sum())),
        "certificate": _certificate(new),
    }
    return Result("economy", tables, rows, tuple(checks), data.warnings)


def solve_pair(state: Region, minutes: pd.DataFrame, baseline: pd.DataFrame, parameters: Mapping[str, float]) -> Pair:
    """Calibrate on the tables at the baseline's minutes, then solve at the state's.

    Parameters
    ----------
    state, minutes, baseline, parameters
        As in `run`.

    Returns
    -------
    Pair

    Raises
    ------
    BadInput, ValueError
        As in `run`.
    """
    data, inside, then, now = _prepared(state, baseline)
    own = own_minutes(data.area, parameters)
    before, after = (_within(_square(state, m), inside, own) for m in (baseline, minutes))
    model = calibrate(
        data.output,
        data.people,
        data.registered,
        kernels=trade_kernels(before, before, parameters) * np.exp(-parameters["theta"] * then.trade),
        kernel_of=kernel_of(data),
        mobility=mobility_kernel(before, before, parameters) * np.exp(-parameters["eps"] * then.move),
        stay=parameters["stay_share"],
        elasticities=elasticities_of(data, parameters),
        subsidy=then.subsidy,
    )
    base = observed(model, data.output, data.people)
    if np.array_equal(before, after) and now.same(then):
        return Pair(data, base, base)
    move = mobility_kernel(after, before, parameters) * np.exp(-parameters["eps"] * now.move)
    np.fill_diagonal(move, np.diag(model.mobility))
    changed = model.changed(
        kernels=trade_kernels(after, before, parameters) * np.exp(-parameters["theta"] * now.trade),
        mobility=move,
        subsidy=now.subsidy,
        log_h=model.log_h + now.land - then.land,
    )
    for agreement in now.agreements:
        changed = agreed(changed, agreement.members, agreement.rule, agreement.objective)
    return Pair(data, base, solve(changed, (base.log_labour, base.log_wage)))


def _kept(
    state: Region, minutes: pd.DataFrame, baseline: pd.DataFrame, parameters: Mapping[str, float]
) -> Result | None:
    """Indicators of a state that is its own base case: those of the tables, with nothing to solve; else None."""
    if minutes is not baseline and not np.array_equal(_square(state, minutes), _square(state, baseline)):
        return None
    data, _, then, now = _prepared(state, baseline)
    if not now.same(then) or then.subsidy.any():
        return None
    gdp = data.output.sum(axis=0)
    goods = goods_share(1.0 - parameters["housing_share"], parameters["housing_elasticity"])
    still = {
        "population": data.people,
        "wage": goods * gdp / data.people,
        "gdp": gdp,
        "real_income": gdp / data.people,
        "rent": np.ones(len(gdp)),
        "welfare": np.zeros(len(gdp)),
    }
    return Result("economy", {}, _indicators(data, still), (), data.warnings)


def _prepared(state: Region, baseline: pd.DataFrame) -> tuple[Data, npt.NDArray[np.bool_], Levers, Levers]:
    """What the tables say, which units are in it, and the policies of the base case and of the state: read once."""
    reached = _reached(_square(state, baseline))

    def build() -> tuple[Data, npt.NDArray[np.bool_], Levers, Levers]:
        data = data_of(state, reached)
        inside = np.isin(state.cities["id"].to_numpy(object), data.ids)
        return data, inside, levers_of(state, data, base=True), levers_of(state, data, base=False)

    return state.derive(f"economy:{reached.tobytes().hex()}", build)


def _square(state: Region, minutes: pd.DataFrame) -> Array:
    """Minutes in the order of the state's units."""
    ids = pd.Index(state.cities["id"])
    rows, columns = (axis.get_indexer(ids) for axis in (minutes.index, minutes.columns))
    if min(rows.min(initial=0), columns.min(initial=0)) < 0:
        raise ValueError("minutes lack units of the state")
    return np.asarray(minutes.to_numpy(float)[np.ix_(rows, columns)])


def _reached(minutes: Array) -> npt.NDArray[np.bool_]:
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


def _indicators(data: Data, now: Mapping[str, Array]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "place": np.tile(data.ids, len(now)),
            "indicator": np.repeat(list(now), len(data.ids)),
            "value": np.concatenate(list(now.values())),
            "status": "estimated",
        }
    )


def _cities(pair: Pair, then: Mapping[str, Array], now: Mapping[str, Array]) -> pd.DataFrame:
    """One row for each city: base case and now, registered people, and welfare by channel in logs."""
    frame = pd.DataFrame({"city": pair.data.ids, "registered": pair.data.registered})
    frame["gdp_estimated"] = pair.data.estimated
    for name, values in now.items():
        frame[name] = values
        if name != "welfare":
            frame[f"{name}_base"] = then[name]
    for name, values in decomposition(pair.base, pair.new).items():
        frame[f"log_welfare_{name.replace(' ', '_')}"] = values
    return frame


def _industries(pair: Pair, then: float, now: float) -> pd.DataFrame:
    """One row for each city and industry: workers and output, base case and now at national base prices."""
    count, n = pair.new.labour.shape
    return pd.DataFrame(
        {
            "city": np.tile(pair.data.ids, count),
            "industry": np.repeat(list(pair.data.names), n),
            "workers_base": pair.base.labour.ravel(),
            "workers": pair.new.labour.ravel(),
            "output_base": pair.base.bills.ravel() * then,
            "output": pair.new.bills.ravel() * now,
        }
    )


def _certificate(found: Equilibrium) -> pd.DataFrame:
    known = certify(found)
    return pd.DataFrame(
        {
            "unique": [known.unique],
            "condition": [known.condition],
            "spectral_radius": [known.radius],
            "residual": [known.residual],
            "sweeps": [found.sweeps],
        }
    )
