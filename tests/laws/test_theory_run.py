"""Theory through `run` and its summary: what users see of M/D/1, and what it costs (T14)."""

from __future__ import annotations

from functools import cache

import pytest

from sim.scenario.load import load
from sim.studies.replications import run
from sim.studies.result import Result
from tests.laws.theory_sample import FOLDER, observe

COUNT, HORIZON_S = 2000, 5000.0
WHOLE = (
    "warmup=0s",
    f"horizon={HORIZON_S}s",
    f"routes.chat.arrivals={{rps: 0.5, count: {COUNT}}}",
    "pools.main.node.usd_per_hour=3.60",
)
"""As many requests in as many seconds in every run, and nobody there at the end."""

RATE = COUNT / HORIZON_S
SERVICE_S = 20 * 0.05
TOKENS = 1 + 20  # of one request


@cache
def result(*changes: str) -> Result:
    return run(load(FOLDER / "md1.yaml", (*WHOLE, *changes)), replications=3, jobs=1)


def test_load_is_rate_times_service() -> None:
    summary = result().summary()
    assert summary["requests"]["completed"] == COUNT
    assert summary["utilization"]["busy"] == pytest.approx(RATE * SERVICE_S, rel=1e-9)


@pytest.mark.parametrize("nodes", [1, 3])
def test_tokens_cost_the_price_of_time_over_their_rate(nodes: int) -> None:
    summary = result(f"pools.main.replicas={nodes}").summary()
    cost = summary["cost"]["usd_per_million_useful_tokens"]
    usd_per_s = nodes * 3.60 / 3600
    assert cost["value"] == pytest.approx(usd_per_s / (RATE * TOKENS) * 1e6, rel=1e-9)


def test_the_gap_to_a_saturated_engine_is_one_over_the_load() -> None:
    gap = result().summary()["gap"]
    assert gap["naive"] == pytest.approx(3.60 / 3600 / (TOKENS / SERVICE_S) * 1e6, rel=1e-3)
    assert gap["factor"] == pytest.approx(1 / (RATE * SERVICE_S), rel=1e-3)


def test_latencies_are_those_of_the_same_replications() -> None:
    shown = [r["latency"]["e2e_s"]["mean"] for r in result().summary()["per_replication"]]
    recorded = [float(observe("md1.yaml", i, WHOLE).sojourn_s.mean()) for i in range(3)]
    assert shown == pytest.approx(recorded, rel=1e-6)  # kept as float32
    assert len(set(shown)) == 3
