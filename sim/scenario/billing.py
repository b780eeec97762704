"""Billing: how a lease's time becomes paid time; knows no clock."""

from __future__ import annotations

import math

from pydantic import Field

from sim.scenario.lognormal import SomeTime
from sim.scenario.spec import Spec
from sim.units import Duration

_ROUNDING = 1e-6  # part of a unit that is an error of floating point, and not begun


class Billing(Spec):
    """Rounding of each lease, by the defaults of Amazon EC2 and Google Compute Engine (Linux)."""

    granularity: SomeTime = Field(
        default=1.0,
        description="A lease is paid in whole units of this: 1s on AWS and Google Cloud (since "
        "October 2017), 1m or 1h elsewhere.",
    )
    minimum: Duration = Field(
        default=60.0, description="Every lease is paid for at least this: 1m on AWS and Google."
    )

    def billed_s(self, lease_s: float) -> float:
        """Return the seconds that a lease of *lease_s* is paid for.

        >>> Billing().billed_s(20.0), Billing(granularity="1h").billed_s(3601.0)
        (60.0, 7200.0)
        """
        units = math.ceil(max(lease_s, self.minimum) / self.granularity - _ROUNDING)
        return units * self.granularity
