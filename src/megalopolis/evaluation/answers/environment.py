"""Rivers and lakes: sections, who causes what, and what cleaning up costs, as a document and as text."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from megalopolis.environment.air import by_receptor
from megalopolis.errors import BadInput, Problem
from megalopolis.evaluation.answers.document import Document, city, plain
from megalopolis.evaluation.answers.plaintext import figure, place_name, table
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.region import Region

__all__ = ["by_receptor", "environment_answer", "environment_lines"]

CASES: Final = ("own", "common", "common_floor", "least_cost")
_BACKGROUND: Final = "background"


def environment_answer(evaluation: Evaluation, who: str | None = None) -> Document:
    """Sections with class and exceedances, causes by city (of one, where it is named), and the four cases side by side.

    A case that the region has no treatment levels for is null; of a region with air alone all is empty but the air.
    """
    region, tables = evaluation.region, evaluation.result("environment").tables
    causes = tables.get("attribution")
    if who is not None:
        causes = _of_city(region, causes, who)
    return {
        "sections": [_section(region, row) for row in _records(tables.get("sections"))],
        "attribution": [{**row, "city": _city(region, row["city"])} for row in _records(causes)],
        "cases": {case: _case(region, tables, case) for case in CASES},
        "balance": _records(tables.get("balance")),
        "air": [{**row, "city": _city(region, row["city"])} for row in _records(tables.get("air"))],
        "air_modelled": [
            {**row, "receptor": _city(region, row["receptor"]), "source": _city(region, row["source"])}
            for row in _records(tables.get("air_modelled"))
        ],
        "daily": _records(tables.get("daily_sections")),
    }


def _records(frame: pd.DataFrame | None) -> list[dict[str, Any]]:
    if frame is None:
        return []
    return [{str(k): plain(v) for k, v in row.items()} for row in frame.to_dict("records")]


def _city(region: Region, id_: object) -> Document | None:
    return city(region, str(id_)) if id_ in region.names.labels else None


def _section(region: Region, row: dict[str, Any]) -> Document:
    places = region.frame("sections").set_index("id")
    names = places.loc[row["section"]]
    kept = {k: v for k, v in row.items() if k not in {"section", "city", "grade"}}
    kept["exceeded"] = str(row["exceeded"]).split()
    return {
        "id": row["section"],
        "name": names["name"],
        "name_local": names["name_local"],
        "city": _city(region, row["city"]),
        **kept,
    }


def _of_city(region: Region, causes: pd.DataFrame | None, who: str) -> pd.DataFrame:
    id_ = region.names.city(who)
    if causes is None or id_ not in set(causes["city"]):
        raise BadInput(Problem("", f"'{who}' discharges nothing that reaches a section", "name another city"))
    return causes[causes["city"] == id_]


def _case(region: Region, tables: Any, case: str) -> Document | None:
    totals = tables.get("case_totals")
    if totals is None or case not in set(totals["case"]):
        return None
    total = _records(totals[totals["case"] == case].drop(columns="case"))[0]
    by_city = tables["cases"][tables["cases"]["case"] == case]
    sections = tables["case_sections"][tables["case_sections"]["case"] == case]
    found = {
        **total,
        "cities": [
            {"city": _city(region, r["city"]), "cost": r["cost"], "change": r["change"]} for r in _records(by_city)
        ],
        "sections": [
            {k: r[k] for k in ("section", "class", "complies", "exceedance", "do") if k in r}
            for r in _records(sections)
        ],
    }
    if case == "least_cost":
        found |= {name: _records(tables[name]) for name in ("prices", "charges", "trading", "unmet")}
    return found


def environment_lines(evaluation: Evaluation, language: str, *, parts: set[str], who: str | None) -> list[str]:
    """Lay out what was asked for: ``sections``, ``attribution`` (of one city, or all), ``cases``."""
    tables = evaluation.result("environment").tables
    lines: list[str] = []
    whole = {"sections", "attribution", "cases"} <= parts
    if "sections" not in tables:
        if not whole:
            raise BadInput(Problem("", "the region has no rivers and lakes", "ask for the whole answer: its air"))
        parts = set()
    if "sections" in parts:
        lines += [*_section_lines(evaluation, tables["sections"], language), ""]
    if "attribution" in parts:
        lines += [*_cause_lines(evaluation.region, tables["attribution"], language, who), ""]
    if "cases" in parts:
        lines += [*_case_lines(evaluation, tables, language), ""]
    if whole and "air" in tables:
        lines += [*_air_lines(evaluation, tables["air"], language), ""]
    if whole and "air_modelled" in tables:
        lines += [*_modelled_lines(evaluation.region, tables["air_modelled"], language), ""]
    return lines[:-1]


def _air_lines(evaluation: Evaluation, air: pd.DataFrame, language: str) -> list[str]:
    """Latest measured yearly means of every city against the limits."""
    last = air.sort_values("year", kind="stable").groupby(["city", "pollutant", "statistic"], sort=False).tail(1)
    told = {True: "yes", False: "no"}
    rows = [
        [
            place_name(evaluation.region, str(r["city"]), language),
            str(r["pollutant"]),
            str(r["year"]),
            figure(r["value"], r["unit"]),
            figure(r["limit"]),
            told.get(r["complies"], "-"),
            figure(r["limit_on_date"]),
            told.get(r["complies_on_date"], "-"),
        ]
        for r in _records(last)
    ]
    head = ["city", "pollutant", "year", "measured", "limit then", "met", f"limit {evaluation.year}", "met"]
    return ["measured air", "", *table(head, rows)]


def _modelled_lines(region: Region, modelled: pd.DataFrame, language: str) -> list[str]:
    """What the cities' emissions add to the air of each, and how much of it is its own doing."""
    rows = [
        [
            place_name(region, str(r["receptor"]), language),
            str(r["species"]),
            figure(r["concentration"], "ug/m3"),
            f"{100 * r['own']:.0f} %",
            "-" if r["other"] is None else place_name(region, str(r["other"]), language),
            "-" if r["other"] is None else f"{100 * r['other_share']:.0f} %",
        ]
        for r in _records(by_receptor(modelled))
    ]
    head = ["city", "species emitted", "adds", "of it its own", "most of the rest", "share"]
    return ["modelled air", "", *table(head, rows)]


