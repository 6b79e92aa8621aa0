"""Answers as JSON documents: the envelope and what each command puts in it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from megalopolis.evaluation.compare import Comparison
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.evaluation.signals import signals_of
from megalopolis.region import Region
from megalopolis.region.schema import SCHEMA_VERSION
from megalopolis.travel.face import itinerary

Document = dict[str, Any]


def envelope(evaluation: Evaluation, result: Document) -> Document:
    """Wrap a result in the document that every ``--json`` prints."""
    return {
        "schema_version": SCHEMA_VERSION,
        "region": {"name": evaluation.region.name, "hash": evaluation.region.hash},
        "plan": {"name": evaluation.plan.name, "hash": evaluation.plan.hash} if evaluation.plan else None,
        "year": evaluation.year,
        "result": plain(result),
        "checks": plain([c.record() for c in evaluation.checks]),
        "residual": evaluation.residual,
        "warnings": list(evaluation.warnings),
    }


def plain(value: Any) -> Any:
    """Turn numpy scalars, arrays and NaN into what JSON has; an absent number becomes null."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | np.ndarray):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return None if value is pd.NA or value is pd.NaT else value


def city(region: Region, id_: str) -> Document:
    """Return a city as every document writes it."""
    return {"id": id_, "name": region.names.labels[id_], "name_local": region.names.local[id_]}


def _cities(region: Region, ids: Iterable[str]) -> list[Document]:
    return [city(region, id_) for id_ in ids]


def clusters_answer(evaluation: Evaluation) -> Document:
    """Branches of the hierarchy, planned clusters and corridors of the last state."""
    region, result = evaluation.region, evaluation.result("clusters")

    def rows(table: str, lists: tuple[str, ...]) -> list[Document]:
        records = result.tables[table].to_dict("records")
        return [{str(k): _cities(region, v) if k in lists else v for k, v in row.items()} for row in records]

    corridors: dict[float, list[Document]] = {}
    for row in rows("corridors", ("cities",)):
        kept = {k: row[k] for k in ("cities", "population", "length_km")}
        corridors.setdefault(row["threshold_min"], []).append(kept)
    planned = rows("planned", ("missing", "extra"))
    if planned:
        nulls = evaluation.null_scores().to_dict("index")
        planned = [{**row, "baselines": nulls[row["id"]]} for row in planned]
    return {
        "clusters": rows("branches", ("cities",)),
        "planned": planned,
        "corridors": [{"threshold_min": t, "clusters": c} for t, c in corridors.items()],
    }


def travel_answer(evaluation: Evaluation, origin: str, destination: str) -> Document:
    """Door-to-door minutes, ride, frequency and itinerary between two cities in the last state.

    Parameters
    ----------
    evaluation : Evaluation
        With travel.
    origin, destination : str
        Ids of two different cities.
    """
    region = evaluation.region
    found = itinerary(evaluation.state(), evaluation.parameters.of_pillar("travel"), origin, destination)
    return {"from": city(region, origin), "to": city(region, destination), **found}


def travel_table(evaluation: Evaluation) -> Document:
    """Minutes between all cities and the indicators of travel in the last state."""
    region, minutes = evaluation.region, evaluation.travel_times
    case, year = evaluation.last
    ledger = evaluation.ledger
    own = evaluation.result("travel").indicators["indicator"].unique()
    keep = (ledger["case"] == case) & (ledger["year"] == year) & ledger["indicator"].isin(own)
    columns = ["place", "indicator", "value", "low", "high", "unit", "status"]
    return {
        "cities": _cities(region, minutes.index),
        "minutes": minutes.round(2).to_numpy(),
        "indicators": ledger.loc[keep, columns].to_dict("records"),
    }


def economy_answer(evaluation: Evaluation) -> Document:
    """What a plan changes for people and firms in the last year, city by city, with the certificate of the equilibrium.

    Without a plan the tables hold the baseline alone, and ``change`` is empty.
    """
    region, result = evaluation.region, evaluation.result("economy")
    own = set(result.indicators["indicator"])
    gap = evaluation.difference
    rows = gap[gap["indicator"].isin(own) & (gap["year"] == evaluation.year)]
    columns = ["place", "indicator", "baseline", "plan", "difference", "low", "high", "spans_zero"]
    cities = result.tables["cities"].to_dict("records")
    return {
        "change": rows[columns].to_dict("records"),
        "cities": [{**city(region, row.pop("city")), **row} for row in cities],
        "industries": result.tables["industries"].to_dict("records"),
        "certificate": result.tables["certificate"].to_dict("records")[0],
    }


def signals_answer(evaluation: Evaluation, language: str) -> Document:
    """The five signals."""
    return {"signals": signals_of(evaluation, language)}


def compare_answer(comparison: Comparison) -> Document:
    """Alternatives side by side."""
    return {
        "year": comparison.year,
        "measures": comparison.measures.to_dict("records"),
        "table": comparison.table.to_dict("records"),
    }
