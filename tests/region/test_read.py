"""One region, many formats: the same content has the same hash."""

import shutil
from pathlib import Path

import geopandas
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from megalopolis.errors import BadInput
from megalopolis.region import Region, RegionMeta
from megalopolis.region.inspect import check_region
from megalopolis.region.raw import table_titles
from megalopolis.region.read import bundled_regions, read_region, region_path
from megalopolis.region.region import typed
from megalopolis.region.schema import schemas
from megalopolis.region.write import (
    region_frames,
    region_layers,
    write_excel,
    write_folder,
    write_geopackage,
    write_parquet,
)

TOY = Path(__file__).parents[1] / "toy" / "region"
META = "name: X\nbase_year: 2020\n"


def lines(source: Path) -> list[str]:
    return [str(p) for p in check_region(source).problems]


def book_of(path: Path, cities: list[list[object]], **meta: object) -> openpyxl.Workbook:
    """Workbook with the sheets region and cities, not yet saved."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "region"
    for key, value in ({"name": "X", "base_year": 2020, "currency": "CNY"} | meta).items():
        sheet.append([key, value])
    sheet = book.create_sheet("cities")
    for row in cities:
        sheet.append(row)
    book.save(path)
    return book


def folder_of(path: Path, cities: bytes | str, name: str = "cities.csv") -> Path:
    path.mkdir(exist_ok=True)
    (path / "region.yaml").write_text(META + "currency: CNY\n")
    (path / name).write_bytes(cities.encode() if isinstance(cities, str) else cities)
    return path


@pytest.fixture(params=["folder", "xlsx", "gpkg", "parquet"])
def copy(request, tmp_path, toy):
    """The toy region, written in each format."""
    if request.param == "folder":
        write_folder(toy, tmp_path / "copy")
        return tmp_path / "copy"
    if request.param == "xlsx":
        write_excel(region_frames(toy), tmp_path / "copy.xlsx")
        return tmp_path / "copy.xlsx"
    if request.param == "gpkg":
        write_geopackage(region_layers(toy), tmp_path / "copy.gpkg")
        return tmp_path / "copy.gpkg"
    write_parquet(region_layers(toy), tmp_path / "copy")
    return tmp_path / "copy"


def test_same_content_has_the_same_hash_in_every_format(copy, toy):
    again = read_region(copy)
    assert again.table_hashes == toy.table_hashes
    assert again.meta == toy.meta
    assert again.hash == toy.hash


def test_bundled_region_survives_every_format(tmp_path):
    region = read_region("china")
    write_folder(region, tmp_path / "china")
    write_geopackage(region_layers(region), tmp_path / "china.gpkg")
    assert read_region(tmp_path / "china").hash == region.hash
    assert read_region(tmp_path / "china.gpkg").hash == region.hash


TEXT = (
    st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=12).map(str.strip).filter(bool)
)
FINITE = st.floats(0, 1e15, allow_nan=False) | st.integers(0, 10**12).map(float)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(
        st.tuples(TEXT, TEXT, st.floats(-180, 180), st.floats(-90, 90), st.none() | FINITE, st.none() | TEXT),
        min_size=1,
        max_size=6,
        unique_by=(lambda r: r[0], lambda r: r[1].casefold()),
    )
)
def test_any_content_survives_every_format(tmp_path_factory, rows):
    """Row order, zeros in ids, digits of numbers, signs that look like formulas: all is kept."""
    frame = pd.DataFrame(rows, columns=["id", "name", "lon", "lat", "gdp", "admin1"])
    frame[["lon", "lat"]] += 0.0  # minus zero is zero
    errors = {"#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!"}
    if frame.isin(errors).any().any():
        return
    region = Region(RegionMeta(name="X", base_year=2020), {"cities": typed("cities", frame)})
    folder = tmp_path_factory.mktemp("any")
    write_folder(region, folder / "f")
    write_excel(region_frames(region), folder / "b.xlsx")
    write_geopackage(region_layers(region), folder / "g.gpkg")
    for name in ("f", "b.xlsx", "g.gpkg"):
        again = read_region(folder / name)
        assert again.frame("cities")["id"].to_list() == frame["id"].to_list()
        assert again.hash == region.hash


def test_row_order_is_part_of_the_content(tmp_path, toy):
    shutil.copytree(TOY, tmp_path / "turned")
    head, *rows = (TOY / "flows.csv").read_text().splitlines()
    (tmp_path / "turned" / "flows.csv").write_text("\n".join([head, *reversed(rows)]) + "\n")
    assert read_region(tmp_path / "turned").hash != toy.hash


# --- text files -------------------------------------------------------------------------------------------------------

PLAIN = "id,name,name_local,lon,lat,population\n010100,Ann,安市,0,0,249000\n2,Ben,本市,1,0,20000\n"


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("gb18030"),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode("gbk"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\n\n,,,,,\n").encode(),
        "代码,英文名,名称,经度,纬度,常住人口（万人）\n010100,Ann,安市,0,0,24.9\n2,Ben,本市,1,0,2\n".encode("gbk"),
        PLAIN.replace("249000", "24.9万").replace("20000", '"20,000"').encode(),
        PLAIN.replace("249000", "２４９０００").encode(),
        "lat,POPULATION,Name Local,lon,Name,ID\n0,249000,安市,0,Ann,010100\n0,20000,本市,1,Ben,2\n".encode(),
    ],
    ids=[
        "mark",
        "gb18030",
        "semicolon",
        "tab gbk",
        "crlf",
        "blank rows",
        "chinese",
        "multiples",
        "wide",
        "other order",
    ],
)
def test_ways_to_write_the_same_table(tmp_path, data):
    expected = read_region(folder_of(tmp_path / "plain", PLAIN))
    region = read_region(folder_of(tmp_path / "other", data))
    assert region.hash == expected.hash
    assert region.frame("cities")["id"].to_list() == ["010100", "2"]
    assert region.frame("cities")["population"].to_list() == [249_000, 20_000]


def test_units_of_the_currency(tmp_path):
    text = "id,name,lon,lat,地区生产总值（亿元）\nA,Ann,0,0,43214.85\n"
    region = read_region(folder_of(tmp_path / "r", text))
    assert region.frame("cities")["gdp"].to_list() == [4_321_485_000_000]


def test_multiple_in_header_and_cell_is_refused(tmp_path):
    folder = folder_of(tmp_path / "r", "id,name,lon,lat,常住人口(万人)\nA,Ann,0,0,24.9万\n")
    assert lines(folder) == [
        "cities.csv:2:常住人口(万人): '24.9万' gives a multiple that the header gives too; give it in one of the two"
    ]


def test_decimal_commas_are_refused(tmp_path):
    folder = folder_of(tmp_path / "r", "id;name;lon;lat\nA;Ann;0,5;0\n")
    assert lines(folder) == [
        "cities.csv:2:lon: '0,5' holds a comma; write a decimal point, and no separator of thousands"
    ]


def test_rows_are_counted_as_lines_of_the_file(tmp_path):
    text = 'id,name,lon,lat,admin1\nA,Ann,0,0,"two\nlines"\n\nB,Ben,1,many,x\n'
    assert lines(folder_of(tmp_path / "r", text)) == [
        "cities.csv:5:lat: 'many' is not a number; leave the cell empty where the value is not known"
    ]


# --- finding a region -------------------------------------------------------------------------------------------------


def test_names_in_any_capitalisation(tmp_path):
    folder = folder_of(tmp_path / "MyRegion", PLAIN, "Cities.CSV")
    assert region_path(tmp_path / "myregion") == folder
    assert read_region(tmp_path / "MYREGION").meta.name == "X"
    assert region_path("China") == region_path("china")
    assert "china" in bundled_regions()


@pytest.mark.parametrize("text", ["", " ", "a\0b", "x" * 5000, "nowhere/at/all"])
def test_paths_that_lead_nowhere(text):
    with pytest.raises(BadInput, match="there is no region"):
        read_region(text)


def test_unknown_format(tmp_path):
    (tmp_path / "region.doc").write_text("x")
    with pytest.raises(BadInput, match=r"region.doc: '.doc' is not a format of regions; give a folder, .xlsx"):
        read_region(tmp_path / "region.doc")


# --- workbooks --------------------------------------------------------------------------------------------------------


def test_numbers_as_ids(tmp_path):
    book = book_of(tmp_path / "b.xlsx", [["id", "name", "lon", "lat"], [110100.0, "Ann", 0, 0], [10100, "Ben", 1, 0]])
    book["cities"]["A3"].number_format = "000000"
    book.save(tmp_path / "b.xlsx")
    assert read_region(tmp_path / "b.xlsx").frame("cities")["id"].to_list() == ["110100", "010100"]


def test_chinese_workbook(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "区域"
    for row in (["名称", "示例"], ["基准年", 2021], ["货币", "CNY"], ["names.en", "Example"], ["语言", "zh、en"]):
        book.active.append(row)
    sheet = book.create_sheet("城市")
    sheet.append(["代码", "英文名", "名称", "经度", "纬度", "常住人口\n（万人）", "地区生产总值（亿元）"])
    sheet.append(["110000", "Beijing", "北京市", 116.4, 39.9, 2189.3095, "4.027万亿元"])
    sheet["G2"] = 40269.6
    book.create_sheet("说明").append(["随便写"])
    book.save(tmp_path / "b.xlsx")
    region = read_region(tmp_path / "b.xlsx")
    assert region.meta == RegionMeta(
        name="示例", base_year=2021, currency="CNY", names={"en": "Example"}, languages=("zh", "en")
    )
    cities = region.frame("cities")
    assert cities["population"].to_list() == [21_893_095]
    assert cities["gdp"].to_list() == [4_026_960_000_000]


def test_title_and_grouped_headers_above_the_table(tmp_path):
    rows = [
        ["Table 1: cities"],
        ["id", "name", "lon", "lat", "people", None],
        [None, None, None, None, "population", "urban_population"],
        ["A", "Ann", 0, 0, 100, 80],
    ]
    book = book_of(tmp_path / "b.xlsx", rows)
    for area in ("A1:F1", "A2:A3", "B2:B3", "C2:C3", "D2:D3", "E2:F2"):
        book["cities"].merge_cells(area)
    book.save(tmp_path / "b.xlsx")
    cities = read_region(tmp_path / "b.xlsx").frame("cities")
    assert cities[["id", "population", "urban_population"]].to_numpy().tolist() == [["A", 100, 80]]


def test_header_merged_over_two_columns_of_data(tmp_path):
    rows = [["id", "name", "lon", "lat", "population", None], ["A", "Ann", 0, 0, 100, 80]]
    book = book_of(tmp_path / "b.xlsx", rows)
    book["cities"].merge_cells("E1:F1")
    book.save(tmp_path / "b.xlsx")
    assert lines(tmp_path / "b.xlsx") == [
        "b.xlsx:cities!E1: the header is merged over E1:F1; give every column its own header"
    ]


def test_merged_cells_of_rows(tmp_path):
    """A province merged over its cities stands for each; a number merged over two cities is nobody's."""
    head = ["id", "name", "lon", "lat", "admin1", "population"]
    book = book_of(tmp_path / "b.xlsx", [head, ["A", "Ann", 0, 0, "West", 5], ["B", "Ben", 1, 0, None, None]])
    book["cities"].merge_cells("E2:E3")
    book.save(tmp_path / "b.xlsx")
    assert read_region(tmp_path / "b.xlsx").frame("cities")["admin1"].to_list() == ["West", "West"]
    book["cities"].merge_cells("F2:F3")
    book.save(tmp_path / "b.xlsx")
    assert lines(tmp_path / "b.xlsx") == [
        "b.xlsx:cities!F2: the cells F2:F3 are merged; give every row and column its own cell"
    ]


