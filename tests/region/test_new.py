"""The template: empty, explained, and valid once it is filled in."""

import openpyxl
import pytest

from megalopolis.errors import BadInput
from megalopolis.region.inspect import check_region
from megalopolis.region.new import new_region
from megalopolis.region.raw import table_titles
from megalopolis.region.read import read_region
from megalopolis.region.schema import schemas


@pytest.mark.parametrize("language", ["en", "zh"])
def test_folder_lacks_only_its_cities(tmp_path, language):
    files = new_region(tmp_path / "mine", language=language)
    tables = {f"{t}.csv" for t in schemas() if t != "catalogue"}
    assert {p.name for p in files} == {"README.md", "region.yaml", "services"} | tables
    report = check_region(tmp_path / "mine")
    assert [str(p) for p in report.problems] == ["cities.csv: has no rows; write one row for each city"]
    assert report.warnings == ()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_rows_of_its_readme_are_valid(tmp_path, language):
    new_region(tmp_path / "mine", language=language)
    text = (tmp_path / "mine" / "README.md").read_text(encoding="utf-8")
    (tmp_path / "mine" / "cities.csv").write_text(text.split("```")[1].strip() + "\n", encoding="utf-8")
    region = read_region(tmp_path / "mine")
    assert region.frame("cities")["id"].to_list() == ["001", "002"]
    assert region.frame("cities")["population"].to_list() == [4e6, 2e6]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_workbook_is_valid_with_two_rows(tmp_path, language):
    (file,) = new_region(tmp_path / "mine", excel=True, language=language)
    assert file == tmp_path / "mine" / "region.xlsx"
    assert [p.what for p in check_region(file).problems] == ["has no rows"]
    book = openpyxl.load_workbook(file)
    sheet = book["城市" if language == "zh" else "cities"]
    headers = {cell.comment.text.partition(" ")[0].rstrip(":"): cell.column for cell in sheet[1]}
    assert list(headers) == list(schemas()["cities"].names)
    for row, values in enumerate(({"id": "001", "name": "Ann"}, {"id": "002", "name": "Ben"}), 2):
        for key, value in {**values, "lon": row, "lat": 0}.items():
            sheet.cell(row, headers[key], value)
    book.save(file)
    report = check_region(tmp_path / "mine")
    assert report.problems == report.warnings == ()
    assert report.region is not None
    assert report.region.frame("cities")["id"].to_list() == ["001", "002"]


def test_workbook_explains_and_checks_what_is_typed(tmp_path):
    (file,) = new_region(tmp_path / "mine.xlsx", excel=True)
    book = openpyxl.load_workbook(file)
    assert book.sheetnames == ["README", "region", *table_titles()]
    explained = {(row[0], row[1]) for row in book["README"].iter_rows(values_only=True)}
    assert explained >= {(table, column) for table, schema in schemas().items() for column in schema.names}
    rules = {str(r.sqref): r for r in book["rail_lines"].data_validations.dataValidation}
    assert rules["D2:D10000"].formula1 == '"hsr,intercity,conventional"'
    assert (rules["E2:E10000"].formula1, rules["E2:E10000"].formula2) == ("1", "1200")
    assert book["cities"]["A2"].number_format == "@"


def test_two_templates_are_the_same(tmp_path):
    for name in ("a", "b"):
        new_region(tmp_path / name)
        new_region(tmp_path / f"{name}.xlsx", excel=True)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    assert (tmp_path / "a" / "README.md").read_text() == (tmp_path / "b" / "README.md").read_text()


@pytest.mark.parametrize("excel", [False, True])
def test_nothing_is_overwritten(tmp_path, excel):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "cities.csv").write_text("id\n")
    with pytest.raises(BadInput, match="mine: is there already; give a name that is free"):
        new_region(tmp_path / "mine", excel=excel)
    (tmp_path / "mine.xlsx").write_text("x")
    with pytest.raises(BadInput, match="is there already"):
        new_region(tmp_path / "mine.xlsx", excel=excel)
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["cities.csv"]


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput, match="give another folder"):
        new_region(tmp_path / "file" / "mine")
