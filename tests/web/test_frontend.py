"""Units of the page (Vitest), its types, its build, and its numbers against those of the report."""

import importlib.util
import itertools
import json
import os
import subprocess
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from web_server import Server

import megalopolis
from megalopolis.evaluation.number import number

ROOT = Path(__file__).parent.parent.parent
WEB = ROOT / "web"


def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("web_build", WEB / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tools() -> ModuleType:
    """The page's tools, installed by npm; tests that need them skip where the registry is out of reach."""
    found = build()
    try:
        with found.alone():
            found.install(tools=True)
    except RuntimeError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"npm cannot install the page's tools: {str(error)[:200]}")
    return found


def run(tools: ModuleType, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [*tools.node("node"), script, *arguments]
    return subprocess.run(
        command, cwd=WEB, env={**os.environ, **environment}, capture_output=True, text=True, timeout=300, check=False
    )


def test_units(tools, tmp_path) -> None:
    values = [0.0, 0.5, -0.5, 1.5, 2.5, 12.345, -123.456, 98_765.4321, 4.2e6, -3.15e8, 1e9, 7.77e12]
    ranges = [(None, None), (0.8, 1.3), (0.99, 1.01)]
    units = ["", "min", "persons", "share", "%", "CNY", "cities", "points"]
    cases = []
    for value, (low, high), unit, language, signed in itertools.product(
        values, ranges, units, ("en", "zh"), (False, True)
    ):
        ends = (None, None) if low is None else tuple(sorted((value * low, value * high)))
        printed = number(value, *ends, unit, language, signed=signed)
        cases.append({"arguments": [value, *ends, unit, language, signed], "printed": list(printed)})
    (tmp_path / "numbers.json").write_text(json.dumps(cases), encoding="utf-8")
    report = tmp_path / "report.json"
    numbers = {"MEGALOPOLIS_NUMBERS": str(tmp_path / "numbers.json")}
    arguments = ("run", "--reporter=json", f"--outputFile={report}")
    done = run(tools, "node_modules/vitest/vitest.mjs", *arguments, **numbers)
    assert report.is_file(), done.stderr
    found = json.loads(report.read_text(encoding="utf-8"))
    failed = [
        t["fullName"] for file in found["testResults"] for t in file["assertionResults"] if t["status"] != "passed"
    ]
    assert not failed, done.stderr
    assert found["success"]
    assert done.returncode == 0
    assert len(found["testResults"]) == len(list((WEB / "test").glob("*.test.ts")))
    assert found["numPassedTests"] >= 18


def test_types(tools, tmp_path) -> None:
    done = run(tools, "node_modules/typescript/bin/tsc", "--noEmit")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout
    wrong = tmp_path / "wrong.ts"
    wrong.write_text("export const n: number = 'text';", encoding="utf-8")
    refused = run(tools, "node_modules/typescript/bin/tsc", "--noEmit", "--ignoreConfig", str(wrong))
    assert refused.returncode != 0, "the compiler looks at types"
    assert "TS2322" in refused.stdout


def test_page_is_built_from_its_sources_with_its_licences() -> None:
    found = build()
    if not (found.STATIC / found.STAMP).is_file():
        pytest.skip("the page is not built: npm failed when the package was installed")
    assert found.page() == "the page is up to date"
    licences = (found.STATIC / "licences.md").read_text(encoding="utf-8")
    assert "maplibre-gl" in licences
    assert "GPL" not in licences.replace("LGPL", "")


def test_a_failed_npm_is_one_clear_error(tmp_path, monkeypatch) -> None:
    found = build()
    monkeypatch.setattr(found, "STATIC", tmp_path / "static")
    monkeypatch.setattr(found, "WEB", tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for path in ("index.html", "package.json", "package-lock.json", "vite.config.ts"):
        (tmp_path / path).write_text("{}", encoding="utf-8")
    monkeypatch.setattr(found, "node", lambda program: [f"no-such-{program}"])
    with pytest.raises(RuntimeError, match="no-such-npm"):
        found.page()


def test_without_the_page_serve_says_what_is_missing_and_what_to_do(tmp_path) -> None:
    """As from a checkout whose build had no npm registry: the package without the page, in a process of its own."""
    package, here = Path(megalopolis.__file__).parent, tmp_path / "megalopolis"
    for folder, left_out in ((package, "web"), (package / "web", "static")):
        copy = here / folder.relative_to(package)
        copy.mkdir()
        for path in folder.iterdir():
            if path.name != left_out:
                (copy / path.name).symlink_to(path)
    toy = Path(__file__).parent.parent / "toy" / "region"
    server = Server(str(toy), tmp_path / "cache", environment={"PYTHONPATH": str(tmp_path)})
    server.start()
    try:
        assert len(server.log) == 1
        assert "the map's page is missing" in server.log[0]
        assert "uv sync --reinstall-package megalopolis" in server.log[0]
        page = httpx.get(server.url)
        assert page.status_code == 503
        assert "uv sync --reinstall-package megalopolis" in page.text
        assert httpx.get(f"{server.url}/api/regions").json()[0]["id"] == "region"
        assert server.evaluated(None)["complete"]
    finally:
        server.stop()


def test_nothing_names_the_host_of_a_registry() -> None:
    for path in (WEB / "package-lock.json", WEB / "package.json", WEB / ".npmrc"):
        assert "registry." not in path.read_text(encoding="utf-8")
