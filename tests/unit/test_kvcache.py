"""Blocks of 4 tokens throughout; `admit` and `leave` do what the batcher does."""

import pytest

from sim.serving.holding import Holding
from sim.serving.kvcache import KVCache
from sim.serving.sequence import Prefix, Sequence
from tests.unit.engines import ask

SIZE = 4
HEAD: Prefix = (("head", 8),)


def cache_of(blocks: int, *, caching: bool = True) -> KVCache:
    return KVCache(blocks, SIZE, caching=caching)


def prompt(number: int, tokens: int, prefix: Prefix | None = None, route: int = 0) -> Sequence:
    return ask(number, 0.0, tokens, 5, prefix, route=route)


def found(cache: KVCache, sequence: Sequence) -> int:
    """Cached tokens that *sequence* would find."""
    shared, _, private = cache.find(sequence)
    return SIZE * (len(shared) + private)


def admit(cache: KVCache, sequence: Sequence) -> int:
    """Hold what is found, take and compute the rest of the prompt; return the found tokens."""
    shared, segment, private = cache.find(sequence)
    cache.hold(sequence, shared, segment, private)
    held = len(shared) + private
    sequence.computed = sequence.input_tokens + sequence.generated
    cache.take(cache.blocks_of(sequence.computed) - held)
    cache.learn(sequence, sequence.computed)
    cache.check()
    return SIZE * held


def leave(cache: KVCache, sequence: Sequence, *, again: bool = True) -> None:
    cache.release(sequence, sequence.computed, sequence.computed, again=again)
    sequence.computed = 0
    cache.check()


def test_blocks_of_tokens() -> None:
    assert [cache_of(9).blocks_of(tokens) for tokens in (0, 1, 4, 5, 8)] == [0, 1, 1, 2, 2]


def test_blocks_are_taken_and_given_back() -> None:
    cache = cache_of(10)
    one, two = prompt(1, 9), prompt(2, 16)
    admit(cache, one)
    assert cache.free == 7
    admit(cache, two)
    assert cache.free == 3
    leave(cache, one)
    assert cache.free == 6
    leave(cache, two, again=False)
    assert cache.free == 10


def test_the_last_block_can_be_taken() -> None:
    cache = cache_of(3)
    cache.take(3)
    assert cache.free == 0
    cache.take(0)
    cache.check()


def test_own_content_is_found_again_in_whole_blocks() -> None:
    cache = cache_of(10)
    one = prompt(1, 11)
    assert admit(cache, one) == 0
    leave(cache, one)
    assert admit(cache, one) == 8
    assert cache.free == 7


def test_the_last_token_is_never_found() -> None:
    """It must be computed, since its step emits the first new token."""
    cache = cache_of(10)
    one = prompt(1, 8)
    admit(cache, one)
    leave(cache, one)
    assert found(cache, one) == 4
    one.generated = 1  # now the last token is another one
    assert found(cache, one) == 8


def test_own_content_is_one_s_own() -> None:
    cache = cache_of(10)
    admit(cache, one := prompt(1, 8))
    leave(cache, one)
    assert found(cache, prompt(2, 8)) == 0
    assert found(cache, prompt(1, 8, route=1)) == 0
    assert found(cache, prompt(1, 8)) == 4  # another attempt at the same request


def test_what_nobody_asks_for_again_is_not_remembered() -> None:
    cache = cache_of(10)
    admit(cache, one := prompt(1, 8))
    leave(cache, one, again=False)
    assert found(cache, one) == 0


def test_without_caching_nothing_is_remembered() -> None:
    cache = cache_of(10, caching=False)
    admit(cache, one := prompt(1, 12, HEAD))
    assert found(cache, prompt(2, 12, HEAD)) == 0
    leave(cache, one)
    assert found(cache, one) == 0
    assert cache.free == 10


def test_free_blocks_are_forgotten_from_the_tail() -> None:
    cache = cache_of(3)
    admit(cache, one := prompt(1, 12))
    leave(cache, one)
    one.generated = 1
    for left in (12, 8, 4, 0):
        assert found(cache, one) == left
        if left:
            cache.take(1)
            cache.check()


def test_who_left_first_is_forgotten_first() -> None:
    cache = cache_of(5)
    one, two = prompt(1, 9), prompt(2, 8)
    for sequence in (one, two):
        admit(cache, sequence)
    for sequence in (one, two):
        leave(cache, sequence)
    cache.take(3)
    assert (found(cache, one), found(cache, two)) == (0, 4)
    cache.take(1)
    assert found(cache, two) == 4  # of its two blocks the second is gone, the first is enough
    cache.take(1)
    assert found(cache, two) == 0


def test_unused_blocks_go_before_remembered_ones() -> None:
    cache = cache_of(5)
    admit(cache, one := prompt(1, 8))
    leave(cache, one)
    cache.take(3)
    assert found(cache, one) == 4
    cache.check()


def test_holding_takes_out_of_the_queue_and_forgets_the_rest() -> None:
    """Found: 8 of 12 remembered tokens (all but the last). The third block is only free."""
    cache = cache_of(3)
    admit(cache, one := prompt(1, 12))
    leave(cache, one)
    shared, segment, private = cache.find(one)
    cache.hold(one, shared, segment, private)
    assert (private, cache.free) == (2, 1)
    assert found(cache, one) == 0
    cache.take(1)
    cache.check()


