"""Clusters: branches, planned clusters and corridors, as a document and as text."""

from __future__ import annotations

from megalopolis.evaluation.answers.document import Document, cities
from megalopolis.evaluation.answers.plaintext import figure, place_name, table
from megalopolis.evaluation.evaluation import Evaluation


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
    region, result = evaluation.region, evaluation.result("clusters")
    planned = result.tables["planned"]
    lines = [f"{region.name}, {evaluation.last[0]} {evaluation.year}: planned clusters against what travel forms", ""]
    rows = [
        [
            place_name(region, f"cluster:{row['id']}", language),
            f"{row['jaccard']:.2f}",
            str(row["best_cluster"]),
            str(row["maturity"]),
            ", ".join(place_name(region, i, language) for i in row["missing"]) or "-",
            ", ".join(place_name(region, i, language) for i in row["extra"]) or "-",
        ]
        for row in planned.to_dict("records")
    ]
    lines += table(["planned", "Jaccard", "best branch", "maturity", "missing", "extra"], rows)
    branches = result.tables["branches"]
    lines += ["", f"{len(branches)} branches; the 20 most populous of the finest level with more than one city", ""]
    finest = branches[(branches["level"] == branches["level"].max()) & (branches["cities"].map(len) > 1)]
    rows = [
        [
            str(b["name"]),
            str(len(b["cities"])),
            figure(b["population"]),
            figure(b["length_km"], "km"),
            f"{b['stability']:.2f}",
        ]
        for b in finest.sort_values("population", ascending=False).head(20).to_dict("records")
    ]
    lines += table(["branch", "cities", "people", "length", "stability"], rows)
    corridors = result.tables["corridors"]
    lines += ["", "corridors: the largest group of cities within each threshold of the next", ""]
    rows = [
        [
            f"{row['threshold_min']:.0f} min",
            str(len(row["cities"])),
            figure(row["population"]),
            figure(row["length_km"], "km"),
        ]
        for row in corridors[corridors["rank"] == 1].to_dict("records")
    ]
    return [*lines, *table(["threshold", "cities", "people", "length"], rows)]
