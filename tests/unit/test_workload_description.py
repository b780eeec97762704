"""Description: each kind of part has just the figures that its data allow."""

from __future__ import annotations

import numpy as np
import pytest

from sim.workload.description import describe
from sim.workload.requests import Requests
from sim.workload.start import Start
from sim.workload.tables import Rates, Weights

RNG = np.random.default_rng(20_260_103)


def poisson(n: int, per_s: float) -> Requests:
    at_s = np.cumsum(RNG.exponential(1 / per_s, n))
    return Requests(
        "x",
        RNG.integers(1, 1000, n),
        RNG.integers(1, 100, n),
        at_s,
        span_s=float(at_s[-1]),
        start=Start(0.0, 0, "UTC"),
        notes=("a note",),
    )


def test_requests_have_arrivals_and_lengths() -> None:
    found = describe(poisson(20_000, 5.0))
    assert (found.kind, found.requests) == ("requests", 20_000)
    assert found.rate_per_s == pytest.approx(5.0, rel=0.03)
    assert found.gap_cv == pytest.approx(1.0, abs=0.03)
    assert found.dispersion is not None
    assert list(found.dispersion) == [1.0, 10.0, 60.0, 600.0]
    assert found.dispersion[10.0] == pytest.approx(1.0, abs=0.3)
    assert found.dispersion[600.0] is None  # 4,000 s hold six windows
    assert found.rate_variance is not None
    assert found.rate_variance[600.0] is None
    assert found.peak_to_mean is not None
    assert found.peak_to_mean[600.0] == pytest.approx(1.0, abs=0.1)
    assert found.input is not None
    assert found.input.quantiles[0.5] == pytest.approx(500, abs=20)
    assert found.dependence is not None
    assert not found.on_off
    assert found.hours is None
    assert found.cached is None
    assert found.notes == ("a note", "no dispersion at 600 s: fewer than 20 windows in the span")


def test_days_have_hours_and_one_instant_has_next_to_nothing() -> None:
    days = describe(poisson(3000, 3000 / 250_000))
    assert days.hours is not None
    assert days.hours.clock == "UTC"
    one = describe(Requests("x", np.ones(9, dtype=np.int64), np.ones(9, dtype=np.int64),
                            np.zeros(9)))  # fmt: skip
    assert (one.rate_per_s, one.dispersion, one.gap_cv) == (None, None, None)
    assert one.notes == ("all requests have the same time",)


def test_lengths_alone_have_no_arrivals() -> None:
    found = describe(poisson(500, 5.0).rows(slice(None)))
    assert (found.kind, found.rate_per_s, found.dispersion) == ("lengths", None, None)
    assert found.input is not None


def test_rates_have_a_window_of_their_own() -> None:
    counts = RNG.poisson(600, 1000)
    found = describe(Rates("x", 600.0, counts / 600.0, "chat", Start(0.0, 0, "UTC")))
    assert (found.kind, found.source) == ("rates", "x [chat]")
    assert found.rate_per_s == pytest.approx(1.0, rel=0.01)
    assert found.dispersion is not None
    assert found.dispersion[600.0] == pytest.approx(1.0, abs=0.2)
    assert found.hours is not None
    assert found.hours.weekend is not None
    nothing = describe(Rates("x", 600.0, np.zeros(50)))
    assert nothing.notes == ("no requests at all",)
    few = describe(Rates("x", 3600.0, np.ones(3)))
    assert few.dispersion == {3600.0: None}
    assert few.peak_to_mean == {3600.0: None}


def test_weights_have_one_side() -> None:
    found = describe(Weights("x", "output", np.array([1, 10]), np.array([0.5, 0.5])))
    assert found.kind == "weights"
    assert found.input is None
    assert found.output is not None
    assert found.output.mean == 5.5
