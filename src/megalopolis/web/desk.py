"""What every request works with: regions, plans, jobs, and networks prepared for dragging."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

from megalopolis.evaluation import Evaluation
from megalopolis.evaluation.preview import Preview, travel_of
from megalopolis.web import limits
from megalopolis.web.former import Former, formed, indicators
from megalopolis.web.jobs import Job, Jobs, key_of
from megalopolis.web.library import Library
from megalopolis.web.worker import Task

T = TypeVar("T")


@dataclass
class Desk:
    """The server's state.

    Attributes
    ----------
    library : Library
        Regions and plans.
    jobs : Jobs
        Queue and worker.
    measuring, forming : Former
        Compute the indicators of clusters, and form clusters, of lines that are dragged.
    channels : int
        Live channels that are open.
    """

    library: Library
    jobs: Jobs
    measuring: Former = field(default_factory=lambda: Former(indicators))
    forming: Former = field(default_factory=lambda: Former(formed))
    channels: int = 0
    _prepared: OrderedDict[tuple[Any, ...], tuple[Any, int]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock, repr=False)
    _making: dict[tuple[Any, ...], Lock] = field(default_factory=dict, repr=False)

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

    def travel(self, region: str, plan: str | None, year: int) -> Evaluation:
        """Travel of a plan in a year, solved once for all who ask."""
        found, chosen = self.library.region(region), self.library.plan(region, plan)
        key = ("travel", found.hash, chosen.hash if chosen else None, year)
        return self._once(key, lambda: travel_of(found, chosen, year), 20 * 8 * len(found.cities) ** 2)

    def preview(self, region: str, plan: str | None, year: int, without: str | None) -> Preview:
        """Travel of a plan in a year, ready for dragging one of its lines, or a new one."""
        found, chosen = self.library.region(region), self.library.plan(region, plan)
        if chosen is None or without not in {m.id for m in chosen.measures}:
            without = None
        key = ("drag", found.hash, chosen.hash if chosen else None, year, without)
        evaluation = self.travel(region, plan, year)
        return self._once(key, lambda: Preview.of(evaluation, without), 12 * 8 * len(found.cities) ** 2)

    def _once(self, key: tuple[Any, ...], make: Callable[[], T], size: int) -> T:
        """Return what was made for a key, or make it: two people who grab the same line wait for one solve."""
        with self._lock:
            making = self._making.setdefault(key, Lock())
        with making:
            with self._lock:
                if key in self._prepared:
                    self._prepared.move_to_end(key)
                    kept: T = self._prepared[key][0]
                    return kept
            made = make()
            with self._lock:
                self._prepared[key] = (made, size)
                held = sum(bytes_ for _, bytes_ in self._prepared.values())
                while len(self._prepared) > 1 and held > limits.PREPARED_BYTES:
                    old, (_, bytes_) = self._prepared.popitem(last=False)
                    self._making.pop(old, None)
                    held -= bytes_
        return made

    async def aside(self, call: Any, *arguments: Any) -> Any:
        """Compute in a thread: the loop goes on answering."""
        return await asyncio.to_thread(call, *arguments)
