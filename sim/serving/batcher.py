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

from collections import deque
from heapq import heappop

from sim.serving.admission import admit, cut_for_coming, fits, outranks, see
from sim.serving.booking import depart, end_chunks, end_run, end_step
from sim.serving.charges import Chunks, charge_chunks
from sim.serving.decodes import DecodeSet
from sim.serving.departures import crash, drop_aborted
from sim.serving.kvcache import KVCache
from sim.serving.preemption import compose_short
from sim.serving.run import Run
from sim.serving.sequence import Outcome, Sequence, State
from sim.serving.timing import StepTiming
from sim.serving.waiting import Queue, WaitingLine

WAITING, DECODE = State.WAITING, State.DECODE


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

    __slots__ = (
        "_first_priority",
        "aborting",
        "admissions",
        "async_scheduling",
        "busy",
        "busy_s",
        "cache",
        "chunks",
        "coming",
        "decodes",
        "lead_blocks",
        "lost_s",
        "max_num_batched_tokens",
        "max_num_seqs",
        "mixed_priorities",
        "most_tokens",
        "preemptions",
        "prefilling",
        "queue",
        "reserve_full_input",
        "run",
        "running",
        "stalled",
        "step_clock_s",
        "step_prefill_s",
        "timing",
        "used_block_s",
        "waiting",
    )

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
        self.chunks: Chunks | None = None  # of the present step; None: a run
        self.step_clock_s = 0.0  # decode seconds per decoding sequence of the present step
        self.step_prefill_s = 0.0  # seconds that the present step's chunks were charged
        self.lead_blocks = 0  # blocks in use during the step that stands before the present run

        self.busy_s = 0.0  # of all booked runs and steps
        self.used_block_s = 0.0  # integral of blocks in use over them
        self.lost_s = 0.0  # of broken steps: what ran, less what was charged
        self.preemptions = 0

    # -- what others ask -------------------------------------------------------------------------
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

    def would_wait(self) -> bool:
        """Would an arrival have to wait, as far as slots and those before it go?"""
        if self.waiting.count:
            return True
        return len(self.running) + len(self.coming) >= self.max_num_seqs

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
        if (len(coming) > 1 or self.waiting.count) and not outranks(self, sequence):
            return False
        cache = self.cache
        if sequence.input_tokens > cache.free * cache.block_tokens and not fits(self, sequence, 0):
            return False
        return run.cut(run.boundary_after(sequence.queued_at_s) + self.async_scheduling)

    def abort(self, sequence: Sequence, at_s: float, outcome: Outcome) -> bool:
        """Take *sequence* out at the first boundary from *at_s* on; say if `end_s` is sooner."""
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
            drop_aborted(self, None, gone)
            return gone
        if chunks is not None:
            end_step(self, end_s - run.begin_s)
        elif run.count:
            end_run(self, end_s - run.begin_s)
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
        """Lose everything at *now_s*; return all that left, with those that had just finished."""
        return crash(self, now_s)

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
            return compose_short(self)
        open_slots = self.waiting.count and len(self.running) < self.max_num_seqs
        head = self.waiting.head() if open_slots else None
        if prefilling is None and (head is None or not fits(self, head, need)):
            return self.plan_run()  # whoever waits has to wait until somebody leaves
        chunks: Chunks = []
        if prefilling is not None:
            if prefilling.shared is not None:
                cache.learn(prefilling, prefilling.computed + chunk)
            chunks.append((prefilling, chunk))
        if need:
            cache.take(need)
        if head is not None:
            admit(self, head, self.max_num_batched_tokens - decodes.size - chunk, chunks)
        return self.plan_step(chunks)

    def plan_run(self) -> float | None:
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
        run.growth_s = growth_s = token_s * size
        run.first_s = first_s = timing.run_s[size] + token_s * decodes.context
        return count * first_s + growth_s * (0.5 * count * (count - 1))

    def plan_step(self, chunks: Chunks) -> float:
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
        end_step(self, step_end_s - run.begin_s)
        end_chunks(self, step_end_s, [])
        self.chunks = None
        run.begin_s = step_end_s
        seconds: float | None = None
        if self.async_scheduling and self.coming:
            see(self, run.lead_begin_s)
        decodes = self.decodes
        due = decodes.due[decodes.steps % decodes.block_tokens]
        if self.prefilling is None and due <= self.cache.free:
            open_slots = self.waiting.count and len(self.running) < self.max_num_seqs
            head = self.waiting.head() if open_slots else None
            if head is None or not fits(self, head, due):
                seconds = self.plan_run()
        run.end_s = step_end_s + (seconds or 0.0)
