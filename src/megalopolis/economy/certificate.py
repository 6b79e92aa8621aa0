"""What is known of an equilibrium: whether it is unique, how fast the sweep closes in, where other starts lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs

from megalopolis.economy.model import Model
from megalopolis.economy.solve import Equilibrium, pack, solve, start_of
from megalopolis.economy.sweep import evaluate
from megalopolis.units import Array

#: Step of the finite differences along a direction, in logs.
_STEP: Final = 1e-6


@dataclass(frozen=True)
class Certificate:
    """What is known of an equilibrium.

    Attributes
    ----------
    unique : bool
        Whether a published condition guarantees that there is no other equilibrium.
    condition : str
        The condition, with its numbers, or that none is known.
    radius : float
        Spectral radius of the sweep at the solution: below 1 the plain iteration closes in by this factor.
    spread : float
        Largest log difference of wages and labour between the solutions from several starts; 0 without other starts.
    residual : float
        Of the equations.
    """

    unique: bool
    condition: str
    radius: float
    spread: float
    residual: float


def uniqueness(model: Model) -> tuple[bool, str]:
    """Which published condition guarantees uniqueness.

    Labour immobile: ``gamma theta <= 1`` for every industry (Kucheryavyy, Lyn and Rodriguez-Clare 2023). One industry
    and one pool of people: ``gamma <= (1 / eps + 1 - q) / q`` (Redding and Rossi-Hansberg 2017; Allen and Arkolakis
    2014). With costs of moving between several places of registration none is known; with commuting, links between
    industries or tariffs none is claimed.
    """
    for holds, what in ((model.commutes, "people commute"), (model.linked, "industries buy from each other")):
        if holds:
            return False, f"not guaranteed: {what}"
    if model.tariffs.shape[0]:
        return False, "not guaranteed: there are tariffs"
    largest = float((model.gamma * model.theta).max())
    if not model.mobile:
        return True, f"nobody moves and gamma theta is {largest:.3g}, at most 1"
    rows = model.mobility / model.mobility.max(axis=1, keepdims=True)
    one_pool = bool(np.allclose(rows, rows[0], rtol=1e-12, atol=0.0))
    if model.industries == 1 and one_pool:
        bound = (1.0 / model.eps + 1.0 - model.q) / model.q
        gamma = float(model.gamma[0])
        sign = "at most" if gamma <= bound else "above"
        return gamma <= bound, f"one industry, one pool of people: gamma is {gamma:.3g}, {sign} {bound:.3g}"
    return False, "not guaranteed: people move at costs between places, or between industries with external economies"


def certify(found: Equilibrium, *, starts: int = 0, rng: np.random.Generator | None = None) -> Certificate:
    """Certify an equilibrium.

    Parameters
    ----------
    found : Equilibrium
        Solved.
    starts : int
        Further starts, drawn around the neutral one with a standard deviation of 1 in logs.
    rng : Generator, optional
        Source of the starts; needed where there are any.

    Raises
    ------
    ValueError
        If there are starts and no generator.
    """
    if starts and rng is None:
        raise ValueError("further starts need a random generator")
    unique, condition = uniqueness(found.model)
    spread = 0.0
    for _ in range(starts if rng is not None else 0):
        labour, wage = start_of(found.model)[:2]
        other = solve(
            found.model,
            (labour + rng.standard_normal(labour.shape), wage + rng.standard_normal(wage.shape)),  # type: ignore[union-attr]
            tolerance=max(found.residual, 1e-9),
        )
        gap = max(
            np.abs(other.log_labour - found.log_labour).max(),
            np.abs(other.log_wage - found.log_wage).max(),
        )
        spread = max(spread, float(gap) if other.converged else float("inf"))
    return Certificate(unique, condition, spectral_radius(found), spread, found.residual)


def spectral_radius(found: Equilibrium) -> float:
    """Modulus of the largest eigenvalue of the sweep at the solution, by Arnoldi on central differences."""
    x = pack(found.model, found.state)
    arrays, extras, scalars = found.model.arrays(), found.model.extras(), found.model.scalars
    up, down = np.empty_like(x), np.empty_like(x)

    def along(direction: Array) -> Array:
        step = _STEP * direction.ravel() / max(float(np.abs(direction).max()), 1e-300)
        evaluate(x + step, arrays, extras, scalars, up)
        evaluate(x - step, arrays, extras, scalars, down)
        return np.asarray(
            (up - down) / (2.0 * step[np.argmax(np.abs(step))]) * direction.ravel()[np.argmax(np.abs(step))]
        )

    if x.size < 4:
        dense = np.column_stack([along(e) for e in np.eye(x.size)])
        return float(np.abs(np.linalg.eigvals(dense)).max())
    operator: Any = LinearOperator((x.size, x.size), matvec=along, dtype=np.float64)
    first = np.cos(np.arange(x.size, dtype=np.float64))  # any fixed start gives the same digits on every run
    try:
        values = eigs(operator, k=1, which="LM", v0=first, tol=1e-4, maxiter=50, return_eigenvectors=False)
    except ArpackNoConvergence as error:
        values = error.eigenvalues if len(error.eigenvalues) else np.array([np.inf])
    return float(np.abs(values).max())
