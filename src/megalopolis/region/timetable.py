"""The timetable of a region: a GTFS feed becomes tables, its stations those of the region.

A stop of the feed is the station of the region that has its id; else the one of its name, within 20 km; else the one
within a km; else a station of its own, which serves the city of the nearest centre within reach. So a row of
``stations`` with the id of a stop decides what city it serves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from megalopolis.errors import BadInput, Problem
from megalopolis.region.gtfs import Feed, read_gtfs
from megalopolis.region.raw import fold
from megalopolis.region.region import RegionMeta, TimetableMeta, typed
from megalopolis.region.schema import schemas
from megalopolis.units import great_circle_km

NAMES: Final = ("timetable", "timetable.zip")
"""Where a feed is looked for beside ``region.yaml``."""
TABLES: Final = ("timetable_trains", "timetable_calls", "timetable_changes")
SAME_NAME_KM: Final = 20.0
"""Great-circle km within which stations of one name are one. Assumed."""
SAME_PLACE_KM: Final = 1.0
"""Great-circle km within which stations are one whatever their names. Assumed."""
_SHOWN: Final = 5
_ENDINGS: Final = ("railwaystation", "trainstation", "station", "火车站", "高铁站", "站", "駅")

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Timetabled:
    """Tables of a region with its timetable, what is left to say of it, and what was found on the way."""

    meta: RegionMeta
    tables: dict[str, pa.Table]
    warnings: tuple[Problem, ...]


def feed_path(base: Path, meta: RegionMeta, *, folder: bool) -> Path | None:
    """Where the feed of a region lies; None where it has none.

    Parameters
    ----------
    base : Path
        Folder that paths count from.
    meta : RegionMeta
        What ``region.yaml`` says.
    folder : bool
        Whether the region is that folder, so that a feed of the usual name is its own.
    """
    if meta.timetable is not None and meta.timetable.path is not None:
        return base / meta.timetable.path
    found = [base / name for name in NAMES if (base / name).exists()] if folder else []
    return found[0] if found else None


def with_timetable(tables: Mapping[str, pa.Table], meta: RegionMeta, path: Path, label: str) -> Timetabled:
    """Add the trains of a feed around a day to the tables of a region.

    Parameters
    ----------
    tables : mapping of str to pyarrow.Table
        Checked tables.
    meta : RegionMeta
        With the day.
    path : Path
        Folder or zip archive.
    label : str
        Name of ``region.yaml`` in messages.

    Returns
    -------
    Timetabled
        With ``timetable_trains``, ``timetable_calls``, ``timetable_changes``, the stations of the feed that the region
        did not have, and their provenance in ``sources``.

    Raises
    ------
    BadInput
        With every problem of the feed's first table that has some; where no day is named, or the tables are there too.
    """
    there = [name for name in TABLES if name in tables]
    if there:
        raise BadInput(Problem(path.name, f"the region has a table {there[0]} too", "leave one of the two"))
    if meta.timetable is None:
        todo = "add a line such as `timetable: {day: 2024-03-12}`"
        raise BadInput(Problem(label, f"names no day for the timetable {path.name}", todo))
    feed = read_gtfs(path, meta.timetable.day, change_min=meta.timetable.change_min)
    feed = _in_use(feed)
    stations, cities = (tables[t].to_pandas() if t in tables else None for t in ("stations", "cities"))
    if stations is None:
        stations = typed("stations", pd.DataFrame()).to_pandas()
    place = _match(feed.stations, stations)
    new = _new_stations(feed.stations, np.flatnonzero(place < 0), cities, meta.timetable.reach_km, path.name)
    ids = stations["id"].to_numpy(object)[np.maximum(place, 0)] if len(stations) else np.empty(len(place), object)
    ids = np.where(place < 0, feed.stations["id"].to_numpy(object), ids)
    joined = new if stations.empty else pd.concat([stations, new], ignore_index=True)
    added = {"stations": typed("stations", joined), **_tables(feed, ids)}
    added["sources"] = _sources(tables.get("sources"), path.name, meta.timetable)
    warnings = [Problem(path.name, text) for text in feed.warnings] + _said(new, len(place), path.name)
    said = meta.model_copy(update={"timetable": meta.timetable.model_copy(update={"path": None})})
    return Timetabled(said, {**tables, **added}, tuple(warnings))


def _in_use(feed: Feed) -> Feed:
    """Only the stations where trains call."""
    used, stop = np.unique(feed.calls["stop"].to_numpy(), return_inverse=True)
    number = np.full(len(feed.stations), -1, dtype=np.int64)
    number[used] = np.arange(used.size)
    one, two = number[feed.paths["tail"].to_numpy()], number[feed.paths["head"].to_numpy()]
    both = (one >= 0) & (two >= 0)
    paths = pd.DataFrame({"tail": one[both], "head": two[both], "minutes": feed.paths["minutes"].to_numpy()[both]})
    stations = feed.stations.iloc[used].reset_index(drop=True)
    return Feed(stations, feed.trains, feed.calls.assign(stop=stop), feed.change[used], paths, feed.warnings)


def _name(text: object) -> str:
    """What counts of a station's name."""
    folded = fold(text) if isinstance(text, str) else ""
    for ending in _ENDINGS:
        if folded != ending and folded.endswith(ending):
            return folded.removesuffix(ending)
    return folded


