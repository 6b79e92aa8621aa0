"""Source-receptor matrices in the formats that users bring: known answers by hand, and files that cannot be used."""

import shutil
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.io import netcdf_file

import megalopolis as mp
from megalopolis.errors import BadInput
from megalopolis.region.responses import Choice, per_tonne, read_responses

h5netcdf = pytest.importorskip("h5netcdf", reason="the extra netcdf is not installed")
xarray = pytest.importorskip("xarray")
zarr = pytest.importorskip("zarr")

TOY = Path(__file__).parents[1] / "toy" / "region"
#: ug/m3 per ug/s, per t/year: a tonne a year is 31,688.09 ug/s.
PER_TONNE = 1e12 / 31_557_600
INMAP = "μg m-3 concentration at receptor location per μg s-1 emissions at source location"
CITIES = pd.DataFrame(
    {
        "id": ["A", "B", "C"],
        "name": ["Ann", "Ben", "Cor"],
        "name_local": ["安市", "本市", "科市"],
        "lon": [0.5, 1.5, 2.5],
        "lat": [0.5, 0.5, 0.5],
        "built_up_km2": [10.0, 10.0, None],
        "area_km2": [100.0, 100.0, 100.0],
    }
)
#: Row s, column r: 10 s + r, so that a transposed reading is seen.
GRID = 10.0 * np.arange(4)[:, None] + np.arange(4)[None, :] + 1.0
WEST = np.array([3.0, 2.0, 1.0, 0.0])  # cells from east to west: C lies in cell 1, B in 2, A in 3
CELL = {"A": 3, "B": 2, "C": 1}


def inmap(path, matrix=GRID, names=("PrimaryPM25", "pNO3"), kind=2, units=INMAP, west=WEST):
    """A matrix as InMAP writes it: classic NetCDF, three layers, edges of the cells of all layers, the ground first."""
    with netcdf_file(str(path), "w", version=kind) as book:
        n = len(matrix)
        for dim, length in (("layer", 3), ("source", n), ("receptor", n), ("allcells", n + 2), ("layers", 3)):
            book.createDimension(dim, length)
        for k, name in enumerate(names):
            v = book.createVariable(name, "f4", ("layer", "source", "receptor"))
            v[:] = np.stack([matrix + 1000 * layer + 100 * k for layer in range(3)])
            if units:
                v.units = units.encode()
        far = np.full(2, 80.0)
        for name, line in zip("WESN", (west, west + 1, np.zeros(n), np.ones(n)), strict=True):
            v = book.createVariable(name, "f8", ("allcells",))
            v[:] = np.concatenate([line, far])
        v = book.createVariable("TotalPop", "f8", ("allcells",))
        v[:] = np.arange(1.0, n + 3)


def lookup(frame, species):
    return frame[frame["species"] == species].set_index(["source_city", "receptor"])["response"].to_dict()


@pytest.mark.parametrize("kind", [1, 2])
def test_inmaps_matrix_by_hand(tmp_path, kind):
    inmap(tmp_path / "isrm.ncf", kind=kind)
    found, said = read_responses(tmp_path / "isrm.ncf", CITIES)
    assert set(found["species"]) == {"primary_pm25", "nox"}
    expected = {(s, r): GRID[CELL[s], CELL[r]] * PER_TONNE for s in "ABC" for r in "ABC"}
    assert lookup(found, "primary_pm25") == pytest.approx(expected, rel=1e-6)
    assert lookup(found, "nox")["A", "B"] == pytest.approx((GRID[3, 2] + 100) * PER_TONNE, rel=1e-6)
    assert "3 cities lie in 3 sources, by point" in said
    assert any("times 31688.1" in line for line in said)
    upper, _ = read_responses(tmp_path / "isrm.ncf", CITIES, Choice(layer=2, species={"pNO3": "nox"}))
    assert set(upper["species"]) == {"nox"}
    assert lookup(upper, "nox")["A", "B"] == pytest.approx((GRID[3, 2] + 2100) * PER_TONNE, rel=1e-6)


