"""Lengths: every law and its exact mean, recorded ones, and the public traces.

Seeds were chosen before looking; a p-value must be above 0.001.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy import stats

from sim.catalog.workloads import length_table, workloads
from sim.laws.lognormal import Lognormal
from sim.laws.quantiles import QuantileTable
from sim.scenario.lengths import Lengths
from sim.traffic.chunk import FloatArray, IntArray
from sim.traffic.lengths import (
    law_of,
    mean_tokens,
    sampler,
)
from sim.traffic.tokens import TokenSampler
from sim.traffic.trace_text import TraceError
from sim.traffic.traces import Trace
from sim.units import MAX_TOKENS
from tests.datadir import data_path

P_MIN = 0.001
SPECS = [
    {"fixed": 500},
    {"lognormal": {"median": 800, "p95": 4000}},
    {"lognormal": {"mean": 300, "cv": 0.4}},
    {"lognormal": {"median": 800, "p95": 4000}, "max": 2000, "min": 100},
    {"exponential": 250},
    {"exponential": 3.5, "max": 8},
    {"geometric": 250},
    {"geometric": 1.7},
    {"geometric": 1},
    {"quantiles": {"0": 1, "0.5": 128, "1": 1000}},
    {"quantiles": {"0": 16, "0.3": 16, "0.6": 512, "0.9": 512, "1": 300_000}},
    {"workload": "azure-conv-2023"},
    {"workload": "mooncake-conversation", "max": 8000},
    {"gamma": {"mean": 300, "cv": 1.5}},
    {"gamma": {"mean": 300, "cv": 10}, "max": 4000},
    {"weibull": {"mean": 300, "shape": 0.6}},
    {"mixture": [{"weight": 3, "median": 40, "p95": 90}, {"weight": 1, "mu": 6, "sigma": 1}]},
    {"pareto": {"median": 800, "p95": 4000, "tail_from": 5000, "tail_index": 3}},
    {"pareto": {"median": 80, "p95": 400, "tail_from": 80, "tail_index": 0.7}, "max": 100_000},
    {"given_input": [{"0": 5, "0.5": 5, "1": 90}, {"0": 1, "1": 1000}, {"0": 7, "1": 7}]},
]


def spec(text: dict[str, object]) -> Lengths:
    found: Lengths = TypeAdapter(Lengths).validate_python(text)
    return found


def draws(text: dict[str, object], n: int, seed: int = 21) -> IntArray:
    return sampler(spec(text), "input").sample(np.random.default_rng(seed), n)


class Edges(np.random.Generator):
    """Gives the smallest and the largest number that a generator can give."""

    def random(self, n: int) -> FloatArray:  # type: ignore[override]
        return np.resize([0.0, 1.0 - 2.0**-53], n)


@pytest.mark.parametrize("mean", [1.2, 4.0, 250.0])
def test_geometric_has_its_distribution_from_one_on(mean: float) -> None:
    got = draws({"geometric": mean}, 100_000)
    assert got.min() == 1
    law = stats.geom(1.0 / mean)
    edges = np.unique(law.ppf(np.linspace(0.0, 0.999, 60)))
    observed = np.histogram(got, bins=[*(edges + 0.5), np.inf])[0]
    expected = -np.diff([*law.sf(edges), 0.0]) * len(got)
    assert observed.sum() == len(got)
    assert stats.chisquare(observed, expected).pvalue > P_MIN


def test_lognormal_quantiles_lie_in_their_binomial_intervals() -> None:
    n = 100_000
    got = np.sort(draws({"lognormal": {"median": 800, "p95": 4000}}, n))
    law = stats.lognorm(math.log(5.0) / stats.norm.ppf(0.95), scale=800.0)
    assert law.ppf(0.95) == pytest.approx(4000.0)
    for level in (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999):
        low, high = stats.binom.ppf([P_MIN / 20, 1 - P_MIN / 20], n, level).astype(int)
        assert got[low] <= math.ceil(law.ppf(level)) <= got[high]


def test_lognormal_by_mean_and_variation() -> None:
    got = draws({"lognormal": {"mean": 3000, "cv": 0.4}}, 200_000)
    assert got.mean() == pytest.approx(3000.5, rel=4 * 0.4 / math.sqrt(200_000))
    assert got.std() / got.mean() == pytest.approx(0.4, rel=0.02)


@pytest.mark.parametrize("mean", [100.0, 250.0, 2_000.0])
def test_exponential_means_are_met_within_a_per_cent(mean: float) -> None:
    exact = 1.0 / -math.expm1(-1.0 / mean)  # of the geometric law that rounding up makes
    assert mean_tokens(spec({"exponential": mean}), "output") == pytest.approx(exact, rel=1e-9)
    assert exact == pytest.approx(mean, rel=0.01)


@pytest.mark.parametrize("mean", [1.0, 1.7, 250.0, 9_000.0])
def test_geometric_means_are_met_exactly(mean: float) -> None:
    assert mean_tokens(spec({"geometric": mean}), "output") == pytest.approx(mean, rel=1e-9)


@pytest.mark.parametrize("text", SPECS, ids=str)
def test_mean_tokens_is_the_mean_of_the_draws(text: dict[str, object]) -> None:
    got = draws(text, 200_000, seed=23).astype(float)
    half_width = 3.9 * got.std(ddof=1) / math.sqrt(len(got))
    assert mean_tokens(spec(text), "input") == pytest.approx(got.mean(), abs=half_width + 1e-9)


@pytest.mark.parametrize("text", SPECS, ids=str)
def test_edges_of_the_generator_give_whole_tokens_from_one_on(text: dict[str, object]) -> None:
    got = sampler(spec(text), "output").sample(Edges(np.random.PCG64(1)), 2)
    assert got.dtype == np.int64
    assert 1 <= got[0] <= got[1] <= MAX_TOKENS


@pytest.mark.parametrize("text", SPECS, ids=str)
def test_draws_do_not_depend_on_how_many_are_asked_for_at_once(text: dict[str, object]) -> None:
    whole = draws(text, 5_000)
    made = sampler(spec(text), "input")
    rng = np.random.default_rng(21)
    parts = np.concatenate([made.sample(rng, n) for n in (1, 2, 3, 994, 4_000)])
    assert parts.tobytes() == whole.tobytes()


def test_fields_choose_the_side_of_a_workload() -> None:
    text = {"workload": "azure-conv-2023"}
    assert mean_tokens(spec(text), "input") > 4 * mean_tokens(spec(text), "output")


def test_tables_of_whole_traces_keep_the_mean() -> None:
    checked = 0
    for entry in workloads():
        for table in (entry.input, entry.output):
            if table.trace_mean_tokens is not None:
                made = TokenSampler(QuantileTable(table.levels, table.tokens))
                assert made.mean_tokens() == pytest.approx(table.trace_mean_tokens, rel=0.03)
                checked += 1
    assert checked >= 6


@pytest.mark.data
@pytest.mark.parametrize(
    ("workload", "file"),
    [
        ("azure-conv-2023", "traces/AzureLLMInferenceTrace_conv.csv"),
        ("mooncake-conversation", "traces/mooncake_conversation_trace.jsonl.gz"),
    ],
)
def test_workloads_are_as_near_to_their_traces_as_stated(workload: str, file: str) -> None:
    chunks = list(Trace(data_path(file)).chunks())
    for field, traced in (
        ("input", np.concatenate([chunk.input_tokens for chunk in chunks])),
        ("output", np.concatenate([chunk.output_tokens for chunk in chunks])),
    ):
        table = length_table(workload, field)  # type: ignore[arg-type]
        made = TokenSampler(QuantileTable(table.levels, table.tokens))
        drawn = made.sample(np.random.default_rng(24), 200_000)
        assert stats.ks_2samp(drawn, traced).statistic <= 0.035
        # The same test sees a single lognormal fail.
        rough = TokenSampler(Lognormal(np.log(traced).mean(), np.log(traced).std()))
        drawn = rough.sample(np.random.default_rng(24), 200_000)
        assert stats.ks_2samp(drawn, traced).statistic > 0.05


def moments(text: dict[str, object]) -> tuple[float, float]:
    """Mean and coefficient of variation of a million equal steps through the law."""
    x = law_of(spec(text), "input").quantile((np.arange(1_000_000) + 0.5) / 1_000_000)
    return float(x.mean()), float(x.std() / x.mean())


@pytest.mark.parametrize(
    ("text", "mean", "cv"),
    [
        ({"gamma": {"mean": 300, "cv": 1.5}}, 300.0, 1.5),
        ({"lognormal": {"mean": 300, "cv": 0.8}}, 300.0, 0.8),
        ({"weibull": {"mean": 300, "shape": 2}}, 300.0, math.sqrt(4 / math.pi - 1)),
        ({"mixture": [{"weight": 5, "mean": 300, "cv": 0.8}]}, 300.0, 0.8),
        (
            {"mixture": [{"weight": 1, "mean": 100, "cv": 0.5}] * 2},
            100.0,
            0.5,
        ),
    ],
)
def test_laws_have_the_moments_that_were_asked_for(
    text: dict[str, object], mean: float, cv: float
) -> None:
    assert moments(text) == pytest.approx((mean, cv), rel=5e-3)


def test_weights_of_a_mixture_are_shares_of_its_draws() -> None:
    got = draws(
        {
            "mixture": [
                {"weight": 6, "median": 40, "p95": 50},
                {"weight": 2, "median": 5000, "p95": 6000},
            ]
        },
        100_000,
    )
    assert stats.binomtest(int((got > 500).sum()), len(got), 0.25).pvalue > P_MIN


def test_a_pareto_tail_falls_as_its_index_says() -> None:
    text = {"pareto": {"median": 800, "p95": 4000, "tail_from": 4000, "tail_index": 1.2}}
    got = draws(text, 400_000)
    tail = got[got > 4000]
    assert stats.binomtest(len(tail), len(got), 0.05).pvalue > P_MIN
    assert stats.binomtest(int((tail > 40_000).sum()), len(tail), 10.0**-1.2).pvalue > P_MIN


def test_recorded_lengths_are_drawn_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("n,w\n700,1\n20,3\n20,4\n")
    text = {"empirical": str(path), "column": "n", "weight": "w"}
    assert mean_tokens(spec(text), "output") == pytest.approx((700 + 7 * 20) / 8, rel=1e-12)
    got = draws(text, 100_000)
    assert set(got.tolist()) == {20, 700}
    assert stats.binomtest(int((got == 700).sum()), len(got), 1 / 8).pvalue > P_MIN
    assert mean_tokens(spec(text | {"max": 100}), "output") == pytest.approx(30.0, rel=1e-12)


def test_recorded_lengths_without_the_column_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n\n7\n")
    with pytest.raises(TraceError, match=r"a\.csv:1: no column 'm'"):
        sampler(spec({"empirical": str(tmp_path / "a.csv"), "column": "m"}), "input")
