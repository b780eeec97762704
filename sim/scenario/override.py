"""Override: ``--set a.b=c`` on a document before it is validated; knows no clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sim.scenario.hint import did_you_mean, listed
from sim.scenario.yaml12 import Path, YamlError, parse
from sim.units import shown

NAMED = ("routes", "pools")
"""Parts of a document whose keys are the user's own names: a typing error there is no new entry."""


class OverrideError(ValueError):
    """An override that cannot be applied."""


@dataclass(frozen=True)
class Override:
    """One ``--set``: its number on the command line (from 1), its text, and the path it set."""

    number: int
    text: str
    path: Path

    @property
    def label(self) -> str:
        """What messages call it."""
        return label(self.number, self.text)


def label(number: int, text: str) -> str:
    """Return what messages call the *number*-th override.

    >>> label(1, "seed=x")
    '--set #1 (seed=x)'
    """
    clean = "".join(c if c.isprintable() else "?" for c in text)
    return f"--set #{number} ({clean if len(clean) <= 80 else clean[:77] + '...'})"


def apply(data: Any, number: int, text: str) -> tuple[Any, Override]:
    """Return *data* with the override *text* (``path=value``) set in it, and what was set.

    The value is read as in a file: ``8k``, ``true``, ``{fixed: 500}``. Mappings on the way that
    are not there are made. Raises OverrideError; *data* is changed in place.
    """
    name, separator, written = text.partition("=")
    steps = _steps(name)
    if not separator or not steps:
        raise OverrideError("must look like path=value, such as seed=7 or routes.chat.priority=1")
    value = _value(written)
    if data is None:
        data = {}
    return data, Override(number, text, _set(data, steps, value))


def _steps(name: str) -> list[str]:
    """Split ``bill[0].usd`` or ``bill.0.usd`` into its steps; none if it is malformed."""
    steps = re.sub(r"\[(\d+)\]", r".\1", name.strip()).split(".")
    return steps if all(steps) else []


def _value(written: str) -> Any:
    try:
        tree = parse(written)
    except YamlError as error:
        raise OverrideError(f"the value {shown(written)} is {error}") from None
    if tree.twins:
        raise OverrideError(str(tree.twins[0]))
    return tree.data


def _set(data: Any, steps: list[str], value: Any) -> Path:
    path: list[str | int] = []
    while True:
        key, rest = _next(data, steps, path)
        path.append(key)
        if not rest:
            data[key] = value
            return tuple(path)
        if isinstance(data, dict) and data.get(str(key)) is None:
            data[key] = {}
        data, steps = data[key], rest


def _next(data: Any, steps: list[str], path: list[str | int]) -> tuple[str | int, list[str]]:
    """Return the key or index of the next step in *data*, and the steps after it."""
    where = ".".join(str(step) for step in path)
    if isinstance(data, list):
        if not steps[0].isdecimal() or int(steps[0]) >= len(data):
            raise OverrideError(f"{where} is a list of {len(data)}; {shown(steps[0])} is not in it")
        return int(steps[0]), steps[1:]
    if not isinstance(data, dict):
        raise OverrideError(f"{where or 'the document'} is {shown(data)}, it holds no {steps[0]!r}")
    for length in range(len(steps), 0, -1):  # names may hold dots: the longest that is there wins
        if (key := ".".join(steps[:length])) in data:
            return key, steps[length:]
    if len(path) == 1 and path[0] in NAMED and len(steps) > 1 and data:
        meant = did_you_mean(steps[0], data)
        tail = f"did you mean {meant!r}?" if meant else f"there is {listed(list(data))}"
        raise OverrideError(f"no {str(path[0])[:-1]} is called {shown(steps[0])}; {tail}")
    return steps[0], steps[1:]
