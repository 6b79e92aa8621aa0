"""Fit the run-time model to the real fastest trains of March 2016, and score it on pairs not fitted.

Run as ``MEGALOPOLIS_REFERENCE_DATA=FOLDER python tools/calibrate_rides.py``. The folder holds
``china/timetable_2016_trips.csv.gz`` and ``china/timetable_2016_stop_times.csv.gz``; nothing of them is stored. Prints
the fitted parameters with bootstrap intervals and the scores, fitted and held out, as Markdown.
"""

from __future__ import annotations

import os
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize

import megalopolis as mp
from megalopolis.parameters import Parameters
from megalopolis.plan import at
from megalopolis.region import Region
from megalopolis.travel.assemble import Network, assemble
from megalopolis.travel.network import BOARD, RIDE, THROUGH, order, ride_minutes
from megalopolis.travel.ridetime import call_probability, end_minutes, leg_minutes
from megalopolis.travel.shortest import Elimination, sweep

Array = npt.NDArray[np.float64]

DAY = "2016-03-10"
YEAR = 2015  # the network at the end of 2015 is that of March 2016
FITTED = (
    "speed_share_hsr",
    "speed_share_intercity",
    "speed_share_conventional",
    "call_steepness",
    "junction_min",
)
STARTS = np.array([[0.9, 0.9, 0.8, 1.0, 5.0], [0.97, 0.95, 0.85, 0.4, 8.0]])
STEP = np.array([0.05, 0.05, 0.1, 0.4, 0.5])  # of the logarithms, for the first simplex
WEIGHT = 0.75  # power of the trains of a pair: between all pairs alike and by the passengers that they carry
BOOTSTRAPS = 40


def direct_rides(folder: Path) -> pd.DataFrame:
    """Fastest direct ride and number of trains of every pair of stations, either direction, on one day.

    Parameters
    ----------
    folder
        Reference data.

    Returns
    -------
    DataFrame
        ``one, two`` (station names, ordered), ``minutes``, ``class`` of the fastest train, ``trains``.
    """
    trips = pd.read_csv(folder / "china" / "timetable_2016_trips.csv.gz", dtype=str)
    runs = (trips["first_date"].fillna(DAY) <= DAY) & (trips["last_date"].fillna(DAY) >= DAY)
    times = pd.read_csv(folder / "china" / "timetable_2016_stop_times.csv.gz", dtype=str)
    times = times.merge(trips.loc[runs, ["trip_id", "class"]], on="trip_id")
    times["seq"] = times["stop_seq"].astype(int)
    for column in ("arrive", "depart"):
        parts = times[column].str.split(":", expand=True).astype(float)
        times[column] = 60 * parts[0] + parts[1]
    pairs = times.merge(times[["trip_id", "seq", "station", "arrive"]], on="trip_id", suffixes=("", "_to"))
    pairs = pairs[(pairs["seq"] < pairs["seq_to"]) & (pairs["station"] != pairs["station_to"])]
    pairs["minutes"] = (pairs["arrive_to"] - pairs["depart"]) % 1440
    pairs = pairs[pairs["minutes"] > 0]  # NaN where a train neither arrives nor departs
    pairs["one"] = pairs[["station", "station_to"]].min(axis=1)
    pairs["two"] = pairs[["station", "station_to"]].max(axis=1)
    groups = pairs.sort_values("minutes", kind="stable").groupby(["one", "two"])
    return groups.agg(
        minutes=("minutes", "first"), **{"class": ("class", "first")}, trains=("trip_id", "size")
    ).reset_index()


@dataclass
class Sample:
    """Pairs of main stations with a direct train, and the network to model them on."""

    pairs: pd.DataFrame
    network: Network
    state: Region
    doors: npt.NDArray[np.int64]
    ends: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]

    @property
    def held_out(self) -> npt.NDArray[np.bool_]:
        """Half of the pairs, by a checksum of their names."""
        names = self.pairs["one"] + " " + self.pairs["two"]
        return np.array([zlib.crc32(name.encode()) % 2 == 1 for name in names])


def sample(region: Region, folder: Path, parameters: dict[str, float]) -> Sample:
    """Join the timetable to the main stations of the network of its year, by station name."""
    state = at(region, None, YEAR)
    network = assemble(state, parameters)
    rides = direct_rides(folder)
    names = network.layout.stations["name_local"].to_numpy()[network.main.station]
    number = dict(zip(names, network.main.station.tolist(), strict=True))
    rides = rides[rides["one"].isin(number) & rides["two"].isin(number)].reset_index(drop=True)
    doors = np.unique(network.main.station)
    ends = tuple(np.searchsorted(doors, rides[side].map(number).to_numpy()) for side in ("one", "two"))
    return Sample(rides, network, state, doors, (ends[0], ends[1]))


