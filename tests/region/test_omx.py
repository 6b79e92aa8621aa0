"""Open Matrix files: out and in again, and files that are none."""

import sys

import numpy as np
import pytest

import megalopolis as mp
from megalopolis.errors import BadInput
from megalopolis.region.omx import write_omx
from megalopolis.region.write import write_folder

openmatrix = pytest.importorskip("openmatrix", reason="the extra openmatrix is not installed")


@pytest.fixture
def folder(toy, tmp_path):
    place = tmp_path / "region"
    write_folder(toy, place)
    (place / "road_times.csv").unlink(missing_ok=True)
    return place


ROADS = np.array([[0, 90, np.inf, 61.5], [95, 0, 80, np.nan], [1e6, 80, 0, 70], [61.5, 33, 70, 0]])


def test_a_road_matrix_takes_the_place_of_road_times(folder):
    write_omx({"minutes": ROADS, "km": ROADS}, ("A", "B", "C", "D"), folder / "road_times.omx")
    region = mp.load_region(str(folder))
    rows = region.frame("road_times").set_index(["from", "to"])["minutes"]
    assert rows["B", "A"] == 95
    assert rows["A", "D"] == 61.5
    assert len(rows) == 10  # the diagonal, an infinity and a NaN are left out
    found = mp.evaluate(region, only={"travel"}, draws=0).travel_times
    assert found.loc["D", "B"] <= 33


def test_matrices_out_are_read_by_the_library(toy, tmp_path):
    e = mp.evaluate(toy, only={"travel"}, draws=0)
    mp.to_omx(e, tmp_path / "out.omx")
    with openmatrix.open_file(str(tmp_path / "out.omx")) as book:
        assert book.list_matrices() == ["headway", "minutes", "ride_minutes"]
        assert [entry.decode() for entry in book.get_node("/lookup/id")[:]] == ["A", "B", "C", "D"]
        np.testing.assert_array_equal(book["minutes"][:], e.travel_times.to_numpy())


def numeric(path, matrix, ids):
    with openmatrix.open_file(str(path), "w") as book:
        book["car"] = matrix
        book.create_mapping("zone", ids)


def test_numbers_as_ids_and_another_name(folder):
    numeric(folder / "road_times.omx", ROADS, [1, 2, 3, 4])
    with pytest.raises(BadInput, match=r"road_times\.omx:1:from: no city has the id '1'"):
        mp.load_region(str(folder))


@pytest.mark.parametrize("content", [b"", b"id,name\n", b"\x89HDF\r\n\x1a\n broken"])
def test_a_file_that_is_none_is_named(folder, content):
    (folder / "road_times.omx").write_bytes(content)
    with pytest.raises(BadInput, match=r"road_times\.omx: is not an OMX file"):
        mp.load_region(str(folder))


def test_a_file_without_ids_or_minutes_is_named(folder):
    with openmatrix.open_file(str(folder / "road_times.omx"), "w") as book:
        book["a"], book["b"] = ROADS, ROADS
    with pytest.raises(BadInput, match="no matrix is called minutes, but a, b"):
        mp.load_region(str(folder))
    with openmatrix.open_file(str(folder / "road_times.omx"), "w") as book:
        book["a"] = ROADS
    with pytest.raises(BadInput, match="no lookup is called 'id'"):
        mp.load_region(str(folder))
    write_omx({"minutes": ROADS}, ("A", "B", "C"), folder / "road_times.omx")
    with pytest.raises(BadInput, match="the lookup has 3 ids"):
        mp.load_region(str(folder))


def test_without_the_library_the_extra_is_named(folder, toy, tmp_path, monkeypatch):
    write_omx({"minutes": ROADS}, ("A", "B", "C", "D"), folder / "road_times.omx")
    monkeypatch.setitem(sys.modules, "openmatrix", None)
    with pytest.raises(BadInput, match=r"pip install .megalopolis\[openmatrix\]"):
        mp.load_region(str(folder))
    with pytest.raises(BadInput, match="openmatrix"):
        mp.to_omx(mp.evaluate(toy, only={"travel"}, draws=0), tmp_path / "out.omx")
