"""Kind: how the key that is present chooses which spec a mapping is; knows no clock.

A plain union would report one error for every member that does not match. Here the key decides
first, so that a mistake inside the chosen kind is reported alone and at its own line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sim.scenario.hint import did_you_mean, hint, listed
from sim.scenario.spec import Fault, Spec
from sim.units import shown

TAG_MARK = "\0"
"""First character of union tags: no key of a file can hold it, so tags can be told from keys."""

_SPEC_OF_TAG: dict[str, type[Spec]] = {}


def tag(spec: type[Spec]) -> str:
    """Return the union tag of *spec*, and remember what it stands for."""
    name = TAG_MARK + spec.__name__
    _SPEC_OF_TAG[name] = spec
    return name


def spec_of_tag(name: str) -> type[Spec] | None:
    """Return the spec that `tag` made *name* from; None for other tags."""
    return _SPEC_OF_TAG.get(name)


@dataclass(frozen=True)
class Kinds:
    """The kinds of one noun: for each, the key that chooses it, its spec, and an example."""

    noun: str
    by_key: Mapping[str, tuple[type[Spec], str]]

    def tag_of(self, value: Any) -> str | None:
        """Return the union tag for *value*, a checked mapping or a spec; pydantic calls it."""
        if isinstance(value, Spec):
            return TAG_MARK + type(value).__name__
        return tag(self.by_key[next(key for key in self.by_key if key in value)][0])

    def check(self, value: Any) -> Any:
        """Return *value* if it chooses exactly one kind; raise a Fault with the kinds if not."""
        if isinstance(value, tuple(spec for spec, _ in self.by_key.values())):
            return value
        if not isinstance(value, Mapping):
            raise Fault(f"must be a mapping: {self._one_of()} (got {shown(value)})")
        chosen = [key for key in value if key in self.by_key]
        if len(chosen) == 1:
            return value
        if not chosen:
            raise Fault(f"says no kind of {self.noun}{self._meant(value)}; give {self._one_of()}")
        several = " and ".join(f"'{key}'" for key in chosen)
        keys = listed(list(self.by_key))
        rule = f"{several} are different kinds of {self.noun}; keep one (the kinds are {keys})"
        raise Fault(rule, chosen[-1], on_key=True, whole=True)

    def _one_of(self) -> str:
        return "one of " + " ".join(example for _, example in self.by_key.values())

    def _meant(self, value: Mapping[Any, Any]) -> str:
        for key in value:
            if meant := did_you_mean(str(key), self.by_key):
                return f" (got {shown(key)}; did you mean {meant!r}?)"
        return f" (got {listed([shown(key) for key in value])})" if value else ""


@dataclass(frozen=True)
class NamedOr:
    """A field that is one of some names, or a mapping of numbers."""

    names: tuple[str, ...]
    spec: type[Spec]
    numbers: str

    def tag_of(self, value: Any) -> str:
        """Return the union tag: the spec's for a mapping or a spec, the names' for the rest."""
        return tag(self.spec) if isinstance(value, Mapping | Spec) else self.names_tag

    @property
    def names_tag(self) -> str:
        """The union tag of the names."""
        return TAG_MARK + "|".join(self.names)

    def check(self, value: Any) -> Any:
        """Return *value* if it is a mapping, a spec or one of the names; raise a Fault if not."""
        if isinstance(value, Mapping | self.spec) or (
            isinstance(value, str) and value in self.names
        ):
            return value
        rule = f"must be {', '.join(self.names)} or {self.numbers}"
        raise Fault(f"{rule} ({hint(value, self.names)})")
