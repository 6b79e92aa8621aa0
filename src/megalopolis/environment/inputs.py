"""Tables of a state as the arrays that the kernels of environment take; what cannot be used is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from megalopolis.environment.network import Network, named_network
from megalopolis.environment.oxygen import Water
from megalopolis.environment.rates import (
    DAYS_PER_YEAR,
    KG_PER_DAY,
    SECONDS_PER_DAY,
    at_temperature,
    oxygen_saturation,
    reaeration,
    ultimate_bod,
    vollenweider,
)
from megalopolis.environment.standards import CLASSES
from megalopolis.environment.transport import mixed_retention, retention
from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.region import Region
from megalopolis.units import Array

#: Parameters of water that are carried, in the order of every array over pollutants.
POLLUTANTS = ("cod", "bod5", "nh3n", "tn", "tp")
#: Discharges without a city: nature, and what comes in over the border of the region.
BACKGROUND = "background"
#: Width of a river in m over the root of its flow in m3/s (Moody and Troutman 2002).
_WIDTH = 7.2


@dataclass(frozen=True)
class Basin:
    """Reaches, discharges and sections.

    Attributes
    ----------
    reaches, discharges, sections : DataFrame
        Rows as given; n, d and s of them.
    network : Network
        Links.
    lake : ndarray of bool, shape (n,)
        Completely mixed.
    days, flow, temperature : ndarray, shape (n,)
        d, m3/s, C.
    pollutants : tuple of str
        Those for which every discharge has a concentration.
    reach_of, section_at : ndarray of int, shape (d,) and (s,)
        Reach of each discharge and section.
    concentration : ndarray, shape (d, p)
        mg/L.
    city : ndarray of str, shape (d,)
        City of each discharge, or ``background``.
    """

    reaches: pd.DataFrame
    discharges: pd.DataFrame
    sections: pd.DataFrame
    network: Network
    lake: npt.NDArray[np.bool_]
    days: Array
    flow: Array
    temperature: Array
    pollutants: tuple[str, ...]
    reach_of: npt.NDArray[np.int64]
    section_at: npt.NDArray[np.int64]
    concentration: Array
    city: npt.NDArray[np.object_]

    @cached_property
    def load(self) -> Array:
        """Load of each discharge, kg/d, shape (d, p)."""
        return self.volume[:, None] * self.concentration / 1000.0

    @cached_property
    def volume(self) -> Array:
        """Volume of each discharge, m3/d."""
        return self.discharges["volume_m3d"].to_numpy(float)

    @cached_property
    def along(self) -> npt.NDArray[np.bool_]:
        """Whether a discharge is spread along its reach."""
        return (self.discharges["entry"] == "along").to_numpy()


def basin_of(state: Region, parameters: Mapping[str, float]) -> Basin:
    """Take a state's tables apart.

    Raises
    ------
    BadInput
        With everything that is wrong: flows or velocities of zero, missing lengths or volumes, bad links,
        concentrations that some discharges have and others lack, unknown reaches.
    """
    basin = state.derive("environment: basin", lambda: _structure(state))
    given = basin.temperature
    basin = replace(basin, temperature=np.where(np.isnan(given), parameters["temperature"], given))
    goal = int(parameters["assumed_target"])
    if goal and basin.sections["target"].isna().any():
        target = basin.sections["target"].fillna(CLASSES[goal - 1])
        basin = replace(basin, sections=basin.sections.assign(target=target, assumed=basin.sections["target"].isna()))
    return basin


def _structure(state: Region) -> Basin:
    """Basin of a state; the temperature of a reach that has none is left open."""
    reaches, links = state.frame("reaches"), state.frame("reach_links")
    discharges, sections = state.frame("discharges"), state.frame("sections")
    ids = reaches["id"].tolist()
    problems = _reach_problems(reaches)
    number = {id_: i for i, id_ in enumerate(ids)}
    for table, frame in (("discharges", discharges), ("sections", sections)):
        problems += [
            Problem(f"{table}:{row + 2}:reach", f"no reach has the id '{id_}'", suggest(str(id_), ids))
            for row, id_ in enumerate(frame["reach"])
            if id_ not in number
        ]
    problems += _missing_concentrations(discharges)
    rows = zip(links["from"], links["to"], links["fraction"].fillna(1.0).astype(float), strict=True)
    try:
        network = named_network(ids, list(rows), table="reach_links")
    except BadInput as error:
        raise BadInput([*problems, *error.problems]) from None
    if problems:
        raise BadInput(problems)
    lake, flow = (reaches["kind"] == "lake").to_numpy(), reaches["flow_m3s"].to_numpy(float)
    river_days = (
        reaches["length_km"].to_numpy(float) * 1000 / (reaches["velocity_ms"].to_numpy(float) * SECONDS_PER_DAY)
    )
    used = tuple(p for p in POLLUTANTS if len(discharges) and discharges[p].notna().all())
    return Basin(
        reaches=reaches,
        discharges=discharges,
        sections=sections,
        network=network,
        lake=lake,
        days=np.where(lake, reaches["volume_m3"].to_numpy(float) / (flow * SECONDS_PER_DAY), river_days),
        flow=flow,
        temperature=reaches["temperature_c"].to_numpy(float),
        pollutants=used,
        reach_of=discharges["reach"].map(number).to_numpy(np.int64),
        section_at=sections["reach"].map(number).to_numpy(np.int64),
        concentration=discharges[list(used)].to_numpy(float),
        city=discharges["city"].fillna(BACKGROUND).to_numpy(object),
    )


def summed(at: npt.NDArray[np.int64], values: Array, count: int) -> Array:
    """Sum values by the place that they belong to, shape (count,)."""
    return np.asarray(np.bincount(at, values, minlength=count), np.float64)


def _reach_problems(reaches: pd.DataFrame) -> list[Problem]:
    """Rivers need a length and a velocity, lakes a volume and a surface; nothing may stand still."""
    needs = {"river": ("flow_m3s", "length_km", "velocity_ms"), "lake": ("flow_m3s", "volume_m3", "area_km2")}
    problems = []
    for row, reach in enumerate(reaches.to_dict("records")):
        for column in needs["lake" if reach["kind"] == "lake" else "river"]:
            value = reach[column]
            where = f"reaches:{row + 2}:{column}"
            if pd.isna(value):
                problems.append(Problem(where, f"the {reach['kind']} '{reach['id']}' has none", "give one"))
            elif not value > 0:
                problems.append(Problem(where, f"'{reach['id']}' has {value:g}", "give a value above zero"))
    return problems


def _missing_concentrations(discharges: pd.DataFrame) -> list[Problem]:
    """A concentration that only some discharges have would be a silent zero of the others."""
    problems = []
    for pollutant in POLLUTANTS:
        empty = discharges[pollutant].isna()
        if empty.any() and not empty.all():
            row = int(np.flatnonzero(empty)[0])
            what = f"{int(empty.sum())} of {len(empty)} discharges have no {pollutant}, first '{discharges['id'][row]}'"
            problems.append(Problem(f"discharges:{row + 2}:{pollutant}", what, "give all of them, or none"))
    return problems


def loss_rates(basin: Basin, parameters: Mapping[str, float]) -> Array:
    """First-order loss of every pollutant in every reach at its temperature, 1/d, shape (p, n)."""
    nitrogen = parameters["theta_nitrification"]
    law = {
        "cod": (parameters["cod_loss"], parameters["theta_oxidation"]),
        "bod5": (parameters["oxidation"], parameters["theta_oxidation"]),
        "nh3n": (parameters["nitrification"], nitrogen),
        "tn": (parameters["tn_loss"], nitrogen),
        "tp": (parameters["tp_loss"], 1.0),
    }
    rates = [at_temperature(*law[p], basin.temperature) for p in basin.pollutants]
    settled = [parameters["bod_settling"] * (p == "bod5") for p in basin.pollutants]
    return np.asarray(np.array(rates).reshape(-1, len(basin.flow)) + np.array(settled)[:, None], np.float64)


def retentions(basin: Basin, rates: Array, days: Array | None = None) -> tuple[Array, Array]:
    """Shares ``a`` of the head load and ``b`` of the load along a reach that leave it, each of shape (p, n).

    Parameters
    ----------
    basin : Basin
        Lakes are mixed; their phosphorus follows Vollenweider.
    rates : ndarray, shape (p, n)
        1/d.
    days : ndarray, shape (n,), optional
        Travel or residence time where it is not that of the basin, d.
    """
    days = basin.days if days is None else days
    a, b = retention(rates, days[None, :])
    mixed = mixed_retention(rates, days[None, :])
    if "tp" in basin.pollutants:
        mixed[basin.pollutants.index("tp")] = vollenweider(days / DAYS_PER_YEAR)
    return np.where(basin.lake, mixed, a), np.where(basin.lake, mixed, b)


def head_loads(basin: Basin, a: Array, b: Array, load: Array) -> Array:
    """Loads of discharges as if they all entered at the head: along a reach they decay by ``b`` instead of ``a``.

    Parameters
    ----------
    basin : Basin
        d discharges.
    a, b : ndarray, shape (p, n)
        Retentions.
    load : ndarray, shape (d, p)
        kg/d.

    Returns
    -------
    ndarray, shape (d, p)
        kg/d.
    """
    ratio = np.divide(b, a, out=np.ones_like(a), where=a > 0)[:, basin.reach_of].T
    return np.asarray(np.where(basin.along[:, None], ratio, 1.0) * load)


def depths(basin: Basin) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Mean depth of every reach, m, and where it is estimated.

    A river without a depth takes that which its flow needs at its velocity in a bed ``7.2 Q^0.5`` m wide (downstream
    hydraulic geometry, Moody and Troutman 2002, Earth Surface Processes and Landforms 27): ``H = Q^0.5 / (7.2 U)``.
    """
    reaches = basin.reaches
    given = reaches["depth_m"].to_numpy(float)
    estimated = np.isnan(given) & ~basin.lake
    lake = reaches["volume_m3"].to_numpy(float) / (1e6 * reaches["area_km2"].to_numpy(float))
    river = np.sqrt(basin.flow) / (_WIDTH * reaches["velocity_ms"].to_numpy(float))
    return np.where(basin.lake, lake, np.where(estimated, river, given)), estimated


