"""Flags by hand, classes by hand, a trend that is known, and files as networks give them."""

import json

import numpy as np
import pandas as pd
import pytest

from megalopolis.environment.monitoring import monitor
from megalopolis.environment.quality_control import TESTS, quality_flags
from megalopolis.environment.standards import standards
from megalopolis.errors import BadInput
from megalopolis.evaluation.answers.monitoring import causes_of, monitored
from megalopolis.region.monitored import read_observations

SECTIONS = pd.DataFrame({"id": ["r", "l", "x"], "target": ["III", "III", None]})
STANDARD = "GB 3838-2002"


def rows(values, section="r", parameter="nh3n", unit="mg/L", year=2024):
    days = pd.date_range(f"{year}-01-01", periods=len(values))
    return pd.DataFrame(
        {
            "section": section,
            "date": days.strftime("%Y-%m-%d"),
            "parameter": parameter,
            "value": np.asarray(values, float),
            "unit": unit,
            "flag": "valid",
            "method": None,
            "detection_limit": np.nan,
            "source": None,
        }
    )


def flags(frame, test="qartod"):
    found = quality_flags(frame.assign(below=frame["flag"] == "below_detection"))
    return found[test if test == "qartod" else f"flag_{test}"].tolist()


def test_flags_by_hand():
    calm = [0.30, 0.31, 0.29, 0.32, 0.30, 0.31, 0.28, 0.33, 0.31]
    assert set(flags(rows(calm))) == {1}
    # median 0.31, median absolute deviation 0.01: 5 is 316 robust deviations away, 0.41 is 6.7
    assert flags(rows([*calm, 5.0]), "spike")[-1] == 4
    assert flags(rows([*calm, 0.41]), "spike")[-1] == 3
    assert flags(rows([1.0] * 5 + [2.0]), "stuck") == [3] * 5 + [1]
    assert flags(rows([1.0] * 10), "stuck") == [4] * 10
    assert flags(rows([-1.0, 60.0, 2.0]), "range") == [4, 3, 1]
    assert flags(rows([1.0, np.nan, 2.0])) == [1, 9, 1]
    assert flags(rows([1.0, 2.0]), "spike") == [2, 2]
    slow = np.r_[np.tile([0.0, 0.1], 40), 3.0]
    assert flags(rows(slow), "rate")[-1] == 3


def test_a_duplicate_fails_and_units_are_converted():
    frame = pd.concat([rows([1.0, 2.0]), rows([1.0])])
    assert flags(frame, "duplicate") == [1, 1, 4]
    micro = quality_flags(rows([500.0, 700.0], unit="μg/L").assign(below=False))
    assert micro["value"].tolist() == pytest.approx([0.5, 0.7])
    assert micro["unit"].tolist() == ["mg/L", "mg/L"]
    assert flags(rows([1.0, 2.0], unit="furlong")) == [4, 4]
    assert flags(rows([8.0, 7.0], parameter="temperature", unit="℃")) == [1, 1]


def test_series_do_not_touch():
    both = pd.concat([rows([1.0, 1.0, 1.0], "r"), rows([1.0, 1.0, 1.0], "l")])
    assert flags(both, "stuck") == [1] * 6


def test_order_of_rows_does_not_matter():
    rng = np.random.default_rng(1)
    frame = pd.concat([rows(rng.uniform(0, 1, 30), s) for s in "rl"], ignore_index=True)
    mixed = frame.sample(frac=1, random_state=2)
    one = quality_flags(frame.assign(below=False))
    two = quality_flags(mixed.assign(below=False)).sort_index()
    assert len(TESTS) == sum(c.startswith("flag_") for c in one)
    pd.testing.assert_frame_equal(one, two)


