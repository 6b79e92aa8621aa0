"""Quantities with units: hours and money are reported apart, and adding them is an error.

Also the two textbook methods of the field that need no network: the Standard Cost Model (SCM Network 2005,
International Standard Cost Model Manual) and the decomposition of a reform into less time and fewer cases (the burden
accounting of the US Paperwork Reduction Act).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from megalopolis.units import MINUTES_PER_HOUR

Unit = Literal["h", "currency", "documents", "visits", "days"]


@dataclass(frozen=True)
class Quantity:
    """An amount of one unit.

    Adding, subtracting or comparing different units raises `TypeError`; money for time needs `monetised`.
    """

    amount: float
    unit: Unit

    def _same(self, other: object) -> float:
        if not isinstance(other, Quantity):
            raise TypeError(f"cannot combine {self.unit} with a bare {type(other).__name__}")
        if other.unit != self.unit:
            raise TypeError(f"cannot combine {self.unit} with {other.unit}: state a value of time to monetise hours")
        return other.amount

    def __add__(self, other: object) -> Quantity:
        return Quantity(self.amount + self._same(other), self.unit)

    def __sub__(self, other: object) -> Quantity:
        return Quantity(self.amount - self._same(other), self.unit)

    def __lt__(self, other: object) -> bool:
        return self.amount < self._same(other)

    def __mul__(self, factor: float) -> Quantity:
        if isinstance(factor, Quantity):
            raise TypeError("cannot multiply two quantities")
        return Quantity(self.amount * factor, self.unit)

    __rmul__ = __mul__


def monetised(hours: Quantity, value_of_time: float) -> Quantity:
    """Hours as money at a stated value of time, currency per hour.

    Raises
    ------
    TypeError
        If the quantity is not in hours.
    ValueError
        If the value of time is not positive.
    """
    if hours.unit != "h":
        raise TypeError(f"only hours are monetised, not {hours.unit}")
    if not value_of_time > 0:
        raise ValueError("state a positive value of time")
    return Quantity(hours.amount * value_of_time, "currency")


def standard_cost(
    hours: float, tariff: float, population: float, frequency: float, overhead: float = 0.0, usual: float = 0.0
) -> Quantity:
    """Yearly administrative burden of businesses: ``tariff (1 + overhead) time x population x frequency``.

    Parameters
    ----------
    hours : float
        Time of one compliance, hours.
    tariff : float
        Currency per hour.
    population, frequency : float
        Businesses, and times a year.
    overhead : float
        Share added to the tariff.
    usual : float
        Share that a business would do anyway (business as usual), 0 to 1, taken off.

    Returns
    -------
    Quantity
        Currency a year.

    Raises
    ------
    ValueError
        If an argument is negative or ``usual`` exceeds 1.
    """
    if min(hours, tariff, population, frequency, overhead, usual) < 0 or usual > 1:
        raise ValueError("the Standard Cost Model takes no negative input, and business as usual is at most 1")
    return Quantity(hours * tariff * (1.0 + overhead) * population * frequency * (1.0 - usual), "currency")


@dataclass(frozen=True)
class Reform:
    """Hours a year that a reform saves: by less time per remaining case, and by fewer cases."""

    by_time: Quantity
    by_cases: Quantity

    @property
    def total(self) -> Quantity:
        """Both together: exactly ``N0 t0 - N1 t1``."""
        return self.by_time + self.by_cases


def reform(cases: tuple[float, float], minutes: tuple[float, float]) -> Reform:
    """Decompose a reform: ``N1 (t0 - t1)`` by time and ``(N0 - N1) t0`` by cases, hours a year.

    Parameters
    ----------
    cases, minutes : (float, float)
        Before and after: cases a year, minutes per case.
    """
    (n0, n1), (t0, t1) = cases, minutes
    by_time = Quantity(n1 * (t0 - t1) / MINUTES_PER_HOUR, "h")
    return Reform(by_time, Quantity((n0 - n1) * t0 / MINUTES_PER_HOUR, "h"))
