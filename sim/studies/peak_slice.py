"""Peak slice: the busiest hour of a scenario by itself, to see quickly what is too small for it.

A slice is drawn apart from the day, so it screens; what is chosen is simulated whole. No clock.
"""

from __future__ import annotations

from sim.ledger.usage import INTERVAL_S, SloFigure
from sim.scenario.arrivals import ClosedArrivals, PoissonArrivals, VaryingArrivals
from sim.scenario.document import Scenario
from sim.scenario.route import Route
from sim.scenario.scaling_plan import WEEKDAYS
from sim.scenario.spec import FrozenDict

LENGTH_S = 3_600.0
WARMUP_S = 600.0
LEAST_HORIZON_S = 6 * LENGTH_S
"""A scenario shorter than this is as well run whole."""

DAY_S = 86_400.0


def peak_slice(scenario: Scenario) -> Scenario | None:
    """The hour of *scenario* in which most tokens are expected, with ten minutes of warm-up.

    None where an hour cannot stand for the whole: traces, growth, events, clients by turns, pools
    that scale, or a horizon of a few hours.
    """
    routes = scenario.routes.values()
    scales = any(pool.scales for pool in scenario.pools.values())
    if scenario.horizon < LEAST_HORIZON_S or scales or not all(map(_steady, routes)):
        return None
    hour = max(range(int(scenario.horizon // LENGTH_S)), key=lambda h: _load(scenario, h))
    moved = {name: _moved(route, hour) for name, route in scenario.routes.items()}
    day = (WEEKDAYS.index(scenario.starts_on) + hour // 24) % 7
    return scenario.model_copy(
        update={
            "routes": FrozenDict(moved),
            "horizon": LENGTH_S,
            "warmup": WARMUP_S,
            "starts_on": WEEKDAYS[day],
        }
    )


def hopeless(figure: SloFigure, whole: Scenario) -> bool:
    """Whether so many windows of the peak miss an SLO that the whole cannot make up for it.

    One window more than allowed is forgiven, since the slice is drawn apart.
    """
    share = figure.windows_met_share
    return share is not None and share < allowed_at_peak(whole) - INTERVAL_S / LENGTH_S


def allowed_at_peak(whole: Scenario) -> float:
    """Share of the peak's windows that must meet an SLO, so that the whole may: 0 if none need.

    The peak comes once a day; the other hours are taken to miss none.
    """
    bad = (1.0 - whole.slo_windows) * whole.horizon / INTERVAL_S / max(1.0, whole.horizon // DAY_S)
    return max(0.0, 1.0 - bad / (LENGTH_S / INTERVAL_S))


def _steady(route: Route) -> bool:
    """Whether the rate of *route* is the same every week."""
    arrivals = route.arrivals
    if isinstance(arrivals, VaryingArrivals):
        settings = arrivals.settings()
        return not (settings.events or settings.on_off) and settings.growth == 1.0
    return isinstance(arrivals, PoissonArrivals | ClosedArrivals)


def _load(scenario: Scenario, hour: int) -> float:
    """Expected tokens per second of all routes in *hour* of the horizon."""
    return sum(_rate(scenario, r, hour) * _length(r) for r in scenario.routes.values())


def _length(route: Route) -> float:
    """About how many tokens a request of *route* has."""
    return _tokens(route.input_tokens) + route.head_tokens + _tokens(route.output_tokens)


def _tokens(lengths: object) -> float:
    return float(getattr(lengths, "rough_mean", 0.0))


def _rate(scenario: Scenario, route: Route, hour: int) -> float:
    arrivals = route.arrivals
    if isinstance(arrivals, PoissonArrivals):
        return arrivals.rps
    if isinstance(arrivals, ClosedArrivals):
        return float(arrivals.concurrency)  # always there: it does not move the peak
    assert isinstance(arrivals, VaryingArrivals)
    weekday, weekend = arrivals.weights()
    local = hour + WEEKDAYS.index(scenario.starts_on) * 24 + round(arrivals.utc_offset_hours)
    return arrivals.mean_rps * (weekend if local // 24 % 7 >= 5 else weekday)[local % 24]


def _moved(route: Route, hour: int) -> Route:
    """*route* with the clock of its users set ahead, so that the slice begins at *hour*."""
    arrivals = route.arrivals
    if not isinstance(arrivals, VaryingArrivals):
        return route
    ahead = arrivals.utc_offset_hours + hour % 24
    moved = arrivals.model_copy(update={"utc_offset_hours": ahead})
    return route.model_copy(update={"arrivals": moved})
