"""A region with a GTFS feed on the command line; broken and hostile feeds: one line, exit 2, nothing written."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

TOY = Path(__file__).parents[1] / "toy"


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "region"
    shutil.copytree(TOY / "region", made)
    shutil.copytree(TOY / "timetable", made / "timetable")
    with (made / "region.yaml").open("a", encoding="utf-8") as file:
        file.write("timetable: {day: 2020-06-10}\n")
    return made


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.parent.rglob("*"))


def test_itinerary_in_words_and_json(quick, folder):
    done = quick("travel", folder, "Ann", "Cor", "--depart", "07:05")
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    assert "leaving at 07:05" in lines[0]
    assert [line.split()[0] for line in lines[4:]] == ["access", "wait", "rail", "egress"]
    assert lines[6].split()[-2:] == ["08:00", "09:00"]
    document = quick("travel", folder, "Ann", "Cor", "--json").document
    assert document["result"]["timetable"] == {"from": "07:00", "to": "10:00", "percentile": 50}
    rail = next(leg for leg in document["result"]["legs"] if leg["mode"] == "rail")
    assert (rail["line"], rail["depart"], rail["arrive"]) in {("E1", "08:00", "09:00"), ("E2", "09:00", "10:00")}


@pytest.mark.parametrize("text", ["7", "24:00", "07:5", "7:60", "noon", "-1:00"])
def test_a_departure_that_is_no_time_of_day(quick, folder, text):
    done = quick("travel", folder, "Ann", "Cor", f"--depart={text}")
    assert done.status == 2
    assert done.errors == [f"error: --depart: '{text}' is no time of day; write it as 07:30"]


def test_departures_where_no_timetable_runs(quick, folder):
    assert quick("travel", folder, "--depart", "07:30").errors == [
        "error: a departure needs a trip; name two cities, FROM and TO"
    ]
    done = quick("travel", TOY / "region", "Ann", "Cor", "--depart", "07:30")
    assert (done.status, done.errors) == (2, ["error: no timetable runs in 2020; leave the departure out"])


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("travel.timetable_percentile=101", "the percentile 101 does not lie in 0..100"),
        ("travel.timetable_from=700", "departures from minute 700 to 600 are no window within a day"),
        ("travel.timetable_to=1440", "departures from minute 420 to 1440 are no window within a day"),
    ],
)
def test_windows_that_are_none(quick, folder, setting, said):
    done = quick("travel", folder, "Ann", "Cor", "--set", setting)
    assert done.status == 2
    assert len(done.errors) == 1
    assert said in done.errors[0]


def test_report_of_a_timetable_is_reproduced(quick, folder, tmp_path):
    done = quick("report", folder, "-o", tmp_path / "out", "--draws", "1")
    assert done.status == 0, done.err
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "run as on 2020-06-10. Minutes that use them are percentile 50" in page
    assert "from 07:00 to 10:00" in page
    run = tmp_path / "out" / "run.json"
    assert json.loads(run.read_text(encoding="utf-8"))["region"]["hash"]
    again = quick("reproduce", run)
    assert (again.status, again.out.split(":")[0]) == (0, "the same")
    times = folder / "timetable" / "stop_times.txt"
    times.write_text(times.read_text(encoding="utf-8").replace("09:00:00,09:00:00,C", "09:01:00,09:01:00,C"), "utf-8")
    changed = quick("reproduce", run)
    assert changed.status == 2
    assert "is not what it was" in changed.errors[0]


def edit(name, old, new):
    def change(feed):
        text = (feed / name).read_text(encoding="utf-8")
        assert old in text
        (feed / name).write_text(text.replace(old, new), encoding="utf-8")

    return change


BROKEN = {
    "stops.txt: the file is missing": lambda feed: (feed / "stops.txt").unlink(),
    "stop_times.txt: the file is missing": lambda feed: (feed / "stop_times.txt").unlink(),
    "neither calendar.txt nor calendar_dates.txt is there": lambda feed: [
        (feed / f"calendar{end}.txt").unlink() for end in ("", "_dates")
    ],
    "trip 't1' goes back in time": edit("stop_times.txt", "t1,09:00:00,09:00:00", "t1,08:31:00,08:31:00"),
    "stops.txt has no 'bem'": edit("stop_times.txt", "08:32:00,ben", "08:32:00,bem"),
    "trip 't1' has the sequence 2 twice": edit("stop_times.txt", "09:00:00,C,3\nt2", "09:00:00,C,2\nt2"),
    "'8h' cannot be read": edit("stop_times.txt", "t1,08:30:00", "t1,8h"),
    "no trip runs on the days around": edit("calendar.txt", "2020", "2019"),
}


@pytest.mark.parametrize("said", BROKEN)
def test_broken_feeds_of_a_region(quick, folder, said):
    BROKEN[said](folder / "timetable")
    before = files(folder)
    for command in (("check", folder), ("report", folder, "-o", folder.parent / "out")):
        done = quick(*command)
        assert done.status == 2
        assert len(done.errors) <= 1
        assert said in done.out + done.err
    assert files(folder) == before


def pack(folder, extra):
    feed = folder / "timetable"
    with zipfile.ZipFile(folder / "timetable.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in feed.iterdir():
            archive.write(file, file.name)
        archive.writestr(*extra)
    shutil.rmtree(feed)


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (("../evil.txt", "x"), "the name leads out of the archive"),
        (("/etc/evil.txt", "x"), "the name leads out of the archive"),
        (("bomb.txt", "0" * 30_000_000), "unfolds from"),
    ],
)
def test_hostile_archives_of_a_region(quick, folder, extra, said):
    pack(folder, extra)
    before = files(folder)
    done = quick("check", folder)
    assert done.status == 2
    assert said in done.out
    assert files(folder) == before


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in kB on Linux")
def test_calls_of_trains_that_do_not_run_take_no_memory(folder):
    """A stop_times of 80 MB is read block by block: what does not run on the day is dropped."""
    program = f"from megalopolis.region.read import read_region as r; print(r({str(folder)!r}).hash)"

    def peak():
        code = f"import resource\n{program}\nprint(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return done.stdout.split()

    hash_, before = peak()
    row = "t9,{0:02d}:{1:02d}:00,{0:02d}:{1:02d}:30,ben,{2}\n"
    rows = "".join(row.format(k // 60 % 900, k % 60, k + 3) for k in range(6, 20_000))
    with (folder / "timetable" / "stop_times.txt").open("a", encoding="utf-8") as file:
        for _ in range(130):
            file.write(rows)
    assert (folder / "timetable" / "stop_times.txt").stat().st_size > 70e6
    same, after = peak()
    assert same == hash_
    assert int(after) - int(before) < 120_000  # kB
