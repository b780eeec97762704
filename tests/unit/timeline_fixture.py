"""Generated days of a fleet, with rows and events as a simulation hands them over.

A fluid stands for requests: enough to look true, quick, and the same each time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sim.ledger.events import FleetEvent
from sim.report.clock import Clock
from sim.scenario.scaling_plan import Weekday

HOUR_S, DAY_S = 3600.0, 86_400.0


@dataclass
class Fleet:
    """A pool under a load; `per_replica` requests per second are all that a replica can answer."""

    window_s: float
    ready: int
    load: Callable[[float], float]
    step_s: float
    starts_on: Weekday = "monday"
    pool: str = "main"
    per_replica: float = 2.0
    startup_s: float = 240.0
    service_s: float = 8.0
    patience_s: float = math.inf
    retries: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)
    events: list[FleetEvent] = field(default_factory=list)
    script: list[tuple[float, Callable[[Fleet], None]]] = field(default_factory=list)
    decide: Callable[[Fleet], int | None] = lambda fleet: None

    def __post_init__(self) -> None:
        self.now_s = 0.0
        self.wanted = self.ready
        self.starting: list[float] = []
        self.draining: list[float] = []
        self.failed: list[float] = []
        self.queue = 0.0
        self.again = 0.0

    @property
    def clock(self) -> Clock:
        return Clock(self.window_s, self.starts_on)

    def note(self, kind: str, reason: str) -> None:
        self.events.append(FleetEvent(self.now_s, self.pool, kind, reason, self.wanted, self.ready))

    def scale(self, wanted: int, reason: str) -> None:
        self.wanted = wanted
        self.note("scale", reason)
        lack = wanted - self.ready - len(self.starting)
        self.starting += [self.now_s + self.startup_s] * max(0, lack)
        gone = min(self.ready, max(0, -lack))
        self.ready -= gone
        self.draining += [self.now_s + 60.0] * gone

    def fail(self, n: int, kind: str, reason: str, back_s: float) -> None:
        n = min(n, self.ready)
        self.ready -= n
        self.failed += [self.now_s + back_s] * n
        self.note(kind, reason)

    def roll(self) -> None:
        """One replica more, then one less, for each that there is."""
        self.note("rollout", "every 7d")
        for number in range(self.ready):
            begin_s = self.now_s + number * (self.startup_s + 30.0)
            self.script.append((begin_s, lambda f: f.starting.append(f.now_s + f.startup_s)))
            self.script.append((begin_s + self.startup_s, Fleet._drain_one))

    def _drain_one(self) -> None:
        self.ready -= 1
        self.draining.append(self.now_s + 60.0)

    def run(self, seed: int = 1) -> Fleet:
        rng = np.random.default_rng(seed)
        inner = 6
        sums = np.zeros(3)
        for number in range(round(self.window_s / self.step_s)):
            self._sample(*(sums / self.step_s))
            sums = np.zeros(3)
            for _ in range(inner):
                sums += self._step(rng, self.step_s / inner)
                self.now_s += self.step_s / inner
            self.now_s = (number + 1) * self.step_s
        return self

    def _step(self, rng: np.random.Generator, dt: float) -> np.ndarray:
        now_s = self.now_s
        due = [event for event in self.script if event[0] <= now_s]
        self.script = [event for event in self.script if event[0] > now_s]
        for _, act in due:
            act(self)
        for pending in (self.starting, self.failed):
            up = [at for at in pending if at <= now_s]
            pending[:] = [at for at in pending if at > now_s]
            for _ in up:
                self.ready += 1
                self.note("ready", "replica is ready")
        self.draining = [at for at in self.draining if at > now_s]
        wanted = self.decide(self)
        if wanted is not None and wanted != self.wanted:
            self.scale(wanted, "p95 of TPOT above target")
        mean = self.load(now_s) * dt
        new = float(rng.poisson(mean)) if mean < 1e4 else mean
        offered = new + self.again
        self.queue += offered
        capacity = self.ready * self.per_replica * dt
        taken = min(self.queue, capacity)
        self.queue -= taken
        wait_s = self.queue / max(1e-9, self.ready * self.per_replica)
        late = min(1.0, max(0.0, wait_s / self.patience_s - 0.9) * 4.0)
        failed = taken * late
        self.again = failed * self.retries / (1.0 + self.retries)
        return np.array([offered, taken - failed, failed])

    def _sample(self, offered: float, completed: float, failed: float) -> None:
        busy = min(1.0, (completed + failed) / max(1e-9, self.ready * self.per_replica))
        wait_s = self.queue / max(1e-9, self.ready * self.per_replica)
        nodes = self.ready + len(self.starting) + len(self.draining) + len(self.failed)
        some = completed > 0.0
        self.rows.append(
            {
                "t_s": self.now_s,
                "pool": self.pool,
                "replicas_wanted": float(self.wanted),
                "replicas_ready": float(self.ready),
                "replicas_starting": float(len(self.starting)),
                "replicas_draining": float(len(self.draining)),
                "replicas_failed": float(len(self.failed)),
                "nodes": float(nodes),
                "usd_per_hour": nodes * 4.2,
                "vllm:num_requests_running": float(round(completed * self.service_s)),
                "vllm:num_requests_waiting": float(round(self.queue)),
                "vllm:kv_cache_usage_perc": 0.8 * busy,
                "vllm:num_preemptions_total": 0.0,
                "busy_replica_s": 0.0,
                "offered_rps": offered,
                "completed_rps": completed,
                "failed_rps": failed,
                "ttft_p95_s": 0.25 + 0.5 * busy**4 + wait_s if some else None,
                "tpot_p95_s": 0.018 + 0.022 * busy**2 if some else None,
            }
        )


def _day(t_s: float) -> float:
    """Share of the day's peak, least at four in the morning."""
    return 0.12 + 0.88 * (0.5 - 0.5 * math.cos(2 * math.pi * (t_s / DAY_S - 4 / 24))) ** 1.5


