"""Latency bins: how many answers took how long, counted while attempts pass by; knows no clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Chunk = Mapping[str, NDArray[Any]]

METRICS = ("ttft_s", "tpot_s", "e2e_s")

FIRST_S, PER_DECADE, BINS = 1e-4, 40, 320
"""Bins grow by 6 % from 0.1 ms to almost three hours; what is beyond counts in the outer ones."""

Counts = dict[str, dict[str, list[int]]]
"""Answers by route, metric and bin."""


class LatencyBins:
    """Counts the answers of each route; memory does not grow with them."""

    def __init__(self) -> None:
        self.counts: Counts = {}

    def watching(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """Pass *chunks* of attempts on, each counted."""
        for chunk in chunks:
            self._add(chunk)
            yield chunk

    def _add(self, chunk: Chunk) -> None:
        import numpy as np

        route = np.asarray(chunk["route"])
        done = np.asarray(chunk["outcome"]) == "completed"
        arrived, first, last = (
            np.asarray(chunk[key], dtype=np.float64)
            for key in ("arrived_at_s", "first_token_at_s", "finished_at_s")
        )
        tokens = np.asarray(chunk["output_tokens"], dtype=np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            waited = (first - arrived, (last - first) / (tokens - 1.0), last - arrived)
        for name in dict.fromkeys(route[done].tolist()):
            mine = done & (route == name)
            of_route = self.counts.setdefault(name, {})
            for metric, values in zip(METRICS, waited, strict=True):
                chosen = values[mine & (tokens > 1)] if metric == "tpot_s" else values[mine]
                before = np.array(of_route.get(metric, [0] * BINS))
                of_route[metric] = (before + _binned(chosen)).tolist()


def _binned(values_s: NDArray[np.float64]) -> NDArray[np.int64]:
    import numpy as np

    known = values_s[np.isfinite(values_s) & (values_s > 0)]
    place = np.floor(np.log10(known / FIRST_S) * PER_DECADE).astype(np.int64)
    return np.bincount(np.clip(place, 0, BINS - 1), minlength=BINS)


def edges_s() -> list[float]:
    """Upper ends of the bins, in seconds."""
    return [FIRST_S * 10 ** ((i + 1) / PER_DECADE) for i in range(BINS)]
