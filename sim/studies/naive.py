"""The naive benchmark: one warm replica in a closed loop, the throughput that price lists assume.

Holds a clock of its own for each loop. Every request has the same lengths, the prefix cache is off.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import simpy

from sim.cost.benchmark import Benchmark
from sim.cost.reference import ReferenceRates
from sim.fleet.build import build_batcher
from sim.scenario.node import Node
from sim.scenario.pool import Pool
from sim.serving.batcher import Batcher
from sim.serving.replica import Replica
from sim.serving.sequence import Sequence

GENERATIONS = 4
"""Least generations (as many answers as there are clients) that are counted after the first."""

COUNTED_S = 300.0
"""Least time that is counted, unless the loop repeats itself exactly."""

REPEATS = 8
"""So many whole generations of equal length in a row: the loop is periodic, more would add nothing.
It is what short answers do, of which five minutes may hold millions."""

SAME = 1e-9
"""Relative difference under which two lengths of a generation are equal but for rounding."""

FALLS = 2
"""Throughput that has fallen this many times running has passed its best concurrency."""


@dataclass(frozen=True)
class Loop:
    """What a closed loop showed in its counted time."""

    concurrency: int
    counted_s: float
    answers: int
    tokens_per_s: float
    rates: ReferenceRates


class LoopMeter:
    """Adds up answers; `answered` is told of each, in time order.

    Counting starts when the first generation is complete and stops with a whole one. Answers that
    end at one instant are counted together or not at all.
    """

    def __init__(self, concurrency: int) -> None:
        self.concurrency = concurrency
        self.seen = 0  # answers since the start, or since counting began
        self.began_at_s: float | None = None
        self.at_s = 0.0  # the instant whose answers are being added
        self.generations = 0
        self.ends_at_s: deque[float] = deque(maxlen=REPEATS + 1)  # of the last generations
        self.pre_s = self.rent_s = self.out_s = 0.0

    def answered(self, sequence: Sequence, at_s: float) -> bool:
        """Add an answer; True when an instant before it was the last to count (it is not added)."""
        if at_s > self.at_s and self._close():
            return True
        self.at_s = at_s
        self.seen += 1
        if self.began_at_s is not None:
            self.pre_s += sequence.prefill_s
            self.rent_s += sequence.rent_s
            self.out_s += sequence.decode_s
        return False

    def _close(self) -> bool:
        """End the present instant: begin to count, or see whether it was enough."""
        if self.began_at_s is None:
            if self.seen >= self.concurrency:
                self.began_at_s, self.seen = self.at_s, 0
                self.ends_at_s.append(self.at_s)
            return False
        generations, rest = divmod(self.seen, self.concurrency)
        if generations == self.generations:
            return False
        if rest or generations > self.generations + 1:
            self.ends_at_s.clear()  # answers overlap the generation's end
        self.generations = generations
        self.ends_at_s.append(self.at_s)
        if generations < GENERATIONS:
            return False
        return self.at_s - self.began_at_s >= COUNTED_S or self._repeats()

    def _repeats(self) -> bool:
        ends = list(self.ends_at_s)
        lengths = [after - before for before, after in pairwise(ends)]
        return len(lengths) == REPEATS and max(lengths) - min(lengths) <= SAME * max(lengths)

    def loop(self, input_tokens: int, output_tokens: int) -> Loop:
        """The loop's figures; attributed seconds are scaled to fill the counted time."""
        counted_s = self.at_s - (self.began_at_s or 0.0)
        attributed_s = self.pre_s + self.rent_s + self.out_s
        scale = counted_s / attributed_s / self.seen
        return Loop(
            concurrency=self.concurrency,
            counted_s=counted_s,
            answers=self.seen,
            tokens_per_s=self.seen * (input_tokens + output_tokens) / counted_s,
            rates=ReferenceRates(
                pre_s=self.pre_s * scale / input_tokens,
                rent_s=self.rent_s * scale / input_tokens,
                out_s=self.out_s * scale / output_tokens,
            ),
        )


