"""The live channel: edits up as JSON, travel and clusters down as frames, jobs with their progress.

``/api/live`` is a WebSocket. Every message up is one JSON object of at most 128 KiB with a ``type``:

- ``edit``: a line at a new place: ``seq, region, plan, year, measure``, and ``replaces`` (id of the measure that it
  stands for), ``place`` (a city whose minutes are wanted), ``clusters`` (whether those that travel forms are wanted).
  Only the newest edit is computed; older ones that wait are dropped. The answer is a binary frame: the length of a
  JSON header (uint32, little endian), the header ``seq, of, columns, places, ms`` padded with spaces to a multiple of
  four bytes, then ``columns x places`` Float32 values in the order of the region's ``places``: every indicator ``of``
  travel, NaN where a place has none. Where clusters are wanted two more answers follow with the ``seq`` of their edit:
  a frame of every indicator ``of`` clusters, and a message ``clusters`` with those that travel forms, which takes
  longer. Each is of the newest edit when its turn comes; no frame of travel waits for them.
- ``grab``: the same fields; prepares what dragging needs.
- ``evaluate``: ``region, plan, year``: asks for the whole evaluation; messages ``job`` follow until it is over. A new
  one withdraws the last.
- ``cancel``: withdraws the evaluation.

What cannot be used is answered by ``error`` with its lines, and ``seq`` where it was an edit.
"""

from __future__ import annotations

import asyncio
import json
import struct
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

import numpy as np
from fastapi import WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from megalopolis.errors import BadInput, listed
from megalopolis.evaluation.preview import Preview
from megalopolis.evaluation.what_if import Tried
from megalopolis.pillar import CheckFailed
from megalopolis.plan.measures.travel import RailLine
from megalopolis.web import limits
from megalopolis.web.desk import Desk
from megalopolis.web.former import Former, Newest, Shown
from megalopolis.web.jobs import OVER, Busy, Job

