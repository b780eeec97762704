"""Canvas: how every figure looks, and how it becomes the same SVG each time; knows no clock."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1f2328"
MUTED = "#57606a"
FAINT = "#d0d7de"
PAPER = "#ffffff"
ON_LIGHT, ON_DARK = "#1f2329", "#fffffe"
"""Text on filled shapes: as INK and PAPER, but these stay when a page turns dark."""

# Okabe & Ito 2008, "Color Universal Design": told apart with every common colour vision.
BLUE, SKY, GREEN, YELLOW = "#0072b2", "#56b4e9", "#009e73", "#f0e442"
ORANGE, VERMILLION, PURPLE, GREY, BLACK = "#e69f00", "#d55e00", "#cc79a7", "#999999", "#0b0b0b"

_STYLE: Mapping[str, Any] = {
    "svg.fonttype": "none",  # text stays text: it can be searched, and is read in the page's font
    "svg.hashsalt": "tokenfleet",
    "text.parse_math": False,  # "$1 to $2" is money
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Helvetica", "Arial"],
    "font.size": 10.0,
    "axes.titlesize": 12.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 14.0,
    "axes.labelsize": 10.0,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "grid.alpha": 0.6,
    "axes.axisbelow": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
    "xtick.minor.size": 0.0,
    "ytick.minor.size": 0.0,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "figure.facecolor": PAPER,
    "axes.facecolor": "none",
}

_LOOKS = frozenset(
    [
        "axes",
        "figure",
        "font",
        "grid",
        "hatch",
        "legend",
        "lines",
        "markers",
        "mathtext",
        "patch",
        "path",
        "savefig",
        "svg",
        "text",
        "xtick",
        "ytick",
    ]
)
"""First parts of the names of matplotlib settings that change a picture."""

Draw = Callable[["Figure"], None]
"""Draws on an empty figure."""


def svg(draw: Draw, width: float = 8.0, height: float = 4.5, form: str = "svg") -> bytes:
    """What *draw* makes of a figure of *width* x *height* inches, see `figure` and `render`."""
    return render(figure(draw, width, height), form)


def figure(draw: Draw, width: float = 8.0, height: float = 4.5) -> Figure:
    """A figure of *width* x *height* inches as *draw* makes it, in our style and no other."""
    from matplotlib.figure import Figure

    with styled():
        empty = Figure(figsize=(width, height), layout="constrained")
        draw(empty)
    return empty


def render(drawn: Figure, form: str = "svg") -> bytes:
    """*drawn* as a file's bytes: nothing is dated and ids are salted, so equal input, equal bytes.

    *form* may be ``"png"`` for a look at it.
    """
    with styled(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name in a script we have no font for
        out = io.BytesIO()
        metadata = {"Date": None, "Creator": None} if form == "svg" else None
        drawn.savefig(out, format=form, metadata=metadata, dpi=110)
    return out.getvalue()


@contextlib.contextmanager
def styled() -> Iterator[None]:
    """Our style for a while; the user's own matplotlib settings have no say, and are given back."""
    import matplotlib

    ours: Any = {**_own_defaults(matplotlib.rcParamsDefault), **_STYLE}
    with matplotlib.rc_context(ours):
        yield


def _own_defaults(defaults: Any) -> dict[str, Any]:
    """matplotlib's own defaults for what a picture looks like, without those of its windows."""
    return {k: v for k, v in defaults.items() if k.split(".")[0] in _LOOKS}


def patch() -> dict[str, Any]:
    """A box behind a label that keeps it legible where it crosses a line.

    Path effects would do it more finely, but turn text into outlines that nobody can search.
    """
    return {"facecolor": PAPER, "edgecolor": "none", "pad": 0.8, "alpha": 0.85}


def bare(axes: Axes, *sides: str) -> None:
    """Take the frame's *sides* away from *axes*."""
    for side in sides:
        axes.spines[side].set_visible(False)
