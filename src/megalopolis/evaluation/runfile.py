"""``run.json``: what it takes to compute the same numbers again, and the check that they are the same."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import BaseModel, Field, ValidationError

from megalopolis.errors import BadInput, Problem
from megalopolis.evaluation.evaluate import evaluate_all
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.evaluation.ledger import KEY
from megalopolis.parameters import registry
from megalopolis.pillar import Progress, silent
from megalopolis.plan import Plan
from megalopolis.plan.measures import AnyMeasure
from megalopolis.plan.plan import MAX_MEASURES
from megalopolis.region.region import table_hash
from megalopolis.region.schema import SCHEMA_VERSION

#: Agreement asked of another machine: libraries may differ in the last bits of exp and log, not more.
TOLERANCE: Final = 1e-9
#: Far above the record of any real run; keeps a hostile file from filling memory.
_MAX_BYTES: Final = 64 * 2**20
_LIBRARIES: Final = ("numpy", "scipy", "pandas", "numba", "scikit-network", "pyarrow")


def ledger_hash(ledger: pd.DataFrame) -> str:
    """Hash of a ledger's rows, to the last bit."""
    table = pa.Table.from_pandas(ledger, preserve_index=False).replace_schema_metadata()
    return table_hash(table)


def run_record(evaluations: Sequence[Evaluation], region: str) -> dict[str, Any]:
    """Describe a run.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        One for each plan, of the same region.
    region : str
        Name or path that the region was loaded by.

    Returns
    -------
    dict
        Versions, hashes, plans as documents, parameters, checks and residuals; ready for JSON.
    """
    first = evaluations[0]
    known = registry()
    return {
        "schema_version": SCHEMA_VERSION,
        "megalopolis": version("megalopolis"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "libraries": {name: version(name) for name in _LIBRARIES},
        "region": {"name": first.region.name, "source": region, "hash": first.region.hash},
        "years": list(first.years),
        "draws": first.draws,
        "only": sorted(first.ran),
        "settings": first.parameters.settings,
        "parameters": {
            id_: {"value": value, "range": first.parameters.ranges[id_], "status": known[id_].status}
            for id_, value in first.parameters.items()
        },
        "plans": [
            {
                "hash": e.plan.hash if e.plan else None,
                "plan": e.plan.document() if e.plan else None,
                "ledger": ledger_hash(e.ledger),
                "checks": [c.record() for c in e.checks],
                "residual": e.residual,
                "warnings": list(e.warnings),
            }
            for e in evaluations
        ],
    }


class _KeptRegion(BaseModel):
    source: str = Field(max_length=4096)
    hash: str


class _KeptPlan(BaseModel):
    """Document of a plan, as `Plan.document` writes it."""

    name: str
    names: dict[str, str] = {}
    years: tuple[int, ...]
    measures: tuple[AnyMeasure, ...] = Field(max_length=MAX_MEASURES)

    def plan(self) -> Plan:
        return Plan(name=self.name, names=self.names, years=self.years, measures=self.measures)


class _KeptEvaluation(BaseModel):
    plan: _KeptPlan | None
    ledger: str


class _Kept(BaseModel):
    """What of a ``run.json`` is needed to compute it again."""

    region: _KeptRegion
    plans: tuple[_KeptEvaluation, ...] = Field(min_length=1, max_length=100)
    years: tuple[Annotated[int, Field(ge=1800, le=2200)], ...] = Field(min_length=1, max_length=100)
    draws: int = Field(ge=0, le=1000)
    settings: dict[str, float]
    only: list[str]


def _read(path: Path) -> _Kept:
    todo = "give the run.json of a report"
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise BadInput(Problem(str(path), "is too large for the run.json of a report", todo))
        return _Kept.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BadInput(Problem(str(path), error.strerror or "cannot be read", todo)) from error
    except ValidationError as error:
        raise BadInput(Problem(str(path), "is not the run.json of a report", todo)) from error


def reproduce(path: Path, load: Any, progress: Progress = silent) -> tuple[list[Evaluation], list[str]]:
    """Compute a run again.

    Parameters
    ----------
    path : Path
        A ``run.json``; ``ledger.parquet`` beside it, where there is one, is compared value by value.
    load : callable
        ``load(name_or_path) -> Region``.
    progress : callable
        See `evaluate`.

    Returns
    -------
    evaluations : list of Evaluation
        As computed now.
    differences : list of str
        What is not the same; empty where all numbers agree to 1e-9.

    Raises
    ------
    BadInput
        If the file is not a run, or its region is not the same as then.
    """
    record = _read(path)
    region = load(record.region.source)
    if region.hash != record.region.hash:
        what = f"the region '{record.region.source}' is not what it was"
        raise BadInput(Problem(str(path), what, "restore its tables of then"))
    found = evaluate_all(
        region,
        [kept.plan.plan() if kept.plan else None for kept in record.plans],
        years=record.years,
        only=record.only,
        settings=record.settings,
        draws=record.draws,
        progress=progress,
    )
    differences = []
    for entry, evaluation in zip(record.plans, found, strict=True):
        name = evaluation.plan.name if evaluation.plan else "baseline"
        if ledger_hash(evaluation.ledger) != entry.ledger:
            differences += _compared(path.parent / "ledger.parquet", evaluation.ledger, name)
    return found, differences


def _compared(kept: Path, ledger: pd.DataFrame, name: str) -> list[str]:
    """Say where a ledger differs from the one kept beside ``run.json``."""
    if not kept.is_file():
        return [f"{name}: the ledger's hash differs, and there is no ledger.parquet to compare with"]
    try:
        old = pd.read_parquet(kept)[["plan", *KEY, "value", "low", "high"]]
    except (OSError, ValueError, KeyError):
        return [f"{name}: the ledger's hash differs, and {kept.name} cannot be read to compare with"]
    old = old[old["plan"].isin([name, ""])]
    both = old.merge(ledger, on=KEY, how="outer", suffixes=("_then", "_now"), indicator=True)
    said = (
        [f"{name}: {(both['_merge'] != 'both').sum()} rows are not in both"] if (both["_merge"] != "both").any() else []
    )
    for column in ("value", "low", "high"):
        then, now = both[f"{column}_then"].to_numpy(float), both[f"{column}_now"].to_numpy(float)
        off = ~np.isclose(then, now, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
        if off.any():
            row = both[off].iloc[0]
            key = ", ".join(str(row[k]) for k in KEY)
            said.append(f"{name}: {off.sum()} of {len(both)} {column}s differ; first {key}")
    return said