def _section_lines(evaluation: Evaluation, sections: pd.DataFrame, language: str) -> list[str]:
    region = evaluation.region
    pollutants = [c for c in ("cod", "bod5", "nh3n", "tn", "tp", "do") if c in sections]
    rows = []
    for row in _records(sections):
        over = row["exceedance"]
        beyond = f"+{100 * over:.0f} %" if row["exceeded"] and over is not None else ""
        rows.append(
            [
                _section_name(region, row["section"], language),
                place_name(region, str(row["city"]), language) if row["city"] else "-",
                row["class"],
                row["target"] or "-",
                {True: "yes", False: "no"}.get(row["complies"], "-"),
                row["exceeded"] or "-",
                beyond,
                figure(row.get("probability")),
                *(figure(row[p]) for p in pollutants),
            ]
        )
    head = ["section", "city", "class", "target", "complies", "exceeded", "by", "probability"]
    counted = sections["complies"].dropna()
    said = f"{int(counted.sum())} of {len(counted)} sections with a target comply in {evaluation.year}; mg/L"
    return [said, "", *table([*head, *pollutants], rows)]


def _section_name(region: Region, id_: str, language: str) -> str:
    names = region.frame("sections").set_index("id").loc[id_]
    chosen = names["name_local"] if language == "zh" else names["name"]
    return str(chosen) if isinstance(chosen, str) else id_


def _cause_lines(region: Region, causes: pd.DataFrame, language: str, who: str | None) -> list[str]:
    """Shares of the load at every section; of one city only, where it is named."""
    if who is not None:
        causes = _of_city(region, causes, who)
    wide = causes.pivot_table(index=["section", "city"], columns="pollutant", values="share", sort=False).reset_index()
    wide = wide.assign(order=-wide.get("nh3n", wide.iloc[:, -1])).sort_values(["section", "order"], kind="stable")
    pollutants = [c for c in ("cod", "bod5", "nh3n", "tn", "tp") if c in wide]
    rows = [
        [
            _section_name(region, row["section"], language),
            place_name(region, row["city"], language) if row["city"] != _BACKGROUND else _BACKGROUND,
            *("-" if pd.isna(row[p]) else f"{100 * row[p]:.1f} %" for p in pollutants),
        ]
        for row in wide.to_dict("records")
    ]
    return ["share of the load at each section", "", *table(["section", "caused by", *pollutants], rows)]


def _case_lines(evaluation: Evaluation, tables: Any, language: str) -> list[str]:
    region, currency = evaluation.region, evaluation.region.meta.currency
    if "case_totals" not in tables:
        return ["no cases: no discharge has a treatment level"]
    totals = [
        [
            r["case"],
            figure(r["cost"], currency),
            figure(r["change"], currency),
            f"{r['complying']} of {r['sections']}",
            str(r["anoxic_reaches"]),
        ]
        for r in _records(tables["case_totals"])
    ]
    lines = ["yearly cost of treatment", ""]
    lines += [*table(["case", "cost", "against own", "sections complying", "reaches without oxygen"], totals), ""]
    wide = tables["cases"].pivot_table(index="city", columns="case", values="cost", sort=False)
    cases = [c for c in CASES if c in wide]
    rows = [
        [place_name(region, str(c), language), *(figure(r[k], currency) for k in cases)] for c, r in wide.iterrows()
    ]
    lines += [*table(["city", *cases], rows), ""]
    prices = tables["prices"]
    binding = [
        [
            _section_name(region, r["section"], language),
            r["pollutant"],
            figure(r["limit"]),
            figure(r["price"], currency),
        ]
        for r in _records(prices[prices["price"] > 0])
    ]
    lines += ["what one mg/L less would cost a year", ""]
    lines += table(["section", "pollutant", "limit, mg/L", "price"], binding)
    unmet = [
        [
            _section_name(region, r["section"], language),
            r["pollutant"],
            figure(r["limit"]),
            figure(r["best"]),
            r["reason"],
        ]
        for r in _records(tables["unmet"])
    ]
    if unmet:
        lines += ["", "limits that no treatment reaches", ""]
        lines += table(["section", "pollutant", "limit, mg/L", "at best", "because of"], unmet)
    return lines
