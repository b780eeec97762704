"""Figure: something that theory knows of a queue, and how to read it off a sample."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.laws.protocol import MEAN_GATE, TAIL_GATE
from tests.laws.theory import TokenLaw, lindley_waits_s
from tests.laws.theory_sample import Sample


@dataclass(frozen=True)
class Figure:
    """A name, the theoretical value, and the estimate of one sample. Tails get the wider gate.

    If there is *among*, *of* counts successes and *among* the independent trials.
    """

    name: str
    theory: float
    of: Callable[[Sample], float]
    tail: bool = False
    among: Callable[[Sample], float] | None = None

    @property
    def gate(self) -> float:
        """Largest relative half-width."""
        return TAIL_GATE if self.tail else MEAN_GATE


def wait(theory_s: float, prefill_s: float) -> Figure:
    """Mean wait for a slot."""
    return Figure("mean wait (s)", theory_s, lambda s: float(s.wait_s(prefill_s).mean()))


def sojourn(theory_s: float) -> Figure:
    """Mean time from arrival to the last token."""
    return Figure("mean time (s)", theory_s, lambda s: float(s.sojourn_s.mean()))


def idle(share: float) -> Figure:
    """Share of paid time in which no step runs."""
    return Figure("idle share", share, lambda s: s.pool.idle_s / s.pool.paid_s)


def lost(share: float) -> Figure:
    """Share of requests that are rejected."""
    return Figure("lost share", share, lambda s: 1.0 - float(s.done.mean()), tail=True)


def waiting_share(share: float, step_s: float) -> Figure:
    """Share of requests that wait for a slot, not just for the next step."""
    return Figure("waiting share", share, lambda s: float((s.wait_s(step_s) > 1.5 * step_s).mean()))


def batch(size: float) -> Figure:
    """Mean sequences in the batch, sampled at fixed times."""
    return Figure(
        "mean batch",
        size,
        lambda s: float(np.mean([row["vllm:num_requests_running"] for row in s.run.timeseries])),
    )


def slowdown(law: TokenLaw, decile: int, token_s: float, factor: float) -> Figure:
    """Mean of time over own length, among the answers of one decile of lengths."""
    low = law.quantile(decile / 10) if decile else 0
    high = law.quantile((decile + 1) / 10) if decile < 9 else math.inf

    def of(sample: Sample) -> float:
        tokens = sample.of_done("output_tokens")
        chosen = (tokens > low) & (tokens <= high)
        return float(np.mean(sample.sojourn_s[chosen] / (token_s * tokens[chosen])))

    return Figure(f"slowdown, decile {decile + 1}", factor, of)


def arrivals(rate: float) -> Figure:
    """Control: requests per second."""
    return Figure("requests/s", rate, lambda s: s.rate)


def answers(mean_tokens: float) -> Figure:
    """Control: mean tokens that the requests ask for."""

    def of(sample: Sample) -> float:
        overall = sample.run.usage.overall
        return overall.offered.output / overall.requests.arrived

    return Figure("tokens/answer", mean_tokens, of)


def answers_squared(mean_square: float) -> Figure:
    """Control: mean square of the answers' tokens."""
    return Figure(
        "tokens²/answer",
        mean_square,
        lambda s: float(np.mean(s.of_done("output_tokens").astype(float) ** 2)),
        tail=True,
    )


# -- guides ----------------------------------------------------------------------------------------

SETTLING = 100
"""Requests until a queue that starts empty has forgotten it, at the loads of the cases."""


def plain_wait(theory_s: float, token_s: float) -> Figure:
    """Guide: mean wait of the very same requests with one server that takes *token_s* a token."""

    def of(sample: Sample) -> float:
        columns = sample.columns
        order = np.argsort(columns["arrived_at_s"], kind="stable")
        arrived_at_s = columns["arrived_at_s"][order]
        waits_s = lindley_waits_s(arrived_at_s, token_s * columns["output_tokens"][order])
        return float(waits_s[SETTLING:].mean())

    return Figure("wait in a plain queue (s)", theory_s, of)
