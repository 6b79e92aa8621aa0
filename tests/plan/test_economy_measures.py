"""Measures of the economy add the rows that they say, from the year they open, and refuse what matches nothing."""

import pytest

from megalopolis.errors import BadInput
from megalopolis.plan import Plan, at, load_plan
from megalopolis.region import Region


def plan(tmp_path, text: str) -> Plan:
    path = tmp_path / "plan.yaml"
    path.write_text("name: P\nmeasures:\n" + text, encoding="utf-8")
    return load_plan(path)


def rows(state: Region, table: str) -> list[dict[str, object]]:
    frame = state.frame(table)
    return frame.drop(columns=["closed", "source"]).to_dict("records")


def test_rows_of_the_toy_plan(toy: Region, toy_plan: Plan) -> None:
    state = at(toy, toy_plan, 2030)
    opens = {"opened": 2025}
    ease = {"factor": 0.8, **opens, "measure": "open-doors"}
    assert rows(state, "migration_barriers") == [
        {"from": "cluster:core", "to": "A", **ease},
        {"from": "D", "to": "A", **ease},
    ]
    assert rows(state, "trade_barriers") == [
        {
            "from": "cluster:core",
            "to": "cluster:core",
            "sector": "services",
            "factor": 0.9,
            **opens,
            "measure": "common-market",
        }
    ]
    assert rows(state, "subsidies") == [
        {"city": "B", "industry": "manufacturing", "share": 0.1, **opens, "measure": "chips-for-ben"}
    ]
    assert rows(state, "land_supply") == [{"city": "A", "factor": 1.2, **opens, "measure": "land-for-ann"}]
    assert [(r["agreement"], r["city"], r["rule"]) for r in rows(state, "agreements")] == [
        ("ceasefire", "A", "none"),
        ("ceasefire", "C", "none"),
    ]
    before = at(toy, toy_plan, 2024)
    assert all(not before.has(t) for t in ("migration_barriers", "trade_barriers", "subsidies", "agreements"))


def test_cost_falls_on_the_one_city_or_on_the_region(toy: Region, tmp_path) -> None:
    text = "  - {kind: land_supply, name: One, cities: Ann, factor: 1.1, opens: 2021, cost: 5.0e+9}\n"
    text += "  - {kind: land_supply, name: Many, cities: cluster:core, factor: 1.1, opens: 2021, cost: 7.0e+9}\n"
    built = at(toy, plan(tmp_path, text), 2025).frame("investments").set_index("measure")
    assert (built.loc["one", "place"], built.loc["one", "cost"]) == ("A", 5e9)
    assert (built.loc["many", "place"], built.loc["many", "cost"]) == ("region", 7e9)


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        ("{kind: migration_barrier, name: M, to: Ane, factor: 0.9, opens: 2025}", "no city is called 'Ane'"),
        ("{kind: migration_barrier, name: M, to: cluster:cor, factor: 0.9, opens: 2025}", "planned cluster"),
        ("{kind: migration_barrier, name: M, to: Ann, factor: 0, opens: 2025}", "0.01"),
        ("{kind: migration_barrier, name: M, to: Ann, factor: .nan, opens: 2025}", "finite"),
        ("{kind: migration_barrier, name: M, to: [], factor: 0.9, opens: 2025}", "at least 1"),
        ("{kind: trade_barrier, name: M, from: Ann, to: Ann, factor: 0.9, opens: 2025}", "to itself"),
        ("{kind: trade_barrier, name: M, to: Ann, sector: steel, factor: 0.9, opens: 2025}", "sector"),
        ("{kind: industry_subsidy, name: M, cities: Ann, industry: steel, share: 0.1, opens: 2025}", "'steel'"),
        ("{kind: industry_subsidy, name: M, cities: Ann, industry: services, share: 1.0, opens: 2025}", "0.95"),
        ("{kind: industry_subsidy, name: M, cities: region, industry: services, share: 0.1, opens: 2025}", "region"),
        ("{kind: land_supply, name: M, cities: Ann, factor: -1, opens: 2025}", "0.01"),
        ("{kind: industry_agreement, name: M, cities: [Ann, Ann], opens: 2025}", "one member"),
        ("{kind: industry_agreement, name: M, cities: [Ann, Ben], rule: war, opens: 2025}", "rule"),
    ],
)
def test_measures_that_match_nothing_are_refused_with_their_line(toy, tmp_path, measure, said) -> None:
    with pytest.raises(BadInput, match=said) as error:
        at(toy, plan(tmp_path, f"  - {measure}\n"), 2030)
    assert "plan.yaml:3" in str(error.value)


def test_a_city_is_in_one_agreement(toy: Region, tmp_path) -> None:
    text = "  - {kind: industry_agreement, name: One, cities: [Ann, Ben], opens: 2025}\n"
    text += "  - {kind: industry_agreement, name: Two, cities: [cluster:core], opens: 2025}\n"
    with pytest.raises(BadInput, match="Ann is in the agreement 'one' already"):
        at(toy, plan(tmp_path, text), 2030)
