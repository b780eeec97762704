"""Formats of traces: which names, units and order each promises, and how it is recognised.

Knows no clock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sim.traffic.trace_columns import find_columns

CSV, JSON_LINES = "CSV", "JSON lines"
"""What a file is written in."""


@dataclass(frozen=True)
class Format:
    """One format; `columns` are its names by role, empty if they are to be found in the file.

    `recognised_by`: the names that tell it from all others. `any_order`: rows need not be in the
    order of time. `hash_ids`: the key of a prompt's prefix blocks. `cache_hit`: the column that
    says that no engine was asked.
    """

    written_in: tuple[str, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    recognised_by: frozenset[str] = frozenset()
    time_unit: str | None = None
    any_order: bool = False
    hash_ids: str | None = None
    cache_hit: str | None = None


def _columns(time: str, input_tokens: str, output_tokens: str) -> Mapping[str, str]:
    return {"time": time, "input_tokens": input_tokens, "output_tokens": output_tokens}


FORMATS: Mapping[str, Format] = {
    # Azure public dataset, AzureLLMInferenceTrace 2023 and 2024.
    "azure": Format((CSV,), _columns("TIMESTAMP", "ContextTokens", "GeneratedTokens")),
    # Mooncake, FAST'25 release; also AIPerf's mooncake_trace and GuideLLM's kind mooncake.
    "mooncake": Format(
        (JSON_LINES,),
        _columns("timestamp", "input_length", "output_length"),
        frozenset({"hash_ids"}),
        time_unit="ms",
        hash_ids="hash_ids",
    ),
    # BurstGPT releases 1 and 2 (HPMLL/BurstGPT); the later files have Session ID and Elapsed time.
    "burstgpt": Format(
        (CSV,),
        _columns("Timestamp", "Request tokens", "Response tokens"),
        frozenset({"Timestamp", "Model", "Request tokens", "Response tokens", "Log Type"}),
        time_unit="s",
    ),
    # Table LiteLLM_SpendLogs of LiteLLM's schema.prisma; exports come newest first.
    "litellm": Format(
        (CSV, JSON_LINES),
        _columns("startTime", "prompt_tokens", "completion_tokens"),
        frozenset({"startTime", "endTime", "prompt_tokens", "completion_tokens"}),
        any_order=True,
        cache_hit="cache_hit",
    ),
    # `vllm bench serve --save-result --save-detailed` (vllm/benchmarks/serve.py): requests are in
    # the order of their making, start_times are seconds of the client's own clock, and
    # --append-result writes one result a line.
    "vllm-bench": Format(
        (JSON_LINES,),
        _columns("start_times", "input_lens", "output_lens"),
        time_unit="s",
        any_order=True,
    ),
    "csv": Format((CSV,)),
    "jsonl": Format((JSON_LINES,)),
}
"""Formats by the name that a scenario gives them."""

NAMES = ("auto", *FORMATS)
"""What `format` may be."""

_BENCH = re.compile(r'"(?:request_throughput|input_lens)"\s*:')
_SPEND_LOGS = re.compile(r'"(?:startTime|prompt_tokens|completion_tokens)"\s*:')


def settle(
    written_in: str, format_: str, names: Sequence[str], columns: Mapping[str, str]
) -> tuple[Format, dict[str, str]]:
    """Return the format, and role → name, of a file whose header (or first object) has *names*.

    *format_* `auto` is settled by the names. *columns* go before the format's own, and these before
    the known ones. ValueError says which role has no column.
    """
    if format_ != "auto":
        return FORMATS[format_], find_columns(names, {**FORMATS[format_].columns, **columns})
    found = _recognised(written_in, names)
    own = {role: name for role, name in found.columns.items() if name in names}
    return found, find_columns(names, {**own, **columns})


def _recognised(written_in: str, names: Sequence[str]) -> Format:
    for one in FORMATS.values():
        if written_in in one.written_in and one.recognised_by and one.recognised_by <= set(names):
            return one
    return FORMATS["csv" if written_in == CSV else "jsonl"]


def looks_like_bench(head: str) -> bool:
    """Whether a file that begins with *head* holds a result of `vllm bench serve`.

    >>> looks_like_bench('{"date": "20260101-000000", "request_throughput": 4.0, "itls": [')
    True
    """
    return head.lstrip().startswith("{") and _BENCH.search(head) is not None


def looks_like_spend_logs(head: str) -> bool:
    """Whether a file that begins with *head* is one JSON array of LiteLLM's spend logs."""
    return head.lstrip().startswith("[") and len(set(_SPEND_LOGS.findall(head))) == 3
