"""Write into ``docs/method/clusters.md`` how the score of the planned clusters moves with each parameter.

Run as ``python tools/score_clusters.py`` after a change of the railway, of travel or of the parameters of clusters.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pandas as pd

import megalopolis as mp
from megalopolis.parameters import registry

PAGE: Final = Path(__file__).parent.parent / "docs" / "method" / "clusters.md"
_MARKED: Final = re.compile(r"(<!-- sensitivity: begin -->\n).*?(<!-- sensitivity: end -->)", re.DOTALL)
#: Beside the ranges: without borders, and with more of what only costs time.
_MORE: Final = ({"clusters.border_factor": 1.0}, {"clusters.runs": 60.0}, {"clusters.resolutions": 40.0})


def match(settings: dict[str, float]) -> pd.Series[float]:
    """Best match of each planned cluster today."""
    found = mp.evaluate(mp.load_region("china"), only=["clusters"], draws=0, settings=settings)
    return found.result("clusters").tables["planned"].set_index("id")["jaccard"]


def table() -> str:
    """Markdown: a row per setting, a column per planned cluster, and the mean."""
    own = [p for p in registry().values() if p.id.startswith("clusters.") and p.low < p.high]
    settings: list[dict[str, float]] = [{}, *({p.id: v} for p in own for v in (p.low, p.high)), *_MORE]
    rows, head = [], ""
    for setting in settings:
        found = match(setting)
        head = " | ".join(["parameter", *found.index, "mean"])
        name = ", ".join(f"`{k.removeprefix('clusters.')}` {v:g}" for k, v in setting.items()) or "defaults"
        rows.append(" | ".join([name, *(f"{v:.2f}" for v in found), f"{found.mean():.3f}"]))
    rule = "|".join("---" for _ in head.split(" | "))
    return "\n".join([f"| {head} |", f"|{rule}|", *(f"| {row} |" for row in rows)]) + "\n"


def main() -> None:
    """Put the table between its marks."""
    text = table()
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_MARKED.sub(lambda found: f"{found[1]}{text}{found[2]}", page), encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
