"""Measures against numbers worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from megalopolis.clusters import measures as m

ALL = np.arange(3)


def test_total_with_share_and_coverage():
    # Output of cities 10, ?, 30, 60; people 1, 3, 4, 2. The cluster is the first three.
    gdp, people = np.array([10.0, np.nan, 30, 60]), np.array([1.0, 3, 4, 2])
    t = m.total(gdp, ALL, people)
    assert (t.value, t.share) == (40, 0.4)
    assert t.coverage == pytest.approx(5 / 8)
    assert t.coverage_region == pytest.approx(7 / 10)
    nothing = m.total(gdp, np.array([1]), people)
    assert np.isnan(nothing.value)
    assert np.isnan(nothing.share)
    assert nothing.coverage == 0


def test_ratio_counts_only_cities_with_both():
    people, area = np.array([100.0, 200, 300]), np.array([10.0, np.nan, 30])
    assert m.ratio(people, area, ALL) == 10
    assert np.isnan(m.ratio(people, area, np.array([1])))


def test_rank_size_slope():
    assert m.rank_size_slope(60 / np.arange(1, 7)) == pytest.approx(-1)  # Zipf's rule itself
    assert m.rank_size_slope(np.full(4, 7.0)) == pytest.approx(0)
    assert m.rank_size_slope(np.array([5.0, np.nan, 5, 5, 1e-9]), largest=3) == pytest.approx(0)
    assert np.isnan(m.rank_size_slope(np.array([3.0, 2, 0])))


def test_functional_polycentricity_by_hand():
    # Inflows 4, 2, 0 (mean 2, sd sqrt(8/3)), largest 4: s_max = 2; two of six ordered pairs flow.
    flows = np.array([[0.0, 2, 0], [4, 0, 0], [0, 0, 0]])
    assert m.functional_polycentricity(flows, ALL) == pytest.approx((1 - np.sqrt(8 / 3) / 2) * 2 / 6)
    assert m.functional_polycentricity(np.ones((3, 3)), ALL) == 1
    star = np.array([[0.0, 0, 0], [1, 0, 0], [1, 0, 0]])
    assert m.functional_polycentricity(star, ALL) < 0.05
    assert np.isnan(m.functional_polycentricity(flows, np.array([2, 0])[:1]))
    assert np.isnan(m.functional_polycentricity(np.zeros((3, 3)), ALL))


def test_two_cities_of_which_one_has_nothing_are_not_polycentric():
    assert m.functional_polycentricity(np.array([[0.0, 5], [0, 0]]), np.arange(2)) == 0


def test_cohesion_by_hand():
    flows = np.array([[0.0, 3, 1], [2, 0, 2], [9, 9, 0]])
    assert m.cohesion(flows, np.array([0, 1])) == pytest.approx(5 / 8)
    assert m.cohesion(flows, ALL) == 1
    assert np.isnan(m.cohesion(np.zeros((3, 3)), ALL))


def test_internal_times_by_hand():
    # People 1, 2, 3. Pairs (both ways): 0-1 30 min weight 2, 0-2 90 min weight 3, 1-2 60 min weight 6.
    t = np.array([[0.0, 30, 90], [30, 0, 60], [90, 60, 0]])
    got = m.internal_times(t, np.array([1.0, 2, 3]), ALL)
    assert got.mean == pytest.approx((30 * 2 + 90 * 3 + 60 * 6) / 11)
    assert got.p90 == 90
    # Within 60: city 0 finds 3, city 1 finds 6, city 2 finds 5; by people (3 + 12 + 15) / 6.
    assert got.population_within == pytest.approx(5)
    alone = m.internal_times(t, np.array([1.0, 2, 3]), np.array([1]))
    assert np.isnan(alone.mean)
    assert alone.population_within == 2


def test_weighted_quantile():
    values, weight = np.array([3.0, 1, 2]), np.array([1.0, 8, 1])
    assert [m.weighted_quantile(values, weight, q) for q in (0.5, 0.8, 0.9, 0.95)] == [1, 1, 2, 3]


# Two industries: city 0 has 30 and 10, city 1 has 10 and 30, city 2 has 20 and 0.
INDUSTRY = np.array([[30.0, 10], [10, 30], [20, 0]])


def test_location_quotients_by_hand():
    # The region: 60 and 40 of 100.
    expected = [[0.75 / 0.6, 0.25 / 0.4], [0.25 / 0.6, 0.75 / 0.4], [1 / 0.6, 0]]
    np.testing.assert_allclose(m.location_quotients(INDUSTRY), expected)


def test_krugman_and_similarity_by_hand():
    shares = m.industry_shares(INDUSTRY)
    np.testing.assert_allclose(m.krugman_index(shares), [[0, 1, 0.5], [1, 0, 1.5], [0.5, 1.5, 0]])
    np.testing.assert_allclose(m.export_similarity(shares), [[1, 0.5, 0.75], [0.5, 1, 0.25], [0.75, 0.25, 1]])


def test_duplication_by_hand():
    got = m.duplication(INDUSTRY, ALL)
    # Output 40, 40, 20: pair weights 1600, 800, 800 of 3200.
    assert got.krugman == pytest.approx(0.5 * 1 + 0.25 * 0.5 + 0.25 * 1.5)
    assert got.similarity == pytest.approx(1 - got.krugman / 2)
    # Against the whole (0.6, 0.4): 0.3, 0.7, 0.8.
    assert got.specialization == pytest.approx(0.4 * 0.3 + 0.4 * 0.7 + 0.2 * 0.8)
    assert got.coverage == 1


def test_missing_industries_are_left_out_and_counted():
    values = np.vstack([INDUSTRY, [[np.nan, 5]], [[0, 0]]])
    got = m.duplication(values, np.arange(5))
    assert got.coverage == pytest.approx(3 / 5)
    assert got.krugman == m.duplication(INDUSTRY, ALL).krugman
    assert np.isnan(m.duplication(values, np.array([0, 3])).krugman)
    assert np.isnan(m.location_quotients(values)[3:]).all()
    np.testing.assert_allclose(m.location_quotients(values)[:3], m.location_quotients(INDUSTRY))
    with pytest.raises(ValueError, match="not be negative"):
        m.industry_shares(np.array([[-1.0, 2]]))


@given(st.integers(0, 10_000), st.integers(2, 8), st.integers(1, 6))
def test_similarity_is_one_less_half_the_krugman_index(seed, n, s):
    shares = m.industry_shares(np.random.default_rng(seed).random((n, s)) + 0.01)
    krugman = m.krugman_index(shares)
    np.testing.assert_allclose(m.export_similarity(shares), 1 - krugman / 2)
    assert (krugman >= 0).all()
    assert (krugman <= 2).all()
