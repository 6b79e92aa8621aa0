"""Regions that the server serves, and plans by their hash: looked up by id, never by a path."""

from __future__ import annotations

import json
import os
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Final

from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.plan import Plan, at, bundled_plans, load_plan
from megalopolis.plan.measures.base import slug
from megalopolis.plan.plan import parse_plan
from megalopolis.region import Region
from megalopolis.region.documents import Document, parse_yaml
from megalopolis.region.read import bundled_regions, read_region
from megalopolis.web import limits

_HASH: Final = re.compile(r"[0-9a-f]{64}")


class NotFound(BadInput):
    """Raised for an id that nothing has."""


class _Sent(Document):
    """A plan that was sent: places are keys, not lines."""

    def where(self, path: Any = ()) -> str:
        """Return ``plan: measures 3: stops``."""
        keys = [str(p + 1) if isinstance(p, int) else p for p in path]
        return f"plan: {' '.join(keys)}" if keys else "plan"


@dataclass(frozen=True)
class Kept:
    """A plan and the region that it was checked against."""

    region: str
    plan: Plan


def plans_folder() -> Path:
    """Folder in which plans are kept for links: ``MEGALOPOLIS_CACHE``, else the user's cache."""
    named = os.environ.get("MEGALOPOLIS_CACHE")
    base = Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "megalopolis"
    return base / "plans"


@dataclass
class Library:
    """Regions and plans.

    Attributes
    ----------
    sources : dict of str to str
        Id of a region to the name or path that it is read from.
    """

    sources: dict[str, str]
    folder: Path = field(default_factory=plans_folder)
    _regions: dict[str, Region] = field(default_factory=dict)
    _plans: OrderedDict[str, Kept] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @classmethod
    def of(cls, first: str) -> Library:
        """Serve a region of the user's, which comes first, and the bundled ones.

        Raises
        ------
        BadInput
            If it cannot be read, or is too large to be dragged.
        """
        bundled = bundled_regions()
        own = first if first in bundled else slug(Path(first).stem) or "region"
        if own in bundled and own != first:
            own = f"my-{own}"
        found = cls({own: first} | {name: name for name in bundled if name != own})
        found.region(own)
        return found

    @property
    def first(self) -> str:
        """Id of the region that the page opens with."""
        return next(iter(self.sources))

    def region(self, id_: str) -> Region:
        """Return a region, read when first asked for.

        Raises
        ------
        NotFound
            If no region has the id.
        BadInput
            If it cannot be read or has too many cities.
        """
        if id_ not in self.sources:
            todo = suggest(id_[:60], list(self.sources), f"regions: {', '.join(self.sources)}")
            raise NotFound(Problem("", f"there is no region '{id_[:60]}'", todo))
        with self._lock:
            if id_ not in self._regions:
                region = read_region(self.sources[id_])
                if len(region.cities) > limits.CITIES:
                    what = f"has {len(region.cities):,} cities; the map takes {limits.CITIES:,}"
                    raise BadInput(Problem(id_, what, "use the command line"))
                self._regions[id_] = region
            return self._regions[id_]

    def bundled(self, region: str) -> list[str]:
        """Names of the bundled plans of a region, its default first."""
        names = [name for name in bundled_plans() if name.startswith(f"{region}/")]
        default = self.region(region).meta.default_plan
        return sorted(names, key=lambda name: (name != default, name))

    def keep(self, region: str, data: dict[str, Any] | str) -> Plan:
        """Check a plan that was sent, as a document or as YAML, and keep it under its hash.

        Raises
        ------
        BadInput
            If it is not valid or does not fit the region.
        """
        document = _Sent(parse_yaml(data, "plan").data if isinstance(data, str) else data, {}, "plan")
        return self.put(region, parse_plan(document))

    def put(self, region: str, plan: Plan) -> Plan:
        """Keep a plan under its hash once it fits the region; see `keep`."""
        state = self.region(region)
        at(state, plan, plan.last_year(state.meta.now))
        with self._lock:
            self._plans[plan.hash] = Kept(region, plan)
            self._plans.move_to_end(plan.hash)
            while len(self._plans) > limits.PLANS:
                self._plans.popitem(last=False)
        self._write(region, plan)
        return plan

    def plan(self, region: str, name: str | None) -> Plan | None:
        """Return a plan by its hash or bundled name; None is the reference case.

        Raises
        ------
        NotFound
            If there is no such plan.
        """
        if name is None:
            return None
        kept = self.kept(name)
        if kept.region != region:
            raise NotFound(Problem("", f"the plan '{name[:80]}' is made for {kept.region}", f"open {kept.region}"))
        return kept.plan

    def kept(self, name: str) -> Kept:
        """Return a plan with its region; see `plan`."""
        with self._lock:
            if name in self._plans:
                self._plans.move_to_end(name)
                return self._plans[name]
        if name in bundled_plans() and name.partition("/")[0] in self.sources:
            region = name.partition("/")[0]
            plan = self.put(region, load_plan(name))
            with self._lock:
                self._plans[name] = Kept(region, plan)
            return self._plans[name]
        if _HASH.fullmatch(name) and (found := self._read(name)) is not None:
            return found
        raise NotFound(Problem("", f"there is no plan '{name[:80]}' here", "send it again, or open another"))

    def _write(self, region: str, plan: Plan) -> None:
        """Keep a plan on disk, for links; one that cannot be written lives as long as the server."""
        path = self.folder / f"{plan.hash}.json"
        try:
            if path.exists():
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(f".{os.getpid()}.part")
            part.write_text(json.dumps({"region": region, "plan": plan.document()}), encoding="utf-8")
            part.replace(path)
            old = sorted(self.folder.glob("*.json"), key=lambda p: p.stat().st_mtime)[: -limits.PLANS_ON_DISK]
            for extra in old:
                extra.unlink(missing_ok=True)
        except OSError:
            return

    def _read(self, hash_: str) -> Kept | None:
        path = self.folder / f"{hash_}.json"
        try:
            said = json.loads(path.read_bytes())
            kept = Kept(str(said["region"]), parse_plan(_Sent(said["plan"], {}, "plan")))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if kept.plan.hash != hash_ or kept.region not in self.sources:
            return None
        with self._lock:
            self._plans[hash_] = kept
        return kept
