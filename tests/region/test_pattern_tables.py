"""Stopping patterns as tables: what is wrong in them is said by file, row and column."""

import shutil
from pathlib import Path

import pytest

import megalopolis as mp
from megalopolis.errors import BadInput
from megalopolis.region.read import read_region

TOY = Path(__file__).parents[1] / "toy" / "region"
PATTERNS = "id,line,name,headway_min,opened,closed\nfast,east,express,120,,\n"
CALLS = "pattern,station\nfast,ann\nfast,cor\n"


def region(tmp_path, patterns=PATTERNS, calls=CALLS):
    folder = tmp_path / "region"
    shutil.copytree(TOY, folder)
    (folder / "rail_patterns.csv").write_text(patterns, encoding="utf-8")
    (folder / "rail_pattern_calls.csv").write_text(calls, encoding="utf-8")
    return read_region(folder)


def test_patterns_live_while_they_and_their_line_do(tmp_path):
    found = region(tmp_path, PATTERNS.replace("120,,", "120,2012,2018"))
    assert [len(mp.at(found, None, year).frame("rail_patterns")) for year in (2011, 2012, 2017, 2018)] == [0, 1, 1, 0]
    assert len(mp.at(found, None, 2011).frame("rail_pattern_calls")) == 0
    assert len(mp.at(region(tmp_path / "other"), None, 2000).frame("rail_patterns")) == 0  # its line opened in 2010


@pytest.mark.parametrize(
    ("patterns", "calls", "said"),
    [
        (PATTERNS, "pattern,station\nfast,ann\n", "rail_patterns.csv:2:id: the pattern 'fast' has 1 calls"),
        (
            PATTERNS,
            CALLS + "fast,dee\n",
            "rail_pattern_calls.csv:4:station: the pattern 'fast' calls at 'dee', where its",
        ),
        (PATTERNS, CALLS + "slow,ann\n", "rail_pattern_calls.csv:4:pattern: no pattern has the id 'slow'"),
        (PATTERNS, CALLS + "fast,ann\n", "rail_pattern_calls.csv:4:pattern: pattern, station 'fast', 'ann' stands"),
        (
            PATTERNS.replace("120", "20"),
            CALLS,
            "rail_patterns.csv:2:headway_min: the line 'east': the patterns have 24",
        ),
        (PATTERNS.replace("east", "west"), CALLS, "rail_patterns.csv:2:line: no line has the id 'west'"),
        (
            PATTERNS + "".join(f"p{i},east,p{i},300,,\n" for i in range(4)),
            CALLS + "".join(f"p{i},ann\np{i},ben\n" for i in range(4)),
            "rail_patterns.csv:6:line: the line 'east' has 5 patterns at a time, at most 4",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path, patterns, calls, said):
    with pytest.raises(BadInput) as caught:
        region(tmp_path, patterns, calls)
    lines = [str(p) for p in caught.value.problems]
    assert any(line.startswith(said) for line in lines), lines


def test_nobody_boards_at_a_post(tmp_path):
    folder = tmp_path / "region"
    region(tmp_path)
    text = (folder / "stations.csv").read_text(encoding="utf-8")
    (folder / "stations.csv").write_text(text + "post,Post,线路所,0.5,0,\n", encoding="utf-8")
    stops = (folder / "rail_stops.csv").read_text(encoding="utf-8")
    (folder / "rail_stops.csv").write_text(
        stops.replace("east,1,ann,0\n", "east,0,ann,0\neast,1,post,60\n"), encoding="utf-8"
    )
    (folder / "rail_pattern_calls.csv").write_text(CALLS + "fast,post\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"calls\.csv:4:station: the pattern 'fast' calls at 'post', a junction post"):
        read_region(folder)
