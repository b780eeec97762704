"""Pairs: NAME=VALUE options that may be given several times; knows no clock."""

from __future__ import annotations

from sim.cli.errors import InputError


def pairs(option: str, given: tuple[str, ...]) -> dict[str, str]:
    """Repeated NAME=VALUE options as a mapping; InputError for what has no equals sign."""
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise InputError(f"{option} {text}: must look like NAME=VALUE")
        found[name] = value
    return found
