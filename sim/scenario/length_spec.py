"""Length spec: what all laws of token counts share, the caps; knows no clock."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from sim.scenario.lognormal import OneOrMore
from sim.scenario.spec import Fault, Spec
from sim.units import MAX_TOKENS


class LengthSpec(Spec):
    """What all laws share: caps. A draw outside them becomes the cap, it is not drawn again."""

    min: OneOrMore | None = Field(default=None, description="No draw is below this many tokens.")
    max: OneOrMore | None = Field(default=None, description="No draw is above this many tokens.")

    @model_validator(mode="after")
    def _min_below_max(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise Fault(f"must not be above max (got min {self.min}, max {self.max})", "min")
        return self

    @property
    def rough_mean(self) -> float:
        """The law's mean in tokens, itself clipped to the caps: a few per cent off if they bite.

        NaN for lengths that only a file knows.
        """
        mean = self._mean()
        if mean != mean:
            return mean
        low = 1.0 if self.min is None else float(self.min)
        high = float(MAX_TOKENS if self.max is None else self.max)
        return min(max(mean, low), high)

    def _mean(self) -> float:
        raise NotImplementedError
