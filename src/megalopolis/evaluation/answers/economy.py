"""Economy: what a plan changes for people and firms, as a document and as text."""

from __future__ import annotations

import pandas as pd

from megalopolis.errors import BadInput, Problem
from megalopolis.evaluation.answers.document import Document, city
from megalopolis.evaluation.answers.economy_evidence import backtest_answer, declared_answer, worth_answer
from megalopolis.evaluation.answers.plaintext import figure, place_name, table
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.pillar import Result, indicators
from megalopolis.region import Region


def economy_answer(evaluation: Evaluation) -> Document:
    """What a plan changes for people and firms in the last year, city by city, with the certificate of the equilibrium.

    Without a plan the tables hold the baseline alone, and ``change`` is empty.

    Raises
    ------
    BadInput
        If the region has no economy to solve.
    """
    region, result = evaluation.region, _solved(evaluation)
    own = set(result.indicators["indicator"])
    gap = evaluation.difference
    rows = gap[gap["indicator"].isin(own) & (gap["year"] == evaluation.year)]
    columns = ["place", "indicator", "baseline", "plan", "difference", "low", "high", "spans_zero"]
    cities = result.tables["cities"].to_dict("records")
    return {
        "change": rows[columns].to_dict("records"),
        "cities": [{**city(region, row.pop("city")), **row} for row in cities],
        "industries": result.tables["industries"].to_dict("records"),
        "certificate": result.tables["certificate"].to_dict("records")[0],
        **worth_answer(evaluation, result),
        "declared": declared_answer(evaluation),
        "backtest": backtest_answer(evaluation),
    }


def economy_lines(evaluation: Evaluation, language: str) -> list[str]:
    """Region and clusters, then the cities that gain and lose most per resident."""
    region, result = evaluation.region, _solved(evaluation)
    names = [name for name, entry in indicators().items() if name in set(result.indicators["indicator"])]
    if evaluation.plan is None:
        ledger = evaluation.ledger
        shown = ledger[ledger["indicator"].isin(names) & ~ledger["place"].isin(region.names.labels)]
        rows = [
            [
                place_name(region, str(r["place"]), language),
                indicators()[str(r["indicator"])].label(language),
                _level(region, r["value"], r["unit"]),
            ]
            for r in shown.to_dict("records")
        ]
        return table(["place", "indicator", "reference"], rows)
    gap = evaluation.difference
    gap = gap[gap["indicator"].isin(names) & (gap["year"] == evaluation.year)]
    together = gap[gap["place"].eq("region") | gap["place"].str.startswith("cluster:")]
    rows = [
        [
            place_name(region, str(r["place"]), language),
            indicators()[str(r["indicator"])].label(language),
            _level(region, r["baseline"], indicators()[str(r["indicator"])].unit),
            _signed(r["difference"], r["baseline"], indicators()[str(r["indicator"])].unit),
            f"{_signed(r['low'], r['baseline'])} to {_signed(r['high'], r['baseline'])}" if pd.notna(r["low"]) else "",
        ]
        for r in together.to_dict("records")
    ]
    lines = [*table(["place", "indicator", "reference", "change", "range"], rows), ""]
    income = evaluation.at_place("real_income")
    share = (income["difference"] / income["baseline"]).sort_values(ascending=False)
    for title, part in (("gain most", share.head(10)), ("gain least or lose", share.tail(10)[::-1])):
        rows = [[place_name(region, str(place), language), f"{100 * v:+.2f} %"] for place, v in part.items()]
        lines += [f"cities that {title}: real income per resident", "", *table(["city", "change"], rows), ""]
    return lines[:-1]


def _solved(evaluation: Evaluation) -> Result:
    """Result of the economy.

    Raises
    ------
    BadInput
        If there is none: the region lacks figures, or no two cities reach each other.
    """
    if "economy" not in evaluation.ran:
        raise BadInput(Problem(evaluation.region.name, evaluation.skipped["economy"], "give GDP of the cities"))
    result = evaluation.result("economy")
    if "cities" not in result.tables:
        raise BadInput(Problem(evaluation.region.name, result.warnings[0], "check barriers and railway"))
    return result


def _level(region: Region, value: float, unit: str) -> str:
    whole = float(round(value)) if unit == "persons" else value
    return figure(whole, unit.replace("currency", region.meta.currency).removesuffix("index").rstrip())


def _signed(change: float, level: float, unit: str = "") -> str:
    """Change with its sign; what is rounding beside the level is none, and less than half a person."""
    nothing = abs(change) <= max(1e-9 * max(abs(level), 1.0), 0.5 if unit == "persons" else 0.0)
    return "0" if nothing else ("+" if change > 0 else "-") + figure(abs(change))
