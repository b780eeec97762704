"""The closed forms against each other, against sums by hand, and against brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.laws import theory


def test_the_chain_contains_the_classical_queues() -> None:
    rate, tokens, step_s = 1.2, 1000.0, 0.001
    one = theory.engine_chain(0.5, tokens, lambda b: step_s, 1)
    assert one.wait_s == pytest.approx(theory.pk_wait_s(0.5, 1.0, 2.0))
    assert one.idle == pytest.approx(0.5)
    many = theory.engine_chain(rate, tokens, lambda b: step_s, 3)
    assert many.wait_s == pytest.approx(theory.mmc_wait_s(rate, 1.0, 3))
    loss = theory.engine_chain(rate, tokens, lambda b: step_s, 3, most=3)
    assert loss.lost == pytest.approx(theory.erlang_b(3, rate))
    assert loss.wait_s == 0.0


def test_the_chain_of_a_step_as_long_as_its_batch_is_processor_sharing() -> None:
    shared = theory.engine_chain(0.5, 1000.0, lambda b: 0.001 * b, 4000)
    assert shared.sojourn_s == pytest.approx(theory.ps_slowdown(0.5))


def test_the_chain_of_two_states_by_hand() -> None:
    # Up at 2/s; down at b / (10 tokens x step): 1/(10 x 0.05) = 2/s, then 2/(10 x 0.1) = 2/s.
    chain = theory.engine_chain(2.0, 10.0, lambda b: 0.05 * b, 2, most=2)
    assert chain.states == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    assert (chain.lost, chain.batch) == pytest.approx((1 / 3, 1.0))
    assert chain.sojourn_s == pytest.approx(1.0 / (2.0 * 2 / 3))  # 1 there, 4/3 a second let in


# ITU Teletraffic Engineering Handbook, table of Erlang B; C follows from B by hand.
def test_erlang_against_printed_values() -> None:
    assert theory.erlang_b(10, 5.0) == pytest.approx(0.018385, abs=1e-6)
    b = (4**5 / 120) / sum(4**k / math.factorial(k) for k in range(6))
    assert theory.erlang_b(5, 4.0) == pytest.approx(b)
    assert theory.erlang_c(5, 4.0) == pytest.approx(b / (1 - 0.8 * (1 - b)))
    assert theory.erlang_c(2, 1.0) == pytest.approx(1 / 3)


def test_quantile_of_mm1() -> None:
    assert theory.mm1_sojourn_quantile_s(0.5, 1.0, 0.95) == pytest.approx(-2 * math.log(0.05))


@pytest.mark.parametrize("mean", [1.5, 10.0, 1000.0])
def test_an_exponential_rounded_up_is_geometric(mean: float) -> None:
    scale = -1 / math.log1p(-1 / mean)
    law = theory.exponential(scale, 1, 60 * math.ceil(scale))
    first, second = theory.geometric_moments(mean)
    assert (law.mean, law.moment(2)) == pytest.approx((first, second), rel=1e-9)


def test_lognormal_has_its_median_its_p95_and_its_cap() -> None:
    law = theory.lognormal(100, 400, 1000)
    assert law.mass[:100].sum() == pytest.approx(0.5)
    assert law.mass[:400].sum() == pytest.approx(0.95)
    assert law.mass.sum() == pytest.approx(1.0)
    assert law.mass[-1] == pytest.approx(0.5 * math.erfc(1.6448536 * _log4(999) / math.sqrt(2)))
    assert law.quantile(0.4) == np.searchsorted(np.cumsum(law.mass), 0.4) + 1


def _log4(tokens: int) -> float:
    return math.log(tokens / 100) / math.log(4)


def test_a_lone_request_step_by_step() -> None:
    lone = theory.LoneStep(0.005, 2e-5, 1e-4, 1e-6, 1e-8, 0.003)
    prompt, answer = 300, 7
    seconds = 0.005 + 2e-5 * (prompt - 1) + 0.003 + 1e-8 * sum(i + 0.5 for i in range(prompt))
    for emitted in range(1, answer):
        seconds += 0.005 + 1e-4 + 1e-6 * (prompt + emitted - 1)
    found = lone.service_s(np.array([float(prompt)]), np.array([float(answer)]))
    assert found[0] == pytest.approx(seconds, rel=1e-12)


def test_moments_of_a_lone_request_are_those_of_its_pairs() -> None:
    prompts = theory.TokenLaw(np.array([10, 20]), np.array([0.25, 0.75]))
    answers = theory.TokenLaw(np.array([1, 3]), np.array([0.5, 0.5]))
    lone = theory.LoneStep(0.01, 0.001, 0.002, 0.0001, 0.0, 0.0)
    pairs = [(0.125, 10, 1), (0.125, 10, 3), (0.375, 20, 1), (0.375, 20, 3)]
    seconds = [(p, float(lone.service_s(np.array([i]), np.array([o]))[0])) for p, i, o in pairs]
    expected = sum(p * s for p, s in seconds), sum(p * s * s for p, s in seconds)
    assert lone.moments(prompts, answers) == pytest.approx(expected)


def test_waits_by_hand() -> None:
    arrived = np.array([0.0, 1.0, 1.5, 10.0])
    service = np.array([3.0, 1.0, 2.0, 1.0])
    assert theory.first_come_waits_s(arrived, service).tolist() == [0.0, 2.0, 2.5, 0.0]
    assert theory.first_come_waits_s(arrived, service, 2).tolist() == [0.0, 0.0, 0.5, 0.0]
