"""What if a line were built: a network worked by hand, and every edit against the full solve."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from megalopolis.travel import what_if
from megalopolis.travel.what_if import (
    Base,
    HeadwayLine,
    Ways,
    add,
    at_speed,
    change,
    every,
    insert,
    line_minutes,
    remove,
    solve,
    with_stop,
    without_stop,
)

INF = np.inf


def plain(n, lines, ways):
    """Floyd-Warshall on the rides themselves: no line graph, no elimination, no insertion."""
    found = np.full((n, n), INF)
    np.fill_diagonal(found, 0)
    for t, h, w in zip(ways.tails, ways.heads, ways.minutes, strict=True):
        found[t, h] = found[h, t] = min(found[t, h], w)
    for line in lines:
        for a, one in enumerate(line.stops):
            for b, two in enumerate(line.stops):
                if one != two:
                    ride = abs(line.minutes[:b].sum() - line.minutes[:a].sum())
                    found[one, two] = min(found[one, two], line.headway_min / 2 + line.change_min + ride)
    for k in range(n):
        found = np.minimum(found, found[:, k, None] + found[k])
    return found


def test_a_line_by_hand():
    line = HeadwayLine([0, 1, 2], [10, 20], headway_min=12, change_min=4)
    # Six minutes of wait and four of change on every ride.
    np.testing.assert_array_equal(line_minutes(line), [[0, 20, 40], [20, 0, 30], [40, 30, 0]])
    minutes = solve(4, (line,), Ways(np.array([2]), np.array([3]), np.array([5.0]))).minutes
    np.testing.assert_allclose(minutes[0], [0, 20, 40, 45])


#: A slow loop: its ends are far apart along the line, and near to each other on foot.
LOOP = HeadwayLine([0, 1, 2, 3], [5, 60, 5], headway_min=10)
WALK = Ways(np.array([1]), np.array([2]), np.array([3.0]))


def test_leaving_a_line_and_boarding_it_again_by_hand():
    """Ride to 1, walk to 2, ride to 3: 10 + 3 + 10, where staying on takes 75. No other line is there."""
    found = insert(solve(4, (), WALK).minutes, LOOP)
    assert found[0, 3] == 23
    np.testing.assert_allclose(found, solve(4, (LOOP,), WALK).minutes, rtol=0, atol=1e-12)


def test_without_the_closure_the_trip_would_be_missed(monkeypatch):
    monkeypatch.setattr(what_if.kernel, "close", lambda _: None)
    assert insert(solve(4, (), WALK).minutes, LOOP)[0, 3] == 75


def random_line(rng, n):
    stops = rng.permutation(n)[: rng.integers(2, min(n, 7) + 1)]
    if stops.size > 2 and rng.random() < 0.2:
        stops = np.r_[stops, stops[0]]
    minutes = rng.integers(1, 60, stops.size - 1) * rng.choice([1.0, 0.37])
    return HeadwayLine(stops, minutes, float(rng.choice([0, 5, 30, 240])), float(rng.choice([0, 3.5])))


@st.composite
def networks(draw):
    """Places with a few lines and ways, often in several parts."""
    n = draw(st.integers(2, 14))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lines = tuple(random_line(rng, n) for _ in range(draw(st.integers(0, 4))))
    count = draw(st.integers(0, n))
    tails, heads = rng.integers(0, n, (2, count))
    ways = Ways(tails, heads, rng.integers(0, 40, count).astype(float))
    return n, lines, ways, rng


def agree(base, tolerance=1e-9):
    n = base.minutes.shape[0]
    np.testing.assert_allclose(base.minutes, plain(n, base.lines, base.ways), rtol=0, atol=tolerance)


@settings(deadline=None)
@given(networks(), st.sampled_from([np.float64, np.float32]))
def test_insertion_and_removal(network, dtype):
    n, lines, ways, rng = network
    base = solve(n, lines, ways, dtype)
    agree(base, 1e-3)
    longer = add(base, random_line(rng, n))
    assert longer.minutes.dtype == dtype
    agree(longer, 1e-3)
    agree(remove(longer, int(rng.integers(len(lines) + 1))), 1e-3)


@settings(deadline=None)
@given(networks())
def test_a_line_boarded_again_after_every_walk(network):
    """A long line beside a chain of walks between every other pair of its stops: trips leave it again and again."""
    n, _, _, rng = network
    order = rng.permutation(n)
    line = HeadwayLine(order, np.where(np.arange(n - 1) % 2, 100.0, 4.0), 6.0)
    skip = np.arange(1, n - 1, 2)
    ways = Ways(order[skip], order[skip + 1], np.full(skip.size, 5.0))
    found = add(solve(n, (), ways), line)
    agree(found)
    rides = (n // 2) if n % 2 == 0 else (n - 1) // 2
    assert found.minutes[order[0], order[-1]] == pytest.approx(rides * 7 + skip.size * 5)


@settings(deadline=None)
@given(
    networks(), st.sampled_from(["faster", "slower", "more often", "less often", "stop more", "stop fewer", "other"])
)
def test_changes_of_a_line(network, kind):
    n, lines, ways, rng = network
    base = solve(n, (*lines, random_line(rng, n)), ways)
    number = int(rng.integers(len(base.lines)))
    old = base.lines[number]
    at = int(rng.integers(old.stops.size))
    shorter = min(3.0, old.minutes.min())
    new = {
        "faster": lambda: at_speed(old, 1.5),
        "slower": lambda: at_speed(old, 0.6),
        "more often": lambda: every(old, old.headway_min / 2),
        "less often": lambda: every(old, old.headway_min + 20),
        "stop more": lambda: with_stop(old, at, int(rng.integers(n)), 7.0, 9.0),
        "stop fewer": lambda: without_stop(old, at, shorter) if old.stops.size > 2 else old,
        "other": lambda: random_line(rng, n),
    }[kind]()
    agree(change(base, number, new))
    agree(change(base, number, new, without=remove(base, number)))


def test_edits_of_a_line_by_hand():
    line = HeadwayLine([0, 1, 2], [10, 20], 12)

    def shape(edited):
        return list(edited.stops), list(edited.minutes)

    assert shape(with_stop(line, 0, 9, 1, 2)) == ([9, 0, 1, 2], [2, 10, 20])
    assert shape(with_stop(line, 1, 9, 4, 8)) == ([0, 9, 1, 2], [4, 8, 20])
    assert shape(with_stop(line, 3, 9, 4, 8)) == ([0, 1, 2, 9], [10, 20, 4])
    assert shape(without_stop(line, 0, 5)) == ([1, 2], [20])
    assert shape(without_stop(line, 1, 5)) == ([0, 2], [25])
    assert shape(without_stop(line, 2, 5)) == ([0, 1], [10])
    assert shape(at_speed(line, 2)) == ([0, 1, 2], [5, 10])
    assert every(line, 6).headway_min == 6


def test_dragging_writes_to_one_place_and_keeps_the_base():
    base = solve(4, (), WALK).minutes
    kept, frame = base.copy(), np.empty_like(base)
    assert insert(base, LOOP, frame) is frame
    np.testing.assert_array_equal(base, kept)


def test_a_faster_line_is_not_solved_anew(monkeypatch):
    base = solve(4, (LOOP,), WALK)
    monkeypatch.setattr(what_if, "solve", lambda *_: pytest.fail("solved anew"))
    assert change(base, 0, every(LOOP, 4)).minutes[0, 3] == 17


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HeadwayLine([0], [], 5), "needs at least 2"),
        (lambda: HeadwayLine([0, 1], [1, 2], 5), "a time between each two"),
        (lambda: HeadwayLine([0, 1], [-1], 5), "at least 0"),
        (lambda: HeadwayLine([0, 1], [1], -5, 9), "headway and change"),
        (lambda: HeadwayLine([0, 1], [1], np.nan), "headway and change"),
        (lambda: insert(np.zeros((2, 3)), LOOP), "square"),
        (lambda: insert(np.zeros((3, 3)), LOOP), r"places 0\.\.2"),
        (lambda: insert(np.zeros((4, 4), int), LOOP), "floats"),
        (lambda: insert(B4, LOOP, B4), "another matrix"),
        (lambda: solve(3, (LOOP,)), r"places 0\.\.2"),
        (lambda: solve(2, (), Ways(np.array([0]), np.array([2]), np.array([1.0]))), r"0\.\.1"),
        (lambda: remove(Base((), Ways(), B4), 0), "no line 0"),
        (lambda: change(Base((LOOP,), Ways(), B4), 0, LOOP, Base((LOOP,), Ways(), B4)), "without"),
        (lambda: with_stop(LOOP, 5, 0, 1, 1), r"0\.\.4"),
        (lambda: without_stop(LOOP, 4), r"0\.\.3"),
        (lambda: without_stop(LOOP, 1, 90), "at least 0"),
        (lambda: at_speed(LOOP, 0), "above 0"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()


B4 = np.zeros((4, 4))
