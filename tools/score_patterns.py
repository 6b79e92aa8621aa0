"""Score stopping patterns read from the timetable of March 2016, before and after the run times are fitted anew.

Run as ``MEGALOPOLIS_REFERENCE_DATA=FOLDER python tools/score_patterns.py`` (about two minutes; prints Markdown). Every
line of 300 km/h and over gets one pattern, express: the fewest calls that at least four trains of the day have that run
over the whole line, at their share of these trains. Fitting sees the half of the pairs of the timetable that
``calibrate_rides.py`` fits, and no published ride: those of the end of 2015 are trains of that timetable, so that their
calls are known though not their minutes; those after are of trains that nothing here has seen. Nothing is written.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import calibrate_rides as rides
import numpy as np
import pandas as pd

import megalopolis as mp
from megalopolis.parameters import Parameters
from megalopolis.plan import at
from megalopolis.region import Region
from megalopolis.travel.assemble import assemble
from megalopolis.travel.face import ride_scores
from megalopolis.travel.network import order
from megalopolis.travel.shortest import sweep

FASTEST: Final = 300.0  # km/h
FEWEST_TRAINS: Final = 4


def trains(folder: Path) -> list[list[str]]:
    """Stations of every train of the day in order."""
    trips = pd.read_csv(folder / "china" / "timetable_2016_trips.csv.gz", dtype=str)
    runs = (trips["first_date"].fillna(rides.DAY) <= rides.DAY) & (trips["last_date"].fillna(rides.DAY) >= rides.DAY)
    calls = pd.read_csv(folder / "china" / "timetable_2016_stop_times.csv.gz", dtype=str)
    calls = calls[calls["trip_id"].isin(trips.loc[runs, "trip_id"])]
    calls = calls.assign(seq=calls["stop_seq"].astype(int)).sort_values(["trip_id", "seq"])
    return [list(stations) for stations in calls.groupby("trip_id")["station"].agg(list)]


def with_express(region: Region, folder: Path) -> Region:
    """Return the region with an express pattern on its fastest lines."""
    state, day = at(region, None, rides.YEAR), trains(folder)
    stations = state.frame("stations").set_index("id")
    lines = state.frame("rail_lines").set_index("id")
    patterns, called = [], []
    for line, stops in state.frame("rail_stops").sort_values(["line", "seq"]).groupby("line"):
        own = lines.loc[line]
        served = [s for s in stops["station"] if isinstance(stations.loc[s, "city"], str)]
        if own["kind"] != "hsr" or own["operating_kmh"] < FASTEST or len(served) < 3:
            continue
        number = {stations.loc[s, "name_local"]: i for i, s in enumerate(served)}
        calls = [tuple(sorted(number[name] for name in train if name in number)) for train in day]
        whole = Counter(c for c in calls if len(c) > 1 and (c[0], c[-1]) == (0, len(served) - 1))
        some = [(len(c), -count, c) for c, count in whole.items() if count >= FEWEST_TRAINS and len(c) < len(served)]
        if some:
            _, count, best = min(some)
            every = max(round(own["headway_min"] * whole.total() / -count), 1.05 * own["headway_min"])
            patterns.append((f"{line}-express", line, "express", float(every)))
            called += [(f"{line}-express", served[i]) for i in best]
    return region.replace(
        {
            "rail_patterns": pd.DataFrame(patterns, columns=["id", "line", "name", "headway_min"]),
            "rail_pattern_calls": pd.DataFrame(called, columns=["pattern", "station"]),
        }
    )


class Model:
    """Minutes of the pairs of a sample at values of the fitted parameters, as the product computes them."""

    def __init__(self, data: rides.Sample, fixed: dict[str, float]) -> None:
        self.data, self.fixed = data, fixed
        found = order(data.network.rail, data.doors)
        if found is None:
            sys.exit("the network fills in: score a smaller one")
        self.order = found

    def given(self, values: rides.Array) -> dict[str, float]:
        """All parameters of travel."""
        return self.fixed | dict(zip(rides.FITTED, values.tolist(), strict=True))

    def __call__(self, values: rides.Array) -> rides.Array:
        """Minutes."""
        rail = assemble(self.data.state, self.given(values)).rail
        return np.asarray(sweep(self.order, rail.minutes)[self.data.ends] - rail.transfer_min)


def fitted(model: Model, observed: rides.Array, weights: rides.Array, start: rides.Array) -> rides.Array:
    """Fit from two starts, then thrice from a new simplex, as ``calibrate_rides.py`` does."""
    found = [rides.fit(model, observed, weights, point, 300) for point in (start, *rides.STARTS)]  # type: ignore[arg-type]
    values = min(found, key=lambda v: rides.objective(np.log(v), model, observed, weights))  # type: ignore[arg-type]
    for _ in range(2):
        values = rides.fit(model, observed, weights, values, 250)  # type: ignore[arg-type]
    return values


def published(region: Region, parameters: dict[str, float]) -> pd.DataFrame:
    """Published rides against the modelled ones, each in its year's network."""
    years = sorted(region.frame("rides_published")["year"].unique())
    return pd.concat([ride_scores(at(region, None, int(y)), parameters) for y in years], ignore_index=True)


