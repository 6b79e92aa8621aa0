"""Open Matrix files (OMX), the format in which transport models exchange matrices; needs the extra ``openmatrix``."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from megalopolis.errors import BadInput, Problem
from megalopolis.region.raw import RawTable, fold
from megalopolis.region.write import atomic

#: Lookup that holds the ids of cities.
LOOKUP: Final = "id"
#: Matrices that are taken for minutes, in this order; else the only one of the file.
_NAMES: Final = ("minutes", "time", "traveltime", "car", "road")


def _openmatrix(path: Path) -> Any:
    try:
        return import_module("openmatrix")
    except ImportError as error:
        todo = 'pip install "megalopolis[openmatrix]"'
        raise BadInput(Problem(path.name, "OMX files need the package openmatrix", todo)) from error


def write_omx(matrices: Mapping[str, npt.NDArray[Any]], ids: tuple[str, ...], path: Path) -> None:
    """Write square matrices with the ids of their cities as the lookup ``id`` (text).

    Raises
    ------
    BadInput
        If openmatrix is not installed or the file cannot be written.
    """
    omx = _openmatrix(path)
    try:
        with atomic(path) as part:
            book = omx.open_file(str(part), "w")
            try:
                for name, matrix in matrices.items():
                    book[name] = np.asarray(matrix, dtype=np.float64)
                book.create_array(book.root.lookup, LOOKUP, obj=np.array([id_.encode() for id_ in ids]))
            finally:
                book.close()
    except OSError as error:
        raise BadInput(Problem(str(path), error.strerror or "cannot be written", "give another file")) from error


def read_omx(path: Path, table: str) -> RawTable:
    """Read the minutes of a matrix as rows of ``road_times``.

    The matrix is called ``minutes``, ``time``, ``car`` or ``road``, or is the only one; the lookup ``id``, or the only
    one, holds the ids of cities. Cells that are empty, infinite or on the diagonal are left out.
    """
    found = RawTable(table, path.name)
    try:
        book = _openmatrix(path).open_file(str(path), "r")
    except BadInput as error:
        found.problems += error.problems
        return found
    except Exception:  # noqa: BLE001 - the library raises its own kinds for damaged files
        found.problems.append(Problem(path.name, "is not an OMX file", "write it again with an OMX library"))
        return found
    try:
        problem = _fill(found, book, path)
        found.problems += [problem] if problem else []
    finally:
        book.close()
    return found


def _fill(found: RawTable, book: Any, path: Path) -> Problem | None:
    names = {fold(name): name for name in book.list_matrices()}
    chosen = [names[name] for name in _NAMES if name in names] or (list(names.values()) if len(names) == 1 else [])
    lookups = list(book.list_mappings())
    lookup = LOOKUP if LOOKUP in lookups else (lookups[0] if len(lookups) == 1 else None)
    if not chosen:
        return Problem(path.name, f"no matrix is called minutes, but {', '.join(names.values())}", "rename one")
    if lookup is None:
        what = f"no lookup is called '{LOOKUP}'" + (f", but {', '.join(lookups)}" if lookups else "")
        return Problem(path.name, what, "add the ids of cities as a lookup")
    ids = [_text(entry) for entry in book.get_node(book.root.lookup, lookup)[:].tolist()]
    minutes = np.asarray(book[chosen[0]][:], dtype=np.float64)
    if minutes.shape != (len(ids), len(ids)):
        return Problem(path.name, f"the matrix is {minutes.shape}, the lookup has {len(ids)} ids", "make them fit")
    keep = np.isfinite(minutes) & ~np.eye(len(ids), dtype=bool)
    pairs = [pair for pair, kept in zip(product(ids, ids), keep.ravel().tolist(), strict=True) if kept]
    found.columns = {
        "from": [a for a, _ in pairs],
        "to": [b for _, b in pairs],
        "minutes": [repr(value) for value in minutes[keep].tolist()],
    }
    found.rows = range(1, len(pairs) + 1)
    found.headers = {name: name for name in found.columns}
    return None


def _text(entry: Any) -> str:
    return entry.decode("utf-8", "replace").strip("\x00 ") if isinstance(entry, bytes) else str(entry)
