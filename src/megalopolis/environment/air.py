"""Air: what was measured against the limit of the day, and what one city's emissions do to another.

``c_r = background_r + sum_s S_rs e_s``. The responses ``S`` are the user's (ISRM, CAMx-PSAT, RSM), or for primary
species those of a Gaussian plume averaged over the sectors of a wind rose. Most of fine particles is formed in the air
from gases (secondary inorganics were 62.5 % of PM2.5 in Nanjing): the plume refuses the total.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.units import Array, great_circle_km

#: Species that a plume may carry: nothing of them is formed on the way.
PRIMARY: Final = ("primary_pm25", "black_carbon", "organic_carbon", "dust", "so2", "nox", "co")
#: Vertical spread of rural plumes, m at x m: coefficient, and power law of the correction (Briggs 1973).
_BRIGGS: Final = {
    "A": (0.20, 0.0, 0.0),
    "B": (0.12, 0.0, 0.0),
    "C": (0.08, 0.0002, -0.5),
    "D": (0.06, 0.0015, -0.5),
    "E": (0.03, 0.0003, -1.0),
    "F": (0.016, 0.0003, -1.0),
}
_SIDEWAYS: Final = {"A": 0.22, "B": 0.16, "C": 0.11, "D": 0.08, "E": 0.06, "F": 0.04}
SECTORS: Final = 16
#: Class of the standard that residential areas have to meet.
CLASS: Final = "II"
#: Vertical spread at the source, of buildings and stacks, m: assumed; the integral over the own city needs one.
_INITIAL: Final = 5.0
#: ug/m3 per (g/s)/(m3/s) ... 1 t/year = 1e6 g / 31,557,600 s.
_UG_PER_TONNE: Final = 1e6 / 31_557_600 * 1e6


def sigma_z(metres: Array | float, stability: str) -> Array:
    """Vertical spread of a plume in open country, m (Briggs 1973, ATDL-106).

    Parameters
    ----------
    metres : array_like
        Distance from the source, m.
    stability : {"A", ..., "F"}
        Pasquill's class.
    """
    a, b, power = _BRIGGS[stability]
    x = np.asarray(metres, float)
    return np.asarray(a * x * (1.0 + b * x) ** power)


def plume(metres: float, stability: str, speed: float, height: float, rate: float) -> float:
    """Ground-level concentration below the axis of one plume, g/m3 (Pasquill 1961, Gifford 1961).

    Parameters
    ----------
    metres, height : float
        Distance downwind and effective height of the source, m.
    stability : {"A", ..., "F"}
        Pasquill's class.
    speed : float
        Wind, m/s.
    rate : float
        Emission, g/s.
    """
    up = float(sigma_z(metres, stability))
    side = _SIDEWAYS[stability] * metres / np.sqrt(1.0 + 1e-4 * metres)
    return float(rate / (np.pi * speed * side * up) * np.exp(-(height**2) / (2 * up**2)))


def sector_response(
    km: Array, share: Array, stability: str, speed: float, *, mixing: float = 1000.0, scavenging: float = 0.0
) -> Array:
    """Concentration per emission of a plume spread evenly over one of sixteen sectors, s/m3.

    ``S = f 16/(2 pi r) sqrt(2/pi) / (u min(sigma_z, 0.8 H)) exp(-L r/u)`` (Turner 1970, Workbook of Atmospheric
    Dispersion Estimates, chapter 4, with a lid at the mixing height H).

    Parameters
    ----------
    km : ndarray
        Distance, km, above zero.
    share : ndarray
        Share of the time in which the wind blows towards the receptor's sector with this stability and speed.
    stability : {"A", ..., "F"}
        Pasquill's class.
    speed : float
        Wind, m/s, above zero.
    mixing : float
        Mixing height, m.
    scavenging : float
        Loss on the way, 1/s.
    """
    metres = 1000.0 * np.asarray(km, float)
    up = np.minimum(sigma_z(metres, stability), 0.8 * mixing)
    falls = np.exp(-scavenging * metres / speed)
    return np.asarray(share * SECTORS / (2 * np.pi * metres) * np.sqrt(2 / np.pi) / (speed * up) * falls)


def own_response(area_km2: float, stability: str, speed: float, *, mixing: float = 1000.0) -> float:
    """Mean concentration per emission within a city that emits evenly over its area, s/m3.

    ``sqrt(2/pi) / (u A) integral dx / sigma_z`` from the edge to the middle (Gifford and Hanna 1971, Proceedings of the
    Second International Clean Air Congress), with the spread at the source added in squares and the lid of
    `sector_response`.

    Parameters
    ----------
    area_km2 : float
        Area over which it emits.
    stability : {"A", ..., "F"}
        Pasquill's class.
    speed : float
        Wind, m/s.
    mixing : float
        Mixing height, m.
    """
    half = 500.0 * np.sqrt(area_km2)
    x = np.linspace(0.0, half, 2001)
    up = np.minimum(np.hypot(sigma_z(x, stability), _INITIAL), 0.8 * mixing)
    return float(np.sqrt(2 / np.pi) / (speed * area_km2 * 1e6) * np.trapezoid(1.0 / up, x))


def kernel_responses(
    cities: pd.DataFrame, wind: pd.DataFrame, species: str, *, mixing: float = 1000.0, scavenging: float = 0.0
) -> pd.DataFrame:
    """Responses of every city to every other by the built-in plume.

    Parameters
    ----------
    cities : DataFrame
        Columns ``id, lon, lat, built_up_km2, area_km2``.
    wind : DataFrame
        Columns ``city`` (empty: everywhere), ``from_degrees, stability, speed_ms, frequency``; frequencies of a rose
        sum to one.
    species : str
        One of `PRIMARY`.
    mixing : float
        Mixing height, m.
    scavenging : float
        Loss on the way, 1/s.

    Returns
    -------
    DataFrame
        Receptors by sources, ug/m3 per t/year.

    Raises
    ------
    BadInput
        If the species is total PM2.5 or another that is formed in the air, or a wind rose does not sum to one.
    """
    if species not in PRIMARY:
        what = f"the plume carries no '{species}'"
        todo = suggest(species, PRIMARY, f"it carries {', '.join(PRIMARY)}")
        if species.casefold().replace(".", "").replace("_", "") in {"pm25", "totalpm25", "pm10"}:
            what = f"the plume refuses total {species}: most of it is formed in the air from gases"
            todo = "give a source-receptor matrix in air_responses, or the species primary_pm25"
        raise BadInput(Problem("", what, todo))
    ids = cities["id"].to_numpy(object)
    lon, lat = cities["lon"].to_numpy(float), cities["lat"].to_numpy(float)
    km = great_circle_km(lon[:, None], lat[:, None], lon[None, :], lat[None, :])
    east = (lon[:, None] - lon[None, :] + 180) % 360 - 180  # receptor less source
    towards = np.degrees(np.arctan2(east * np.cos(np.radians(lat))[:, None], lat[:, None] - lat[None, :])) % 360
    own = np.nan_to_num(cities["built_up_km2"].to_numpy(float)) > 0
    area = np.where(own, cities["built_up_km2"].to_numpy(float), cities["area_km2"].to_numpy(float))
    found = np.zeros((len(ids), len(ids)))
    for j, source in enumerate(ids):
        for row in _rose(wind, source):
            blows = (row["from_degrees"] + 180.0) % 360
            off = np.abs((towards[:, j] - blows + 180) % 360 - 180)
            there = (off <= 180.0 / SECTORS) & (np.arange(len(ids)) != j)
            share = np.where(there, row["frequency"], 0.0)
            far = np.where(there, km[:, j], 1.0)
            found[:, j] += sector_response(
                far, share, row["stability"], row["speed_ms"], mixing=mixing, scavenging=scavenging
            )
            found[j, j] += row["frequency"] * own_response(area[j], row["stability"], row["speed_ms"], mixing=mixing)
    return pd.DataFrame(found * _UG_PER_TONNE, index=ids, columns=ids)


def _rose(wind: pd.DataFrame, city: str) -> list[dict[str, Any]]:
    rows = wind[wind["city"] == city]
    rows = wind[wind["city"].isna()] if rows.empty else rows
    if rows.empty:
        raise BadInput(Problem("wind", f"no wind rose for '{city}'", "give one, or one with an empty city for all"))
    total = float(rows["frequency"].sum())
    if abs(total - 1.0) > 1e-3:
        raise BadInput(Problem("wind", f"the wind rose of '{city}' sums to {total:g}", "its frequencies sum to one"))
    if not (rows["speed_ms"] > 0).all():
        raise BadInput(Problem("wind", "a wind speed of zero", "calm hours need a speed: half of the least measured"))
    return [{str(k): v for k, v in row.items()} for row in rows.to_dict("records")]


def modelled(responses: Mapping[str, pd.DataFrame], emissions: pd.DataFrame) -> pd.DataFrame:
    """Concentrations by receptor and source.

    Parameters
    ----------
    responses : mapping of str to DataFrame
        Species to receptors by sources, ug/m3 per t/year.
    emissions : DataFrame
        Columns ``city, species, tonnes``.

    Returns
    -------
    DataFrame
        Columns ``receptor, species, source, concentration`` (ug/m3), ``share``; shares of a receptor sum to one.

    Raises
    ------
    BadInput
        If an emission has no response: it would be a silent zero.
    """
    frames = []
    for species, rows in emissions.groupby("species", sort=True):
        matrix = responses.get(str(species))
        if matrix is None:
            raise BadInput(Problem("air_sources", f"no responses for '{species}'", "give air_responses or wind"))
        lost = sorted(set(rows["city"]) - set(matrix.columns))
        if lost:
            raise BadInput(Problem("air_responses", f"no response to '{lost[0]}' of {species}", "add its column"))
        tonnes = rows.groupby("city")["tonnes"].sum().reindex(matrix.columns).fillna(0.0).to_numpy(float)
        part = matrix.to_numpy(float) * tonnes[None, :]
        total = part.sum(axis=1, keepdims=True)
        share = np.divide(part, total, out=np.zeros_like(part), where=total > 0)
        receptor, source = np.nonzero(part > 0)
        frames.append(
            pd.DataFrame(
                {
                    "receptor": matrix.index.to_numpy()[receptor],
                    "species": species,
                    "source": matrix.columns.to_numpy()[source],
                    "concentration": part[receptor, source],
                    "share": share[receptor, source],
                }
            )
        )
    columns = ["receptor", "species", "source", "concentration", "share"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def by_receptor(found: pd.DataFrame) -> pd.DataFrame:
    """Sum what `modelled` found over the sources: who is reached, by how much, by itself, and by whom most besides.

    Returns
    -------
    DataFrame
        Columns ``receptor, species, concentration`` (ug/m3), ``own`` (share), ``other, other_share``: the source that
        adds most besides, None and zero where there is none.
    """
    rows = []
    for (receptor, species), part in found.groupby(["receptor", "species"], sort=False):
        mine = (part["source"] == receptor).to_numpy()
        rest = part[~mine].sort_values("concentration", ascending=False, kind="stable").head(1)
        rows.append(
            {
                "receptor": receptor,
                "species": species,
                "concentration": float(part["concentration"].sum()),
                "own": float(part["share"].to_numpy()[mine].sum()),
                "other": None if rest.empty else rest["source"].iloc[0],
                "other_share": 0.0 if rest.empty else float(rest["share"].iloc[0]),
            }
        )
    columns = ["receptor", "species", "concentration", "own", "other", "other_share"]
    return pd.DataFrame(rows, columns=columns)


def limit_on(
    table: pd.DataFrame, pollutant: str, date: str, statistic: str = "annual_mean"
) -> tuple[str, float] | None:
    """Code and limit of the standard for air that is valid on a date; None where none limits the pollutant.

    Raises
    ------
    BadInput
        If standards limit the pollutant, but none on that date, or two do.
    """
    known = table[
        (table["body"] == "air")
        & (table["parameter"] == pollutant)
        & (table["class"] == CLASS)
        & (table["statistic"] == statistic)
    ]
    if known.empty:
        return None
    valid = known[(known["valid_from"] <= date) & ((known["valid_to"] == "") | (known["valid_to"] >= date))]
    if valid.empty:
        spans = ", ".join(f"{b} to {e or 'now'}" for b, e in zip(known["valid_from"], known["valid_to"], strict=True))
        raise BadInput(Problem("standards", f"no limit of {pollutant} is valid on {date}", f"limits are: {spans}"))
    if len(valid) > 1:
        codes = ", ".join(sorted(valid["standard"]))
        raise BadInput(
            Problem("standards", f"{len(valid)} limits of {pollutant} are valid on {date}: {codes}", "end one")
        )
    return str(valid["standard"].iloc[0]), float(valid["limit"].iloc[0])


def _limited(table: pd.DataFrame, pollutant: str, date: str) -> bool:
    """Whether any standard for air limits a pollutant on a date."""
    rows = table[(table["body"] == "air") & (table["parameter"] == pollutant)]
    return bool(((rows["valid_from"] <= date) & ((rows["valid_to"] == "") | (rows["valid_to"] >= date))).any())


def latest(air: pd.DataFrame, year: int, pollutant: str = "pm25") -> pd.DataFrame:
    """Latest yearly mean of a pollutant in each city, not after a year: rows of `against_limits`."""
    rows = air[(air["pollutant"] == pollutant) & (air["statistic"] == "annual_mean") & (air["year"] <= year)]
    return rows.sort_values("year", kind="stable").groupby("city", sort=True).tail(1).sort_values("city")


def against_limits(observed: pd.DataFrame, table: pd.DataFrame, date: str) -> pd.DataFrame:
    """Hold observed concentrations against the limit valid in their own year, and on a date.

    Parameters
    ----------
    observed : DataFrame
        Rows of the table ``air_quality``.
    table : DataFrame
        As from `megalopolis.environment.standards.standards`.
    date : str
        ISO date, the end of the state's year.

    Returns
    -------
    DataFrame
        The rows with ``standard, limit, exceedance, complies`` of the last day of their year, and ``limit_on_date``,
        ``complies_on_date``; empty where no limit is valid.

    Raises
    ------
    BadInput
        If a unit is not ug/m3 (ppb and ppm need temperature and pressure), or two limits are valid at once.
    """
    wrong = np.flatnonzero(~observed["unit"].isin(["ug/m3", "μg/m3", "µg/m3", "mg/m3"]).to_numpy())
    if len(wrong):
        where = f"air_quality:{wrong[0] + 2}:unit"
        unit = observed["unit"].iloc[wrong[0]]
        raise BadInput(Problem(where, f"'{unit}' is no mass in a volume", "give ug/m3; ppb need temperature, pressure"))

    @functools.cache
    def valid(pollutant: str, statistic: str, day: str) -> tuple[str, float] | None:
        return limit_on(table, pollutant, day, statistic) if _limited(table, pollutant, day) else None

    rows = []
    for pollutant, statistic, year in zip(observed["pollutant"], observed["statistic"], observed["year"], strict=True):
        then, now = (valid(pollutant, statistic, day) for day in (f"{year:.0f}-12-31", date))
        rows.append((*(then or ("", np.nan)), (now or ("", np.nan))[1]))
    found = pd.DataFrame(rows, columns=["standard", "limit", "limit_on_date"], index=observed.index)
    value = observed["value"].to_numpy(float)
    return observed.assign(
        **found,
        exceedance=value / found["limit"] - 1.0,
        complies=_within(value, found["limit"]),
        complies_on_date=_within(value, found["limit_on_date"]),
    )


def _within(value: Array, limit: pd.Series[float]) -> pd.Series[Any]:
    return pd.Series(value <= limit.to_numpy(float), index=limit.index, dtype="boolean").mask(limit.isna())
