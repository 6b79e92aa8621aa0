"""YAML documents of a region or a plan: data only, with the line of every value for error messages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from megalopolis.errors import BadInput, Problem

#: Far above any real plan (about 100 bytes a measure); keeps a hostile file from filling memory.
MAX_BYTES: Final = 4 * 2**20
MAX_DEPTH: Final = 20
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Document:
    """A YAML mapping and the line of each of its values.

    Parameters
    ----------
    data : dict
        The values.
    lines : dict of tuple to int
        Path of keys and positions to the line, counted from 1.
    label : str
        Name of the file in messages.
    """

    def __init__(self, data: dict[str, Any], lines: dict[tuple[str | int, ...], int], label: str) -> None:
        self.data = data
        self.lines = lines
        self.label = label

    def where(self, path: Sequence[str | int] = ()) -> str:
        """Return ``file:line`` of a value, or of the nearest thing around it that the document has."""
        key = tuple(path)
        while key and key not in self.lines:
            key = key[:-1]
        return f"{self.label}:{self.lines.get(key, 1)}"

    def problems(
        self, error: ValidationError, prefix: Sequence[str | int] = (), *, tagged: bool = False
    ) -> list[Problem]:
        """Turn the findings of a pydantic model, or of a tagged union of models, into problems with their lines."""
        found = []
        for item in error.errors(include_url=False, include_context=False):
            inside = [p for p in item["loc"] if not (isinstance(p, str) and p.startswith("function-"))][tagged:]
            path = (*prefix, *inside)
            name = ".".join(str(p) for p in inside)
            what = item["msg"].removeprefix("Value error, ")
            what = {"Extra inputs are not permitted": "is not known here", "Field required": "is missing"}.get(
                what, what
            )
            found.append(
                Problem(self.where(path), f"'{name}' {what[0].lower()}{what[1:]}", "see the reference of plans")
            )
        return found


_OPENS: Final = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
_CLOSES: Final = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)


def _refuse_hostile(text: str) -> None:
    """Refuse aliases and deep nesting token by token, before a recursive parser could overflow its stack."""
    depth = 0
    for token in yaml.scan(text, Loader=_LOADER):
        depth += isinstance(token, _OPENS) - isinstance(token, _CLOSES)
        if depth > MAX_DEPTH:
            problem = f"nested more than {MAX_DEPTH} deep"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=token.start_mark)
        if isinstance(token, yaml.AliasToken):
            raise yaml.MarkedYAMLError(problem="aliases are not allowed", problem_mark=token.start_mark)


def _walk(node: yaml.Node, path: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int]) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key is not a single word", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"the key '{key.value}' stands twice", problem_mark=key.start_mark)
            seen.add(key.value)
            _walk(value, (*path, str(key.value)), lines)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            _walk(value, (*path, i), lines)


def read_text(path: Path) -> str:
    """Read a YAML file as text with LF line ends.

    Raises
    ------
    BadInput
        If the file is missing, too large or not UTF-8.
    """
    label = path.name
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInput(
                Problem(label, f"is larger than {MAX_BYTES >> 20} MiB", "a document of measures is far smaller")
            )
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BadInput(Problem(str(path), error.strerror or "cannot be read", "check the path")) from error
    except UnicodeDecodeError as error:
        raise BadInput(Problem(label, "is not UTF-8 text", "save it as UTF-8")) from error


def read_yaml(path: Path) -> Document:
    """Read a YAML mapping as plain data; see `read_text` and `parse_yaml`."""
    return parse_yaml(read_text(path), path.name)


def parse_yaml(text: str, label: str) -> Document:
    """Take a YAML mapping as plain data.

    Parameters
    ----------
    text : str
        The document.
    label : str
        Name of the file in messages.

    Raises
    ------
    BadInput
        If it is not YAML, not a mapping, holds tags that would construct objects, aliases, a key twice, or is nested
        too deep.
    """
    lines: dict[tuple[str | int, ...], int] = {}
    try:
        _refuse_hostile(text)
        loader = _LOADER(text)
        try:
            node = loader.get_single_node()
            if node is not None:
                _walk(node, (), lines)
            data = None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{label}:{mark.line + 1}" if mark else label
        what = getattr(error, "problem", None) or str(error).partition("\n")[0] or "cannot be read as YAML"
        raise BadInput(Problem(where, str(what), "write plain YAML: no tags, no aliases")) from error
    if not isinstance(data, dict):
        raise BadInput(Problem(f"{label}:1", "is not a mapping of names to values", "start from `megalopolis new`"))
    return Document(data, lines, label)
