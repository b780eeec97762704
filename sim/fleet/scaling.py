"""Scaling: an autoscaler at work; it looks, decides, and has it carried out. In simulated time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Protocol

import simpy
from simpy.events import Timeout

from sim.fleet.history import History
from sim.fleet.keeper import Keeper
from sim.fleet.scaler import Observation, PodValues, Scaler
from sim.fleet.seat import Seat, State
from sim.scenario.hpa_manifest import Gauge
from sim.serving.sequence import Outcome, Sequence

Submit = Callable[[Sequence], None]


@dataclass(frozen=True)
class Looks:
    """When an autoscaler looks and what of: every `every_s`, at what is `delay_s` old.

    Latencies are of the requests that finished within `window_s`, rates are means over it.
    `floor_tpot_s` is the TPOT of a request that is alone. Without `rates` requests that come, and
    without `answers` those that finish, are not remembered: it would be work for nothing.
    """

    every_s: float
    window_s: float
    delay_s: float
    floor_tpot_s: float
    answers: bool = True
    rates: bool = True


class Watcher(Protocol):
    """What stands between a pool and those who send to it, and sees all that comes and goes."""

    def submitting(self, submit: Submit) -> Submit:
        """Return *submit*, observed."""
        ...

    def ending(self, on_done: Submit) -> Submit:
        """Return *on_done*, observed."""
        ...


class Scaling:
    """Shows *scaler* the pool at regular times, and lets *keeper* carry out what it decides.

    One that *plans* knows beforehand how many will be needed: it wakes a pool that is asleep, and
    `on_none` is told when it needs none. Others leave that to whoever asks.
    """

    def __init__(
        self,
        env: simpy.Environment,
        keeper: Keeper,
        scaler: Scaler,
        looks: Looks,
        history: History,
        *,
        plans: bool = False,
    ) -> None:
        self.env = env
        self.keeper = keeper
        self.scaler = scaler
        self.looks = looks
        self.history = history
        self.plans = plans
        self.planned = 0
        self.on_none: Callable[[], None] = lambda: None
        self._gauges: deque[tuple[float, dict[Gauge, PodValues]]] = deque()

    def run(self) -> Generator[simpy.Event, None, None]:
        """Look again and again, for ever."""
        while True:
            yield self.env.timeout(self.looks.every_s)
            decision = self.scaler.decide(self._observe())
            if self.plans:
                self.planned = decision.replicas
            if self.keeper.wanted or self.planned:
                self.keeper.want(max(1, decision.replicas), decision.reason)
            if not decision.replicas:
                self.on_none()

    def submitting(self, submit: Submit) -> Submit:
        """Return *submit* with each attempt remembered."""
        if not self.looks.rates:
            return submit

        def remembered(sequence: Sequence) -> None:
            self.history.came(self.env.now, sequence.input_tokens)
            submit(sequence)

        return remembered

    def ending(self, on_done: Submit) -> Submit:
        """Return *on_done* with what completes remembered."""
        if not self.looks.answers:
            return on_done

        def remembered(sequence: Sequence) -> None:
            if sequence.outcome is Outcome.COMPLETED:
                self.history.finished(sequence)
            on_done(sequence)

        return remembered

    def _observe(self) -> Observation:
        """Return the pool as it is known now.

        Replicas beyond those wanted (spare ones, the surge of a rollout) are not the autoscaler's
        business: it would want them for ever.
        """
        now_s, looks = self.env.now, self.looks
        self.history.forget(now_s)
        to_s = now_s - looks.delay_s
        from_s = to_s - looks.window_s
        p95_ttft_s, p95_tpot_s = self.history.p95(from_s, to_s)
        requests_per_s, tokens_per_s = self.history.rates(from_s, to_s)
        pool, wanted = self.keeper.pool, self.keeper.wanted
        ready = min(pool.routed, wanted)
        return Observation(
            now_s=now_s,
            ready=ready,
            starting=wanted - ready,
            p95_tpot_s=p95_tpot_s,
            p95_ttft_s=p95_ttft_s,
            oldest_wait_s=pool.oldest_wait_s(),
            held=pool.running() + pool.queue.length,
            floor_tpot_s=looks.floor_tpot_s,
            requests_per_s=requests_per_s,
            tokens_per_s=tokens_per_s,
            gauges=self._scraped(self.keeper.seats, requests_per_s),
        )

    def _scraped(self, seats: list[Seat], requests_per_s: float) -> dict[Gauge, PodValues]:
        """Return the gauges as they were `delay_s` ago, or at the first look."""
        self._gauges.append((self.env.now, _gauges(seats, requests_per_s)))
        due_s = self.env.now - self.looks.delay_s
        while len(self._gauges) > 1 and self._gauges[1][0] <= due_s:
            self._gauges.popleft()
        return self._gauges[0][1]


def _gauges(seats: list[Seat], requests_per_s: float) -> dict[Gauge, PodValues]:
    ready = [seat.replica.batcher for seat in seats if seat.state is State.READY]
    missing = sum(seat.state in (State.STARTING, State.FAILED) for seat in seats)
    pending = sum(seat.state is State.ORDERED for seat in seats)

    def pods(values: list[float]) -> PodValues:
        return PodValues(values, missing, pending)

    return {
        "requests_waiting": pods([float(b.waiting.count + len(b.coming)) for b in ready]),
        "requests_running": pods([float(len(b.running)) for b in ready]),
        "kv_usage": pods([1.0 - b.cache.free / b.cache.blocks for b in ready]),
        "requests_per_s": pods([requests_per_s / max(1, len(ready)) for _ in ready]),
    }


class Sleep:
    """Lets a pool have no replica while nobody asks: the first who does wakes it.

    It is put to sleep when it has been empty, and able to serve, for *after_s*, unless *scaling*
    plans with replicas.
    """

    def __init__(
        self,
        env: simpy.Environment,
        keeper: Keeper,
        after_s: float,
        scaling: Scaling | None = None,
    ) -> None:
        self.env = env
        self.keeper = keeper
        self.after_s = after_s
        self.scaling = scaling
        if scaling is not None:
            scaling.on_none = self._tire
        self._spells = 0  # counts what comes and goes: an alarm set before the last is void
        self._armed: int | None = None  # the spell of the last alarm
        keeper.pool.on_missed = self._wake
        keeper.on_ready.append(self._tire)

    def _wake(self) -> None:
        if not self.keeper.wanted:
            self._spells += 1
            self.keeper.want(1, "a request has come")

    def submitting(self, submit: Submit) -> Submit:
        """Return *submit* with each attempt keeping the pool awake."""

        def waking(sequence: Sequence) -> None:
            self._spells += 1
            submit(sequence)

        return waking

    def ending(self, on_done: Submit) -> Submit:
        """Return *on_done* with the pool put to sleep some time after its last sequence."""

        def tiring(sequence: Sequence) -> None:
            on_done(sequence)
            self._spells += 1
            self._tire()

        return tiring

    def _tire(self, _: Seat | None = None) -> None:
        """Set the alarm if the pool is empty, once for a spell."""
        if self._armed == self._spells or not self.keeper.wanted:
            return
        if self.keeper.pool.is_empty:
            self._armed = self._spells
            alarm = Timeout(self.env, self.after_s, self._spells)
            alarm.callbacks.append(self._fall_asleep)

    def _fall_asleep(self, alarm: simpy.Event) -> None:
        if alarm.value != self._spells:
            return
        self._armed = None
        if self.scaling is None or not self.scaling.planned:
            self.keeper.want(0, "nobody has asked for a while")
