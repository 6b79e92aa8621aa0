"""Catalogues of services in the terms of CPSV-AP: out of a region, and from the services of others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from megalopolis.cli.app import FAILED, app, print_document


@app.command()
def catalogue(
    source: Annotated[str, typer.Argument(metavar="REGION", help="Region; or a CPSV-AP JSON-LD file to import.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="JSON-LD file; of an import, the YAML file to start from.")
    ] = None,
    cities: Annotated[
        list[str] | None, typer.Option("--cities", metavar="CITY", help="Cities written out; repeatable.")
    ] = None,
    shapes: Annotated[
        Path | None, typer.Option("--shapes", help="SHACL shapes to validate by, as published with CPSV-AP 3.2.")
    ] = None,
) -> None:
    """Export a region's catalogue of services as CPSV-AP JSON-LD, or start one from the services of others.

    \b
    megalopolis catalogue china -o china.jsonld
    megalopolis catalogue china --shapes cpsv-ap-SHACL.ttl
    megalopolis catalogue others.jsonld -o my-region/services/catalogue.yaml
    """
    import yaml

    from megalopolis.errors import BadInput, Problem
    from megalopolis.evaluation.answers.catalogue import catalogue_graph, imported, violations
    from megalopolis.evaluation.export import dump_json
    from megalopolis.region.read import read_region
    from megalopolis.region.write import write_text

    path = Path(source)
    if path.suffix.casefold() in {".jsonld", ".json"}:
        if output is None or output.exists():
            what = "an import is written to a new file" if output is None else f"'{output}' is there already"
            raise BadInput(Problem("-o", what, "name one, as -o my-region/services/catalogue.yaml"))
        write_text(yaml.safe_dump(imported(path), allow_unicode=True, sort_keys=False, width=150), output)
        typer.echo(output)
        return
    graph = catalogue_graph(read_region(source), cities or [])
    if shapes is not None:
        problems = violations(graph, shapes)
        for line in problems:
            typer.echo(line)
        typer.echo(f"{len(problems)} violations of {shapes.name} in {len(graph['@graph'])} nodes")
        if problems:
            raise typer.Exit(FAILED)
    if output is not None:
        write_text(dump_json(graph), output)
        typer.echo(output)
    elif shapes is None:
        print_document(dump_json(graph))
