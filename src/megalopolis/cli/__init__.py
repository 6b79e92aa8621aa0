"""The command line."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import Any, Final, NoReturn, cast

import typer

from megalopolis.cli import (  # noqa: F401 - each adds its commands
    air,
    catalogue,
    clusters,
    economy,
    environment,
    jobs,
    monitoring,
    regions,
    rivers,
    serve,
    services,
    signals,
    travel,
)
from megalopolis.cli.app import BAD_INPUT, FAILED, app

#: Commands in the order of the help, the main job first; any other follows.
_ORDER: Final = (
    *("report", "compare", "serve", "signals"),
    *("travel", "clusters", "economy", "services", "environment"),
    *("check", "new", "reproduce"),
)
_PLACE: Final = {name: place for place, name in enumerate(_ORDER)}
app.registered_commands.sort(key=lambda c: _PLACE.get(cast("Any", c.callback).__name__, len(_PLACE)))

INTERRUPTED: Final = 130
#: Wrong use of a command; typer does not export it and keeps it in different places in different versions.
_WRONG_USE: Final = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])


def _shown(error: BaseException | str) -> list[str]:
    """Lines of an error: one for each problem of bad input, else one in all."""
    from megalopolis.errors import BadInput

    if isinstance(error, BadInput):
        return str(error).splitlines()
    return [" ".join(str(error).split()) or type(error).__name__]


def main() -> None:
    """Run the command line; turn errors into one line each and an exit status."""
    from megalopolis.errors import BadInput
    from megalopolis.pillar import CheckFailed

    gc.disable()  # a command soon gives all its memory back: collecting on the way takes a tenth of its time
    atexit.register(gc.freeze)
    for stream in (sys.stdout, sys.stderr):
        cast("Any", stream).reconfigure(errors="replace")  # a terminal may lack Chinese characters
    status = None
    try:
        status = app(sys.argv[1:] or ["--help"], standalone_mode=False)
        sys.stdout.flush()
    except _WRONG_USE as error:
        usage = f"see {error.ctx.command_path} --help" if error.ctx else "see megalopolis --help"
        _fail(f"{error.format_message().rstrip('.')}; {usage}", BAD_INPUT)
    except BadInput as error:
        _fail(error, BAD_INPUT)
    except BrokenPipeError:
        _drop_output()
        sys.exit(FAILED)
    except OSError as error:
        _drop_output()
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}", FAILED)
    except (CheckFailed, MemoryError) as error:
        _fail(error, FAILED)
    except (KeyboardInterrupt, SystemError) as error:
        _interrupted(error)
    if status == INTERRUPTED:
        _interrupted(KeyboardInterrupt())
    sys.exit(status)


def _interrupted(error: BaseException) -> NoReturn:
    """End with the status of an interrupt where one stands behind an error: compiled code wraps it."""
    behind: BaseException | None = error
    while behind is not None and not isinstance(behind, KeyboardInterrupt):
        behind = behind.__cause__ or behind.__context__
    if behind is None:
        raise error
    _fail("interrupted; nothing was written", INTERRUPTED)


def _drop_output() -> None:
    """Throw away what cannot be written to stdout, so that Python does not try again when it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(error: BaseException | str, status: int) -> NoReturn:
    for line in _shown(error):
        typer.echo(f"error: {line}", err=True)
    sys.exit(status)
