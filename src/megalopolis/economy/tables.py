"""Tables of commuters and of input shares as arrays; without them nobody commutes and industries use labour alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from megalopolis.errors import BadInput, Problem
from megalopolis.region import Region
from megalopolis.units import Array


def commuters_of(state: Region, cities: pd.DataFrame, people: Array, warnings: list[str]) -> tuple[Array, float]:
    """Shares of where residents work, by the table ``commuting``.

    Residents of cities that the table leaves out work where they live. Commuters to and from units outside the economy
    are left out, and said.

    Parameters
    ----------
    state : Region
        Whose table is read.
    cities : DataFrame
        Of the economy, in its order.
    people : ndarray, shape (n,)
        Residents.
    warnings : list of str
        What was left out is added.

    Returns
    -------
    tuple
        Shares, shape (n, n), no rows without the table; workers for each resident of the cities listed.

    Raises
    ------
    BadInput
        If nobody works where they live.
    """
    table = state.frame("commuting") if state.has("commuting") else pd.DataFrame()
    if table.empty:
        return np.empty((0, 0)), 1.0
    ids = pd.Index(cities["id"])
    home, work = ids.get_indexer(table["home"]), ids.get_indexer(table["work"])
    inside = (home >= 0) & (work >= 0)
    flows, number = np.zeros((len(ids), len(ids))), table["commuters"].to_numpy(float)
    np.add.at(flows, (home[inside], work[inside]), number[inside])
    if not inside.all():
        warnings.append(f"commuters of {int((~inside).sum())} pairs with units outside the economy are left out")
    listed = flows.sum(axis=1) > 0
    if (lost := listed & ~(np.diag(flows) > 0)).any():
        what = f"nobody who lives in {cities['name'].iloc[int(np.argmax(lost))]} works there"
        raise BadInput(Problem("commuting:commuters", what, "add a row with the city as home and as work"))
    if not listed.all():
        warnings.append(f"residents of {int((~listed).sum())} cities without commuters in the table work at home")
    shares = np.eye(len(ids))
    shares[listed] = flows[listed] / flows[listed].sum(axis=1, keepdims=True)
    return shares, float(flows.sum() / people[listed].sum()) if listed.any() else 1.0


def input_shares_of(state: Region, names: Sequence[str]) -> Array:
    """Shares of gross output that industries pay for inputs, by the table ``input_shares``, shape (k, k), or no rows.

    Raises
    ------
    BadInput
        If an industry is not one of the region's.
    """
    table = state.frame("input_shares") if state.has("input_shares") else pd.DataFrame()
    if table.empty:
        return np.empty((0, 0))
    shares = np.zeros((len(names), len(names)))
    for bought, buyer, share in zip(table["input"], table["industry"], table["share"], strict=True):
        if missing := {bought, buyer} - set(names):
            what = f"no industry of the region is called '{min(missing)}'"
            raise BadInput(Problem("input_shares:industry", what, f"industries: {', '.join(names)}"))
        shares[names.index(bought), names.index(buyer)] += share
    return shares
