"""What must hold in a timetable that is given as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from megalopolis.region.rules import Findings


def timetable_rule(found: Findings) -> None:
    """Every train calls at least twice, at times that do not go back."""
    trains, calls = found.frame("timetable_trains"), found.frame("timetable_calls")
    count = calls["train"].value_counts()
    for i, train in enumerate(trains["id"]):
        if isinstance(train, str) and count.get(train, 0) < 2:
            what = f"the train '{train}' has {count.get(train, 0)} calls"
            found.error("timetable_trains", i, "id", what, "a train needs two in timetable_calls")
    for i in map(int, np.flatnonzero((calls["arrive"].isna() & calls["depart"].isna()).to_numpy())):
        found.error("timetable_calls", i, "arrive", "the call has no time", "write arrive, depart or both")
    rows = calls.sort_values(["train", "seq"], kind="stable")
    arrive = rows["arrive"].fillna(rows["depart"]).to_numpy(float)
    depart = rows["depart"].fillna(rows["arrive"]).to_numpy(float)
    train = rows["train"].to_numpy(object)
    back = depart < arrive
    back[1:] |= (arrive[1:] < depart[:-1]) & (train[1:] == train[:-1])
    for row in rows.index[back]:
        i = int(row)
        what = f"the train '{calls['train'].iloc[i]}' goes back in time at seq {calls['seq'].iloc[i]}"
        found.error("timetable_calls", i, None, what, "minutes after midnight go on past 1440")
