"""The export against what CPSV-AP 3.2 asks of its classes, and the import as a start."""

import json
from pathlib import Path

import pytest
import yaml

from megalopolis.errors import BadInput
from megalopolis.region.read import packs
from megalopolis.services.jsonld import export, violations
from megalopolis.services.jsonld_read import load, start_of
from megalopolis.services.read import read_catalogue

SHAPES = Path(__file__).parent / "cpsv_ap_3_2.ttl"


@pytest.mark.parametrize("region", ["china", "eu"])
def test_exports_conform(region):
    catalogue = read_catalogue(packs() / region / "services")
    assert violations(export(catalogue, [catalogue.cities[0].id]), SHAPES) == []


def test_what_does_not_conform_is_named(china_catalogue):
    graph = export(china_catalogue)
    service = next(n for n in graph["@graph"] if n["@type"] == "cpsv:PublicService")
    del service["dct:title"]
    service["cv:hasCost"]["cv:hasValue"] = 3
    found = violations(graph, SHAPES)
    assert len(found) == 2
    assert any(service["@id"] in line and "title" in line for line in found)
    assert any("hasValue" in line for line in found)


def _first(graph, kind):
    return next(n for n in graph["@graph"] if kind in n["@type"])


@pytest.mark.parametrize(
    ("kind", "key", "value", "said"),
    [
        ("dct:Location", "@type", ["http://data.europa.eu/88u/dataset/atu-type"], "terms/spatial"),  # da532f12 asks
        ("dct:Location", "@type", ["dct:Location"], "terms/spatial"),  # 9ac61ee4 asks
        ("cv:Channel", "dct:identifier", ["a", "b"], "terms/identifier"),
        ("cv:Channel", "dct:type", {"@id": "urn:x:nothing"}, "terms/type"),
        ("cv:Event", "dct:title", "no language", "terms/title"),
        ("cpsv:PublicService", "cv:processingTime", "P3D", "processingTime"),
        ("cpsv:PublicService", "cv:hasCompetentAuthority", None, "hasCompetentAuthority"),
        ("cpsv:PublicService", "cv:sector", {"@id": "urn:x:nothing"}, "m8g/sector"),
        ("cccev:Requirement", "cccev:hasSupportingEvidence", {"@id": "urn:x:nothing"}, "hasSupportingEvidence"),
    ],
)
def test_every_kind_of_rule_bites(china_catalogue, kind, key, value, said):
    graph = export(china_catalogue)
    _first(graph, kind)[key] = value
    found = violations(graph, SHAPES)
    assert found
    assert all(said in line for line in found)


def test_shapes_that_cannot_be_read(tmp_path, china_catalogue):
    (tmp_path / "bad.ttl").write_text("nothing like Turtle {", "utf-8")
    with pytest.raises(BadInput, match="cannot be read as Turtle"):
        violations(export(china_catalogue), tmp_path / "bad.ttl")
    with pytest.raises(BadInput, match="No such file"):
        violations(export(china_catalogue), tmp_path / "none.ttl")
    (tmp_path / "of_others.ttl").write_text("<urn:a> <urn:b> <urn:c> .", "utf-8")
    with pytest.raises(BadInput, match="no shape for any class of the catalogue"):
        violations(export(china_catalogue), tmp_path / "of_others.ttl")


def test_an_import_is_a_start_without_made_up_figures(tmp_path, china_catalogue):
    path = tmp_path / "others.jsonld"
    path.write_text(json.dumps(export(china_catalogue)), "utf-8")
    document = start_of(load(path), "others")
    assert {s["id"] for s in document["services"]} == {s.id for s in china_catalogue.services}
    assert "minutes" not in json.dumps(document)
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "catalogue.yaml").write_text(yaml.safe_dump(document), "utf-8")
    with pytest.raises(BadInput) as error:
        read_catalogue(tmp_path / "services")
    assert all("is missing" in p.what and p.where.startswith("catalogue.yaml:") for p in error.value.problems)
