"""Sessions: conversations whose history is sent again with every turn; knows no clock."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from sim.catalog.presets import SessionPreset
from sim.catalog.workloads import workload, workloads
from sim.scenario.durations import DurationLaw, QuantileDuration
from sim.scenario.lengths import (
    GeometricLengths,
    Lengths,
    PromptLengths,
    QuantileLengths,
)
from sim.scenario.scalar import Text
from sim.scenario.spec import Fault, Spec
from sim.units import Tokens


def _with_sessions(name: str) -> str:
    if workload(name).sessions is None:
        known = ", ".join(entry.name for entry in workloads() if entry.sessions is not None)
        raise Fault(f"{name} tells nothing of sessions; those that do are {known}")
    return name


class Sessions(Spec):
    """Each arrival becomes a conversation of several turns, `mean_rps` counting all turns."""

    workload: Annotated[Text, AfterValidator(_with_sessions)] | None = Field(
        default=None,
        description="A workload of the catalog, whose conversations these are like: it brings "
        "turns, think_time, the first turn's tokens and follow_up_tokens, unless given here.",
        json_schema_extra={"x-catalog": "workloads"},
    )
    turns: PromptLengths | None = Field(
        default=None, description="Turns of a conversation, such as {geometric: 1.6} or {fixed: 4}."
    )
    think_time: DurationLaw | None = Field(
        default=None,
        description="From a turn's arrival to the next one's, as traces record it, reading the "
        "answer included. A turn whose predecessor is still being answered waits for the answer.",
    )
    first_tokens: PromptLengths | None = Field(
        default=None, description="What the user says in the first turn. Default: input_tokens."
    )
    follow_up_tokens: PromptLengths | None = Field(
        default=None,
        description="What the user adds in each later turn. Default: as in the first turn.",
    )
    max_context: Annotated[Tokens, Field(ge=1)] | None = Field(
        default=None,
        description="A turn whose prompt would be longer starts afresh, without the history.",
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        for name in ("turns", "think_time"):
            if self.workload is None and getattr(self, name) is None:
                raise Fault(f"{name} is missing: give it, or a workload that tells it")
        return self

    @property
    def preset(self) -> SessionPreset | None:
        """The catalog's constants, if a workload is named."""
        return None if self.workload is None else workload(self.workload).sessions

    def brings(self, field: str) -> bool:
        """Return whether the route's *field* is said here, and must not be said there again."""
        said = self.first_tokens is not None or self.workload is not None
        return said and field == "input_tokens"

    def turn_law(self) -> Lengths:
        """Return the law of the number of turns."""
        if self.turns is not None:
            return self.turns
        return GeometricLengths(geometric=self._known.mean_turns)

    def gap_law(self) -> DurationLaw:
        """Return the law of the time from a turn's arrival to the next one's."""
        if self.think_time is not None:
            return self.think_time
        return QuantileDuration(quantiles=_table(self._known.levels, self._known.gap_s))

    def first_law(self, input_tokens: Lengths | None) -> Lengths:
        """Return the law of the first turn's own tokens, *input_tokens* being the route's."""
        if (law := self.first_tokens or input_tokens) is not None:
            return law
        return QuantileLengths(quantiles=_table(self._known.levels, self._known.first_tokens))

    def follow_up_law(self, input_tokens: Lengths | None) -> Lengths:
        """Return the law of a later turn's own tokens, *input_tokens* being the route's."""
        if self.follow_up_tokens is not None:
            return self.follow_up_tokens
        if self.workload is None:
            return self.first_law(input_tokens)
        return QuantileLengths(quantiles=_table(self._known.levels, self._known.new_tokens))

    @property
    def _known(self) -> SessionPreset:
        preset = self.preset
        assert preset is not None, "checked when the spec was made"
        return preset


def _table(levels: tuple[float, ...], values: tuple[float, ...]) -> dict[str, float]:
    return {f"{level:g}": value for level, value in zip(levels, values, strict=True)}
