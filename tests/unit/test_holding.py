"""Shared blocks held whole: in blocks of 4 tokens, a head of 8."""

from sim.serving.holding import Block, Bundle, Holding, Piece
from sim.serving.kvcache import KVCache
from sim.serving.sequence import Prefix, Sequence
from tests.unit.engines import ask

HEAD: Prefix = (("head", 8),)


def piece_of(blocks: int) -> Piece:
    piece = Piece("head")
    piece.copies = {index: [Block(piece, index)] for index in range(blocks)}
    return piece


def admit(cache: KVCache, number: int, prefix: Prefix = HEAD) -> Sequence:
    sequence = ask(number, 0.0, 13, 5, prefix)
    shared, segment, private = cache.find(sequence)
    cache.hold(sequence, shared, segment, private)
    cache.take(cache.blocks_of(13) - len(shared) - private)
    cache.learn(sequence, 13)
    cache.check()
    return sequence


def leave(cache: KVCache, sequence: Sequence) -> None:
    cache.release(sequence, 13, 13, again=False)
    cache.check()


def test_a_whole_piece_is_one_bundle() -> None:
    holding = Holding()
    assert holding.extend(piece_of(3), 3)
    assert (len(holding), len(holding.bundles), holding.blocks) == (3, 1, [])


def test_of_a_piece_known_in_part_the_blocks_count_one_by_one() -> None:
    holding = Holding()
    assert not holding.extend(piece_of(3), 4)
    assert (len(holding), holding.bundles, len(holding.blocks)) == (3, [], 3)


def test_the_oldest_copy_is_the_one_that_is_held() -> None:
    piece = piece_of(1)
    oldest = piece.copies[0][0]
    piece.copies[0].append(Block(piece, 0))
    holding = Holding()
    holding.extend(piece, 1)
    assert holding.bundles[0].blocks == [oldest]


def test_a_bundle_that_others_hold_is_joined_if_it_is_as_long() -> None:
    piece = piece_of(3)
    piece.bundle = Bundle(piece, [piece.copies[i][0] for i in range(3)])
    same, shorter = Holding(), Holding()
    assert same.extend(piece, 3)
    assert same.bundles == [piece.bundle]
    assert shorter.extend(piece, 2)
    assert shorter.bundles != [piece.bundle]
    assert len(shorter) == 2


def test_blocks_that_nobody_holds_are_idle() -> None:
    piece = piece_of(3)
    piece.copies[1][0].refs = 0
    whole, part = Holding(), Holding()
    whole.extend(piece, 3)
    part.extend(piece, 4)
    assert (whole.idle(), part.idle()) == (1, 1)
    whole.bundles[0].holders = 1
    assert whole.idle() == 0


def test_added_blocks_can_be_given_up() -> None:
    piece = piece_of(2)
    holding = Holding()
    holding.extend(piece, 2)
    holding.add(block := Block(piece, 2))
    assert len(holding) == 3
    assert holding.pop() is block
    assert len(holding) == 2


def test_all_holders_of_a_bundle_count_as_one_on_its_blocks() -> None:
    cache = KVCache(20, 4)
    first, second, third = (admit(cache, number) for number in range(3))
    assert second.shared is not None
    assert third.shared is not None
    assert second.shared.bundles == third.shared.bundles
    assert [block.refs for block in second.shared.bundles[0].blocks] == [2, 2]
    leave(cache, first)
    leave(cache, second)
    assert cache.free == 16
    leave(cache, third)
    assert cache.free == 20


def test_a_bundle_ends_with_its_last_holder_and_can_be_forgotten() -> None:
    cache = KVCache(4, 4)
    for number in (0, 1):
        leave(cache, admit(cache, number))
    cache.take(4)
    cache.give(4)
    assert len(cache.find(ask(2, 0.0, 13, 5, HEAD))[0]) == 0
