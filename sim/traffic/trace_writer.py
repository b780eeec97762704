"""Trace writer: requests as the lines of a trace that other tools replay, too; knows no clock."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np

from sim.traffic.batch import Batch
from sim.traffic.prefix_blocks import PrefixBlocks

_TICKS_PER_S = 10_000_000
"""Azure's stamps have seven digits after the point."""

_MONDAY = datetime(2024, 1, 1)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Lines(Protocol):
    """A format that requests are written in."""

    header: str

    def of(self, batch: Batch) -> str:
        """Return the lines of the batch's requests, line ends included."""
        ...


class AzureLines:
    """`TIMESTAMP,ContextTokens,GeneratedTokens`, as the Azure public dataset has them.

    Time 0 is 00:00 of a day of January 2024 that is the scenario's weekday. Times are exact to
    100 ns. What prompts share is not in this format.
    """

    header = "TIMESTAMP,ContextTokens,GeneratedTokens\n"

    def __init__(self, starts_on: str = "monday") -> None:
        self._start = _MONDAY + timedelta(days=_DAYS.index(starts_on))
        self._second = -1
        self._second_text = ""

    def of(self, batch: Batch) -> str:
        """Return the lines of the batch's requests, line ends included."""
        ticks = np.rint(np.array(batch.arrived_at_s) * _TICKS_PER_S).astype(np.int64)
        seconds, fractions = np.divmod(ticks, _TICKS_PER_S)
        return "".join(
            f"{self._text(second)}.{fraction:07d},{tokens_in},{tokens_out}\n"
            for second, fraction, tokens_in, tokens_out in zip(
                seconds.tolist(),
                fractions.tolist(),
                batch.input_tokens,
                batch.output_tokens,
                strict=True,
            )
        )

    def _text(self, second: int) -> str:
        if second != self._second:  # many requests a second
            self._second = second
            self._second_text = str(self._start + timedelta(seconds=second))
        return self._second_text


class MooncakeLines:
    """One JSON object a line, as Mooncake's traces have them; `hash_ids` say what prompts share.

    Times are whole milliseconds from time 0, the unit of the format: readers of it take no other.
    """

    header = ""

    def __init__(self) -> None:
        self._blocks = PrefixBlocks()

    def of(self, batch: Batch) -> str:
        """Return the lines of the batch's requests, line ends included."""
        stamps_ms = np.rint(np.array(batch.arrived_at_s) * 1e3).astype(np.int64).tolist()
        return "".join(
            f'{{"timestamp": {at_ms}, "input_length": {tokens_in}, "output_length": {tokens_out}, '
            f'"hash_ids": {self._blocks.ids(tokens_in, prefix, turn)}}}\n'
            for at_ms, tokens_in, tokens_out, prefix, turn in zip(
                stamps_ms,
                batch.input_tokens,
                batch.output_tokens,
                batch.prefix,
                batch.turn,
                strict=True,
            )
        )


SUFFIXES: Mapping[str, str] = {".csv": "azure", ".jsonl": "mooncake"}
"""Formats that can be written, by the end of a file's name."""


def lines_of(format_: str, starts_on: str = "monday") -> Lines:
    """Return the format called *format_*; *starts_on* is the weekday of time 0."""
    return AzureLines(starts_on) if format_ == "azure" else MooncakeLines()


def until(batches: Iterable[Batch], end_s: float) -> Iterator[Batch]:
    """Yield *batches* up to the first request that arrives at *end_s* or later."""
    for batch in batches:
        n = bisect_left(batch.arrived_at_s, end_s)
        if n < len(batch):
            if n:
                yield Batch(*(getattr(batch, name)[:n] for name in Batch.__slots__))
            return
        yield batch
