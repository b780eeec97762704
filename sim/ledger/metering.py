"""Metering: from records and a window to usage; adds up chunk by chunk. Knows no clock.

Requests, tokens and latencies are of requests that *arrived* in the window [0, horizon); seconds
are of attempts that *ended* in it. Per request only three latencies and an interval are kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim.ledger.records import Columns
from sim.ledger.usage import (
    INTERVAL_S,
    WASTE_CAUSES,
    ComponentSeconds,
    Figures,
    ReferenceTokens,
    RequestCounts,
    RouteUsage,
    SloFigure,
    TokenCounts,
)

OUTCOMES = ("completed", "rejected", "timed_out", "failed", "cancelled", "in_flight")
"""By the codes of the column `outcome`."""

COMPLETED = 0
LATENCIES = ("ttft", "tpot", "e2e")
SAMPLES_BEYOND = 10
"""A quantile q is given from 10 / (1 - q) samples on: at least ten lie beyond it."""


@dataclass(frozen=True)
class RouteMeter:
    """What metering must know of a route: its name, its hidden prefix, and its SLO.

    `targets` are (metric, quantile, seconds), the metric one of ttft, tpot, e2e.
    """

    name: str
    template_tokens: int = 0
    targets: tuple[tuple[str, float, float], ...] = ()


class Meter:
    """Adds up chunks of attempts into one `RouteUsage` per route."""

    def __init__(self, routes: list[RouteMeter], horizon_s: float) -> None:
        n, intervals = len(routes), max(1, math.ceil(horizon_s / INTERVAL_S))
        self.routes = routes
        self.horizon_s = horizon_s
        self.intervals = intervals
        self.outcomes = np.zeros((n, len(OUTCOMES)))
        self.attempts = np.zeros(n)
        self.retried = np.zeros(n)
        self.in_slo = np.zeros(n)
        self.offered = np.zeros((n, 4))  # input, cached, template, output
        self.useful = np.zeros((n, 4))
        self.goodput = np.zeros((n, 4))
        self.wasted = np.zeros((n, len(WASTE_CAUSES), 2))  # computed input, output
        self.ended_useful = np.zeros((n, 4))  # uncached, prompt, cached, output
        self.ended_waste = np.zeros((n, 4))
        self.as_run_s = np.zeros((n, 5))  # prefill, cached attention, rent, decode, waste
        self.ended_by_interval = np.zeros((n, intervals, 3))
        self.charged_s = np.zeros(0)  # by replica, of all attempts, window or not
        self._latencies: list[list[np.ndarray]] = [[] for _ in routes]
        self._when: list[list[np.ndarray]] = [[] for _ in routes]

    def read(self, columns: Columns) -> None:
        """Add one chunk."""
        self._charge(columns)
        arrived_at_s, ended_at_s = columns["arrived_at_s"], columns["finished_at_s"]
        self._read_arrived(
            rows_where(columns, (arrived_at_s >= 0) & (arrived_at_s < self.horizon_s))
        )
        self._read_ended(rows_where(columns, (ended_at_s >= 0) & (ended_at_s < self.horizon_s)))

    def _charge(self, columns: Columns) -> None:
        placed = rows_where(columns, columns["replica"] >= 0)
        by_replica = np.bincount(placed["replica"], _charged(placed))
        if len(by_replica) > len(self.charged_s):
            self.charged_s.resize(len(by_replica), refcheck=False)
        self.charged_s[: len(by_replica)] += by_replica

    def _read_arrived(self, c: Columns) -> None:
        self._read_waste(c)
        route, outcome = c["route"], c["outcome"]
        n = len(self.routes)
        for code in range(len(OUTCOMES)):
            self.outcomes[:, code] += np.bincount(route[outcome == code], minlength=n)
        self.attempts += np.bincount(route, minlength=n)
        self.retried += np.bincount(route[c["attempt"] > 0], minlength=n)
        template = np.array([r.template_tokens for r in self.routes])[route]
        tokens = [c["input_tokens"], c["cached_input"], template, c["output_tokens"]]
        _add_by(self.offered, route, tokens)
        done = outcome == COMPLETED
        c, route, tokens = rows_where(c, done), route[done], [column[done] for column in tokens]
        _add_by(self.useful, route, tokens)
        latencies = _latencies(c)
        inside = self._inside(route, latencies)
        _add_by(self.goodput, route[inside], [column[inside] for column in tokens])
        self.in_slo += np.bincount(route[inside], minlength=n)
        when = (c["arrived_at_s"] // INTERVAL_S).astype(np.int32)
        for index in range(n):
            mine = route == index
            self._latencies[index].append(latencies[mine].astype(np.float32))
            self._when[index].append(when[mine])

    def _inside(self, route: np.ndarray, latencies: np.ndarray) -> np.ndarray:
        """Which requests kept every promise of their route. (n, 3) latencies, NaN keeps any."""
        inside = np.ones(len(route), dtype=bool)
        for index, meter in enumerate(self.routes):
            for metric, _, target_s in meter.targets:
                value = latencies[:, LATENCIES.index(metric)]
                inside &= (route != index) | ~(value > target_s)
        return inside

    def _read_waste(self, c: Columns) -> None:
        """Tokens that were computed for nothing, each once, by cause."""
        again = [c["recomputed_input"], c["recomputed_output"]]
        _add_by(self.wasted[:, WASTE_CAUSES.index("preempted")], c["route"], again)
        for cause in ("timed_out", "failed", "cancelled"):
            lost = rows_where(c, c["outcome"] == OUTCOMES.index(cause))
            computed = [computed_input(lost), lost["generated"]]
            _add_by(self.wasted[:, WASTE_CAUSES.index(cause)], lost["route"], computed)

    def _read_ended(self, c: Columns) -> None:
        for part, done in ((self.ended_useful, True), (self.ended_waste, False)):
            e = rows_where(c, (c["outcome"] == COMPLETED) == done)
            tokens = [computed_input(e), _prompt(e), e["cached_input"], e["generated"]]
            _add_by(part, e["route"], tokens)
            as_run_s = [e[f"{name}_s"] for name in _PARTS]
            if not done:
                as_run_s = [np.zeros(len(e["route"]))] * 4 + [_charged(e)]
            _add_by(self.as_run_s, e["route"], as_run_s)
        again = c["recomputed_input"] + c["recomputed_output"]
        self.ended_waste[:, 0] += np.bincount(c["route"], again, minlength=len(self.routes))
        cell = c["route"] * self.intervals + (c["finished_at_s"] // INTERVAL_S).astype(np.int64)
        flat = self.ended_by_interval.reshape(-1, 3)
        _add_by(flat, cell, [computed_input(c) + again, _prompt(c), c["generated"]])

    def charged_on(self, replica: int) -> float:
        """Seconds charged on *replica* to all attempts so far, in the window or not."""
        return float(self.charged_s[replica]) if replica < len(self.charged_s) else 0.0

    # -- results ---------------------------------------------------------------------------------

    def route_usage(self, index: int) -> RouteUsage:
        """The usage of route *index*."""
        latencies, when = self._samples([index])
        slo = tuple(
            _slo_figure(metric, q, target_s, latencies[:, LATENCIES.index(metric)], when)
            for metric, q, target_s in self.routes[index].targets
        )
        return self._usage([index], latencies, slo)

    def overall(self) -> RouteUsage:
        """All routes together; latencies over all requests."""
        every = list(range(len(self.routes)))
        return self._usage(every, self._samples(every)[0], ())

    def _samples(self, routes: list[int]) -> tuple[np.ndarray, np.ndarray]:
        latencies = [a for r in routes for a in self._latencies[r]]
        when = [a for r in routes for a in self._when[r]]
        if not latencies:
            return np.zeros((0, 3), np.float32), np.zeros(0, np.int32)
        return np.concatenate(latencies), np.concatenate(when)

    def _usage(self, r: list[int], latencies: np.ndarray, slo: tuple[SloFigure, ...]) -> RouteUsage:
        counts = self.outcomes[r].sum(axis=0)
        by_outcome = dict(zip(OUTCOMES, counts.tolist(), strict=True))
        wasted = self.wasted[r].sum(axis=0)
        return RouteUsage(
            requests=RequestCounts(
                arrived=float(counts.sum()),
                attempts=float(self.attempts[r].sum()),
                retried=float(self.retried[r].sum()),
                in_slo=float(self.in_slo[r].sum()),
                **by_outcome,
            ),
            offered=TokenCounts(*_total(self.offered, r)),
            useful=TokenCounts(*_total(self.useful, r)),
            goodput=TokenCounts(*_total(self.goodput, r)),
            wasted_input=dict(zip(WASTE_CAUSES, wasted[:, 0].tolist(), strict=True)),
            wasted_output=dict(zip(WASTE_CAUSES, wasted[:, 1].tolist(), strict=True)),
            ended_useful=ReferenceTokens(*_total(self.ended_useful, r)),
            ended_waste=ReferenceTokens(*_total(self.ended_waste, r)),
            as_run=ComponentSeconds(*_total(self.as_run_s, r)),
            ended_by_interval=self.ended_by_interval[r].sum(axis=0),
            ttft_s=figures(latencies[:, 0]),
            tpot_s=figures(latencies[:, 1]),
            e2e_s=figures(latencies[:, 2]),
            slo=slo,
        )


_PARTS = ("prefill", "cached", "rent", "decode", "waste")


def _total(table: np.ndarray, rows: list[int]) -> list[float]:
    total: list[float] = table[rows].sum(axis=0).tolist()
    return total


def rows_where(columns: Columns, chosen: np.ndarray) -> Columns:
    """The chosen rows; no copy if that is all of them."""
    if chosen.all():
        return columns
    return {name: values[chosen] for name, values in columns.items()}


def _add_by(table: np.ndarray, row: np.ndarray, columns: list[np.ndarray]) -> None:
    """Add each of *columns* to its column of *table*, entry i to row *row[i]*."""
    for j, values in enumerate(columns):
        table[:, j] += np.bincount(row, values, minlength=len(table))


def _prompt(c: Columns) -> np.ndarray:
    """Prompt tokens of the attempts that came to decode; those pay context rent."""
    return np.where(c["generated"] > 0, c["input_tokens"], 0)


def _charged(c: Columns) -> np.ndarray:
    seconds: np.ndarray = np.sum([c[f"{part}_s"] for part in _PARTS], axis=0)
    return seconds


def computed_input(c: Columns) -> np.ndarray:
    """Prompt tokens that were computed once or more, cached ones not counted."""
    reached = np.maximum(c["computed"], c["high_water"])
    computed: np.ndarray = np.minimum(reached, c["input_tokens"]) - c["cached_input"]
    positive: np.ndarray = np.maximum(computed, 0)
    return positive


def _latencies(c: Columns) -> np.ndarray:
    """(n, 3): TTFT, TPOT and E2E of completed attempts; TPOT of one token is NaN."""
    first, last = c["first_token_at_s"], c["finished_at_s"]
    gaps = c["output_tokens"] - 1
    tpot = np.divide(last - first, gaps, out=np.full(len(gaps), np.nan), where=gaps > 0)
    return np.stack([first - c["arrived_at_s"], tpot, last - c["arrived_at_s"]], 1)


def figures(samples: np.ndarray) -> Figures:
    """Mean and quantiles of *samples*, NaN left out; None where they say too little."""
    samples = samples[~np.isnan(samples)]
    n = len(samples)
    if not n:
        return Figures()
    value = {
        q: float(np.quantile(samples, q)) if n * (1 - q) >= SAMPLES_BEYOND - 1e-9 else None
        for q in (0.5, 0.95, 0.99)
    }
    mean = float(np.mean(samples, dtype=np.float64))
    return Figures(mean=mean, p50=value[0.5], p95=value[0.95], p99=value[0.99], n=float(n))


def _slo_figure(
    metric: str, q: float, target_s: float, samples: np.ndarray, when: np.ndarray
) -> SloFigure:
    """The quantile over the window, and the share of 5-minute intervals that met it."""
    known = ~np.isnan(samples)
    samples, when = samples[known], when[known]
    if not len(samples):
        return SloFigure(metric, q, target_s, None, None)
    order = np.argsort(when, kind="stable")
    bounds = np.flatnonzero(np.diff(when[order])) + 1
    groups = np.split(samples[order], bounds)
    met = [float(np.quantile(g, q)) <= target_s for g in groups]
    value_s = float(np.quantile(samples, q))
    return SloFigure(metric, q, target_s, value_s, sum(met) / len(met))
