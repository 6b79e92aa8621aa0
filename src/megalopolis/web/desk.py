"""What every request works with: regions, plans, jobs, and networks prepared for dragging."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from megalopolis.errors import BadInput, Problem
from megalopolis.evaluation.preview import Preview
from megalopolis.parameters import Parameters
from megalopolis.plan import Plan, at
from megalopolis.region import Region
from megalopolis.web import limits
from megalopolis.web.jobs import Job, Jobs, key_of
from megalopolis.web.library import Library
from megalopolis.web.worker import Task


@dataclass
class Desk:
    """The server's state.

    Attributes
    ----------
    library : Library
        Regions and plans.
    jobs : Jobs
        Queue and worker.
    channels : int
        Live channels that are open.
    """

    library: Library
    jobs: Jobs
    channels: int = 0
    _prepared: OrderedDict[tuple[str, str | None, int, str | None], Preview] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock, repr=False)
    _making: dict[object, Lock] = field(default_factory=dict, repr=False)

    async def evaluation(self, region: str, plan: str | None, year: int | None, who: str) -> Job:
        """Ask for an evaluation of one year, by default the plan's last; see `Jobs.submit`."""
        found = await self.aside(self.library.region, region)
        chosen = await self.aside(self.library.plan, region, plan)
        if year is None:
            year = chosen.last_year(found.meta.now) if chosen else found.meta.now
        task: Task = {
            "kind": "evaluate",
            "source": self.library.sources[region],
            "plan": chosen.document() if chosen else None,
            "year": year,
            "region": region,
            "hash": chosen.hash if chosen else None,
        }
        task["key"] = key_of(found.hash, task["hash"], year)
        return self.jobs.submit(task["key"], task, who)

    def file(self, evaluation: Job, name: str, *, whole: bool, who: str) -> Job:
        """Ask for a file of an evaluation; those of the report come together and cover all years of the plan."""
        task = dict(evaluation.task)
        kind = "report" if whole else "file"
        id_ = f"{evaluation.id}-report" if whole else f"{evaluation.id}-{name}"
        path = self.jobs.folder / id_
        if whole:
            path.mkdir(exist_ok=True)
        return self.jobs.submit(id_, {**task, "kind": kind, "name": name, "path": str(path)}, who)

    def preview(self, region: str, plan: str | None, year: int, without: str | None = None) -> Preview:
        """Travel of a plan in a year, without one of its measures where one is named; solved once for all who ask."""
        found, chosen = self.library.region(region), self.library.plan(region, plan)
        if without is not None and (chosen is None or without not in {m.id for m in chosen.measures}):
            without = None
        key = (found.hash, chosen.hash if chosen else None, year, without)
        with self._lock:
            if key in self._prepared:
                self._prepared.move_to_end(key)
                return self._prepared[key]
            making = self._making.setdefault(key, Lock())
        with making:  # two people who grab the same line wait for one solve
            with self._lock:
                if key in self._prepared:
                    return self._prepared[key]
            preview = Preview.of(_state(found, chosen, year, without), Parameters.of(found.meta.parameters, {}))
            with self._lock:
                self._prepared[key] = preview
                self._making.pop(key, None)
                held = sum(p.nbytes for p in self._prepared.values())
                while len(self._prepared) > 1 and held > limits.PREPARED_BYTES:
                    held -= self._prepared.popitem(last=False)[1].nbytes
        return preview

    async def aside(self, call: Any, *arguments: Any) -> Any:
        """Compute in a thread: the loop goes on answering."""
        return await asyncio.to_thread(call, *arguments)


def _state(region: Region, plan: Plan | None, year: int, without: str | None) -> Region:
    """State without a measure; measures that need it go with it."""
    if plan is None or without is None:
        return at(region, plan, year)
    rest = [m for m in plan.measures if m.id != without]
    while True:
        try:
            return at(region, Plan(plan.name, plan.years, tuple(rest)), year)
        except BadInput as error:
            names = {p.where for p in error.problems}
            kept = [m for m in rest if m.name not in names]
            if len(kept) == len(rest):
                what = "the line cannot be taken out of the plan"
                raise BadInput(Problem("", what, "other measures depend on it")) from error
            rest = kept
