"""Roads around what no road crosses."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import dijkstra

from megalopolis.travel.land import around, crossings, on_this_side, road_matrix
from megalopolis.travel.road import Access, RoadSpeeds, road_minutes

NONE = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
SPEEDS = RoadSpeeds(detour=1.0, band_km=(10.0, 60.0), band_kmh=(30.0, 60.0, 120.0), terminal_min=15.0)


def test_crossings_by_hand():
    """A bay between the first two cities; the third lies south of it."""
    lon, lat = np.array([-1.0, 1.0, 0.0]), np.array([0.0, 0.0, -2.0])
    crossed = crossings(lon, lat, np.array([[0.0, -1.0, 0.0, 1.0]]))
    np.testing.assert_array_equal(crossed, np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=bool))


def test_nobody_goes_over_a_barrier_to_the_station_of_another_city():
    """A strait between two cities, with a station of each; the first city's own station lies on the far side."""
    cities, stations = np.array([[0.0, 0.0], [0.0, 1.0]]), np.array([[0.1, 0.9], [0.0, 1.1], [0.0, 0.8]])
    ways = Access(np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 2, 0, 1, 2]), np.arange(6.0))
    found = on_this_side(ways, np.array([0, 1, 1]), cities, stations, np.array([[-1.0, 0.5, 1.0, 0.5]]))
    assert found.city.tolist() == [0, 1, 1, 1]
    assert found.station.tolist() == [0, 0, 1, 2]
    assert found.minutes.tolist() == [0.0, 3.0, 4.0, 5.0]


def test_a_crossed_pair_takes_the_shortest_distance_over_others():
    km = np.array([[0.0, 50, 80, 200], [50, 0, 90, 30], [80, 90, 0, 40], [200, 30, 40, 0]])
    crossed = np.zeros((4, 4), dtype=bool)
    for one, two in ((0, 1), (1, 2)):
        crossed[one, two] = crossed[two, one] = True
    found = around(km, crossed)
    assert found[1, 2] == 30 + 40
    assert found[0, 1] == found[1, 0] == 80 + 40 + 30  # over the third and the fourth city
    crossed[0, :] = crossed[:, 0] = [False, True, True, True]
    assert np.isinf(around(km, crossed)[0, 1:]).all()


@given(st.integers(0, 10_000), st.integers(3, 8), st.floats(0.0, 1.0))
def test_around_equals_dijkstra_on_the_crossed_pairs(seed, n, share):
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 100, (n, 2))
    km = np.hypot(*(points[:, None] - points[None, :]).transpose(2, 0, 1))
    crossed = np.triu(rng.random((n, n)) < share, 1)
    crossed |= crossed.T
    weights = np.where(crossed, 0.0, km)  # scipy takes 0 for no way
    expected = np.where(crossed, dijkstra(weights, directed=False), km)
    np.testing.assert_allclose(around(km, crossed), expected)


def test_known_times_replace_and_are_used_by_others():
    """A bridge from the second city to the fourth; the first reaches the fourth by it."""
    km = np.array([[0.0, 60, 300], [60, 0, np.inf], [300, np.inf, 0]])
    plain = road_matrix(km, SPEEDS, NONE)
    assert plain[0, 1] == road_minutes(np.array(60.0), SPEEDS) == 15 + 20 + 50
    assert np.isinf(plain[1, 2])
    bridge = (np.array([1, 2]), np.array([2, 1]), np.array([45.0, 45.0]))
    found = road_matrix(km, SPEEDS, bridge)
    assert found[1, 2] == 45
    assert found[0, 2] == (plain[0, 1] - 15) + (45 - 15) + 15
    assert found[0, 1] == plain[0, 1]
