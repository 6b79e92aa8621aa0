"""Standards as data, each valid from one date to another, and the class of a water by the worst of its parameters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.units import Array

CLASSES: Final = ("I", "II", "III", "IV", "V")
#: Class of a water that meets none; of one that cannot be assessed.
WORSE: Final = len(CLASSES) + 1
UNKNOWN: Final = 0
NAMES: Final = ("", *CLASSES, ">V")
SURFACE_WATER: Final = "GB 3838-2002"


@dataclass(frozen=True)
class Limits:
    """Limits of one parameter, from the best class to the worst.

    Attributes
    ----------
    bounds : ndarray, shape (5,)
        Limit of each class, in the unit of the table.
    at_least : bool
        Whether more is better, as for dissolved oxygen.
    """

    bounds: Array
    at_least: bool


@cache
def _bundled() -> pd.DataFrame:
    with files("megalopolis.environment").joinpath("standards.csv").open(encoding="utf-8") as stream:
        return pd.read_csv(stream, dtype={"valid_to": "str"}, keep_default_na=False)


def standards(own: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the bundled standards and a region's own after them, one row per parameter and class.

    Parameters
    ----------
    own : DataFrame, optional
        The region's table ``standards``.

    Raises
    ------
    BadInput
        If a date is not one, or the same limit stands twice.
    """
    table = _bundled() if own is None or own.empty else pd.concat([_bundled(), own], ignore_index=True)
    table = table.assign(valid_to=table["valid_to"].fillna(""))
    problems = []
    first = len(_bundled())  # rows before it are not of the region's table
    for row, (begin, end) in enumerate(zip(table["valid_from"], table["valid_to"], strict=True), -first):
        problems += [
            Problem(f"standards:{row + 2}", f"'{text}' is not a date", "write 2002-06-01")
            for text in (begin, end)
            if text and not _is_date(text)
        ]
        if not problems and end and end < begin:
            problems.append(Problem(f"standards:{row + 2}", f"ends {end} before it begins {begin}", "exchange them"))
    key = ["standard", "valid_from", "body", "parameter", "class"]
    problems += [
        Problem(f"standards:{row + 2 - first}", f"the limit of {' '.join(map(str, table.loc[row, key]))} stands twice")
        for row in map(int, np.flatnonzero(table.duplicated(key)))
    ]
    if problems:
        raise BadInput(problems)
    return table


def _is_date(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def limits_on(table: pd.DataFrame, standard: str, date: str, body: str) -> dict[str, Limits]:
    """Limits of every parameter of a standard that are valid on a date.

    Parameters
    ----------
    table : DataFrame
        As returned by `standards`.
    standard : str
        Code.
    date : str
        ISO date.
    body : str
        ``river``, ``lake`` or ``air``.

    Raises
    ------
    BadInput
        If no such standard is known or none is valid on the date.
    """
    known = table[(table["standard"] == standard) & (table["body"] == body)]
    if known.empty:
        codes = sorted(table.loc[table["body"] == body, "standard"].unique())
        raise BadInput(Problem("", f"there is no standard '{standard}' for a {body}", suggest(standard, codes)))
    valid = known[(known["valid_from"] <= date) & ((known["valid_to"] == "") | (known["valid_to"] >= date))]
    if valid.empty:
        spans = sorted({f"{b} to {e or 'now'}" for b, e in zip(known["valid_from"], known["valid_to"], strict=True)})
        raise BadInput(
            Problem("", f"the standard '{standard}' is not valid on {date}", f"it is valid {', '.join(spans)}")
        )
    found = {}
    for parameter, rows in valid.groupby("parameter", sort=False):
        if rows["class"].duplicated().any():
            raise BadInput(
                Problem("", f"two versions of '{standard}' limit {parameter} on {date}", "end one before the other")
            )
        values = rows.set_index("class")["limit"].reindex(CLASSES).to_numpy(float)
        found[str(parameter)] = Limits(values, bool((rows["comparison"] == "at_least").any()))
    return found


def class_of(values: npt.ArrayLike, limits: Limits) -> npt.NDArray[np.int64]:
    """Class of every value of one parameter: 1 (I) to 5 (V), 6 where it meets none, 0 where it is unknown.

    Parameters
    ----------
    values : array_like, shape (n,)
        In the unit of the limits; NaN where unknown.
    limits : Limits
        Those of the parameter; a class without a limit (NaN) is met by none.
    """
    values = np.asarray(values, float)
    bounds = limits.bounds[None, :]
    meets = values[:, None] >= bounds if limits.at_least else values[:, None] <= bounds
    first = np.where(meets.any(axis=1), meets.argmax(axis=1) + 1, WORSE)
    return np.asarray(np.where(np.isnan(values), UNKNOWN, first), np.int64)


@dataclass(frozen=True)
class Assessment:
    """Class by the worst parameter.

    Attributes
    ----------
    grade : ndarray of int, shape (n,)
        1 to 5, 6 where no class is met, 0 where nothing is known.
    factor : ndarray of str, shape (n,)
        Parameter that decides, the first of the worst in the order given; empty where nothing is known.
    by_parameter : dict of str to ndarray of int
        Class by each parameter alone.
    """

    grade: npt.NDArray[np.int64]
    factor: npt.NDArray[np.object_]
    by_parameter: dict[str, npt.NDArray[np.int64]]


def assess(values: Mapping[str, npt.ArrayLike], limits: Mapping[str, Limits]) -> Assessment:
    """Assess waters by the single-factor rule of GB 3838-2002: the class is that of the worst parameter.

    Parameters
    ----------
    values : mapping of str to array_like, shape (n,)
        By parameter; those that the standard does not limit are left out, as total nitrogen in rivers.
    limits : mapping of str to Limits
        As returned by `limits_on`.

    Raises
    ------
    BadInput
        If the standard limits none of them: a class of nothing would be a silent pass.
    """
    shared = [name for name in values if name in limits]
    if not shared:
        raise BadInput(Problem("", "the standard limits none of the parameters given", f"give {', '.join(limits)}"))
    graded = {name: class_of(values[name], limits[name]) for name in shared}
    grades = np.stack(list(graded.values()))
    worst = grades.max(axis=0)
    names = np.array(shared, object)[grades.argmax(axis=0)]
    return Assessment(worst, np.where(worst == UNKNOWN, "", names), graded)


def exceedance(values: npt.ArrayLike, limits: Limits, target: npt.ArrayLike) -> Array:
    """How far a value is beyond its limit: ``c/limit - 1``; for oxygen ``limit/c - 1``; at or below 0 it complies.

    Parameters
    ----------
    values : array_like, shape (n,)
        In the unit of the limits.
    limits : Limits
        Those of the parameter.
    target : array_like of int, shape (n,)
        Class 1 to 5 to be met, 0 where there is none (NaN is returned).
    """
    values, target = np.asarray(values, float), np.asarray(target, np.int64)
    bound = np.where(target > 0, limits.bounds[np.maximum(target, 1) - 1], np.nan)
    if limits.at_least:
        below = np.maximum(values, 0.0)
        with np.errstate(over="ignore"):  # next to no oxygen exceeds without bound
            return np.asarray(np.divide(bound, below, out=np.full_like(bound, np.inf), where=below > 0) - 1.0)
    return np.asarray(values / bound - 1.0)
