import numpy as np
import pytest

from sim.report.latency_bins import BINS, FIRST_S, LatencyBins, edges_s


def chunk(**columns: list[object]) -> dict[str, np.ndarray]:
    return {name: np.array(values) for name, values in columns.items()}


ATTEMPTS = chunk(
    route=["chat", "chat", "chat", "mail"],
    outcome=["completed", "failed", "completed", "completed"],
    arrived_at_s=[0.0, 0.0, 10.0, 0.0],
    first_token_at_s=[0.5, np.nan, 10.1, 2.0],
    finished_at_s=[2.5, np.nan, 10.1, 20.0],
    output_tokens=[11, 0, 1, 10],
)


def test_answers_are_counted_where_they_belong() -> None:
    bins = LatencyBins()
    assert len(list(bins.watching([ATTEMPTS, ATTEMPTS]))) == 2
    chat = bins.counts["chat"]
    assert {name: sum(counts) for name, counts in chat.items()} == {
        "ttft_s": 4,  # two answers, seen twice; what failed is none
        "tpot_s": 2,  # a single token has no time per token
        "e2e_s": 4,
    }
    tpot_s = (2.5 - 0.5) / 10
    place = chat["tpot_s"].index(2)
    assert edges_s()[place - 1] <= tpot_s < edges_s()[place]


def test_memory_does_not_grow_with_answers() -> None:
    bins = LatencyBins()
    list(bins.watching([ATTEMPTS] * 50))
    assert all(len(counts) == BINS for of in bins.counts.values() for counts in of.values())


def test_bins_reach_from_far_too_short_to_far_too_long() -> None:
    assert edges_s()[0] == pytest.approx(FIRST_S * 10 ** (1 / 40))
    assert edges_s()[-1] > 9_000.0
