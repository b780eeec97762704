"""Detection: how long a dead replica still gets requests; knows no clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Discriminator, Field, Tag

from sim.scenario.durations import DurationLaw
from sim.scenario.hint import did_you_mean
from sim.scenario.kind import TAG_MARK, tag
from sim.scenario.lognormal import SomeTime
from sim.scenario.scalar import Count
from sim.scenario.spec import Spec
from sim.units import Duration

if TYPE_CHECKING:  # numpy, which reading a scenario does without
    from sim.laws.law import Law


class Probes(Spec):
    """Health checks, with the defaults of Kubernetes' probes."""

    period: SomeTime = Field(
        default=10.0, description="Time from one check to the next (Kubernetes: 10s)."
    )
    timeout: Duration = Field(
        default=1.0, description="A check without an answer for this long has failed (1s)."
    )
    threshold: Annotated[Count, Field(ge=1, le=100)] = Field(
        default=3, description="So many failed checks in a row, and it counts as dead (3)."
    )

    def law(self) -> Law:
        """Return the law of the seconds from a death until it is noticed: 20 to 31 by default.

        The first check that fails comes within a period of the death, threshold - 1 more follow,
        and the last fails at once or after the timeout; all times in between are taken as alike.
        """
        from sim.laws.uniform import Uniform

        return Uniform(self._least_s, self._most_s)

    @property
    def mean_s(self) -> float:
        """Mean time from a death until it is noticed, in s."""
        return (self._least_s + self._most_s) / 2.0

    @property
    def _least_s(self) -> float:
        return (self.threshold - 1) * self.period

    @property
    def _most_s(self) -> float:
        return self.threshold * self.period + self.timeout


def _tag_of(value: Any) -> str:
    if isinstance(value, Mapping):
        probes = not value or any(did_you_mean(str(key), Probes.model_fields) for key in value)
        return tag(Probes) if probes else TAG_MARK + "time"
    return tag(Probes) if isinstance(value, Probes) else TAG_MARK + "time"


Detection = Annotated[
    Annotated[Probes, Tag(tag(Probes))] | Annotated[DurationLaw, Tag(TAG_MARK + "time")],
    Discriminator(_tag_of),
]
"""A time, or a law of times, or probes ``{period: 10s, timeout: 1s, threshold: 3}``; each has
`law` (in s) and `mean_s`."""
