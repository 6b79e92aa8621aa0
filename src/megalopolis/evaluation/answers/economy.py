"""Economy: what a plan changes for people and firms, as a document and as text."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from megalopolis.errors import BadInput, Problem
from megalopolis.evaluation.answers.document import Document, city
from megalopolis.evaluation.answers.economy_evidence import backtest_answer, declared_answer, worth_answer
from megalopolis.evaluation.answers.plaintext import Teller
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.pillar import Result, indicators


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
    tell, result = Teller(evaluation.region, language), _solved(evaluation)
    own = set(result.indicators["indicator"])
    if evaluation.plan is None:
        return _levels(evaluation, tell, own)
    gap = evaluation.difference
    gap = gap[gap["indicator"].isin(own) & (gap["year"] == evaluation.year)]
    together = gap[gap["place"].eq("region") | gap["place"].str.startswith("cluster:")]
    rows = [
        [*_level(tell, r, r["baseline"]), *tell.change(r, indicators()[str(r["indicator"])].unit)]
        for r in together.to_dict("records")
    ]
    head = tell.heads("text_place", "indicator", "text_reference", "text_change", "text_range")
    lines = [*tell.table(head, rows), ""]
    income = evaluation.at_place("real_income")
    share = (income["difference"] / income["baseline"]).sort_values(ascending=False)
    for title, part in (("text_gain_most", share.head(10)), ("text_gain_least", share.tail(10)[::-1])):
        rows = [[tell.place(str(place)), f"{'+' if v > 0 else ''}{tell.share(v, 2)}"] for place, v in part.items()]
        lines += [tell.words(title), "", *tell.table(tell.heads("city", "text_change"), rows), ""]
    return lines[:-1]


def _levels(evaluation: Evaluation, tell: Teller, own: set[str]) -> list[str]:
    """Region and clusters in the reference case."""
    ledger = evaluation.ledger
    shown = ledger[ledger["indicator"].isin(own) & ~ledger["place"].isin(evaluation.region.names.labels)]
    rows = [_level(tell, r, r["value"]) for r in shown.to_dict("records")]
    return tell.table(tell.heads("text_place", "indicator", "text_reference"), rows)


def _level(tell: Teller, row: Mapping[Hashable, Any], value: float) -> list[str]:
    indicator = str(row["indicator"])
    return [tell.place(str(row["place"])), tell.label(indicator), tell.figure(value, indicators()[indicator].unit)]


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
