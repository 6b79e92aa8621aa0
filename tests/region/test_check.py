"""Bad input: every kind of problem is found, named by its place, and says what to do."""

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from megalopolis.errors import BadInput, Problem
from megalopolis.region.csvfile import refuse_large
from megalopolis.region.inspect import check_region
from megalopolis.region.raw import MAX_BYTES
from megalopolis.region.read import read_region

TOY = Path(__file__).parents[1] / "toy" / "region"

#: File, text in it, what it becomes, and the start of the line that must be said.
EDITS = {
    "missing column": (
        "cities.csv",
        "id,name,name_local,",
        "id,label,name_local,",
        "cities.csv: the column 'name' is missing; ",
    ),
    "missing column, near": (
        "cities.csv",
        ",lon,lat,",
        ",lon,latt,",
        "cities.csv: the column 'lat' is missing; did you mean latt?",
    ),
    "unknown column, near": (
        "cities.csv",
        "urban_population",
        "urban_pop",
        "cities.csv:1:urban_pop: the column 'urban_pop' is not known; did you mean urban_population",
    ),
    "column twice": (
        "cities.csv",
        "country",
        "name",
        "cities.csv:1:name: the column 'name' stands twice; remove one of them",
    ),
    "unit not understood": (
        "cities.csv",
        "area_km2,",
        "area_km2 (acres),",
        "cities.csv:1:area_km2 (acres): the unit 'acres' of 'area_km2' is not understood; give km2",
    ),
    "text in a number": (
        "cities.csv",
        "2000000,1000000",
        "many,1000000",
        "cities.csv:3:population: 'many' is not a number; leave the cell empty",
    ),
    "NaN": (
        "cities.csv",
        "2000000,1000000",
        "NaN,1000000",
        "cities.csv:3:population: 'NaN' is not a finite number; leave the cell",
    ),
    "inf": (
        "cities.csv",
        "2000000,1000000",
        "-inf,1000000",
        "cities.csv:3:population: '-inf' is not a finite number; leave the cell",
    ),
    "overflow": (
        "cities.csv",
        "2000000,1000000",
        "1e999,1000000",
        "cities.csv:3:population: '1e999' is not a finite number; leave the",
    ),
    "underscore": (
        "cities.csv",
        "2000000,1000000",
        "2_000,1000000",
        "cities.csv:3:population: '2_000' is not a number; leave the cell",
    ),
    "blank required": ("cities.csv", "B,Ben,", "B,,", "cities.csv:3:name: name is empty; every row needs one"),
    "blank number": ("cities.csv", "West,,1,0,", "West,,,0,", "cities.csv:3:lon: lon is empty; every row needs one"),
    "out of range": (
        "cities.csv",
        "West,,1,0,",
        "West,,181,0,",
        "cities.csv:3:lon: 181 is above 180; the unit is degree",
    ),
    "negative": (
        "cities.csv",
        "2000000,1000000",
        "-2,1000000",
        "cities.csv:3:population: -2 is below 0; the unit is persons",
    ),
    "swapped": (
        "cities.csv",
        "West,,1,0,",
        "West,,39.9,116.4,",
        "cities.csv:3:lat: lon and lat look swapped; exchange the two columns",
    ),
    "station swapped": (
        "stations.csv",
        "cor,Cor Central,科站,2,0,C",
        "cor,Cor Central,科站,0,2,C",
        "stations.csv:4:lon: lon and lat look swapped: the station 'Cor Central' is 314 km from its city 'C'; exchange",
    ),
    "duplicate id": (
        "cities.csv",
        "B,Ben",
        "A,Ben",
        "cities.csv:3:id: id 'A' stands already in row 2; remove one, or change it",
    ),
    "duplicate name": (
        "cities.csv",
        "B,Ben",
        "B,ann",
        "cities.csv:3:name: the name 'ann' stands already in row 2; tell them apart",
    ),
    "duplicate local name": (
        "cities.csv",
        "本市",
        "安市",
        "cities.csv:3:name_local: the name_local '安市' stands already in row 2; tell",
    ),
    "duplicate stop": (
        "rail_stops.csv",
        "east,2,ben",
        "east,1,ben",
        "rail_stops.csv:3:line: line, seq 'east', 1 stands already in row 2",
    ),
    "duplicate driver": (
        "drivers.csv",
        "D,2030,pop",
        "D,2020,pop",
        "drivers.csv:3:place: place, year, variable 'D', 2020, 'population' stands already in row 2; remove one",
    ),
    "unknown word": (
        "rail_lines.csv",
        "conventional",
        "conventionel",
        "rail_lines.csv:3:kind: 'conventionel' is not one of hsr, intercity, conventional; did you mean conventional?",
    ),
    "unknown city": (
        "stations.csv",
        "1,0,B",
        "1,0,X9",
        "stations.csv:3:city: no city has the id 'X9'; add it to cities",
    ),
    "name for an id": (
        "stations.csv",
        "1,0,B",
        "1,0,Ben",
        "stations.csv:3:city: no city has the id 'Ben'; write its id B",
    ),
    "stop no city has": (
        "rail_stops.csv",
        "east,3,cor",
        "east,3,corr",
        "rail_stops.csv:4:station: a stop that no city has: no station has the id 'corr'; did you mean cor?",
    ),
    "parent cycle": (
        "cities.csv",
        "A,Ann,安市,TOY,West,,0,0",
        "A,Ann,安市,TOY,West,A,0,0",
        "cities.csv:2:parent: a unit cannot be part of itself: 'A' of 'A'; correct one of the parents",
    ),
    "main station elsewhere": (
        "cities.csv",
        "20000000000,cor",
        "20000000000,dee",
        "cities.csv:4:main_station: the main station 'dee' serves 'D', not 'C'; name a station whose city is 'C'",
    ),
    "main station a junction": (
        "stations.csv",
        "2,0,C",
        "2,0,",
        "cities.csv:4:main_station: the main station 'cor' is a junction post, where no passenger boards",
    ),
    "line with one stop": (
        "rail_stops.csv",
        "north,2,dee,120\n",
        "",
        "rail_stops.csv:5:line: the line 'north' has one stop; a line needs two",
    ),
    "line with no stops": (
        "rail_stops.csv",
        "north,1,ben,0\nnorth,2,dee,120\n",
        "",
        "rail_lines.csv:3:id: the line 'north' has no stops; add its stops to rail_stops, or remove the line",
    ),
    "km does not rise": (
        "rail_stops.csv",
        "east,3,cor,240",
        "east,3,cor,120",
        "rail_stops.csv:4:km: km of the line 'east' does not rise: 120 after 120; count km from the first stop",
    ),
    "km after a missing first": (
        "rail_stops.csv",
        "east,1,ann,0\neast,2,ben,120",
        "east,1,ann,\neast,2,ben,0",
        "rail_stops.csv:3:km: km of the line 'east' does not rise: 0 after 0; count km from the first stop",
    ),
    "stop repeated": (
        "rail_stops.csv",
        "east,3,cor",
        "east,3,ben",
        "rail_stops.csv:4:station: the stop repeats 'ben', the one before; remove it",
    ),
    "negative speed": (
        "rail_lines.csv",
        "hsr,300",
        "hsr,-300",
        "rail_lines.csv:2:speed_kmh: -300 is below 1; the unit is km/h",
    ),
    "closed before opened": (
        "rail_lines.csv",
        "2010,,30",
        "2010,2005,30",
        "rail_lines.csv:2:closed: closed in 2005, before it opened in 2010; correct one of them",
    ),
    "half a year": (
        "rail_lines.csv",
        "2010,,30",
        "2010.5,,30",
        "rail_lines.csv:2:opened: '2010.5' is not a whole number; opened counts",
    ),
    "driver of nowhere": (
        "drivers.csv",
        "D,2020,pop",
        "Q9,2020,pop",
        "drivers.csv:2:place: no city lies in a place called 'Q9'; give the id",
    ),
    "driver of zero": (
        "drivers.csv",
        "37500",
        "0",
        "drivers.csv:6:value: productivity cannot be 0; growth is taken from ratios",
    ),
    "percent as share": (
        "drivers.csv",
        "0.75",
        "75",
        "drivers.csv:9:value: an urban_share of 75 is above 1; write 0.61 for 61 %",
    ),
    "barrier of one point": (
        "barriers.csv",
        "west coast,2,-1,1\n",
        "",
        "barriers.csv:2:barrier: the barrier 'west coast' has one point; it needs",
    ),
    "short row": (
        "rail_stops.csv",
        "east,2,ben,120",
        "east,2,ben",
        "rail_stops.csv:3: has 3 cells where the header has 4; quote cells",
    ),
    "long row": (
        "rail_stops.csv",
        "east,2,ben,120",
        "east,2,ben,120,7",
        "rail_stops.csv:3: has 5 cells where the header has 4; quote cells",
    ),
    "column without header": (
        "rail_stops.csv",
        "line,seq,station,km",
        "line,seq,station,",
        "rail_stops.csv:1: column 4 has no header; name it",
    ),
    "open quote": (
        "rail_stops.csv",
        "east,2,ben,120",
        'east,2,"ben,120',
        "rail_stops.csv:3: a quotation mark is opened and not closed; close",
    ),
    "control character": (
        "cities.csv",
        "B,Ben",
        "B,Be\x07n",
        "cities.csv:3:name: 'Be?n' holds control characters; retype the cell",
    ),
    "yaml key": (
        "region.yaml",
        "currency:",
        "curency:",
        "region.yaml:5: 'curency' is not known here; see the reference of regions",
    ),
    "yaml year": ("region.yaml", "2020", "soon", "region.yaml:6: 'base_year' input should be a valid integer"),
    "yaml tag": (
        "region.yaml",
        "Toy",
        "!!python/object/apply:os.system [ls]",
        "region.yaml:3: could not determine a constructor",
    ),
}

