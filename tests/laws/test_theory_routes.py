"""Theory of routes over pools: a split Poisson stream, and two M/M/1 in a row (Jackson 1957).

Each pool has one server of one sequence. At `small` the answer takes the time (1 ms a token), at
`large` the prompt (0.2 ms a token; an answer some 10 ms): lengths of prompts and answers are
independent, as the service times of a Jackson network must be.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.ledger.spool import read
from sim.scenario.document import Scenario
from sim.simulation import simulate
from sim.studies.replications import run
from tests.laws import theory

HORIZON_S = 20_000.0
SMALL_S, LARGE_S = 1.0, 2.01
TICKS_S = 5e-6
"""What a request may lose to boundaries that are handled a microsecond late."""


def server(usd: float, knots_tokens: list[int], knots_s: list[float]) -> dict[str, Any]:
    return {
        "timing": {"knots_tokens": knots_tokens, "knots_s": knots_s},
        "kv_tokens": 10**9,
        "host": "none",
        "engine": {
            "max_num_seqs": 1, "max_num_batched_tokens": 1_000_000, "async_scheduling": False,
            "prefix_caching": False,
        },
        "node": {"usd_per_hour": usd},
    }  # fmt: skip


def tandem(to: Any, rps: float, horizon_s: float = HORIZON_S) -> Scenario:
    return Scenario.model_validate(
        {
            "name": "tandem",
            "horizon": horizon_s,
            "warmup": 200,
            "seed": 9,
            "routes": {
                "chat": {
                    "pool": to,
                    "arrivals": {"rps": rps},
                    "input_tokens": {"exponential": 10_000},
                    "output_tokens": {"exponential": 1000},
                }
            },
            "pools": {
                "small": server(1.0, [1], [1e-3]),
                "large": server(4.0, [1, 1_000_001], [1e-5, 200.00001]),
            },
        }
    )


def rows(scenario: Scenario, folder: Path) -> dict[str, dict[str, np.ndarray]]:
    """What came to each pool, in the order of coming."""
    simulate(scenario, spool=folder)
    chunks = list(read(folder))
    whole = {name: np.concatenate([c[name] for c in chunks]) for name in chunks[0]}
    order = np.argsort(whole["queued_at_s"], kind="stable")
    by_pool = {pool: order[whole["pool"][order] == pool] for pool in scenario.pools}
    return {p: {name: c[mine] for name, c in whole.items()} for p, mine in by_pool.items()}


def service_s(pool: str, of: dict[str, np.ndarray]) -> np.ndarray:
    if pool == "small":
        return np.asarray(of["output_tokens"] * 1e-3)
    return np.asarray((of["input_tokens"] - 1) * 2e-4 + of["output_tokens"] * 1e-5)


def check_server(pool: str, of: dict[str, np.ndarray], rate: float, mean_s: float) -> None:
    """One server, first come first served: exactly as its arrivals say, and M/M/1 on average."""
    waits_s = of["finished_at_s"] - of["queued_at_s"] - service_s(pool, of)
    begun = np.flatnonzero(waits_s < TICKS_S + 1e-3)[0]  # the first that found nobody
    arrived, served = of["queued_at_s"][begun:], service_s(pool, of)[begun:]
    expected = theory.lindley_waits_s(arrived, served)
    np.testing.assert_allclose(waits_s[begun:], expected, atol=1e-3)
    found_rate = len(arrived) / (arrived[-1] - arrived[0])
    assert found_rate == pytest.approx(rate, rel=0.03)
    assert served.mean() == pytest.approx(mean_s, rel=0.03)
    wait_s = theory.pk_wait_s(rate, mean_s, 2 * mean_s**2)
    assert waits_s.mean() == pytest.approx(wait_s, rel=0.15)


def test_a_split_poisson_stream_is_two_that_know_nothing_of_each_other(tmp_path: Path) -> None:
    """Thinned by chance, each half is Poisson, and both are independent (Kingman 1993, 5.1)."""
    rate, share = 0.8, 0.7
    split = {"split": {"small": share, "large": 1 - share}}
    found = rows(tandem(split, rate), tmp_path)
    check_server("small", found["small"], share * rate, SMALL_S)
    check_server("large", found["large"], (1 - share) * rate, LARGE_S)
    edges = np.arange(0.0, HORIZON_S + 1.0, 60.0)
    counts = [np.histogram(of["arrived_at_s"], edges)[0] for of in found.values()]
    n = len(edges) - 1
    assert abs(np.corrcoef(counts)[0, 1]) < 4 / n**0.5
    for of in counts:
        assert of.var(ddof=1) / of.mean() == pytest.approx(1.0, abs=4 * (2 / n) ** 0.5)


def test_a_cascade_is_two_queues_in_a_row(tmp_path: Path) -> None:
    """What leaves M/M/1 is Poisson (Burke 1956), a share of it too: the next is M/M/1 again."""
    rate, share = 0.5, 0.5
    cascade = {"cascade": ["small", "large"], "escalates": share}
    found = rows(tandem(cascade, rate), tmp_path)
    check_server("small", found["small"], rate, SMALL_S)
    check_server("large", found["large"], share * rate, LARGE_S)
    left = dict(zip(found["small"]["request_id"], found["small"]["finished_at_s"], strict=True))
    later = found["large"]
    came = np.array([left[number] for number in later["request_id"]])
    np.testing.assert_allclose(later["queued_at_s"], came, atol=TICKS_S)
    gaps_s = np.diff(later["queued_at_s"])
    assert gaps_s.std() / gaps_s.mean() == pytest.approx(1.0, abs=0.05)
    rest = found["small"]["request_id"][~np.isin(found["small"]["request_id"], later["request_id"])]
    assert len(rest) + len(later["request_id"]) == len(found["small"]["request_id"])


def test_what_a_cascade_costs_by_hand() -> None:
    """An hour of one small replica at $1 and of a large one at $4; every answer of use is paid.

    Of n requests, m escalate. The small pool's dollar is for n answers, m of them in vain; the
    large one's four are for m. Per pool: $1/n and $4/m a request that it was sent.
    """
    cascade = {"cascade": ["small", "large"], "escalates": 0.5}
    result = run(tandem(cascade, 0.5, 3600.0), replications=1)
    summary = result.summary()
    chat, bill = summary["routes"]["chat"], summary["bill"]["total_usd"]
    n, m = chat["requests"]["arrived"], chat["requests"]["escalated"]
    assert bill == pytest.approx(5.0)
    assert 0.4 < m / n < 0.6
    small, large = chat["pools"]["small"], chat["pools"]["large"]
    assert (small["usd"], large["usd"]) == (pytest.approx(1.0), pytest.approx(4.0))
    assert (small["requests"]["sent"], large["requests"]["sent"]) == (n, m)
    assert small["requests"]["completed"] + large["requests"]["completed"] == n
    assert chat["cost"]["usd_per_thousand_requests"]["value"] == pytest.approx(5000.0 / n)
    wasted, useful = chat["tokens"]["wasted"]["escalated"], chat["tokens"]["useful"]
    tokens = useful["input"] + useful["output"]
    assert wasted["output"] == large["tokens"]["useful"]["output"]  # the same length again
    assert chat["cost"]["usd_per_million_useful_tokens"]["value"] == pytest.approx(5e6 / tokens)
