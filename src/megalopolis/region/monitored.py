"""Observations from files as monitoring networks give them: long and wide CSV, and OGC SensorThings JSON.

Whatever the file, the rows come back as those of the table ``observations``; names of sections and parameters are
looked up in both languages, and values below the detection limit are understood as people write them: ``<0.025``,
``0.025L`` (Chinese practice), ``ND``.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.region.csvfile import is_chinese, refuse_large

Row = dict[str, Any]
COLUMNS: Final = ("section", "date", "parameter", "value", "unit", "flag", "method", "detection_limit", "source")
#: Names of each parameter, folded: lower case, letters, digits and Chinese characters only.
_PARAMETERS: Final = {
    "do": ("do", "dissolvedoxygen", "oxygen", "溶解氧"),
    "codmn": ("codmn", "permanganateindex", "高锰酸盐指数"),
    "cod": ("cod", "codcr", "chemicaloxygendemand", "化学需氧量"),
    "bod5": ("bod5", "bod", "biochemicaloxygendemand", "五日生化需氧量", "生化需氧量"),
    "nh3n": ("nh3n", "nh4n", "ammonianitrogen", "ammonia", "ammonium", "氨氮"),
    "tn": ("tn", "totalnitrogen", "总氮"),
    "tp": ("tp", "totalphosphorus", "总磷"),
    "ph": ("ph", "ph值"),
    "temperature": ("temperature", "temp", "watertemperature", "水温"),
    "flow": ("flow", "discharge", "streamflow", "流量"),
}
_HEADERS: Final = {
    "section": (
        "section",
        "station",
        "site",
        "stationid",
        "断面",
        "断面代码",
        "断面名称",
        "站点",
        "站点名称",
        "点位名称",
    ),
    "date": ("date", "time", "datetime", "timestamp", "phenomenontime", "监测时间", "时间", "日期", "采样时间"),
    "parameter": ("parameter", "variable", "indicator", "observedproperty", "指标", "监测项目", "参数"),
    "value": ("value", "result", "监测值", "浓度", "数值"),
    "unit": ("unit", "units", "单位"),
    "flag": ("flag", "quality", "质量标识"),
    "method": ("method", "方法", "监测方法"),
    "detection_limit": ("detectionlimit", "lod", "mdl", "检出限"),
    "source": ("source", "来源"),
}
#: Unit at the end of a header without brackets, as in ``nh3n_mgl``.
_SUFFIXES: Final = {"mgl": "mg/L", "ugl": "ug/L", "c": "C", "m3s": "m3/s"}
_ABSENT: Final = {"", "-", "--", "—", "*", "/", "na", "n/a", "nan", "null", "none"}
_FLAGS: Final = {"valid", "below_detection", "suspect", "invalid"}
_BELOW: Final = re.compile(r"^(?:<|＜)\s*([0-9.eE+-]+)$|^([0-9.eE+-]+)\s*L$")


def read_observations(path: Path, sections: Mapping[str, str]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read a file of observations.

    Parameters
    ----------
    path : Path
        ``.csv`` (long: one value a row; or wide: one parameter a column, with its unit in the header), ``.json``.
    sections : mapping of str to str
        Every name of a section, in any language, to its id.

    Returns
    -------
    frame : DataFrame
        Rows of the table ``observations``.
    warnings : tuple of str
        Stations that are no section of the region, left out.

    Raises
    ------
    BadInput
        If the file cannot be read, a unit is missing, a value is no number, or no station is a section.
    """
    refuse_large(path)
    reader = _from_json if path.suffix.lower() == ".json" else _from_csv
    rows = list(reader(path))
    if not rows:
        raise BadInput(Problem(path.name, "holds no observation", "see how-to/monitoring for the formats"))
    folded = {_fold(name): id_ for name, id_ in sections.items()}
    strange = sorted({str(r["section"]) for r in rows if _fold(str(r["section"])) not in folded})
    kept = [{**r, "section": folded[_fold(str(r["section"]))]} for r in rows if str(r["section"]) not in set(strange)]
    if not kept:
        todo = suggest(strange[0], list(sections), "add them to sections")
        raise BadInput(Problem(path.name, f"none of its {len(strange)} stations is a section of the region", todo))
    said: tuple[str, ...] = ()
    if strange:
        named = ", ".join(f"'{s}'" for s in strange[:3])
        said = (f"{path.name}: {len(strange)} stations are no section of the region and are left out: {named}",)
    return pd.DataFrame(kept, columns=list(COLUMNS)), said


