"""Whole runs of one replication. `LINE`: a step lasts 1 s; `FAST`: some milliseconds."""

from __future__ import annotations

import gc
import hashlib
import math
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from usages import pool, scenario

from sim.fleet.gateway import Gateway
from sim.ledger.conservation import ConservationError
from sim.ledger.records import Ledger
from sim.ledger.spool import read
from sim.ledger.usage import Usage
from sim.scenario.document import Scenario
from sim.simulation import DRAIN_LIMIT_S, Run, simulate

LINE = {"knots_tokens": [1], "knots_s": [1.0]}
FAST = {
    "knots_tokens": [1, 256, 8192], "knots_s": [0.006, 0.009, 0.21],
    "per_context_token_s": 4e-8, "per_attention_pair_s": 3e-9,
}  # fmt: skip
REPOSITORY = Path(__file__).resolve().parents[2]


def loop(think_s: float = 1.0, users: int = 1, output: int = 9, **changes: Any) -> dict[str, Any]:
    """A closed loop: each answer of 9 tokens takes 9 s, each question comes a second after."""
    return {
        "pool": "main",
        "arrivals": {"concurrency": users, "think_time": think_s},
        "input_tokens": {"fixed": 100},
        "output_tokens": {"fixed": output},
        **changes,
    }


def slow(routes: dict[str, Any] | None = None, **changes: Any) -> Scenario:
    """By default one user in a cycle of 10 s, measured for 100 s."""
    pools = {"main": pool(timing=LINE, **changes.pop("pool", {}))}
    usual = {"horizon": 100.0, "warmup": 0.0}
    return scenario(routes or {"chat": loop()}, pools, **{**usual, **changes})


def stream(rps: float = 4.0, to: str = "main", **changes: Any) -> dict[str, Any]:
    return {
        "pool": to,
        "arrivals": {"rps": rps},
        "input_tokens": {"lognormal": {"median": 300, "p95": 1500}, "max": 4000},
        "output_tokens": {"exponential": 80, "max": 500},
        **changes,
    }


def fast(routes: dict[str, Any], main: dict[str, Any] | None = None, **changes: Any) -> Scenario:
    """Two pools, the second with a tight cache."""
    usual = {"timing": FAST, "replicas": 3, "router": "power-of-two", "queue_limit": 50}
    pools = {
        "main": pool(**{**usual, **(main or {})}),
        "other": pool(timing=FAST, kv_tokens=20_000, replicas=2, router="prefix-affinity"),
    }
    return scenario(routes, pools, **{"horizon": 120.0, "warmup": 20.0, "seed": 7, **changes})


BOTH = {"chat": stream(template_tokens=200), "code": stream(1.0, "other", template_tokens=100)}


# -- counted by hand ------------------------------------------------------------------------------


def test_a_lone_user_by_hand() -> None:
    """Ten cycles: 9 s of answer, of which the first token takes one, and 1 s of thought."""
    usage = simulate(slow()).usage
    chat, main = usage.routes["chat"], usage.pools["main"]
    assert (chat.requests.arrived, chat.requests.completed) == (10, 10)
    assert (chat.useful.input, chat.useful.output) == (1000, 90)
    assert chat.ttft_s.mean == pytest.approx(1.0)
    assert chat.tpot_s.mean == pytest.approx(1.0)
    assert chat.e2e_s.mean == pytest.approx(9.0)
    assert (main.paid_s, main.node_s) == (100.0, 100.0)
    assert main.busy_s == pytest.approx(90.0)
    assert main.idle_s == pytest.approx(10.0)
    assert usage.window_s == 100.0


def test_kv_blocks_by_hand() -> None:
    """A block of 112 tokens holds it all: 9 of 10 s. The cache of 100,000 tokens has 892."""
    main = simulate(slow(pool={"engine": {"block_tokens": 112}})).usage.pools["main"]
    assert main.kv_used_block_s == pytest.approx(90.0)
    assert main.kv_block_s == 892 * 100.0


