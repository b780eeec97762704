"""Lengths: the laws of a route's prompts and answers, and the samplers made of them; no clock.

An answer is independent of its prompt unless its law says otherwise: `given_input`, or one and
the same workload on both sides whose catalog entry tells how the two go together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, assert_never

import numpy as np

from sim.catalog.workloads import length_table, workload
from sim.laws.conditional import Conditional
from sim.laws.exponential import Exponential
from sim.laws.fixed import Fixed
from sim.laws.gamma import Gamma
from sim.laws.law import Law
from sim.laws.lognormal import Lognormal
from sim.laws.mixture import Mixture
from sim.laws.pareto import ParetoTail
from sim.laws.quantiles import QuantileTable
from sim.laws.weibull import Weibull
from sim.scenario.lengths import (
    EmpiricalLengths,
    ExponentialLengths,
    FixedLengths,
    GammaLengths,
    GeometricLengths,
    GivenInputLengths,
    Lengths,
    LognormalLengths,
    MixtureLengths,
    ParetoLengths,
    QuantileLengths,
    WeibullLengths,
    WorkloadLengths,
)
from sim.traffic.chunk import IntArray
from sim.traffic.recorded import recorded_lengths
from sim.traffic.tokens import TokenSampler
from sim.units import MAX_TOKENS

Field = Literal["input", "output"]


class Sampler(Protocol):
    """What draws the tokens of a route's prompts or answers."""

    def sample(self, rng: np.random.Generator, n: int) -> IntArray:
        """Return *n* independent token counts, each at least 1."""
        ...

    def mean_tokens(self) -> float:
        """Return the mean of what `sample` draws."""
        ...


class PairSampler(Protocol):
    """What draws prompts together with their answers."""

    def sample(
        self, input_rng: np.random.Generator, output_rng: np.random.Generator, n: int
    ) -> tuple[IntArray, IntArray]:
        """Return input and output tokens of *n* independent requests, each at least 1."""
        ...

    def mean_tokens(self) -> tuple[float, float]:
        """Return the means of what `sample` draws."""
        ...


@dataclass(frozen=True)
class IndependentPairs:
    """Answers that do not depend on their prompts."""

    input: Sampler
    output: Sampler

    def sample(
        self, input_rng: np.random.Generator, output_rng: np.random.Generator, n: int
    ) -> tuple[IntArray, IntArray]:
        """Return input and output tokens of *n* requests, one uniform number for each."""
        return self.input.sample(input_rng, n), self.output.sample(output_rng, n)

    def mean_tokens(self) -> tuple[float, float]:
        """Return the means of both sides."""
        return self.input.mean_tokens(), self.output.mean_tokens()


@dataclass(frozen=True)
class DependentPairs:
    """Answers whose law depends on the prompt's rank among all prompts.

    The rank is the uniform number that the prompt is drawn with, so it is known also where many
    prompts have the same length (those then mix the bins that they cover). *output* holds the
    answers' law alone, and their caps.
    """

    input: TokenSampler
    output: TokenSampler
    given_rank: Conditional

    def sample(
        self, input_rng: np.random.Generator, output_rng: np.random.Generator, n: int
    ) -> tuple[IntArray, IntArray]:
        """Return input and output tokens of *n* requests, one uniform number for each."""
        rank = input_rng.random(n)
        answers = self.given_rank.quantile(rank, output_rng.random(n))
        return self.input.whole(self.input.law.quantile(rank)), self.output.whole(answers)

    def mean_tokens(self) -> tuple[float, float]:
        """Return the means of both sides; the output's is that over all bins."""
        return self.input.mean_tokens(), self.output.mean_tokens()


@dataclass(frozen=True)
class HeadlessPairs:
    """Pairs whose prompts count a head of *head_tokens*, taken off here; one token stays."""

    whole: PairSampler
    head_tokens: int

    def sample(
        self, input_rng: np.random.Generator, output_rng: np.random.Generator, n: int
    ) -> tuple[IntArray, IntArray]:
        """Return what users say, and the answers, of *n* requests."""
        prompts, answers = self.whole.sample(input_rng, output_rng, n)
        return np.maximum(prompts - self.head_tokens, 1), answers

    def mean_tokens(self) -> tuple[float, float]:
        """Return the means of both sides; few prompts are as short as the head."""
        prompt, answer = self.whole.mean_tokens()
        return max(prompt - self.head_tokens, 1.0), answer


