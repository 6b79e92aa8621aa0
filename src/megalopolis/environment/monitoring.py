"""What monitoring says: class of every section, exceedances one by one, trends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
from scipy import stats

from megalopolis.environment.quality_control import FAIL, MISSING, SUSPECT, quality_flags
from megalopolis.environment.standards import CLASSES, NAMES, UNKNOWN, Limits, assess, exceedance, limits_on
from megalopolis.errors import BadInput, Problem

#: What is taken for a value below its detection limit.
Below = Literal["limit", "half", "zero"]
_SHARE: Final[dict[str, float]] = {"limit": 1.0, "half": 0.5, "zero": 0.0}
#: Values of a series without which no trend is told.
LEAST_TREND: Final = 8


@dataclass(frozen=True)
class Monitoring:
    """Assessment of observations.

    Attributes
    ----------
    observations : DataFrame
        Every value with its flags and ``used``, the value that entered; below the detection limit a share of that.
    sections : DataFrame
        Columns ``section, body, grade, class, factor, target, complies, exceeded, days``, and one per
        parameter: its mean.
    means : DataFrame
        Columns ``section, parameter, mean, low, high, values, below, days, limit, exceedance``; low and high take
        values below the detection limit as zero and as the limit.
    exceedances : DataFrame
        Columns ``section, date, parameter, value, limit, exceedance``: every value beyond the target of its section.
    trends : DataFrame
        Columns ``section, parameter, values, slope, low, high, p``: per year, by Theil and Sen, 95 %.
    warnings : tuple of str
        Values not used, and what the period cannot tell.
    """

    observations: pd.DataFrame
    sections: pd.DataFrame
    means: pd.DataFrame
    exceedances: pd.DataFrame
    trends: pd.DataFrame
    warnings: tuple[str, ...]


def monitor(
    observations: pd.DataFrame,
    sections: pd.DataFrame,
    standards: pd.DataFrame,
    standard: str,
    *,
    below: Below = "half",
    body: Mapping[str, str] | None = None,
) -> Monitoring:
    """Assess what was measured by the single-factor rule.

    The statistic is the mean over days of the means of each day, of values that no test fails or suspects. The standard
    is taken as valid on the last day of the observations, and each exceedance is held against it as valid on its own.

    Parameters
    ----------
    observations : DataFrame
        Rows of the table ``observations``.
    sections : DataFrame
        Columns ``id, target``; sections that were not observed are left out.
    standards : DataFrame
        As from `megalopolis.environment.standards.standards`.
    standard : str
        Code.
    below : {"limit", "half", "zero"}
        What is taken for a value below its detection limit.
    body : mapping of str to str, optional
        ``lake`` for the sections that stand in one.

    Raises
    ------
    BadInput
        If a date is not one, a value is below a detection limit that is not given, or the standard is not valid.
    """
    flagged = _flagged(observations, below)
    target = sections.set_index("id")["target"]
    kinds = {s: (body or {}).get(s, "river") for s in flagged["section"].unique()}
    good = flagged[flagged["used"].notna()]
    if good.empty:
        raise BadInput(Problem("observations", "no value is left after quality control", "check units and flags"))
    means = _means(good)
    last = str(good["date"].max())[:10]
    limits = {kind: limits_on(standards, standard, last, kind) for kind in sorted(set(kinds.values()))}
    graded = _grade(means, kinds, target, limits)
    means = _with_limits(means, kinds, target, limits)
    over = _exceedances(good, kinds, target, standards, standard)
    return Monitoring(flagged, graded, means, over, _trends(good), _said(flagged, graded))


def _flagged(observations: pd.DataFrame, below: Below) -> pd.DataFrame:
    dates = pd.to_datetime(observations["date"], errors="coerce", format="ISO8601", utc=True)
    wrong = np.flatnonzero(dates.isna().to_numpy())
    if len(wrong):
        text, where = observations["date"].iloc[wrong[0]], f"observations:{wrong[0] + 2}:date"
        raise BadInput(Problem(where, f"'{text}' is not a date", "write 2026-02-04 or 2026-02-04T12:00"))
    hidden = (observations["flag"] == "below_detection").to_numpy()
    unknown = np.flatnonzero(hidden & observations["detection_limit"].isna().to_numpy())
    if len(unknown):
        where = f"observations:{unknown[0] + 2}:detection_limit"
        what = f"{len(unknown)} values are below a detection limit that is not given"
        raise BadInput(Problem(where, what, "give the limit"))
    frame = observations.assign(below=hidden, when=dates)
    flagged = quality_flags(frame)
    value = np.where(hidden, _SHARE[below] * flagged["detection_limit"], flagged["value"])
    bad = flagged["qartod"].isin([SUSPECT, FAIL, MISSING]) | flagged["flag"].isin(["suspect", "invalid"])
    return flagged.assign(used=np.where(bad, np.nan, value))


def _means(good: pd.DataFrame) -> pd.DataFrame:
    """Mean over days of each parameter at each section, with the bounds that detection limits leave."""
    frame = good.assign(
        day=good["when"].dt.date,
        low=np.where(good["below"], 0.0, good["used"]),
        high=np.where(good["below"], good["detection_limit"], good["used"]),
    )
    daily = frame.groupby(["section", "parameter", "day"], sort=True).agg(
        mean=("used", "mean"),
        low=("low", "mean"),
        high=("high", "mean"),
        values=("used", "size"),
        below=("below", "sum"),
    )
    by = daily.groupby(level=["section", "parameter"], sort=True)
    found = by[["mean", "low", "high"]].mean()
    found[["values", "below"]] = by[["values", "below"]].sum()
    found["days"] = by.size()
    return found.reset_index()


def _target(target: pd.Series[str], ids: pd.Series[str]) -> np.ndarray:
    number = {c: i + 1 for i, c in enumerate(CLASSES)}
    return np.array([number.get(str(target.get(s)), UNKNOWN) for s in ids], np.int64)


def _grade(
    means: pd.DataFrame, kinds: Mapping[str, str], target: pd.Series[str], limits: Mapping[str, Mapping[str, Limits]]
) -> pd.DataFrame:
    wide = means.pivot(index="section", columns="parameter", values="mean").reset_index()
    body = wide["section"].map(dict(kinds)).to_numpy(str)
    grade, factor = np.zeros(len(wide), np.int64), np.full(len(wide), "", object)
    beyond = np.full(len(wide), "", object)
    goal = _target(target, wide["section"])
    parameters = [str(c) for c in wide if c != "section"]
    for kind, known in limits.items():
        here = body == kind
        shared = {p: wide[p].to_numpy(float) for p in parameters if p in known}
        if not shared:
            continue
        found = assess(shared, known)
        grade[here], factor[here] = found.grade[here], found.factor[here]
        for name, values in shared.items():
            over = here & (exceedance(values, known[name], goal) > 0)
            beyond[over] = [f"{b} {name}".strip() for b in beyond[over]]
    days = means.groupby("section")["days"].max()
    complies = pd.Series(grade <= goal, dtype="boolean").mask((goal == UNKNOWN) | (grade == UNKNOWN))
    return pd.DataFrame(
        {
            "section": wide["section"],
            "body": body,
            "grade": grade,
            "class": [NAMES[g] for g in grade],
            "factor": factor,
            "target": [target.get(s) for s in wide["section"]],
            "complies": complies,
            "exceeded": beyond,
            "days": wide["section"].map(days).to_numpy(),
            **{p: wide[p] for p in parameters},
        }
    )


def _with_limits(
    means: pd.DataFrame, kinds: Mapping[str, str], target: pd.Series[str], limits: Mapping[str, Mapping[str, Limits]]
) -> pd.DataFrame:
    goal = _target(target, means["section"])
    limit, over = np.full(len(means), np.nan), np.full(len(means), np.nan)
    for kind, known in limits.items():
        for name, bounds in known.items():
            here = ((means["section"].map(dict(kinds)) == kind) & (means["parameter"] == name)).to_numpy() & (goal > 0)
            limit[here] = bounds.bounds[goal[here] - 1]
            over[here] = exceedance(means["mean"].to_numpy(float)[here], bounds, goal[here])
    return means.assign(limit=limit, exceedance=over)


def _exceedances(
    good: pd.DataFrame, kinds: Mapping[str, str], target: pd.Series[str], standards: pd.DataFrame, standard: str
) -> pd.DataFrame:
    """Every single value beyond the target, against the standard as valid on its day."""
    goal = _target(target, good["section"])
    frame = good.assign(goal=goal, body=good["section"].map(dict(kinds)), limit=np.nan, exceedance=np.nan)
    frame = frame[frame["goal"] > 0]
    for (day, kind), rows in frame.groupby([frame["date"].str[:10], "body"], sort=True):
        known = limits_on(standards, standard, str(day), str(kind))
        for name, part in rows.groupby("parameter"):
            if name in known:
                own = part["goal"].to_numpy()
                frame.loc[part.index, "limit"] = known[str(name)].bounds[own - 1]
                frame.loc[part.index, "exceedance"] = exceedance(part["used"].to_numpy(float), known[str(name)], own)
    over = frame[frame["exceedance"] > 0].rename(columns={"used": "shown"})
    over = over.assign(value=over["shown"])[["section", "date", "parameter", "value", "limit", "exceedance"]]
    return over.sort_values(["exceedance"], ascending=False, kind="stable", ignore_index=True)


def _trends(good: pd.DataFrame) -> pd.DataFrame:
    """Slope per year (Theil 1950, Sen 1968) and its significance (Mann 1945, Kendall 1975), of daily means."""
    rows = []
    frame = good.assign(day=good["when"].dt.floor("D"))
    for (section, parameter), part in frame.groupby(["section", "parameter"], sort=True):
        daily = part.groupby("day")["used"].mean()
        if len(daily) < LEAST_TREND:
            continue
        years = (daily.index - daily.index[0]).total_seconds().to_numpy() / (365.25 * 86400)
        slope = stats.theilslopes(daily.to_numpy(), years, 0.95)
        p = float(stats.kendalltau(years, daily.to_numpy()).pvalue) if np.ptp(daily.to_numpy()) > 0 else 1.0
        rows.append((section, parameter, len(daily), slope.slope, slope.low_slope, slope.high_slope, p))
    return pd.DataFrame(rows, columns=["section", "parameter", "values", "slope", "low", "high", "p"])


def _said(flagged: pd.DataFrame, graded: pd.DataFrame) -> tuple[str, ...]:
    said = []
    counts = flagged["qartod"].value_counts()
    for code, word in ((SUSPECT, "are suspect"), (FAIL, "fail a test"), (MISSING, "are missing")):
        if counts.get(code, 0):
            said.append(f"{counts[code]} of {len(flagged)} values {word} and are not used")
    short = int((graded["days"] < 12).sum())
    if short:
        days = int(graded["days"].median())
        said.append(
            f"{short} of {len(graded)} sections were observed on fewer than 12 days (median {days}): "
            "this cannot certify a year"
        )
    untargeted = int(graded["target"].isna().sum())
    if untargeted:
        said.append(f"{untargeted} of {len(graded)} sections have no target: they are classed, not judged")
    return tuple(said)
