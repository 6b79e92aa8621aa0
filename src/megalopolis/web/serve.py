"""Run the server."""

from __future__ import annotations

import socket
import threading
import time
import webbrowser
from collections.abc import Callable

import uvicorn

from megalopolis.errors import BadInput, Problem
from megalopolis.web import limits
from megalopolis.web.app import STATIC, create_app
from megalopolis.web.guard import LOOPBACK
from megalopolis.web.library import Library


def serve(library: Library, host: str, port: int, *, browser: bool, say: Callable[[str], None]) -> None:
    """Serve until interrupted.

    Parameters
    ----------
    library : Library
        Regions and plans.
    host, port : str, int
        Where to listen; port 0 takes a free one.
    browser : bool
        Whether to open the page.
    say : callable
        Called with lines for the user.

    Raises
    ------
    BadInput
        If the address cannot be listened on.
    """
    listener = _listener(host, port)
    port = listener.getsockname()[1]
    shown = "localhost" if host in LOOPBACK else host
    url = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/"
    if host not in LOOPBACK:
        say(f"listening on {host}: everybody who reaches this machine can use the map")
    config = uvicorn.Config(
        create_app(library, host),
        log_level="warning",
        ws_max_size=limits.MESSAGE,
        ws_max_queue=4,
        timeout_graceful_shutdown=2,
        server_header=False,
    )
    server = uvicorn.Server(config)
    if (STATIC / "index.html").is_file():
        say(f"the map is at {url}  (Ctrl-C to stop)")
    else:
        say(
            f"the map's page is missing: npm could not reach its registry when megalopolis was installed; only the API "
            f"is served, at {url}api/docs; when npm can, stop this and run: uv sync --reinstall-package megalopolis"
        )
    if browser:
        threading.Thread(target=_open, args=(url, server), daemon=True).start()
    server.run(sockets=[listener])


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        what = getattr(error, "strerror", None) or str(error)
        raise BadInput(Problem("", f"cannot listen on {host} port {port}: {what}", "give another --port")) from error
    listener.listen(128)
    return listener


def _open(url: str, server: uvicorn.Server) -> None:
    """Open the page once the server answers."""
    for _ in range(100):
        if server.started:
            webbrowser.open(url)
            return
        time.sleep(0.1)
