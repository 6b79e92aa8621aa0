"""Games as tables against figures worked by hand; policies' values against what defines them; the command."""

import json
from itertools import permutations

import numpy as np
import pytest
from test_calibration import DEFAULTS, TOY, faster, times
from test_workplaces import COMMUTERS, INPUTS
from typer.testing import CliRunner

import megalopolis as mp
from megalopolis.cli import app
from megalopolis.economy.case import case_book
from megalopolis.economy.contest import contest
from megalopolis.economy.coordination import duplication, specialisation
from megalopolis.economy.policies import MEASURED, shapley
from megalopolis.plan import at, load_plan

CORE = ["A", "B", "C"]


@pytest.fixture(scope="module")
def toy():
    return mp.load_region(TOY)


@pytest.fixture(scope="module")
def played(toy):
    pair = case_book(toy, times(toy), times(toy), DEFAULTS).pair()
    return contest(pair, CORE, "welfare", ("pigou", "cooperate", "bargain"), DEFAULTS)


def test_specialisation_by_hand():
    # Ann 50 and 150; the others 50 and 30: |1/4 - 5/8| + |3/4 - 3/8| = 0.75. Manufacturing is 100 of 280.
    output = np.array([[50.0, 40, 10], [150, 20, 10]])
    krugman, quotient = specialisation(output)
    assert krugman[0] == pytest.approx(0.75)
    assert quotient[:, 0] == pytest.approx([0.25 / (100 / 280), 0.75 / (180 / 280)])
    assert duplication(output) == pytest.approx(0.639535, abs=1e-6)  # as in docs/method/toy.md
    assert duplication(np.eye(3)) == 0
    assert duplication(np.ones((2, 3))) == pytest.approx(1)


def test_games_of_the_toy(played):
    games = played.tables["games"].set_index("game")
    assert list(games.index) == ["free", "nash", "pigou", "cooperate", "bargain"]
    assert games.loc["free", "duplication"] == pytest.approx(0.639535, abs=1e-6)
    assert games.loc["free", "gdp"] == pytest.approx(280e9, rel=1e-8)
    assert games.loc["nash", "value_over_nash"] == pytest.approx(0, abs=1)
    # two industries alike in their external economies: the common rule pays nothing
    assert games.loc["pigou", "gdp"] == pytest.approx(games.loc["free", "gdp"], rel=1e-8)
    joint = games["welfare"]
    assert joint["cooperate"] == joint.max()
    assert joint["nash"] < joint["free"]  # competition costs all of them together
    cities = played.tables["game_cities"]
    agreed = cities[cities["game"] == "bargain"]
    assert (agreed["value_over_nash"] > 0).all()
    assert cities.groupby("game")["value_over_nash"].sum().to_dict() == pytest.approx(
        games["value_over_nash"].to_dict(), abs=1
    )
    assert played.tables["regret"]["log_gain"].max() < 1e-6
    first = played.tables["game_industries"].query("industry == 'manufacturing'")
    assert (first["subsidy"] == 0).all()  # the reference


def test_games_with_commuters_and_links(toy):
    region = toy.replace({"commuting": COMMUTERS, "input_shares": INPUTS})
    pair = case_book(region, times(region), times(region), DEFAULTS).pair()
    found = contest(pair, CORE, "welfare", ("pigou", "cooperate", "bargain"), DEFAULTS)
    games = found.tables["games"].set_index("game")
    assert games.loc["free", "gdp"] == pytest.approx(280e9, rel=1e-8)  # where it is made, as in the tables
    assert games["value_over_nash"][["free", "cooperate", "bargain"]].min() > 0
    assert games["welfare"].idxmax() == "cooperate"
    bargain = found.tables["game_cities"].query("game == 'bargain'")
    assert (bargain["value_over_nash"] > 0).all()
    subsidies = found.tables["game_industries"].set_index(["game", "city", "industry"])["subsidy"].unstack()
    # services pay 1 - 0.2 of their output to workers, manufacturing half: the common rule by hand, gamma of 0.05
    over = (1 - subsidies.loc["pigou", "manufacturing"]) / (1 - subsidies.loc["pigou", "services"])
    gamma = DEFAULTS["gamma"]
    assert over.to_numpy() == pytest.approx((0.5 / (0.5 + gamma)) / (0.8 / (0.8 + gamma)))
    # the levy on a city's wages pays for its subsidies: together they are nothing, so that only differences are told
    industries = found.tables["game_industries"]
    net = industries["subsidy"] / (1 - industries["subsidy"]) * industries["output"]
    assert net.groupby([industries["game"], industries["city"]]).sum().abs().max() < 1e-9 * 280e9
    cities = found.tables["game_cities"].set_index(["game", "city"])["subsidies"]
    assert (cities.loc["pigou"] < 0).all()  # services get less than manufacturing, the reference
    assert found.tables["regret"]["log_gain"].max() < 1e-6


