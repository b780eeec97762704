"""Conservation: what must add up at the end of every run, or it is an error. Knows no clock."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from sim.ledger.lease import Lease
from sim.ledger.usage import PoolUsage, RouteOnPool, RouteUsage, Usage

REL_TOL = 1e-9


class ConservationError(RuntimeError):
    """A conservation law does not hold: the simulator, not its user, is at fault."""


def check_equal(law: str, left: float, right: float, scale: float = 0.0) -> None:
    """Raise ConservationError unless both sides agree to 1e-9 of the larger (or of *scale*)."""
    if not math.isclose(left, right, rel_tol=REL_TOL, abs_tol=REL_TOL * max(scale, 1e-3)):
        raise ConservationError(f"{law}: {left!r} is not {right!r}")


def check_replica(name: str, busy_s: float, charged_s: float, lost_s: float) -> None:
    """Every second in which a step ran was charged to some attempt, or lost in a crash."""
    check_equal(f"seconds charged on {name}", charged_s + lost_s, busy_s)


def check_leases(
    name: str,
    pool: PoolUsage,
    leases: Iterable[Lease],
    window_s: float,
    *,
    gpus: int,
    tensor_parallel: int,
) -> None:
    """What the provider bills in [0, *window_s*) is what the states of pool *name* add up to.

    *leases*: of this pool, with nodes of so many *gpus* and replicas of *tensor_parallel* each.
    """
    paid_s: dict[bool, list[float]] = {False: [], True: []}
    for lease in leases:
        paid_s[lease.spot].append(lease.paid_s(0.0, window_s))
    node_s, spot_s = (math.fsum(paid_s[spot]) for spot in (False, True))
    check_equal(f"node-seconds of {name} at the list price", pool.node_s, node_s)
    check_equal(f"node-seconds of {name} at the spot price", pool.spot_node_s, spot_s)
    gpu_s = pool.paid_s * tensor_parallel + pool.unplaced_gpu_s
    check_equal(f"paid GPU-seconds of {name}", gpu_s, gpus * (node_s + spot_s))


def check_usage(
    usage: Usage,
    arrived: Iterable[int],
    sent: Mapping[str, Mapping[str, int]] | None = None,
) -> None:
    """Requests, tokens and paid seconds of *usage*.

    *arrived*: counted at the door, per route; *sent*: counted at the fork of each route that has
    several pools, per pool.
    """
    for (name, route), count in zip(usage.routes.items(), arrived, strict=True):
        _check_requests(name, route, count)
        _check_pools(name, route, (sent or {}).get(name, {}))
        _check_asked(name, route)
        _check_computed(name, route)
    for name, pool in usage.pools.items():
        _check_pool(name, pool)
        _check_blocks(name, pool, usage.routes.values())
    for law in ("input", "output", "cached_input"):
        parts = math.fsum(getattr(r.useful, law) for r in usage.routes.values())
        check_equal(f"useful {law} tokens of all routes", parts, getattr(usage.overall.useful, law))


def _check_requests(name: str, route: RouteUsage, arrived: int) -> None:
    """Every request ends once, and all its attempts but the last were followed by another."""
    r = route.requests
    ended = r.completed + r.rejected + r.timed_out + r.failed + r.cancelled + r.in_flight
    check_equal(f"requests of {name} by final state", ended, r.arrived)
    check_equal(f"requests of {name} at the door", r.arrived, arrived)
    first = r.attempts - r.retried - r.escalated
    check_equal(f"attempts of {name} that follow no other", first, r.arrived)


def _check_pools(name: str, route: RouteUsage, sent: Mapping[str, int]) -> None:
    """What the pools of a route did is what was done for it, and all that was sent came."""
    parts = route.by_pool
    for pool, count in sent.items():
        check_equal(f"requests of {name} at {pool}", parts[pool].offered.requests, count)
    if not parts:
        return
    offered = [part.offered for part in parts.values()]
    last = math.fsum(o.requests - o.escalated for o in offered)
    check_equal(f"requests of {name} by their last pool", last, route.requests.arrived)
    for law, of in _OF_POOLS.items():
        over = math.fsum(of(part) for part in parts.values())
        check_equal(f"{law} of {name} over its pools", over, of(route))
    intervals = np.sum([part.ended_by_interval for part in parts.values()], axis=0)
    if not np.allclose(intervals, route.ended_by_interval, rtol=REL_TOL, atol=1e-3):
        raise ConservationError(f"{name}: what ended in some interval is not that of its pools")


_OF_POOLS: dict[str, Callable[[RouteUsage | RouteOnPool], float]] = {
    "answered requests": lambda part: part.completed,
    "useful input tokens": lambda part: part.useful.input,
    "useful output tokens": lambda part: part.useful.output,
    "hosted requests": lambda part: part.hosted.requests,
    "wasted input tokens": lambda part: math.fsum(part.wasted_input.values()),
    "wasted output tokens": lambda part: math.fsum(part.wasted_output.values()),
    "prompt tokens of useful attempts": lambda part: part.ended_useful.prompt,
    "prompt tokens of wasted attempts": lambda part: part.ended_waste.prompt,
    "output tokens of useful attempts": lambda part: part.ended_useful.output,
    "output tokens of wasted attempts": lambda part: part.ended_waste.output,
    "seconds of prefill": lambda part: part.as_run.prefill,
    "seconds of decode": lambda part: part.as_run.decode,
    "seconds of waste": lambda part: part.as_run.waste,
}


def _check_blocks(name: str, pool: PoolUsage, routes: Iterable[RouteUsage]) -> None:
    """The KV block-hours of a pool are those of its routes, unless nothing ended there."""
    hours = [route.by_pool[name].kv_block_hours for route in routes if name in route.by_pool]
    if any(hours):
        check_equal(f"KV block-hours of {name}", math.fsum(hours), pool.kv_used_block_s / 3600.0)


def _check_asked(name: str, route: RouteUsage) -> None:
    """Nothing was answered that was not asked for."""
    useful, offered, hosted = route.useful, route.offered, route.hosted
    for kind in ("input", "output"):
        if getattr(useful, kind) > getattr(offered, kind):
            raise ConservationError(f"{name}: more useful {kind} tokens than were asked for")
        if getattr(hosted, kind) > getattr(offered, kind):
            raise ConservationError(f"{name}: more hosted {kind} tokens than were asked for")
    if useful.cached_input > useful.input:
        raise ConservationError(f"{name}: more cached than input tokens")
    if hosted.requests > route.requests.completed:
        raise ConservationError(f"{name}: more hosted requests than were completed")


def _check_computed(name: str, route: RouteUsage) -> None:
    """What the fleet computed is useful, wasted or undecided, every token once."""
    served, computed = route.served, route.computed
    wasted_input = math.fsum(route.wasted_input.values())
    wasted_output = math.fsum(route.wasted_output.values())
    used_input = served.input - served.cached_input + wasted_input + computed.undecided_input
    used_output = served.output + wasted_output + computed.undecided_output
    check_equal(f"computed input tokens of {name}", used_input, computed.input)
    check_equal(f"computed output tokens of {name}", used_output, computed.output)


def _check_pool(name: str, pool: PoolUsage) -> None:
    states = (pool.busy_s, pool.idle_s, pool.starting_s, pool.draining_s, pool.failed_s)
    check_equal(f"replica-seconds of {name} by state", math.fsum(states), pool.paid_s)
    if min(states) < -REL_TOL * pool.paid_s:
        raise ConservationError(f"{name}: a state of negative time, {states}")
    if pool.kv_used_block_s > pool.kv_block_s * (1 + REL_TOL):
        raise ConservationError(f"{name}: more KV blocks in use than there are")
