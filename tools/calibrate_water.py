"""Fit ammonia and phosphorus of the China pack to its observations of one winter day; score them on held-out sections.

Run as ``python tools/calibrate_water.py`` after a change of the river tables. Two numbers are fitted for each: the loss
rate at 20 C, which goes to ``region.yaml``, and the share of untreated sewage and of farms' loads that reaches the
rivers in the dry season. What plants and industry discharge arrives whole. Half of the sections is held out by a
checksum of their names. Prints the fitted values with bootstrap intervals and the scores, beside the mean of each
basin, as Markdown.
"""

from __future__ import annotations

import sys
import zlib
from dataclasses import dataclass, replace
from typing import Final

import china_loads
import numpy as np
import numpy.typing as npt
import pandas as pd
from china_water import DRY_SHARES
from scipy.optimize import minimize

import megalopolis as mp
from megalopolis.environment.inputs import BACKGROUND, Basin, basin_of, retentions, summed
from megalopolis.environment.network import named_network
from megalopolis.environment.rates import KG_PER_DAY, at_temperature
from megalopolis.environment.standards import SURFACE_WATER, assess, limits_on, standards
from megalopolis.environment.transport import steady
from megalopolis.parameters import Parameters
from megalopolis.plan import at
from megalopolis.region import Region
from megalopolis.units import great_circle_km

Array = npt.NDArray[np.float64]

FITTED: Final = {"nh3n": "nitrification", "tp": "tp_loss"}
#: Below these, mg/L, differences are noise: detection limits of HJ 535-2009 and GB 11893-89.
LEAST: Final = {"nh3n": 0.025, "tp": 0.01}
#: Of their volume at mean stage, what the two great lakes hold in February (estimated).
WINTER_VOLUME: Final = {"dt-west": 0.25, "dt-south": 0.25, "dt-east": 0.3, "py-lake": 0.3}
BASINS: Final = {
    "Tai": ("thc", "thy", "txw", "txe", "wangyu", "th", "taipu", "wusong", "jishui", "dianshan", "jx", "hp"),
    "Qiantang": ("xa", "qujiang", "jinhua", "lan", "fenshui", "fc", "puyang", "caoe", "qt"),
    "Pearl": (
        *("np", "bp", "hs", "liu", "qian", "zuo", "you", "yu", "xun", "gui", "xi", "tan", "bei", "zhenwu"),
        *("dong", "xizhi", "danshui", "zeng", "liuxi", "gz", "sz", "mz"),
    ),
}
STARTS: Final = {"nh3n": ((0.2, 0.1), (0.05, 0.02)), "tp": ((0.05, 0.1), (0.005, 0.1))}
BOOTSTRAPS: Final = 100
FACTOR: Final = 2.0


@dataclass
class Winter:
    """The basin on the day of the observations.

    Attributes
    ----------
    basin : Basin
        Flow, travel time, temperature and links of the dry season.
    load : ndarray, shape (d, p)
        kg/d, before the share that arrives.
    diffuse : ndarray of bool, shape (d,)
        Discharges that the share applies to.
    observed : DataFrame
        One row per section, one column per parameter, mg/L.
    held_out : ndarray of bool, shape (s,)
        Sections that are not fitted.
    group : ndarray of str, shape (s,)
        Basin.
    theta : dict of str to float
        Factor per degree by pollutant.
    """

    basin: Basin
    load: Array
    diffuse: npt.NDArray[np.bool_]
    observed: pd.DataFrame
    held_out: npt.NDArray[np.bool_]
    group: npt.NDArray[np.object_]
    theta: dict[str, float]

    def modelled(self, pollutant: str, rate: float, share: float) -> Array:
        """Concentration at the sections, mg/L, by the product's own kernels."""
        k, basin = self.basin.pollutants.index(pollutant), self.basin
        rates = np.zeros((len(basin.pollutants), len(basin.flow)))
        rates[k] = at_temperature(rate, self.theta[pollutant], basin.temperature)
        a, b = (kept[k] for kept in retentions(basin, rates))
        load = self.load[:, k] * np.where(self.diffuse, share, 1.0)
        n = len(basin.flow)
        head = summed(basin.reach_of, np.where(basin.along, 0.0, load), n)
        spread = summed(basin.reach_of, np.where(basin.along, load, 0.0), n)
        mass = steady(basin.network, a, head, b * spread)
        return np.asarray((mass / (KG_PER_DAY * basin.flow))[basin.section_at])


