import numpy as np
import pytest

from sim.cost.reference import (
    ReferenceRates,
    ReferenceSeconds,
    reference_seconds,
    seconds_by_row,
)
from sim.ledger.usage import ReferenceTokens

RATES = ReferenceRates(pre_s=0.001, rent_s=0.0005, out_s=0.01)


def test_seconds_by_hand() -> None:
    s = reference_seconds(ReferenceTokens(uncached=600, prompt=1000, cached=400, output=50), RATES)
    assert s.prefill_s == pytest.approx(0.6)
    assert s.rent_uncached_s == pytest.approx(0.3)
    assert s.rent_cached_s == pytest.approx(0.2)
    assert s.decode_s == pytest.approx(0.5)
    assert s.input_s == pytest.approx(0.9)
    assert s.cached_input_s == pytest.approx(0.2)
    assert s.output_s == pytest.approx(0.5)
    assert s.total_s == pytest.approx(1.6)


def test_cached_attention_has_no_reference_rate() -> None:
    s = reference_seconds(ReferenceTokens(uncached=0, prompt=100, cached=100, output=0), RATES)
    assert s.cached_attention_s == 0.0
    assert s.total_s == s.rent_cached_s == pytest.approx(0.05)


def test_rent_of_an_attempt_that_never_began_is_uncached() -> None:
    s = reference_seconds(ReferenceTokens(prompt=100), RATES)
    assert s.rent_uncached_s == pytest.approx(0.05)
    assert s.rent_cached_s == 0.0


def test_nothing_costs_nothing() -> None:
    assert reference_seconds(ReferenceTokens(), RATES) == ReferenceSeconds()


def test_seconds_add_up() -> None:
    a = reference_seconds(ReferenceTokens(1, 2, 1, 3), RATES)
    b = reference_seconds(ReferenceTokens(10, 20, 10, 30), RATES)
    both = reference_seconds(ReferenceTokens(11, 22, 11, 33), RATES)
    assert (a + b).total_s == pytest.approx(both.total_s)
    assert (a + b).rent_s == pytest.approx(both.rent_s)


def test_interval_seconds_agree_with_the_sums() -> None:
    ended = np.array([[10.0, 12.0, 3.0], [0.0, 0.0, 0.0], [5.0, 9.0, 1.0]])
    by_interval = seconds_by_row(ended, RATES)
    assert by_interval.shape == (3,)
    whole = reference_seconds(ReferenceTokens(uncached=15, prompt=21, cached=6, output=4), RATES)
    assert by_interval.sum() == pytest.approx(whole.total_s)


def test_scaled_rates_scale_every_second() -> None:
    assert RATES.scaled(3.0).run_s(100, 10) == pytest.approx(3 * RATES.run_s(100, 10))
