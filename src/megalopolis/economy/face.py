"""Economy: where people live and work, what they earn, and what a change of travel times is worth to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from megalopolis.economy.case import Pair, commutes, prepared, reached, solve_pair, square
from megalopolis.economy.certificate import certify
from megalopolis.economy.effects import decomposition, outcomes
from megalopolis.economy.inputs import Data
from megalopolis.economy.model import goods_share
from megalopolis.economy.solve import TOLERANCE, Equilibrium
from megalopolis.pillar import Check, Progress, Result, silent
from megalopolis.region import Region
from megalopolis.units import Array

#: Largest log gap between the tables and the equilibrium calibrated on them.
_REPRODUCED: Final = 1e-10
_CONSERVED: Final = 1e-8
_ALONE: Final = "no two cities reach each other: there is no economy of several cities to solve"


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

    The tables of the state describe the base case at the travel times of the baseline. Fundamentals are inverted on
    them; then people, wages and rents follow the state's own times.

    Parameters
    ----------
    state : Region
        With ``cities``; ``industries``, ``commuting``, ``input_shares``, ``drivers`` and policies where it has them.
    minutes : DataFrame, shape (n, n)
        Door-to-door minutes of the state, ids on both axes.
    parameters, progress
        Parameters of the economy by short id; see `megalopolis.pillar.Progress`.
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
    BadInput, ValueError
        If the tables cannot be used, a parameter is outside its domain, or the data cannot be inverted.
    CheckFailed
        If the tables are not reproduced, the equations are not solved, or people or money are lost.
    """
    progress("economy: calibration", 0, 3)
    baseline = minutes if baseline_minutes is None else baseline_minutes
    if reached(square(state, baseline)).sum() < 2:
        return Result("economy", warnings=(_ALONE,))
    if indicators_only and (kept := _kept(state, minutes, baseline, parameters)) is not None:
        return kept
    pair = solve_pair(state, minutes, baseline, parameters)
    progress("economy: effects", 1, 3)
    data, base, new = pair.data, pair.base, pair.new
    housing = (parameters["housing_share"], parameters["housing_elasticity"])
    gdp = float(data.output.sum())
    now = outcomes(base, new, gdp=gdp, housing=housing) | _commuters(data, new)
    checks = _checks(base, new)
    rows = _indicators(data, now)
    if indicators_only:
        return Result("economy", {}, rows, checks, data.warnings)
    then = outcomes(base, base, gdp=gdp, housing=housing) | _commuters(data, base)
    progress("economy: certificate", 2, 3)
    return Result("economy", _tables(pair, then, now), rows, checks, data.warnings)


def _tables(pair: Pair, then: Mapping[str, Array], now: Mapping[str, Array]) -> dict[str, pd.DataFrame]:
    return {
        "cities": _cities(pair, then, now),
        "industries": _industries(pair, float(pair.data.output.sum()), float(now["gdp"].sum())),
        "certificate": _certificate(pair.new),
    }


def _checks(base: Equilibrium, new: Equilibrium) -> tuple[Check, ...]:
    return (
        Check("economy: tables reproduced", base.residual, _REPRODUCED),
        Check("economy: residual of the equations", new.residual, TOLERANCE),
        *(Check(f"economy: {name} conserved", gap, _CONSERVED) for name, gap in new.conservation().items()),
    )


def _kept(
    state: Region, minutes: pd.DataFrame, baseline: pd.DataFrame, parameters: Mapping[str, float]
) -> Result | None:
    """Indicators of a state that is its own base case: those of the tables, with nothing to solve; else None."""
    if minutes is not baseline and not np.array_equal(square(state, minutes), square(state, baseline)):
        return None
    data, _, then, now = prepared(state, baseline)
    if not now.same(then) or then.subsidy.any() or commutes(data, parameters):
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


def _commuters(data: Data, found: Equilibrium) -> dict[str, Array]:
    """Workers by place of work and those who come less those who leave, persons; nothing where nobody commutes."""
    if not found.model.commutes:
        return {}
    return {
        "employment": data.working * found.workers,
        "net_commuters": data.working * (found.workers - found.people),
    }


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