def test_a_second_memory_of_the_same_content_replaces_the_first() -> None:
    cache = cache_of(12)
    first, second = prompt(1, 8), prompt(1, 12)
    admit(cache, first)
    admit(cache, second)
    leave(cache, first)
    leave(cache, second)
    assert found(cache, second) == 8
    assert cache.free == 12
    cache.take(12)
    assert found(cache, second) == 0
    cache.check()


def test_shared_content_is_found_while_another_holds_it() -> None:
    cache = cache_of(10)
    one, two = prompt(1, 12, HEAD), prompt(2, 12, HEAD)
    assert admit(cache, one) == 0
    assert admit(cache, two) == 8
    assert cache.free == 10 - 3 - 1  # the two blocks of the head count once
    leave(cache, one)
    assert cache.free == 10 - 3
    leave(cache, two)
    assert cache.free == 10
    assert found(cache, prompt(3, 12, HEAD)) == 8


def test_shared_content_too_is_never_found_to_the_last_token() -> None:
    cache = cache_of(10)
    admit(cache, prompt(1, 12, HEAD))
    assert found(cache, prompt(2, 8, HEAD)) == 4


def test_free_shared_blocks_are_forgotten_from_the_tail_after_what_is_one_s_own() -> None:
    cache = cache_of(4)
    admit(cache, one := prompt(1, 16, (("head", 12),)))
    leave(cache, one)
    other = prompt(2, 16, (("head", 12),))
    for left in (12, 12, 8, 4, 0):
        assert found(cache, other) == left
        if cache.free:
            cache.take(1)
            cache.check()


def test_shared_blocks_that_are_held_again_are_not_forgotten() -> None:
    cache = cache_of(4)
    admit(cache, one := prompt(1, 8, HEAD))
    leave(cache, one)
    two = prompt(2, 9, HEAD)
    assert admit(cache, two) == 8
    cache.take(1)  # the last free block
    assert cache.free == 0
    assert found(cache, prompt(3, 9, HEAD)) == 8
    leave(cache, two)
    assert cache.free == 3
    cache.take(1)  # its own, the first it gave back
    assert found(cache, prompt(3, 9, HEAD)) == 8
    cache.take(1)
    assert found(cache, prompt(3, 9, HEAD)) == 4


@pytest.mark.parametrize(
    ("other", "tokens"),
    [
        ((("head", 6), ("a", 6)), 12),
        ((("head", 6), ("b", 6)), 4),  # the second block begins in the head and ends beyond it
        ((("tail", 6), ("a", 6)), 0),
        ((("head", 6),), 4),
        (None, 0),
    ],
)
def test_a_block_belongs_to_the_piece_that_it_ends_in(other: Prefix | None, tokens: int) -> None:
    cache = cache_of(20)
    admit(cache, prompt(1, 13, (("head", 6), ("a", 6))))
    assert found(cache, prompt(2, 13, other)) == tokens


def test_what_is_known_behind_something_unknown_is_of_no_use() -> None:
    cache = cache_of(8)
    admit(cache, prompt(1, 9, (("a", 4), ("b", 4))))
    assert found(cache, prompt(2, 9, (("a", 4), ("b", 4)))) == 8
    assert found(cache, prompt(2, 9, (("c", 4), ("b", 4)))) == 0


def test_of_two_copies_one_is_enough() -> None:
    """Two that compute the same content in the same step each have their own."""
    cache = cache_of(6)
    one, two = prompt(1, 9, HEAD), prompt(2, 9, HEAD)
    cache.take(6)
    for sequence in (one, two):
        sequence.shared = Holding()
        cache.learn(sequence, 9)
        sequence.computed = 9
    leave(cache, one)
    assert cache.free == 3
    cache.take(3)  # forgets the first copy
    assert found(cache, prompt(3, 9, HEAD)) == 8
    leave(cache, two)
    cache.take(3)
    assert found(cache, prompt(3, 9, HEAD)) == 0


def test_shared_content_is_learnt_block_by_block() -> None:
    cache = cache_of(10)
    one = prompt(1, 13, (("head", 12),))
    one.shared = Holding()
    cache.take(3)
    for tokens, known in ((3, 0), (4, 4), (11, 8), (12, 12), (13, 12)):
        cache.learn(one, tokens)
        assert found(cache, prompt(2, 13, one.prefix)) == known


def test_what_a_step_will_not_compute_is_unlearnt() -> None:
    cache = cache_of(10)
    one = prompt(1, 13, (("head", 12),))
    one.shared = Holding()
    cache.take(3)
    cache.learn(one, 12)
    cache.unlearn(one, 5)
    assert found(cache, prompt(2, 13, one.prefix)) == 4
    cache.release(one, 12, 5, again=True)
    assert cache.free == 10
    cache.check()


def test_a_preempted_one_finds_its_shared_and_its_own_content() -> None:
    cache = cache_of(10)
    one = prompt(1, 14, HEAD)
    admit(cache, one)
    leave(cache, one)
    one.generated = 3
    assert admit(cache, one) == 12  # 8 shared, 4 its own; 14 and 15 were no whole block
    assert cache.free == 5


def test_own_content_behind_a_forgotten_head_is_of_no_use() -> None:
    cache = cache_of(4)
    admit(cache, one := prompt(1, 16, HEAD))
    leave(cache, one)
    admit(cache, two := prompt(2, 12))  # forgets its own, then the second block of the head
    leave(cache, two, again=False)
    assert found(cache, one) == 4
