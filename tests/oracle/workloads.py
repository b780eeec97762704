"""Hostile workloads: tiny caches and budgets, ties on a grid, storms, refusals, leaving clients."""

from __future__ import annotations

import random

from tests.oracle.duel import Ask, Setup, replace, timing


def flat_timing(max_tokens: int):
    """Every step lasts exactly 10 ms: all boundaries and arrivals may tie."""
    zero = dict.fromkeys(
        (
            "per_decode_s", "per_chunk_s", "per_context_token_s", "per_attention_pair_s",
            "per_prefill_context_token_s", "per_prefill_step_s", "first_token_s",
        ),
        0.0,
    )  # fmt: skip
    return timing(max_tokens, per_token=0.0, **zero)


def shared_prefix(draw: random.Random, prompt: int) -> tuple:
    """A path in a small tree of shared pieces: a key names its path and length, so its content."""
    pieces, left, path = [], prompt, ()
    for depth in range(draw.randint(1, 4)):
        if left <= 0:
            break
        branch = draw.randint(0, 1)
        length = min(left, (5, 9)[branch] * (depth + 1))
        path += (branch, length)
        pieces.append((path, length))
        left -= length
    return tuple(pieces)


def workload(draw: random.Random) -> tuple[Setup, list[Ask]]:
    """One engine and what it is asked, drawn from *draw*."""
    slots = draw.choice([1, 2, 3, 8, 32])
    budget = max(slots, draw.choice([slots, slots + 1, slots + 5, 64, 256]))
    size = draw.choice([1, 2, 4, 16])
    blocks = draw.choice([6, 10, 20, 50, 400])
    setup = Setup(
        timing(budget) if draw.random() < 0.7 else flat_timing(budget),
        blocks,
        size,
        slots,
        budget,
        caching=draw.random() < 0.7,
        asynchronous=draw.random() < 0.5,
        reserve=draw.random() < 0.7,
    )
    grid = draw.choice([0, 0.01, 0.0104])
    span = draw.choice([0.0, 0.1, 2, 20])
    ranks, leaving, sharing = draw.random() < 0.3, draw.random() < 0.4, draw.random() < 0.5
    longest_prompt = draw.choice([3, 40, blocks * size])
    longest_answer = draw.choice([1, 5, 60])
    asks = []
    for _ in range(draw.choice([1, 3, 10, 40])):
        at = draw.random() * span
        prompt = draw.randint(1, longest_prompt)
        leaves = draw.choice([1e-5, max(1e-5, draw.random()), 0.01 * draw.randint(1, 30)])
        asks.append(
            Ask(
                round(at / grid) * grid if grid else at,
                prompt,
                draw.randint(1, longest_answer),
                draw.randint(0, 2) if ranks else 0,
                shared_prefix(draw, prompt) if sharing and draw.random() < 0.8 else (),
                leaves if leaving and draw.random() < 0.4 else None,
            )
        )
    asks.sort(key=lambda ask: ask.arrival)
    return setup, talks(draw, asks) if draw.random() < 0.3 else asks


def talks(draw: random.Random, asks: list[Ask]) -> list[Ask]:
    """Make conversations of *asks*: each turn's prompt begins with the one before and goes on."""
    conversations = draw.choice([1, 2, 5])
    latest: dict[int, int] = {}
    turns: list[Ask] = []
    for place, ask in enumerate(asks):
        which = draw.randrange(conversations + 1)
        if which < conversations:
            resent = which % 2 == 0
            ask = replace(ask, talk=(which, resent))
            if which in latest:
                before = turns[latest[which]]
                turns[latest[which]] = replace(before, last=False)
                said = before.output if resent else draw.randint(0, before.output)
                said += before.prompt + draw.randint(1, ask.prompt)
                prefix, priority, turn = before.prefix, before.priority, before.turn + 1
                ask = replace(ask, prompt=said, prefix=prefix, priority=priority, turn=turn)
            latest[which] = place
        turns.append(ask)
    return turns
