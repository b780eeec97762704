"""Length summary: how token counts are spread, and how outputs go with inputs; no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sim.traffic.chunk import FloatArray, IntArray
from sim.workload.length_fit import rank_bins
from sim.workload.requests import Requests
from sim.workload.token_table import Share, share_of

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
DECILES = 10
LEAST_FOR_DECILES = 50


@dataclass(frozen=True)
class LengthSummary:
    """Token counts of one side: how they are spread."""

    mean: float
    minimum: int
    quantiles: Mapping[float, float]
    """At levels .05 .25 .5 .75 .9 .95 .99 .999."""
    maximum: int


@dataclass(frozen=True)
class Dependence:
    """How outputs go with inputs."""

    spearman: float | None
    """Rank correlation; None if either side is constant."""
    mean_output_by_input_decile: tuple[float, ...]
    """Ten means, from the shortest inputs to the longest; empty below 50 requests."""


def summary_of(tokens: IntArray) -> LengthSummary:
    """Return the summary of a sample."""
    return _summary(share_of(tokens), float(tokens.mean()))


def weighted_summary(tokens: IntArray, probability: FloatArray) -> LengthSummary:
    """Return the summary of counts with probabilities."""
    return _summary(share_of(tokens, probability), float(tokens @ probability))


def dependence_of(requests: Requests) -> Dependence:
    """Return how the outputs of *requests* go with their inputs."""
    inputs, outputs = requests.input_tokens, requests.output_tokens
    bins = rank_bins(inputs, DECILES) if len(requests) >= LEAST_FOR_DECILES else []
    return Dependence(
        _spearman(inputs, outputs), tuple(float(outputs[places].mean()) for places in bins)
    )


def _summary(share: Share, mean: float) -> LengthSummary:
    quantiles = {level: float(share.quantile(level)) for level in LEVELS}
    return LengthSummary(mean, int(share.tokens[0]), quantiles, int(share.tokens[-1]))


def _spearman(inputs: IntArray, outputs: IntArray) -> float | None:
    """Return Pearson's correlation of mid-ranks."""
    from scipy.stats import rankdata

    ranks = rankdata(inputs), rankdata(outputs)
    if len(inputs) < 3 or any(side.std() == 0.0 for side in ranks):
        return None
    return float(np.corrcoef(*ranks)[0, 1])
