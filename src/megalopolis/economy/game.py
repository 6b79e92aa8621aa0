"""Cities that compete with subsidies, or coordinate them: Nash, Pigou, joint welfare, bargaining."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from megalopolis.economy.climb import BOUND, UnsolvedError, Value, climb, solvable
from megalopolis.economy.linear import Adjoint, Objective, objective_of
from megalopolis.economy.model import Indices, Model
from megalopolis.economy.solve import Equilibrium, solve
from megalopolis.units import Array

#: Residual of the equilibria behind gradients, and the sweeps allowed.
_TIGHT: Final = 1e-11
_SWEEPS: Final = 2000
#: The same where people commute, whose economy may have no equilibrium away from the right levies.
_SWEEPS_OF_COMMUTERS: Final = 500
#: Largest gain of the first order, in logs of the objective per log of the wedge, at which a game counts as solved.
TOLERANCE: Final = 1e-8
_ROUNDS: Final = 200
#: Solves after which the levies that pay for subsidies must be found.
_LEVIES: Final = 30
#: Steps remembered by the acceleration of a game.
_KEPT: Final = 10
#: Rounds after which the players' responses are measured again.
_REFRESH: Final = 40


@dataclass
class Game:
    """Cities that choose subsidies to industries, all others passive.

    Where nobody commutes uniform subsidies change nothing, so that the first industry is the reference and gets none.
    Where people commute, residents would pay for all who work in their city, or tax them: there a levy on all wages
    paid in the city pays for its subsidies, which are net of it, and uniform ones change nothing again. What is chosen
    is the wedge of the other industries over the first.

    Attributes
    ----------
    model : Model
        Economy; its subsidies hold for cities that do not play.
    players : ndarray of int, shape (p,)
        Cities that choose.
    objective : str
        See `megalopolis.economy.linear.objective_of`.
    """

    model: Model
    players: Indices
    objective: Objective = "welfare"
    _last: Equilibrium | None = field(default=None, repr=False)
    _at: Array | None = field(default=None, repr=False)
    _adjoint: Adjoint = field(init=False, repr=False)

    def __post_init__(self) -> None:
        chosen = np.asarray(self.players, dtype=np.int64)
        if chosen.size < 1 or chosen.size != np.unique(chosen).size:
            raise ValueError("a game needs players, each once")
        if chosen.min() < 0 or chosen.max() >= self.model.cities:
            raise ValueError(f"player {chosen.max()} is no city of the economy")
        if self.model.industries < 2:
            raise ValueError("subsidies are set against the first industry: a game needs two industries or more")
        self.players = chosen
        self._adjoint = Adjoint(chosen if self.model.commutes else None)

    @property
    def size(self) -> tuple[int, int]:
        """Players and industries that are chosen."""
        return self.players.size, self.model.industries - 1

    def equilibrium(self, wedge: Array) -> Equilibrium:
        """Solve the economy at the players' wedges.

        Parameters
        ----------
        wedge : ndarray, shape (p, k - 1)
            ``-ln(1 - s)`` of every industry but the first, less that of the first.

        Raises
        ------
        ValueError
            If the equilibrium does not converge.
        """
        if self._at is not None and self._last is not None and np.array_equal(self._at, wedge):
            return self._last
        self._last, self._at = self._levied(wedge), wedge.copy()
        return self._last

    def _levied(self, wedge: Array) -> Equilibrium:
        """Solve, where people commute with the levies that pay for the subsidies."""
        own = np.column_stack([np.zeros(len(wedge)), wedge])
        found = self._last
        if found is None or not self.model.commutes:
            found = self._solved(own, found)
        for _ in range(_LEVIES if self.model.commutes else 0):
            work = (found.labour / found.workers)[:, self.players].T
            levy = np.log((np.exp(-own) * work).sum(axis=1, keepdims=True))
            if found is not self._last and np.abs(levy).max() <= _TIGHT:
                break
            own = own + levy
            found = self._solved(own, found)
        return found

    def _solved(self, wedge: Array, near: Equilibrium | None) -> Equilibrium:
        """Solve at wedges of all industries, shape (p, k)."""
        subsidy = self.model.subsidy.copy()
        subsidy[:, self.players] = -np.expm1(-wedge.T)
        start = None if near is None else near.state
        limit = _SWEEPS_OF_COMMUTERS if self.model.commutes else _SWEEPS
        found = solve(self.model.changed(subsidy=subsidy), start, tolerance=_TIGHT, limit=limit)
        if found.residual > 100.0 * _TIGHT:
            raise UnsolvedError(f"the economy at these subsidies is not solved: residual {found.residual:.1e}")
        return found

    def values(self, wedge: Array) -> Array:
        """Objectives of the players in logs, shape (p,)."""
        return objective_of(self.equilibrium(wedge), self.players, self.objective)

    def slope(self, wedge: Array, weights: Array) -> Array:
        """Gradient (p, k - 1) of the weighted sum of the players' objectives by their wedges."""
        return self._adjoint.gradient(self.equilibrium(wedge), self.players, self.objective, weights)[:, 1:]

    @property
    def shares(self) -> Array:
        """Shares of the industries that are chosen in the players' workers, at the last equilibrium, (p, k - 1)."""
        if self._last is None:
            raise ValueError("no equilibrium was solved yet")
        return np.asarray((self._last.labour / self._last.workers)[1:, self.players].T)

    def conditions(self, wedge: Array) -> tuple[Array, float]:
        """Every player's gradient by its own wedges, per share of the industry in its workers, and the largest gain.

        Returns
        -------
        tuple
            Gradient, shape (p, k - 1); largest gradient in logs of the objective that does not point out of the bounds.
        """
        found = self.equilibrium(wedge)
        own = np.einsum("ppk->pk", self._adjoint.gradients(found, self.players, self.objective)[1][:, :, 1:])
        inside = ~((wedge >= BOUND) & (own > 0) | (wedge <= -BOUND) & (own < 0))
        return own / self.shares, float(np.abs(own * inside).max())


