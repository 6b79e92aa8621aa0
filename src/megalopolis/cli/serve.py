"""The web map."""

from __future__ import annotations

from typing import Annotated

import typer

from megalopolis.cli.app import app


@app.command()
def serve(
    region: Annotated[
        str, typer.Argument(metavar="[REGION]", help="Bundled name, folder, workbook or GeoPackage.")
    ] = "china",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 8765,
    host: Annotated[str, typer.Option("--host", help="Address to listen on; default only this machine.")] = "127.0.0.1",
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open the page.")] = False,
) -> None:
    """Open the map: drag a line, see the consequences.

    \b
    megalopolis serve china
    megalopolis serve my-region --port 8000 --no-browser
    """
    import gc

    from megalopolis.web.library import Library
    from megalopolis.web.serve import serve as run

    gc.enable()  # unlike the other commands this one goes on
    run(Library.of(region), host, port, browser=not no_browser, say=lambda line: typer.echo(line, err=True))
