"""Sections on trust: method, sources, provenance, parameters, checks, warnings, and what was not evaluated."""

from __future__ import annotations

from megalopolis.evaluation.number import known, number
from megalopolis.evaluation.sentences import told
from megalopolis.parameters import registry
from megalopolis.pillar import indicators
from megalopolis.report.blocks import Block, Cell, Column, Included, Paragraph, Section, Table, amount, count, text
from megalopolis.report.view import View

#: Correlation from which a backtest is said to explain a part.
_RELATED = 0.3


def method(view: View) -> Section:
    """Give the method in brief, with the definition of every indicator."""
    words = view.words
    columns = (Column(words("indicator")), Column(words("unit")), Column(words("definition")))
    there = set(view.evaluation.ledger["indicator"])
    rows = tuple(
        (Cell(entry.label(view.language)), Cell(view.unit_label(name)), Cell(entry.described(view.language)))
        for name, entry in indicators().items()
        if name in there
    )
    blocks: list[Block] = [Included(f"method_{view.language}.html"), Paragraph(words("borders"), "note")]
    if view.evaluation.region.has("timetable_calls"):
        blocks.append(Paragraph(_timetabled(view), "note"))
    if rows:
        blocks.append(Table(words("definitions"), columns, rows, kind="wide", folded=True))
    return Section("method", words("method_title"), words("method_lead"), tuple(blocks))


def _timetabled(view: View) -> str:
    """Say which day's trains run by the timetable, and which of its departures count."""
    meta, values = view.evaluation.region.meta.timetable, view.evaluation.parameters
    first, last = (
        f"{round(values[f'travel.timetable_{end}']) // 60:02d}:{round(values[f'travel.timetable_{end}']) % 60:02d}"
        for end in ("from", "to")
    )
    day = "–" if meta is None else str(meta.day)
    share = f"{values['travel.timetable_percentile']:g}"
    return view.words("timetabled", day=day, first=first, last=last, percentile=share)


def not_evaluated(view: View) -> Section | None:
    """Name the parts of a full appraisal that this one lacks, and why; None where there are none."""
    words = view.words
    skipped = view.evaluation.skipped
    if not skipped:
        return None
    columns = (Column(words("part")), Column(words("would_show")), Column(words("why_not")))
    rows = tuple(
        (Cell(words.term("pillar", p)), Cell(words.term("shows", p)), Cell(view.reason(why)))
        for p, why in skipped.items()
    )
    table = Table(words("not_evaluated_caption"), columns, rows, fixed=True)
    return Section("missing", words("not_evaluated_title"), words("not_evaluated_lead"), (table,))


def trust(view: View) -> Section:
    """Give scores, checks, warnings and provenance."""
    words = view.words
    e = view.evaluation
    blocks: list[Block] = [*_scores(view), *_backtest(view)]
    columns = [Column(words("table")), Column(words("values"), numeric=True)]
    kinds = ("sourced", "measured", "estimated", "assumed", "unstated")
    columns += [Column(words(f"status_{kind}"), numeric=True) for kind in kinds]
    rows = tuple(
        (Cell(row["table"]), count(int(row["values"])), *(amount(row[kind], "share", view.language) for kind in kinds))
        for row in e.provenance.to_dict("records")
        if row["values"]
    )
    if rows:
        blocks.append(Table(words("provenance_caption"), tuple(columns), rows, words("provenance_note")))
    checks = tuple(
        (
            Cell(c.name),
            Cell(f"{c.value:.2g}", sort=c.value),
            Cell(f"{c.limit:.2g}", sort=c.limit),
            Cell(words("ok" if c.ok else "failed")),
        )
        for c in e.checks
    )
    heads = (
        Column(words("check")),
        Column(words("worst"), numeric=True),
        Column(words("limit"), numeric=True),
        Column(words("verdict")),
    )
    blocks.append(Table(words("checks_caption"), heads, checks) if checks else Paragraph(words("no_checks"), "absent"))
    warnings = [Paragraph(told(w, view.language, e.region), "warning") for w in e.warnings]
    blocks += [Paragraph(words("warnings_head"), "head"), *warnings] if warnings else [Paragraph(words("no_warnings"))]
    return Section("trust", words("trust_title"), words("trust_lead"), tuple(blocks))


