"""The road matrix of a region: distance by road, around what no road crosses, with the times that are known."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from megalopolis.travel.road import Access, RoadSpeeds, road_minutes
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
    return crosses(lon[:, None], lat[:, None], lon[None, :], lat[None, :], segments)


def crosses(lon: Array, lat: Array, to_lon: Array, to_lat: Array, segments: Array) -> Mask:
    """Whether the straight line between two points crosses a barrier; coordinates broadcast, else as `crossings`."""
    dx, dy = to_lon - lon, to_lat - lat
    crossed = np.zeros(dx.shape, dtype=np.bool_)
    for x1, y1, x2, y2 in segments:
        # Either end lies on its own side of the barrier's line, and the barrier's ends on either side of theirs.
        here = (x2 - x1) * (lat - y1) - (y2 - y1) * (lon - x1)
        there = (x2 - x1) * (to_lat - y1) - (y2 - y1) * (to_lon - x1)
        one = dx * (y1 - lat) - dy * (x1 - lon)
        two = dx * (y2 - lat) - dy * (x2 - lon)
        crossed |= (here * there < 0) & (one * two < 0)
    return crossed


def on_this_side(ways: Access, owner: Index, cities: Array, stations: Array, segments: Array) -> Access:
    """Leave out the ways over a barrier to the stations of other cities; a city's own station is on its side.

    Parameters
    ----------
    ways : Access
        From `road.station_access`.
    owner : ndarray of int, shape (stations,)
        City that each station serves.
    cities, stations : ndarray, shapes (n, 2) and (stations, 2)
        Degrees, longitude first.
    segments : ndarray, shape (s, 4)
        As in `crossings`.
    """
    if not len(segments):
        return ways
    (lon, lat), (to_lon, to_lat) = cities[ways.city].T, stations[ways.station].T
    kept = (owner[ways.station] == ways.city) | ~crosses(lon, lat, to_lon, to_lat, segments)
    return Access(ways.city[kept], ways.station[kept], ways.minutes[kept])


# A minimum is the same in any order, which lets it run on vectors.
@numba.njit(cache=True, nogil=True, fastmath={"nnan", "nsz", "reassoc"})  # type: ignore[untyped-decorator]
def _relay(km: Array, rows: Index, columns: Index) -> Array:
    """Shortest way of each pair over one other city."""
    found = np.empty(rows.size)
    for p in range(rows.size):
        out, on = km[rows[p]], km[columns[p]]
        best = np.inf
        for k in range(km.shape[0]):
            best = min(best, out[k] + on[k])
        found[p] = best
    return found


def around(km: Array, crossed: Mask) -> Array:
    """Distances that lead around barriers: over other cities, up to seven of them.

    Parameters
    ----------
    km : ndarray, shape (n, n)
        Symmetric.
    crossed : ndarray of bool, shape (n, n)
        Pairs that a barrier parts, from `crossings`.

    Returns
    -------
    ndarray, shape (n, n)
        Symmetric; infinity where no way leads around.
    """
    found = np.where(crossed, np.inf, km)
    rows, columns = np.nonzero(np.triu(crossed))
    for _ in range(3 if rows.size else 0):
        way = _relay(found, rows, columns)
        found[rows, columns] = found[columns, rows] = np.minimum(found[rows, columns], way)
    return found


def road_matrix(km: Array, speeds: RoadSpeeds, known: tuple[Index, Index, Array]) -> Array:
    """Door-to-door minutes by road between all cities.

    Distance at the speed of its bands. Known times replace the estimate of their pair, and where they are shorter than
    it others use them too.

    Parameters
    ----------
    km : ndarray, shape (n, n)
        Great-circle distances, around barriers; infinity where there is no way.
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
    reached = np.isfinite(km)
    driven = np.where(reached, road_minutes(np.where(reached, km, 0.0), speeds) - terminal, np.inf)
    tails, heads, minutes = known
    estimate = driven[tails, heads].copy()
    driven[tails, heads] = np.maximum(minutes - terminal, 0.0)
    shortcuts = np.flatnonzero(minutes - terminal < estimate)
    if shortcuts.size <= len(km):  # more are a matrix of the user's, which is whole already
        for s in shortcuts:
            way = driven[:, tails[s], None] + driven[tails[s], heads[s]] + driven[None, heads[s], :]
            driven = np.minimum(driven, way)
    total = driven + terminal
    np.fill_diagonal(total, 0.0)
    return total
