"""Run commands in forked processes: read one JSON line per command, answer with its exit status.

A process forked off here has imported the program's parts and nothing else: no thread was started, nothing computed.
"""

import importlib
import json
import os
import pkgutil
import sys
import traceback

from megalopolis.cli import main

importlib.import_module("megalopolis.report")
for part in pkgutil.iter_modules(importlib.import_module("megalopolis.evaluation.answers").__path__):
    importlib.import_module(f"megalopolis.evaluation.answers.{part.name}")


def run(asked: dict) -> int:
    """Fork, run one command with its own arguments, folder, stdout and stderr, and return its exit status."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    for number, name in enumerate(asked["files"], 1):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
    os.chdir(asked["cwd"])
    sys.argv = asked["argv"]
    status: object = "the command line did not end the process"
    try:
        main()
    except SystemExit as end:
        status = end.code
    except BaseException:  # noqa: BLE001 - Python would print it and exit with 1
        traceback.print_exc()
        status = 1
    if not isinstance(status, int | None):
        sys.stderr.write(f"{status}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status or 0 if isinstance(status, int | None) else 1)


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(f"{run(json.loads(line))}\n")
        sys.stdout.flush()
