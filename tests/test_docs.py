"""The documentation: generated pages, links, commands and examples are what they say."""

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import typer

from megalopolis.cli import app

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")])
#: Pages whose commands take seconds; the others are rewritten by hand with tools/outputs.py.
QUICK = ("docs/how-to/own-region.md", "docs/how-to/own-plan.md", "docs/how-to/own-timetable.md", "README.md")
_PUBLIC_HOSTS = {"gtfs.org", "www.w3.org", "zensical.org"}


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ids(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """Text of a page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", h)).strip().lower().replace(" ", "-") for h in heads}


@pytest.mark.parametrize("name", ["cli.md", "indicators.md", "measures.md", "parameters.md", "tables.md"])
def test_reference_pages_are_what_their_sources_say(name: str) -> None:
    written = (DOCS / "reference" / name).read_text(encoding="utf-8")
    assert written == tool("reference").PAGES[name](), "run python tools/reference.py"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_within_the_project_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"\w+://|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        assert place.is_file(), f"{ids(page)}: {target}"
        if anchor:
            assert anchor in anchors(place), f"{ids(page)}: {target}"


def test_every_page_is_in_the_navigation_and_back() -> None:
    def files(node: object) -> set[str]:
        if isinstance(node, str):
            return {node}
        parts = node.values() if isinstance(node, dict) else node
        return set().union(*(files(part) for part in parts))

    with (ROOT / "zensical.toml").open("rb") as stream:
        named = files(tomllib.load(stream)["project"]["nav"])
    assert named == {p.relative_to(DOCS).as_posix() for p in DOCS.rglob("*.md")}


def commands() -> list[tuple[str, list[str]]]:
    """Every command line of megalopolis in a code block, and the page it is on."""
    found = []
    for page in PAGES:
        for block in re.findall(r"^```(?:sh|console)\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            for line in re.split(r"\n|&&|\|", block):
                words = line.removeprefix("$").partition(" #")[0].strip()
                words = words.removeprefix("uv run ")
                if words.startswith("megalopolis "):
                    found.append((ids(page), shlex.split(words)[1:]))
    return found


def test_commands_of_the_pages_exist_with_their_options() -> None:
    known = typer.main.get_command(app).commands
    checked = 0
    for page, words in commands():
        if words[0].startswith("-"):
            continue
        assert words[0] in known, f"{page}: {words}"
        options = {o for p in known[words[0]].params for o in p.opts} | {"--help"}
        assert {w for w in words if re.match(r"--?[a-z]", w)} <= options, f"{page}: {words}"
        checked += 1
    assert checked > 20


@pytest.mark.parametrize("name", QUICK)
def test_examples_print_what_the_pages_say(name: str) -> None:
    page = ROOT / name
    assert tool("outputs").rewritten(page) == page.read_text(encoding="utf-8"), f"run python tools/outputs.py {name}"


def test_nothing_is_left_to_be_measured() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert "Being measured" not in text, ids(page)
        assert not re.search(r"^```text\n```$", text, re.MULTILINE), ids(page)


def test_site_builds_without_warnings_and_asks_no_other_host(tmp_path: Path) -> None:
    pytest.importorskip("zensical", reason="the docs group is not installed: uv run --group docs")
    shutil.copytree(DOCS, tmp_path / "docs")
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    (tmp_path / "src").symlink_to(ROOT / "src")
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    built = list((tmp_path / "site").rglob("*.html"))
    assert len(built) > 20
    for page in built:
        text = page.read_text(encoding="utf-8")
        hosts = set(re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?https?://([^/"')]+)""", text))
        assert hosts <= _PUBLIC_HOSTS, page
        fetched = re.findall(r"""<(?:script|img|iframe)[^>]*\ssrc=["']?(?:https?:)?//[^"' >]+""", text)
        fetched += re.findall(
            r"""<link[^>]*rel=["']?(?:stylesheet|preconnect|preload)[^>]*href=["']?https?://[^"' >]+""", text
        )
        assert not fetched, page