def _fold(text: str) -> str:
    return "".join(ch for ch in text.casefold() if ch.isalnum())


def _named(text: str, names: Mapping[str, Sequence[str]]) -> str | None:
    folded = _fold(text)
    return next((key for key, known in names.items() if folded in known), None)


def _text(path: Path) -> str:
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        if encoding == "gb18030" and not is_chinese(data):
            break
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadInput(Problem(path.name, "is neither UTF-8 nor GB18030", "save it as CSV UTF-8"))


def _value(text: str, where: str) -> Row | None:
    """Value, flag and detection limit of a cell; None where nothing was read."""
    plain = text.strip()
    if plain.casefold() in _ABSENT:
        return None
    if plain.casefold() in {"nd", "未检出"}:
        return {"value": None, "flag": "below_detection", "detection_limit": None}
    below = _BELOW.match(plain)
    try:
        number = float(next(g for g in below.groups() if g) if below else plain.replace(",", ""))
    except ValueError:
        raise BadInput(Problem(where, f"'{plain[:40]}' is not a number", "correct or empty the cell")) from None
    if below:
        return {"value": None, "flag": "below_detection", "detection_limit": number}
    return {"value": number, "flag": "valid", "detection_limit": None}


def _from_csv(path: Path) -> Iterator[Row]:
    text = _text(path)
    separator = max(",;\t", key=text.partition("\n")[0].count)
    try:
        table = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise BadInput(Problem(path.name, f"cannot be read as CSV: {error}", "write it again")) from error
    header = table[0]
    known = {name: i for i, h in enumerate(header) if (name := _named(h, _HEADERS)) is not None}
    for needed in ("section", "date"):
        if needed not in known:
            raise BadInput(Problem(f"{path.name}:1", f"has no column '{needed}'", f"name one {_HEADERS[needed][0]}"))
    long = "parameter" in known and "value" in known
    wide = {} if long else _wide(header, path.name)
    if not long and not wide:
        todo = "give columns parameter and value, or one column for each parameter as 'nh3n (mg/L)'"
        raise BadInput(Problem(f"{path.name}:1", "names no parameter", todo))
    for number, cells in enumerate(table[1:], 2):
        if not any(c.strip() for c in cells):
            continue
        if len(cells) != len(header):
            what = f"has {len(cells)} cells under {len(header)} headers"
            raise BadInput(Problem(f"{path.name}:{number}", what, "correct the row"))
        yield from _long(path.name, number, cells, known) if long else _row(path.name, number, cells, known, wide)


def _wide(header: Sequence[str], label: str) -> dict[int, tuple[str, str]]:
    """Parameter and unit of every column that is one."""
    found = {}
    for i, title in enumerate(header):
        plain = re.split(r"[(（\[]", title)[0]
        name, unit = _named(plain, _PARAMETERS), ""
        inside = re.search(r"[(（\[]([^)）\]]+)[)）\]]", title)
        if inside:
            unit = inside.group(1).strip()
        elif name is None and "_" in title:
            stem, _, suffix = title.rpartition("_")
            name, unit = _named(stem, _PARAMETERS), _SUFFIXES.get(suffix.casefold(), "")
        if name is None:
            continue
        if not unit and name != "ph":
            todo = f"write it into the header, as '{plain} (mg/L)'"
            raise BadInput(Problem(f"{label}:1:{title}", "has no unit", todo))
        found[i] = (name, unit)
    return found


def _row(label: str, number: int, cells: Sequence[str], known: Mapping[str, int], wide: Any) -> Iterator[Row]:
    for i, (parameter, unit) in wide.items():
        read = _value(cells[i], f"{label}:{number}:{parameter}")
        if read is not None:
            place = {"section": cells[known["section"]].strip(), "date": _date(cells[known["date"]])}
            yield {**place, "parameter": parameter, "unit": unit, **read}


