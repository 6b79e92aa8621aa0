"""Write the reference pages that follow from tables, models and commands: ``docs/reference/*.md``.

Run ``python tools/reference.py`` after a change of a schema, of parameters, indicators, measures or commands; a test
holds the pages that are committed to what this script writes.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin

import typer
from annotated_types import Ge, Gt, Le, MaxLen, MinLen
from fastapi import FastAPI

from megalopolis.cli import app
from megalopolis.parameters import registry
from megalopolis.pillar import indicators
from megalopolis.plan import measures
from megalopolis.plan.measures.base import Measure
from megalopolis.plan.measures.travel import Pattern, Stop
from megalopolis.region.schema import Column, schemas
from megalopolis.web import live
from megalopolis.web.app import create_app
from megalopolis.web.library import Library
from megalopolis.web.views import FILES

FOLDER: Final = Path(__file__).parent.parent / "docs" / "reference"
_NOTE: Final = "<!-- Written by tools/reference.py: change the source, not this page. -->"

_TABLES: Final = {
    "air_quality": "Observed air quality of cities by year, held against the limit that is valid in that year.",
    "agreements": "Agreements of cities on their subsidies. Plans add to it.",
    "air_responses": "Responses of the air from a source-receptor model of the user's own.",
    "air_sources": "Emissions into the air.",
    "daily": "Flow and load day by day, as factors on the steady ones.",
    "wind": "Wind roses of the built-in plume.",
    "barriers": "Stretches that no road crosses: a pair whose straight line crosses one goes by way of other cities.",
    "catalogue": "Catalogue of public services, line by line: in a folder the YAML documents under `services/`.",
    "cities": "The units of the region. The only table that is required.",
    "clusters_planned": "Members of the planned clusters, one row each.",
    "commuting": "Where residents work. With it the economy tells residents from those who work in a city.",
    "corridors_quoted": "What others say of a megalopolis; the report holds it against what is found.",
    "declared_industries": "Strategic industries that cities name in their five-year plans, and where they were read.",
    "discharges": "Discharges into reaches. Those without a city are background and what comes in over the border.",
    "drivers": "Population, urbanization and productivity by place and year.",
    "evidence_links": "Evidence that reaches authorities of other cities without paper. Plans add to it.",
    "flows": "Observed trips; they replace the gravity model.",
    "input_shares": "What industries buy from each other. With it the economy has input-output links.",
    "industries": "Value added or employment by city and industry.",
    "investments": "What has been built and what it cost. Plans add to it; a region may leave it out.",
    "observations": "Observed water quality at sections, with flags.",
    "land_supply": "Land for housing against what the figures of the region hold. Plans add to it.",
    "migration_barriers": "Barriers to moving between cities, or their relief. Plans add to it.",
    "online_channels": "Procedures that can be filed online in a city. Plans add to it.",
    "rail_lines": "Lines: infrastructure, not services.",
    "rail_pattern_calls": "Stations where the trains of a stopping pattern call. Plans add to it.",
    "rail_patterns": "Stopping patterns of lines, each with its trains. Plans add to it.",
    "rail_speeds": "Operating speeds that changed over the years.",
    "rail_stops": "Stations of every line in their order.",
    "reach_links": "Which reach flows into which: trees, forks and loops.",
    "reach_points": "Lines of the reaches, for maps; nothing is computed from them.",
    "reaches": "Reaches of rivers, and lakes.",
    "recognitions": "Sectors that take filings made in another city. Plans add to it.",
    "rides_published": "Published fastest rides, to calibrate and to score.",
    "road_times": "Road minutes of pairs, where they are known.",
    "route_length": "Official length of the railway by year.",
    "sections": "Monitored sections, their targets and who answers for them.",
    "sources": "Provenance of every column.",
    "standards": "Quality standards of the region's own, beside the bundled GB 3838-2002.",
    "stations": "Stations and junction posts.",
    "subsidies": "Subsidies of cities to industries. Plans add to it.",
    "targets": "Targets that the signals are measured against.",
    "timetable_calls": "Calls of the trains of a timetable. A GTFS feed beside the region fills all three tables.",
    "timetable_changes": "Minutes to change trains, at a station or on foot to another.",
    "timetable_trains": "Trains of a timetable, on one day and the days around it.",
    "trade_barriers": "Barriers to trade between cities, or their relief. Plans add to it.",
    "treatment_levels": "What a treatment plant, or a discharge standard, lets through and what it costs.",
}

_FIELDS: Final = {
    "kind": "Kind of measure.",
    "name": "Name, unique within the plan; as a slug it is the id of what the measure adds.",
    "name_local": "Name in the local language.",
    "status": "Provenance of the announced cost.",
    "source": "Who announced it, and when.",
    "note": "Anything else worth knowing.",
    "stops": "Cities or stations in order: a name, or a mapping as below.",
    "line_kind": "Kind of line.",
    "speed_kmh": "Design speed.",
    "operating_kmh": "Highest speed in operation; of a new line the design speed where it is left out.",
    "headway_min": "Minutes between trains in one direction.",
    "opens": "Year at the end of which it is open.",
    "cost": "Announced investment, currency of the base year; left out where none is announced.",
    "patterns": "Stopping patterns, as below; left out, all trains call by the rule of the method.",
    "corridor": "Corridor that the line belongs to; for readers.",
    "line": "Id or name of a line, of the region or of a measure before.",
    "from": "City; of a barrier cities, `cluster:<id>` or `region` for everywhere.",
    "to": "City; of a barrier cities, `cluster:<id>` or `region` for everywhere.",
    "minutes": "Road minutes from door to door.",
    "both_ways": "Whether the other direction takes as long.",
    "lines": "Ids or names of lines; `all` means every line that opens after today.",
    "measures": "Ids or names of measures before it that are no new lines; `all` means each that opens, or has a cost.",
    "years": "Years by which the opening moves back.",
    "sectors": "Sectors of the catalogue, by id or label, `*` for every one; of discharges as households.",
    "level": "A treatment level by id or name.",
    "scope": "Whether the level is the cities' own, the one that all share, or a floor.",
    "effluent": "Concentrations of its own in mg/L, in place of a level.",
    "reduction": "Share that ends.",
    "pollutant": "Pollutant that is banned; left out: the whole discharge ends.",
    "factor": "Factor on the cost (of what is built, of moving, of trade), or on the land.",
    "sector": "Goods, services or both.",
    "cities": "Cities, or `cluster:<id>` for all of a cluster; of land and discharges also `region`.",
    "treated": "Share of the volume that is treated so.",
    "industry": "Industry of the table `industries`.",
    "share": "Share of the industry's wage bill that the city pays; negative is a tax.",
    "rule": "Subsidies of the members: none, what external economies are worth (pigou), the joint best, or a bargain.",
    "evidence": "Evidence types of the catalogue, by id or label.",
    "issuing": "Cities that issue it, `cluster:<id>`, `national`, or `*`.",
    "consuming": "Cities whose authorities take it; default: those that issue it.",
    "procedures": "Procedures of the catalogue, by code or label; `*` for all.",
    "objective": "What the members want; matters to cooperate and bargain.",
}

_STOP: Final = {
    "city": "A city by id or name: its main station.",
    "station": "A station by id or name.",
    "name": "A new station: its name. It needs `lon` and `lat`; `city` names the city that it serves.",
    "name_local": "A new station: its name in the local language.",
    "lon": "A new station: longitude, WGS-84.",
    "lat": "A new station: latitude, WGS-84.",
    "km": "Distance from the first stop; left out: 1.15 times the great circle from the stop before, assumed.",
}

_PATTERN: Final = {
    "name": "Name, unique within the line: express, limited, all stops.",
    "name_local": "Name in the local language.",
    "stops": "Cities or stations of the line where its trains call, at least two; they pass the others.",
    "headway_min": "Minutes between its trains in one direction; they are taken out of those of the line.",
}

_PLAN_HEAD: Final = """# Measures