def water_of(basin: Basin, parameters: Mapping[str, float]) -> Water:
    """What the reaches do to oxygen; a river without depth has that of `depths`."""
    reaches, temperature = basin.reaches, basin.temperature
    zero = np.zeros(len(basin.flow))
    depth, _ = depths(basin)
    velocity = np.where(basin.lake, 0.0, reaches["velocity_ms"].to_numpy(float))
    low, high = parameters["reaeration_low"], parameters["reaeration_high"]
    return Water(
        days=basin.days,
        flow=basin.flow,
        saturation=oxygen_saturation(temperature, reaches["elevation_m"].fillna(0.0).to_numpy(float)),
        hydrolysis=zero,
        oxidation=at_temperature(parameters["oxidation"], parameters["theta_oxidation"], temperature),
        settling=zero + parameters["bod_settling"],
        ammonification=zero,
        nitrification=at_temperature(parameters["nitrification"], parameters["theta_nitrification"], temperature),
        reaeration=at_temperature(
            reaeration(velocity, depth, low=low, high=high), parameters["theta_reaeration"], temperature
        ),
        demand=at_temperature(parameters["sediment_demand"], parameters["theta_sediment"], temperature) / depth,
        mixed=basin.lake,
    )


def oxygen_loads(
    basin: Basin,
    water: Water,
    load: Array,
    parameters: Mapping[str, float],
    *,
    of: npt.NDArray[np.bool_] | None = None,
) -> dict[str, Array]:
    """Loads that take oxygen, kg/d at the heads of the reaches, for `megalopolis.environment.oxygen.solve_oxygen`.

    Parameters
    ----------
    basin : Basin
        With ``bod5`` and ``nh3n`` among its pollutants.
    water : Water
        Its reaches.
    load : ndarray, shape (d, p)
        kg/d.
    parameters : mapping of str to float
        Of environment.
    of : ndarray of bool, shape (d,), optional
        The discharges that are meant, all by default.
    """
    n, at = len(basin.flow), basin.reach_of
    flow = basin.volume / SECONDS_PER_DAY
    if of is not None:
        flow, load = flow * of, load * of[:, None]
    natural = basin.city == BACKGROUND
    assumed = np.where(natural, water.saturation[at], parameters["effluent_oxygen"])
    given = basin.discharges["do"].to_numpy(float)
    oxygen = np.where(np.isnan(given), assumed, given)
    bod = ultimate_bod(load[:, basin.pollutants.index("bod5")], parameters["bottle_rate"])
    return {
        "bod": summed(at, bod, n),
        "nh3n": summed(at, load[:, basin.pollutants.index("nh3n")], n),
        "deficit": summed(at, KG_PER_DAY * flow * (water.saturation[at] - oxygen), n),
    }
