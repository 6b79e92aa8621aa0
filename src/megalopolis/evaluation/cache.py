"""Results of pillars on disk, keyed by everything they depend on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import pandas as pd

from megalopolis.pillar import Check, Result
from megalopolis.region.write import atomic


@cache
def code_hash() -> str:
    """Hash of the program's own source, so that a result never outlives the code that made it."""
    digest = hashlib.sha256(version("megalopolis").encode())
    root = Path(str(files("megalopolis")))
    for path in sorted((*root.rglob("*.py"), *root.glob("*/*.csv"))):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def cache_folder() -> Path | None:
    """Folder named by ``MEGALOPOLIS_CACHE``, or none."""
    named = os.environ.get("MEGALOPOLIS_CACHE")
    return Path(named) if named else None


def load(folder: Path | None, key: str) -> Result | None:
    """Return the result kept under a key, or None where there is none that can be read."""
    if folder is None:
        return None
    place = folder / key
    try:
        said = json.loads((place / "result.json").read_text(encoding="utf-8"))
        tables = {name: pd.read_parquet(place / f"{name}.parquet") for name in said["tables"]}
        indicators = pd.read_parquet(place / "_indicators.parquet")
    except (OSError, ValueError, KeyError):
        shutil.rmtree(place, ignore_errors=True)
        return None
    checks = tuple(Check(*row) for row in said["checks"])
    return Result(said["pillar"], tables, indicators, checks, tuple(said["warnings"]))


def save(folder: Path | None, key: str, result: Result) -> None:
    """Keep a result; a cache that cannot be written is no reason to fail."""
    if folder is None or (folder / key).exists():
        return
    said = {
        "pillar": result.pillar,
        "tables": list(result.tables),
        "checks": [(c.name, c.value, c.limit) for c in result.checks],
        "warnings": list(result.warnings),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with atomic(folder / key) as place:
            place.mkdir()
            for name, frame in result.tables.items():
                frame.to_parquet(place / f"{name}.parquet")
            result.indicators.to_parquet(place / "_indicators.parquet")
            (place / "result.json").write_text(json.dumps(said), encoding="utf-8")
    except OSError:
        return
