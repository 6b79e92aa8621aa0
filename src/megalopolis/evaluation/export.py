"""The tables beside a report: Parquet, CSV, Excel, GeoPackage and ``run.json``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd
import shapely

from megalopolis.evaluation.compare import joined_ledger
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.evaluation.runfile import run_record
from megalopolis.pillar import indicators
from megalopolis.region.omx import write_omx
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
        layers |= _line_layer(evaluation.result("travel").tables["lines"])
    return layers


def _line_layer(stops: pd.DataFrame) -> dict[str, gpd.GeoDataFrame]:
    """Lines as drawn through their stops; no layer where there are none."""
    stops = stops.sort_values(["line", "seq"], kind="stable")
    stops = stops[stops.groupby("line")["line"].transform("size") > 1]
    if stops.empty:
        return {}
    number, _ = pd.factorize(stops["line"])
    rows = stops.drop_duplicates("line")[["line", "name", "name_local", "kind", "opened"]].reset_index(drop=True)
    shapes = shapely.linestrings(stops[["lon", "lat"]].to_numpy(float), indices=number)
    return {"lines": gpd.GeoDataFrame(rows, geometry=shapes, crs="EPSG:4326")}


#: Too long to be read in a workbook: in the Parquet files only.
_NOT_IN_WORKBOOK: Final = ("ledger", "travel_times")


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
        written.append(folder / f"{name}.parquet")
        frame.to_parquet(written[-1], index=False)
    sheets = {name: frame for name, frame in tables.items() if name not in _NOT_IN_WORKBOOK}
    if "difference" in sheets:  # the main plan's last year, and the region's sums; all else is in the Parquet file
        gap = sheets["difference"]
        shown = (gap["year"] == evaluations[0].year) & (gap["plan_name"] == gap["plan_name"].iloc[0])
        sheets["difference"] = gap[shown | (gap["place"] == "region")]
    write_excel(sheets, folder / "report.xlsx")
    write_geopackage(layers_of(evaluations[0]), folder / "region.gpkg")
    (folder / "run.json").write_text(dump_json(run_record(evaluations, region)), encoding="utf-8")
    return [*written, folder / "report.xlsx", folder / "region.gpkg", folder / "run.json"]


def to_omx(evaluation: Evaluation, path: Path) -> None:
    """Write the matrices of travel of the last state as an OMX file: ``minutes``, ``ride_minutes``, ``headway``.

    The lookup ``id`` holds the ids of cities; infinity and NaN stand where nothing connects. Needs the extra
    ``openmatrix``.

    Raises
    ------
    BadInput
        If openmatrix is not installed or the file cannot be written.
    """
    tables = evaluation.result("travel").tables
    names = ("minutes", "ride_minutes", "headway")
    write_omx({name: tables[name].to_numpy(float) for name in names}, tuple(tables["minutes"].index), path)


def dump_json(document: Any) -> str:
    """Write JSON that is the same on every run and holds no NaN."""
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