def _long(label: str, number: int, cells: Sequence[str], known: Mapping[str, int]) -> Iterator[Row]:
    row = {name: cells[i].strip() for name, i in known.items()}
    parameter = _named(row["parameter"], _PARAMETERS)
    if parameter is None:
        todo = suggest(row["parameter"], list(_PARAMETERS), f"known: {', '.join(_PARAMETERS)}")
        raise BadInput(Problem(f"{label}:{number}:parameter", f"'{row['parameter']}' is no parameter", todo))
    if not row.get("unit") and parameter != "ph":
        raise BadInput(Problem(f"{label}:{number}:unit", f"the value of {parameter} has no unit", "give one, as mg/L"))
    read = _value(row["value"], f"{label}:{number}:value") or {"value": None, "flag": "valid", "detection_limit": None}
    if row.get("detection_limit"):
        read["detection_limit"] = float(row["detection_limit"])
    if row.get("flag") in _FLAGS:
        read["flag"] = row["flag"]
    more = {name: row.get(name) or None for name in ("method", "source")}
    yield {
        "section": row["section"],
        "date": _date(row["date"]),
        "parameter": parameter,
        "unit": row.get("unit", ""),
        **read,
        **more,
    }


def _date(text: str) -> str:
    """ISO text of a date as written; what is not understood is left for the check of the table."""
    plain = text.strip().replace("/", "-").removesuffix("Z")
    return re.sub(r"^(\d{4}-\d{2}-\d{2}) (\d)", r"\1T\2", plain)


def _from_json(path: Path) -> Iterator[Row]:
    try:
        document = json.loads(_text(path))
    except ValueError as error:
        raise BadInput(Problem(path.name, f"is not JSON: {error}", "write it again")) from error
    entities = document.get("value", [document]) if isinstance(document, dict) else document
    if not isinstance(entities, list) or not all(isinstance(e, dict) for e in entities):
        raise BadInput(Problem(path.name, "is no SensorThings document", "it has a list 'value' of entities"))
    for entity in entities:
        if "Datastreams" in entity:
            for stream in entity["Datastreams"]:
                yield from _stream(path.name, stream, entity)
        elif "result" in entity:
            stream = entity.get("Datastream", {})
            yield from _observations(path.name, stream, stream.get("Thing", {}), [entity])
        elif "Observations" in entity or "dataArray" in entity:
            yield from _stream(path.name, entity.get("Datastream", entity), entity.get("Thing", {}), entity)


def _stream(label: str, stream: Row, thing: Row, holder: Row | None = None) -> Iterator[Row]:
    holder = stream if holder is None else holder
    found = holder.get("Observations", holder)
    if isinstance(found, dict) and "dataArray" in found:
        names = found.get("components", [])
        found = [dict(zip(names, row, strict=True)) for row in found["dataArray"]]
    yield from _observations(label, stream, stream.get("Thing", thing), found if isinstance(found, list) else [])


def _observations(label: str, stream: Row, thing: Row, found: Sequence[Row]) -> Iterator[Row]:
    """Rows of the observations of one datastream (OGC 15-078r6, SensorThings API part 1)."""
    about = stream.get("ObservedProperty", {}).get("name") or stream.get("name", "")
    parameter = _named(about, _PARAMETERS)
    if parameter is None:
        todo = "expand ObservedProperty, with one of " + ", ".join(_PARAMETERS)
        raise BadInput(Problem(label, f"the datastream '{about}' is of no parameter that is known", todo))
    unit = stream.get("unitOfMeasurement", {}).get("symbol") or ""
    if not unit and parameter != "ph":
        raise BadInput(Problem(label, f"the datastream '{about}' has no unit", "give unitOfMeasurement.symbol"))
    section = str(thing.get("properties", {}).get("id") or thing.get("name") or "")
    if not section:
        raise BadInput(Problem(label, f"the datastream '{about}' names no Thing", "expand Datastream/Thing"))
    for number, entry in enumerate(found, 1):
        read = _value(str(entry.get("result", "")), f"{label}:{about}:{number}")
        time = str(entry.get("phenomenonTime", "")).partition("/")[0]
        empty = {"value": None, "flag": "valid", "detection_limit": None}
        yield {"section": section, "date": _date(time), "parameter": parameter, "unit": unit, **(read or empty)}
