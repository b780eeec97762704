"""Lengths: tables, their distances, and how outputs go with inputs, against direct computations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from sim.traffic.lengths import sampler
from sim.workload.length_distance import (
    distance,
    drawn_at_once,
    draws,
    joint_distance,
    noise,
    pairs_of,
    sample_distance,
)
from sim.workload.length_fit import BINS, fit_lengths, rank_bins
from sim.workload.length_rows import halves_of, is_dependent, length_rows, weight_rows
from sim.workload.length_summary import dependence_of, summary_of, weighted_summary
from sim.workload.requests import Requests
from sim.workload.tables import Weights
from sim.workload.token_table import POINTS, Share, TokenTable, share_of, table_of

RNG = np.random.default_rng(20_260_102)


def whole(values: np.ndarray) -> np.ndarray:
    return np.maximum(np.ceil(values), 1).astype(np.int64)


LOGNORMAL = whole(RNG.lognormal(6.5, 1.2, 8000))
MIXED = np.concatenate((whole(RNG.lognormal(4, 0.5, 3000)), np.full(2500, 4096), np.ones(500)))
MIXED = RNG.permutation(MIXED.astype(np.int64))
SHORT = whole(RNG.geometric(0.3, 5000))


def requests(inputs: np.ndarray, outputs: np.ndarray, timed: bool = True) -> Requests:
    at_s = np.arange(len(inputs), dtype=np.float64) if timed else None
    return Requests("x", inputs, outputs, at_s, span_s=float(len(inputs)) if timed else 0.0)


@pytest.mark.parametrize("tokens", [LOGNORMAL, MIXED, SHORT], ids=["lognormal", "atoms", "short"])
def test_a_table_of_29_points_is_near_its_sample(tokens: np.ndarray) -> None:
    share = share_of(tokens)
    table = table_of(share)
    assert len(table.levels) <= POINTS
    assert (table.levels[0], table.levels[-1]) == (0.0, 1.0)
    assert (table.tokens[0], table.tokens[-1]) == (tokens.min(), tokens.max())
    spec = table.spec()
    assert distance(spec, "input", share) < 0.012
    drawn = sampler(spec, "input").sample(np.random.default_rng(1), 200_000)
    assert drawn.mean() == pytest.approx(tokens.mean(), rel=0.02)
    assert sample_distance(drawn, tokens) < 0.012 + 0.004


def test_the_distance_is_that_of_what_the_sampler_draws() -> None:
    share = share_of(MIXED)
    rough = TokenTable((0.0, 0.5, 1.0), (1, 100, 4096)).spec()
    drawn = sampler(rough, "input").sample(np.random.default_rng(2), 400_000)
    assert distance(rough, "input", share) == pytest.approx(sample_distance(drawn, MIXED), abs=3e-3)
    capped = rough.model_copy(update={"max": 50})
    drawn = sampler(capped, "input").sample(np.random.default_rng(2), 400_000)
    assert distance(capped, "input", share) == pytest.approx(
        sample_distance(drawn, MIXED), abs=3e-3
    )


@pytest.mark.parametrize(
    ("tokens", "levels"),
    [
        ([7] * 50, (0.0, 1.0)),
        ([3], (0.0, 1.0)),
        ([1] * 30 + [1000] * 20, (0.0, 0.6, 0.600001, 1.0)),
    ],
)
def test_constant_and_two_valued_lengths_are_exact(
    tokens: list[int], levels: tuple[float, ...]
) -> None:
    share = share_of(np.array(tokens))
    table = table_of(share)
    assert table.levels == levels
    assert distance(table.spec(), "input", share) < 2e-6


def test_a_share_is_a_distribution_function() -> None:
    share = share_of(np.array([5, 2, 2, 9]))
    assert share.at(np.array([1, 2, 5, 8, 9, 99])).tolist() == [0.0, 0.5, 0.75, 0.75, 1.0, 1.0]
    assert [share.quantile(level) for level in (0.0, 0.5, 0.51, 1.0)] == [2, 2, 5, 9]
    weighted = share_of(np.array([2, 5]), np.array([3.0, 1.0]))
    assert weighted.at(np.array([2])).tolist() == [0.75]
    assert isinstance(weighted, Share)


def test_sample_distance_is_that_of_scipy() -> None:
    a, b = LOGNORMAL[:3000], LOGNORMAL[3000:]
    assert sample_distance(a, b) == pytest.approx(stats.ks_2samp(a, b).statistic)


def test_joint_distance_is_the_largest_on_the_grid() -> None:
    first, second = (LOGNORMAL[:500], SHORT[:500]), (LOGNORMAL[500:1500], SHORT[500:1500])
    x, y = (np.quantile(side, np.arange(1, 20) / 20, method="inverted_cdf") for side in second)
    worst = max(
        abs(
            ((first[0] <= a) & (first[1] <= b)).mean()
            - ((second[0] <= a) & (second[1] <= b)).mean()
        )
        for a in x
        for b in y
    )
    assert joint_distance(first, second) == pytest.approx(worst)
    assert joint_distance(second, second) == 0.0


def test_bins_by_rank_are_equal_parts_also_of_equal_inputs() -> None:
    bins = rank_bins(np.full(1000, 7), BINS)
    assert [len(places) for places in bins] == [100] * 10
    assert sorted(np.concatenate(bins).tolist()) == list(range(1000))
    assert bins[0].mean() == pytest.approx(500, abs=120)  # by lot, not by place
    ordered = rank_bins(np.arange(1000)[::-1], 4)
    assert ordered[0].tolist() == list(range(999, 749, -1))


def hill(n: int) -> Requests:
    """Outputs that rise with the input and fall again, as no correlation can say."""
    inputs = whole(RNG.lognormal(6.5, 1.0, n))
    ranks = stats.rankdata(inputs) / n
    outputs = whole(RNG.exponential(20.0 + 400.0 * ((ranks > 0.4) & (ranks < 0.7))))
    return requests(inputs, outputs)


def test_a_hill_of_outputs_needs_the_bins_and_gets_them() -> None:
    trace = hill(6000)
    assert is_dependent(trace)
    assert abs(dependence_of(trace).spearman or 0.0) < 0.2
    fitted = fit_lengths(trace, True)
    assert fitted.output_given_input is not None
    assert len(fitted.output_given_input) == BINS
    near = joint_distance(draws(fitted.input_spec(), fitted.output_spec()), pairs_of(trace))
    alone = fit_lengths(trace, False)
    far = joint_distance(draws(alone.input_spec(), alone.output_spec()), pairs_of(trace))
    assert near < 0.02 < 0.05 < far


def test_independent_outputs_stay_independent() -> None:
    trace = requests(LOGNORMAL[:5000], SHORT)
    assert not is_dependent(trace)
    assert fit_lengths(trace, True).output_given_input is not None
    assert fit_lengths(trace.rows(slice(0, 150)), True).output_given_input is None
    assert not is_dependent(trace.rows(slice(0, 300)))


def test_rows_of_an_even_trace_are_all_met() -> None:
    trace = hill(6000)
    rows = {row.metric: row for row in length_rows(trace, fit_lengths(trace, True), 10)}
    assert [row.met for row in rows.values()] == [True] * 5
    held_out = rows["length KS held out, input"]
    assert held_out.floor is not None
    assert held_out.value is not None
    assert held_out.band is not None
    assert held_out.ask == f"<= {held_out.floor + 0.02:.3f} (floor + 0.02)"
    low, high = held_out.band
    assert 0.5 / 3000**0.5 < low < high < 1.7 / 3000**0.5  # Kolmogorov's law: .52 and 1.36


def test_halves_that_differ_show_it_in_the_floor_and_not_in_a_miss() -> None:
    trace = requests(np.concatenate((LOGNORMAL[:2000], LOGNORMAL[:2000] * 4)), SHORT[:4000])
    rows = length_rows(trace, fit_lengths(trace, False), 5)
    floor = next(row.floor for row in rows if row.metric == "length KS held out, input")
    assert floor is not None
    assert floor > 0.3
    assert all(row.met for row in rows)


def test_too_few_rows_say_so() -> None:
    trace = requests(LOGNORMAL[:50], SHORT[:50])
    rows = length_rows(trace, fit_lengths(trace, False), 5)
    assert [row.met for row in rows] == [True, True, None, None, None]
    assert rows[2].note == "50 requests are too few: each half needs 100"
    tiny = trace.rows(slice(0, 7))
    assert length_rows(tiny, fit_lengths(tiny, False), 5)[0].note == (
        "7 requests are too few: needs 30"
    )


def test_halves_are_by_rows_or_every_other_without_times() -> None:
    trace = requests(np.arange(1, 9), np.arange(1, 9))
    assert [half.input_tokens.tolist() for half in halves_of(trace)] == [[1, 2, 3, 4], [5, 6, 7, 8]]
    untimed = replace(trace, arrived_at_s=None)
    assert [half.input_tokens.tolist() for half in halves_of(untimed)] == [
        [1, 3, 5, 7],
        [2, 4, 6, 8],
    ]


def test_weights_have_a_table_and_no_halves() -> None:
    tokens = np.arange(1, 2001)
    weights = Weights("x", "output", tokens, np.full(2000, 1 / 2000))
    in_sample, held_out = weight_rows(weights)
    assert in_sample.metric == "length KS in sample, output"
    assert in_sample.met
    assert held_out.met is None


def test_noise_falls_with_the_root_of_the_sample() -> None:
    assert drawn_at_once(100) == 100
    assert drawn_at_once(10**6) == 20_000
    low, high = noise(lambda seed: float(seed), 80_000, 99)
    assert (low, high) == pytest.approx((0.5 * 5.9, 0.5 * 94.1))


def test_summaries_are_plain_quantiles() -> None:
    found = summary_of(LOGNORMAL)
    assert found.mean == pytest.approx(LOGNORMAL.mean())
    assert (found.minimum, found.maximum) == (LOGNORMAL.min(), LOGNORMAL.max())
    for level, tokens in found.quantiles.items():
        assert tokens == np.quantile(LOGNORMAL, level, method="inverted_cdf")
    weighted = weighted_summary(np.array([1, 10]), np.array([0.5, 0.5]))
    assert (weighted.mean, weighted.quantiles[0.5], weighted.quantiles[0.75]) == (5.5, 1.0, 10.0)


def test_dependence_is_spearmans_and_the_means_by_tenths() -> None:
    inputs = np.arange(1, 1001)
    found = dependence_of(requests(inputs, inputs * 2))
    assert found.spearman == pytest.approx(1.0)
    assert found.mean_output_by_input_decile[0] == pytest.approx(101.0)
    assert found.mean_output_by_input_decile[9] == pytest.approx(1901.0)
    own = dependence_of(requests(LOGNORMAL[:999], SHORT[:999])).spearman
    assert own == pytest.approx(stats.spearmanr(LOGNORMAL[:999], SHORT[:999]).statistic)
    constant = dependence_of(requests(np.full(20, 5), np.arange(1, 21)))
    assert constant.spearman is None
    assert constant.mean_output_by_input_decile == ()
