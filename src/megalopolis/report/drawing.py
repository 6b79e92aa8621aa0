"""Drawings as inline SVG: the same bytes on every run, text left to the reader's fonts, nothing from outside."""

from __future__ import annotations

import io
import re
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK: Final = "#1c2733"
MUTED: Final = "#5d6b7a"
FAINT: Final = "#d5dae0"
ACCENT: Final = "#12466f"
BUILT: Final = "#c8102e"
#: ColorBrewer's RdBu (Harrower and Brewer 2003, The Cartographic Journal 40), safe for the colour-blind: red for
#: losses, blue for gains, so that dark is always much.
GAINS: Final = ("#d1e5f0", "#92c5de", "#4393c3", "#2166ac", "#053061")
LOSSES: Final = ("#fddbc7", "#f4a582", "#d6604d", "#b2182b", "#67001f")
UNCHANGED: Final = "#b4bac1"
LAND: Final = "#f2f0ea"
COAST: Final = "#b9c1c9"

_SETTINGS: Final = {
    "svg.fonttype": "none",
    "svg.hashsalt": "megalopolis",
    "svg.image_inline": True,
    "font.family": ["DejaVu Sans"],
    "text.parse_math": False,
    "text.usetex": False,
    "hatch.linewidth": 0.7,
    "path.simplify": True,
    "axes.unicode_minus": True,
}


@contextmanager
def drawing(width: float, height: float) -> Iterator[Figure]:
    """Give an empty figure of a size in points, with the settings that every drawing shares."""
    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        # Text is set by the reader's browser; matplotlib only guesses its width by a font without Chinese.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        FigureCanvasSVG(figure)
        yield figure


def to_svg(figure: Figure, name: str, alt: str) -> Markup:
    """Return a figure as an SVG element whose ids begin with ``name``, described by ``alt``."""
    buffer = io.StringIO()
    bare = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(buffer, format="svg", metadata=bare, transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r' d="[^"]*"', _short, text)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = text.replace("url(#", f"url(#{name}-").replace('href="#', f'href="#{name}-')
    text = re.sub(r"font: ([^;\"]*?)px '[^\";]*", r"font-size: \1px", text)
    box = re.search(r'viewBox="[^"]*"', text)
    head = f'<svg class="drawing" {box.group(0) if box else ""} role="img" aria-label="{escape(alt)}" '
    head += 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    return Markup(re.sub(r"<svg[^>]*>", lambda _: head, text, count=1))  # noqa: S704 - matplotlib escapes its text


def _short(path: re.Match[str]) -> str:
    """Coordinates of a path to a hundredth of a point: nobody sees more."""
    return re.sub(r"-?\d+\.\d{3,}", lambda m: f"{float(m.group(0)):.2f}", path.group(0)).replace("\n", "")


def text_width(text: str, size: float) -> float:
    """Width that a text will roughly take, in units of its size: a full em for a Chinese character, 0.56 for others."""
    wide = sum(unicodedata.east_asian_width(ch) in "WF" for ch in text)
    return size * (wide + 0.56 * (len(text) - wide))
