"""Alternatives side by side against the same reference case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.evaluation.ledger import KEY
from megalopolis.pillar import indicators


@dataclass(frozen=True)
class Comparison:
    """Several plans of one region in the same year.

    Attributes
    ----------
    year : int
        Year compared: the last that all have.
    measures : DataFrame
        Columns ``measure, name_local, kind`` and one column of booleans per plan: what differs.
    table : DataFrame
        Columns ``place, indicator, unit, plan, baseline, value, difference, low, high, spans_zero`` for the region
        and the clusters.
    ledger : DataFrame
        The ledgers of all plans joined: the ledger's columns and ``plan``; the baseline stands once, with no plan.
    """

    year: int
    measures: pd.DataFrame
    table: pd.DataFrame
    ledger: pd.DataFrame


def compare(evaluations: Sequence[Evaluation]) -> Comparison:
    """Lay evaluations of several plans side by side.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        Of one region, as from `evaluate_all`.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If the plans have no evaluated year in common.
    """
    common = set.intersection(*(set(e.years) for e in evaluations))
    if not common:
        raise ValueError("the plans have no evaluated year in common")
    year = max(common)
    names = [e.plan.name if e.plan else "baseline" for e in evaluations]
    return Comparison(year, _measures(evaluations, names), _table(evaluations, names, year), joined_ledger(evaluations))


def _measures(evaluations: Sequence[Evaluation], names: list[str]) -> pd.DataFrame:
    kinds: dict[str, tuple[str | None, str]] = {}
    for evaluation in evaluations:
        kinds |= {m.name: (m.name_local, m.kind) for m in (evaluation.plan.measures if evaluation.plan else ())}
    held = [{m.name for m in (e.plan.measures if e.plan else ())} for e in evaluations]
    rows = [
        {"measure": name, "name_local": local, "kind": kind, **{n: name in h for n, h in zip(names, held, strict=True)}}
        for name, (local, kind) in kinds.items()
    ]
    return pd.DataFrame(rows, columns=["measure", "name_local", "kind", *names])


def _table(evaluations: Sequence[Evaluation], names: list[str], year: int) -> pd.DataFrame:
    units = {id_: entry.unit for id_, entry in indicators().items()}
    parts = []
    for name, evaluation in zip(names, evaluations, strict=True):
        rows = evaluation.difference
        wide = (rows["place"] == "region") | rows["place"].str.startswith("cluster:")
        part = rows[wide & (rows["year"] == year)].rename(columns={"plan": "value"})
        parts.append(part.assign(plan=name, unit=part["indicator"].map(units)))
    columns = ["place", "indicator", "unit", "plan", "baseline", "value", "difference", "low", "high", "spans_zero"]
    return pd.concat(parts, ignore_index=True)[columns]


def joined_ledger(evaluations: Sequence[Evaluation]) -> pd.DataFrame:
    """Join the ledgers of several plans: the ledger's columns with ``plan`` before them; the baseline stands once."""
    parts = []
    for evaluation in evaluations:
        name = evaluation.plan.name if evaluation.plan else ""
        case = evaluation.ledger["case"]
        parts.append(evaluation.ledger.assign(plan=case.map({"plan": name}).fillna("")))
    whole = pd.concat(parts, ignore_index=True).drop_duplicates(["plan", *KEY], ignore_index=True)
    return whole[["plan", *(c for c in whole.columns if c != "plan")]]