def test_inmaps_matrix_as_zarr_without_names_of_dimensions(tmp_path):
    """The published copy numbers the cells in `source` and `receptor`, and names no dimension."""
    group = zarr.open_group(str(tmp_path / "isrm.zarr"), mode="w", zarr_format=2)
    cell = np.array([5, 4, 1, 0])
    west = np.array([0.0, 1.0, 40.0, 41.0, 2.0, 3.0])
    for name, data in {
        "PrimaryPM25": np.stack([GRID, GRID * 2]).astype("f4"),
        "source": cell,
        "receptor": cell,
        "W": west,
        "E": west + 1,
        "S": np.zeros(6),
        "N": np.ones(6),
    }.items():
        group.create_array(name, data=data)
    found, _ = read_responses(tmp_path / "isrm.zarr", CITIES, Choice(units="ug m-3 per ug s-1"))
    expected = {(s, r): GRID[CELL[s], CELL[r]] * PER_TONNE for s in "ABC" for r in "ABC"}
    assert lookup(found, "primary_pm25") == pytest.approx(expected, rel=1e-6)


def between(units="ug/m3 per t/year", labels=("Ann", "本市", "C"), **more):
    matrix = xarray.DataArray(
        np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]),
        dims=("receptor", "source"),
        coords={"source": list(labels), "receptor": list(labels)},
        attrs={"units": units} if units else {},
    )
    return xarray.Dataset({"NOX": matrix, **more})


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("m.nc", {"engine": "h5netcdf"}),
        ("m3.nc", {"engine": "scipy"}),
        (
            "packed.nc",
            {"engine": "h5netcdf", "encoding": {"NOX": {"dtype": "i2", "scale_factor": 0.5, "_FillValue": -9}}},
        ),
        ("m.zarr", None),
    ],
)
def test_cities_by_name_in_every_format(tmp_path, name, how):
    path = tmp_path / name
    if how is None:
        between().to_zarr(path, zarr_format=2)
    else:
        between().to_netcdf(path, **how)
    found, said = read_responses(path, CITIES, Choice(species={"NOX": "nox"}))
    assert lookup(found, "nox") == {
        ("A", "A"): 1,
        ("B", "A"): 2,
        ("C", "A"): 3,
        ("A", "B"): 4,
        ("B", "B"): 5,
        ("C", "B"): 6,
        ("A", "C"): 7,
        ("B", "C"): 8,
        ("C", "C"): 9,
    }
    assert any("3 of 3 receptors are cities" in line for line in said)


def test_some_places_are_no_cities(tmp_path):
    between(labels=("Ann", "Elsewhere", "C")).to_netcdf(tmp_path / "m.nc", engine="h5netcdf")
    found, said = read_responses(tmp_path / "m.nc", CITIES)
    assert lookup(found, "NOX") == {("A", "A"): 1, ("C", "A"): 3, ("A", "C"): 7, ("C", "C"): 9}
    assert any("1 cities are no sources: Ben" in line for line in said)


def test_numbers_as_ids(tmp_path):
    data = between().assign_coords(source=[11, 22, 33], receptor=[11, 22, 33])
    data.to_netcdf(tmp_path / "m.nc", engine="h5netcdf")
    found, _ = read_responses(tmp_path / "m.nc", CITIES.assign(id=["11", "22", "99"]))
    assert lookup(found, "NOX") == {("11", "11"): 1, ("22", "11"): 2, ("11", "22"): 4, ("22", "22"): 5}


def test_centres_of_cells(tmp_path):
    """A city belongs to the nearest centre, unless it lies beyond the grid."""
    lon, lat = np.array([3.5, 2.5, 1.5, 0.5]), np.full(4, 0.5)
    data = xarray.Dataset(
        {"PM": (("source", "receptor"), GRID, {"units": "ng m-3 / (kg s-1)"})},
        coords={"lon": ("source", lon), "lat": ("source", lat)},
    )
    data.to_netcdf(tmp_path / "m.nc", engine="h5netcdf")
    far = CITIES.assign(lon=[0.6, 1.4, 4.3])
    found, said = read_responses(tmp_path / "m.nc", far)
    factor = 1e-3 / (1e-3 * 31_557_600)
    assert lookup(found, "PM") == pytest.approx({(s, r): GRID[CELL[s], CELL[r]] * factor for s in "AB" for r in "AB"})
    assert any("1 cities are no sources: Cor" in line for line in said)
    with pytest.raises(BadInput, match=r"no city lies in its sources, which span 0\.5 to 3.5 degrees east"):
        read_responses(tmp_path / "m.nc", CITIES.assign(lon=60.0))


