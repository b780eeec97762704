"""Request of a trace: a row whose time and tokens were checked, in order of time; no clock."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from sim.traffic.trace_clock import Clock
from sim.traffic.trace_row import Row
from sim.traffic.trace_text import shown

MAX_ROW_TOKENS = 100_000_000

MAX_SORTED_ROWS = 10_000_000
"""Most requests that are put in order of time in memory, at some 50 bytes each."""

ZERO_INPUT = "zero input tokens"
ZERO_OUTPUT = "zero output tokens"


class Request(NamedTuple):
    """One checked row: seconds after the file's first row, tokens, and its Mooncake hashes."""

    at_s: float
    input_tokens: int
    output_tokens: int
    hash_ids: tuple[int | str, ...] | None = None


def checked(row: Row, clock: Clock, columns: Mapping[str, str]) -> Request:
    """Return the request that *row* is; ValueError says what of it is wrong."""
    return Request(
        clock.seconds(row.time),
        _tokens(row.input_tokens, columns["input_tokens"]),
        _tokens(row.output_tokens, columns["output_tokens"]),
        None if row.hash_ids is None else _hashes(row.hash_ids),
    )


def no_request(row: Row, request: Request) -> str | None:
    """Return why *row*, sound as it is, is no request to an engine; None if it is one."""
    if request.input_tokens and request.output_tokens:
        return row.left_out
    return row.left_out or (ZERO_OUTPUT if request.input_tokens else ZERO_INPUT)


def in_order(
    requests: Iterable[Request], too_many: Callable[[int], Exception]
) -> Iterator[Request]:
    """Yield *requests* in order of time; equal times stay as they were.

    All are held, without hashes; over `MAX_SORTED_ROWS` of them, *too_many* of that is raised.
    """
    at_s, tokens_in, tokens_out = array("d"), array("q"), array("q")
    for request in requests:
        if len(at_s) == MAX_SORTED_ROWS:
            raise too_many(MAX_SORTED_ROWS)
        at_s.append(request.at_s)
        tokens_in.append(request.input_tokens)
        tokens_out.append(request.output_tokens)
    for index in np.argsort(np.array(at_s, dtype=np.float64), kind="stable"):
        yield Request(at_s[index], tokens_in[index], tokens_out[index])


def _tokens(value: object, column: str) -> int:
    """Return the whole number that *value* is (374, "374" or "374.0"); else ValueError."""
    number = value
    if isinstance(value, str):
        text = value.strip()
        if text.isascii() and text.isdigit() and len(text) <= 9:
            return int(text)
        try:
            number = float(text)
        except ValueError:
            number = None
    if (
        isinstance(number, int | float)
        and not isinstance(number, bool)
        and 0 <= number <= MAX_ROW_TOKENS
        and number == int(number)
    ):
        return int(number)
    raise ValueError(
        f"{column} is {shown(value)}; allowed: a whole number from 0 to {MAX_ROW_TOKENS}"
    )


def _hashes(value: object) -> tuple[int | str, ...]:
    if isinstance(value, list) and all(type(one) in (int, str) for one in value):
        return tuple(value)
    raise ValueError(f"hash_ids is {shown(value)}; allowed: a list of whole numbers or texts")
