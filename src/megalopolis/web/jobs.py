"""Jobs: whole evaluations and reports in the worker process, one after another, with progress and cancel."""

from __future__ import annotations

import asyncio
import hashlib
import multiprocessing
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread
from typing import Any, Final

from megalopolis.web import limits
from megalopolis.web.worker import Task, work

_SPAWN: Final = multiprocessing.get_context("spawn")
#: Which worker, which job, what, and its content.
Said = tuple[int, str, str, Any]
OVER: Final = frozenset({"done", "failed", "refused", "cancelled"})


class Busy(RuntimeError):  # noqa: N818 - a state, shown to the user
    """More jobs are waiting than the server takes."""


def key_of(region_hash: str, plan_hash: str | None, year: int) -> str:
    """Id of an evaluation: the same content has the same id."""
    return hashlib.sha256(f"{region_hash}\n{plan_hash}\n{year}".encode()).hexdigest()[:32]


@dataclass(eq=False)
class Job:
    """One task and where it stands.

    Attributes
    ----------
    id : str
        Key of what it computes; who asks for the same joins it.
    state : str
        ``queued, running, done, failed, refused`` or ``cancelled``.
    content : bytes or None
        Compressed JSON of the latest result.
    wanted_by : set of str
        Who waits for it; it is cancelled when nobody is left.
    """

    id: str
    task: Task
    state: str = "queued"
    stage: str = ""
    done: int = 0
    total: int = 0
    error: list[str] = field(default_factory=list)
    content: bytes | None = None
    revision: int = 0
    wanted_by: set[str] = field(default_factory=set)
    listeners: set[Callable[[Job], None]] = field(default_factory=set)

    def record(self) -> dict[str, Any]:
        """Return the job as the API tells of it."""
        return {
            "id": self.id,
            "kind": self.task["kind"],
            "state": self.state,
            "stage": self.stage,
            "done": self.done,
            "total": self.total,
            "error": self.error,
            "revision": self.revision,
        }

    def tell(self) -> None:
        """Tell who listens."""
        for listener in tuple(self.listeners):
            listener(self)


