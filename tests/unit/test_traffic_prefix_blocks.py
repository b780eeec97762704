"""Prefix blocks: ids are equal exactly where 512 tokens and all before them are, token by token."""

from __future__ import annotations

import random
import subprocess
import sys

from sim.serving.turn import Turn
from sim.traffic.prefix_blocks import BLOCK_TOKENS, PrefixBlocks

Token = tuple[object, int]
"""What is said, and its place in it: tokens are equal exactly if these are."""

TEMPLATES = {"chat": 1_300, "code": 512, "titles": 100}


def conversation(draw: random.Random, name: int, turns: int) -> list[tuple[str, Turn, list[Token]]]:
    """Return (route, turn, tokens of the prompt) of a conversation that sends everything again."""
    route = draw.choice(list(TEMPLATES))
    template = [("template", route, place) for place in range(TEMPLATES[route])]
    said: list[Token] = []
    found = []
    for number in range(turns):
        said += [(f"user {name}.{number}", place) for place in range(draw.randrange(1, 900))]
        place = Turn((route, name), (route, name), number + 1 < turns, True)
        found.append((route, place, [*template, *said]))
        said += [(f"answer {name}.{number}", place) for place in range(draw.randrange(1, 900))]
    return found


def test_ids_are_equal_where_all_tokens_up_to_a_block_s_end_are() -> None:
    draw = random.Random(3)
    prompts = [p for name in range(12) for p in conversation(draw, name, draw.randrange(1, 6))]
    blocks = PrefixBlocks()
    by_id: dict[int, list[Token]] = {}
    owners: dict[tuple[Token, ...], int] = {}
    shared = 0
    for route, turn, tokens in prompts:
        prefix = ((("template", route), TEMPLATES[route]),)
        ids = blocks.ids(len(tokens), prefix, turn)
        assert len(ids) == -(-len(tokens) // BLOCK_TOKENS)
        for index, one in enumerate(ids):
            head = tokens[: (index + 1) * BLOCK_TOKENS]
            assert by_id.setdefault(one, head) == head  # equal ids: equal content
            if len(head) % BLOCK_TOKENS == 0:
                shared += tuple(head) in owners
                assert owners.setdefault(tuple(head), one) == one  # equal content: equal ids
    assert shared > 50


def test_single_requests_share_their_template_s_whole_blocks_alone() -> None:
    blocks = PrefixBlocks()
    prefix = ((("template", "chat"), 1_300),)
    one, two = blocks.ids(2_000, prefix, None), blocks.ids(1_400, prefix, None)
    assert one[:2] == two[:2]
    assert not {*one[2:]} & {*two[2:]}
    assert blocks.ids(700, None, None) == [3, 4]  # counted from 0, two and one before


def test_pieces_of_a_trace_keep_their_ids() -> None:
    pieces = ((("x", 0, 7), 512), (("x", 0, 9), 512), (("x", 0, 11), 76))
    blocks = PrefixBlocks()
    one, two = blocks.ids(1_100, pieces, None), blocks.ids(1_024, pieces[:2], None)
    assert one[:2] == two
    assert one[0] != one[1]


def test_ids_are_the_same_in_every_process_and_exact_in_every_reader() -> None:
    call = "PrefixBlocks().ids(1200, ((('template', 'chat'), 1100),), None)"
    code = f"from sim.traffic.prefix_blocks import PrefixBlocks; print({call})"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ids = PrefixBlocks().ids(1200, ((("template", "chat"), 1100),), None)
    assert told.stdout == f"{ids}\n"
    assert max(ids) < 2**53
