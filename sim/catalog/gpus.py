"""GPUs: cards that can be rented, and how each relates to the step-time tables; knows no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sim.catalog.datafiles import read_yaml
from sim.catalog.names import UnknownName, find

GIB = 2**30
"""Bytes in a GiB."""


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One kind of card: memory as the driver shows it, link in one direction, dense FLOPS.

    `table` names the card on which its step-time tables were taken; `compute_factor` is what the
    compute part of those tables is multiplied by on this card under load (1: as tabulated), with
    its plausible range. `max_num_batched_tokens` and `max_num_seqs` are vLLM's own defaults on it.
    """

    name: str
    table: str
    memory_gib: float
    memory_bytes_per_s: float
    bf16_flops_per_s: float
    fp8_flops_per_s: float | None
    link_bytes_per_s: float
    compute_factor: float
    compute_factor_range: tuple[float, float]
    compute_factor_measured: bool
    compute_factor_note: str
    max_num_batched_tokens: int
    max_num_seqs: int
    source: str
    as_of: date

    @property
    def memory_bytes(self) -> float:
        """Usable memory in bytes."""
        return self.memory_gib * GIB


def gpu(name: str) -> Gpu:
    """Return the card called *name*; raises `UnknownName`.

    >>> gpu("h100-nvl").compute_factor
    1.6
    """
    return find("GPU", name, _by_name())


def gpus() -> tuple[Gpu, ...]:
    """Return all cards, in the order of the data file."""
    return tuple(_by_name().values())


def card_of_table(table: str) -> Gpu:
    """Return the card on which the tables called *table* (say ``h100_sxm``) were taken."""
    for card in gpus():
        if card.table == table:  # the data file lists it before the cards that borrow from it
            return card
    raise UnknownName("GPU of step-time tables", table, dict.fromkeys(c.table for c in gpus()))


@cache
def _by_name() -> dict[str, Gpu]:
    document = read_yaml("gpus.yaml")
    return {row["name"]: _gpu(row, document["as_of"]) for row in document["gpus"]}


def _gpu(row: dict[str, Any], as_of: date) -> Gpu:
    low, high = row.pop("compute_factor_range")
    return Gpu(**row, compute_factor_range=(low, high), as_of=as_of)
