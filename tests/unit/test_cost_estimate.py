import pytest
from usages import BENCHMARKS

from sim.cost.estimate import NO_ESTIMATE, Weighed, fleet_naive, pool_naive

MAIN, BIG = BENCHMARKS["main"], BENCHMARKS["big"]


def test_one_pool_is_its_benchmark() -> None:
    n = pool_naive(MAIN, 3.6)
    assert n.tokens_per_s == 18_750.0
    assert n.usd_per_million_tokens == pytest.approx(3.6 / 67.5)
    assert n.usd_per_million_input_tokens == pytest.approx(0.03)
    assert n.usd_per_million_output_tokens == pytest.approx(0.1)
    assert n.source == "by hand"


def test_one_pool_needs_no_tokens() -> None:
    assert fleet_naive([Weighed("main", MAIN, 3.6, 0.0, 0.0)]) == pool_naive(MAIN, 3.6)


def test_no_pool_no_estimate() -> None:
    assert pool_naive(None, 1.0) == NO_ESTIMATE
    assert fleet_naive([]) == NO_ESTIMATE


def test_several_pools_are_weighted_by_tokens() -> None:
    """67.5 M tokens an hour at $3.6 and 18 M an hour at $9, in proportion 3 : 1."""
    n = fleet_naive([Weighed("a", MAIN, 3.6, 2e6, 1e6), Weighed("b", BIG, 9.0, 1e6, 0.0)])
    assert n.usd_per_million_tokens == pytest.approx((3 * 3.6 / 67.5 + 9 / 18) / 4)
    assert n.tokens_per_s == pytest.approx(4 / (3 / 18_750 + 1 / 5_000))
    assert n.usd_per_million_input_tokens == pytest.approx((2 * 0.03 + 9 / 3600 * 120) / 3)
    assert n.usd_per_million_output_tokens == pytest.approx(0.1)
    assert n.source == "a: by hand; b: by hand"


def test_several_pools_without_tokens_have_no_weights() -> None:
    n = fleet_naive([Weighed("a", MAIN, 3.6, 0.0, 0.0), Weighed("b", BIG, 9.0, 0.0, 0.0)])
    assert n.usd_per_million_tokens is None
    assert n.tokens_per_s is None
