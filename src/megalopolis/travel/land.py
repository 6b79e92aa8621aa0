"""The road matrix of a region: distance by road, around what no road crosses, with the times that are known."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from megalopolis.travel.road import RoadSpeeds, road_minutes
from megalopolis.units import Array

Index = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def crossings(lon: Array, lat: Array, segments: Array) -> Mask:
    """Find the pairs of cities whose straight line crosses a barrier.

    Parameters
    ----------
    lon, lat : ndarray, shape (n,)
        Degrees; lines are straight on the plate carree, which over the few hundred km that matter is close to the
        great circle.
    segments : ndarray, shape (s, 4)
        Barrier segments as ``lon1, lat1, lon2, lat2``.

    Returns
    -------
    ndarray of bool, shape (n, n)
        Symmetric; False on the diagonal.
    """
    n = len(lon)
    crossed = np.zeros((n, n), dtype=np.bool_)
    for x1, y1, x2, y2 in segments:
        # Either city lies on its own side of the barrier's line, and the barrier's ends on either side of theirs.
        side = (x2 - x1) * (lat - y1) - (y2 - y1) * (lon - x1)
        dx, dy = lon[None, :] - lon[:, None], lat[None, :] - lat[:, None]
        one = dx * (y1 - lat[:, None]) - dy * (x1 - lon[:, None])
        two = dx * (y2 - lat[:, None]) - dy * (x2 - lon[:, None])
        crossed |= (side[:, None] * side[None, :] < 0) & (one * two < 0)
    return crossed


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _relay(driven: Array, rows: Index, columns: Index) -> Array:
    """Shortest way of each pair over one other city."""
    n = driven.shape[0]
    found = np.empty(rows.size)
    for p in range(rows.size):
        i, j = rows[p], columns[p]
        best = np.inf
        for k in range(n):
            way = driven[i, k] + driven[k, j]
            best = min(best, way)
        found[p] = best
    return found


def road_matrix(km: Array, crossed: Mask, speeds: RoadSpeeds, known: tuple[Index, Index, Array]) -> Array:
    """Door-to-door minutes by road between all cities.

    Great-circle distance at the speed of its bands; a pair whose line crosses a barrier goes by way of other cities;
    known times replace the estimate of their pair, and where they are shorter than it others use them too.

    Parameters
    ----------
    km : ndarray, shape (n, n)
        Great-circle distances.
    crossed : ndarray of bool, shape (n, n)
        Pairs that a barrier parts, from `crossings`.
    speeds : RoadSpeeds
        Detour, speeds, terminal time.
    known : tuple of ndarray, each shape (k,)
        Cities of departure, of arrival, and door-to-door minutes.

    Returns
    -------
    ndarray, shape (n, n)
        Minutes; zero on the diagonal, infinity where no road leads.
    """
    terminal = speeds.terminal_min
    driven = road_minutes(km, speeds) - terminal
    crossed = crossed.copy()
    driven[crossed] = np.inf
    tails, heads, minutes = known
    estimate = driven[tails, heads].copy()
    driven[tails, heads] = np.maximum(minutes - terminal, 0.0)
    crossed[tails, heads] = False
    rows, columns = np.nonzero(crossed)
    for _ in range(3 if rows.size else 0):  # over up to seven other cities
        driven[rows, columns] = np.minimum(driven[rows, columns], _relay(driven, rows, columns))
    shortcuts = np.flatnonzero(minutes - terminal < estimate)
    if shortcuts.size <= len(km):  # more are a matrix of the user's, which is whole already
        for s in shortcuts:
            way = driven[:, tails[s], None] + driven[tails[s], heads[s]] + driven[None, heads[s], :]
            driven = np.minimum(driven, way)
    total = driven + terminal
    np.fill_diagonal(total, 0.0)
    return total
