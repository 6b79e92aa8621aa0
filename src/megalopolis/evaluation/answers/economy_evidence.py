"""What stands beside the economy: declared industries and the backtest, as documents and as text."""

from __future__ import annotations

from typing import Final

import pandas as pd

from megalopolis.evaluation.answers.document import Document, city
from megalopolis.evaluation.answers.plaintext import figure, place_name, table
from megalopolis.evaluation.declared import DOCUMENTS, KINDS, WELL_READ, industry_label
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.evaluation.incomes import by_place, channels, sensitivity, structure
from megalopolis.pillar import Result
from megalopolis.region import Region

METHODS: Final = {
    "no_change": "no change",
    "national_growth": "growth of the region",
    "past_trend": "trend of the ten years before",
    "model": "model",
    "model_on_trend": "model on top of the trend",
}
STAND_INS: Final = (
    "GDP per resident of the first year: pattern of the base year",
    "registered people of the first year: residents, with the growth of the ten years before taken back",
    "growth of the region as a whole: as counted, for every method but no change",
)
_PAIRS, _NAMES = 10, 6
#: Lines on declared industries.
_DECLARED: Final = {
    "en": {
        "lead": "industries that cities declare in their five-year plans: {covered} of {cities} cities read",
        "kinds": "best text read: the document itself {own}, the city's own account {official}, a report only {press}",
        "cluster": "cluster",
        "read": "cities read",
        "by_kind": "document/account/report",
        "overlap": "overlap of pairs",
        "well_read": "of cities with {least} or more industries",
        "cities": "{share} ({count} cities)",
        "contested": "industries declared by another city too",
        "krugman": "Krugman index of output",
        "krugman_employment": "of employment",
        "industry": "industry",
        "by": "declared by",
        "names": "cities",
        "pair": "pair",
        "shared": "shared",
        "minutes": "min",
        "of": "{part} of {total}",
    },
    "zh": {
        "lead": "各城市五年规划所申报的产业：{cities}个城市中读到{covered}个",
        "kinds": "所读最佳文本：文件原文{own}个，市方介绍{official}个，仅有报道{press}个",
        "cluster": "城市群",
        "read": "已读城市",
        "by_kind": "原文/介绍/报道",
        "overlap": "城市对重叠度",
        "well_read": "读到{least}个以上产业的城市",
        "cities": "{share}（{count}市）",
        "contested": "另有城市申报的产业",
        "krugman": "产出克鲁格曼指数",
        "krugman_employment": "就业",
        "industry": "产业",
        "by": "申报城市数",
        "names": "城市",
        "pair": "城市对",
        "shared": "共同",
        "minutes": "分钟",
        "of": "{total}个中{part}个",
    },
}


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
    return [*_declared_lines(evaluation, language), *_backtest_lines(evaluation)]


def _declared_lines(evaluation: Evaluation, language: str) -> list[str]:
    found, region = evaluation.declared, evaluation.region
    if found is None:
        return []
    words = _DECLARED["zh" if language == "zh" else "en"]
    made = [c for c in ("krugman", "krugman_employment") if found.clusters[c].notna().any()]
    counted = {kind: int((found.cities["kind"] == kind).sum()) for kind in KINDS}
    lead = words["lead"].format(covered=len(found.cities), cities=len(found.cities) + len(found.not_covered))
    rows = [
        [
            place_name(region, f"cluster:{r['cluster']}", language),
            words["of"].format(part=r["covered"], total=r["cities"]),
            "/".join(str(r[kind]) for kind in KINDS),
            _share(r["overlap"]),
            words["cities"].format(share=_share(r["overlap_well_read"]) or "-", count=r["well_read"]),
            _share(r["contested"]),
            *(_number(r[c]) for c in made),
        ]
        for r in found.clusters.to_dict("records")
    ]
    head = [words[w] for w in ("cluster", "read", "by_kind", "overlap", "well_read", "contested", *made)]
    head = [word.format(least=WELL_READ) for word in head]
    lines = ["", lead, words["kinds"].format(**counted), "", *table(head, rows)]
    several = found.industries[found.industries["count"] > 1].sort_values("count", ascending=False, kind="stable")
    rows = [
        [
            place_name(region, f"cluster:{r['cluster']}", language),
            industry_label(r["industry"], language),
            words["of"].format(part=r["count"], total=r["covered"]),
            _names(region, r["cities"], language),
        ]
        for r in several.head(_PAIRS).to_dict("records")
    ]
    lines += ["", *table([words[w] for w in ("cluster", "industry", "by", "names")], rows)]
    alike = found.pairs.sort_values(["shared", "overlap"], ascending=False, kind="stable").head(_PAIRS)
    rows = [
        [
            " - ".join(place_name(region, r[c], language) for c in ("a", "b")),
            str(r["shared"]),
            _share(r["overlap"]),
            figure(r["minutes"]),
            *(_number(r[c]) for c in made),
        ]
        for r in alike.to_dict("records")
    ]
    return [*lines, "", *table([words[w] for w in ("pair", "shared", "overlap", "minutes", *made)], rows)]


def _names(region: Region, cities: list[str], language: str) -> str:
    """Names of the first cities, and how many more there are."""
    names = [place_name(region, c, language) for c in cities[:_NAMES]]
    more = len(cities) - len(names)
    return ", ".join(names) + (f" +{more}" if more else "")


def _backtest_lines(evaluation: Evaluation) -> list[str]:
    found = evaluation.backtest
    if found is None:
        return []
    rows = [
        [METHODS[str(r["method"])], f"{100 * r['rmse']:.2f} %", _number(r["correlation"]), _share(r["right_side"])]
        for r in found.scores.to_dict("records")
    ]
    lines = [f"change of residents {found.start} to {found.end} in {len(found.rows)} places, held out", ""]
    lines += table(["method", "error (root mean square)", "correlation", "people on the right side"], rows)
    said = f"counted change on modelled change: slope {found.slope:.2f}, standard error {found.slope_error:.2f}"
    return ["", *lines, "", said]


def _share(value: float) -> str:
    return "" if pd.isna(value) else f"{100 * value:.0f} %"


def _number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.2f}"
