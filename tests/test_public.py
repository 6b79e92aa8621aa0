"""The public names, pinned: adding or removing one is a decision, not an accident."""

import subprocess
import sys

import megalopolis as mp

PUBLIC = [
    "BadInput",
    "Cancelled",
    "CheckFailed",
    "Comparison",
    "Evaluation",
    "Plan",
    "Problem",
    "Region",
    "Tried",
    "WhatIf",
    "at",
    "compare",
    "evaluate",
    "evaluate_all",
    "isochrones",
    "load_plan",
    "load_region",
    "signals_of",
    "to_omx",
    "what_if",
    "write_report",
]


def test_public_names_are_pinned() -> None:
    assert mp.__all__ == PUBLIC
    assert dir(mp) == PUBLIC


def test_every_public_name_is_there_and_documented() -> None:
    for name in PUBLIC:
        thing = getattr(mp, name)
        assert callable(thing)
        assert thing.__doc__, name


def test_evaluate_stays_a_function_after_its_modules_are_imported() -> None:
    import megalopolis.evaluation.evaluate  # noqa: F401

    assert callable(mp.evaluate)


def test_import_is_light() -> None:
    heavy = "('pandas', 'numba', 'matplotlib')"
    code = f"import sys, megalopolis, megalopolis.cli; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
