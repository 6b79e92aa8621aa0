"""Who builds what his neighbours build: declared industries beside the structure of output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from megalopolis.clusters.measures import industry_shares, krugman_index, location_quotients
from megalopolis.economy.declared import contested, overlap, shared, strategic_industries
from megalopolis.region import Region

#: Kinds of what was read, best first, and the words of the table that each holds: the document itself, whole or in
#: part; the city's own account of it; a report that quotes it.
KINDS: Final = {"own": ("whole", "chapter"), "official": ("official",), "press": ("press",)}
#: Kinds of documents, nearest to the plan first.
DOCUMENTS: Final = ("outline", "draft", "proposals", "sector_plan", "work_report", "statement")
#: Fewer industries than this read of a city say more about the text that was read than about the city.
WELL_READ: Final = 5


@dataclass(frozen=True)
class Declared:
    """Declared industries of the planned clusters.

    Attributes
    ----------
    clusters : DataFrame
        One row for each planned cluster: ``cluster, cities, covered, residents_covered`` (share), ``own, official,
        press`` (covered cities by the best text read, see `KINDS`), ``declared`` (mean number of industries per covered
        city), ``overlap`` (mean over pairs), ``well_read`` (cities of which at least `WELL_READ` industries were read),
        ``overlap_well_read`` (mean over pairs of those; NaN without any), ``contested`` (share of declared industries
        that another covered city of the cluster declares too), ``krugman`` and ``krugman_employment`` (means over all
        pairs; NaN where the region has no output or employment by sector).
    industries : DataFrame
        One row for each cluster and industry that is declared: ``cluster, industry, cities`` (ids), ``count``,
        ``covered``.
    pairs : DataFrame
        One row for each pair of covered cities of a cluster, most alike first: ``cluster, a, b, shared, overlap,
        industries`` (those in common), ``fewest`` (industries read of the city of which fewer were), ``minutes``,
        ``krugman`` (structure of output, 0 to 2),
        ``krugman_employment`` (of employment).
    cities : DataFrame
        One row for each covered city: ``city, cluster, industries, plans, documents, kind`` (the best text read),
        ``contested, leading`` (sector of output with the largest location quotient) and ``quotient``.
    sources : DataFrame
        Documents: ``city, plan, document, text, title, date, address, passage``.
    not_covered : tuple of str
        Members of planned clusters of which no text was read.
    """

    clusters: pd.DataFrame
    industries: pd.DataFrame
    pairs: pd.DataFrame
    cities: pd.DataFrame
    sources: pd.DataFrame
    not_covered: tuple[str, ...]


def industry_label(industry: str, language: str) -> str:
    """Label of a class of declared industries in ``en`` or ``zh``."""
    return strategic_industries()[industry][language]


def declared_industries(region: Region, minutes: pd.DataFrame | None = None) -> Declared | None:
    """Compare what the cities of each planned cluster declare, pair by pair and industry by industry.

    Parameters
    ----------
    region : Region
        With ``declared_industries`` and ``clusters_planned``.
    minutes : DataFrame, optional
        Door-to-door minutes, ids on both axes.

    Returns
    -------
    Declared or None
        None where the region lacks either table.
    """
    if not region.has("declared_industries") or not region.has("clusters_planned"):
        return None
    rows = region.frame("declared_industries")
    order = [i for i in strategic_industries() if i in set(rows["industry"])]
    said = pd.crosstab(rows["city"], rows["industry"]).gt(0).reindex(columns=order)
    kinds, structures, of = _kinds(rows), _structures(region), rows.groupby("city").indices
    people = region.cities.set_index("id")["population"].fillna(0.0)
    groups, clusters, industries, pairs, cities = region.names.clusters, [], [], [], []
    for cluster, members in groups.items():
        known = [c for c in members if c in said.index]
        flags = said.loc[known].to_numpy(bool)
        made = _pairs(cluster, known, flags, order, structures, minutes)
        pairs.append(made)
        own = contested(flags) if len(known) > 1 else np.full(len(known), np.nan)
        counted = {kind: int((kinds.reindex(known) == kind).sum()) for kind in KINDS}
        lived = float(people.reindex(known).sum() / people.reindex(list(members)).sum())
        clusters.append(
            {"cluster": cluster, "cities": len(members), "covered": len(known), "residents_covered": lived, **counted}
            | _alike(flags, own, made)
        )
        for k, industry in enumerate(order):
            who = [c for c, yes in zip(known, flags[:, k], strict=True) if yes]
            if who:
                industries.append((cluster, industry, who, len(who), len(known)))
        for i, city in enumerate(known):
            named = [o for o, yes in zip(order, flags[i], strict=True) if yes]
            cities.append(_city(rows.iloc[of[city]], city, cluster, named, own[i]) | {"kind": kinds[city]})
    table = pd.DataFrame(industries, columns=["cluster", "industry", "cities", "count", "covered"])
    named = ["city", "plan", "document", "text", "title", "date", "address", "passage"]
    return Declared(
        clusters=pd.DataFrame(clusters),
        industries=table.sort_values(["cluster", "count"], ascending=[True, False], kind="stable", ignore_index=True),
        pairs=pd.concat(pairs, ignore_index=True),
        cities=_with_output(structures["value_added"], pd.DataFrame(cities)),
        sources=rows.reindex(columns=named).drop_duplicates(ignore_index=True),
        not_covered=tuple(c for members in groups.values() for c in members if c not in said.index),
    )


def _kinds(rows: pd.DataFrame) -> pd.Series[str]:
    """Kind of the best text that was read of each city."""
    rank = {text: i for i, texts in enumerate(KINDS.values()) for text in texts}
    return rows["text"].map(rank).groupby(rows["city"]).min().map(dict(enumerate(KINDS)))


def _alike(flags: np.ndarray, own: np.ndarray, made: pd.DataFrame) -> dict[str, float]:
    """How far a cluster's covered cities declare the same, beside how far they make the same."""
    several = len(flags) > 1
    means = {c: float(made[c].mean()) if len(made) else np.nan for c in ("overlap", "krugman", "krugman_employment")}
    well_read = flags.sum(axis=1) >= WELL_READ
    return {
        "declared": float(flags.sum(axis=1).mean()) if len(flags) else np.nan,
        "well_read": int(well_read.sum()),
        "overlap_well_read": float(made.loc[made["fewest"] >= WELL_READ, "overlap"].mean()),
        "contested": float(np.average(own, weights=flags.sum(axis=1))) if several else np.nan,
        **means,
    }


