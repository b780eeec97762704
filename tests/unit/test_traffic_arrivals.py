"""Arrivals: which process a spec becomes, that chunks leave no trace, and counted ones.

Seeds were chosen before looking; a p-value must be above 0.001.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sim.scenario.arrivals import PoissonArrivals, VaryingArrivals
from sim.traffic.arrivals import Arrivals, Counted, arrivals
from sim.traffic.chunk import FloatArray
from sim.traffic.fan_out import FanOut
from sim.traffic.rates import HOUR_S, WEEK_S, ConstantRate, WeeklyRate
from sim.traffic.renewal import CoxRenewal, Renewal

WEEKDAY = [0.3] * 7 + [1.5] * 12 + [0.8] * 5
WEEKEND = [0.2] * 12 + [0.9] * 12
P_MIN = 0.001

BURSTS = [{"variance": 0.031, "time": 0.7}, {"variance": 0.056, "time": 390}]
CLIENTS = {"clients": 12, "on": "10m", "off": "30m"}
BATCHES = {"mean_size": 4, "gap": "50ms"}
EVENT = {"at": "10m", "for": "3h", "times": 4}
ALL: dict[str, Any] = {
    "day_curve": {"weekday": WEEKDAY, "weekend": WEEKEND},
    "utc_offset_hours": 5.5,
    "gap_shape": 0.95,
    "bursts": BURSTS,
    "load_grows_by": "clients",
    "bursts_at_rps": 5.53,
    "batches": BATCHES,
    "on_off": CLIENTS,
    "growth_percent_per_week": 3,
    "events": [EVENT],
}


def spec(**fields: Any) -> VaryingArrivals:
    return VaryingArrivals.model_validate(fields)


def until(chunks: Iterator[FloatArray], n: int) -> FloatArray:
    got: list[FloatArray] = []
    for chunk in chunks:
        got.append(chunk)
        if sum(map(len, got)) >= n:
            break
    return np.concatenate(got)[:n]


@pytest.mark.parametrize(
    "process",
    [
        Renewal(ConstantRate(45.0)),
        Renewal(WeeklyRate(45.0, WEEKDAY, WEEKEND)),
        Renewal(WeeklyRate(45.0, WEEKDAY, WEEKEND), 0.95),
        Counted(45.0, 20_000),
        arrivals(spec(mean_rps=45, bursts=BURSTS)),
        arrivals(spec(mean_rps=45, on_off=CLIENTS)),
        arrivals(spec(mean_rps=45, batches=BATCHES)),
        arrivals(spec(mean_rps=45, growth_percent_per_week=3, events=[EVENT])),
        arrivals(spec(mean_rps=45, **ALL)),
    ],
)
def test_the_cut_into_chunks_leaves_no_trace(process: Arrivals) -> None:
    whole = until(process.chunks(np.random.default_rng(17), -3600.0), 20_000)
    assert np.diff(whole).min() >= 0.0
    assert whole[0] >= -3600.0
    for limit in (1, 7, 1000):
        part = until(process.chunks(np.random.default_rng(17), -3600.0, limit), 3_000)
        assert part.tobytes() == whole[:3_000].tobytes()


@pytest.mark.parametrize("limit", [1, 5, 300])
def test_no_chunk_is_over_its_limit_or_empty(limit: int) -> None:
    chunks = arrivals(spec(mean_rps=45, **ALL)).chunks(np.random.default_rng(18), 0.0, limit)
    sizes = {len(next(chunks)) for _ in range(300)}
    assert min(sizes) >= 1
    assert max(sizes) == limit


def test_plain_traffic_is_what_it_always_was() -> None:
    """Spelt out: exponential gaps of the generator itself, through the rate."""
    gaps = -np.log1p(-np.random.default_rng(26).random(1024))
    constant = next(arrivals(PoissonArrivals(rps=4.0)).chunks(np.random.default_rng(26), 0.0))
    assert constant.tobytes() == (np.cumsum(gaps) / 4.0).tobytes()
    hours = [1.0] * 12 + [3.0] * 12
    varying = arrivals(spec(mean_rps=0.002, day_curve=hours))
    at_s = next(varying.chunks(np.random.default_rng(26), 0.0))[:40]
    assert at_s[-1] < 43_200.0  # in the morning the rate is half the mean
    assert at_s == pytest.approx(np.cumsum(gaps)[:40] / 0.001, rel=1e-12)


def test_specs_build_their_processes() -> None:
    assert arrivals(PoissonArrivals(rps=4.0)) == Renewal(ConstantRate(4.0))
    assert arrivals(PoissonArrivals(rps=4.0, count=9)) == Counted(4.0, 9)
    assert arrivals(VaryingArrivals(mean_rps=2.0, gap_shape=0.5)) == Renewal(ConstantRate(2.0), 0.5)
    built = arrivals(VaryingArrivals(mean_rps=2.0, day_curve="azure-code-2024"), "saturday")
    assert isinstance(built, Renewal)
    assert isinstance(built.rate, WeeklyRate)
    assert built.rate.expected(WEEK_S) == pytest.approx(2.0 * WEEK_S, rel=1e-12)
    # Nights in code assistants are quiet, and Monday (day 3) outdoes Sunday (day 2).
    assert built.rate.at(2 * 86_400 + 19 * 3600) > 3 * built.rate.at(86_400 + 19 * 3600)


@pytest.mark.parametrize(
    "given",
    [{"bursts": BURSTS}, {"on_off": CLIENTS}, {"growth_percent_per_week": 1}, {"events": [EVENT]}],
)
def test_what_is_random_or_passing_makes_a_random_rate(given: dict[str, Any]) -> None:
    built = arrivals(spec(mean_rps=2, gap_shape=0.5, **given))
    assert isinstance(built, CoxRenewal)
    assert built.shape == 0.5


def test_what_says_nothing_changes_nothing() -> None:
    nothing = spec(
        mean_rps=2.0,
        bursts=[{"variance": 0, "time": 5}],
        batches={"mean_size": 1, "gap": 5},
        load_grows_by="clients",
        bursts_at_rps=1,
    )
    assert arrivals(nothing) == Renewal(ConstantRate(2.0))


def test_batches_are_as_rare_as_they_are_large() -> None:
    assert arrivals(spec(mean_rps=2.0, batches=BATCHES)) == FanOut(
        Renewal(ConstantRate(0.5)), 4.0, 0.05
    )


def test_a_share_thins_the_process_and_not_its_bursts() -> None:
    assert arrivals(PoissonArrivals(rps=4.0), share=0.25) == Renewal(ConstantRate(1.0))
    bursty = spec(mean_rps=8.0, bursts=BURSTS, load_grows_by="clients", bursts_at_rps=1.0)
    whole, part = arrivals(bursty), arrivals(bursty, share=0.25)
    assert isinstance(whole, CoxRenewal)
    assert isinstance(part, CoxRenewal)
    one, other = (next(p.rate.blocks(np.random.default_rng(27), 0.0)) for p in (whole, part))
    assert one.edges_s.tobytes() == other.edges_s.tobytes()
    assert other.expected == pytest.approx(one.expected / 4, rel=1e-12)


def test_the_users_clock_may_be_ahead() -> None:
    evenings = [0.0] * 23 + [1.0]
    tokyo = arrivals(spec(mean_rps=1.0, day_curve=evenings, utc_offset_hours=9))
    at_s = until(tokyo.chunks(np.random.default_rng(28), -86_400.0), 300_000)
    assert set((at_s // HOUR_S % 24).astype(int)) == {14}


def test_a_workload_arrives_as_its_preset_says() -> None:
    built = arrivals(spec(workload="azure-conv-2024"))
    assert isinstance(built, CoxRenewal)
    at_s = until(built.chunks(np.random.default_rng(29), 9 * HOUR_S), 200_000)
    # Monday's hour from 9:00: 1.09 x 1.14 over the week's mean, swings of 60 s averaged out.
    hour = at_s < 10 * HOUR_S
    assert hour.sum() / HOUR_S == pytest.approx(45.1 * 1.2411, rel=0.05)


def test_count_sends_exactly_that_many_and_ends_on_time() -> None:
    at_s = np.concatenate(list(Counted(4.0, 500).chunks(np.random.default_rng(19))))
    assert len(at_s) == 500
    assert at_s[-1] == 125.0
    assert at_s[0] > 0.0
    # Rescaled by its own sum, a Poisson process has uniform points before the last.
    assert stats.kstest(at_s[:-1] / 125.0, "uniform").pvalue > P_MIN
    assert next(Counted(4.0, 1).chunks(np.random.default_rng(1))).tolist() == [0.25]


def test_count_does_not_depend_on_the_start() -> None:
    one = list(Counted(4.0, 50).chunks(np.random.default_rng(3), 0.0))
    other = list(Counted(4.0, 50).chunks(np.random.default_rng(3), -3600.0))
    assert one[0].tobytes() == other[0].tobytes()


@pytest.mark.parametrize(("rps", "count"), [(0.0, 5), (4.0, 0), (float("nan"), 5)])
def test_impossible_counts_are_refused(rps: float, count: int) -> None:
    with pytest.raises(ValueError, match="count"):
        Counted(rps, count)