def test_edges_in_a_projection(tmp_path):
    pyproj = pytest.importorskip("pyproj")
    crs = "+proj=lcc +lat_1=33 +lat_2=45 +lat_0=40 +lon_0=-97 +a=6370997 +b=6370997"
    x, y = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform([-97.0, -96.0], [40.0, 40.0])
    cities = CITIES.iloc[:2].assign(lon=[-97.0, -96.0], lat=40.0)
    west = np.array([x[0] - 4e4, x[1] - 4e4])
    with netcdf_file(str(tmp_path / "m.nc"), "w") as book:
        for dim in ("source", "receptor"):
            book.createDimension(dim, 2)
        v = book.createVariable("PrimaryPM25", "f4", ("source", "receptor"))
        v[:], v.units = GRID[:2, :2], INMAP.encode()
        for name, line in {
            "W": west,
            "E": west + 8e4,
            "S": np.full(2, y[0] - 4e4),
            "N": np.full(2, y[0] + 4e4),
        }.items():
            v = book.createVariable(name, "f8", ("source",))
            v[:] = line
    found, _ = read_responses(tmp_path / "m.nc", cities, Choice(crs=crs))
    assert lookup(found, "primary_pm25")["A", "B"] == pytest.approx(GRID[0, 1] * PER_TONNE, rel=1e-6)
    with pytest.raises(BadInput, match="it names no projection; give --crs"):
        read_responses(tmp_path / "m.nc", cities)
    with pytest.raises(BadInput, match="the projection 'EPSG:0' is not known"):
        read_responses(tmp_path / "m.nc", cities, Choice(crs="EPSG:0"))


def test_degrees_that_count_to_360(tmp_path):
    inmap(tmp_path / "m.nc", west=WEST + 270)
    found, _ = read_responses(tmp_path / "m.nc", CITIES.assign(lon=CITIES["lon"] - 90))
    assert lookup(found, "primary_pm25")["A", "B"] == pytest.approx(GRID[3, 2] * PER_TONNE, rel=1e-6)


def test_weights_by_area_and_population(tmp_path):
    """Ann lies on the border of cells 3 and 2, each with half of her disc; cell c has c + 1 people."""
    inmap(tmp_path / "m.nc")
    cities = CITIES.assign(lon=[1.0, 2.5, 3.5], lat=0.5)
    found, _ = read_responses(tmp_path / "m.nc", cities, Choice(weight="area"))
    half = pytest.approx((GRID[3, 1] + GRID[2, 1]) / 2 * PER_TONNE, rel=0.01)
    assert lookup(found, "primary_pm25")["A", "B"] == half
    assert lookup(found, "primary_pm25")["B", "C"] == pytest.approx(GRID[1, 0] * PER_TONNE, rel=1e-6)
    found, said = read_responses(tmp_path / "m.nc", cities, Choice(weight="population"))
    people = pytest.approx((4 * GRID[3, 1] + 3 * GRID[2, 1]) / 7 * PER_TONNE, rel=0.01)
    assert lookup(found, "primary_pm25")["A", "B"] == people
    assert any("3 cities lie in 4 sources, by population" in line for line in said)


@pytest.mark.parametrize(
    ("text", "factor"),
    [
        (INMAP, PER_TONNE),
        ("ug m-3 per ug s-1", PER_TONNE),
        ("(µg/m³)/(µg/s)", PER_TONNE),
        ("s m-3", PER_TONNE),
        ("s/m3", PER_TONNE),
        ("ug/m3 per t/year", 1),
        ("μg m⁻³ (kt yr⁻¹)⁻¹", 1e-3),
        ("ng/m3/(Mg/yr)", 1e-3),
        ("ug/m3 per tonnes per year", 1),
        ("ug/m3/(kg/d)", 1 / 0.36525),
        ("mg/m^3 per g/s", 1e3 / 31.5576),
        ("ug/m3 per ton/year", None),
        ("ppb per t/year", None),
        ("ug/m3", None),
        ("1", None),
        ("", None),
    ],
)
def test_units(text, factor):
    assert per_tonne(text) == (None if factor is None else pytest.approx(factor))


