"""Pairs of prompts and answers: drawn apart, by the prompt's rank, or as a public trace has them.

Seeds were chosen before looking; a p-value must be above 0.001.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy import stats

from sim.catalog.workloads import Workload, workload, workloads
from sim.laws.quantiles import QuantileTable
from sim.scenario.lengths import Lengths
from sim.traffic.chunk import FloatArray, IntArray
from sim.traffic.lengths import (
    DependentPairs,
    IndependentPairs,
    mean_tokens,
    pair_sampler,
    sampler,
)
from sim.traffic.traces import Trace
from tests.datadir import data_path

P_MIN = 0.001


def spec(text: dict[str, object]) -> Lengths:
    found: Lengths = TypeAdapter(Lengths).validate_python(text)
    return found


class Edges(np.random.Generator):
    """Gives the smallest and the largest number that a generator can give."""

    def random(self, n: int) -> FloatArray:  # type: ignore[override]
        return np.resize([0.0, 1.0 - 2.0**-53], n)


TEN_BINS = {"given_input": [{"0": 100 * k + 1, "1": 100 * k + 100} for k in range(10)]}


def pairs(
    prompts: dict[str, object], answers: dict[str, object], n: int, seed: int = 26
) -> tuple[IntArray, IntArray]:
    made = pair_sampler(spec(prompts), spec(answers))
    return made.sample(np.random.default_rng(seed), np.random.default_rng(seed + 1), n)


@pytest.mark.parametrize(
    ("prompts", "answers"),
    [
        ({"fixed": 500}, {"exponential": 250}),
        ({"workload": "mooncake-conversation"}, {"workload": "mooncake-conversation"}),
        ({"workload": "azure-conv-2023"}, {"workload": "arxiv-summaries", "max": 500}),
        ({"lognormal": {"median": 800, "p95": 4000}}, {"workload": "azure-conv-2023"}),
    ],
)
def test_independent_pairs_are_what_each_side_alone_would_draw(
    prompts: dict[str, object], answers: dict[str, object]
) -> None:
    made = pair_sampler(spec(prompts), spec(answers))
    assert isinstance(made, IndependentPairs)
    got_in, got_out = pairs(prompts, answers, 5_000)
    alone_in = sampler(spec(prompts), "input").sample(np.random.default_rng(26), 5_000)
    alone_out = sampler(spec(answers), "output").sample(np.random.default_rng(27), 5_000)
    assert got_in.tobytes() == alone_in.tobytes()
    assert got_out.tobytes() == alone_out.tobytes()
    alone = mean_tokens(spec(prompts), "input"), mean_tokens(spec(answers), "output")
    assert made.mean_tokens() == alone


def test_answers_follow_the_rank_of_their_prompt() -> None:
    got_in, got_out = pairs({"quantiles": {"0": 1, "1": 5000}}, TEN_BINS, 100_000)
    ranks = np.log(got_in) / math.log(5000)  # the law of the prompts is known
    bins = (got_out - 1) // 100
    clear = np.abs(ranks * 10 - np.rint(ranks * 10)) > 0.2  # rounding up shifts the short ones
    clear &= got_in > 50
    assert clear.sum() > 25_000
    assert (bins[clear] == (ranks[clear] * 10).astype(int)).all()
    assert stats.chisquare(np.bincount(bins, minlength=10)).pvalue > P_MIN


@pytest.mark.parametrize("prompts", [{"fixed": 500}, {"exponential": 300, "max": 100}])
def test_prompts_that_are_alike_still_have_a_rank_of_their_own(prompts: dict[str, object]) -> None:
    got_in, got_out = pairs(prompts, TEN_BINS, 100_000)
    assert got_in.max() == next(iter(reversed(prompts.values())))
    assert stats.chisquare(np.bincount((got_out - 1) // 100, minlength=10)).pvalue > P_MIN


def test_prompts_of_dependent_pairs_are_what_they_would_be_alone() -> None:
    text = {"lognormal": {"median": 800, "p95": 4000}}
    got_in, _ = pairs(text, TEN_BINS, 5_000)
    alone = sampler(spec(text), "input").sample(np.random.default_rng(26), 5_000)
    assert got_in.tobytes() == alone.tobytes()


@pytest.mark.parametrize("caps", [{}, {"min": 150, "max": 720}])
def test_the_mean_of_dependent_answers_is_that_over_their_bins(caps: dict[str, object]) -> None:
    made = pair_sampler(spec({"exponential": 300}), spec(TEN_BINS | caps))
    assert isinstance(made, DependentPairs)
    each = [mean_tokens(spec({"quantiles": q} | caps), "output") for q in TEN_BINS["given_input"]]
    prompts, answers = made.mean_tokens()
    assert answers == pytest.approx(np.mean(each), rel=1e-9)
    assert prompts == mean_tokens(spec({"exponential": 300}), "input")
    assert mean_tokens(spec(TEN_BINS | caps), "output") == answers
    _, got = pairs({"exponential": 300}, TEN_BINS | caps, 200_000)
    assert got.mean() == pytest.approx(answers, abs=3.9 * got.std() / math.sqrt(len(got)))
    assert got.min() >= (caps or {"min": 1})["min"]


def test_pairs_do_not_depend_on_how_many_are_asked_for_at_once() -> None:
    for answers in (TEN_BINS, {"exponential": 40}):
        whole = pairs({"exponential": 300}, answers, 5_000)
        made = pair_sampler(spec({"exponential": 300}), spec(answers))
        rngs = np.random.default_rng(26), np.random.default_rng(27)
        parts = [made.sample(*rngs, n) for n in (1, 0, 2, 3, 994, 4_000)]
        for side in (0, 1):
            assert np.concatenate([part[side] for part in parts]).tobytes() == whole[side].tobytes()


def test_the_edges_of_a_generator_draw_the_edges_of_the_bins() -> None:
    made = pair_sampler(spec({"quantiles": {"0": 1, "1": 5000}}), spec(TEN_BINS))
    edges = Edges(np.random.PCG64(1))
    assert [side.tolist() for side in made.sample(edges, edges, 2)] == [[1, 5000], [1, 1000]]


def test_prompts_that_depend_on_prompts_are_refused() -> None:
    with pytest.raises(ValueError, match="prompts cannot depend on the input"):
        pair_sampler(spec(TEN_BINS), spec({"fixed": 5}))


def dependent(name: str = "azure-conv-2023") -> Workload:
    entry = workload(name)
    assert entry.output_given_input is not None
    return entry


def test_one_workload_on_both_sides_goes_together_as_its_entry_says() -> None:
    entry = dependent()
    text = {"workload": entry.name}
    made = pair_sampler(spec(text), spec(text | {"max": 500}))
    assert isinstance(made, DependentPairs)
    rng = np.random.default_rng(28)
    for place, tokens in enumerate(entry.output_given_input or ()):
        table = QuantileTable(entry.dependence_levels, tokens)
        rank = np.full(2_000, (place + 0.5) / 10)
        u = rng.random(2_000)
        drawn = made.given_rank.quantile(rank, u)
        assert drawn == pytest.approx(table.quantile(u), rel=1e-9)
    got_in, got_out = pairs(text, text | {"max": 500}, 200_000)
    assert got_out.max() == 500
    order = np.argsort(got_in, kind="stable")
    by_tenth = [part.mean() for part in np.array_split(got_out[order], 10)]
    assert np.argmax(by_tenth) in (4, 5, 6, 7)  # the middle prompts have the long answers
    assert max(by_tenth) > 3 * by_tenth[9]


def test_a_workload_on_both_sides_keeps_the_mean_of_its_answers() -> None:
    for entry in workloads():
        if entry.output_given_input is not None:
            text = {"workload": entry.name}
            _, together = pair_sampler(spec(text), spec(text)).mean_tokens()
            assert together == pytest.approx(mean_tokens(spec(text), "output"), rel=0.03)


@pytest.mark.data
def test_bins_are_nearer_to_the_trace_than_independence() -> None:
    path = data_path("traces/AzureLLMInferenceTrace_conv.csv")
    chunks = list(Trace(path).chunks())
    traced_in = np.concatenate([chunk.input_tokens for chunk in chunks])
    traced_out = np.concatenate([chunk.output_tokens for chunk in chunks])
    levels = np.arange(1, 20) / 20
    cuts = np.quantile(traced_in, levels), np.quantile(traced_out, levels)

    def joint(prompts: IntArray, answers: IntArray) -> FloatArray:
        below = (prompts[:, None] <= cuts[0]).astype(float)
        return below.T @ (answers[:, None] <= cuts[1]).astype(float) / len(prompts)

    known = joint(traced_in, traced_out)
    text = {"workload": "azure-conv-2023"}
    together = joint(*pairs(text, text, 100_000))
    apart = joint(pairs(text, {"fixed": 1}, 100_000)[0], pairs({"fixed": 1}, text, 100_000)[1])
    assert np.abs(together - known).max() <= 0.03
    assert np.abs(apart - known).max() > 0.1
