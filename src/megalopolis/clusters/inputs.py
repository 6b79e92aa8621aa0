"""Tables of a state and its travel times as the arrays that the kernels of clusters take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from megalopolis.clusters.flows import calibrate_gravity, economic_mass, gravity_flows
from megalopolis.errors import BadInput, Problem
from megalopolis.region import Region
from megalopolis.units import Array


@dataclass(frozen=True)
class Cities:
    """The units counted in totals, as columns.

    Attributes
    ----------
    frame : DataFrame
        Rows of ``cities`` without those that are part of another.
    population, urban, gdp, area, built_up, lon, lat : ndarray, shape (n,)
        Columns; NaN where unknown.
    minutes : ndarray, shape (n, n)
        Door to door.
    planned : dict of str to ndarray of int
        Planned cluster to its members.
    """

    frame: pd.DataFrame
    population: Array
    urban: Array
    gdp: Array
    area: Array
    built_up: Array
    lon: Array
    lat: Array
    minutes: Array
    planned: dict[str, npt.NDArray[np.intp]]

    @property
    def people(self) -> Array:
        """Residents, none where unknown: weights, not figures."""
        return np.nan_to_num(self.population)

    @property
    def mass(self) -> Array:
        """Mass of each unit in the gravity model: people and output (`flows.economic_mass`)."""
        return economic_mass(self.people, self.gdp)[0]

    @property
    def provinces(self) -> npt.NDArray[np.object_]:
        """Province of each unit; where it is unknown, the same one for all."""
        return self.frame["admin1"].fillna("").to_numpy(object)

    @property
    def ids(self) -> npt.NDArray[np.object_]:
        """Ids of the units."""
        return self.frame["id"].to_numpy(object)


def cities_of(state: Region, minutes: pd.DataFrame) -> Cities:
    """Take the columns and the times of the units counted in totals.

    Raises
    ------
    KeyError
        If a unit has no travel times: labels that do not match are never filled.
    """
    known = state.derive("clusters.cities", lambda: _cities_of(state))
    ids = known.ids.tolist()
    return replace(known, minutes=minutes.loc[ids, ids].to_numpy(float))


def _cities_of(state: Region) -> Cities:
    """Columns without times."""
    frame = state.cities
    number = {id_: i for i, id_ in enumerate(frame["id"].tolist())}
    planned = {
        cluster: np.array([number[m] for m in members if m in number], dtype=np.intp)
        for cluster, members in state.names.clusters.items()
    }
    return Cities(
        frame,
        population=frame["population"].to_numpy(float),
        urban=frame["urban_population"].to_numpy(float),
        gdp=frame["gdp"].to_numpy(float),
        area=frame["area_km2"].to_numpy(float),
        built_up=frame["built_up_km2"].to_numpy(float),
        lon=frame["lon"].to_numpy(float),
        lat=frame["lat"].to_numpy(float),
        minutes=np.empty((0, 0)),
        planned=planned,
    )


def industries_of(state: Region, cities: Cities) -> Array | None:
    """Value added (else employment) by city and industry, shape (n, s); NaN where unknown, None without the table."""

    def build() -> Array | None:
        table = state.frame("industries")
        if table.empty:
            return None
        column = "value_added" if table["value_added"].notna().any() else "employment"
        wide = table.pivot(index="city", columns="industry", values=column)
        return wide.reindex(cities.ids).to_numpy(float)

    return state.derive("clusters.industries", build)


def flows_of(state: Region, cities: Cities, parameters: Mapping[str, float]) -> Array:
    """Observed flows where the region has them, else the gravity model.

    In the table of observed flows a pair that is not listed has no trips.

    Returns
    -------
    ndarray, shape (n, n)
        Shares of all flows, zero on the diagonal.

    Raises
    ------
    BadInput
        If the table has no trip between two different cities.
    """
    if not state.has("flows"):
        return gravity_flows(
            cities.minutes,
            cities.mass,
            exponents=(parameters["origin_exponent"], parameters["destination_exponent"]),
            scale=parameters["deterrence_scale"],
            borders=(cities.provinces, parameters["border_factor"]),
        )
    wide = state.frame("flows").pivot(index="from", columns="to", values="trips")
    seen = np.nan_to_num(wide.reindex(index=cities.ids, columns=cities.ids).to_numpy(float))
    np.fill_diagonal(seen, 0.0)
    if not seen.sum() > 0:
        raise BadInput(Problem("flows", "has no trip between two different cities", "give trips, or leave it out"))
    return np.asarray(seen / seen.sum())


def fit_of(state: Region, cities: Cities) -> pd.DataFrame:
    """Gravity model fitted to the observed flows (Poisson pseudo-maximum likelihood), one row; none without flows.

    Columns ``form, destination_exponent, standard_error, scale_min, deviance_explained``. Flows that do not fall with
    time, or too few of them, have no fit.
    """
    columns = ["form", "destination_exponent", "standard_error", "scale_min", "deviance_explained"]
    if not state.has("flows"):
        return pd.DataFrame(columns=columns)
    flows = flows_of(state, cities, {})
    try:
        fit = calibrate_gravity(flows, cities.minutes, np.maximum(cities.people, 1.0), "gaussian")
    except ValueError:
        return pd.DataFrame(columns=columns)
    row = (fit.form, fit.exponent, fit.exponent_error, fit.scale, fit.fit.explained)
    return pd.DataFrame([row], columns=columns)