def test_bad_files_are_named_in_one_line(tmp_path):
    def refused(path, said, choice=None, cities=CITIES):
        with pytest.raises(BadInput, match=said) as error:
            read_responses(path, cities, choice)
        assert len(str(error.value).splitlines()) == 1

    path = tmp_path / "m.nc"
    between(units="").to_netcdf(path, engine="h5netcdf")
    refused(path, r"m\.nc: NOX: states no units; give --units")
    refused(path, "the unit 'ppb' is not understood", Choice(units="ppb"))
    between(labels=("X", "Y", "Z")).to_netcdf(path, engine="h5netcdf")
    refused(path, "no source of 'source' is a city of the region, first 'X'")
    between(labels=("Ann", "A", "C")).to_netcdf(path, engine="h5netcdf")
    refused(path, "two sources of 'source' are 'A'")
    gap = between()
    gap["NOX"][1, 0] = np.nan
    gap.to_netcdf(path, engine="h5netcdf")
    refused(path, r"NOX: has no number from 'A' to 'B'; complete the matrix")
    gap["NOX"][1, 0] = -1.0
    gap.to_netcdf(path, engine="h5netcdf")
    refused(path, "NOX: is below zero from 'A' to 'B'")
    gap["NOX"][:, 2] = 0.0
    gap["NOX"][1, 0] = 1.0
    gap.to_netcdf(path, engine="h5netcdf")
    refused(path, "nothing that 'C' emits reaches any city; the file may be incomplete")
    between().rename(source="lon2", receptor="lat2").to_netcdf(path, engine="h5netcdf")
    refused(path, r"no variable with a dimension of sources and one of receptors: NOX\(lat2, lon2\)")
    between().expand_dims(time=12).to_netcdf(path, engine="h5netcdf")
    refused(path, "NOX: has further dimensions: time")
    between().drop_vars(["source", "receptor"]).to_netcdf(path, engine="h5netcdf")
    refused(path, "the sources have no places: neither names, nor edges")
    between(pNO3=between()["NOX"]).rename(NOX="nox").to_netcdf(path, engine="h5netcdf")
    refused(path, "'nox' and 'pNO3' both answer 'nox'")
    refused(path, "has no variable 'SOX'; it has", Choice(species={"SOX": "so2"}))
    refused(path, "there is no weight 'people'", Choice(weight="people"))
    inmap(tmp_path / "i.nc")
    refused(tmp_path / "i.nc", "there is no layer 3; --layer counts from 0 to 2", Choice(layer=3))
    (tmp_path / "text.nc").write_text("species,source_city\n", "utf-8")
    refused(tmp_path / "text.nc", "is neither NetCDF nor a Zarr folder")
    (tmp_path / "empty.nc").write_bytes(b"")
    refused(tmp_path / "empty.nc", "is empty")
    (tmp_path / "five.nc").write_bytes(b"CDF\x05" + bytes(40))
    refused(tmp_path / "five.nc", "convert it: nccopy -k nc4")
    refused(tmp_path / "gone.nc", "No such file")
    (tmp_path / "folder").mkdir()
    refused(tmp_path / "folder", "is no Zarr group")


@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_files_that_are_cut_off(tmp_path, engine, kept):
    path = tmp_path / "m.nc"
    between().to_netcdf(path, engine=engine)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(BadInput, match=r"m\.nc: ") as error:
        read_responses(path, CITIES)
    assert len(str(error.value).splitlines()) == 1


def test_parts_that_a_zarr_copy_lacks(tmp_path):
    between().to_zarr(tmp_path / "m.zarr", zarr_format=2, encoding={"NOX": {"chunks": (3, 1)}})
    (tmp_path / "m.zarr" / "NOX" / "0.1").unlink()
    with pytest.raises(BadInput, match=r"has no number from|reaches any city"):
        read_responses(tmp_path / "m.zarr", CITIES)


