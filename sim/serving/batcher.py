"""Batcher: which sequences move in the next engine steps, and what a step does to them.

A synchronous state machine without a clock: its owner calls `start` at a step boundary, waits until
`end_s`, and calls `finish`. It follows vLLM's V1 scheduler. Two cases:

* a *step* with prefill or preemption visits its chunks and victims, never the decoding sequences;
* a *run* is several steps in which all decode, as one closed form. It ends at the first last token,
  before the first step that would lack a block, or at the boundary to which an arrival or an abort
  cuts it.

If nobody leaves at a step's end, its effects are known when it begins: they are booked at once and
the run that follows is planned with it, so that most prefills cost their owner no waiting.
"""

from __future__ import annotations

from heapq import heappop

from sim.serving.admission import admit, cut_for, cut_for_coming, fits, outranks, see
from sim.serving.booking import depart, end_chunks, end_run, end_step
from sim.serving.charges import Chunks, charge_chunks
from sim.serving.departures import drop_aborted, end_broken, lose_all
from sim.serving.engine import Engine
from sim.serving.preemption import compose_short
from sim.serving.sequence import Outcome, Sequence, State

WAITING, DECODE, GONE = State.WAITING, State.DECODE, State.GONE


class Batcher(Engine):
    """The engine of one replica, to be driven from boundary to boundary."""

    __slots__ = ()

    def submit(self, sequence: Sequence) -> bool:
        """Take in an arrival at `sequence.queued_at_s`; say whether it made `end_s` sooner.

        The caller has asked `refusal`. O(1), or O(prefix) where content is shared.
        """
        coming = self.coming
        if sequence.priority != self.first_priority:
            self.mixed_priorities = self.first_priority is not None
            self.first_priority = sequence.priority
        sequence.state = WAITING
        self.queue.length += 1
        coming.append(sequence)
        if not self.run.count or len(self.running) == self.max_num_seqs:
            return False
        if (len(coming) > 1 or self.waiting.count) and not outranks(self, sequence):
            return False
        return fits(self, sequence, 0) and cut_for(self, sequence)

    def abort(self, sequence: Sequence, at_s: float, outcome: Outcome) -> bool:
        """Take *sequence* out at the first boundary from *at_s* on; say if `end_s` is sooner.

        One that has left already stays as it is.
        """
        if sequence.state is GONE:
            return False
        sequence.outcome = outcome
        sequence.finished_at_s = at_s
        self.aborting.append(sequence)
        return self.run.cut(self.run.boundary_after(at_s)) if self.run.count else False

    def start(self, at_s: float) -> bool:
        """Compose what runs from *at_s* on, up to `end_s`; say whether anything does."""
        seconds: float | None = None
        while seconds is None:  # an empty schedule costs no time: preempted, so compose again
            if not self.running and not self.waiting.count:
                if not self.coming:
                    self.busy = False
                    self.run.count = 0
                    return False
                at_s = max(at_s, self.coming[0].queued_at_s)
                see(self, at_s)
            seconds = self._compose()
        run = self.run
        run.lead_begin_s = run.begin_s = at_s
        run.end_s = at_s + seconds
        self.step_s = seconds
        self.busy = True
        if self.chunks and not self._anyone_leaves():
            self._book_ahead()
        if run.count and self.coming:
            cut_for_coming(self)
        return True

    def finish(self) -> list[Sequence]:
        """End the present run or step; return the sequences that left, their times written.

        While idle, only the aborted leave.
        """
        gone: list[Sequence] = []
        run, chunks = self.run, self.chunks
        end_s = run.end_s
        if not self.busy:
            if self.aborting:
                drop_aborted(self, None, gone)
            return gone
        if chunks is not None:
            end_step(self)
        elif run.count:
            end_run(self)
        if self.aborting:
            drop_aborted(self, end_s, gone)
        decodes = self.decodes
        finishing, steps = decodes.finishing, decodes.steps
        while finishing and finishing[0][0] <= steps:
            last, _, sequence = heappop(finishing)
            if sequence.state is DECODE and sequence.finish_step == last:
                decodes.leave(sequence)
                depart(self, sequence, end_s)
                gone.append(sequence)
        if chunks is not None:
            end_chunks(self, end_s, gone)
        if self.coming:
            see(self, run.last_begin_s() if self.async_scheduling else end_s)
        return gone

    def crash(self, now_s: float) -> list[Sequence]:
        """Lose everything at *now_s*: whole steps count, of the running one only its seconds.

        Returns all that left, with those that had just finished.
        """
        gone: list[Sequence] = []
        if self.busy and self.run.end_s <= now_s:
            gone = self.finish()
        elif self.busy:
            end_broken(self, now_s)
        return gone + lose_all(self, now_s)

    # -- composing -------------------------------------------------------------------------------

    def _compose(self) -> float | None:
        """Choose what runs next; return its seconds, or None if nothing could be scheduled."""
        cache, decodes = self.cache, self.decodes
        need = decodes.due_now()
        prefilling = self.prefilling
        chunk = 0
        if prefilling is not None:
            held = prefilling.computed
            chunk = min(prefilling.target - held, self.max_num_batched_tokens - decodes.size)
            need += cache.blocks_of(held + chunk) - cache.blocks_of(held)
        if need > cache.free:
            short = compose_short(self)
            return None if short is None else self._plan_step(short)
        head = self._head()
        if prefilling is None and (head is None or not fits(self, head, need)):
            return self._plan_run()  # whoever waits has to wait until somebody leaves
        chunks: Chunks = []
        if prefilling is not None:
            if prefilling.shared is not None:
                cache.learn(prefilling, prefilling.computed + chunk)
            chunks.append((prefilling, chunk))
        if need:
            cache.take(need)
        if head is not None:
            admit(self, head, self.max_num_batched_tokens - decodes.size - chunk, chunks)
        return self._plan_step(chunks)

    def _head(self) -> Sequence | None:
        """Who would be admitted next; None if nobody waits or no slot is open."""
        if self.waiting.count and len(self.running) < self.max_num_seqs:
            return self.waiting.head()
        return None

    def _plan_run(self) -> float | None:
        """Plan decode steps up to the first last token or the first that lacks a block."""
        decodes, timing, run = self.decodes, self.timing, self.run
        size = decodes.size
        if not size:
            return None
        count = decodes.steps_to_finish()
        if size * (count // decodes.block_tokens + 1) > self.cache.free:
            count = decodes.steps_within(self.cache.free, count)
        token_s = timing.per_context_token_s
        self.chunks = None
        run.count = count
        run.growth_s = token_s * size
        run.first_s = timing.run_s[size] + token_s * decodes.context
        return run.length_s()

    def _plan_step(self, chunks: Chunks) -> float:
        """Plan one step with *chunks* of prefill, its blocks taken already; return its seconds.

        Its prefill is charged at once, since it will be computed whoever leaves meanwhile; what
        decoding sequences owe is theirs when the step count moves.
        """
        timing, decodes = self.timing, self.decodes
        size = decodes.size
        seconds = timing.per_context_token_s * decodes.context
        if not chunks:
            self.step_prefill_s = 0.0
            self.step_clock_s = timing.share_s[size]
            seconds += timing.run_s[size]
        else:
            new = chunks[0][1] if len(chunks) == 1 else sum([n for _, n in chunks])
            both_s = prefill_s = timing.batch_s[size + new]
            if size:
                # Shapley value of two players, prefill and decode, over the shared part.
                decode_s = 0.5 * (timing.batch_s[size] + both_s - timing.batch_s[new])
                prefill_s -= decode_s
                self.step_clock_s = decode_s / size + timing.per_decode_s
                seconds += decode_s + timing.per_decode_s * size
            else:
                self.step_clock_s = 0.0
            per_token_s = (prefill_s + timing.per_prefill_step_s) / new
            self.step_prefill_s = charge_chunks(chunks, per_token_s, timing)
            seconds += self.step_prefill_s
        self.chunks = chunks
        self.run.count = 0
        return seconds

    def _anyone_leaves(self) -> bool:
        """Will a sequence leave at the end of the step that was just composed?"""
        decodes = self.decodes
        if self.aborting or self.stalled:
            return True
        if decodes.size and decodes.finishing[0][0] == decodes.steps + 1:
            return True  # or so it seems: one that left early may stand there, which does no harm
        for sequence, n in self.chunks or ():
            last = sequence.output_tokens - sequence.generated == 1
            if last and sequence.computed + n == sequence.target:
                return True
        return False

    def _book_ahead(self) -> None:
        """Book the step that begins now; plan the run behind it, empty if another step follows."""
        run = self.run
        step_end_s = run.end_s
        self.lead_blocks = self.cache.blocks - self.cache.free
        end_step(self)
        end_chunks(self, step_end_s, [])
        self.lead_chunks, self.chunks = self.chunks or [], None
        run.begin_s = step_end_s
        seconds: float | None = None
        if self.async_scheduling and self.coming:
            see(self, run.lead_begin_s)
        due = self.decodes.due_now()
        if self.prefilling is None and due <= self.cache.free:
            head = self._head()
            if head is None or not fits(self, head, due):
                seconds = self._plan_run()
        run.end_s = step_end_s + (seconds or 0.0)
