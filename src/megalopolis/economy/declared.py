"""Declared industries: how far cities set out to build the same."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from megalopolis.units import Array

Flags = npt.NDArray[np.bool_]


@cache
def strategic_industries() -> dict[str, dict[str, str]]:
    """Classes of declared industries in the order of their table: id to ``en`` and ``zh``."""
    with files("megalopolis").joinpath("economy", "strategic_industries.csv").open(encoding="utf-8") as stream:
        return {row["industry"]: {"en": row["label_en"], "zh": row["label_zh"]} for row in csv.DictReader(stream)}


def shared(declared: Flags) -> npt.NDArray[np.int64]:
    """Industries that both cities of a pair declare.

    Parameters
    ----------
    declared : ndarray of bool, shape (n, k)
        Which city declares which industry.

    Returns
    -------
    ndarray of int, shape (n, n)
    """
    ones = declared.astype(np.int64)
    return np.asarray(ones @ ones.T)


def overlap(declared: Flags) -> Array:
    """Shared industries over those that either city of a pair declares (Jaccard 1912); NaN where neither does any.

    Parameters
    ----------
    declared : ndarray of bool, shape (n, k)
        Which city declares which industry.

    Returns
    -------
    ndarray, shape (n, n)
        0 (nothing in common) to 1 (the same list).
    """
    both = shared(declared).astype(float)
    own = np.diag(both)
    either = own[:, None] + own[None, :] - both
    return np.asarray(np.divide(both, either, out=np.full_like(both, np.nan), where=either > 0))


def contested(declared: Flags) -> Array:
    """Share of each city's declared industries that some other city declares too; NaN without any.

    Parameters
    ----------
    declared : ndarray of bool, shape (n, k)
        Which city declares which industry.

    Returns
    -------
    ndarray, shape (n,)
    """
    others = declared.sum(axis=0, keepdims=True) - declared
    count = declared.sum(axis=1).astype(float)
    both = (declared & (others > 0)).sum(axis=1).astype(float)
    return np.asarray(np.divide(both, count, out=np.full_like(both, np.nan), where=count > 0))
