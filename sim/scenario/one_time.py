"""One-time work: paid once, and spread over the months that it is of use; knows no clock."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sim.scenario.scalar import Number
from sim.scenario.spec import Spec


class OneTime(Spec):
    """Migration, set-up, a purchase of licences: so much, over so many months."""

    usd: Annotated[Number, Field(ge=0, le=1e9)] = Field(description="USD, once.")
    months: Annotated[Number, Field(gt=0, le=1200)] = Field(
        description="Months that it is spread over, evenly and without interest."
    )

    @property
    def usd_per_month(self) -> float:
        """What a month of it costs."""
        return self.usd / self.months
