"""Measures of environment: standards of discharge, better treatment, bans. All edit ``discharges``."""

from __future__ import annotations

from typing import Final, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, model_validator

from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.plan.measures.base import Measure, Row, Tables
from megalopolis.plan.measures.economy import EVERYWHERE, Places
from megalopolis.plan.measures.travel import Year
from megalopolis.units import COLD_WATER_C

Pollutant = Literal["cod", "bod5", "nh3n", "tn", "tp"]
POLLUTANTS: Final = ("cod", "bod5", "nh3n", "tn", "tp")


class _OnDischarges(Measure):
    """A measure on the discharges of some cities, of some of their sectors or all."""

    cities: Places
    sectors: tuple[str, ...] | None = None
    opens: Year

    def resolve(self, tables: Tables) -> Self:
        """Find the cities; see `Measure.resolve`."""
        everywhere = self.cities == (EVERYWHERE,)
        cities = tuple(tables["cities"]["id"]) if everywhere else tables.region.names.cities(self.cities)
        found = self.model_copy(update={"cities": cities})
        rows = tables["discharges"]
        if self.sectors is not None:
            known = sorted({s for s in rows["sector"] if isinstance(s, str)})
            for sector in self.sectors:
                if sector not in known:
                    raise BadInput(Problem("", f"no discharge has the sector '{sector}'", suggest(sector, known)))
        if not found._chosen(rows).any():  # noqa: SLF001 - its own
            what = "no discharge" + (f" of the sectors {', '.join(self.sectors)}" if self.sectors else "")
            raise BadInput(Problem("", f"'{self.name}' matches {what} in its cities", "name others"))
        return found

    def _chosen(self, rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
        chosen = rows["city"].isin(list(self.cities))
        if self.sectors is not None:
            chosen &= rows["sector"].isin(list(self.sectors))
        return np.asarray(chosen.to_numpy(bool))


class DischargeStandard(_OnDischarges):
    """A standard of discharge that cities adopt: their effluents are no dirtier than a level from then on.

    ``own``: the cities take the level for themselves. ``common``: the level becomes the one that all share, and every
    treatable discharge of the cities meets it or its own where that is stricter. ``floor``: the level becomes the one
    below which nobody may fall while costs are minimised; who is cleaner stays so. An effluent never becomes worse.
    """

    kind: Literal["discharge_standard"]
    level: str
    scope: Literal["own", "common", "floor"] = "own"

    def resolve(self, tables: Tables) -> Self:
        """Find the cities and the level, which must be in force when the measure opens; see `Measure.resolve`."""
        found = super().resolve(tables)
        level = _level(found.level, tables, self.opens)
        rows = tables["discharges"]
        treated = found._chosen(rows) & rows["level"].notna().to_numpy()  # noqa: SLF001 - its own
        if not treated.any():
            raise BadInput(
                Problem("", f"'{self.name}' matches no discharge that can be treated", "give it a level in discharges")
            )
        found = found.model_copy(update={"level": str(level["id"])})
        if not found._stricter(tables, treated).any():  # noqa: SLF001 - its own
            what = f"'{self.name}' changes nothing: no discharge of its cities is dirtier than '{level['id']}'"
            raise BadInput(Problem("", what, "name a stricter level, or remove the measure"))
        return found

    def _stricter(self, tables: Tables, treated: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        rows = tables["discharges"]
        limit = _effluent(tables, self.level)
        now = rows[list(POLLUTANTS)].to_numpy(float)
        return np.asarray(treated & (limit < now).any(axis=1))

    def edit(self, tables: Tables, year: int) -> None:
        """Lower the concentrations, set the level, and give it its role; see `Measure.edit`."""
        if year < self.opens:
            return
        rows = tables["discharges"]
        treated = self._chosen(rows) & rows["level"].notna().to_numpy()
        _lower(rows, treated, _effluent(tables, self.level))
        levels = tables["treatment_levels"]
        rank = dict(zip(levels["id"], levels["cost_per_m3"], strict=True))
        dearer = rows["level"].map(rank).to_numpy(float) < rank[self.level]
        rows.loc[treated & (dearer | (self.scope == "own")), "level"] = self.level
        if self.scope != "own":
            levels.loc[levels["role"] == self.scope, "role"] = None
            levels.loc[levels["id"] == self.level, "role"] = self.scope


class TreatmentUpgrade(_OnDischarges):
    """Better treatment of the discharges of some cities: to a treatment level, or to concentrations of its own.

    ``treated`` is the share of the volume that passes the works. ``cost`` is the announced investment; the yearly cost
    follows the level.
    """

    kind: Literal["treatment_upgrade"]
    level: str | None = None
    effluent: dict[Pollutant, float] | None = None
    treated: float = Field(default=1.0, gt=0, le=1, allow_inf_nan=False)
    cost: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _says_how(self) -> Self:
        if (self.level is None) == (not self.effluent):
            raise ValueError("needs either level or effluent")
        if any(not 0 <= v < float("inf") for v in (self.effluent or {}).values()):
            raise ValueError("effluent is in mg/L, at or above zero")
        return self

    def resolve(self, tables: Tables) -> Self:
        """Find the cities and the level; see `Measure.resolve`."""
        found = super().resolve(tables)
        if found.level is not None:
            found = found.model_copy(update={"level": str(_level(found.level, tables, self.opens)["id"])})
        rows = tables["discharges"]
        now = rows.loc[found._chosen(rows), list(POLLUTANTS)].to_numpy(float)  # noqa: SLF001 - its own
        if not (found._to(tables)[found._chosen(rows)] < now).any():  # noqa: SLF001 - its own
            what = f"'{self.name}' changes nothing: every discharge of its cities is as clean today"
            raise BadInput(Problem("", what, "name a stricter level, or remove the measure"))
        return found

    def _to(self, tables: Tables) -> npt.NDArray[np.float64]:
        if self.level is not None:
            return _effluent(tables, self.level)
        row = [(self.effluent or {}).get(p, np.inf) for p in POLLUTANTS]
        return np.tile(np.array(row, float), (len(tables["discharges"]), 1))

    def edit(self, tables: Tables, year: int) -> None:
        """Lower the concentrations of the share treated, and set the level; see `Measure.edit`."""
        if self.cost is not None:
            self.invest(tables, self.opens, self.cost)
        if year < self.opens:
            return
        rows = tables["discharges"]
        chosen = self._chosen(rows)
        _lower(rows, chosen, self._to(tables), self.treated)
        if self.level is not None and self.treated == 1.0:
            rows.loc[chosen & rows["level"].notna().to_numpy(), "level"] = self.level


class Ban(_OnDischarges):
    """A ban: the discharges of some cities end, or carry less of one pollutant by ``reduction``.

    Without ``pollutant`` the whole discharge ends, as when a kind of works is closed. With it the concentration falls,
    as that of phosphorus after a ban of phosphate in detergents.
    """

    kind: Literal["ban"]
    pollutant: Pollutant | None = None
    reduction: float = Field(default=1.0, gt=0, le=1, allow_inf_nan=False)

    def resolve(self, tables: Tables) -> Self:
        """Find the cities; a pollutant must be there to be banned; see `Measure.resolve`."""
        found = super().resolve(tables)
        rows = tables["discharges"]
        column = self.pollutant or "volume_m3d"
        if not (rows.loc[found._chosen(rows), column] > 0).any():  # noqa: SLF001 - its own
            raise BadInput(Problem("", f"'{self.name}' matches no discharge that has any {column}", "name another"))
        return found

    def edit(self, tables: Tables, year: int) -> None:
        """Reduce what is banned; see `Measure.edit`."""
        if year < self.opens:
            return
        rows = tables["discharges"]
        rows.loc[self._chosen(rows), self.pollutant or "volume_m3d"] *= 1.0 - self.reduction


def _level(text: str, tables: Tables, year: int) -> Row:
    """Row of a treatment level by id or name that is in force at the end of a year."""
    levels = tables["treatment_levels"]
    found = levels[(levels["id"] == text) | (levels["name"] == text)]
    if len(found) != 1:
        todo = suggest(text, [*levels["id"], *levels["name"].dropna()], "add it to treatment_levels")
        raise BadInput(Problem("", f"no single treatment level is called '{text}'", todo))
    row: Row = {str(k): v for k, v in found.iloc[0].items()}
    begin, end, date = row["valid_from"], row["valid_to"], f"{year}-12-31"
    if (isinstance(begin, str) and begin > date) or (isinstance(end, str) and end < date):
        span = f"{begin if isinstance(begin, str) else 'always'} to {end if isinstance(end, str) else 'now'}"
        raise BadInput(Problem("", f"the level '{text}' is not in force on {date}", f"it is from {span}"))
    return row


def _effluent(tables: Tables, level: str) -> npt.NDArray[np.float64]:
    """Effluent of a level at every discharge, mg/L, shape (d, 5); infinity for what the level does not limit."""
    rows, reaches = tables["discharges"], tables.by_id("reaches")
    row = tables.by_id("treatment_levels")[level]
    limit = np.tile(np.array([row[p] for p in POLLUTANTS], float), (len(rows), 1))
    temperature = [reaches[r]["temperature_c"] if r in reaches else None for r in rows["reach"]]
    cold = np.array([t is not None and t <= COLD_WATER_C for t in temperature], bool)
    if pd.notna(row["nh3n_cold"]):
        limit[cold, POLLUTANTS.index("nh3n")] = float(row["nh3n_cold"])
    return np.where(np.isnan(limit), np.inf, limit)


def _lower(
    rows: pd.DataFrame, chosen: npt.NDArray[np.bool_], limit: npt.NDArray[np.float64], share: float = 1.0
) -> None:
    """Bring a share of the volume of the chosen discharges down to a limit, where it is above it."""
    now = rows[list(POLLUTANTS)].to_numpy(float)
    treated = (1.0 - share) * now + share * np.minimum(now, limit)
    rows.loc[chosen, list(POLLUTANTS)] = treated[chosen]
