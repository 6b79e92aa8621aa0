"""Numbers as they are printed: no more digits than the range supports, and the range beside the value."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

#: Digits without a range, and at most with one: three suffice to compare, more than four nobody reads.
DIGITS: Final = 3
MOST_DIGITS: Final = 4

_SCALES: Final = {
    "en": ((1e12, " trillion"), (1e9, " bn"), (1e6, " million")),
    "zh": ((1e12, "万亿"), (1e8, "亿"), (1e4, "万")),
}
#: Units printed behind a number; a share is printed in per cent. Others stand in the head of a column.
_UNITS: Final = {
    "en": {"min": " min", "km": " km", "%": " %", "share": " %", "points": " pts", "persons": ""},
    "zh": {"min": "分钟", "km": "公里", "%": "%", "share": "%", "points": "个百分点", "persons": "人"},
}
#: Units that `number` prints, beside currency codes.
PRINTED: Final = frozenset(_UNITS["en"])
_MONEY_ZH: Final = {"CNY": "元", "JPY": "日元", "USD": "美元", "EUR": "欧元"}
#: Units of exact counts, and of years: printed in full.
_COUNTS: Final = frozenset({"clusters", "corridors", "cities", "year"})
#: Units whose fractions are never meant where no range says so.
_WHOLE: Final = frozenset({"min", "km", "persons"})


class Printed(NamedTuple):
    """A number as text; low and high are empty where no range is known, and bear no unit."""

    text: str
    low: str = ""
    high: str = ""


def known(value: float | None) -> bool:
    """Whether there is a finite number."""
    return value is not None and math.isfinite(value)


def step_of(value: float, low: float | None, high: float | None) -> float:
    """Place of the last digit worth printing.

    The greatest power of ten within half of the range's width, so that the range spans between two and twenty steps;
    three digits where there is no range, and never more than four.
    """
    largest = max(abs(x) for x in (value, low, high) if x is not None and math.isfinite(x))
    if largest == 0:
        return 1.0
    order = math.floor(math.log10(largest))
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return 10.0 ** (order - DIGITS + 1)
    return 10.0 ** max(math.floor(math.log10((high - low) / 2) + 1e-9), order - MOST_DIGITS + 1)


def number(
    value: float | None,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
    language: str = "en",
    *,
    signed: bool = False,
) -> Printed:
    """Print a value and its range with the digits that the range supports.

    Parameters
    ----------
    value : float or None
        In units of the ledger; None and NaN print as a dash.
    low, high : float, optional
        Range of the value.
    unit : str
        ``min``, ``km``, ``persons``, ``%``, ``share`` (a fraction, printed in per cent), ``points`` (percentage
        points) or a currency code; anything else is left to the head of the column.
    language : {"en", "zh"}
        Million, bn and trillion, or 万, 亿 and 万亿.
    signed : bool
        Whether a gain bears a plus.
    """
    if value is None or not math.isfinite(value):
        return Printed("–")
    if unit in _COUNTS and float(value).is_integer():
        return Printed(f"{value:.0f}" if unit == "year" else f"{value:,.0f}")
    if unit == "share":
        value = 100 * value
        low, high = (None if x is None else 100 * x for x in (low, high))
    ranged = known(low) and known(high) and high > low  # type: ignore[operator]
    step = step_of(value, low, high)
    if not ranged and unit in _WHOLE:
        step = max(step, 1.0)
    step = max(step, 0.1) if unit in {"%", "share", "points"} and not ranged else step
    steps = [round(value / step)]
    if ranged:  # rounded outwards, so that a range never looks narrower than it is
        steps += [math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)]  # type: ignore[operator]
    largest = max(map(abs, steps)) * step
    scale, suffix = next(((s, t) for s, t in _SCALES[language] if largest >= s * (1 - 1e-9)), (1.0, ""))
    texts = [_digits(n, step / scale, signed=signed) for n in steps]
    return Printed(texts[0] + suffix + _unit(unit, language), *texts[1:])


def _digits(steps: int, step: float, *, signed: bool) -> str:
    if steps == 0:
        return "0"
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    sign = "−" if steps < 0 else "+" if signed else ""
    return f"{sign}{abs(steps) * step:,.{places}f}"


def _unit(unit: str, language: str) -> str:
    if unit in _UNITS[language]:
        return _UNITS[language][unit]
    if len(unit) == 3 and unit.isupper():
        return _MONEY_ZH.get(unit, f" {unit}") if language == "zh" else f" {unit}"
    return ""


def duration(minutes: float | None, language: str = "en") -> str:
    """Hours and minutes: ``4 h 05 min``, ``4小时05分``."""
    if minutes is None or not math.isfinite(minutes):
        return "–"
    hours, rest = divmod(round(abs(minutes)), 60)
    sign = "−" if round(minutes) < 0 else ""
    if language == "zh":
        return f"{sign}{hours}小时{rest:02d}分" if hours else f"{sign}{rest}分"
    return f"{sign}{hours} h {rest:02d} min" if hours else f"{sign}{rest} min"
