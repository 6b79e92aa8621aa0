"""A GTFS feed as part of a region: matching of stations, strictness, hashes, writing and reading again."""

import shutil
import zipfile
from pathlib import Path

import pytest

from megalopolis.errors import BadInput
from megalopolis.region.inspect import check_region
from megalopolis.region.read import read_region
from megalopolis.region.write import region_frames, write_excel, write_folder

TOY = Path(__file__).parents[1] / "toy"
DAY = "timetable: {day: 2020-06-10}\n"


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "region"
    shutil.copytree(TOY / "region", made)
    shutil.copytree(TOY / "timetable", made / "timetable")
    say(made, DAY)
    return made


def say(folder, text):
    with (folder / "region.yaml").open("a", encoding="utf-8") as file:
        file.write(text)


def rewrite(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def pack(target):
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted((TOY / "timetable").iterdir()):
            archive.write(file, file.name)


def test_stations_are_matched_by_id_name_and_place(folder):
    region = read_region(folder)
    calls = region.frame("timetable_calls")
    # `ben` by id, `Ann Central` and 迪站 by name (of a parent, in Chinese), `Cor Hbf` for being 0.1 km away.
    assert calls[calls["train"] == "t1"]["station"].tolist() == ["ann", "ben", "cor"]
    assert calls[calls["train"] == "n"]["station"].tolist() == ["ben", "dee"]
    stations = region.frame("stations")
    assert stations["id"].tolist() == ["ann", "ben", "cor", "dee", "X"]
    assert stations["city"].isna().tolist() == [False] * 4 + [True]
    changes = region.frame("timetable_changes")
    assert dict(zip(changes["from"], changes["minutes"], strict=True)) == {
        "ann": 5,
        "ben": 6,
        "cor": 5,
        "dee": 5,
        "X": 5,
    }
    assert set(region.status("timetable_calls", "depart")) == {"sourced"}


def test_trains_of_the_day(folder):
    trains = read_region(folder).frame("timetable_trains")
    ids = trains["id"].tolist()
    assert "t9" not in ids  # on Sundays
    assert not [i for i in ids if "@-1" in i]  # those of Tuesday are gone, the night train did not run
    assert {"t1", "t4", "n", "n#10", "t1@+1", "n@+1#10"} <= set(ids)
    assert trains.set_index("id")["name"][["t1", "t4", "n#2"]].tolist() == ["E1", "East express", "N"]


def test_night_trains_of_the_day_before(folder):
    rewrite(folder / "region.yaml", "2020-06-10", "2020-06-11")
    calls = read_region(folder).frame("timetable_calls")
    assert calls[calls["train"] == "t4@-1"]["arrive"].tolist() == [-30, 20, 100]


def test_a_row_of_stations_decides(folder):
    """By its id a station of the region takes the stop, whatever the names say; its city is what the row says."""
    with (folder / "stations.csv").open("a", encoding="utf-8") as file:
        file.write("X,Halt,,4.9,0,C\nD,Dee West,,1.01,1,D\n")
    region = read_region(folder)
    calls = region.frame("timetable_calls")
    assert calls[calls["train"] == "n"]["station"].tolist() == ["ben", "D"]
    assert region.frame("stations").set_index("id")["city"]["X"] == "C"


def test_what_check_says(folder):
    found = check_region(folder)
    assert not found.problems
    said = [str(w) for w in found.warnings]
    assert any(
        "timetable: 1 of 5 stations of the feed serve no city of the region: Nowhere Halt" in text for text in said
    )
    assert {"timetable_calls", "timetable_trains"} <= {t.table for t in found.tables}


def test_archive_and_folder_of_any_name_are_the_same_region(folder, tmp_path):
    one = read_region(folder)
    shutil.rmtree(folder / "timetable")
    pack(folder / "timetable.zip")
    two = read_region(folder)
    (folder / "timetable.zip").rename(tmp_path / "feed.zip")
    rewrite(folder / "region.yaml", DAY, "timetable:\n  path: ../feed.zip\n  day: 2020-06-10\n")
    three = read_region(folder)
    for name in ("timetable_calls", "timetable_trains", "timetable_changes", "stations"):
        assert one.table_hashes[name] == two.table_hashes[name] == three.table_hashes[name]


def test_written_and_read_again(folder, tmp_path):
    region = read_region(folder)
    write_folder(region, tmp_path / "again")
    assert read_region(tmp_path / "again").hash == region.hash
    write_excel(region_frames(region), tmp_path / "again.xlsx")
    assert read_region(tmp_path / "again.xlsx").hash == region.hash


def test_another_day_is_another_region(folder):
    one = read_region(folder)
    rewrite(folder / "timetable" / "stop_times.txt", "t1,09:00:00,09:00:00,C,3", "t1,09:01:00,09:01:00,C,3")
    two = read_region(folder)
    assert one.table_hashes["timetable_calls"] != two.table_hashes["timetable_calls"]
    assert one.hash != two.hash


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("region.yaml", DAY, "", "region.yaml: names no day for the timetable timetable"),
        ("region.yaml", "{day: 2020-06-10}", "{day: someday}", "'timetable.day'"),
        ("region.yaml", "{day: 2020-06-10}", "{date: 2020-06-10}", "'timetable.date' is not known here"),
        ("region.yaml", "{day: 2020-06-10}", "{day: 2021-06-10}", "no trip runs on the days around 2021-06-10"),
        ("region.yaml", "{day:", "{path: feed, day:", "no such folder or archive"),
        ("region.yaml", "{day:", "{change_min: 0, day:", "'timetable.change_min'"),
        ("timetable/stops.txt", "5.0,,", ",,", "timetable/stops.txt: the stop 'X' lies nowhere"),
        ("timetable/stop_times.txt", "t1,09:00:00,09:00:00", "t1,08:31:00,08:31:00", "goes back in time"),
        ("timetable/stop_times.txt", "ben,2\nt1", "bem,2\nt1", "stops.txt has no 'bem'; did you mean ben?"),
    ],
)
def test_bad_feeds(folder, file, old, new, said):
    rewrite(folder / file, old, new)
    with pytest.raises(BadInput) as found:
        read_region(folder)
    assert said in str(found.value)


