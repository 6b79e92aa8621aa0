"""Tables and indicators of the burdens of one state."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from megalopolis.services.burden import KINDS, Burden
from megalopolis.services.models import Catalogue, assumed_share
from megalopolis.services.setting import Setting
from megalopolis.units import Array

_PARTS: Final = ("procedures", "services", "evidence_types", "cities", "calendars", "links", "link_costs")


def matrices(setting: Setting) -> dict[str, pd.DataFrame]:
    """Mean per case of each kind, by home and work city: procedures weigh by their rates."""
    weight = setting.compiled.cases_per_1000[:, None, None] * (setting.burden.way >= 0)
    total = weight.sum(axis=0)
    ids = setting.compiled.cities
    out = {}
    for kind in KINDS:
        mean = np.nansum(weight * np.nan_to_num(setting.burden.of(kind)), axis=0) / np.where(total > 0, total, np.nan)
        out[kind] = pd.DataFrame(mean, index=pd.Index(ids, name="id"), columns=list(ids))
    return out


def procedure_table(setting: Setting, ends: tuple[Burden, Burden]) -> pd.DataFrame:
    """Cases and mean burden of every procedure over all residents, with the range of its hours."""
    c, demand = setting.compiled, setting.passable
    total = demand.sum(axis=(1, 2))

    def mean(values: Array) -> Array:
        return np.asarray((demand * np.nan_to_num(values)).sum(axis=(1, 2)) / np.where(total > 0, total, np.nan))

    kinds = {p.code: p for p in setting.catalogue.procedures}
    return pd.DataFrame(
        {
            "procedure": c.procedures,
            "name": [kinds[p].label["en"] for p in c.procedures],
            "name_local": [kinds[p].label.get("zh", kinds[p].label["en"]) for p in c.procedures],
            "life_event": [kinds[p].life_event for p in c.procedures],
            "cases": total,
            **{kind: mean(setting.burden.of(kind)) for kind in KINDS},
            "hours_low": mean(ends[0].of("hours")),
            "hours_high": mean(ends[1].of("hours")),
            "remote": mean((setting.burden.of("visits") == 0).astype(float)),
            "cases_status": [kinds[p].cases_per_1000.status for p in c.procedures],
        }
    )


def assumed_table(catalogue: Catalogue) -> pd.DataFrame:
    """Assumed share of each part of the catalogue."""
    rows = [(part, assumed_share(getattr(catalogue, part))) for part in _PARTS]
    return pd.DataFrame([*rows, ("all", assumed_share(catalogue))], columns=["part", "assumed_share"])


def indicator_rows(setting: Setting, ends: tuple[Burden, Burden] | None) -> pd.DataFrame:
    """Per resident, or per case, of the city of residence."""
    demand, burden = setting.passable, setting.burden.known
    people = np.where(setting.population > 0, setting.population, np.nan)
    n = len(people)
    by_city = demand.sum(axis=(0, 1))
    alone = demand[:, np.arange(n), np.arange(n)]
    totals = np.einsum("phw,kphw->kw", demand, burden)
    hours, money, documents, visits, days = totals
    per_case = np.where(by_city > 0, by_city, np.nan)
    from_elsewhere = by_city - alone.sum(axis=0)
    cross_hours = hours - (alone * burden[0][:, np.arange(n), np.arange(n)]).sum(axis=0)
    trips = setting.burden.of("visits")
    remote = demand * (trips == 0)
    values = {
        "service_hours": hours / people,
        "service_hours_total": hours,
        "service_money": money / people,
        "service_documents": documents / per_case,
        "service_visits": visits / per_case,
        "service_days": days / per_case,
        "service_hours_cross": cross_hours / np.where(from_elsewhere > 0, from_elsewhere, np.nan),
        "service_remote": remote.sum(axis=(0, 1)) / per_case,
        "procedures_without_travel": _without_travel(demand, remote),
    }
    ids = setting.compiled.cities
    frame = pd.DataFrame(
        {
            "place": [*ids * len(values), "region"],
            "indicator": [*np.repeat(list(values), n), "service_assumed"],
            "value": [*np.concatenate(list(values.values())), setting.assumed],
            "status": "assumed",
        }
    )
    if ends is not None:
        for column, end in zip(("low", "high"), ends, strict=True):
            total = np.einsum("phw,phw->w", demand, np.nan_to_num(end.of("hours")))
            frame.loc[frame["indicator"] == "service_hours", column] = total / people
            frame.loc[frame["indicator"] == "service_hours_total", column] = total
    return frame.dropna(subset=["value"], ignore_index=True)


def _without_travel(demand: Array, remote: Array) -> Array:
    """Share of the procedures that residents of each city whose home is another do without a trip, mean over them."""
    n = demand.shape[1]
    own = np.arange(n)
    cases = demand.sum(axis=1) - demand[:, own, own]
    without = remote.sum(axis=1) - remote[:, own, own]
    share = without / np.where(cases > 0, cases, np.nan)
    known = ~np.isnan(share)
    return np.asarray(np.nansum(share, axis=0) / np.where(known.any(axis=0), known.sum(axis=0), np.nan))
