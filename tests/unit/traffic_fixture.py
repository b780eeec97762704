"""A workload whose every figure is known, for the tests of what shows it."""

from __future__ import annotations

import numpy as np

from sim.workload.description import CachedShare, Dependence, Description, Hours, LengthSummary
from sim.workload.requests import Requests
from sim.workload.start import Start

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999)


def description() -> Description:
    """Everything that can be known."""
    return Description(
        source="conv.csv",
        kind="requests",
        requests=19_366,
        span_s=3_501.7,
        tick_s=3.0,
        rate_per_s=5.53,
        gap_cv=1.09,
        dispersion={0.1: 1.07, 60.0: 16.4, 600.0: None},
        rate_variance={0.1: 0.12, 60.0: 0.044, 600.0: None},
        peak_to_mean={60.0: 1.52, 600.0: 1.19},
        on_off=True,
        input=LengthSummary(
            1154.7, 3, dict(zip(LEVELS, range(100, 900, 100), strict=True)), 14_050
        ),
        output=LengthSummary(211.1, 7, dict.fromkeys(LEVELS, 129.0), 1_000),
        dependence=Dependence(0.061, tuple(float(n) for n in range(10, 110, 10))),
        cached=CachedShare(0.374, 0.41, {1_000: 0.12, 10_000: 0.31}),
        hours=Hours((0.5,) * 12 + (1.5,) * 12, (0.8,) * 24, "file", 9.0, (0.05, 0.07)),
        notes=("of 19370 rows, 4 with zero output tokens were left out",),
    )


def requests() -> Requests:
    """Ten minutes of a request every half second, their lengths in a cycle."""
    n = 1_200
    tokens = np.arange(n) % 100 + 1
    return Requests(
        "conv.csv", tokens * 10, tokens[::-1].copy(), np.arange(n) * 0.5, None, n * 0.5,
        start=Start(0.0, 0, "UTC"),
    )  # fmt: skip
