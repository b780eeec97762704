"""Explain: pydantic's errors in this project's words, each with the path of its field; no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sim.scenario.hint import did_you_mean, hint, listed
from sim.scenario.kind import TAG_MARK, spec_of_tag
from sim.scenario.spec import Fault, Faults
from sim.scenario.yaml12 import Path
from sim.units import shown


@dataclass(frozen=True)
class Finding:
    """What is wrong and where; *on_key* and *whole* as in `Fault`."""

    path: Path
    message: str
    on_key: bool = False
    whole: bool = False

    @classmethod
    def of(cls, fault: Fault, base: Path = ()) -> Finding:
        """Return what *fault* says, its steps taken from *base* on (``".."`` goes up).

        >>> Finding.of(Fault("…", "..", "gpu"), ("pools", "main", "timing")).path
        ('pools', 'main', 'gpu')
        """
        path = list(base)
        for step in fault.steps:
            if step == "..":
                path.pop()
            else:
                path.append(step)
        return cls(tuple(path), fault.message, fault.on_key, fault.whole)


_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def findings(error: ValidationError, root: type[BaseModel]) -> list[Finding]:
    """Return all that is wrong according to *error*, which came from validating *root*."""
    found: list[Finding] = []
    for details in error.errors(include_url=False):
        found.extend(_explain(details, root))
    return found


def dotted(path: Path) -> str:
    """Return *path* as people write it.

    >>> dotted(("bill", 0, "usd"))
    'bill[0].usd'
    """
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def _explain(details: ErrorDetails, root: type[BaseModel]) -> list[Finding]:
    path = plain_path(details["loc"])
    kind, context = details["type"], details.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, Fault | Faults):
        faults = cause.faults if isinstance(cause, Faults) else (cause,)
        return [Finding.of(fault, path) for fault in faults]
    if cause is not None:
        on_key = details["loc"][-1:] == ("[key]",)
        return [Finding(path, f"a name {cause}" if on_key else str(cause), on_key)]
    if kind == "extra_forbidden":
        message = _unknown_key(path, fields_of(details["loc"][:-1], root))
        return [Finding(path, message, on_key=True)]
    if kind == "missing":
        return [Finding(path, _missing(path, fields_of(details["loc"][:-1], root)))]
    return [Finding(path, _rule(kind, context, details["input"], details["msg"]))]


def plain_path(loc: tuple[int | str, ...]) -> Path:
    """Return pydantic's *loc* without union tags and key marks."""
    hidden = [step for step in loc if isinstance(step, str) and step.startswith(TAG_MARK)]
    return tuple(step for step in loc if step not in hidden and step != "[key]")


def fields_of(loc: tuple[int | str, ...], root: type[BaseModel]) -> Mapping[str, Any]:
    """Return the fields of the spec at *loc*, found by walking down from *root*."""
    spec: type[BaseModel] | None = root
    for step in loc:
        if isinstance(step, str) and step.startswith(TAG_MARK):
            spec = spec_of_tag(step) or spec
        elif spec is not None and step in spec.model_fields:
            # A key of a dict or an index of a list is no field: the spec stays the one inside.
            spec = _spec_inside(spec.model_fields[str(step)].annotation) or spec
    return spec.model_fields if spec is not None else {}


def _spec_inside(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        if found := _spec_inside(argument):
            return found
    return None


def _unknown_key(path: Path, fields: Mapping[str, Any]) -> str:
    key = str(path[-1])
    meant = did_you_mean(key, fields)
    tail = f"did you mean {meant!r}?" if meant else f"allowed here: {listed(list(fields), 20)}"
    return f"unknown key {shown(key)}; {tail}"


def _missing(path: Path, fields: Mapping[str, Any]) -> str:
    field = fields.get(str(path[-1]))
    text = (field.description or "") if field else ""
    if text[1:2].islower():
        text = text[0].lower() + text[1:]
    return f"is missing: {text.rstrip('.')}" if text else "is missing"


def _rule(kind: str, context: Mapping[str, Any], given: Any, message: str) -> str:
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        bound = context[name]
        text = str(int(bound)) if bound == int(bound) else f"{bound:g}"
        return f"must be {words} {text} (got {shown(given)})"
    if kind == "literal_error":
        choices = [str(part).strip("'") for part in _choices(context["expected"])]
        word = "one of " if len(choices) > 1 else ""
        return f"must be {word}{', '.join(choices)} ({hint(given, choices)})"
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return f"must be a mapping of keys and values (got {shown(given)})"
    if kind in ("tuple_type", "list_type"):
        return f"must be a list (got {shown(given)})"
    if kind == "too_short":
        return "must not be empty"
    return f"{message[:1].lower()}{message[1:]} (got {shown(given)})"


def _choices(expected: str) -> list[str]:
    return expected.replace(" or ", ", ").split(", ")
