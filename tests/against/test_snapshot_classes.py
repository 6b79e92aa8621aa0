"""Classes by GB 3838-2002 against those reported for China's national sections at one instant of February 2026."""

import numpy as np
import pandas as pd
import pytest

from megalopolis.environment.standards import NAMES, SURFACE_WATER, assess, limits_on, standards

REPORTED = {"Ⅰ": 1, "Ⅱ": 2, "Ⅲ": 3, "Ⅳ": 4, "Ⅴ": 5, "劣Ⅴ": 6}
COLUMNS = {"do": "do_mgl", "codmn": "codmn_mgl", "nh3n": "nh3n_mgl", "tp": "tp_mgl", "tn": "tn_mgl"}


@pytest.fixture(scope="module")
def snapshot(reference_data):
    path = reference_data / "river" / "china_surface_water_snapshot_2026-02-04.csv"
    if not path.is_file():
        pytest.skip("the reference data have no snapshot")
    frame = pd.read_csv(path)
    frame["reported"] = frame["wq_class"].map(REPORTED)
    return frame[frame["reported"].notna()]


def agreement(snapshot, body="river", leave_out=()):
    limits = limits_on(standards(), SURFACE_WATER, "2026-02-04", body)
    values = {p: snapshot[c].to_numpy(float) for p, c in COLUMNS.items() if p not in leave_out}
    return (assess(values, limits).grade == snapshot["reported"]).mean()


def test_classes_agree_with_the_reported_ones(snapshot):
    assert len(snapshot) > 1100
    assert agreement(snapshot) >= 0.95


def test_the_agreement_needs_every_parameter_and_the_right_column(snapshot):
    assert agreement(snapshot, leave_out=("tp",)) < 0.9
    assert agreement(snapshot, body="lake") < 0.5  # phosphorus and nitrogen of lakes are far stricter


def test_the_transcribed_limits_are_ordered(snapshot):
    del snapshot
    for body in ("river", "lake"):
        for name, limits in limits_on(standards(), SURFACE_WATER, "2026-02-04", body).items():
            step = np.diff(limits.bounds)
            assert ((step <= 0) if limits.at_least else (step >= 0)).all(), name
    assert NAMES[6] == ">V"