def winter(state: Region, parameters: dict[str, float]) -> Winter:
    """Bring a state to the dry season: low flows, the temperature observed nearby, farms and runoff in proportion."""
    basin, reaches = basin_of(state, parameters), state.frame("reaches")
    low = reaches["low_flow_m3s"].to_numpy(float)
    ratio = low / basin.flow
    links = state.frame("reach_links")
    shares = [
        DRY_SHARES.get(a, {}).get(b, f) for a, b, f in zip(links["from"], links["to"], links["fraction"], strict=True)
    ]
    network = named_network(
        reaches["id"].tolist(), list(zip(links["from"], links["to"], shares, strict=True)), table="reach_links"
    )
    held = reaches["id"].map(WINTER_VOLUME).fillna(1.0).to_numpy(float)
    days = basin.days * np.where(basin.lake, held / ratio, ratio ** -parameters["velocity_exponent"])
    observations = state.frame("observations")
    observed = observations.pivot_table(index="section", columns="parameter", values="value")
    observed = observed.reindex(basin.sections["id"])
    warm = observed["temperature"].notna().to_numpy()
    places = basin.sections.loc[warm, ["lon", "lat"]].to_numpy(float)
    own = reaches[["lon", "lat"]].to_numpy(float)
    away = great_circle_km(own[:, :1], own[:, 1:], places[None, :, 0], places[None, :, 1])
    temperature = observed["temperature"].to_numpy(float)[warm][np.argsort(away, axis=1)[:, :3]].mean(axis=1)
    sector = basin.discharges["sector"]
    diffuse = sector.isin(china_loads.DIFFUSE_SECTORS).to_numpy()
    with_runoff = (basin.city == BACKGROUND) | (sector == "farming").to_numpy()
    load = basin.load * np.where(with_runoff, ratio[basin.reach_of], 1.0)[:, None]
    arrives = np.array([china_loads.DIFFUSE[p] for p in basin.pollutants])
    load = np.where(diffuse[:, None], load / arrives, load)
    known = {river: name for name, rivers in BASINS.items() for river in rivers}
    group = basin.sections["reach"].str.partition("-")[0].map(known).fillna("Yangtze").to_numpy(object)
    held_out = np.array([zlib.crc32(name.encode()) % 2 == 1 for name in basin.sections["name_local"]])
    theta = {"nh3n": parameters["theta_nitrification"], "tp": 1.0}
    winter_basin = replace(basin, flow=low, days=days, temperature=temperature, network=network)
    return Winter(winter_basin, load, diffuse, observed, held_out, group, theta)


def error(pollutant: str, modelled: Array, observed: Array) -> Array:
    """Difference of the logarithms, damped below the detection limit."""
    least = LEAST[pollutant]
    return np.asarray(np.log((modelled + least) / (observed + least)))


def fit(data: Winter, pollutant: str, weights: Array) -> Array:
    """Loss rate and share with the least mean absolute error of the logarithms (Nelder and Mead 1965)."""
    observed = data.observed[pollutant].to_numpy(float)
    use = ~data.held_out & ~np.isnan(observed)

    def cost(logs: Array) -> float:
        found = error(pollutant, data.modelled(pollutant, *np.exp(logs)), observed)
        return float(np.average(np.abs(found[use]), weights=weights[use]))

    options = {"xatol": 1e-3, "fatol": 1e-5, "maxfev": 400}
    found = [minimize(cost, np.log(start), method="Nelder-Mead", options=options) for start in STARTS[pollutant]]
    return np.asarray(np.exp(min(found, key=lambda result: result.fun).x))


def basin_mean(data: Winter, pollutant: str) -> Array:
    """Naive baseline: geometric mean of the fitted sections of the same basin, mg/L."""
    least = LEAST[pollutant]
    logs = np.log(data.observed[pollutant].to_numpy(float) + least)
    fitted = pd.Series(np.where(data.held_out, np.nan, logs))
    mean = fitted.groupby(data.group).mean().fillna(fitted.mean())  # a basin without any takes that of all
    return np.asarray(np.exp(pd.Series(data.group).map(mean).to_numpy(float)) - least)


