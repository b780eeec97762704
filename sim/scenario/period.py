"""Period: a while, from a time of the horizon on; knows no clock."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, create_model

from sim.scenario.spec import Spec
from sim.units import Duration


class _Start(Spec):
    at: Duration = Field(description="When it begins, from the start of the horizon.")


_LENGTH: Any = {  # no class body can say "for"
    "for": (Annotated[Duration, Field(gt=0)], Field(description="How long it lasts."))
}
_Period: type[_Start] = create_model("_Period", __base__=_Start, **_LENGTH)


class Period(_Period):
    """``{at: 14h, for: 1h}``: what happens then, subclasses say."""

    @property
    def starts_at_s(self) -> float:
        """Its begin in seconds after the start of the horizon."""
        return self.at

    @property
    def length_s(self) -> float:
        """How long it lasts, in seconds."""
        return float(getattr(self, "for"))

    @property
    def ends_at_s(self) -> float:
        """Its end in seconds after the start of the horizon."""
        return self.starts_at_s + self.length_s
