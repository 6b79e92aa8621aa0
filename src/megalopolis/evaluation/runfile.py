"""``run.json``: what it takes to compute the same numbers again, and the check that they are the same."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from megalopolis.errors import BadInput, Problem
from megalopolis.evaluation.evaluate import evaluate_all
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.evaluation.ledger import KEY
from megalopolis.parameters import registry
from megalopolis.pillar import Progress, silent
from megalopolis.plan import Plan
from megalopolis.plan.measures import AnyMeasure
from megalopolis.region.schema import SCHEMA_VERSION

#: Agreement asked of another machine: libraries may differ in the last bits of exp and log, not more.
TOLERANCE: Final = 1e-9
_LIBRARIES: Final = ("numpy", "scipy", "pandas", "numba", "scikit-network", "pyarrow")
_MEASURES: TypeAdapter[tuple[AnyMeasure, ...]] = TypeAdapter(tuple[AnyMeasure, ...])


def ledger_hash(ledger: pd.DataFrame) -> str:
    """Hash of a ledger's values as printed in full."""
    return hashlib.sha256(ledger.to_csv(index=False, float_format="%.17g").encode()).hexdigest()


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
        "only": sorted({name for results in first.brief.values() for name in results}),
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


def _plan_of(record: dict[str, Any] | None) -> Plan | None:
    if record is None:
        return None
    return Plan(
        name=record["name"],
        names=record.get("names", {}),
        years=tuple(record["years"]),
        measures=_MEASURES.validate_python(tuple(record["measures"])),
    )


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
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        source, was = record["region"]["source"], record["region"]["hash"]
        plans = [_plan_of(entry["plan"]) for entry in record["plans"]]
        years, draws, settings, only = record["years"], record["draws"], record["settings"], record["only"]
    except OSError as error:
        raise BadInput(
            Problem(str(path), error.strerror or "cannot be read", "give the run.json of a report")
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(
            Problem(str(path), "is not the run.json of a report", "give the run.json of a report")
        ) from error
    region = load(source)
    if region.hash != was:
        raise BadInput(Problem(str(path), f"the region '{source}' is not what it was", "restore its tables of then"))
    found = evaluate_all(region, plans, years=years, only=only, settings=settings, draws=draws, progress=progress)
    differences = []
    for entry, evaluation in zip(record["plans"], found, strict=True):
        name = evaluation.plan.name if evaluation.plan else "baseline"
        if ledger_hash(evaluation.ledger) != entry["ledger"]:
            differences += _compared(path.parent / "ledger.parquet", evaluation.ledger, name)
    return found, differences


def _compared(kept: Path, ledger: pd.DataFrame, name: str) -> list[str]:
    """Say where a ledger differs from the one kept beside ``run.json``."""
    if not kept.is_file():
        return [f"{name}: the ledger's hash differs, and there is no ledger.parquet to compare with"]
    old = pd.read_parquet(kept)
    if "plan" in old:
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