def test_places_in_a_workbook(tmp_path):
    head = ["id", "name", "lat", "lon", "population"]
    rows = [head, ["A", "Ann", 0, 0, "many"], [], ["B", None, 95, 200, True]]
    book = book_of(tmp_path / "b.xlsx", rows, base_year="soon", motto="x")
    book.create_sheet("raillines")
    book.create_sheet("rail_stop").append(["line"])
    book.save(tmp_path / "b.xlsx")
    found = lines(tmp_path / "b.xlsx")
    assert [line.partition(":")[2].partition(": ")[0] for line in found] == [
        "region!B4",
        "rail_stop",
        "region!B2",
        "raillines",
        "cities!B4",
        "cities!D4",
        "cities!C4",
        "cities!E2",
        "cities!E4",
    ]


def test_formulas_need_stored_values(tmp_path):
    rows = [["id", "name", "lon", "lat", "population"], ["A", "Ann", 0, 0, "=1+1"], ["B", "Ben", 1, 0, "#N/A"]]
    book_of(tmp_path / "b.xlsx", rows)
    assert lines(tmp_path / "b.xlsx") == [
        "b.xlsx:cities!E2: the formula has no stored value; open and save the workbook in a spreadsheet program",
        "b.xlsx:cities!E3: '#N/A' is an error of the spreadsheet; correct the formula, or leave the cell empty",
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "b.xlsx: is empty; write the headers and rows, or delete the file"),
        (b"\xd0\xcf\x11\xe0rest", "b.xlsx: is an old .xls or has a password; save it as .xlsx without a password"),
        (b"PK\x03\x04rest", "b.xlsx: cannot be read as an Excel workbook; save it again as .xlsx"),
        (b"id,name\n", "b.xlsx: cannot be read as an Excel workbook; save it again as .xlsx"),
    ],
)
def test_not_a_workbook(tmp_path, data, said):
    (tmp_path / "b.xlsx").write_bytes(data)
    assert lines(tmp_path / "b.xlsx") == [said]


