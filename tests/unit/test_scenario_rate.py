"""Rate settings: what is weekly, and how far a run's mean strays against a simulation of it."""

import math
from typing import Any

import numpy as np
import pytest

from sim.scenario.arrivals import VaryingArrivals
from sim.scenario.rate import RateSettings
from sim.traffic.rate_path import RandomRate


def settings(**fields: Any) -> RateSettings:
    return VaryingArrivals.model_validate({"mean_rps": 2.0, **fields}).settings()


def test_only_curves_shapes_and_batches_are_weekly() -> None:
    assert settings().is_weekly
    assert settings(day_curve="burstgpt-1", gap_shape=0.5, batches={"mean_size": 3}).is_weekly
    assert settings(bursts=[{"variance": 0, "time": 1}]).is_weekly
    assert not settings(bursts="azure-conv-2023").is_weekly
    assert not settings(growth_percent_per_week=-1).is_weekly
    assert not settings(events=[{"at": 0, "for": 1, "times": 2}]).is_weekly
    assert not settings(on_off={"clients": 1, "on": 1, "off": 1}).is_weekly


def test_a_steady_rate_does_not_stray() -> None:
    assert settings(day_curve="burstgpt-1").mean_stray(60.0) == 0.0


@pytest.mark.parametrize(
    ("fields", "length_s"),
    [
        ({"bursts": [{"variance": 0.1, "time": 50}]}, 300.0),
        ({"bursts": [{"variance": 0.1, "time": 1e7}]}, 300.0),
        ({"on_off": {"clients": 8, "on": 40, "off": 80}}, 300.0),
        (
            {
                "bursts": [{"variance": 0.5, "time": 50}],
                "load_grows_by": "clients",
                "bursts_at_rps": 0.5,
            },
            300.0,
        ),
    ],
)
def test_the_stray_is_that_of_simulated_rates(fields: dict[str, Any], length_s: float) -> None:
    """Over 1,000 paths, whose standard deviation is itself known to some 2 to 3 %."""
    of = settings(**fields)
    means = []
    for seed in range(1_000):
        edges_s, expected = next(
            RandomRate(of, 1.0, "monday").blocks(np.random.default_rng(seed), 0.0)
        )
        means.append(np.interp(length_s, edges_s, expected) / length_s)
    assert of.mean_stray(length_s) == pytest.approx(np.std(means, ddof=1), rel=0.12)


def test_short_stretches_take_the_whole_variance() -> None:
    of = settings(bursts=[{"variance": 0.1, "time": 1e6}])
    assert of.mean_stray(1e-3) == pytest.approx(math.sqrt(math.expm1(0.1)), rel=1e-6)
    assert of.mean_stray(150.0) == pytest.approx(of.mean_stray(50.0), rel=1e-3)  # no jump
