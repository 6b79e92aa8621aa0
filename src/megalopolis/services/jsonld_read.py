"""Services of others, read from CPSV-AP JSON-LD, as the start of a catalogue.

Takes compacted JSON-LD with the usual prefixes, or full IRIs; it asks no other host for contexts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from megalopolis.errors import BadInput, Problem

_MAX_BYTES: Final = 64 * 2**20


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


def start_of(services: Iterable[Mapping[str, Any]], id_: str) -> dict[str, Any]:
    """Start a catalogue from the services of others: everything that their file says, and no figure that it does not.

    Parameters
    ----------
    services : iterable of mapping
        Of `load`.
    id_ : str
        Id of the catalogue.

    Returns
    -------
    dict
        What the YAML documents hold; `megalopolis check` names every figure that is missing, with its line.
    """
    known = {"status": "sourced", "source": "imported"}
    found = list(services)
    papers = {k: v for s in found for k, v in s["evidence_types"].items()}
    sectors = {s["authority"] or "authority" for s in found}
    return {
        "schema_version": 1,
        "id": _slug(id_),
        "title": {"en": id_},
        "currency": "EUR",
        "sources": [{"id": "imported", "title": f"Services of {id_} in CPSV-AP"}],
        "sectors": [{"id": _slug(s), "label": {"en": s}} for s in sorted(sectors)],
        "evidence_types": [{"id": _slug(k), "label": _in_english(v, k), **known} for k, v in sorted(papers.items())],
        "procedures": [{"code": _slug(s["id"]), "label": _in_english(s["label"], s["id"])} for s in found],
        "services": [
            {
                "id": _slug(s["id"]),
                "procedure": _slug(s["id"]),
                "label": _in_english(s["label"], s["id"]),
                "authority": _slug(s["authority"] or "authority"),
                "requirements": [
                    {
                        "id": _slug(r["id"]),
                        "label": _in_english(r["label"], r["id"]),
                        "lists": [[_slug(e) for e in items] for items in r["lists"]],
                        **known,
                    }
                    for r in s["requirements"]
                ],
                **known,
            }
            for s in found
        ],
        "cities": [],
    }


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.:-]+", "_", text).strip("_.:-") or "x"


def _in_english(label: Mapping[str, str], otherwise: str) -> dict[str, str]:
    return {**label, "en": label.get("en") or next(iter(label.values()), otherwise)}
