"""Measures of environment edit the discharges, from the year they open, and refuse what matches or changes nothing."""

import pytest

from megalopolis.errors import BadInput
from megalopolis.plan import Plan, at, load_plan
from megalopolis.region import Region


def plan(tmp_path, text: str) -> Plan:
    path = tmp_path / "plan.yaml"
    path.write_text("name: P\nmeasures:\n" + text, encoding="utf-8")
    return load_plan(path)


def one(tmp_path, kind: str, **fields: object) -> Plan:
    lines = "".join(f"    {k}: {v}\n" for k, v in {"name": "M", "opens": 2025, **fields}.items())
    return plan(tmp_path, f"  - kind: {kind}\n{lines}")


def row(state: Region, id_: str) -> dict[str, object]:
    return state.frame("discharges").set_index("id").loc[id_].to_dict()


def test_toy_plan_only_from_its_year(toy: Region, toy_plan: Plan) -> None:
    assert at(toy, toy_plan, 2024).frame("discharges").equals(at(toy, None, 2024).frame("discharges"))
    state = at(toy, toy_plan, 2030)
    assert (row(state, "ann")["level"], row(state, "ann")["nh3n"]) == ("strict", 5)
    assert (row(state, "ben")["level"], row(state, "ben")["nh3n"]) == ("best", 1.5)
    assert row(state, "cor")["tp"] == pytest.approx(0.4)
    assert row(state, "spring")["nh3n"] == 0.1


def test_sewage_grows_with_urban_residents(toy: Region) -> None:
    assert row(at(toy, None, 2030), "ann")["volume_m3d"] == pytest.approx(1.32e6)
    assert row(at(toy, None, 2030), "spring")["volume_m3d"] == 7.64e6


def test_common_and_floor_leave_who_is_cleaner(toy: Region, tmp_path) -> None:
    for scope in ("common", "floor"):
        state = at(toy, one(tmp_path, "discharge_standard", cities="region", level="Strict", scope=scope), 2025)
        assert row(state, "ann")["level"] == "strict"
        roles = state.frame("treatment_levels").set_index("id")["role"].dropna().to_dict()
        assert roles["strict"] == scope
    state = at(toy, one(tmp_path, "discharge_standard", cities="Ben", level="best"), 2025)
    assert row(state, "ben")["cod"] == 30
    assert state.frame("treatment_levels")["role"].dropna().tolist() == ["common"]


def test_cold_water_takes_the_winter_limit(toy: Region, tmp_path) -> None:
    reaches = toy.frame("reaches").assign(temperature_c=10.0)
    state = at(toy.replace({"reaches": reaches}), one(tmp_path, "treatment_upgrade", cities="Ann", level="best"), 2025)
    assert row(state, "ann")["nh3n"] == 3


def test_part_of_the_volume(toy: Region, tmp_path) -> None:
    given = one(tmp_path, "treatment_upgrade", cities="Ann", effluent="{nh3n: 2, cod: 90}", treated=0.5, cost=1e9)
    state = at(toy, given, 2025)
    assert row(state, "ann")["nh3n"] == 5  # half at 8, half at 2
    assert row(state, "ann")["cod"] == 60  # never worse
    assert row(state, "ann")["level"] == "plain"
    assert state.frame("investments")["cost"].max() == 1e9


def test_a_ban_of_all(toy: Region, tmp_path) -> None:
    assert row(at(toy, one(tmp_path, "ban", cities="Cor"), 2025), "cor")["volume_m3d"] == 0


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("ban", {"cities": "Dee"}, "'M' matches no discharge in its cities"),
        ("ban", {"cities": "Ann", "sectors": "[farming]"}, "no discharge has the sector 'farming'"),
        ("ban", {"cities": "Anm"}, "no city is called 'Anm'"),
        ("ban", {"cities": "Ann", "pollutant": "tn"}, "matches no discharge that has any tn"),
        ("ban", {"cities": "Ann", "reduction": 1.5}, "reduction"),
        ("discharge_standard", {"cities": "Ann", "level": "stric"}, "no single treatment level is called 'stric'"),
        ("discharge_standard", {"cities": "Ben", "level": "plain"}, "changes nothing"),
        ("discharge_standard", {"cities": "Ann", "level": "best", "opens": 1990}, "not in force on 1990-12-31"),
        ("treatment_upgrade", {"cities": "Ann"}, "needs either level or effluent"),
        ("treatment_upgrade", {"cities": "Ann", "effluent": "{nh3n: -1}"}, "at or above zero"),
        ("treatment_upgrade", {"cities": "Ben", "effluent": "{nh3n: 6}"}, "every discharge of its cities is as clean"),
        ("treatment_upgrade", {"cities": "Ben", "effluent": "{zinc: 6}"}, "effluent"),
    ],
)
def test_bad_measures(toy: Region, tmp_path, kind: str, fields: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        at(toy, one(tmp_path, kind, **fields), 2025)
