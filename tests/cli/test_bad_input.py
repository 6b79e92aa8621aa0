"""Bad input: one clear line on stderr, exit status 2, no traceback, nothing written."""

import shutil
from pathlib import Path

import openpyxl
import pytest

TOY = Path(__file__).parents[1] / "toy" / "region"
PLAN = Path(__file__).parents[1] / "toy" / "plan.yaml"

#: File, text in it, what it becomes, and the start of the one line that must be said.
TABLES = {
    "missing column": ("cities.csv", "id,name,", "id,label,", "cities.csv: the column 'name' is missing; "),
    "text in a number": ("cities.csv", "2000000,1", "many,1", "cities.csv:3:population: 'many' is not a number; "),
    "NaN": ("cities.csv", "2000000,1", "NaN,1", "cities.csv:3:population: 'NaN' is not a finite number; "),
    "duplicate id": ("drivers.csv", "D,2030", "D,2020", "drivers.csv:3:place: place, year, variable 'D', 2020, "),
    "duplicate name": ("cities.csv", "B,Ben", "B,ann", "cities.csv:3:name: the name 'ann' stands already in row 2; "),
    "swapped coordinates": (
        "cities.csv",
        "West,,1,0,",
        "West,,39.9,116.4,",
        "cities.csv:3:lat: lon and lat look swapped; exchange the two columns",
    ),
    "out of range": ("cities.csv", "West,,1,0,", "West,,181,0,", "cities.csv:3:lon: 181 is above 180; "),
    "stop that no city has": (
        "rail_stops.csv",
        "3,cor",
        "3,corr",
        "rail_stops.csv:4:station: a stop that no city has: ",
    ),
    "line with one stop": (
        "rail_stops.csv",
        "north,2,dee,120\n",
        "",
        "rail_stops.csv:5:line: the line 'north' has one",
    ),
    "negative speed": ("rail_lines.csv", "hsr,300", "hsr,-300", "rail_lines.csv:2:speed_kmh: -300 is below 1; "),
    "YAML with code": (
        "region.yaml",
        "name: Toy",
        "name: !!python/object/apply:os.system [ls]",
        "region.yaml:3: could",
    ),
    "YAML nested deep": ("region.yaml", "USD", "[" * 5000 + "]" * 5000, "region.yaml:5: nested more "),
    "parameter unknown": ("region.yaml", "USD", "USD\nparameters: {travel.x: 1}", "region.yaml: there is no parameter"),
}
#: Bytes of cities.csv and the start of the one line that must be said.
FILES = {
    "empty": (b"", "cities.csv: is empty; "),
    "header only": (b"id,name,lon,lat\n", "cities.csv: has no rows; "),
    "binary": (b"\x89PNG\r\n\x1a\n\x00\x01\x02" * 9, "cities.csv: is a binary file, not text; "),
    "UTF-16": ("id,name,lon,lat\nA,Ann,0,0\n".encode("utf-16"), "cities.csv: is UTF-16 text; save it as CSV UTF-8"),
    "100,001 cities": (
        b"id,name,lon,lat\n" + b"".join(b"%d,n%d,0,0\n" % (i, i) for i in range(100_001)),
        "cities.csv: has more than 100,000 ",
    ),
    "escapes and markup": (b'id,name,lon,lat\nA,"A\x1b[31m\n<script>",0,0\n', "cities.csv:2:name: "),
}
#: Text of a plan and the start of the one line that must be said.
PLANS = {
    "unknown city": (
        "name: P\nmeasures:\n- {kind: road_time, name: R, from: Ann, to: Deer, minutes: 9, opens: 2025}\n",
        "plan.yaml:3: no city is called 'Deer'; did you mean Dee",
    ),
    "matches nothing": (
        "name: P\nyears: [2030]\nmeasures:\n- {kind: delay, name: D, lines: all, years: 2}\n",
        "plan.yaml:4: 'D' matches no line that opens after 2020; ",
    ),
    "repeats a name": (
        "name: P\nmeasures:\n" + "- {kind: road_time, name: R, from: Ann, to: Dee, minutes: 9, opens: 2025}\n" * 2,
        "plan.yaml:4: another measure is called 'R'; rename one of them",
    ),
    "unknown kind": ("name: P\nmeasures:\n- {kind: teleport, name: T}\n", "plan.yaml:3: is not a kind of measure; "),
    "code tag": ("name: !!python/object/apply:os.system ['touch pwned']\n", "plan.yaml:1: could not determine a const"),
    "aliases": ("name: &a P\nnames: {zh: *a}\n", "plan.yaml:2: aliases are not allowed; "),
    "nested deep": ("name: P\nmeasures: " + "[" * 100_000, "plan.yaml:2: nested more than 20 deep; "),
    "nested deep in blocks": (
        "name: P\nmeasures:\n" + "- " * 100_000 + "x\n",
        "plan.yaml:3: nested more than 20 deep; ",
    ),
    "a key that is a list": ("? [name]\n: P\n", "plan.yaml:1: a key is not a single word; "),
    "a key that is a number": ("name: P\n1: x\n", "plan.yaml:1: '1' keys should be strings; "),
    "10 MB": ("name: P\nmeasures:\n" + "# padding of a comment\n" * 450_000, "plan.yaml: is larger than 4 MiB; "),
    "10,001 measures": ("name: P\nmeasures: [" + "x," * 10_001 + "]\n", "plan.yaml:2: 'measures' list should have at "),
    "10,000 measures, the first of no line": (
        "name: P\nyears: [2030]\nmeasures:\n"
        + "".join(f"- {{kind: delay, name: {i}x, lines: [none], years: 1}}\n" for i in range(10_000)),
        "plan.yaml:4: no single line is called 'none'; ",
    ),
    "not a mapping": ("- a\n- b\n", "plan.yaml:1: is not a mapping of names to values; "),
    "empty": ("", "plan.yaml:1: is not a mapping of names to values; "),
    "not text": ("name: P\x00\n", "plan.yaml: "),
    "extends itself": ("name: P\nextends: plan.yaml\n", "plan.yaml:2: the plan extends itself; remove extends"),
    "years that fall": ("name: P\nyears: [2030, 2020]\n", "plan.yaml:2: 'years' must rise, between 1800 and 2200; "),
}
#: Arguments of the command line and the start of the one line that must be said.
ARGUMENTS = {
    "unknown region": (("report", "chinaa"), "there is no region 'chinaa'; did you mean china?"),
    "region outside": (("report", "../../etc/nothing"), "there is no region '../../etc/nothing'; "),
    "region that is no region": (("report", "/etc/passwd"), "passwd: 'passwd' is not a format of regions; "),
    "folder that is no region": (("clusters", "/nowhere/at/all"), "there is no region '/nowhere/at/all'; "),
    "name that draws": (("report", "a\x1b[2Jb\nc"), "there is no region 'a?[2Jb c'; "),
    "name of 5,000 letters": (("clusters", TOY, "x" * 5000), "the plan 'xxxxx"),
    "unknown plan": (("report", "china", "china/2036"), "there is no plan 'china/2036'; did you mean china/2035"),
    "plan that is not there": (("report", TOY, "none.yaml"), "none.yaml: No such file or directory; "),
    "plan that is a folder": (("report", TOY, "folder.yaml"), "folder.yaml: Is a directory; check the path"),
    "set unknown": (
        ("report", TOY, "--set", "travel.transfer=2"),
        "--set: there is no parameter 'travel.transfer'; did",
    ),
    "set NaN": (("report", TOY, "--set", "travel.transfer_min=nan"), "--set: 'travel.transfer_min' is nan; give a fin"),
    "set text": (("report", TOY, "--set", "travel.transfer_min=x"), "--set: 'x' is not a number; write --set "),
    "set without =": (("report", TOY, "--set", "travel.transfer_min"), "--set: 'travel.transfer_min' has no '='; "),
    "set against sense": (("report", TOY, "--set", "travel.transfer_min=-1"), "Toy: travel: a transfer of -1.0 min is"),
    "year out of range": (("clusters", TOY, "--year", "1066"), "Invalid value for '--year': 1066 is not in the range "),
    "year in words": (("clusters", TOY, "--year", "soon"), "Invalid value for '--year': 'soon' is not a valid int"),
    "unknown option": (("clusters", TOY, "--yaer", "2030"), "No such option: --yaer "),
    "unknown command": (("cluster", TOY), "No such command 'cluster'"),
    "no region": (("clusters",), "Missing argument 'REGION'; see megalopolis clusters --help"),
    "unknown city": (("travel", TOY, "Ann", "Corr"), "no city is called 'Corr'; did you mean Cor?"),
    "city of no letters": (("travel", TOY, "", "Cor"), "no city is called ''; "),
    "city to itself": (("travel", TOY, "Ann", "安市"), "'Ann' and '安市' are the same city; name two cities"),
    "one city": (("travel", TOY, "Ann"), "'Ann' is a city; name two cities, FROM and TO"),
    "too many names": (("travel", TOY, "Ann", "Cor", PLAN, "Dee"), "4 names after the region; "),
    "one plan to compare": (("compare", TOY, PLAN), "one plan alone cannot be compared; "),
    "a plan twice": (("compare", TOY, PLAN, PLAN), "two plans are called 'Toy 2030'; "),
    "reproduce nothing": (("reproduce", "run.json"), "run.json: No such file or directory; give the run.json of a rep"),
    "output is a file": (("report", TOY, "-o", "file"), "file: is a file; give a folder"),
    "output in a file": (("report", TOY, "-o", "file/out"), "file: is a file; give a folder"),
    "output of 300 letters": (("report", TOY, "-o", "x" * 300), "xxx"),
    "output not ours": (("report", TOY, "--draws", 0, "-o", "folder.yaml"), "folder.yaml: is a folder that holds no "),
}
#: Record of a run, as far as it is read.
KEPT = """{"region": {"source": "china", "hash": "x"}, "plans": [{"plan": null, "ledger": "x"}], "years": [2020],
    "draws": 0, "settings": {}, "only": ["travel"]}"""

