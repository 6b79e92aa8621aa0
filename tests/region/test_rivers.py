"""Networks like HydroRIVERS become the tables of a region; what is wrong in them is named."""

import geopandas
import numpy as np
import pytest
from shapely.geometry import LineString

from megalopolis.errors import BadInput
from megalopolis.region.read import read_region
from megalopolis.region.rivers import read_rivers
from megalopolis.region.write import write_new

LINES = [LineString([(0, 2), (0, 1)]), LineString([(1, 2), (0, 1)]), LineString([(0, 1), (0, 0)])]


def network(**columns):
    data = {
        "HYRIV_ID": [11, 12, 13],
        "NEXT_DOWN": [13, 13, 0],
        "LENGTH_KM": [110.0, 150.0, 111.0],
        "DIS_AV_CMS": [100.0, 0.0, 150.0],
    }
    return geopandas.GeoDataFrame({**data, **columns}, geometry=LINES, crs="EPSG:4326")


@pytest.mark.parametrize("name", ["r.gpkg", "r.shp", "r.parquet"])
def test_every_format(tmp_path, name):
    path = tmp_path / name
    frame = network()
    frame.to_parquet(path) if name.endswith("parquet") else frame.to_file(path)
    tables, said = read_rivers(path, least_flow=0.5)
    assert tables["reaches"]["id"].tolist() == ["11", "13"]
    assert tables["reach_links"].to_numpy().tolist() == [["11", "13", 1.0]]
    assert tables["reaches"]["velocity_ms"].tolist() == pytest.approx([0.4 * 100**0.1, 0.4 * 150**0.1], abs=1e-3)
    assert tables["reaches"][["lon", "lat"]].to_numpy().tolist() == [[0, 1.5], [0, 0.5]]
    assert any("1 of 3 reaches carry less than 0.5 m3/s" in w for w in said)


def test_a_box_makes_outlets(tmp_path):
    network(DIS_AV_CMS=[100.0, 5.0, 150.0]).to_file(tmp_path / "r.gpkg")
    tables, said = read_rivers(tmp_path / "r.gpkg", box=(0.5, 1.5, 2, 3))
    assert tables["reaches"]["id"].tolist() == ["12"]
    assert tables["reach_links"].empty
    assert any("1 reaches flow out of what was read" in w for w in said)


def test_the_tables_are_a_region(tmp_path):
    network().to_file(tmp_path / "r.gpkg")
    folder = tmp_path / "region"
    folder.mkdir()
    (folder / "region.yaml").write_text("name: R\nbase_year: 2020\n", encoding="utf-8")
    (folder / "cities.csv").write_text("id,name,lon,lat,population\nA,Ann,0,0,1000\n", encoding="utf-8")
    tables, _ = read_rivers(tmp_path / "r.gpkg")
    write_new(tables, folder)
    region = read_region(folder)
    assert len(region.frame("reaches")) == 2
    assert len(region.frame("reach_points")) == 12
    with pytest.raises(BadInput, match="is there already"):
        write_new(tables, folder)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"HYRIV_ID": [11, 11, 13]}, "the reach '11' stands twice"),
        ({"NEXT_DOWN": [11, 13, 0]}, "the reach '11' flows to itself"),
        ({"DIS_AV_CMS": [np.nan, 1.0, 1.0]}, "r.parquet:1:flow_m3s: 'nan' in 1 reaches"),
        ({"DIS_AV_CMS": [0.0, 0.0, 0.0]}, "no reach carries 1 m3/s or more"),
        ({"LENGTH_KM": [-1.0, 1.0, 1.0]}, "give a number at or above zero"),
    ],
)
def test_bad_networks(tmp_path, columns, said):
    network(**columns).to_parquet(tmp_path / "r.parquet")
    with pytest.raises(BadInput, match=said):
        read_rivers(tmp_path / "r.parquet")


def test_other_files(tmp_path):
    network().drop(columns="NEXT_DOWN").to_parquet(tmp_path / "r.parquet")
    with pytest.raises(BadInput, match="has no column NEXT_DOWN"):
        read_rivers(tmp_path / "r.parquet")
    (tmp_path / "r.gpkg").write_text("no", encoding="utf-8")
    with pytest.raises(BadInput, match="cannot be read"):
        read_rivers(tmp_path / "r.gpkg")
    with pytest.raises(BadInput, match=r"none\.shp"):
        read_rivers(tmp_path / "none.shp")
