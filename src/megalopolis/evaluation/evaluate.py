"""Region and plan in, evaluation out: baseline against plan for every year."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import pandas as pd

from megalopolis.errors import BadInput, Problem
from megalopolis.evaluation.cache import cache_folder
from megalopolis.evaluation.evaluation import ALONE, NOT_ASKED, Evaluation
from megalopolis.evaluation.ledger import BASELINE, PLAN, State, difference_of, ledger_of
from megalopolis.evaluation.pillars import PILLARS, Pillar, chosen
from megalopolis.evaluation.solve import Case, Results, Solver, in_threads
from megalopolis.parameters import Parameters
from megalopolis.pillar import ALL_PILLARS, Progress, Result, silent
from megalopolis.plan import Plan, at
from megalopolis.region import Region

#: Parameter draws behind every range: few enough to wait for; more widen the envelope (docs/method/ranges.md).
DRAWS: Final = 6

#: Draws taken together through all states: what they lend each other stays in memory.
BLOCK: Final = 16


def evaluate(
    region: Region,
    plan: Plan | None = None,
    *,
    years: Sequence[int] | None = None,
    only: Iterable[str] | None = None,
    settings: Mapping[str, float] | None = None,
    draws: int = DRAWS,
    progress: Progress = silent,
) -> Evaluation:
    """Evaluate a plan against the reference case.

    Parameters
    ----------
    region : Region
        As from `load_region`.
    plan : Plan, optional
        As from `load_plan`; without one only the baseline is evaluated.
    years : sequence of int, optional
        Years to evaluate; default the plan's, else today.
    only : iterable of str, optional
        Pillars to run, with those they need; default the usual ones (`megalopolis.evaluation.pillars`).
    settings : mapping of str to float, optional
        Parameters by full id, such as ``{"travel.transfer_min": 20}``.
    draws : int
        Parameter draws behind the ranges; 0 for none.
    progress : callable
        ``progress(stage, done, total)``; may raise `Cancelled`.

    Returns
    -------
    Evaluation

    Raises
    ------
    BadInput
        If the plan does not fit the region, or a pillar or parameter is unknown.
    CheckFailed
        If a solve violates a residual or conservation check.
    """
    return evaluate_all(region, [plan], years=years, only=only, settings=settings, draws=draws, progress=progress)[0]


def evaluate_all(
    region: Region,
    plans: Sequence[Plan | None],
    *,
    years: Sequence[int] | None = None,
    only: Iterable[str] | None = None,
    settings: Mapping[str, float] | None = None,
    draws: int = DRAWS,
    progress: Progress = silent,
) -> list[Evaluation]:
    """Evaluate several plans of one region; states they share are solved once. See `evaluate`."""
    names = [plan.name for plan in plans if plan]
    for name in names:
        if names.count(name) > 1:
            raise BadInput(Problem("", f"two plans are called '{name}'", "rename one of them"))
    parameters = Parameters.of(region.meta.parameters, settings or {})
    solver = Solver(_pillars(only), cache_folder())
    baseline: dict[int, Region] = {}
    wanted = [_states(region, plan, years, baseline) for plan in plans]
    cases = [{key: Case(state, states[BASELINE, key[1]]) for key, state in states.items()} for states in wanted]
    every = {id(case.state): (key, case) for own in cases for key, case in own.items()}
    sets = parameters.draws(draws)
    total = len(every) * (1 + len(sets))
    central: dict[int, tuple[dict[str, Result], pd.DataFrame]] = {}
    for one, ((name, year), case) in every.items():
        progress(f"{year} {name}", len(central), total)
        brief = solver.results(case, parameters, indicators_only=True, progress=progress)
        central[one] = (brief, solver.values(case, parameters))
    results = [Results(solver, own, parameters) for own in cases]
    main = list(wanted[0])[-1]  # the main plan's last state is wanted whole; of others, what is asked for later
    drawn = _drawn(
        solver, {one: case for one, (_, case) in every.items()}, sets, partial(results[0].solve, main), progress
    )
    progress("done", total, total)
    found = []
    for plan, states, solved in zip(plans, wanted, results, strict=True):
        values_of_states = {key: central[id(state)][1] for key, state in states.items()}
        draws_of_states = {key: drawn[id(state)] for key, state in states.items()}
        found.append(
            Evaluation(
                region=region,
                plan=plan,
                years=tuple(dict.fromkeys(year for _, year in states)),
                parameters=parameters,
                draws=len(sets),
                states=states,
                brief={key: central[id(state)][0] for key, state in states.items()},
                results=solved,
                ledger=ledger_of(values_of_states, draws_of_states),
                difference=difference_of(values_of_states, draws_of_states),
                skipped=_skipped(region, only),
            )
        )
    return found


def _drawn(
    solver: Solver, cases: Mapping[int, Case], sets: Sequence[Parameters], first: Callable[[], Any], progress: Progress
) -> dict[int, list[pd.DataFrame]]:
    """Values of every state in each draw of the parameters, solved in threads beside what is wanted first."""
    total = len(cases) * (1 + len(sets))
    blocks = [sets[i : i + BLOCK] for i in range(0, len(sets), BLOCK)]
    # State by state: by then the draws of the reference case, which the others borrow from, are at hand.
    order = [(one, draw) for block in blocks for one in cases for draw in block]
    tasks: list[Callable[[], Any]] = [partial(solver.values, cases[one], draw) for one, draw in order]
    drawn: dict[int, list[pd.DataFrame]] = {one: [] for one in cases}
    answers = in_threads([first, *tasks])
    progress("ranges", len(cases), total)
    next(answers)
    for done, ((one, _), values) in enumerate(zip(order, answers, strict=True), len(cases) + 1):
        progress("ranges", done, total)
        drawn[one].append(values)
    return drawn


def _pillars(only: Iterable[str] | None) -> tuple[Pillar, ...]:
    try:
        return chosen(None if only is None else set(only))
    except KeyError as error:
        built = ", ".join(p.name for p in PILLARS)
        raise BadInput(Problem("", f"no pillar {error} is built", f"pillars: {built}")) from error


def _states(
    region: Region, plan: Plan | None, years: Sequence[int] | None, baseline: dict[int, Region]
) -> dict[State, Region]:
    """States of a plan; those of the baseline, which plans share, are kept in `baseline`."""
    chosen_years = tuple(years) if years else (plan.years if plan and plan.years else (region.meta.now,))
    baseline |= {year: at(region, None, year) for year in chosen_years if year not in baseline}
    states = {(BASELINE, year): baseline[year] for year in chosen_years}
    if plan is not None:
        states |= {(PLAN, year): at(region, plan, year) for year in chosen_years}
    return states


def _skipped(region: Region, only: Iterable[str] | None) -> dict[str, str]:
    """Pillars that were not evaluated, and why."""
    said = {}
    built = {p.name: p for p in PILLARS}
    running = {p.name for p in _pillars(only)}
    for name in ALL_PILLARS:
        if name not in built:
            said[name] = "not built yet"
        elif name not in running:
            said[name] = ALONE if only is None else NOT_ASKED
        elif missing := built[name].missing(region):
            what = "table" if any("." not in m for m in missing) else "figures in"
            said[name] = f"the region has no {what} {', '.join(missing)}"
    return said
