"""A basin worked by hand: three cities on a river that forks, meets again and ends in a lake."""

import dataclasses

import pandas as pd
import pytest

from megalopolis.parameters import Parameters

REACHES = pd.DataFrame(
    {
        "id": ["up", "left", "right", "low", "lake"],
        "name": ["Upper", "Left arm", "Right arm", "Lower", "Lake"],
        "kind": ["river", "river", "river", "river", "lake"],
        "length_km": [86.4, 86.4, 43.2, 43.2, None],
        "flow_m3s": [100.0, 40.0, 60.0, 100.0, 100.0],
        "velocity_ms": [1.0, 0.5, 0.5, 0.5, None],
        "depth_m": [2.0, 2.0, 2.0, 3.0, None],
        "temperature_c": [20.0] * 5,
        "elevation_m": [0.0] * 5,
        "volume_m3": [None, None, None, None, 8.64e7],
        "area_km2": [None, None, None, None, 30.0],
    }
)
LINKS = pd.DataFrame(
    {
        "from": ["up", "up", "left", "right", "low"],
        "to": ["left", "right", "low", "low", "lake"],
        "fraction": [0.4, 0.6, 1.0, 1.0, 1.0],
    }
)
SECTIONS = pd.DataFrame(
    {
        "id": ["s-left", "s-low", "s-lake"],
        "reach": ["left", "low", "lake"],
        "city": ["B", "C", "C"],
        "target": ["III", "III", None],
    }
)
LEVELS = pd.DataFrame(
    {
        "id": ["plain", "strict", "best"],
        "role": [None, "common", None],
        "cod": [100.0, 50.0, 30.0],
        "bod5": [30.0, 10.0, 6.0],
        "nh3n": [25.0, 5.0, 1.5],
        "nh3n_cold": [30.0, 8.0, 3.0],
        "tn": [40.0, 15.0, 10.0],
        "tp": [3.0, 0.5, 0.3],
        "cost_per_m3": [0.5, 0.9, 1.6],
    }
)


def discharges(volume=1e6):
    rows = [
        ("source", None, "up", 50 * 86400.0, 8.0, 1.0, 0.1, 1.0, 0.02, 9.0, None),
        ("a", "A", "up", volume, 100.0, 30.0, 25.0, 40.0, 3.0, None, "plain"),
        ("b", "B", "left", volume, 100.0, 30.0, 25.0, 40.0, 3.0, None, "plain"),
        ("c", "C", "low", volume, 50.0, 10.0, 5.0, 15.0, 0.5, None, "strict"),
    ]
    columns = ["id", "city", "reach", "volume_m3d", "cod", "bod5", "nh3n", "tn", "tp", "do", "level"]
    return pd.DataFrame(rows, columns=columns).assign(entry="head")


@pytest.fixture
def toy(toy):
    """The toy region without a river of its own: tests bring theirs."""
    water = ("reaches", "reach_links", "sections", "discharges", "treatment_levels", "daily")
    gone = (*water, "air_quality", "air_sources", "air_responses", "wind")
    return dataclasses.replace(toy, tables={k: v for k, v in toy.tables.items() if k not in gone})


@pytest.fixture
def frames():
    """Tables of the basin, to be changed by a test."""
    return {
        "reaches": REACHES.copy(),
        "reach_links": LINKS.copy(),
        "sections": SECTIONS.copy(),
        "discharges": discharges(),
        "treatment_levels": LEVELS.copy(),
    }


@pytest.fixture(scope="session")
def parameters():
    """Parameters of environment."""
    return Parameters.of({}, {}).of_pillar("environment") | {"draws": 50.0}
