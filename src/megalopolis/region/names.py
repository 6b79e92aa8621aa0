"""Find a city by id, English name or local name, and say what was meant where it is not found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from megalopolis.errors import BadInput, Problem, suggest

#: Administrative endings that people leave out: 北京 for 北京市, 恩施 for 恩施土家族苗族自治州 (found by prefix).
_ENDINGS = ("特别行政区", "市", "地区", "盟", "区", "县")


def short_local(name: str) -> str:
    """Local name without its administrative ending: 北京市 becomes 北京."""
    for ending in _ENDINGS:
        if name.endswith(ending) and len(name) - len(ending) >= 2:
            return name.removesuffix(ending)
    return name


def _fold(text: str) -> str:
    return "".join(ch for ch in text.casefold() if ch.isalnum())


@dataclass(frozen=True)
class NameIndex:
    """Names of the cities and planned clusters of a region.

    Attributes
    ----------
    ids : frozenset of str
        Every city id.
    by_name : dict of str to tuple of str
        Folded name to the ids that bear it; a full name hides the same name shortened from a longer one, so that
        Suzhou is not Suzhou (Anhui).
    labels : dict of str to str
        Id to English name.
    local : dict of str to str
        Id to local name, or the English one where there is none.
    clusters : dict of str to tuple of str
        Planned cluster to its cities.
    """

    ids: frozenset[str]
    by_name: dict[str, tuple[str, ...]]
    labels: dict[str, str]
    local: dict[str, str]
    clusters: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, cities: pd.DataFrame, planned: pd.DataFrame) -> NameIndex:
        """Index the names of a ``cities`` and a ``clusters_planned`` table."""
        locals_ = cities["name_local"].where(cities["name_local"].notna(), cities["name"])
        rows = list(zip(cities["id"].tolist(), cities["name"].tolist(), locals_.tolist(), strict=True))
        by_name: dict[str, tuple[str, ...]] = {}
        for id_, name, local in rows:
            for full in {_fold(name), _fold(local)}:
                by_name[full] = (*by_name.get(full, ()), id_)
        shortened: dict[str, tuple[str, ...]] = {}
        for id_, name, local in rows:
            for short in {_fold(name.partition("(")[0]), _fold(short_local(local))} - by_name.keys():
                shortened[short] = (*shortened.get(short, ()), id_)
        by_name |= shortened
        clusters = {str(c): tuple(rows["city"].tolist()) for c, rows in planned.groupby("cluster", sort=True)}
        labels = {id_: name for id_, name, _ in rows}
        return cls(frozenset(labels), by_name, labels, {id_: local for id_, _, local in rows}, clusters)

    def knows(self, text: str) -> bool:
        """Whether a city bears this id or name, in full or shortened."""
        return text in self.ids or _fold(text) in self.by_name

    def city(self, text: str, where: str = "") -> str:
        """Return the id of the city that is meant.

        Raises
        ------
        BadInput
            If no city, or more than one, bears the name; the nearest names are suggested.
        """
        if text in self.ids:
            return text
        folded = _fold(text)
        found = self.by_name.get(folded, ())
        if not found and any(ord(ch) > 0x2E80 for ch in text) and len(text) >= 2:
            found = tuple(dict.fromkeys(i for i, local in self.local.items() if local.startswith(text)))
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(f"{self.labels[i]} ({i})" for i in found)
            raise BadInput(Problem(where, f"the name '{text}' is borne by several cities: {names}", "give the id"))
        known = [*self.labels.values(), *dict.fromkeys(self.local.values())]
        raise BadInput(Problem(where, f"no city is called '{text}'", suggest(text, known)))

    def cities(self, texts: Iterable[str], where: str = "") -> tuple[str, ...]:
        """Return the ids of several cities; ``cluster:<id>`` stands for all cities of a planned cluster."""
        ids: list[str] = []
        for text in texts:
            if text.startswith("cluster:"):
                cluster = text.removeprefix("cluster:")
                if cluster not in self.clusters:
                    todo = suggest(cluster, list(self.clusters))
                    raise BadInput(Problem(where, f"no planned cluster is called '{cluster}'", todo))
                ids.extend(self.clusters[cluster])
            else:
                ids.append(self.city(text, where))
        return tuple(dict.fromkeys(ids))
