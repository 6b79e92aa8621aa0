"""The tables beside a report: Parquet, CSV, Excel, GeoPackage and ``run.json``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from megalopolis.evaluation.compare import joined_ledger
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.evaluation.runfile import run_record
from megalopolis.pillar import indicators
from megalopolis.region.write import write_excel, write_geopackage


def tables_of(evaluations: Sequence[Evaluation]) -> dict[str, pd.DataFrame]:
    """Collect what a planner wants to have as tables, by name.

    Returns
    -------
    dict of str to DataFrame
        ``ledger`` (all plans), ``difference`` (all plans, with names of places), the travel times of the main plan's
        last year as a matrix with ids, the clusters' tables, ``provenance`` and ``warnings``.
    """
    main = evaluations[0]
    names = main.region.names
    gaps = [e.difference.assign(plan_name=e.plan.name) for e in evaluations if e.plan]
    found = {"ledger": joined_ledger(evaluations)}
    if gaps:
        gap = pd.concat(gaps, ignore_index=True)
        gap.insert(1, "name", gap["place"].map(names.labels).fillna(gap["place"]))
        gap.insert(2, "name_local", gap["place"].map(names.local).fillna(gap["place"]))
        found["difference"] = gap
    results = main.results[main.last]
    if "travel" in results:
        found["travel_times"] = main.travel_times.rename_axis("id").reset_index()
    if "clusters" in results:
        for name in ("branches", "planned", "corridors", "assignment"):
            found[name] = _flat(results["clusters"].tables[name])
    found["indicators"] = pd.DataFrame([vars(entry) for entry in indicators().values()])
    found["provenance"] = main.provenance
    found["warnings"] = pd.DataFrame({"warning": [w for e in evaluations for w in e.warnings]}).drop_duplicates()
    return found


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Join lists of ids into one cell, as spreadsheets need it."""
    flat = frame.copy()
    for column in flat.columns:
        if flat[column].map(lambda v: isinstance(v, list | tuple) or hasattr(v, "tolist")).any():
            flat[column] = flat[column].map(lambda v: " ".join(map(str, v)))
    return flat


def layers_of(evaluation: Evaluation) -> dict[str, gpd.GeoDataFrame]:
    """Map layers of the last state: ``cities`` with every indicator before and after, and the ``lines``.

    Coordinates are WGS-84. A city's columns are ``<indicator>_baseline``, ``_plan`` and ``_difference``.
    """
    cities = evaluation.region.frame("cities")
    ledger = evaluation.ledger[evaluation.ledger["year"] == evaluation.year]
    wide = ledger.pivot(index="place", columns=["indicator", "case"], values="value")
    wide.columns = ["_".join(map(str, pair)) for pair in wide.columns.to_list()]
    frame = cities.merge(wide, left_on="id", right_index=True, how="left")
    for name in indicators():
        both = f"{name}_baseline", f"{name}_plan"
        if all(column in frame for column in both):
            frame[f"{name}_difference"] = frame[both[1]] - frame[both[0]]
    frame = frame.dropna(axis=1, how="all")
    points = gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy(frame["lon"], frame["lat"]), crs="EPSG:4326")
    layers = {"cities": points}
    if "travel" in evaluation.results[evaluation.last]:
        lines = evaluation.result("travel").tables["lines"]
        shapes, rows = [], []
        for _, stops in lines.sort_values("seq").groupby("line", sort=True):
            if len(stops) > 1:
                shapes.append(shapely.LineString(stops[["lon", "lat"]].to_numpy(float)))
                rows.append(stops.iloc[0][["line", "name", "name_local", "kind", "opened"]])
        if shapes:
            layers["lines"] = gpd.GeoDataFrame(
                pd.DataFrame(rows).reset_index(drop=True), geometry=shapes, crs="EPSG:4326"
            )
    return layers


def write_tables(evaluations: Sequence[Evaluation], folder: Path, region: str) -> list[Path]:
    """Write every table of an evaluation into an existing folder.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        The main plan first.
    folder : Path
        Existing; the caller renames it when all of it is written.
    region : str
        Name or path that the region was loaded by, for ``run.json``.

    Returns
    -------
    list of Path
        The files written.
    """
    tables = tables_of(evaluations)
    written = []
    for name, frame in tables.items():
        for suffix in (".parquet", ".csv"):
            path = folder / f"{name}{suffix}"
            if suffix == ".csv":
                frame.to_csv(path, index=False, encoding="utf-8")
            else:
                frame.to_parquet(path, index=False)
            written.append(path)
    sheets = {name: frame for name, frame in tables.items() if name != "ledger"}
    if "difference" in sheets:  # a workbook is for reading: the last year; all years are in the Parquet and CSV files
        gap = sheets["difference"]
        sheets["difference"] = gap[gap["year"] == evaluations[0].year]
    write_excel(sheets, folder / "report.xlsx")
    write_geopackage(layers_of(evaluations[0]), folder / "region.gpkg")
    (folder / "run.json").write_text(dump_json(run_record(evaluations, region)), encoding="utf-8")
    return [*written, folder / "report.xlsx", folder / "region.gpkg", folder / "run.json"]


def dump_json(document: Any) -> str:
    """Write JSON that is the same on every run and holds no NaN."""
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
