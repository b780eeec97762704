"""Teeth: faults that were put in on purpose, and that the theory cases must turn red on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.laws.protocol import REPLICATIONS
from tests.laws.theory_case import Case
from tests.laws.theory_cases import cases, judged
from tests.laws.theory_sample import LostRequestError, Sample, observe

FIRST = range(REPLICATIONS)


def case_of(file: str) -> Case:
    return next(case for case in cases() if case.file == file)


def rejected(case: Case, *faults: str) -> set[str]:
    """Names of the figures that disagree with theory if the scenario has *faults*."""
    return {f.name for f in case.every_figure if not judged(case, f, FIRST, faults).agrees}


BATCHING = case_of("batching.yaml")
SHORT = "horizon=1800s"


def test_without_a_fault_nothing_is_rejected_on_as_short_a_run() -> None:
    assert rejected(BATCHING, SHORT) == set()


def test_steps_one_per_cent_longer() -> None:
    fault = "pools.main.timing.knots_s=[5.05e-5, 6.06e-5]"
    assert "mean batch" in rejected(BATCHING, SHORT, fault)


def test_one_step_more_for_each_answer() -> None:
    extra = (
        "routes.chat.input_tokens={fixed: 2}",  # two steps of one token each
        "pools.main.engine.max_num_batched_tokens=1",
    )
    assert "mean time (s)" in rejected(case_of("mgeo1.yaml"), "horizon=1500s", *extra)


def test_one_place_more_in_the_queue() -> None:
    case = case_of("mm2k5.yaml")
    assert "lost share" in rejected(case, "horizon=300s", "pools.main.queue_limit=4")
    assert rejected(case, "horizon=300s") == set()


def test_one_slot_fewer() -> None:
    assert "mean time (s)" in rejected(BATCHING, SHORT, "pools.main.engine.max_num_seqs=3")


def test_no_warm_up() -> None:
    """An engine that starts empty is too fast at first; short runs show it."""
    brief = "horizon=200s"
    assert rejected(BATCHING, brief) == set()
    assert "mean batch" in rejected(BATCHING, brief, "warmup=0s")


@pytest.fixture(scope="module")
def sample() -> Sample:
    return observe("md1.yaml", 0, ("horizon=21000s",))


@pytest.mark.parametrize("place", [0, 5000, -1])
def test_one_request_in_ten_thousand_dropped(sample: Sample, place: int) -> None:
    assert len(sample.columns["request_id"]) > 10_000
    short = {name: np.delete(values, place) for name, values in sample.attempts.items()}
    with pytest.raises(LostRequestError, match="records of"):
        replace(sample, attempts=short)


def test_one_request_counted_twice(sample: Sample) -> None:
    twice = {name: np.insert(v[:-1], 5000, v[5000]) for name, v in sample.attempts.items()}
    with pytest.raises(LostRequestError, match="records of"):
        replace(sample, attempts=twice)


def test_a_request_that_never_ends(sample: Sample) -> None:
    outcome = sample.attempts["outcome"].astype("U16")
    outcome[17] = "in_flight"
    with pytest.raises(LostRequestError, match="never ended"):
        replace(sample, attempts={**sample.attempts, "outcome": outcome})
