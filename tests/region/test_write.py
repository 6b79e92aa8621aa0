"""Whole or not at all, and the same bytes for the same content."""

import errno
import time
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from megalopolis.region import write
from megalopolis.region.write import (
    atomic,
    region_frames,
    region_layers,
    write_csvs,
    write_excel,
    write_folder,
    write_geopackage,
    write_parquet,
    write_text,
)


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_file_is_put_in_place_when_whole(tmp_path):
    target = tmp_path / "new" / "out.txt"
    with atomic(target) as part:
        part.write_text("whole")
        assert not target.exists()
        assert part.name == target.name
        assert part.parent.parent == target.parent, "the temporary name is in the folder of the target"
    assert target.read_text() == "whole"
    assert names(tmp_path / "new") == ["out.txt"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), ValueError()])
def test_nothing_is_left_and_nothing_changed_after_an_error(tmp_path, error):
    (tmp_path / "out.txt").write_text("old")

    def attempt() -> None:
        with atomic(tmp_path / "out.txt") as part:
            part.write_text("half")
            (part.parent / "out.txt-journal").write_text("of a library")
            raise error

    with pytest.raises(type(error)):
        attempt()
    assert (tmp_path / "out.txt").read_text() == "old"
    assert names(tmp_path) == ["out.txt"]


def test_folder_replaces_its_own_files_and_keeps_others(tmp_path):
    (tmp_path / "out" / "sub").mkdir(parents=True)
    (tmp_path / "out" / "mine.txt").write_text("mine")
    (tmp_path / "out" / "sub" / "a.txt").write_text("old")
    with atomic(tmp_path / "out") as part:
        (part / "sub").mkdir(parents=True)
        (part / "sub" / "a.txt").write_text("new")
        (part / "b.txt").write_text("new")
    assert names(tmp_path / "out") == ["b.txt", "mine.txt", "sub"]
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"
    assert (tmp_path / "out" / "sub" / "a.txt").read_text() == "new"
    assert names(tmp_path) == ["out"]


def test_full_disk_leaves_no_half_region(tmp_path, toy, monkeypatch):
    written = []

    def full(self: Path, *_: object, **__: object) -> None:
        written.append(self)
        if len(written) > 3:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        write_folder(toy, tmp_path / "out")
    assert len(written) == 4
    assert names(tmp_path) == []


def test_same_content_gives_the_same_bytes(tmp_path, toy, monkeypatch):
    for turn in ("a", "b"):
        write_folder(toy, tmp_path / turn / "folder")
        write_excel(region_frames(toy), tmp_path / turn / "book.xlsx")
        write_geopackage(region_layers(toy), tmp_path / turn / "layers.gpkg")
        write_parquet(region_layers(toy), tmp_path / turn / "parquet")
        later = time.time() + 4e8
        monkeypatch.setattr(time, "time", lambda later=later: later)
        monkeypatch.setattr(time, "localtime", lambda *_, later=later: time.gmtime(later))
    files = [p.relative_to(tmp_path / "a") for p in sorted((tmp_path / "a").rglob("*")) if p.is_file()]
    assert len(files) > 30
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_time_of_saving_is_not_in_a_workbook(tmp_path, toy):
    write_excel(region_frames(toy), tmp_path / "book.xlsx")
    about = openpyxl.load_workbook(tmp_path / "book.xlsx").properties
    assert about.created == about.modified
    assert about.created.year == 2000


def test_text_is_never_a_formula(tmp_path):
    frame = pd.DataFrame({"=1+1": ["=HYPERLINK(0)", "+1", "#N/A"], "n": [1.5, None, float("inf")]})
    write_excel({"a:b/c": frame}, tmp_path / "book.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "book.xlsx")["a-b-c"]
    assert [[c.value for c in row] for row in sheet.rows] == [
        ["=1+1", "n"],
        ["=HYPERLINK(0)", 1.5],
        ["+1", None],
        ["#N/A", "inf"],
    ]
    assert {c.data_type for c in sheet["A"]} == {"s"}


def test_numbers_keep_all_their_digits(tmp_path):
    values = [0.1 + 0.2, 1.8224378902843341, 1e-300, 123456789012345.67, -0.5, 7.0]
    write_excel({"x": pd.DataFrame({"v": values})}, tmp_path / "book.xlsx")
    write_csvs({"x": pd.DataFrame({"v": values})}, tmp_path / "csv")
    assert [c.value for c in openpyxl.load_workbook(tmp_path / "book.xlsx")["x"]["A"]][1:] == values
    assert [float(t) for t in (tmp_path / "csv" / "x.csv").read_text().splitlines()[1:]] == values
    assert (tmp_path / "csv" / "x.csv").read_text().endswith("\n7\n")


def test_cells_of_every_kind(tmp_path):
    values = ["a < b & c", " spaced ", "", None, True, 7, 2.0, 1e-9, float("nan"), "a\x00b\nc", "城" * 40_000]
    write_excel({"x": pd.DataFrame({"v": pd.Series(values, dtype=object)})}, tmp_path / "book.xlsx")
    cells = [row[0] for row in openpyxl.load_workbook(tmp_path / "book.xlsx")["x"].iter_rows(min_row=2)]
    shown = [None if c.value == "" else c.value for c in cells]
    assert shown[:-1] == ["a < b & c", " spaced ", None, None, True, 7, 2, 1e-9, None, "ab\nc"]
    assert shown[-1] == "城" * 32_766 + "…"
    assert [c.data_type for c in cells[:2]] == ["s", "s"]
    assert shown[4] is True


@pytest.mark.parametrize("name", ["", "a" * 32])
def test_names_that_cannot_be_sheets(tmp_path, name):
    with pytest.raises(ValueError, match="cannot be the name of a sheet"):
        write_excel({name: pd.DataFrame({"a": [1]})}, tmp_path / "book.xlsx")
    assert names(tmp_path) == []


def test_frame_of_more_rows_than_a_sheet(tmp_path, monkeypatch):
    monkeypatch.setattr(write, "_MAX_ROWS", 2)
    with pytest.raises(ValueError, match="x has 3 rows, a sheet at most 2"):
        write_excel({"x": pd.DataFrame({"a": [1, 2, 3]})}, tmp_path / "book.xlsx")


def test_text_files_have_lf(tmp_path):
    write_text("a\nb\n", tmp_path / "x.txt")
    assert (tmp_path / "x.txt").read_bytes() == b"a\nb\n"