NOT_OURS = "not the run.json of a report"
TOO_LARGE = "too large for the run.json of a report"


def only_line(done, cwd: Path, before: list[str]) -> str:
    """Return the one error line of a command that must have refused its input and written nothing."""
    assert "Traceback" not in done.err
    assert done.status == 2, (done.status, done.err)
    assert done.out == ""
    assert len(done.errors) == 1, done.err
    assert done.err.endswith("\n")
    line = done.errors[0]
    assert line.startswith("error: ")
    assert line.isprintable()
    assert len(line) <= 510
    assert sorted(map(str, cwd.rglob("*"))) == before, "something was written"
    return line.removeprefix("error: ")


@pytest.fixture
def refused(quick, tmp_path):
    """Run a command in the folder of the test and return its one error line."""

    def run(*arguments):
        before = sorted(map(str, tmp_path.rglob("*")))
        return only_line(quick(*arguments, cwd=tmp_path), tmp_path, before)

    return run


@pytest.mark.parametrize(("file", "old", "new", "said"), TABLES.values(), ids=TABLES)
def test_table(refused, tmp_path, file, old, new, said):
    shutil.copytree(TOY, tmp_path / "region")
    text = (tmp_path / "region" / file).read_text(encoding="utf-8")
    assert old in text, "the case no longer edits anything"
    (tmp_path / "region" / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    assert refused("report", "region", "-o", "out").startswith(said)


@pytest.mark.parametrize(("data", "said"), FILES.values(), ids=FILES)
def test_file_of_cities(refused, tmp_path, data, said):
    (tmp_path / "region").mkdir()
    (tmp_path / "region" / "region.yaml").write_text("name: X\nbase_year: 2020\n")
    (tmp_path / "region" / "cities.csv").write_bytes(data)
    assert refused("report", "region", "-o", "out").startswith(said)


def test_workbook_with_merged_headers(refused, tmp_path):
    """A header merged over two columns of figures; a title merged above the table does no harm."""
    book = openpyxl.Workbook()
    book.active.title = "region"
    for row in (["name", "X"], ["base_year", 2020]):
        book.active.append(row)
    sheet = book.create_sheet("cities")
    for row in (["Cities"], ["id", "name", "lon", "lat", "population", None], ["A", "Ann", 0, 0, 100, 80]):
        sheet.append(row)
    sheet.merge_cells("A1:F1")
    sheet.merge_cells("E2:F2")
    book.save(tmp_path / "region.xlsx")
    said = refused("report", "region.xlsx", "-o", "out")
    assert said == "region.xlsx:cities!E2: the header is merged over E2:F2; give every column its own header"


@pytest.mark.parametrize(("text", "said"), PLANS.values(), ids=PLANS)
def test_plan(refused, tmp_path, text, said):
    (tmp_path / "plan.yaml").write_text(text, encoding="utf-8")
    assert refused("report", TOY, "plan.yaml", "-o", "out", "--draws", 0).startswith(said)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(("arguments", "said"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_arguments(refused, tmp_path, arguments, said):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "folder.yaml" / "mine.txt").write_text("mine")
    assert refused(*arguments).startswith(said)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "not JSON",
        "[" * 100_000,
        '{"region": {"source": "china", "hash": 1}, "plans": [], "years": "x"}',
        KEPT.replace('"draws": 0', '"draws": 1000000000'),
        KEPT.replace("travel", "x" * 2**26),
    ],
)
def test_record_of_a_run(refused, tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    said = refused("reproduce", "run.json")
    assert said in {f"run.json: is {what}; give the run.json of a report" for what in (NOT_OURS, TOO_LARGE)}


def test_region_that_is_not_what_it_was(refused, tmp_path):
    (tmp_path / "run.json").write_text(KEPT)
    assert refused("reproduce", "run.json").startswith("run.json: the region 'china' is not what it was; ")
    (tmp_path / "run.json").write_text(KEPT.replace("china", "../../etc"))
    assert refused("reproduce", "run.json").startswith("there is no region '../../etc'; ")


def test_every_problem_has_its_line(quick, tmp_path):
    """Three problems, three lines; of 1,250 problems 100 are shown."""
    (tmp_path / "region.yaml").write_text("name: X\nbase_year: 2020\n")
    (tmp_path / "cities.csv").write_text("id,name,lon,lat\nA,Ann,x,0\nB,,1,95\n")
    done = quick("clusters", tmp_path)
    assert done.status == 2
    assert [line.partition(": ")[2].partition(": ")[0] for line in done.errors] == [
        *("cities.csv:3:name", "cities.csv:2:lon", "cities.csv:3:lat"),
    ]
    (tmp_path / "cities.csv").write_text("id,name,lon,lat\n" + "".join(f"{i},n{i},x,0\n" for i in range(1250)))
    errors = quick("clusters", tmp_path).errors
    assert len(errors) == 101
    assert errors[-1] == "error: and 1,150 more problems"


def test_names_with_markup_stay_text(quick, tmp_path):
    """Names that look like a path, a tag or a formula are names: shown as they are, run nowhere."""
    (tmp_path / "region.yaml").write_text("name: ../../x\nbase_year: 2020\n")
    (tmp_path / "cities.csv").write_text(
        "id,name,lon,lat,population,urban_population,gdp\n"
        'A,"<script>alert(1)</script>",0,0,4e6,3e6,1e9\n../B,"=cmd|calc",1,0,2e6,1e6,1e9\nC,../../etc,1,1,2e6,1e6,1e9\n'
    )
    done = quick("report", ".", "--draws", 0, "-o", "out", cwd=tmp_path)
    assert done.status == 0, done.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cities.csv", "out", "region.yaml"]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    cells = {
        cell.value: cell.data_type
        for sheet in openpyxl.load_workbook(tmp_path / "out" / "report.xlsx")
        for row in sheet.iter_rows()
        for cell in row
    }
    assert "f" not in cells.values(), "a formula in the workbook"