def modelled(data: Sample, parameters: dict[str, float]) -> Array:
    """Ride minutes of the pairs of a sample, as the product computes them."""
    rail = assemble(data.state, parameters).rail
    return ride_minutes(rail, data.doors, np.inf, order(rail, data.doors))[data.ends]


class Model:
    """The same minutes, with everything that does not depend on the fitted parameters worked out once."""

    def __init__(self, data: Sample, fixed: dict[str, float]) -> None:
        self.data, self.fixed = data, fixed
        self.rail = data.network.rail
        self.order: Elimination | None = order(self.rail, data.doors)
        state, network = data.state, data.network
        lines = network.layout.lines
        self.kind = lines["kind"].to_numpy()
        self.top = lines["operating_kmh"].fillna(lines["speed_kmh"]).to_numpy(float)
        owner = network.layout.stations["city"].map(state.frame("cities").set_index("id")["population"])
        self.population = owner.fillna(0.0).to_numpy(float)
        self.km = network.layout.stops.groupby("line", sort=False)["km"].diff().dropna().to_numpy(float)

    def __call__(self, values: Array, slower: npt.NDArray[np.bool_] | None = None) -> Array:
        """Minutes at values of the fitted parameters; the lines of `slower` run 1 % slower."""
        given = dict(zip(FITTED, values, strict=True))
        rail, dwell, rate = self.rail, self.fixed["dwell_min"], self.fixed["acceleration"]
        share = pd.Series(self.kind).map({k: given[f"speed_share_{k}"] for k in ("hsr", "intercity", "conventional")})
        speed = self.top * share.to_numpy(float)
        if slower is not None:
            speed = np.where(slower, speed / 1.01, speed)
        call = call_probability(self.population, self.fixed["call_half_population"], given["call_steepness"])
        minutes = rail.minutes.copy()
        ride, board = rail.kind == RIDE, rail.kind == BOARD
        a, b = (call[rail.station[side[ride]]] for side in (rail.tails, rail.heads))
        minutes[ride] = leg_minutes(self.km, speed[rail.line[ride]], a, b, dwell, rate)
        at_end = call[rail.station[rail.heads[board]]]
        minutes[board] = rail.transfer_min / 2 + end_minutes(speed[rail.line[board]], at_end, dwell, rate)
        minutes[rail.kind == THROUGH] = given["junction_min"] / 2
        if self.order is None:
            raise RuntimeError("the network fills in: calibrate on a smaller one")
        return np.asarray(sweep(self.order, minutes)[self.data.ends] - rail.transfer_min)


def objective(logs: Array, model: Model, observed: Array, weights: Array) -> float:
    """Mean absolute error of logarithms, and half of their bias; shares of the speed stay at most 1."""
    values = np.exp(logs)
    error = np.log(model(values) / observed)
    over = np.maximum(values[:3] - 1.0, 0.0).sum()
    return float(np.average(np.abs(error), weights=weights) + 0.5 * abs(np.average(error, weights=weights)) + 10 * over)


def fit(model: Model, observed: Array, weights: Array, start: Array, evaluations: int) -> Array:
    """Fit by the simplex search of Nelder and Mead (1965)."""
    simplex = np.log(start) + np.vstack([np.zeros(STEP.size), np.diag(STEP)])
    options = {"maxfev": evaluations, "xatol": 1e-3, "fatol": 1e-5, "initial_simplex": simplex}
    found = minimize(objective, np.log(start), (model, observed, weights), "Nelder-Mead", options=options)
    return np.asarray(np.exp(found.x))


def line_class(model: Model, values: Array) -> npt.NDArray[np.str_]:
    """Class of line on which most of the modelled running time is spent, by slowing each class a little."""
    fast = model.kind == "hsr"
    classes = {
        "hsr, 300 km/h and over": fast & (model.top >= 300),
        "hsr, below 300 km/h": fast & (model.top < 300),
        "intercity": model.kind == "intercity",
        "conventional": model.kind == "conventional",
    }
    base = model(values)
    gained = np.array([model(values, lines) - base for lines in classes.values()])
    return np.array(list(classes))[gained.argmax(axis=0)]


