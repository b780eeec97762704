"""Cached share: of the hashes themselves, and of what a replay gives to the engine."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sim.workload.cached import CachedShare, cached_share, found_tokens
from sim.workload.cached_rows import LIMITED, UNLIMITED, cached_rows, replayed_share
from sim.workload.requests import read


def test_only_a_run_from_the_head_counts() -> None:
    tokens = np.array([1024, 1024, 1300, 1024, 700])
    prefixes = [(1, 2), (1, 3), (1, 2, 9), (7, 2), None]
    assert found_tokens(tokens, prefixes, None) == [0, 512, 1024, 0, 0]


def test_the_last_block_counts_as_long_as_the_prompt_is() -> None:
    assert found_tokens(np.array([600, 600]), [(1, 2), (1, 2)], None) == [0, 600]


def test_a_small_cache_forgets_what_was_not_used_for_longest() -> None:
    tokens = np.full(4, 512)
    assert found_tokens(tokens, [(1,), (2,), (1,), (2,)], 1) == [0, 0, 0, 0]
    assert found_tokens(tokens, [(1,), (2,), (1,), (2,)], 2) == [0, 0, 512, 512]
    assert found_tokens(np.full(5, 512), [(1,), (2,), (1,), (3,), (1,)], 2) == [0, 0, 512, 0, 512]


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    rng = np.random.default_rng(7)
    path = tmp_path / "mooncake.jsonl"
    rows = []
    for n in range(400):
        blocks = [0, *sorted({int(b) for b in rng.zipf(1.6, 3) if b < 5000})]
        length = 512 * len(blocks) - int(rng.integers(0, 500))
        rows.append({"timestamp": n, "input_length": length, "output_length": 5,
                     "hash_ids": blocks})  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_replay_finds_just_what_the_hashes_say(trace: Path) -> None:
    requests = read(trace)
    cached = cached_share(requests)
    assert cached is not None
    assert 0.2 < cached.unlimited < cached.second_half < 1.0
    unlimited, limited = cached_rows(trace, cached)
    assert (unlimited.metric, limited.metric) == (UNLIMITED, LIMITED)
    assert unlimited.value == cached.unlimited
    assert unlimited.met
    assert limited.met
    assert limited.value == 0.0


def test_another_share_than_the_replays_is_a_miss(trace: Path) -> None:
    wrong = CachedShare(0.5, 0.5, {1000: 0.5})
    assert [row.met for row in cached_rows(trace, wrong)] == [False, False]
    assert replayed_share([(512, (("a", 512),)), (600, (("a", 512), ("b", 88)))], None) == (
        512 / 1112
    )


def test_without_hashes_there_is_nothing_to_say(tmp_path: Path) -> None:
    path = tmp_path / "plain.csv"
    path.write_text("time,input_tokens,output_tokens\n0,5,5\n1,5,5\n")
    assert cached_share(read(path)) is None
    assert [row.met for row in cached_rows(path, None)] == [None, None]
