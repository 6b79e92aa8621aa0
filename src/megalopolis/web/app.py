"""The application: REST with its OpenAPI page, the live channel, and the page itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from megalopolis.errors import BadInput, listed
from megalopolis.web import limits
from megalopolis.web.desk import Desk
from megalopolis.web.guard import Guard
from megalopolis.web.jobs import Busy, Jobs
from megalopolis.web.library import Library, NotFound
from megalopolis.web.live import Channel
from megalopolis.web.rest import router

STATIC: Final = Path(__file__).parent / "static"
_MISSING: Final = """<!doctype html><meta charset="utf-8"><title>megalopolis</title>
<h1>The map's page is not built</h1><p>The server runs, and so does its <a href="/api/docs">API</a>. The page was not
built when megalopolis was installed, for want of the npm registry. Install again when it can be reached, as by
<code>uv sync --reinstall-package megalopolis</code>, then start the server anew.</p>"""


def create_app(library: Library, host: str = "127.0.0.1") -> Guard:
    """Make the application.

    Parameters
    ----------
    library : Library
        Regions and plans that are served.
    host : str
        Address that the server binds to.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        desk = Desk(library, Jobs())
        app.state.desk = desk
        desk.jobs.start()
        desk.jobs.submit("warm", {"kind": "warm", "source": library.sources[library.first]}, "server")
        yield
        await desk.jobs.close()
        desk.measuring.close()
        desk.forming.close()

    app = FastAPI(
        title="megalopolis",
        version=version("megalopolis"),
        summary="What a joint plan changes in every city of a cluster, what it costs, who gains, who pays.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.add_middleware(GZipMiddleware, minimum_size=2_000, compresslevel=5)
    _errors(app)
    app.include_router(router)

    @app.websocket("/api/live")
    async def live(socket: WebSocket) -> None:
        desk: Desk = app.state.desk
        if desk.channels >= limits.CHANNELS:
            await socket.close(1013, f"{limits.CHANNELS} pages are open already; close one")
            return
        await socket.accept()
        desk.channels += 1
        try:
            await Channel(socket, desk).run()
        finally:
            desk.channels -= 1

    if (STATIC / "index.html").is_file():
        app.mount("/", StaticFiles(directory=STATIC, html=True), name="page")
    else:

        @app.get("/", include_in_schema=False)
        async def missing() -> Response:
            return Response(_MISSING, media_type="text/html", status_code=503)

    return Guard(app, host)


def _errors(app: FastAPI) -> None:
    """Every error is ``{"error": [lines]}``: what is wrong and what to do."""

    @app.exception_handler(NotFound)
    async def not_found(_: Request, error: NotFound) -> JSONResponse:
        return JSONResponse({"error": listed(error.problems)}, 404)

    @app.exception_handler(BadInput)
    async def bad_input(_: Request, error: BadInput) -> JSONResponse:
        return JSONResponse({"error": listed(error.problems)}, 422)

    @app.exception_handler(Busy)
    async def busy(_: Request, error: Busy) -> JSONResponse:
        return JSONResponse({"error": [str(error)]}, 429)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        lines = [f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}"[:300] for e in error.errors()[:20]]
        return JSONResponse({"error": lines}, 422)

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"error": [str(error.detail)]}, error.status_code, headers=error.headers)
