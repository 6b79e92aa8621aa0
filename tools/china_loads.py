"""Discharges of the China pack by city, from people, income and the treatment that its rules demand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

POLLUTANTS: Final = ("cod", "bod5", "nh3n", "tn", "tp")
Load = dict[str, float]

#: Sewage of one urban resident, m3/d and g/d (rounded coefficients of the second national survey of sources).
SEWAGE: Final = 0.2
URBAN: Final = dict(zip(POLLUTANTS, (65.0, 30.0, 8.0, 11.0, 0.95), strict=True))
#: What leaves one rural resident, g/d: national discharge of rural households in 2017 over 577 million residents.
RURAL: Final = dict(zip(POLLUTANTS, (23.7, 10.0, 1.16, 2.12, 0.175), strict=True))
RURAL_WATER: Final = 0.03
#: National discharge of industry and farming in 2017, t/year, over the national value added of 2021, CNY.
INDUSTRY: Final = dict(zip(POLLUTANTS, (909_600, 230_000, 44_500, 155_700, 7_900), strict=True))
FARMING: Final = dict(zip(POLLUTANTS, (10_671_300, 2_000_000, 216_200, 1_414_900, 212_000), strict=True))
SECONDARY: Final = 45.09e12
PRIMARY: Final = 8.31e12
SECONDARY_SHARE: Final = 0.39  # of output, where the sectors are unknown
RURAL_PEOPLE: Final = 498e6
INDUSTRY_WATER: Final = 18e9  # m3/year
#: Share of urban sewage that reaches a plant: at the national income, its change with ten times that; least, most.
COLLECTED: Final = (0.84, 0.25, 0.72, 0.94)
INCOME: Final = 81_000.0  # CNY per resident, 2021
#: What plants let through over what their standard allows: national means lie far below the limits.
BELOW_STANDARD: Final = dict(zip(POLLUTANTS, (0.45, 0.5, 0.3, 0.7, 0.5), strict=True))
#: Chemical oxygen demand of runoff from farms, mg/L, which sets its volume.
FARM_COD: Final = 60.0
#: Water of rivers' heads and of runoff that nobody dirties, and of what comes in over the border, mg/L.
NATURE: Final = dict(zip(POLLUTANTS, (5.0, 1.0, 0.03, 0.9, 0.02), strict=True))
BORDER: Final = dict(zip(POLLUTANTS, (4.0, 0.8, 0.02, 0.8, 0.012), strict=True))
#: Share of untreated sewage and of farms' loads that reaches the rivers over the year. Set so that as many of the
#: Yangtze's sections are of class III or better as reported (98.5 % in 2023); that of nitrogen is not reduced.
DIFFUSE: Final = dict(zip(POLLUTANTS, (0.2, 0.2, 0.2, 1.0, 0.2), strict=True))
DIFFUSE_SECTORS: Final = ("untreated", "farming")
DAYS: Final = 365.25
FIGURES: Final = ["population", "urban_population", "gdp"]

LAKE_TAI: Final = {"320200", "320400", "320500", "320509", "321100"}
MIN_TUO: Final = {"510100", "510300", "510500", "510600", "511000", "511100", "511400", "511500", "512000", "511800"}


@dataclass
class Discharge:
    """What one city lets into one reach from one sector: m3/d, kg/d."""

    city: str
    sector: str
    reach: str
    volume: float
    load: Load
    level: str = ""


def level_of(city: str) -> str:
    """Standard that the city's plants have to meet."""
    if city in LAKE_TAI:
        return "db32-1072-2018"
    if city in MIN_TUO:
        return "db51-2311-2016"
    if city.startswith("33"):
        return "db33-2169-2018"
    return "db34-2710-2016" if city == "340100" else "gb18918-1a"


def collected(income: float) -> float:
    """Share of urban sewage that reaches a plant, by output per resident in CNY."""
    return float(np.clip(COLLECTED[0] + COLLECTED[1] * np.log10(income / INCOME), *COLLECTED[2:]))


