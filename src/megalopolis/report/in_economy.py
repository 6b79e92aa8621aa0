"""Section on incomes and industries: what the plan is worth to each city, and who builds what his neighbours build."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from megalopolis.evaluation.incomes import CHANNELS, by_place, channels, policies, sensitivity, structure
from megalopolis.evaluation.number import known, number
from megalopolis.report.blocks import Block, Cell, Column, Paragraph, Section, Table, said
from megalopolis.report.citymap import change_map
from megalopolis.report.in_declared import declared
from megalopolis.report.view import View

_TOLD: Final = ("gdp", "real_income", "welfare", "population", "wage", "rent")
_PERCENT: Final = frozenset({"gdp", "real_income", "wage", "rent"})
_SIDES = 12
#: Tables to which measures of the economy add.
_LEVERS: Final = ("migration_barriers", "trade_barriers", "subsidies", "agreements", "land_supply")
#: Rules of agreements that solve a game in every case.
_SLOW: Final = frozenset({"cooperate", "bargain"})
#: A channel below this share of all is rounding, and not told.
_NOTHING: Final = 1e-6


def incomes(view: View) -> Section:
    """Give what the plan is worth: clusters, map, cities, channels, sensitivity, and the industries of neighbours."""
    words = view.words
    section = ("economy", words("economy_title"))
    if "economy" not in view.evaluation.ran:
        return Section(*section, view.why_absent("economy"))
    blocks: list[Block] = []
    if view.has_plan() and view.change("gdp") is not None:
        blocks += [
            _together(view),
            _map(view),
            *_cities(view),
            *_channels(view),
            *_policies(view),
            *_bands(view),
            *_structure(view),
        ]
    blocks += declared(view)
    lead = _lead(view)
    if not blocks:
        blocks = [Paragraph(words("needs_plan"), "absent")]
    return Section(*section, lead, tuple(blocks))


def _lead(view: View) -> str:
    words = view.words
    row, worth = view.change("gdp"), view.change("welfare")
    if row is None or worth is None or not view.has_plan():
        return words("economy_lead_levels")
    money, well = view.gain("gdp"), view.gain("welfare")
    return words(
        "economy_lead",
        year=view.evaluation.year,
        gdp=_ranged(view, money),
        percent=view.percent(row).text,
        welfare=_ranged(view, well),
    )


def _ranged(view: View, cell: Cell) -> str:
    return cell.text + (view.words("range", low=cell.low, high=cell.high) if cell.low else "")


def _together(view: View) -> Table:
    """The region and its clusters."""
    words = view.words
    columns = (
        Column(words("cluster")),
        *(Column(view.heading(n, percent=n in _PERCENT), numeric=True) for n in _TOLD),
    )
    rows = []
    for place, name in [("region", view.region_name), *((f"cluster:{c}", view.cluster(c)) for c in view.clusters)]:
        cells = [Cell(name)]
        for indicator in _TOLD:
            row = view.change(indicator, place)
            if row is None:
                cells.append(Cell("–"))
            else:
                cells.append(view.percent(row) if indicator in _PERCENT else view.gain(indicator, place))
        if place == "region":
            cells[_TOLD.index("population") + 1] = Cell("–")  # people move, none are added
        rows.append(tuple(cells))
    caption = words("economy_clusters", year=view.evaluation.year)
    return Table(caption, columns, tuple(rows), words("economy_clusters_note"), fixed=True)


def _real(view: View) -> pd.DataFrame:
    """Change of real income of every city in per cent, with its range, by city."""
    rows = view.evaluation.at_place("real_income")
    found = pd.DataFrame(index=rows.index)
    for name, column in (("percent", "difference"), ("low", "low"), ("high", "high")):
        found[name] = 100 * rows[column] / rows["baseline"]
    found["spans_zero"] = rows["spans_zero"]
    return found


def _map(view: View) -> Block:
    words, rows = view.words, _real(view)
    ids = view.evaluation.state().cities["id"]
    shown = rows.reindex(ids)
    return change_map(
        view,
        shown["percent"].to_numpy(float),
        shown["spans_zero"].isin([1]).to_numpy(bool),
        name="incomes",
        alt=words("economy_map_alt", region=view.region_name),
        caption=words("economy_map", year=view.evaluation.year),
        title=words("economy_map_legend"),
        railway=False,
    )


def _cities(view: View) -> list[Block]:
    """Winners and losers by real income per resident; all cities stand in the tables beside the report."""
    words, rows = view.words, _real(view).dropna(subset=["percent"])
    order = rows["percent"].round(2).sort_values(kind="stable", ascending=False).index
    table = view.table("economy", "cities")
    if table is None:
        return []
    whole = table.set_index("city")
    money = channels(table)
    head = (
        Column(words("city")),
        Column(view.heading("real_income", percent=True), numeric=True),
        Column(view.heading("population"), numeric=True),
        Column(view.heading("gdp"), numeric=True),
        Column(view.heading("welfare"), numeric=True),
        Column(words("economy_main_channel")),
    )
    found: list[Block] = []
    for key, ids in (("economy_winners", order[:_SIDES]), ("economy_losers", order[::-1][:_SIDES])):
        cells = tuple(_city(view, str(c), rows.loc[c], whole.loc[c], money.loc[c]) for c in ids if c in whole.index)
        note = words("economy_cities_note") if key == "economy_winners" else ""
        found.append(Table(words(key, year=view.evaluation.year), head, cells, note))
    return found


def _city(view: View, id_: str, real: pd.Series[Any], now: pd.Series[Any], money: pd.Series[Any]) -> tuple[Cell, ...]:
    lang, currency = view.language, view.currency
    share = number(real["percent"], real["low"], real["high"], "%", lang, signed=True)
    people = now["population"] - now["population_base"]
    made = now["gdp"] - now["gdp_base"]
    main = str(money.abs().idxmax())
    estimated = view.words("economy_estimated") if bool(now["gdp_estimated"]) else ""
    return (
        Cell(f"{view.city(id_)}{estimated}"),
        said(share, real["percent"], spans_zero=bool(real["spans_zero"])),
        said(number(people, None, None, "persons", lang, signed=True), people),
        said(number(made, None, None, currency, lang, signed=True), made),
        said(number(now["welfare"], None, None, currency, lang, signed=True), now["welfare"]),
        Cell(view.words.term("channel", main)),
    )


def _channels(view: View) -> list[Block]:
    words, table = view.words, view.table("economy", "cities")
    if table is None:
        return []
    money = channels(table)
    sums = by_place(money, view.evaluation.region)
    told = [c for c in CHANNELS if money[c].abs().sum() > _NOTHING * money.abs().sum().sum()]
    columns = (
        Column(words("cluster")),
        *(Column(words.term("channel", c), numeric=True) for c in told),
        Column(words("economy_sum"), numeric=True),
    )
    rows = []
    for place in ["region", *(f"cluster:{c}" for c in view.clusters)]:
        name = view.region_name if place == "region" else view.cluster(place.removeprefix("cluster:"))
        values = [*sums[told].loc[place].to_numpy(float), sums.loc[place].sum()]
        rows.append(
            (
                Cell(name),
                *(said(number(v, None, None, view.currency, view.language, signed=True), v) for v in values),
            )
        )
    return [Table(words("economy_channels"), columns, tuple(rows), words("economy_channels_note"), fixed=True)]


def _policies(view: View) -> list[Block]:
    """Shapley values, where the plan has measures of the economy beside others."""
    words, state = view.words, view.evaluation.state()
    tables = {n: state.frame(n) for n in _LEVERS if state.has(n)}
    if not any(t["measure"].notna().any() for t in tables.values()):
        return []
    if "agreements" in tables and tables["agreements"]["rule"].isin(_SLOW).any():
        return [Paragraph(words("economy_policies_slow"), "note")]
    values = policies(view.evaluation)
    found = list(dict.fromkeys(values["policy"]))
    if len(found) < 2:
        return []
    columns = (Column(words("economy_policy")), *(Column(view.heading(n), numeric=True) for n in ("gdp", "welfare")))
    whole = values.groupby("policy", sort=False)[["gdp", "welfare"]].sum()
    sums = [(words.term("policy", str(p)), r["gdp"], r["welfare"]) for p, r in whole.iterrows()]
    total = whole.sum()
    rows = tuple(
        (
            Cell(name),
            *(said(number(v, None, None, view.currency, view.language, signed=True), v) for v in money),
        )
        for name, *money in [*sums, (words("economy_sum"), total["gdp"], total["welfare"])]
    )
    caption = words("economy_policies", year=view.evaluation.year)
    return [Table(caption, columns, rows, words("economy_policies_note"), fixed=True)]


def _bands(view: View) -> list[Block]:
    """One parameter at a time."""
    words, found = view.words, sensitivity(view.evaluation)
    if found.empty:
        return []
    ends = ("gdp_low", "gdp_high", "welfare_low", "welfare_high")
    heads = (view.heading(n.partition("_")[0]) for n in ends)
    columns = (
        Column(words("parameter")),
        *(Column(words(k), numeric=True) for k in ("low", "high")),
        *(
            Column(words("at_low" if n.endswith("low") else "at_high", label=h), numeric=True)
            for n, h in zip(ends, heads, strict=True)
        ),
    )
    rows = tuple(
        (
            Cell(words.term("economy_parameter", r["parameter"])),
            *(Cell(f"{r[k]:g}" if known(r[k]) else "–") for k in ("low", "high")),
            *(said(number(r[n], None, None, view.currency, view.language, signed=True), r[n]) for n in ends),
        )
        for r in found.to_dict("records")
    )
    caption = words("economy_bands", year=view.evaluation.year)
    return [Table(caption, columns, rows, words("economy_bands_note"), fixed=True)]


def _structure(view: View) -> list[Block]:
    words, made = view.words, view.table("economy", "industries")
    if made is None or made["industry"].nunique() < 2 or not view.clusters:
        return []
    found = structure(made, view.evaluation.region).set_index("cluster")
    keys = ("krugman_base", "krugman", "similarity_base", "similarity")
    heads = ("economy_krugman_base", "economy_krugman", "economy_similarity_base", "economy_similarity")
    columns = (Column(words("cluster")), *(Column(words(k), numeric=True) for k in heads))
    values = found.reindex(list(view.clusters))[list(keys)].to_numpy(float).tolist()
    rows = tuple(
        (Cell(view.cluster(c)), *(_decimal(v, 3) for v in row)) for c, row in zip(view.clusters, values, strict=True)
    )
    note = words("economy_structure_note", count=made["industry"].nunique())
    return [Table(words("economy_structure"), columns, rows, note, fixed=True)]


def _decimal(value: float, digits: int = 2) -> Cell:
    return Cell(f"{value:.{digits}f}", sort=value) if known(value) else Cell("–")
