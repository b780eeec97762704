"""Client figures: what theory knows of customers who leave or come again; read off a sample."""

from __future__ import annotations

import numpy as np

from tests.laws.theory_figures import Figure
from tests.laws.theory_sample import Sample


def queued(theory_s: float, prefill_s: float) -> Figure:
    """Mean time in the queue, of those who leave it too."""

    def of(sample: Sample) -> float:
        columns = sample.columns
        begun_at_s = columns["first_token_at_s"] - prefill_s
        until_s = np.where(np.isnan(begun_at_s), columns["finished_at_s"], begun_at_s)
        return float(np.mean(until_s - columns["arrived_at_s"]))

    return Figure("mean time in queue (s)", theory_s, of)


def orbit(mean: float) -> Figure:
    """Mean requests between two attempts, by Little's law."""

    def of(sample: Sample) -> float:
        columns = sample.columns
        away_s = columns["queued_at_s"] - columns["arrived_at_s"]
        return float(away_s.sum() / sample.run.usage.window_s)

    return Figure("mean orbit", mean, of)


def tries(mean: float) -> Figure:
    """Attempts for each request."""
    return Figure("attempts/request", mean, lambda s: float(np.mean(s.columns["attempt"] + 1)))


def tried_again(times: int, share: float) -> Figure:
    """Share of requests that were tried again so many *times* or more: a binomial count."""
    return Figure(
        "second attempts" if times == 1 else "third attempts",
        share,
        lambda s: float(np.sum(s.columns["attempt"] >= times)),
        tail=True,
        among=_requests,
    )


def lost_at_last(share: float) -> Figure:
    """Share of requests whose every attempt failed: a binomial count."""
    return Figure("lost share", share, lambda s: float(np.sum(~s.done)), tail=True, among=_requests)


def _requests(sample: Sample) -> float:
    return float(len(sample.done))


def work(theory_s: float) -> Figure:
    """GPU seconds for each request, of all attempts at it."""
    parts = ("prefill_gpu_s", "decode_gpu_s", "rent_gpu_s", "waste_gpu_s")

    def of(sample: Sample) -> float:
        spent_s = sum(float(sample.attempts[part].sum()) for part in parts)
        return spent_s / len(sample.done)

    return Figure("GPU seconds/request", theory_s, of)


def wait_of(route: str, theory_s: float, prefill_s: float) -> Figure:
    """Mean wait of one route's requests for a slot."""

    def of(sample: Sample) -> float:
        return float(sample.wait_s(prefill_s)[sample.of_done("route") == route].mean())

    return Figure(f"mean wait, {route} (s)", theory_s, of)


def arrivals_of(route: str, rate: float) -> Figure:
    """Control: requests per second of one route."""

    def of(sample: Sample) -> float:
        return float(np.sum(sample.columns["route"] == route)) / sample.run.usage.window_s

    return Figure(f"requests/s, {route}", rate, of)
