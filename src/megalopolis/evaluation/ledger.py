"""The ledger: one row for every place, year, case and indicator, with its range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from megalopolis.pillar import Result, indicators
from megalopolis.region import Region

KEY: Final = ["place", "year", "case", "indicator"]
COLUMNS: Final = [*KEY, "value", "low", "high", "unit", "status"]
BASELINE: Final = "baseline"
PLAN: Final = "plan"

State = tuple[str, int]


def values_of(state: Region, results: Mapping[str, Result]) -> pd.DataFrame:
    """Collect the indicators of one state and add the clusters' and the region's aggregates.

    Parameters
    ----------
    state : Region
        Gives the population weights and the planned clusters.
    results : mapping of str to Result
        By pillar.

    Returns
    -------
    DataFrame
        Columns ``place, indicator, value, low, high, status``; cities first, then ``cluster:<id>``, then ``region``.
        Sums and population-weighted means follow the registry; units that are part of another are left out of both.
    """
    columns = ["place", "indicator", "value", "low", "high", "status"]
    parts = [r.indicators for r in results.values() if len(r.indicators)]
    if not parts:
        return pd.DataFrame(columns=columns)
    found = pd.concat(parts, ignore_index=True)
    number = {id_: i for i, id_ in enumerate(state.cities["id"].tolist())}
    weight = state.cities["population"].to_numpy(float)
    groups = {
        f"cluster:{c}": [number[m] for m in members if m in number] for c, members in state.names.clusters.items()
    }
    groups |= {"region": list(number.values())}
    places = {group: np.array(members, dtype=np.int64) for group, members in groups.items()}
    place, value = found["place"].tolist(), found["value"].to_numpy(float)
    code, names = pd.factorize(found["indicator"])
    row = np.array([number.get(p, -1) for p in place], dtype=np.int64)
    there = {(place[i], names[code[i]]) for i in np.flatnonzero(row < 0)}
    totals = []
    for position, indicator in _in_order(names.tolist()):
        own_rows = np.flatnonzero((code == position) & (row >= 0))
        how = indicators()[indicator].aggregate
        if how == "none" or not own_rows.size:
            continue
        column = np.full(len(number), np.nan)
        column[row[own_rows]] = value[own_rows]
        for group, members in places.items():
            if (group, indicator) in there:
                continue
            inside = members[~np.isnan(column[members])]
            total = _aggregate(column[inside], weight[inside], how)
            if total is not None:
                totals.append((group, indicator, total, "estimated"))
    if totals:
        added = pd.DataFrame(totals, columns=["place", "indicator", "value", "status"])
        found = pd.concat([found, added], ignore_index=True)
    return found.reindex(columns=columns)


def _in_order(names: Sequence[str]) -> list[tuple[int, str]]:
    """Position and name of indicators, in the order of the registry."""
    order = {name: place for place, name in enumerate(indicators())}
    known = [(position, name) for position, name in enumerate(names) if name in order]
    return sorted(known, key=lambda one: order[one[1]])


def _aggregate(values: np.ndarray, weight: np.ndarray, how: str) -> float | None:
    if not len(values):
        return None
    if how == "sum":
        return float(values.sum())
    known = ~np.isnan(weight)
    total = weight[known].sum()
    return float((values[known] * weight[known]).sum() / total) if total > 0 else None


def ledger_of(central: Mapping[State, pd.DataFrame], drawn: Mapping[State, Sequence[pd.DataFrame]]) -> pd.DataFrame:
    """Lay the values of all states under each other, each with the envelope of its draws.

    Parameters
    ----------
    central : mapping of (case, year) to DataFrame
        Values at the parameters in force, as from `values_of`.
    drawn : mapping of (case, year) to sequence of DataFrame
        Values of the parameter draws of the same state.

    Returns
    -------
    DataFrame
        The ledger. ``low`` and ``high`` are the least and greatest of the value and its draws; they are empty where
        nothing was drawn.
    """
    units = {name: entry.unit for name, entry in indicators().items()}
    parts = []
    for (case, year), frame in central.items():
        part = frame.assign(case=case, year=year)
        table = _draw_table(frame, drawn.get((case, year), ()))
        if table.size:
            both = np.column_stack([frame["value"].to_numpy(float), table])
            part["low"] = part["low"].fillna(pd.Series(np.nanmin(both, axis=1), index=part.index))
            part["high"] = part["high"].fillna(pd.Series(np.nanmax(both, axis=1), index=part.index))
        part["unit"] = part["indicator"].map(units)
        part["status"] = part["status"].fillna("estimated")
        parts.append(part)
    whole = pd.concat(parts, ignore_index=True)[COLUMNS]
    if whole.duplicated(KEY).any():
        twice = whole.loc[whole.duplicated(KEY), KEY].iloc[0].to_dict()
        raise ValueError(f"the ledger has two values for {twice}")
    return whole


def _draw_table(frame: pd.DataFrame, draws: Sequence[pd.DataFrame]) -> np.ndarray:
    key = frame[["place", "indicator"]]
    columns = []
    for draw in draws:
        if key.equals(draw[["place", "indicator"]]):
            columns.append(draw["value"].to_numpy(float))
        else:  # a draw may lose a value, where nothing can be reached
            values = draw.set_index(["place", "indicator"])["value"]
            columns.append(values.reindex(pd.MultiIndex.from_frame(key)).to_numpy(float))
    return np.column_stack(columns) if columns else np.empty((len(frame), 0))


def difference_of(central: Mapping[State, pd.DataFrame], drawn: Mapping[State, Sequence[pd.DataFrame]]) -> pd.DataFrame:
    """Plan against baseline in each year, drawn in pairs: both cases see the same parameters in each draw.

    Returns
    -------
    DataFrame
        Columns ``place, year, indicator, baseline, plan, difference, low, high, spans_zero``.
    """
    parts = []
    for year in sorted({y for case, y in central if case == PLAN}):
        sides = {}
        for case in (BASELINE, PLAN):
            frame = central[case, year]
            sides[case] = (frame, _draw_table(frame, drawn.get((case, year), ())))
        base, plan = sides[BASELINE][0], sides[PLAN][0]
        joined = base.reset_index().merge(plan.reset_index(), on=["place", "indicator"], suffixes=("_b", "_p"))
        part = pd.DataFrame(
            {
                "place": joined["place"],
                "year": year,
                "indicator": joined["indicator"],
                "baseline": joined["value_b"],
                "plan": joined["value_p"],
                "difference": joined["value_p"] - joined["value_b"],
            }
        )
        rows_b, rows_p = joined["index_b"].to_numpy(), joined["index_p"].to_numpy()
        gaps = sides[PLAN][1][rows_p] - sides[BASELINE][1][rows_b]
        whole = np.column_stack([part["difference"].to_numpy(float), gaps])
        drawn_any = gaps.shape[1] > 0
        part["low"] = np.nanmin(whole, axis=1) if drawn_any else np.nan
        part["high"] = np.nanmax(whole, axis=1) if drawn_any else np.nan
        part["spans_zero"] = (part["low"] < 0) & (part["high"] > 0)
        parts.append(part)
    columns = ["place", "year", "indicator", "baseline", "plan", "difference", "low", "high", "spans_zero"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