@dataclass(frozen=True)
class Outcome:
    """A solved game.

    Attributes
    ----------
    name : str
        ``free``, ``nash``, ``pigou``, ``cooperate`` or ``bargain``.
    subsidy : ndarray, shape (p, k)
        Of every player: zero in the first industry, or net of the levy that pays for them where people commute.
    values : ndarray, shape (p,)
        Objectives in logs.
    equilibrium : Equilibrium
        Economy at these subsidies.
    gradient : float
        Largest first-order gain left, in logs of an objective per log of the wedge; without a maximisation NaN.
    rounds : int
        Equilibria with gradients that were solved.
    """

    name: str
    subsidy: Array
    values: Array
    equilibrium: Equilibrium
    gradient: float
    rounds: int


def _outcome(game: Game, name: str, wedge: Array, gradient: float, rounds: int) -> Outcome:
    found = game.equilibrium(wedge)
    subsidy = np.ascontiguousarray(found.model.subsidy[:, game.players].T)
    return Outcome(name, subsidy, objective_of(found, game.players, game.objective), found, gradient, rounds)


def free(game: Game) -> Outcome:
    """No subsidies."""
    return _outcome(game, "free", np.zeros(game.size), float("nan"), 0)


def pigou(game: Game) -> Outcome:
    """Everyone pays what external economies are worth, ``s = gamma / (v + gamma)``, relative to the first industry.

    ``v`` is the share of labour in the industry's gross output, 1 where industries use labour alone: then workers make
    ``(v + gamma)`` of what is sold and are paid ``v`` of it.
    """
    return _outcome(game, "pigou", _external(game), float("nan"), 0)


def _external(game: Game) -> Array:
    """Wedges of `pigou`, shape (p, k - 1): workers make ``v + gamma`` of sales and are paid ``v`` of them."""
    wedge = np.log1p(game.model.gamma[:, None] / game.model.value_added[:, game.players])
    return np.asarray((wedge[1:] - wedge[0]).T)


