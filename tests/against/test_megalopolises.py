"""Boston-Washington (Gottmann 1961) and the Taiheiyo Belt, found with the parameters of clusters that China has."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

import megalopolis as mp
from megalopolis.clusters.geometry import spanning_tree
from megalopolis.clusters.percolation import corridors, labels_at
from megalopolis.evaluation import Evaluation

GOTTMANN = ["Boston", "New York", "Philadelphia", "Baltimore", "Washington"]
TAIHEIYO = ["Tokyo", "Nagoya", "Osaka"]


@cache
def evaluated(name: str) -> Evaluation:
    return mp.evaluate(mp.load_region(name), only=["clusters"], draws=0)


def joined(name: str, ends: list[str]) -> tuple[float, pd.DataFrame, float]:
    """Least threshold at which the cities lie in one corridor, its cities and its length."""
    e = evaluated(name)
    cities = e.region.cities
    tree = spanning_tree(e.travel_times.loc[cities["id"], cities["id"]].to_numpy(float))
    at = np.flatnonzero(cities["name"].isin(ends))
    assert len(at) == len(ends)
    least = min(float(t) for t in np.unique(tree.length) if np.ptp(labels_at(tree, float(t))[at]) == 0)
    places = [cities[c].to_numpy(float) for c in ("population", "lon", "lat")]
    largest = corridors(tree, least, *places)[0]
    inside = cities.iloc[largest.members]
    assert set(ends) <= set(inside["name"])
    return least, inside, largest.length_km


@pytest.mark.parametrize("name", ["japan", "northeast_us", "china"])
def test_same_parameters_of_clusters(name: str) -> None:
    assert not [k for k in mp.load_region(name).meta.parameters if k.startswith("clusters.")]


def test_boston_washington() -> None:
    least, inside, length = joined("northeast_us", GOTTMANN)
    assert least < 120
    assert length == pytest.approx(1000, rel=0.1)
    assert inside["population"].sum() > 50e6  # Gottmann: 30 million in the 1950s


def test_taiheiyo_belt() -> None:
    least, inside, length = joined("japan", TAIHEIYO)
    cities = evaluated("japan").region.cities
    assert least < 75
    assert 900 < length < 1200
    assert inside["population"].sum() / cities["population"].sum() == pytest.approx(2 / 3, abs=0.05)
    assert inside["gdp"].sum() / cities["gdp"].sum() == pytest.approx(0.7, abs=0.05)


@pytest.mark.parametrize(("name", "ends", "minutes"), [("northeast_us", GOTTMANN, 120.0), ("japan", TAIHEIYO, 75.0)])
def test_corridors_shown_hold_them(name: str, ends: list[str], minutes: float) -> None:
    e = evaluated(name)
    shown = e.result("clusters").tables["corridors"]
    names = e.region.cities.set_index("id")["name"]
    first = {
        t: set(names[c]) for t, r, c in shown[["threshold_min", "rank", "cities"]].itertuples(index=False) if r == 1
    }
    holding = [t for t, found in first.items() if set(ends) <= found]
    assert min(holding) == minutes


@pytest.mark.parametrize(("name", "fast"), [("japan", "high-speed"), ("northeast_us", "Acela")])
def test_held_out_rides(name: str, fast: str) -> None:
    """All of them, and the high-speed ones alone, within 5 % at the median; split by the rule of calibrate_packs."""
    region = mp.load_region(name)
    all_rides = region.frame("rides_published")
    ends = np.sort(all_rides[["from", "to"]].to_numpy(str), axis=1)
    keys = list(zip(*ends.T, all_rides["year"], strict=True))
    turn = {key: ("fit", "held_out")[i % 2] for i, key in enumerate(sorted(set(keys)))}
    assert all_rides["use"].tolist() == [turn[key] for key in keys]
    rides = mp.evaluate(region, only=["travel"], draws=0).held_out_rides
    assert (rides["use"] == "held_out").all()
    assert rides["error"].notna().all()
    assert rides["error"].abs().median() <= 0.05
    assert rides.loc[rides["class"] == fast, "error"].abs().median() <= 0.05
