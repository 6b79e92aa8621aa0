"""Rivers and lakes: sections, who causes what, and what cleaning up costs, as a document and as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pandas as pd

from megalopolis.environment.air import by_receptor
from megalopolis.errors import BadInput, Problem
from megalopolis.evaluation.answers.document import Document, city, plain
from megalopolis.evaluation.answers.plaintext import ABSENT, Teller
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.region import Region

__all__ = ["by_receptor", "environment_answer", "environment_lines"]

CASES: Final = ("own", "common", "common_floor", "least_cost")


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
    tell = Teller(evaluation.region, language)
    if "sections" in parts:
        lines += [*_section_lines(tell, tables["sections"], evaluation.year), ""]
    if "attribution" in parts:
        lines += [*_cause_lines(tell, tables["attribution"], who), ""]
    if "cases" in parts:
        lines += [*_case_lines(tell, tables), ""]
    if whole and "air" in tables:
        lines += [*_air_lines(tell, tables["air"], evaluation.year), ""]
    if whole and "air_modelled" in tables:
        lines += [*_modelled_lines(tell, tables["air_modelled"]), ""]
    return lines[:-1]


def _air_lines(tell: Teller, air: pd.DataFrame, year: int) -> list[str]:
    """Latest measured yearly means of every city against the limits."""
    last = air.sort_values("year", kind="stable").groupby(["city", "pollutant", "statistic"], sort=False).tail(1)
    rows = [
        [
            tell.place(str(r["city"])),
            _pollutant(tell, r["pollutant"]),
            str(r["year"]),
            tell.figure(r["value"], r["unit"]),
            tell.figure(r["limit"]),
            tell.yes(r["complies"]),
            tell.figure(r["limit_on_date"]),
            tell.yes(r["complies_on_date"]),
        ]
        for r in _records(last)
    ]
    head = [
        *tell.heads("city", "pollutant", "year", "text_measured", "limit_then", "text_met"),
        tell.words("text_limit_in", year=year),
        tell.words("text_met"),
    ]
    return [tell.words("text_air"), "", *tell.table(head, rows)]


def _modelled_lines(tell: Teller, modelled: pd.DataFrame) -> list[str]:
    """What the cities' emissions add to the air of each, and how much of it is its own doing."""
    rows = [
        [
            tell.place(str(r["receptor"])),
            str(r["species"]),
            tell.figure(r["concentration"], "ug/m3"),
            tell.share(r["own"]),
            *((ABSENT, ABSENT) if r["other"] is None else (tell.place(str(r["other"])), tell.share(r["other_share"]))),
        ]
        for r in _records(by_receptor(modelled))
    ]
    head = tell.heads("city", "air_species", "text_adds", "air_own", "air_other", "air_other_share")
    return [tell.words("text_air_modelled"), "", *tell.table(head, rows)]


def _section_lines(tell: Teller, sections: pd.DataFrame, year: int) -> list[str]:
    pollutants = [c for c in ("cod", "bod5", "nh3n", "tn", "tp", "do") if c in sections]
    names = _section_names(tell)
    rows = [
        [
            names(row["section"]),
            tell.place(str(row["city"])) if row["city"] else ABSENT,
            tell.words.term("grade", row["class"]),
            tell.words.term("grade", row["target"]) if row["target"] else ABSENT,
            tell.yes(row["complies"]),
            _pollutant(tell, row["exceeded"]) if row["exceeded"] else ABSENT,
            "" if not row["exceeded"] or row["exceedance"] is None else f"+{tell.share(row['exceedance'])}",
            tell.figure(row.get("probability")),
            *(tell.figure(row[p]) for p in pollutants),
        ]
        for row in _records(sections)
    ]
    head = tell.heads("section", "city", "class", "target", "text_complies", "exceeded", "text_by", "probability")
    counted = sections["complies"].dropna()
    said = tell.words("text_sections", met=int(counted.sum()), total=len(counted), year=year)
    return [said, "", *tell.table([*head, *(_pollutant(tell, p) for p in pollutants)], rows)]


def _pollutant(tell: Teller, code: object) -> str:
    return tell.words.term("pollutant", code)


def _section_names(tell: Teller) -> Callable[[object], str]:
    """Name sections by their ids."""
    own = tell.region.frame("sections")
    named = dict(zip(own["id"], own["name_local" if tell.language == "zh" else "name"], strict=True))
    return lambda id_: named[id_] if isinstance(named.get(id_), str) else str(id_)


def _cause_lines(tell: Teller, causes: pd.DataFrame, who: str | None) -> list[str]:
    """Shares of the load at every section; of one city only, where it is named."""
    if who is not None:
        causes = _of_city(tell.region, causes, who)
    wide = causes.pivot_table(index=["section", "city"], columns="pollutant", values="share", sort=False).reset_index()
    wide = wide.assign(order=-wide.get("nh3n", wide.iloc[:, -1])).sort_values(["section", "order"], kind="stable")
    pollutants = [c for c in ("cod", "bod5", "nh3n", "tn", "tp") if c in wide]
    names = _section_names(tell)
    rows = [
        [
            names(row["section"]),
            tell.place(row["city"]),
            *(tell.share(row[p], 1) or ABSENT for p in pollutants),
        ]
        for row in wide.to_dict("records")
    ]
    head = [*tell.heads("section", "text_caused_by"), *(_pollutant(tell, p) for p in pollutants)]
    return [tell.words("text_causes"), "", *tell.table(head, rows)]


def _case_lines(tell: Teller, tables: Any) -> list[str]:
    words, money = tell.words, "currency"
    if "case_totals" not in tables:
        return [words("text_no_cases")]
    totals = [
        [
            words.term("abatement", r["case"]),
            tell.figure(r["cost"], money),
            tell.figure(r["change"], money, signed=True),
            words("of_total", part=r["complying"], total=r["sections"]),
            str(r["anoxic_reaches"]),
        ]
        for r in _records(tables["case_totals"])
    ]
    head = tell.heads("abatement_case", "yearly_cost", "against_own", "complying", "without_oxygen")
    lines = [words("text_cases"), "", *tell.table(head, totals), ""]
    wide = tables["cases"].pivot_table(index="city", columns="case", values="cost", sort=False)
    cases = [c for c in CASES if c in wide]
    rows = [[tell.place(str(c)), *(tell.figure(r[k], money) for k in cases)] for c, r in wide.iterrows()]
    lines += [*tell.table([words("city"), *(words.term("abatement", c) for c in cases)], rows), ""]
    prices, names = tables["prices"], _section_names(tell)

    def limited(r: Document) -> list[str]:
        return [names(r["section"]), _pollutant(tell, r["pollutant"]), tell.figure(r["limit"])]

    binding = [[*limited(r), tell.figure(r["price"], money)] for r in _records(prices[prices["price"] > 0])]
    head = tell.heads("section", "pollutant", "limit_mgl")
    lines += [words("text_prices"), "", *tell.table([*head, words("price")], binding)]
    unmet = [
        [*limited(r), tell.figure(r["best"]), words.term("text_because", r["reason"])]
        for r in _records(tables["unmet"])
    ]
    if unmet:
        lines += ["", words("text_unmet"), "", *tell.table([*head, *tell.heads("at_best", "text_because")], unmet)]
    return lines
