"""Sampling: a pool's levels and what flowed through it, as rows of a table. In simulated time."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import numpy as np
import simpy

from sim.fleet.seat import State
from sim.fleet.site import Site
from sim.serving.sequence import Outcome, Sequence

Row = dict[str, float | str | None]


@dataclass
class _Flow:
    """What has ended or come since the last sample."""

    offered: int = 0
    failed: int = 0
    ttft_s: list[float] = field(default_factory=list)
    tpot_s: list[float] = field(default_factory=list)
    completed: int = 0


class Sampler:
    """One row every *every_s* from the window's start on.

    Levels carry vLLM's metric names where there is one; rates and latencies are of the attempts
    that came and ended since the row before. *usd_per_hour* are prices of a node by term (whether
    it is a spot node).
    """

    def __init__(
        self,
        env: simpy.Environment,
        site: Site,
        every_s: float,
        usd_per_hour: dict[bool, float],
    ) -> None:
        self.env = env
        self.site = site
        self.every_s = every_s
        self.usd_per_hour = usd_per_hour
        self.rows: list[Row] = []
        self._flow = _Flow()

    def submitting(self, submit: Callable[[Sequence], None]) -> Callable[[Sequence], None]:
        """Return *submit* with each attempt counted."""

        def counted(sequence: Sequence) -> None:
            self._flow.offered += 1
            submit(sequence)

        return counted

    def ending(self, on_done: Callable[[Sequence], None]) -> Callable[[Sequence], None]:
        """Return *on_done* with each attempt counted."""

        def counted(sequence: Sequence) -> None:
            on_done(sequence)  # which may find that it was of no use
            flow = self._flow
            if sequence.outcome is Outcome.COMPLETED and not sequence.left:
                first_s, last_s = sequence.first_token_at_s, sequence.finished_at_s
                assert first_s is not None
                assert last_s is not None
                flow.completed += 1
                flow.ttft_s.append(first_s - sequence.arrived_at_s)
                if sequence.output_tokens > 1:
                    flow.tpot_s.append((last_s - first_s) / (sequence.output_tokens - 1))
            else:
                flow.failed += 1

        return counted

    def run(self, horizon_s: float) -> Generator[simpy.Event, None, None]:
        """Sample until the window ends."""
        yield self.env.timeout(-self.env.now)
        self._flow = _Flow()
        while self.env.now < horizon_s:
            self.rows.append(self._row())
            self._flow = _Flow()
            yield self.env.timeout(self.every_s)

    def _row(self) -> Row:
        site, flow = self.site, self._flow
        pool, count = site.pool, site.occupancy.count
        spent_s = min(self.every_s, self.env.now) or self.every_s
        nodes = {spot: site.provider.paid[spot].now for spot in (False, True)}
        return {
            "t_s": self.env.now,
            "pool": pool.name,
            "replicas_wanted": float(site.keeper.target),
            "replicas_ready": float(count(State.READY)),
            "replicas_starting": float(count(State.ORDERED) + count(State.STARTING)),
            "replicas_draining": float(count(State.DRAINING)),
            "replicas_failed": float(count(State.FAILED)),
            "nodes": sum(nodes.values()),
            "usd_per_hour": sum(nodes[spot] * self.usd_per_hour[spot] for spot in nodes),
            "vllm:num_requests_running": float(pool.running()),
            "vllm:num_requests_waiting": float(pool.queue.length),
            "vllm:kv_cache_usage_perc": pool.kv_used_share(),
            "vllm:num_preemptions_total": float(pool.all_preemptions()),
            "busy_replica_s": sum(site.occupancy.busy_s(s) for s in (State.READY, State.DRAINING)),
            "offered_rps": flow.offered / spent_s,
            "completed_rps": flow.completed / spent_s,
            "failed_rps": flow.failed / spent_s,
            "ttft_p95_s": _p95(flow.ttft_s),
            "tpot_p95_s": _p95(flow.tpot_s),
        }


def _p95(values: list[float]) -> float | None:
    return float(np.quantile(values, 0.95)) if values else None
