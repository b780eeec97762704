"""Promises: whether requests and 5-minute windows kept the SLOs of their route. Knows no clock."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.ledger.latency import LATENCIES
from sim.ledger.usage import INTERVAL_S, SLO_SLACK, SloFigure, WindowCounts, WorstWindow

Target = tuple[str, float, float]
"""A promise: the metric (of `LATENCIES`), the quantile, the bound in seconds."""


def inside(latencies: np.ndarray, targets: Sequence[Target]) -> np.ndarray:
    """Which of (n, 3) latencies keep every one of *targets*; NaN keeps any."""
    kept = np.ones(len(latencies), dtype=bool)
    for metric, _, target_s in targets:
        kept &= ~(latencies[:, LATENCIES.index(metric)] > target_s * (1 + SLO_SLACK))
    return kept


def judged(
    targets: Sequence[Target], latencies: np.ndarray, window: np.ndarray, unanswered: np.ndarray
) -> tuple[tuple[SloFigure, ...], WindowCounts]:
    """Each of *targets* over all, and over the windows of 5 minutes in which requests arrived.

    *latencies* are of completed requests, that arrived in *window* (by number); *unanswered* are
    the windows with requests that ended otherwise. A window in which none was completed though
    some ended keeps no promise.
    """
    silent = np.setdiff1d(unanswered, window)
    figures, known, bad = [], set(silent.tolist()), set(silent.tolist())
    for target in targets:
        samples = latencies[:, LATENCIES.index(target[0])]
        valid = ~np.isnan(samples)
        figure, seen, missed = _judge(target, samples[valid], window[valid], silent)
        figures.append(figure)
        known.update(seen.tolist())
        bad.update(missed.tolist())
    return tuple(figures), WindowCounts(float(len(known)), float(len(bad)))


def _judge(
    target: Target, samples: np.ndarray, window: np.ndarray, silent: np.ndarray
) -> tuple[SloFigure, np.ndarray, np.ndarray]:
    """One target: its figure, the windows that have samples, and those of them that missed it."""
    metric, q, target_s = target
    seen, values = _by_window(samples, window, q)
    missed = seen[values > target_s * (1 + SLO_SLACK)]
    count = len(seen) + len(silent)
    figure = SloFigure(
        metric,
        q,
        target_s,
        float(np.quantile(samples, q)) if len(samples) else None,
        (len(seen) - len(missed)) / count if count else None,
        _worst(seen, values, silent),
    )
    return figure, seen, missed


def _by_window(samples: np.ndarray, window: np.ndarray, q: float) -> tuple[np.ndarray, np.ndarray]:
    """The windows that have *samples*, in order, and the quantile *q* of each."""
    if not len(samples):
        return window, np.zeros(0)
    order = np.argsort(window, kind="stable")
    starts = np.flatnonzero(np.diff(window[order], prepend=-1))
    groups = np.split(samples[order], starts[1:])
    return window[order][starts], np.array([float(np.quantile(group, q)) for group in groups])


def _worst(seen: np.ndarray, values: np.ndarray, silent: np.ndarray) -> WorstWindow | None:
    if len(silent):
        return WorstWindow(float(silent[0]) * INTERVAL_S, None)
    if not len(seen):
        return None
    place = int(np.argmax(values))
    return WorstWindow(float(seen[place]) * INTERVAL_S, float(values[place]))
