"""Build door: from what a scenario says of a route's clients to the door that they pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import simpy

from sim.fleet.backoff import Backoff, sdk_backoff
from sim.fleet.deferral import Deferral
from sim.fleet.door import UNLIMITED, Door, Manners, stays
from sim.fleet.fork import Fork
from sim.fleet.gateway import Gateway
from sim.fleet.hosted import Hosted
from sim.fleet.no_pool import NoPool
from sim.fleet.pool import Pool
from sim.fleet.provider import draw
from sim.laws.law import Law
from sim.scenario.destination import Split
from sim.scenario.durations import DurationLaw
from sim.scenario.hosted import Hosted as Api
from sim.scenario.retries import Retries
from sim.scenario.route import Route
from sim.serving.sequence import Outcome, Sequence
from sim.streams import Keyed, Streams


def build_door(
    env: simpy.Environment,
    name: str,
    route: Route,
    pool: Pool,
    gateway: Gateway,
    streams: Streams,
    errors: float,
    *,
    submit: Callable[[Sequence], None],
) -> Door | None:
    """Build the door of the route *name* to *pool*, to which *submit* sends.

    None if its clients do nothing but wait. A share *errors* of its attempts fails in the pool.
    """
    waits = route.patience is None and route.ttft_patience is None
    plain = waits and route.retries is None and route.overflow is None
    if plain and route.deferrable is None and not errors:
        return None
    draws = streams.keyed("clients", name)
    return _door(env, name, route, pool, gateway, streams, errors, submit=submit, draws=draws)


def build_fork(
    env: simpy.Environment,
    name: str,
    route: Route,
    pools: Mapping[str, Pool],
    gateway: Gateway,
    streams: Streams,
    errors: Mapping[str, float],
    *,
    submit: Mapping[str, Callable[[Sequence], None]],
    visits: Callable[[Sequence], tuple[str, ...]],
) -> Fork:
    """Build the way of the route *name* over several of *pools*, with a door before each.

    A client behaves alike at whichever pool a split sends it to; what happens at a later step of a
    cascade has nothing to do with what happened before.
    """
    fork = Fork(env, route.pools, visits, gateway.horizon_s)
    split = isinstance(route.pool, Split)
    doors = {}
    for leg, to in enumerate(route.pools):
        draws = streams.keyed("clients", name, *(() if split or not leg else (leg,)))
        doors[to] = _door(
            env, name, route, pools[to], gateway, streams, errors[to],
            submit=submit[to], draws=draws, goes_on=fork.goes_on,
        )  # fmt: skip
    fork.connect(doors)
    return fork


def build_hosted_door(
    env: simpy.Environment,
    name: str,
    route: Route,
    api: Api,
    gateway: Gateway,
    streams: Streams,
) -> Door:
    """Build the way of the route *name* to an *api* that answers all of it."""
    assert api.ttft is not None, "checked when the spec was made"
    assert api.tpot is not None, "checked when the spec was made"
    nobody = NoPool()
    return Door(
        env,
        nobody,
        _manners(route, errors=0.0),
        streams.keyed("clients", name),
        submit=nobody.submit,
        record=gateway.record,
        settle=gateway.settle,
        hosted=_hosted(name, api.ttft, api.tpot, streams, on_no_replica=True),
    )


def _door(
    env: simpy.Environment,
    name: str,
    route: Route,
    pool: Pool,
    gateway: Gateway,
    streams: Streams,
    errors: float,
    *,
    submit: Callable[[Sequence], None],
    draws: Keyed,
    goes_on: Callable[[Sequence], bool] = stays,
) -> Door:
    return Door(
        env,
        pool,
        _manners(route, errors),
        draws,
        submit=submit,
        record=gateway.record,
        settle=gateway.settle,
        hosted=_overflow(name, route, streams),
        deferral=_deferral(env, pool, route),
        goes_on=goes_on,
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


def _overflow(name: str, route: Route, streams: Streams) -> Hosted | None:
    overflow = route.overflow
    if overflow is None:
        return None
    rejected = [Outcome.REJECTED] if "rejected" in overflow.on else []
    missed = "no_replica" in overflow.on
    return _hosted(name, overflow.ttft, overflow.tpot, streams, rejected, missed)


def _hosted(
    name: str,
    ttft: DurationLaw,
    tpot: DurationLaw,
    streams: Streams,
    on: Iterable[Outcome] = (),
    on_no_replica: bool = False,
) -> Hosted:
    return Hosted(
        ttft.law(),
        tpot.law(),
        on=frozenset(on),
        on_no_replica=on_no_replica,
        draws=streams.keyed("hosted", name),
    )


def _deferral(env: simpy.Environment, pool: Pool, route: Route) -> Deferral | None:
    deferrable = route.deferrable
    if deferrable is None:
        return None
    deadline_s = math.inf if deferrable.deadline is None else deferrable.deadline
    return Deferral(env, pool, deferrable.below, deadline_s)
