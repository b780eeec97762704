"""Batcher: which sequences move in the next engine steps, and what a step does to them.

A synchronous state machine without a clock: its owner calls `start` at a step boundary, waits until
`end_s`, and calls `finish`. It follows vLLM's V1 scheduler. Two cases:

* a *step* with prefill or preemption visits its chunks and victims, never the decoding sequences;
* a *run* is several steps in which all decode, as one closed form. It ends at the first last token,
  before the first step that would lack a block, or at the boundary to which an arrival or an abort
  cuts it.

If nobody leaves at a step's end, its effects are known when it begins: they are booked at once and
the run that follows is planned with it, so that most prefills cost their owner no waiting of its own.
"""

from __future__ import annotations

from collections import deque

from sim.serving.charges import Chunks, charge_chunks
from sim.serving.decodes import DecodeSet
from sim.serving.kvcache import KVCache
from sim.serving.run import TICK_S, Run
from sim.serving.sequence import Outcome, Sequence, State
from sim.serving.timing import StepTiming
from sim.serving.waiting import WaitingLine

WAITING, PREFILL, DECODE, GONE = State.WAITING, State.PREFILL, State.DECODE, State.GONE
COMPLETED = Outcome.COMPLETED


class Queue:
    """How many sequences wait, over all replicas that share this count."""

    __slots__ = ("length",)

    def __init__(self) -> None:
        self.length = 0


