"""Planning engine for city clusters: what a joint plan changes in every city, what it costs, who gains, who pays.

>>> import megalopolis as mp
>>> region = mp.load_region("china")
>>> plan = mp.load_plan("china/2035")
>>> evaluation = mp.evaluate(region, plan)  # doctest: +SKIP
>>> evaluation.ledger  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from megalopolis.errors import BadInput as BadInput
    from megalopolis.errors import Problem as Problem
    from megalopolis.evaluation import Evaluation as Evaluation
    from megalopolis.evaluation import evaluate as evaluate
    from megalopolis.evaluation import evaluate_all as evaluate_all
    from megalopolis.evaluation.compare import Comparison as Comparison
    from megalopolis.evaluation.compare import compare as compare
    from megalopolis.evaluation.export import to_omx as to_omx
    from megalopolis.evaluation.isochrones import isochrones as isochrones
    from megalopolis.evaluation.signals import signals_of as signals_of
    from megalopolis.evaluation.what_if import Tried as Tried
    from megalopolis.evaluation.what_if import WhatIf as WhatIf
    from megalopolis.evaluation.what_if import what_if as what_if
    from megalopolis.pillar import Cancelled as Cancelled
    from megalopolis.pillar import CheckFailed as CheckFailed
    from megalopolis.plan import Plan as Plan
    from megalopolis.plan import at as at
    from megalopolis.plan import load_plan as load_plan
    from megalopolis.region import Region as Region
    from megalopolis.region.read import read_region as load_region  # noqa: F401 - its public name
    from megalopolis.report import write_report as write_report

#: Public name to the module that holds it and its name there. Loaded when first used: `megalopolis --help` is instant.
_PUBLIC = {
    "BadInput": ("errors", "BadInput"),
    "Cancelled": ("pillar", "Cancelled"),
    "CheckFailed": ("pillar", "CheckFailed"),
    "Comparison": ("evaluation.compare", "Comparison"),
    "Evaluation": ("evaluation", "Evaluation"),
    "Plan": ("plan", "Plan"),
    "Problem": ("errors", "Problem"),
    "Region": ("region", "Region"),
    "Tried": ("evaluation.what_if", "Tried"),
    "WhatIf": ("evaluation.what_if", "WhatIf"),
    "at": ("plan", "at"),
    "compare": ("evaluation.compare", "compare"),
    "evaluate": ("evaluation.evaluate", "evaluate"),
    "evaluate_all": ("evaluation.evaluate", "evaluate_all"),
    "isochrones": ("evaluation.isochrones", "isochrones"),
    "load_plan": ("plan", "load_plan"),
    "load_region": ("region.read", "read_region"),
    "signals_of": ("evaluation.signals", "signals_of"),
    "to_omx": ("evaluation.export", "to_omx"),
    "what_if": ("evaluation.what_if", "what_if"),
    "write_report": ("report", "write_report"),
}

__all__ = sorted(_PUBLIC)  # noqa: PLE0605 - one list, not two


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'megalopolis' has no attribute '{name}'")
    module, attribute = _PUBLIC[name]
    return getattr(import_module(f"megalopolis.{module}"), attribute)


def __dir__() -> list[str]:
    return __all__
