"""Description: what a workload looks like, figure by figure; knows no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from sim.traffic.chunk import FloatArray
from sim.workload.cached import CachedShare, cached_share
from sim.workload.counts import (
    FEW_WINDOWS,
    MANY_WINDOWS,
    dispersion,
    is_on_off,
    peak_to_mean,
    rate_variance,
    whole_ticks,
)
from sim.workload.gaps import gap_cv
from sim.workload.hours import LEAST_DAYS, Hours, hours_of, rates_in
from sim.workload.length_summary import (
    Dependence,
    LengthSummary,
    dependence_of,
    summary_of,
    weighted_summary,
)
from sim.workload.parts import Part
from sim.workload.requests import Requests
from sim.workload.start import DAY_S
from sim.workload.tables import Rates, Weights

__all__ = ["CachedShare", "Dependence", "Description", "Hours", "LengthSummary", "describe"]

WINDOWS_S = (1.0, 10.0, 60.0, 600.0)


@dataclass(frozen=True)
class Description:
    """All that can be said of one part of a file; None or empty where it has no such data."""

    source: str
    kind: str
    """`requests`, `lengths` (no times), `rates` or `weights` (token counts with probabilities)."""
    requests: int | None = None
    span_s: float | None = None
    tick_s: float | None = None
    rate_per_s: float | None = None
    gap_cv: float | None = None
    dispersion: Mapping[float, float | None] | None = None
    """Window (s) -> variance/mean of counts; None where fewer than 20 windows fit the span."""
    rate_variance: Mapping[float, float | None] | None = None
    """Window (s) -> (dispersion - 1) / (rate × window): relative variance of the rate itself."""
    peak_to_mean: Mapping[float, float | None] | None = None
    """Window (s) -> largest count / mean count; None where fewer than 5 windows fit the span."""
    on_off: bool = False
    """Whether the rate switches between bursts and near silence."""
    input: LengthSummary | None = None
    output: LengthSummary | None = None
    dependence: Dependence | None = None
    cached: CachedShare | None = None
    hours: Hours | None = None
    notes: tuple[str, ...] = ()


def describe(part: Part) -> Description:
    """Return the figures of *part*: requests, rates or weighted token counts."""
    if isinstance(part, Rates):
        return _of_rates(part)
    if isinstance(part, Weights):
        return _of_weights(part)
    return _of_requests(part)


def _of_requests(part: Requests) -> Description:
    lengths = Description(
        source=part.source,
        kind="lengths",
        requests=len(part),
        input=summary_of(part.input_tokens),
        output=summary_of(part.output_tokens),
        dependence=dependence_of(part),
        cached=cached_share(part),
        notes=part.notes,
    )
    if part.arrived_at_s is None:
        return lengths
    return _with_arrivals(lengths, part, part.arrived_at_s)


def _with_arrivals(lengths: Description, part: Requests, at_s: FloatArray) -> Description:
    """Return *lengths* with what the times say; next to nothing if all are the same."""
    rate_per_s = part.rate_per_s
    known = replace(lengths, kind="requests", span_s=part.span_s, tick_s=part.tick_s)
    if rate_per_s is None:
        return replace(known, notes=(*part.notes, "all requests have the same time"))
    windows_s = whole_ticks(WINDOWS_S, part.tick_s)
    spreads = {w: dispersion(at_s, w, part.span_s) for w in windows_s}
    return replace(
        known,
        rate_per_s=rate_per_s,
        gap_cv=gap_cv(at_s),
        dispersion=spreads,
        rate_variance={w: rate_variance(idc, rate_per_s, w) for w, idc in spreads.items()},
        peak_to_mean={w: peak_to_mean(at_s, w, part.span_s) for w in windows_s},
        on_off=is_on_off(at_s, part.span_s, part.tick_s),
        hours=hours_of(rates_in(part)) if part.span_s >= LEAST_DAYS * DAY_S else None,
        notes=(*part.notes, *_too_short(spreads)),
    )


def _too_short(spreads: Mapping[float, float | None]) -> list[str]:
    missing = [f"{w:g} s" for w, idc in spreads.items() if idc is None]
    if not missing:
        return []
    return [f"no dispersion at {', '.join(missing)}: fewer than {MANY_WINDOWS} windows in the span"]


def _of_rates(part: Rates) -> Description:
    known = part.per_s[~np.isnan(part.per_s)]
    mean = float(known.mean())
    if mean == 0.0:
        return Description(part.name, "rates", span_s=part.span_s, notes=("no requests at all",))
    idc = None
    if len(known) >= MANY_WINDOWS:
        idc = float(known.var(ddof=1)) / mean * part.window_s
    return Description(
        source=part.name,
        kind="rates",
        span_s=part.span_s,
        rate_per_s=mean,
        dispersion={part.window_s: idc},
        rate_variance={part.window_s: rate_variance(idc, mean, part.window_s)},
        peak_to_mean={
            part.window_s: float(known.max()) / mean if len(known) >= FEW_WINDOWS else None
        },
        hours=hours_of(part, least_days=1.0),
        notes=part.notes,
    )


def _of_weights(part: Weights) -> Description:
    summary = weighted_summary(part.tokens, part.probability)
    return Description(
        source=part.source,
        kind="weights",
        input=summary if part.field == "input" else None,
        output=summary if part.field == "output" else None,
        notes=part.notes,
    )
