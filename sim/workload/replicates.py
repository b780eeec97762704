"""Replicates: the shipped generator, run again and again over one span; knows no clock."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sim.scenario.arrivals import PoissonArrivals, VaryingArrivals
from sim.streams import Streams
from sim.traffic.arrivals import Arrivals, arrivals
from sim.traffic.chunk import FloatArray
from sim.workload.start import Start

_AT_ONCE = 65_536


def replicates(
    spec: PoissonArrivals | VaryingArrivals, span_s: float, seeds: int, start: Start | None = None
) -> Iterator[FloatArray]:
    """Yield the arrivals (s) of *spec* in *span_s* for each of *seeds* seeds, always the same.

    *start* is where on the calendar the span begins, for a day curve.
    """
    begins = start or Start(0.0, None, "file")
    process = arrivals(spec, begins.weekday_name)
    for seed in range(seeds):
        yield one(process, seed, begins.second_of_day, span_s)


def one(process: Arrivals, seed: int, begin_s: float, span_s: float) -> FloatArray:
    """Return the arrivals of *process* in [begin_s, begin_s + span_s), counted from its begin."""
    rng = Streams(seed).of("replicate")
    kept: list[FloatArray] = []
    for at_s in process.chunks(rng, begin_s, _AT_ONCE):
        since = at_s - begin_s
        kept.append(since[: np.searchsorted(since, span_s)])
        if len(kept[-1]) < len(since):
            break
    return np.concatenate(kept)
