"""Services: what paperwork costs the residents of every city, by where their home is and where they work."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from megalopolis.pillar import Check, Progress, Result, silent
from megalopolis.region import Region
from megalopolis.services.ask import links, resident, tornado
from megalopolis.services.burden import Burden, interval
from megalopolis.services.models import Catalogue
from megalopolis.services.setting import Setting, set_up
from megalopolis.services.state import catalogue_of
from megalopolis.services.tables import assumed_table, indicator_rows, matrices, procedure_table

__all__ = ["Setting", "catalogue_of", "links", "resident", "run", "set_up", "tornado"]


def run(
    state: Region,
    *,
    minutes: pd.DataFrame,
    flows: pd.DataFrame | None = None,
    catalogue: Catalogue | None = None,
    parameters: Mapping[str, float],
    progress: Progress = silent,
    indicators_only: bool = False,
) -> Result:
    """Compute the burden of all procedures in one state.

    Parameters
    ----------
    state : Region
        With ``cities`` and their populations; tables of `megalopolis.services.state.TABLES` where a plan adds links.
    minutes : DataFrame, shape (n, n)
        Door-to-door minutes, ids on both axes.
    flows : DataFrame, shape (n, n), optional
        Flows between cities, any unit: spread the homes of residents from elsewhere. Default: see `home_shares`.
    catalogue : Catalogue, optional
        Default: the region's own.
    parameters : mapping of str to float
        Parameters of services by short id.
    indicators_only : bool
        Leave out the tables and the range of the catalogue.

    Returns
    -------
    Result
        Tables ``hours, money, documents, visits, days`` (home x work city, mean per case over the procedures, weighted
        by their rates), ``procedures`` and ``assumed``; indicators by city of residence. Empty, with a warning, where
        there is no catalogue or no city of it.

    Raises
    ------
    BadInput
        If a population is missing, or a table of links names what the catalogue does not have.
    ValueError
        If minutes are negative or missing.
    CheckFailed
        If cases are not conserved.
    """
    found = catalogue if catalogue is not None else catalogue_of(state)
    if found is None:
        return Result("services", warnings=("the region has no catalogue of services",))
    progress("services: burdens", 0, 2)
    setting = set_up(state, minutes=minutes, flows=flows, catalogue=found, parameters=parameters)
    if not setting.compiled.cities:
        return Result("services", warnings=("no city of the catalogue of services is in the region",))
    checks, warnings = _checks(setting), _warnings(state, setting)
    if indicators_only:
        return Result("services", {}, indicator_rows(setting, None), checks, warnings)
    progress("services: ranges", 1, 2)
    ends = _ends(setting, parameters)
    return Result("services", _tables(setting, ends), indicator_rows(setting, ends), checks, warnings)


def _tables(setting: Setting, ends: tuple[Burden, Burden]) -> dict[str, pd.DataFrame]:
    return {
        **matrices(setting),
        "procedures": procedure_table(setting, ends),
        "assumed": assumed_table(setting.catalogue),
    }


def _ends(setting: Setting, parameters: Mapping[str, float]) -> tuple[Burden, Burden]:
    """Burdens at the low and at the high of every value of the catalogue."""
    cities = setting.compiled.cities
    return interval(setting.catalogue, cities, setting.world, setting.minutes, setting.places, parameters, {})


def _warnings(state: Region, setting: Setting) -> tuple[str, ...]:
    have = state.cities["id"].isin(setting.compiled.cities)
    people = state.cities["population"].to_numpy(float)
    said = []
    if not have.all():
        share = float(np.nansum(people[have.to_numpy()]) / np.nansum(people))
        said.append(
            f"services cover {int(have.sum())} of {len(have)} cities, {share:.0%} of the residents: those of the "
            "catalogue"
        )
    lost = float(setting.demand.sum() - setting.passable.sum())
    if lost > 0.5:
        said.append(f"{lost:,.0f} cases a year have no passable way: no travel time leads to the office")
    return tuple(said)


def _checks(setting: Setting) -> tuple[Check, ...]:
    c = setting.compiled
    alone = setting.demand[c.cross_only][:, np.arange(len(c.cities)), np.arange(len(c.cities))]
    least = float(np.nanmin(setting.burden.values, initial=0.0))
    return (
        Check("burdens below zero", -min(least, 0.0), 0.0),
        Check("cases of cross-city procedures within one city", float(alone.sum()), 0.0),
    )