def score(minutes: Array, observed: Array) -> dict[str, float]:
    """Number of pairs, median absolute percentage error and mean percentage error."""
    error = 100 * (minutes / observed - 1)
    if not error.size:
        return {"pairs": 0, "median APE %": np.nan, "bias %": np.nan}
    return {"pairs": error.size, "median APE %": float(np.median(np.abs(error))), "bias %": float(error.mean())}


def table(data: Sample, minutes: Array, groups: pd.Series) -> pd.DataFrame:  # type: ignore[type-arg]
    """Scores by group, fitted and held out apart."""
    observed = data.pairs["minutes"].to_numpy(float)
    rows = []
    for name in ["all", *sorted(groups.unique())]:
        member = np.ones(len(groups), dtype=bool) if name == "all" else (groups == name).to_numpy()
        row: dict[str, object] = {"group": name}
        for label, part in (("fitted", ~data.held_out), ("held out", data.held_out)):
            chosen = member & part
            row |= {f"{label}: {k}": v for k, v in score(minutes[chosen], observed[chosen]).items()}
        rows.append(row)
    return pd.DataFrame(rows)


def markdown(frame: pd.DataFrame) -> str:
    """Write a frame as a Markdown table, one decimal."""
    body = [[f"{v:.1f}" if isinstance(v, float) else str(v) for v in row] for row in frame.to_numpy(object)]
    rows = [list(frame.columns), ["---"] * len(frame.columns), *body]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def reachable(data: Sample, minutes: Array) -> Sample:
    """Leave out the pairs that the network of the year does not join."""
    finite = np.isfinite(minutes)
    ends = (data.ends[0][finite], data.ends[1][finite])
    return Sample(data.pairs[finite].reset_index(drop=True), data.network, data.state, data.doors, ends)


def main(region_name: str = "china") -> None:
    """Fit, score, print."""
    folder = os.environ.get("MEGALOPOLIS_REFERENCE_DATA")
    if not folder:
        sys.exit("MEGALOPOLIS_REFERENCE_DATA is not set: it names the folder that holds china/timetable_2016_*.csv.gz")
    region = mp.load_region(region_name)
    parameters = Parameters.of(region.meta.parameters, {}).of_pillar("travel")
    data = sample(region, Path(folder), parameters)
    before = len(data.pairs)
    data = reachable(data, modelled(data, parameters))
    model = Model(data, parameters)
    start = np.array([parameters[name] for name in FITTED])
    drift = np.abs(model(start) - modelled(data, parameters)).max()
    if drift > 1e-6:
        sys.exit(f"this tool and the product differ by {drift} min: bring Model in line with assemble")
    observed = data.pairs["minutes"].to_numpy(float)
    weights = data.pairs["trains"].to_numpy(float) ** WEIGHT * ~data.held_out
    found = [fit(model, observed, weights, point, 600) for point in STARTS]
    values = min(found, key=lambda v: objective(np.log(v), model, observed, weights))
    for _ in range(3):  # a new simplex frees a search that has collapsed
        values = fit(model, observed, weights, values, 400)
    rng = np.random.default_rng(20160310)
    drawn = (weights * rng.poisson(1.0, weights.size) for _ in range(BOOTSTRAPS))
    spread = [fit(model, observed, draw, values, 120) for draw in drawn]
    low, high = np.quantile(spread, [0.05, 0.95], axis=0)
    print(f"{len(data.pairs)} pairs of main stations with a direct train ({before - len(data.pairs)} not joined)\n")
    print(markdown(pd.DataFrame({"parameter": FITTED, "fitted": [f"{v:.4g}" for v in values],
                                 "5 %": [f"{v:.4g}" for v in low], "95 %": [f"{v:.4g}" for v in high]})))  # fmt: skip
    trains = pd.cut(data.pairs["trains"], [0, 2, 8, 32, 10_000], labels=["1-2", "3-8", "9-32", "over 32"])
    for title, v in (("defaults", start), ("fitted", values)):
        minutes = model(v)
        classes = pd.Series(line_class(model, v))
        print(f"\n{title}\n\n{markdown(table(data, minutes, classes))}")
        print(f"\nby class of train\n\n{markdown(table(data, minutes, data.pairs['class']))}")
        print(f"\nby trains a day, both directions\n\n{markdown(table(data, minutes, trains.astype(str)))}")


if __name__ == "__main__":
    main(*sys.argv[1:])