def test_kv_blocks_of_an_answer_that_began_long_before_the_window() -> None:
    """One more each 16 s: 64 in the window's first second, 65 to 67 for 16 s each, then 68."""
    routes = {"chat": loop(output=1900, input_tokens={"fixed": 24})}
    of = slow(routes, warmup=1000.0, horizon=60.0, pool={"kv_tokens": 2048})
    main = simulate(of).usage.pools["main"]
    assert main.kv_used_block_s == pytest.approx(64 + 16 * (65 + 66 + 67) + 11 * 68, abs=1e-3)


def test_kv_blocks_in_use_are_never_more_than_there_are() -> None:
    """A run of 1,000 s with one of two blocks; the second is opened a second after the start."""
    routes = {"chat": loop(output=1900, input_tokens={"fixed": 24})}
    spec = {"kv_tokens": 2048, "engine": {"block_tokens": 1024}}
    main = simulate(slow(routes, warmup=1000.0, horizon=60.0, pool=spec)).usage.pools["main"]
    assert main.kv_used_block_s == pytest.approx(1 + 59 * 2, abs=1e-3)


def test_warm_up_is_simulated_but_not_measured(tmp_path: Path) -> None:
    """Five cycles before time 0; those in the window are numbers 5 to 14."""
    usage = simulate(slow(warmup=50.0), spool=tmp_path).usage
    assert usage.routes["chat"].requests.arrived == 10
    assert usage.pools["main"].busy_s == pytest.approx(90.0)
    rows = spooled(tmp_path)
    assert rows["request_id"].tolist() == list(range(5, 15))
    assert rows["arrived_at_s"] == pytest.approx(10.0 * np.arange(10), abs=1e-6)


def test_an_answer_that_straddles_the_start_is_not_of_the_window_but_its_seconds_are() -> None:
    """Cycles begin at -5, 5 … 85; of the first answer 4 s are in the window, of 95 s."""
    usage = simulate(slow(warmup=5.0, horizon=95.0)).usage
    chat = usage.routes["chat"]
    assert chat.requests.arrived == 9
    assert usage.pools["main"].busy_s == pytest.approx(4.0 + 9 * 9.0)
    assert chat.ended_useful.output == 10 * 9  # ended: 4, 14 … 94
    assert chat.as_run.prefill + chat.as_run.decode == pytest.approx(90.0)


def test_open_clients_come_in_the_warm_up_too(tmp_path: Path) -> None:
    """At 4 a second for 20 s: those of the window are numbered from about 80 on."""
    simulate(fast({"chat": BOTH["chat"]}), spool=tmp_path)
    assert 40 < spooled(tmp_path)["request_id"].min() < 130


def test_the_horizon_cuts_busy_seconds_but_waits_for_answers() -> None:
    """The tenth question comes at 90 s of 95: 5 s of its answer are paid in the window."""
    usage = simulate(slow(horizon=95.0)).usage
    assert usage.routes["chat"].requests.completed == 10
    assert usage.pools["main"].busy_s == pytest.approx(9 * 9.0 + 5.0)
    assert usage.pools["main"].paid_s == 95.0
    assert usage.routes["chat"].ended_useful.output == 9 * 9


def test_what_has_not_ended_long_after_the_horizon_is_in_flight(tmp_path: Path) -> None:
    """One request, at 2 s; 2,000 steps of 1 s, of which the run sees those up to 100 + 900 s."""
    assert DRAIN_LIMIT_S == 900.0
    route = loop(output=2000, arrivals={"rps": 0.5, "count": 1})
    usage = simulate(slow({"chat": route}, warmup=50.0), spool=tmp_path).usage
    requests = usage.routes["chat"].requests
    assert (requests.arrived, requests.in_flight, requests.completed) == (1, 1, 0)
    assert usage.routes["chat"].useful.output == 0
    assert usage.pools["main"].busy_s == pytest.approx(98.0)
    rows = spooled(tmp_path)
    assert rows["outcome"].tolist() == ["in_flight"]
    assert rows["output_tokens"].tolist() == [998]
    assert math.isnan(rows["finished_at_s"][0])


