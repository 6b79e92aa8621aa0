"""One cell to one value."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from megalopolis.region.cells import BadCell, parse
from megalopolis.region.raw import unit_scale
from megalopolis.region.schema import schemas

CITIES, LINES = schemas()["cities"], schemas()["rail_lines"]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("24.9万", 249_000),
        ("24.9 万人", 249_000),
        ("1.3亿", 130_000_000),
        ("2,487,089", 2_487_089),
        ("1 million", 1_000_000),
        ("12人", 12),
        ("+5", 5),
        (".5e3", 500),
        ("１２", 12),
        (7, 7),
        (Decimal("7.5"), 7.5),
    ],
)
def test_numbers_people_write(cell, value):
    assert parse(CITIES["population"], cell) == value


@pytest.mark.parametrize(
    "cell",
    ["1,23", "1,234,56", "5 km", "0x10", "1_000", "--5", "-", "n/a", "5 6", "万", "12%", True, dt.date(2020, 1, 1)],
)
def test_what_is_no_number(cell):
    with pytest.raises(BadCell, match="is not a number"):
        parse(CITIES["population"], cell)


@pytest.mark.parametrize(("cell", "value"), [("2011", 2011), ("2011年", 2011), (2011.0, 2011)])
def test_years(cell, value):
    assert parse(LINES["opened"], cell) == value


@pytest.mark.parametrize(
    ("cell", "text"), [(110100.0, "110100"), (110100, "110100"), (" 010100 ", "010100"), (1.5, "1.5")]
)
def test_ids_are_text(cell, text):
    assert parse(CITIES["id"], cell) == text


def test_ids_that_became_dates():
    with pytest.raises(BadCell, match="is a date"):
        parse(CITIES["id"], dt.datetime(2020, 1, 2))  # noqa: DTZ001


def test_words_in_any_capitalisation():
    assert parse(LINES["kind"], "HSR ") == "hsr"


@given(st.floats(0, 1e300))
def test_every_digit_of_a_number_counts(value):
    assert parse(CITIES["gdp"], repr(value)) == value
    assert parse(CITIES["gdp"], value) == value


@given(st.decimals(0, 10**9, places=4))
def test_multiples_are_exact(value):
    expected = float(value * 10_000)
    assert parse(CITIES["population"], str(value), Decimal(10_000)) == expected
    assert parse(CITIES["population"], f"{value}万") == expected


@pytest.mark.parametrize(
    ("text", "unit", "currency", "scale"),
    [
        ("万人", "persons", None, 10**4),
        ("亿元", "currency/year", "CNY", 10**8),
        ("亿元", "currency/year", "USD", None),
        ("bn CNY", "currency/year", "CNY", 10**9),
        ("千米", "km", None, 1),
        ("KM²", "km2", None, 1),
        ("公里/小时", "km/h", None, 1),
        ("acres", "km2", None, None),
        ("人", "km2", None, None),
    ],
)
def test_units_of_headers(text, unit, currency, scale):
    assert unit_scale(text, unit, currency) == scale


@pytest.mark.parametrize("cell", ["II", "ii", " Ii "])
def test_words_of_an_enum_keep_the_case_of_the_schema(cell):
    assert parse(schemas()["sections"]["target"], cell) == "II"
