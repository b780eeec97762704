"""Fleet notices: what a living fleet and its clients may do that their owner should know; no clock.

Clients that retry add load just when the pool is overloaded. With R retries of timed-out attempts
it can be (1 + R) times the usual one, so that a pool whose usual utilization is rho may stay
overloaded for good after an outage if rho (1 + R) >= 1 (Bronson et al., Metastable failures in
distributed systems, HotOS 2021).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sim.catalog.gpus import gpu
from sim.catalog.hosts import host
from sim.catalog.timings import kernel_table
from sim.scenario.arrivals import ClosedArrivals
from sim.scenario.failures import Failures
from sim.scenario.notice import Notice
from sim.scenario.pool import Pool
from sim.scenario.retries import Retries
from sim.scenario.route import Route
from sim.scenario.timing import ExplicitTiming
from sim.units import format_duration

FEW_FAILURES = 1 / 20
"""Below so many failures expected in the horizon, one run says little of what they cost."""


def route_notices(path: str, route: Route, pools: Sequence[Pool]) -> Iterator[Notice]:
    """Yield what is worth a warning about the clients of *route*, which *pools* serve, if any."""
    if route.patience is not None and route.output_tokens is not None:
        mean = route.output_tokens.rough_mean
        alone_s = mean * max((lone_token_s(pool) for pool in pools), default=0.0)
        patient_s = route.patience.mean_s
        if patient_s < alone_s:
            text = f"{format_duration(patient_s)} is less than an answer of {mean:.0f} tokens takes"
            rest = f"even alone on an engine, some {format_duration(round(alone_s, 1))}"
            yield Notice("short-patience", f"{path}.patience", f"{text} {rest}")
    if route.retries is not None and _may_storm(route, route.retries):
        yield Notice("retry-storm", f"{path}.retries", _storm(route.retries.most))
    if route.deferrable is not None and route.deferrable.deadline is None:
        text = "without a deadline, requests wait as long as the pool is busy, perhaps for ever"
        yield Notice("no-deadline", f"{path}.deferrable", text)


def _may_storm(route: Route, retries: Retries) -> bool:
    """Whether retries repeat work that was done for nothing, without bound by users or budget."""
    gives_up = route.patience is not None or route.ttft_patience is not None
    repeats = "timed_out" in retries.on and retries.most != 0
    closed = isinstance(route.arrivals, ClosedArrivals)
    return gives_up and repeats and retries.budget is None and not closed


def _storm(most: int | None) -> str:
    retried = "without limit" if most is None else f"{most} time{'s' if most > 1 else ''}"
    from_rho = (
        "at any utilization" if most is None else f"from a utilization of {1 / (1 + most):.0%} on"
    )
    return (
        f"timed-out requests are retried {retried}: {from_rho}, where rho (1 + retries) >= 1, the "
        "retries alone can keep the pool overloaded after an outage; budget: 10% prevents it"
    )


def lone_token_s(pool: Pool) -> float:
    """Return the least time that a decode step of *pool* takes: one sequence, an empty context."""
    if isinstance(pool.timing, ExplicitTiming):
        kernel_s = pool.timing.knots_s[0] + pool.timing.per_sequence_s
    else:
        assert pool.model is not None, "checked when the spec was made"
        assert pool.gpu is not None, "checked when the spec was made"
        extrapolated = pool.timing == "extrapolated"
        card, width = gpu(pool.gpu).table, pool.tensor_parallel
        table = kernel_table(pool.model, card, width, pool.precision, extrapolated)
        kernel_s = table.shared_s(1.0) + table.per_sequence_s
    stack = host(pool.host) if isinstance(pool.host, str) else pool.host
    return kernel_s + stack.per_step_s + stack.per_sequence_s


def pool_notices(path: str, pool: Pool, horizon_s: float) -> Iterator[Notice]:
    """Yield what is worth a warning about how *pool* grows, fails and is renewed."""
    if pool.starts_replicas:
        start_s = pool.mean_startup_s
        if start_s > horizon_s:
            text = f"a replica takes some {format_duration(round(start_s))} to start, longer than"
            rest = f"the horizon of {format_duration(horizon_s)}: none that is asked for serves"
            yield Notice("startup-beyond-horizon", f"{path}.startup", f"{text} {rest}")
    if pool.failures is not None:
        yield from _failures(f"{path}.failures", pool.failures, pool, horizon_s)
    if pool.rollouts is not None and pool.rollouts.first_at_s >= horizon_s:
        begin, end = format_duration(pool.rollouts.first_at_s), format_duration(horizon_s)
        text = f"the first rollout begins at {begin}, after the horizon of {end}; give first"
        yield Notice("rollout-beyond-horizon", f"{path}.rollouts", text)


def _failures(path: str, failures: Failures, pool: Pool, horizon_s: float) -> Iterator[Notice]:
    counts = {
        "mtbf": ("node", pool.nodes),
        "replica_mtbf": ("replica", pool.start_replicas),
        "zone_mtbf": ("zone", len(pool.node.zones)),
    }
    for key, (noun, count) in counts.items():
        mtbf_s: float | None = getattr(failures, key)
        expected = count * horizon_s / mtbf_s if mtbf_s is not None else FEW_FAILURES
        if expected < FEW_FAILURES:
            things = f"{count} {noun}{'' if count == 1 else 's'}"
            text = f"of {things}, {expected:.2g} failures are to be expected in a run: too few to"
            rest = "tell what they cost; take a longer horizon, or script outages"
            yield Notice("rare-failures", f"{path}.{key}", f"{text} {rest}")
    for number, outage in enumerate(failures.outages):
        if outage.starts_at_s >= horizon_s:
            begin, end = format_duration(outage.starts_at_s), format_duration(horizon_s)
            text = f"begins at {begin}, after the horizon of {end}"
            yield Notice("outage-beyond-horizon", f"{path}.outages[{number}]", text)
