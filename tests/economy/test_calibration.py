"""Calibration reproduces the data; tables are completed as said; bad tables are refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import megalopolis as mp
from megalopolis.economy.balance import balance
from megalopolis.economy.calibrate import Elasticities, Kernels, calibrate
from megalopolis.economy.case import solve_pair
from megalopolis.economy.effects import decomposition, outcomes
from megalopolis.economy.face import run
from megalopolis.economy.inputs import data_of, own_minutes
from megalopolis.economy.solve import solve
from megalopolis.parameters import registry
from megalopolis.pillar import indicators
from megalopolis.units import great_circle_matrix

TOY = Path(__file__).parents[1] / "toy" / "region"
DEFAULTS = {i.removeprefix("economy."): p.default for i, p in registry().items() if i.startswith("economy.")}


@pytest.fixture(scope="module")
def toy():
    return mp.load_region(TOY)


def times(region, factor=1.0):
    """Minutes at 100 km/h over the great circle, and 30 at the ends."""
    cities = region.cities
    found = (great_circle_matrix(cities["lon"], cities["lat"]) * 0.6 + 30) * factor
    np.fill_diagonal(found, 0.0)
    return pd.DataFrame(found, index=cities["id"], columns=cities["id"].tolist())


def faster(region, pair, factor=0.5):
    found = times(region)
    for a, b in (pair, pair[::-1]):
        found.loc[a, b] *= factor
    return found


def drawn(seed, n=7, k=3):
    rng = np.random.default_rng(seed)
    far = rng.uniform(1, 9, (n, n))
    output, people = rng.lognormal(0, 1, (k, n)), rng.lognormal(0, 1, n)
    registered = rng.lognormal(0, 0.1, n) * people
    e = Elasticities(np.linspace(3, 5, k), np.linspace(0, 0.15, k), 0.78, 1.5)
    base = calibrate(
        output,
        people,
        registered * people.sum() / registered.sum(),
        Kernels(np.stack([far**-1.5, far**-1.0]), np.arange(k) % 2, 1 / far, 0.8),
        e,
    )
    return base, output, people


@given(st.integers(0, 10**6), st.floats(0.1, 0.9))
@settings(max_examples=25, deadline=None)
def test_balance_has_the_totals_and_the_stayers(seed, stay):
    rng = np.random.default_rng(seed)
    kernel, rows, columns = rng.uniform(0.1, 1, (6, 6)), rng.uniform(0.5, 1.5, 6), rng.uniform(0.5, 1.5, 6)
    columns *= rows.sum() / columns.sum()
    stay *= np.minimum(rows, columns).sum() / rows.sum()
    log_a, scaled = balance(kernel, rows, columns, stay=stay)
    flows = scaled * np.exp(log_a)
    flows *= (rows / flows.sum(axis=1))[:, None]
    assert flows.sum(axis=0) == pytest.approx(columns, rel=1e-11)
    assert np.trace(flows) / flows.sum() == pytest.approx(stay, abs=1e-11)
    off = ~np.eye(6, dtype=bool)
    assert (scaled[off] == kernel[off]).all()
    log_a, same = balance(kernel, rows, columns)
    assert (same == kernel).all()


@pytest.mark.parametrize(
    ("rows", "columns", "stay", "said"),
    [
        ([1, 1], [1, 2], None, "differ"),
        ([1, 1], [2, 0], None, "positive"),
        ([1, np.nan], [1, 1], None, "positive"),
        ([1, 1], [1, 1], 1.0, "between"),
        ([2, 1], [1, 2], 0.9, "0 to 0.667"),
        ([2, 1], [1, 2], None, "cannot be inverted"),
    ],
)
def test_totals_that_cannot_be(rows, columns, stay, said):
    kernel = np.eye(2) if said == "cannot be inverted" else np.ones((2, 2))
    with pytest.raises(ValueError, match=said):
        balance(kernel, np.array(rows, float), np.array(columns, float), stay=stay)


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_data_are_an_equilibrium(seed):
    base, output, people = drawn(seed)
    assert base.residual < 1e-10
    again = solve(base.model, tolerance=1e-12)  # from the neutral start
    assert again.people == pytest.approx(people, rel=1e-9)
    assert again.bills / output == pytest.approx(np.full_like(output, 1 / output.sum()), rel=1e-9)


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_decomposition_is_exact_and_money_follows_utility(seed):
    rng = np.random.default_rng(seed)
    base, output, _ = drawn(seed)
    m = base.model
    new = solve(
        m.changed(
            kernels=m.kernels * rng.uniform(0.8, 1.2, m.kernels.shape),
            mobility=m.mobility * rng.uniform(0.8, 1.2, m.mobility.shape),
            log_t=m.log_t + 0.1 * rng.normal(size=m.log_t.shape),
            log_b=m.log_b + 0.1 * rng.normal(size=7),
            log_h=m.log_h + 0.1 * rng.normal(size=7),
            subsidy=rng.uniform(-0.1, 0.1, m.subsidy.shape),
        ),
        tolerance=1e-12,
    )
    parts = decomposition(base, new)
    assert sum(parts.values()) == pytest.approx(new.log_welfare - base.log_welfare, abs=1e-11)
    found = outcomes(base, new, gdp=100.0, housing=(0.3, 0.38))
    own = m.registered * (base.migration_shares() @ (base.spending / base.people)) * 100.0
    assert found["welfare"] == pytest.approx(own * np.expm1(new.log_welfare - base.log_welfare), rel=1e-9)
    still = outcomes(base, base, gdp=100.0, housing=(0.3, 0.38))
    assert still["gdp"].sum() == pytest.approx(100)
    assert still["gdp"] == pytest.approx(100 * output.sum(axis=0) / output.sum(), rel=1e-9)
    assert still["welfare"] == pytest.approx(np.zeros(7), abs=1e-9)
    assert still["rent"] == pytest.approx(np.ones(7), rel=1e-12)


def test_base_case_is_the_tables(toy):
    result = run(toy, minutes=times(toy), parameters=DEFAULTS)
    cities = result.tables["cities"].set_index("city")
    table = toy.cities.set_index("id")
    assert cities["population"].to_numpy() == pytest.approx(table.loc[cities.index, "population"].to_numpy(), rel=1e-10)
    assert cities["gdp"].to_numpy() == pytest.approx(table.loc[cities.index, "gdp"].to_numpy(), rel=1e-10)
    assert cities["wage"].to_numpy() * cities["population"].to_numpy() == pytest.approx(
        cities["gdp"].to_numpy() * (1 - 0.3 / 1.38), rel=1e-10
    )
    assert (cities["welfare"].abs() < 1e-3).all()
    made = result.tables["industries"]
    assert made["output"].to_numpy() == pytest.approx(made["output_base"].to_numpy(), rel=1e-12)
    given = toy.frame("industries").set_index(["city", "industry"])["value_added"]
    found = made.set_index(["city", "industry"])["output"]
    assert found.reindex(given.index).to_numpy() == pytest.approx(given.to_numpy(), rel=1e-10)


def test_a_faster_link_draws_people_and_income_to_its_ends(toy):
    minutes = faster(toy, ("A", "B"))
    result = run(toy, minutes=minutes, parameters=DEFAULTS, baseline_minutes=times(toy))
    cities = result.tables["cities"].set_index("city")
    assert (cities.loc[["A", "B"], "real_income"] > cities.loc[["A", "B"], "real_income_base"]).all()
    assert cities["welfare"].sum() > 0
    assert cities["population"].sum() == pytest.approx(toy.cities["population"].sum(), rel=1e-9)
    channels = [c for c in cities if c.startswith("log_welfare_")]
    value = np.expm1(cities[channels].sum(axis=1))
    assert (np.sign(value) == np.sign(cities["welfare"])).all()
    assert {c.name: c.ok for c in result.checks}["economy: tables reproduced"]
    assert result.tables["certificate"]["spectral_radius"].iloc[0] < 1


def test_indicators_are_those_of_the_registry(toy):
    minutes = faster(toy, ("A", "B"))
    whole = run(toy, minutes=minutes, parameters=DEFAULTS, baseline_minutes=times(toy))
    quick = run(toy, minutes=minutes, parameters=DEFAULTS, baseline_minutes=times(toy), indicators_only=True)
    assert not quick.tables
    pd.testing.assert_frame_equal(whole.indicators, quick.indicators)
    own = {i for i, entry in indicators().items() if entry.pillar == "economy"}
    assert set(whole.indicators["indicator"]) == own - {"employment", "net_commuters"}
    assert whole.indicators["value"].notna().all()


def test_a_base_case_needs_no_solve(toy):
    quick = run(toy, minutes=times(toy), parameters=DEFAULTS, indicators_only=True)
    whole = run(toy, minutes=times(toy), parameters=DEFAULTS)
    assert not quick.checks
    keys = ["place", "indicator", "status"]
    pd.testing.assert_frame_equal(whole.indicators[keys], quick.indicators[keys])
    assert quick.indicators["value"].to_numpy() == pytest.approx(
        whole.indicators["value"].to_numpy(), rel=1e-9, abs=1e-3
    )


def test_nothing_changes_where_nothing_follows_the_minutes(toy):
    still = DEFAULTS | {"goods_by_rail": 0, "services_by_rail": 0, "migration_by_rail": 0}
    pair = solve_pair(toy, faster(toy, ("A", "B")), times(toy), still)
    assert pair.new.people == pytest.approx(pair.base.people, rel=1e-9)
    with pytest.raises(ValueError, match="between 0 and 1"):
        solve_pair(toy, faster(toy, ("A", "B")), times(toy), still | {"goods_by_rail": 1.5})


def edited(toy, table, column, row, value):
    frame = toy.frame(table)
    frame.loc[row, column] = value
    return toy.replace({table: frame})


def test_missing_figures_are_estimated_and_said(toy):
    base = toy.cities
    everyone = np.ones(len(base), dtype=bool)
    found = data_of(edited(toy, "cities", "gdp", 3, None), everyone)
    east = base["gdp"][2] / base["population"][2]  # Cor is the only other city of East
    assert found.output.sum(axis=0)[3] == pytest.approx(east * base["population"][3])
    assert found.estimated.tolist() == [False, False, False, True]
    assert any("GDP of 1 cities" in w and "Dee" in w for w in found.warnings)
    table = toy.frame("industries")
    found = data_of(toy.replace({"industries": table[table["city"] != "D"]}), everyone)
    assert found.output[:, 3] / found.output[:, 3].sum() == pytest.approx([0.5, 0.5])
    assert any("industries of 1 cities" in w for w in found.warnings)
    alone = data_of(toy.replace({"industries": table[:0]}), everyone)
    assert alone.names == ("all",)
    assert alone.output[0] == pytest.approx(base["gdp"].to_numpy(float))


def test_registered_people_are_taken_where_they_are_given(toy):
    everyone = np.ones(4, dtype=bool)
    home = data_of(edited(toy, "cities", "registered", 3, 3e6), everyone).registered
    people = toy.cities["population"].to_numpy(float)
    assert home.sum() == pytest.approx(people.sum())
    assert home[3] / home[0] == pytest.approx(3e6 / people[0])
    assert home[1] / home[0] == pytest.approx(people[1] / people[0])


@pytest.mark.parametrize(
    ("table", "column", "value", "said"),
    [
        ("cities", "gdp", 0.0, "not positive"),
        ("cities", "gdp", 1e9, "off its GDP"),
        ("industries", "value_added", 9e12, "off its GDP"),
    ],
)
def test_bad_tables_are_refused(toy, table, column, value, said):
    with pytest.raises(mp.BadInput, match=said):
        data_of(edited(toy, table, column, 0, value), np.ones(4, dtype=bool))


def test_city_without_a_way_is_left_out_and_said(toy):
    minutes = times(toy)
    minutes.loc["D", "A":"C"] = np.inf
    minutes.loc["A":"C", "D"] = np.inf
    result = run(toy, minutes=minutes, parameters=DEFAULTS)
    assert set(result.indicators["place"]) == {"A", "B", "C"}
    assert any("Dee" in w for w in result.warnings)
    apart = minutes.where(minutes == 0, np.inf)
    alone = run(toy, minutes=apart, parameters=DEFAULTS)
    assert not alone.tables
    assert "no two cities" in alone.warnings[0]


def test_parameters_outside_their_domain(toy):
    for change, said in (
        ({"gamma": 0.3}, "above 1"),
        ({"housing_share": 1.0}, "goods share"),
        ({"stay_share": 1.0}, "between 0 and 1"),
        ({"eps": -1.0}, "eps"),
    ):
        with pytest.raises(ValueError, match=said):
            run(toy, minutes=times(toy), parameters=DEFAULTS | change)


def test_own_minutes():
    given = {"own_terminal_min": 15.0, "own_kmh": 60.0}
    assert own_minutes(np.array([np.pi * 900, np.nan]), given) == pytest.approx([35, 35])


def test_china_is_reproduced():
    china = mp.load_region("china")
    result = run(china, minutes=times(china), parameters=DEFAULTS)
    cities = result.tables["cities"].set_index("city")
    table = china.cities.set_index("id").loc[cities.index]
    assert len(cities) >= 365
    assert cities["population"].to_numpy() == pytest.approx(table["population"].to_numpy(), rel=1e-10)
    known = table["gdp"].notna().to_numpy()
    assert (known == ~cities["gdp_estimated"]).all()
    assert cities["gdp"].to_numpy()[known] == pytest.approx(table["gdp"].to_numpy()[known], rel=1e-10)
    assert result.tables["industries"]["industry"].nunique() == 3
    home = cities["registered"] / cities["population"]  # published registered people, within a few per cent
    assert home["440300"] == pytest.approx(0.33, abs=0.02)  # Shenzhen: 5.9 of 17.6 million
    assert home["411600"] == pytest.approx(1.26, abs=0.15)  # Zhoukou: 12.6 million registered, 9.0 resident
    assert home["420100"] < 1 < home["421100"]  # Wuhan draws, Huanggang sends


def test_japan_is_reproduced_with_twelve_industries():
    japan = mp.load_region("japan")
    result = run(japan, minutes=times(japan), parameters=DEFAULTS)
    worst = {c.name: c.value for c in result.checks}["economy: tables reproduced"]
    assert worst < 1e-10
    made = result.tables["industries"]
    assert made["industry"].nunique() == 12
    total = made.groupby("industry")["output"].sum() / made["output"].sum()
    assert total["manufacturing"] == pytest.approx(0.19, abs=0.01)  # 103.6 of 548.2 trn in the national table
