"""Warnings and reasons in other languages: each is one of a table of sentences, with its figures carried over."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from megalopolis.evaluation.words import Words
from megalopolis.region import Region

#: Fields of a sentence that hold names of places, which have a name in each language too.
_NAMES: Final = "names"


@cache
def sentences() -> tuple[tuple[re.Pattern[str], str], ...]:
    """English sentences of ``sentences.csv`` as patterns, with their Chinese templates.

    A field in braces stands for any text; ``{names}`` for names of cities or lines, joined by commas.
    """
    with files("megalopolis.evaluation").joinpath("sentences.csv").open(encoding="utf-8") as stream:
        return tuple((_pattern(row["en"]), row["zh"]) for row in csv.DictReader(stream))


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    return re.compile(
        "".join(f"(?P<{part}>.+?)" if i % 2 else re.escape(part) for i, part in enumerate(parts)), re.DOTALL
    )


def local_names(region: Region) -> Mapping[str, str]:
    """Names of cities and planned clusters in English to those in the region's own language, where there are any."""
    local = region.names.local
    found = {label: local[id_] for id_, label in region.names.labels.items() if local[id_]}
    planned = region.frame("clusters_planned").dropna(subset=["name", "name_local"])
    return found | dict(zip(planned["name"], planned["name_local"], strict=True))


def told(text: str, language: str, region: Region) -> str:
    """Tell a sentence in a language; one that the table lacks stays in English.

    Parameters
    ----------
    text : str
        In English, as a pillar said it.
    language : {"en", "zh"}
        Language wanted.
    region : Region
        Knows the names of its places in its own language.
    """
    if language != "zh":
        return text
    for pattern, template in sentences():
        found = pattern.fullmatch(text)
        if found:
            fields = found.groupdict()
            if _NAMES in fields:
                fields[_NAMES] = _named(fields[_NAMES], local_names(region))
            if "pillar" in fields:
                fields["pillar"] = Words(language).term("pillar", fields["pillar"])
            return template.format(**fields | {"reason": _reason(fields.get("reason"), language, region)})
    return text


def _reason(text: str | None, language: str, region: Region) -> str | None:
    return None if text is None else told(text, language, region)


def _named(text: str, names: Mapping[str, str]) -> str:
    """Names in a row in the local language; of a list cut short, how many more there are."""
    shown, _, more = text.partition(" and ")
    if not more.removesuffix(" more").isdigit():
        shown, more = text, ""
    said = "、".join(names.get(name, name) for name in shown.split(", "))
    return said + (f"，另有{more.removesuffix(' more')}个" if more else "")


def branch_name(name: object, language: str, region: Region) -> str:
    """Name of a cluster that travel forms; where a city gives it, that city's in a language.

    Parameters
    ----------
    name : str
        As in the table ``branches``: a city and a rank, ``Guangzhou 9``.
    language : {"en", "zh"}
        Language wanted.
    region : Region
        Knows the names of its cities in its own language.
    """
    if language != "zh":
        return str(name)
    city, _, rank = str(name).rpartition(" ")
    stem, tail = (city, f" {rank}") if rank.isdigit() and city else (str(name), "")
    return local_names(region).get(stem, stem) + tail
