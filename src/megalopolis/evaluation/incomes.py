"""What the economy says beyond the ledger: welfare by channel, structure of output, sensitivity to one parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from megalopolis.clusters.measures import duplication
from megalopolis.economy import face as economy
from megalopolis.economy.case import case_book
from megalopolis.economy.policies import shapley
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.evaluation.ledger import BASELINE, PLAN
from megalopolis.region import Region

#: Channels of welfare in the order told; see docs/method/economy.md.
CHANNELS: Final = ("market_access", "scale", "fiscal", "productivity", "housing", "amenity", "moving", "commuting")
_SUMMED: Final = ("gdp", "welfare", "moved")
#: Parameters whose bands are told one by one; the shares of costs that follow minutes move together.
VARIED: Final = {
    "theta": ("theta",),
    "gamma": ("gamma",),
    "eps": ("eps",),
    "by_rail": ("goods_by_rail", "services_by_rail", "migration_by_rail"),
}


def channels(cities: pd.DataFrame) -> pd.DataFrame:
    """Share out the equivalent variation of every city among the channels of its log change, exactly.

    A channel gets ``EV x_c / sum_c x_c``: the parts sum to the equivalent variation to the last digit.

    Parameters
    ----------
    cities : DataFrame
        Table ``cities`` of the economy.

    Returns
    -------
    DataFrame
        Indexed by city, one column for each channel, in currency a year.
    """
    parts = cities[[f"log_welfare_{name}" for name in CHANNELS]].to_numpy(float)
    whole, money = parts.sum(axis=1), cities["welfare"].to_numpy(float)
    rate = np.divide(money, whole, out=np.zeros_like(money), where=np.abs(whole) > 1e-12)
    return pd.DataFrame(parts * rate[:, None], index=cities["city"].to_numpy(object), columns=list(CHANNELS))


def by_place(values: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Sums over the region and each planned cluster of a table indexed by city; indexed by place."""
    sums = {"region": values.sum()}
    for cluster, members in region.names.clusters.items():
        sums[f"cluster:{cluster}"] = values.reindex(list(members)).sum()
    return pd.DataFrame(sums).T


def structure(made: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Duplication of industries in each planned cluster, in the base case and now.

    Parameters
    ----------
    made : DataFrame
        Table ``industries`` of the economy.
    region : Region
        With ``clusters_planned``.

    Returns
    -------
    DataFrame
        Columns ``cluster, krugman_base, krugman, similarity_base, similarity``; see `clusters.measures.duplication`.
    """
    wide = {c: made.pivot(index="city", columns="industry", values=c) for c in ("output_base", "output")}
    rows = []
    for cluster, members in region.names.clusters.items():
        row: dict[str, object] = {"cluster": cluster}
        for end, table in (("_base", wide["output_base"]), ("", wide["output"])):
            at = np.flatnonzero(table.index.isin(members))
            found = duplication(table.to_numpy(float), at)
            row |= {f"krugman{end}": found.krugman, f"similarity{end}": found.similarity}
        rows.append(row)
    return pd.DataFrame(rows, columns=["cluster", "krugman_base", "krugman", "similarity_base", "similarity"])


def sensitivity(evaluation: Evaluation) -> pd.DataFrame:
    """Change of the region with one parameter of the economy at either end of its range, calibrated anew.

    Returns
    -------
    DataFrame
        One row for each of `VARIED`: ``parameter, low, high`` (its range; of several, NaN), and for ``gdp``,
        ``welfare`` (currency a year) and ``moved`` (persons who live elsewhere) the change by the plan at either end,
        such as ``gdp_low``, the other parameters in force. No rows without a plan.
    """
    columns = ["parameter", "low", "high", *(f"{name}_{end}" for name in _SUMMED for end in ("low", "high"))]
    if evaluation.plan is None or "economy" not in evaluation.ran:
        return pd.DataFrame(columns=columns)
    own, rows = evaluation.parameters.of_pillar("economy"), []
    for name, members in VARIED.items():
        ends = [evaluation.parameters.ranges[f"economy.{m}"] for m in members]
        low, high = (
            _changes(evaluation, {**own, **{m: e[k] for m, e in zip(members, ends, strict=True)}}) for k in (0, 1)
        )
        pairs = (value for both in zip(low, high, strict=True) for value in both)
        rows.append((name, *(ends[0] if len(ends) == 1 else (np.nan, np.nan)), *pairs))
    return pd.DataFrame(rows, columns=columns)


def policies(evaluation: Evaluation) -> pd.DataFrame:
    """Shapley value of every policy that the plan changes, by city; see `megalopolis.economy.policies.shapley`.

    No rows where there is no plan.
    """
    case = evaluation.last[0]
    minutes, baseline = (evaluation.result("travel", c).tables["minutes"] for c in (case, BASELINE))
    return shapley(case_book(evaluation.state(), minutes, baseline, evaluation.parameters.of_pillar("economy")))


def _changes(evaluation: Evaluation, parameters: Mapping[str, float]) -> tuple[float, float, float]:
    """Change of output and of welfare, and people who live elsewhere: as in `_SUMMED`."""
    state = (PLAN, evaluation.year)
    minutes, baseline = (
        evaluation.results[case, evaluation.year]["travel"].tables["minutes"] for case in (PLAN, BASELINE)
    )
    found = economy.run(
        evaluation.states[state],
        minutes=minutes,
        baseline_minutes=baseline,
        parameters=parameters,
        indicators_only=True,
    ).indicators
    if found.empty:
        return np.nan, np.nan, np.nan
    wide = found.pivot(index="place", columns="indicator", values="value")
    before = evaluation.states[state].cities.set_index("id")["population"].reindex(wide.index)
    made = float(wide["gdp"].sum()) - evaluation.value("region", "gdp", BASELINE)
    return made, float(wide["welfare"].sum()), float((wide["population"] - before).abs().sum() / 2.0)
