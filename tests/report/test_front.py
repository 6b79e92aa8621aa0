import pytest

from megalopolis.evaluation import Evaluation, evaluate
from megalopolis.evaluation.words import Words
from megalopolis.region import Region
from megalopolis.report.front import TOLD, by_cluster
from megalopolis.report.view import View


@pytest.mark.parametrize("language", ["en", "zh"])
def test_changes_of_the_planned_clusters_are_those_of_the_ledger(evaluations: list[Evaluation], language: str) -> None:
    e = evaluations[0]
    view = View(e, Words(language))
    table = by_cluster(view)
    assert table is not None
    assert [row[0].text for row in table.rows] == [*(view.cluster(c) for c in view.clusters), view.region_name]
    heads = [column.label for column in table.columns]
    column = heads.index(view.heading("accessibility", percent=True))
    for row, place in zip(table.rows, [*(f"cluster:{c}" for c in view.clusters), "region"], strict=True):
        found = e.difference[(e.difference["place"] == place) & (e.difference["year"] == e.year)]
        change = found.set_index("indicator").loc["accessibility"]
        assert row[column].sort == pytest.approx(100 * change["difference"] / change["baseline"])
    assert len(heads) <= 1 + len(TOLD)


def test_without_a_plan_no_changes_are_told(toy: Region) -> None:
    assert by_cluster(View(evaluate(toy, draws=0), Words("en"))) is None
