"""Spec: the base of everything that a scenario file says; frozen, and knows no clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict

K = TypeVar("K")
V = TypeVar("V")


class Spec(BaseModel):
    """A frozen mapping with known keys; unknown keys are errors, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Fault(ValueError):  # noqa: N818 - a finding in what was written, not our error
    """What is wrong in a spec, and where: *steps* lead there from the spec that is validated.

    A step ``".."`` leaves a field, so that a check of one field can point at another. *on_key*:
    the key there is at fault, not its value. *whole*: ``--set`` should replace the whole mapping.
    """

    def __init__(
        self, message: str, *steps: str | int, on_key: bool = False, whole: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.steps = steps
        self.on_key = on_key
        self.whole = whole


class Faults(ValueError):  # noqa: N818
    """Several faults found by one check."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = tuple(faults)


def raise_all(faults: list[Fault]) -> None:
    """Raise *faults* together; return if there are none."""
    if faults:
        raise Faults(faults)


class FrozenDict(dict[K, V]):
    """A dict that refuses to change after it was made; hashes by its items, pickles as itself.

    >>> FrozenDict(a=1)["b"] = 2
    Traceback (most recent call last):
    TypeError: a spec is frozen: make a changed copy instead
    """

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("a spec is frozen: make a changed copy instead")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[type[FrozenDict[K, V]], tuple[dict[K, V]]]:
        return (FrozenDict, (dict(self),))


Frozen = AfterValidator(FrozenDict)
"""Annotation for dict fields: makes the validated dict a `FrozenDict`."""


def with_default(data: Any, key: str, value: object) -> Any:
    """Return *data* with *key* set to *value* where a mapping lacks it, for before-validators."""
    if isinstance(data, Mapping) and data.get(key) is None:
        return {**data, key: value}
    return data
