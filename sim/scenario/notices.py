"""Notices: what a scenario may do but its user should know; knows no clock (today is given)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sim.catalog.genai import package_version
from sim.catalog.gpus import gpu
from sim.catalog.models import model
from sim.catalog.prices import STALE_AFTER_DAYS, age_days
from sim.catalog.timings import kernel_table
from sim.scenario.api_price import ApiPriced
from sim.scenario.arrivals import PoissonArrivals, VaryingArrivals
from sim.scenario.bill_notices import bill_notices
from sim.scenario.document import Scenario
from sim.scenario.fleet_notices import pool_notices, route_notices
from sim.scenario.node_price import NodePrice
from sim.scenario.notice import Notice
from sim.scenario.pool import Pool
from sim.scenario.route import Route
from sim.units import format_duration

SHORT_ANSWER_TOKENS = 32
"""Below this many output tokens a TPOT says little: it averages over too few gaps."""

STRAY = 0.05
"""Relative standard deviation of a run's mean rate that is worth a word."""

_MEASURED_MOE = ("qwen3-30b-a3b", "h100_sxm")
_DAY_S = 86_400.0


def warnings_of(scenario: Scenario, today: date) -> tuple[Notice, ...]:
    """Return everything that is worth a warning before *scenario* runs, in the file's order."""
    return tuple(_all(scenario, today))


def _all(scenario: Scenario, today: date) -> Iterator[Notice]:
    yield from _horizon(scenario)
    yield from _api("hosted", scenario.hosted, today)
    for name, route in scenario.routes.items():
        yield from _api(f"routes.{name}.hosted", route.hosted, today)
        yield from _api(f"routes.{name}.overflow", route.overflow, today)
        yield from _route(f"routes.{name}", route, scenario.horizon)
        pools = [scenario.pools[pool] for pool in route.pools]
        yield from route_notices(f"routes.{name}", route, pools)
    used = {pool for route in scenario.routes.values() for pool in route.pools}
    for name, pool in scenario.pools.items():
        if name not in used:
            text = "no route uses this pool; it is paid all the same"
            yield Notice("unused-pool", f"pools.{name}", text)
        yield from _price(f"pools.{name}.node.price", pool.node, today)
        yield from _price(f"pools.{name}.node.spot.price", pool.node.spot, today)
        yield from _price(f"pools.{name}.node.reserved.price", pool.node.reserved, today)
        yield from _timing(f"pools.{name}", pool)
        yield from pool_notices(f"pools.{name}", pool, scenario.horizon)
    yield from bill_notices(scenario, today)


def _horizon(scenario: Scenario) -> Iterator[Notice]:
    varying = [
        r.arrivals for r in scenario.routes.values() if isinstance(r.arrivals, VaryingArrivals)
    ]
    curved = [arrivals for arrivals in varying if arrivals.day_curve is not None]
    if not curved:
        return
    given = format_duration(scenario.horizon)
    if scenario.horizon % _DAY_S:
        text = f"{given} is not whole days, so some hours of the day curve weigh more than others"
        yield Notice("partial-day", "horizon", text)
    elif scenario.horizon % (7 * _DAY_S) and any(arrivals.has_weekends for arrivals in curved):
        text = (
            f"{given} from a {scenario.starts_on} is not whole weeks, but a day curve has weekends"
        )
        yield Notice("partial-week", "horizon", f"{text}: the mean rate will not be mean_rps")


def _route(path: str, route: Route, horizon_s: float) -> Iterator[Notice]:
    arrivals = route.arrivals
    if isinstance(arrivals, VaryingArrivals):
        yield from _varying(f"{path}.arrivals", arrivals, horizon_s)
    if isinstance(arrivals, PoissonArrivals) and arrivals.count:
        last_s = arrivals.count / arrivals.rps
        if last_s > horizon_s:
            text = f"the last of {arrivals.count} requests comes at {format_duration(last_s)}"
            rest = f"after the horizon of {format_duration(horizon_s)}"
            yield Notice("count-beyond-horizon", f"{path}.arrivals.count", f"{text}, {rest}")
    if route.slo is None or route.output_tokens is None:
        return
    mean = route.output_tokens.rough_mean
    if mean < SHORT_ANSWER_TOKENS and any(metric == "tpot" for metric, _, _ in route.slo.targets()):
        text = f"a TPOT promise on answers of {mean:.0f} tokens on average says little"
        yield Notice("short-answers", f"{path}.slo", f"{text}: promise ttft or e2e instead")


def _varying(path: str, arrivals: VaryingArrivals, horizon_s: float) -> Iterator[Notice]:
    given = format_duration(horizon_s)
    for number, event in enumerate(arrivals.events):
        if event.starts_at_s >= horizon_s:
            text = f"{event.name or 'the event'} begins at {format_duration(event.starts_at_s)}"
            rest = f"not before the horizon of {given} ends"
            yield Notice("event-beyond-horizon", f"{path}.events[{number}]", f"{text}, {rest}")
    if (stray := arrivals.settings().mean_stray(horizon_s)) > STRAY:
        text = f"bursts and on/off clients let the mean rate over {given} stray by"
        rest = f"{stray:.0%} from mean_rps (one standard deviation), another way in each run"
        yield Notice("stray-mean", path, f"{text} {rest}")


def _price(path: str, priced: NodePrice | None, today: date) -> Iterator[Notice]:
    row = None if priced is None else priced.price_row
    if row is not None and (age := age_days(row, today)) > STALE_AFTER_DAYS:
        text = f"the price {row.key} was read {age} days ago, on {row.as_of.isoformat()}"
        yield Notice("stale-price", path, f"{text}; check it, or give usd_per_gpu_hour")


def _api(path: str, api: ApiPriced | None, today: date) -> Iterator[Notice]:
    """A price of the catalog's that is old; of a package's nobody knows the day."""
    if api is None or api.provider is None or package_version() is not None:
        return
    price = api.price
    if price.as_of is not None and (age := (today - price.as_of).days) > STALE_AFTER_DAYS:
        text = f"the price of {price.name} was read {age} days ago, on {price.as_of.isoformat()}"
        yield Notice("stale-price", path, f"{text}; check it, or give usd_per_million_...")


def _timing(path: str, pool: Pool) -> Iterator[Notice]:
    if pool.explicit or pool.model is None or pool.gpu is None:
        return
    shape, card = model(pool.model), gpu(pool.gpu)
    table = kernel_table(
        pool.model, card.table, pool.tensor_parallel, pool.precision, pool.timing == "extrapolated"
    )
    if table.basis == "extrapolated":
        text = f"step times of {pool.model} are estimated: {table.errors_note}"
        yield Notice("extrapolated-timing", f"{path}.timing", text)
    if pool.compute_factor_is_guess:
        low, high = card.compute_factor_range
        text = f"the compute factor of {card.name}, {card.compute_factor:g}, is a guess"
        yield Notice("guessed-compute-factor", f"{path}.gpu", f"{text} within {low:g} to {high:g}")
    if shape.experts and (table.model, card.table) != _MEASURED_MOE:
        text = "the correction for mixtures of experts was measured on qwen3-30b-a3b on an H100"
        yield Notice(
            "guessed-moe-factor", f"{path}.model", f"{text}; for {shape.name} it is a guess"
        )
