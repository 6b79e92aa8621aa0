"""Who builds what his neighbours build: declared industries beside the structure of output."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from megalopolis.clusters.measures import industry_shares, krugman_index, location_quotients
from megalopolis.economy.declared import contested, overlap, shared, strategic_industries
from megalopolis.region import Region


@dataclass(frozen=True)
class Declared:
    """Declared industries of the planned clusters.

    Attributes
    ----------
    clusters : DataFrame
        One row for each planned cluster: ``cluster, cities, covered, residents_covered`` (share), ``declared``
        (mean number of industries per covered city), ``overlap`` (mean over pairs), ``contested`` (share of declared
        industries that another covered city of the cluster declares too), ``krugman`` (mean over the same pairs).
    industries : DataFrame
        One row for each cluster and industry that is declared: ``cluster, industry, cities`` (ids), ``count``,
        ``covered``.
    pairs : DataFrame
        One row for each pair of covered cities of a cluster, most alike first: ``cluster, a, b, shared, overlap,
        industries`` (those in common), ``minutes``, ``krugman`` (structure of output, 0 to 2).
    cities : DataFrame
        One row for each covered city: ``city, cluster, industries, plans, documents, contested, leading`` (sector of
        output with the largest location quotient) and ``quotient``.
    sources : DataFrame
        Documents: ``city, plan, document, title, address``.
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
    structure = _structure(region)
    people = region.cities.set_index("id")["population"].fillna(0.0)
    groups, clusters, industries, pairs, cities = region.names.clusters, [], [], [], []
    for cluster, members in groups.items():
        known = [c for c in members if c in said.index]
        flags = said.loc[known].to_numpy(bool)
        made = _pairs(cluster, known, flags, order, structure, minutes)
        pairs.append(made)
        own = contested(flags) if len(known) > 1 else np.full(len(known), np.nan)
        clusters.append(
            {
                "cluster": cluster,
                "cities": len(members),
                "covered": len(known),
                "residents_covered": float(people.reindex(known).sum() / people.reindex(list(members)).sum()),
                "declared": float(flags.sum(axis=1).mean()) if known else np.nan,
                "overlap": float(made["overlap"].mean()) if len(made) else np.nan,
                "contested": float(np.average(own, weights=flags.sum(axis=1))) if len(known) > 1 else np.nan,
                "krugman": float(made["krugman"].mean()) if len(made) else np.nan,
            }
        )
        for k, industry in enumerate(order):
            who = [c for c, yes in zip(known, flags[:, k], strict=True) if yes]
            if who:
                industries.append((cluster, industry, who, len(who), len(known)))
        for i, city in enumerate(known):
            cities.append(
                _city(rows, city, cluster, [o for o, yes in zip(order, flags[i], strict=True) if yes], own[i])
            )
    table = pd.DataFrame(industries, columns=["cluster", "industry", "cities", "count", "covered"])
    named = ["city", "plan", "document", "title", "address"]
    return Declared(
        clusters=pd.DataFrame(clusters),
        industries=table.sort_values(["cluster", "count"], ascending=[True, False], kind="stable", ignore_index=True),
        pairs=pd.concat(pairs, ignore_index=True),
        cities=_with_output(region, pd.DataFrame(cities)),
        sources=rows[named].drop_duplicates(ignore_index=True),
        not_covered=tuple(c for members in groups.values() for c in members if c not in said.index),
    )


def _structure(region: Region) -> pd.DataFrame:
    """Value added by city and industry; no rows where the region has none."""
    table = region.frame("industries")
    return table.pivot_table(index="city", columns="industry", values="value_added", sort=False)


def _pairs(
    cluster: str,
    known: list[str],
    flags: np.ndarray,
    order: list[str],
    structure: pd.DataFrame,
    minutes: pd.DataFrame | None,
) -> pd.DataFrame:
    a, b = np.triu_indices(len(known), 1)
    both, alike = shared(flags), overlap(flags)
    apart = krugman_index(industry_shares(structure.reindex(known).to_numpy(float)))
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
            "minutes": far[a, b],
            "krugman": apart[a, b],
        }
    )
    return found.sort_values("overlap", ascending=False, kind="stable", ignore_index=True)


def _city(rows: pd.DataFrame, city: str, cluster: str, named: list[str], share: float) -> dict[str, object]:
    own = rows[rows["city"] == city]
    return {
        "city": city,
        "cluster": cluster,
        "industries": named,
        "plans": sorted({int(p) for p in own["plan"]}),
        "documents": sorted(set(own["document"])),
        "contested": float(share),
    }


def _with_output(region: Region, cities: pd.DataFrame) -> pd.DataFrame:
    """Add the sector in which each city is most specialised, by output."""
    structure = _structure(region)
    quotients = pd.DataFrame(
        location_quotients(structure.to_numpy(float)), index=structure.index, columns=structure.columns
    ).reindex(cities["city"])
    known = quotients.notna().all(axis=1).to_numpy() if len(quotients.columns) else np.zeros(len(cities), dtype=bool)
    cities["leading"], cities["quotient"] = None, np.nan
    if known.any():
        cities.loc[known, "leading"] = quotients[known].idxmax(axis=1).to_numpy()
        cities.loc[known, "quotient"] = quotients[known].max(axis=1).to_numpy()
    return cities
