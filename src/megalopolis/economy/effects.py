"""What a change is worth: quantities at base prices, equivalent variation, and its exact decomposition."""

from __future__ import annotations

import numpy as np

from megalopolis.economy.model import Model
from megalopolis.economy.solve import Equilibrium
from megalopolis.units import Array


def outcomes(base: Equilibrium, new: Equilibrium, *, gdp: float, housing: tuple[float, float]) -> dict[str, Array]:
    """Outcomes of every city in currency of the base case.

    Nominal values are deflated by the geometric mean change of goods' prices, weighted by base spending: they are at
    national prices of the base case.

    Parameters
    ----------
    base, new : Equilibrium
        Of the same cities and places of registration.
    gdp : float
        Income of all cities of the base case, rents included, in currency per year.
    housing : tuple of float
        Share of housing in spending and elasticity of its supply.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        ``population``; ``wage`` by place of work, ``real_income`` (currency per head and year), ``gdp`` (currency per
        year, where it is made), ``rent`` (1 in the base case), ``welfare`` (equivalent variation, currency per year) by
        place of registration.
    """
    unit = gdp * base.model.q
    price = new.log_price - base.log_price
    level = float(base.spending @ price)
    deflate = unit * np.exp(-level)
    income = base.spending / base.model.q * unit
    earned = np.log(new.spending / base.spending) - price
    land = new.model.log_h - base.model.log_h
    return {
        "population": new.people,
        "wage": new.wage * deflate,
        "gdp": new.bills.sum(axis=0) / new.model.q * deflate,
        "real_income": income / base.people * np.exp(new.log_real_income - base.log_real_income),
        "rent": np.exp(price - level + (earned - land) / (1.0 + housing[1])),
        "welfare": equivalent_variation(base, new, income / base.people),
    }


def equivalent_variation(base: Equilibrium, new: Equilibrium, income: Array) -> Array:
    """Money that the registered would need in the base case to be as well off as in the new one.

    Expected utility is homogeneous of degree one in income at given prices and rents, so that a change by the factor
    U is worth ``(U - 1)`` times the income of the base case (money metric: McKenzie 1983).

    Parameters
    ----------
    base, new : Equilibrium
        Of the same places of registration.
    income : ndarray, shape (n,)
        Income per resident of the base case.

    Returns
    -------
    ndarray, shape (o,)
        In the unit of income.
    """
    m = base.model
    own = base.migration_shares() @ income if m.mobile else income
    return np.asarray(m.registered * own * np.expm1(new.log_welfare - base.log_welfare))


def decomposition(base: Equilibrium, new: Equilibrium) -> dict[str, Array]:
    """Log change of the welfare of the registered, by channel; the parts sum to it exactly.

    Home shares stand for market access (Arkolakis, Costinot and Rodriguez-Clare 2012):
    ``ln (w / P) = sum_k psi_k [ln(D_nn T_nk)/theta_k + gamma_k ln L_nk - v_k ln(1 - s_nk) - ln(pi_nnk)/theta_k]``, with
    the weights of `weights_of_industries`, and the share of those who stay for the option of moving:
    ``ln U_n = ln V_n + (ln M_nn - ln lambda_nn) / eps``. Commuting adds the worth of choosing where to work and what
    residents earn on the mean over the wage of their city: ``ln(W^(1/nu)/vbar) + q ln(vbar/w)``.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        ``market access``, ``scale``, ``fiscal``, ``productivity``, ``housing``, ``amenity``, ``moving``, ``commuting``.

    Raises
    ------
    ValueError
        If places of registration are not the cities.
    """
    m, w = new.model, base.model
    if m.mobile and m.mobility.shape[0] != m.cities:
        raise ValueError("places of registration must be the cities")
    share = m.q * weights_of_industries(m)
    home = _log_home(new) - _log_home(base)
    here = _log_own(new) - _log_own(base) + m.log_t - w.log_t
    wedge = m.value_added * (np.log1p(-m.subsidy) - np.log1p(-w.subsidy))
    crowd = np.log(new.people / base.people) - (m.log_h - w.log_h)
    moving = np.zeros(m.cities)
    if m.mobile:
        kept = [np.log(np.diag(e.migration_shares())) - np.log(np.diag(e.model.mobility)) for e in (base, new)]
        moving = (kept[0] - kept[1]) / m.eps
    theta = m.theta[:, None]
    return {
        "market access": -(share / theta * home).sum(axis=0),
        "scale": (share * m.gamma[:, None] * (new.log_labour - base.log_labour)).sum(axis=0),
        "fiscal": m.q * (_log_paid(new) - _log_paid(base)) - (share * wedge).sum(axis=0),
        "productivity": (share / theta * here).sum(axis=0),
        "housing": -(1.0 - m.q) * crowd,
        "amenity": m.log_b - w.log_b,
        "moving": moving,
        "commuting": _log_commuting(new) - _log_commuting(base),
    }


def weights_of_industries(model: Model) -> Array:
    """Share of each industry in what is consumed, with all that goes into it, shape (k, n).

    ``(I - G_n)^-1 beta``, the inverse of Leontief (Costinot and Rodriguez-Clare 2014, equation 28).
    """
    if not model.linked:
        return np.broadcast_to(model.beta[:, None], model.log_t.shape)
    links = np.eye(model.industries) - np.moveaxis(model.inputs, 2, 0)
    right = np.broadcast_to(model.beta[:, None], (model.cities, model.industries, 1))
    return np.asarray(np.linalg.solve(links, right)[:, :, 0].T)


def _log_paid(found: Equilibrium) -> Array:
    """Log of spending over what residents earn: taxes for subsidies, transfers, tariffs."""
    earned = np.exp(found.log_mean_wage) if found.model.commutes else found.wage
    return np.log(found.spending / (earned * found.people))


def _log_commuting(found: Equilibrium) -> Array:
    """Log of the worth of the places of work in reach over the city's own."""
    return np.asarray(found.log_choice_of_work + found.model.q * (found.log_mean_wage - found.log_wage))


def _log_own(found: Equilibrium) -> Array:
    """Log ease of selling at home, shape (k, n)."""
    own = np.einsum("cnn->cn", found.model.kernels).astype(np.float64)
    return np.asarray(np.log(own)[found.model.kernel_of])


def _log_home(found: Equilibrium) -> Array:
    """Log share of spending that stays at home, shape (k, n)."""
    return np.asarray(_log_own(found) + found.log_a - found.log_market)
