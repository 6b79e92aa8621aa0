"""Run times of the fastest train of a line, as minutes that add up along any itinerary.

The fastest trains call only where many people live. A call costs the dwell and the minutes lost in braking and in
accelerating again; a station that the train passes costs nothing. Half of the expected cost of a call (its
probability times its minutes) lies on each of the two legs that meet at a station, so that the minutes of legs add
up over stations and from line to line; `end_minutes` corrects the two ends of a ride, where the train stands for
certain but the dwell is not ridden.

Braking and accelerating at a constant rate ``a`` from and to the speed ``v`` loses ``v / a`` against passing at
speed (Vuchic 2007, Urban Transit Systems and Technology, chapter 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]


def call_probability(population: ArrayLike, half_population: float, steepness: float) -> Array:
    """Probability that the fastest train calls at the station of a city: logistic in the logarithm of its size.

    ``p = 1 / (1 + (half / population) ** steepness)``

    Parameters
    ----------
    population
        Residents of the city served, persons; 0 where nobody boards (junction posts).
    half_population
        Persons at which half of the fastest trains call, above 0.
    steepness
        Slope of the logistic in the logarithm of the population, at least 0.

    Returns
    -------
    ndarray
        Probabilities in the shape of `population`; 0 where the population is 0.

    Raises
    ------
    ValueError
        Where a population is negative or NaN.
    """
    persons = np.asarray(population, dtype=np.float64)
    if not (persons >= 0).all():
        raise ValueError("populations must be at least 0, without gaps")
    served = persons > 0
    ratio = half_population / np.where(served, persons, 1.0)
    return np.where(served, 1.0 / (1.0 + ratio**steepness), 0.0)


def stop_loss_minutes(speed_kmh: ArrayLike, acceleration: float) -> Array:
    """Minutes lost by braking from a speed and accelerating to it again, dwell excluded.

    Parameters
    ----------
    speed_kmh
        Speed between stations, km/h.
    acceleration
        Mean rate of braking and of accelerating, m/s2.
    """
    return np.asarray(speed_kmh, dtype=np.float64) / 3.6 / acceleration / 60.0


def leg_minutes(
    km: ArrayLike,
    speed_kmh: ArrayLike,
    call_from: ArrayLike,
    call_to: ArrayLike,
    dwell_min: float,
    acceleration: float,
    passed: ArrayLike = 0.0,
) -> Array:
    """Minutes of the fastest train between consecutive stops, half of the expected calls at both included.

    Parameters
    ----------
    km
        Length of each leg, ``(legs,)``, above 0.
    speed_kmh
        Speed between stations on each leg, km/h, above 0.
    call_from, call_to
        Probability that the train calls at either end.
    dwell_min
        Standing time of a call, minutes.
    acceleration
        Mean rate of braking and of accelerating, m/s2.

    Returns
    -------
    ndarray
        Minutes, ``(legs,)``.

    Raises
    ------
    ValueError
        Where a length or a speed is not positive.
    """
    length, speed = np.asarray(km, dtype=np.float64), np.asarray(speed_kmh, dtype=np.float64)
    if not (length > 0).all() or not (speed > 0).all():
        raise ValueError("every leg needs a length and a speed above 0")
    calls = (np.asarray(call_from, dtype=np.float64) + np.asarray(call_to, dtype=np.float64)) / 2 + np.asarray(
        passed, dtype=np.float64
    )
    return np.asarray(60.0 * length / speed + calls * (dwell_min + stop_loss_minutes(speed, acceleration)))


def end_minutes(speed_kmh: ArrayLike, call: ArrayLike, dwell_min: float, acceleration: float) -> Array:
    """Minutes to add at each end of a ride: half a braking and accelerating, less half of the expected call.

    Parameters
    ----------
    speed_kmh
        Speed of the line ridden, km/h.
    call
        Probability of a call at the station, as used for its legs.
    dwell_min, acceleration
        As in `leg_minutes`.

    Returns
    -------
    ndarray
        Minutes, between minus half the dwell and half the loss of a stop.
    """
    loss = stop_loss_minutes(speed_kmh, acceleration)
    return np.asarray((loss - np.asarray(call, dtype=np.float64) * (dwell_min + loss)) / 2)
