"""The map of the plan's gain by city."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from megalopolis.evaluation.ledger import BASELINE, PLAN
from megalopolis.evaluation.number import number
from megalopolis.region import Region
from megalopolis.report.blocks import Figure, Swatch
from megalopolis.report.drawing import (
    ACCENT,
    BUILT,
    COAST,
    GAINS,
    INK,
    LAND,
    LOSSES,
    MUTED,
    UNCHANGED,
    drawing,
    text_width,
    to_svg,
)
from megalopolis.report.geography import Frame, frame_of, land
from megalopolis.report.view import View

WIDTH, HEIGHT = 620.0, 515.0
LABELS: Final = 20
#: A change smaller than this many per cent is drawn as none: it prints as zero.
_NOTHING: Final = 0.05
_FINE: Final = (*(k / 2 for k in range(2, 21)),)


@dataclass(frozen=True)
class Classes:
    """Colours of values: ``edges`` rise, ``colours`` has one more entry."""

    edges: tuple[float, ...]
    colours: tuple[str, ...]

    def colour(self, value: float) -> str:
        """Colour of a value; grey where there is none."""
        return UNCHANGED if not np.isfinite(value) else self.colours[int(np.searchsorted(self.edges, value, "right"))]


def _round_edges(values: npt.NDArray[np.float64], count: int, steps: tuple[float, ...] = (1, 2, 5, 10)) -> list[float]:
    """Edges near the quantiles of positive values, rounded to one of some steps times a power of ten."""
    edges: list[float] = []
    for share in np.arange(1, count) / count:
        value = float(np.quantile(values, share))
        power = 10.0 ** np.floor(np.log10(value))
        edge = float(power * min(steps, key=lambda step: abs(np.log(value / power / step))))
        if edge > 0 and edge not in edges and edge < values.max():
            edges.append(edge)
    return edges


def classes_of(values: npt.NDArray[np.float64]) -> Classes:
    """Classes of changes in per cent: grey about zero, blues above, reds below, darker for more."""
    finite = values[np.isfinite(values)]
    up, down = finite[finite >= _NOTHING], -finite[finite <= -_NOTHING]
    above = [_NOTHING, *(e for e in (_round_edges(up, 5) if len(up) else []) if e > _NOTHING)]
    below = [_NOTHING, *(e for e in (_round_edges(down, 4) if len(down) else []) if e > _NOTHING)]
    edges = ([-e for e in reversed(below)] if len(down) else []) + (above if len(up) else [])
    reds = LOSSES[-len(below) :][::-1] if len(down) else ()
    blues = GAINS[-len(above) :] if len(up) else ()
    return Classes(tuple(edges), (*reds, UNCHANGED, *blues))


def gain_map(view: View) -> Figure:
    """Draw every city by its change of accessibility; without a plan, by accessibility itself."""
    values, doubtful = _values(view, list(view.evaluation.state().cities["id"]))
    return change_map(
        view,
        values,
        doubtful,
        name="map",
        alt=view.words("map_alt", region=view.region_name, largest=view.cities(view.largest[:5])),
        caption=view.words("map_caption" if view.has_plan() else "map_caption_level", year=view.evaluation.year),
        title=view.words("map_legend" if view.has_plan() else "map_legend_level"),
    )


def change_map(
    view: View,
    values: npt.NDArray[np.float64],
    doubtful: npt.NDArray[np.bool_],
    *,
    name: str,
    alt: str,
    caption: str,
    title: str,
    railway: bool = True,
) -> Figure:
    """Draw every city by a value in the order of the state's cities; hatched where its range spans zero.

    Without ``railway`` only the plan's own lines are drawn.
    """
    state = view.evaluation.state()
    cities = state.cities
    frame = frame_of(cities["lon"], cities["lat"], WIDTH / HEIGHT)
    if view.has_plan():
        classes = classes_of(values)
    else:
        edges = _round_edges(values[values > 0], 5, _FINE) if (values > 0).any() else []
        classes = Classes(tuple(edges), GAINS[-len(edges) - 1 :])
    with drawing(WIDTH, HEIGHT) as figure:
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(frame.west, frame.east), ylim=(frame.south, frame.north))
        axes.set_axis_off()
        _draw_land(axes, frame)
        _draw_clusters(axes, frame, state)
        new = _draw_lines(axes, frame, view, railway=railway)
        sizes = _draw_cities(axes, frame, cities, [classes.colour(v) for v in values], doubtful)
        _draw_labels(axes, frame, view, cities, sizes)
        svg = to_svg(figure, name, alt)
    return Figure(
        svg, caption, alt, title, _legend(view, classes, doubtful=bool(doubtful.any()), new=new, railway=railway)
    )


def _values(view: View, ids: list[str]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    if view.has_plan():
        rows = view.relative.reindex(ids)
        return rows["percent"].to_numpy(float), rows["spans_zero"].isin([1]).to_numpy(bool)
    rows = view.evaluation.ledger
    rows = rows[(rows["indicator"] == "accessibility") & (rows["year"] == view.evaluation.year)]
    values = rows.drop_duplicates("place").set_index("place")["value"].reindex(ids).to_numpy(float)
    return values, np.zeros(len(ids), dtype=bool)


def _draw_land(axes: Axes, frame: Frame) -> None:
    rings = land(frame)
    if not rings:
        return
    codes = [
        np.array([Outline.MOVETO] + [Outline.LINETO] * (len(r) - 2) + [Outline.CLOSEPOLY], np.uint8) for r in rings
    ]
    outline = Outline(np.concatenate(rings), np.concatenate(codes))
    axes.add_patch(PathPatch(outline, facecolor=LAND, edgecolor=COAST, linewidth=0.6, gid="land"))


def _draw_clusters(axes: Axes, frame: Frame, state: Region) -> None:
    """Planned clusters as the union of discs about their members, in the light accent."""
    planned = state.frame("clusters_planned")
    if planned.empty:
        return
    places = state.frame("cities").set_index("id")
    reach = 0.018 * frame.width
    for _, rows in planned.groupby("cluster", sort=True):
        members = places.loc[places.index.intersection(list(rows["city"]))]
        x, y = frame.project(members["lon"], members["lat"])
        whole = shapely.union_all(shapely.buffer(shapely.points(x, y), 2.2 * reach)).buffer(-reach).simplify(reach / 10)
        for part in shapely.get_parts(whole):
            ring = shapely.get_coordinates(shapely.get_exterior_ring(part))
            axes.add_patch(
                PathPatch(
                    Outline(ring),
                    facecolor=ACCENT + "12",
                    edgecolor=ACCENT + "70",
                    linewidth=0.7,
                    linestyle=(0, (3, 2)),
                )
            )


def _paths(state: Region) -> dict[str, npt.NDArray[np.float64]]:
    """Degrees along each line through its stops, by id of the line."""
    stops = state.frame("rail_stops").sort_values(["line", "seq"], kind="stable")
    stations = state.frame("stations").set_index("id")
    row = stations.index.get_indexer(pd.Index(stops["station"]))
    stops, places = stops[row >= 0], stations[["lon", "lat"]].to_numpy(float)[row[row >= 0]]
    return {str(line): places[rows] for line, rows in stops.groupby("line", sort=True).indices.items() if len(rows) > 1}


def _segments(frame: Frame, state: Region, lines: set[str]) -> list[npt.NDArray[np.float64]]:
    paths = state.derive("report.paths", lambda: _paths(state))
    return [np.column_stack(frame.project(*path.T)) for line, path in paths.items() if line in lines]


def changed_lines(view: View) -> tuple[set[str], set[str]]:
    """Ids of the lines that the plan adds, and of those that it makes faster or more frequent."""
    if not view.has_plan():
        return set(), set()
    year = view.evaluation.year
    old, new = (view.evaluation.states[case, year].frame("rail_lines").set_index("id") for case in (BASELINE, PLAN))
    both = new.index.intersection(old.index)
    columns = ["operating_kmh", "headway_min"]
    before, after = old.loc[both, columns], new.loc[both, columns]
    differs = ~((before == after) | (before.isna() & after.isna())).all(axis=1)
    return set(new.index.difference(old.index)), set(both[differs])


def _draw_lines(axes: Axes, frame: Frame, view: View, *, railway: bool) -> bool:
    """Draw the lines there are, then those of the plan above them; say whether there are any of the plan."""
    state = view.evaluation.state()
    lines = state.frame("rail_lines")
    added, upgraded = changed_lines(view)
    old = lines[~lines["id"].isin(added | upgraded)] if railway else lines[:0]
    slow = set(old.loc[old["kind"] == "conventional", "id"])
    fast = set(old["id"]) - slow
    for ids, colour, width in (
        (slow, "#c9c3b6", 0.5),
        (fast, "#8b95a1", 0.8),
        (upgraded, BUILT, 0.9),
        (added, BUILT, 1.5),
    ):
        axes.add_collection(
            LineCollection(_segments(frame, state, ids), colors=colour, linewidths=width, capstyle="round")
        )
    return bool(added | upgraded)


def _draw_cities(
    axes: Axes, frame: Frame, cities: pd.DataFrame, colours: list[str], doubtful: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Draw a disc for every city, its area by population; return the radii in points."""
    people = cities["population"].fillna(0).to_numpy(float)
    crowd = min(1.0, (60 / max(len(cities), 1)) ** 0.5)
    radius = (2.2 + 8.0 * np.sqrt(people / max(people.max(), 1.0))) * (0.55 + 0.45 * crowd)
    x, y = frame.project(cities["lon"], cities["lat"])
    order = np.argsort(-people, kind="stable")
    for chosen, hatch in ((order[~doubtful[order]], None), (order[doubtful[order]], "//////")):
        if len(chosen):
            axes.scatter(
                x[chosen],
                y[chosen],
                s=(2 * radius[chosen]) ** 2,
                c=[colours[i] for i in chosen],
                edgecolors="white" if hatch is None else MUTED,
                linewidths=0.5,
                hatch=hatch,
                zorder=4,
            )
    return np.asarray(radius)


