"""Published totals of the Northeast US pack, its consistency, and the published times of its plan."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from megalopolis.parameters import registry
from megalopolis.plan import load_plan
from megalopolis.plan.apply import at
from megalopolis.region.inspect import check_region
from megalopolis.region.read import read_region
from megalopolis.travel.face import itinerary

PACK = files("megalopolis") / "region" / "packs" / "northeast_us"
MILE_KM = 1.609344


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(PACK / f"{name}.csv", dtype={"id": str, "city": str, "from": str, "to": str})


def test_has_no_problems() -> None:
    report = check_region("northeast_us")
    assert not report.problems
    assert not report.warnings
    assert all(row["unstated"] in {"0 %", "-"} for row in report.summary)


def test_residents() -> None:
    people = table("cities").set_index("name")["population"]
    assert people["New York"] == 20_140_470
    assert people["Washington"] == 6_385_162
    assert people["Boston"] == 4_941_632
    assert (len(people), people.sum()) == (66, 68_487_975)


def test_residents_and_output_of_every_area(reference_data: Path) -> None:
    areas = pd.read_csv(reference_data / "us" / "us_cbsa.csv", dtype={"cbsa_code": str}).set_index("cbsa_code")
    cities = table("cities").set_index("id")
    np.testing.assert_array_equal(cities["population"], areas.loc[cities.index, "pop_2020_apr1_base"])
    np.testing.assert_allclose(cities["gdp"], areas.loc[cities.index, "real_gdp_2019_usd"], rtol=1e-9)


def test_length_of_the_corridor() -> None:
    length = table("rail_stops").groupby("line")["km"].max()
    for service in ("acela", "regional"):
        assert length.filter(like=service).sum() == pytest.approx(457 * MILE_KM, abs=0.5)
        assert length[f"{service}-washington"] == pytest.approx(226 * MILE_KM, abs=0.2)


def test_speeds_stay_below_the_limit() -> None:
    lines = table("rail_lines").set_index("id")
    assert (lines["operating_kmh"] <= lines["speed_kmh"]).all()
    assert lines.loc["acela-boston", "speed_kmh"] == 241


def test_rides() -> None:
    rides = table("rides_published")
    corridor = rides[rides["class"].isin(["Acela", "Regional"])]
    assert len(corridor) >= 8
    assert set(corridor["use"]) == {"fit", "held_out"}
    halves = {use: {frozenset(p) for p in zip(g["from"], g["to"], strict=True)} for use, g in rides.groupby("use")}
    assert not halves["fit"] & halves["held_out"], "both directions of a pair belong to one half"


@pytest.mark.parametrize(
    ("origin", "destination", "minutes"), [("New York", "Washington", 130), ("Boston", "New York", 165)]
)
def test_published_times_of_2040(origin: str, destination: str, minutes: float) -> None:
    region = read_region("northeast_us")
    parameters = {k.removeprefix("travel."): p.default for k, p in registry().items() if k.startswith("travel.")}
    parameters |= {k.removeprefix("travel."): v for k, v in region.meta.parameters.items()}
    ends = [region.names.city(name) for name in (origin, destination)]
    state = at(region, load_plan("northeast_us/2040"), 2040)
    assert itinerary(state, parameters, *ends)["ride_minutes"] == pytest.approx(minutes, abs=0.5)
    assert itinerary(at(region, None, 2040), parameters, *ends)["ride_minutes"] > minutes + 15
