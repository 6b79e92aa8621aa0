"""Derivatives of an equilibrium: gradients of every city's objective by its adjoint, with few factorisations."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
from scipy.linalg import lu_factor, lu_solve

from megalopolis.economy.model import Indices
from megalopolis.economy.reverse import Reverse
from megalopolis.economy.solve import Equilibrium
from megalopolis.units import Array

Objective = Literal["welfare", "real_income", "gdp"]
OBJECTIVES: Final[tuple[Objective, ...]] = ("welfare", "real_income", "gdp")
#: Residual of the adjoint, relative to its right-hand side.
_TIGHT: Final = 1e-10
#: Refinements with an old factorisation before a new one is made.
_REFINEMENTS: Final = 15


def objective_of(found: Equilibrium, cities: Indices, kind: Objective) -> Array:
    """Objective of each city's government in logs, shape (p,).

    ``welfare``: expected utility of the people registered there (Redding 2016); ``real_income``: real income per
    resident; ``gdp``: value added in the city at its prices, the promotion tournament (Li and Zhou 2005).

    Raises
    ------
    ValueError
        If the objective is unknown, or welfare is asked for places that are not cities.
    """
    if kind not in OBJECTIVES:
        raise ValueError(f"objective '{kind}' is none of {', '.join(OBJECTIVES)}")
    if kind == "welfare":
        if found.model.mobile and found.model.mobility.shape[0] != found.model.cities:
            raise ValueError("welfare of the registered needs cities as places of registration")
        return found.log_welfare[cities]
    if kind == "real_income":
        return found.log_real_income[cities]
    return np.asarray((np.log(found.bills.sum(axis=0)) - found.log_price)[cities])


class Adjoint:
    """Gradients of objectives by subsidies, by the adjoint ``J^T x = W_x``.

    The Jacobian is assembled and factorised once; at equilibria nearby the same factorisation is refined against the
    exact products, which cost a few readings of the kernels. Where that closes in slowly, a new one is made. For cities
    that are ``levied`` see `megalopolis.economy.reverse.Reverse`.
    """

    def __init__(self, levied: Indices | None = None) -> None:
        self._factor: Any = None
        self._levied = levied

    def gradients(self, found: Equilibrium, cities: Indices, kind: Objective) -> tuple[Array, Array]:
        """Objectives of cities and their gradients by all these cities' subsidies.

        Parameters
        ----------
        found : Equilibrium
            Solved tightly.
        cities : ndarray of int, shape (p,)
            Players.
        kind : str
            See `objective_of`.

        Returns
        -------
        tuple of ndarray
            Objectives, shape (p,); gradient of p's objective by ``-ln(1 - s)`` of city c in industry k, shape
            (p, c, k).
        """
        found_values = objective_of(found, cities, kind)
        return found_values, np.transpose(self._by_keep(found, cities, kind, np.eye(cities.size)), (2, 1, 0))

    def gradient(self, found: Equilibrium, cities: Indices, kind: Objective, weights: Array) -> Array:
        """Gradient (p, k) of the weighted sum of the cities' objectives by their own ``-ln(1 - s)``."""
        return np.asarray(self._by_keep(found, cities, kind, weights[:, None])[:, :, 0].T)

    def _by_keep(self, found: Equilibrium, cities: Indices, kind: Objective, weights: Array) -> Array:
        """Gradients (k, c, r) of weighted objectives; weights (p, r)."""
        parts, m = Reverse(found, self._levied), found.model
        seeds = np.zeros((m.cities, weights.shape[1]))
        seeds[cities] = weights
        if kind == "welfare":
            state, kept = parts.utility(parts.chosen(seeds) if m.mobile else seeds)
        else:
            state, kept = parts.real_income(seeds) if kind == "real_income" else parts.output(seeds)
        return np.asarray(-(kept - self._solve(parts, state))[:, cities])

    def _solve(self, parts: Reverse, right: Array) -> Array:
        """Transposed forcing (k, n, r) times the adjoint of right-hand sides (size, r)."""
        size = float(np.abs(right).max())
        for fresh in (False, True):
            if fresh or self._factor is None or self._factor[0].shape[0] != parts.size:
                self._factor = lu_factor(parts.jacobian().T, check_finite=False)
            forced, left = self._refined(parts, right, _TIGHT * size)
            if left <= (1e3 if fresh else 1.0) * _TIGHT * size:  # a fresh one is as good as the economy's condition
                return forced
        raise ValueError(f"the gradient of the game is not found: {left / size:.1e} of it is left")

    def _refined(self, parts: Reverse, right: Array, tolerance: float) -> tuple[Array, float]:
        """Refine by conjugate residuals (Eisenstat, Elman and Schultz 1983), preconditioned by the factorisation."""
        made, forced = parts.transposed(lu_solve(self._factor, right, trans=1, check_finite=False))
        gap = right - made
        kept: list[tuple[Array, Array]] = []
        left = float(np.abs(gap).max())
        for _ in range(_REFINEMENTS):
            if left <= tolerance or not np.isfinite(left):
                break
            made, felt = parts.transposed(lu_solve(self._factor, gap, trans=1, check_finite=False))
            for old, old_felt in kept:
                along = (old * made).sum(axis=0)
                made, felt = made - along * old, felt - along * old_felt
            length = np.maximum(np.sqrt((made**2).sum(axis=0)), 1e-300)
            made, felt = made / length, felt / length
            kept.append((made, felt))
            along = (made * gap).sum(axis=0)
            gap, forced = gap - along * made, forced + along * felt
            left = float(np.abs(gap).max())
        return forced, left


def gradients(found: Equilibrium, cities: Indices, kind: Objective) -> tuple[Array, Array]:
    """Objectives and gradients of one equilibrium; see `Adjoint.gradients`."""
    return Adjoint().gradients(found, cities, kind)
