"""Gap load: how much traffic a few replicas can take and still keep every SLO; knows no clock.

Requests sampled from the log come at random (Poisson) to a small fleet that never changes. The
largest rate at which every SLO is met tells what a request really needs of a replica's time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from sim.ledger.usage import Usage
from sim.scenario.arrivals import PoissonArrivals
from sim.scenario.autoscaler import P95Scaler
from sim.scenario.document import Scenario
from sim.scenario.pool import Pool
from sim.scenario.route import Route, Slo
from sim.scenario.spec import FrozenDict
from sim.simulation import simulate
from sim.streams import Streams
from sim.studies.attainment import is_met
from sim.studies.gap_log import Sample
from sim.traffic.batch import Batch
from sim.traffic.source import Batches

WARM = 0.10
"""Share of the requests that come before the measured window."""

TOLERANCE = 0.005
"""The largest rate is known to this, relatively."""

COARSE = 0.05
"""Where a quarter of the sample stops looking, and the whole sample goes on."""

QUARTER = 4
"""The coarse search uses this fraction of the sample."""

STEP = 1.25
"""From one rate to the next on the way down from what a full batch would take."""

LEAST = 1.0 / 128.0
"""Rates below this part of the benchmark's are not tried: the SLO is out of reach."""

GAPS_PER_BATCH = 4_096


@dataclass(frozen=True)
class Load:
    """What *replicas* take: `rate_per_s` requests a second in all, `share_s` of each route.

    `share_s[route]` are replica-seconds per request, idle time between requests included, so that
    the sum over all requests is what the replicas were paid for.
    """

    replicas: int
    rate_per_s: float
    share_s: dict[int, float]


def has_target(scenario: Scenario, pool: str) -> bool:
    """Whether anything says how fast the requests of *pool* have to be answered."""
    return any(route.slo is not None for route in small_fleet(scenario, pool, 1).routes.values())


def small_fleet(scenario: Scenario, pool: str, replicas: int) -> Scenario:
    """*replicas* of *pool* that never change, behind its own router, and its routes alone.

    Clients wait for their answers, nobody is rejected, nothing fails. Where no route has an SLO,
    that of the autoscaler takes its place.
    """
    routes = {n: r for n, r in scenario.routes.items() if pool in r.pools}
    slo = None if any(r.slo for r in routes.values()) else _scaler_slo(scenario.pools[pool])
    fleet = {
        "pools": FrozenDict({pool: _still(scenario.pools[pool], replicas)}),
        "routes": FrozenDict({n: _plain(r, pool, slo) for n, r in routes.items()}),
        "bill": (),
    }
    return scenario.model_copy(update=fleet)


def _still(pool: Pool, replicas: int) -> Pool:
    nothing = ("autoscaler", "scale_to_zero", "failures", "rollouts", "redundancy", "queue_limit")
    node = pool.node.model_copy(update={"spot": None})
    still = {**dict.fromkeys(nothing), "replicas": replicas, "warm_nodes": 0, "node": node}
    return pool.model_copy(update=still)


def _plain(route: Route, pool: str, slo: Slo | None) -> Route:
    nothing = ("patience", "ttft_patience", "retries", "overflow", "deferrable", "sessions")
    changed = {"pool": pool, "arrivals": PoissonArrivals(rps=1.0), "slo": route.slo or slo}
    return route.model_copy(update={**dict.fromkeys(nothing), **changed})


def _scaler_slo(pool: Pool) -> Slo | None:
    """What an autoscaler that goes by latency aims at."""
    if not isinstance(pool.autoscaler, P95Scaler) or pool.autoscaler.target is None:
        return None
    return Slo(tpot_p95=pool.autoscaler.target)


