"""Arrival fit: the parameters of an arrival process, and the choice among its kinds; no clock.

Every kind is fitted to the dispersion of counts in closed form (`burst_fit`): one or two log-OU
terms with gamma gaps, the same with geometric batches, clients that are on and off, and gamma gaps
alone. They are then run, and the one is kept whose replicates look most like the trace, in
dispersion, peaks and gaps. Near-Poisson gaps never come alone: half an hour may look even, but a
day does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from sim.catalog.presets import Burst
from sim.scenario.arrivals import VaryingArrivals
from sim.scenario.bursts import Batches, BurstTerm, OnOffClients
from sim.scenario.curve import WeekCurve
from sim.traffic.chunk import FloatArray
from sim.workload.arrival_figures import Figures, figures_of, likeness
from sim.workload.burst_fit import Spread, fit_bursts, fit_switching, spread_of
from sim.workload.counts import is_wild
from sim.workload.dispersion import Batching, Unevenness
from sim.workload.gaps import gamma_shape, rate_windows_s, rescaled_gaps
from sim.workload.hours import Hours
from sim.workload.replicates import replicates
from sim.workload.requests import Requests
from sim.workload.start import Start

LEAST_REQUESTS = 200
"""Requests from which bursts are fitted; below, arrivals are Poisson."""

MOST_PER_S = 1e6
"""Largest rate of a scenario."""

TRIAL_SEEDS = (6, 20)
"""Least and most replicates that each kind is judged by; long ones even out by themselves."""

TRIAL_REQUESTS = 400_000
"""Requests of all replicates of a kind together, within `TRIAL_SEEDS`."""

PARAMETER_COST = 0.02
"""What a parameter must better the likeness by: two tenths of the noise of 20 replicates."""

PLAIN_SHAPE = (0.85, 1.15)
"""Gamma shapes that one need not doubt."""

CLIENTS = (1, 2, 4, 8, 16, 32)
"""Numbers of on/off clients that are tried."""

_LEAST_ADDED = 0.02
_SHORTEST_TURN_S = 1.0
_BATCH_SHARE, _MOST_BATCH_SHARE = 0.05, 0.98
_BATCH_GAP, _LONGEST_GAP_S = 0.2, 3600.0


@dataclass(frozen=True)
class OnOff:
    """Clients that are active by turns: how many, and their mean times on and off in s."""

    clients: int
    on_s: float
    off_s: float


@dataclass(frozen=True)
class ArrivalFit:
    """When requests come; `mean_per_s` is over a whole week where there are `hours`."""

    mean_per_s: float
    gap_shape: float = 1.0
    bursts: tuple[Burst, ...] = ()
    batch_mean_size: float = 1.0
    batch_gap_s: float = 0.0
    on_off: OnOff | None = None
    hours: Hours | None = None

    def spec(self) -> VaryingArrivals:
        """Return the arrivals of a scenario that say this."""
        batches = Batches(mean_size=self.batch_mean_size, gap=_duration(self.batch_gap_s))
        on_off = self.on_off and OnOffClients(
            clients=self.on_off.clients,
            on=_duration(self.on_off.on_s),
            off=_duration(self.on_off.off_s),
        )
        return VaryingArrivals(
            mean_rps=self.mean_per_s,
            gap_shape=self.gap_shape,
            bursts=tuple(
                BurstTerm(variance=min(burst.variance, 4.0), time=_duration(burst.time_s))
                for burst in self.bursts
            ),
            batches=batches if self.batch_mean_size > 1.0 else None,
            on_off=on_off,
            day_curve=self.hours and _curve(self.hours),
        )

    def at_rate(self, per_s: float, start: Start | None, span_s: float) -> ArrivalFit:
        """Return this with the mean rate that gives *per_s* over a span from *start* on."""
        if self.hours is None or start is None:
            return replace(self, mean_per_s=per_s)
        return replace(self, mean_per_s=per_s / float(self.hours.factors(start, span_s).mean()))

    @property
    def parameters(self) -> int:
        """Number of what was fitted beside the rate and the hours."""
        shape = int(self.gap_shape != 1.0)
        batches = 2 * (self.batch_mean_size > 1.0)
        return shape + 2 * len(self.bursts) + batches + 3 * (self.on_off is not None)


def can_be_fitted(requests: Requests) -> bool:
    """Whether *requests* have times, and a rate that a scenario takes."""
    rate_per_s = requests.rate_per_s
    return rate_per_s is not None and rate_per_s <= MOST_PER_S


def fit_arrivals(requests: Requests, hours: Hours | None = None) -> ArrivalFit:
    """Return the arrival process of *requests*, which `can_be_fitted`."""
    at_s, span_s = requests.arrived_at_s, requests.span_s
    assert at_s is not None
    plain = ArrivalFit(1.0, hours=hours).at_rate(len(at_s) / span_s, requests.start, span_s)
    if len(at_s) < LEAST_REQUESTS:
        return plain
    true = figures_of(at_s, span_s, requests.tick_s)
    even_s = at_s
    if hours is not None and requests.start is not None:
        even_s = hours.flattened(at_s, requests.start, span_s)
    spread = spread_of(even_s, span_s, requests.tick_s)
    wild = is_wild(even_s, span_s, requests.tick_s)
    best, least = plain, np.inf
    for one in _kinds(requests, plain, spread, wild):
        cost = _cost(one, true, requests)
        if cost < least:
            best, least = one, cost
    return best


def _cost(one: ArrivalFit, true: Figures, requests: Requests) -> float:
    seeds = int(np.clip(TRIAL_REQUESTS // len(requests), *TRIAL_SEEDS))
    runs = replicates(one.spec(), requests.span_s, seeds, requests.start)
    return likeness(true, runs, requests) + PARAMETER_COST * one.parameters


def _kinds(
    requests: Requests, plain: ArrivalFit, spread: Spread, wild: bool
) -> Iterator[ArrivalFit]:
    """Yield what may stand for *requests*, each with its terms fitted, the simplest first."""
    at_s, span_s = requests.arrived_at_s, requests.span_s
    assert at_s is not None
    window_s = rate_windows_s(at_s, span_s)
    shape = round(gamma_shape(rescaled_gaps(at_s, span_s, window_s)), 3)
    low, high = PLAIN_SHAPE
    for gap_shape in (shape,) if low < shape < high else (1.0, shape):
        bursts = _telling(fit_bursts(spread, Unevenness(gap_shape=gap_shape)), spread)
        yield replace(plain, gap_shape=gap_shape, bursts=bursts)
        if not low < gap_shape < high:
            yield replace(plain, gap_shape=gap_shape)
    if batching := batching_of(np.diff(at_s)):
        yield replace(
            plain,
            bursts=_telling(fit_bursts(spread, Unevenness(batching=batching)), spread),
            batch_mean_size=batching.mean_size,
            batch_gap_s=batching.gap_s,
        )
    if wild:
        yield from _switching(plain, spread)


def _switching(plain: ArrivalFit, spread: Spread) -> Iterator[ArrivalFit]:
    """Yield on/off clients, many or few: dispersions are the same for all of them."""
    uneven = fit_switching(spread)
    if uneven.switching is None:
        return
    for clients in CLIENTS:
        on_s, off_s = uneven.switching.times_s(clients)
        if min(on_s, off_s) >= _SHORTEST_TURN_S:
            on_off = OnOff(clients, round(on_s, 2), round(off_s, 2))
            yield replace(plain, bursts=_telling(uneven, spread), on_off=on_off)


def _telling(uneven: Unevenness, spread: Spread) -> tuple[Burst, ...]:
    """Return the terms that add to the dispersion of long windows more than can be told."""
    return tuple(
        burst
        for burst in uneven.bursts
        if 2.0 * spread.rate_per_s * burst.variance * burst.time_s >= _LEAST_ADDED
    )


def batching_of(gaps: FloatArray) -> Batching | None:
    """Return geometric batches that the *gaps* tell of; None if they tell of none clearly.

    Two exponential laws are fitted to the gaps (expectation maximisation): a share f of short
    ones means batches of mean size 1/(1 - f). They are clear if f is at least 5 % and short gaps
    are below a fifth of the long ones. Batches of over 50 are rather times of being on.
    """
    share, short, long = 0.5, float(np.quantile(gaps, 0.1)) + 1e-9, 2.0 * float(gaps.mean())
    for _ in range(60):
        fast, slow = (np.exp(-gaps / mean) / mean for mean in (short, long))
        odds = share * fast
        inside = odds / (odds + (1.0 - share) * slow + 1e-300)
        share = float(inside.mean())
        if not 0.0 < share < 1.0:
            return None
        short = float((inside * gaps).mean()) / share + 1e-9
        long = float(((1.0 - inside) * gaps).mean()) / (1.0 - share) + 1e-9
    if not _BATCH_SHARE <= share <= _MOST_BATCH_SHARE:
        return None
    if short > min(_BATCH_GAP * long, _LONGEST_GAP_S):
        return None
    return Batching(round(1.0 / (1.0 - share), 2), round(short, 6))


def _curve(hours: Hours) -> tuple[float, ...] | WeekCurve:
    if hours.weekend is None:
        return hours.weekday
    return WeekCurve(weekday=hours.weekday, weekend=hours.weekend)


def _duration(seconds: float) -> str:
    """Return *seconds* as a scenario writes it.

    >>> _duration(0.7), _duration(390.0), _duration(0.0)
    ('0.7s', '390s', '0s')
    """
    return f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"
