"""Policies reach the equations as their measures say, and do what they must do exactly."""

import numpy as np
import pytest
from test_calibration import DEFAULTS, TOY, times

import megalopolis as mp
from megalopolis.economy.case import solve_pair
from megalopolis.economy.face import run
from megalopolis.plan import at, load_plan

THETA, EPS, GAMMA = (DEFAULTS[name] for name in ("theta", "eps", "gamma"))
Q = 1 - 0.3 / 1.38


@pytest.fixture(scope="module")
def toy():
    return mp.load_region(TOY)


def pair(region, tmp_path, *measures):
    path = tmp_path / "plan.yaml"
    path.write_text("name: P\nmeasures:\n" + "".join(f"  - {m}\n" for m in measures), encoding="utf-8")
    state = at(region, load_plan(path), 2020)
    return solve_pair(state, times(state), times(state), DEFAULTS)


def test_barriers_to_moving(toy, tmp_path):
    found = pair(
        toy,
        tmp_path,
        "{kind: migration_barrier, name: One, from: Dee, to: [Ann, Dee], factor: 0.8, opens: 2020}",
        "{kind: migration_barrier, name: Two, to: Ann, factor: 0.5, opens: 2020}",
    )
    factor = np.ones((4, 4))
    factor[1:, 0] = 0.5
    factor[3, 0] = 0.5 * 0.8
    assert found.new.model.mobility / found.base.model.mobility == pytest.approx(factor**-EPS, rel=1e-12)
    assert found.new.people[0] > found.base.people[0]
    assert (found.new.model.kernels == found.base.model.kernels).all()


def test_barriers_to_trade(toy, tmp_path):
    found = pair(
        toy,
        tmp_path,
        "{kind: trade_barrier, name: Market, from: cluster:core, to: cluster:core, factor: 0.9, opens: 2020}",
        "{kind: trade_barrier, name: Wall, to: Dee, sector: goods, factor: 2, opens: 2020}",
    )
    goods, services = np.ones((4, 4)), np.ones((4, 4))
    goods[:3, :3] = services[:3, :3] = 0.9
    goods[3, :3] = 2.0
    for factor in (goods, services):
        np.fill_diagonal(factor, 1.0)
    ratio = found.new.model.kernels / found.base.model.kernels
    assert ratio == pytest.approx(np.stack([goods, services]) ** -THETA, rel=1e-12)
    assert (found.new.log_welfare[:3] > found.base.log_welfare[:3]).all()
    home = [e.trade_shares()[0, 3, 3] for e in (found.base, found.new)]
    assert home[1] > home[0]  # Dee buys more of its own goods behind its wall


def test_more_land_everywhere_is_worth_the_housing_share(toy, tmp_path):
    found = pair(toy, tmp_path, "{kind: land_supply, name: L, cities: region, factor: 1.2, opens: 2020}")
    assert found.new.people == pytest.approx(found.base.people, rel=1e-8)
    gain = found.new.log_welfare - found.base.log_welfare
    assert gain == pytest.approx(np.full(4, (1 - Q) * np.log(1.2)), abs=1e-8)


def test_subsidies(toy, tmp_path):
    one = "{kind: industry_subsidy, name: S, cities: Ben, industry: manufacturing, share: 0.1, opens: 2020}"
    two = "{kind: industry_subsidy, name: T, cities: cluster:core, industry: manufacturing, share: 0.05, opens: 2020}"
    found = pair(toy, tmp_path, one, two)
    assert found.new.model.subsidy[0] == pytest.approx([0.05, 0.15, 0.05, 0])
    assert (found.new.model.subsidy[1] == 0).all()
    alone = pair(toy, tmp_path, one)
    assert alone.new.labour[0, 1] > alone.base.labour[0, 1]
    assert max(alone.new.conservation().values()) < 1e-8
    none = pair(toy, tmp_path, one, "{kind: industry_agreement, name: A, cities: [Ben, Cor], rule: none, opens: 2020}")
    assert none.new.people == pytest.approx(none.base.people, rel=1e-8)


def test_agreement_pays_what_external_economies_are_worth(toy, tmp_path):
    table = toy.frame("industries")
    table["industry"] = table["industry"].replace({"services": "agriculture"})  # lives on land: no economies
    found = pair(
        toy.replace({"industries": table}),
        tmp_path,
        "{kind: industry_agreement, name: A, cities: [Ann, Ben], opens: 2020}",
    )
    assert found.new.model.subsidy[1] == pytest.approx([GAMMA / (1 + GAMMA)] * 2 + [0, 0])
    assert (found.new.model.subsidy[0] == 0).all()


def test_policies_of_the_region_itself_are_part_of_the_base_case(toy):
    own = toy.frame("subsidies").reindex([0, 1])
    own["city"], own["industry"], own["share"] = ["A", "cluster:core"], ["all", "services"], [0.2, 0.1]
    walls = toy.frame("trade_barriers").reindex([0])
    walls["to"], walls["factor"] = "B", 1.5
    result = run(toy.replace({"subsidies": own, "trade_barriers": walls}), minutes=times(toy), parameters=DEFAULTS)
    cities = result.tables["cities"]
    assert cities["population"].to_numpy() == pytest.approx(toy.cities["population"].to_numpy(), rel=1e-10)
    assert cities["gdp"].to_numpy() == pytest.approx(toy.cities["gdp"].to_numpy(), rel=1e-10)
    own["share"] = [0.9, 0.1]
    with pytest.raises(mp.BadInput, match="Ann to services add up to 100%"):
        run(toy.replace({"subsidies": own}), minutes=times(toy), parameters=DEFAULTS)
    own["industry"] = ["all", "steel"]
    with pytest.raises(mp.BadInput, match="no industry is called 'steel'"):
        run(toy.replace({"subsidies": own}), minutes=times(toy), parameters=DEFAULTS)
