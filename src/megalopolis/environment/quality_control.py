"""Quality flags of monitored values, after QARTOD: 1 pass, 2 not evaluated, 3 suspect, 4 fail, 9 missing.

Flags and the tests of range, flat line, spike and rate of change follow the manuals of the US IOOS Quality Assurance of
Real-Time Oceanographic Data (QARTOD); spikes are told by the median absolute deviation (Leys et al. 2013, Journal of
Experimental Social Psychology 49), which one bad value cannot move.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

PASS, NOT_EVALUATED, SUSPECT, FAIL, MISSING = 1, 2, 3, 4, 9
Flags = npt.NDArray[np.int64]
#: Tests in the order of their columns.
TESTS: Final = ("duplicate", "unit", "range", "stuck", "spike", "rate")
#: Unit in which each parameter is kept; values that cannot be, and values that hardly can (assumed: wide of any river).
UNITS: Final = {"temperature": "C", "ph": "", "flow": "m3/s"}
_RANGES: Final = {
    "do": ((0.0, 40.0), (0.0, 20.0)),
    "temperature": ((-2.0, 45.0), (-0.5, 38.0)),
    "ph": ((0.0, 14.0), (5.0, 10.0)),
    "flow": ((-2e5, 4e5), (0.0, 2e5)),
    "nh3n": ((0.0, 1000.0), (0.0, 50.0)),
    "tp": ((0.0, 200.0), (0.0, 10.0)),
    "tn": ((0.0, 2000.0), (0.0, 100.0)),
    "cod": ((0.0, 20000.0), (0.0, 500.0)),
    "codmn": ((0.0, 5000.0), (0.0, 100.0)),
    "bod5": ((0.0, 10000.0), (0.0, 200.0)),
}
#: mg/L of one unit; ppm and ppb stand for water, where a litre weighs a kilogram.
TO_MG_L: Final = {"mg/L": 1.0, "g/m3": 1.0, "ppm": 1.0, "ug/L": 1e-3, "mg/m3": 1e-3, "ppb": 1e-3, "g/L": 1e3}
_ASCII: Final = str.maketrans("μµ³", "uu3")
#: Robust standard deviation over the median absolute deviation of a normal distribution.
_MAD: Final = 1.4826


@dataclass(frozen=True)
class Rules:
    """When a value is suspect and when it fails.

    Attributes
    ----------
    stuck : tuple of int
        Equal values in a row.
    spike : tuple of float
        Robust standard deviations from the median of the section's values.
    rate : float
        Standard deviations by which a value may step from the one before; beyond is suspect.
    least : int
        Values of a series without which spike and rate are not evaluated.
    """

    stuck: tuple[int, int] = (5, 10)
    spike: tuple[float, float] = (6.0, 12.0)
    rate: float = 4.0
    least: int = 8


def unit_of(parameter: str) -> str:
    """Unit in which a parameter is kept."""
    return UNITS.get(parameter, "mg/L")


def in_own_unit(frame: pd.DataFrame) -> tuple[pd.DataFrame, Flags]:
    """Convert values and detection limits to the units that their parameters are kept in.

    Parameters
    ----------
    frame : DataFrame
        Columns ``parameter, value, unit, detection_limit``.

    Returns
    -------
    frame : DataFrame
        Converted.
    flags : ndarray of int
        Pass, or fail where the unit is missing or is none of the parameter's.
    """
    given = frame["unit"].fillna("").astype(str).str.translate(_ASCII)
    kept = frame["parameter"].map(unit_of)
    factor = np.where(kept == "mg/L", given.map(TO_MG_L).to_numpy(float), np.nan)
    same = (given == kept) | ((kept == "C") & given.isin(["°C", "℃", "degC"])) | ((kept == "") & given.isin(["1", "-"]))
    factor = np.where(same, 1.0, factor)
    known = ~np.isnan(factor)
    scaled = {c: frame[c].to_numpy(float) * np.where(known, factor, 1.0) for c in ("value", "detection_limit")}
    return frame.assign(**scaled, unit=np.where(known, kept, given)), np.where(known, PASS, FAIL)


def quality_flags(frame: pd.DataFrame, rules: Rules = Rules()) -> pd.DataFrame:  # noqa: B008 - frozen
    """Test every value of some series.

    Parameters
    ----------
    frame : DataFrame
        Columns ``section, date, parameter, value, unit, detection_limit, below`` (whether it is below the detection
        limit); dates are ISO text.
    rules : Rules
        Thresholds.

    Returns
    -------
    DataFrame
        The same rows in the same order with values in their own units, one column ``flag_<test>`` per test, and
        ``qartod``: the worst of them, 9 where there is no value that is not below its detection limit.
    """
    converted, unit = in_own_unit(frame)
    ordered = converted.assign(row=np.arange(len(converted))).sort_values(
        ["section", "parameter", "date"], kind="stable", ignore_index=True
    )
    there = ordered["value"].notna().to_numpy()
    new = (ordered[["section", "parameter"]] != ordered[["section", "parameter"]].shift()).any(axis=1).to_numpy()
    series = np.cumsum(new) - 1
    found = {
        "stuck": _stuck(ordered["value"].to_numpy(float), series, there & ~ordered["below"].to_numpy(bool), rules),
        "spike": _spike(ordered["value"], pd.Series(series), rules),
        "rate": _rate(ordered["value"], pd.Series(series), rules),
    }
    back = np.argsort(ordered["row"].to_numpy())
    flags = {
        "duplicate": np.where(converted.duplicated(["section", "date", "parameter"]), FAIL, PASS),
        "unit": unit,
        "range": _range(converted["parameter"], converted["value"].to_numpy(float)),
        **{name: values[back] for name, values in found.items()},
    }
    worst = np.full(len(converted), PASS)
    for values in flags.values():
        worst = np.where(np.isin(values, (SUSPECT, FAIL)), np.maximum(worst, values), worst)
    missing = converted["value"].isna().to_numpy() & ~converted["below"].to_numpy(bool)
    return converted.assign(
        **{f"flag_{name}": f for name, f in flags.items()}, qartod=np.where(missing, MISSING, worst)
    )


def _range(parameter: pd.Series[str], value: np.ndarray) -> Flags:
    flags = np.full(len(value), NOT_EVALUATED)
    for name, ((low, high), (likely_low, likely_high)) in _RANGES.items():
        here = (parameter == name).to_numpy() & ~np.isnan(value)
        flags[here] = PASS
        flags[here & ((value < likely_low) | (value > likely_high))] = SUSPECT
        flags[here & ((value < low) | (value > high))] = FAIL
    return flags


def _stuck(value: np.ndarray, series: np.ndarray, there: np.ndarray, rules: Rules) -> Flags:
    """Runs of equal values; values below the detection limit are equal by nature and not counted."""
    same = np.zeros(len(value), bool)
    same[1:] = (value[1:] == value[:-1]) & (series[1:] == series[:-1]) & there[1:] & there[:-1]
    start = np.flatnonzero(~same)
    length = np.diff(np.append(start, len(value)))
    run = np.repeat(length, length)
    flags = np.where(run >= rules.stuck[0], SUSPECT, PASS)
    flags = np.where(run >= rules.stuck[1], FAIL, flags)
    return np.where(there, flags, NOT_EVALUATED)


def _spike(value: pd.Series[float], series: pd.Series[int], rules: Rules) -> Flags:
    by = value.groupby(series)
    away = (value - by.transform("median")).abs()
    spread = _MAD * away.groupby(series).transform("median")
    few = ((by.transform("count") < rules.least) | (spread == 0) | value.isna()).to_numpy()
    score = np.divide(away.to_numpy(float), spread.to_numpy(float), out=np.zeros(len(value)), where=~few)
    flags = np.where(score > rules.spike[1], FAIL, np.where(score > rules.spike[0], SUSPECT, PASS))
    return np.where(few, NOT_EVALUATED, flags)


def _rate(value: pd.Series[float], series: pd.Series[int], rules: Rules) -> Flags:
    by = value.groupby(series)
    step, spread = by.diff().abs().to_numpy(float), by.transform("std").to_numpy(float)
    few = (by.transform("count").to_numpy() < rules.least) | np.isnan(step) | ~(spread > 0)
    return np.where(few, NOT_EVALUATED, np.where(step > rules.rate * spread, SUSPECT, PASS))
