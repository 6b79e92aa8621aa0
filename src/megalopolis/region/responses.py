"""Source-receptor matrices of air quality models, as the table ``air_responses`` of a region's cities.

Read are matrices with a dimension of sources and one of receptors: InMAP's (PrimaryPM25, pNO3, pSO4, pNH4, SOA by
layer, source and receptor on a grid of cells), or any other, whose places are cities by name or cells by coordinates.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from megalopolis.errors import BadInput, Problem
from megalopolis.region.arrays import Arrays, Variable, open_arrays
from megalopolis.region.places import WEIGHTS, Axis, axis_of
from megalopolis.region.raw import RawTable, fold
from megalopolis.units import Array

COLUMNS: Final = ("species", "source_city", "receptor", "response")
#: Folded names of the dimensions.
_SOURCE: Final = {"source", "sources", "src", "emitter", "emitters", "origin", "from", "sourcecity", "sourceregion"}
_RECEPTOR: Final = {"receptor", "receptors", "rec", "target", "to", "destination", "receptorcity", "receptorregion"}
_LAYER: Final = {"layer", "layers", "level", "lev", "height", "z"}
#: Folded names of InMAP's variables, and the species whose emission makes them.
_INMAP: Final = {"primarypm25": "primary_pm25", "pno3": "nox", "pso4": "so2", "pnh4": "nh3", "soa": "voc"}
#: Bytes of a matrix that are held at once.
_BLOCK: Final = 64 << 20
#: Most rows of the table.
_MOST: Final = 3_000_000
_MICROGRAMS: Final = {"ng": 1e-3, "ug": 1.0, "mg": 1e3, "g": 1e6}
_TONNES: Final = {
    **dict(zip(("ug", "mg", "g", "kg"), (1e-12, 1e-9, 1e-6, 1e-3), strict=True)),
    **dict.fromkeys(("Mg", "t", "tonne", "tonnes"), 1.0),
    **dict.fromkeys(("kt", "Gg"), 1e3),
    **dict.fromkeys(("Mt", "Tg"), 1e6),
}
_A_YEAR: Final = {
    **dict.fromkeys(("s", "sec", "second"), 31_557_600.0),
    **dict.fromkeys(("h", "hour"), 8766.0),
    **dict.fromkeys(("d", "day"), 365.25),
    **dict.fromkeys(("yr", "year", "a"), 1.0),
}
_UNIT: Final = re.compile(
    rf"\(?\s*({'|'.join(_MICROGRAMS)})\s*(?:/\s*m\^?3|m\^?-3)\s*\)?\s*(?:per|/)?\s*\(?\s*"
    rf"({'|'.join(sorted(_TONNES, key=len, reverse=True))})\s*(?:/|per\b|\.|\s)\s*"
    rf"({'|'.join(sorted(_A_YEAR, key=len, reverse=True))})s?(?:\^?-1)?\s*\)?(?:\^?-1)?"
)
_WORDS: Final = re.compile(r"\b(concentration|emissions?|at|of|receptor|source|location)\b")


@dataclass(frozen=True)
class Choice:
    """What to take of a file, and how.

    Attributes
    ----------
    layer : int
        Position of the layer in which the sources emit; 0 is the ground.
    species : mapping of str to str
        Variable to the species whose emission it answers; empty: every matrix, by InMAP's names or its own.
    units : str
        Where the file states none.
    crs : str
        Of the edges of the cells, where the file names none.
    weight : {"point", "area", "population"}
        Cells that stand for a city, see `megalopolis.region.places.axis_of`.
    """

    layer: int = 0
    species: Mapping[str, str] | None = None
    units: str = ""
    crs: str = ""
    weight: str = WEIGHTS[0]


def per_tonne(units: str) -> float | None:
    """Factor from a unit of responses to ug/m3 per t/year; None where it is not understood.

    ``ug m-3 per ug s-1``, ``ng/m3/(kt/yr)``, ``s m-3`` and the like. A ton is refused: it may be short or metric.
    """
    text = unicodedata.normalize("NFKC", units).replace("μ", "u").replace("−", "-")
    text = " ".join(_WORDS.sub(" ", text).split())
    if re.fullmatch(r"s\s*(/\s*m\^?3|m\^?-3)", text):
        return 1e12 / _A_YEAR["s"]
    found = _UNIT.fullmatch(text)
    if found is None:
        return None
    concentration, mass, time = found.groups()
    return _MICROGRAMS[concentration] / (_TONNES[mass] * _A_YEAR[time])


def read_responses(
    path: Path, cities: pd.DataFrame, choice: Choice | None = None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read responses between cities from a file of source-receptor matrices.

    Parameters
    ----------
    path : Path
        NetCDF 3 or 4, or the folder of a Zarr group. A matrix may be larger than memory: of it the rows of the cities
        are read, in blocks of 64 MiB.
    cities : DataFrame
        Columns ``id, name, name_local, lon, lat`` and, for weights by area or population, ``built_up_km2, area_km2``.
    choice : Choice, optional
        Layer, species, units, projection, weights.

    Returns
    -------
    responses : DataFrame
        Columns ``species, source_city, receptor, response`` (ug/m3 per t/year), to seven digits.
    said : tuple of str
        What was taken, in which unit, and which cities are not in it.

    Raises
    ------
    BadInput
        If the file, its dimensions, units or places cannot be used, nothing of it is a city, or a number is missing.
    """
    chosen = choice or Choice()
    if chosen.weight not in WEIGHTS:
        raise BadInput(Problem("--weight", f"there is no weight '{chosen.weight}'", f"give {', '.join(WEIGHTS)}"))
    with open_arrays(path) as arrays:
        return _read(arrays, path.name, cities, chosen)


