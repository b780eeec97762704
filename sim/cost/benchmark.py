"""Benchmark: what one warm, full replica shows, and the price per token it seems to promise.

Knows no clock: the run that measures it is in `studies/naive.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.cost.reference import ReferenceRates

USD_PER_HOUR_TO_USD_PER_MILLION = 1e6 / 3600.0
"""$ per replica-hour x seconds per token x this = $ per million tokens."""


@dataclass(frozen=True)
class Benchmark:
    """The best closed-loop throughput of one replica, every request at the same lengths.

    `tokens_per_s` counts input and output together; `concurrency` is 0 when the figure is the
    user's own. Prices take the list price of a replica-hour.

    >>> rates = ReferenceRates(pre_s=1e-5, rent_s=0.0, out_s=1e-4)
    >>> b = Benchmark(11_000.0, rates, 64, 100, 10, "example")
    >>> round(b.usd_per_million_tokens(3.96), 6)
    0.1
    """

    tokens_per_s: float
    rates: ReferenceRates
    concurrency: int
    input_tokens: int
    output_tokens: int
    source: str

    @property
    def answer_s(self) -> float:
        """Seconds from request to answer in the loop (Little's law); 0 if it is not known."""
        return self.concurrency * (self.input_tokens + self.output_tokens) / self.tokens_per_s

    def replica_hours(self, tokens: float) -> float:
        """Replica-hours that *tokens* (input + output) would take at this throughput."""
        return tokens / (3600.0 * self.tokens_per_s)

    def usd_per_million_tokens(self, usd_per_replica_hour: float) -> float:
        """The naive estimate: list price over throughput, as if never idle."""
        return usd_per_replica_hour * self.replica_hours(1e6)

    def usd_per_million_input_tokens(self, usd_per_replica_hour: float) -> float:
        """The naive price of input that is not cached: prefill and context rent."""
        seconds = self.rates.pre_s + self.rates.rent_s
        return usd_per_replica_hour * seconds * USD_PER_HOUR_TO_USD_PER_MILLION

    def usd_per_million_output_tokens(self, usd_per_replica_hour: float) -> float:
        """The naive price of output."""
        return usd_per_replica_hour * self.rates.out_s * USD_PER_HOUR_TO_USD_PER_MILLION