def _match(stops: pd.DataFrame, stations: pd.DataFrame) -> Index:
    """Row of the region's station that each stop is; -1 where it is none of them."""
    place = np.full(len(stops), -1, dtype=np.int64)
    if not len(stations):
        return place
    by_id = {id_: k for k, id_ in enumerate(stations["id"])}
    by_name: dict[str, list[int]] = {}
    for column in ("name", "name_local"):
        for k, text in enumerate(stations[column]):
            rows = by_name.setdefault(_name(text), [])
            rows += [] if k in rows else [k]
    km = _km(stops, stations)
    for i, (id_, text) in enumerate(zip(stops["id"], stops["name"], strict=True)):
        alike = [k for k in by_name.get(_name(text), []) if not km[i, k] > SAME_NAME_KM] if _name(text) else []
        if id_ in by_id:
            place[i] = by_id[id_]
        elif alike:
            place[i] = min(alike, key=lambda k: (np.nan_to_num(km[i, k]), k))
        elif np.nanmin(km[i], initial=np.inf) <= SAME_PLACE_KM:
            place[i] = np.nanargmin(km[i])
    return place


def _km(a: pd.DataFrame, b: pd.DataFrame) -> Array:
    lon, lat, x, y = (f[c].to_numpy(float) for f in (a, b) for c in ("lon", "lat"))
    return np.asarray(great_circle_km(lon[:, None], lat[:, None], x[None, :], y[None, :]))


def _new_stations(
    stops: pd.DataFrame, rows: Index, cities: pd.DataFrame | None, reach_km: float, label: str
) -> pd.DataFrame:
    """Stations for the stops that the region does not have."""
    new = stops.iloc[rows].reset_index(drop=True)
    lost = np.flatnonzero(new[["lon", "lat"]].isna().any(axis=1))
    if lost.size:
        todo = "give it coordinates, or a row of its id in the region's stations"
        raise BadInput([Problem(f"{label}/stops.txt", f"the stop '{new['id'][k]}' lies nowhere", todo) for k in lost])
    new["name"] = new["name"].where(new["name"] != "", new["id"])
    owner = np.full(len(new), None, dtype=object)
    if cities is not None and len(cities) and len(new):
        km = _km(new, cities)
        near = km.argmin(axis=1)
        within = km[np.arange(len(new)), near] <= reach_km
        owner[within] = cities["id"].to_numpy(object)[near[within]]
    return new.assign(name_local=new["name"], city=owner)


def _said(new: pd.DataFrame, total: int, label: str) -> list[Problem]:
    lost = new.loc[new["city"].isna(), "name"].tolist()
    if not lost:
        return []
    names = ", ".join(lost[:_SHOWN]) + (" and more" if len(lost) > _SHOWN else "")
    what = f"{len(lost)} of {total} stations of the feed serve no city of the region: {names}"
    return [Problem(label, what, "where one does, give stations a row with its id and city")]


def _tables(feed: Feed, ids: npt.NDArray[Any]) -> dict[str, pa.Table]:
    calls, trains = feed.calls, feed.trains
    train = _train_ids(trains)
    seq = calls.groupby("train", sort=False).cumcount() + 1
    words = np.array(["no", "yes"], dtype=object)
    frame = pd.DataFrame(
        {
            "train": train[calls["train"].to_numpy()],
            "seq": seq,
            "station": ids[calls["stop"].to_numpy()],
            "arrive": calls["arrive"],
            "depart": calls["depart"],
            "board": words[calls["board"].to_numpy().astype(np.int64)],
            "alight": words[calls["alight"].to_numpy().astype(np.int64)],
        }
    )
    paths = feed.paths
    own = pd.DataFrame({"from": ids, "to": ids, "minutes": feed.change})
    ways = pd.DataFrame(
        {"from": ids[paths["tail"].to_numpy()], "to": ids[paths["head"].to_numpy()], "minutes": paths["minutes"]}
    )
    every = pd.concat([own, ways[ways["from"] != ways["to"]]], ignore_index=True)
    changes: pd.DataFrame = every.groupby(["from", "to"], sort=False)["minutes"].max().reset_index()
    return {
        "timetable_trains": typed("timetable_trains", pd.DataFrame({"id": train, "name": trains["name"]})),
        "timetable_calls": typed("timetable_calls", frame),
        "timetable_changes": typed("timetable_changes", changes),
    }


def _train_ids(trains: pd.DataFrame) -> npt.NDArray[Any]:
    """Id of every train: that of the trip, with the day where it is another, numbered where it runs often."""
    days = trains["day"].to_numpy()
    base = [id_ if day == 0 else f"{id_}@{day:+d}" for id_, day in zip(trains["id"], days, strict=True)]
    again = pd.Series(base, dtype=object).groupby(base, sort=False).cumcount().to_numpy()
    ids = [text if not k else f"{text}#{k + 1}" for text, k in zip(base, again, strict=True)]
    if len(set(ids)) < len(ids):  # a feed may use these signs itself
        ids = [f"{text}%{i}" for i, text in enumerate(ids)]
    return np.array(ids, dtype=object)


def _sources(sources: pa.Table | None, label: str, meta: TimetableMeta) -> pa.Table:
    trains = f"trains under way on {meta.day}, to the minute"
    changes = (
        f"the feed's transfers; where it says nothing {meta.change_min} min, or 1.3 times the great circle on foot"
    )
    given = [("timetable_trains", "name", "sourced", trains)]
    given += [("timetable_calls", name, "sourced", trains) for name in schemas()["timetable_calls"].names]
    given += [("timetable_changes", name, "sourced", changes) for name in ("from", "to")]
    given += [("timetable_changes", "minutes", "estimated", changes)]
    keys = ("table", "column", "status", "method")
    rows = [dict(zip(keys, row, strict=True)) | {"source": f"GTFS feed {label}"} for row in given]
    schema = typed("sources", pd.DataFrame()).schema
    added = pa.Table.from_pylist(rows, schema=schema)
    return added if sources is None else pa.concat_tables([sources, added])
