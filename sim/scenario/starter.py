"""Starter: the commented scenario that ``tokenfleet init`` writes; knows no clock."""

from __future__ import annotations

from importlib import resources


def starter_text() -> str:
    """Return a scenario that loads as it is and says, key by key, what can be changed."""
    return (resources.files("sim.scenario") / "starter.yaml").read_text(encoding="utf-8")
