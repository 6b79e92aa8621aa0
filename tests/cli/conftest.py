"""The command line as users run it: as processes, with their exit status, stdout and stderr."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAM = str(Path(sys.executable).with_name("megalopolis"))


@dataclass(frozen=True)
class Done:
    """A finished command."""

    status: int
    out: str
    err: str

    @property
    def document(self):
        """Stdout as the one JSON document that it must be; NaN and infinities are not JSON."""

        def refuse(word: str):
            raise AssertionError(f"{word} in JSON")

        return json.loads(self.out, parse_constant=refuse)

    @property
    def errors(self) -> list[str]:
        """Lines of stderr that are not notes."""
        return [line for line in self.err.splitlines() if not line.startswith("note: ")]


def _environment(more: dict[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MEGALOPOLIS_", "COLUMNS"))}
    return {**kept, "PYTHONUTF8": "1", **more}


@pytest.fixture(scope="session")
def megalopolis():
    """Run the installed program: ``megalopolis(*arguments, cwd=, **environment) -> Done``."""

    def run(*arguments: object, cwd: Path | None = None, **environment: str) -> Done:
        done = subprocess.run(
            [PROGRAM, *map(str, arguments)],
            cwd=cwd,
            env=_environment(environment),
            capture_output=True,
            timeout=300,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture(scope="session")
def quick(tmp_path_factory, megalopolis):
    """Run the program in a process forked off one that has imported its parts: 2 s less for each of many bad inputs.

    ``quick(*arguments, cwd=) -> Done``. Where a process cannot be forked safely the program is started anew.
    """
    if not sys.platform.startswith("linux"):
        yield megalopolis
        return
    folder = tmp_path_factory.mktemp("quick")
    out, err = folder / "out", folder / "err"
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("forker.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=_environment({}),
    ) as server:

        def run(*arguments: object, cwd: Path | None = None) -> Done:
            asked = {"argv": [PROGRAM, *map(str, arguments)], "cwd": str(cwd or folder), "files": [str(out), str(err)]}
            server.stdin.write(json.dumps(asked) + "\n")
            server.stdin.flush()
            status = server.stdout.readline()
            assert status, "the server of forked commands has ended"
            return Done(int(status), out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))

        yield run
        server.stdin.close()
        server.wait(timeout=60)


@pytest.fixture(scope="session")
def start():
    """Start the program and leave it running: ``start(*arguments, stdout=, preexec_fn=) -> Popen``."""

    def begin(*arguments: object, **more) -> subprocess.Popen:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        return subprocess.Popen([PROGRAM, *map(str, arguments)], env=_environment({}), text=True, **pipes)

    return begin
