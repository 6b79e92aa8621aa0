import csv
import re
import string
from importlib.resources import files
from pathlib import Path

import pytest

from megalopolis.evaluation.words import LANGUAGES, Words, table
from megalopolis.pillar import indicators

PACKAGE = Path(str(files("megalopolis")))
SOURCES = [*PACKAGE.glob("report/**/*.py"), *PACKAGE.glob("report/templates/*.html")]
SOURCES += [*PACKAGE.glob("evaluation/**/*.py"), *PACKAGE.glob("cli/*.py")]


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(table()))
def test_every_label_stands_in_both_languages_with_the_same_fields(key) -> None:
    row = table()[key]
    assert all(row[language].strip() for language in LANGUAGES)
    assert _fields(row["en"]) == _fields(row["zh"])


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_every_key_used_is_there(path) -> None:
    used = set(re.findall(r'words\(\s*"(\w+)"', path.read_text(encoding="utf-8")))
    assert used <= set(table())


def test_every_label_is_used() -> None:
    text = "\n".join(p.read_text(encoding="utf-8") for p in SOURCES)
    terms = re.findall(r'\.term\(\s*"(\w+)"', text)
    groups = tuple(f"{g}_" for g in (*terms, "alternative", "industry", "quoted", "source", "share"))
    unused = [k for k in table() if not re.search(rf"[\"']{re.escape(k)}[\"']", text) and not k.startswith(groups)]
    assert not unused


def test_language_other_than_the_two_is_refused() -> None:
    with pytest.raises(ValueError, match="'de'"):
        Words("de")


def test_word_that_the_table_lacks_is_shown_as_it_is() -> None:
    assert Words("zh").term("verdict", "on track") == "正常推进"
    assert Words("zh").term("verdict", "splendid") == "splendid"


@pytest.mark.parametrize("entry", indicators().values(), ids=lambda entry: entry.id)
def test_every_indicator_is_defined_in_both_languages(entry) -> None:
    assert entry.described("en") == entry.description
    assert re.search(r"[\u4e00-\u9fff]", entry.described("zh"))


def test_every_label_stands_once() -> None:
    with files("megalopolis.evaluation").joinpath("labels.csv").open(encoding="utf-8") as stream:
        keys = [row["key"] for row in csv.DictReader(stream)]
    assert len(keys) == len(set(keys))
