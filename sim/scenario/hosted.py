"""Hosted: the API that a route's traffic could go to, or goes to; knows no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Protocol

from pydantic import BeforeValidator, Field

from sim.scenario.api_price import ApiPriced
from sim.scenario.destination import HOSTED
from sim.scenario.durations import DurationLaw
from sim.scenario.scalar import Number
from sim.scenario.spec import Fault
from sim.units import shown

_Part = Annotated[Number, Field(ge=0, le=1)]


def _check_hit(value: Any) -> Any:
    if isinstance(value, str) and value not in ("same", "none"):
        raise Fault(f"must be same, none or a number from 0 to 1 (got {shown(value)})")
    return value


class Hosted(ApiPriced):
    """What an API would take for the route's traffic; with `ttft` and `tpot` it can serve it."""

    cache_hit: Annotated[Literal["same", "none"] | _Part, BeforeValidator(_check_hit)] = Field(
        default="same",
        description="Which part of the input the API finds in its cache: same (as our own prefix "
        "cache did), none, or a number from 0 to 1.",
    )
    cache_written: _Part | None = Field(
        default=None,
        description="Part of the other input that is written into its cache, at the price of a "
        "write. Default: all of it where prompts come again (sessions, traces), else none; with "
        "cache_hit: none, none.",
    )
    ttft: DurationLaw | None = Field(
        default=None, description="For pool: hosted, its time to the first token, such as 600ms."
    )
    tpot: DurationLaw | None = Field(
        default=None, description="For pool: hosted, its time per output token after the first."
    )


class _MayBeHosted(Protocol):
    """A route as far as it matters here."""

    @property
    def pool(self) -> object: ...

    @property
    def hosted(self) -> Hosted | None: ...


def hosted_faults(routes: Mapping[str, _MayBeHosted], default: Hosted | None) -> Iterator[Fault]:
    """A fault for each of *routes* whose pool is the word hosted, and that has no API of its own
    or by *default*, or one without its times."""
    for name, route in routes.items():
        api = route.hosted or default
        if route.pool != HOSTED:
            continue
        if api is None:
            rule = "needs the API that answers it: give hosted: {provider, model, ttft, tpot}"
            yield Fault(rule, "routes", name, "pool")
        elif api.ttft is None or api.tpot is None:
            missing = "ttft" if api.ttft is None else "tpot"
            at = ("hosted",) if route.hosted is None else ("routes", name, "hosted")
            yield Fault(f"needs {missing} too, since the API answers {name}", *at)
