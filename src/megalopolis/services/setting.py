"""A catalogue in a state: its arrays, travel, cases a year and burdens with what is linked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from megalopolis.errors import BadInput, Problem
from megalopolis.region import Region
from megalopolis.services.burden import Burden, Travel, World, burdens, travel_of
from megalopolis.services.compile import Compiled, compile_catalogue
from megalopolis.services.demand import cases, home_shares
from megalopolis.services.models import Catalogue
from megalopolis.services.state import Added, catalogue_of
from megalopolis.units import Array


@dataclass(frozen=True)
class Setting:
    """A catalogue in a state.

    Attributes
    ----------
    catalogue : Catalogue
        With the online channels of the state's tables.
    compiled, world, travel, burden
        See `megalopolis.services.burden`.
    minutes : ndarray, shape (n, n)
        Door-to-door minutes.
    population : ndarray, shape (n,)
        Residents.
    demand : ndarray, shape (procedures, n, n)
        Cases a year by home and work city.
    places : (ndarray, ndarray)
        Longitude and latitude, degrees.
    """

    catalogue: Catalogue
    compiled: Compiled
    world: World
    travel: Travel
    minutes: Array
    population: Array
    demand: Array
    burden: Burden
    places: tuple[Array, Array]

    @cached_property
    def passable(self) -> Array:
        """Cases a year that some way leads to the end of."""
        return np.asarray(self.demand * (self.burden.way >= 0))

    @property
    def assumed(self) -> float:
        """Share of the catalogue's values that are assumed."""
        return self.catalogue.assumed


@dataclass(frozen=True)
class _Ground:
    """What of a setting hangs on the state alone; not to be changed."""

    catalogue: Catalogue
    compiled: Compiled
    world: World
    population: Array
    places: tuple[Array, Array]

    @classmethod
    def of(cls, state: Region, base: Catalogue, only: Sequence[str] | None) -> _Ground:
        added = Added.of(state, base)
        base = added.online(base)
        listed = {c.id for c in base.cities}
        known = state.frame("cities").set_index("id")
        ids = [c for c in known.index if c in listed] if only is None else list(only)
        absent = [c for c in ids if c not in listed or c not in known.index]
        if absent:
            what = f"the city '{absent[0]}' is not in the catalogue of services"
            raise BadInput(Problem("", what, "add it to its cities"))
        compiled = compile_catalogue(base, ids)
        rows = known.loc[ids]
        places = (rows["lon"].to_numpy(float), rows["lat"].to_numpy(float))
        return cls(base, compiled, added.world(base, compiled), rows["population"].to_numpy(float), places)


def set_up(
    state: Region,
    *,
    minutes: pd.DataFrame,
    parameters: Mapping[str, float],
    flows: pd.DataFrame | None = None,
    catalogue: Catalogue | None = None,
    only: Sequence[str] | None = None,
) -> Setting:
    """Bring catalogue and state together.

    Parameters
    ----------
    state, minutes, flows, catalogue, parameters
        See `megalopolis.services.face.run`.
    only : sequence of str, optional
        Ids of the cities to keep, all of which the catalogue must have.

    Raises
    ------
    BadInput
        If the region has no catalogue, a city is not in it, or a population is missing.
    """
    base = catalogue if catalogue is not None else catalogue_of(state)
    if base is None:
        what = "has no catalogue of services"
        raise BadInput(Problem(state.name, what, "write its YAML documents into the region's folder services/"))
    if only is None and base is catalogue_of(state):
        ground = state.derive("services.ground", lambda: _Ground.of(state, base, None))
    else:
        ground = _Ground.of(state, base, only)
    compiled, world, population, ids = ground.compiled, ground.world, ground.population, list(ground.compiled.cities)
    times = _square(minutes, ids)
    travel = travel_of(times, *ground.places, parameters)
    # a unit that is part of another has no flows of its own
    between = None if flows is None else _square(flows.reindex(index=ids, columns=ids, fill_value=0.0), ids)
    shares = home_shares(population, travel.minutes, parameters, between)
    demand = cases(ground.catalogue, compiled, population, shares, parameters["cases_scale"])
    burden = burdens(compiled, world, travel, parameters)
    return Setting(ground.catalogue, compiled, world, travel, times, population, demand, burden, ground.places)


def _square(frame: pd.DataFrame, ids: Sequence[str]) -> Array:
    at = frame.index.get_indexer(pd.Index(ids)), frame.columns.get_indexer(pd.Index(ids))
    missing = [c for c, i, j in zip(ids, *at, strict=True) if i < 0 or j < 0]
    if missing:
        raise ValueError(f"the matrix has no row or column for the city '{missing[0]}'")
    return np.asarray(frame.to_numpy(float)[np.ix_(*at)])