#: File, its bytes, and the start of the line that must be said.
FILES = {
    "empty": ("cities.csv", b"", "cities.csv: is empty; write the headers and rows, or delete the file"),
    "blank": ("cities.csv", b"\n\n  \n", "cities.csv: is empty; write the headers and rows, or delete the file"),
    "header only": ("cities.csv", b"id,name,lon,lat\n", "cities.csv: has no rows; write one row for each city"),
    "binary": (
        "cities.csv",
        b"\x89PNG\r\n\x1a\n\x00\x01\x02",
        "cities.csv: is a binary file, not text; save it as CSV UTF-8",
    ),
    "a workbook": (
        "cities.csv",
        b"PK\x03\x04rest",
        "cities.csv: is a workbook or an archive, not text; save it as CSV",
    ),
    "UTF-16": (
        "cities.csv",
        "id,name,lon,lat\nA,Ann,0,0\n".encode("utf-16"),
        "cities.csv: is UTF-16 text; save it as CSV UTF-8",
    ),
    "UTF-16 without mark": (
        "cities.csv",
        "id,name,lon,lat\nA,Ann,0,0\n".encode("utf-16-le"),
        "cities.csv: is UTF-16 text; save it as CSV UTF-8",
    ),
    "GB18030 of something else": (
        "cities.csv",
        "学生,成绩\n张三,90\n".encode("gb18030"),
        "cities.csv:1: is neither UTF-8 nor a table in GB18030; save it as CSV UTF-8",
    ),
    "Latin-1": (
        "cities.csv",
        "id,name,lon,lat\nA,São,0,0\n".encode("latin-1"),
        "cities.csv:2: is neither UTF-8 nor a table in GB18030; save",
    ),
}


