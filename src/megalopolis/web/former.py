"""A process that forms the clusters of lines being dragged: beside the frames of travel, never before them."""

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

import numpy as np
import pandas as pd

from megalopolis.evaluation.preview import Forming
from megalopolis.pillar import CheckFailed
from megalopolis.region import Region
from megalopolis.web import limits
from megalopolis.web.formed import formed_document

_SPAWN: Final = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Wanted:
    """Clusters of one frame."""

    seq: int
    forming: Forming


class Former:
    """Forms clusters for all who drag, one at a time, in the order in which they ask."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._one = Lock()
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    async def form(self, newest: Callable[[], Wanted | None]) -> tuple[int, str] | None:
        """Form the clusters of the newest frame.

        Parameters
        ----------
        newest : callable
            Called once its turn has come, so that frames which came meanwhile replace those that wait.

        Returns
        -------
        tuple or None
            Number of the edit, and `formed_document` as JSON; None where nothing is wanted any more.

        Raises
        ------
        OSError
            If the process ended, or took too long.
        ValueError
            If the kernels refuse their input.
        """
        async with self._turn:
            wanted = newest()
            if wanted is None:
                return None
            return wanted.seq, await asyncio.to_thread(self._ask, wanted.forming)

    def _ask(self, forming: Forming) -> str:
        with self._one:  # a page that closes leaves its question behind
            try:
                done, said = self._answered(forming)
            except (OSError, EOFError) as error:
                self.close()
                raise OSError(f"the clusters of this line were not formed: {error or 'the process ended'}") from error
        if not done:
            raise ValueError(said)
        return said

    def _answered(self, forming: Forming) -> tuple[bool, str]:
        """Send a task to the process and wait for what it says."""
        if self._pipe is None or self._process is None or not self._process.is_alive():
            self._pipe = self._start()
        state, minutes = forming.state, forming.minutes
        task = (state.meta, dict(state.tables), state.year, minutes.to_numpy(float), tuple(minutes.columns))
        self._pipe.send((*task, dict(forming.parameters)))
        if not self._pipe.poll(limits.JOB_SECONDS):
            raise TimeoutError(f"took longer than {limits.JOB_SECONDS:.0f} s")
        done, said = self._pipe.recv()
        return bool(done), str(said)

    def _start(self) -> Connection:
        self.close()
        ours, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_work, args=(theirs,), daemon=True, name="megalopolis-clusters")
        self._process.start()
        theirs.close()
        return ours

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.terminate()
            self._process.join(2)
            self._process = None
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None


def _work(pipe: Connection) -> None:
    """Entry of the process: form clusters until the server hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(10)  # frames of travel come first, then whole evaluations
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(_answer(*task))


def _answer(
    meta: Any, tables: Any, year: int, minutes: np.ndarray, ids: tuple[str, ...], parameters: dict[str, float]
) -> tuple[bool, str]:
    state = Region(meta, tables, year)
    times = pd.DataFrame(minutes, index=pd.Index(ids, name="id"), columns=list(ids))
    try:
        document = formed_document(state, Forming(state, times, parameters).formed())
    except (ValueError, KeyError, ArithmeticError, MemoryError, CheckFailed) as error:
        return False, " ".join(str(error).split())[:300] or type(error).__name__
    return True, json.dumps(document, ensure_ascii=False, allow_nan=False)
