"""The catalogue as JSON-LD in CPSV-AP 3.2 and CCCEV 2.1 terms, and services of others read from it.

What the vocabularies have no term for (minutes, papers, ranges, provenance) stands under our own prefix ``mp``, so
that a reader of the profile finds what it knows and leaves the rest. Import takes compacted JSON-LD with these
prefixes, or full IRIs; it asks no other host for contexts.
"""

from __future__ import annotations

import json
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
_MAX_BYTES: Final = 64 * 2**20
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
    life = sorted({p.life_event for p in catalogue.procedures})
    graph += [{"@id": f"{base}event:{e}", "@type": "cv:LifeEvent", "dct:identifier": e} for e in life]
    event = {p.code: p.life_event for p in catalogue.procedures}
    for service in catalogue.services:
        graph += _requirements(service, base)
        graph += [_channel(c, f"{base}channel:{service.id}:{i}") for i, c in enumerate(service.channels)]
        graph.append(_service(service, event[service.procedure], base, None))
    graph += _organisations(catalogue, base, cities)
    return {"@context": CONTEXT, "@graph": graph}


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


def _channel(channel: Channel, id_: str) -> dict[str, Any]:
    return _clean(
        {
            "@id": id_,
            "@type": "cv:Channel",
            "dct:identifier": id_.rpartition("channel:")[2],
            "dct:type": {"@id": f"urn:megalopolis:channel:{channel.kind}"},
            "dct:description": [{"@language": "en", "@value": _CHANNELS[channel.kind]}],
            "mp:visits": channel.visits,
            "mp:needsRecognition": channel.needs_recognition,
        }
    )


def _service(service: PublicService, event: str, base: str, city: str | None) -> dict[str, Any]:
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
                "cv:value": service.fee.value,
                "mp:fee": _amount(service.fee),
            },
            "cv:processingTime": {
                "@type": "xsd:duration",
                "@value": f"P{sum(s.days.value for s in service.stages):g}D",
            },
            "mp:formMinutes": _amount(service.form_minutes),
        }
    )


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
        nodes += [_service(s, event[s.procedure], base, city) for s in catalogue.services]
    return nodes


def load(path: Path) -> list[dict[str, Any]]:
    """Read the public services of a CPSV-AP JSON-LD file.

    Parameters
    ----------
    path : Path
        Compacted JSON-LD with the prefixes of `CONTEXT`, or full IRIs; a ``@graph`` or a single node. Contexts are
        not fetched.

    Returns
    -------
    list of dict
        For each service ``id, label, authority, requirements`` (``id, label, lists``, each list the identifiers of
        its evidence types) and ``evidence_types`` with their labels: a start for a catalogue, whose minutes, fees and
        cases the file does not have and nobody may invent.

    Raises
    ------
    BadInput
        If the file cannot be read, is not JSON-LD, names nodes that it does not have, or has no public service.
    """
    nodes = _nodes(path)
    services = [n for n in nodes.values() if "PublicService" in _types(n)]
    if not services:
        raise BadInput(Problem(path.name, "has no cpsv:PublicService", "export the catalogue as CPSV-AP JSON-LD"))
    out = []
    for node in services:
        requirements, evidence = [], {}
        for requirement in _follow(nodes, node, ("holdsRequirement", "hasRequirement"), path):
            lists = []
            for listed in _follow(nodes, requirement, ("hasEvidenceTypeList",), path):
                kinds = _follow(nodes, listed, ("specifiesEvidenceType",), path)
                evidence.update({_identifier(k): _label(k) for k in kinds})
                lists.append([_identifier(k) for k in kinds])
            if not lists:
                what = f"the requirement '{_identifier(requirement)}' has no list of evidence types"
                raise BadInput(Problem(path.name, what, "give at least one cccev:hasEvidenceTypeList"))
            requirements.append({"id": _identifier(requirement), "label": _label(requirement), "lists": lists})
        authority = _follow(nodes, node, ("hasCompetentAuthority",), path, strict=False)
        out.append(
            {
                "id": _identifier(node),
                "label": _label(node),
                "authority": _identifier(authority[0]) if authority else "",
                "requirements": requirements,
                "evidence_types": evidence,
            }
        )
    return out


def _nodes(path: Path) -> dict[str, dict[str, Any]]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise BadInput(Problem(path.name, "is larger than 64 MiB", "split it"))
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadInput(Problem(str(path), error.strerror or "cannot be read", "check the path")) from error
    except json.JSONDecodeError as error:
        raise BadInput(
            Problem(f"{path.name}:{error.lineno}", f"is not JSON: {error.msg}", "export it again")
        ) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise BadInput(Problem(path.name, "is not UTF-8 JSON of reasonable depth", "export it again")) from error
    graph = data.get("@graph", [data]) if isinstance(data, dict) else data
    found: dict[str, dict[str, Any]] = {}
    stack = list(graph) if isinstance(graph, list) else []
    while stack:
        node = stack.pop(0)
        if isinstance(node, dict):
            id_ = node.get("@id")
            if isinstance(id_, str) and (len(node) > 1 or id_ not in found):
                found[id_] = {**found.get(id_, {}), **node}
            stack += [x for v in node.values() for x in (v if isinstance(v, list) else [v])]
    return {k: v for k, v in found.items() if len(v) > 1}


def _local(name: str) -> str:
    return name.replace("#", "/").replace(":", "/").rpartition("/")[2]


def _types(node: Mapping[str, Any]) -> set[str]:
    kinds = node.get("@type", [])
    return {_local(k) for k in ([kinds] if isinstance(kinds, str) else kinds)}


def _values(node: Mapping[str, Any], names: Iterable[str]) -> list[Any]:
    return [x for k, v in node.items() if _local(k) in names for x in (v if isinstance(v, list) else [v])]


def _follow(
    nodes: Mapping[str, dict[str, Any]],
    node: Mapping[str, Any],
    names: Iterable[str],
    path: Path,
    *,
    strict: bool = True,
) -> list[dict[str, Any]]:
    out = []
    for value in _values(node, names):
        id_ = str(value.get("@id") if isinstance(value, dict) else value)
        if id_ in nodes:
            out.append(nodes[id_])
        elif isinstance(value, dict) and len(value) > 1:
            out.append(value)
        elif strict:
            raise BadInput(Problem(path.name, f"'{node.get('@id')}' names '{id_}', which is not in the file", "add it"))
    return out


def _identifier(node: Mapping[str, Any]) -> str:
    found = _values(node, ("identifier",))
    first = found[0] if found else node.get("@id", "")
    return str(first.get("@value", "")) if isinstance(first, dict) else str(first)


def _label(node: Mapping[str, Any]) -> dict[str, str]:
    out = {}
    for value in _values(node, ("title", "prefLabel", "name")):
        if isinstance(value, dict) and "@value" in value:
            out[str(value.get("@language", "en"))] = str(value["@value"])
        elif isinstance(value, str):
            out["en"] = value
    return out
