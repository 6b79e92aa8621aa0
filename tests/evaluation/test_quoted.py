"""Quoted figures of megalopolises against what is found, and regions that quote nothing or nonsense."""

import numpy as np
import pandas as pd
import pytest

import megalopolis as mp
from megalopolis.errors import BadInput
from megalopolis.evaluation.quoted import quoted_corridors


def quoting(toy, *rows):
    return toy.replace(
        {"corridors_quoted": pd.DataFrame(rows, columns=["corridor", "cities", "measure", "value", "source"])}
    )


def evaluated(region):
    return mp.evaluate(region, only={"clusters"}, draws=0)


def test_a_corridor_by_hand(toy):
    """Ann, Ben and Cor are three of four cities: seven of eight million people; the road to Dee is the longest step."""
    rows = [("Belt", "A C", "people", 3.5e6, "x"), ("Belt", "A C", "people_share", 0.875, "x")]
    found = quoted_corridors(evaluated(quoting(toy, *rows)))
    tree = np.sort(evaluated(toy).travel_times.loc[["A", "B", "C"], ["A", "B", "C"]].to_numpy()[np.triu_indices(3, 1)])
    assert found["threshold_min"].tolist() == pytest.approx([tree[1]] * 2)  # the two shorter of three trips join them
    assert found["found"].tolist() == pytest.approx([7e6, 0.875])
    assert found["difference"].tolist() == pytest.approx([1.0, 0.0])
    assert found["count"].tolist() == [3, 3]


def test_nothing_is_quoted(toy):
    assert quoted_corridors(evaluated(toy)).empty


def test_unknown_cities_are_named(toy):
    with pytest.raises(BadInput, match="no city has the id 'Z'"):
        quoted_corridors(evaluated(quoting(toy, ("Belt", "A Z", "people", 1.0, "x"))))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_says_it(toy, tmp_path, language):
    region = quoting(toy, ("Belt", "A C", "people", 3.5e6, "x"))
    mp.write_report([mp.evaluate(region, only={"clusters"}, draws=0)], tmp_path / "out", language=language)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert 'id="quoted"' in page
    assert "+100%" in page