def test_routes_share_an_engine_in_order_of_priority(tmp_path: Path) -> None:
    """One slot. The urgent user goes first, and then never waits for more than one other answer."""
    routes = {"low": loop(0.0, users=5, priority=1), "high": loop(0.0, priority=0)}
    spec = {"engine": {"max_num_seqs": 1}}
    usage = simulate(slow(routes, pool=spec, horizon=90.0), spool=tmp_path).usage
    rows = spooled(tmp_path)
    ttft_s = (rows["first_token_at_s"] - rows["arrived_at_s"])[rows["route"] == "high"]
    assert ttft_s == pytest.approx([1.0, *[10.0] * 5], abs=1e-4)
    assert usage.routes["low"].requests.arrived == 5 + 4
    assert usage.overall.requests.arrived == 6 + 9


def test_what_never_fits_is_refused_and_the_reason_is_counted() -> None:
    run = simulate(slow({"chat": loop(), "book": loop(output=30)}, pool={"kv_tokens": 128}))
    assert run.usage.routes["chat"].requests.completed == 10
    book = run.usage.routes["book"].requests
    assert book.rejected == book.arrived == 100  # a rejected user comes back after a second
    ((reason, count),) = run.refused["main"].items()
    assert "need 9 KV blocks" in reason
    assert count >= 100  # over the whole run


def test_nodes_are_paid_for_every_gpu_they_have() -> None:
    """Three replicas of 2 GPUs on nodes of 8: one node, two GPUs of it unplaced."""
    spec = {"replicas": 3, "tensor_parallel": 2, "gpus": 8}
    main = simulate(slow(pool=spec)).usage.pools["main"]
    assert (main.paid_s, main.node_s, main.unplaced_gpu_s) == (300.0, 100.0, 200.0)
    assert main.paid_by_interval.tolist() == [3.0]
    assert main.busy_s == pytest.approx(90.0)


def test_recorded_seconds_are_of_every_gpu(tmp_path: Path) -> None:
    """Two GPUs for 9 s an answer."""
    simulate(slow(pool={"tensor_parallel": 2, "gpus": 2}), spool=tmp_path)
    rows = spooled(tmp_path)
    each = rows["prefill_gpu_s"] + rows["decode_gpu_s"] + rows["rent_gpu_s"]
    assert each == pytest.approx([18.0] * 10)


