"""Engine: the state of one replica's scheduler, over which the rules work. Knows no clock."""

from __future__ import annotations

from collections import deque

from sim.serving.charges import Chunks
from sim.serving.decodes import DecodeSet
from sim.serving.kvcache import KVCache
from sim.serving.run import Run
from sim.serving.sequence import Sequence
from sim.serving.timing import StepTiming
from sim.serving.waiting import Queue, WaitingLine


class Engine:
    """What one engine holds: its settings, its sequences, its plan and its integrals.

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
        "aborting",
        "admissions",
        "async_scheduling",
        "busy",
        "busy_s",
        "cache",
        "chunks",
        "coming",
        "decodes",
        "first_priority",
        "lead_blocks",
        "lead_chunks",
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
        "step_s",
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
        self.first_priority: int | None = None

        self.busy = False
        self.run = Run()
        self.chunks: Chunks | None = None  # of the present step; None: a run
        self.step_s = 0.0  # length of the present step
        self.step_clock_s = 0.0  # decode seconds per decoding sequence of the present step
        self.step_prefill_s = 0.0  # seconds that the present step's chunks were charged
        self.lead_blocks = 0  # blocks in use during the step booked before the present run
        self.lead_chunks: Chunks = []  # of that step

        self.busy_s = 0.0  # of all booked runs and steps
        self.used_block_s = 0.0  # integral of blocks in use over them
        self.lost_s = 0.0  # of broken steps: what ran, less what was charged
        self.preemptions = 0

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

    def about_to_enter(self) -> int:
        """Sequences that wait only for the next boundary: there are slots for them."""
        if self.waiting.count:
            return 0
        return min(len(self.coming), self.max_num_seqs - len(self.running))
