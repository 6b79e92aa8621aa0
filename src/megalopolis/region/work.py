"""What commuters must have to do with residents, and input shares with industries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from megalopolis.errors import suggest

if TYPE_CHECKING:
    from megalopolis.region.rules import Findings

#: Least share of a city's residents who work; fewer in the table are figures in another unit.
LEAST: Final = 0.1


def commuting(found: Findings) -> None:
    """Every home has residents who work there, and no more workers than residents."""
    rows, cities = found.frame("commuting"), found.frame("cities")
    if rows.empty or not cities["id"].is_unique:
        return
    people = cities.set_index("id")["population"].astype(float)
    for home, part in rows.groupby("home", sort=False):
        row, number = int(part.index[0]), part["commuters"].astype(float)
        total, residents = float(number.sum()), float(people.get(home, np.nan))
        if not number[part["work"] == home].sum() > 0:
            what, todo = f"nobody who lives in '{home}' works there", f"add a row with home and work '{home}'"
        elif total > residents:
            what, todo = (
                f"{total:.4g} commuters live in '{home}', which has {residents:.4g} residents",
                "correct either",
            )
        elif total < LEAST * residents:
            what = f"{total:.4g} commuters live in '{home}', under a tenth of its {residents:.4g} residents"
            todo = "give all who work, those who work at home included, in persons"
        else:
            continue
        found.error("commuting", row, "commuters", what, todo)


def input_shares(found: Findings) -> None:
    """Industries are known, and every one leaves a share for those who work in it."""
    rows = found.frame("input_shares")
    if rows.empty:
        return
    known = sorted(set(found.frame("industries")["industry"].dropna()))
    for column in ("industry", "input"):
        for i, value in enumerate(rows[column]):
            if isinstance(value, str) and value not in known:
                todo = suggest(value, known, "give an industry of the table industries")
                found.error("input_shares", i, column, f"there is no industry '{value}' in the region", todo)
    whole = rows.groupby("industry", sort=False)["share"].agg(lambda v: v.astype(float).sum())
    for industry, share in whole.items():
        if share >= 1.0:
            first = int(rows.index[rows["industry"] == industry][0])
            what = f"inputs of '{industry}' sum to {share:.3g} of its output"
            found.error("input_shares", first, "share", what, "they must leave a share of value added: stay below 1")
