"""The catalogue of public services as a table: the YAML documents of a folder's ``services/``, line by line.

As a table the catalogue is part of the region's content hash, of the cache's keys and of every format that a region is
written in. What the documents say is read by the pillar; here are only their lines, and the names that stand in them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from megalopolis.errors import BadInput, Problem
from megalopolis.region.documents import Document, parse_yaml, read_text
from megalopolis.region.raw import RawTable
from megalopolis.region.region import Region

#: Folder of the documents inside a region's folder, and the table that holds their lines.
FOLDER: Final = "services"
TABLE: Final = "catalogue"
_MAX_FILES: Final = 200
_SUFFIXES: Final = (".yaml", ".yml")
_STATUS: Final = re.compile(r"\bstatus: *(sourced|measured|estimated|assumed)\b")
#: Kinds of things that a measure may name, with the key under which each has its name.
_KINDS: Final = {"evidence_types": "id", "sectors": "id", "procedures": "code", "cities": "id"}


def read_catalogue_folder(folder: Path) -> tuple[RawTable | None, list[Problem]]:
    """Read the documents of a region's folder ``services/`` as a table.

    Returns
    -------
    tuple
        The table, None where there is no document with anything but comments; and problems.
    """
    raw = RawTable(TABLE, FOLDER)
    problems: list[Problem] = []
    cells: dict[str, list[object]] = {"file": [], "seq": [], "text": []}
    paths = [p for p in sorted(folder.iterdir()) if p.suffix.casefold() in _SUFFIXES] if folder.is_dir() else []
    if len(paths) > _MAX_FILES:
        return None, [Problem(FOLDER, f"holds {len(paths)} documents", f"at most {_MAX_FILES} are read: join them")]
    for path in paths:
        try:
            lines = read_text(path).splitlines()
        except BadInput as error:
            problems += error.problems
            continue
        if all(not line.strip() or line.lstrip().startswith("#") for line in lines):
            continue
        cells["file"] += [path.name] * len(lines)
        cells["seq"] += range(1, len(lines) + 1)
        cells["text"] += lines
    raw.columns, raw.rows = cells, list(range(1, len(cells["file"]) + 1))
    return (raw if cells["file"] else None), problems


def texts_of(table: pa.Table | pd.DataFrame) -> dict[str, str]:
    """Documents of a catalogue by file name, from the table of their lines."""
    frame = table if isinstance(table, pd.DataFrame) else table.to_pandas()
    frame = frame.sort_values(["file", "seq"], kind="stable")
    frame = frame.assign(text=frame["text"].where(frame["text"].notna(), ""))
    return {str(name): "\n".join(rows["text"]) + "\n" for name, rows in frame.groupby("file", sort=True)}


def documents_of(texts: Mapping[str, str]) -> list[Document]:
    """Parse the documents of a catalogue.

    Raises
    ------
    BadInput
        With every document that cannot be parsed.
    """
    found: list[Document] = []
    problems: list[Problem] = []
    for name, text in texts.items():
        try:
            found.append(parse_yaml(text, f"{FOLDER}/{name}"))
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(problems)
    return found


def stated(table: pa.Table) -> Counter[str]:
    """Values of a catalogue by provenance: each names its status."""
    return Counter(word for line in table.column("text").to_pylist() if line for word in _STATUS.findall(line))


@dataclass(frozen=True)
class Entries:
    """What stands in a region's catalogue, as plain data: enough to check what a measure names, and to price it.

    Attributes
    ----------
    names : dict of str to dict of str to str
        Kind of thing (``evidence_types``, ``sectors``, ``procedures``, ``cities``) to what each may be called (id, or
        label in any language) to its id.
    asked : frozenset of (str, str)
        Evidence types and the sectors that ask for them, also for what is needed to issue them; without those that
        cannot be linked.
    recognising : frozenset of str
        Sectors with a service that a channel files elsewhere, if that is recognised.
    provinces : dict of str to str
        Province of each city.
    part_costs : dict of str to float
        What the parts of a link cost to build, currency.
    """

    names: dict[str, dict[str, str]]
    asked: frozenset[tuple[str, str]]
    recognising: frozenset[str]
    provinces: dict[str, str]
    part_costs: dict[str, float]

    @classmethod
    def of(cls, region: Region) -> Entries:
        """Entries of a region's catalogue, read once; all empty where it has none.

        Raises
        ------
        BadInput
            If a document cannot be parsed.
        """
        return region.derive("services.entries", lambda: cls._read(region))

    @classmethod
    def _read(cls, region: Region) -> Entries:
        documents = documents_of(texts_of(region.tables[TABLE])) if region.has(TABLE) else []
        data = {key: value for d in documents for key, value in d.data.items() if isinstance(value, list)}
        needs = {str(e.get("id")): e for e in _mappings(data.get("evidence_types"))}
        asked: set[tuple[str, str]] = set()
        recognising = set()
        for service in _mappings(data.get("services")):
            sector = str(service.get("authority"))
            if any(c.get("needs_recognition") for c in _mappings(service.get("channels"))):
                recognising.add(sector)
            left = [i for r in _mappings(service.get("requirements")) for items in r.get("lists") or () for i in items]
            while left:
                item = left.pop()
                name = str(item.get("evidence") if isinstance(item, dict) else item)
                if (name, sector) not in asked:
                    asked.add((name, sector))
                    left += needs.get(name, {}).get("needs") or ()
        linkable = {
            name
            for name, e in needs.items()
            if e.get("linkable", True) and e.get("issuer_role") not in ("self", "employer")
        }
        costs = {
            str(c.get("part")): float(c["build"]["value"])
            for c in _mappings(data.get("link_costs"))
            if isinstance(c.get("build"), dict) and isinstance(c["build"].get("value"), int | float)
        }
        return cls(
            names={kind: _called(data.get(kind), key) for kind, key in _KINDS.items()},
            asked=frozenset(pair for pair in asked if pair[0] in linkable),
            recognising=frozenset(recognising),
            provinces={str(c.get("id")): str(c.get("province")) for c in _mappings(data.get("cities"))},
            part_costs=costs,
        )


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def _called(entries: Any, key: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in _mappings(entries):
        if key in entry:
            label = entry.get("label")
            names = [str(v) for v in label.values()] if isinstance(label, dict) else []
            found |= {name: str(entry[key]) for name in [*names, str(entry[key])]}
    return found
