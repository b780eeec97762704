"""MTBF: mean time between failures, as a time or by the name of a published rate; no clock."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from sim.catalog.failures import failure_rate, failure_rates
from sim.scenario.word_or import known_word
from sim.units import Duration


def _named(value: Any) -> Any:
    """Return the seconds of a published rate, any other value as it is."""
    names = [rate.name for rate in failure_rates()]
    known_word(value, names, "a duration such as 250d")
    return failure_rate(value).mtbf_s if value in names else value


Mtbf = Annotated[Duration, Field(gt=0), BeforeValidator(_named)]
"""A mean time between failures above 0; the name of a rate of the catalog becomes its time."""
