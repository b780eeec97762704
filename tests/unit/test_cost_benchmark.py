import pytest

from sim.cost.benchmark import Benchmark
from sim.cost.reference import ReferenceRates

# 750 tokens in 0.04 replica-seconds: 18,750 tokens/s.
RATES = ReferenceRates(pre_s=2e-5, rent_s=1e-5, out_s=1e-4)
BENCHMARK = Benchmark(18_750.0, RATES, 256, 500, 250, "by hand")


def test_naive_price_is_list_price_over_throughput() -> None:
    # $3/h for 18,750 x 3,600 = 67.5 M tokens
    assert BENCHMARK.usd_per_million_tokens(3.0) == pytest.approx(3.0 / 67.5)


def test_replica_hours_invert_the_throughput() -> None:
    assert BENCHMARK.replica_hours(67.5e6) == pytest.approx(1.0)


def test_prices_by_kind_are_seconds_at_list_price() -> None:
    assert BENCHMARK.usd_per_million_input_tokens(3.6) == pytest.approx(0.03)
    assert BENCHMARK.usd_per_million_output_tokens(3.6) == pytest.approx(0.1)


def test_prices_by_kind_make_up_the_naive_price() -> None:
    by_kind = 500 * BENCHMARK.usd_per_million_input_tokens(
        2.5
    ) + 250 * BENCHMARK.usd_per_million_output_tokens(2.5)
    assert by_kind == pytest.approx(750 * BENCHMARK.usd_per_million_tokens(2.5))


def test_an_answer_takes_what_littles_law_says() -> None:
    assert BENCHMARK.answer_s == pytest.approx(256 * 0.04)
