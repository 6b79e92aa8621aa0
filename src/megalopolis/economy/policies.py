"""What each policy of a plan does: its Shapley value over all combinations."""

from __future__ import annotations

from itertools import combinations
from math import factorial
from typing import Final

import numpy as np
import pandas as pd

from megalopolis.economy.case import CaseBook
from megalopolis.economy.effects import outcomes
from megalopolis.economy.solve import Equilibrium
from megalopolis.units import Array

MEASURED: Final = ("population", "gdp", "real_income", "welfare")


def shapley(book: CaseBook) -> pd.DataFrame:
    """Shapley value (Shapley 1953) of every policy that a plan changes, by city.

    A policy's value is its mean contribution over all orders in which the policies could come; the values of the
    policies of a city add up to the whole change.

    Parameters
    ----------
    book : CaseBook
        Base case and policies.

    Returns
    -------
    DataFrame
        Columns ``policy, city`` and the change of ``population`` (persons), ``gdp``, ``welfare`` (currency per year)
        and ``real_income`` (currency per resident and year). No rows where nothing changes.
    """
    names = book.changed
    worth = {
        frozenset(part): _measured(book, book.solved(part))
        for size in range(len(names) + 1)
        for part in combinations(names, size)
    }
    count = factorial(len(names))
    parts = []
    for name in names:
        value = np.zeros((len(MEASURED), len(book.data.ids)))
        for coalition, before in worth.items():
            if name in coalition:
                continue
            ways = factorial(len(coalition)) * factorial(len(names) - len(coalition) - 1)
            value += ways / count * (worth[coalition | {name}] - before)
        columns = dict(zip(MEASURED, value, strict=True))
        parts.append(pd.DataFrame({"policy": name, "city": book.data.ids, **columns}))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["policy", "city", *MEASURED])


def _measured(book: CaseBook, found: Equilibrium) -> Array:
    housing = (book.parameters["housing_share"], book.parameters["housing_elasticity"])
    now = outcomes(book.base, found, gdp=float(book.data.output.sum()), housing=housing)
    return np.stack([now[name] for name in MEASURED])
