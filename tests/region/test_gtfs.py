"""GTFS feeds: what is read of a small one, and what is said of broken ones."""

import datetime as dt
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from megalopolis.errors import BadInput
from megalopolis.region import gtfs_calls, gtfs_files
from megalopolis.region.gtfs import read_gtfs
from megalopolis.travel.timetable import NEVER, Footpaths, Timetable, travel_minutes

THURSDAY = dt.date(2016, 3, 10)
#: Stations A (two platforms), B, C; a train A-B on weekdays, a night train B-C every day but the 9th, one on Sundays.
FEED = {
    "stops": (
        "stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station\n"
        "A,Alpha,31.0,121.0,1,\nA1,Alpha 1,31.0,121.0,0,A\nA2,Alpha 2,31.0,121.0,0,A\n"
        "B,Beta,31.0,122.0,,\nC,Gamma,31.0,123.0,,\nD,Delta,31.0,123.01,,\n"
    ),
    "trips": "route_id,service_id,trip_id\nr,week,t1\nr,daily,t2\nr,sunday,t3\n",
    "stop_times": (
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence,pickup_type,drop_off_type\n"
        "t1,08:30:00,08:32:30,B,7,,\nt1,,08:00:00,A1,3,0,0\nt1,09:00:00,,C,9,1,0\n"
        "t2,23:00:00,23:00:00,B,1,,\nt2,25:10:00,25:10:00,C,2,,\n"
        "t3,10:00:00,10:00:00,A2,1,,\nt3,11:00:00,11:00:00,C,2,,\n"
    ),
    "calendar": (
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
        "week,1,1,1,1,1,0,0,20160101,20161231\ndaily,1,1,1,1,1,1,1,20160101,20161231\n"
        "sunday,0,0,0,0,0,0,1,20160101,20161231\n"
    ),
    "calendar_dates": "service_id,date,exception_type\ndaily,20160309,2\n",
    "transfers": (
        "from_stop_id,to_stop_id,transfer_type,min_transfer_time\nB,B,2,420\nA1,A2,2,600\nA2,A1,2,61\n"
        "C,D,2,200\nD,C,0,\nB,C,3,\n"
    ),
}


