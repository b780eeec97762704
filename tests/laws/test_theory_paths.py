"""Path by path: engines that are queues give every single request the wait that the queue gives."""

from __future__ import annotations

import numpy as np
import pytest

from tests.laws.theory import first_come_waits_s
from tests.laws.theory_engine_cases import LONE, STEP_S
from tests.laws.theory_sample import Sample, observe

START_EMPTY = ("warmup=0s",)


def waits_s(sample: Sample, service_s: np.ndarray, servers: int = 1) -> np.ndarray:
    return first_come_waits_s(sample.columns["arrived_at_s"], service_s, servers)


@pytest.mark.parametrize(
    ("file", "step_s"), [("mm1", STEP_S), ("mgeo1", 0.1), ("mlognormal1", 0.005), ("md1", 0.05)]
)
def test_one_slot_is_lindleys_recursion(file: str, step_s: float) -> None:
    sample = observe(f"{file}.yaml", 0, (*START_EMPTY, "horizon=4000s"))
    expected = waits_s(sample, step_s * sample.columns["output_tokens"])
    assert len(expected) > 1500
    # What comes in the microsecond after a boundary is taken to have come at the boundary.
    np.testing.assert_allclose(sample.wait_s(step_s), expected, rtol=0, atol=1.1e-6)


def test_one_slot_with_every_coefficient() -> None:
    sample = observe("mengine1.yaml", 0, (*START_EMPTY, "horizon=2000s"))
    prompt, answer = sample.columns["input_tokens"], sample.columns["output_tokens"]
    expected = waits_s(sample, LONE.service_s(prompt, answer))
    np.testing.assert_allclose(sample.wait_s(LONE.prefill_s(prompt)), expected, rtol=0, atol=1.1e-6)


@pytest.mark.parametrize("slots", [2, 5])
def test_slots_are_servers(slots: int) -> None:
    """Kiefer and Wolfowitz, up to the grain: each joins at the next step's begin."""
    overrides = f"pools.main.engine.max_num_seqs={slots}", f"routes.chat.arrivals.rps={0.7 * slots}"
    sample = observe("mm2.yaml", 0, (*START_EMPTY, "horizon=1000s", *overrides))
    expected = waits_s(sample, STEP_S * sample.columns["output_tokens"], slots)
    found = sample.wait_s(STEP_S)
    assert expected.max() > 1.0
    assert np.abs(found - expected).max() < 100 * STEP_S
    assert np.mean(found - expected) < 5 * STEP_S


def test_a_request_alone_takes_its_steps_and_no_more() -> None:
    overrides = "routes.chat.arrivals={rps: 0.001, count: 20}", "horizon=30000s"
    sample = observe("mgeo1.yaml", 0, (*START_EMPTY, *overrides))
    np.testing.assert_allclose(
        sample.sojourn_s, 0.1 * sample.columns["output_tokens"], rtol=0, atol=1e-9
    )
