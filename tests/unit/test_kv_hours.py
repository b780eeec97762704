"""Whose the KV blocks of a pool were."""

from __future__ import annotations

import math

import pytest
from attempts import DONE, columns

from sim.ledger.kv_hours import kv_token_s, with_kv_hours
from sim.ledger.usage import PoolUsage, RouteOnPool, RouteUsage


def test_token_seconds_by_hand() -> None:
    """100 + 5/2 tokens for the 4 s of decoding, and 50 for the 2 s of prefill."""
    rows = columns({**DONE, "prefill_s": 1.5, "cached_s": 0.5}, {}, {**DONE, "generated": 0})
    assert kv_token_s(rows).tolist() == [102.5 * 4 + 50 * 2, 0.0, 100 * 4]


def test_who_never_began_held_nothing() -> None:
    assert kv_token_s(columns({"finished_at_s": 9.0})).tolist() == [0.0]


def test_a_pool_s_blocks_are_divided_among_its_routes() -> None:
    on = {"p": RouteOnPool(), "q": RouteOnPool()}
    routes = {"a": RouteUsage(by_pool=on), "b": RouteUsage(by_pool={"p": RouteOnPool()})}
    token_s = {"a": {"p": 30.0, "q": 0.0}, "b": {"p": 10.0}}
    pools = {name: PoolUsage(kv_used_block_s=7200.0) for name in ("p", "q", "idle")}
    found = with_kv_hours(routes, token_s, pools)
    hours = {n: {p: part.kv_block_hours for p, part in r.by_pool.items()} for n, r in found.items()}
    assert hours == {"a": {"p": 1.5, "q": 0.0}, "b": {"p": 0.5}}
    assert math.fsum(h["p"] for h in hours.values()) == pytest.approx(7200 / 3600)