def _scores(view: View) -> list[Block]:
    words = view.words
    rides = view.evaluation.held_out_rides
    if rides.empty:
        return [Paragraph(f"{words('trust_score')}: {words('no_scores')}", "absent")]
    heads = ("line_class", "rides", "median_error", "bias")
    columns = (Column(words(heads[0])), *(Column(words(h), numeric=True) for h in heads[1:]))
    groups = [
        (words("all_classes"), rides),
        *((words.term("class", c), g) for c, g in rides.groupby("class", sort=True)),
    ]
    rows = tuple(
        (
            Cell(str(name)),
            count(len(group)),
            amount(float(group["error"].abs().median()), "share", view.language),
            Cell(number(float(group["error"].mean()), None, None, "share", view.language, signed=True).text),
        )
        for name, group in groups
    )
    return [Table(words("scores_caption"), columns, rows, words("scores_note"))]


def _backtest(view: View) -> list[Block]:
    """What the economy would have said of the last ten years, beside methods that know no railway."""
    words, found = view.words, view.evaluation.backtest
    if found is None:
        return []
    heads = ("backtest_rmse", "backtest_correlation", "backtest_right")
    columns = (Column(words("backtest_method")), *(Column(words(h), numeric=True) for h in heads))
    rows = tuple(
        (
            Cell(words.term("method", row["method"])),
            amount(row["rmse"], "share", view.language),
            text(f"{row['correlation']:.2f}" if known(row["correlation"]) else ""),
            amount(row["right_side"], "share", view.language),
        )
        for row in found.scores.to_dict("records")
    )
    related = found.scores.loc[found.scores["method"] == "model", "correlation"].iloc[0]
    note = words(
        "backtest_note",
        start=found.start,
        end=found.end,
        slope=f"{found.slope:.2f}",
        error=f"{found.slope_error:.2f}",
        verdict=words("backtest_some" if related > _RELATED else "backtest_small"),
    )
    caption = words("backtest_caption", start=found.start, end=found.end, count=len(found.rows))
    return [Table(caption, columns, rows, note, fixed=True)]


def sources(view: View) -> Section:
    """Give the sources of the region's tables and the parameters with their ranges."""
    words = view.words
    e = view.evaluation
    blocks: list[Block] = []
    frame = e.region.frame("sources")
    if len(frame):
        names = ("table", "column", "rows", "status", "source", "publisher", "year", "licence", "method")
        columns = tuple(Column(words(f"source_{n}")) for n in names)
        rows = tuple(
            tuple(text(words.term("status", row[n]) if n == "status" else row[n]) for n in names)
            for row in frame.to_dict("records")
        )
        blocks.append(Table(words("sources_caption"), columns, rows, kind="wide", folded=True))
    else:
        blocks.append(Paragraph(words("no_sources"), "absent"))
    heads = (
        Column(words("parameter")),
        Column(words("value"), numeric=True),
        Column(words("low"), numeric=True),
        Column(words("high"), numeric=True),
        Column(words("unit")),
        Column(words("provenance")),
        Column(words("source")),
    )
    known = registry()
    parameters = tuple(
        (
            Cell(id_),
            Cell(f"{value:g}", sort=value),
            *(
                Cell("–" if low == high else f"{x:g}", sort=x)
                for low, high in [e.parameters.ranges[id_]]
                for x in (low, high)
            ),
            text(known[id_].unit),
            Cell(words("set_here") if id_ in e.parameters.settings else words.term("status", known[id_].status)),
            text(words("set_region") if id_ in e.region.meta.parameters else known[id_].source),
        )
        for id_, value in e.parameters.items()
        if id_ in known and id_.partition(".")[0] in view.evaluation.ran
    )
    if parameters:
        blocks.append(
            Table(
                words("parameters_caption"),
                heads,
                parameters,
                words("parameters_note", count=e.draws),
                kind="wide",
                folded=True,
            )
        )
    return Section("sources", words("sources_title"), words("sources_lead"), tuple(blocks))
