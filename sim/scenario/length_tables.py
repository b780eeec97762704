"""Length tables: token counts by quantiles, own or of the catalog, or as recorded; no clock."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, Strict

from sim.catalog.workloads import length_table
from sim.scenario.length_spec import LengthSpec
from sim.scenario.lognormal import OneOrMore
from sim.scenario.quantiles import check_quantiles, quantile_mean, table_of, text_keys
from sim.scenario.scalar import PathText, Text
from sim.scenario.spec import Fault, Frozen

MOST_BINS = 100
"""Most bins that answers may be told apart by."""

_Quantiles = Annotated[
    dict[str, OneOrMore], BeforeValidator(text_keys), AfterValidator(check_quantiles), Frozen
]


class QuantileLengths(LengthSpec):
    """An own quantile table, linear in ln(tokens) between the levels."""

    quantiles: Annotated[
        _Quantiles,
        Field(description="Level (0 to 1) -> tokens, such as {0: 1, 0.5: 128, 1: 1000}."),
    ]

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels, rising from 0 to 1."""
        return table_of(self.quantiles)[0]

    @property
    def tokens(self) -> tuple[float, ...]:
        """Tokens at `levels`."""
        return table_of(self.quantiles)[1]

    def _mean(self) -> float:
        return quantile_mean(self.levels, self.tokens)


def _check_bins(bins: tuple[dict[str, int], ...]) -> tuple[dict[str, int], ...]:
    if not 2 <= len(bins) <= MOST_BINS:
        raise Fault(f"needs 2 to {MOST_BINS} bins, a quantile table each (got {len(bins)})")
    return bins


class GivenInputLengths(LengthSpec):
    """Answers that depend on their prompt: one quantile table for each bin of its rank.

    With n tables, the first is for the shortest 1/n of the prompts, and so on.
    """

    given_input: Annotated[tuple[_Quantiles, ...], Strict(False), AfterValidator(_check_bins)] = (
        Field(
            description="Quantile tables, from that for the shortest prompts to that for the "
            "longest; each is for as many prompts as the others."
        )
    )

    @property
    def tables(self) -> tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]:
        """Levels and tokens of each bin."""
        return tuple(table_of(quantiles) for quantiles in self.given_input)

    def _mean(self) -> float:
        return math.fsum(quantile_mean(*table) for table in self.tables) / len(self.tables)


def _check_workload(name: str) -> str:
    length_table(name, "input")
    return name


class WorkloadLengths(LengthSpec):
    """The lengths of a public trace; input or output, by the field that it stands in.

    On both sides of a route, they go together as in the trace where that is known.
    """

    workload: Annotated[Text, AfterValidator(_check_workload)] = Field(
        description="A workload of the catalog.", json_schema_extra={"x-catalog": "workloads"}
    )

    def _mean(self) -> float:
        table = length_table(self.workload, "output")
        return quantile_mean(table.levels, table.tokens)


class EmpiricalLengths(LengthSpec):
    """Lengths as they were recorded: a column of a file, each row as likely as its weight."""

    empirical: PathText = Field(
        description="Path of a CSV with a header, plain or gzipped; relative to the scenario file."
    )
    column: Text = Field(description="Column of the tokens.")
    weight: Text | None = Field(
        default=None, description="Column of the rows' weights. Default: all rows alike."
    )

    def _mean(self) -> float:
        return math.nan
