"""Attainment: how the SLOs of a run were met, as entries of its summary; knows no clock."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sim.ledger.usage import SLO_SLACK, SloFigure, WindowCounts

Entry = dict[str, Any]
"""A JSON object."""


def slo_entry(route: str, figure: SloFigure, slo_windows: float) -> Entry:
    """One SLO of *route* with its figure, and whether it was met."""
    return {
        "route": route,
        "metric": figure.metric,
        "quantile": round(figure.quantile, 9),  # a mean of equal numbers may be an ulp off
        "target_s": round(figure.target_s, 9),
        "value_s": figure.value_s,
        "met": is_met(figure, slo_windows),
        "windows_met_share": figure.windows_met_share,
        "worst_window": None if figure.worst is None else asdict(figure.worst),
    }


def is_met(figure: SloFigure, slo_windows: float) -> bool | None:
    """Whether the quantile and the share of 5-minute windows meet an SLO; None without a sample.

    A run without a window that could be judged is judged by the quantile alone; one in which no
    request was completed, though some ended, misses it.

    >>> is_met(SloFigure("ttft_s", 0.95, 1.0, 0.8, 0.97), slo_windows=0.99)
    False
    """
    share = figure.windows_met_share
    if figure.value_s is None:
        return None if share is None or share > 0 else False
    kept = figure.value_s <= figure.target_s * (1 + SLO_SLACK)
    return kept and (share is None or share >= slo_windows)


def budget(windows: WindowCounts, slo_windows: float) -> Entry:
    """The error budget of a route: 5-minute windows that may miss one of its SLOs, and that did.

    `used` is 1 when all of the budget is spent; None where there is none to spend.

    >>> budget(WindowCounts(judged=200.0, bad=1.0), slo_windows=0.99)
    {'windows': 200.0, 'bad': 1.0, 'allowed': 2.0, 'used': 0.5}
    """
    allowed = round((1.0 - slo_windows) * windows.judged, 9)
    used = windows.bad / allowed if allowed > 0 else None
    return {"windows": windows.judged, "bad": windows.bad, "allowed": allowed, "used": used}
