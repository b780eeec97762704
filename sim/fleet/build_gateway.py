"""Build gateway: from what a scenario says of its routes to the way in of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import simpy

from sim.fleet.build_door import build_door, build_fork, build_hosted_door
from sim.fleet.gateway import Entrance, Gateway
from sim.fleet.no_pool import NoPool
from sim.fleet.pool import Pool
from sim.scenario.document import Scenario
from sim.serving.sequence import Sequence
from sim.serving.turn import Turn
from sim.streams import Streams

Submit = Callable[[Sequence], None]

Visits = Callable[[str, int, Turn | None], tuple[str, ...]]
"""The pools that a request comes to, in order: by its route, its number and its turn."""


def build_gateway(
    env: simpy.Environment,
    scenario: Scenario,
    pools: Mapping[str, Pool],
    submit: Mapping[str, Submit],
    streams: Streams,
    visits: Visits,
    record: Submit,
) -> Gateway:
    """Build the gateway before *pools*, to each of which *submit* sends, with its routes' doors.

    Ended attempts are *record*ed. Only routes over several pools are asked for their *visits*.
    """
    names = list(scenario.routes)
    gateway = Gateway(
        env, [_direct(scenario, name, submit) for name in names], scenario.horizon, record
    )
    for index, name in enumerate(names):
        entrance = _entrance(gateway, scenario, name, pools, submit, streams, visits)
        if entrance is not None:
            gateway.install(index, entrance)
    return gateway


def _direct(scenario: Scenario, name: str, submit: Mapping[str, Submit]) -> Submit:
    """Return what sends to a route's only pool; with more or less than one, a door will."""
    pools = scenario.routes[name].pools
    return submit[pools[0]] if len(pools) == 1 else NoPool().submit


def _entrance(
    gateway: Gateway,
    scenario: Scenario,
    name: str,
    pools: Mapping[str, Pool],
    submit: Mapping[str, Submit],
    streams: Streams,
    visits: Visits,
) -> Entrance | None:
    env, route = gateway.env, scenario.routes[name]
    if not route.pools:
        api = scenario.hosted_of(name)
        assert api is not None, "checked when the spec was made"
        return build_hosted_door(env, name, route, api, gateway, streams)
    errors = {pool: _errors(scenario, pool) for pool in route.pools}
    if len(route.pools) > 1:
        return build_fork(
            env, name, route, pools, gateway, streams, errors,
            submit=submit, visits=lambda s: visits(name, s.number, s.turn),
        )  # fmt: skip
    (to,) = route.pools
    return build_door(env, name, route, pools[to], gateway, streams, errors[to], submit=submit[to])


def _errors(scenario: Scenario, pool: str) -> float:
    """Share of the requests to *pool* that end in an error."""
    failures = scenario.pools[pool].failures
    return 0.0 if failures is None else failures.request_errors