def nash(game: Game, *, tolerance: float = TOLERANCE, rounds: int = _ROUNDS) -> Outcome:
    """Nash equilibrium: nobody gains to first order by changing its own subsidies.

    First-order conditions of all players are solved by Newton steps on each player's own conditions, with Anderson
    acceleration for what players do to each other. A player's response to its own industries is measured by moving
    one industry of all players at a time, up or down at random, so that the others' part averages out.

    Parameters
    ----------
    game : Game
        Who plays for what.
    tolerance : float
        Largest first-order gain, in logs of the objective per log of the wedge.
    rounds : int
        Equilibria with gradients after which to stop.

    Returns
    -------
    Outcome
        With the gradient that is left; `regret` certifies it globally.

    Raises
    ------
    ValueError
        If the conditions are not met within the rounds.
    """
    wedge = _external(game) / 2.0
    gap, gain = game.conditions(wedge)
    block, used = np.empty((0, 0, 0)), 1
    states: list[Array] = []
    steps: list[Array] = []
    while gain > tolerance:
        if used >= rounds:
            raise ValueError(f"no Nash equilibrium after {used} rounds: a first-order gain of {gain:.1e} is left")
        if len(states) % _REFRESH == 0:
            block = _response(game, wedge, gap)
            used += wedge.shape[1]
            states.clear()
            steps.clear()
        states.append(wedge.ravel())
        steps.append(np.asarray(-np.linalg.solve(block, gap[:, :, None]), dtype=np.float64).ravel())
        wedge = np.clip(_accelerated(states[-_KEPT:], steps[-_KEPT:]), -BOUND, BOUND).reshape(wedge.shape)
        gap, gain = game.conditions(wedge)
        used += 1
    return _outcome(game, "nash", wedge, gain, used)


def _response(game: Game, wedge: Array, gap: Array) -> Array:
    """Response of every player's conditions to its own industries, (p, k - 1, k - 1); concave ones only."""
    step, block = 1e-4, np.empty((*wedge.shape, wedge.shape[1]))
    rng = np.random.default_rng(0)  # the same signs on every run
    for k in range(wedge.shape[1]):
        sign = rng.choice([-1.0, 1.0], size=game.players.size)
        moved = wedge.copy()
        moved[:, k] += step * sign
        block[:, :, k] = (game.conditions(moved)[0] - gap) / step * sign[:, None]
    root = np.sqrt(game.shares)
    even = block * root[:, :, None] / root[:, None, :]  # symmetric but for the noise of the others
    values, vectors = np.linalg.eigh((even + np.transpose(even, (0, 2, 1))) / 2.0)
    values = np.minimum(values, 0.2 * np.median(values))
    even = (vectors * values[:, None, :]) @ np.transpose(vectors, (0, 2, 1))
    return np.asarray(even / root[:, :, None] * root[:, None, :])


def _accelerated(states: list[Array], steps: list[Array]) -> Array:
    """Next state by Anderson's method from the last states and their steps."""
    nxt = states[-1] + steps[-1]
    if len(states) > 1:
        ds = np.diff(np.array(steps), axis=0)
        dx = np.diff(np.array(states), axis=0)
        weights = np.linalg.lstsq(ds.T, steps[-1], rcond=1e-8)[0]
        nxt = nxt - weights @ (dx + ds)
    move = nxt - states[-1]
    return np.asarray(states[-1] + move * min(1.0, 0.3 / max(float(np.abs(move).max()), 1e-300)))


def cooperate(game: Game, weights: Array | None = None) -> Outcome:
    """Joint maximum of the weighted sum of the players' objectives.

    Parameters
    ----------
    game : Game
        Who plays for what.
    weights : ndarray, shape (p,), optional
        Positive; by default people registered in each city, else residents.

    Raises
    ------
    ValueError
        If weights are not positive.
    """
    weights = _weights(game, weights)

    def value(wedge: Array) -> tuple[float, Array]:
        return float(weights @ game.values(wedge)), game.slope(wedge, weights)

    return _best(game, "cooperate", value, pigou(game).subsidy)


