"""Patience: how long a client waits before it gives an attempt up; knows no clock."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from sim.scenario.durations import DurationLaw, FixedDuration
from sim.scenario.spec import Fault
from sim.units import format_duration


def _some_time(law: DurationLaw) -> DurationLaw:
    if law.mean_s <= 0:
        raise Fault("must be more than 0 (got 0s)")
    return law


Patience = Annotated[DurationLaw, AfterValidator(_some_time)]
"""A time above 0, or a law of times."""


def check_order(ttft: Patience | None, whole: Patience | None) -> None:
    """Raise a Fault if a fixed patience for the first token is no shorter than for the whole."""
    fixed = isinstance(ttft, FixedDuration) and isinstance(whole, FixedDuration)
    if fixed and ttft is not None and whole is not None and ttft.mean_s >= whole.mean_s:
        rule = f"must be less than patience, {format_duration(whole.mean_s)}"
        raise Fault(f"{rule} (got {format_duration(ttft.mean_s)})")
