"""The catalogue as JSON-LD in CPSV-AP 3.2 and CCCEV 2.1 terms.

What the vocabularies have no term for (minutes, papers, ranges, provenance) stands under our own prefix ``mp``, so
that a reader of the profile finds what it knows and leaves the rest.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from megalopolis.errors import BadInput, Problem
from megalopolis.services.models import Catalogue, Channel, EvidenceType, PublicService, Requirement, Value

CONTEXT: Final[dict[str, Any]] = {
    "cpsv": "http://purl.org/vocab/cpsv#",
    "cv": "http://data.europa.eu/m8g/",
    "cccev": "http://data.europa.eu/m8g/",
    "dct": "http://purl.org/dc/terms/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "adms": "http://www.w3.org/ns/adms#",
    "eli": "http://data.europa.eu/eli/ontology#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "mp": "urn:megalopolis:",
}
#: Classes of the area of an organisation: the first is what the shapes of CPSV-AP 3.2.0 ask for since they were mended
#: (SEMICeu/CPSV-AP, issue 123), the second what they asked for before.
_AREA: Final = ["dct:Location", "http://data.europa.eu/88u/dataset/atu-type"]
_CHANNELS: Final = {
    "online_full": "Online service",
    "proxy_window": "Counter that forwards to another authority",
    "joint": "Joint counter",
    "local_window": "Counter",
    "post": "Mail",
}


def export(catalogue: Catalogue, cities: Iterable[str] | None = None) -> dict[str, Any]:
    """Write a catalogue as one JSON-LD document.

    Parameters
    ----------
    catalogue : Catalogue
        Checked.
    cities : iterable of str, optional
        Cities whose authorities and services are written out; default: none, the types alone.

    Returns
    -------
    dict
        ``@context`` and ``@graph``; every node has an ``@id`` under ``urn:megalopolis:<catalogue>:``.
    """
    base = f"urn:megalopolis:{catalogue.id}:"
    graph = [_evidence(e, base) for e in catalogue.evidence_types]
    graph += [_event(e, base) for e in sorted({p.life_event for p in catalogue.procedures})]
    graph += [_concept(f"{base}channel-kind:{kind}", label) for kind, label in _CHANNELS.items()]
    graph.append(_concept(f"{base}currency:{catalogue.currency}", catalogue.currency))
    graph += [_area(f"{base}area", catalogue.title), *(_area(f"{base}city:{c.id}", c.label) for c in catalogue.cities)]
    event = {p.code: p.life_event for p in catalogue.procedures}
    for service in catalogue.services:
        graph += _requirements(service, base)
        graph += [_channel(c, f"{base}channel:{service.id}:{i}", base) for i, c in enumerate(service.channels)]
        graph.append(_service(service, event[service.procedure], (base, catalogue.currency), None))
    graph += _organisations(catalogue, base, cities)
    return {"@context": CONTEXT, "@graph": graph}


def _concept(id_: str, label: str) -> dict[str, Any]:
    return {"@id": id_, "@type": "skos:Concept", "skos:prefLabel": _texts({"en": label})}


def _area(id_: str, label: Mapping[str, str]) -> dict[str, Any]:
    return {"@id": id_, "@type": _AREA, "skos:prefLabel": _texts(label)}


def _event(event: str, base: str) -> dict[str, Any]:
    kind = "cv:BusinessEvent" if event == "business" else "cv:LifeEvent"
    title = _texts({"en": event.replace("_", " ")})
    return {"@id": f"{base}event:{event}", "@type": [kind, "cv:Event"], "dct:identifier": event, "dct:title": title}


def _texts(label: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"@language": k, "@value": v} for k, v in sorted(label.items())]


def _amount(value: Value | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {f"mp:{k}": v for k, v in value.model_dump(exclude_none=True).items()}


def _clean(node: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in node.items() if v not in (None, "", [], {})}


def _evidence(evidence: EvidenceType, base: str) -> dict[str, Any]:
    return _clean(
        {
            "@id": f"{base}evidence:{evidence.id}",
            "@type": "cccev:EvidenceType",
            "dct:identifier": evidence.id,
            "dct:title": _texts(evidence.label),
            "mp:issuerRole": evidence.issuer_role,
            "mp:issuerSector": evidence.issuer_sector,
            "mp:minutes": _amount(evidence.obtain.minutes),
            "mp:fee": _amount(evidence.obtain.fee),
            "mp:issuanceDays": _amount(evidence.obtain.issuance_days),
            "mp:inPerson": evidence.obtain.in_person,
            "dct:requires": [{"@id": f"{base}evidence:{n}"} for n in evidence.needs],
        }
    )


def _requirements(service: PublicService, base: str) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = []
    for requirement in service.requirements:
        id_ = f"{base}requirement:{service.id}:{requirement.id}"
        lists = [f"{id_}:list:{i}" for i in range(len(requirement.lists))]
        nodes.append(
            {
                "@id": id_,
                "@type": ["cccev:Requirement", f"cccev:{_class(requirement)}"],
                "dct:identifier": requirement.id,
                "dct:title": _texts(requirement.label),
                "cccev:hasEvidenceTypeList": [{"@id": x} for x in lists],
            }
        )
        nodes += [
            {
                "@id": x,
                "@type": "cccev:EvidenceTypeList",
                "dct:identifier": x.rpartition(":")[2],
                "cccev:specifiesEvidenceType": [{"@id": f"{base}evidence:{i.evidence}"} for i in items],
                "mp:papers": [i.papers for i in items],
            }
            for x, items in zip(lists, requirement.lists, strict=True)
        ]
    return nodes


def _class(requirement: Requirement) -> str:
    return {"criterion": "Criterion", "information": "InformationRequirement", "constraint": "Constraint"}[
        requirement.type
    ]


def _channel(channel: Channel, id_: str, base: str) -> dict[str, Any]:
    return _clean(
        {
            "@id": id_,
            "@type": "cv:Channel",
            "dct:identifier": id_.rpartition("channel:")[2],
            "dct:type": {"@id": f"{base}channel-kind:{channel.kind}"},
            "dct:description": [{"@language": "en", "@value": _CHANNELS[channel.kind]}],
            "mp:visits": channel.visits,
            "mp:needsRecognition": channel.needs_recognition,
        }
    )


def _service(service: PublicService, event: str, names: tuple[str, str], city: str | None) -> dict[str, Any]:
    base, currency = names
    where = "" if city is None else f"@{city}"
    authority = f"{base}organisation:{city or 'type'}:{service.authority}"
    return _clean(
        {
            "@id": f"{base}service:{service.id}{where}",
            "@type": "cpsv:PublicService",
            "dct:identifier": f"{service.id}{where}",
            "dct:title": _texts(service.label),
            "dct:description": _texts(service.output),
            "cv:hasCompetentAuthority": {"@id": authority},
            "dct:spatial": {"@id": f"{base}area" if city is None else f"{base}city:{city}"},
            "cv:hasLegalResource": _legal(service, base),
            "cv:holdsRequirement": [{"@id": f"{base}requirement:{service.id}:{r.id}"} for r in service.requirements],
            "cv:hasChannel": [{"@id": f"{base}channel:{service.id}:{i}"} for i in range(len(service.channels))],
            "cv:isGroupedBy": {"@id": f"{base}event:{event}"},
            "cpsv:produces": {
                "@id": f"{base}output:{service.id}",
                "@type": "cv:Output",
                "dct:identifier": service.id,
                "dct:title": _texts(service.output),
            },
            "cv:hasCost": {
                "@id": f"{base}cost:{service.id}",
                "@type": "cv:Cost",
                "dct:identifier": service.id,
                "cv:hasValue": {"@type": "xsd:double", "@value": repr(service.fee.value)},
                "cv:currency": {"@id": f"{base}currency:{currency}"},
                "mp:fee": _amount(service.fee),
            },
            "cv:hasInputType": [{"@id": f"{base}evidence:{e}"} for e in _asked(service)],
            "cv:processingTime": {"@type": "xsd:duration", "@value": _duration(service)},
            "mp:formMinutes": _amount(service.form_minutes),
        }
    )


def _asked(service: PublicService) -> list[str]:
    return sorted({i.evidence for r in service.requirements for items in r.lists for i in items})


def _duration(service: PublicService) -> str:
    """Days of all stages one after the other in the syntax of ISO 8601, which knows no parts of days."""
    hours = round(24 * sum(s.days.value for s in service.stages))
    return f"P{hours // 24}D" if hours % 24 == 0 else f"P{hours // 24}DT{hours % 24}H"


def _legal(service: PublicService, base: str) -> dict[str, Any] | None:
    if not service.legal_resource:
        return None
    return {
        "@id": f"{base}legal:{service.id}",
        "@type": "eli:LegalResource",
        "dct:title": [{"@language": "en", "@value": service.legal_resource}],
    }


def _organisations(catalogue: Catalogue, base: str, cities: Iterable[str] | None) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = [
        {
            "@id": f"{base}organisation:type:{s.id}",
            "@type": "cv:PublicOrganisation",
            "dct:identifier": s.id,
            "skos:prefLabel": _texts(s.label),
            "dct:spatial": {"@id": f"{base}area"},
        }
        for s in catalogue.sectors
    ]
    event = {p.code: p.life_event for p in catalogue.procedures}
    for city in cities or ():
        for sector in catalogue.sectors:
            office = catalogue.organisation(city, sector.id)
            nodes.append(
                {
                    "@id": f"{base}organisation:{office.identifier}",
                    "@type": "cv:PublicOrganisation",
                    "dct:identifier": office.identifier,
                    "skos:prefLabel": _texts(office.label),
                    "dct:spatial": {"@id": f"{base}city:{city}"},
                }
            )
        names = (base, catalogue.currency)
        nodes += [_service(s, event[s.procedure], names, city) for s in catalogue.services]
    return nodes


def violations(document: Mapping[str, Any], shapes: Path) -> list[str]:
    """Validate a JSON-LD document by SHACL shapes, such as those published with CPSV-AP 3.2.

    Parameters
    ----------
    document : mapping
        Of `export`.
    shapes : Path
        A Turtle file; the package ships none.

    Returns
    -------
    list of str
        One line for each violation: node, path, message; empty where the document conforms.

    Raises
    ------
    BadInput
        If the extra ``shacl`` is not installed, the shapes cannot be read, or none of them speaks of the document.
    """
    try:
        import pyshacl  # noqa: PLC0415 - an extra
        from rdflib import RDF, Graph  # noqa: PLC0415
        from rdflib.namespace import SH  # noqa: PLC0415
    except ImportError as error:
        todo = "install megalopolis with the extra shacl"
        raise BadInput(Problem("--shapes", "validation needs the package pyshacl", todo)) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of one inside the library that reads JSON-LD
            data = Graph().parse(data=json.dumps(document), format="json-ld")
            rules = Graph().parse(shapes, format="turtle")
            _, report, _ = pyshacl.validate(data, shacl_graph=rules)
            asked = set(rules.objects(None, SH.targetClass)) & set(data.objects(None, RDF.type))
    except OSError as error:
        raise BadInput(Problem(str(shapes), error.strerror or "cannot be read", "check the path")) from error
    except Exception as error:  # the parser raises whatever the broken part leads to
        raise BadInput(Problem(shapes.name, "cannot be read as Turtle", "give the published shapes")) from error
    if not asked:
        what = "has no shape for any class of the catalogue, so that nothing would be checked"
        raise BadInput(Problem(shapes.name, what, "give the published shapes"))
    found = []
    for result in report.subjects(RDF.type, SH.ValidationResult):
        said = [report.value(result, key) for key in (SH.focusNode, SH.resultPath, SH.resultMessage)]
        found.append(": ".join(str(x) for x in said if x is not None))
    return sorted(found)
