"""Levers on a route: its hidden template, its answers, who serves it, and when; knows no clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.scenario.destination import HOSTED
from sim.scenario.document import Scenario
from sim.scenario.length_laws import FixedLengths
from sim.scenario.pool import Pool
from sim.studies.lever import Lever, impossible, setting


@dataclass(frozen=True)
class RouteAmounts:
    """How far the levers are pulled.

    `template`: tokens more (or less) in the hidden template; None trims half of it. `cap`: the
    longest answer, in tokens. `split`: the share that goes to a smaller model. `deadline`: how
    long work may wait that can.
    """

    template: int | None = None
    cap: int = 256
    split: float = 0.5
    deadline: str = "8h"


def route_levers(scenario: Scenario, name: str, amounts: RouteAmounts) -> Iterator[Lever]:
    """All levers on the route *name*, those that do not apply with the reason."""
    yield template_lever(scenario, name, amounts.template)
    yield _cap(scenario, name, amounts.cap)
    yield _smaller(scenario, name)
    yield _split(scenario, name, amounts.split)
    yield _hosted(scenario, name)
    yield _deferred(scenario, name, amounts.deadline)


def template_lever(scenario: Scenario, name: str, tokens: int | None) -> Lever:
    """*tokens* more in the hidden template of a route, or fewer if below 0; None: half of it."""
    now = scenario.routes[name].head_tokens
    if tokens is None:
        tokens = -(now // 2)
    if tokens >= 0 and (now or tokens):
        said = f"add {tokens:,} tokens to the hidden template ({now:,} now)"
        return Lever(
            "template", name, said, setting((_route(name, "template_tokens"), now + tokens))
        )
    said = f"trim {-tokens:,} of the {now:,} tokens of the hidden template"
    if now < max(1, -tokens):
        short = f"it has only {now:,}" if now else "it has none"
        said = "trim the hidden template" if tokens == 0 else f"trim {-tokens:,} template tokens"
        return impossible("template", name, said, short)
    return Lever("template", name, said, setting((_route(name, "template_tokens"), now + tokens)))


def _cap(scenario: Scenario, name: str, cap: int) -> Lever:
    said = f"cut answers at {cap:,} tokens"
    answers = scenario.routes[name].output_tokens
    if answers is None:
        return impossible("cap-output", name, said, "its answers come from a trace")
    longest = answers.fixed if isinstance(answers, FixedLengths) else answers.max
    if longest is not None and longest <= cap:
        return impossible("cap-output", name, said, f"they end at {longest:,} tokens already")
    key = "fixed" if isinstance(answers, FixedLengths) else "max"
    return Lever("cap-output", name, said, setting((_route(name, "output_tokens", key), cap)))


def _weight(pool: Pool) -> int:
    return pool.weight_bytes or 0


def _smaller_pool(scenario: Scenario, name: str) -> str | None:
    """The pool with the largest model that is smaller than that of the route; None: there is none.

    A model of which the catalog does not know the size has none.
    """
    own = scenario.routes[name].pools
    if len(own) != 1:
        return None
    weight = _weight(scenario.pools[own[0]])
    smaller = [p for p, pool in scenario.pools.items() if 0 < _weight(pool) < weight]
    return max(smaller, key=lambda p: _weight(scenario.pools[p]), default=None)


_NO_SMALLER = "no other pool serves a smaller model"


def _smaller(scenario: Scenario, name: str) -> Lever:
    pool = _smaller_pool(scenario, name)
    if pool is None:
        return impossible("smaller-model", name, "send it to a smaller model", _NO_SMALLER)
    said = f"send it to the smaller model ({scenario.pools[pool].model}, pool {pool})"
    return Lever("smaller-model", name, said, setting((_route(name, "pool"), pool)))


def _split(scenario: Scenario, name: str, share: float) -> Lever:
    pool = _smaller_pool(scenario, name)
    if pool is None:
        return impossible("split", name, "send a share of it to a smaller model", _NO_SMALLER)
    said = f"send {share:.0%} of it to the smaller model (pool {pool})".replace("%", " %")
    split = {"split": {pool: share, scenario.routes[name].pools[0]: 1 - share}}
    return Lever("split", name, said, setting((_route(name, "pool"), split)))


def _hosted(scenario: Scenario, name: str) -> Lever:
    said, route = "send it to the hosted API", scenario.routes[name]
    if route.pool == HOSTED:
        return impossible("hosted", name, said, "it is there already")
    api = route.hosted if route.hosted is not None else scenario.hosted
    if api is None:
        return impossible("hosted", name, said, "the scenario names no API: give the route hosted")
    if api.ttft is None or api.tpot is None:
        return impossible(
            "hosted", name, said, "its hosted says neither ttft nor tpot, or not both"
        )
    return Lever("hosted", name, said, setting((_route(name, "pool"), HOSTED)))


def _deferred(scenario: Scenario, name: str, deadline: str) -> Lever:
    said, route = f"let it wait for the valley, {deadline} at most", scenario.routes[name]
    if route.deferrable is not None:
        return impossible("defer", name, said, "it can wait already")
    if route.slo is not None and (route.slo.ttft_p95 is not None or route.slo.tpot_p95 is not None):
        return impossible("defer", name, said, "somebody waits for it: it has a TTFT or TPOT SLO")
    if route.sessions is not None:
        return impossible("defer", name, said, "its turns follow each other")
    change = setting(
        (_route(name, "deferrable"), {"deadline": deadline}), (_route(name, "slo"), None)
    )
    return Lever("defer", name, f"{said}, without its SLO", change)


def _route(name: str, *steps: str) -> tuple[str, ...]:
    return ("routes", name, *steps)
