"""Word or: fields that take a name where they would take a time or a number; knows no clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sim.scenario.hint import hint
from sim.scenario.spec import Fault


def known_word(value: Any, names: Sequence[str], otherwise: str) -> Any:
    """Return *value*; raise a Fault if it is a word that is none of *names*.

    *otherwise* says what it might be instead.

    >>> known_word("30s", ["sdk"], "a duration")
    '30s'
    """
    if isinstance(value, str) and value[:1].isalpha() and value not in names:
        raise Fault(f"must be {', '.join(names)} or {otherwise} ({hint(value, names)})")
    return value
