"""Drawings of environment: rivers by class, who causes what, what each case costs every city."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from megalopolis.report.blocks import Figure, Swatch
from megalopolis.report.citymap import _draw_land as draw_land
from megalopolis.report.drawing import ACCENT, FAINT, INK, MUTED, UNCHANGED, drawing, text_width, to_svg
from megalopolis.report.geography import Frame, frame_of
from megalopolis.report.view import View

WIDTH, HEIGHT = 760.0, 470.0
#: Colours of the classes as the yearly bulletins of China draw them: blue, green, yellow, orange, red.
CLASS_COLOURS: Final = {
    "I": "#2b6cb0",
    "II": "#2b6cb0",
    "III": "#3f9b5b",
    "IV": "#dcb00b",
    "V": "#e07b1a",
    ">V": "#b3152b",
    "": UNCHANGED,
}
#: Sections whose causes are drawn, and cities named in each; cities whose costs are.
MOST_SECTIONS: Final = 14
MOST_CAUSES: Final = 4
MOST_CITIES: Final = 16
#: Cities named on the map.
NAMED: Final = 14
_CAUSES: Final = ("#12466f", "#4f81ad", "#93b5d1", "#cbdbe8")
_OTHERS, _NATURE = "#dadfe5", "#b9cf9f"
_CASES: Final = {"own": "#9aa5b1", "common": "#12466f", "common_floor": "#5b95c4", "least_cost": "#3f9b5b"}


def river_map(view: View, reaches: pd.DataFrame, sections: pd.DataFrame) -> Figure | None:
    """Draw every reach in the colour of its class, and the sections on them; None where nothing has a place."""
    lines, owner = _lines(view, reaches)
    if not lines:
        return None
    every = np.concatenate(lines)
    frame = frame_of(every[:, 0], every[:, 1], WIDTH / HEIGHT)
    table = reaches.set_index("reach")
    classes = [str(table.loc[i, "class"]) for i in owner]
    flow = table["flow_m3s"].reindex(owner).to_numpy(float)
    with drawing(WIDTH, HEIGHT) as figure:
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(frame.west, frame.east), ylim=(frame.south, frame.north))
        axes.set_axis_off()
        draw_land(axes, frame)
        shapes = [np.column_stack(frame.project(line[:, 0], line[:, 1])) for line in lines]
        width = 0.9 + 3.1 * np.sqrt(flow / flow.max())
        colours = [CLASS_COLOURS[c] for c in classes]
        axes.add_collection(LineCollection(shapes, colors=colours, linewidths=width, capstyle="round", zorder=2))
        failing = _draw_sections(view, axes, frame, sections)
        _draw_cities(view, axes, frame)
        alt = view.words("rivers_alt", region=view.region_name)
        svg = to_svg(figure, "rivers", alt)
    shown = [c for c in ("II", "III", "IV", "V", ">V") if c in {"II" if k == "I" else k for k in classes}]
    legend = [Swatch(CLASS_COLOURS[c], view.words.term("class", _key(c)), "line") for c in shown]
    if failing:
        legend.append(Swatch(INK, view.words("rivers_failing")))
    caption = view.words("rivers_caption", year=view.evaluation.year)
    return Figure(svg, caption, alt, legend=tuple(legend), note=view.words("rivers_note"))


def _key(name: str) -> str:
    return {"II": "good", "III": "iii", "IV": "iv", "V": "v", ">V": "worse"}[name]


def _lines(view: View, reaches: pd.DataFrame) -> tuple[list[np.ndarray], list[str]]:
    """Degrees along each reach: its own points where the region has them, else from its middle to the next one's."""
    points = view.evaluation.region.frame("reach_points").sort_values("seq", kind="stable")
    places = points[["lon", "lat"]].to_numpy(float)
    known = {str(reach): places[rows] for reach, rows in points.groupby("reach", sort=False).indices.items()}
    middle = {r["reach"]: (r["lon"], r["lat"]) for r in reaches.to_dict("records") if pd.notna(r["lon"])}
    links = view.evaluation.region.frame("reach_links")
    lines, owner = [], []
    for reach in reaches["reach"]:
        if len(known.get(reach, ())) > 1:
            lines.append(known[reach])
            owner.append(reach)
            continue
        for below in links.loc[links["from"] == reach, "to"]:
            if reach in middle and below in middle:
                lines.append(np.array([middle[reach], middle[below]], float))
                owner.append(reach)
    return lines, owner


