from __future__ import annotations

import pytest

from sim.serving.engine import Engine
from sim.serving.kvcache import KVCache
from sim.serving.sequence import Sequence
from tests.oracle.duel import timing


def engine(blocks: int = 4, slots: int = 2) -> Engine:
    return Engine(timing(8), KVCache(blocks, 4), max_num_seqs=slots, max_num_batched_tokens=8)


def ask(prompt: int, answer: int) -> Sequence:
    return Sequence(0, 0, 0.0, prompt, answer)


def test_the_last_token_needs_no_room() -> None:
    assert engine().refusal(ask(10, 7)) is None  # 16 tokens in 4 blocks of 4


def test_a_refusal_gives_the_numbers() -> None:
    assert engine().refusal(ask(10, 8)) == (
        "10 input and 8 output tokens need 5 KV blocks of 4 tokens; the replica has 4"
    )


def test_every_running_sequence_must_move_in_every_step() -> None:
    with pytest.raises(ValueError, match=r"max_num_batched_tokens \(3\) must be at least max_num"):
        Engine(timing(8), KVCache(4, 4), max_num_seqs=4, max_num_batched_tokens=3)


def test_who_finds_a_slot_does_not_wait() -> None:
    of = engine(slots=2)
    assert not of.would_wait()
    of.coming.append(ask(1, 1))
    assert (of.would_wait(), of.about_to_enter()) == (False, 1)
    of.coming.append(ask(1, 1))
    assert (of.would_wait(), of.about_to_enter()) == (True, 2)
    of.coming.append(ask(1, 1))
    assert (of.would_wait(), of.about_to_enter()) == (True, 2)


def test_behind_one_who_waits_all_wait() -> None:
    of = engine(slots=2)
    of.waiting.append(ask(1, 1))
    of.coming.append(ask(1, 1))
    assert (of.would_wait(), of.about_to_enter()) == (True, 0)
