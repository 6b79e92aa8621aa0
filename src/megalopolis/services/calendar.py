"""Working days of a city: weekends, holidays and make-up days are data."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from megalopolis.errors import BadInput, Problem
from megalopolis.services.models import Calendar

DAYS_PER_YEAR = 365.25
_WEEKEND = 5


@dataclass(frozen=True)
class WorkingDays:
    """Working days of one calendar.

    Attributes
    ----------
    id : str
        Of the calendar.
    years : frozenset of int
        Known years.
    off, on : frozenset of date
        Weekdays without work, weekend days with.
    """

    id: str
    years: frozenset[int]
    off: frozenset[dt.date]
    on: frozenset[dt.date]

    @classmethod
    def of(cls, calendar: Calendar) -> WorkingDays:
        """Take the days of a calendar of the catalogue."""
        off, on = (frozenset(map(dt.date.fromisoformat, days)) for days in (calendar.holidays, calendar.workdays))
        return cls(calendar.id, frozenset(calendar.years), off, on)

    def works(self, day: dt.date) -> bool:
        """Whether offices work on a day.

        Raises
        ------
        BadInput
            If the calendar does not know the year.
        """
        if day.year not in self.years:
            known = ", ".join(map(str, sorted(self.years)))
            what = f"the calendar '{self.id}' does not know the year {day.year}"
            raise BadInput(Problem("", what, f"known are {known}; add its holidays to the catalogue"))
        return day in self.on or (day.weekday() < _WEEKEND and day not in self.off)

    def after(self, start: dt.date, days: float, basis: str = "working") -> dt.date:
        """Return the day on which a period that starts after ``start`` ends; parts of a day count as one."""
        whole = int(np.ceil(days - 1e-9))
        if basis == "calendar":
            end = start + dt.timedelta(days=whole)
            self.works(end)
            return end
        day = start
        while whole > 0:
            day += dt.timedelta(days=1)
            whole -= self.works(day)
        return day

    def per_calendar_day(self) -> float:
        """Working days per calendar day, mean over the known years: turns calendar days into working days."""
        worked = total = 0
        for year in sorted(self.years):
            day = dt.date(year, 1, 1)
            while day.year == year:
                worked, total, day = worked + self.works(day), total + 1, day + dt.timedelta(days=1)
        return worked / total
