"""Retries: what a client does when an attempt did not succeed; knows no clock."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Strict, Tag, model_validator

from sim.scenario.distinct import Distinct
from sim.scenario.durations import DurationLaw, FixedDuration
from sim.scenario.filled import Filled
from sim.scenario.kind import TAG_MARK
from sim.scenario.lognormal import SomeTime
from sim.scenario.or_none import NoneInSchema, NoneWord
from sim.scenario.scalar import Count
from sim.scenario.spec import Fault, Spec
from sim.scenario.word_or import known_word
from sim.units import Share

SDK_RETRIES = 2
"""Retries of OpenAI's and Anthropic's Python SDKs unless told otherwise (source, 2026)."""

Failing = Literal["rejected", "timed_out", "failed"]
"""Ends of an attempt that may be retried."""


def _max_tag(value: Any) -> str:
    return TAG_MARK + ("word" if isinstance(value, str) else "number")


def _check_max(value: Any) -> Any:
    return known_word(value, ("unlimited",), "a number")


_Max = Annotated[
    Annotated[Literal["unlimited"], Tag(TAG_MARK + "word")]
    | Annotated[Count, Field(ge=0, le=1000), Tag(TAG_MARK + "number")],
    Discriminator(_max_tag),
    BeforeValidator(_check_max),
]


def _check_backoff(value: Any) -> Any:
    return known_word(value, ("sdk",), "a duration such as 2s")


def _backoff_tag(value: Any) -> str:
    return TAG_MARK + ("name" if value == "sdk" else "time")


Backoff = Annotated[
    Annotated[Literal["sdk"], Tag(TAG_MARK + "name")]
    | Annotated[DurationLaw, Tag(TAG_MARK + "time")],
    Discriminator(_backoff_tag),
    BeforeValidator(_check_backoff),
]
"""``sdk``: min(0.5 · 2ⁿ, 8) s less up to a quarter at random before retry n = 0, 1, 2 ..., as
OpenAI's and Anthropic's SDKs do; else a time, or a law of times."""


class Retries(Spec):
    """A client that asks again; its defaults are those of OpenAI's and Anthropic's SDKs."""

    max: _Max = Field(
        default=SDK_RETRIES,
        description="Most retries of a request, or unlimited. (2: the SDKs' own; each layer that "
        "retries multiplies.)",
    )
    backoff: Backoff = Field(
        default="sdk",
        description="Wait before each retry: sdk (0.5 s, doubled each time, at most 8 s, less up "
        "to a quarter at random), a time, or a law of times.",
    )
    on: Annotated[tuple[Failing, ...], Strict(False), Filled, Distinct] = Field(
        default=("rejected", "timed_out", "failed"),
        description="What is retried: rejected (429), timed_out (the client's patience ended), "
        "failed.",
    )
    retry_after: Annotated[SomeTime | None, NoneWord, NoneInSchema()] = Field(
        default=None,
        description="Sent with a rejection; the client waits this long in place of backoff. (The "
        "SDKs honour up to 120 s.) Default: none.",
    )
    budget: Annotated[Share | None, NoneWord, NoneInSchema()] = Field(
        default=None,
        description="Most retries of the route, as a share of its requests (but for a few at "
        "first): 10% keeps retries from holding a pool in overload by themselves. Default: none, "
        "no such limit.",
    )

    @model_validator(mode="after")
    def _ends(self) -> Self:
        instant = isinstance(self.backoff, FixedDuration) and self.backoff.mean_s == 0.0
        if self.max == "unlimited" and instant:
            raise Fault("must be more than 0 with max: unlimited (got 0s)", "backoff")
        return self

    @property
    def most(self) -> int | None:
        """Most retries of a request; None if there is no limit."""
        return None if self.max == "unlimited" else self.max