def closed_loop(batcher: Batcher, input_tokens: int, output_tokens: int, concurrency: int) -> Loop:
    """Keep *concurrency* requests with one replica of *batcher* until enough is counted.

    A client sends its next request when the answer reaches it, so the host's time to the first
    token is part of the loop.
    """
    env = simpy.Environment()
    meter = LoopMeter(concurrency)
    enough = env.event()

    def send(_: object = None) -> None:
        refusal = replica.submit(Sequence(0, 0, env.now, input_tokens, output_tokens))
        if refusal is not None:
            raise ValueError(refusal)

    def on_done(sequence: Sequence) -> None:
        at_s = sequence.finished_at_s or env.now
        if enough.triggered:
            return
        if meter.answered(sequence, at_s):
            enough.succeed()
            return
        delay_s = at_s - env.now
        if delay_s > 0.0:
            env.timeout(delay_s).callbacks.append(send)
        else:
            send()

    replica = Replica(env, 0, batcher, on_done)
    for _ in range(concurrency):
        send()
    env.run(until=enough)
    return meter.loop(input_tokens, output_tokens)


def ladder(max_num_seqs: int) -> Iterator[int]:
    """Concurrencies 1, 2, 4 … up to and with *max_num_seqs*.

    >>> list(ladder(6))
    [1, 2, 4, 6]
    """
    concurrency = 1
    while concurrency < max_num_seqs:
        yield concurrency
        concurrency *= 2
    yield max_num_seqs


def best_loop(
    make: Callable[[], Batcher], input_tokens: int, output_tokens: int, max_num_seqs: int
) -> Loop:
    """The loop with the highest throughput; stops once it has fallen twice running."""
    best: Loop | None = None
    before, falls = 0.0, 0
    for concurrency in ladder(max_num_seqs):
        loop = closed_loop(make(), input_tokens, output_tokens, concurrency)
        falls = falls + 1 if loop.tokens_per_s < before else 0
        before = loop.tokens_per_s
        if best is None or loop.tokens_per_s > best.tokens_per_s:
            best = loop
        if falls >= FALLS:
            break
    assert best is not None  # the ladder has at least one rung
    return best


def benchmark(pool: Pool, input_tokens: int, output_tokens: int) -> Benchmark:
    """The benchmark of one replica of *pool*, at these lengths or at the pool's own `naive:`.

    With `naive: {total_tokens_per_s}` the throughput is the user's; the reference rates keep the
    proportions of the loop at these lengths and reproduce that throughput. Lengths that the KV
    cache cannot hold are cut to what it holds. Memoised: the loop does not depend on replicas,
    prices or routing.
    """
    given = pool.naive
    if given is None:
        return _measure(_engine_of(pool), input_tokens, output_tokens)
    if given.input_tokens is not None and given.output_tokens is not None:
        own = _measure(_engine_of(pool), given.input_tokens, given.output_tokens)
        return replace(own, source=f"{own.source}; lengths as given")
    measured = _measure(_engine_of(pool), input_tokens, output_tokens)
    tokens_per_s = given.total_tokens_per_s or measured.tokens_per_s
    return replace(
        measured,
        tokens_per_s=tokens_per_s,
        rates=measured.rates.scaled(measured.tokens_per_s / tokens_per_s),
        concurrency=0,
        source="throughput as given",
    )


_OF_ENGINE = (
    "model",
    "gpu",
    "tensor_parallel",
    "precision",
    "timing",
    "kv_tokens",
    "host",
    "compute_factor",
    "engine",
)
"""All that a single replica's speed depends on."""


def _engine_of(pool: Pool) -> Pool:
    """The pool with all else left to defaults, so that pools with the same engine are equal."""
    engine = {name: getattr(pool, name) for name in _OF_ENGINE}
    return Pool(**engine, node=Node(gpus=pool.tensor_parallel, usd_per_hour=1.0))


@lru_cache(maxsize=256)
def _measure(pool: Pool, input_tokens: int, output_tokens: int) -> Benchmark:
    room = _kv_tokens(build_batcher(pool, prefix_caching=False))
    cut = ""
    if input_tokens + output_tokens - 1 > room:  # the last token is never computed
        part = room / (input_tokens + output_tokens)
        input_tokens = max(1, int(input_tokens * part))
        output_tokens = max(1, int(output_tokens * part))
        cut = "; cut to what the KV cache holds"
    best = best_loop(
        lambda: build_batcher(pool, prefix_caching=False),
        input_tokens,
        output_tokens,
        pool.resolved_engine().max_num_seqs,
    )
    return Benchmark(
        tokens_per_s=best.tokens_per_s,
        rates=best.rates,
        concurrency=best.concurrency,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        source=f"closed loop of {input_tokens:,} input and {output_tokens:,} output tokens, "
        f"best at concurrency {best.concurrency:,}{cut}",
    )


def _kv_tokens(batcher: Batcher) -> int:
    return batcher.cache.blocks * batcher.cache.block_tokens