def write(folder, **changes):
    for name, text in (FEED | changes).items():
        if text is not None:
            (folder / f"{name}.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def pack(path, feed=FEED, home=""):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in feed.items():
            archive.writestr(f"{home}{name}.txt", text)
    return path


def edit(table, old, new):
    assert old in FEED[table]
    return {table: FEED[table].replace(old, new)}


def timetable_of(feed):
    calls, paths = feed.calls, Footpaths(*(feed.paths[name] for name in ("tail", "head", "minutes")))
    columns = (calls[name] for name in ("train", "stop", "arrive", "depart"))
    return Timetable(len(feed.stations), *columns, feed.change, paths, calls["board"], calls["alight"])


def test_a_small_feed(tmp_path):
    feed = read_gtfs(write(tmp_path), THURSDAY)
    assert list(feed.stations["id"]) == ["A", "B", "C", "D"]
    trains = set(zip(feed.trains["id"], feed.trains["day"], strict=True))
    # Yesterday's day train is gone by midnight; the night train did not run on Wednesday the 9th.
    assert trains == {("t1", 0), ("t1", 1), ("t2", 0), ("t2", 1)}
    timetable = timetable_of(feed)
    row = feed.trains.index[(feed.trains["id"] == "t1") & (feed.trains["day"] == 0)][0]
    own = timetable.trip == row
    assert timetable.stop[own].tolist() == [0, 1, 2]  # by sequence, at their stations
    assert timetable.arrive[own].tolist() == [480, 510, 540]
    assert timetable.depart[own].tolist() == [480, 512, 540]  # seconds are dropped
    assert timetable.board[own].tolist() == [True, True, False]
    # Of the platforms of A the longer transfer counts; B's own; the others take five minutes.
    assert timetable.change.tolist() == [10, 7, 5, 5]
    walks = set(zip(timetable.paths.tails, timetable.paths.heads, timetable.paths.minutes, strict=True))
    # 200 s; 0.95 km of great circle, 1.3 times that on foot at 4.5 km/h; from B to C is not possible.
    assert walks == {(2, 3, 4), (3, 2, 17)}
    found = travel_minutes(timetable, (480, 480))[0]
    assert found[0].tolist() == [0, 30, 60, 64]
    assert travel_minutes(timetable, (1300, 1300))[0, 1, 2] == 25 * 60 + 10 - 1300


def test_a_night_train_of_the_day_before(tmp_path):
    feed = read_gtfs(write(tmp_path), THURSDAY + dt.timedelta(days=1))
    late = feed.trains.index[(feed.trains["id"] == "t2") & (feed.trains["day"] == -1)][0]
    assert timetable_of(feed).arrive[timetable_of(feed).trip == late].tolist() == [-60, 70]


@pytest.mark.parametrize("home", ["", "feed/"])
def test_an_archive_reads_as_its_folder(tmp_path, home):
    folder = tmp_path / "folder"
    folder.mkdir()
    one = timetable_of(read_gtfs(write(folder), THURSDAY))
    two = timetable_of(read_gtfs(pack(tmp_path / "feed.zip", home=home), THURSDAY))
    for name in ("trip", "stop", "arrive", "depart", "change", "board", "alight"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["feed.zip", "folder"]  # nothing is written


def test_only_calendar_dates(tmp_path):
    dates = "service_id,date,exception_type\nweek,20160310,1\ndaily,20160311,1\nsunday,20160313,1\n"
    feed = read_gtfs(write(tmp_path, calendar=None, calendar_dates=dates), THURSDAY)
    assert set(zip(feed.trains["id"], feed.trains["day"], strict=True)) == {("t1", 0), ("t2", 1)}


def test_marks_quotes_and_spaces(tmp_path):
    stops = "\ufeff" + FEED["stops"].replace("\n", "\r\n").replace("Beta", '"Be, ta"').replace(
        "stop_name", " stop_name "
    )
    feed = read_gtfs(write(tmp_path, stops=stops), THURSDAY)
    assert feed.stations["name"].tolist()[1] == "Be, ta"


def test_times_between_are_interpolated(tmp_path):
    times = FEED["stop_times"].replace("t1,08:30:00,08:32:30,B,7", "t1,,,B,7")
    timetable = timetable_of(read_gtfs(write(tmp_path, stop_times=times), THURSDAY, days=(0,)))
    assert timetable.arrive[timetable.trip == 0].tolist() == [480, 510, 540]


def test_trips_at_a_headway(tmp_path):
    spans = "trip_id,start_time,end_time,headway_secs\nt1,06:00:00,07:00:00,1200\nt1,07:00:00,07:30:00,1800\n"
    timetable = timetable_of(read_gtfs(write(tmp_path, frequencies=spans), THURSDAY, days=(0,)))
    at_a = (timetable.stop == 0) & (timetable.depart < 1000)
    assert sorted(timetable.depart[at_a]) == [360, 380, 400, 420]
    assert travel_minutes(timetable, (361, 361))[0, 0, 2] == 19 + 60


def test_transfers_of_certain_trips_are_left_out_with_a_warning(tmp_path):
    header, *rows = FEED["transfers"].splitlines()
    rows = [f"{header},from_trip_id", f"{rows[0]},t1", *(f"{row}," for row in rows[1:]), "B,C,4,,"]
    feed = read_gtfs(write(tmp_path, transfers="\n".join(rows)), THURSDAY)
    assert timetable_of(feed).change[1] == 5
    assert feed.warnings == ("2 transfers between certain trips or routes are left out",)


def test_a_change_that_is_not_possible(tmp_path):
    feed = read_gtfs(write(tmp_path, **edit("transfers", "B,B,2,420", "B,B,3,")), THURSDAY)
    assert travel_minutes(timetable_of(feed), (480, 480))[0, 0, 2] == 60
    assert timetable_of(feed).change[1] > 16_000


BROKEN = [
    ({"stops": None}, "stops.txt: the file is missing"),
    ({"trips": None}, "trips.txt: the file is missing"),
    ({"stop_times": None}, "stop_times.txt: the file is missing"),
    ({"calendar": None, "calendar_dates": None}, "neither calendar.txt nor calendar_dates.txt"),
    ({"stops": ""}, "the column stop_id is missing"),
    (edit("stop_times", "stop_sequence", "sequence"), "stop_times.txt:1: the column stop_sequence is missing"),
    (edit("stop_times", "pickup_type", "stop_id"), "stop_times.txt:1:stop_id: the column stands twice"),
    (edit("stop_times", "08:30:00", "8h30"), "stop_times.txt:2:arrival_time: '8h30' cannot be read"),
    (edit("stop_times", "08:32:30", "08:61:30"), "stop_times.txt:2:departure_time: '08:61:30'"),
    (edit("stop_times", "t1,,08:00:00", "t1,,"), "need a time"),
    (edit("stop_times", "08:30:00,08:32:30", "08:30:00,07:59:00"), "trip 't1' goes back in time at sequence 7"),
    (edit("stop_times", "t1,09:00:00,", "t1,08:32:00,"), "stop_times.txt:4: trip 't1' goes back in time at sequence 9"),
    (edit("stop_times", "25:10:00,25:10:00", "01:10:00,01:10:00"), "times after midnight go on past 24:00:00"),
    (edit("stop_times", "B,7", "X,7"), "stop_times.txt:2:stop_id: stops.txt has no 'X'"),
    (edit("stop_times", "t3,11", "t9,11"), "stop_times.txt:8:trip_id: trips.txt has no 't9'"),
    (edit("stop_times", "C,9", "C,7"), "stop_times.txt:4:stop_sequence: trip 't1' has the sequence 7 twice"),
    (edit("stop_times", "B,7", "B,x"), "stop_times.txt:2:stop_sequence: 'x' cannot be read"),
    (edit("stop_times", "C,9,1", "C,9,4"), "stop_times.txt:4:pickup_type: '4' cannot be read"),
    (edit("stop_times", "B,7,,", "B,7,,,,,"), "stop_times.txt: after row"),
    ({"stop_times": FEED["stop_times"].encode() + b"t1,\xff\xfe,,A1,1,,\n"}, "not UTF-8"),
    (edit("stops", "A1,Alpha 1", "A,Alpha 1"), "stops.txt:3:stop_id: 'A' stands twice"),
    (edit("stops", "0,A\nA2", "0,Q\nA2"), "stops.txt:3:parent_station: there is no stop 'Q'"),
    (edit("stops", "31.0,123.0,", "91.0,123.0,"), "stops.txt:6:stop_lat: '91.0' is no degree"),
    (edit("trips", "daily,t2", "daily,t1"), "trips.txt:3:trip_id: 't1' stands twice"),
    (edit("trips", "daily,t2", "nightly,t2"), "the service 'nightly' is in no calendar"),
    (edit("calendar", "20161231\ndaily", "2016-12-31\ndaily"), "calendar.txt:2:end_date: '2016-12-31' is no date"),
    (edit("calendar", "20161231\ndaily", "20161331\ndaily"), "'20161331' is no date"),
    (edit("calendar", "week,1", "week,yes"), "calendar.txt:2:monday: 'yes' is not known"),
    (edit("calendar_dates", ",2\n", ",3\n"), "calendar_dates.txt:2:exception_type: '3' is not known"),
    (edit("calendar", "2016", "2017"), "no trip runs on the days around 2016-03-10"),
    (edit("transfers", "C,D", "C,Z"), "transfers.txt:5:to_stop_id: stops.txt has no 'Z'"),
    (edit("transfers", "420", "7 min"), "transfers.txt:2:min_transfer_time: '7 min' is no time in seconds"),
    ({"frequencies": "trip_id,start_time,end_time,headway_secs\nt1,06:00:00,07:00:00,0\n"}, "'0' is no headway"),
    ({"frequencies": "trip_id,start_time,end_time,headway_secs\nt8,06:00:00,07:00:00,9\n"}, "has no 't8'"),
    ({"frequencies": "trip_id,start_time,end_time,headway_secs\nt1,06:00:00,05:00:00,9\n"}, "ends before it begins"),
]


@pytest.mark.parametrize(("changes", "said"), BROKEN, ids=[said for _, said in BROKEN])
def test_broken_feeds(tmp_path, changes, said):
    with pytest.raises(BadInput) as found:
        read_gtfs(write(tmp_path, **changes), THURSDAY)
    assert said in str(found.value)
    assert len(str(found.value).splitlines()[0]) <= 500


def test_every_problem_of_a_table_is_said(tmp_path):
    times = FEED["stop_times"].replace("08:30:00", "x").replace("23:00:00,23:00:00", "y,z")
    with pytest.raises(BadInput) as found:
        read_gtfs(write(tmp_path, stop_times=times), THURSDAY)
    assert len(found.value.problems) == 3


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/evil.txt", "a/../../evil.txt", "C:/evil.txt", "a\\..\\evil.txt"])
def test_names_that_lead_out_of_an_archive(tmp_path, name):
    path = pack(tmp_path / "feed.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, "x")
    with pytest.raises(BadInput, match="leads out of the archive"):
        read_gtfs(path, THURSDAY)
    assert [p.name for p in tmp_path.iterdir()] == ["feed.zip"]


def test_a_bomb(tmp_path):
    path = pack(tmp_path / "feed.zip", FEED | {"stop_times": "0" * 20_000_000})
    with pytest.raises(BadInput, match="unfolds from"):
        read_gtfs(path, THURSDAY)


def test_a_bomb_that_lies_about_its_size(tmp_path):
    """The directory says that a table is short: no more than that is read, and the check sum does not hold."""
    path = pack(tmp_path / "feed.zip", FEED | {"stop_times": FEED["stop_times"] + "t1,,,,,,\n" * 200_000})
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\x01\x02", 0, data.rfind(b"stop_times.txt"))
    data[at + 24 : at + 28] = struct.pack("<I", 300)
    path.write_bytes(data)
    with pytest.raises(BadInput):
        read_gtfs(path, THURSDAY)


def test_a_link_in_an_archive_is_not_followed(tmp_path):
    """Nothing is unpacked, so a link in an archive is a short text."""
    path = tmp_path / "feed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("stops.txt")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(BadInput, match="the column stop_id is missing"):
        read_gtfs(path, THURSDAY)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 nothing", b"trip_id"])
def test_no_archive(tmp_path, data):
    path = tmp_path / "feed.zip"
    path.write_bytes(data)
    with pytest.raises(BadInput, match="not a zip archive"):
        read_gtfs(path, THURSDAY)
    with pytest.raises(BadInput, match="no such folder"):
        read_gtfs(Path("nowhere"), THURSDAY)


def test_a_damaged_archive(tmp_path):
    path = pack(tmp_path / "feed.zip")
    data = bytearray(path.read_bytes())
    data[data.find(b"stop_times.txt") + 30] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(BadInput, match=r"stop_times\.txt"):
        read_gtfs(path, THURSDAY)


def test_two_feeds_in_one_archive(tmp_path):
    path = pack(tmp_path / "feed.zip", home="one/")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("two/stops.txt", FEED["stops"])
    with pytest.raises(BadInput, match="leave one feed"):
        read_gtfs(path, THURSDAY)


def test_a_table_is_read_block_by_block(tmp_path, monkeypatch):
    monkeypatch.setattr(gtfs_files, "BLOCK", 256)
    feed = read_gtfs(write(tmp_path), THURSDAY)
    assert travel_minutes(timetable_of(feed), (480, 480))[0, 0].tolist() == [0, 30, 60, 64]
    assert (travel_minutes(timetable_of(feed), (600, 600))[0, 0, 2]) != NEVER  # of the next day
    with pytest.raises(BadInput, match=r"stop_times\.txt:8:trip_id"):  # rows are counted through
        read_gtfs(write(tmp_path, **edit("stop_times", "t3,11", "t9,11")), THURSDAY)
    with pytest.raises(BadInput, match="longer than"):
        read_gtfs(write(tmp_path, **edit("stop_times", "t3,11", "t" * 600)), THURSDAY)


def test_more_than_can_be_held_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(gtfs_calls, "MAX_CALLS", 4)
    with pytest.raises(BadInput, match="more than 4 calls run"):
        read_gtfs(write(tmp_path), THURSDAY)
    monkeypatch.setattr(gtfs_files, "MAX_BYTES", 100)
    with pytest.raises(BadInput, match="at most 0 are read"):
        read_gtfs(write(tmp_path), THURSDAY)


def test_bad_arguments(tmp_path):
    with pytest.raises(ValueError, match="at least 1"):
        read_gtfs(write(tmp_path), THURSDAY, change_min=0)
