"""Filled: a list with something in it, as a spec field; knows no clock."""

from __future__ import annotations

from typing import Any

from pydantic import AfterValidator

from sim.scenario.spec import Fault


def _filled(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if not values:
        raise Fault("must not be empty")
    return values


Filled = AfterValidator(_filled)
"""Annotation: the list must not be empty. Pydantic's own bound would also count, and so report
twice, a list whose only items are wrong."""
