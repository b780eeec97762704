import math
from typing import Any

import pytest
from usages import pool

from sim.fleet.build import build_batcher
from sim.scenario.pool import Pool
from sim.serving.sequence import Sequence
from sim.studies.naive import (
    COUNTED_S,
    GENERATIONS,
    Loop,
    LoopMeter,
    benchmark,
    best_loop,
    closed_loop,
    ladder,
)

# A step of x tokens takes 10 ms + 10 µs x; nothing else takes time.
LINE = {"knots_tokens": [1, 1001], "knots_s": [0.01001, 0.02001]}
ENGINE = {"max_num_seqs": 8, "max_num_batched_tokens": 8192}


def a_pool(timing: dict[str, Any] | None = None, **changes: Any) -> Pool:
    return Pool.model_validate(pool(**{"timing": timing or LINE, "engine": ENGINE, **changes}))


def loop(of: Pool, input_tokens: int, output_tokens: int, concurrency: int) -> Loop:
    batcher = build_batcher(of, prefix_caching=False)
    return closed_loop(batcher, input_tokens, output_tokens, concurrency)


def test_one_client_by_hand() -> None:
    """A request of 100 in, 5 out: one step of 100 tokens (11 ms), four of one (10.01 ms)."""
    found = loop(a_pool(), 100, 5, 1)
    each_s = 0.011 + 4 * 0.01001
    assert found.tokens_per_s == pytest.approx(105 / each_s, rel=1e-4)  # ± 1 µs between requests
    assert found.rates.pre_s == pytest.approx(0.011 / 100, rel=1e-3)
    assert found.rates.rent_s == 0.0
    assert found.rates.out_s == pytest.approx(4 * 0.01001 / 5, rel=1e-3)


def test_eight_clients_in_step_by_hand() -> None:
    """Eight of 100 in, 5 out go in step: 800 tokens (18 ms), then four steps of 8 (10.08 ms)."""
    found = loop(a_pool(), 100, 5, 8)
    assert found.tokens_per_s == pytest.approx(8 * 105 / (0.018 + 4 * 0.01008), rel=1e-4)


def test_context_rent_by_hand() -> None:
    """With 1 µs per context token, the prompt of 1,000 costs 1 ms in each of nine decode steps."""
    of = a_pool({**LINE, "per_context_token_s": 1e-6})
    found = loop(of, 1000, 10, 1)
    rent_s, decode_s = 9 * 1e-3, 9 * 0.01001 + sum(range(9)) * 1e-6
    assert found.rates.rent_s * 1000 == pytest.approx(rent_s, rel=1e-3)
    assert found.rates.out_s * 10 == pytest.approx(decode_s, rel=1e-3)
    assert found.rates.pre_s * 1000 == pytest.approx(0.02, rel=1e-3)


@pytest.mark.parametrize(
    ("input_tokens", "output_tokens", "concurrency", "kv_tokens"),
    [(500, 250, 8, 100_000), (1, 1, 8, 100_000), (700, 1, 4, 100_000), (900, 300, 8, 2400)],
)
def test_rates_reproduce_the_counted_time(
    input_tokens: int, output_tokens: int, concurrency: int, kv_tokens: int
) -> None:
    of = a_pool({**LINE, "per_context_token_s": 1e-7}, kv_tokens=kv_tokens)
    found = loop(of, input_tokens, output_tokens, concurrency)
    each_s = found.rates.run_s(input_tokens, output_tokens)
    assert each_s * found.answers == pytest.approx(found.counted_s, rel=1e-9)
    assert (input_tokens + output_tokens) / each_s == pytest.approx(found.tokens_per_s, rel=1e-9)
    assert all(math.isfinite(r) and r >= 0 for r in (found.rates.pre_s, found.rates.out_s))


def test_enough_is_counted_where_generations_differ() -> None:
    """A KV cache for two and a half requests: generations never repeat, so time decides."""
    found = loop(a_pool(kv_tokens=3008), 900, 300, 8)
    assert found.counted_s >= COUNTED_S
    assert found.answers >= GENERATIONS * 8


def test_a_periodic_loop_is_not_counted_for_ever() -> None:
    """Five minutes of one-token answers would be 30,000 requests; a few show the same."""
    found = loop(a_pool(), 1, 1, 1)
    assert found.answers < 100
    assert found.tokens_per_s == pytest.approx(2 / 0.01001, rel=1e-3)


def test_the_host_time_to_the_first_token_is_part_of_the_loop() -> None:
    host = {"first_token_s": 0.1}
    found = loop(a_pool(host=host), 100, 5, 1)
    assert found.tokens_per_s == pytest.approx(105 / (0.1 + 0.011 + 4 * 0.01001), rel=1e-4)


def test_ladder_doubles_up_to_the_engine() -> None:
    assert list(ladder(1)) == [1]
    assert list(ladder(8)) == [1, 2, 4, 8]
    assert list(ladder(100)) == [1, 2, 4, 8, 16, 32, 64, 100]


