"""The engine's rules as a plain loop: one step at a time, block by block, no cleverness at all.

An independent restatement of the semantics, to which the fast engine is held at 1e-9. It shares
no code with `sim/serving`: only the coefficients of a step come in from outside.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

TICK = 1e-6
PARTS = ("prefill", "cached", "rent", "decode", "waste")


@dataclass(eq=False)
class Job:
    """One attempt, as asked for and as it went."""

    number: int
    arrival: float
    prompt: int
    output: int
    priority: int = 0
    prefix: tuple = ()
    abort_at: float | None = None
    talk: tuple | None = None  # (conversation, whether its answer stands in the next prompt)
    # how it went
    computed: int = 0
    generated: int = 0
    target: int = 0
    mark: int = 0
    cached: int | None = None
    blocks: list = field(default_factory=list)
    decoding: bool = False
    outcome: str = "in_flight"
    first: float | None = None
    finish: float | None = None
    again: list = field(default_factory=lambda: [0, 0])
    charge: dict = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))

    def content(self, index: int, size: int) -> Any:
        """What the block *index* holds when it is whole: by key, of its talk, or its own."""
        tokens = 0
        for key, length in self.prefix:
            first, tokens = tokens // size, tokens + length
            if first <= index < tokens // size:
                return ("shared", key, index - first)
        if self.talk is not None:
            conversation, resent = self.talk
            if resent or (index + 1) * size <= self.prompt:
                return ("talk", conversation, index)
        return ("own", self.number, index)


class Block:
    def __init__(self):
        self.holders = 0
        self.content = None


class Stepper:
    """Rules 1 to 4, for one engine."""

    def __init__(
        self, timing, blocks, size, max_seqs, max_tokens, *, caching, asynchronous, reserve
    ):
        self.timing, self.size, self.max_seqs, self.max_tokens = timing, size, max_seqs, max_tokens
        self.caching, self.asynchronous, self.reserve = caching, asynchronous, reserve
        self.free = [Block() for _ in range(blocks)]
        self.total = blocks
        self.known: dict[Any, list[Block]] = {}
        self.running: list[Job] = []
        self.waiting: list[Job] = []
        self.busy = 0.0
        self.block_seconds = 0.0
        self.preemptions = 0

    # -- blocks
    def need(self, tokens):
        return (tokens + self.size - 1) // self.size

    def allocate(self, job, count):
        for _ in range(count):
            block = self.free.pop(0)
            self.forget(block)
            block.holders = 1
            job.blocks.append(block)

    def forget(self, block):
        if block.content is not None:
            self.known[block.content].remove(block)
            block.content = None

    def register(self, job, tokens):
        """Whole blocks can be found from the step that computes them."""
        if self.caching:
            for i in range(tokens // self.size):
                if job.blocks[i].content is None:
                    job.blocks[i].content = job.content(i, self.size)
                    self.known.setdefault(job.blocks[i].content, []).append(job.blocks[i])

    def release(self, job, computed):
        for i in range(len(job.blocks) - 1, -1, -1):
            block = job.blocks[i]
            if i >= computed // self.size and block.holders == 1:
                self.forget(block)
            block.holders -= 1
            if block.holders == 0:
                self.free.append(block)
        job.blocks = []

    def lookup(self, job):
        run = []
        for i in range((job.prompt + job.generated - 1) // self.size):
            copies = self.known.get(job.content(i, self.size)) if self.caching else None
            if not copies:
                break
            run.append(copies[0])
        return run

    # -- one step
    def order(self, job):
        return (job.priority, job.arrival, job.number)

    def preempt(self, victim, plan):
        plan.pop(victim, None)
        self.running.remove(victim)
        self.release(victim, victim.computed)
        victim.mark = max(victim.mark, victim.computed)
        victim.computed = 0
        victim.decoding = False
        self.waiting.append(victim)
        self.preemptions += 1

    def compose(self):
        plan: dict[Job, int] = {}
        preempted = False
        for job in list(self.running):
            if job not in self.running:
                continue
            left = 1 if job.decoding else job.target - job.computed
            n = min(left, self.max_tokens - sum(plan.values()))
            while self.need(job.computed + n) - len(job.blocks) > len(self.free):
                victim = max(self.running, key=self.order)
                self.preempt(victim, plan)
                preempted = True
                if victim is job:
                    break
            if job not in self.running:
                break
            self.allocate(job, self.need(job.computed + n) - len(job.blocks))
            self.register(job, job.computed + n)
            plan[job] = n
        while not preempted and self.waiting:
            budget = self.max_tokens - sum(plan.values())
            if budget <= 0 or len(self.running) >= self.max_seqs:
                break
            job = min(self.waiting, key=self.order)
            found = self.lookup(job)
            cached = len(found) * self.size
            target = job.prompt + job.generated
            n = min(target - cached, budget)
            spare = len(self.free) - sum(b.holders == 0 for b in found)
            if self.need(target if self.reserve else cached + n) - len(found) > spare:
                break
            self.waiting.remove(job)
            for block in found:
                if block.holders == 0:
                    self.free.remove(block)
                block.holders += 1
                job.blocks.append(block)
            self.allocate(job, self.need(cached + n) - len(found))
            job.computed, job.target = cached, target
            self.register(job, cached + n)
            if job.cached is None:
                job.cached = min(cached, job.prompt)
            self.running.append(job)
            plan[job] = n
        return plan

    def seconds(self, plan):
        """Length of the step; every part of it is charged to somebody at once."""
        t = self.timing
        decode = [j for j in plan if j.decoding]
        chunks = [(j, n) for j, n in plan.items() if not j.decoding]
        b, n_all = len(decode), sum(n for _, n in chunks)
        v = t.batch_s
        decode_part = 0.5 * (v[b] + v[b + n_all] - v[n_all]) if n_all else v[b]
        prefill_part = v[b + n_all] - decode_part
        total = 0.0
        for j in decode:
            own = decode_part / b + t.per_decode_s + t.per_context_token_s * (j.computed - j.prompt)
            rent = t.per_context_token_s * j.prompt
            j.charge["decode"] += own
            j.charge["rent"] += rent
            total += own + rent
        for j, n in chunks:
            c = j.computed
            own = (prefill_part + t.per_prefill_step_s) * n / n_all + t.per_chunk_s
            own += t.per_attention_pair_s * n * n / 2
            read = t.per_attention_pair_s * n + t.per_prefill_context_token_s
            hit = min(c, j.cached or 0)
            again = min(max(j.mark - c, 0), n) / n
            j.charge["waste"] += again * (own + read * c)
            j.charge["prefill"] += (1 - again) * (own + read * (c - hit))
            j.charge["cached"] += (1 - again) * read * hit
            for token in range(c, min(c + n, j.mark)):
                j.again[token >= j.prompt] += 1
            total += own + read * c
        return total

    def end(self, plan, now):
        for job, n in list(plan.items()):
            if job.outcome == "aborted":
                continue
            job.computed += n
            if job.computed < job.prompt + job.generated:
                continue
            job.generated += 1
            job.decoding = True
            if job.first is None:
                job.first = now + self.timing.first_token_s
            if job.generated == job.output:
                job.outcome = "completed"
                job.finish = now + self.timing.first_token_s
                self.running.remove(job)
                self.release(job, job.computed)

    def drop_aborted(self, jobs, now, plan):
        """In the order in which the aborts came."""
        due = [
            j
            for j in jobs
            if j.abort_at is not None and j.abort_at <= now + TICK and j.outcome == "in_flight"
        ]
        for job in sorted(due, key=lambda j: (j.abort_at, j.number)):
            job.outcome, job.finish = "aborted", now
            if job in self.running:
                self.running.remove(job)
                job.computed += plan.get(job, 0)
                self.release(job, job.computed)
            elif job in self.waiting:
                self.waiting.remove(job)

    def run(self, jobs):
        coming = []
        for job in sorted(jobs, key=lambda j: (j.arrival, j.number)):
            if self.need(job.prompt + job.output - 1) > self.total:
                job.outcome = "refused"
            else:
                coming.append(job)
        now, before = float("-inf"), None
        while coming or self.waiting or self.running:
            coming = [j for j in coming if j.outcome == "in_flight"]
            seen_by = now if before is None or not self.asynchronous else before
            if (
                not self.running
                and not self.waiting
                and not [j for j in coming if j.arrival <= seen_by + TICK]
            ):
                if not coming:
                    break
                now = seen_by = max(now, coming[0].arrival)
                left = [j for j in coming if j.abort_at is not None and j.abort_at <= now + TICK]
                for job in left:  # gone before an idle engine could start
                    job.outcome, job.finish = "aborted", job.abort_at
                if left:
                    continue
            while coming and coming[0].arrival <= seen_by + TICK:
                self.waiting.append(coming.pop(0))
            plan = self.compose()
            if not plan:
                continue
            step = self.seconds(plan)
            used = self.total - len(self.free)
            self.busy += step
            self.block_seconds += used * step
            before, now = now, now + step
            self.drop_aborted(jobs, now, plan)
            self.end(plan, now)
