"""Delays and overruns of measures that are no new lines."""

from __future__ import annotations

import pytest

from megalopolis.errors import BadInput
from megalopolis.plan import at, load_plan
from megalopolis.region import Region

LAND = "- {kind: land_supply, name: Land, name_local: 地, cities: Ann, factor: 1.2, opens: 2025, cost: 100}\n"
UPGRADE = "- {kind: rail_upgrade, name: Faster, line: North line, operating_kmh: 160, opens: 2025, cost: 10}\n"
SUBSIDY = "- {kind: industry_subsidy, name: Chips, cities: Ben, industry: manufacturing, share: 0.1, opens: 2025}\n"
BAN = "- {kind: ban, name: No P, cities: ['cluster:core'], sectors: [households], pollutant: tp, opens: 2025}\n"
WINDOW = "- {kind: recognition, name: Window, sectors: Registry office, cities: Ann, opens: 2025, cost: 4}\n"
LINE = "- {kind: rail_line, name: L, stops: [Ann, Ben], speed_kmh: 300, headway_min: 30, opens: 2025, cost: 7}\n"
ALL = LAND + UPGRADE + SUBSIDY + BAN + WINDOW


def _delay(names: str, years: int = 3) -> str:
    return f"- {{kind: delay, name: Late, measures: {names}, years: {years}}}\n"


def _overrun(names: str) -> str:
    return f"- {{kind: overrun, name: Dear, measures: {names}, factor: 1.5}}\n"


@pytest.fixture
def state(toy: Region, tmp_path):
    """Return the toy region under some measures in a year."""

    def of(measures: str, year: int) -> Region:
        path = tmp_path / "plan.yaml"
        path.write_text("name: P\nmeasures:\n" + measures, encoding="utf-8")
        return at(toy, load_plan(path), year)

    return of


def _cost(region: Region, measure: str) -> tuple[int, float]:
    rows = region.frame("investments")
    rows = rows[rows["measure"] == measure]
    return int(rows["year"].max()), float(rows["cost"].sum())


@pytest.mark.parametrize("name", ["Land", "land", "地"])
def test_delay_moves_the_opening_and_the_money_of_the_measure_named(state, name: str) -> None:
    late = LAND + SUBSIDY + _delay(f"[{name}]")
    assert not state(late, 2027).has("land_supply")
    assert state(late, 2027).frame("subsidies")["opened"].tolist() == [2025]
    assert state(late, 2028).frame("land_supply")["opened"].tolist() == [2028]
    assert _cost(state(late, 2028), "land") == (2028, 100.0)


def test_delay_moves_measures_that_rewrite_tables(state, toy: Region) -> None:
    """What a later edit could not undo is not done before its year."""
    late, before = state(ALL + _delay("all"), 2027), at(toy, None, 2027)
    for table in ("discharges", "rail_lines"):
        assert late.frame(table).equals(before.frame(table)), table
    then, done = state(ALL + _delay("all"), 2028), state(ALL, 2025)
    assert done.frame("discharges")["tp"].tolist() != before.frame("discharges")["tp"].tolist()
    assert then.frame("discharges")["tp"].tolist() == done.frame("discharges")["tp"].tolist()
    assert not late.has("recognitions")
    assert then.frame("recognitions")["live_from"].tolist() == [2028]


def test_delays_add_up_and_leave_what_comes_behind(state) -> None:
    found = state(LAND + _delay("all", 2) + SUBSIDY + _delay("[Land]").replace("Late", "Later"), 2030)
    assert found.frame("land_supply")["opened"].tolist() == [2030]
    assert found.frame("subsidies")["opened"].tolist() == [2025]


def test_overrun_multiplies_the_cost_of_the_measures_named(state) -> None:
    dear = state(ALL + LINE + _overrun("[Land, faster]"), 2030)
    assert [_cost(dear, m)[1] for m in ("land", "faster", "window", "l")] == [150.0, 15.0, 4.0, 7.0]


def test_overrun_of_all_leaves_new_lines_to_their_own(state) -> None:
    dear = state(ALL + LINE + _overrun("all"), 2030)
    assert [_cost(dear, m)[1] for m in ("land", "faster", "window", "l")] == [150.0, 15.0, 6.0, 7.0]


def test_one_setback_meets_lines_and_measures(state) -> None:
    found = state(LAND + LINE + _delay("[Land]").replace("measures", "lines: [L], measures"), 2030)
    assert _cost(found, "l")[0] == _cost(found, "land")[0] == 2028


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LAND + _delay("[Lnad]"), "plan.yaml:4: no measure before 'Late' is called 'Lnad'; did you mean Land?"),
        (_delay("[Land]") + LAND, "plan.yaml:3: no measure before 'Late' is called 'Land'; put the delay behind it"),
        (_delay("all"), "plan.yaml:3: 'Late' matches no measure before it that opens"),
        (LINE + _delay("[L]"), "plan.yaml:4: 'L' is of kind rail_line, which 'Late' cannot move; name it under lines"),
        (LAND + _overrun("all") + _delay("[Dear]"), "plan.yaml:5: 'Dear' is of kind overrun, which 'Late' cannot move"),
        (SUBSIDY + _overrun("[Chips]"), "plan.yaml:4: no measure before 'Dear' that has a cost is called 'Chips'"),
        (LINE + SUBSIDY + _overrun("all"), "plan.yaml:5: 'Dear' matches no measure before it that has a cost"),
        (LAND + _delay("[]"), "plan.yaml:4: '' needs lines or measures"),
        ("- {kind: delay, name: Late, years: 2}\n", "plan.yaml:3: '' needs lines or measures"),
    ],
)
def test_setback_that_matches_nothing_is_one_line_with_its_place(state, text: str, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        state(text, 2030)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