def edited(folder: Path, file: str, old: str, new: str) -> Path:
    shutil.copytree(TOY, folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text, "the case no longer edits anything"
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


@pytest.mark.parametrize(("file", "old", "new", "said"), EDITS.values(), ids=EDITS)
def test_problem_is_named_by_its_place(tmp_path, file, old, new, said):
    folder = edited(tmp_path / "region", file, old, new)
    with pytest.raises(BadInput) as caught:
        read_region(folder)
    lines = [str(p) for p in caught.value.problems]
    assert any(line.startswith(said) for line in lines), lines
    assert all("\n" not in line for line in lines)


@pytest.mark.parametrize(("file", "data", "said"), FILES.values(), ids=FILES)
def test_file_that_is_no_table(tmp_path, file, data, said):
    folder = tmp_path / "region"
    shutil.copytree(TOY, folder)
    (folder / file).write_bytes(data)
    lines = [str(p) for p in check_region(folder).problems]
    assert lines[0].startswith(said), lines


def test_misspelt_file_name_is_not_silently_left_out(tmp_path):
    folder = tmp_path / "region"
    shutil.copytree(TOY, folder)
    (folder / "cities.csv").rename(folder / "citys.csv")
    lines = [str(p) for p in check_region(folder).problems]
    assert "citys.csv: 'citys' is not the name of a table; did you mean cities?" in lines


def test_other_files_are_left_alone(tmp_path, toy):
    folder = tmp_path / "region"
    shutil.copytree(TOY, folder)
    (folder / "plans").mkdir()
    (folder / "plans" / "rail_line.csv").write_text("x")
    (folder / "notes.csv").write_bytes(b"\0\0")
    (folder / "SOURCES.md").write_text("# Sources")
    assert read_region(folder).hash == toy.hash


def test_all_problems_at_once(tmp_path):
    folder = edited(tmp_path / "region", "cities.csv", "2000000,1000000", "many,-5")
    text = (folder / "rail_lines.csv").read_text(encoding="utf-8").replace("hsr,300", "maglev,300")
    (folder / "rail_lines.csv").write_text(text, encoding="utf-8")
    assert [p.where for p in check_region(folder).problems] == [
        "cities.csv:3:population",
        "cities.csv:3:urban_population",
        "rail_lines.csv:2:kind",
    ]


def test_long_lists_of_problems_are_cut_in_print_only():
    error = BadInput(Problem(f"cities.csv:{i}", "is wrong") for i in range(1250))
    lines = str(error).splitlines()
    assert len(error.problems) == 1250
    assert len(lines) == 101
    assert lines[-1] == "and 1,150 more problems"


def test_a_longer_cycle_of_parents_is_told_once(tmp_path):
    folder = edited(tmp_path / "region", "cities.csv", "West,,0,0", "West,B,0,0")
    text = (folder / "cities.csv").read_text(encoding="utf-8").replace("West,,1,0", "West,A,1,0")
    (folder / "cities.csv").write_text(text, encoding="utf-8")
    lines = [str(p) for p in check_region(folder).problems]
    assert lines == [
        "cities.csv:2:parent: a unit cannot be part of itself: 'A' of 'B' of 'A'; correct one of the parents"
    ]


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "clusters_planned.csv",
            "core,Core,核心城市群,A",
            "lone,Lone,独,A",
            "clusters_planned.csv:2:cluster: the cluster 'lone' has one city",
        ),
        (
            "stations.csv",
            "2,0,C",
            "3.5,0,C",
            "stations.csv:4:city: the station 'Cor Central' is 167 km from its city 'C'; check",
        ),
        (
            "rail_stops.csv",
            "ben,120\neast,3,cor,240",
            "ben,60\neast,3,cor,240",
            "rail_stops.csv:3:km: 60.0 km from the stop before is less than",
        ),
        (
            "rail_lines.csv",
            "300,240",
            "300,350",
            "rail_lines.csv:2:operating_kmh: the operating speed is above the design speed",
        ),
        (
            "cities.csv",
            "2000000,1000000",
            "2000000,3000000",
            "cities.csv:3:urban_population: urban_population is greater than population",
        ),
        ("cities.csv", "country", "motto", "cities.csv:1:motto: the column 'motto' is not known and was not read"),
        (
            "sources.csv",
            "cities,gdp",
            "cities,gpd",
            "sources.csv:28:column: 'cities' has no column 'gpd'; did you mean gdp?",
        ),
    ],
)
def test_warnings_do_not_hinder_reading(tmp_path, file, old, new, said):
    report = check_region(edited(tmp_path / "region", file, old, new))
    assert report.problems == ()
    assert any(str(w).startswith(said) for w in report.warnings), list(map(str, report.warnings))


