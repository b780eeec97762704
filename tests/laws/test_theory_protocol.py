"""The protocol itself, on draws whose truth is known: it must be able to pass and to fail."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from tests.laws.protocol import (
    FAMILY_ALPHA,
    MEAN_GATE,
    REPLICATIONS,
    RETEST,
    Estimate,
    Tally,
    Verdict,
    common_bias_p,
    estimate,
    settle,
)

SHARP = Estimate(1.0, 0.003, 39)


def draws(rng: np.random.Generator, mean: float = 1.0, spread: float = 0.04) -> np.ndarray:
    return rng.normal(mean, spread, REPLICATIONS)


def test_an_estimate_is_students() -> None:
    found = estimate(np.array([1.0, 2.0, 3.0, 6.0]))
    assert (found.value, found.degrees) == (3.0, 3)
    assert found.error == pytest.approx(np.sqrt(14 / 3 / 4))
    assert found.half_width(0.95) == pytest.approx(3.182446 * found.error, rel=1e-6)
    assert found.t(2.0) == pytest.approx(1 / found.error)
    assert found.p(found.value + 3.182446 * found.error) == pytest.approx(0.05, rel=1e-5)


def test_controls_take_out_what_they_explain_and_nothing_else() -> None:
    rng = np.random.default_rng(1)
    control = rng.normal(0, 1, REPLICATIONS)
    noise = rng.normal(0, 1, REPLICATIONS)
    found = estimate(5 + 3 * control + noise, control[:, None])
    plain = estimate(5 + 3 * control + noise)
    assert found.degrees == plain.degrees - 1
    assert found.error < 0.5 * plain.error
    assert abs(found.t(5.0)) < 3
    exact = estimate(5 + 3 * control, control[:, None])
    assert exact.value == pytest.approx(5.0)


def test_p_values_of_correct_figures_are_uniform() -> None:
    rng = np.random.default_rng(2)
    levels = []
    for _ in range(500):
        control = rng.normal(0, 1, REPLICATIONS)
        found = estimate(draws(rng) + 0.04 * control, control[:, None])
        levels.append(found.p(1.0))
    assert kstest(levels, "uniform").pvalue > 0.001


def test_a_bias_far_beyond_the_error_is_rejected() -> None:
    assert Verdict(SHARP, 1.0, MEAN_GATE, 64).passed
    assert not Verdict(SHARP, 1.02, MEAN_GATE, 64).agrees


def test_bonferroni_spares_what_a_single_test_would_reject() -> None:
    alone = Verdict(SHARP, 1.012, MEAN_GATE, 1)
    assert alone.estimate.p(alone.theory) < FAMILY_ALPHA
    assert not alone.agrees
    assert Verdict(SHARP, 1.012, MEAN_GATE, 64).agrees


def test_too_vague_to_be_wrong_fails() -> None:
    vague = Verdict(Estimate(1.0, 0.1, 39), 1.0, MEAN_GATE, 64)
    assert vague.agrees
    assert not vague.precise
    assert not vague.passed


@pytest.mark.parametrize(("first", "second", "passed"), [
    (1.0, 1.5, True), (1.5, 1.0, True), (1.5, 1.5, False),
])  # fmt: skip
def test_only_two_failures_count(first: float, second: float, passed: bool) -> None:
    asked = []

    def judge(replications: range) -> Verdict:
        asked.append(replications)
        theory = first if replications == range(REPLICATIONS) else second
        return Verdict(SHARP, theory, MEAN_GATE, 64)

    assert settle(judge).passed is passed
    assert asked == ([range(REPLICATIONS)] if first == 1.0 else [range(REPLICATIONS), RETEST])


def test_the_retest_is_four_times_as_large_and_fresh() -> None:
    assert len(RETEST) == 4 * REPLICATIONS
    assert not set(RETEST) & set(range(REPLICATIONS))


def test_a_small_common_bias_shows_in_the_pool() -> None:
    rng = np.random.default_rng(3)
    fair = [estimate(draws(rng)) for _ in range(60)]
    biased = [estimate(draws(rng, 1.006)) for _ in range(60)]  # about one standard error
    assert all(Verdict(e, 1.0, MEAN_GATE, 60).agrees for e in biased)
    assert common_bias_p((e.t(1.0), e.degrees) for e in fair) > 0.001
    assert common_bias_p((e.t(1.0), e.degrees) for e in biased) < 1e-6


def test_a_count_is_judged_by_the_binomial_law() -> None:
    found = Tally(8, 10)
    assert (found.value, found.degrees) == (0.8, 10)
    # Both tails of ten fair coins: 2 (45 + 10 + 1) of 1024.
    assert found.p(0.5) == pytest.approx(112 / 1024)
    assert found.t(0.5) == pytest.approx(0.3 / np.sqrt(0.025))
    assert Tally(3900, 10_000).p(0.4) > FAMILY_ALPHA / 100
    assert not Verdict(Tally(3700, 10_000), 0.4, MEAN_GATE, 100).agrees


@pytest.mark.parametrize(("successes", "low", "high"), [(0, 0.0, 0.4113), (5, 0.1283, 0.8717)])
def test_the_interval_of_a_count_is_clopper_and_pearsons(
    successes: int, low: float, high: float
) -> None:
    """Their own table has 0 to 0.411 and 0.128 to 0.872 for 99 % and ten trials."""
    found = Tally(successes, 10)
    assert found.half_width() == pytest.approx((high - low) / 2, abs=1e-4)
    assert Tally(10 - successes, 10).half_width() == pytest.approx(found.half_width())


def test_a_verdict_says_its_numbers() -> None:
    text = str(Verdict(SHARP, 1.0, MEAN_GATE, 64))
    assert text == "theory 1, estimate 1 ± 0.0081 (99 %), t = +0.00"
