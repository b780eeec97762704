"""Columns of a trace: which of its names hold the time and the tokens; knows no clock."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

ROLES = ("time", "input_tokens", "output_tokens")

NAMES: Mapping[str, tuple[str, ...]] = {
    # Azure LLM inference traces; Mooncake, AIPerf and GuideLLM replays; BurstGPT; Vidur; Splitwise;
    # OpenTelemetry's gen_ai attributes; the usage object of chat completions.
    "time": (
        "TIMESTAMP",
        "time",
        "time_s",
        "time_ms",
        "ts",
        "timestamp_s",
        "timestamp_ms",
        "arrived_at",
        "arrived_at_s",
        "arrival_time",
        "arrival_timestamp",
        "start_time",
        "request_time",
        "startTimeUnixNano",
        "timeUnixNano",
        "created_at",
        "created",
    ),
    "input_tokens": (
        "ContextTokens",
        "input_tokens",
        "input_length",
        "prompt_tokens",
        "prompt_length",
        "prompt_size",
        "prompt_tokens_count",
        "request_tokens",
        "num_prefill_tokens",
        "isl",
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "usage.input_tokens",
        "usage.prompt_tokens",
    ),
    "output_tokens": (
        "GeneratedTokens",
        "output_tokens",
        "output_length",
        "completion_tokens",
        "response_tokens",
        "generated_tokens",
        "token_size",
        "output_tokens_count",
        "num_decode_tokens",
        "osl",
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "usage.output_tokens",
        "usage.completion_tokens",
    ),
}
"""Names that each role is known by, compared without case and punctuation."""

_UNITS = (("nano", "ns"), ("ns", "ns"), ("us", "us"), ("ms", "ms"), ("s", "s"))


def plain(name: str) -> str:
    """Return *name* without case, punctuation and an `attributes.` in front.

    >>> plain("Attributes.gen_ai.usage.input_tokens") == plain("gen ai usage input-tokens")
    True
    """
    return re.sub(r"[^a-z0-9]", "", name.lower().removeprefix("attributes."))


def find_columns(found: Sequence[str], chosen: Mapping[str, str]) -> dict[str, str]:
    """Return role → name for the three roles, from *chosen* first, else by the known names.

    ValueError names a role without a column, a chosen name that is not there, or two columns
    that could both be meant; the first says what was found and what is allowed.
    """
    _refuse_repeated(found)
    return {
        role: _chosen(role, chosen[role], found) if role in chosen else _known(role, found)
        for role in ROLES
    }


def unit_of(name: str) -> str:
    """Return the time unit that a column's name tells (`s ms us ns`), or `auto`.

    >>> unit_of("startTimeUnixNano"), unit_of("arrived_at_s"), unit_of("ts")
    ('ns', 's', 'auto')
    """
    word = re.split(r"[^a-z0-9]|(?<=[a-z])(?=nano$)", name.lower())
    return dict(_UNITS).get(word[-1], "auto") if len(word) > 1 else "auto"


def _chosen(role: str, name: str, found: Sequence[str]) -> str:
    if name in found:
        return name
    raise ValueError(
        f"no column {name!r} (columns.{role}){_suggest(name, found)}; found: {_listed(found)}"
    )


def _known(role: str, found: Sequence[str]) -> str:
    known = {plain(name) for name in NAMES[role]}
    matches = [name for name in found if plain(name) in known]
    if len(matches) == 1:
        return matches[0]
    label = role.replace("_", " ")
    if matches:
        raise ValueError(
            f"more than one column could be the {label}: {_listed(matches)}; "
            f"name one with columns: {{{role}: …}}"
        )
    raise ValueError(
        f"no column for the {label}{_near_miss(role, found)}; found: {_listed(found)}; "
        f"known names: {', '.join(NAMES[role][:4])}, …, or name one with columns: {{{role}: …}}"
    )


def _near_miss(role: str, found: Sequence[str]) -> str:
    """Return a question that names the found column nearest to a known name of *role*."""
    near = {plain(name): name for name in found}
    for known in NAMES[role]:
        if match := difflib.get_close_matches(plain(known), near, n=1, cutoff=0.75):
            return f" (is it {near[match[0]]!r}?)"
    return ""


def _suggest(name: str, found: Iterable[str]) -> str:
    near = {plain(one): one for one in found}
    match = difflib.get_close_matches(plain(name), near, n=1)
    return f", did you mean {near[match[0]]!r}?" if match else ""


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "nothing"
    more = f", … ({len(names)} in all)" if len(names) > 12 else ""
    return ", ".join(ascii(name)[:60] for name in names[:12]) + more


def _refuse_repeated(found: Sequence[str]) -> None:
    for name in found:
        if found.count(name) > 1:
            raise ValueError(
                f"the column {name!r} is there {found.count(name)} times; allowed: once"
            )
