"""Pricing: what a route's money was spent on, and the price of a token of each kind.

Knows no clock. A route's money splits over its kinds of token by the reference seconds of the same
attempts, waste within its class: input that was computed in vain makes input dearer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

from sim.cost.reference import ReferenceSeconds
from sim.ledger.usage import TokenCounts

MILLION = 1e6

T = TypeVar("T")


def per(usd: float, count: float, unit: float) -> float | None:
    """Dollars per *unit* of something, None if there is none of it.

    >>> per(3.0, 2_000_000, 1e6), per(3.0, 0, 1e6)
    (1.5, None)
    """
    return usd / count * unit if count > 0 else None


@dataclass(frozen=True)
class KindTokens:
    """Useful tokens by the kind that has a price of its own; `input` is *uncached* input."""

    input: float = 0.0
    cached_input: float = 0.0
    output: float = 0.0

    @property
    def total(self) -> float:
        """All kinds together."""
        return self.input + self.cached_input + self.output


def kind_tokens(useful: TokenCounts) -> KindTokens:
    """Token counts with cached input taken out of input."""
    return KindTokens(useful.input - useful.cached_input, useful.cached_input, useful.output)


@dataclass(frozen=True)
class Components:
    """Dollars by cause; they sum to the money that reference seconds could divide.

    `cached_attention` is 0 as long as the reference rates have no seconds for it.
    """

    prefill: float = 0.0
    context_rent: float = 0.0
    cached_attention: float = 0.0
    decode: float = 0.0


def components(usd: float, seconds: ReferenceSeconds) -> Components:
    """Divide *usd* by the causes of *seconds*; all 0 if there are none."""
    total_s = seconds.total_s
    if total_s <= 0:
        return Components()
    return Components(
        prefill=usd * seconds.prefill_s / total_s,
        context_rent=usd * seconds.rent_s / total_s,
        cached_attention=usd * seconds.cached_attention_s / total_s,
        decode=usd * seconds.decode_s / total_s,
    )


@dataclass(frozen=True)
class KindMoney:
    """A route's dollars by the kind of token that they price.

    `unpriced_usd`: money of a kind of which nothing useful came out, or of a route whose attempts
    used no reference seconds; it is in no price.
    """

    input_usd: float = 0.0
    cached_input_usd: float = 0.0
    output_usd: float = 0.0
    unpriced_usd: float = 0.0


def kind_money(usd: float, seconds: ReferenceSeconds, tokens: KindTokens) -> KindMoney:
    """Divide a route's *usd* over its kinds of token by reference *seconds*."""
    total_s = seconds.total_s
    if total_s <= 0:
        return KindMoney(unpriced_usd=usd)
    parts_s = (seconds.input_s, seconds.cached_input_s, seconds.output_s)
    return _priced([usd * part_s / total_s for part_s in parts_s], tokens)


def hosted_money(usd_by_kind: Mapping[str, float], tokens: KindTokens) -> KindMoney:
    """What a hosted API took, by the kinds of `KindTokens` as it bills them itself."""
    return _priced([usd_by_kind.get(f.name, 0.0) for f in fields(KindTokens)], tokens)


def _priced(money: Sequence[float], tokens: KindTokens) -> KindMoney:
    """Money for input, cached input and output; unpriced where no such token was useful."""
    counts = (tokens.input, tokens.cached_input, tokens.output)
    some = [(usd if count > 0 else 0.0) for usd, count in zip(money, counts, strict=True)]
    none = [usd for usd, count in zip(money, counts, strict=True) if not count > 0]
    return KindMoney(some[0], some[1], some[2], unpriced_usd=math.fsum(none))


@dataclass(frozen=True)
class Served:
    """What a route's money bought, in the units that have a price.

    `goodput_tokens` are useful tokens inside every SLO of the route; all of them if it has none.
    `reasoning_tokens` are the part of the output that nobody sees.
    """

    tokens: KindTokens
    completed_requests: float
    goodput_tokens: float
    reasoning_tokens: float = 0.0


@dataclass(frozen=True)
class Prices:
    """Prices: the first three over the whole money, those by kind of token over their class.

    The price of a kind x its tokens, summed over kinds, + `unpriced_usd` + `unallocated_usd` is
    the money. None where there is nothing to divide by. *Visible* output is that without reasoning:
    the same money over fewer tokens; None where there is no reasoning.
    """

    usd_per_million_useful_tokens: float | None
    usd_per_thousand_requests: float | None
    usd_per_million_goodput_tokens: float | None
    usd_per_million_input_tokens: float | None
    usd_per_million_cached_input_tokens: float | None
    usd_per_million_output_tokens: float | None
    unpriced_usd: float
    unallocated_usd: float
    usd_per_million_visible_output_tokens: float | None = None


def prices(usd: float, parts: Iterable[tuple[KindMoney, Served]], unallocated_usd: float) -> Prices:
    """Prices over several routes, whose *parts* and *unallocated_usd* make up *usd*."""
    parts = list(parts)
    money = total([m for m, _ in parts], KindMoney)
    tokens = total([s.tokens for _, s in parts], KindTokens)
    requests = math.fsum(s.completed_requests for _, s in parts)
    goodput = math.fsum(s.goodput_tokens for _, s in parts)
    reasoning = math.fsum(s.reasoning_tokens for _, s in parts)
    visible = per(money.output_usd, tokens.output - reasoning, MILLION) if reasoning > 0 else None
    return Prices(
        usd_per_million_useful_tokens=per(usd, tokens.total, MILLION),
        usd_per_thousand_requests=per(usd, requests, 1e3),
        usd_per_million_goodput_tokens=per(usd, goodput, MILLION),
        usd_per_million_input_tokens=per(money.input_usd, tokens.input, MILLION),
        usd_per_million_cached_input_tokens=per(
            money.cached_input_usd, tokens.cached_input, MILLION
        ),
        usd_per_million_output_tokens=per(money.output_usd, tokens.output, MILLION),
        unpriced_usd=money.unpriced_usd,
        unallocated_usd=unallocated_usd,
        usd_per_million_visible_output_tokens=visible,
    )


def total(items: list[T], kind: type[T]) -> T:
    """Field-wise sum of dataclasses of floats; of none of them, the default."""
    names = [f.name for f in fields(kind)]  # type: ignore[arg-type]
    return kind(**{name: math.fsum(getattr(i, name) for i in items) for name in names})