def loads(pack: Path, shares: Mapping[str, Mapping[str, float]]) -> list[Discharge]:
    """Discharges of every city into every reach that it has a share in.

    Parameters
    ----------
    pack : Path
        Folder with ``cities``, ``industries`` and ``treatment_levels``.
    shares : mapping of str to mapping of str to float
        Share of a city's discharges by reach.
    """
    cities = pd.read_csv(pack / "cities.csv", dtype={"id": str, "parent": str}).set_index("id")
    levels = pd.read_csv(pack / "treatment_levels.csv").set_index("id")
    industries = pd.read_csv(pack / "industries.csv", dtype={"city": str})
    added = industries.groupby(["city", "industry"])["value_added"].sum().to_dict()
    cities["gdp"] = cities["gdp"].fillna(INCOME * cities["population"])
    found = []
    for city, of in shares.items():
        parts = cities[(cities["parent"] == city) & cities.index.isin(list(shares))]
        own = cities.loc[city, FIGURES].astype(float) - parts[FIGURES].sum()
        for sector, volume, load, level in sectors(city, own, added, levels):
            arrives = DIFFUSE if sector in DIFFUSE_SECTORS else dict.fromkeys(POLLUTANTS, 1.0)
            for reach, share in of.items():
                scaled = {p: share * load[p] * arrives[p] for p in POLLUTANTS}
                found.append(Discharge(city, sector, reach, share * volume, scaled, level))
    return found


def sectors(
    city: str, own: pd.Series[float], added: Mapping[tuple[str, str], float], levels: pd.DataFrame
) -> list[tuple[str, float, Load, str]]:
    """Sector, m3/d, kg/d and standard of all that a city discharges."""
    urban, rural = own["urban_population"], own["population"] - own["urban_population"]
    treated = SEWAGE * urban * collected(own["gdp"] / own["population"])
    raw = SEWAGE * urban - treated
    level = level_of(city)
    effluent = {p: float(levels.loc[level, p]) * BELOW_STANDARD[p] for p in POLLUTANTS}
    made = added.get((city, "secondary"), SECONDARY_SHARE * own["gdp"]) / SECONDARY
    grown = added.get((city, "primary"), PRIMARY * rural / RURAL_PEOPLE) / PRIMARY
    return [
        ("households", treated, {p: treated * effluent[p] / 1e3 for p in POLLUTANTS}, level),
        (
            "untreated",
            raw + RURAL_WATER * rural,
            {p: (raw / SEWAGE * URBAN[p] + rural * RURAL[p]) / 1e3 for p in POLLUTANTS},
            "",
        ),
        (
            "industry",
            made * INDUSTRY_WATER / DAYS,
            {p: made * INDUSTRY[p] * 1e3 / DAYS for p in POLLUTANTS},
            "gb8978-1",
        ),
        (
            "farming",
            grown * FARMING["cod"] * 1e6 / DAYS / FARM_COD,
            {p: grown * FARMING[p] * 1e3 / DAYS for p in POLLUTANTS},
            "",
        ),
    ]


def volume_by_reach(found: list[Discharge]) -> dict[str, float]:
    """Sewage and industrial water of every reach, m3/s."""
    total: dict[str, float] = defaultdict(float)
    for d in found:
        if d.sector != "farming":
            total[d.reach] += d.volume / 86400
    return dict(total)


def table(found: list[Discharge], local: Mapping[str, float], heads: Mapping[str, tuple[float, str]]) -> pd.DataFrame:
    """Return ``discharges``: those of the cities, the runoff that is left, and the heads of the rivers.

    Parameters
    ----------
    found : list of Discharge
        Of the cities.
    local : mapping of str to float
        Water that joins along each reach, m3/s.
    heads : mapping of str to (float, str)
        Water at the head of a river, m3/s, and whether it comes over the ``boundary`` or from a ``source``.
    """
    left = {reach: value * 86400 for reach, value in local.items()}
    rows: list[tuple[object, ...]] = []
    for d in found:
        room = left.get(d.reach, 0.0)
        volume = min(d.volume, max(0.6 * room, 0.01 * d.volume)) if d.sector == "farming" else d.volume
        left[d.reach] = room - volume
        values = [f"{d.load[p] / volume * 1e3:.4g}" for p in POLLUTANTS]
        id_ = f"{d.city}-{d.sector}-{d.reach}"
        rows.append((id_, d.city, d.sector, d.reach, "along", f"{volume:.4g}", *values, d.level))
    clean, border = ([f"{of[p]:g}" for p in POLLUTANTS] for of in (NATURE, BORDER))
    for reach, volume in left.items():
        if volume > 0:
            rows.append((f"runoff-{reach}", "", "background", reach, "along", f"{volume:.4g}", *clean, ""))
    for reach, (flow, kind) in heads.items():
        sector, values = ("boundary", border) if kind == "boundary" else ("background", clean)
        rows.append((f"head-{reach}", "", sector, reach, "head", f"{flow * 86400:.4g}", *values, ""))
    return pd.DataFrame(rows, columns=["id", "city", "sector", "reach", "entry", "volume_m3d", *POLLUTANTS, "level"])
