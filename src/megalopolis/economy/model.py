"""The economy as arrays: kernels, elasticities, productivity, registered people, land; and its validation."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from megalopolis.units import Array

Matrix = npt.NDArray[np.floating[Any]]
Indices = npt.NDArray[np.int64]

#: Tables that are not there: nobody commutes; no industry buys from another, no tariffs.
_NOBODY, _NONE = np.empty((0, 0)), np.empty((0, 0, 0))

#: Largest external economies: at gamma theta of 1 a city gains more from an industry's size than competition costs it.
_MOST_SCALE: Final = 1.0


@dataclass(frozen=True)
class Model:
    """An economy of n cities, k industries and o places of registration.

    Levels and hats are the same object: `megalopolis.economy.shares.from_shares` builds one whose kernels are
    observed shares, and then labour and wages come out in the units of the data.

    Attributes
    ----------
    kernels : ndarray, shape (c, n, n)
        ``D[c, n, i]``: ease of selling from i in n (trade cost to the power of minus theta). float64 or float32.
    kernel_of : ndarray of int, shape (k,)
        Kernel of every industry.
    theta, gamma, beta : ndarray, shape (k,)
        Trade elasticity, external economies, share of spending (they sum to one).
    log_t : ndarray, shape (k, n)
        Log of productivity to the power of theta.
    subsidy : ndarray, shape (k, n)
        Share of the wage bill that the city pays, below 1.
    transfers : ndarray, shape (n,)
        Received from elsewhere, as a share of all spending on goods; sums to zero.
    mobility : ndarray, shape (o, n)
        ``M[o, n]``: migration cost to the power of minus eps. With no rows nobody moves.
    registered : ndarray, shape (o,)
        People by place of registration; by city where nobody moves.
    log_b, log_h : ndarray, shape (n,)
        Log of amenities and of land.
    q : float
        Share of goods once housing supply is solved out, ``1 - (1 - alpha) / (1 + eta)``.
    eps : float
        Dispersion of tastes for places.
    commuting : ndarray, shape (n, n)
        ``kappa[n, i]^-nu``: ease of living in n and working in i. With no rows nobody commutes.
    nu : float
        Dispersion of tastes for workplaces, at least ``eps`` where people commute.
    inputs : ndarray, shape (l, k, n)
        Share of the gross output of industry k of a city that it pays for what it buys from industry l; the rest pays
        its workers. With no rows industries use labour alone.
    tariffs : ndarray, shape (c, n, n)
        Ad valorem on what n buys from i, by kernel, whose fall of sales ``kernels`` already hold (see `tariffed`); the
        revenue is the buyers' income. With no rows there are none.

    Raises
    ------
    ValueError
        If shapes do not fit, a parameter is outside its domain, or a city cannot be supplied or reached.
    """

    kernels: Matrix
    kernel_of: Indices
    theta: Array
    gamma: Array
    beta: Array
    log_t: Array
    subsidy: Array
    transfers: Array
    mobility: Matrix
    registered: Array
    log_b: Array
    log_h: Array
    q: float
    eps: float
    commuting: Matrix = field(default_factory=_NOBODY.copy)
    nu: float = 4.6
    inputs: Array = field(default_factory=_NONE.copy)
    tariffs: Matrix = field(default_factory=_NONE.copy)

    def __post_init__(self) -> None:
        for name in ("kernels", "mobility", "commuting", "inputs", "tariffs"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name)))
        _check_shapes(self)
        _check_finite(self)
        _check_values(self)
        _check_kernels(self)
        _check_commuting(self)

    @property
    def cities(self) -> int:
        """Number of cities."""
        return int(self.log_t.shape[1])

    @property
    def industries(self) -> int:
        """Number of industries."""
        return int(self.log_t.shape[0])

    @property
    def mobile(self) -> bool:
        """Whether people move."""
        return bool(self.mobility.shape[0] > 0)

    @property
    def commutes(self) -> bool:
        """Whether people work elsewhere than they live."""
        return bool(self.commuting.shape[0] > 0)

    @property
    def linked(self) -> bool:
        """Whether industries buy from each other."""
        return bool(self.inputs.shape[0] > 0)

    @cached_property
    def value_added(self) -> Array:
        """Share of labour in gross output, shape (k, n)."""
        return np.asarray(1.0 - self.inputs.sum(axis=0)) if self.linked else np.ones_like(self.log_t)

    @cached_property
    def received(self) -> Matrix:
        """Kernels of what reaches the seller, tariffs paid; no rows without them."""
        return np.asarray(self.kernels / (1.0 + self.tariffs)) if self.tariffs.shape[0] else self.tariffs

    def arrays(self) -> tuple[Any, ...]:
        """Return arguments of the machine code: trade, production, people."""
        place = self.log_b + (1.0 - self.q) * self.log_h
        keep = np.log1p(-self.subsidy)
        making = (self.theta, self.gamma, self.beta, self.log_t, keep, self.value_added, self.transfers)
        return (self.kernels, self.kernel_of), making, (self.mobility, self.registered, place)

    def extras(self) -> tuple[Matrix, Array, Matrix] | None:
        """Return arguments of the machine code that many models do without: commuting, inputs, tariffs; None if all."""
        if not (self.commutes or self.linked or self.tariffs.shape[0]):
            return None
        return self.commuting, self.inputs, self.received

    @property
    def scalars(self) -> tuple[float, float, float]:
        """Goods share and dispersions of tastes, arguments of the machine code."""
        return self.q, self.eps, self.nu

    def tariffed(self, tariffs: Matrix) -> Model:
        """Return the model at other tariffs (c, n, n), which change sales with the kernel's trade elasticity.

        Raises
        ------
        ValueError
            If a kernel serves industries of different elasticities, or the tariffs are not above -100 %.
        """
        if not (tariffs > -1.0).all():
            raise ValueError(f"tariff {np.min(tariffs):g} must be above -1, -100 %")
        theta = np.array([self.theta[self.kernel_of == c].max(initial=0.0) for c in range(len(self.kernels))])
        if not np.array_equal(theta[self.kernel_of], self.theta):
            raise ValueError("industries that share a kernel must share theta where there are tariffs")
        rise = (1.0 + tariffs) / (1.0 + self.tariffs if self.tariffs.shape[0] else 1.0)
        return self.changed(kernels=self.kernels * rise ** -theta[:, None, None], tariffs=tariffs)

    def changed(self, **fields: Any) -> Model:
        """Return the model with some fields replaced, checked again."""
        return replace(self, **fields)


def model(
    kernels: Matrix,
    *,
    theta: npt.ArrayLike,
    gamma: npt.ArrayLike,
    beta: npt.ArrayLike,
    productivity: npt.ArrayLike,
    registered: npt.ArrayLike,
    mobility: Matrix | None = None,
    **options: Any,
) -> Model:
    """Build a model in levels, with defaults.

    Parameters
    ----------
    kernels : ndarray, shape (c, n, n) or (n, n)
        See `Model`.
    theta, gamma, beta : float or array_like, shape (k,)
        See `Model`; scalars hold for all industries.
    productivity : array_like, shape (k, n)
        Output per worker before external economies.
    registered : array_like, shape (o,)
        See `Model`.
    mobility : ndarray, shape (o, n), optional
        See `Model`; without it nobody moves.
    **options
        ``kernel_of`` (default: the first), ``subsidy``, ``transfers`` (none), ``amenity``, ``land`` (one each),
        ``q`` (default 1), ``eps`` (default 1.5), ``commuting`` (none), ``nu`` (default 4.6), ``inputs`` (none).

    Raises
    ------
    ValueError
        As `Model`; and if productivity, amenity or land is not positive.
    """
    made = np.atleast_2d(np.asarray(productivity, dtype=np.float64))
    count, n = made.shape
    amenity, land = (_spread(options.get(name, 1.0), (n,)) for name in ("amenity", "land"))
    for name, values in (("productivity", made), ("amenity", amenity), ("land", land)):
        if not (values > 0).all() or not np.isfinite(values).all():
            raise ValueError(f"{name} must be positive and finite")
    stack, elasticity = np.asarray(kernels), _spread(theta, (count,))
    return Model(
        stack[None] if stack.ndim == 2 else stack,
        np.asarray(options.get("kernel_of", np.zeros(count)), dtype=np.int64),
        elasticity,
        _spread(gamma, (count,)),
        _spread(beta, (count,)),
        elasticity[:, None] * np.log(made),
        _spread(options.get("subsidy", 0.0), (count, n)),
        _spread(options.get("transfers", 0.0), (n,)),
        np.empty((0, n)) if mobility is None else mobility,
        np.asarray(registered, dtype=np.float64),
        np.log(amenity),
        np.log(land),
        float(options.get("q", 1.0)),
        float(options.get("eps", 1.5)),
        np.asarray(options.get("commuting", _NOBODY)),
        float(options.get("nu", 4.6)),
        np.asarray(options.get("inputs", _NONE), dtype=np.float64),
    )


def goods_share(alpha: float, eta: float) -> float:
    """Share of goods ``q`` with housing solved out: supply that rises with the real price is fixed land at this share.

    Parameters
    ----------
    alpha : float
        Share of goods in spending.
    eta : float
        Elasticity of housing supply in the real price, ``H = land (r / P)^eta``.

    Raises
    ------
    ValueError
        If alpha is outside (0, 1] or eta is negative.
    """
    if not 0.0 < alpha <= 1.0 or not eta >= 0.0:
        raise ValueError(f"goods share {alpha:g} must lie in (0, 1] and housing elasticity {eta:g} be at least 0")
    return 1.0 - (1.0 - alpha) / (1.0 + eta)


def _spread(values: npt.ArrayLike, shape: tuple[int, ...]) -> Array:
    return np.broadcast_to(np.asarray(values, dtype=np.float64), shape).copy()


def _check_shapes(m: Model) -> None:
    if m.log_t.ndim != 2 or m.cities < 1 or m.industries < 1:
        raise ValueError("productivity must be industries by cities, at least one of each")
    count, n = m.log_t.shape
    wanted = {
        "kernels": ((*m.kernels.shape[:1], n, n), m.kernels.shape),
        "kernel_of": ((count,), m.kernel_of.shape),
        "theta": ((count,), m.theta.shape),
        "gamma": ((count,), m.gamma.shape),
        "beta": ((count,), m.beta.shape),
        "subsidy": ((count, n), m.subsidy.shape),
        "transfers": ((n,), m.transfers.shape),
        "mobility": ((*m.mobility.shape[:1], n), m.mobility.shape),
        "registered": ((m.mobility.shape[0] if m.mobile else n,), m.registered.shape),
        "log_b": ((n,), m.log_b.shape),
        "log_h": ((n,), m.log_h.shape),
        "commuting": ((n, n) if m.commutes else m.commuting.shape, m.commuting.shape),
        "inputs": ((count, count, n) if m.linked else m.inputs.shape, m.inputs.shape),
        "tariffs": (m.kernels.shape if m.tariffs.shape[0] else m.tariffs.shape, m.tariffs.shape),
    }
    for name, (shape, found) in wanted.items():
        if tuple(shape) != tuple(found):
            raise ValueError(f"{name} has shape {tuple(found)}, not {tuple(shape)}")
    if count and (m.kernel_of.min() < 0 or m.kernel_of.max() >= m.kernels.shape[0]):
        raise ValueError("kernel_of names a kernel that is not there")


def _check_finite(m: Model) -> None:
    names = ("theta", "gamma", "beta", "log_t", "subsidy", "transfers", "registered", "log_b", "log_h")
    for name in (*names, "inputs", "tariffs"):
        if not np.isfinite(getattr(m, name)).all():
            raise ValueError(f"{name} has values that are not finite")


def _check_values(m: Model) -> None:
    if not (m.theta > 0).all():
        raise ValueError(f"trade elasticity theta {m.theta.min():g} must be positive")
    if (m.gamma < 0).any():
        raise ValueError(f"external economies gamma {m.gamma.min():g} must not be negative")
    if (m.gamma * m.theta > _MOST_SCALE).any():
        raise ValueError(f"gamma theta is {(m.gamma * m.theta).max():g}, above 1: equilibria collapse into one city")
    if not (m.beta > 0).all() or abs(m.beta.sum() - 1.0) > 1e-9:
        raise ValueError(f"shares of spending must be positive and sum to 1, not {m.beta.sum():g}")
    _check_money(m)


def _check_money(m: Model) -> None:
    if not (m.subsidy < 1.0).all():
        raise ValueError(f"subsidy {m.subsidy.max():g} must be below 1, the whole wage bill")
    if abs(m.transfers.sum()) > 1e-9:
        raise ValueError(f"transfers must sum to zero, not {m.transfers.sum():g}")
    if not (m.registered >= 0).all() or not m.registered.sum() > 0 or not (m.mobile or (m.registered > 0).all()):
        raise ValueError("registered people must be positive where nobody moves, and nowhere negative")
    if not 0.0 < m.q <= 1.0 or not m.eps > 0 or not np.isfinite(m.eps):
        raise ValueError(f"goods share q {m.q:g} must lie in (0, 1] and eps {m.eps:g} be positive")
    if m.commutes and not m.eps <= m.nu < np.inf:
        raise ValueError(f"tastes for workplaces nu {m.nu:g} must be at least those for places, eps {m.eps:g}")
    if m.linked and (not (m.inputs >= 0).all() or not (m.value_added > 0).all()):
        raise ValueError(f"inputs must not be negative and leave labour a share, not {m.value_added.min():g}")
    if m.tariffs.shape[0] and not (m.tariffs > -1.0).all():
        raise ValueError(f"tariff {m.tariffs.min():g} must be above -1, -100 %")


def _check_kernels(m: Model) -> None:
    for name, kernel in (("kernels", m.kernels), ("mobility", m.mobility), ("commuting", m.commuting)):
        if kernel.size and (not np.isfinite(kernel).all() or not (kernel >= 0).all()):
            raise ValueError(f"{name} must be finite and not negative")
    for axis, what in ((2, "can be supplied by no city"), (1, "can sell to no city")):
        if not (m.kernels.sum(axis=axis) > 0).all():
            raise ValueError(f"city number {int(np.argmax((m.kernels.sum(axis=axis) <= 0).any(axis=0)))} {what}")
    if m.mobile:
        if not (m.mobility.sum(axis=0) > 0).all():
            raise ValueError(f"nobody can live in city number {int(np.argmax(m.mobility.sum(axis=0) <= 0))}")
        if not (m.mobility.sum(axis=1) > 0).all():
            raise ValueError(f"people of place number {int(np.argmax(m.mobility.sum(axis=1) <= 0))} can live nowhere")


def _check_commuting(m: Model) -> None:
    for axis, what in ((1, "can work nowhere"), (0, "can be reached from nowhere for work")):
        if m.commutes and not (m.commuting.sum(axis=axis) > 0).all():
            raise ValueError(f"city number {int(np.argmax(m.commuting.sum(axis=axis) <= 0))} {what}")