TABLES = {
    "timetable_trains": "id,name\na,A1\nb,\n",
    "timetable_calls": (
        "train,seq,station,arrive,depart\na,1,ann,,480\na,2,ben,510,512\na,3,cor,540,\nb,1,ben,,500\nb,2,dee,550,\n"
    ),
    "timetable_changes": "from,to,minutes\nben,ben,6\n",
}


@pytest.fixture
def tables(tmp_path):
    made = tmp_path / "region"
    shutil.copytree(TOY / "region", made)
    for name, text in TABLES.items():
        (made / f"{name}.csv").write_text(text, encoding="utf-8")
    return made


def test_a_timetable_in_tables(tables):
    assert read_region(tables).frame("timetable_calls")["board"].tolist() == ["yes"] * 5


@pytest.mark.parametrize(
    ("table", "old", "new", "said"),
    [
        ("calls", "ben,510,512", "ben,513,512", "timetable_calls.csv:3: the train 'a' goes back in time at seq 2"),
        ("calls", "cor,540", "cor,511", "timetable_calls.csv:4: the train 'a' goes back in time at seq 3"),
        ("calls", "cor,540,", "cor,,", "timetable_calls.csv:4:arrive: the call has no time"),
        ("calls", "a,3", "a,2", "train, seq 'a', 2 stands already in row 3"),
        ("calls", "a,3,cor", "c,3,cor", "no train has the id 'c'"),
        ("calls", "b,2,dee,550,\n", "", "the train 'b' has 1 calls"),
        ("calls", "dee", "doo", "no station has the id 'doo'"),
        ("changes", "6", "0", "timetable_changes.csv:2:minutes"),
    ],
)
def test_bad_tables(tables, table, old, new, said):
    rewrite(tables / f"timetable_{table}.csv", old, new)
    with pytest.raises(BadInput) as found:
        read_region(tables)
    assert said in str(found.value)


def test_tables_and_a_feed_together(folder):
    (folder / "timetable_trains.csv").write_text(TABLES["timetable_trains"], encoding="utf-8")
    (folder / "timetable_calls.csv").write_text(TABLES["timetable_calls"], encoding="utf-8")
    with pytest.raises(BadInput, match="the region has a table timetable_trains too"):
        read_region(folder)