def _draw_sections(view: View, axes: Axes, frame: Frame, sections: pd.DataFrame) -> bool:
    """Draw a dot for each section that has a place; those that miss their target in ink. Whether there are any."""
    places = view.evaluation.region.frame("sections").set_index("id")
    reaches = view.evaluation.region.frame("reaches").set_index("id")
    own = places.loc[sections["section"]]
    given = own[["lon", "lat"]].to_numpy(float) if "lon" in own else np.full((len(own), 2), np.nan)
    at = np.where(np.isnan(given), reaches.loc[sections["reach"], ["lon", "lat"]].to_numpy(float), given)
    there = ~np.isnan(at).any(axis=1)
    bad = np.array([c is not pd.NA and c is not None and not c for c in sections["complies"]], bool)
    colours = np.array([CLASS_COLOURS[str(c)] for c in sections["class"]])
    for chosen, size, edge, wide in ((there & ~bad, 13, "white", 0.5), (there & bad, 27, INK, 1.3)):
        if chosen.any():
            x, y = frame.project(at[chosen, 0], at[chosen, 1])
            axes.scatter(x, y, s=size, c=list(colours[chosen]), edgecolors=edge, linewidths=wide, zorder=5)
    return bool((there & bad).any())


def _draw_cities(view: View, axes: Axes, frame: Frame) -> None:
    """Name the largest cities, for orientation, where their names do not cover each other."""
    cities = view.evaluation.state().cities.set_index("id")
    per_point = frame.width / WIDTH
    taken: list[tuple[float, float, float, float]] = []
    for city in view.largest[: 3 * NAMED]:
        (x,), (y,) = frame.project(cities.loc[[city], "lon"].to_numpy(float), cities.loc[[city], "lat"].to_numpy(float))
        name = view.city(city).partition(" (")[0]
        wide = text_width(name, 8.2) * per_point
        box = (x - 4 * per_point, y - 6 * per_point, x + wide + 6 * per_point, y + 6 * per_point)
        inside = frame.west < box[0] and box[2] < frame.east and frame.south < box[1] and box[3] < frame.north
        if not inside or any(box[0] < o[2] and o[0] < box[2] and box[1] < o[3] and o[1] < box[3] for o in taken):
            continue
        taken.append(box)
        axes.plot([x], [y], "s", ms=2.6, mfc=INK, mec="white", mew=0.4, zorder=6)
        axes.text(x + 4 * per_point, y, name, va="center_baseline", fontsize=8.2, color=INK, zorder=6)
        if len(taken) == NAMED:
            break


def cause_bars(view: View, sections: pd.DataFrame, causes: pd.DataFrame) -> Figure | None:
    """Draw who causes the deciding pollutant at the sections that are worst; None where nobody causes anything."""
    names = view.evaluation.region.frame("sections").set_index("id")
    chosen = sections[sections["factor"].isin(set(causes["pollutant"]))]
    chosen = chosen.assign(beyond=chosen["exceeded"] != "", order=chosen["exceedance"].fillna(-9.0))
    chosen = chosen.sort_values(["beyond", "grade", "order"], ascending=False, kind="stable")
    chosen = chosen.head(MOST_SECTIONS)
    if chosen.empty:
        return None
    by = dict(list(causes.groupby(["section", "pollutant"], sort=False)))
    height = 24.0 * len(chosen) + 10
    with drawing(WIDTH, height) as figure:
        axes = figure.add_axes((0.24, 0, 0.76, 1))
        axes.set(xlim=(0, 1), ylim=(len(chosen) - 0.45, -0.55))
        axes.set_axis_off()
        for y, row in enumerate(chosen.to_dict("records")):
            own = names.loc[row["section"]]
            label = view.pick(own["name"], own["name_local"]) + "  " + view.words.term("pollutant", row["factor"])
            axes.text(-0.01, y, label, ha="right", va="center_baseline", fontsize=8.8, color=INK)
            _stack(view, axes, y, by[row["section"], row["factor"]])
        alt = view.words("causes_alt")
        svg = to_svg(figure, "causes", alt)
    legend = (
        Swatch(_CAUSES[0], view.words("causes_first"), "dot"),
        Swatch(_OTHERS, view.words("causes_others"), "dot"),
        Swatch(_NATURE, view.words("causes_nature"), "dot"),
    )
    return Figure(
        svg, view.words("causes_caption", count=len(chosen)), alt, legend=legend, note=view.words("causes_note")
    )


