"""Lengths: how many tokens a prompt or an answer has, as a scenario says it; knows no clock.

The key that is present chooses the law; `min` and `max` cap every law. Sampling is elsewhere.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Discriminator, Tag

from sim.scenario.kind import Kinds, tag
from sim.scenario.length_laws import (
    ExponentialLengths,
    FixedLengths,
    GammaLengths,
    GeometricLengths,
    LognormalLengths,
    MixtureLengths,
    ParetoLengths,
    WeibullLengths,
)
from sim.scenario.length_spec import LengthSpec
from sim.scenario.length_tables import (
    EmpiricalLengths,
    GivenInputLengths,
    QuantileLengths,
    WorkloadLengths,
)
from sim.scenario.spec import Fault

__all__ = [
    "EmpiricalLengths",
    "ExponentialLengths",
    "FixedLengths",
    "GammaLengths",
    "GeometricLengths",
    "GivenInputLengths",
    "LengthSpec",
    "Lengths",
    "LognormalLengths",
    "MixtureLengths",
    "ParetoLengths",
    "PromptLengths",
    "QuantileLengths",
    "WeibullLengths",
    "WorkloadLengths",
    "check_input_side",
]

_KINDS = Kinds(
    "lengths",
    {
        "fixed": (FixedLengths, "{fixed: 500}"),
        "lognormal": (LognormalLengths, "{lognormal: {median: 800, p95: 4k}}"),
        "exponential": (ExponentialLengths, "{exponential: 300}"),
        "geometric": (GeometricLengths, "{geometric: 300}"),
        "gamma": (GammaLengths, "{gamma: {mean: 300, cv: 1.5}}"),
        "weibull": (WeibullLengths, "{weibull: {mean: 300, shape: 0.8}}"),
        "mixture": (MixtureLengths, "{mixture: [{weight: 1, median: 40, p95: 90}, ...]}"),
        "pareto": (ParetoLengths, "{pareto: {median, p95, tail_from, tail_index}}"),
        "quantiles": (QuantileLengths, "{quantiles: {0: 1, 0.5: 128, 1: 1k}}"),
        "given_input": (GivenInputLengths, "{given_input: [{0: 1, 0.5: 50, 1: 1k}, ...]}"),
        "empirical": (EmpiricalLengths, "{empirical: file.csv, column: tokens}"),
        "workload": (WorkloadLengths, "{workload: azure-conv-2023}"),
    },
)

Lengths = Annotated[
    Annotated[FixedLengths, Tag(tag(FixedLengths))]
    | Annotated[LognormalLengths, Tag(tag(LognormalLengths))]
    | Annotated[ExponentialLengths, Tag(tag(ExponentialLengths))]
    | Annotated[GeometricLengths, Tag(tag(GeometricLengths))]
    | Annotated[GammaLengths, Tag(tag(GammaLengths))]
    | Annotated[WeibullLengths, Tag(tag(WeibullLengths))]
    | Annotated[MixtureLengths, Tag(tag(MixtureLengths))]
    | Annotated[ParetoLengths, Tag(tag(ParetoLengths))]
    | Annotated[QuantileLengths, Tag(tag(QuantileLengths))]
    | Annotated[GivenInputLengths, Tag(tag(GivenInputLengths))]
    | Annotated[EmpiricalLengths, Tag(tag(EmpiricalLengths))]
    | Annotated[WorkloadLengths, Tag(tag(WorkloadLengths))],
    Discriminator(_KINDS.tag_of),
    BeforeValidator(_KINDS.check),
]
"""A law of token counts; the key that is present chooses it."""


def check_input_side(lengths: Lengths) -> Lengths:
    """Return *lengths* if prompts may have them; raise a Fault for those that need a prompt."""
    if isinstance(lengths, GivenInputLengths):
        rule = "is for output_tokens alone: it says how answers depend on prompts"
        raise Fault(rule, "given_input", on_key=True)
    return lengths


PromptLengths = Annotated[Lengths, AfterValidator(check_input_side)]
"""A law of counts that depends on nothing else, as prompts and turns need it."""