A plan is a YAML file:

| key | | what it holds |
|---|---|---|
| name | required | Name shown in reports. |
| names | | Language to name, as `{zh: 中国2035}`. |
| region | | Name of the region it is made for; for readers. |
| years | | Years to evaluate, rising. Without it, today. |
| description | | What the plan is for. |
| extends | | Another plan (bundled name or file) whose measures come first. |
| measures | | The list of measures, applied in its order. |

Only plain YAML is read: no tags, no aliases, at most 4 MiB and 10,000 measures. An unknown key, an unknown city,
a measure that matches nothing or repeats another is an error with its line in the file.

A measure edits tables and nothing else; `at(region, plan, year)` gives the edited region. The kinds:
"""


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(c).replace("|", "\\|").replace("\n", " ") for c in cells) + " |"


def _table(header: list[str], rows: list[tuple[object, ...]]) -> list[str]:
    return [_row(*header), "|" + "---|" * len(header), *(_row(*row) for row in rows)]


def _number(value: float) -> str:
    if value != int(value):
        return f"{value:g}"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.0f}"  # years have no comma


def _range(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return ""
    if low is None or high is None:
        return f"{_number(low)} or more" if low is not None else f"up to {_number(high or 0)}"
    return f"{_number(low)} to {_number(high)}"


def _kind(column: Column) -> str:
    if column.kind == "enum":
        return ", ".join(f"`{c}`" for c in column.choices)
    return f"id of [{column.choices[0]}](#{column.choices[0]})" if column.kind == "ref" else column.kind


def tables_page() -> str:
    """Tables of a region, from ``region/schema/*.csv``."""
    lines = [
        "# Tables",
        "",
        _NOTE,
        "",
        "A region is a folder of CSV files (or one workbook, or a GeoPackage) with these tables. Only `cities` is",
        "required. Headers may be the column names or the Chinese ones. Ids are text. An empty cell is an unknown",
        "value, never a zero.",
        "",
        "`region.yaml` beside the tables holds `name`, `base_year` and, as far as wanted, `names`, `currency`,",
        "`today`, `languages`, `default_plan`, `alternatives`, `parameters`, `notes`, `schema_version`.",
    ]
    for name, schema in schemas().items():
        rows: list[tuple[object, ...]] = [
            (
                f"`{c.name}`",
                c.header_zh,
                _kind(c),
                c.unit,
                "yes" if c.required else "",
                _range(c.low, c.high),
                c.default,
                c.description,
            )
            for c in schema.columns
        ]
        header = ["column", "Chinese header", "type", "unit", "required", "range", "default", "description"]
        lines += ["", f"## {name}", "", _TABLES[name], "", *_table(header, rows)]
    return "\n".join(lines) + "\n"


def parameters_page() -> str:
    """Parameters of the pillars, from ``<pillar>/parameters.csv``."""
    lines = [
        "# Parameters",
        "",
        _NOTE,
        "",
        "Defaults, overridden by `parameters` in `region.yaml`, then by `--set ID=VALUE` (Python: `settings={...}`).",
        "A parameter with low and high is drawn; [Ranges](../method/ranges.md) says how. One that the user sets is",
        "not drawn.",
    ]
    pillars = dict.fromkeys(id_.partition(".")[0] for id_ in registry())
    for pillar in pillars:
        rows: list[tuple[object, ...]] = [
            (
                f"`{p.id}`",
                f"{p.default:,.10g}",
                f"{p.low:,.10g} to {p.high:,.10g}" if p.low < p.high else "",
                p.unit,
                p.status,
                p.source,
            )
            for p in registry().values()
            if p.id.startswith(f"{pillar}.")
        ]
        lines += ["", f"## {pillar}", "", *_table(["id", "default", "low to high", "unit", "status", "source"], rows)]
    return "\n".join(lines) + "\n"


def indicators_page() -> str:
    """Indicators of the ledger, from ``<pillar>/indicators.csv``."""
    better = {1: "more", -1: "less", 0: ""}
    lines = [
        "# Indicators",
        "",
        _NOTE,
        "",
        "Rows of the [ledger](ledger.md). `aggregate` says how cities make a cluster or the region: a sum, a mean",
        "weighted by residents, or none, where the pillar computes the value itself.",
    ]
    for pillar in dict.fromkeys(i.pillar for i in indicators().values()):
        rows: list[tuple[object, ...]] = [
            (f"`{i.id}`", i.label_en, i.label_zh, i.unit, better[i.better], i.aggregate, i.description)
            for i in indicators().values()
            if i.pillar == pillar
        ]
        header = ["id", "label", "Chinese label", "unit", "better", "aggregate", "description"]
        lines += ["", f"## {pillar}", "", *_table(header, rows)]
    return "\n".join(lines) + "\n"


def _type(annotation: Any) -> str:
    """Words for the type of a model's field."""
    origin, inner = get_origin(annotation), [a for a in get_args(annotation) if a is not type(None)]
    if origin is Literal:
        return ", ".join(f"`{a}`" for a in inner)
    if origin is dict:
        return f"mapping of {_type(inner[0])} to {_type(inner[1])}"
    if origin is tuple:
        return f"list of {_type(inner[0])}"
    if hasattr(annotation, "__metadata__"):
        return _type(inner[0])
    if origin in {Union, types.UnionType}:
        return " or ".join(_type(a) for a in inner)
    return {
        str: "text",
        float: "number",
        int: "integer",
        bool: "true or false",
        Stop: "stops",
        Pattern: "patterns",
    }.get(annotation, annotation.__name__)


def _limits(metadata: list[Any]) -> str:
    said = []
    for item in metadata:
        for kind, words in ((Gt, "above {}"), (Ge, "at least {}"), (Le, "at most {}")):
            if isinstance(item, kind):
                said.append(words.format(_number(getattr(item, kind.__name__.lower()))))
        if isinstance(item, MinLen) and item.min_length > 1:
            said.append(f"at least {item.min_length}")
        if isinstance(item, MaxLen):
            said.append(f"at most {item.max_length:,} long")
    return ", ".join(said)


def _fields(model: Any, words: dict[str, str]) -> list[str]:
    rows: list[tuple[object, ...]] = []
    for key, field in model.model_fields.items():
        name = field.alias or key
        if key == "kind":
            continue
        default = "" if field.is_required() or field.default is None else f"`{field.default}`".lower()
        rows.append(
            (
                f"`{name}`",
                _type(field.annotation),
                _limits(field.metadata),
                "yes" if field.is_required() else "",
                default,
                words[name],
            )
        )
    return _table(["field", "type", "limits", "required", "default", "description"], rows)


def measures_page() -> str:
    """Kinds of measure, from the pydantic models."""
    lines = [_PLAN_HEAD.replace("# Measures\n", f"# Measures\n\n{_NOTE}\n", 1).rstrip()]
    models = [m for m in vars(measures).values() if inspect.isclass(m) and issubclass(m, Measure) and m is not Measure]
    by_kind = {get_args(m.model_fields["kind"].annotation)[0]: m for m in models}
    order = ("rail_line", "rail_upgrade", "road_time", "delay", "overrun")
    for kind in (*order, *sorted(set(by_kind) - set(order))):
        model = by_kind[kind]
        text = inspect.cleandoc(model.__doc__ or "").replace("``", "`")
        lines += ["", f"## {kind}", "", text, "", *_fields(model, _FIELDS)]
        if kind == "rail_line":
            about = inspect.cleandoc(Stop.__doc__ or "").replace("``", "`")
            lines += ["", "### Stops", "", about, "", *_fields(Stop, _STOP)]
            about = inspect.cleandoc(Pattern.__doc__ or "").replace("``", "`")
            lines += ["", "### Patterns", "", about, "", *_fields(Pattern, _PATTERN)]
    return "\n".join(lines) + "\n"


def _option_type(param: Any) -> str:
    kind = param.type
    if getattr(param, "is_flag", False):
        return ""
    if getattr(kind, "choices", None):
        return ", ".join(f"`{c}`" for c in kind.choices)
    if hasattr(kind, "min"):
        return _range(kind.min, kind.max)
    return str(param.metavar or "path" if "path" in type(kind).__name__.lower() else param.metavar or "text")


def _help(text: str) -> list[str]:
    """Help of a command as Markdown: paragraphs, and the examples after a form feed mark as code."""
    lines: list[str] = []
    for part in inspect.cleandoc(text).split("\n\n"):
        if part.startswith("\b"):
            lines += ["", "```", *part.splitlines()[1:], "```"]
        else:
            lines += ["", " ".join(part.split())]
    return lines


def cli_page() -> str:
    """Commands with their arguments and options, from the command line's own help."""
    command: Any = typer.main.get_command(app)
    lines = ["# Command line", "", _NOTE, *_help(command.help)]
    for name, sub in command.commands.items():
        named = [p for p in sub.params if p.param_type_name == "argument"]
        usage = " ".join(["megalopolis", name, *(p.metavar for p in named)])
        lines += ["", f"## {name}", *_help(sub.help), "", f"Usage: `{usage} [OPTIONS]`", ""]
        rows: list[tuple[object, ...]] = [(f"`{p.metavar}`", "", p.help) for p in named]
        rows += [
            (", ".join(f"`{o}`" for o in p.opts), _option_type(p), p.help)
            for p in sub.params
            if p.param_type_name == "option"
        ]
        lines += _table(["argument or option", "values", "meaning"], rows)
    return "\n".join(lines) + "\n"


def web_page() -> str:
    """Paths of the map's server, from its own OpenAPI document."""
    document = FastAPI.openapi(create_app(Library({}, Path())).app)  # type: ignore[arg-type]
    lines = [
        "# The map's server",
        "",
        _NOTE,
        "",
        "`megalopolis serve` answers at `/api`; [The web map](../how-to/web-map.md) shows how it is used.",
        "The same as a document: `/api/openapi.json`; as a page: `/api/docs`. An error is an object whose `error`",
        "holds lines: what is wrong and what to do. Bodies are JSON of at most 1 MiB.",
        "",
    ]
    rows: list[tuple[object, ...]] = []
    for path, methods in document["paths"].items():
        for method, entry in methods.items():
            named = [f"`{p['name']}`" + ("" if p.get("required") else "?") for p in entry.get("parameters", [])]
            body = entry.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            fields = document["components"]["schemas"].get(body.get("$ref", "").rpartition("/")[2], {})
            named += [
                f"`{key}`" + ("" if key in fields.get("required", []) else "?") for key in fields.get("properties", {})
            ]
            rows.append((method.upper(), f"`{path}`", entry["description"].replace("``", "`"), ", ".join(named)))
    lines += _table(["method", "path", "", "takes (? may be left out)"], rows)
    lines += ["", "## Files of an evaluation", "", *(f"- `{name}`" for name in FILES), "", "## The live channel", ""]
    lines += inspect.cleandoc(live.__doc__ or "").replace("``", "`").splitlines()
    return "\n".join(lines) + "\n"


PAGES: Final[dict[str, Callable[[], str]]] = {
    "cli.md": cli_page,
    "indicators.md": indicators_page,
    "measures.md": measures_page,
    "parameters.md": parameters_page,
    "tables.md": tables_page,
    "web.md": web_page,
}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
        print(FOLDER / name)


if __name__ == "__main__":
    main()
