"""Run the pillars on every state of a plan, and its draws, each distinct state once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar

import pandas as pd

from megalopolis.errors import BadInput, Problem
from megalopolis.evaluation import cache
from megalopolis.evaluation.ledger import State, values_of
from megalopolis.evaluation.pillars import Pillar, with_sources
from megalopolis.parameters import Parameters
from megalopolis.pillar import Progress, Result, silent
from megalopolis.region import Region

T = TypeVar("T")

#: Draws solved at the same time; more wait for each other's tables.
_THREADS: Final = 2


#: Tables of reference cases kept for those solved against them: a few draws in flight, a few years each.
_LENT: Final = 64


@dataclass(frozen=True)
class Case:
    """A state and the state that it is compared with, the baseline of its year; the same one for the baseline."""

    state: Region
    reference: Region

    @property
    def own(self) -> Case:
        """The reference as a case."""
        return Case(self.reference, self.reference)


@dataclass
class Solver:
    """Pillars over states, with a memory of what was solved.

    Attributes
    ----------
    pillars : tuple of Pillar
        In order of evaluation.
    folder : Path or None
        Cache on disk.
    """

    pillars: tuple[Pillar, ...]
    folder: Path | None
    _solved: dict[str, Result] = field(default_factory=dict)
    _values: dict[tuple[str, ...], pd.DataFrame] = field(default_factory=dict)
    _lent: dict[tuple[str, str], pd.DataFrame] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def keys(self, case: Case, parameters: Parameters, *, indicators_only: bool = False) -> dict[str, str]:
        """Key of every pillar that the state has the tables for: all that its result depends on."""
        keys: dict[str, str] = {}
        state = case.state
        base = self.keys(case.own, parameters, indicators_only=True) if case.reference is not state else {}
        for pillar in self.pillars:
            if pillar.missing(state) or any(source not in keys for source, _ in pillar.inputs.values()):
                continue
            parts = [cache.code_hash(), pillar.name, str(indicators_only), state.meta.model_dump_json()]
            parts += [f"{name}={state.table_hashes.get(name)}" for name in pillar.reads]
            parts += [f"{argument}={keys[source]}" for argument, (source, _) in sorted(pillar.inputs.items())]
            parts += [f"{argument}={base.get(source)}" for argument, (source, _) in sorted(pillar.reference.items())]
            parts += [f"{k}={v!r}" for k, v in sorted(parameters.of_pillar(pillar.name).items())]
            keys[pillar.name] = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        return keys

    def solved(self, case: Case, parameters: Parameters) -> bool:
        """Whether a state was solved whole."""
        return all(key in self._solved for key in self.keys(case, parameters).values())

    def results(
        self,
        case: Case,
        parameters: Parameters,
        *,
        wanted: frozenset[str] | None = None,
        indicators_only: bool = False,
        keep: bool = True,
        progress: Progress = silent,
    ) -> dict[str, Result]:
        """Solve every pillar on a state, or those wanted with their sources, or recall what was solved.

        Draws are recalled as values and not to be kept: their matrices would fill the memory.
        """
        if indicators_only and self.solved(case, parameters):  # what was solved whole has the indicators too
            return {name: self._solved[key] for name, key in self.keys(case, parameters).items()}
        keys = self.keys(case, parameters, indicators_only=indicators_only)
        found: dict[str, Result] = {}
        folder = None if indicators_only else self.folder
        for pillar in self.pillars:
            if pillar.name not in keys or (indicators_only and not pillar.ranged):
                continue
            if wanted is not None and pillar.name not in wanted:
                continue
            key = keys[pillar.name]
            result = self._solved.get(key) or cache.load(folder, key)
            if result is None:
                inputs = {argument: found[source].tables[table] for argument, (source, table) in pillar.inputs.items()}
                if case.reference is not case.state:
                    inputs |= {name: self._borrow(case, parameters, *of) for name, of in pillar.reference.items()}
                result = _run(pillar, case.state, parameters, inputs, progress, indicators_only=indicators_only)
                cache.save(folder, key, result)
            if keep or (indicators_only and pillar.name in self._alone):
                self._solved[key] = result
            found[pillar.name] = result
        if case.reference is case.state:
            self._lend(self.keys(case, parameters, indicators_only=True), found)
        return found

    @cached_property
    def _alone(self) -> frozenset[str]:
        """Pillars that take nothing of others and lend nothing: many states share their small results."""
        lending = {source for p in self.pillars for source, _ in (*p.inputs.values(), *p.reference.values())}
        return frozenset(p.name for p in self.pillars if not p.inputs and not p.reference) - lending

    def _lend(self, keys: Mapping[str, str], found: Mapping[str, Result]) -> None:
        """Keep the tables of a reference case that other cases are solved against; the oldest make room."""
        with self._lock:
            for source, table in {of for pillar in self.pillars for of in pillar.reference.values()}:
                if source in found:
                    self._lent[keys[source], table] = found[source].tables[table]
            while len(self._lent) > _LENT:
                self._lent.pop(next(iter(self._lent)))

    def _borrow(self, case: Case, parameters: Parameters, source: str, table: str) -> pd.DataFrame:
        """Table of the reference case."""
        key = self.keys(case.own, parameters, indicators_only=True)[source]
        lent = self._lent.get((key, table))
        if lent is None:
            lent = self.results(case.own, parameters, indicators_only=True, keep=False)[source].tables[table]
        return lent

    def values(self, case: Case, parameters: Parameters) -> pd.DataFrame:
        """Indicators of a state with their aggregates; see `megalopolis.evaluation.ledger.values_of`."""
        key = tuple(self.keys(case, parameters, indicators_only=True).values())
        if key not in self._values:
            found = self.results(case, parameters, indicators_only=True, keep=False)
            self._values[key] = values_of(case.state, found)
        return self._values[key]


def _run(
    pillar: Pillar,
    state: Region,
    parameters: Parameters,
    inputs: Mapping[str, pd.DataFrame],
    progress: Progress,
    *,
    indicators_only: bool,
) -> Result:
    """Run a pillar; what it refuses of its input is bad input of the state.

    Raises
    ------
    BadInput
        If so.
    """
    try:
        return pillar.run(
            state,
            parameters=parameters.of_pillar(pillar.name),
            progress=progress,
            indicators_only=indicators_only,
            **inputs,
        )
    except ValueError as error:  # a kernel refuses what the tables or parameters make of its input
        if isinstance(error, BadInput):
            raise
        todo = "correct the parameters given" if parameters.settings else "check the region's tables"
        raise BadInput(Problem(f"{state.name}: {pillar.name}", str(error).rstrip("."), todo)) from error


def in_threads(tasks: Sequence[Callable[[], T]]) -> Iterator[T]:
    """Answers of tasks in their order.

    The kernels hold no lock, so that one task computes while another reads tables. Pillars are told no progress: who
    counts answers sees each one arrive.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            yield from pool.map(lambda task: task(), tasks)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class Whole(Mapping[str, Result]):
    """Whole results of one state by pillar, each solved with what it takes of others when it is first asked for."""

    def __init__(self, solver: Solver, case: Case, parameters: Parameters) -> None:
        self._solver = solver
        self._case = case
        self._parameters = parameters
        self._names = tuple(solver.keys(case, parameters))

    def __getitem__(self, name: str) -> Result:
        if name not in self._names:
            raise KeyError(name)
        wanted = with_sources(self._solver.pillars, {name})
        return self._solver.results(self._case, self._parameters, wanted=wanted)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Results(Mapping[State, Mapping[str, Result]]):
    """Whole results of every state, each pillar's solved when it is first asked for.

    Parameters
    ----------
    solver : Solver
        Solves and remembers.
    cases : mapping of (case, year) to Case
        The states and their baselines.
    parameters : Parameters
        Values in force.
    """

    def __init__(self, solver: Solver, cases: Mapping[State, Case], parameters: Parameters) -> None:
        self._solver = solver
        self._cases = cases
        self._parameters = parameters

    def solved(self, key: State) -> bool:
        """Whether a state was solved whole."""
        return self._solver.solved(self._cases[key], self._parameters)

    def __getitem__(self, key: State) -> Whole:
        return Whole(self._solver, self._cases[key], self._parameters)

    def solve(self, key: State) -> None:
        """Solve every pillar of a state whole."""
        self._solver.results(self._cases[key], self._parameters)

    def __iter__(self) -> Iterator[State]:
        return iter(self._cases)

    def __len__(self) -> int:
        return len(self._cases)
