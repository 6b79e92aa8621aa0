"""The worker: a process that evaluates, so that the server answers meanwhile and a job can be stopped."""

from __future__ import annotations

import gzip
import json
import os
import signal
from collections import OrderedDict
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Final

from megalopolis.errors import BadInput, listed
from megalopolis.evaluation import Evaluation, evaluate
from megalopolis.evaluation.evaluate import DRAWS
from megalopolis.evaluation.pillars import PILLARS
from megalopolis.pillar import Cancelled, CheckFailed, Progress
from megalopolis.plan import Plan
from megalopolis.plan.plan import parse_plan
from megalopolis.region import Region
from megalopolis.region.documents import Document
from megalopolis.region.read import read_region
from megalopolis.web.views import view_document, write_file, write_reports

#: Evaluations kept for files that are asked for afterwards.
_KEPT: Final = 4
Task = dict[str, Any]


class Worker:
    """Regions and evaluations of the process.

    Parameters
    ----------
    pipe : Connection
        Takes tasks; gives ``(job, kind, content)``.
    stop : Event
        Set to cancel the task at hand.
    """

    def __init__(self, pipe: Connection, stop: Event) -> None:
        self.pipe = pipe
        self.stop = stop
        self.regions: dict[str, Region] = {}
        self.done: OrderedDict[str, Evaluation] = OrderedDict()

    def run(self) -> None:
        """Do tasks until the server hangs up."""
        while True:
            try:
                task = self.pipe.recv()
            except (EOFError, OSError):
                return
            job = task["job"]
            try:
                content = self._do(task)
                self.pipe.send((job, "done", content))
            except Cancelled:
                self.pipe.send((job, "cancelled", None))
            except BadInput as error:
                self.pipe.send((job, "refused", listed(error.problems)))
            except (CheckFailed, ValueError, KeyError, OSError, MemoryError, ArithmeticError) as error:
                self.pipe.send((job, "failed", [" ".join(str(error).split())[:500] or type(error).__name__]))

    def _progress(self, job: str) -> Progress:
        def progress(stage: str, done: int, total: int) -> None:
            if self.stop.is_set():
                raise Cancelled
            self.pipe.send((job, "progress", (stage, done, total)))

        return progress

    def _do(self, task: Task) -> Any:
        if task["kind"] == "warm":
            evaluate(self._region(task["source"]), None, draws=0)
            return None
        region = self._region(task["source"])
        plan = parse_plan(Document(task["plan"], {}, "plan")) if task["plan"] else None
        if task["kind"] == "evaluate":
            return self._evaluate(task, region, plan)
        if task["kind"] == "file":
            write_file(self._evaluated(task, region, plan), task["name"], Path(task["path"]))
            return None
        found = evaluate(region, plan, progress=self._progress(task["job"]))
        write_reports([found], Path(task["path"]), task["source"], self._progress(task["job"]))
        return None

    def _region(self, source: str) -> Region:
        if source not in self.regions:
            self.regions[source] = read_region(source)
        return self.regions[source]

    def _evaluated(self, task: Task, region: Region, plan: Plan | None) -> Evaluation:
        found = self.done.get(task["key"])
        if found is None:
            found = evaluate(region, plan, years=[task["year"]], progress=self._progress(task["job"]))
            self._keep(task["key"], found)
        return found

    def _keep(self, key: str, evaluation: Evaluation) -> None:
        self.done[key] = evaluation
        self.done.move_to_end(key)
        while len(self.done) > _KEPT:
            self.done.popitem(last=False)

    def _evaluate(self, task: Task, region: Region, plan: Plan | None) -> bytes:
        """Travel first, then every central value, then ranges, then the pillars that run only where they are named."""
        progress = self._progress(task["job"])
        years = [task["year"]]
        for only in ({"travel"}, None):
            quick = evaluate(region, plan, years=years, only=only, draws=0, progress=progress)
            self.pipe.send((task["job"], "partial", packed(view_document([quick], whole=False))))
        found = evaluate(region, plan, years=years, draws=DRAWS, progress=progress)
        self._keep(task["key"], found)
        parts = [found]
        extra = {p.name for p in PILLARS if p.asked_only and not p.missing(region)}
        if extra:
            self.pipe.send((task["job"], "partial", packed(view_document(parts, whole=True))))
            parts.append(evaluate(region, plan, years=years, only=extra, draws=0, progress=progress))
        return packed(view_document(parts, whole=True))


def packed(document: Any) -> bytes:
    """JSON, compressed as it is sent."""
    return gzip.compress(json.dumps(document, ensure_ascii=False, allow_nan=False).encode(), compresslevel=5)


def work(pipe: Connection, stop: Event) -> None:
    """Entry of the process: an interrupt of the terminal is the server's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(5)  # dragging comes first
    Worker(pipe, stop).run()