#: Between two answers behind the frames: the page writes its numbers anew no more often, and frames need the processor.
_PAUSE_SECONDS: Final = 0.15
Text = Annotated[str, Field(max_length=300)]
Year = Annotated[int, Field(ge=1800, le=2200)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Edit(_Message):
    """A line at a new place."""

    type: Literal["edit", "grab"]
    seq: int = Field(ge=0, le=2**53)
    region: Text
    plan: Text | None
    year: Year
    measure: RailLine
    replaces: Text | None = None
    place: Text | None = None
    clusters: bool = False


class Evaluate(_Message):
    """A plan to evaluate whole."""

    type: Literal["evaluate"]
    region: Text
    plan: Text | None
    year: Year


class Cancel(_Message):
    """The evaluation is no longer wanted."""

    type: Literal["cancel"]


_ANY: TypeAdapter[Edit | Evaluate | Cancel] = TypeAdapter(
    Annotated[Edit | Evaluate | Cancel, Field(discriminator="type")]
)


class Channel:
    """One person's live channel."""

    def __init__(self, socket: WebSocket, desk: Desk) -> None:
        self.socket = socket
        self.desk = desk
        self.who = uuid.uuid4().hex
        self.waiting: Edit | None = None
        self.wake = asyncio.Event()
        self.behind = [Behind(self._indicators), Behind(self._formed)]
        self.job: Job | None = None
        self.outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue(maxsize=256)

    async def run(self) -> None:
        """Serve until the other end goes."""
        await self.socket.send_json({"type": "hello", "limits": {"message": limits.MESSAGE, "body": limits.BODY}})
        parts = (self._read, self._edits, self._tell, *(behind.run for behind in self.behind))
        tasks = [asyncio.create_task(part()) for part in parts]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._withdraw()

    async def _read(self) -> None:
        while True:
            try:
                message = await self.socket.receive()
            except (WebSocketDisconnect, RuntimeError):
                return
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None:
                self._say({"type": "error", "error": ["messages are JSON text"]})
                continue
            try:
                await self._take(_ANY.validate_json(text))
            except ValidationError as error:
                first = error.errors(include_url=False, include_context=False, include_input=False)[0]
                where = ".".join(str(p) for p in first["loc"][1:])
                said = f"{where}: {first['msg']}" if where else first["msg"]
                self._say({"type": "error", "seq": _seq(text), "error": [said[:300]]})
            except BadInput as error:
                self._say({"type": "error", "error": listed(error.problems)})
            except Busy as error:
                self._say({"type": "error", "error": [str(error)]})

    async def _take(self, message: Edit | Evaluate | Cancel) -> None:
        if isinstance(message, Edit):
            self.waiting = message
            self.wake.set()
        elif isinstance(message, Cancel):
            self._withdraw()
        else:
            old = self.job
            self.job = await self.desk.evaluation(message.region, message.plan, message.year, self.who)
            if old is not None and old is not self.job:
                old.listeners.discard(self._job_told)
                self.desk.jobs.cancel(old.id, self.who)
            self.job.listeners.add(self._job_told)
            self._job_told(self.job)

    def _withdraw(self) -> None:
        if self.job is not None:
            self.desk.jobs.cancel(self.job.id, self.who)
            self.job.listeners.discard(self._job_told)
            if self.job.state not in OVER:
                self._say({"type": "job", **self.job.record(), "state": "cancelled"})
            self.job = None

    def _job_told(self, job: Job) -> None:
        self._say({"type": "job", **job.record()})
        if job.state == "done":  # what is read now will be dragged next
            for former in (self.desk.measuring, self.desk.forming):
                asyncio.get_running_loop().run_in_executor(None, former.ready)

    def _say(self, message: dict[str, Any]) -> None:
        """Put a message in the outbox; one that nobody reads fills no memory: progress is dropped first."""
        with suppress(asyncio.QueueFull):
            self.outbox.put_nowait(message)

    async def _tell(self) -> None:
        while True:
            message = await self.outbox.get()
            try:
                await self.socket.send_json(message)
            except (WebSocketDisconnect, RuntimeError):
                return

    async def _edits(self) -> None:
        """Compute the newest edit; those that came meanwhile but the last are never computed."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            edit, self.waiting = self.waiting, None
            if edit is None:
                continue
            try:
                frame, preview, tried = await self.desk.aside(_frame, self.desk, edit)
                await self.socket.send_bytes(frame)
                for behind in self.behind if edit.clusters else ():
                    behind.offer(Shown(edit.seq, preview, tried))
            except BadInput as error:
                self._say({"type": "error", "seq": edit.seq, "error": listed(error.problems)})
            except (WebSocketDisconnect, RuntimeError):
                return
            except (ValueError, ArithmeticError, CheckFailed) as error:
                self._say({"type": "error", "seq": edit.seq, "error": [str(error)[:300]]})

    async def _indicators(self, newest: Newest) -> None:
        """Indicators of clusters of the newest frame."""
        begun = time.perf_counter()
        if found := await self._followed(self.desk.measuring, newest):
            shown, values = found
            await self.socket.send_bytes(packed(shown.seq, "clusters", shown.preview.cluster_values(values), begun))

    async def _formed(self, newest: Newest) -> None:
        """Clusters that travel forms of the newest frame."""
        if found := await self._followed(self.desk.forming, newest):
            shown, text = found
            await self.socket.send_text(f'{{"type": "clusters", "seq": {shown.seq}, {text[1:]}')

    async def _followed(self, former: Former, newest: Newest) -> tuple[Shown, Any] | None:
        try:
            return await former.form(newest)
        except (ValueError, OSError) as error:
            self._say({"type": "error", "error": [str(error)[:300]]})
            return None


@dataclass
class Behind:
    """What follows a frame without holding it up; frames that come meanwhile replace the one that waits."""

    work: Callable[[Newest], Awaitable[None]]
    _waiting: Shown | None = None
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, shown: Shown) -> None:
        """Take a frame in place of the one that waits."""
        self._waiting = shown
        self._wake.set()

    def _newest(self) -> Shown | None:
        shown, self._waiting = self._waiting, None
        return shown

    async def run(self) -> None:
        """Follow frames until the other end goes."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.work(self._newest)
            except (WebSocketDisconnect, RuntimeError):
                return
            await asyncio.sleep(_PAUSE_SECONDS)


def _seq(text: str) -> int | None:
    """Number of an edit that cannot be used, so that the page knows which."""
    try:
        seq = json.loads(text).get("seq")
    except (ValueError, AttributeError, RecursionError):
        return None
    return seq if isinstance(seq, int) else None


def _frame(desk: Desk, edit: Edit) -> tuple[bytes, Preview, Tried]:
    """Answer to an edit, and what its clusters are formed of."""
    begun = time.perf_counter()
    preview = desk.preview(edit.region, edit.plan, edit.year, edit.replaces)
    tried = preview.tried(edit.measure)
    columns: dict[str, Any] = dict(preview.travel_values(tried))
    ids = preview.what_if.ids
    if edit.place in ids:
        row = np.full(len(preview.places), np.nan)
        row[: len(ids)] = tried.after[ids.index(edit.place)]
        columns["minutes"] = row
    return packed(edit.seq, "travel", columns, begun), preview, tried


def packed(seq: int, of: str, columns: dict[str, Any], begun: float) -> bytes:
    """Header and values of a frame."""
    values = np.stack(list(columns.values())).astype("<f4") if columns else np.empty((0, 0), "<f4")
    elapsed = round(1000 * (time.perf_counter() - begun), 2)
    head = {"seq": seq, "of": of, "columns": list(columns), "places": values.shape[1], "ms": elapsed}
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 4)
    return struct.pack("<I", len(text)) + text + values.tobytes()
