"""Reaches from a river network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from megalopolis.cli.app import app


@app.command()
def rivers(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="HydroRIVERS as .gpkg, .shp or .parquet.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the region that gets the tables.")],
    box: Annotated[
        tuple[float, float, float, float] | None,
        typer.Option("--box", metavar="WEST SOUTH EAST NORTH", help="Only reaches that touch it, degrees."),
    ] = None,
    min_flow: Annotated[float, typer.Option("--min-flow", min=1e-6, help="Least mean flow, m3/s.")] = 1.0,
) -> None:
    """Make the tables reaches, reach_links and reach_points of a region from a network like HydroRIVERS.

    \b
    megalopolis rivers HydroRIVERS_v10_as.gpkg my-region --box 104 28 108 32 --min-flow 5
    """
    from megalopolis.region.rivers import read_rivers
    from megalopolis.region.write import write_new

    tables, said = read_rivers(file, box=box, least_flow=min_flow)
    for warning in said:
        typer.echo(f"note: {warning}", err=True)
    for path in write_new(tables, folder):
        typer.echo(path)
