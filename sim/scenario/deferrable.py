"""Deferrable: batch work that waits at the door until the pool has room; knows no clock."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sim.scenario.lognormal import SomeTime
from sim.scenario.spec import Spec
from sim.units import Share


class Deferrable(Spec):
    """Requests that can wait, so that they fill the valleys and not the peaks."""

    deadline: SomeTime | None = Field(
        default=None,
        description="A request that has waited this long is let in, however busy the pool is. "
        "Default: none, it may wait for ever.",
    )
    below: Annotated[Share, Field(gt=0)] = Field(
        default=0.6,
        description="Requests are let in while the pool is less busy than this: 60% or 0.6 of the "
        "sequences that its ready replicas may run, and of their KV cache.",
    )
