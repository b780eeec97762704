"""Plan judge: whether a fleet meets its SLOs with confidence, and by what margin; no clock.

The mean of an SLO's figure over replications may meet its target by luck. Here the one-sided
confidence limit of each figure has to, of the quantile and of the share of 5-minute windows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sim.ledger.usage import SLO_SLACK, SloFigure
from sim.studies.intervals import student_t

CONFIDENCE = 0.95
"""One-sided: one fleet in twenty that is called good may not be."""


@dataclass(frozen=True)
class Margin:
    """How one SLO stands over some replications.

    `load` is the confidence limit of its quantile over the target, `windows_lost` the limit of the
    share of windows lost over what is allowed; above 1 it is missed. None: nobody was answered.
    """

    route: str
    metric: str
    quantile: float
    target_s: float
    value_s: float | None
    limit_s: float | None
    windows_met_share: float | None
    load: float
    windows_lost: float

    @property
    def met(self) -> bool:
        """Whether both limits keep it."""
        return self.worst <= 1.0 + SLO_SLACK

    @property
    def worst(self) -> float:
        """The nearer of the two to being missed, above 1 if it is."""
        return max(self.load, self.windows_lost)


def margins(
    runs: Sequence[Sequence[tuple[str, SloFigure]]], slo_windows: float
) -> tuple[Margin, ...]:
    """The margin of each SLO over *runs*, each a list of (route, figure) in the same order."""
    return tuple(_margin(list(column), slo_windows) for column in zip(*runs, strict=True))


def _margin(column: list[tuple[str, SloFigure]], slo_windows: float) -> Margin:
    route, first = column[0]
    values = [f.value_s for _, f in column if f.value_s is not None]
    shares = [f.windows_met_share for _, f in column if f.windows_met_share is not None]
    silent = len(values) < len(column)
    limit_s = None if silent else upper_limit(values)
    lost = upper_limit([1.0 - share for share in shares]) if shares else 0.0
    allowed = 1.0 - slo_windows
    return Margin(
        route=route,
        metric=first.metric,
        quantile=first.quantile,
        target_s=first.target_s,
        value_s=None if silent else math.fsum(values) / len(values),
        limit_s=limit_s,
        windows_met_share=math.fsum(shares) / len(shares) if shares else None,
        load=math.inf if limit_s is None and lost > allowed else (limit_s or 0.0) / first.target_s,
        windows_lost=lost / allowed if allowed > 0 else (math.inf if lost > 0 else 0.0),
    )


def upper_limit(values: Sequence[float]) -> float:
    """The one-sided upper confidence limit of the mean of *values* by Student's t.

    Of a single value, or of equal ones, it is that value: no spread was seen.

    >>> upper_limit([1.0, 1.0]), round(upper_limit([1.0, 2.0, 3.0]), 4)
    (1.0, 3.6859)
    """
    both_sides = student_t(values, 2.0 * CONFIDENCE - 1.0)
    return math.fsum(values) / len(values) if both_sides is None else both_sides.high
