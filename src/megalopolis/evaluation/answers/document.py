"""What every JSON document shares: the envelope, plain values, cities."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.pillar import Result
from megalopolis.region import Region
from megalopolis.region.schema import SCHEMA_VERSION

Document = dict[str, Any]


def envelope(evaluation: Evaluation, result: Document, own: Result | None = None) -> Document:
    """Wrap a result in the document that every ``--json`` prints, with checks and warnings of its own computation."""
    checks = [*evaluation.checks, *(own.checks if own else ())]
    warnings = dict.fromkeys([*evaluation.warnings, *(own.warnings if own else ())])
    return {
        "schema_version": SCHEMA_VERSION,
        "region": {"name": evaluation.region.name, "hash": evaluation.region.hash},
        "plan": {"name": evaluation.plan.name, "hash": evaluation.plan.hash} if evaluation.plan else None,
        "year": evaluation.year,
        "result": plain(result),
        "checks": plain([c.record() for c in checks]),
        "residual": max((c.ratio for c in checks), default=0.0),
        "warnings": list(warnings),
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


def cities(region: Region, ids: Iterable[str]) -> list[Document]:
    """Return cities as every document writes them."""
    return [city(region, id_) for id_ in ids]
