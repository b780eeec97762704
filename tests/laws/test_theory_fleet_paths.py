"""Path by path in fleets: every single request waits as its queue says, and is counted as it goes.

The engines' counters stand on one side, the records of all attempts on the other (T25).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tests.laws.theory import lindley_waits_s
from tests.laws.theory_engine_cases import STEP_S
from tests.laws.theory_sample import Sample, observe

LATE_S = 1.1e-6
"""What comes in the microsecond after a boundary is taken to have come at the boundary."""

FILES = (
    "round-robin",
    "gamma-arrivals",
    "cold-start",
    "cold-start-exponential",
    "stalls",
    "priority",
    "impatient",
    "erlang-a",
    "retrial",
    "request-errors",
    "restart",
)


@cache
def short(file: str) -> Sample:
    """A run that starts empty, and whose every request comes to its end."""
    return observe(f"{file}.yaml", 0, ("warmup=0s", "horizon=600s"), sample_every_s=0.7321)


def arrivals_and_services(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    return sample.columns["arrived_at_s"], STEP_S * sample.columns["output_tokens"]


def test_round_robin_is_three_queues_of_every_third() -> None:
    sample = short("round-robin")
    arrived_at_s, service_s = arrivals_and_services(sample)
    found_s = sample.wait_s(STEP_S)
    for node in range(3):
        own = slice(node, None, 3)
        assert len(set(sample.columns["replica"][own])) == 1
        expected_s = lindley_waits_s(arrived_at_s[own], service_s[own])
        np.testing.assert_allclose(found_s[own], expected_s, rtol=0, atol=LATE_S)


def test_a_cold_start_is_waited_for_by_whoever_finds_nobody() -> None:
    sample, start_s = short("cold-start"), 2.0
    arrived_at_s, service_s = arrivals_and_services(sample)
    wait_s, starts = start_s, 1
    expected_s = [wait_s]
    for gap_s, seconds in zip(np.diff(arrived_at_s), service_s[:-1], strict=True):
        left_s = wait_s + seconds - gap_s
        starts += left_s <= 0
        wait_s = left_s if left_s > 0 else start_s
        expected_s.append(wait_s)
    # Each step of a queue may add a microsecond to those behind it.
    np.testing.assert_allclose(sample.wait_s(STEP_S), expected_s, rtol=0, atol=20 * LATE_S)
    assert len(sample.run.leases) - 1 == starts  # the first lease is that of the run's begin
    assert start_s * (starts - 1) < sample.pool.starting_s <= start_s * starts + LATE_S


def test_who_would_wait_beyond_his_patience_leaves_at_its_end() -> None:
    sample, patience_s = short("impatient"), 1.0
    arrived_at_s, service_s = arrivals_and_services(sample)
    work_s, before_s = 0.0, 0.0
    for i, at_s in enumerate(arrived_at_s):
        work_s = max(0.0, work_s - (at_s - before_s))
        before_s = at_s
        assert sample.done[i] == (work_s <= patience_s)
        if sample.done[i]:
            work_s += service_s[i]
    assert 0.1 < sample.done.mean() < 0.9
    stayed_s = (sample.columns["finished_at_s"] - arrived_at_s)[~sample.done]
    np.testing.assert_allclose(stayed_s, patience_s, rtol=0, atol=STEP_S)  # at a boundary


def test_the_urgent_never_wait_for_more_than_one_of_the_patient() -> None:
    """Non-preemptive: among themselves the urgent queue, behind one long answer at most."""
    sample = short("priority")
    urgent = sample.columns["route"] == "urgent"
    arrived_at_s, service_s = arrivals_and_services(sample)
    alone_s = lindley_waits_s(arrived_at_s[urgent], service_s[urgent])
    waits_s = sample.wait_s(STEP_S)[urgent]
    assert (waits_s >= alone_s - LATE_S).all()
    assert waits_s.mean() > alone_s.mean() + 0.05
    # Each busy period of the urgent begins behind the rest of at most one long answer of 1 s.
    assert (waits_s <= alone_s + 1.0 + LATE_S).all()


@pytest.mark.parametrize("file", FILES)
def test_engines_count_at_every_instant_whom_the_records_say(file: str) -> None:
    sample = short(file)
    attempts, rows = sample.attempts, sample.run.timeseries
    placed = attempts["replica"] >= 0
    first = attempts["attempt"] == 0
    begin_s = np.where(first, attempts["arrived_at_s"], attempts["queued_at_s"])[placed]
    end_s = attempts["finished_at_s"][placed]
    at_s = np.array([row["t_s"] for row in rows], dtype=float)
    counted = [
        row["vllm:num_requests_running"] + row["vllm:num_requests_waiting"]  # type: ignore[operator]
        for row in rows
    ]
    begun = np.searchsorted(np.sort(begin_s), at_s, side="right")
    expected = begun - np.searchsorted(np.sort(end_s), at_s, side="right")
    assert expected.max() > 1 or file in ("retrial", "request-errors")
    assert len(at_s) > 800
    np.testing.assert_array_equal(counted, expected)


@pytest.mark.parametrize("file", FILES)
def test_money_and_time_are_whole(file: str) -> None:
    """Every second of an engine's work is charged to an attempt, lost ones included."""
    sample = short(file)
    charged_s = sum(
        float(sample.attempts[f"{part}_gpu_s"].sum())
        for part in ("prefill", "decode", "rent", "waste")
    )
    after_s = max(0.0, float(np.nanmax(sample.attempts["finished_at_s"])) - 600.0)
    assert sample.pool.busy_s <= charged_s * (1 + 1e-9)
    assert charged_s <= sample.pool.busy_s + 4 * after_s + 1e-9
