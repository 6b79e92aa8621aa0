"""Stopping patterns of rail lines: how many trains they leave, and what must hold in their tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from megalopolis.units import MINUTES_PER_DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from megalopolis.region.rules import Findings

#: Patterns that a line has at a time: of each set of them passengers may take the first train.
MOST: Final = 4


def other_trains(headway_min: float, patterns: Sequence[float]) -> float:
    """Minutes between the trains of a line that have no pattern, from those between all and those of each pattern.

    Parameters
    ----------
    headway_min : float
        Minutes between trains of the line.
    patterns : sequence of float
        Minutes between the trains of each pattern.

    Returns
    -------
    float
        Infinity where less than one train a day is left: headways are rounded.

    Raises
    ------
    ValueError
        Where the patterns have more trains than the line, by one a day or more.
    """
    if not patterns:
        return headway_min
    left = MINUTES_PER_DAY * (1 / headway_min - sum(1 / every for every in patterns))
    if left <= -1:
        said = f"the patterns have {-left:.0f} trains a day more than the line, which runs every {headway_min:g} min"
        raise ValueError(said)
    return MINUTES_PER_DAY / left if left >= 1 else np.inf


def pattern_rule(found: Findings) -> None:
    """Every pattern calls at least at two stations of its line, and no line has more trains in patterns than in all."""
    patterns, calls = found.frame("rail_patterns"), found.frame("rail_pattern_calls")
    if not len(patterns) and not len(calls):
        return
    stops, stations = found.frame("rail_stops"), found.frame("stations")
    along = stops.groupby("line")["station"].agg(set).to_dict()
    posts = set(stations["id"][stations["city"].isna()])
    line = dict(zip(patterns["id"], patterns["line"], strict=True))
    count = calls["pattern"].value_counts()
    for i, id_ in enumerate(patterns["id"]):
        if isinstance(id_, str) and count.get(id_, 0) < 2:
            what = f"the pattern '{id_}' has {count.get(id_, 0)} calls"
            found.error("rail_patterns", i, "id", what, "a pattern needs two in rail_pattern_calls")
    for i, (id_, station) in enumerate(zip(calls["pattern"], calls["station"], strict=True)):
        own = along.get(line.get(id_, ""))
        if own is not None and isinstance(station, str) and station not in own:
            what = f"the pattern '{id_}' calls at '{station}', where its line '{line[id_]}' has no stop"
            found.error("rail_pattern_calls", i, "station", what, "name a station of the line")
        elif station in posts:
            what = f"the pattern '{id_}' calls at '{station}', a junction post, where no passenger boards"
            found.error("rail_pattern_calls", i, "station", what, "remove the row: every pattern runs past posts")
    _trains(found, patterns)


def _trains(found: Findings, patterns: pd.DataFrame) -> None:
    """Note lines whose patterns, in a year, are too many or have more trains than the line."""
    lines = found.frame("rail_lines")
    of_line = dict(zip(lines["id"], lines["headway_min"].astype(float), strict=True))
    first = patterns["opened"].astype(float).fillna(-np.inf).to_numpy()
    last = patterns["closed"].astype(float).fillna(np.inf).to_numpy()
    every = patterns["headway_min"].astype(float).to_numpy()
    for line, rows in patterns.groupby("line", sort=False).indices.items():
        for year in np.unique(first[rows]) if line in of_line else ():
            live = rows[(first[rows] <= year) & (year < last[rows])]
            if not live.size:
                continue
            at = int(live[-1])
            if live.size > MOST:
                what = f"the line '{line}' has {live.size} patterns at a time, at most {MOST} can be told apart"
                found.error("rail_patterns", at, "line", what, "join these that are alike")
                break
            try:
                other_trains(of_line[line], every[live].tolist())
            except (ValueError, ZeroDivisionError) as error:
                todo = "give the line a smaller headway, or its patterns larger ones"
                found.error("rail_patterns", at, "headway_min", f"the line '{line}': {error}", todo)
                break
