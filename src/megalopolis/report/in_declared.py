"""Who builds what his neighbours build: coverage, kinds of text, overlap by cluster, by industry, by pair, by city."""

from __future__ import annotations

from typing import Final

from megalopolis.evaluation.declared import KINDS, WELL_READ, Declared, industry_label
from megalopolis.evaluation.number import known
from megalopolis.report.blocks import Block, Cell, Column, Paragraph, Table, amount, count
from megalopolis.report.view import View

_PAIRS: Final = 15
#: What cities make, beside what they declare, and the heading of each.
_MADE: Final = {"krugman": "declared_krugman", "krugman_employment": "declared_krugman_employment"}


def declared(view: View) -> list[Block]:
    """Declared industries of the planned clusters; no blocks where the region has none."""
    words, found = view.words, view.evaluation.declared
    if found is None:
        return []
    total = len(found.cities) + len(found.not_covered)
    counted = {kind: int((found.cities["kind"] == kind).sum()) for kind in KINDS}
    missing = view.cities(found.not_covered, most=len(found.not_covered))
    made = [c for c in _MADE if found.clusters[c].notna().any()]
    return [
        Paragraph(words("declared_lead", covered=len(found.cities), cities=total)),
        Paragraph(words("declared_kinds", **counted)),
        _clusters(view, found, made),
        _industries(view, found),
        _pairs(view, found, made),
        _cities(view, found),
        Paragraph(words("declared_missing", names=missing), "note"),
    ]


def _clusters(view: View, found: Declared, made: list[str]) -> Table:
    words = view.words
    keys = ("declared_covered", "declared_by_kind", "declared_residents", "declared_overlap")
    columns = (
        Column(words("cluster")),
        *(Column(words(k), numeric=True) for k in keys),
        Column(words("declared_well_read", least=WELL_READ), numeric=True),
        *(Column(words(k), numeric=True) for k in ("declared_contested", *(_MADE[c] for c in made))),
    )
    rows = tuple(
        (
            Cell(view.cluster(r["cluster"])),
            Cell(words("of_total", part=r["covered"], total=r["cities"]), sort=float(r["covered"])),
            Cell(" / ".join(str(r[kind]) for kind in KINDS)),
            amount(r["residents_covered"], "share", view.language),
            amount(r["overlap"], "share", view.language),
            amount(r["overlap_well_read"], "share", view.language),
            amount(r["contested"], "share", view.language),
            *(_decimal(r[c]) for c in made),
        )
        for r in found.clusters.set_index("cluster").reindex(list(view.clusters)).reset_index().to_dict("records")
    )
    return Table(words("declared_clusters"), columns, rows, words("declared_note", least=WELL_READ), fixed=True)


def _industries(view: View, found: Declared) -> Table:
    """How many of the cities read declare each industry, cluster by cluster."""
    words = view.words
    covered = found.clusters.set_index("cluster")["covered"]
    shown = [c for c in view.clusters if covered.get(c, 0) > 0]
    by = found.industries.set_index(["industry", "cluster"])["count"].to_dict()
    shares = {i: sum(by.get((i, c), 0) / covered[c] for c in shown) for i in found.industries["industry"].unique()}
    columns = (
        Column(words("declared_industry")),
        *(Column(words("declared_in", cluster=view.cluster(c), covered=covered[c]), numeric=True) for c in shown),
    )
    rows = tuple(
        (Cell(industry_label(i, view.language)), *(count(by.get((i, c), 0)) for c in shown))
        for i in sorted(shares, key=lambda i: -shares[i])
        if shares[i] > 0
    )
    return Table(words("declared_industries"), columns, rows, words("declared_industries_note"))


def _pairs(view: View, found: Declared, made: list[str]) -> Table:
    words = view.words
    keys = ("declared_shared", "declared_overlap", "declared_minutes", *(_MADE[c] for c in made))
    columns = (
        Column(words("city")),
        Column(words("declared_neighbour")),
        *(Column(words(k), numeric=True) for k in keys),
        Column(words("declared_common")),
    )
    rows = tuple(
        (
            Cell(view.city(r["a"])),
            Cell(view.city(r["b"])),
            count(int(r["shared"])),
            amount(r["overlap"], "share", view.language),
            amount(r["minutes"], "min", view.language),
            *(_decimal(r[c]) for c in made),
            Cell(_labels(view, r["industries"])),
        )
        for r in found.pairs.sort_values(["shared", "overlap"], ascending=False, kind="stable")
        .head(_PAIRS)
        .to_dict("records")
    )
    return Table(words("declared_pairs"), columns, rows, kind="wide")


def _cities(view: View, found: Declared) -> Table:
    """What each city declares, and what was read of it."""
    words, sources = view.words, found.sources.to_dict("records")
    texts = {text: kind for kind, texts in KINDS.items() for text in texts}
    columns = tuple(Column(words(k)) for k in ("city", "cluster", "declared_named", "declared_read"))
    rows = tuple(
        (
            Cell(view.city(r["city"])),
            Cell(view.cluster(r["cluster"])),
            Cell(_labels(view, r["industries"])),
            Cell(
                "; ".join(
                    words("declared_source", title=s["title"], kind=words.term("declared_kind", texts[s["text"]]))
                    for s in sources
                    if s["city"] == r["city"]
                )
            ),
        )
        for r in found.cities.to_dict("records")
    )
    return Table(words("declared_sources"), columns, rows, words("declared_sources_note"), kind="wide", folded=True)


def _labels(view: View, industries: list[str]) -> str:
    return view.words("comma").join(industry_label(i, view.language) for i in industries)


def _decimal(value: float) -> Cell:
    return Cell(f"{value:.2f}", sort=value) if known(value) else Cell("–")
