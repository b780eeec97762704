"""Metering: from records and a window to usage; adds up chunk by chunk. Knows no clock.

Requests, tokens and latencies are of requests that *arrived* in the window [0, horizon), each by
its last attempt; seconds are of attempts that *ended* in it. Per request only three latencies and
an interval are kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim.ledger.latency import figures, latencies
from sim.ledger.promises import Target, inside, judged
from sim.ledger.records import HOSTED_REPLICA, Columns, rows_where
from sim.ledger.tokens import (
    COMPLETED,
    IN_FLIGHT,
    NO_WASTE,
    NOT_USEFUL,
    OUTCOMES,
    PREEMPTED,
    cause_of_waste,
    computed_input,
    paying_prompt,
)
from sim.ledger.usage import (
    INTERVAL_S,
    WASTE_CAUSES,
    ComponentSeconds,
    ComputedTokens,
    HostedCounts,
    ReferenceTokens,
    RequestCounts,
    RouteUsage,
    SloFigure,
    TokenCounts,
    WindowCounts,
)


@dataclass(frozen=True)
class RouteMeter:
    """What metering must know of a route.

    Its name, its hidden prefix, its SLO, whether it is of use to anybody, and which part of its
    answers is reasoning.
    """

    name: str
    template_tokens: int = 0
    targets: tuple[Target, ...] = ()
    useful: bool = True
    reasoning_share: float = 0.0


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
        self.hosted = np.zeros((n, 4))  # requests, input, cached, output
        self.computed = np.zeros((n, 4))  # input, output, and those of both that are undecided
        self.wasted = np.zeros((n, len(WASTE_CAUSES), 2))  # computed input, output
        self.ended_useful = np.zeros((n, 4))  # uncached, prompt, cached, output
        self.ended_waste = np.zeros((n, 4))
        self.as_run_s = np.zeros((n, 5))  # prefill, cached attention, rent, decode, waste
        self.ended_by_interval = np.zeros((n, intervals, 3))
        self.unanswered = np.zeros((n, intervals))  # requests that ended otherwise, by arrival
        self.charged_s = np.zeros(0)  # by replica, of all attempts, window or not
        self._useful = np.array([r.useful for r in routes], dtype=bool)
        self._latencies: list[list[np.ndarray]] = [[] for _ in routes]
        self._when: list[list[np.ndarray]] = [[] for _ in routes]

    def read(self, columns: Columns) -> None:
        """Add one chunk."""
        self._charge(columns)
        arrived = rows_where(columns, _within(columns["arrived_at_s"], self.horizon_s))
        self._read_attempts(arrived)
        self._read_requests(rows_where(arrived, arrived["superseded"] == 0))
        fleet = rows_where(columns, columns["replica"] != HOSTED_REPLICA)
        self._read_ended(rows_where(fleet, _within(fleet["finished_at_s"], self.horizon_s)))

    def _charge(self, columns: Columns) -> None:
        placed = rows_where(columns, columns["replica"] >= 0)
        by_replica = np.bincount(placed["replica"], _charged(placed))
        if len(by_replica) > len(self.charged_s):
            self.charged_s.resize(len(by_replica), refcheck=False)
        self.charged_s[: len(by_replica)] += by_replica

    # -- what arrived in the window --------------------------------------------------------------

    def _read_attempts(self, c: Columns) -> None:
        """Attempts, and what the fleet computed for each, every token once."""
        n = len(self.routes)
        self.attempts += np.bincount(c["route"], minlength=n)
        self.retried += np.bincount(c["route"][c["attempt"] > 0], minlength=n)
        c = rows_where(c, c["replica"] != HOSTED_REPLICA)
        route = c["route"]
        useful = self._useful[route]
        once = [computed_input(c), c["generated"]]
        _add_by(self.computed, route, once)
        cause = cause_of_waste(c, useful)
        self._add_waste(route, cause, once)
        if c["high_water"].any():
            again = [c["recomputed_input"], c["recomputed_output"]]
            _add_by(self.computed, route, again)
            self._add_waste(route, np.where(useful, PREEMPTED, NOT_USEFUL), again)
        undecided = (c["outcome"] == IN_FLIGHT) & (cause == NO_WASTE)
        _add_where(self.computed[:, 2:], route, once, undecided)

    def _add_waste(self, route: np.ndarray, cause: np.ndarray, tokens: list[np.ndarray]) -> None:
        cell = route.astype(np.int64) * len(WASTE_CAUSES) + cause
        _add_where(self.wasted.reshape(-1, 2), cell, tokens, cause != NO_WASTE)

    def _read_requests(self, c: Columns) -> None:
        """Requests by their last attempts: how they ended, what they brought, how long it took."""
        route, outcome = c["route"], c["outcome"]
        n = len(self.routes)
        when = (c["arrived_at_s"] // INTERVAL_S).astype(np.int32)
        for code in range(len(OUTCOMES)):
            self.outcomes[:, code] += np.bincount(route[outcome == code], minlength=n)
        template = np.array([r.template_tokens for r in self.routes])[route]
        tokens = [c["input_tokens"], c["cached_input"], template, c["output_tokens"]]
        _add_by(self.offered, route, tokens)
        done = outcome == COMPLETED
        if not done.all():
            lost = ~done & (outcome != IN_FLIGHT)
            np.add.at(self.unanswered, (route[lost], when[lost]), 1)
            when, tokens = when[done], [column[done] for column in tokens]
        self._read_completed(rows_where(c, done), when, tokens)

    def _read_completed(self, c: Columns, when: np.ndarray, tokens: list[np.ndarray]) -> None:
        route, waited_s = c["route"], latencies(c)
        kept = np.ones(len(route), dtype=bool)
        for index, meter in enumerate(self.routes):
            mine = route == index
            own_s = waited_s[mine]
            kept[mine] = inside(own_s, meter.targets)
            self._latencies[index].append(own_s.astype(np.float32))
            self._when[index].append(when[mine])
        self.in_slo += np.bincount(route[kept], minlength=len(self.routes))
        useful = self._useful[route]
        _add_where(self.useful, route, tokens, useful)
        _add_where(self.goodput, route, tokens, useful & kept)
        billed = [np.ones(len(route)), tokens[0], tokens[1], tokens[3]]
        _add_where(self.hosted, route, billed, c["replica"] == HOSTED_REPLICA)

    # -- what ended in the window ----------------------------------------------------------------

    def _read_ended(self, c: Columns) -> None:
        useful = (c["outcome"] == COMPLETED) & self._useful[c["route"]]
        for part, done in ((self.ended_useful, True), (self.ended_waste, False)):
            e = rows_where(c, useful == done)
            tokens = [computed_input(e), paying_prompt(e), e["cached_input"], e["generated"]]
            _add_by(part, e["route"], tokens)
            as_run_s = [e[f"{name}_s"] for name in _PARTS]
            if not done:
                as_run_s = [np.zeros(len(e["route"]))] * 4 + [_charged(e)]
            _add_by(self.as_run_s, e["route"], as_run_s)
        again = c["recomputed_input"] + c["recomputed_output"]
        self.ended_waste[:, 0] += np.bincount(c["route"], again, minlength=len(self.routes))
        cell = c["route"] * self.intervals + (c["finished_at_s"] // INTERVAL_S).astype(np.int64)
        flat = self.ended_by_interval.reshape(-1, 3)
        _add_by(flat, cell, [computed_input(c) + again, paying_prompt(c), c["generated"]])

    def charged_on(self, replica: int) -> float:
        """Seconds charged on *replica* to all attempts so far, in the window or not."""
        return float(self.charged_s[replica]) if replica < len(self.charged_s) else 0.0

    # -- results ---------------------------------------------------------------------------------

    def route_usage(self, index: int) -> RouteUsage:
        """The usage of route *index*."""
        waited_s, when = self._samples([index])
        unanswered = np.flatnonzero(self.unanswered[index]).astype(np.int32)
        slo, windows = judged(self.routes[index].targets, waited_s, when, unanswered)
        return self._usage([index], [index], waited_s, slo, windows)

    def overall(self) -> RouteUsage:
        """All routes together; requests and latencies are of those that are of use."""
        every, users = list(range(len(self.routes))), np.flatnonzero(self._useful).tolist()
        return self._usage(every, users, self._samples(users)[0], (), WindowCounts())

    def _samples(self, routes: list[int]) -> tuple[np.ndarray, np.ndarray]:
        waited_s = [a for r in routes for a in self._latencies[r]]
        when = [a for r in routes for a in self._when[r]]
        if not waited_s:
            return np.zeros((0, 3), np.float32), np.zeros(0, np.int32)
        return np.concatenate(waited_s), np.concatenate(when)

    def _usage(
        self,
        r: list[int],
        users: list[int],
        waited_s: np.ndarray,
        slo: tuple[SloFigure, ...],
        windows: WindowCounts,
    ) -> RouteUsage:
        """Routes *r* together, requests and latencies of *users* among them."""
        wasted = self.wasted[r].sum(axis=0)
        return RouteUsage(
            requests=self._requests(users),
            offered=self._counts(self.offered, users),
            useful=self._counts(self.useful, users),
            goodput=self._counts(self.goodput, users),
            hosted=HostedCounts(*_total(self.hosted, r)),
            computed=ComputedTokens(*_total(self.computed, r)),
            wasted_input=dict(zip(WASTE_CAUSES, wasted[:, 0].tolist(), strict=True)),
            wasted_output=dict(zip(WASTE_CAUSES, wasted[:, 1].tolist(), strict=True)),
            ended_useful=ReferenceTokens(*_total(self.ended_useful, r)),
            ended_waste=ReferenceTokens(*_total(self.ended_waste, r)),
            as_run=ComponentSeconds(*_total(self.as_run_s, r)),
            ended_by_interval=self.ended_by_interval[r].sum(axis=0),
            ttft_s=figures(waited_s[:, 0]),
            tpot_s=figures(waited_s[:, 1]),
            e2e_s=figures(waited_s[:, 2]),
            slo=slo,
            windows=windows,
        )

    def _requests(self, r: list[int]) -> RequestCounts:
        counts = self.outcomes[r].sum(axis=0)
        return RequestCounts(
            arrived=float(counts.sum()),
            attempts=float(self.attempts[r].sum()),
            retried=float(self.retried[r].sum()),
            in_slo=float(self.in_slo[r].sum()),
            **dict(zip(OUTCOMES, counts.tolist(), strict=True)),
        )

    def _counts(self, table: np.ndarray, r: list[int]) -> TokenCounts:
        shares = np.array([self.routes[i].reasoning_share for i in r])
        counts: list[float] = [*_total(table, r), float(shares @ table[r, 3])]
        return TokenCounts(*counts)


_PARTS = ("prefill", "cached", "rent", "decode", "waste")


def _within(at_s: np.ndarray, horizon_s: float) -> np.ndarray:
    """Whether times are in [0, *horizon_s*); NaN is not."""
    return (at_s >= 0) & (at_s < horizon_s)


def _total(table: np.ndarray, rows: list[int]) -> list[float]:
    total: list[float] = table[rows].sum(axis=0).tolist()
    return total


def _add_by(table: np.ndarray, row: np.ndarray, columns: list[np.ndarray]) -> None:
    """Add each of *columns* to its column of *table*, entry i to row *row[i]*."""
    for j, values in enumerate(columns):
        table[:, j] += np.bincount(row, values, minlength=len(table))


def _add_where(
    table: np.ndarray, row: np.ndarray, columns: list[np.ndarray], chosen: np.ndarray
) -> None:
    """The same of the *chosen* entries alone."""
    if chosen.all():
        _add_by(table, row, columns)
    elif chosen.any():
        _add_by(table, row[chosen], [values[chosen] for values in columns])


def _charged(c: Columns) -> np.ndarray:
    seconds: np.ndarray = np.sum([c[f"{part}_s"] for part in _PARTS], axis=0)
    return seconds
