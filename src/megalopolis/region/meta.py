"""What ``region.yaml`` says, as rows of a key and a value for workbooks and layers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from megalopolis.errors import Problem, suggest
from megalopolis.region.cells import as_text, is_blank
from megalopolis.region.documents import Document
from megalopolis.region.raw import fold
from megalopolis.region.region import RegionMeta

#: Names of the sheet or layer that holds the rows.
META_TABLES: Final = ("region", "区域")
#: Keys in Chinese, in the order in which a template shows them.
KEYS_ZH: Final = {
    "name": "名称",
    "names": "多语名称",
    "currency": "货币",
    "base_year": "基准年",
    "today": "当前年份",
    "languages": "语言",
    "default_plan": "默认方案",
    "alternatives": "备选方案",
    "parameters": "参数",
    "timetable": "时刻表",
    "notes": "备注",
    "schema_version": "格式版本",
}
_TODO: Final = "add a row with the key '{}' and its value"


class RowsDocument(Document):
    """Key and value rows as a document; places are rows of a sheet or layer."""

    def __init__(self, data: dict[str, Any], places: dict[str, str], label: str) -> None:
        super().__init__(data, {}, label)
        self._places = places

    def where(self, path: Sequence[str | int] = ()) -> str:
        """Return the place of a key's value, or of the sheet where the key is missing."""
        parts = [str(p) for p in path]
        while parts:
            if ".".join(parts) in self._places:
                return self._places[".".join(parts)]
            parts.pop()
        return self.label


def is_meta(name: str) -> bool:
    """Whether a sheet or layer of this name holds the key and value rows."""
    return fold(name) in META_TABLES


def meta_rows(meta: RegionMeta) -> list[tuple[str, str]]:
    """Return the metadata as keys and values; ``names.zh`` and ``travel.x`` stand for nested ones."""
    rows: list[tuple[str, str]] = []
    for key, value in meta_document(meta).items():
        if isinstance(value, dict):
            rows += [(f"{key}.{inner}", str(v)) for inner, v in value.items()]
        elif isinstance(value, list):
            rows.append((key, ", ".join(value)))
        else:
            rows.append((key, str(value)))
    return rows


def meta_document(meta: RegionMeta) -> dict[str, Any]:
    """Return the metadata as the mapping that ``region.yaml`` holds, without what is not set."""
    return meta.model_dump(mode="json", exclude_defaults=True)


def document_of_rows(rows: Iterable[tuple[object, object, str]], label: str) -> tuple[RowsDocument, list[Problem]]:
    """Turn rows of key, value and place into a document.

    Returns
    -------
    tuple
        The document, and problems: keys that are not known or stand twice.
    """
    known = {fold(k): k for k in RegionMeta.model_fields} | {fold(zh): k for k, zh in KEYS_ZH.items()}
    data: dict[str, Any] = {}
    places: dict[str, str] = {}
    problems: list[Problem] = []
    for cell, value, where in rows:
        if is_blank(cell):
            continue
        head, _, inner = as_text(cell).partition(".")
        if fold(head) in {"key", "键", "项目"}:
            continue
        key = known.get(fold(head))
        path = f"{key}.{inner.strip()}" if inner else str(key)
        if key is None:
            todo = suggest(head, [*RegionMeta.model_fields, *KEYS_ZH.values()], "")
            problems.append(Problem(where, f"'{head}' is not known here", todo or "remove the row"))
        elif path in places:
            problems.append(Problem(where, f"'{path}' stands twice", "remove one of the rows"))
        elif not is_blank(value):
            places[path] = where
            if inner:
                data.setdefault(key, {})[inner.strip()] = as_text(value)
            else:
                data[key] = _split(as_text(value)) if key in {"languages", "alternatives"} else as_text(value)
    return RowsDocument(data, places, label), problems


def _split(text: str) -> list[str]:
    for separator in "，、;；":
        text = text.replace(separator, ",")
    return [part.strip() for part in text.split(",") if part.strip()]
