"""Burden matrices of a catalogue: what each procedure costs a resident, by home and work city."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from megalopolis.services.compile import Compiled, compile_catalogue
from megalopolis.services.kernels import all_burdens
from megalopolis.services.models import Catalogue, EvidenceLink
from megalopolis.units import Array, great_circle_matrix

KINDS: Final = ("hours", "money", "documents", "visits", "days")
#: Parameters that make a burden worse as they grow.
WORSE: Final = (
    "queue_min",
    "counter_min",
    "local_minutes",
    "fare_per_km",
    "fare_detour",
    "local_fare",
    "paper_cost",
    "form_scale",
    "document_scale",
)


@dataclass(frozen=True)
class World:
    """What is linked and recognised.

    Attributes
    ----------
    live : ndarray of uint8, shape (pairs, cities + 1, cities)
        By link pair, issuing city (the last is national) and consuming city.
    recognised : ndarray of uint8, shape (sectors, cities)
        Whether a sector of a city takes filings made elsewhere.
    """

    live: npt.NDArray[np.uint8]
    recognised: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Travel:
    """Minutes and fares of one way by residence and destination, shape (cities, cities); own city on the diagonal."""

    minutes: Array
    fare: Array


@dataclass(frozen=True)
class Burden:
    """Burden of every procedure for every pair.

    Attributes
    ----------
    values : ndarray, shape (5, procedures, cities, cities)
        Hours, money, documents, visits, working days by home and work city; NaN where there is no such case.
    way : ndarray of int, shape (procedures, cities, cities)
        The way taken; -1 where there is none.
    """

    values: Array
    way: npt.NDArray[np.int64]

    @cached_property
    def known(self) -> Array:
        """The values, 0 where there is no such case."""
        return np.asarray(np.where(self.way >= 0, self.values, 0.0))

    def of(self, kind: str) -> Array:
        """One kind, shape (procedures, cities, cities).

        Raises
        ------
        ValueError
            If there is no such kind.
        """
        return np.asarray(self.values[KINDS.index(kind)])


def world_of(catalogue: Catalogue, compiled: Compiled) -> World:
    """Links and recognitions of a catalogue that are live."""
    n = len(compiled.cities)
    number = {c: i for i, c in enumerate(compiled.cities)}
    live = np.zeros((len(compiled.pairs), n + 1, n), dtype=np.uint8)
    for link in catalogue.links:
        pair = (compiled.evidence.index(link.evidence), compiled.sectors.index(link.consuming_sector))
        if link.state == "live" and pair in compiled.pairs:
            _join(live[compiled.pairs.index(pair)], link, number)
    recognised = np.zeros((len(compiled.sectors), n), dtype=np.uint8)
    for recognition in catalogue.recognitions:
        if recognition.state == "live" and recognition.waives == "physical_filing":
            where = [number[c] for c in number if recognition.city in (c, "*")]
            recognised[compiled.sectors.index(recognition.sector), where] = 1
    return World(live, recognised)


def _join(slab: npt.NDArray[np.uint8], link: EvidenceLink, number: Mapping[str, int]) -> None:
    """Mark what a link joins, by issuing and consuming city; a city that is not looked at is passed over."""
    n = len(number)
    issuing = range(n + 1) if link.issuing_city in ("*", "same") else [number.get(link.issuing_city, -1)]
    for i in issuing:
        if i < 0:
            continue
        if link.consuming_city == "*":
            slab[i, :] = 1
        elif link.consuming_city == "same":
            slab[i, min(i, n - 1)] |= int(i < n)
        elif link.consuming_city in number:
            slab[i, number[link.consuming_city]] = 1


def travel_of(minutes: Array, lon: Array, lat: Array, parameters: Mapping[str, float]) -> Travel:
    """Minutes and fares of one way.

    Parameters
    ----------
    minutes : ndarray, shape (n, n)
        Door-to-door minutes; infinite where there is no way. The diagonal is replaced by ``local_minutes``.
    lon, lat : ndarray, shape (n,)
        Degrees, for fares per km of the great circle times the detour.
    parameters : mapping of str to float
        Of services.

    Raises
    ------
    ValueError
        If minutes are negative, missing, or of the wrong shape.
    """
    if minutes.shape != (len(lon), len(lon)):
        raise ValueError(f"minutes have the shape {minutes.shape} for {len(lon)} cities")
    if np.isnan(minutes).any() or (minutes < 0).any():
        raise ValueError("minutes are negative or missing: give door-to-door minutes of at least 0")
    times = minutes.astype(np.float64, copy=True)
    np.fill_diagonal(times, parameters["local_minutes"])
    fare = parameters["fare_per_km"] * parameters["fare_detour"] * great_circle_matrix(lon, lat)
    np.fill_diagonal(fare, parameters["local_fare"])
    return Travel(times, fare)


def kernel_amounts(parameters: Mapping[str, float]) -> Array:
    """Amounts in the order of `megalopolis.services.kernels.way_fixed`."""
    value = parameters["value_of_time"]
    return np.array(
        [
            parameters["queue_min"] + parameters["counter_min"],
            parameters["paper_cost"],
            parameters["form_scale"],
            parameters["document_scale"],
            1.0 / value if value > 0 else 0.0,
        ]
    )


def kernel_tables(compiled: Compiled) -> tuple[npt.NDArray[np.float64], ...]:
    """Tables in the order of `megalopolis.services.kernels.way_fixed`."""
    c = compiled
    return (c.way, c.way_amount, c.entry, c.role, c.in_person, c.amount)  # type: ignore[return-value]


def burdens(compiled: Compiled, world: World, travel: Travel, parameters: Mapping[str, float]) -> Burden:
    """Burden of every procedure for every pair of cities.

    Parameters
    ----------
    compiled : Compiled
        The catalogue.
    world : World
        What is linked.
    travel : Travel
        Minutes and fares.
    parameters : mapping of str to float
        Of services.

    Returns
    -------
    Burden
        Hours and money apart; see the method page for the equations.
    """
    procedures, cities = compiled.variant_of.shape
    values = np.empty((len(KINDS), procedures, cities, cities))
    way = np.empty((procedures, cities, cities), dtype=np.int64)
    all_burdens(
        (compiled.variant_of, compiled.competence, compiled.cross_only, compiled.ways, compiled.sector_of),
        kernel_tables(compiled),
        (world.live, world.recognised),
        (travel.minutes, travel.fare),
        kernel_amounts(parameters),
        values,
        way,
    )
    return Burden(values, way)


def interval(
    catalogue: Catalogue,
    cities: tuple[str, ...],
    world: World,
    minutes: Array,
    places: tuple[Array, Array],
    parameters: Mapping[str, float],
    ranges: Mapping[str, tuple[float, float]],
) -> tuple[Burden, Burden]:
    """Lowest and highest burden over all ranges of catalogue and parameters at once.

    Hours grow with every range, and the least of growing functions grows: with hours alone as the weight of the
    choice the two ends bound the hours of everything between. Of money, papers and visits they are the two cases.

    Parameters
    ----------
    catalogue : Catalogue
        With low and high of its values.
    cities : tuple of str
        Ids.
    world : World
        What is linked.
    minutes : ndarray, shape (n, n)
        Door-to-door minutes.
    places : (ndarray, ndarray)
        Longitude and latitude, degrees.
    parameters : mapping of str to float
        Of services.
    ranges : mapping of str to (float, float)
        Low and high of parameters.
    """
    ends = []
    for i, end in enumerate(("low", "high")):
        taken = {k: ranges[k][i] if k in WORSE and k in ranges else v for k, v in parameters.items()}
        compiled = compile_catalogue(catalogue, cities, end)  # type: ignore[arg-type]
        travel = travel_of(minutes, *places, taken)
        ends.append(burdens(compiled, world, travel, taken))
    return ends[0], ends[1]
