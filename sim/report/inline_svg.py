"""Inline SVG: a figure made part of a page, following its colours; knows no clock."""

from __future__ import annotations

import re

from sim.report.canvas import BLACK, BLUE, FAINT, GREEN, INK, MUTED, PAPER

_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    FAINT: "--faint",
    PAPER: "--paper",
    BLACK: "--strong",
}
"""Colours of figures that a page's CSS variables stand for."""

_LINES_AND_TEXT = {BLUE: "--blue", GREEN: "--naive"}
"""Colours whose lines and labels need a lighter shade on a dark page; filled shapes keep them."""

_REFERENCE = re.compile(r'(\bid="|url\(#|href="#)')
_HEAD = re.compile(rb"^.*?(?=<svg )", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_STYLE_SHEET = re.compile(r'<style type="text/css">.*?</style>', re.DOTALL)
_SIZE = re.compile(r'(<svg [^>]*?) width="[^"]*" height="[^"]*"')


def inline(svg: bytes, prefix: str, label: str) -> str:
    """The `<svg>` element for an HTML page, as wide as its place.

    Ids get *prefix*, so that figures of one page do not take each other's shapes; *label* is what a
    screen reader says (plain text without markup). Only for SVG that we drew ourselves.
    """
    text = _HEAD.sub(b"", svg).decode()
    text = _STYLE_SHEET.sub("", _METADATA.sub("", text))
    text = _REFERENCE.sub(rf"\g<1>{prefix}-", text)
    text = _SIZE.sub(rf'\1 role="img" aria-label="{label}"', text, count=1)
    return _recolour(text).strip()


def _recolour(text: str) -> str:
    for colour, variable in _VARIABLES.items():
        text = re.sub(rf"{colour}\b", f"var({variable}, {colour})", text)
    for colour, variable in _LINES_AND_TEXT.items():
        text = re.sub(rf"stroke: {colour}\b", f"stroke: var({variable}, {colour})", text)
        text = re.sub(rf"(<text [^>]*fill: ){colour}\b", rf"\1var({variable}, {colour})", text)
    return text