class LoadTest:
    """Runs of one pool's *sample* on *replicas* at one rate after another; results are kept.

    The same gaps between arrivals, stretched, make all rates comparable.
    """

    def __init__(
        self, scenario: Scenario, pool: str, sample: Sample, replicas: int, replication: int
    ) -> None:
        self.fleet = small_fleet(scenario, pool, replicas)
        self.replicas = replicas
        self.replication = replication
        places = {name: place for place, name in enumerate(self.fleet.routes)}
        self.index_of = dict(enumerate(scenario.routes))
        self.place_of = {i: places[n] for i, n in self.index_of.items() if n in places}
        self.sample = sample
        gaps = Streams(scenario.seed, replication).of("load test", pool)
        self.at = _of_mean_one(np.cumsum(gaps.standard_exponential(len(sample))))
        self._met: dict[tuple[float, int], bool] = {}

    def meets(self, rate_per_s: float, requests: int) -> bool:
        """Whether every SLO is kept when the first *requests* come at *rate_per_s*."""
        key = rate_per_s, requests
        if key not in self._met:
            usage = self.run(rate_per_s, requests)
            share = self.fleet.slo_windows
            self._met[key] = all(
                is_met(figure, share) is not False
                for route in usage.routes.values()
                for figure in route.slo
            )
        return self._met[key]

    def run(self, rate_per_s: float, requests: int) -> Usage:
        """The usage of one run."""
        at_s = self.at[:requests] / rate_per_s
        begin_s = float(at_s[int(requests * WARM)])
        timed = self.fleet.model_copy(
            update={"warmup": begin_s, "horizon": float(at_s[-1]) - begin_s}
        )
        traffic = Batches(self._batches(at_s - begin_s), ())
        return simulate(timed, replication=self.replication, traffic=traffic).usage

    def _batches(self, at_s: np.ndarray) -> Iterator[Batch]:
        sample = self.sample
        for first in range(0, len(at_s), GAPS_PER_BATCH):
            part = slice(first, min(first + GAPS_PER_BATCH, len(at_s)))
            yield Batch(
                at_s[part].tolist(),
                [self.place_of[route] for route in sample.route[part]],
                sample.number[part],
                sample.input_tokens[part],
                sample.output_tokens[part],
                sample.prefix[part],
                sample.turn[part],
            )

    def load(self, rate_per_s: float) -> Load:
        """What each route's requests take at *rate_per_s*."""
        usage = self.run(rate_per_s, len(self.sample))
        names = list(self.fleet.routes)
        paid_s = self.replicas * usage.window_s
        as_run = {n: _run_s(usage, n) for n in names}
        arrived = {n: usage.routes[n].requests.arrived for n in names}
        busy_s, requests = sum(as_run.values()), sum(arrived.values())
        shares = {}
        for index, name in self.index_of.items():
            if name not in as_run:
                continue
            known = arrived[name] > 0 and busy_s > 0
            part = as_run[name] / busy_s / arrived[name] if known else 1.0 / max(1.0, requests)
            shares[index] = paid_s * part
        return Load(self.replicas, rate_per_s, shares)


def _of_mean_one(at: np.ndarray) -> np.ndarray:
    """Times *at*, stretched so that gaps in the measured part are 1 on average: the rate is then
    the one that is asked for, not what happened to be drawn."""
    first = int(len(at) * WARM)
    span = float(at[-1] - at[first]) if len(at) > 1 else 0.0
    return at * ((len(at) - 1 - first) / span) if span > 0.0 else at


def _run_s(usage: Usage, route: str) -> float:
    as_run = usage.routes[route].as_run
    return as_run.prefill + as_run.cached_attention + as_run.rent + as_run.decode + as_run.waste


def largest_rate(test: LoadTest, full_per_s: float, near_per_s: float | None) -> float | None:
    """The largest rate at which every SLO is met, to TOLERANCE; None if none is.

    *full_per_s*, what the replicas take when nobody minds to wait, is the most that is tried.
    *near_per_s*: a rate that should be near; without it a part of the sample finds one first.
    """
    whole = len(test.sample)
    if near_per_s is None:
        part = max(1, whole // QUARTER)
        near_per_s = _near(lambda rate: test.meets(rate, part), full_per_s)
        if near_per_s is None:
            return None

    def meets(rate_per_s: float) -> bool:
        return test.meets(rate_per_s, whole)

    low, high = _bracket(meets, near_per_s, full_per_s)
    return None if low is None else _bisected(meets, low, high, TOLERANCE)


Meets = Callable[[float], bool]


def _near(meets: Meets, full: float) -> float | None:
    """Go down from a full batch until every SLO is met, and bisect up to COARSE."""
    rate = full
    while not meets(rate):
        rate /= STEP
        if rate < full * LEAST:
            return None
    return _bisected(meets, rate, min(full, rate * STEP), COARSE)


def _bracket(meets: Meets, near: float, full: float) -> tuple[float | None, float]:
    """A rate that meets, None if none does, and one close above that does not, or *full*."""
    step = 1.0 + COARSE
    if meets(near):
        low = near
        while (high := min(full, low * step)) > low and meets(high):
            low = high
        return low, high
    high = near
    while not meets(high / step):
        high /= step
        if high < full * LEAST:
            return None, high
    return high / step, high


def _bisected(meets: Meets, low: float, high: float, tolerance: float) -> float:
    """The largest rate known to meet, *low* doing so and *high* not."""
    while high > low * (1.0 + tolerance):
        middle = float((low * high) ** 0.5)
        if meets(middle):
            low = middle
        else:
            high = middle
    return low