def test_classes_by_hand():
    frame = pd.concat(
        [
            rows([0.9, 1.3], "r"),  # mean 1.1: IV
            rows([6.5, 6.5], "r", "do"),  # II
            rows([0.06, 0.06], "l", "tp"),  # a lake: above 0.05, IV; of a river it would be II
            rows([1.8], "x", "nh3n"),  # V, no target
        ],
        ignore_index=True,
    )
    found = monitor(frame, SECTIONS, standards(), STANDARD, body={"l": "lake"})
    table = found.sections.set_index("section")
    assert table["class"].to_dict() == {"r": "IV", "l": "IV", "x": "V"}
    assert table["factor"].to_dict() == {"r": "nh3n", "l": "tp", "x": "nh3n"}
    assert [table.loc[s, "complies"] for s in ("r", "l")] == [False, False]
    assert pd.isna(table.loc["x", "complies"])
    over = found.exceedances.set_index(["section", "date"])["exceedance"].to_dict()
    assert over == pytest.approx({("r", "2024-01-02"): 0.3, ("l", "2024-01-01"): 0.2, ("l", "2024-01-02"): 0.2})
    assert any("cannot certify a year" in w for w in found.warnings)


def test_oxygen_counts_the_other_way():
    found = monitor(rows([4.0, 4.0], parameter="do"), SECTIONS, standards(), STANDARD)
    assert found.exceedances["exceedance"].tolist() == pytest.approx([0.25, 0.25])  # 5 / 4 - 1


@pytest.mark.parametrize(("below", "mean"), [("limit", 0.525), ("half", 0.5125), ("zero", 0.5)])
def test_below_the_detection_limit(below, mean):
    frame = rows([1.0, np.nan])
    frame.loc[1, ["flag", "detection_limit"]] = ["below_detection", 0.05]
    found = monitor(frame, SECTIONS, standards(), STANDARD, below=below).means.iloc[0]
    assert found["mean"] == pytest.approx(mean)
    assert (found["low"], found["high"], found["below"]) == (0.5, 0.525, 1)
    frame["detection_limit"] = np.nan
    with pytest.raises(BadInput, match="below a detection limit that is not given"):
        monitor(frame, SECTIONS, standards(), STANDARD, below=below)


def test_a_trend_that_is_known():
    rng = np.random.default_rng(3)
    days = np.arange(0, 3650, 30)
    frame = rows(1.0 + 0.1 * days / 365.25 + rng.normal(0, 0.02, len(days)))
    frame["date"] = (pd.Timestamp("2010-01-01") + pd.to_timedelta(days, "D")).strftime("%Y-%m-%d")
    trend = monitor(frame, SECTIONS, standards(), STANDARD).trends.iloc[0]
    assert trend["low"] < 0.1 < trend["high"]
    assert trend["slope"] == pytest.approx(0.1, abs=0.005)
    assert trend["p"] < 1e-6
    assert monitor(rows([1.0] * 4), SECTIONS, standards(), STANDARD).trends.empty


@pytest.mark.parametrize(
    ("frame", "standard", "said"),
    [
        (rows([1.0]).assign(date="1 May"), STANDARD, "observations:2:date: '1 May' is not a date"),
        (rows([1.0], year=1999), STANDARD, "not valid on 1999-01-01"),
        (rows([1.0]), "GB 3838", "there is no standard 'GB 3838'"),
        (rows([1.0], unit=""), STANDARD, "no value is left"),
    ],
)
def test_bad_observations(frame, standard, said):
    with pytest.raises(BadInput, match=said):
        monitor(frame, SECTIONS, standards(), standard)


NAMES = {"r": "r", "Red Bridge": "r", "红桥": "r", "l": "l"}
WIDE = (
    "断面名称,监测时间,氨氮(mg/L),总磷（μg/L）,pH\n红桥,2024/01/05 08:00,0.5,25L,7\nRed Bridge,2024-01-06,--,<30,7.1\n"
)
LONG = "station,time,parameter,value,unit\nr,2024-01-05,ammonia nitrogen,0.5,mg/L\nElsewhere,2024-01-05,TP,0.1,mg/L\n"


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_wide_file(tmp_path, encoding):
    path = tmp_path / "w.csv"
    path.write_bytes(WIDE.encode(encoding))
    frame, said = read_observations(path, NAMES)
    assert said == ()
    assert frame["section"].tolist() == ["r"] * 5
    assert frame["parameter"].tolist() == ["nh3n", "tp", "ph", "tp", "ph"]
    assert frame.loc[1, ["flag", "detection_limit", "unit"]].tolist() == ["below_detection", 25, "μg/L"]
    assert frame["date"].iloc[0] == "2024-01-05T08:00"


