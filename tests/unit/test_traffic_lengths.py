"""Lengths: every law against scipy, rounding and caps, exact means, and the public traces.

Seeds were chosen before looking; a p-value must be above 0.001.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy import stats

from sim.catalog.workloads import length_table, workloads
from sim.scenario.lengths import Lengths
from sim.traffic.chunk import FloatArray, IntArray
from sim.traffic.lengths import (
    MAX_TOKENS,
    Exponential,
    Fixed,
    Law,
    Lognormal,
    QuantileTable,
    TokenSampler,
    law_of,
    mean_tokens,
    sampler,
)
from sim.traffic.traces import Trace
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


@pytest.mark.parametrize(
    ("law", "cdf"),
    [
        (Exponential(250.0), stats.expon(scale=250.0).cdf),
        (Lognormal(math.log(800.0), 0.97), stats.lognorm(0.97, scale=800.0).cdf),
    ],
)
def test_laws_before_rounding_have_their_distribution(law: Law, cdf: object) -> None:
    y = law.quantile(np.random.default_rng(22).random(50_000))
    assert stats.kstest(y, cdf).pvalue > P_MIN
    grid = np.linspace(1.0, 5_000.0, 300)
    assert law.survival(grid) == pytest.approx(1.0 - cdf(grid), abs=1e-12)  # type: ignore[operator]


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


def test_rounding_up_makes_an_exponential_geometric() -> None:
    got = draws({"exponential": 5.0}, 100_000)
    law = stats.geom(-math.expm1(-1.0 / 5.0))
    observed = np.bincount(np.minimum(got, 30), minlength=31)[1:]
    expected = np.append(law.pmf(np.arange(1, 30)), law.sf(29)) * len(got)
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


def test_mean_tokens_of_very_long_laws_is_close() -> None:
    assert TokenSampler(Exponential(1e6)).mean_tokens() == pytest.approx(1e6 + 0.5, abs=0.1)
    exact = 1e6 * math.exp(0.125) + 0.5  # the half is what rounding up adds
    assert TokenSampler(Lognormal(math.log(1e6), 0.5)).mean_tokens() == pytest.approx(
        exact, abs=0.1
    )
    capped = TokenSampler(QuantileTable((0.0, 1.0), (1e6, 3e6)), high=2_000_000)
    below = math.log(2.0) / math.log(3.0)  # level at which the cap bites
    exact = below * 1e6 / math.log(2.0) + (1.0 - below) * 2e6
    assert capped.mean_tokens() == pytest.approx(exact, rel=1e-4)


def test_tables_go_through_their_points_and_are_linear_in_the_logarithm() -> None:
    law = QuantileTable((0.0, 0.5, 1.0), (1.0, 128.0, 1000.0))
    assert law.quantile(np.array([0.0, 0.25, 0.5])) == pytest.approx([1.0, math.sqrt(128.0), 128.0])
    u = np.linspace(0.001, 0.999, 777)
    assert law.survival(law.quantile(u)) == pytest.approx(1.0 - u, abs=1e-12)
    assert law.survival(np.array([0.5, 1000.0, 5000.0])).tolist() == [1.0, 0.0, 0.0]


def test_atoms_of_tables_keep_their_mass_and_their_value() -> None:
    text = {"quantiles": {"0": 16, "0.3": 16, "0.6": 512, "0.9": 512, "1": 300_000}}
    got = draws(text, 100_000)
    for value, mass in ((16, 0.3), (512, 0.3)):
        assert stats.binomtest(int((got == value).sum()), len(got), mass).pvalue > P_MIN
    assert law_of(spec(text), "input").survival(np.array([15.9, 16.0, 512.0])) == pytest.approx(
        [1.0, 0.7, 0.1]
    )


def test_whole_tokens_of_a_table_are_never_rounded_up() -> None:
    # exp(ln n) is a trifle above n for nearly half of all whole n.
    for tokens in range(1, 400):
        flat = TokenSampler(QuantileTable((0.0, 1.0), (tokens, tokens)))
        assert flat.sample(np.random.default_rng(25), 1).tolist() == [tokens]
        assert flat.mean_tokens() == tokens


def test_caps_collect_the_mass_beyond_them() -> None:
    text = {"exponential": 100, "min": 50, "max": 200}
    got = draws(text, 100_000)
    assert (got.min(), got.max()) == (50, 200)
    for value, mass in ((50, -math.expm1(-0.5)), (200, math.exp(-1.99))):
        assert stats.binomtest(int((got == value).sum()), len(got), mass).pvalue > P_MIN


@pytest.mark.parametrize("text", SPECS, ids=str)
def test_edges_of_the_generator_give_whole_tokens_from_one_on(text: dict[str, object]) -> None:
    got = sampler(spec(text), "output").sample(Edges(np.random.PCG64(1)), 2)
    assert got.dtype == np.int64
    assert 1 <= got[0] <= got[1] <= MAX_TOKENS


def test_wild_lognormals_stay_inside_64_bits() -> None:
    wild = TokenSampler(Lognormal(20.0, 10.0))
    assert wild.sample(Edges(np.random.PCG64(1)), 2).tolist() == [1, MAX_TOKENS]


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
    for workload in workloads():
        for table in (workload.input, workload.output):
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


@pytest.mark.parametrize(
    ("levels", "tokens", "message"),
    [
        ((0.0, 1.0), (1.0,), "2 levels do not fit 1"),
        ((0.0, 0.5, 0.5), (1.0, 2.0, 3.0), "levels must increase"),
        ((0.0, 1.5), (1.0, 2.0), "within 0…1"),
        ((0.0, 1.0), (0.0, 2.0), "at least 1"),
        ((0.0, 1.0), (3.0, 2.0), "must not fall"),
    ],
)
def test_impossible_tables_are_refused(
    levels: tuple[float, ...], tokens: tuple[float, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        QuantileTable(levels, tokens)


@pytest.mark.parametrize(("low", "high"), [(0, 5), (6, 5), (1, MAX_TOKENS + 1)])
def test_impossible_caps_are_refused(low: int, high: int) -> None:
    with pytest.raises(ValueError, match="caps must be"):
        TokenSampler(Fixed(3), low, high)