def _by_load(least: int, most: int, calm_s: float = 600.0) -> Callable[[Fleet], int | None]:
    """Up at once, down by one when it has been calm for a while."""
    last = [0.0]

    def decide(fleet: Fleet) -> int | None:
        mean = fleet.load(fleet.now_s) + fleet.queue / 300.0
        need = min(most, max(least, math.ceil(mean / fleet.per_replica / 0.75)))
        if need > fleet.wanted:
            last[0] = fleet.now_s
            return need
        if need < fleet.wanted and fleet.now_s - last[0] > calm_s:
            last[0] = fleet.now_s
            return fleet.wanted - 1
        return None

    return decide


def launch_day() -> Fleet:
    """Eight times the usual load at ten, a crash, no capacity, and a zone outage in the evening."""

    def load(t_s: float) -> float:
        since_h = t_s / HOUR_S - 10.0
        launch = 14.0 * math.exp(-since_h / 1.5) if since_h >= 0 else 0.0
        return 5.0 * _day(t_s) + launch

    fleet = Fleet(DAY_S, 1, load, DAY_S / 500, starts_on="tuesday", decide=_by_load(1, 12))
    fleet.startup_s = 420.0
    fleet.script = [
        (10.05 * HOUR_S, lambda f: f.note("no-capacity", "the provider has no node")),
        (10.09 * HOUR_S, lambda f: f.note("no-capacity", "the provider has no node")),
        (14.2 * HOUR_S, lambda f: f.fail(1, "crash", "replica 7 crashed", 300.0)),
        (18.5 * HOUR_S, lambda f: f.note("outage", "zone a is out")),
        (18.5 * HOUR_S, lambda f: f.fail(2, "node-failure", "node 3 went with its zone", 5400.0)),
        (18.5 * HOUR_S, lambda f: f.note("node-failure", "node 4 went with its zone")),
        (20.0 * HOUR_S, lambda f: f.note("outage-over", "zone a is back")),
    ]
    return fleet.run()


def retry_storm() -> Fleet:
    """Four of five replicas are gone for two minutes; clients that retry keep the fleet down."""
    fleet = Fleet(2 * HOUR_S, 5, lambda t_s: 7.0, 14.4, patience_s=60.0, retries=2, startup_s=30.0)
    fleet.script = [
        (1500.0, lambda f: f.fail(4, "outage", "4 of 5 nodes are cut off", 120.0)),
        (1620.0, lambda f: f.note("outage-over", "4 of 5 nodes are back")),
    ]
    return fleet.run()


def rolling_deploy() -> Fleet:
    """Twelve hours with a rollout of six replicas and a crash in the midst of it."""
    fleet = Fleet(12 * HOUR_S, 6, lambda t_s: 7.0, 60.0, starts_on="thursday", startup_s=420.0)
    fleet.script = [
        (4 * HOUR_S, Fleet.roll),
        (4.4 * HOUR_S, lambda f: f.fail(1, "crash", "replica 2 crashed", 200.0)),
    ]
    return fleet.run()


def quiet_week() -> Fleet:
    """A few requests in office hours, none at all at night: the fleet goes to zero and back."""

    def load(t_s: float) -> float:
        day, hour = divmod(t_s / HOUR_S, 24.0)
        return 0.05 if 8.0 <= hour < 18.0 and day % 7 < 5 else 0.0

    def decide(fleet: Fleet) -> int | None:
        return 1 if fleet.load(fleet.now_s) or fleet.queue else 0

    week_s = 7 * DAY_S
    return Fleet(week_s, 0, load, week_s / 500, per_replica=0.5, decide=decide).run()


def plain_minutes() -> Fleet:
    """Ten minutes of three replicas that nothing happens to."""
    return Fleet(600.0, 3, lambda t_s: 4.5, 10.0).run()
