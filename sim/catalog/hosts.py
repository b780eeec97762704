"""Hosts: what CPU, scheduler and sampler add to the kernels of a step; knows no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Any

from sim.catalog.datafiles import read_yaml
from sim.catalog.names import find


@dataclass(frozen=True, kw_only=True)
class Host:
    """Seconds that one serving stack adds per step, per sequence in it and per step with a prefill.

    `first_token_s` comes once per attempt and delays that attempt alone. The MoE factors correct
    the kernel tables of mixtures of experts: `moe_base_factor` multiplies G(1), `moe_sparse_factor`
    the growth of G from 1 to 256 tokens. `ranges` holds (lowest, highest) of each number over fits.
    """

    name: str
    per_step_s: float
    per_sequence_s: float
    per_prefill_step_s: float
    first_token_s: float
    moe_base_factor: float
    moe_sparse_factor: float
    ranges: Mapping[str, tuple[float, float]]
    source: str
    as_of: date


def host(name: str) -> Host:
    """Return the host called *name* (``none`` adds nothing); raises `UnknownName`.

    >>> host("vllm-0.19").first_token_s
    0.012
    """
    return find("host", name, _by_name())


def hosts() -> tuple[Host, ...]:
    """Return all hosts, in the order of the data file."""
    return tuple(_by_name().values())


@cache
def _by_name() -> dict[str, Host]:
    document = read_yaml("hosts.yaml")
    return {row["name"]: _host(row, document["as_of"]) for row in document["hosts"]}


def _host(row: dict[str, Any], as_of: date) -> Host:
    ranges = {name: (low, high) for name, (low, high) in row.pop("ranges").items()}
    return Host(**row, ranges=MappingProxyType(ranges), as_of=as_of)
