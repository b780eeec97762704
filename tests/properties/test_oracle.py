"""The fast engine against the plain loop: every timestamp, every charged second, at 1e-9."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.serving import batcher as batcher_module
from sim.serving import charges, departures, preemption, replica
from sim.serving.batcher import Batcher
from sim.serving.decodes import DecodeSet
from sim.serving.holding import Holding
from sim.serving.kvcache import KVCache
from sim.serving.run import TICK_S, Run
from sim.serving.waiting import WaitingLine
from tests.oracle.duel import Ask, Setup, differences, engine, timing
from tests.oracle.workloads import workload

SEEDS = 1_500
PER_TEST = 250


@pytest.mark.parametrize("first", range(0, SEEDS, PER_TEST))
def test_random_workloads(first: int) -> None:
    for seed in range(first, first + PER_TEST):
        setup, asks = workload(random.Random(seed))
        assert differences(setup, asks) == [], f"seed {seed}: {setup}"


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.randoms(use_true_random=False))
def test_drawn_workloads(draw: random.Random) -> None:
    setup, asks = workload(draw)
    assert differences(setup, asks) == []


def test_a_preemption_storm_ends() -> None:
    """Sixty long answers in a cache for two: all complete, whatever it costs."""
    setup = Setup(timing(64), 20, 4, 32, 64)
    asks = [Ask(0.0, 8, 60) for _ in range(60)]
    assert differences(setup, asks) == []
    sequences, core, _ = engine(setup, asks)
    assert core.preemptions > 20
    assert all(s.generated == 60 for s in sequences)


# -- each rule broken once on purpose ------------------------------------------------------------


def _last_come_first_served(patch):
    patch.setattr(WaitingLine, "append", WaitingLine.put_back)


def _preempted_to_the_back(patch):
    patch.setattr(WaitingLine, "put_back", WaitingLine.append)


def _priorities_ignored(patch):
    original = Batcher.submit

    def submit(self, sequence):
        sequence.priority = 0
        return original(self, sequence)

    patch.setattr(Batcher, "submit", submit)


def _first_is_the_victim(patch):
    patch.setattr(preemption, "last_in_order", lambda engine: next(iter(engine.running)))


def _admission_after_preemption(patch):
    original = batcher_module.compose_short

    def compose(engine):
        chunks = original(engine)
        head = engine.waiting.head()
        if chunks is not None and head is not None:
            spent = engine.decodes.size + sum(n for _, n in chunks)
            batcher_module.admit(engine, head, engine.max_num_batched_tokens - spent, chunks)
        return chunks

    patch.setattr(batcher_module, "compose_short", compose)


def _stalled_ones_move(patch):
    patch.setattr(preemption, "stall", lambda engine, rest: None)


def _input_not_reserved(patch):
    original = Batcher.__init__

    def init(self, *args, **kwargs):
        original(self, *args, **{**kwargs, "reserve_full_input": False})

    patch.setattr(Batcher, "__init__", init)


def _sees_at_once(patch):
    original = Batcher.__init__

    def init(self, *args, **kwargs):
        original(self, *args, **{**kwargs, "async_scheduling": False})

    patch.setattr(Batcher, "__init__", init)


def _aborted_token_is_emitted(patch):
    original = departures.drop_running

    def drop(engine, sequence, computed_now):
        decoding = sequence.state is batcher_module.DECODE
        original(engine, sequence, computed_now)
        sequence.generated += decoding

    patch.setattr(departures, "drop_running", drop)


def _head_first_into_the_queue(patch):
    original = KVCache._release_blocks
    patch.setattr(KVCache, "_release_blocks", lambda self, held: original(self, held[::-1]))


def _last_token_from_the_cache(patch):
    original = KVCache.find

    def find(self, sequence):
        sequence.generated += 1
        try:
            return original(self, sequence)
        finally:
            sequence.generated -= 1

    patch.setattr(KVCache, "find", find)


def _nothing_found(patch):
    patch.setattr(KVCache, "find", lambda self, sequence: (Holding(), None, 0))


def _later_turns_find_what_was_not_resent(patch):
    original = KVCache._remember

    def remember(self, segment):
        segment.lasting = segment.whole
        original(self, segment)

    patch.setattr(KVCache, "_remember", remember)


def _an_ended_turn_is_forgotten(patch):
    original = KVCache.release

    def release(self, sequence, tokens, computed, *, again):
        ended = sequence.generated == sequence.output_tokens
        original(self, sequence, tokens, computed, again=again and not ended)

    patch.setattr(KVCache, "release", release)


def _nothing_forgotten(patch):
    patch.setattr(KVCache, "_forget", lambda self, block: None)


def _a_bundle_outlives_its_holders(patch):
    original = KVCache._leave_bundle

    def leave(self, bundle):
        original(self, bundle)
        bundle.piece.bundle = bundle

    patch.setattr(KVCache, "_leave_bundle", leave)


def _a_bundle_is_left_by_all_at_once(patch):
    def leave(self, bundle):
        bundle.holders = 0
        self._release_blocks(bundle.blocks)

    patch.setattr(KVCache, "_leave_bundle", leave)


def _found_a_step_late(patch):
    original = KVCache.learn
    patch.setattr(
        KVCache, "learn", lambda self, s, tokens: original(self, s, tokens - self.block_tokens)
    )


def _context_does_not_grow(patch):
    original = Batcher._plan_run

    def plan(self):
        seconds = original(self)
        if seconds is not None:
            run = self.run
            seconds, run.growth_s = run.count * run.first_s, 0.0
        return seconds

    patch.setattr(Batcher, "_plan_run", plan)


def _cut_a_step_late(patch):
    original = Run.boundary_after
    patch.setattr(Run, "boundary_after", lambda self, at_s: original(self, at_s) + 1)


def _rounding_decides(patch):
    original = Run.boundary_after
    patch.setattr(Run, "boundary_after", lambda self, at_s: original(self, at_s + TICK_S * 1.5))


def _run_past_the_last_block(patch):
    patch.setattr(DecodeSet, "steps_within", lambda self, free, count: count)


def _block_a_token_early(patch):
    original = DecodeSet.enter

    def enter(self, sequence):
        sequence.computed += 1
        original(self, sequence)
        sequence.computed -= 1
        self.context -= 1

    patch.setattr(DecodeSet, "enter", enter)


def _last_token_computed(patch):
    original = DecodeSet.enter

    def enter(self, sequence):
        sequence.generated -= 1
        original(self, sequence)
        sequence.generated += 1

    patch.setattr(DecodeSet, "enter", enter)


def _refused_a_token_early(patch):
    original = replica.Replica.submit

    def submit(self, sequence):
        tokens = sequence.input_tokens + sequence.output_tokens
        return "too long" if tokens > self.batcher.most_tokens else original(self, sequence)

    patch.setattr(replica.Replica, "submit", submit)


def _engine_waits_for_the_first_token(patch):
    original = Batcher._plan_step

    def plan(self, chunks):
        return original(self, chunks) + (self.timing.first_token_s if chunks else 0.0)

    patch.setattr(Batcher, "_plan_step", plan)


def _recomputation_is_not_waste(patch):
    patch.setattr(charges, "_waste", lambda sequence, n, own_s, cached_s: None)


def _cached_tokens_read_for_free(patch):
    original = batcher_module.charge_chunks

    def charge(chunks, per_token_s, step):
        total_s = 0.0
        for sequence, n in chunks:
            sequence.cached_input, kept = 0, sequence.cached_input
            total_s += original([(sequence, n)], per_token_s, step)
            sequence.cached_input = kept
        return total_s

    patch.setattr(batcher_module, "charge_chunks", charge)


def _shared_by_token_instead_of_shapley(patch):
    original = batcher_module.charge_chunks

    def charge(chunks, per_token_s, step):
        return original(chunks, per_token_s * 0.99, step) + 0.01 * per_token_s * sum(
            n for _, n in chunks
        )

    patch.setattr(batcher_module, "charge_chunks", charge)


FAULTS = [
    value
    for name, value in sorted(globals().items())
    if name.startswith("_") and not name.startswith("__") and callable(value)
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.__name__.strip("_"))
def test_every_broken_rule_is_caught(fault, monkeypatch: pytest.MonkeyPatch) -> None:
    fault(monkeypatch)
    for seed in range(1_500):
        setup, asks = workload(random.Random(seed))
        try:
            if differences(setup, asks):
                return
        except (AssertionError, IndexError, KeyError, ValueError, ZeroDivisionError):
            return  # a broken engine may also break down
    pytest.fail("the plain loop did not notice")
