"""Air: published closed forms, shares, limits by date, and what the plume refuses."""

import numpy as np
import pandas as pd
import pytest

from megalopolis.environment.air import (
    SECTORS,
    against_limits,
    kernel_responses,
    limit_on,
    modelled,
    own_response,
    plume,
    sector_response,
    sigma_z,
)
from megalopolis.environment.standards import standards
from megalopolis.errors import BadInput

CITIES = pd.DataFrame(
    {
        "id": ["A", "B", "C"],
        "lon": [0.0, 1.0, 0.0],
        "lat": [0.0, 0.0, 1.0],
        "built_up_km2": [100.0, 50.0, None],
        "area_km2": [1000.0, 1000.0, 400.0],
    }
)
WEST = pd.DataFrame(
    {"city": [None], "from_degrees": [270.0], "stability": ["D"], "speed_ms": [5.0], "frequency": [1.0]}
)


def test_the_plume_of_the_textbook():
    """Class D rural, 1 km, 5 m/s, 50 m, 100 g/s."""
    assert plume(1000, "D", 5, 50, 100) == pytest.approx(9.232e-4, rel=1e-3)


def test_sigma_of_briggs():
    assert float(sigma_z(1000, "D")) == pytest.approx(60 / np.sqrt(2.5))
    assert float(sigma_z(1000, "F")) == pytest.approx(16 / 1.3)


def test_a_sector_is_crossed_by_all_that_is_emitted():
    """Flux through the arc of the sector and the height of a plume: the whole emission, where nothing falls out."""
    r = 10.0
    response = sector_response(np.array([r]), np.array([1.0]), "D", 5.0)[0]
    height = float(sigma_z(1000 * r, "D")) * np.sqrt(np.pi / 2)  # integral of a half Gaussian over its ground value
    assert response * 5.0 * height * 2 * np.pi * 1000 * r / SECTORS == pytest.approx(1.0)


def test_own_city_of_a_shallow_layer():
    """Below a lid so low that the plume fills it everywhere: a box, q X/(u h) with the half Gaussian's factor."""
    found = own_response(100.0, "A", 2.0, mixing=5.0 / 0.8)
    assert found == pytest.approx(np.sqrt(2 / np.pi) / (2.0 * 1e8) * 5000 / 5.0)


def test_wind_decides_who_is_reached():
    matrix = kernel_responses(CITIES, WEST, "primary_pm25")
    assert matrix.loc["B", "A"] > 0  # a west wind blows from A to B
    assert matrix.loc["A", "B"] == matrix.loc["C", "A"] == 0
    assert (np.diag(matrix) > matrix.loc["B", "A"]).all()
    less = kernel_responses(CITIES, WEST, "primary_pm25", scavenging=1e-5)
    assert less.loc["B", "A"] < matrix.loc["B", "A"]


@pytest.mark.parametrize("species", ["pm25", "PM2.5", "total_pm25", "pm10"])
def test_the_plume_refuses_total_particles(species):
    with pytest.raises(BadInput, match="refuses total"):
        kernel_responses(CITIES, WEST, species)


@pytest.mark.parametrize(
    ("wind", "said"),
    [
        (WEST.assign(frequency=0.5), "sums to 0.5"),
        (WEST.assign(speed_ms=0.0), "a wind speed of zero"),
        (WEST.assign(city="A"), "no wind rose for 'B'"),
    ],
)
def test_bad_roses(wind, said):
    with pytest.raises(BadInput, match=said):
        kernel_responses(CITIES, wind, "so2")


def test_shares_sum_to_one():
    matrix = pd.DataFrame([[2.0, 1.0], [0.5, 4.0]], index=["A", "B"], columns=["A", "B"])
    tonnes = pd.DataFrame({"city": ["A", "B", "B"], "species": "so2", "tonnes": [10.0, 5.0, 5.0]})
    found = modelled({"so2": matrix}, tonnes)
    by = found.set_index(["receptor", "source"])["concentration"]
    assert by.to_dict() == {("A", "A"): 20, ("A", "B"): 10, ("B", "A"): 5, ("B", "B"): 40}
    assert found.groupby("receptor")["share"].sum().tolist() == pytest.approx([1, 1])
    with pytest.raises(BadInput, match="no responses for 'so2'"):
        modelled({}, tonnes)
    with pytest.raises(BadInput, match="no response to 'C'"):
        modelled({"so2": matrix}, tonnes.assign(city="C"))


@pytest.mark.parametrize(
    ("date", "limit"), [("2025-12-31", 35), ("2026-03-01", 30), ("2030-12-31", 30), ("2031-01-01", 25)]
)
def test_limits_by_date(date, limit):
    assert limit_on(standards(), "pm25", date)[1] == limit


def test_observed_against_the_limit():
    seen = pd.DataFrame({"city": ["A", "B"], "year": [2023, 2023], "pollutant": "pm25", "statistic": "annual_mean"})
    seen = seen.assign(value=[36.0, 32.0], unit="ug/m3")
    found = against_limits(seen, standards(), "2035-12-31")
    assert found["complies"].tolist() == [False, True]
    assert found["complies_on_date"].tolist() == [False, False]  # 25 from 2031
    assert found["exceedance"].tolist() == pytest.approx([1 / 35, 32 / 35 - 1])
    with pytest.raises(BadInput, match="ppb need temperature"):
        against_limits(seen.assign(unit="ppb"), standards(), "2035-12-31")
    early = against_limits(seen.assign(year=2010), standards(), "2035-12-31")
    assert early["complies"].isna().all()  # no limit was valid, which is neither a pass nor a failure
    with pytest.raises(BadInput, match="no limit of pm25 is valid on 2010-12-31"):
        limit_on(standards(), "pm25", "2010-12-31")