def headless(pairs: PairSampler, head_tokens: int) -> PairSampler:
    """Return *pairs* without the head that their prompts count."""
    return HeadlessPairs(pairs, head_tokens) if head_tokens else pairs


def law_of(spec: Lengths, field: Field) -> Law:
    """Return the law that *spec* names; *field* chooses the table of a workload.

    A geometric law of mean m is an exponential one of scale -1/ln(1 - 1/m), rounded up. Lengths
    that depend on the input give their law over all inputs. Raises TraceError for what is wrong
    in a file of recorded lengths.
    """
    match spec:
        case FixedLengths():
            return Fixed(spec.fixed)
        case ExponentialLengths():
            return Exponential(spec.exponential)
        case GeometricLengths() if spec.geometric == 1.0:
            return Fixed(1.0)
        case GeometricLengths():
            return Exponential(-1.0 / math.log1p(-1.0 / spec.geometric))
        case LognormalLengths():
            return Lognormal(*spec.lognormal.parameters())
        case GammaLengths():
            return Gamma.of_mean(spec.gamma.mean, spec.gamma.cv)
        case WeibullLengths():
            return Weibull.of_mean(spec.weibull.mean, spec.weibull.shape)
        case MixtureLengths():
            mus, sigmas = zip(*(part.parameters() for part in spec.mixture), strict=True)
            return Mixture([part.weight for part in spec.mixture], mus, sigmas)
        case ParetoLengths():
            body = Lognormal(*spec.pareto.body.parameters())
            return ParetoTail(body, spec.pareto.tail_from, spec.pareto.tail_index)
        case QuantileLengths():
            return QuantileTable(spec.levels, spec.tokens)
        case GivenInputLengths():
            return _given_input(spec).marginal()
        case EmpiricalLengths():
            return recorded_lengths(Path(spec.empirical), spec.column, spec.weight)
        case WorkloadLengths():
            table = length_table(spec.workload, field)
            return QuantileTable(table.levels, table.tokens)
        case _:
            assert_never(spec)


def sampler(spec: Lengths, field: Field) -> TokenSampler:
    """Return the sampler of the *field* (input or output) that *spec* describes.

    Raises TraceError for what is wrong in a file of recorded lengths.
    """
    return _capped(law_of(spec, field), spec)


def pair_sampler(input_spec: Lengths, output_spec: Lengths) -> PairSampler:
    """Return the sampler of a route's prompts and answers, together.

    Independent sides draw what their own `sampler` would, from the same streams. Raises
    ValueError if *input_spec* itself depends on an input, and TraceError as `sampler` does.
    """
    if isinstance(input_spec, GivenInputLengths):
        raise ValueError("prompts cannot depend on the input: they are it")
    prompts = sampler(input_spec, "input")
    given_rank = _dependence(input_spec, output_spec)
    if given_rank is None:
        return IndependentPairs(prompts, sampler(output_spec, "output"))
    return DependentPairs(prompts, _capped(given_rank.marginal(), output_spec), given_rank)


def mean_tokens(spec: Lengths, field: Field) -> float:
    """Return the mean tokens of *spec*, rounding and caps included; see `TokenSampler`."""
    return sampler(spec, field).mean_tokens()


def _capped(law: Law, spec: Lengths) -> TokenSampler:
    high = MAX_TOKENS if spec.max is None else spec.max
    return TokenSampler(law, 1 if spec.min is None else spec.min, high)


def _dependence(input_spec: Lengths, output_spec: Lengths) -> Conditional | None:
    """Return the answers' law given the prompt's rank; None if they are independent."""
    if isinstance(output_spec, GivenInputLengths):
        return _given_input(output_spec)
    if not (isinstance(input_spec, WorkloadLengths) and isinstance(output_spec, WorkloadLengths)):
        return None
    entry = workload(output_spec.workload)
    if input_spec.workload != output_spec.workload or entry.output_given_input is None:
        return None
    levels = entry.dependence_levels
    return Conditional([QuantileTable(levels, tokens) for tokens in entry.output_given_input])


def _given_input(spec: GivenInputLengths) -> Conditional:
    return Conditional([QuantileTable(levels, tokens) for levels, tokens in spec.tables])
