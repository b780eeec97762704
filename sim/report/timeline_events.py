"""Timeline events: what happened to a pool as marks in lanes, the chief ones told; no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.report.canvas import BLACK, BLUE, FAINT, GREEN, INK, ORANGE, PURPLE, VERMILLION
from sim.report.fleet_events import TOGETHER
from sim.report.happenings import (
    FAILURES,
    NO_CAPACITY,
    NOTICE,
    OUTAGE,
    ROLLOUT,
    SCALE,
    Happening,
    by_weight,
    gather,
)
from sim.report.numerals import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

MOST_LABELS = 12
"""Events that get words; the others are marks alone."""

LONGEST_LABEL = 40
"""Characters of a label, beyond which it is cut."""

LANE_HEIGHT = 0.36
"""Inches of a lane: marks below, words above."""


@dataclass(frozen=True)
class Lane:
    """A line of marks of some kinds of events."""

    name: str
    kinds: tuple[str, ...]
    colour: str
    marker: str


LANES = (
    Lane("outages", (OUTAGE,), BLACK, "s"),
    Lane("failures", FAILURES, VERMILLION, "X"),
    Lane("spot notices", (NOTICE,), ORANGE, "d"),
    Lane("no capacity", (NO_CAPACITY,), ORANGE, "s"),
    Lane("rollouts", (ROLLOUT,), PURPLE, "D"),
    Lane("scaling", (SCALE,), BLUE, "^"),
)
"""From the top to the bottom."""

_MARK, _WORDS = 0.3, 0.5
"""Where in its lane a mark's middle and a label's foot are, as shares of its height."""

_ASIDE = 0.07
"""How far marks of more and of fewer replicas are above and below that."""


def lanes(found: Sequence[Happening]) -> list[Lane]:
    """The lanes that have something in them."""
    kinds = {one.kind for one in found}
    return [lane for lane in LANES if kinds & set(lane.kinds)]


def draw_lanes(axes: Axes, found: Sequence[Happening], window_s: float) -> list[Happening]:
    """Draw the lanes on *axes*, whose time axis is hours; return what was labelled.

    *axes* must have their final place, since labels are kept apart by their size on paper.
    """
    shown = lanes(found)
    axes.set_ylim(0.0, len(shown))
    axes.set_yticks(
        [row + _MARK for row in range(len(shown))], [lane.name for lane in reversed(shown)]
    )
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="x", labelbottom=False)
    rows = {kind: row for row, lane in enumerate(reversed(shown)) for kind in lane.kinds}
    for lane in shown:
        _marks(axes, lane, rows[lane.kinds[0]], [one for one in found if one.kind in lane.kinds])
        axes.axhline(rows[lane.kinds[0]] + _MARK, color=FAINT, linewidth=0.6, zorder=0.5)
    worth = [one for one in by_weight(gather(found, TOGETHER * window_s)) if one.label]
    return _labels(axes, worth, rows)


def _marks(axes: Axes, lane: Lane, row: int, found: Sequence[Happening]) -> None:
    at = row + _MARK
    for one in found:
        if one.until_s > one.at_s:
            axes.plot(
                [one.at_s / 3600.0, one.until_s / 3600.0], [at, at], color=lane.colour,
                linewidth=4.0, solid_capstyle="butt",
            )  # fmt: skip
    for marker, colour, aside, mine in (
        (lane.marker, lane.colour, 0.0, [one for one in found if one.change == 0]),
        (lane.marker, lane.colour, _ASIDE, [one for one in found if one.change > 0]),
        ("v", GREEN, -_ASIDE, [one for one in found if one.change < 0]),
    ):
        hours = [one.at_s / 3600.0 for one in mine]
        axes.plot(
            hours, [at + aside] * len(hours), marker, color=colour, markersize=5.0,
            markeredgewidth=0.0, clip_on=False,
        )  # fmt: skip


def _labels(axes: Axes, ranked: Sequence[Happening], rows: dict[str, int]) -> list[Happening]:
    """Put words to the first of *ranked* for which there is room."""
    room = axes.get_window_extent()
    taken: list[Bbox] = []
    told: list[Happening] = []
    for one in ranked:
        if len(told) == MOST_LABELS:
            break
        text = axes.text(
            one.at_s / 3600.0, rows[one.kind] + _WORDS, _words(one), ha="center", va="bottom",
            fontsize=8.5, color=INK,
        )  # fmt: skip
        box = _inside(axes, text, room)
        if any(box.overlaps(other) for other in taken):
            text.remove()
        else:
            taken.append(box.padded(2.0))
            told.append(one)
    return told


def _words(one: Happening) -> str:
    words = clean(one.label)
    return words if len(words) <= LONGEST_LABEL else f"{words[: LONGEST_LABEL - 1].rstrip()}…"


def _inside(axes: Axes, text: Text, room: Bbox) -> Bbox:
    """Move *text* so far that it does not stick out of *axes* at a side; return its box."""
    box = text.get_window_extent()
    shift = max(0.0, room.x0 - box.x0) - max(0.0, box.x1 - room.x1)
    if shift:
        x, y = axes.transData.transform(text.get_position())
        text.set_x(axes.transData.inverted().transform((x + shift, y))[0])
        box = text.get_window_extent()
    return box
