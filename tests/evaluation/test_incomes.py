"""Welfare by channel, structure of output, sensitivity: sums that must hold, and the section of the report."""

import numpy as np
import pytest

import megalopolis as mp
from megalopolis.evaluation.incomes import CHANNELS, VARIED, by_place, channels, policies, sensitivity, structure
from megalopolis.evaluation.words import Words
from megalopolis.report.blocks import Table
from megalopolis.report.in_economy import incomes
from megalopolis.report.view import View


@pytest.fixture(scope="module")
def worked(toy, toy_plan):
    return mp.evaluate(toy, toy_plan, draws=2)


def test_channels_sum_to_the_equivalent_variation(worked):
    cities = worked.result("economy").tables["cities"]
    parts = channels(cities)
    assert parts.sum(axis=1).to_numpy() == pytest.approx(cities["welfare"].to_numpy(), rel=1e-12)
    sums = by_place(parts, worked.region)
    assert sums.loc["region"].sum() == pytest.approx(worked.value("region", "welfare"), rel=1e-9)
    assert sums.loc["cluster:core"].sum() == pytest.approx(
        cities.set_index("city").loc[["A", "B", "C"], "welfare"].sum()
    )
    still = channels(cities.assign(**{f"log_welfare_{c}": 0.0 for c in CHANNELS}, welfare=0.0))
    assert (still == 0).all(axis=None)


def test_structure_is_that_of_the_tables_in_the_base_case(worked):
    found = structure(worked.result("economy").tables["industries"], worked.region).iloc[0]
    shares = np.array([[1 / 4, 3 / 4], [2 / 3, 1 / 3], [1 / 2, 1 / 2]])
    weight = np.outer([200, 60, 20], [200, 60, 20]) * (1 - np.eye(3))
    apart = np.abs(shares[:, None] - shares[None]).sum(axis=2)
    assert found["krugman_base"] == pytest.approx((apart * weight).sum() / weight.sum(), rel=1e-6)
    assert found["krugman"] != found["krugman_base"]


def test_sensitivity_has_the_ends_of_every_range(worked, toy):
    found = sensitivity(worked).set_index("parameter")
    assert list(found.index) == list(VARIED)
    assert tuple(found.loc["theta", ["low", "high"]]) == worked.parameters.ranges["economy.theta"]
    assert found.loc["by_rail", "gdp_high"] > found.loc["by_rail", "gdp_low"]  # more of the costs follow the minutes
    ends = [f"{name}_{end}" for name in ("gdp", "welfare", "moved") for end in ("low", "high")]
    assert found[ends].notna().all(axis=None)
    assert (found["moved_low"] > 0).all()
    assert sensitivity(mp.evaluate(toy, draws=0)).empty


def test_policies_sum_to_the_whole_change(worked):
    found = policies(worked)
    assert found["policy"].unique().tolist() == ["rail", "migration", "trade", "subsidies", "land"]
    change = worked.value("region", "gdp") - worked.value("region", "gdp", "baseline")
    assert found["gdp"].sum() == pytest.approx(change, rel=1e-9)
    assert found["welfare"].sum() == pytest.approx(worked.value("region", "welfare"), rel=1e-9)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_section(worked, toy, language):
    section = incomes(View(worked, Words(language)))
    tables = [b for b in section.blocks if isinstance(b, Table)]
    assert len(tables) == 11
    assert all(len(row) == len(t.columns) for t in tables for row in t.rows)
    alone = incomes(View(mp.evaluate(toy, draws=0), Words(language)))
    assert len(alone.blocks) == 7  # declared industries alone