def _draw_labels(axes: Axes, frame: Frame, view: View, cities: pd.DataFrame, radius: npt.NDArray[np.float64]) -> None:
    """Write the names of the largest cities where they cover neither each other nor another large city."""
    size = 8.6 if view.language == "en" else 9.0
    x, y = frame.project(cities["lon"], cities["lat"])
    px, py = (x - frame.west) / frame.width * WIDTH, (y - frame.south) / frame.height * HEIGHT
    rank = {id_: i for i, id_ in enumerate(view.largest)}
    order = sorted(range(len(cities)), key=lambda i: rank.get(cities["id"].iloc[i], len(rank)))
    taken = [
        (px[i] - radius[i], py[i] - radius[i], px[i] + radius[i], py[i] + radius[i], i) for i in order[: 2 * LABELS]
    ]
    written = 0
    for i in order[: 3 * LABELS]:
        if written >= LABELS:
            break
        name = view.city(cities["id"].iloc[i]).partition(" (")[0]
        wide, high, gap = text_width(name, size), size * 1.1, radius[i] + 2
        for dx, dy, align in (
            (gap, 0, "left"),
            (-gap, 0, "right"),
            (0, gap + high / 2, "center"),
            (0, -gap - high / 2, "center"),
        ):
            left = px[i] + dx - {"left": 0, "right": wide, "center": wide / 2}[align]
            box = (left, py[i] + dy - high / 2, left + wide, py[i] + dy + high / 2)
            inside = box[0] > 3 and box[2] < WIDTH - 3 and box[1] > 3 and box[3] < HEIGHT - 3
            if inside and not any(j != i and _overlap(box, other) for *other, j in taken):
                at = (
                    frame.west + (px[i] + dx) / WIDTH * frame.width,
                    frame.south + (py[i] + dy) / HEIGHT * frame.height,
                )
                axes.text(
                    *at, name, ha=align, va="center_baseline", fontsize=size, color=INK, zorder=6, gid=f"label{written}"
                )
                taken.append((*box, i))
                written += 1
                break


