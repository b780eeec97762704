import numpy as np
import pytest

from sim.scenario.load import loads
from sim.scenario.pool import Pool
from sim.simulation import simulate
from sim.streams import Streams
from sim.studies.calibration_replay import instants, replay
from sim.studies.calibration_runs import BenchmarkRun, CalibrationError, Load, Serving

FLAT = {"knots_tokens": [1, 8192], "knots_s": [1.0, 1.0]}  # every step takes a second


def engine(**changes: object) -> Pool:
    usual = {"timing": FLAT, "kv_tokens": 100_000, "node": {"usd_per_hour": 1.0}}
    return Pool.model_validate({**usual, **changes})


def run(rps: float | None, requests: int, tokens: int = 3, **changes: object) -> BenchmarkRun:
    load = Load(requests, rps, (100,), (tokens,), **changes)  # type: ignore[arg-type]
    return BenchmarkRun("by hand", "main", load, Serving())


def test_all_at_once_by_hand() -> None:
    """Three steps of a second for four requests of three tokens: they run side by side."""
    found = replay(run(None, 4), engine())
    assert found.output_tokens_per_s == pytest.approx(12 / 3, rel=1e-5)
    assert found.ttft_s == pytest.approx(1.0, rel=1e-5)
    assert found.tpot_s == pytest.approx(1.0, rel=1e-5)


def test_a_client_s_limit_holds_requests_back_and_their_time_counts_from_sending() -> None:
    """Two at a time, three seconds each: 12 tokens in 6 s, and nobody waits in the engine."""
    found = replay(run(None, 4, max_concurrency=2), engine())
    assert found.output_tokens_per_s == pytest.approx(12 / 6, rel=1e-4)
    assert found.ttft_s == pytest.approx(1.0, rel=1e-4)


def test_a_slot_is_free_when_the_client_has_the_answer() -> None:
    late = engine(host={"first_token_s": 0.5})
    found = replay(run(None, 2, max_concurrency=1), late)
    assert found.output_tokens_per_s == pytest.approx(6 / 7, rel=1e-4)
    assert found.ttft_s == pytest.approx(1.5, rel=1e-4)


def test_one_token_has_no_tpot_and_steps_can_be_slower() -> None:
    found = replay(run(None, 1, tokens=1), engine(), slow=1.5)
    assert found.tpot_s is None
    assert found.ttft_s == pytest.approx(1.5, rel=1e-5)


def test_recorded_instants_are_kept() -> None:
    one = run(5.0, 2, sent_at_s=(0.0, 10.0))
    assert instants(one.load, np.random.default_rng(0)) == [0.0, 10.0]
    assert replay(one, engine()).output_tokens_per_s == pytest.approx(6 / 13, rel=1e-5)


@pytest.mark.parametrize("burstiness", [1.0, 0.5, 4.0])
def test_the_last_request_comes_at_requests_over_rate(burstiness: float) -> None:
    load = Load(400, 8.0, (1,), (1,), burstiness=burstiness)
    at_s = np.array(instants(load, np.random.default_rng(1)))
    assert at_s[-1] == pytest.approx(50.0)
    gaps = np.diff(at_s)
    assert (gaps >= 0).all()
    assert (gaps.std() / gaps.mean()) ** 2 == pytest.approx(1 / burstiness, rel=0.25)


def test_what_can_never_be_served_is_told() -> None:
    with pytest.raises(CalibrationError, match="by hand: request 1: "):
        replay(run(None, 1), engine(kv_tokens=64))


def test_it_is_what_the_whole_simulator_makes_of_the_same_load() -> None:
    text = """
horizon: 5m
warmup: 0s
seed: 3
routes:
  benchmark:
    pool: main
    arrivals: {rps: 20, count: 60}
    input_tokens: {fixed: 100}
    output_tokens: {fixed: 30}
pools:
  main:
    model: llama-3.1-8b
    gpu: h100-nvl
    node: {usd_per_hour: 1}
    engine: {prefix_caching: false}
"""
    scenario = loads(text)
    usage = simulate(scenario, replication=2).usage.overall
    load = Load(60, 20.0, (100,), (30,))
    means = BenchmarkRun("x", "main", load, Serving(), statistic="mean")
    found = replay(means, scenario.pools["main"], seed=3, replication=2)
    assert found.ttft_s == pytest.approx(usage.ttft_s.mean, rel=1e-6)
    assert found.tpot_s == pytest.approx(usage.tpot_s.mean, rel=1e-6)


def test_streams_are_keyed_by_seed_and_replication() -> None:
    load = Load(5, 1.0, (1,), (1,))
    one, same, other = (
        instants(load, Streams(7, n).of("arrivals", "benchmark")) for n in (0, 0, 1)
    )
    assert one == same != other
