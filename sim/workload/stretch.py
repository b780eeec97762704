"""Stretch: the part of a long trace that its arrivals are fitted to and tested on; no clock."""

from __future__ import annotations

from sim.workload.requests import Requests

MOST_REQUESTS = 150_000
"""Longer traces are cut: sixty replicates of millions of requests would take hours."""


def stretch_of(requests: Requests, most: int = MOST_REQUESTS) -> tuple[Requests, str]:
    """Return the middle *most* of *requests*, which have times, and a note if that is not all."""
    at_s = requests.arrived_at_s
    if at_s is None or len(requests) <= most:
        return requests, ""
    first = (len(requests) - most) // 2
    part = requests.between(float(at_s[first]), float(at_s[first + most]))
    hours = part.span_s / 3600.0
    note = f"arrivals are fitted and tested on the middle {len(part):,} requests ({hours:.3g} h)"
    return part, note
