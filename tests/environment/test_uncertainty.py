"""Draws in one kernel against one solve each; oxygen counts."""

import numpy as np

from megalopolis.environment.face import run
from megalopolis.environment.inputs import basin_of, oxygen_loads, water_of
from megalopolis.environment.uncertainty import _looped, _oxygenated, _swept

DRAWS = (np.array([0.6, 1.0, 1.7]), np.exp(0.4 * np.random.default_rng(0).standard_normal((3, 5))))


def test_draws_in_one_kernel_are_single_solves(toy, frames, parameters):
    frames["discharges"]["entry"] = ["head", "along", "head", "along"]
    basin = basin_of(toy.replace(frames), parameters)
    rng = np.random.default_rng(7)
    mean = run(toy.replace(frames), parameters=parameters).tables["sections"]
    for _ in range(20):
        caps = mean[list(basin.pollutants)].to_numpy(float).T * rng.uniform(0.5, 2, (5, 3))
        one, two = np.ones((3, 3)), np.ones((3, 3))
        _swept(basin, parameters, DRAWS, caps, one)
        _looped(basin, parameters, DRAWS, caps, two)
        np.testing.assert_array_equal(one, two)


def test_the_given_flow_and_rates_are_the_state_itself(toy, frames, parameters):
    basin = basin_of(toy.replace(frames), parameters)
    still = (np.ones(1), np.ones((1, 5)))
    oxygen = run(toy.replace(frames), parameters=parameters).tables["sections"]["do"].to_numpy(float)
    for margin, expected in ((1e-9, 0.0), (-1e-9, 1.0)):
        met = np.ones((1, 3))
        _oxygenated(basin, parameters, still, oxygen + margin, met)
        assert (met == expected).all()


def test_loads_of_two_parts_are_those_of_the_whole(toy, frames, parameters):
    basin = basin_of(toy.replace(frames), parameters)
    water = water_of(basin, parameters)
    natural = basin.city == "background"
    whole = oxygen_loads(basin, water, basin.load, parameters)
    parts = [oxygen_loads(basin, water, basin.load, parameters, of=who) for who in (natural, ~natural)]
    for name, load in whole.items():
        np.testing.assert_allclose(parts[0][name] + parts[1][name], load)