def test_best_loop_is_the_best_rung() -> None:
    of = a_pool({**LINE, "per_context_token_s": 1e-7}, kv_tokens=3008)
    rungs = [loop(of, 400, 100, c) for c in ladder(8)]
    best = best_loop(lambda: build_batcher(of, prefix_caching=False), 400, 100, 8)
    assert best.tokens_per_s == max(r.tokens_per_s for r in rungs)


def test_ladder_stops_after_two_falls() -> None:
    """Steps that get much dearer beyond two tokens: two clients are best, eight are never tried."""
    steep = {"knots_tokens": [1, 2, 3, 4], "knots_s": [0.01, 0.01, 0.1, 0.3]}
    engine = {**ENGINE, "max_num_seqs": 64}
    of = a_pool(steep, engine=engine)
    made: list[int] = []

    def make() -> Any:
        made.append(1)
        return build_batcher(of, prefix_caching=False)

    best = best_loop(make, 1, 200, 64)
    assert best.concurrency == 2
    assert len(made) == 4


def test_benchmark_of_a_pool() -> None:
    of = a_pool()
    found = benchmark(of, 100, 5)
    assert found.concurrency == 8
    assert (found.input_tokens, found.output_tokens) == (100, 5)
    assert found.source == "closed loop of 100 input and 5 output tokens, best at concurrency 8"
    assert found.tokens_per_s == pytest.approx(8 * 105 / (0.018 + 4 * 0.01008), rel=1e-4)


def test_benchmark_does_not_depend_on_the_fleet() -> None:
    one = benchmark(a_pool(), 100, 5)
    other = a_pool(usd_per_hour=99.0, replicas=7, router="round-robin", queue_limit=3)
    assert benchmark(other, 100, 5) is one
    living = {"failures": {"mtbf": "9d"}, "startup": "none", "rollouts": {"every": "1d"}}
    assert benchmark(a_pool(**living), 100, 5) is one


def test_an_engine_may_be_wider_than_one_gpu() -> None:
    wide = a_pool(tensor_parallel=2, node={"gpus": 8, "usd_per_hour": 9.0})
    assert benchmark(wide, 100, 5).tokens_per_s == benchmark(a_pool(), 100, 5).tokens_per_s


def test_prefix_cache_is_off() -> None:
    off = {**ENGINE, "prefix_caching": False}
    on, without = benchmark(a_pool(), 400, 5), benchmark(a_pool(engine=off), 400, 5)
    assert on.tokens_per_s == without.tokens_per_s


def test_lengths_as_given() -> None:
    given = a_pool(naive={"input_tokens": 100, "output_tokens": 5})
    found = benchmark(given, 7, 7)
    plain = benchmark(a_pool(), 100, 5)
    assert found.tokens_per_s == plain.tokens_per_s
    assert found.source == f"{plain.source}; lengths as given"


def test_throughput_as_given() -> None:
    found = benchmark(a_pool(naive={"total_tokens_per_s": 1000}), 100, 5)
    plain = benchmark(a_pool(), 100, 5)
    assert found.tokens_per_s == 1000.0
    assert found.concurrency == 0
    assert found.rates.run_s(100, 5) == pytest.approx(105 / 1000.0)
    ratio = found.rates.pre_s / plain.rates.pre_s
    assert found.rates.out_s / plain.rates.out_s == pytest.approx(ratio)


def test_lengths_that_never_fit_are_cut() -> None:
    found = benchmark(a_pool(kv_tokens=1600), 3000, 200)
    assert found.input_tokens + found.output_tokens <= 1600
    assert found.tokens_per_s > 0


def metered(concurrency: int, together: int) -> LoopMeter:
    """A meter that was told of *together* answers every second until it had enough."""
    meter = LoopMeter(concurrency)
    answer = Sequence(0, 0, 0.0, 10, 10)
    answer.prefill_s = 1.0
    at_s = 0.0
    while True:
        at_s += 1.0
        for _ in range(together):
            if meter.answered(answer, at_s):
                return meter


def test_equal_generations_end_the_count() -> None:
    """Generations of 4 in step: the first is not counted, eight of a second each are enough."""
    found = metered(4, 4).loop(10, 10)
    assert (found.counted_s, found.answers) == (8.0, 32)
    assert found.tokens_per_s == 80.0


def test_generations_that_overlap_are_not_taken_as_equal() -> None:
    """Five at a time of four clients pass a generation's end every second, but never with it."""
    found = metered(4, 5).loop(10, 10)
    assert found.counted_s == COUNTED_S
    assert found.answers == 5 * COUNTED_S


def test_answers_of_one_instant_are_counted_together() -> None:
    """Counting begins after the instant at which the first generation is complete."""
    meter = metered(4, 3)
    assert meter.began_at_s == 2.0
    assert meter.seen == 3 * (meter.at_s - 2.0)