def summary(name: str, minutes: rides.Array, data: rides.Sample, rows: pd.DataFrame) -> list[object]:
    """A row of the table of scores."""
    observed = data.pairs["minutes"].to_numpy(float)
    held = rides.score(minutes[data.held_out], observed[data.held_out])
    error, seen = 100 * rows["error"].to_numpy(float), (rows["year"] == rides.YEAR).to_numpy()
    parts = [error, error[seen], error[~seen]]
    return [name, held["median APE %"], held["bias %"], *(f(e) for e in parts for f in (np.mean, _mean_size))]


def _mean_size(error: rides.Array) -> float:
    return float(np.abs(error).mean())


def main() -> None:
    """Score the region as it is, with patterns, and with patterns and run times fitted anew."""
    if "MEGALOPOLIS_REFERENCE_DATA" not in os.environ:
        sys.exit("MEGALOPOLIS_REFERENCE_DATA is not set: it names the folder that holds china/timetable_2016_*.csv.gz")
    folder = Path(os.environ["MEGALOPOLIS_REFERENCE_DATA"])
    plain = mp.load_region("china")
    fixed = dict(Parameters.of(plain.meta.parameters, {}).of_pillar("travel"))
    start = np.array([fixed[name] for name in rides.FITTED])
    express = with_express(plain, folder)
    scores, tables = [], {}
    for name, region, anew in (
        ("as it is", plain, False),
        ("patterns", express, False),
        ("patterns, fitted anew", express, True),
    ):
        data = rides.sample(region, folder, fixed)
        data = rides.reachable(data, rides.modelled(data, fixed))
        model, values = Model(data, fixed), start
        if anew:
            observed = data.pairs["minutes"].to_numpy(float)
            weights = data.pairs["trains"].to_numpy(float) ** rides.WEIGHT * ~data.held_out
            values = fitted(model, observed, weights, start)
            print(", ".join(f"{k} {v:.4g}" for k, v in zip(rides.FITTED, values, strict=True)), end="\n\n")
        tables[name] = published(region, model.given(values))
        scores.append(summary(name, model(values), data, tables[name]))
    columns = ["China", "pairs held out: median error", "bias", "20 rides: bias", "mean error"]
    columns += ["8 of 2015: bias", "mean error", "12 after: bias", "mean error"]
    print(rides.markdown(pd.DataFrame(scores, columns=columns)))
    names = plain.frame("cities").set_index("id")["name"]
    first = next(iter(tables.values()))
    shown = pd.DataFrame(
        {"ride": first["from"].map(names) + "-" + first["to"].map(names), "year": first["year"].astype(str)}
    )
    shown["published"] = first["minutes"].astype(int).astype(str)
    for name, rows in tables.items():
        shown[name] = [f"{m:.0f} ({100 * e:+.0f} %)" for m, e in zip(rows["modelled"], rows["error"], strict=True)]
    print(f"\n{rides.markdown(shown)}\n\nPatterns on {len(express.frame('rail_patterns'))} lines.")


if __name__ == "__main__":
    main()
