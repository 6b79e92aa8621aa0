"""Catalogues of services as documents: CPSV-AP JSON-LD out and in, and links as a plan of measures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from megalopolis.errors import BadInput, Problem
from megalopolis.evaluation.answers.document import Document, plain
from megalopolis.region import Region
from megalopolis.services.jsonld import export, violations
from megalopolis.services.jsonld_read import load, start_of
from megalopolis.services.plandoc import measures
from megalopolis.services.state import catalogue_of

__all__ = ["catalogue_graph", "imported", "plan_of_links", "violations"]


def catalogue_graph(region: Region, cities: Sequence[str] = ()) -> dict[str, Any]:
    """Write a region's catalogue of services as CPSV-AP JSON-LD; see `megalopolis.services.jsonld.export`.

    Raises
    ------
    BadInput
        If the region has no catalogue, or a city is unknown.
    """
    found = catalogue_of(region)
    if found is None:
        raise BadInput(Problem(region.name, "has no catalogue of services", "write its documents into services/"))
    return export(found, region.names.cities(cities, "--cities"))


def imported(path: Path) -> dict[str, Any]:
    """Start a catalogue from the services of a JSON-LD file; see `megalopolis.services.jsonld_read.start_of`."""
    return start_of(load(path), path.stem)


def plan_of_links(answer: Document, region: Region) -> dict[str, Any]:
    """Write chosen links as a plan file: measures that add the same links and recognitions, all assumed."""
    return {
        "name": "Links first",
        "names": {"zh": "优先链接"},
        "region": region.name.casefold(),
        "years": [p["year"] for p in answer["phases"]],
        "description": "Links between authorities chosen under an assumed budget; every cost and rate is assumed.",
        "measures": plain(measures(answer, "Links")),
    }