def _read(arrays: Arrays, label: str, cities: pd.DataFrame, choice: Choice) -> tuple[pd.DataFrame, tuple[str, ...]]:
    frames: list[pd.DataFrame] = []
    said: list[str] = []
    axes: dict[tuple[str, int], Axis] = {}
    for species, matrix in _matrices(arrays, label, choice.species or {}).items():
        for role, (dim, length) in matrix.ends.items():
            if (dim, length) not in axes:
                axes[dim, length] = axis_of(arrays, label, (role, dim, length), cities, (choice.crs, choice.weight))
                said += axes[dim, length].said
        sources, receptors = (axes[end] for end in matrix.ends.values())
        units = str(matrix.variable.attrs.get("units", "")) or choice.units
        where = f"{label}: {matrix.variable.name}"
        factor = per_tonne(units)
        if factor is None:
            what = f"the unit '{units}' is not understood" if units else "states no units"
            raise BadInput(Problem(where, what, 'give --units, as "ug m-3 per ug s-1" or "ug/m3 per t/year"'))
        found = factor * _between(matrix, where, choice.layer, (sources, receptors))
        frames.append(_rows(found, where, species, (sources, receptors)))
        said.append(f"'{matrix.variable.name}' answers emissions of {species}, {units}: times {factor:.6g}")
    whole = pd.concat(frames, ignore_index=True)
    if len(whole) > _MOST:
        raise BadInput(Problem(label, f"gives {len(whole):,} pairs of cities", f"{_MOST:,} are the most: fewer cities"))
    return whole, tuple(dict.fromkeys(said))


@dataclass(frozen=True)
class _Matrix:
    """A variable, and which of its dimensions are what; the others have one entry."""

    variable: Variable
    ends: dict[str, tuple[str, int]]
    place: tuple[int, int]
    layer: int | None


def _matrices(arrays: Arrays, label: str, wanted: Mapping[str, str]) -> dict[str, _Matrix]:
    lost = [name for name in wanted if name not in arrays.variables]
    if lost:
        there = ", ".join(list(arrays.variables)[:12])
        raise BadInput(Problem("--species", f"{label} has no variable '{lost[0]}'", f"it has {there}"))
    found: dict[str, _Matrix] = {}
    for name, variable in arrays.variables.items():
        matrix = _matrix(variable)
        if matrix is None or (wanted and name not in wanted):
            continue
        species = wanted.get(name) or _INMAP.get(fold(name), name)
        if species in found:
            other = found[species].variable.name
            raise BadInput(Problem(label, f"'{other}' and '{name}' both answer '{species}'", "name one by --species"))
        found[species] = matrix
    if not found:
        shown = ", ".join(f"{v.name}({', '.join(v.dims) or 'x'.join(map(str, v.shape))})" for v in _largest(arrays))
        what = f"has no variable with a dimension of sources and one of receptors: {shown or 'it is empty'}"
        raise BadInput(Problem(label, what, "call the dimensions source and receptor"))
    return found


def _largest(arrays: Arrays) -> list[Variable]:
    return sorted(arrays.variables.values(), key=lambda v: (-len(v.shape), v.name))[:5]


def _matrix(variable: Variable) -> _Matrix | None:
    dims = [fold(d) for d in variable.dims]
    if (
        not dims
        and len(variable.shape) == 3
        and variable.shape[1] == variable.shape[2]
        and fold(variable.name) in _INMAP
    ):
        dims = ["layer", "source", "receptor"]  # Zarr copies of InMAP's matrix may name no dimensions
    source, receptor, layer = ([i for i, d in enumerate(dims) if d in names] for names in (_SOURCE, _RECEPTOR, _LAYER))
    if len(source) != 1 or len(receptor) != 1 or len(layer) > 1:
        return None
    rest = set(range(len(dims))) - {source[0], receptor[0], *layer}
    if any(variable.shape[i] != 1 for i in rest):
        what = f"has further dimensions: {', '.join(variable.dims[i] for i in sorted(rest))}"
        raise BadInput(Problem(variable.name, what, "average them first, to one matrix of sources and receptors"))
    names = variable.dims or tuple(dims)
    ends = {role: (names[i[0]], variable.shape[i[0]]) for role, i in (("source", source), ("receptor", receptor))}
    return _Matrix(variable, ends, (source[0], receptor[0]), layer[0] if layer else None)


