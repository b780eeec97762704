"""Startup: phases by name, by a mapping, by a rate; what the laws of the phases come to."""

import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from sim.catalog.models import model
from sim.catalog.startup import PHASES, startups
from sim.scenario.pool import Pool
from sim.scenario.startup import Bandwidth, Phases, Startup, startup_named

WEIGHTS = model("llama-3.1-8b").weight_bytes("bf16")
HALF = np.array([0.5])
TIMING = {"timing": {"knots_tokens": [1], "knots_s": [0.01]}, "kv_tokens": 1000}


def medians(phases: Phases) -> dict[str, float]:
    return {name: float(law.quantile(HALF)[0]) for name, law in phases._asdict().items()}


def pool(**changes: Any) -> Pool:
    data = {"model": "llama-3.1-8b", "gpu": "h100-sxm", "node": {"usd_per_hour": 4}}
    return Pool.model_validate(data | changes)


def phases(spec: Pool) -> Phases:
    return spec.cold_start.phases(spec.weight_bytes)


def test_the_default_is_that_of_the_catalog() -> None:
    assert pool().startup == "cloud-gpu"
    found = medians(phases(pool()))
    expected = {"provision": 240, "pull": 480, "init": 120, "first_request": 40}
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert found["load"] == pytest.approx(WEIGHTS / 1.7e9)


def test_the_phases_are_those_of_the_catalog_in_order() -> None:
    assert Phases._fields == PHASES
    for row in startups():
        for name, found in medians(startup_named(row.name).phases(WEIGHTS)).items():
            phase = row.phases[name]
            if phase.gb_per_s is not None:
                assert found == pytest.approx(WEIGHTS / 1e9 / phase.gb_per_s)
            else:
                assert found == pytest.approx(
                    phase.fixed_s if phase.median_s is None else phase.median_s
                )


def test_quantiles_are_those_of_the_catalog() -> None:
    provision = phases(pool()).provision
    assert provision.quantile(np.array([0.95]))[0] == pytest.approx(600.0)


def test_none_takes_no_time() -> None:
    assert set(medians(phases(pool(startup="none"))).values()) == {0.0}
    assert startup_named("none").mean_s(None) == 0.0


def test_phases_that_are_left_out_take_no_time_or_are_like_others() -> None:
    own = Startup.model_validate({"init": "30s", "load": "8s"})
    assert medians(own.phases(None)) == {
        "provision": 0.0,
        "pull": 0.0,
        "load": 8.0,
        "init": 30.0,
        "first_request": 0.0,
    }
    like = Startup.model_validate({"like": "cloud-gpu", "init": "30s"})
    assert medians(like.phases(WEIGHTS)) == pytest.approx(
        medians(startup_named("cloud-gpu").phases(WEIGHTS)) | {"init": 30.0}
    )


def test_a_pulled_image_is_not_pulled() -> None:
    usual = medians(phases(pool()))
    pulled = medians(phases(pool(prepulled_image=True)))
    assert pulled == usual | {"pull": 0.0}


def test_the_mean_is_that_of_all_before_it_is_ready() -> None:
    def mean(median: float, p95: float) -> float:
        return median * math.exp((math.log(p95 / median) / 1.6448536269514722) ** 2 / 2)

    expected = mean(240, 600) + mean(480, 600) + WEIGHTS / 1.7e9 + mean(120, 300)
    cold = {"like": "cloud-gpu", "warmed": False}
    assert pool(startup=cold).mean_startup_s == pytest.approx(expected)
    assert pool().mean_startup_s == pytest.approx(expected + mean(40, 60))
    assert pool(startup={"provision": {"uniform": ["1m", "3m"]}}).mean_startup_s == 120.0


def test_weights_at_a_rate() -> None:
    by_rate = {"load": {"gb_per_s": 2.0}}
    quantized = pool(precision="fp8", startup=by_rate)
    bytes_of = model("llama-3.1-8b").weight_bytes("fp8")
    assert quantized.weight_bytes == bytes_of
    assert medians(phases(quantized))["load"] == pytest.approx(bytes_of / 2e9)
    assert Bandwidth(gb_per_s=2.0, gb=16.0).seconds(None) == 8.0
    with pytest.raises(ValueError, match="size of the weights is not known"):
        Bandwidth(gb_per_s=2.0).seconds(None)


def test_the_size_must_be_known_where_replicas_start() -> None:
    own = {**TIMING, "model": None, "gpu": None}
    plain = pool(**own)  # all are ready from the start, so nothing is loaded
    assert plain.weight_bytes is None
    assert plain.cold_start.needs_size
    rollouts = {"rollouts": {"every": "1d"}}
    with pytest.raises(ValidationError, match="their size is not known"):
        pool(**own, **rollouts)
    assert pool(**own, **rollouts, startup="none").mean_startup_s == 0.0
    sized = {"load": {"gb_per_s": 2, "gb": 16}}
    assert pool(**own, **rollouts, startup=sized).mean_startup_s == 8.0
    assert pool(**TIMING, **rollouts).weight_bytes == WEIGHTS  # a model that the catalog knows


@pytest.mark.parametrize(
    "startup",
    [
        "warmish",
        "5m",
        True,
        3,
        {"provison": "5m"},
        {"load": {"gb_per_s": 0}},
        {"load": {"gb_per_s": 2, "gb": 0}},
        {"load": {"gb_per_sec": 2}},
        {"pull": "-5s"},
        {"like": "none at all"},
    ],
)
def test_startups_that_are_none(startup: Any) -> None:
    with pytest.raises(ValidationError):
        pool(startup=startup)
