"""Tables of a state and its travel times as the arrays that the kernels of clusters take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from megalopolis.clusters.flows import GravityFit, calibrate_gravity, gravity_flows
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
    frame = state.cities
    ids = list(frame["id"])
    number = {id_: i for i, id_ in enumerate(ids)}
    planned = {
        cluster: np.array([number[m] for m in members if m in number], dtype=np.intp)
        for cluster, members in state.names.clusters.items()
    }
    columns = [
        frame[c].to_numpy(float)
        for c in ("population", "urban_population", "gdp", "area_km2", "built_up_km2", "lon", "lat")
    ]
    return Cities(frame, *columns, minutes.loc[ids, ids].to_numpy(float), planned)


def industries_of(state: Region, cities: Cities) -> Array | None:
    """Value added (else employment) by city and industry, shape (n, s); NaN where unknown, None without the table."""
    table = state.frame("industries")
    if table.empty:
        return None
    column = "value_added" if table["value_added"].notna().any() else "employment"
    wide = table.pivot(index="city", columns="industry", values=column)
    return wide.reindex(cities.ids).to_numpy(float)


def flows_of(state: Region, cities: Cities, parameters: Mapping[str, float]) -> tuple[Array, GravityFit | None]:
    """Observed flows where the region has them, else the gravity model.

    Where some pairs are observed, the model is fitted to them (Poisson pseudo-maximum likelihood) and stands in for
    the rest.

    Returns
    -------
    flows : ndarray, shape (n, n)
        Shares of all flows, zero on the diagonal.
    fit : GravityFit or None
        The fit, where flows were observed.
    """
    mass = cities.people
    exponents = (parameters["origin_exponent"], parameters["destination_exponent"])
    table = state.frame("flows")
    if table.empty:
        flows = gravity_flows(cities.minutes, mass, exponents=exponents, scale=parameters["deterrence_scale"])
        return flows, None
    wide = table.pivot_table(index="from", columns="to", values="trips", aggfunc="sum")
    seen = wide.reindex(index=cities.ids, columns=cities.ids).to_numpy(float)
    np.fill_diagonal(seen, 0.0)
    fit = calibrate_gravity(seen, cities.minutes, np.maximum(mass, 1.0), "gaussian")
    model = gravity_flows(cities.minutes, mass, exponents=(1.0, fit.exponent), scale=fit.scale)
    known = ~np.isnan(seen)
    scale = np.nansum(seen) / model[known].sum()
    flows = np.where(known, seen, model * scale)
    return np.asarray(flows / flows.sum()), fit
