import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from megalopolis.errors import BadInput
from megalopolis.evaluation import Evaluation, evaluate
from megalopolis.evaluation.number import number
from megalopolis.evaluation.words import Words
from megalopolis.plan import Plan
from megalopolis.region import Region
from megalopolis.report import page, write_report
from megalopolis.report.front import sentence
from megalopolis.report.view import View

HOSTILE = "<script>alert(1)</script>\"'$x^{2}$ {words} {{ 7*7 }} </svg></title>"
VOID = {"meta", "br", "hr", "img", "input", "link"}


class Document(HTMLParser):
    """Elements of a page; fails where they do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def text(self, tag: str) -> str:
        return "".join(data for inside, data in self.texts if inside == tag)

    def all_text(self) -> str:
        return " ".join(data for inside, data in self.texts if inside not in {"script", "style"})


def _written(evaluations: list[Evaluation], folder: Path, language: str = "en") -> tuple[str, Document]:
    write_report(evaluations, folder, language=language)
    text = (folder / "report.html").read_text(encoding="utf-8")
    return text, Document(text)


@pytest.fixture(scope="module")
def english(evaluations, tmp_path_factory) -> tuple[Path, str, Document]:
    folder = tmp_path_factory.mktemp("report") / "en"
    return folder, *_written(evaluations, folder)


def test_folder_holds_the_page_and_the_tables(evaluations, tmp_path) -> None:
    written = write_report(evaluations, tmp_path / "out")
    assert written[0] == tmp_path / "out" / "report.html"
    assert {p.name for p in written} >= {"report.html", "report.xlsx", "region.gpkg", "run.json", "ledger.parquet"}
    assert all(p.is_file() for p in written)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_page_is_the_same_on_every_run(english, evaluations, tmp_path) -> None:
    text, _ = _written(evaluations, tmp_path / "again")
    assert text == english[1]


def test_page_is_small_and_asks_for_nothing(english) -> None:
    _, text, document = english
    assert len(text.encode()) < 3 * 2**20
    for tag, attributes in document.elements:
        for name in ("src", "href", "xlink:href", "action", "data", "srcset"):
            assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)
    styles = document.text("style") + " ".join(a.get("style") or "" for _, a in document.elements)
    assert all(u.startswith("#") for u in re.findall(r"url\(([^)]*)\)", styles))
    assert "@import" not in styles
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|WebSocket", document.text("script"))
    allowed = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}  # names of vocabularies, never asked for
    assert set(re.findall(r"https?://[^\s\"'<>)]+", text)) <= allowed


def test_page_is_well_formed_and_accessible(english) -> None:
    _, _, document = english
    tags = Counter(tag for tag, _ in document.elements)
    assert tags["h1"] == tags["title"] == tags["main"] == 1
    ids = [a["id"] for _, a in document.elements if "id" in a]
    assert not [i for i, times in Counter(ids).items() if times > 1]
    links = [a["href"][1:] for tag, a in document.elements if tag == "a"]
    assert set(links) <= set(ids)
    assert tags["table"] == tags["caption"]
    assert all("scope" in a for tag, a in document.elements if tag == "th")
    drawings = [a for tag, a in document.elements if tag == "svg"]
    assert drawings
    assert all(a.get("role") == "img" and a.get("aria-label") for a in drawings)


def test_chinese_page_speaks_chinese(evaluations, tmp_path) -> None:
    text, document = _written(evaluations, tmp_path / "zh", "zh")
    assert '<html lang="zh-CN">' in text
    assert document.text("h1") == "示例2030"
    words = document.all_text()
    for word in ("备选", "可达性潜力", "安市", "参照情景", "五个信号", "参数抽样", "每类措施各一项。"):
        assert word in words
    for word in ("Reference case", "One of every measure."):
        assert word not in words


@pytest.mark.parametrize("language", ["en", "zh"])
def test_hostile_names_are_text(evaluations, tmp_path, language) -> None:
    main = evaluations[0]
    cities = main.region.frame("cities").assign(name=lambda f: f["name"] + HOSTILE)
    plan = replace(main.plan, name=HOSTILE, names={}, description=HOSTILE)
    states = {key: state.replace({"cities": cities}) for key, state in main.states.items()}
    hostile = replace(main, plan=plan, region=main.region.replace({"cities": cities}), states=states)
    text, document = _written([hostile, evaluations[1]], tmp_path / "out", language)
    assert document.text("h1") == HOSTILE
    assert sum(tag == "script" for tag, _ in document.elements) == 1
    assert "<script>alert" not in text
    if language == "en":
        assert HOSTILE.partition(" (")[0] in document.text("text")


def test_first_page_tells_the_result(evaluations, english) -> None:
    words = english[2].all_text()
    access = evaluations[0].at_place("accessibility", places="region").iloc[0]
    assert 0 < access["low"] < access["difference"] < access["high"]
    percent = (100 * access[name] / access["baseline"] for name in ("difference", "low", "high"))
    assert number(*percent, "%", signed=True).text in words
    assert "it costs 30.2 bn USD" in words  # link 18 bn by 1.5, faster north 1.2 bn, bridge 2 bn


@pytest.mark.parametrize(
    ("difference", "low", "high", "said"),
    [
        (2e5, 1e5, 3e5, "brings 200,000 more people (range 100,000 to 300,000)"),
        (-2e5, -3e5, -1e5, "takes 200,000 people (range 100,000 to 300,000) out of reach"),
        (2e5, -1e5, 3e5, "may bring no change: +200,000 people (range −100,000 to +300,000)"),
        (0.0, 0.0, 0.0, "brings nobody more and nobody less"),
    ],
)
def test_sentence_follows_the_sign_and_the_range(evaluations, difference, low, high, said) -> None:
    main = evaluations[0]
    rows = main.difference.copy()
    rows.loc[rows["indicator"] == "people_180", ["difference", "low", "high"]] = difference, low, high
    rows["spans_zero"] = (rows["low"] < 0) & (rows["high"] > 0)
    assert said in sentence(View(replace(main, difference=rows), Words("en")))


def test_range_that_spans_zero_is_marked_and_hatched(evaluations, tmp_path) -> None:
    main = evaluations[0]
    open_ = main.difference.assign(low=-1e6, high=main.difference["difference"].abs() + 1e6, spans_zero=True)
    text, document = _written([replace(main, difference=open_)], tmp_path / "out")
    assert "and the range spans zero" in document.all_text()
    assert "map-h" in text
    assert re.search(r"fill: ?url\(#map-h\w+\)", text)
    assert "spans zero" not in _written([main], tmp_path / "sure")[1].text("dd")


def test_without_a_plan_the_page_shows_levels(toy: Region, tmp_path) -> None:
    _, document = _written([evaluate(toy, None, draws=0)], tmp_path / "out")
    assert document.text("h1") == "Toy: reference case"
    assert "In 2020 the average resident reaches" in document.all_text()
    assert "there is no plan to compare it with" in document.all_text()


def test_pillar_that_was_not_run_is_named(toy: Region, toy_plan: Plan, tmp_path) -> None:
    _, document = _written([evaluate(toy, toy_plan, only={"travel"}, draws=0)], tmp_path / "out")
    words = document.all_text()
    assert "Not evaluated: clusters, not asked for." in words
    assert "rivers and air" in words


def test_region_with_cities_alone(toy: Region, tmp_path) -> None:
    bare = replace(toy, tables={"cities": toy.tables["cities"]})
    _, document = _written([evaluate(bare, None, draws=0)], tmp_path / "out")
    assert "The region names no planned clusters." in document.all_text()
    assert "The region has no table of sources." in document.all_text()


def test_region_with_one_city_and_no_figures(toy: Region, tmp_path) -> None:
    one = toy.frame("cities").head(1).assign(population=np.nan, gdp=np.nan, main_station=None)
    bare = replace(toy, tables={}).replace({"cities": one})
    text, _ = _written([evaluate(bare, None, draws=0)], tmp_path / "out")
    assert "nan" not in re.sub(r"<script.*?</script>|<style.*?</style>", "", text, flags=re.DOTALL).lower().split()


def test_earlier_report_is_replaced_whole(evaluations, tmp_path) -> None:
    write_report(evaluations, tmp_path / "out")
    (tmp_path / "out" / "stale.csv").write_text("of an earlier run")
    write_report(evaluations[:1], tmp_path / "out")
    assert not (tmp_path / "out" / "stale.csv").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_foreign_folder_is_left_alone(evaluations, tmp_path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.txt").write_text("miaow")
    with pytest.raises(BadInput, match="holds no earlier report"):
        write_report(evaluations, tmp_path / "photos")
    with pytest.raises(BadInput, match="is a file"):
        write_report(evaluations, tmp_path / "photos" / "cat.txt")
    assert [p.name for p in (tmp_path / "photos").iterdir()] == ["cat.txt"]


def test_failure_leaves_the_earlier_report(evaluations, tmp_path, monkeypatch) -> None:
    write_report(evaluations, tmp_path / "out")
    before = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(page, "sections", full)
    with pytest.raises(OSError, match="No space"):
        write_report(evaluations[:1], tmp_path / "out")
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_unknown_language_is_refused(evaluations, tmp_path) -> None:
    with pytest.raises(ValueError, match="en or zh"):
        write_report(evaluations, tmp_path / "out", language="fr")
    assert not list(tmp_path.iterdir())
