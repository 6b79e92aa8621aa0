"""Backtest of the economy: scores by hand, nothing of the later census in the prediction, China."""

import numpy as np
import pandas as pd
import pytest

import megalopolis as mp
from megalopolis.evaluation.backtest import _scored, population_backtest
from megalopolis.parameters import Parameters


@pytest.fixture(scope="module")
def china():
    return mp.load_region("china")


@pytest.fixture(scope="module")
def found(china):
    return population_backtest(china, Parameters.of(china.meta.parameters, {}))


def test_scores_by_hand():
    rows = pd.DataFrame(
        {
            "place": ["a", "b"],
            "people": [100.0, 100.0],
            "actual": np.log([1.2, 1.0]),
            "model": np.log([1.1, 0.9]),
            "past_trend": np.nan,
        }
    )
    scored = _scored(rows, 2010, 2020)
    by = scored.scores.set_index("method")
    assert not scored.trend
    assert list(by.index) == ["no_change", "national_growth", "model"]
    assert by.loc["no_change", "rmse"] == pytest.approx(np.log(1.2) / np.sqrt(2))
    assert by.loc["national_growth", "rmse"] == pytest.approx(np.sqrt((np.log(1.2 / 1.1) ** 2 + np.log(1.1) ** 2) / 2))
    assert by.loc["model", "rmse"] == pytest.approx(np.log([1.2, 1.21]) @ [1, -1] * -1, abs=0.01)  # about one per cent
    assert by.loc["model", "correlation"] == pytest.approx(1)
    assert by.loc["model", "right_side"] == 1
    assert np.isnan(by.loc["no_change", "correlation"])
    assert scored.slope == pytest.approx(np.log(1.2) / np.log(1.1 / 0.9))


def test_china_is_scored_beside_baselines(found):
    assert (found.start, found.end) == (2010, 2020)
    assert len(found.rows) > 360
    scores = found.scores.set_index("method")
    assert set(scores.index) == {"no_change", "national_growth", "model", "past_trend", "model_on_trend"}
    weight = found.rows["people"]
    for name in ("model", "past_trend"):  # every method but no change has the growth of the country
        grown = (weight * np.exp(found.rows[name])).sum() / (weight * np.exp(found.rows["actual"])).sum()
        assert grown == pytest.approx(1, abs=1e-9)


def test_nothing_of_the_later_census_enters(china, found):
    drivers = china.frame("drivers")
    later = (drivers["year"] == 2020) & (drivers["variable"] == "population")
    shift = np.where(drivers["place"] == "440300", 1.5, 1.0)
    drivers.loc[later, "value"] = drivers.loc[later, "value"] * shift[later]
    cities = china.frame("cities")
    cities.loc[cities["id"] == "440300", ["population", "urban_population", "gdp"]] *= 1.5
    cities["registered"] = cities["registered"] * np.linspace(0.5, 1.5, len(cities))
    other = population_backtest(
        china.replace({"drivers": drivers, "cities": cities}), Parameters.of(china.meta.parameters, {})
    )
    a, b = found.rows.set_index("place")["model"], other.rows.set_index("place")["model"]
    assert (a - a.mean()).to_numpy() == pytest.approx((b - b.mean()).to_numpy(), abs=1e-7)
    changed = found.rows.set_index("place")["actual"], other.rows.set_index("place")["actual"]
    assert changed[1]["440300"] - changed[0]["440300"] == pytest.approx(np.log(1.5))


def test_small_regions_have_none(toy):
    assert population_backtest(toy, Parameters.of(toy.meta.parameters, {})) is None
