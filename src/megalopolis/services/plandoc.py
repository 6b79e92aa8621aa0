"""A plan of links as a document: what a hub switches on, year by year, and what each link takes off residents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from megalopolis.services.compile import Compiled
from megalopolis.services.linkplan import LinkPlan, marginal
from megalopolis.services.options import Options
from megalopolis.units import Array

SCHEMA_VERSION: Final = 1
KIND: Final = "megalopolis link plan"
#: Parts beyond the plan that are listed, those that would add most.
_NEXT: Final = 20


def years_of(chosen: Options, years: Sequence[int], plans: Sequence[LinkPlan]) -> npt.NDArray[np.int64]:
    """Year in which each part is built, shape (parts,); -1 for those that are not.

    Raises
    ------
    ValueError
        If there is not one plan for each year.
    """
    year_of = np.full(len(chosen.parts), -1, dtype=np.int64)
    for year, plan in sorted(zip(years, plans, strict=True), reverse=True, key=lambda pair: pair[0]):
        year_of[plan.built] = year
    return year_of


def lost_without(chosen: Options, built: npt.NDArray[np.bool_]) -> Array:
    """What each link of a plan saves beside the others, hours a year, shape (links,): leave one out."""
    works = np.array([all(built[p] for p in e) for e in chosen.elements], dtype=bool)
    lost = np.zeros(len(chosen.elements))
    for group, table in zip(chosen.groups, chosen.saving, strict=True):
        mask = sum(1 << b for b, e in enumerate(group) if works[e])
        for b, e in enumerate(group):
            if works[e]:
                lost[e] += table[mask] - table[mask & ~(1 << b)]
    return lost


def document(chosen: Options, compiled: Compiled, years: Sequence[int], plans: Sequence[LinkPlan]) -> dict[str, Any]:
    """Write plans by year as a document that a hub reads: parts, links and recognitions with the year they are live.

    Parameters
    ----------
    chosen : Options
        The problem.
    compiled : Compiled
        Names of evidence types, sectors and cities.
    years : sequence of int
        Year of each plan.
    plans : sequence of LinkPlan
        Nested, see `megalopolis.services.linkplan.phases`.

    Returns
    -------
    dict
        ``phases`` (saving, bound and gap of each year), ``parts``, ``links`` and ``recognitions``, each with what would
        be lost without it alone, and ``next``: the parts left out and what each alone would add.

    Raises
    ------
    ValueError
        If there is not one plan for each year.
    """
    year_of = years_of(chosen, years, plans)
    worth = marginal(chosen, plans[-1].built)
    links, recognitions = _links(chosen, compiled, year_of, lost_without(chosen, plans[-1].built))
    left = np.flatnonzero(year_of < 0)
    left = left[np.argsort(-worth[left], kind="stable")][:_NEXT]
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
        "cities": list(compiled.cities),
        "phases": [_phase(int(year), plan) for year, plan in zip(years, plans, strict=True)],
        "baseline_hours": chosen.baseline,
        "parts": [
            {**_part(chosen, i), "year": int(year_of[i]), "lost_without_hours": float(worth[i])}
            for i in np.flatnonzero(year_of >= 0).tolist()
        ],
        "next": [{**_part(chosen, i), "adds_alone_hours": float(worth[i])} for i in left.tolist() if worth[i] > 0],
        "links": links,
        "recognitions": recognitions,
    }


def _part(chosen: Options, i: int) -> dict[str, Any]:
    part = chosen.parts[i]
    return {"id": part.id, "kind": part.kind, "what": part.what, "where": part.where, "cost": float(chosen.cost[i])}


def _phase(year: int, plan: LinkPlan) -> dict[str, Any]:
    return {
        "year": year,
        "budget": plan.budget,
        "cost": plan.cost,
        "saving_hours": plan.saving,
        "bound_hours": plan.bound,
        "gap": plan.gap,
        "stopped_by_clock": plan.stopped,
    }


def _links(
    chosen: Options, compiled: Compiled, year_of: npt.NDArray[np.int64], lost: Array
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Links and recognitions of which every part is built, with the year of the last of them."""
    links, recognitions = [], []
    n = len(compiled.cities)
    size = len(compiled.pairs) * (n + 1) * n
    for e, (code, element) in enumerate(zip(chosen.codes, chosen.elements, strict=True)):
        if any(year_of[p] < 0 for p in element):
            continue
        more = {"live_from": int(max(year_of[p] for p in element)), "lost_without_hours": float(lost[e])}
        if code >= size:
            sector, city = divmod(code - size, n)
            recognitions.append({"sector": compiled.sectors[sector], "city": compiled.cities[city], **more})
            continue
        rest, consumer = divmod(code, n)
        pair, issuer = divmod(rest, n + 1)
        evidence, sector = compiled.pairs[pair]
        links.append(
            {
                "evidence": compiled.evidence[evidence],
                "issuing_city": "national" if issuer == n else compiled.cities[issuer],
                "consuming_sector": compiled.sectors[sector],
                "consuming_city": compiled.cities[consumer],
                **more,
            }
        )
    return links, recognitions


def measures(plan: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """A plan of links as measures of a megalopolis plan: the same links and recognitions, grouped, all assumed.

    Parameters
    ----------
    plan : dict
        Of `document`.
    name : str
        Begins the name of every measure.

    Returns
    -------
    list of dict
        Each part is paid by the first measure that uses it; costs cover building and the years of running that the
        budget covers.
    """
    cost = {p["id"]: p["cost"] for p in plan["parts"]}
    agreements = {p["id"]: p for p in plan["parts"] if p["kind"] == "agreement"}
    groups: dict[tuple[Any, ...], set[str]] = {}
    issuing: dict[tuple[Any, ...], set[str]] = {}
    for row in plan["links"]:
        key = (row["evidence"], row["consuming_sector"], row["live_from"], row["consuming_city"])
        issuing.setdefault(key, set()).add(row["issuing_city"])
    for (evidence, sector, year, city), cities in issuing.items():
        groups.setdefault((year, evidence, sector, tuple(sorted(cities))), set()).add(city)
    found: list[dict[str, Any]] = []
    common = {"status": "assumed", "source": "links chosen by megalopolis under an assumed budget"}
    for n, ((year, evidence, sector, issuers), consumers) in enumerate(sorted(groups.items()), 1):
        used = [f"issuer:{evidence}:{c}" for c in issuers] + [f"consumer:{sector}:{c}" for c in sorted(consumers)]
        used += list(agreements) if n == 1 else []
        paid = sum(cost.pop(part, 0.0) for part in used)
        more = {"evidence": evidence, "issuing": list(issuers), "sectors": sector, "consuming": sorted(consumers)}
        title = f"{name}: {evidence} to {sector} {year} ({n})"
        found.append({"kind": "evidence_link", "name": title, **more, "opens": year, "cost": paid, **common})
    taken: dict[tuple[int, str], list[str]] = {}
    for row in plan["recognitions"]:
        taken.setdefault((row["live_from"], row["sector"]), []).append(row["city"])
    for (year, sector), takers in sorted(taken.items()):
        paid = sum(cost.pop(f"recognition:{sector}:{c}", 0.0) for c in takers)
        title = f"{name}: filings elsewhere at {sector} {year}"
        found.append(
            {
                "kind": "recognition",
                "name": title,
                "sectors": sector,
                "cities": takers,
                "opens": year,
                "cost": paid,
                **common,
            }
        )
    return found
