"""Every request's guard: size of the body, origin and host, and headers that keep the page to this server."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException

from megalopolis.web import limits

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Names that lead to this machine only.
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data: blob:; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; object-src 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
#: The report is a page of its own: all its styles, scripts and drawings stand in it.
_REPORT_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
_CHANGES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def header(scope: Scope, name: bytes) -> str:
    """Value of a header, or an empty text."""
    return next((v.decode("latin-1") for k, v in scope.get("headers", ()) if k == name), "")


def host_of(text: str) -> str:
    """Host name of ``host:port``."""
    try:
        return urlsplit(f"//{text}").hostname or ""
    except ValueError:
        return ""


class Guard:
    """Refuse what no page of this server sends, before any of it is read.

    Parameters
    ----------
    app : ASGI application
        What is guarded.
    host : str
        Address that the server is bound to. On a loopback address only loopback names are answered, so that no page
        of another host reaches the server by a name of its own (DNS rebinding).
    """

    def __init__(self, app: App, host: str) -> None:
        self.app = app
        self.loopback = host in LOOPBACK

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request or hand it on."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        refused = self._refusal(scope)
        if refused is not None:
            await _refuse(scope, receive, send, *refused)
        elif scope["type"] == "websocket":
            await self.app(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        host, origin = header(scope, b"host"), header(scope, b"origin")
        if self.loopback and host_of(host) not in LOOPBACK:
            return 403, f"this server answers to localhost, not to '{host[:80]}'; start it with --host to share it"
        changes = scope["type"] == "websocket" or scope["method"] in _CHANGES
        if changes and origin and urlsplit(origin).netloc != host:
            return 403, f"the origin '{origin[:80]}' is not this server; open the page from the server itself"
        if scope["type"] == "http":
            length = header(scope, b"content-length")
            if length and (not length.isdecimal() or int(length) > limits.BODY):
                return 413, _TOO_LARGE
        return None

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limits.BODY:
                raise HTTPException(413, _TOO_LARGE)
            return message

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {key for key, _ in message["headers"]}
                new = [(k.encode(), v.encode()) for k, v in _HEADERS.items() if k.encode() not in there]
                message["headers"] = [*message["headers"], *new]
            await send(message)

        await self.app(scope, counted, with_headers)


_TOO_LARGE: Final = f"the body is larger than {limits.BODY >> 20} MiB; a plan is far smaller"
REPORT_HEADERS: Final = {"content-security-policy": _REPORT_POLICY}


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, what: str) -> None:
    """Answer with one line that says what is wrong."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": what[:120]})
        return
    body = json.dumps({"error": [what]}, ensure_ascii=False).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
