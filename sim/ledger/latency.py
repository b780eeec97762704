"""Latency: how long requests waited, and the figures that say so. Knows no clock."""

from __future__ import annotations

import numpy as np

from sim.ledger.records import Columns
from sim.ledger.usage import Figures

LATENCIES = ("ttft", "tpot", "e2e")
SAMPLES_BEYOND = 10
"""A quantile q is given from 10 / (1 - q) samples on: at least ten lie beyond it."""


def latencies(c: Columns) -> np.ndarray:
    """(n, 3): TTFT, TPOT and E2E of completed attempts in s, the first and last from the arrival
    of the *request*; TPOT of one token is NaN."""
    first, last = c["first_token_at_s"], c["finished_at_s"]
    gaps = c["output_tokens"] - 1
    tpot = np.divide(last - first, gaps, out=np.full(len(gaps), np.nan), where=gaps > 0)
    return np.stack([first - c["arrived_at_s"], tpot, last - c["arrived_at_s"]], 1)


def figures(samples: np.ndarray) -> Figures:
    """Mean and quantiles of *samples*, NaN left out; None where they say too little."""
    samples = samples[~np.isnan(samples)]
    n = len(samples)
    if not n:
        return Figures()
    value = {
        q: float(np.quantile(samples, q)) if n * (1 - q) >= SAMPLES_BEYOND - 1e-9 else None
        for q in (0.5, 0.95, 0.99)
    }
    mean = float(np.mean(samples, dtype=np.float64))
    return Figures(mean=mean, p50=value[0.5], p95=value[0.95], p99=value[0.99], n=float(n))