def scores(data: Winter, pollutant: str, modelled: Array, part: npt.NDArray[np.bool_]) -> dict[str, object]:
    """Sections, median factor between model and observation, share within a factor of two, bias, rank correlation."""
    observed = data.observed[pollutant].to_numpy(float)
    use = part & ~np.isnan(observed)
    found = error(pollutant, modelled, observed)[use]
    rank = pd.Series(modelled[use]).corr(pd.Series(observed[use]), method="spearman")
    return {
        "sections": int(use.sum()),
        "median factor": f"{np.exp(np.median(np.abs(found))):.2f}",
        "within a factor of 2": f"{100 * (np.abs(found) <= np.log(FACTOR)).mean():.0f} %",
        "mean model over mean observed": f"{modelled[use].mean() / observed[use].mean():.2f}",
        "rank correlation": f"{rank:.2f}",
    }


def grades(data: Winter, values: dict[str, Array]) -> npt.NDArray[np.int64]:
    """Class of the sections by ammonia and phosphorus alone."""
    lake = data.basin.lake[data.basin.section_at]
    found = np.zeros(len(lake), np.int64)
    for body, here in (("lake", lake), ("river", ~lake)):
        limits = limits_on(standards(), SURFACE_WATER, "2026-02-04", body)
        found[here] = assess({p: v[here] for p, v in values.items()}, limits).grade
    return found


def class_scores(data: Winter, values: dict[str, Array], part: npt.NDArray[np.bool_]) -> dict[str, object]:
    """Share of the sections whose class by ammonia and phosphorus is that of the observations, or one beside it."""
    observed = {p: data.observed[p].to_numpy(float) for p in FITTED}
    known = part & ~np.isnan(np.array(list(observed.values()))).any(axis=0)
    apart = np.abs(grades(data, values) - grades(data, observed))[known]
    good = (grades(data, values) <= 3) == (grades(data, observed) <= 3)
    return {
        "sections": int(known.sum()),
        "same class": f"{100 * (apart == 0).mean():.0f} %",
        "within one class": f"{100 * (apart <= 1).mean():.0f} %",
        "right on class III or better": f"{100 * good[known].mean():.0f} %",
    }


def markdown(rows: list[dict[str, object]]) -> str:
    """Write rows as a Markdown table."""
    body = [[str(cell) for cell in row.values()] for row in rows]
    lines = [list(rows[0]), ["---"] * len(rows[0]), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main(region_name: str = "china") -> None:
    """Fit, score, print."""
    region = mp.load_region(region_name)
    if not region.has("observations"):
        sys.exit(f"the region '{region_name}' has no observations")
    parameters = Parameters.of(region.meta.parameters, {}).of_pillar("environment")
    data = winter(at(region, None, region.meta.today), parameters)
    rng = np.random.default_rng(20260204)
    count = len(data.held_out)
    print(f"{count} sections, {int(data.held_out.sum())} of them held out\n")
    values, baseline, table = {}, {}, []
    for pollutant, name in FITTED.items():
        rate, share = fit(data, pollutant, np.ones(count))
        draws = np.array([fit(data, pollutant, rng.poisson(1.0, count).astype(float)) for _ in range(BOOTSTRAPS)])
        low, high = np.quantile(draws, [0.05, 0.95], axis=0)
        values[pollutant] = data.modelled(pollutant, rate, share)
        baseline[pollutant] = basin_mean(data, pollutant)
        for what, k in ((f"{name}, 1/d", 0), (f"diffuse share of {pollutant}", 1)):
            fitted = (rate, share)[k]
            table.append({"": what, "fitted": f"{fitted:.3f}", "5 %": f"{low[k]:.3f}", "95 %": f"{high[k]:.3f}"})
    print(markdown(table))
    rows, classes = [], []
    for part, name in ((~data.held_out, "fitted"), (data.held_out, "held out")):
        for model, found in (("model", values), ("mean of the basin", baseline)):
            rows += [{"part": name, "": p, "by": model} | scores(data, p, found[p], part) for p in FITTED]
            classes.append({"part": name, "by": model} | class_scores(data, found, part))
    print(f"\n{markdown(sorted(rows, key=lambda r: (str(r['part']), str(r['']))))}\n\n{markdown(classes)}")
    rows = []
    for basin in ("Yangtze", *BASINS):
        here = data.held_out & (data.group == basin)
        rows += [{"held out in": basin, "": p} | scores(data, p, values[p], here) for p in FITTED]
    print(f"\n{markdown(rows)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
