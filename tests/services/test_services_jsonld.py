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


def test_shapes_that_cannot_be_read(tmp_path, china_catalogue):
    (tmp_path / "bad.ttl").write_text("nothing like Turtle {", "utf-8")
    with pytest.raises(BadInput, match="cannot be read as Turtle"):
        violations(export(china_catalogue), tmp_path / "bad.ttl")
    with pytest.raises(BadInput, match="No such file"):
        violations(export(china_catalogue), tmp_path / "none.ttl")


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