@pytest.mark.parametrize("lost", ["h5netcdf", "h5py", "zarr"])
def test_without_the_packages_the_extra_is_named(tmp_path, monkeypatch, lost):
    path = tmp_path / ("m.zarr" if lost == "zarr" else "m.nc")
    between().to_zarr(path, zarr_format=2) if lost == "zarr" else between().to_netcdf(path, engine="h5netcdf")
    inmap(tmp_path / "i.nc")
    monkeypatch.setitem(sys.modules, lost, None)
    with pytest.raises(BadInput, match=rf"needs the package {lost}; pip install .megalopolis\[netcdf\]"):
        read_responses(path, CITIES)
    assert len(read_responses(tmp_path / "i.nc", CITIES)[0]) == 18  # NetCDF 3 needs none


@pytest.mark.parametrize("swapped", [False, True])
def test_of_a_large_matrix_only_the_cities_rows_are_held(tmp_path, swapped, monkeypatch):
    """200 MB on disk, as contiguous HDF5; blocks of 1 MB; cities in cells far apart."""
    n = 5000
    monkeypatch.setattr("megalopolis.region.responses._BLOCK", 1 << 20)
    dims = ("receptor", "source") if swapped else ("source", "receptor")
    rng = np.random.default_rng(1)
    cells, small = [4999, 17, 2500], rng.random((3, 3)) + 0.1
    with h5netcdf.File(tmp_path / "m.nc", "w") as book:
        book.dimensions = dict.fromkeys(dims, n)
        v = book.create_variable("PrimaryPM25", dims, "f8")
        v.attrs["units"] = "ug/m3 per t/year"
        for i, cell in enumerate(cells):
            row = np.zeros(n)
            row[cells] = small[i]
            v[cell, :] = row
        west = np.full(n, 50.0)
        west[cells] = [0.0, 1.0, 2.0]
        for name, line in {"W": west, "E": west + 1, "S": np.zeros(n), "N": np.ones(n)}.items():
            book.create_variable(name, ("source",), "f8")[:] = line
    tracemalloc.start()
    found, _ = read_responses(tmp_path / "m.nc", CITIES)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    expected = small.T if swapped else small
    got = lookup(found, "primary_pm25")
    assert [got[s, r] for s in "ABC" for r in "ABC"] == pytest.approx(expected.ravel().tolist(), rel=1e-6)
    assert peak < 20e6


@pytest.fixture
def folder(tmp_path):
    place = Path(shutil.copytree(TOY, tmp_path / "region"))
    (place / "air_responses.csv").unlink()
    sources = (place / "sources.csv").read_text("utf-8").splitlines()
    (place / "sources.csv").write_text("\n".join(s for s in sources if "air_responses" not in s) + "\n", "utf-8")
    return place


def toy_matrix():
    data = np.array([[0.002, 0.001], [0.0005, 0.003]])
    return xarray.Dataset(
        {"primary_pm25": (("source", "receptor"), data, {"units": "ug/m3 per t/year"})},
        coords={"source": ["A", "B"], "receptor": ["A", "B"]},
    )


@pytest.mark.parametrize("name", ["air_responses.nc", "air_responses.zarr"])
def test_a_matrix_among_the_tables_is_the_table(folder, name, toy):
    toy_matrix().to_zarr(folder / name, zarr_format=2) if name.endswith("zarr") else toy_matrix().to_netcdf(
        folder / name, engine="h5netcdf"
    )
    region = mp.load_region(str(folder))
    key = ["source_city", "receptor"]
    pd.testing.assert_series_equal(
        region.frame("air_responses").set_index(key)["response"].sort_index(),
        toy.frame("air_responses").set_index(key)["response"].sort_index(),
    )
    found = mp.evaluate(region, only={"environment"}, draws=0).result("environment").tables["air_modelled"]
    total = found.groupby("receptor")["concentration"].sum()
    assert total.to_dict() == pytest.approx({"A": 2.25, "B": 2.5})  # as by hand in docs/method/toy.md


def test_a_bad_matrix_among_the_tables_is_a_problem(folder):
    (folder / "air_responses.nc").write_bytes(b"\x89HDF\r\n\x1a\n broken")
    with pytest.raises(BadInput, match=r"air_responses\.nc: cannot be read"):
        mp.load_region(str(folder))
