"""What stands beside the economy: declared industries and the backtest, as documents and as text."""

from __future__ import annotations

from typing import Final

import pandas as pd

from megalopolis.evaluation.answers.document import Document, city
from megalopolis.evaluation.answers.plaintext import ABSENT, Teller
from megalopolis.evaluation.declared import DOCUMENTS, KINDS, WELL_READ, industry_label
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.evaluation.incomes import by_place, channels, sensitivity, structure
from megalopolis.pillar import Result

STAND_INS: Final = (
    "GDP per resident of the first year: pattern of the base year",
    "registered people of the first year: residents, with the growth of the ten years before taken back",
    "growth of the region as a whole: as counted, for every method but no change",
)
_PAIRS, _NAMES = 10, 6
#: Heads of the columns that compare what cities make, by column.
_INDEX: Final = {"krugman": "declared_krugman", "krugman_employment": "declared_krugman_employment"}


def worth_answer(evaluation: Evaluation, result: Result) -> Document:
    """Welfare by channel for region and clusters, structure of output before and after, one parameter at a time."""
    money = by_place(channels(result.tables["cities"]), evaluation.region)
    alike, bands = structure(result.tables["industries"], evaluation.region), sensitivity(evaluation)
    return {
        "channels": [{"place": place, **row} for place, row in money.to_dict("index").items()],
        "structure": alike.astype(object).where(alike.notna(), None).to_dict("records"),
        "sensitivity": bands.astype(object).where(bands.notna(), None).to_dict("records"),
    }


def backtest_answer(evaluation: Evaluation) -> Document | None:
    """Return the backtest as a document, None where the region cannot be tested."""
    found = evaluation.backtest
    if found is None:
        return None
    named = evaluation.region.names.labels
    rows = found.rows.astype(object).where(found.rows.notna(), None).to_dict("records")
    return {
        "years": [found.start, found.end],
        "held_out": True,
        "places": len(rows),
        "scores": found.scores.astype(object).where(found.scores.notna(), None).to_dict("records"),
        "slope": found.slope,
        "slope_error": found.slope_error,
        "stand_ins": list(STAND_INS),
        "rows": [{**row, "name": named.get(str(row["place"]), row["place"])} for row in rows],
    }


def declared_answer(evaluation: Evaluation) -> Document | None:
    """Return declared industries as a document, None where the region has none."""
    found, region = evaluation.declared, evaluation.region
    if found is None:
        return None
    blank = found.clusters.astype(object).where(found.clusters.notna(), None)
    pairs = found.pairs.astype(object).where(found.pairs.notna(), None)
    own = found.cities.astype(object).where(found.cities.notna(), None)
    return {
        "coverage": {
            "covered": len(found.cities),
            "cities": len(found.cities) + len(found.not_covered),
            "not_covered": [city(region, c) for c in found.not_covered],
            "kinds": {kind: int((found.cities["kind"] == kind).sum()) for kind in KINDS},
            "documents": {d: sum(d in ds for ds in found.cities["documents"]) for d in DOCUMENTS},
        },
        "clusters": blank.to_dict("records"),
        "industries": [
            {**row, "label": industry_label(row["industry"], "en"), "cities": [city(region, c) for c in row["cities"]]}
            for row in found.industries.to_dict("records")
        ],
        "pairs": [
            {**row, "a": city(region, row["a"]), "b": city(region, row["b"])} for row in pairs.to_dict("records")
        ],
        "cities": [{**city(region, row.pop("city")), **row} for row in own.to_dict("records")],
        "sources": found.sources.astype(object).where(found.sources.notna(), None).to_dict("records"),
    }


def evidence_lines(evaluation: Evaluation, language: str) -> list[str]:
    """Declared industries and the backtest in a few lines; none where the region has neither."""
    tell = Teller(evaluation.region, language)
    return [*_declared_lines(evaluation, tell), *_backtest_lines(evaluation, tell)]


def _declared_lines(evaluation: Evaluation, tell: Teller) -> list[str]:
    found, words = evaluation.declared, tell.words
    if found is None:
        return []
    made = [c for c in ("krugman", "krugman_employment") if found.clusters[c].notna().any()]
    counted = {kind: int((found.cities["kind"] == kind).sum()) for kind in KINDS}
    lead = words("text_declared", covered=len(found.cities), cities=len(found.cities) + len(found.not_covered))
    rows = [
        [
            tell.place(f"cluster:{r['cluster']}"),
            words("of_total", part=r["covered"], total=r["cities"]),
            "/".join(str(r[kind]) for kind in KINDS),
            tell.share(r["overlap"]),
            words("text_of_cities", share=tell.share(r["overlap_well_read"]) or ABSENT, count=r["well_read"]),
            tell.share(r["contested"]),
            *(_number(r[c]) for c in made),
        ]
        for r in found.clusters.to_dict("records")
    ]
    head = tell.heads("cluster", "declared_covered", "declared_by_kind", "declared_overlap")
    head += [words("text_well_read", least=WELL_READ), words("declared_contested"), *(words(_INDEX[c]) for c in made)]
    lines = ["", lead, words("text_kinds", **counted), "", *tell.table(head, rows), ""]
    several = found.industries[found.industries["count"] > 1].sort_values("count", ascending=False, kind="stable")
    rows = [
        [
            tell.place(f"cluster:{r['cluster']}"),
            industry_label(r["industry"], tell.language),
            words("of_total", part=r["count"], total=r["covered"]),
            _first(tell, r["cities"]),
        ]
        for r in several.head(_PAIRS).to_dict("records")
    ]
    lines += tell.table(tell.heads("cluster", "declared_industry", "text_declared_by", "text_cities"), rows)
    alike = found.pairs.sort_values(["shared", "overlap"], ascending=False, kind="stable").head(_PAIRS)
    rows = [
        [
            " - ".join(tell.place(r[c]) for c in ("a", "b")),
            str(r["shared"]),
            tell.share(r["overlap"]),
            tell.figure(r["minutes"]),
            *(_number(r[c]) for c in made),
        ]
        for r in alike.to_dict("records")
    ]
    head = tell.heads("text_pair", "declared_shared", "declared_overlap", "unit_min", *(_INDEX[c] for c in made))
    return [*lines, "", *tell.table(head, rows)]


def _first(tell: Teller, cities: list[str]) -> str:
    """Names of the first cities, and how many more there are."""
    more = len(cities) - _NAMES
    return tell.many([tell.place(c) for c in cities[:_NAMES]]) + (f" +{more}" if more > 0 else "")


def _backtest_lines(evaluation: Evaluation, tell: Teller) -> list[str]:
    found, words = evaluation.backtest, tell.words
    if found is None:
        return []
    rows = [
        [
            words.term("method", r["method"]),
            tell.share(r["rmse"], 2),
            _number(r["correlation"]),
            tell.share(r["right_side"]),
        ]
        for r in found.scores.to_dict("records")
    ]
    lead = words("text_backtest", start=found.start, end=found.end, count=len(found.rows))
    head = tell.heads("backtest_method", "backtest_rmse", "backtest_correlation", "backtest_right")
    said = words("text_slope_of", slope=f"{found.slope:.2f}", error=f"{found.slope_error:.2f}")
    return ["", lead, "", *tell.table(head, rows), "", said]


def _number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.2f}"
