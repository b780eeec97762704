import numpy as np
import pytest
from usages import pool, route, scenario

from sim.scenario.document import Scenario
from sim.studies.replications import run
from sim.studies.warmup import beginning, is_stationary, mser5, warmup_remarks


def plain_mser5(series: list[float]) -> int:
    """The definition, term by term."""
    batches = [sum(series[i : i + 5]) / 5 for i in range(0, len(series) // 5 * 5, 5)]
    best = {}
    for cut in range(len(batches) - 5):
        kept = batches[cut:]
        mean = sum(kept) / len(kept)
        best[cut] = sum((y - mean) ** 2 for y in kept) / len(kept) ** 2
    return 5 * min(best, key=lambda cut: best[cut])


def test_the_cut_is_that_of_the_definition() -> None:
    rng = np.random.default_rng(20261124)
    for _ in range(20):
        series = (5 + rng.normal(size=203) - 4 * np.exp(-np.arange(203) / 15)).tolist()
        expected = plain_mser5(series)
        assert mser5(series) == (expected if expected <= 100 else None)


def test_what_is_too_short_or_never_settles_has_no_cut() -> None:
    assert mser5([1.0] * 99) is None
    assert mser5([100.0 - i for i in range(150)] + [0.0] * 50) is None


def test_noise_is_no_beginning_and_a_ramp_is() -> None:
    """Of 200 stationary series a few may be called so, of 200 that begin empty most must be."""
    rng = np.random.default_rng(7)
    ramp = -10 * np.exp(-np.arange(500) / 40)
    noise = 10 + 2 * rng.normal(size=(200, 500))
    assert sum(beginning(row.tolist()) is not None for row in noise) <= 4
    assert sum(beginning((row + ramp).tolist()) is not None for row in noise) >= 180


def test_a_difference_that_hardly_matters_is_not_told() -> None:
    rng = np.random.default_rng(8)
    series = 100 + 0.1 * rng.normal(size=500)
    series[:50] -= 3.0
    assert mser5(series.tolist()) == 50
    assert beginning(series.tolist()) is None


@pytest.mark.parametrize(
    ("arrivals", "steady"),
    [
        ({"rps": 1}, True),
        ({"concurrency": 4}, True),
        ({"mean_rps": 1, "bursts": "azure-conv-2023"}, True),
        ({"rps": 1, "count": 10}, False),
        ({"mean_rps": 1, "day_curve": "azure-conv-2024"}, False),
        ({"mean_rps": 1, "growth_percent_per_week": 5}, False),
    ],
)
def test_what_is_stationary(arrivals: dict[str, object], steady: bool) -> None:
    assert is_stationary(scenario(routes={"chat": route(arrivals=arrivals)})) is steady


def long_answers(**changes: object) -> Scenario:
    """Fifty inside, on average, whose answers take 100 s: it takes minutes to fill."""
    slow = {"knots_tokens": [1, 256], "knots_s": [0.1, 0.1]}
    answers = {"arrivals": {"rps": 0.5}, "output_tokens": {"fixed": 1000}}
    return scenario(
        routes={"chat": route(**answers)},
        pools={"main": pool(timing=slow) | {"kv_tokens": 400_000}},
        horizon=2000,
        **changes,
    )


@pytest.mark.parametrize(("warmup", "told"), [(0, True), (300, False)])
def test_a_run_that_begins_empty_is_told(warmup: int, told: bool) -> None:
    result = run(long_answers(warmup=warmup), replications=2, sample_every_s=5.0)
    warned = [w for w in result.summary()["warnings"] if w["code"] == "short-warmup"]
    assert bool(warned) is told
    if told:
        assert "the warm-up of 0s is too short" in warned[0]["text"]


def test_a_day_has_no_state_to_settle_in() -> None:
    daily = scenario(
        routes={"chat": route(arrivals={"mean_rps": 1, "day_curve": "azure-conv-2024"})}
    )
    rows = [
        {
            "t_s": float(i),
            "vllm:num_requests_running": 0.0 if i < 50 else 9.0 + i % 3,
            "vllm:num_requests_waiting": 0.0,
        }
        for i in range(500)
    ]
    assert list(warmup_remarks(daily, rows)) == []
    assert len(list(warmup_remarks(scenario(), rows))) == 1
    assert list(warmup_remarks(scenario(), [])) == []
