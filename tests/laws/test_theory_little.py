"""T25, Little's law: exact on every path that starts and ends empty, without any statistics.

The engines' own counters and integrals stand on one side, the records of the requests on the other.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from tests.laws.theory_engine_cases import STEP_S, engine_cases
from tests.laws.theory_sample import FOLDER, Sample, observe

COUNT = 600
SCENARIOS = FOLDER.parents[2] / "scenarios"
FILES = [case.file for case in engine_cases()]
TIGHT = str(SCENARIOS / "contract-engine.yaml")
"""A shipped scenario; its memory is made so tight here that sequences are preempted."""

STEPS_S = {"mm1.yaml": STEP_S, "mm2.yaml": STEP_S, "mm2k5.yaml": STEP_S, "mgeo1.yaml": 0.1}
"""Where all steps are alike, so that records tell when a request left the queue."""


def rate_of(file: str) -> float:
    if file == TIGHT:
        return 4.0
    (case,) = (c for c in engine_cases() if c.file == file)
    return case.controls[0].theory


@cache
def whole(file: str, *overrides: str) -> Sample:
    """A run that starts and ends empty: so many requests, and time enough for the last one."""
    rate = rate_of(file)
    route = "steady" if file == TIGHT else "chat"
    tight = ("pools.bench.kv_tokens=4000", "pools.bench.queue_limit=20") if file == TIGHT else ()
    return observe(
        file,
        7,
        (
            "warmup=0s",
            f"horizon={COUNT / rate + 500}s",
            f"routes.{route}.arrivals={{rps: {rate}, count: {COUNT}}}",
            *tight,
            *overrides,
        ),
        sample_every_s=0.7321 / rate,
    )


def there(begin_s: np.ndarray, end_s: np.ndarray, at_s: np.ndarray) -> np.ndarray:
    """How many of the intervals [begin, end) cover each instant."""
    begun = np.searchsorted(np.sort(begin_s), at_s, side="right")
    return begun - np.searchsorted(np.sort(end_s), at_s, side="right")


def integral(begin_s: np.ndarray, end_s: np.ndarray, most: float = math.inf) -> float:
    """∫ min(N, most) dt, by going through all begins and ends in order."""
    instants = np.concatenate([begin_s, end_s])
    change = np.repeat([1, -1], [len(begin_s), len(end_s)])
    order = np.argsort(instants, kind="stable")
    held = np.minimum(np.cumsum(change[order]), most)[:-1]
    return math.fsum(held * np.diff(instants[order]))


def series(sample: Sample, name: str) -> np.ndarray:
    return np.array([row[name] for row in sample.run.timeseries])


def spans(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    return sample.of_done("arrived_at_s"), sample.of_done("finished_at_s")


@pytest.mark.parametrize("file", [*FILES, TIGHT])
def test_the_path_starts_and_ends_empty(file: str) -> None:
    sample = whole(file)
    assert len(sample.columns["request_id"]) == COUNT
    assert spans(sample)[1].max() < sample.run.usage.window_s
    last = sample.run.timeseries[-1]
    assert last["vllm:num_requests_running"] == last["vllm:num_requests_waiting"] == 0.0


@pytest.mark.parametrize("file", [*FILES, TIGHT])
def test_time_integral_of_requests_is_the_sum_of_their_times(file: str) -> None:
    sample = whole(file)
    total_s = math.fsum(sample.sojourn_s)
    assert integral(*spans(sample)) == pytest.approx(total_s, rel=1e-11)
    reported = sample.run.usage.overall.e2e_s
    assert reported.n == sample.done.sum()
    assert reported.mean == pytest.approx(total_s / reported.n, rel=1e-6)  # kept as float32


@pytest.mark.parametrize("file", [*FILES, TIGHT])
def test_engines_count_at_every_instant_whom_the_records_say(file: str) -> None:
    sample = whole(file)
    at_s = series(sample, "t_s")
    counted = series(sample, "vllm:num_requests_running") + series(
        sample, "vllm:num_requests_waiting"
    )
    expected = there(*spans(sample), at_s)
    assert len(at_s) > COUNT
    assert expected.max() > 1
    np.testing.assert_array_equal(counted, expected)


@pytest.mark.parametrize("file", [*FILES, TIGHT])
def test_an_engine_works_if_and_only_if_somebody_is_there(file: str) -> None:
    sample = whole(file)
    (pool,) = sample.run.usage.pools.values()
    # A start from idle may be rounded by an ulp of the clock, and nothing else.
    assert pool.busy_s == pytest.approx(integral(*spans(sample), most=1), rel=1e-9)


@pytest.mark.parametrize("file", STEPS_S)
def test_queue_and_batch_apart(file: str) -> None:
    sample, step_s = whole(file), STEPS_S[file]
    arrived, finished = spans(sample)
    begun = sample.of_done("first_token_at_s") - step_s
    at_s = series(sample, "t_s")
    running = series(sample, "vllm:num_requests_running")
    waiting = series(sample, "vllm:num_requests_waiting")
    np.testing.assert_array_equal(running, there(begun, finished, at_s))
    np.testing.assert_array_equal(waiting, there(np.minimum(arrived, begun), begun, at_s))
    assert waiting.max() > 0


def test_memory_held_is_the_time_in_the_batch() -> None:
    """With a block for each sequence, the engine's integral of blocks is ∫ N_batch dt."""
    one_block = (
        "routes.chat.output_tokens={geometric: 100, max: 1000}",
        "pools.main.timing.knots_s=[0.01]",
        "pools.main.engine.block_tokens=1024",
    )
    sample = whole("mm2.yaml", *one_block)
    in_batch_s = sample.of_done("finished_at_s") - sample.of_done("first_token_at_s") + 0.01
    assert sample.pool.kv_used_block_s == pytest.approx(math.fsum(in_batch_s), rel=1e-9)


def test_the_tight_path_is_a_hard_one() -> None:
    last = whole(TIGHT).run.timeseries[-1]
    assert float(last["vllm:num_preemptions_total"]) > 100
    assert 0 < whole(TIGHT).done.sum() < COUNT