def _stack(view: View, axes: Axes, y: int, rows: pd.DataFrame) -> None:
    """One bar: the cities that cause most, the others together, and the background."""
    cities = rows[rows["city"] != "background"].sort_values("share", ascending=False, kind="stable")
    parts: list[tuple[float, str, str]] = [
        (float(r["share"]), _CAUSES[k], f"{view.city(r['city'])} {100 * r['share']:.0f} %")
        for k, r in enumerate(cities.head(MOST_CAUSES).to_dict("records"))
    ]
    parts.append((float(cities["share"].iloc[MOST_CAUSES:].sum()), _OTHERS, ""))
    parts.append((float(rows.loc[rows["city"] == "background", "share"].sum()), _NATURE, ""))
    left = 0.0
    for share, colour, label in parts:
        axes.barh(y, share, left=left, height=0.66, color=colour, linewidth=0)
        if label and share > 0.011 * len(label):
            ink = "white" if colour in _CAUSES[:2] else INK
            axes.text(left + 0.006, y, label, va="center_baseline", fontsize=7.8, color=ink)
        left += share


def case_bars(view: View, cases: pd.DataFrame) -> Figure | None:
    """Draw what each case costs the cities that it costs most; None where all cost the same."""
    wide = cases.pivot_table(index="city", columns="case", values="cost", aggfunc="sum", sort=False)
    found = [c for c in _CASES if c in wide]
    wide = wide[found]
    spread = (wide.max(axis=1) - wide.min(axis=1)).sort_values(ascending=False, kind="stable")
    wide = wide.loc[spread.index[:MOST_CITIES]]
    if not len(wide) or spread.iloc[0] <= 0:
        return None
    scale, unit = (1e8, view.words("hundred_million")) if view.language == "zh" else (1e6, view.words("million"))
    step, thick = 0.8 / len(found), 0.8 / len(found) * 0.88
    with drawing(WIDTH, 34.0 * len(wide) + 34) as figure:
        axes = figure.add_axes((0.16, 34 / (34.0 * len(wide) + 34), 0.82, 1 - 34 / (34.0 * len(wide) + 34)))
        for k, case in enumerate(found):
            y = np.arange(len(wide)) - 0.4 + (k + 0.5) * step
            axes.barh(y, wide[case].to_numpy(float) / scale, height=thick, color=_CASES[case], linewidth=0)
        axes.set_ylim(len(wide) - 0.5, -0.5)
        axes.set_yticks(range(len(wide)), [view.city(c) for c in wide.index], fontsize=8.8, color=INK)
        axes.set_xlabel(view.words("per_year", unit=f"{unit} {view.currency}"), fontsize=8.8, color=MUTED)
        _bare(axes)
        alt = view.words("case_bars_alt")
        svg = to_svg(figure, "cases", alt)
    legend = tuple(Swatch(_CASES[c], view.words.term("abatement", c), "dot") for c in found)
    return Figure(svg, view.words("case_bars_caption", count=len(wide)), alt, legend=legend)


def _bare(axes: Any) -> None:
    axes.tick_params(length=0, labelsize=8.5, labelcolor=INK)
    axes.grid(axis="x", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(axis="x", colors=MUTED)


def class_shade(name: str) -> tuple[str, str]:
    """Background and ink of a class."""
    ink = "#ffffff" if name in {"I", "II", "III", "V", ">V"} else INK
    return (CLASS_COLOURS.get(name, ""), ink) if name else ("", ACCENT)
