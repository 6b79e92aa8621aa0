import re

import pytest

from megalopolis.evaluation import evaluate
from megalopolis.evaluation.sentences import sentences, told
from megalopolis.evaluation.signals import signals_of
from megalopolis.evaluation.words import Words
from megalopolis.plan import load_plan
from megalopolis.region import Region
from megalopolis.region.read import read_region

#: Indicators whose source is a method or a body of documents, which has a name in Chinese.
_OWN_SOURCES = {"declared_overlap", "corridor_population"}


@pytest.mark.parametrize(("pattern", "template"), sentences(), ids=lambda x: getattr(x, "pattern", ""))
def test_chinese_carries_every_field_over(pattern: re.Pattern[str], template: str) -> None:
    assert set(re.findall(r"\{(\w+)\}", template)) == set(pattern.groupindex)


def test_figures_and_names_are_carried_over(toy: Region) -> None:
    said = told("no road or rail of the model reaches Ann, Cor: left out of means", "zh", toy)
    local = [toy.names.local[toy.names.city(name)] for name in ("Ann", "Cor")]
    assert "、".join(local) in said
    assert told("3 of 9 investments have no announced cost: length times cost per km", "zh", toy).startswith("9项")
    assert told("what nobody has translated", "zh", toy) == "what nobody has translated"
    assert told("all are established", "en", toy) == "all are established"


def test_nothing_that_the_bundled_plan_says_is_left_in_english() -> None:
    e = evaluate(read_region("china"), load_plan("china/2035"), years=[2025], draws=0)
    said = [*e.warnings, *(row["why"] for s in signals_of(e) for row in s["indicators"] if row["why"])]
    left = [text for text in said if told(text, "zh", e.region) == text]
    assert not left
    own = {row["source"] for s in signals_of(e) for row in s["indicators"] if row["id"] in _OWN_SOURCES}
    assert len(own) == 2
    assert all(told(Words("zh").term("source", source), "zh", e.region) != source for source in own)
