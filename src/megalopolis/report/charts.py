"""The charts: who gets ahead and who falls behind, corridors by threshold, years."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from megalopolis.evaluation.number import number
from megalopolis.report.blocks import Figure, Swatch
from megalopolis.report.drawing import ACCENT, BUILT, FAINT, GAINS, INK, LOSSES, MUTED, drawing, to_svg
from megalopolis.report.view import View

SIDES: Final = 7
#: Cities among which winners and losers are told: names that a reader knows.
LARGE: Final = 100
_OTHERS: Final[dict[str, Any]] = {"color": "#9db4c8", "linewidth": 0.9, "markersize": 2.5, "zorder": 2}


def winners_and_losers(view: View) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the ten large cities that gain most against the average resident, and the ten that fall behind most.

    Only the hundred largest cities count; where two print the same, the larger one comes first.
    """
    rows = view.relative.reindex(view.largest[:LARGE]).dropna(subset=["relative"])
    order = rows["relative"].round(1).sort_values(kind="stable").index
    up = rows["relative"].round(1).mul(-1).sort_values(kind="stable").index
    behind, ahead = rows.loc[order], rows.loc[up]
    return ahead[ahead["relative"] > 0].head(SIDES), behind[behind["relative"] < 0].head(SIDES)


def bars(view: View) -> Figure | None:
    """Draw winners and losers as diverging bars about the average; None without a plan."""
    if not view.has_plan() or view.relative["relative"].dropna().empty:
        return None
    ahead, behind = winners_and_losers(view)
    if not len(ahead) and not len(behind):
        return None
    row = view.change("accessibility")
    average = view.percent(row).text if row else "–"
    alt = view.words("bars_alt", ahead=view.cities(ahead.index[:3]), behind=view.cities(behind.index[:3]))
    rows = max(len(ahead), len(behind))
    width, height = 500.0, 18 * rows + 28
    reach = max([*ahead["relative"].abs(), *behind["relative"].abs(), 1e-9])
    half = 0.5 * width
    room = 150 if len(behind) and behind["relative"].abs().max() > 0.4 * reach else 0
    zero = half if room else 0.42 * width  # small losses leave the left side to their names
    scale = min(zero - 150, width - zero - 150) if room else width - zero - 150
    with drawing(width, height) as figure:
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(-zero, width - zero), ylim=(rows - 0.4, -1.6))
        axes.set_axis_off()
        axes.plot([0, 0], [-0.6, rows - 0.4], color=INK, linewidth=0.8)
        for x, align, label in ((-5, "right", view.words("behind")), (5, "left", view.words("ahead"))):
            axes.text(x, -1.1, label, ha=align, va="center_baseline", fontsize=8.8, color=MUTED)
        for frame, sign, colour in ((behind, -1, LOSSES[2]), (ahead, 1, GAINS[3])):
            for y, (city, entry) in enumerate(frame.iterrows()):
                length = scale * abs(entry["relative"]) / reach
                hatch = "//////" if entry["spans_zero"] else None
                axes.barh(y, sign * length, height=0.6, color=colour, edgecolor="white", linewidth=0, hatch=hatch)
                _bar_label(view, axes, str(city), entry, (sign * (length + 4), y))
        svg = to_svg(figure, "bars", alt)
    hatched = bool(ahead["spans_zero"].any() or behind["spans_zero"].any())
    legend = (Swatch(MUTED, view.words("map_hatched"), "hatch"),) if hatched else ()
    count = min(LARGE, len(view.largest))
    note = view.words("bars_note", average=average)
    return Figure(svg, view.words("bars_caption", count=count), alt, legend=legend, note=note)


def _bar_label(view: View, axes: Axes, city: str, entry: pd.Series[Any], at: tuple[float, float]) -> None:
    """Write name and value beyond the end of a bar, the value next to it."""
    off = entry["percent"] - entry["relative"]
    printed = number(
        entry["relative"], entry["percent_low"] - off, entry["percent_high"] - off, "", view.language, signed=True
    )
    right = at[0] > 0
    label = f"{printed.text}  {view.city(city)}" if right else f"{view.city(city)}  {printed.text}"
    axes.text(*at, label, ha="left" if right else "right", va="center_baseline", fontsize=8.8, color=INK)


def corridors(view: View, table: pd.DataFrame) -> Figure:
    """Draw the people in the largest cluster at every threshold of minutes, and where it jumps."""
    first = table[table["rank"] == table["rank"].min()].sort_values("threshold_min")
    x, people = first["threshold_min"].to_numpy(float), first["population"].to_numpy(float)
    alt = view.words("corridors_alt", low=f"{x[0]:g}", high=f"{x[-1]:g}")
    scale, unit = (1e8, view.words("hundred_million")) if view.language == "zh" else (1e6, view.words("million_people"))
    with drawing(760, 200) as figure:
        axes = figure.add_axes((0.08, 0.17, 0.90, 0.76))
        for rank, rows in table.groupby("rank", sort=True):
            if rank > first["rank"].iloc[0] + 4:
                continue
            main = rank == first["rank"].iloc[0]
            ordered = rows.sort_values("threshold_min")
            style: dict[str, Any] = (
                {"color": ACCENT, "linewidth": 1.8, "markersize": 4, "zorder": 3} if main else _OTHERS
            )
            axes.plot(ordered["threshold_min"], ordered["population"] / scale, marker="o", **style)
        if len(x) > 1:
            jump = int(np.argmax(np.diff(people)))
            axes.plot(x[jump : jump + 2], people[jump : jump + 2] / scale, color=BUILT, linewidth=2.4, zorder=4)
        axes.set_xticks(x)
        axes.set_xlabel(view.words("threshold_axis"), fontsize=9, color=MUTED)
        axes.set_ylabel(unit, fontsize=9, color=MUTED)
        axes.set_ylim(bottom=0)
        axes.margins(x=0.01)
        axes.tick_params(labelsize=8.5, colors=MUTED, length=3)
        axes.grid(axis="y", color=FAINT, linewidth=0.6)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color(FAINT)
        svg = to_svg(figure, "corridors", alt)
    legend = (
        Swatch(ACCENT, view.words("corridors_first"), "line"),
        Swatch("#9db4c8", view.words("corridors_next"), "line"),
        Swatch(BUILT, view.words("corridors_jump"), "line"),
    )
    return Figure(svg, view.words("corridors_caption"), alt, legend=legend)