def test_workbook_that_would_fill_memory(tmp_path, monkeypatch):
    book = book_of(tmp_path / "b.xlsx", [["id"]])
    book["cities"].cell(1_048_576, 20, "x")
    book.save(tmp_path / "b.xlsx")
    assert lines(tmp_path / "b.xlsx") == [
        "b.xlsx:cities: reaches to row 1,048,576; delete the rows and columns beyond the table"
    ]
    monkeypatch.setattr("megalopolis.region.excel._MAX_UNPACKED", 2**10)
    assert lines(tmp_path / "b.xlsx") == ["b.xlsx: unpacks to more than 0 MB; save the tables as CSV in a folder"]


def test_workbook_without_its_sheets(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "citys"
    book.save(tmp_path / "b.xlsx")
    assert lines(tmp_path / "b.xlsx") == [
        "b.xlsx:citys: 'citys' is not the name of a table; did you mean cities?",
        "b.xlsx: has no sheet 'region'; add it: keys in column A (name, base_year, currency), their values in column B",
    ]


# --- layers -----------------------------------------------------------------------------------------------------------


def points(lon: list[float], lat: list[float], **columns: list[object]) -> geopandas.GeoDataFrame:
    return geopandas.GeoDataFrame(columns, geometry=geopandas.points_from_xy(lon, lat), crs="EPSG:4326")


@pytest.mark.parametrize("name", ["cities.gpkg", "cities.shp", "cities.parquet", "folder"])
def test_coordinates_from_the_geometry(tmp_path, name):
    """Points in another system are taken to WGS-84; field names of a shapefile are cut to 10 characters."""
    frame = points([116.4, 121.5], [39.9, 31.2], id=["010100", "2"], name=["Ann", "Ben"], urban_population=[5.0, None])
    frame = frame.to_crs("EPSG:3857")
    (tmp_path / "region.yaml").write_text(META)
    target = tmp_path if name == "folder" else tmp_path / name
    if target.suffix in {".gpkg", ".shp"}:
        columns = {"urban_population": "urban_popu"} if target.suffix == ".shp" else {}
        frame.rename(columns=columns).to_file(target, **({"layer": "cities"} if target.suffix == ".gpkg" else {}))
    else:
        frame.to_parquet(tmp_path / "cities.parquet")
    cities = read_region(target).frame("cities")
    assert cities["id"].to_list() == ["010100", "2"]
    assert cities["lon"].to_list() == pytest.approx([116.4, 121.5], abs=1e-9)
    assert cities["lat"].to_list() == pytest.approx([39.9, 31.2], abs=1e-9)
    assert cities["urban_population"].to_list()[0] == 5.0
    assert cities["urban_population"].isna().to_list() == [False, True]


def test_chinese_shapefile_without_its_encoding(tmp_path):
    frame = points([0.0, 1.0], [0.0, 0.0], id=["1", "2"], name=["Ann", "Ben"], name_local=["安市", "本市"])
    frame.to_file(tmp_path / "cities.shp", encoding="GBK")
    (tmp_path / "cities.cpg").unlink()
    (tmp_path / "cities.yaml").write_text(META)
    assert read_region(tmp_path / "cities.shp").frame("cities")["name_local"].to_list() == ["安市", "本市"]


def test_layers_without_a_reference_system(tmp_path):
    frame = points([500_000.0], [4_000_000.0], id=["1"], name=["Ann"]).set_crs(None, allow_override=True)
    frame.to_parquet(tmp_path / "cities.parquet")
    (tmp_path / "region.yaml").write_text(META)
    assert lines(tmp_path)[0] == (
        "cities.parquet: has no coordinate reference system; set it, or give columns lon and lat"
    )


def test_places_in_layers(tmp_path):
    layers = {
        "region": pd.DataFrame({"key": ["name", "base_year"], "value": ["X", "soon"]}),
        "cities": points([0.0, 1.0], [0.0, 0.0], id=["A", "B"], name=["Ann", "Ben"], gdp=["1", "many"]),
        "rail_linse": pd.DataFrame({"id": ["x"]}),
    }
    write_geopackage(layers, tmp_path / "g.gpkg")
    assert lines(tmp_path / "g.gpkg") == [
        (
            "g.gpkg:region:2: 'base_year' input should be a valid integer, unable to parse string as an integer; "
            "see the reference of regions"
        ),
        "g.gpkg:rail_linse: 'rail_linse' is not the name of a table; did you mean rail_lines?",
        "g.gpkg:cities:2:gdp: 'many' is not a number; leave the cell empty where the value is not known",
    ]


@pytest.mark.parametrize("name", ["cities.gpkg", "cities.shp", "cities.parquet"])
def test_broken_layers(tmp_path, name):
    (tmp_path / "region.yaml").write_text(META)
    (tmp_path / name).write_bytes(b"not what it says" * 10)
    found = lines(tmp_path / name)
    assert len(found) == 1
    assert found[0].startswith(f"{name}: cannot be read")


def test_every_table_has_a_title():
    assert all(row["title"] and row["title_zh"] for row in table_titles().values())
    assert table_titles().keys() == schemas().keys()


def test_a_frame_is_a_copy_and_a_replaced_table_another(toy):
    frame, before = toy.frame("cities"), toy.frame("cities")
    frame["population"] = 1.0
    frame.loc[0, "lon"] = 0.0
    pd.testing.assert_frame_equal(toy.frame("cities"), before)
    other = toy.replace({"cities": frame})
    assert other.frame("cities")["population"].eq(1.0).all()
    assert toy.frame("cities")["population"].gt(1.0).all()
    assert {n for n in toy.tables if toy.table_hashes[n] != other.table_hashes[n]} == {"cities"}
    pd.testing.assert_frame_equal(other.frame("stations"), toy.frame("stations"))