def _overlap(a: tuple[float, ...], b: list[Any]) -> bool:
    return bool(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])


def _legend(view: View, classes: Classes, *, doubtful: bool, new: bool, railway: bool) -> tuple[Swatch, ...]:
    labels = [_class_label(view, classes, k) for k in range(len(classes.colours))]
    found = [Swatch(colour, label) for colour, label in zip(classes.colours, labels, strict=True)]
    state = view.evaluation.state()
    others = (
        (doubtful, Swatch(MUTED, view.words("map_hatched"), "hatch")),
        (new, Swatch(BUILT, view.words("map_new_lines"), "line")),
        (railway and state.has("rail_lines"), Swatch("#8b95a1", view.words("map_old_lines"), "line")),
        (state.has("clusters_planned"), Swatch(ACCENT, view.words("map_clusters"), "area")),
    )
    return (*found, *(swatch for shown, swatch in others if shown))


def _class_label(view: View, classes: Classes, position: int) -> str:
    """What a colour of the map means; the edges about zero go unsaid, since nothing that prints lies within."""
    words, edges = view.words, classes.edges
    if classes.colours[position] == UNCHANGED:
        return words("map_unchanged")
    if not edges:
        return words("all_cities")
    low, high = (edges[k] if 0 <= k < len(edges) else None for k in (position - 1, position))
    if low is None or high is None:
        key, value = ("below", high) if low is None else ("above", low)
        return words(
            "any_gain" if value == _NOTHING else "any_loss" if value == -_NOTHING else key, value=_plain(view, value)
        )
    if _NOTHING in (low, -high):
        return words("up_to", value=_plain(view, high if low == _NOTHING else low))
    return words("from_to", low=_plain(view, low), high=_plain(view, high))


def _plain(view: View, value: float | None) -> str:
    if view.has_plan():
        return f"{value:g}".replace("-", "−")
    return number(value, None, None, "", view.language).text