def test_agreements_with_commuters_and_links(toy, tmp_path):
    region = toy.replace({"commuting": COMMUTERS, "input_shares": INPUTS})
    path = tmp_path / "plan.yaml"
    made = {}
    for rule in ("none", "pigou", "cooperate", "bargain"):
        path.write_text(
            "name: P\nmeasures:\n"
            f"  - {{kind: industry_agreement, name: X, cities: cluster:core, rule: {rule}, opens: 2020}}",
            encoding="utf-8",
        )
        state = at(region, load_plan(path), 2020)
        made[rule] = case_book(state, times(region), times(region), DEFAULTS).pair()
    pair = made["none"]
    played = contest(pair, CORE, "welfare", ("cooperate", "bargain"), DEFAULTS).tables["game_industries"]
    assert (pair.new.model.subsidy == 0).all()
    for rule in ("cooperate", "bargain"):
        wanted = played[played["game"] == rule].set_index(["industry", "city"])["subsidy"].unstack()
        found = made[rule].new.model.subsidy[:, :3]
        assert (np.abs(found) > 1e-5).any()
        if rule == "bargain":  # the joint best of a plan weighs people, that of the command money
            assert found == pytest.approx(wanted.loc[list(pair.data.names)].to_numpy(), abs=1e-5)


def test_games_that_cannot_be_played(toy):
    pair = case_book(toy, times(toy), times(toy), DEFAULTS).pair()
    with pytest.raises(ValueError, match="two cities"):
        contest(pair, ["A"], "welfare", (), DEFAULTS)
    alone = toy.replace({"industries": toy.frame("industries")[:0]})
    pair = case_book(alone, times(toy), times(toy), DEFAULTS).pair()
    with pytest.raises(ValueError, match="two industries"):
        contest(pair, CORE, "welfare", (), DEFAULTS)


def test_shapley_values_are_the_mean_over_all_orders(toy, tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(
        "name: P\nmeasures:\n"
        "  - {kind: land_supply, name: L, cities: Ann, factor: 1.2, opens: 2020}\n"
        "  - {kind: trade_barrier, name: T, to: cluster:core, factor: 0.8, opens: 2020}\n",
        encoding="utf-8",
    )
    state = at(toy, load_plan(path), 2020)
    book = case_book(state, faster(toy, ("A", "B")), times(toy), DEFAULTS)
    assert book.changed == ("rail", "trade", "land")
    found = shapley(book)

    def people(part):
        return book.solved(part).people

    for name in book.changed:
        mean = np.zeros(4)
        for order in permutations(book.changed):
            before = order[: order.index(name)]
            mean += (people((*before, name)) - people(before)) / 6
        own = found[found["policy"] == name]
        assert own["population"].to_numpy() == pytest.approx(mean, abs=1e-2)
    whole = found.groupby("city")[list(MEASURED)].sum()
    gain = book.solved().people - book.base.people
    assert whole["population"].to_numpy() == pytest.approx(gain, abs=1e-2)
    assert shapley(case_book(toy, times(toy), times(toy), DEFAULTS)).empty


def called(*arguments):
    return CliRunner().invoke(app, ["economy", *arguments])


def test_command_prints_one_document():
    found = called(str(TOY), "--game", "bargain", "--cities", "cluster:core", "--year", "2020", "--json")
    document = json.loads(found.stdout)
    games = {g["game"]: g for g in document["result"]["games"]}
    assert set(games) == {"free", "nash", "bargain"}
    ann = games["nash"]["cities"][0]
    assert (ann["id"], ann["name"], ann["name_local"]) == ("A", "Ann", "安市")
    assert {i["industry"] for i in ann["industries"]} == {"manufacturing", "services"}
    assert all(c["ok"] for c in document["checks"])
    assert any("alone" in c["name"] for c in document["checks"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--game", "nash"], "nobody plays"),
        (["--cities", "Ann"], "no game is named"),
        (["--game", "nash", "--cities", "Ann"], "two cities"),
        (["--game", "nash", "--cities", "Anne"], "no city is called"),
    ],
)
def test_command_refuses(arguments, said):
    found = called(str(TOY), "--year", "2020", *arguments)
    assert found.exit_code != 0
    assert isinstance(found.exception, mp.BadInput)
    assert said in str(found.exception)
