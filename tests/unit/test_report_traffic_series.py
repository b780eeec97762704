"""Traffic series: bins, day curves, dispersion beside Poisson, and CDFs, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from sim.report.traffic_series import MOST_BINS, cdfs, day_rates, dispersions, rates
from sim.traffic.chunk import FloatArray
from sim.workload.hours import Hours
from sim.workload.requests import Requests
from sim.workload.start import Start
from sim.workload.tables import Rates, Weights


def requests(at_s: FloatArray, span_s: float, tick_s: float | None = None) -> Requests:
    tokens = np.arange(1, len(at_s) + 1, dtype=np.int64)
    return Requests("x", tokens, tokens[::-1] * 2, at_s, None, span_s, tick_s)


def poisson(seed: int, n: int = 20_000, per_s: float = 5.0) -> Requests:
    at_s = np.cumsum(-np.log1p(-np.random.default_rng(seed).random(n))) / per_s
    return requests(at_s, float(at_s[-1]) + 0.1)


def test_requests_are_counted_in_whole_bins() -> None:
    series = rates(requests(np.array([0.0, 0.5, 1.5, 3.9, 4.05]), 4.1))
    assert series is not None
    assert series.bin_s == 0.1
    assert series.per_s.sum() * series.bin_s == pytest.approx(5.0)
    assert series.per_s[[0, 5, 15, 39, 40]] == pytest.approx(10.0)
    assert series.middle_s[:2] == pytest.approx([0.05, 0.15])


@pytest.mark.parametrize(
    ("span_s", "bin_s"), [(3_504.0, 20.0), (86_400.0, 600.0), (7 * 86_400.0, 3_600.0)]
)
def test_bins_are_few_and_round(span_s: float, bin_s: float) -> None:
    series = rates(requests(np.linspace(0.0, span_s - 1.0, 1_000), span_s))
    assert series is not None
    assert series.bin_s == bin_s
    assert len(series.per_s) <= MOST_BINS
    assert series.per_s.mean() == pytest.approx(1_000 / span_s, rel=0.02)


def test_bins_are_no_finer_than_the_clock() -> None:
    series = rates(requests(np.linspace(0.0, 30.0, 50), 31.0, tick_s=3.0))
    assert series is not None
    assert series.bin_s == 5.0


def test_windows_of_a_rate_sheet_are_merged_without_those_that_are_missing() -> None:
    per_s = np.full(500, 2.0)
    per_s[:3] = (1.0, np.nan, 4.0)
    per_s[3:6] = np.nan
    series = rates(Rates("x", 600.0, per_s))
    assert series is not None
    assert series.bin_s == 1_800.0
    assert series.per_s[0] == 2.5
    assert np.isnan(series.per_s[1])
    assert series.per_s[2] == 2.0


def test_lengths_alone_have_no_rate() -> None:
    tokens = np.array([5, 6])
    assert rates(Requests("x", tokens, tokens)) is None
    assert rates(Weights("x", "input", tokens, np.array([0.5, 0.5]))) is None
    assert dispersions(Requests("x", tokens, tokens)) is None


def test_the_day_curve_follows_the_calendar_and_has_the_rate_s_mean() -> None:
    weekday = tuple(float(hour) for hour in range(24))
    hours = Hours(weekday, (7.0,) * 24, "UTC", 7.0)
    per_s = np.full(48, 3.0)
    per_s[5] = np.nan
    series = rates(Rates("x", 3_600.0, per_s))
    assert series is not None
    curve = day_rates(series, hours, Start(6 * 3600.0, 4, "UTC"))  # from Friday, 06:00
    assert curve[0] / curve[1] == pytest.approx(6 / 7)
    assert curve[18] == pytest.approx(curve[0] * 7 / 6)  # Saturday
    assert curve[41] == pytest.approx(curve[18])
    known = ~np.isnan(series.per_s)
    assert curve[known].mean() == pytest.approx(3.0)


def test_poisson_traffic_lies_in_its_band_at_nine_of_ten_windows() -> None:
    inside = total = 0
    for seed in range(12):
        found = dispersions(poisson(seed))
        assert found is not None
        within = (found.poisson_low <= found.value) & (found.value <= found.poisson_high)
        inside, total = inside + int(within.sum()), total + len(within)
    assert 0.8 < inside / total < 0.97  # neighbours go together


def test_dispersion_is_variance_over_mean_of_counts() -> None:
    part = poisson(3)
    found = dispersions(part)
    assert found is not None
    assert part.arrived_at_s is not None
    window_s = found.window_s[-1]
    bins = int(part.span_s / window_s)
    counts = np.histogram(part.arrived_at_s, bins, (0.0, bins * window_s))[0]
    assert found.value[-1] == pytest.approx(counts.var(ddof=1) / counts.mean())
    assert window_s == pytest.approx(part.span_s / 20)


def test_short_traces_have_no_dispersion() -> None:
    assert dispersions(requests(np.array([0.0, 0.5, 1.0]), 1.0)) is None


def test_cdfs_end_at_all_and_are_exact_where_they_have_points() -> None:
    rng = np.random.default_rng(1)
    tokens = rng.integers(1, 100_000, 50_000)
    found = cdfs(Requests("x", tokens, np.array([1, 1, 3, 4] * 12_500)))
    assert found["output"].tokens.tolist() == [1, 3, 4]
    assert found["output"].share.tolist() == [0.5, 0.75, 1.0]
    cdf = found["input"]
    assert len(cdf.tokens) <= 400
    assert cdf.share[-1] == 1.0
    for place in (0, 100, 250):
        assert cdf.share[place] == (tokens <= cdf.tokens[place]).mean()
    weights = cdfs(Weights("x", "output", np.array([3, 9]), np.array([0.25, 0.75])))
    assert weights["output"].share.tolist() == [0.25, 1.0]
    assert cdfs(Rates("x", 1.0, np.ones(3))) == {}
