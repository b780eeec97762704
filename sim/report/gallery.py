"""Gallery: every figure that a directory of ours holds the data of, drawn again; knows no clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sim.report.atomic import OutError, as_out_error
from sim.report.calibration_figure import calibration_figure
from sim.report.canvas import render
from sim.report.exhibits import EXHIBITS, exhibition, exhibits_of
from sim.report.frontier_figure import frontier_figure
from sim.report.hosted_figure import break_even_figure
from sim.report.summary import Summary
from sim.report.sweep_figure import sweep_figures
from sim.report.sweep_table import rows_of
from sim.report.tornado_figure import tornado_figure, tornado_in

Document = Mapping[str, Any]
Files = dict[str, bytes]
"""Contents by the file's name."""


def redrawn(folder: Path) -> Files:
    """Files of *folder* that can be drawn from the data in it, by their names.

    Raises OutError if it holds no document of ours, or one that is damaged.
    """
    found: Files = {}
    known = [name for name in _DRAWN if (folder / name).is_file()]
    if not known:
        raise OutError(f"{folder} holds none of {', '.join(_DRAWN)}: nothing to draw again")
    for name in known:
        with as_out_error(folder / name):
            text = (folder / name).read_text(encoding="utf-8")
        try:
            found |= _DRAWN[name](json.loads(text), folder)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise OutError(f"{folder / name} is damaged or of another version: {error!r}") from None
    return found


def _run(document: Document, folder: Path) -> Files:
    path = folder / EXHIBITS
    with as_out_error(path):
        text = path.read_text(encoding="utf-8")
    return exhibition(document, exhibits_of(text))


def _hosted(document: Document, _: Path) -> Files:
    if document["break_even"] is None:
        return {}
    return {"figures/break-even.svg": break_even_figure(Summary(document))}


def _plan(document: Document, _: Path) -> Files:
    summary = Summary(document)
    drawn = {pool: frontier_figure(summary, pool) for pool in summary.names("pools")}
    return {f"figures/frontier-{p}.svg": render(f) for p, f in drawn.items() if f is not None}


def _calibration(document: Document, _: Path) -> Files:
    return {"calibration.svg": render(calibration_figure(document))}


def _sweep(document: Document, _: Path) -> Files:
    return {f"figures/{name}.svg": svg for name, svg in sweep_figures(rows_of(document)).items()}


def _sensitivity(document: Document, _: Path) -> Files:
    tornado = tornado_in(document)
    return {} if tornado is None else {"figures/tornado.svg": render(tornado_figure(tornado))}


_DRAWN: dict[str, Callable[[Document, Path], Files]] = {
    "summary.json": _run,
    "hosted.json": _hosted,
    "plan.json": _plan,
    "sweep.json": _sweep,
    "sensitivity.json": _sensitivity,
    "calibration.json": _calibration,
}
"""What draws the figures of each document that verbs write."""
