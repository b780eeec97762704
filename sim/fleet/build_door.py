"""Build door: from what a scenario says of a route's clients to the door that they pass."""

from __future__ import annotations

import math
from collections.abc import Callable

import simpy

from sim.fleet.backoff import Backoff, sdk_backoff
from sim.fleet.deferral import Deferral
from sim.fleet.door import UNLIMITED, Door, Manners
from sim.fleet.gateway import Gateway
from sim.fleet.hosted import Hosted
from sim.fleet.pool import Pool
from sim.fleet.provider import draw
from sim.laws.law import Law
from sim.scenario.retries import Retries
from sim.scenario.route import Route
from sim.serving.sequence import Outcome
from sim.streams import Streams


def build_door(
    env: simpy.Environment,
    index: int,
    name: str,
    route: Route,
    pool: Pool,
    gateway: Gateway,
    streams: Streams,
    errors: float,
) -> Door | None:
    """Build the door of the route *name*, the *index*-th; None if its clients do nothing but wait.

    A share *errors* of its attempts fails in the pool.
    """
    waits = route.patience is None and route.ttft_patience is None
    plain = waits and route.retries is None and route.overflow is None
    if plain and route.deferrable is None and not errors:
        return None
    return Door(
        env,
        pool,
        _manners(route, errors),
        streams.keyed("clients", name),
        submit=gateway.submit[index],
        record=gateway.record,
        settle=gateway.settle,
        hosted=_hosted(name, route, streams),
        deferral=_deferral(env, pool, route),
    )


def _manners(route: Route, errors: float) -> Manners:
    retries = route.retries
    return Manners(
        patience=None if route.patience is None else route.patience.law(),
        ttft_patience=None if route.ttft_patience is None else route.ttft_patience.law(),
        retries=0 if retries is None else UNLIMITED if retries.most is None else retries.most,
        retried_on=frozenset(_outcomes(() if retries is None else retries.on)),
        backoff=sdk_backoff if retries is None else _backoff(retries),
        retry_after_s=None if retries is None else retries.retry_after,
        budget_ratio=None if retries is None else retries.budget,
        cancels=route.cancel_on_disconnect,
        errors=errors,
    )


def _outcomes(names: tuple[str, ...]) -> list[Outcome]:
    return [Outcome[name.upper()] for name in names]


def _backoff(retries: Retries) -> Backoff:
    if retries.backoff == "sdk":
        return sdk_backoff
    law: Law = retries.backoff.law()
    wait: Callable[[int, float], float] = lambda attempt, u: draw(law, u)  # noqa: E731
    return wait


def _hosted(name: str, route: Route, streams: Streams) -> Hosted | None:
    overflow = route.overflow
    if overflow is None:
        return None
    return Hosted(
        overflow.ttft.law(),
        overflow.tpot.law(),
        on=frozenset([Outcome.REJECTED] if "rejected" in overflow.on else []),
        on_no_replica="no_replica" in overflow.on,
        draws=streams.keyed("hosted", name),
    )


def _deferral(env: simpy.Environment, pool: Pool, route: Route) -> Deferral | None:
    deferrable = route.deferrable
    if deferrable is None:
        return None
    deadline_s = math.inf if deferrable.deadline is None else deferrable.deadline
    return Deferral(env, pool, deferrable.below, deadline_s)
