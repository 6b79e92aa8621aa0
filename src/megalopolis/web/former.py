"""Processes that compute the clusters of lines being dragged: beside the frames of travel, never before them."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from threading import Lock
from typing import Any, Final

import pandas as pd

from megalopolis.evaluation.preview import Forming, Preview
from megalopolis.evaluation.what_if import Tried
from megalopolis.pillar import CheckFailed
from megalopolis.region import Region
from megalopolis.web import limits
from megalopolis.web.formed import formed_document

_SPAWN: Final = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Shown:
    """A frame that was sent: number of its edit, and what it was computed of."""

    seq: int
    preview: Preview
    tried: Tried


#: Gives the newest frame that was sent; None where its turn came to nothing.
Newest = Callable[[], Shown | None]


def indicators(forming: Forming) -> list[tuple[str, str, float]]:
    """Indicators of clusters; see `Forming.values`."""
    return forming.values()


def formed(forming: Forming) -> str:
    """Clusters that travel forms: `formed_document` as JSON."""
    return json.dumps(formed_document(forming.state, forming.formed()), ensure_ascii=False, allow_nan=False)


class Former:
    """A process that computes for all who drag, one at a time, in the order in which they ask.

    Parameters
    ----------
    compute : callable
        `indicators` or `formed`.
    """

    def __init__(self, compute: Callable[[Forming], Any]) -> None:
        self._compute = compute
        self._turn = asyncio.Lock()
        self._one = Lock()
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._state = ""

    async def form(self, newest: Newest) -> tuple[Shown, Any] | None:
        """Compute for the newest frame.

        Parameters
        ----------
        newest : callable
            Called once its turn has come, so that frames which came meanwhile replace those that wait.

        Returns
        -------
        tuple or None
            The frame and what was computed; None where nothing is wanted any more.

        Raises
        ------
        OSError
            If the process ended, or took too long.
        ValueError
            If the kernels refuse their input.
        """
        async with self._turn:
            shown = newest()
            if shown is None:
                return None
            return shown, await asyncio.to_thread(self._ask, shown.preview.forming(shown.tried))

    def _ask(self, forming: Forming) -> Any:
        with self._one:  # a page that closes leaves its question behind
            try:
                done, said = self._answered(forming)
            except (OSError, EOFError) as error:
                self.close()
                raise OSError(f"the clusters of this line were not formed: {error or 'the process ended'}") from error
        if not done:
            raise ValueError(said)
        return said

    def ready(self) -> None:
        """Start the process, which takes a second or two, before it is needed."""
        with self._one:
            if self._process is None:
                self._pipe = self._start()

    def _answered(self, forming: Forming) -> tuple[bool, Any]:
        """Send a task to the process, with the state where it holds another, and wait for what it says."""
        if self._pipe is None or self._process is None or not self._process.is_alive():
            self._pipe = self._start()
        state, minutes = forming.state, forming.minutes
        parts = None if self._state == state.hash else (state.meta, dict(state.tables), state.year)
        self._pipe.send((parts, minutes.to_numpy(float), tuple(minutes.columns), dict(forming.parameters)))
        self._state = state.hash
        if not self._pipe.poll(limits.JOB_SECONDS):
            raise TimeoutError(f"took longer than {limits.JOB_SECONDS:.0f} s")
        done, said = self._pipe.recv()
        return bool(done), said

    def _start(self) -> Connection:
        self.close()
        ours, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(
            target=_work, args=(theirs, self._compute), daemon=True, name="megalopolis-clusters"
        )
        self._process.start()
        theirs.close()
        return ours

    def close(self) -> None:
        """End the process."""
        self._state = ""
        if self._process is not None:
            self._process.terminate()
            self._process.join(2)
            self._process = None
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None


def _work(pipe: Connection, compute: Callable[[Forming], Any]) -> None:
    """Entry of the process: compute until the server hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(5)  # frames of travel come first
    state: Region | None = None
    while True:
        try:
            parts, minutes, ids, parameters = pipe.recv()
        except (EOFError, OSError):
            return
        state = state if parts is None else Region(*parts)
        times = pd.DataFrame(minutes, index=pd.Index(ids, name="id"), columns=list(ids))
        try:
            if state is None:
                raise ValueError("no state was sent")  # noqa: TRY301 - said like every refusal
            answer = (True, compute(Forming(state, times, parameters)))
        except (ValueError, KeyError, ArithmeticError, MemoryError, CheckFailed) as error:
            answer = (False, " ".join(str(error).split())[:300] or type(error).__name__)
        pipe.send(answer)