def test_junction_post_needs_no_city(tmp_path):
    folder = edited(tmp_path / "region", "stations.csv", "cor,", "post,Post,线路所,1.5,0,\ncor,")
    text = (folder / "rail_stops.csv").read_text(encoding="utf-8").replace("east,3,cor", "east,3,post,180\neast,4,cor")
    (folder / "rail_stops.csv").write_text(text, encoding="utf-8")
    report = check_region(folder)
    assert report.problems == report.warnings == ()


def test_missing_km_is_filled_and_said_to_be_assumed(tmp_path):
    """One degree is 111.195 km; 1.15 times that is 127.874."""
    folder = edited(tmp_path / "region", "rail_stops.csv", "ben,120\neast,3,cor,240", "ben,\neast,3,cor,")
    region = read_region(folder)
    assert region.frame("rail_stops")["km"].to_list() == pytest.approx([0, 127.874, 255.749, 0, 120], abs=1e-3)
    assert region.status("rail_stops", "km").to_list() == ["assumed"] * 5  # the toy's own figures are assumed too
    last = region.frame("sources").iloc[-1]
    assert (last["table"], last["column"], last["rows"], last["status"]) == ("rail_stops", "km", "line=east", "assumed")


def test_missing_km_between_known_ones_shares_the_length(tmp_path):
    folder = edited(tmp_path / "region", "rail_stops.csv", "ben,120", "ben,")
    region = read_region(folder)
    assert region.frame("rail_stops")["km"].to_list()[:3] == pytest.approx([0, 120, 240])


