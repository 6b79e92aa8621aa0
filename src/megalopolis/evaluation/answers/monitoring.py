"""What was measured: classes, exceedances, who caused them, trends; as a document and as text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from megalopolis.environment.monitoring import Below, Monitoring, monitor
from megalopolis.environment.standards import SURFACE_WATER, standards
from megalopolis.errors import BadInput, Problem
from megalopolis.evaluation.answers.document import Document, city, plain
from megalopolis.evaluation.answers.plaintext import ABSENT, Teller
from megalopolis.evaluation.evaluate import evaluate
from megalopolis.region import Region
from megalopolis.region.monitored import read_observations


def monitored(
    region: Region, files: Sequence[Path] = (), *, standard: str = SURFACE_WATER, below: Below = "half"
) -> tuple[Monitoring, tuple[str, ...]]:
    """Assess the observations of a region, and those of further files.

    Raises
    ------
    BadInput
        If there are none, a file cannot be read, or the standard is not valid.
    """
    sections = region.frame("sections")
    names = {str(n): i for c in ("name", "name_local", "id") for n, i in zip(sections[c], sections["id"], strict=True)}
    parts = [region.frame("observations")]
    said: list[str] = []
    for path in files:
        frame, warnings = read_observations(path, names)
        parts.append(frame)
        said += warnings
    found = pd.concat([p.astype(object) for p in parts if len(p)], ignore_index=True) if any(map(len, parts)) else None
    if found is None:
        raise BadInput(Problem(region.name, "has no observations", "add the table, or name a file of them"))
    for column in ("value", "detection_limit"):
        found[column] = found[column].astype(float)
    found["flag"] = found["flag"].fillna("valid")
    reaches = region.frame("reaches").set_index("id")["kind"]
    body = {
        s: "lake" if reaches.get(r) == "lake" else "river"
        for s, r in zip(sections["id"], sections["reach"], strict=True)
    }
    result = monitor(found, sections, standards(region.frame("standards")), standard, below=below, body=body)
    return result, (*said, *result.warnings)


def causes_of(region: Region, exceeded: pd.DataFrame) -> pd.DataFrame:
    """Who causes what was found to exceed: shares of the modelled load; empty where the region has no discharges.

    Columns ``section, pollutant, city, share``, the three largest of each.
    """
    columns = ["section", "pollutant", "city", "share"]
    if exceeded.empty or not region.has("reaches", "discharges"):
        return pd.DataFrame(columns=columns)
    causes = evaluate(region, only={"environment"}, draws=0).result("environment").tables["attribution"]
    wanted = set(zip(exceeded["section"], exceeded["parameter"], strict=True))
    kept = causes[[key in wanted for key in zip(causes["section"], causes["pollutant"], strict=True)]]
    kept = (
        kept.sort_values("share", ascending=False, kind="stable").groupby(["section", "pollutant"], sort=False).head(3)
    )
    return kept[columns].reset_index(drop=True)


def monitoring_answer(region: Region, found: Monitoring, causes: pd.DataFrame) -> Document:
    """Return everything as a document."""

    def place(id_: object) -> Document | None:
        return city(region, str(id_)) if id_ in region.names.labels else None

    return {
        "sections": plain(found.sections.to_dict("records")),
        "means": plain(found.means.to_dict("records")),
        "exceedances": plain(found.exceedances.to_dict("records")),
        "causes": [{**r, "city": place(r["city"])} for r in plain(causes.to_dict("records"))],
        "trends": plain(found.trends.to_dict("records")),
        "flags": {str(k): int(v) for k, v in found.observations["qartod"].value_counts().sort_index().items()},
    }


def monitoring_lines(region: Region, found: Monitoring, causes: pd.DataFrame, language: str) -> list[str]:
    """Classes, then the exceedances with who causes them, then the trends that are significant."""
    tell = Teller(region, language)
    words = tell.words

    def factor(code: object) -> str:
        return words.term("pollutant", code)

    parameters = [c for c in ("do", "codmn", "cod", "bod5", "nh3n", "tn", "tp") if c in found.sections]
    rows = [
        [
            tell.named("sections", r["section"]),
            words.term("grade", r["class"]),
            words.term("grade", r["target"]) if r["target"] else ABSENT,
            tell.yes(r["complies"]),
            factor(r["exceeded"]) if r["exceeded"] else ABSENT,
            str(r["days"]),
            *(tell.figure(r[p]) for p in parameters),
        ]
        for r in plain(found.sections.to_dict("records"))
    ]
    head = tell.heads("section", "class", "target", "text_complies", "exceeded", "text_days")
    lines = tell.table([*head, *map(factor, parameters)], rows)
    blame = {
        key: tell.many([f"{tell.place(str(c))} {tell.share(s)}" for c, s in zip(p["city"], p["share"], strict=True)])
        for key, p in causes.groupby(["section", "pollutant"], sort=False)
    }
    over = [
        [
            tell.named("sections", r["section"]),
            r["date"],
            factor(r["parameter"]),
            tell.figure(r["value"]),
            tell.figure(r["limit"]),
            f"+{tell.share(r['exceedance'])}",
            blame.get((r["section"], r["parameter"]), ABSENT),
        ]
        for r in found.exceedances.head(50).to_dict("records")
    ]
    head = tell.heads("section", "text_date", "text_factor", "value", "limit", "text_beyond", "text_blame")
    lines += ["", words("text_exceedances", count=len(found.exceedances)), "", *tell.table(head, over)]
    trends = [
        [
            tell.named("sections", r["section"]),
            factor(r["parameter"]),
            f"{r['slope']:+.3g}",
            words("range_cell", low=f"{r['low']:+.3g}", high=f"{r['high']:+.3g}"),
            f"{r['p']:.2g}",
        ]
        for r in found.trends[found.trends["p"] < 0.05].to_dict("records")
    ]
    head = [*tell.heads("section", "text_factor", "text_slope"), "95 %", "p"]
    return [*lines, "", words("text_trends"), "", *tell.table(head, trends)]
