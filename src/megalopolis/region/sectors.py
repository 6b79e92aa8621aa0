"""What industries must have to do with the output of their city."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from megalopolis.region.rules import Findings

#: Gap between a city's sectors and its GDP that is said, and the one that is refused.
SAID: Final = 0.02
REFUSED: Final = 0.5


def sectors(found: Findings) -> None:
    """Industries of a city in its base year against its GDP: both say the same of the same year."""
    rows = found.frame("industries")
    cities = found.frame("cities")
    if rows.empty or not cities["id"].is_unique:
        return
    rows = rows[rows["year"].isna()] if "year" in rows else rows
    gdp = cities.set_index("id")["gdp"].astype(float)
    whole = rows.groupby("city", sort=False)["value_added"].agg(lambda v: v.astype(float).sum(skipna=False))
    for city, made in whole.items():
        given = float(gdp.get(city, np.nan))
        if not (np.isfinite(made) and given > 0) or abs(made / given - 1.0) <= SAID:
            continue
        what = f"industries of '{city}' sum to {made:.4g}, its gdp is {given:.4g}: {made / given - 1.0:+.0%}"
        say = found.error if abs(made / given - 1.0) > REFUSED else found.warn
        first, todo = int(rows.index[rows["city"] == city][0]), "give both in the same year and unit"
        say("industries", first, "value_added", what, todo)
