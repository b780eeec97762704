"""Lognormal numbers: every pair means the same law, in tokens and in seconds."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from sim.scenario.lognormal import Component, LognormalNumbers, LognormalSeconds, LognormalTokens


def test_by_quantiles() -> None:
    mu, sigma = LognormalTokens(median=800, p95=4000).parameters()
    law = stats.lognorm(sigma, scale=math.exp(mu))
    assert law.ppf([0.5, 0.95]) == pytest.approx([800.0, 4000.0])
    assert LognormalTokens(median=800, p95=4000).mean_value == pytest.approx(law.mean())


def test_by_moments() -> None:
    numbers = LognormalSeconds(mean="5m", cv=1.5)
    mu, sigma = numbers.parameters()
    law = stats.lognorm(sigma, scale=math.exp(mu))
    assert law.mean() == pytest.approx(300.0)
    assert law.std() / law.mean() == pytest.approx(1.5)
    assert numbers.mean_value == pytest.approx(300.0)


def test_a_component_may_say_the_logarithm_itself() -> None:
    part = Component(weight=2, mu=6.12, sigma=0.51)
    assert part.parameters() == (6.12, 0.51)
    assert Component(weight=2, median=800, p95=4000).parameters() == pytest.approx(
        LognormalTokens(median=800, p95=4000).parameters()
    )


@given(median=st.floats(1e-3, 1e6), factor=st.floats(1.0, 1e3, exclude_min=True))
def test_sigma_is_never_zero(median: float, factor: float) -> None:
    if median * factor > median:
        assert LognormalSeconds(median=median, p95=median * factor).parameters()[1] > 0.0
    assert LognormalTokens(mean=median + 1.0, cv=1e-200).parameters()[1] > 0.0


@pytest.mark.parametrize(
    ("spec", "given", "message"),
    [
        (LognormalTokens, {"median": 5}, "needs median and p95, or mean and cv (got median)"),
        (LognormalTokens, {"mean": 5, "p95": 9}, "needs median and p95, or mean and cv"),
        (LognormalTokens, {"median": 5, "p95": 5}, "must be above the median, 5 (got 5)"),
        (LognormalSeconds, {"median": "1m", "p95": "30s"}, "above the median, 1m (got 30s)"),
        (LognormalSeconds, {"median": 0, "p95": 1}, "greater than 0"),
        (LognormalSeconds, {"mean": "1m", "cv": -1}, "greater than 0"),
        (Component, {"weight": 1}, "needs median and p95, mean and cv, or mu and sigma (got nei"),
    ],
)
def test_numbers_that_make_no_lognormal(
    spec: type[LognormalNumbers], given: dict[str, object], message: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        spec.model_validate(given)
    assert message in str(caught.value)
