"""Failures: how often nodes fail and how long until they are back, as published; knows no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sim.catalog.datafiles import read_yaml
from sim.catalog.names import find
from sim.units import parse_duration


@dataclass(frozen=True, kw_only=True)
class FailureRate:
    """Mean time between failures of a node with 8 GPUs (`mtbf_s`), and what was counted."""

    name: str
    mtbf_s: float
    counts: str
    source: str
    as_of: date


@dataclass(frozen=True, kw_only=True)
class RepairWay:
    """One way in which a node comes back: the `share` of failures that take it, and its time."""

    name: str
    share: float
    duration_s: float
    source: str
    as_of: date


def failure_rate(name: str) -> FailureRate:
    """Return the rate called *name*; raises `UnknownName`.

    >>> failure_rate("typical").mtbf_s / 86_400
    250.0
    """
    return find("failure rate", name, _rates())


def failure_rates() -> tuple[FailureRate, ...]:
    """Return all rates, in the order of the data file."""
    return tuple(_rates().values())


@cache
def typical_repair() -> tuple[RepairWay, ...]:
    """Return the ways in which a node comes back; their shares sum to 1."""
    document = _document()
    return tuple(
        RepairWay(
            name=row["name"],
            share=row["share"],
            duration_s=parse_duration(row["duration"]),
            source=row["source"],
            as_of=document["as_of"],
        )
        for row in document["repairs"]
    )


@cache
def _rates() -> dict[str, FailureRate]:
    document = _document()
    return {
        row["name"]: FailureRate(
            name=row["name"],
            mtbf_s=parse_duration(row["mtbf"]),
            counts=row["counts"],
            source=row["source"],
            as_of=document["as_of"],
        )
        for row in document["rates"]
    }


@cache
def _document() -> dict[str, Any]:
    return read_yaml("failures.yaml")