def bargain(game: Game, threat: Outcome, weights: Array | None = None) -> Outcome:
    """Nash bargaining: maximum of the weighted sum of the logs of gains over the threat (Nash 1950).

    Parameters
    ----------
    game : Game
        Who plays for what.
    threat : Outcome
        What happens without agreement, such as the Nash equilibrium.
    weights : ndarray, shape (p,), optional
        Bargaining power; by default equal.

    Raises
    ------
    ValueError
        If no subsidies were found from which every player gains.
    """
    power = np.full(game.players.size, 1.0 / game.players.size) if weights is None else _weights(game, weights)
    common = pigou(game)
    start = common.subsidy if (common.values > threat.values).all() else _pareto(game, threat)

    def value(wedge: Array) -> tuple[float, Array]:
        gain = game.values(wedge) - threat.values
        if (gain <= 0).any():
            return -np.inf, np.zeros_like(wedge)
        return float(power @ np.log(gain)), game.slope(wedge, power / gain)

    best = _best(game, "bargain", value, start)
    return replace(best, gradient=best.gradient / float((power / (best.values - threat.values)).sum()))


def _pareto(game: Game, threat: Outcome) -> Array:
    """Subsidies from which every player gains over the threat: climb ever sharper soft minima of the gains."""
    size = max(float(np.abs(pigou(game).values - threat.values).max()), 1e-9)
    subsidy = threat.subsidy
    for sharp in (3.0 / size, 30.0 / size, 300.0 / size):

        def value(wedge: Array, sharp: float = sharp) -> tuple[float, Array]:
            gain = game.values(wedge) - threat.values
            share = np.exp(-sharp * (gain - gain.min()))
            soft = gain.min() - np.log(share.sum()) / sharp
            return float(soft), game.slope(wedge, share / share.sum())

        best = _best(game, "fair", value, subsidy)
        if (best.values > threat.values).all():
            return best.subsidy
        subsidy = best.subsidy
    raise ValueError("no agreement was found from which every city gains over the threat")


def regret(game: Game, found: Outcome, sample: Indices, rng: np.random.Generator, *, starts: int = 2) -> Array:
    """Most that each sampled player could gain alone, in logs of its objective, shape (s,).

    Parameters
    ----------
    game : Game
        Who plays for what.
    found : Outcome
        Nash equilibrium.
    sample : ndarray of int, shape (s,)
        Positions in ``game.players``.
    rng : Generator
        Draws the starts of the best responses around the equilibrium, beside the equilibrium itself.
    starts : int
        Further starts.
    """
    gains, nash = np.zeros(sample.size), _wedges(found.subsidy)
    for at, player in enumerate(sample):

        def value(own: Array, player: int = player) -> tuple[float, Array]:
            wedge = nash.copy()
            wedge[player] = own[0]
            return float(game.values(wedge)[player]), game.slope(wedge, np.eye(len(nash))[player])[[player]]

        own, away = nash[[player]], [rng.standard_normal((1, game.model.industries))[:, 1:] for _ in range(starts)]
        begins = [own, *(solvable(value, own, 0.2 * step) for step in away)]
        gains[at] = (
            max(value(climb(value, begin, tolerance=TOLERANCE, close=1e-12)[0])[0] for begin in begins)
            - found.values[player]
        )
    return gains


def _wedges(subsidy: Array) -> Array:
    """Wedges (p, k - 1) over the first industry, of subsidies (p, k)."""
    wedge = -np.log1p(-subsidy)
    return np.asarray(wedge[:, 1:] - wedge[:, :1])


def _weights(game: Game, weights: Array | None) -> Array:
    if weights is None:
        m = game.model
        square = not m.mobile or m.mobility.shape[0] == m.cities
        base = m.registered if square else np.ones(m.cities)
        weights = base[game.players]
    if weights.shape != game.players.shape or not (weights > 0).all():
        raise ValueError("weights must be positive, one for each player")
    return np.asarray(weights / weights.sum())


def _best(game: Game, name: str, value: Value, start: Array) -> Outcome:
    x, left, rounds = climb(value, _wedges(start), tolerance=TOLERANCE)
    return _outcome(game, name, x, left, rounds)
