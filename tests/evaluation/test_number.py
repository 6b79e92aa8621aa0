import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from megalopolis.evaluation.number import duration, number

AMOUNTS = st.floats(-1e13, 1e13, allow_nan=False).filter(lambda x: abs(x) > 1e-6)


@pytest.mark.parametrize(
    ("value", "low", "high", "unit", "english", "chinese"),
    [
        (12.34e6, 12.0e6, 13.0e6, "persons", ("12.3 million", "12.0", "13.0"), ("1,230万人", "1,200", "1,300")),
        (12.34e6, 10.1e6, 15.2e6, "persons", ("12 million", "10", "16"), ("1,200万人", "1,000", "1,600")),
        (69.3e9, None, None, "CNY", ("69.3 bn CNY", "", ""), ("693亿元", "", "")),
        (114e12, None, None, "CNY", ("114 trillion CNY", "", ""), ("114万亿元", "", "")),
        (0.5374, None, None, "share", ("53.7 %", "", ""), ("53.7%", "", "")),
        (0.537, 0.51, 0.56, "share", ("54 %", "51", "56"), ("54%", "51", "56")),
        (3.2, -0.5, 6.0, "min", ("3 min", "−1", "6"), ("3分钟", "−1", "6")),
        (1402.3, None, None, "min", ("1,400 min", "", ""), ("1,400分钟", "", "")),
        (1402.3, 1401.3, 1404.0, "min", ("1,402 min", "1,401", "1,404"), ("1,402分钟", "1,401", "1,404")),
        (2.0, 2.0, 2.0, "clusters", ("2", "", ""), ("2", "", "")),
        (2030.0, None, None, "year", ("2030", "", ""), ("2030", "", "")),
        (999_960_000.0, None, None, "persons", ("1.000 bn", "", ""), ("10.00亿人", "", "")),
        (0.0, 0.0, 0.0, "km", ("0 km", "", ""), ("0公里", "", "")),
        (-0.0004, None, None, "", ("−0.000400", "", ""), ("−0.000400", "", "")),
        (None, None, None, "min", ("–", "", ""), ("–", "", "")),
        (math.nan, 1.0, 2.0, "min", ("–", "", ""), ("–", "", "")),
    ],
)
def test_printed(value, low, high, unit, english, chinese) -> None:
    assert tuple(number(value, low, high, unit)) == english
    assert tuple(number(value, low, high, unit, "zh")) == chinese


def test_gain_bears_its_sign_and_zero_none() -> None:
    assert number(5.2, 4.0, 7.0, "%", signed=True) == ("+5 %", "+4", "+7")
    assert number(0.2, -3.0, 3.0, "%", signed=True) == ("0 %", "−3", "+3")


def _value(text: str) -> float:
    return float(re.sub(r"[^\d.\-]", "", text.replace("−", "-")))


@given(AMOUNTS, st.floats(1e-4, 3), st.floats(1e-4, 3))
def test_printed_range_holds_the_range_and_little_more(value: float, down: float, up: float) -> None:
    low, high = value - down * abs(value), value + up * abs(value)
    printed = number(value, low, high)
    scale = 10 ** {"": 0, "million": 6, "bn": 9, "trillion": 12}[printed.text.lstrip("−+0123456789.,").strip()]
    below, above = _value(printed.low) * scale, _value(printed.high) * scale
    width = high - low
    slack = 1e-6 * max(abs(low), abs(high))
    assert low - width - slack - abs(value) / 900 <= below <= low + slack
    assert high - slack <= above <= high + width + slack + abs(value) / 900


@given(AMOUNTS, st.floats(0.01, 3))
def test_never_more_than_four_digits(value: float, spread: float) -> None:
    width = spread * abs(value)
    printed = number(value, value - width / 2, value + width / 2)
    digits = [len(t.replace(".", "").replace(",", "").lstrip("−0").rstrip("0") or "0") for t in printed[1:]]
    assert max(digits) <= 4


def test_durations() -> None:
    assert duration(245.2) == "4 h 05 min"
    assert duration(59.7) == "1 h 00 min"
    assert duration(12.4, "zh") == "12分"
    assert duration(268, "zh") == "4小时28分"
    assert duration(None) == duration(math.inf) == "–"
