"""KV hours: how long a route's tokens lay in the KV cache of a pool. Knows no clock.

Engines count blocks in use, not whose they are. So a pool's block-hours are divided: in proportion
to the token-seconds that the attempts which ended in the window must have held.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from sim.ledger.records import Columns
from sim.ledger.usage import PoolUsage, RouteUsage


def kv_token_s(c: Columns) -> np.ndarray:
    """Token-seconds of KV that each attempt held, as its times tell.

    While it decodes, from its first token to its end, its prompt and half of its answer; before
    that half of its prompt, for the seconds of prefill that it was charged. What it found in the
    prefix cache counts as its own, and what it held before a preemption does not count.
    """
    decoding_s = c["finished_at_s"] - c["first_token_at_s"]
    decoding_s = np.where(np.isnan(decoding_s), 0.0, np.maximum(decoding_s, 0.0))
    prompt = c["input_tokens"]
    prefill_s = c["prefill_s"] + c["cached_s"]
    held: np.ndarray = (prompt + 0.5 * c["generated"]) * decoding_s + 0.5 * prompt * prefill_s
    return held


def with_kv_hours(
    routes: Mapping[str, RouteUsage],
    token_s: Mapping[str, Mapping[str, float]],
    pools: Mapping[str, PoolUsage],
) -> dict[str, RouteUsage]:
    """Return *routes* with the block-hours of *pools* divided by *token_s*, by route and pool.

    Over the routes they sum to the pool's, unless no attempt ended there.
    """
    totals = {pool: math.fsum(of.get(pool, 0.0) for of in token_s.values()) for pool in pools}
    found = {}
    for name, route in routes.items():
        parts = {}
        for pool, part in route.by_pool.items():
            share = token_s[name][pool] / totals[pool] if totals[pool] > 0 else 0.0
            hours = pools[pool].kv_used_block_s / 3600.0 * share
            parts[pool] = replace(part, kv_block_hours=hours)
        found[name] = replace(route, by_pool=parts)
    return found
