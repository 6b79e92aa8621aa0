"""Communities of a flow network at many resolutions, drawn many times on resampled flows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.sparse import block_diag, csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.special import ndtri, pdtr, pdtrik
from sknetwork.clustering import Louvain

if TYPE_CHECKING:
    from megalopolis.units import Array

Labels = npt.NDArray[np.int32]

#: Gain of modularity at which a pass of the Louvain method ends.
TOLERANCE = 1e-5
#: Poisson means up to which quantiles are found by summing terms.
SUMMED = 30.0


def resolution_grid(low: float, high: float, count: int) -> Array:
    """Resolutions at equal steps of their logarithm, rising."""
    if not 0 < low < high or count < 2:
        raise ValueError("Resolutions need 0 < low < high and at least two steps.")
    return np.asarray(np.geomspace(low, high, count))


def resample(network: csr_matrix, trips: float, uniform: Array) -> csr_matrix:
    """Draw the flows again, as a survey of a given number of trips would find them (Poisson).

    Each pair's count is the Poisson quantile of its own uniform number, so that two states of a region drawn
    with the same numbers differ by their flows and not by their luck (common random numbers; Glasserman and
    Yao, 1992).

    Parameters
    ----------
    network : csr_matrix, shape (n, n)
        Symmetric flows.
    trips : float
        Expected number of trips in the sample.
    uniform : ndarray, shape (n (n - 1) / 2,)
        One number in (0, 1) per pair i < j, by rows.

    Returns
    -------
    csr_matrix, shape (n, n)
        Symmetric counts.
    """
    n = network.shape[0]
    upper = network.tocoo()
    keep = upper.row < upper.col
    i, j, flow = upper.row[keep].astype(np.int64), upper.col[keep].astype(np.int64), upper.data[keep]
    total = flow.sum()
    if not total > 0:
        return csr_matrix((n, n))
    draw = uniform[i * (2 * n - i - 1) // 2 + j - i - 1]
    expected = flow * (trips / total)
    count = poisson_quantile(draw, expected)
    some = count > 0
    i, j, count = i[some], j[some], count[some]
    return csr_matrix((np.r_[count, count], (np.r_[i, j], np.r_[j, i])), shape=(n, n))


def poisson_quantile(share: Array, expected: Array) -> Array:
    """Find the smallest count that a Poisson variable exceeds with at most probability ``1 - share``.

    Parameters
    ----------
    share : ndarray, shape (m,)
        In [0, 1).
    expected : ndarray, shape (m,)
        Means, above zero.

    Returns
    -------
    ndarray, shape (m,)
        Whole numbers.
    """
    count = np.zeros(len(expected))
    large = expected > SUMMED
    count[large] = _large_quantile(share[large], expected[large])
    rest = np.flatnonzero(~large)
    term = np.exp(-expected[rest])
    reached = term.copy()
    k = 0
    while len(rest):
        more = (share[rest] > reached) & (term > np.finfo(float).tiny)
        count[rest] = k
        k += 1
        rest, term, reached = rest[more], term[more], reached[more]
        term *= expected[rest] / k
        reached += term
    return count


def _large_quantile(share: Array, expected: Array) -> Array:
    """Quantile of Poisson variables with large means: the guess of Cornish and Fisher (1938), put right by counting."""
    rare = share < 1e-300  # where the distribution underflows
    z = ndtri(np.where(rare, 0.5, share))
    count: Array = np.maximum(np.floor(expected + z * np.sqrt(expected) + (z**2 - 1.0) / 6.0), 0.0)
    rest = np.arange(len(count))
    while rest.size:  # too low
        rest = rest[pdtr(count[rest], expected[rest]) < share[rest]]
        count[rest] += 1.0
    rest = np.flatnonzero(count > 0)
    while rest.size:  # too high
        rest = rest[(count[rest] > 0) & (pdtr(count[rest] - 1.0, expected[rest]) >= share[rest])]
        count[rest] -= 1.0
    count[rare] = np.ceil(pdtrik(share[rare], expected[rare]))
    return count


def louvain(network: csr_matrix, resolution: float, seed: int) -> Labels:
    """Communities of one network at one resolution, disconnected ones split.

    Louvain method (Blondel et al., 2008) on modularity with the configuration null model and a resolution
    (Reichardt and Bornholdt, 2006); the order of the nodes is shuffled by the seed.

    Parameters
    ----------
    network : csr_matrix, shape (n, n)
        Symmetric; the diagonal holds what is inside a node already.
    resolution : float
        Larger finds smaller communities.
    seed : int
        Same seed, same labels.

    Returns
    -------
    ndarray of int32, shape (n,)
        Labels from 0, without gaps.
    """
    if network.nnz == 0:
        return np.arange(network.shape[0], dtype=np.int32)
    method = Louvain(
        resolution,
        "newman",
        tol_optimization=TOLERANCE,
        tol_aggregation=TOLERANCE,
        shuffle_nodes=True,
        random_state=seed,
        return_probs=False,
        return_aggregate=False,
    )
    return split_disconnected(network, method.fit_predict(network))


def split_disconnected(network: csr_matrix, labels: npt.ArrayLike) -> Labels:
    """Give every connected part of a community a label of its own."""
    links = network.tocoo()
    label = np.asarray(labels)
    same = label[links.row] == label[links.col]
    inside = csr_matrix((np.ones(same.sum()), (links.row[same], links.col[same])), shape=network.shape)
    return np.asarray(connected_components(inside, directed=False)[1], dtype=np.int32)


def community_runs(network: csr_matrix, resolutions: Array, *, runs: int, trips: float, seed: int) -> Labels:
    """Communities at every resolution in many runs, each on flows drawn anew.

    Every run climbs from the finest resolution to the coarsest and merges whole communities only, so that
    its communities are nested (aggregation as in Blondel et al., 2008; resolutions as in Reichardt and
    Bornholdt, 2006).

    Parameters
    ----------
    network : csr_matrix, shape (n, n)
        Symmetric flows (`backbone`).
    resolutions : ndarray, shape (q,)
        Rising.
    runs : int
        Number of resampled networks; 20 or more for a stable consensus.
    trips : float
        Expected trips in each resampled network: fewer shake it more.
    seed : int
        Same seed, same labels, on any machine and number of threads.

    Returns
    -------
    ndarray of int32, shape (q, runs, n)
        Community labels.

    Raises
    ------
    ValueError
        For a network that is not symmetric, or no runs.
    """
    if runs < 1 or not trips > 0:
        raise ValueError("A consensus needs at least one run and a positive number of trips.")
    if abs(network - network.T).sum() > 1e-9 * abs(network).sum():
        raise ValueError("The flow network must be symmetric.")
    n = network.shape[0]
    rng = np.random.default_rng(seed)
    drawn = [resample(network, trips, rng.random(n * (n - 1) // 2)) for _ in range(runs)]
    # All runs are blocks of one network of equal flow each: the null model of a block then holds `runs` times the
    # flow of the whole, which `runs` times the resolution undoes exactly. One call in place of many.
    graph = csr_matrix(block_diag([block / max(block.sum(), 1.0) for block in drawn]))
    labels = np.empty((len(resolutions), runs, n), dtype=np.int32)
    now = np.arange(runs * n, dtype=np.int32)
    for q in range(len(resolutions) - 1, -1, -1):
        step = louvain(graph, float(resolutions[q]) * runs, seed)
        now = step[now]
        blocks = now.reshape(runs, n)
        labels[q] = blocks - blocks.min(axis=1, keepdims=True)
        member = csr_matrix((np.ones(len(step)), (step, np.arange(len(step)))))
        graph = csr_matrix(member @ graph @ member.T)
    return labels


def co_membership(labels: Labels) -> Array:
    """Share of all runs and resolutions in which two cities are in one community.

    Evidence accumulation (Fred and Jain, 2005) over resolutions (Jeub, Sporns and Fortunato, 2018).

    Parameters
    ----------
    labels : ndarray of int, shape (..., n)
        Labels of each run.

    Returns
    -------
    ndarray, shape (n, n)
        Between 0 and 1, symmetric, 1 on the diagonal.
    """
    n = labels.shape[-1]
    rows = labels.reshape(-1, n)
    first = np.concatenate([[0], np.cumsum(rows.max(axis=1).astype(np.int64) + 1)])
    column = (rows + first[:-1, None]).ravel()
    shape = (n, int(first[-1]))
    member = csr_matrix((np.ones(rows.size, np.float32), (np.tile(np.arange(n), len(rows)), column)), shape=shape)
    together = (member @ member.T).toarray()  # counts: exact in single precision below 2^24
    return np.asarray(together.astype(np.float64) / len(rows))


def stability(labels: Labels, members: npt.NDArray[np.intp]) -> Array:
    """Share of runs in which each member stays with the cluster.

    In a run a cluster is where most of its members are (a tie: the community with the lowest label).

    Parameters
    ----------
    labels : ndarray of int, shape (runs, n)
        Labels of the runs at one resolution.
    members : ndarray of int, shape (m,)
        Cities of the cluster.

    Returns
    -------
    ndarray, shape (m,)
        Between 0 and 1.
    """
    mine = labels[:, members]
    home = np.array([np.bincount(row).argmax() for row in mine])
    return np.asarray((mine == home[:, None]).mean(axis=0))
