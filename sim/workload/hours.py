"""Hours: how a rate goes with the hour of the day, and how well that foretells a day; no clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.traffic.chunk import FloatArray, IntArray
from sim.workload.requests import Requests
from sim.workload.start import DAY_S, Start
from sim.workload.tables import Rates

LEAST_DAYS = 2.0
OUTAGE = 0.05
"""Windows below this share of what their hour usually has are outages, and left out."""

WINDOW_S = 600.0
_HOUR_S = 3_600.0
_MOST_MISSING = 4
"""Hours that a day may lack and still be foretold."""


@dataclass(frozen=True)
class Hours:
    """Relative rates by hour of the day, mean 1 over a week (over a day without weekends)."""

    weekday: tuple[float, ...]
    weekend: tuple[float, ...] | None
    """None if the file does not tell which days they are, or has not both kinds."""
    clock: str
    """What hour 0 is: `UTC`, `local`, or `file`: 00:00 of the file, zone unknown."""
    days: float
    errors: tuple[float, ...] = ()
    """nMAE of each weekday (all Mondays together), foretold from the others and its own mean."""

    @property
    def error(self) -> float | None:
        """The largest of `errors`; None below two weekdays."""
        return max(self.errors, default=None)

    def factors(self, start: Start, span_s: float) -> FloatArray:
        """Return the rate's factor every five minutes from *start* on."""
        week = np.array([*self.weekday] * 5 + [*(self.weekend or self.weekday)] * 2)
        seconds = start.second_of_day + np.arange(150.0, max(span_s, 300.0), 300.0)
        hours = (seconds // _HOUR_S).astype(np.int64) + 24 * (start.weekday or 0)
        return np.asarray(week[hours % 168], dtype=np.float64)

    def flattened(self, at_s: FloatArray, start: Start, span_s: float) -> FloatArray:
        """Return *at_s* on a time that runs as fast as the rate, so that its mean rate is even.

        The span stays as long as it is; swings about the curve stay as they are.
        """
        factors = self.factors(start, span_s)
        edges_s = np.minimum(np.arange(len(factors) + 1) * 300.0, span_s)
        passed = np.concatenate(([0.0], np.cumsum(factors * np.diff(edges_s))))
        even_s = np.interp(at_s, edges_s, passed * (span_s / passed[-1]))
        return np.asarray(even_s, dtype=np.float64)


def hours_of(rates: Rates, least_days: float = LEAST_DAYS) -> Hours | None:
    """Return the profile of *rates*; None below *least_days*, in long windows, or without any."""
    if rates.window_s > _HOUR_S or rates.span_s < least_days * DAY_S:
        return None
    start = rates.start or Start(0.0, None, "file")
    grid = _by_hour(rates, start)
    of_week = (np.arange(len(grid)) + (start.weekday or 0)) % 7
    is_weekend = of_week >= 5
    if start.weekday is None or is_weekend.all() or not is_weekend.any():
        is_weekend = np.zeros(len(grid), dtype=np.bool_)
    weekday, weekend = grid[~is_weekend], grid[is_weekend]
    profiles = [_profile(days) for days in (weekday, weekend) if len(days)]
    if not np.nansum(grid):
        return None
    mean = float(np.average([p.mean() for p in profiles], weights=(5, 2)[: len(profiles)]))
    curves = [tuple((p / mean).tolist()) for p in profiles]
    return Hours(
        weekday=curves[0],
        weekend=curves[1] if len(curves) == 2 else None,
        clock=start.clock,
        days=rates.span_s / DAY_S,
        errors=_errors(weekday, of_week[~is_weekend]),
    )


def rates_in(requests: Requests, window_s: float = WINDOW_S) -> Rates:
    """Return the rates of *requests*, which have times, in the whole windows of their span."""
    if requests.arrived_at_s is None:
        raise ValueError(f"{requests.source} has no times")
    windows = int(requests.span_s / window_s + 1e-9)
    ends_s = np.arange(windows + 1) * window_s  # none if the span has no whole window
    counts = np.diff(np.searchsorted(requests.arrived_at_s, ends_s))
    return Rates(requests.source, window_s, counts / window_s, start=requests.start)


def _by_hour(rates: Rates, start: Start) -> FloatArray:
    """Return mean rates as days × 24 hours of the file's clock; nan with less than half of one.

    Windows far below the median of their hour are outages, and left out.
    """
    middles_s = start.second_of_day + (np.arange(len(rates.per_s)) + 0.5) * rates.window_s
    places = (middles_s // _HOUR_S).astype(np.int64)
    usual = np.array([_median(rates.per_s[places % 24 == hour]) for hour in range(24)])
    seen = ~np.isnan(rates.per_s) & (rates.per_s >= OUTAGE * usual[places % 24])
    size = 24 * int(places[-1] // 24 + 1)
    totals = np.bincount(places[seen], weights=rates.per_s[seen], minlength=size)
    windows = np.bincount(places[seen], minlength=size)
    enough = windows >= np.ceil(_HOUR_S / rates.window_s / 2.0)
    means = np.where(enough, totals / np.maximum(windows, 1), np.nan)
    return np.asarray(means.reshape(-1, 24), dtype=np.float64)


def _median(values: FloatArray) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else 0.0


def _profile(days: FloatArray) -> FloatArray:
    """Return the mean of each hour; an hour that no day has gets the mean of all."""
    means = _means(days)
    return np.where(np.isnan(means), np.nanmean(means), means)


def _means(days: FloatArray) -> FloatArray:
    """Return the mean of each hour; nan for one that no day has."""
    known = ~np.isnan(days)
    totals = np.where(known, days, 0.0).sum(axis=0)
    counts = known.sum(axis=0)
    return np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)


def _errors(days: FloatArray, of_week: IntArray) -> tuple[float, ...]:
    """Return nMAE of each day of the week, Monday's first, by the profile of the others.

    Mean |foretold - true| over the mean of the true; true is the mean of all such days, and what
    is foretold is the shape, scaled to their mean rate. Days that lack hours do not count.
    """
    whole = np.isnan(days).sum(axis=1) <= _MOST_MISSING
    kinds = np.unique(of_week[whole])
    found = []
    for kind in kinds if len(kinds) > 1 else ():
        true = _means(days[whole & (of_week == kind)])
        shape = _means(days[whole & (of_week != kind)])
        known = ~np.isnan(true) & ~np.isnan(shape)
        foretold = shape * (true[known].mean() / shape[known].mean())
        found.append(float(np.abs(foretold - true)[known].mean() / true[known].mean()))
    return tuple(found)
