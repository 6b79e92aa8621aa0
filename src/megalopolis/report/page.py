"""The page: sections in order, rendered into one file that needs nothing else."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

import jinja2

from megalopolis.report import (
    in_clusters,
    in_economy,
    in_environment,
    in_quoted,
    in_services,
    in_travel,
    in_trust,
)
from megalopolis.report.blocks import Figure, Included, Paragraph, Section, Table
from megalopolis.report.front import Front
from megalopolis.report.view import View


def sections(view: View) -> tuple[Section, ...]:
    """Collect the sections after the first page, in order."""
    found = (
        in_clusters.signals(view),
        in_clusters.planned(view),
        in_travel.closer(view),
        in_clusters.moves(view),
        in_clusters.corridors(view),
        in_quoted.quoted(view),
        in_travel.matrix(view),
        in_economy.incomes(view),
        in_services.paperwork(view),
        in_environment.environment(view),
        in_travel.years(view),
        in_travel.investment(view),
        in_travel.cities(view),
        in_trust.not_evaluated(view),
        in_trust.method(view),
        in_trust.trust(view),
        in_trust.sources(view),
    )
    return tuple(section for section in found if section is not None)


@cache
def _templates() -> jinja2.Environment:
    folder = Path(str(files("megalopolis.report").joinpath("templates")))
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder, encoding="utf-8"),
        autoescape=True,  # everywhere: names of plans and cities come from outside
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(view: View, front: Front, version: str) -> str:
    """Render the page as one HTML document without any reference to another file or host."""
    kinds = {"table": Table, "figure": Figure, "paragraph": Paragraph, "included": Included}
    page = _templates().get_template("report.html")
    plan = view.evaluation.plan
    return page.render(
        words=view.words,
        language={"en": "en", "zh": "zh-CN"}[view.language],
        front=front,
        sections=sections(view),
        version=version,
        description=plan.descriptions.get(view.language, plan.description) if plan else "",
        is_a={name: (lambda block, kind=kind: isinstance(block, kind)) for name, kind in kinds.items()},
    )