def _between(matrix: _Matrix, where: str, layer: int, ends: tuple[Axis, Axis]) -> Array:
    """Mean responses of the cities' cells, receptors by sources, in the file's own unit."""
    variable = matrix.variable
    if matrix.layer is not None and not 0 <= layer < variable.shape[matrix.layer]:
        what = f"there is no layer {layer}"
        raise BadInput(Problem(where, what, f"--layer counts from 0 to {variable.shape[matrix.layer] - 1}"))
    swapped = matrix.place[0] > matrix.place[1]  # rows of the file are the receptors
    rows, columns = (ends[1], ends[0]) if swapped else ends
    low, high = int(columns.cells[0]), int(columns.cells[-1]) + 1
    index: list[int | slice] = [0] * len(variable.shape)
    if matrix.layer is not None:
        index[matrix.layer] = layer
    index[max(matrix.place)] = slice(low, high)
    total = np.zeros((rows.weights.shape[1], columns.weights.shape[1]))
    for first, last in _runs(rows.cells, max(1, _BLOCK // (8 * (high - low)))):
        index[min(matrix.place)] = slice(first, last)
        block = variable.read(*index)[:, columns.cells - low]
        mine = slice(*np.searchsorted(rows.cells, [first, last]))
        _refuse_gaps(block, where, (rows, mine), columns, swapped=swapped)
        total += rows.weights[mine].T @ (block @ columns.weights)
    return total if swapped else total.T


def _runs(cells: np.ndarray[Any, np.dtype[np.int64]], most: int) -> list[tuple[int, int]]:
    """Ranges of consecutive cells, none longer than ``most``."""
    breaks = np.flatnonzero(np.diff(cells) > 1) + 1
    ranges = [(int(part[0]), int(part[-1]) + 1) for part in np.split(cells, breaks)]
    return [(i, min(i + most, last)) for first, last in ranges for i in range(first, last, most)]


def _refuse_gaps(block: Array, where: str, rows: tuple[Axis, slice], columns: Axis, *, swapped: bool) -> None:
    wrong = ~(np.isfinite(block) & (block >= 0))
    if not wrong.any():
        return
    i, j = (int(x) for x in np.argwhere(wrong)[0])
    one, two = _owner(rows[0].weights[rows[1]], i, rows[0].cities), _owner(columns.weights, j, columns.cities)
    source, receptor = (two, one) if swapped else (one, two)
    what = "is below zero" if np.isfinite(block[i, j]) else "has no number"
    raise BadInput(Problem(where, f"{what} from '{source}' to '{receptor}'", "complete the matrix"))


def _owner(weights: csr_array, cell: int, cities: tuple[str, ...]) -> str:
    return cities[int(weights[[cell]].indices[0])]


def _rows(found: Array, where: str, species: str, ends: tuple[Axis, Axis]) -> pd.DataFrame:
    sources, receptors = (np.array(e.cities, object) for e in ends)
    silent_ = np.flatnonzero(~(found > 0).any(axis=0))
    if len(silent_):
        what = f"nothing that '{sources[silent_[0]]}' emits reaches any city"
        raise BadInput(Problem(where, what, "the file may be incomplete: zeros are not taken for missing parts"))
    return pd.DataFrame(
        {
            "species": species,
            "source_city": np.repeat(sources, len(receptors)),
            "receptor": np.tile(receptors, len(sources)),
            "response": [float(f"{v:.7g}") for v in found.T.ravel().tolist()],
        }
    )


def responses_table(path: Path, table: str, cities: RawTable | None) -> RawTable:
    """Read a matrix that lies among the tables of a region, with every choice left as it is."""
    found = RawTable(table, path.name)
    columns = ("id", "name", "name_local", "lon", "lat")
    given = {} if cities is None else {c: cities.columns.get(c, [None] * len(cities.rows)) for c in columns}
    frame = pd.DataFrame(given, columns=list(columns), dtype=object)
    frame = frame.assign(**{c: pd.to_numeric(frame[c], errors="coerce") for c in ("lon", "lat")})
    try:
        rows, _ = read_responses(path, frame.dropna(subset=["id", "lon", "lat"]).reset_index(drop=True))
    except BadInput as error:
        found.problems += error.problems
        return found
    found.columns = {c: list[object](rows[c].map(repr) if c == "response" else rows[c]) for c in COLUMNS}
    found.rows = range(1, len(rows) + 1)
    found.headers = {c: c for c in COLUMNS}
    return found
