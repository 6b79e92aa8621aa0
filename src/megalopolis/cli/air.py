"""Responses between cities from source-receptor matrices of the air."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from megalopolis.cli.app import app


@app.command()
def air(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Matrix as NetCDF, or the folder of a Zarr group.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the region that gets the table.")],
    layer: Annotated[int, typer.Option("--layer", min=0, help="Layer of the emissions; 0 is the ground.")] = 0,
    species: Annotated[
        list[str] | None,
        typer.Option("--species", metavar="VARIABLE=SPECIES", help="Only this matrix, for this species; repeatable."),
    ] = None,
    weight: Annotated[str, typer.Option("--weight", help="Cells of a city: point, area or population.")] = "point",
    units: Annotated[
        str, typer.Option("--units", help="Where the file states none: ug m-3 per ug s-1, ug/m3 per t/year.")
    ] = "",
    crs: Annotated[str, typer.Option("--crs", help="Projection of the cells' edges, where the file names none.")] = "",
) -> None:
    """Make the table air_responses of a region from a source-receptor matrix (InMAP's ISRM, or one between cities).

    \b
    megalopolis air isrm.ncf my-region --weight population --crs "+proj=lcc ..."
    megalopolis air psat.nc my-region --species NOX_PM25=nox
    """
    from megalopolis.errors import BadInput, Problem
    from megalopolis.region.read import read_region
    from megalopolis.region.responses import Choice, read_responses
    from megalopolis.region.write import write_new

    chosen = dict(pair.split("=", 1) for pair in species or [] if "=" in pair)
    if len(chosen) < len(species or []):
        raise BadInput(Problem("--species", "a variable and a species are wanted", "write PrimaryPM25=primary_pm25"))
    cities = read_region(str(folder)).cities
    choice = Choice(layer=layer, species=chosen, units=units, crs=crs, weight=weight)
    table, said = read_responses(file, cities, choice)
    for note in said:
        typer.echo(f"note: {note}", err=True)
    for path in write_new({"air_responses": table}, folder):
        typer.echo(path)
