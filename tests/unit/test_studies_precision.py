import math
from dataclasses import replace
from typing import Any

import pytest
from usages import hand_usage, pool, route, scenario

from sim.ledger.usage import Figures, TokenCounts, Usage
from sim.studies.intervals import student_t
from sim.studies.precision import Precision, convergence
from sim.studies.replications import run


def usage(tokens: float, p95: float | None = None) -> Usage:
    """Of $3.60 and so many useful tokens."""
    base = hand_usage()
    chat = replace(
        base.routes["chat"], useful=TokenCounts(output=tokens), ttft_s=Figures(p95=p95, n=1)
    )
    return replace(base, routes={"chat": chat})


def test_the_rule_by_hand() -> None:
    """Tokens 9, 10, 11 of one bill: leave-one-out 2/21, 2/20, 2/19 and so on of the price."""
    usages = [usage(9e5), usage(1e6), usage(1.1e6)]
    (known,) = convergence(Precision(0.5), usages, scenario()).known
    pseudo = [3 * 0.1 - 2 * (2 / rest) for rest in (21, 20, 19)]
    interval = student_t(pseudo)
    assert interval is not None
    half = (interval.high - interval.low) / 2 / 0.1
    assert known.half == pytest.approx(half)
    at = half / (1 - half)  # half == gamma / (1 + gamma)
    assert convergence(Precision(at * 1.0001), usages, scenario()).converged
    assert not convergence(Precision(at * 0.9999), usages, scenario()).converged


def test_latencies_count_if_they_are_asked_for() -> None:
    usages = [usage(1e6, p95=p) for p in (1.0, 2.0, 3.0)]
    assert convergence(Precision(0.01), usages, scenario()).converged  # equal prices are sure
    found = convergence(Precision(0.01, p95=0.05), usages, scenario())
    assert not found.converged
    assert [k.path for k in found.known if not k.enough] == ["routes.chat.latency.ttft_s.p95"]
    (notice,) = found.notices()
    assert notice.code == "not-converged"
    half = 4.30265273 / math.sqrt(3) / 2
    assert f"{half:.2%}" in notice.text
    assert "4.76%" in notice.text


def test_a_tail_too_thin_once_is_not_known_and_one_never_seen_not_asked_for() -> None:
    thin = [usage(1e6, p95=1.0), usage(1e6, p95=None)]
    assert convergence(Precision(0.01, 0.05), thin, scenario()).known[-1].half is None
    never = [usage(1e6), usage(1e6)]
    assert len(convergence(Precision(0.01, 0.05), never, scenario()).known) == 1


def test_no_tokens_no_precision() -> None:
    assert not convergence(Precision(0.5), [usage(0.0), usage(0.0)], scenario()).converged


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1])
def test_a_precision_is_a_share(share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Precision(share)


LENGTHS = {"input_tokens": {"fixed": 300}, "output_tokens": {"exponential": 60}}
SMALL: dict[str, Any] = {
    "horizon": 60, "warmup": 0, "routes": {"chat": route(**LENGTHS)}, "pools": {"main": pool()}
}  # fmt: skip


def test_replications_are_added_until_it_is_enough_whatever_the_jobs() -> None:
    wanted = Precision(0.08, most=40)
    results = [
        run(scenario(**SMALL), replications=3, precision=wanted, jobs=jobs) for jobs in (1, 2)
    ]
    first, second = (result.summary() for result in results)
    assert {k: v for k, v in first.items() if k != "versions"} == {
        k: v for k, v in second.items() if k != "versions"
    }
    n = first["replications"]
    assert 3 < n < 40
    assert first["precision"]["converged"]
    usages, of = results[0].usages, results[0].scenario
    assert all(not convergence(wanted, usages[:i], of).converged for i in range(3, n))
    (known,) = first["precision"]["figures"]
    low, high = first["cost"]["usd_per_million_useful_tokens"]["ci95"]
    value = first["cost"]["usd_per_million_useful_tokens"]["value"]
    assert known["half"] == pytest.approx((high - low) / 2 / value, rel=1e-6)  # that on the screen
    assert known["half"] <= 0.08 / 1.08


def test_what_is_not_reached_is_said_aloud() -> None:
    summary = run(scenario(**SMALL), replications=2, precision=Precision(0.001, most=4)).summary()
    assert summary["replications"] == 4
    assert not summary["precision"]["converged"]
    warned = [w for w in summary["warnings"] if w["code"] == "not-converged"]
    assert [w["path"] for w in warned] == ["cost.usd_per_million_useful_tokens"]
    assert "after 4 replications" in warned[0]["text"]


def test_what_draws_nothing_needs_no_search(tmp_path: Any) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text("arrived_at_s,input_tokens,output_tokens\n1,100,20\n")
    played = {"chat": {"pool": "main", "arrivals": {"trace": str(trace)}}}
    result = run(scenario(**{**SMALL, "routes": played}), replications=2, precision=Precision(0.01))
    assert result.convergence is None
    assert "precision" not in result.summary()
    assert "same-replications" in {w["code"] for w in result.summary()["warnings"]}
