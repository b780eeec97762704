"""Choice: how the value of one key, such as ``kind:``, chooses a mapping's spec; knows no clock.

Like `kind`, where the presence of a key chooses: a mistake inside the chosen spec is reported
alone and at its own line, not once for every member of the union.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sim.scenario.hint import hint
from sim.scenario.kind import TAG_MARK, tag
from sim.scenario.spec import Fault, Spec
from sim.units import shown


@dataclass(frozen=True)
class Choice:
    """The specs of one *noun* by the value of *key*; *refused* says why other values are not."""

    noun: str
    key: str
    by_value: Mapping[str, type[Spec]]
    refused: Mapping[str, str] = field(default_factory=dict)

    def tag_of(self, value: Any) -> str:
        """Return the union tag for *value*, a checked mapping or a spec; pydantic calls it."""
        if isinstance(value, Spec):
            return TAG_MARK + type(value).__name__
        return tag(self.by_value[value[self.key]])

    def check(self, value: Any) -> Any:
        """Return *value* if its key chooses a spec; raise a Fault that lists the choices if not."""
        if isinstance(value, tuple(self.by_value.values())):
            return value
        names = ", ".join(self.by_value)
        if not isinstance(value, Mapping):
            example = f"{{{self.key}: {next(iter(self.by_value))}}}"
            raise Fault(f"must be a mapping such as {example} (got {shown(value)})")
        if self.key not in value:
            raise Fault(f"says no {self.key} of {self.noun}; give {self.key}: one of {names}")
        given = value[self.key]
        if isinstance(given, str) and given in self.refused:
            raise Fault(self.refused[given], self.key)
        if not isinstance(given, str) or given not in self.by_value:
            raise Fault(f"must be one of {names} ({hint(given, self.by_value)})", self.key)
        return value
