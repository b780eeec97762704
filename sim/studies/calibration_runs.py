"""Calibration runs: benchmarks that somebody ran on a real engine, and what came out of them.

Knows no clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

FIGURES = ("output_tokens_per_s", "tpot_s", "ttft_s")
"""What is compared, as fields of `Serving`."""

Statistic = Literal["p50", "mean"]


class CalibrationError(ValueError):
    """Why nothing can be fitted to what was given; one line for the user."""


@dataclass(frozen=True)
class Serving:
    """What a benchmark's client reports; None where it does not.

    Throughput is output tokens from the start to the last completion; TPOT and TTFT are medians
    or means over requests, as the run's `statistic` says.
    """

    output_tokens_per_s: float | None = None
    tpot_s: float | None = None
    ttft_s: float | None = None

    def of(self, figure: str) -> float | None:
        """Return one of `FIGURES`."""
        value: float | None = getattr(self, figure)
        return value


@dataclass(frozen=True)
class Load:
    """What the client sent: as `vllm bench serve` does, *requests* in all.

    `rps` None: all at once. `burstiness` is the shape of the gamma gaps (1: Poisson), which are
    stretched so that the last request comes at requests/rps seconds. `max_concurrency`: beyond so
    many unanswered requests the client itself waits. Lengths hold one number for all requests or
    one for each. `sent_at_s`, where it was recorded, replaces the drawn instants.
    """

    requests: int
    rps: float | None
    input_tokens: tuple[int, ...]
    output_tokens: tuple[int, ...]
    burstiness: float = 1.0
    max_concurrency: int | None = None
    sent_at_s: tuple[float, ...] | None = None

    @property
    def is_drawn(self) -> bool:
        """Whether anything in it is random."""
        return self.sent_at_s is None and self.rps is not None

    def lengths(self) -> Iterator[tuple[int, int]]:
        """Yield (input, output) tokens of each request."""
        n = self.requests
        yield from zip(_each(self.input_tokens, n), _each(self.output_tokens, n), strict=True)


def _each(tokens: tuple[int, ...], n: int) -> tuple[int, ...]:
    return tokens * n if len(tokens) == 1 else tokens


@dataclass(frozen=True)
class BenchmarkRun:
    """One run of a benchmark on an engine of `pool`; `label` says which, for people."""

    label: str
    pool: str
    load: Load
    measured: Serving
    statistic: Statistic = "p50"

    @property
    def order(self) -> tuple[float, float]:
        """Runs of a pool sorted by this go from little load to much."""
        rps = float("inf") if self.load.rps is None else self.load.rps
        concurrency = self.load.max_concurrency
        return rps, float("inf") if concurrency is None else concurrency

    @property
    def rate(self) -> str:
        """The load in a word.

        >>> run = BenchmarkRun("a", "main", Load(500, 25.0, (512,), (256,)), Serving())
        >>> run.rate
        '25'
        """
        rps = "inf" if self.load.rps is None else f"{self.load.rps:g}"
        limit = self.load.max_concurrency
        return rps if limit is None else f"{rps} (max {limit:,})"
