"""The five signals of city clusters, measured: each indicator with its target and a verdict.

A verdict compares the latest figure with its target. Where a series of published figures exists, the pace of the last
five years, continued, either reaches the target in time (on track) or does not (behind). A model's value of the target
year is compared with the target itself. What nothing measures is said to be not measurable yet, and why.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final

import pandas as pd

from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.evaluation.ledger import BASELINE, PLAN
from megalopolis.evaluation.sentences import told
from megalopolis.pillar import indicators
from megalopolis.region import Region

ON_TRACK: Final = "on track"
BEHIND: Final = "behind"
NOT_MEASURABLE: Final = "not measurable yet"
NO_TARGET: Final = "no target"
NO_FIGURE: Final = "no public target in this measure is known"
#: Years back from which the recent pace is taken.
PACE_YEARS: Final = 5

Row = dict[str, Any]


def signals_of(evaluation: Evaluation, language: str = "en") -> list[Row]:
    """Measure the five signals.

    Parameters
    ----------
    evaluation : Evaluation
        Of a plan or of the baseline alone.
    language : {"en", "zh"}
        Language of the texts.

    Returns
    -------
    list of dict
        Keys ``signal, label, change, horizon, driving_force, indicators``; each indicator has ``id, label, value, low,
        high, unit, case, year, target, target_year, verdict, status, source, why``.
    """
    measured: dict[str, Callable[[Evaluation], list[Row]]] = {
        "clusters": _clusters,
        "megalopolis": _megalopolis,
        "rail": _rail,
        "services": _services,
        "pollution": _pollution,
    }
    found = []
    with files("megalopolis.evaluation").joinpath("signals.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            said = {key: row[f"{key}_{language}"] for key in ("label", "change", "horizon", "driving_force")}
            rows = [_labelled(item, language, evaluation.region) for item in measured[row["signal"]](evaluation)]
            found.append({"signal": row["signal"], **said, "indicators": rows})
    return found


def _row(id_: str, value: float | None, unit: str, **more: Any) -> Row:
    row = {"id": id_, "value": value, "low": value, "high": value, "unit": unit, "case": BASELINE, "year": None}
    row |= {"target": None, "target_year": None, "verdict": NO_TARGET, "status": "estimated", "source": "", "why": ""}
    return row | more


def _absent(evaluation: Evaluation, id_: str, pillar: str) -> Row:
    why = f"{pillar} is not evaluated: {evaluation.skipped.get(pillar, 'no such indicator')}"
    return _with_target(evaluation, _row(id_, None, "", verdict=NOT_MEASURABLE, status="", why=why))


_OWN_LABELS: Final = {
    "clusters_established": ("Planned clusters that flows confirm as established", "流量上已形成的规划城市群"),
    "share_gdp": ("Share of GDP in the planned clusters, whole prefectures", "规划城市群占GDP比重（整地级市口径）"),
    "share_urban_population": ("Share of urban population in the planned clusters", "规划城市群占城镇人口比重"),
    "share_population": ("Share of population in the planned clusters", "规划城市群占人口比重"),
    "declared_overlap": (
        "Declared industries that two cities of a cluster have in common, of those that either declares",
        "同群两市共同申报的战略性产业占两市申报合计之比",
    ),
    "corridor_population": ("Population of the largest corridor", "最大走廊人口"),
    "corridor_length_km": ("Length of the largest corridor", "最大走廊长度"),
    "route_km_all": ("Railway in operation, all lines", "铁路营业里程"),
    "route_km_high_speed": ("Railway in operation, high-speed", "高速铁路营业里程"),
    "corridors": ("Trunk corridors of the national plan with lines open along their whole length", "八纵八横通道"),
    "sections_class3_share": ("Surface-water sections at class III or better", "地表水达到或好于Ⅲ类断面比例"),
    "emissions_peak_year": ("Year in which emissions peak", "碳达峰年份"),
    "neutrality_year": ("Year of carbon neutrality", "碳中和年份"),
}


def _labelled(row: Row, language: str, region: Region) -> Row:
    row["why"] = told(row["why"], language, region)
    entry = indicators().get(row["id"])
    if row["id"] in _OWN_LABELS:  # says what a share is taken of
        row["label"] = _OWN_LABELS[row["id"]][language == "zh"]
    else:
        row["label"] = entry.label(language) if entry else row["id"]
    return row


def _with_target(evaluation: Evaluation, row: Row) -> Row:
    targets = evaluation.region.frame("targets")
    chosen = targets[targets["indicator"] == row["id"]].sort_values("year")
    if len(chosen):
        last = chosen.iloc[-1]
        row |= {"target": float(last["value"]), "target_year": int(last["year"]), "target_source": last["source"]}
        row["unit"] = row["unit"] or last["unit"]
    return row


def _pace_verdict(series: pd.DataFrame, target: float, target_year: int) -> tuple[str, str]:
    """Continue the pace of the last years to the target year; ``series`` has ``year`` and ``value``, rising years."""
    last = series.iloc[-1]
    earlier = series[series["year"] <= last["year"] - PACE_YEARS]
    if earlier.empty:
        return NOT_MEASURABLE, f"fewer than {PACE_YEARS} years of figures"
    first = earlier.iloc[-1]
    pace = (last["value"] - first["value"]) / (last["year"] - first["year"])
    reached = last["value"] + pace * (target_year - last["year"])
    why = f"{pace:+,.0f} a year since {first['year']:.0f}, continued, gives {reached:,.0f} in {target_year}"
    return (ON_TRACK if reached >= target else BEHIND), why


def _rail(evaluation: Evaluation) -> list[Row]:
    rows = []
    lengths = evaluation.region.frame("route_length")
    for kind in ("all", "high_speed"):
        series = lengths[lengths["kind"] == kind].rename(columns={"km": "value"}).sort_values("year")
        if series.empty:
            continue
        last = series.iloc[-1]
        row = _row(f"route_km_{kind}", float(last["value"]), "km", year=int(last["year"]), status="sourced")
        row = _with_target(evaluation, row | {"source": last["source"]})
        if row["target"] is not None:
            row["verdict"], row["why"] = _pace_verdict(series, row["target"], row["target_year"])
        rows.append(row)
    for name in (
        "rail_km_high_speed",
        "cluster_minutes_within",
        "cluster_minutes_across",
        "trains_per_day",
        "mean_minutes",
    ):
        rows += _modelled(evaluation, name)
    return rows


def _modelled(evaluation: Evaluation, name: str, target: str | None = None) -> list[Row]:
    """Value of an indicator for the region today (baseline) and in the last year with the plan.

    ``target`` names its target, where that has another name.
    """
    ledger = evaluation.of_region
    rows = []
    first = min((y for y in evaluation.years if y >= evaluation.region.meta.now), default=evaluation.year)
    for case, year in dict.fromkeys([(BASELINE, first), (PLAN, evaluation.year)]):
        keep = (ledger["case"] == case) & (ledger["year"] == year)
        for found in ledger[keep & (ledger["indicator"] == name)].to_dict("records"):
            row = _row(name, found["value"], found["unit"], case=case, year=year, low=found["low"], high=found["high"])
            row |= {"status": found["status"], "source": "this model"}
            row = {**_with_target(evaluation, {**row, "id": target or name}), "id": name}
            if row["target"] is not None and row["target_year"] == year:
                better = indicators()[name].better or 1
                row["verdict"] = ON_TRACK if better * (row["value"] - row["target"]) >= 0 else BEHIND
            rows.append(row)
    return rows


def _clusters(evaluation: Evaluation) -> list[Row]:
    if "clusters" in evaluation.skipped or not evaluation.region.has("clusters_planned"):
        return [_absent(evaluation, "clusters_established", "clusters")]
    rows = []
    for case, year in _two(evaluation):
        planned = evaluation.result("clusters", case, year).tables["planned"]
        established = float((planned["maturity"] == "established").sum())
        row = _row("clusters_established", established, "clusters", case=case, year=year, source="this model")
        row = _with_target(evaluation, row)
        names = planned.loc[planned["maturity"] != "established", "name"]
        row["why"] = f"not established: {', '.join(names)}" if len(names) else "all are established"
        if row["target"] is not None:
            row["verdict"] = ON_TRACK if established >= row["target"] else BEHIND
        rows.append(row)
    for name in ("share_gdp", "share_urban_population", "share_population", "density", "crowding", "duplication"):
        rows += _modelled(evaluation, name)
    return rows + _declared(evaluation)


def _declared(evaluation: Evaluation) -> list[Row]:
    """What two cities of a cluster both declare, of what either does: mean over the pairs with a list long enough."""
    found = evaluation.declared
    if found is None or found.clusters["overlap_well_read"].isna().all():
        return []
    known = found.clusters.dropna(subset=["overlap_well_read"])
    pairs = known["well_read"] * (known["well_read"] - 1)
    share = float((known["overlap_well_read"] * pairs).sum() / pairs.sum())
    row = _row(
        "declared_overlap", share, "share", status="sourced", source="five-year plans of the cities and reports of them"
    )
    row["why"] = f"plans of {len(found.cities)} of {len(found.cities) + len(found.not_covered)} cities were read"
    return [row]


def _two(evaluation: Evaluation) -> list[tuple[str, int]]:
    """Today's baseline and the plan's last year."""
    first = min((y for y in evaluation.years if y >= evaluation.region.meta.now), default=evaluation.year)
    return list(dict.fromkeys([(BASELINE, first), evaluation.last]))


def _megalopolis(evaluation: Evaluation) -> list[Row]:
    if "clusters" in evaluation.skipped:
        return [_absent(evaluation, "corridor_length_km", "clusters")]
    rows = []
    for case, year in _two(evaluation):
        corridors = evaluation.result("clusters", case, year).tables["corridors"]
        if corridors.empty:
            continue
        largest = corridors[corridors["before_jump"]].sort_values("population", ascending=False).iloc[0]
        source = f"percolation of door-to-door times at {largest['threshold_min']:.0f} min"
        for id_, column, unit in (
            ("corridor_population", "population", "persons"),
            ("corridor_length_km", "length_km", "km"),
        ):
            rows.append(_row(id_, float(largest[column]), unit, case=case, year=year, source=source))
    return rows


def _services(evaluation: Evaluation) -> list[Row]:
    if "services" not in evaluation.ran:
        return [_absent(evaluation, "procedures_without_travel", "services")]
    names = ("procedures_without_travel", "service_remote", "service_documents", "service_visits", "service_hours")
    rows = [row for name in names for row in _modelled(evaluation, name)]
    return [row | ({"why": NO_FIGURE} if row["target"] is None else {}) for row in rows]


def _pollution(evaluation: Evaluation) -> list[Row]:
    if "environment" in evaluation.ran:
        count = len(evaluation.region.frame("sections"))
        water = [
            {**row, "id": "sections_class3_share", "why": f"modelled at the {count} sections of the region"}
            for row in _modelled(evaluation, "sections_good", target="sections_class3_share")
        ]
        water += _modelled(evaluation, "sections_complying")
    else:
        water = [_absent(evaluation, "sections_class3_share", "environment")]
    return [
        *water,
        _absent(evaluation, "emissions_peak_year", "carbon"),
        _absent(evaluation, "neutrality_year", "carbon"),
    ]
