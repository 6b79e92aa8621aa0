"""Standards by date, classes by the worst parameter."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from megalopolis.environment.standards import SURFACE_WATER, assess, class_of, exceedance, limits_on, standards
from megalopolis.errors import BadInput

RIVER = limits_on(standards(), SURFACE_WATER, "2020-12-31", "river")
LAKE = limits_on(standards(), SURFACE_WATER, "2020-12-31", "lake")


def own(**change):
    row = {
        "standard": "Own",
        "valid_from": "2020-01-01",
        "valid_to": "2025-12-31",
        "body": "river",
        "parameter": "nh3n",
        "class": "III",
        "limit": 1.0,
        "unit": "mg/L",
        "comparison": "at_most",
        "statistic": "mean",
        "source": "made up",
    }
    return pd.DataFrame([row | change])


def test_a_value_on_the_limit_meets_it():
    np.testing.assert_array_equal(class_of([0.15, 0.1501, 1.0, 2.0, 2.01, np.nan], RIVER["nh3n"]), [1, 2, 3, 5, 6, 0])
    np.testing.assert_array_equal(class_of([7.5, 7.4, 5, 2, 1.9], RIVER["do"]), [1, 2, 3, 5, 6])


def test_where_two_classes_share_a_limit_the_better_is_met():
    assert class_of([15.0], RIVER["cod"]) == [1]


def test_a_complying_river_can_fail_the_lake():
    assert class_of([0.2], RIVER["tp"]) == [3]
    assert class_of([0.2], LAKE["tp"]) == [5]


def test_total_nitrogen_counts_only_in_lakes():
    values = {"nh3n": [0.1], "tn": [3.0]}
    assert assess(values, RIVER).grade == [1]
    assert assess(values, LAKE).grade == [6]


def test_the_worst_parameter_decides_and_is_named():
    found = assess({"do": [8.0, np.nan], "nh3n": [1.2, np.nan], "tp": [0.1, np.nan]}, RIVER)
    assert found.grade.tolist() == [4, 0]
    assert found.factor.tolist() == ["nh3n", ""]


def test_nothing_limited_is_no_pass():
    with pytest.raises(BadInput, match="limits none"):
        assess({"tn": [1.0]}, RIVER)


def test_exceedance():
    assert exceedance([1.5], RIVER["nh3n"], [3]) == pytest.approx([0.5])
    assert exceedance([4.0, 0.0, 1e-320], RIVER["do"], [3, 3, 3]).tolist() == [0.25, np.inf, np.inf]
    assert np.isnan(exceedance([1.5], RIVER["nh3n"], [0])[0])


@given(st.floats(0, 20), st.integers(1, 5), st.sampled_from(["nh3n", "do", "tp", "cod", "codmn", "bod5"]))
def test_exceedance_and_class_say_the_same(value, target, parameter):
    limits = RIVER[parameter]
    complies = class_of([value], limits)[0] <= target
    assert complies == (exceedance([value], limits, [target])[0] <= 0)


@pytest.mark.parametrize(("date", "valid"), [("2019-12-31", False), ("2020-01-01", True), ("2025-12-31", True)])
def test_a_standard_holds_from_its_first_to_its_last_day(date, valid):
    table = standards(own())
    if valid:
        assert limits_on(table, "Own", date, "river")["nh3n"].bounds[2] == 1
    else:
        with pytest.raises(BadInput, match="not valid on 2019-12-31; it is valid 2020-01-01 to 2025-12-31"):
            limits_on(table, "Own", date, "river")


def test_the_version_of_the_date_is_taken():
    table = standards(pd.concat([own(), own(valid_from="2026-01-01", valid_to=None, limit=0.5)]))
    assert limits_on(table, "Own", "2025-06-01", "river")["nh3n"].bounds[2] == 1
    assert limits_on(table, "Own", "2026-06-01", "river")["nh3n"].bounds[2] == 0.5


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (own(valid_from="2020"), "'2020' is not a date"),
        (own(valid_to="2019-01-01"), "before it begins"),
        (pd.concat([own(), own()], ignore_index=True), "stands twice"),
    ],
)
def test_bad_standards(table, said):
    with pytest.raises(BadInput, match=said):
        standards(table)


def test_overlapping_versions():
    table = standards(pd.concat([own(), own(valid_from="2024-01-01", limit=0.5)]))
    with pytest.raises(BadInput, match="two versions"):
        limits_on(table, "Own", "2025-01-01", "river")


def test_unknown_standard():
    with pytest.raises(BadInput, match="no standard 'GB 3838-2003' for a river; did you mean GB 3838-2002"):
        limits_on(standards(), "GB 3838-2003", "2025-01-01", "river")
