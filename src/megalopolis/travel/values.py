"""Indicators of the cities and of the region, from minutes and tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from megalopolis.region import Region
from megalopolis.travel.accessibility import (
    day_trip_minutes,
    market_access,
    mean_minutes,
    own_minutes,
    people_within,
    potential,
)
from megalopolis.travel.assemble import Network, road_speeds
from megalopolis.travel.layout import FAST, Index, numbers
from megalopolis.units import MINUTES_PER_HOUR, Array


class Values:
    """Indicators of a state; each of the methods gives some of them by id.

    Parameters
    ----------
    state : Region
        The state.
    network : Network
        Its network.
    parameters : mapping of str to float
        Parameters of travel by short id.
    """

    def __init__(self, state: Region, network: Network, parameters: Mapping[str, float]) -> None:
        self._network, self._parameters = network, parameters
        core = network.layout.cities["built_up_km2"].to_numpy(float) * parameters["built_up_core"]
        self._own = own_minutes(core, road_speeds(parameters))
        cities = network.layout.cities
        self._output = np.where(cities["parent"].isna(), cities["gdp"].to_numpy(float), 0.0)
        self._built = state.derive("travel.investments", lambda: _investments(state, network.layout.ids))
        self._jobs = state.derive("travel.jobs", lambda: _jobs(state, cities))

    def reach(self, minutes: Array) -> dict[str, Array]:
        """What each city reaches in door-to-door minutes, ``(n, n)``; values of shape (n,)."""
        people, own, p = self._network.layout.people, minutes.copy(), self._parameters
        np.fill_diagonal(own, self._own)
        day = day_trip_minutes(p["operating_hours"], p["stay_hours"])
        found = {
            "accessibility": potential(own, people, p["potential_scale"]),
            "people_60": people_within(own, people, 60.0),
            "people_120": people_within(own, people, 120.0),
            "people_180": people_within(own, people, 180.0),
            "people_day": people_within(own, people, day),
            "mean_minutes": mean_minutes(own, people),
        }
        if np.isfinite(self._output).any() and self._output.any():
            found["market_access"] = market_access(own, self._output, p["market_elasticity"])
        if self._jobs is not None:
            for limit in (60, 120, 180):
                found[f"jobs_{limit}"] = people_within(own, self._jobs, float(limit))
        return found

    def daily_trains(self, headway_min: Array | float) -> Array:
        """Trains a day of lines, both directions."""
        return np.asarray(2.0 * self._parameters["operating_hours"] * MINUTES_PER_HOUR / np.asarray(headway_min))

    def service(self) -> dict[str, Array]:
        """Trains, of the timetable and of lines at a headway, and investment of each city; values of shape (n,)."""
        ids = self._network.layout.ids
        layout = self._network.layout
        city, line, every = layout.calls
        daily = self.daily_trains(every) * layout.headway[line]
        trains = np.bincount(city, daily, minlength=len(ids)).astype(np.float64)
        if layout.runs is not None:
            trains += layout.runs.trains_at(layout.owner, len(ids))
        cost = self._costs().groupby(self._built[0]).sum().reindex(range(len(ids))).fillna(0.0)
        return {
            "trains_per_day": trains,
            "investment": cost.to_numpy(float),
        }

    def region(self) -> dict[str, float]:
        """Values of the region as a whole."""
        layout = self._network.layout
        fast = layout.line_kind < len(FAST)
        return {
            "investment": float(self._costs().sum()),
            "rail_km_all": float(layout.line_km.sum()),
            "rail_km_high_speed": float(layout.line_km[fast].sum()),
        }

    def _costs(self) -> pd.Series[Any]:
        """Announced cost, else length times the cost per km of a high-speed line (World Bank 2019)."""
        _, cost, km = self._built
        return cost.fillna(km * self._parameters["cost_per_km"]).fillna(0.0)


def _investments(state: Region, ids: tuple[str, ...]) -> tuple[Index, pd.Series[Any], pd.Series[Any]]:
    """City of every investment, -1 where it is none's; announced cost; km."""
    built = state.frame("investments")
    city = numbers(built["place"], {id_: i for i, id_ in enumerate(ids)})
    return city, built["cost"].astype("float64"), built["km"].astype("float64")


def _jobs(state: Region, cities: pd.DataFrame) -> Array | None:
    """Persons employed by city, none in units that are part of another; None where no figure is known."""
    known = state.frame("industries").dropna(subset=["employment"])
    if known.empty:
        return None
    by_city = known.groupby("city")["employment"].sum().reindex(cities["id"]).fillna(0.0).to_numpy(float)
    return np.where(cities["parent"].isna(), by_city, 0.0)