def test_summary_counts_rows_and_provenance():
    report = check_region(TOY)
    assert report.region is not None
    rows = {row["table"]: row for row in report.summary}
    assert rows["cities"] == {
        "table": "cities",
        "rows": 4,
        "sourced": "0 %",
        "measured": "0 %",
        "estimated": "0 %",
        "assumed": "100 %",
        "unstated": "0 %",
    }
    record = report.record()
    assert record["result"]["problems"] == []
    assert record["region"]["hash"] == report.region.hash


def test_unstated_provenance_is_counted(tmp_path):
    folder = tmp_path / "region"
    shutil.copytree(TOY, folder)
    (folder / "sources.csv").unlink()
    shares = {t.table: t.shares for t in check_region(folder).tables}
    assert shares["cities"]["unstated"] == 1.0
    assert shares["drivers"]["assumed"] == 1.0


def test_huge_file_is_refused_by_its_size(tmp_path, monkeypatch):
    folder = tmp_path / "region"
    shutil.copytree(TOY, folder)
    with (folder / "cities.csv").open("r+b") as stream:  # sparse: takes no room on the disk
        stream.truncate(MAX_BYTES + 1)
    plain = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda p: pytest.fail("read") if p.name == "cities.csv" else plain(p))
    lines = [str(p) for p in check_region(folder).problems]
    assert lines[0] == "cities.csv: is larger than 512 MB; leave out what is not needed, or split the region"


def test_a_file_is_refused_beyond_the_limit_only(tmp_path):
    file = tmp_path / "cities.csv"
    with file.open("wb") as stream:
        stream.truncate(MAX_BYTES)
    refuse_large(file)
    with file.open("r+b") as stream:
        stream.truncate(MAX_BYTES + 1)
    with pytest.raises(BadInput, match="larger than 512 MB"):
        refuse_large(file)


def test_too_many_cities_are_refused(tmp_path):
    folder = tmp_path / "region"
    folder.mkdir()
    (folder / "region.yaml").write_text("name: X\nbase_year: 2020\n")
    rows = "".join(f"{i},c{i},0,0\n" for i in range(100_001))
    (folder / "cities.csv").write_text(f"id,name,lon,lat\n{rows}")
    assert [str(p) for p in check_region(folder).problems] == [
        "cities.csv: has more than 100,000 cities; split the region"
    ]


def test_no_region_yaml_and_no_cities(tmp_path):
    lines = [str(p) for p in check_region(tmp_path).problems]
    assert lines[0].startswith("region.yaml: is missing; write a file region.yaml with the lines")
    assert lines[1].endswith("has no table 'cities'; add it: it is the only one that every region needs")


def test_unknown_region_suggests_the_nearest():
    with pytest.raises(BadInput, match=r"there is no region 'chyna'; did you mean china\?"):
        read_region("chyna")


HEADER = b"id,name,lon,lat,population\n"


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.binary(max_size=120).map(lambda b: HEADER + b),
        st.text(max_size=80).map(lambda t: HEADER + t.encode()),
    )
)
@example(HEADER + b'A,"Ann')
@example(HEADER + b"A,Ann,0,0,1e400")
@example(HEADER + b"A,Ann,0,0,\xff")
@example(b"\xef\xbb\xbf" + HEADER + "A,安,０,０,２万\n".encode())
@example(b'id,"na\nme",lon,lat,"po\x1bpulation"\nA,"A\nnn",0,0,5\n')
@example(b"PK\x03\x04")
@example(b"\r\n\r\n;;;\r")
def test_any_bytes_are_read_or_refused(tmp_path, data):
    (tmp_path / "region.yaml").write_text("name: X\nbase_year: 2020\n")
    (tmp_path / "cities.csv").write_bytes(data)
    report = check_region(tmp_path)
    assert all(p.where and "\n" not in str(p) for p in report.problems)
    if report.region is None:
        assert report.problems
    else:
        cities = report.region.frame("cities")
        assert len(cities)
        assert cities["lat"].between(-90, 90).all()
        assert cities["lon"].between(-180, 180).all()
        assert cities["id"].is_unique