def _structures(region: Region) -> dict[str, pd.DataFrame]:
    """Value added and employment by city and industry; no rows where the region has none."""
    table = region.frame("industries")
    return {
        values: table.pivot_table(index="city", columns="industry", values=values, sort=False)
        for values in ("value_added", "employment")
    }


def _pairs(
    cluster: str,
    known: list[str],
    flags: np.ndarray,
    order: list[str],
    structures: dict[str, pd.DataFrame],
    minutes: pd.DataFrame | None,
) -> pd.DataFrame:
    a, b = np.triu_indices(len(known), 1)
    both, alike = shared(flags), overlap(flags)
    apart = {name: _apart(table.reindex(known).to_numpy(float))[a, b] for name, table in structures.items()}
    far = np.full((len(known), len(known)), np.nan) if minutes is None else minutes.loc[known, known].to_numpy(float)
    names = np.array(order, dtype=object)
    found = pd.DataFrame(
        {
            "cluster": cluster,
            "a": [known[i] for i in a],
            "b": [known[j] for j in b],
            "shared": both[a, b],
            "overlap": alike[a, b],
            "industries": [names[flags[i] & flags[j]].tolist() for i, j in zip(a, b, strict=True)],
            "fewest": np.minimum(flags[a].sum(axis=1), flags[b].sum(axis=1)),
            "minutes": far[a, b],
            "krugman": apart["value_added"],
            "krugman_employment": apart["employment"],
        }
    )
    return found.sort_values("overlap", ascending=False, kind="stable", ignore_index=True)


def _apart(structure: np.ndarray) -> np.ndarray:
    """Krugman index of every pair; NaN where the region has no sectors."""
    if not structure.shape[1]:
        return np.full((len(structure),) * 2, np.nan)
    return krugman_index(industry_shares(structure))


def _city(own: pd.DataFrame, city: str, cluster: str, named: list[str], share: float) -> dict[str, object]:
    return {
        "city": city,
        "cluster": cluster,
        "industries": named,
        "plans": sorted({int(p) for p in own["plan"]}),
        "documents": sorted(set(own["document"])),
        "contested": float(share),
    }


def _with_output(structure: pd.DataFrame, cities: pd.DataFrame) -> pd.DataFrame:
    """Add the sector in which each city is most specialised, by output."""
    quotients = pd.DataFrame(
        location_quotients(structure.to_numpy(float)), index=structure.index, columns=structure.columns
    ).reindex(cities["city"])
    known = quotients.notna().all(axis=1).to_numpy() if len(quotients.columns) else np.zeros(len(cities), dtype=bool)
    cities["leading"], cities["quotient"] = None, np.nan
    if known.any():
        cities.loc[known, "leading"] = quotients[known].idxmax(axis=1).to_numpy()
        cities.loc[known, "quotient"] = quotients[known].max(axis=1).to_numpy()
    return cities
