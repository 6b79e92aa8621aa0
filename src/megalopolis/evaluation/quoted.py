"""What others say of a megalopolis, held against the corridor that is found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from megalopolis.clusters.geometry import spanning_tree
from megalopolis.clusters.percolation import corridors, labels_at
from megalopolis.errors import BadInput, Problem
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.evaluation.ledger import BASELINE


def quoted_corridors(evaluation: Evaluation) -> pd.DataFrame:
    """Quoted figures of megalopolises against those of the corridor that holds their cities.

    The corridor is the one at the least threshold that joins the cities (`clusters.percolation`), in the first year's
    baseline; no parameter is fitted to it.

    Parameters
    ----------
    evaluation : Evaluation
        With clusters.

    Returns
    -------
    DataFrame
        The columns of ``corridors_quoted``, and ``threshold_min``, ``count`` (cities in the corridor), ``found`` and
        ``difference`` (found over quoted less 1); no rows where the region quotes nothing. Rows whose cities no
        threshold joins have NaN.

    Raises
    ------
    BadInput
        If a row names an unknown city.
    """
    rows = evaluation.region.frame("corridors_quoted")
    if rows.empty or "clusters" not in evaluation.ran:
        return rows.iloc[:0].assign(threshold_min=0.0, count=0, found=0.0, difference=0.0)
    year = evaluation.years[0]
    cities = evaluation.state(BASELINE, year).cities
    minutes = evaluation.result("travel", BASELINE, year).tables["minutes"]
    tree = spanning_tree(minutes.loc[cities["id"], cities["id"]].to_numpy(float))
    number = {id_: i for i, id_ in enumerate(cities["id"])}
    measured: dict[str, dict[str, float]] = {}
    for ids in rows["cities"].unique():
        unknown = [id_ for id_ in ids.split() if id_ not in number]
        if unknown:
            raise BadInput(Problem("corridors_quoted:cities", f"no city has the id '{unknown[0]}'", "correct it"))
        measured[ids] = _measured(tree, cities, np.array([number[id_] for id_ in ids.split()]))
    found = pd.DataFrame([measured[ids] for ids in rows["cities"]], index=rows.index)
    value = np.array([measured[ids][measure] for ids, measure in zip(rows["cities"], rows["measure"], strict=True)])
    return rows.assign(
        threshold_min=found["threshold_min"],
        count=found["count"],
        found=value,
        difference=value / rows["value"].to_numpy(float) - 1.0,
    )


def _measured(tree: Any, cities: pd.DataFrame, at: np.ndarray[Any, Any]) -> dict[str, float]:
    """Threshold, cities, length, residents and shares of the corridor that first holds some cities."""
    nothing = dict.fromkeys(("threshold_min", "count", "length_km", "people", "people_share", "output_share"), np.nan)
    for threshold in np.unique(tree.length).tolist():
        if np.ptp(labels_at(tree, threshold)[at]):
            continue
        places = [cities[c].to_numpy(float) for c in ("population", "lon", "lat")]
        for corridor in corridors(tree, threshold, *places, min_cities=2):
            if not np.isin(at, corridor.members).all():
                continue
            inside = cities.iloc[corridor.members]
            people, output = (float(inside[c].sum() / cities[c].sum()) for c in ("population", "gdp"))
            return {
                "threshold_min": threshold,
                "count": len(inside),
                "length_km": float(corridor.length_km),
                "people": float(inside["population"].sum()),
                "people_share": people,
                "output_share": output,
            }
    return nothing
