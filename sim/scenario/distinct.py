"""Distinct: a list without repetitions, as a spec field; knows no clock."""

from __future__ import annotations

from typing import Any

from pydantic import AfterValidator

from sim.scenario.spec import Fault
from sim.units import shown


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    for number, value in enumerate(values):
        if value in values[:number]:
            raise Fault(f"{shown(value)} is there twice", number)
    return values


Distinct = AfterValidator(_distinct)
"""Annotation: no value of the list comes twice."""
