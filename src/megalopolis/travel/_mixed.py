"""Compiled loops over minutes of parts of trips; called only by :mod:`megalopolis.travel.mixed`."""

# A bare select vectorises where min() would test for NaN.
# ruff: noqa: FURB136
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, np.dtype[Any]]


@njit(cache=True, nogil=True)
def join(first: Array, then: Array) -> Array:
    """Least minutes of a part and one after it, over all places between: the product in min and plus."""
    found = np.full((first.shape[0], then.shape[1]), np.inf)
    for i in range(first.shape[0]):
        for k in range(first.shape[1]):
            x = first[i, k]
            if x < np.inf:
                for j in range(then.shape[1]):
                    y = x + then[k, j]
                    found[i, j] = y if y < found[i, j] else found[i, j]
    return found


@njit(cache=True, nogil=True)
def repeat(step: Array) -> Array:
    """Least minutes of any number of steps, none included (Floyd 1962)."""
    found = step.copy()
    for k in range(step.shape[0]):
        found[k, k] = min(found[k, k], 0.0)
    for via in range(step.shape[0]):
        for i in range(step.shape[0]):
            x = found[i, via]
            if x < np.inf:
                for j in range(step.shape[0]):
                    y = x + found[via, j]
                    found[i, j] = y if y < found[i, j] else found[i, j]
    return found
