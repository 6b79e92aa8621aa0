"""Clusters: branches, planned clusters and corridors, as a document and as text."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from megalopolis.evaluation.answers.document import Document, cities
from megalopolis.evaluation.answers.plaintext import ABSENT, Teller
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.evaluation.sentences import branch_name


def clusters_answer(evaluation: Evaluation) -> Document:
    """Branches of the hierarchy, planned clusters and corridors of the last state."""
    region, result = evaluation.region, evaluation.result("clusters")

    def rows(table: str, lists: tuple[str, ...]) -> list[Document]:
        records = result.tables[table].to_dict("records")
        return [{str(k): cities(region, v) if k in lists else v for k, v in row.items()} for row in records]

    corridors: dict[float, list[Document]] = {}
    for row in rows("corridors", ("cities",)):
        kept = {k: row[k] for k in ("cities", "population", "length_km")}
        corridors.setdefault(row["threshold_min"], []).append(kept)
    planned = rows("planned", ("missing", "extra"))
    if planned:
        nulls = evaluation.null_scores().to_dict("index")
        planned = [{**row, "baselines": nulls[row["id"]]} for row in planned]
    return {
        "clusters": rows("branches", ("cities",)),
        "planned": planned,
        "corridors": [{"threshold_min": t, "clusters": c} for t, c in corridors.items()],
    }


def clusters_lines(evaluation: Evaluation, language: str) -> list[str]:
    """Planned clusters against the branches that match them, then the corridors."""
    tell, result = Teller(evaluation.region, language), evaluation.result("clusters")
    words = tell.words
    branches = result.tables["branches"]
    names = dict(zip(branches["id"], branches["name"], strict=True))
    case, year = evaluation.last
    lines = [words("text_planned", region=tell.place("region"), case=words.term("case", case), year=year), ""]
    rows = [
        [
            tell.place(f"cluster:{row['id']}"),
            f"{row['jaccard']:.2f}",
            branch_name(names.get(row["best_cluster"], ABSENT), language, evaluation.region),
            words.term("maturity", row["maturity"]),
            *(tell.many([tell.place(i) for i in row[which]]) for which in ("missing", "extra")),
        ]
        for row in result.tables["planned"].to_dict("records")
    ]
    lines += tell.table(tell.heads("cluster", "jaccard", "best_branch", "verdict", "missing", "extra"), rows)
    lines += ["", words("text_branches", count=len(branches)), ""]
    finest = branches[(branches["level"] == branches["level"].max()) & (branches["cities"].map(len) > 1)]
    rows = [
        [branch_name(b["name"], language, evaluation.region), *_size(tell, b), f"{b['stability']:.2f}"]
        for b in finest.sort_values("population", ascending=False).head(20).to_dict("records")
    ]
    size = ("cities", "population", "length")
    lines += tell.table(tell.heads("text_branch", *size, "stability"), rows)
    corridors = result.tables["corridors"]
    rows = [
        [tell.figure(row["threshold_min"], "min"), *_size(tell, row)]
        for row in corridors[corridors["rank"] == 1].to_dict("records")
    ]
    return [*lines, "", words("text_corridors"), "", *tell.table(tell.heads("threshold", *size), rows)]


def _size(tell: Teller, group: Mapping[Hashable, Any]) -> list[str]:
    people, length = group["population"], group["length_km"]
    return [str(len(group["cities"])), tell.figure(people), tell.figure(length, "km")]