class Jobs:
    """The queue, its worker, and results by key."""

    def __init__(self) -> None:
        self.kept: OrderedDict[str, Job] = OrderedDict()
        self.folder = Path(tempfile.mkdtemp(prefix="megalopolis-web-"))
        self._queue: list[Job] = []
        self._wake = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._stop = _SPAWN.Event()
        self._inbox: asyncio.Queue[Said] = asyncio.Queue()
        self._turn = 0
        self._now: Job | None = None

    def start(self) -> None:
        """Start to take jobs; call inside the running loop."""
        self._runner = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop the worker and remove what it wrote."""
        if self._runner is not None:
            self._runner.cancel()
            with suppress(asyncio.CancelledError):
                await self._runner
        self._end_process()
        shutil.rmtree(self.folder, ignore_errors=True)

    def submit(self, id_: str, task: Task, who: str) -> Job:
        """Put a task in the queue, or join the job of the same key.

        Raises
        ------
        Busy
            If too many are waiting.
        """
        job = self.kept.get(id_)
        if job is None or job.state in {"failed", "refused", "cancelled"}:
            if len(self._queue) >= limits.JOBS:
                raise Busy(f"{limits.JOBS} jobs are waiting already; try again in a minute")
            listeners = job.listeners if job else set()
            job = Job(id_, {**task, "job": id_}, listeners=listeners)
            self.kept[id_] = job
            self._queue.append(job)
            self._wake.set()
        self.kept.move_to_end(id_)
        job.wanted_by.add(who)
        self._forget()
        return job

    def _forget(self) -> None:
        over = [id_ for id_, job in self.kept.items() if job.state in OVER and not job.listeners]
        for id_ in over[: max(len(self.kept) - limits.RESULTS, 0)]:
            job = self.kept.pop(id_)
            if job.task.get("path"):
                path = Path(job.task["path"])
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)

    def cancel(self, id_: str, who: str | None) -> None:
        """Withdraw; a job that nobody else waits for is stopped. None withdraws for all."""
        job = self.kept.get(id_)
        if job is None or job.state in OVER:
            return
        job.wanted_by.discard(who or "")
        if who is None:
            job.wanted_by.clear()
        if job.wanted_by:
            return
        if job is self._now:
            self._stop.set()
        elif job in self._queue:
            self._queue.remove(job)
            job.state = "cancelled"
            job.tell()

    async def wait(self, job: Job) -> Job:
        """Wait until a job is over."""
        over = asyncio.Event()

        def listen(told: Job) -> None:
            if told.state in OVER:
                over.set()

        job.listeners.add(listen)
        try:
            if job.state not in OVER:
                await over.wait()
        finally:
            job.listeners.discard(listen)
        return job

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                self._now = self._queue.pop(0)
                await self._one(self._now)
                self._now = None

    async def _one(self, job: Job) -> None:
        """Send a job to the worker and follow it to its end."""
        if self._process is None or not self._process.is_alive():
            self._start_process()
        while not self._inbox.empty():
            self._inbox.get_nowait()
        self._stop.clear()
        job.state = "running"
        job.tell()
        loop = asyncio.get_running_loop()
        last = loop.time() + limits.JOB_SECONDS
        stopped_at: float | None = None
        try:
            self._send(job.task)
            while job.state not in OVER:
                if self._stop.is_set() and stopped_at is None:
                    stopped_at = loop.time()
                try:
                    said = await asyncio.wait_for(self._inbox.get(), 0.25)
                except TimeoutError:
                    if self._over_time(job, last, stopped_at):
                        break
                    continue
                self._hear(job, said)
        except OSError:
            self._lose(job)
        job.tell()

    def _hear(self, job: Job, said: Said) -> None:
        """Note what the worker says; one that was ended before has nothing to say."""
        turn, whose, kind, content = said
        if turn != self._turn:
            return
        if whose == job.id:
            _take(job, kind, content)
        elif kind == "gone":
            self._lose(job)
        job.tell()

    def _lose(self, job: Job) -> None:
        job.state, job.error = "failed", ["the worker ended; try again"]
        self._end_process()

    def _over_time(self, job: Job, last: float, stopped_at: float | None) -> bool:
        """End a job that does not end by itself, with its process."""
        now = asyncio.get_running_loop().time()
        if stopped_at is not None and now - stopped_at > limits.GRACE_SECONDS:
            job.state = "cancelled"
        elif now > last:
            job.state, job.error = "failed", [f"took longer than {limits.JOB_SECONDS:.0f} s and was stopped"]
        elif self._process is not None and not self._process.is_alive():
            job.state, job.error = "failed", ["the worker ended; try again"]
        else:
            return False
        self._end_process()
        return True

    def _send(self, task: Task) -> None:
        if self._pipe is None:
            raise OSError("no worker")
        self._pipe.send(task)

    def _start_process(self) -> None:
        self._end_process()
        ours, theirs = _SPAWN.Pipe()
        self._turn += 1
        self._stop = _SPAWN.Event()
        self._process = _SPAWN.Process(target=work, args=(theirs, self._stop), daemon=True, name="megalopolis-worker")
        self._process.start()
        theirs.close()
        self._pipe = ours
        loop = asyncio.get_running_loop()
        Thread(target=_listen, args=(ours, loop, self._inbox, self._turn), daemon=True).start()

    def _end_process(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.join(2)
            if self._process.is_alive():
                self._process.kill()
            self._process = None
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None


def _listen(pipe: Connection, loop: asyncio.AbstractEventLoop, inbox: asyncio.Queue[Said], turn: int) -> None:
    """Hand what the worker says to the loop."""
    message: Said
    while True:
        try:
            message = (turn, *pipe.recv())
        except (EOFError, OSError):
            message = (turn, "", "gone", None)
        try:
            loop.call_soon_threadsafe(inbox.put_nowait, message)
        except RuntimeError:  # the server has ended
            return
        if message[2] == "gone":
            return


def _take(job: Job, kind: str, content: Any) -> None:
    """Note what the worker says of a job."""
    if kind == "progress":
        job.stage, job.done, job.total = content
    elif kind == "partial":
        job.content, job.revision = content, job.revision + 1
    elif kind == "done":
        job.state = "done"
        if content is not None:
            job.content, job.revision = content, job.revision + 1
    elif kind == "cancelled":
        job.state = "cancelled"
    else:
        job.state, job.error = kind, content