def test_a_trace_plays_from_time_0_and_is_reported(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text(
        "arrived_at_s,input_tokens,output_tokens\n10.0,100,3\n12.5,40,2\n30.0,7,1\n500.0,1,1\n"
    )
    route = {"pool": "main", "arrivals": {"trace": str(trace), "format": "csv"}}
    run = simulate(slow({"chat": route}))
    assert run.usage.routes["chat"].requests.completed == 3
    assert run.usage.routes["chat"].offered.input == 147
    assert list(run.trace_reports) == ["chat"]
    assert run.trace_reports["chat"].rows_used >= 3


# -- samples --------------------------------------------------------------------------------------


def test_levels_are_sampled_under_their_names() -> None:
    """Two users, one slot: at any sample one runs and one waits."""
    spec = {"engine": {"max_num_seqs": 1}}
    run = simulate(slow({"chat": loop(0.0, users=2)}, pool=spec, warmup=7.0), sample_every_s=25.0)
    assert [row["t_s"] for row in run.timeseries] == [0.0, 25.0, 50.0, 75.0]
    first = run.timeseries[0]
    assert set(first) == {
        "t_s", "pool", "replicas_wanted", "replicas_ready", "replicas_starting",
        "replicas_draining", "replicas_failed", "nodes", "usd_per_hour",
        "vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc",
        "vllm:num_preemptions_total", "busy_replica_s", "offered_rps", "completed_rps",
        "failed_rps", "ttft_p95_s", "tpot_p95_s",
    }  # fmt: skip
    for row in run.timeseries:
        assert (row["pool"], row["replicas_ready"], row["nodes"]) == ("main", 1.0, 1.0)
        assert (row["vllm:num_requests_running"], row["vllm:num_requests_waiting"]) == (1.0, 1.0)
        assert row["busy_replica_s"] == pytest.approx(float(row["t_s"]) + 7.0)
        assert row["vllm:kv_cache_usage_perc"] == pytest.approx(7 / 6250, abs=1 / 6250)


def test_looking_changes_nothing() -> None:
    of = fast(BOTH, horizon=30.0)
    assert fingerprint(simulate(of)) == fingerprint(simulate(of, sample_every_s=0.37))


# -- reproducible ---------------------------------------------------------------------------------


def spooled(directory: Path) -> dict[str, np.ndarray]:
    """All attempts, by number."""
    chunks = list(read(directory))
    columns = {name: np.concatenate([c[name] for c in chunks]) for name in chunks[0]}
    order = np.argsort(columns["request_id"], kind="stable")
    return {name: column[order] for name, column in columns.items()}


def fingerprint(run: Run) -> str:
    return hashlib.sha256(plain(run.usage).encode()).hexdigest()


def plain(usage: Usage) -> str:
    def of(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: of(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [of(item) for item in value]
        return value.tolist() if isinstance(value, np.ndarray) else value

    return repr(of(asdict(usage)))


def test_the_same_seed_gives_the_same_run_and_another_another() -> None:
    one = fingerprint(simulate(fast(BOTH)))
    assert fingerprint(simulate(fast(BOTH))) == one
    assert fingerprint(simulate(fast(BOTH, seed=8))) != one
    assert fingerprint(simulate(fast(BOTH), replication=1)) != one


def test_another_process_with_another_hash_seed_gives_the_same_run() -> None:
    code = (
        "from test_simulation import BOTH, fast, fingerprint, simulate\n"
        "print(fingerprint(simulate(fast(BOTH))))"
    )
    paths = os.pathsep.join([str(Path(__file__).parent), str(REPOSITORY)])
    env = {**os.environ, "PYTHONPATH": paths}
    told = {
        subprocess.run(
            [sys.executable, "-c", code], env={**env, "PYTHONHASHSEED": seed}, check=True,
            capture_output=True, text=True,
        ).stdout.strip()
        for seed in ("1", "271828")
    }  # fmt: skip
    assert told == {fingerprint(simulate(fast(BOTH)))}


def test_a_route_more_leaves_the_records_of_others_as_they_are(tmp_path: Path) -> None:
    """On pools of their own, byte for byte; the seconds that they share with nobody, too."""
    alone, beside = tmp_path / "alone", tmp_path / "beside"
    simulate(fast({"chat": BOTH["chat"]}), spool=alone)
    simulate(fast({"code": BOTH["code"], "chat": BOTH["chat"]}), spool=beside)
    before, after = spooled(alone), spooled(beside)
    mine = after["route"] == "chat"
    assert 0 < mine.sum() < len(mine)
    for name, column in before.items():
        found = after[name][mine].astype(column.dtype)  # a text is as wide as the longest of all
        assert column.tobytes() == found.tobytes(), name


def test_arrivals_are_the_same_on_any_fleet(tmp_path: Path) -> None:
    """Common random numbers: what is asked does not depend on who answers."""
    small, large = tmp_path / "small", tmp_path / "large"
    simulate(slow({"chat": stream(0.5)}), spool=small)
    simulate(slow({"chat": stream(0.5)}, pool={"replicas": 8}), spool=large)
    rows = [spooled(directory) for directory in (small, large)]
    asked = [
        sorted(
            zip(
                *(r[n].tolist() for n in ("request_id", "arrived_at_s", "input_tokens")),
                strict=True,
            )
        )
        for r in rows
    ]
    assert len(asked[0]) > 30
    assert asked[0] == asked[1]
    assert sorted(rows[0]["finished_at_s"]) != sorted(rows[1]["finished_at_s"])


@pytest.mark.parametrize("on", [True, False])
def test_the_garbage_collector_is_left_as_it_was(on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even after a run that failed."""
    was_on = gc.isenabled()
    try:
        (gc.enable if on else gc.disable)()
        simulate(slow())
        assert gc.isenabled() is on
        monkeypatch.setattr(Gateway, "done", None)
        with pytest.raises(TypeError):
            simulate(slow())
        assert gc.isenabled() is on
    finally:
        (gc.enable if was_on else gc.disable)()


# -- books ----------------------------------------------------------------------------------------


def test_an_overloaded_fleet_rejects_and_its_books_balance() -> None:
    few_slots = {"engine": {"max_num_seqs": 4}}
    usage = simulate(
        fast({"chat": stream(60.0), "code": stream(12.0, "other")}, main=few_slots, horizon=60.0)
    ).usage
    chat = usage.routes["chat"].requests
    assert chat.rejected > 100
    assert chat.arrived == chat.completed + chat.rejected
    for pool_usage in usage.pools.values():
        assert 0.0 < pool_usage.busy_s <= pool_usage.paid_s
        assert pool_usage.busy_s + pool_usage.idle_s == pytest.approx(pool_usage.paid_s)
        assert 0.0 < pool_usage.kv_used_block_s <= pool_usage.kv_block_s


def test_tokens_of_the_window_are_offered_or_lost_never_more() -> None:
    usage = simulate(fast(BOTH)).usage
    for name, template in (("chat", 200), ("code", 100)):
        route = usage.routes[name]
        assert route.offered.template == template * route.requests.arrived
        assert route.useful.input <= route.offered.input
        assert route.useful.cached_input > 0
        assert route.useful.template <= route.useful.input
    for kind in ("input", "output"):
        parts = (getattr(route.useful, kind) for route in usage.routes.values())
        assert getattr(usage.overall.useful, kind) == sum(parts)


def test_the_books_of_a_quiet_year_of_short_answers_balance() -> None:
    """300 steps of 7 ms, at times of up to 3e7 s: the clock's own rounding is 4e-9 s."""
    route = {**stream(1e-5), "input_tokens": {"fixed": 100}, "output_tokens": {"fixed": 1}}
    usage = simulate(fast({"chat": route}, main={"replicas": 1}, horizon=365 * 86_400.0)).usage
    assert usage.routes["chat"].requests.completed > 250


def test_a_record_that_got_lost_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    done, seen = Gateway.done, []

    def careless(self: Gateway, sequence: Any) -> None:
        seen.append(sequence)
        if len(seen) != 5:
            done(self, sequence)

    monkeypatch.setattr(Gateway, "done", careless)
    with pytest.raises(ConservationError):
        simulate(slow({"chat": loop(users=3)}))


def test_a_request_that_never_came_out_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    expect = Gateway.expect

    def eager(self: Gateway, arrived_at_s: list[float], routes: list[int]) -> None:
        expect(self, arrived_at_s, routes)
        self.arrived[0] += 1

    monkeypatch.setattr(Gateway, "expect", eager)
    with pytest.raises(ConservationError, match="requests of chat at the door"):
        simulate(slow())


def test_a_second_that_nobody_pays_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    add = Ledger.add

    def generous(self: Ledger, attempt: Any) -> None:
        attempt.decode_s -= 1e-3
        add(self, attempt)

    monkeypatch.setattr(Ledger, "add", generous)
    with pytest.raises(ConservationError, match="seconds charged on replica 0 of main"):
        simulate(slow())