def test_a_long_file_and_strangers(tmp_path):
    path = tmp_path / "l.csv"
    path.write_text(LONG, encoding="utf-8")
    frame, said = read_observations(path, NAMES)
    assert frame[["section", "parameter", "value"]].to_numpy().tolist() == [["r", "nh3n", 0.5]]
    assert "1 stations are no section" in said[0]


def things():
    observation = {"phenomenonTime": "2024-01-05T08:00:00Z", "result": 0.5}
    stream = {"name": "s", "unitOfMeasurement": {"symbol": "mg/L"}, "ObservedProperty": {"name": "Ammonia nitrogen"}}
    thing = {"name": "Red Bridge"}
    whole = {"value": [{**thing, "Datastreams": [{**stream, "Observations": [observation]}]}]}
    array = {"components": ["phenomenonTime", "result"], "dataArray": [["2024-01-05T08:00:00Z", 0.5]]}
    return [
        whole,
        {"value": [{**observation, "Datastream": {**stream, "Thing": thing}}]},
        {"value": [{"Datastream": {**stream, "Thing": thing}, **array}]},
    ]


@pytest.mark.parametrize("document", things())
def test_sensorthings(tmp_path, document):
    path = tmp_path / "s.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    frame, _ = read_observations(path, NAMES)
    assert frame[["section", "date", "parameter", "value", "unit"]].to_numpy().tolist() == [
        ["r", "2024-01-05T08:00:00", "nh3n", 0.5, "mg/L"]
    ]


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("station,time,nh3n\nr,2024-01-01,1\n", "a.csv", "a.csv:1:nh3n: has no unit"),
        ("station,time,parameter,value\nr,2024-01-01,nh3n,1\n", "a.csv", "a.csv:2:unit: the value of nh3n has no unit"),
        ("station,time,parameter,value,unit\nr,2024-01-01,zinc,1,mg/L\n", "a.csv", "'zinc' is no parameter"),
        ("station,time,nh3n_mgl\nr,2024-01-01,much\n", "a.csv", "a.csv:2:nh3n: 'much' is not a number"),
        ("station,time,nh3n_mgl\nq,2024-01-01,1\n", "a.csv", "none of its 1 stations is a section"),
        ("station,nh3n_mgl\nq,1\n", "a.csv", "has no column 'date'"),
        ("station,time,nh3n_mgl\nr,2024-01-01\n", "a.csv", "has 2 cells under 3 headers"),
        ("station,time,nh3n_mgl\n", "a.csv", "holds no observation"),
        ("", "a.csv", "is empty"),
        ("{", "a.json", "is not JSON"),
        ('{"value": 3}', "a.json", "is no SensorThings document"),
        ('{"value": [{"result": 1}]}', "a.json", "is of no parameter that is known"),
    ],
)
def test_bad_files(tmp_path, text, name, said):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=said.replace("{", r"\{")):
        read_observations(path, NAMES)


@pytest.fixture(scope="session")
def whole(request):
    """The toy region with its river."""
    from megalopolis.region.read import read_region

    return read_region(request.config.rootpath / "tests" / "toy" / "region")


def test_who_caused_what_was_measured(whole, tmp_path):
    path = tmp_path / "l.csv"
    path.write_text("station,time,nh3n_mgl\nBen Bridge,2024-01-05,0.8\n", encoding="utf-8")
    found, _ = monitored(whole, [path])
    assert found.exceedances["exceedance"].tolist() == pytest.approx([0.6])
    causes = causes_of(whole, found.exceedances)
    assert causes["city"].tolist()[0] == "A"  # 68.6 % of the modelled load, docs/method/toy.md
    assert causes["share"].sum() == pytest.approx(1)
