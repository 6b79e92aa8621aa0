import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon

from megalopolis.report.citymap import classes_of
from megalopolis.report.drawing import GAINS, LOSSES, UNCHANGED, drawing, text_width, to_svg
from megalopolis.report.geography import frame_of, land

PLACES = st.lists(
    st.tuples(st.floats(-60, 60, allow_nan=False), st.floats(-70, 70, allow_nan=False)), min_size=1, max_size=20
)


@given(PLACES, st.floats(-180, 180), st.floats(0.5, 2.0))
def test_frame_holds_every_place_and_has_its_aspect(places, middle, aspect) -> None:
    lon = (np.array([p[0] for p in places]) + middle + 180) % 360 - 180
    lat = np.array([p[1] for p in places])
    frame = frame_of(lon, lat, aspect)
    x, y = frame.project(lon, lat)
    assert frame.width / frame.height == pytest.approx(aspect)
    assert ((x >= frame.west) & (x <= frame.east) & (y >= frame.south) & (y <= frame.north)).all()


def test_projection_keeps_areas() -> None:
    frame = frame_of([75, 135], [18, 53], 1.2)
    for lat in (20.0, 35.0, 50.0):  # one degree squared, by the sphere
        ring = np.array([[100, lat], [101, lat], [101, lat + 1], [100, lat + 1]])
        area = Polygon(np.column_stack(frame.project(ring[:, 0], ring[:, 1]))).area
        expected = 6371.0**2 * np.radians(1) * (np.sin(np.radians(lat + 1)) - np.sin(np.radians(lat)))
        assert area == pytest.approx(expected, rel=0.01)


def test_land_lies_where_it_is() -> None:
    frame = frame_of([100, 140], [20, 50], 1.2)
    rings = [Polygon(r) for r in land(frame)]

    def on_land(lon: float, lat: float) -> bool:
        x, y = frame.project([lon], [lat])
        return sum(r.contains(Point(x[0], y[0])) for r in rings) % 2 == 1

    assert on_land(116.4, 39.9)  # Beijing
    assert on_land(138.0, 36.0)  # Honshu
    assert not on_land(124.0, 35.0)  # Yellow Sea
    assert not on_land(135.0, 30.0)  # Pacific


def test_land_is_drawn_across_the_antimeridian() -> None:
    frame = frame_of([170, -170], [60, 70], 1.5)  # Chukotka on either side
    assert frame.width < 3000
    x, y = frame.project([-175.0], [66.5])
    assert any(Polygon(r).buffer(0).contains(Point(x[0], y[0])) for r in land(frame))


def test_colours_tell_gains_from_losses() -> None:
    values = np.array([-8.0, -1.0, 0.0, 0.01, 1.0, 3.0, 7.0, 30.0, np.nan])
    classes = classes_of(values)
    colours = [classes.colour(v) for v in values]
    assert set(colours[:2]) <= set(LOSSES)
    assert colours[2] == colours[3] == colours[8] == UNCHANGED
    assert set(colours[4:8]) <= set(GAINS)
    assert [GAINS.index(c) for c in colours[4:8]] == sorted(GAINS.index(c) for c in colours[4:8])
    assert LOSSES.index(colours[0]) >= LOSSES.index(colours[1])


@pytest.mark.parametrize("values", [[0.0], [np.nan], [5.0], [-5.0], [5.0] * 9, [-1e-9, 1e-9], []])
def test_colours_of_odd_values(values) -> None:
    classes = classes_of(np.array(values, dtype=float))
    assert len(classes.colours) == len(classes.edges) + 1
    assert list(classes.edges) == sorted(classes.edges)
    assert all(classes.colour(v) for v in values)


def test_drawing_is_plain_svg_with_its_own_ids() -> None:
    def drawn(name: str) -> str:
        with drawing(100, 50) as figure:
            axes = figure.add_axes((0, 0, 1, 1))
            axes.barh([0], [1], hatch="//")
            axes.text(0.5, 0.5, "$a<b$ & 北京", gid="label0")
            return str(to_svg(figure, name, 'an "alt" <text>'))

    svg = drawn("one")
    assert svg == drawn("one")
    assert "$a&lt;b$ &amp; 北京" in svg
    assert "metadata" not in svg
    assert "<?xml" not in svg
    assert 'aria-label="an &#34;alt&#34; &lt;text&gt;"' in svg
    assert svg.replace("one-", "two-") == drawn("two")


def test_chinese_is_twice_as_wide() -> None:
    assert text_width("北京", 10) == 20
    assert text_width("Ann", 10) == pytest.approx(16.8)
