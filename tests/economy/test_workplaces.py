"""Where residents work: calibration on commuters and on minutes, the pillar with the tables, and bad tables."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_calibration import DEFAULTS, TOY, faster, times

import megalopolis as mp
from megalopolis.economy.calibrate import Elasticities, Kernels, calibrate, wage_bills
from megalopolis.economy.face import run
from megalopolis.economy.solve import solve
from megalopolis.economy.workplaces import at_home, by_flows, by_minutes, ease_of_minutes
from megalopolis.pillar import indicators

#: Of Ann's 4 million residents 2.2 million work, 200,000 of them in Bee; of Bee's 1.1 million 300,000 in Ann.
COMMUTERS = pd.DataFrame(
    {"home": list("AABBCD"), "work": list("ABBACD"), "commuters": [2e6, 2e5, 8e5, 3e5, 5.5e5, 5.5e5]}
)
INPUTS = pd.DataFrame(
    {"industry": ["manufacturing", "manufacturing", "services"], "input": ["manufacturing", "services", "services"]}
).assign(share=[0.4, 0.1, 0.2])


@pytest.fixture(scope="module")
def toy():
    return mp.load_region(TOY)


@pytest.fixture(scope="module")
def region(toy):
    return toy.replace({"commuting": COMMUTERS})


@given(st.integers(0, 10**6), st.booleans(), st.booleans())
@settings(max_examples=20, deadline=None)
def test_data_are_an_equilibrium(seed, flows, links):
    rng = np.random.default_rng(seed)
    k, n = 3, 6
    far, output, people = rng.uniform(1, 9, (n, n)), rng.lognormal(0, 0.5, (k, n)), rng.lognormal(0, 0.5, n)
    registered = people * rng.lognormal(0, 0.1, n)
    subsidy, e = rng.uniform(0, 0.1, (k, n)), Elasticities(np.linspace(3, 5, k), np.linspace(0, 0.05, k), 0.78, 1.5)
    inputs = np.repeat(rng.dirichlet(np.ones(k + 2), k).T[:k, :, None] * 0.8, n, axis=2) if links else None
    paid = wage_bills(output, subsidy)
    if flows:
        shares = rng.uniform(0, 0.1, (n, n)) + np.eye(n)
        work = by_flows(shares / shares.sum(axis=1, keepdims=True), people, paid, e.nu)
    else:
        work = by_minutes(np.exp(-0.5 * far), people, paid, e.nu)
    try:
        base = calibrate(
            output,
            people,
            registered * people.sum() / registered.sum(),
            Kernels(np.stack([far**-1.5, far**-1.0]), np.arange(k) % 2, 1 / far, 0.6),
            e,
            subsidy=subsidy,
            work=work,
            inputs=inputs,
        )
    except ValueError as error:
        if links and "nothing is left to consume" in str(error):  # some draws of links are so
            return
        raise
    assert base.residual < 1e-10
    again = solve(base.model, tolerance=1e-12)  # from the neutral start
    assert again.people == pytest.approx(people, rel=1e-8)
    assert again.workers == pytest.approx(work.workers, rel=1e-8)
    assert again.bills * output.sum() == pytest.approx(output, rel=1e-8)
    assert np.log(again.commuting_shares()) == pytest.approx(np.log(base.commuting_shares()), abs=1e-8)


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_commuters_by_minutes_earn_what_is_paid(seed):
    rng = np.random.default_rng(seed)
    nu, people, paid = 4.6, rng.lognormal(0, 1, 7), rng.lognormal(0, 1, 7)
    kernel = ease_of_minutes(rng.uniform(10, 90, (7, 7)), 0.07)
    found = by_minutes(kernel, people, paid, nu)
    draw = kernel * found.wage**nu
    shares = draw / draw.sum(axis=1, keepdims=True)
    assert people @ shares == pytest.approx(found.workers, rel=1e-9)
    assert found.wage * found.workers == pytest.approx(paid, rel=1e-9)
    assert shares @ found.wage == pytest.approx(found.mean_wage, rel=1e-9)
    assert np.diag(kernel) == pytest.approx(np.ones(7))
    alone = by_minutes(np.eye(7), people, paid, nu)
    assert alone.wage == pytest.approx(at_home(people, paid).wage, rel=1e-9)


def test_two_cities_by_hand():
    # 3 live in the first, 1 in the second, of whom half work in the first: wages of 7 and 1 are paid, 2 and 2 each
    found = by_flows(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([3.0, 1.0]), np.array([7.0, 1.0]), 2.0)
    assert found.workers == pytest.approx([3.5, 0.5])
    assert found.wage == pytest.approx([2, 2])
    assert found.kernel == pytest.approx(np.array([[1, 0], [1, 1]]))
    assert found.log_choice == pytest.approx([0, np.log(2) / 2])
    with pytest.raises(ValueError, match="some who work where they live"):
        by_flows(np.array([[0.0, 1.0], [0.5, 0.5]]), np.ones(2), np.ones(2), 2.0)
    with pytest.raises(ValueError, match="must be positive"):
        ease_of_minutes(np.ones((2, 2)), 0.0)


def test_base_case_is_the_tables(region):
    result = run(region, minutes=times(region), parameters=DEFAULTS)
    cities = result.tables["cities"].set_index("city")
    table = region.cities.set_index("id")
    for name in ("population", "gdp"):
        assert cities[name].to_numpy() == pytest.approx(table.loc[cities.index, name].to_numpy(), rel=1e-10)
    assert cities["employment"].to_dict() == pytest.approx({"A": 2.3e6, "B": 1e6, "C": 5.5e5, "D": 5.5e5}, rel=1e-9)
    assert cities["net_commuters"].to_dict() == pytest.approx({"A": 1e5, "B": -1e5, "C": 0, "D": 0}, abs=1e-2)
    # output over workers, in units of residents
    q, scale = 1 - 0.3 / 1.38, 8e6 / 4.4e6
    assert cities.loc["A", "wage"] == pytest.approx(q * 2e11 / (2.3e6 * scale), rel=1e-9)
    assert all(c.ok for c in result.checks)
    assert {"economy: workers conserved", "economy: tables reproduced"} <= {c.name for c in result.checks}


def test_a_faster_link_brings_commuters_and_is_worth_something(region, toy):
    minutes = faster(region, ("A", "B"), 0.9)
    result = run(region, minutes=minutes, parameters=DEFAULTS, baseline_minutes=times(region))
    cities = result.tables["cities"].set_index("city")
    assert cities["net_commuters"].sum() == pytest.approx(0, abs=1e-2)
    assert (cities.loc[["A", "B"], "log_welfare_commuting"] > 0).all()
    assert cities.loc[["C", "D"], "log_welfare_commuting"].to_numpy() == pytest.approx([0, 0], abs=1e-12)
    without = run(toy, minutes=minutes, parameters=DEFAULTS, baseline_minutes=times(toy)).tables["cities"]
    assert "employment" not in without
    assert (without["log_welfare_commuting"] == 0).all()
    assert cities["welfare"].sum() > without["welfare"].sum()
    quick = run(
        region, minutes=minutes, parameters=DEFAULTS, baseline_minutes=times(region), indicators_only=True
    ).indicators
    pd.testing.assert_frame_equal(quick, result.indicators)
    assert {"employment", "net_commuters"} <= set(quick["indicator"])


def test_by_minutes_where_asked_for(toy):
    minutes = faster(toy, ("A", "B"), 0.9)
    settings_ = DEFAULTS | {"commuting": 1.0}
    result = run(toy, minutes=minutes, parameters=settings_, baseline_minutes=times(toy))
    cities = result.tables["cities"].set_index("city")
    assert all(c.ok for c in result.checks)
    assert cities["net_commuters"].sum() == pytest.approx(0, abs=1)
    assert cities["employment"].sum() == pytest.approx(8e6, rel=1e-9)
    alone = run(toy, minutes=minutes, parameters=settings_ | {"commuting_decay": 5.0}, baseline_minutes=times(toy))
    without = run(toy, minutes=minutes, parameters=DEFAULTS, baseline_minutes=times(toy))
    wanted = without.tables["cities"]["welfare"].to_numpy()
    assert alone.tables["cities"]["welfare"].to_numpy() == pytest.approx(wanted, rel=1e-6)
    with pytest.raises(ValueError, match="must be 0"):
        run(toy, minutes=minutes, parameters=DEFAULTS | {"commuting": 0.5})
    with pytest.raises(ValueError, match="at least those for places"):
        run(toy, minutes=minutes, parameters=settings_ | {"nu": 1.0})


def test_links_between_industries(toy):
    linked = toy.replace({"input_shares": INPUTS})
    minutes = faster(toy, ("A", "B"))
    result = run(linked, minutes=minutes, parameters=DEFAULTS, baseline_minutes=times(toy))
    assert all(c.ok for c in result.checks)
    without = run(toy, minutes=minutes, parameters=DEFAULTS, baseline_minutes=times(toy))
    # what is traded counts again in what is made of it: gains are larger
    assert result.tables["cities"]["welfare"].sum() > 1.2 * without.tables["cities"]["welfare"].sum()
    base = run(linked, minutes=times(toy), parameters=DEFAULTS).tables["industries"]
    given_ = toy.frame("industries").set_index(["city", "industry"])["value_added"]
    found = base.set_index(["city", "industry"])["output"]
    assert found.reindex(given_.index).to_numpy() == pytest.approx(given_.to_numpy(), rel=1e-9)
    with pytest.raises(mp.BadInput, match="no industry of the region is called 'mining'"):
        run(toy.replace({"input_shares": INPUTS.assign(input="mining")}), minutes=minutes, parameters=DEFAULTS)
    greedy = toy.replace(
        {"input_shares": pd.DataFrame({"industry": ["services"], "input": ["manufacturing"], "share": [0.9]})}
    )
    with pytest.raises(ValueError, match="nothing is left to consume"):
        run(greedy, minutes=minutes, parameters=DEFAULTS)


def test_what_the_table_leaves_out_is_said(toy):
    minutes = times(toy)
    some = toy.replace({"commuting": COMMUTERS[:4]})
    result = run(some, minutes=minutes, parameters=DEFAULTS)
    assert any("2 cities without commuters" in w for w in result.warnings)
    apart = minutes.copy()
    apart.loc["D", "A":"C"], apart.loc["A":"C", "D"] = np.inf, np.inf
    lost = toy.replace(
        {"commuting": pd.concat([COMMUTERS, pd.DataFrame({"home": ["A"], "work": ["D"], "commuters": [1.0]})])}
    )
    found = run(lost, minutes=apart, parameters=DEFAULTS)
    assert any("2 pairs with units outside" in w for w in found.warnings)


def test_labels_in_both_languages():
    entries = indicators()
    assert [entries["net_commuters"].label(lang) for lang in ("en", "zh")] == ["Net commuters", "净通勤人数"]
    assert [entries["employment"].label(lang) for lang in ("en", "zh")] == ["Employment", "就业人数"]


def folder(tmp_path, text, name="commuting"):
    for file in TOY.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    return tmp_path


ROWS = "home,work,commuters\nA,A,2e6\nB,B,1e6\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ROWS + "A,Z,5\n", "commuting.csv:4"),
        (ROWS + "A,B,-5\n", "commuting.csv:4"),
        (ROWS + "A,B,many\n", "commuting.csv:4"),
        (ROWS + "A,A,5\n", "commuting.csv:4"),
        (ROWS + "C,A,5\n", "nobody who lives in 'C' works there"),
        (ROWS + "C,C,0\nC,A,5e5\n", "nobody who lives in 'C' works there"),
        (ROWS + "C,C,2e6\n", "which has 1e+06 residents"),
        (ROWS + "C,C,60\n", "under a tenth of its 1e+06 residents"),
    ],
)
def test_bad_commuters_are_one_line(tmp_path, text, said):
    with pytest.raises(mp.BadInput) as caught:
        mp.load_region(folder(tmp_path, text))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("industry,input,share\nservices,mining,.1\n", "there is no industry 'mining'"),
        ("industry,input,share\nservices,services,.6\nservices,manufacturing,.5\n", "sum to 1.1"),
        ("industry,input,share\nservices,services,1.5\n", "input_shares.csv:2"),
    ],
)
def test_bad_input_shares_are_one_line(tmp_path, text, said):
    with pytest.raises(mp.BadInput) as caught:
        mp.load_region(folder(tmp_path, text, "input_shares"))
    assert said in str(caught.value)


def called(*arguments):
    command = [sys.executable, "-c", "from megalopolis.cli import main; main()", "economy", *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


def test_command_refuses_in_one_line(tmp_path):
    found = called(str(folder(tmp_path, ROWS + "C,A,5\n")), "--year", "2020")
    assert (found.returncode, found.stdout) == (2, "")
    assert len(found.stderr.strip().splitlines()) == 1


def test_command_with_commuters_and_links(tmp_path):
    region = folder(tmp_path, ROWS + "B,A,3e5\n")
    INPUTS.to_csv(tmp_path / "input_shares.csv", index=False)
    table = called(str(region), "--year", "2020", "--draws", "0")
    assert table.returncode == 0
    assert "Net commuters" in table.stdout
    game = called(str(region), "--game", "all", "--cities", "cluster:core", "--year", "2020", "--lang", "zh")
    assert (game.returncode, game.stdout.count("安市")) == (0, 1)
    assert "已扣除分摊" in game.stderr
