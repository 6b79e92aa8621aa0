"""The arrows of the design: who may import whom, and no circles."""

import ast
from graphlib import TopologicalSorter
from importlib.resources import files
from pathlib import Path

import pytest

SRC = Path(str(files("megalopolis")))
PILLARS = {"travel", "clusters", "economy", "services", "environment", "carbon", "settlement"}
GROUND = {"errors", "units"}
MAY = {
    "errors": set(),
    "units": set(),
    "region": GROUND,
    "plan": GROUND | {"region"},
    "parameters": GROUND,
    "pillar": GROUND,
    **{p: GROUND | {"region", "plan", "pillar"} for p in PILLARS},
    "evaluation": GROUND | {"region", "plan", "parameters", "pillar"} | PILLARS,
    "report": GROUND | {"region", "plan", "parameters", "pillar", "evaluation"},
    "cli": GROUND | {"region", "plan", "parameters", "pillar", "evaluation", "report", "web"},
    "web": GROUND | {"region", "plan", "parameters", "pillar", "evaluation", "report"},
}


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}:{node.lineno}: relative import"
            parts = (node.module or "").split(".")
            if parts[0] == "megalopolis":
                found |= {parts[1]} if len(parts) > 1 else {a.name for a in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("megalopolis.")}
    return found


def _rooms() -> dict[str, set[str]]:
    rooms: dict[str, set[str]] = {}
    for path in SRC.rglob("*.py"):
        room = path.relative_to(SRC).parts[0].removesuffix(".py")
        if room != "__init__":
            rooms.setdefault(room, set()).update(_imports(path) - {room})
    return rooms


@pytest.mark.parametrize("room", sorted(_rooms()))
def test_room_imports_only_what_it_stands_on(room: str) -> None:
    assert room in MAY, f"{room} has no place in the design"
    assert _rooms()[room] <= MAY[room]


def test_no_circles() -> None:
    assert list(TopologicalSorter(_rooms()).static_order())


@pytest.mark.parametrize("path", sorted(SRC.rglob("*.py")), ids=lambda p: p.relative_to(SRC).as_posix())
def test_rooms_are_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 450
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            assert (node.end_lineno or 0) - first.lineno < 60, node.name
