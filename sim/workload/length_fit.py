"""Length fit: quantile tables of a workload, alone or by the input's rank; knows no clock."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sim.scenario.lengths import GivenInputLengths, Lengths
from sim.traffic.chunk import IntArray
from sim.workload.requests import Requests
from sim.workload.token_table import TokenTable, share_of, table_of

BINS = 10
BIN_POINTS = 13
BIN_TAILS = (0.05, 0.5, 0.95)
LEAST_IN_BIN = 20

_SEED = 419


@dataclass(frozen=True)
class LengthFit:
    """Tables of input and output, and of the output in each tenth of the input's ranks."""

    input: TokenTable
    output: TokenTable
    output_given_input: tuple[TokenTable, ...] | None = None

    def input_spec(self) -> Lengths:
        """Return the input tokens of a route that say this."""
        return self.input.spec()

    def output_spec(self) -> Lengths:
        """Return the output tokens of a route that say this."""
        if self.output_given_input is None:
            return self.output.spec()
        return GivenInputLengths(
            given_input=tuple(table.quantiles() for table in self.output_given_input)
        )


def fit_lengths(requests: Requests, dependent: bool) -> LengthFit:
    """Return the tables of *requests*; *dependent*: with ten for the output by the input's rank.

    A dependence needs `LEAST_IN_BIN` requests in each bin, else it is left out.
    """
    tables = None
    if dependent and len(requests) >= BINS * LEAST_IN_BIN:
        tables = tuple(
            table_of(share_of(requests.output_tokens[places]), BIN_POINTS, BIN_TAILS)
            for places in rank_bins(requests.input_tokens, BINS)
        )
    return LengthFit(
        table_of(share_of(requests.input_tokens)),
        table_of(share_of(requests.output_tokens)),
        tables,
    )


def rank_bins(tokens: IntArray, bins: int) -> list[IntArray]:
    """Return places of *tokens* in *bins* equal parts of their ranks, the shortest first.

    Equal ones are ranked by lot (always the same), so that those on an edge are alike on both
    sides of it, as the generator draws them.
    """
    lots = np.random.default_rng(_SEED).random(len(tokens))
    order = np.lexsort((lots, tokens))
    edges = np.rint(np.linspace(0, len(tokens), bins + 1)).astype(np.int64)
    return [order[begin:end] for begin, end in pairwise(edges.tolist())]
