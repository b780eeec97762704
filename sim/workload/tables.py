"""Tables: rates by hour or window, and weighted token counts: workloads without requests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.traffic.chunk import FloatArray, IntArray
from sim.traffic.lengths import Field
from sim.workload.start import Start


@dataclass(frozen=True, eq=False)
class Rates:
    """Mean rates of one service in windows of equal length, without gaps between them."""

    source: str
    window_s: float
    per_s: FloatArray
    """Requests per second in each window; nan where the file has none."""
    service: str | None = None
    start: Start | None = None
    notes: tuple[str, ...] = ()

    @property
    def span_s(self) -> float:
        """Seconds that the table covers."""
        return self.window_s * len(self.per_s)

    @property
    def rate_per_s(self) -> float:
        """Mean requests per second over the windows that the file has."""
        return float(np.nanmean(self.per_s))

    @property
    def name(self) -> str:
        """Name of the file, with the service where it has several."""
        return self.source if self.service is None else f"{self.source} [{self.service}]"


@dataclass(frozen=True, eq=False)
class Weights:
    """Token counts with their probabilities (sum 1), counts rising."""

    source: str
    field: Field
    """`input` or `output`, by the file's name."""
    tokens: IntArray
    probability: FloatArray
    notes: tuple[str, ...] = ()
