import itertools

import numpy as np
import pytest

from megalopolis.parameters import Parameters
from megalopolis.region.read import packs
from megalopolis.services.models import Catalogue
from megalopolis.services.read import read_catalogue

OWN = {"status": "assumed", "source": "own"}


def value(number, low=None, high=None):
    ends = {k: v for k, v in (("low", low), ("high", high)) if v is not None}
    return {"value": number, **ends, **OWN}


def evidence(id_, role="home", *, minutes=6.0, in_person=False, fee=0.0, days=0.0, needs=(), **more):
    return {
        "id": id_,
        "label": {"en": id_},
        "issuer_role": role,
        "issuer_sector": None if role in ("self", "employer") else "police",
        "obtain": {
            "minutes": value(minutes),
            "fee": value(fee),
            "issuance_days": value(days),
            "in_person": in_person,
        },
        "needs": list(needs),
        **OWN,
        **more,
    }


def service(
    code, requirements, *, competence="work", channels=None, days=5.0, rate=10.0, applies="all", sector="police"
):
    """A procedure and its service; requirements are lists of lists of evidence types."""
    local = {"kind": "local_window", "visits": 1, **OWN}
    procedure = {
        "code": code,
        "label": {"en": code},
        "life_event": "moving",
        "competence": competence,
        "applies": applies,
        "cases_per_1000": value(rate),
    }
    return procedure, {
        "id": code,
        "procedure": code,
        "label": {"en": code},
        "authority": sector,
        "requirements": [
            {"id": f"r{i}", "label": {"en": f"r{i}"}, "lists": lists, **OWN} for i, lists in enumerate(requirements)
        ],
        "channels": [local] if channels is None else [{**OWN, **c} for c in channels],
        "form_minutes": value(6.0),
        "fee": value(0.0),
        "stages": [{"id": "decide", "sector": sector, "days": value(days)}],
        "output": {"en": "paper"},
        **OWN,
    }


def catalogue(evidence_types, services, *, cities=(("A", "x"), ("B", "x"), ("C", "y")), **more):
    costs = {"issuer": 3.0, "consumer": 2.0, "agreement": 1.0, "recognition": 4.0}
    return Catalogue.model_validate(
        {
            "schema_version": 1,
            "id": "small",
            "title": {"en": "small"},
            "currency": "CNY",
            "sources": [{"id": "own", "title": "made up", "kind": "assumption"}],
            "sectors": [{"id": s, "label": {"en": s}} for s in ("police", "fund")],
            "evidence_types": evidence_types,
            "procedures": [p for p, _ in services],
            "services": [s for _, s in services],
            "cities": [{"id": c, "label": {"en": c}, "province": p, "calendar": "none"} for c, p in cities],
            "link_costs": [{"part": k, "build": value(v), "yearly": value(0.0)} for k, v in costs.items()],
            **more,
        }
    )


PARAMETERS = {
    "queue_min": 20.0,
    "counter_min": 10.0,
    "local_minutes": 30.0,
    "fare_per_km": 0.5,
    "fare_detour": 1.0,
    "local_fare": 2.0,
    "paper_cost": 1.0,
    "form_scale": 1.0,
    "document_scale": 1.0,
    "elsewhere_share": 0.2,
    "cases_scale": 1.0,
    "flow_scale_min": 120.0,
    "value_of_time": 0.0,
    "running_years": 5.0,
}


@pytest.fixture(scope="session")
def china_catalogue():
    return read_catalogue(packs() / "china" / "services")


@pytest.fixture(scope="session")
def defaults():
    return Parameters.of({}, {}).of_pillar("services")


@pytest.fixture
def folder(tmp_path):
    """A copy of the bundled catalogue, to be spoilt."""
    for path in sorted((packs() / "china" / "services").glob("*.yaml")):
        (tmp_path / path.name).write_text(path.read_text("utf-8"), "utf-8")
    return tmp_path


def minutes_of(count, seed):
    rng = np.random.default_rng(seed)
    points = rng.random((count, 2))
    return 200.0 * np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1)), points


def subsets(items):
    return itertools.chain.from_iterable(itertools.combinations(items, k) for k in range(len(items) + 1))