class Batcher:
    """The engine of one replica.

    Parameters
    ----------
    timing
        Seconds per step.
    cache
        KV blocks.
    max_num_seqs, max_num_batched_tokens
        Most sequences that run at once, and most new tokens of a step; the second is at least the
        first, so that every running sequence moves in every step.
    async_scheduling
        A step is composed when the one before it starts, so that an arrival during a step waits
        for the next but one.
    reserve_full_input
        Admit only what finds blocks for all its prompt and generated tokens.
    queue
        Counts who waits here, perhaps together with others of the same pool.
    """

    def __init__(
        self,
        timing: StepTiming,
        cache: KVCache,
        *,
        max_num_seqs: int,
        max_num_batched_tokens: int,
        async_scheduling: bool = True,
        reserve_full_input: bool = True,
        queue: Queue | None = None,
    ) -> None:
        if max_num_batched_tokens < max_num_seqs:
            raise ValueError(
                f"max_num_batched_tokens ({max_num_batched_tokens}) must be at least "
                f"max_num_seqs ({max_num_seqs})"
            )
        self.timing = timing
        self.cache = cache
        self.max_num_seqs = max_num_seqs
        self.max_num_batched_tokens = max_num_batched_tokens
        self.async_scheduling = async_scheduling
        self.reserve_full_input = reserve_full_input
        self.queue = queue if queue is not None else Queue()

        self.running: dict[Sequence, None] = {}  # in order of admission
        self.decodes = DecodeSet(cache.block_tokens, timing.per_context_token_s)
        self.prefilling: Sequence | None = None  # the one unfinished prefill, last in `running`
        self.most_tokens = cache.blocks * cache.block_tokens
        self.waiting = WaitingLine()
        self.coming: deque[Sequence] = deque()  # arrived, not yet seen by the scheduler
        self.aborting: list[Sequence] = []
        self.stalled: list[Sequence] = []  # running, but left out of the present step
        self.admissions = 0
        self.mixed_priorities = False
        self._first_priority: int | None = None

        self.busy = False
        self.run = Run()
        self._chunks: Chunks | None = None  # of the present step; None: a run
        self._step_clock_s = 0.0  # decode seconds per decoding sequence of the present step
        self._step_token_s = 0.0  # prefill seconds per new token of the present step
        self._lead_blocks = 0  # blocks in use during the step that stands before the present run

        self.busy_s = 0.0  # of all booked runs and steps
        self.used_block_s = 0.0  # integral of blocks in use over them
        self.lost_s = 0.0  # charged to nobody: of a step that a crash cut short
        self.preemptions = 0

    # -- what others ask -------------------------------------------------------------------------

    @property
    def end_s(self) -> float | None:
        """End of what is running; None if idle."""
        return self.run.end_s if self.busy else None

    def refusal(self, sequence: Sequence) -> str | None:
        """Why *sequence* can never be served here, or None. The last token is never computed."""
        cache = self.cache
        tokens = sequence.input_tokens + sequence.output_tokens - 1
        if tokens <= self.most_tokens:
            return None
        return (
            f"{sequence.input_tokens} input and {sequence.output_tokens} output tokens need "
            f"{cache.blocks_of(tokens)} KV blocks of {cache.block_tokens} tokens; "
            f"the replica has {cache.blocks}"
        )

    def in_flight(self) -> int:
        """Sequences that wait or run here."""
        return len(self.running) + self.waiting.count + len(self.coming)

    def would_wait(self) -> bool:
        """Would an arrival have to wait, as far as slots and those before it go?"""
        if self.waiting.count:
            return True
        return len(self.running) + len(self.coming) >= self.max_num_seqs

    def busy_until_s(self, now_s: float) -> float:
        """Seconds with a step running up to *now_s*, the present run in part. Ends nothing."""
        if not self.busy:
            return self.busy_s
        return self.busy_s + min(now_s, self.run.end_s) - self.run.begin_s

    def used_block_s_until(self, now_s: float) -> float:
        """Integral of blocks in use up to *now_s*. Within a run they are taken to grow linearly."""
        if not self.busy:
            return self.used_block_s
        part_s = min(now_s, self.run.end_s) - self.run.begin_s
        if part_s < 0.0:
            return self.used_block_s + self._lead_blocks * part_s
        return self.used_block_s + self.blocks_used(now_s) * part_s

    def blocks_used(self, now_s: float) -> float:
        """Mean blocks in use from the present run's begin to *now_s*."""
        used = self.cache.blocks - self.cache.free
        if not self.busy or self._chunks is not None or not self.run.count:
            return used
        steps = max(1, min(self.run.count, self.run.boundary_after(now_s)))
        return used + (self.decodes.due_now() + self.decodes.blocks_due(steps)) / 2

    # -- what happens to it ----------------------------------------------------------------------

    def submit(self, sequence: Sequence) -> bool:
        """Take in an arrival at `sequence.queued_at_s`; say whether it made `end_s` sooner.

        The caller has asked `refusal`. O(1), or O(prefix) where content is shared.
        """
        coming = self.coming
        if sequence.priority != self._first_priority:
            self.mixed_priorities = self._first_priority is not None
            self._first_priority = sequence.priority
        sequence.state = WAITING
        self.queue.length += 1
        coming.append(sequence)
        run = self.run
        if not run.count or len(self.running) == self.max_num_seqs:
            return False
        if (len(coming) > 1 or self.waiting.count) and not self._outranks(sequence):
            return False
        if not self._fits(sequence, 0):
            return False
        return run.cut(run.boundary_after(sequence.queued_at_s) + self.async_scheduling)

    def abort(self, sequence: Sequence, at_s: float, outcome: Outcome) -> bool:
        """Take *sequence* out at the first boundary from *at_s* on; say whether `end_s` is sooner."""
        sequence.outcome = outcome
        sequence.finished_at_s = at_s
        self.aborting.append(sequence)
        return self.run.cut(self.run.boundary_after(at_s)) if self.run.count else False

    def start(self, at_s: float) -> bool:
        """Compose what runs from the boundary *at_s* on, up to `end_s`; say whether anything does."""
        seconds: float | None = None
        while seconds is None:  # an empty schedule costs no time: preempted, so compose again
            if not self.running and not self.waiting.count:
                if not self.coming:
                    self.busy = False
                    self.run.count = 0
                    return False
                at_s = max(at_s, self.coming[0].queued_at_s)
                self._see(at_s)
            seconds = self._compose()
        run = self.run
        run.lead_begin_s = run.begin_s = at_s
        run.end_s = at_s + seconds
        self.busy = True
        if self._chunks and not self._anyone_leaves():
            self._book_ahead()
        if run.count and self.coming:
            self._cut_for_coming()
        return True

    def finish(self) -> list[Sequence]:
        """End the present run or step; return the sequences that left, their times written.

        While idle, only the aborted leave.
        """
        gone: list[Sequence] = []
        if not self.busy:
            self._drop_aborted(None, gone)
            return gone
        run = self.run
        end_s = run.end_s
        chunks = self._chunks
        if chunks is not None:
            self._end_step(end_s - run.begin_s)
        elif run.count:
            self._end_run(end_s - run.begin_s)
        if self.aborting:
            self._drop_aborted(end_s, gone)
        decodes = self.decodes
        finishing, steps = decodes.finishing, decodes.steps
        while finishing and finishing[0][0] <= steps:
            sequence = decodes.pop_finished()
            if sequence is not None:
                self._depart(sequence, end_s)
                gone.append(sequence)
        if chunks is not None:
            self._end_chunks(end_s, gone)
        if self.coming:
            self._see(run.last_begin_s() if self.async_scheduling else end_s)
        return gone

    def crash(self, now_s: float) -> list[Sequence]:
        """Lose everything at *now_s*: whole steps count, of the running one only the seconds remain.

        Returns all that left, with those that had just finished.
        """
        gone: list[Sequence] = []
        if self.busy and self.run.end_s <= now_s:
            gone = self.finish()
        elif self.busy:
            self._end_broken(now_s)
        self.queue.length -= self.waiting.count + len(self.coming)
        lost = [*self.running, *self.waiting.clear(), *self.coming]
        for sequence in lost:
            if sequence.state is DECODE:
                self.decodes.leave(sequence)
            sequence.state = GONE
            sequence.shared = None
            sequence.outcome = Outcome.FAILED
            sequence.finished_at_s = now_s
        for held in (self.running, self.coming, self.aborting, self.stalled, self.decodes):
            held.clear()
        self.prefilling = None
        self.busy = False
        self.run.count = 0
        cache = self.cache
        self.cache = KVCache(cache.blocks, cache.block_tokens, caching=cache.caching)
        return gone + lost

    # -- composing -------------------------------------------------------------------------------

    def _compose(self) -> float | None:
        """Choose what runs next; return its seconds, or None if nothing could be scheduled."""
        cache, decodes = self.cache, self.decodes
        need = decodes.due[decodes.steps % cache.block_tokens]
        prefilling = self.prefilling
        chunk = 0
        if prefilling is not None:
            held = prefilling.computed
            chunk = min(prefilling.target - held, self.max_num_batched_tokens - decodes.size)
            need += cache.blocks_of(held + chunk) - cache.blocks_of(held)
        if need > cache.free:
            return self._compose_with_preemption()
        open_slots = self.waiting.count and len(self.running) < self.max_num_seqs
        head = self.waiting.head() if open_slots else None
        chunks: Chunks = []
        if prefilling is not None:
            if prefilling.shared is not None:
                cache.learn(prefilling, prefilling.computed + chunk)
            chunks.append((prefilling, chunk))
        elif head is None or not self._fits(head, need):
            return self._plan_run()
        if need:
            cache.take(need)
        if head is not None:
            self._admit(head, self.max_num_batched_tokens - decodes.size - chunk, chunks)
        return self._plan_step(chunks)

    def _plan_run(self) -> float | None:
        """Plan decode steps up to the first last token or the first that lacks a block."""
        decodes, timing, run = self.decodes, self.timing, self.run
        size = decodes.size
        if not size:
            return None
        count = decodes.steps_within(self.cache.free, decodes.steps_to_finish())
        token_s = timing.per_context_token_s
        self._chunks = None
        run.count = count
        run.growth_s = growth_s = token_s * size
        run.first_s = first_s = (
            timing.batch_s[size] + timing.per_decode_s * size + token_s * decodes.context
        )
        return count * first_s + growth_s * (count * (count - 1) / 2)

    def _admit(self, head: Sequence | None, budget: int, chunks: Chunks) -> None:
        """Admit from the *head* of the line on, while tokens, slots and blocks last."""
        cache, waiting, running = self.cache, self.waiting, self.running
        size = cache.block_tokens
        while head is not None and budget > 0 and len(running) < self.max_num_seqs:
            shared, segment, private = cache.find(head)
            found = len(shared) + private
            cached = found * size
            head.target = target = head.input_tokens + head.generated
            chunk = target - cached
            if chunk > budget:
                chunk = budget
            asked = target if self.reserve_full_input else cached + chunk
            idle = private + sum([not block.refs for block in shared]) if found else 0
            if -(-asked // size) - found + idle > cache.free:
                return
            waiting.pop(head)
            self.queue.length -= 1
            if head.prefix is not None or found:
                cache.hold(head, shared, segment, private)
            cache.take(-(-(cached + chunk) // size) - found)
            if found and not head.admission:
                head.cached_input = min(cached, head.input_tokens)
            self.admissions += 1
            head.admission = self.admissions
            head.computed = cached
            head.state = PREFILL
            running[head] = None
            if head.shared is not None:
                cache.learn(head, cached + chunk)
            chunks.append((head, chunk))
            budget -= chunk
            head = waiting.head() if waiting.count else None

    def _compose_with_preemption(self) -> float | None:
        """Rule 1 by the letter, in order of admission, where blocks are short. O(running)."""
        cache = self.cache
        budget = self.max_num_batched_tokens
        scheduled: dict[Sequence, int] = {}  # tokens
        order = list(self.running)
        for place, sequence in enumerate(order):
            if sequence.state is WAITING:
                continue  # a victim of this round
            held = sequence.computed
            if sequence.state is DECODE:
                held += self.decodes.steps - sequence.stay_step
                chunk = 1
            else:
                chunk = min(sequence.target - held, budget)
            lack = cache.blocks_of(held + chunk) - cache.blocks_of(held)
            while lack > cache.free and sequence.state is not WAITING:
                victim = self._last_in_order()
                returned = scheduled.pop(victim, 0)
                budget += returned
                self._preempt(victim, returned)
            if sequence.state is WAITING:
                self._stall(order[place + 1 :])
                break
            cache.take(lack)
            if sequence.state is PREFILL:
                cache.learn(sequence, held + chunk)
            scheduled[sequence] = chunk
            budget -= chunk
        if not scheduled:
            self._resume()
            return None
        return self._plan_step([(s, n) for s, n in scheduled.items() if s.state is PREFILL])

    def _plan_step(self, chunks: Chunks) -> float:
        """Plan one step with *chunks* of prefill; return its seconds. Its blocks are taken already."""
        timing, decodes = self.timing, self.decodes
        size = decodes.size
        new = 0
        chunks_s = 0.0
        for sequence, n in chunks:
            new += n
            computed = sequence.computed
            chunks_s += timing.per_chunk_s + timing.per_attention_pair_s * n * (computed + n / 2)
            if computed:
                chunks_s += timing.per_prefill_context_token_s * computed
        both_s = timing.batch_s[size + new]
        prefill_s = both_s
        self._step_clock_s = 0.0
        if size:
            # Shapley value of two players, prefill and decode, over the shared part of the step.
            decode_s = 0.5 * (timing.batch_s[size] + both_s - timing.batch_s[new])
            prefill_s -= decode_s
            self._step_clock_s = decode_s / size + timing.per_decode_s
        seconds = both_s + timing.per_decode_s * size + chunks_s
        if chunks:
            seconds += timing.per_prefill_step_s
            self._step_token_s = (prefill_s + timing.per_prefill_step_s) / new
        self._chunks = chunks
        self.run.count = 0
        return seconds + timing.per_context_token_s * decodes.context

    def _anyone_leaves(self) -> bool:
        """Will a sequence leave at the end of the step that was just composed?"""
        decodes = self.decodes
        if self.aborting or self.stalled or (decodes.size and decodes.steps_to_finish() == 1):
            return True
        for sequence, n in self._chunks or ():
            if sequence.output_tokens - sequence.generated == 1 and (
                sequence.computed + n == sequence.target
            ):
                return True
        return False

    def _book_ahead(self) -> None:
        """Book the step that begins now and plan the run behind it, empty if something else follows."""
        run = self.run
        step_end_s = run.end_s
        self._lead_blocks = self.cache.blocks - self.cache.free
        self._end_step(step_end_s - run.begin_s)
        self._end_chunks(step_end_s, [])
        self._chunks = None
        run.begin_s = step_end_s
        seconds: float | None = None
        if self.async_scheduling and self.coming:
            self._see(run.lead_begin_s)
        if self.prefilling is None and self.decodes.due_now() <= self.cache.free:
            head = self.waiting.head() if len(self.running) < self.max_num_seqs else None
            if head is None or not self._fits(head, self.decodes.due_now()):
                seconds = self._plan_run()
        if seconds is None:
            run.count = 0
            seconds = 0.0
        run.end_s = step_end_s + seconds

    # -- ending ----------------------------------------------------------------------------------

    def _end_run(self, seconds: float) -> None:
        """Book the run's steps."""
        decodes, timing, cache = self.decodes, self.timing, self.cache
        count, size = self.run.count, decodes.size
        blocks = decodes.blocks_due(count)
        due = decodes.due[decodes.steps % decodes.block_tokens]
        self.busy_s += seconds
        self.used_block_s += (cache.blocks - cache.free + 0.5 * (due + blocks)) * seconds
        if blocks:
            cache.take(blocks)
        decodes.steps += count
        decodes.context += size * count
        decodes.clock_s += count * (timing.batch_s[size] / size + timing.per_decode_s)

    def _end_step(self, seconds: float) -> None:
        """Book the step's seconds, charge them, and advance the decoding sequences."""
        decodes = self.decodes
        self.busy_s += seconds
        self.used_block_s += (self.cache.blocks - self.cache.free) * seconds
        if self._chunks:
            charge_chunks(self._chunks, self._step_token_s, self.timing)
        decodes.clock_s += self._step_clock_s
        decodes.steps += 1
        decodes.context += decodes.size

    def _end_chunks(self, end_s: float, gone: list[Sequence]) -> None:
        """Advance the prefills of a step; who has computed all emits a token and decodes, or leaves."""
        for sequence, n in self._chunks or ():
            if sequence.state is not PREFILL:
                continue  # aborted
            self.prefilling = None  # it is always among the chunks, unless it was stalled
            sequence.computed += n
            if sequence.computed < sequence.target:
                self.prefilling = sequence
                continue
            sequence.generated += 1
            if sequence.first_token_at_s is None:
                sequence.first_token_at_s = end_s + self.timing.first_token_s
            if sequence.generated == sequence.output_tokens:
                self._depart(sequence, end_s)
                gone.append(sequence)
            else:
                self.decodes.enter(sequence)
        if self.stalled:
            self._resume()

    def _depart(self, sequence: Sequence, end_s: float) -> None:
        """Let a sequence leave with its last token."""
        sequence.state = GONE
        sequence.outcome = COMPLETED
        sequence.finished_at_s = end_s + self.timing.first_token_s
        del self.running[sequence]
        self.cache.release(sequence, sequence.computed, sequence.computed, again=False)

    def _drop_aborted(self, end_s: float | None, gone: list[Sequence]) -> None:
        """Let the aborted leave; the tokens of the step that just ended reach nobody."""
        chunks = dict(self._chunks or ())
        for sequence in self.aborting:
            if sequence.state is GONE:
                continue
            if sequence.state is WAITING:
                self._drop_waiting(sequence)
            else:
                self._drop_running(sequence, chunks.get(sequence, 0))
            sequence.state = GONE
            if end_s is not None:
                sequence.finished_at_s = end_s
            gone.append(sequence)
        self.aborting.clear()

    def _drop_running(self, sequence: Sequence, computed_now: int) -> None:
        sequence.computed += computed_now
        if sequence.state is DECODE:
            self.decodes.leave(sequence)
            sequence.generated -= 1
            if not sequence.generated:
                sequence.first_token_at_s = None  # it would have come with the step that just ended
        if sequence is self.prefilling:
            self.prefilling = None
        del self.running[sequence]
        self.cache.release(sequence, sequence.computed, sequence.computed, again=True)

    def _drop_waiting(self, sequence: Sequence) -> None:
        self.queue.length -= 1
        if sequence in self.coming:
            self.coming.remove(sequence)
        else:
            self.waiting.leave(sequence)

    def _end_broken(self, now_s: float) -> None:
        """Book the whole steps up to *now_s*; of the broken one the seconds are lost."""
        run = self.run
        whole = 0
        if self._chunks is None and now_s >= run.begin_s:
            whole = run.boundary_after(now_s + TICK_S)
            whole -= run.boundary_s(whole) > now_s
            run.cut(whole)
            if run.count:
                self._end_run(run.boundary_s(run.count) - run.begin_s)
            run.begin_s = run.boundary_s(run.count)
        part_s = now_s - run.begin_s  # negative if the step before the run was booked ahead
        self.busy_s += part_s
        self.used_block_s += self._lead_blocks * min(part_s, 0.0)
        self.lost_s += part_s

    # -- preemption ------------------------------------------------------------------------------

    def _last_in_order(self) -> Sequence:
        if not self.mixed_priorities:
            return next(reversed(self.running))
        return max(self.running, key=lambda s: (s.priority, s.queued_at_s, s.admission))

    def _preempt(self, victim: Sequence, scheduled_tokens: int) -> None:
        """Send *victim* back to the line, its blocks freed and its tokens to be computed again."""
        if victim.state is DECODE:
            self.decodes.leave(victim)
        if victim is self.prefilling:
            self.prefilling = None
        computed = victim.computed
        self.cache.unlearn(victim, computed)
        del self.running[victim]
        self.cache.release(victim, computed + scheduled_tokens, computed, again=True)
        victim.high_water = max(victim.high_water, computed)
        victim.computed = 0
        self.waiting.put_back(victim)
        self.queue.length += 1
        self.preemptions += 1

    def _stall(self, rest: list[Sequence]) -> None:
        """Keep the running ones of *rest* out of the step that is being composed."""
        for sequence in rest:
            if sequence.state is DECODE:
                self.decodes.leave(sequence)
                self.stalled.append(sequence)

    def _resume(self) -> None:
        for sequence in self.stalled:
            if sequence.state is PREFILL:
                self.decodes.enter(sequence)
        self.stalled.clear()

    # -- arrivals --------------------------------------------------------------------------------

    def _see(self, by_s: float) -> None:
        """Queue the arrivals up to *by_s*, a tick granted."""
        coming, waiting = self.coming, self.waiting
        by_s += TICK_S
        while coming and coming[0].queued_at_s <= by_s:
            waiting.append(coming.popleft())

    def _fits(self, sequence: Sequence, reserved: int) -> bool:
        """May *sequence* be admitted before anybody leaves, *reserved* blocks being promised?

        Never a false no: free blocks only fall until somebody leaves, and remembered ones in the
        free queue may be forgotten, so those count for nothing here.
        """
        cache = self.cache
        tokens = sequence.input_tokens + sequence.generated
        if not self.reserve_full_input:
            tokens = min(tokens, self.max_num_batched_tokens - self.decodes.size)
        need = -(-tokens // cache.block_tokens) - (cache.free - reserved)
        if need <= 0:
            return True
        shared, _, _ = cache.find(sequence)
        return need <= sum([block.refs > 0 for block in shared])

    def _outranks(self, sequence: Sequence) -> bool:
        """Will *sequence*, the last that came, be the head of the line once it is seen?"""
        if not self.mixed_priorities:
            return False
        head = self.waiting.head()
        if head is not None and head.priority <= sequence.priority:
            return False
        return all(c.priority > sequence.priority for c in self.coming if c is not sequence)

    def _cut_for_coming(self) -> None:
        """Cut a run that was just planned for those that came during the step before it."""
        if len(self.running) == self.max_num_seqs:
            return
        head = self.waiting.head() if self.waiting.count else None
        for sequence in self.coming:
            if head is not None and head.priority <= sequence.priority:
                continue
            if self._fits(sequence, 0):
                self.run.cut(
                    self.run.boundary_after(sequence.queued_at_s) + self.async_scheduling
                )
                return
            head = sequence
