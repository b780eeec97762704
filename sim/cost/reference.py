"""Reference seconds: what tokens would take a replica at benchmark efficiency; knows no clock.

They are the yardstick by which paid time is called used, and by which money is divided. Seconds as
run are not: in an under-filled step they measure unused capacity, not dear tokens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from sim.ledger.usage import ReferenceTokens


@dataclass(frozen=True)
class ReferenceRates:
    """Replica-seconds per token in the benchmark run: computed prompt, any prompt, output.

    >>> ReferenceRates(pre_s=2e-5, rent_s=1e-5, out_s=1e-4).run_s(0, 250)
    0.025
    """

    pre_s: float
    rent_s: float
    out_s: float

    def run_s(self, input_tokens: float, output_tokens: float) -> float:
        """Replica-seconds of a request without cached input."""
        return (self.pre_s + self.rent_s) * input_tokens + self.out_s * output_tokens

    def scaled(self, factor: float) -> ReferenceRates:
        """The same proportions, *factor* times as slow."""
        return ReferenceRates(self.pre_s * factor, self.rent_s * factor, self.out_s * factor)


NO_RATES = ReferenceRates(0.0, 0.0, 0.0)
"""Rates of a pool that nobody asked anything, so that no benchmark has a shape to run at."""


@dataclass(frozen=True)
class ReferenceSeconds:
    """Reference replica-seconds by cause; sums of many attempts add field by field.

    The benchmark runs without a prefix cache, so it shows no seconds per cached token:
    `cached_attention_s` is 0 by these rates, and cached input pays context rent alone.
    """

    prefill_s: float = 0.0
    cached_attention_s: float = 0.0
    rent_uncached_s: float = 0.0
    rent_cached_s: float = 0.0
    decode_s: float = 0.0

    @property
    def input_s(self) -> float:
        """What uncached input is charged for: its prefill and its part of the context rent."""
        return self.prefill_s + self.rent_uncached_s

    @property
    def cached_input_s(self) -> float:
        """What cached input is charged for: reading it, and its part of the context rent."""
        return self.cached_attention_s + self.rent_cached_s

    @property
    def output_s(self) -> float:
        """What output is charged for: its decode."""
        return self.decode_s

    @property
    def rent_s(self) -> float:
        """Context rent of all prompt tokens."""
        return self.rent_uncached_s + self.rent_cached_s

    @property
    def total_s(self) -> float:
        """All causes together."""
        return math.fsum(getattr(self, f.name) for f in fields(self))

    def __add__(self, other: ReferenceSeconds) -> ReferenceSeconds:
        return ReferenceSeconds(
            **{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        )


def reference_seconds(tokens: ReferenceTokens, rates: ReferenceRates) -> ReferenceSeconds:
    """a_pre x uncached + a_rent x prompt + a_out x output, rent divided by uncached and cached.

    An attempt that ended before any of its prompt was computed or found has its rent uncached.

    >>> tokens = ReferenceTokens(uncached=300, prompt=400, cached=100, output=50)
    >>> s = reference_seconds(tokens, ReferenceRates(pre_s=1.0, rent_s=0.5, out_s=2.0))
    >>> s.prefill_s, s.rent_uncached_s, s.rent_cached_s, s.decode_s, s.total_s
    (300.0, 150.0, 50.0, 100.0, 600.0)
    """
    rent_s = rates.rent_s * tokens.prompt
    known = tokens.uncached + tokens.cached
    cached_share = tokens.cached / known if known > 0 else 0.0
    return ReferenceSeconds(
        prefill_s=rates.pre_s * tokens.uncached,
        rent_uncached_s=rent_s * (1.0 - cached_share),
        rent_cached_s=rent_s * cached_share,
        decode_s=rates.out_s * tokens.output,
    )


def seconds_by_row(tokens: NDArray[np.float64], rates: ReferenceRates) -> NDArray[np.float64]:
    """Reference seconds of each row of (n, 3) uncached, prompt and output tokens."""
    return np.asarray(tokens @ np.array([rates.pre_s, rates.rent_s, rates.out_s]))
