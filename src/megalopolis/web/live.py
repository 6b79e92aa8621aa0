"""The live channel: edits up as JSON, travel and clusters down as frames, jobs with their progress.

``/api/live`` is a WebSocket. Every message up is one JSON object of at most 128 KiB with a ``type``:

- ``edit``: a line at a new place: ``seq, region, plan, year, measure``, and ``replaces`` (id of the measure that it
  stands for), ``place`` (a city whose minutes are wanted), ``clusters`` (whether those that travel forms are wanted).
  Only the newest edit is computed; older ones that wait are dropped. The answer is a binary frame: the length of a JSON
  header (uint32, little endian), the header ``seq, columns, places, ms`` padded with spaces to a multiple of four
  bytes, then ``columns x places`` Float32 values in the order of the region's ``places``: every indicator of travel
  and clusters, NaN where a place has none. Clusters that travel forms take longer: they follow as a message
  ``clusters`` with the ``seq`` of its edit, always of the newest frame when their turn comes; no frame waits for them.
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
from contextlib import suppress
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from megalopolis.errors import BadInput, listed
from megalopolis.evaluation.preview import Forming, Preview
from megalopolis.pillar import CheckFailed
from megalopolis.plan.measures.travel import RailLine
from megalopolis.web import limits
from megalopolis.web.desk import Desk
from megalopolis.web.former import Wanted
from megalopolis.web.jobs import OVER, Busy, Job

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
        self.forming: Wanted | None = None
        self.form = asyncio.Event()
        self.job: Job | None = None
        self.outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue(maxsize=256)

    async def run(self) -> None:
        """Serve until the other end goes."""
        await self.socket.send_json({"type": "hello", "limits": {"message": limits.MESSAGE, "body": limits.BODY}})
        tasks = [asyncio.create_task(part()) for part in (self._read, self._edits, self._clusters, self._tell)]
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
                frame, forming = await self.desk.aside(_frame, self.desk, edit)
                await self.socket.send_bytes(frame)
                self.forming = Wanted(edit.seq, forming) if edit.clusters else None
                self.form.set()
            except BadInput as error:
                self._say({"type": "error", "seq": edit.seq, "error": listed(error.problems)})
            except (WebSocketDisconnect, RuntimeError):
                return
            except (ValueError, ArithmeticError, CheckFailed) as error:
                self._say({"type": "error", "seq": edit.seq, "error": [str(error)[:300]]})

    async def _clusters(self) -> None:
        """Form the clusters of the newest frame; frames in between go without."""
        while True:
            await self.form.wait()
            self.form.clear()
            try:
                found = await self.desk.former.form(self._newest)
                if found is not None:
                    seq, document = found
                    await self.socket.send_text(f'{{"type": "clusters", "seq": {seq}, {document[1:]}')
            except (WebSocketDisconnect, RuntimeError):
                return
            except (ValueError, OSError) as error:
                self._say({"type": "error", "error": [str(error)[:300]]})

    def _newest(self) -> Wanted | None:
        wanted, self.forming = self.forming, None
        return wanted


def _seq(text: str) -> int | None:
    """Number of an edit that cannot be used, so that the page knows which."""
    try:
        seq = json.loads(text).get("seq")
    except (ValueError, AttributeError, RecursionError):
        return None
    return seq if isinstance(seq, int) else None


def _frame(desk: Desk, edit: Edit) -> tuple[bytes, Forming]:
    """Answer to an edit, and what its clusters are formed of."""
    begun = time.perf_counter()
    preview = desk.preview(edit.region, edit.plan, edit.year, edit.replaces)
    tried = preview.tried(edit.measure)
    columns: dict[str, Any] = dict(preview.values(tried))
    ids = preview.what_if.ids
    if edit.place in ids:
        row = np.full(len(preview.places), np.nan)
        row[: len(ids)] = tried.after[ids.index(edit.place)]
        columns["minutes"] = row
    return packed(edit.seq, columns, preview, begun), preview.forming(tried)


def packed(seq: int, columns: dict[str, Any], preview: Preview, begun: float) -> bytes:
    """Header and values of a frame."""
    elapsed = round(1000 * (time.perf_counter() - begun), 2)
    head = {"seq": seq, "columns": list(columns), "places": len(preview.places), "ms": elapsed}
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 4)
    values = np.stack(list(columns.values())).astype("<f4")
    return struct.pack("<I", len(text)) + text + values.tobytes()
