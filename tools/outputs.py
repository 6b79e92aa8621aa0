"""Run the commands and examples of the documentation and put their real output beside them.

In the README and the pages of ``docs``:

- a ``console`` block holds commands after ``$`` and what they print on stdout;
- a ``python`` block after the comment ``<!-- run -->`` is run, and the ``text`` block after it holds what it prints;
- a block after the comment ``<!-- file: NAME -->`` is written to that file for the commands that follow.

Each page runs in an empty folder of its own. Run ``python tools/outputs.py [PAGE ...]`` after a change of data or
parameters; a test holds the pages that are committed to what this script writes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
_BLOCK: Final = re.compile(
    r"(?:^<!-- (?P<note>run|file: (?P<file>\S+)) -->\n)?^```(?P<kind>\w*)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def pages() -> list[Path]:
    """Pages that hold a block to be run."""
    every = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [p for p in every if re.search(r"^```console$|^<!-- run -->$", p.read_text(encoding="utf-8"), re.MULTILINE)]


def _run(command: list[str], folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "COLUMNS": "120", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(  # noqa: S603 - the project's own pages
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode and not done.stdout:
        raise RuntimeError(f"{command[-1]}\n{done.stderr}")
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


def _console(body: str, folder: Path) -> str:
    """Run the commands of a block; a line that ends in a backslash goes on in the next."""
    commands = re.findall(r"^\$ (.*(?:\\\n.*)*)$", body, re.MULTILINE)
    return "".join(f"$ {command}\n{_run(['bash', '-c', command], folder)}" for command in commands)


def _blocks(text: str, folder: Path) -> Iterator[tuple[int, int, str]]:
    """Spans of blocks whose text follows from a run, and that text."""
    output = ""
    ran = False
    for found in _BLOCK.finditer(text):
        body, start, end = found["body"], *found.span("body")
        if found["file"]:
            (folder / found["file"]).parent.mkdir(parents=True, exist_ok=True)
            (folder / found["file"]).write_text(body, encoding="utf-8")
        elif found["note"] == "run":
            output, ran = _run([sys.executable, "-c", body], folder), True
            continue
        elif found["kind"] == "console":
            yield start, end, _console(body, folder)
        elif ran and found["kind"] == "text":
            yield start, end, output
        ran = False


def rewritten(page: Path) -> str:
    """Text of a page with the output that its commands print now."""
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        for start, end, body in reversed(list(_blocks(text, Path(folder)))):
            text = text[:start] + body + text[end:]
    return text


def main() -> None:
    """Rewrite the pages named, or all that hold commands."""
    for page in [Path(name) for name in sys.argv[1:]] or pages():
        page.write_text(rewritten(page), encoding="utf-8")
        print(page)


if __name__ == "__main__":
    main()
