"""Metering: from records and a window to usage; adds up chunk by chunk. Knows no clock.

Requests, tokens and latencies are of requests that *arrived* in the window [0, horizon), each by
its last attempt; seconds are of attempts that *ended* in it. Per request only three latencies and
an interval are kept.

Sums are kept by *lane*, which is a route on one of the pools that it may use.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from sim.ledger.kv_hours import kv_token_s
from sim.ledger.latency import figures, latencies
from sim.ledger.promises import Target, inside, judged
from sim.ledger.records import HOSTED_REPLICA, Columns, rows_where
from sim.ledger.tables import add_by, add_where
from sim.ledger.tiers import TierMeter
from sim.ledger.tokens import (
    COMPLETED,
    IN_FLIGHT,
    NO_WASTE,
    NOT_USEFUL,
    OUTCOMES,
    PREEMPTED,
    cause_of_waste,
    computed_input,
    passed_on,
    paying_prompt,
)
from sim.ledger.usage import (
    INTERVAL_S,
    WASTE_CAUSES,
    ComponentSeconds,
    ComputedTokens,
    HostedCounts,
    OfferedCounts,
    ReferenceTokens,
    RequestCounts,
    RouteOnPool,
    RouteUsage,
    SloFigure,
    TokenCounts,
    WindowCounts,
)


@dataclass(frozen=True)
class RouteMeter:
    """What metering must know of a route.

    Its name, its hidden prefix, its SLO, whether it is of use to anybody, which part of its
    answers is reasoning, and the pools that it may use: none if a hosted API answers it.
    """

    name: str
    template_tokens: int = 0
    targets: tuple[Target, ...] = ()
    useful: bool = True
    reasoning_share: float = 0.0
    pools: tuple[str, ...] = ()
    api_edges_tokens: tuple[int, ...] = ()
    """Tokens of prompt at which its API's price changes, see `tiers`."""


class Meter:
    """Adds up chunks of attempts into one `RouteUsage` per route."""

    def __init__(self, routes: list[RouteMeter], horizon_s: float) -> None:
        counts = [max(1, len(route.pools)) for route in routes]
        n, intervals = sum(counts), max(1, math.ceil(horizon_s / INTERVAL_S))
        self.routes = routes
        self.lanes = [r for r, count in zip(routes, counts, strict=True) for _ in range(count)]
        self._first = np.cumsum([0, *counts])
        self._plain = n == len(routes)
        self.horizon_s = horizon_s
        self.intervals = intervals
        self.outcomes = np.zeros((n, len(OUTCOMES)))
        self.attempts = np.zeros(n)
        self.retried = np.zeros(n)
        self.escalated = np.zeros((n, 4))  # requests, input, cached, output
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
        self.kv_token_s = np.zeros(n)
        self.tiers = TierMeter([lane.api_edges_tokens for lane in self.lanes])
        self.unanswered = np.zeros((n, intervals))  # requests that ended otherwise, by arrival
        self.charged_s = np.zeros(0)  # by replica, of all attempts, window or not
        self._useful = np.array([lane.useful for lane in self.lanes], dtype=bool)
        self._template = np.array([lane.template_tokens for lane in self.lanes])
        self._latencies: list[list[np.ndarray]] = [[] for _ in self.lanes]
        self._when: list[list[np.ndarray]] = [[] for _ in self.lanes]

    def read(self, columns: Columns) -> None:
        """Add one chunk."""
        columns = self._in_lanes(columns)
        self._charge(columns)
        arrived = rows_where(columns, _within(columns["arrived_at_s"], self.horizon_s))
        self._read_attempts(arrived)
        self._read_requests(rows_where(arrived, arrived["superseded"] == 0))
        fleet = rows_where(columns, columns["replica"] != HOSTED_REPLICA)
        self._read_ended(rows_where(fleet, _within(fleet["finished_at_s"], self.horizon_s)))

    def _in_lanes(self, columns: Columns) -> Columns:
        """The chunk with lanes in place of routes, which they are if no route has several pools."""
        if self._plain:
            return columns
        return {**columns, "route": self._first[columns["route"]] + columns["leg"]}

    def _charge(self, columns: Columns) -> None:
        placed = rows_where(columns, columns["replica"] >= 0)
        by_replica = np.bincount(placed["replica"], _charged(placed))
        if len(by_replica) > len(self.charged_s):
            self.charged_s.resize(len(by_replica), refcheck=False)
        self.charged_s[: len(by_replica)] += by_replica

    # -- what arrived in the window --------------------------------------------------------------

    def _read_attempts(self, c: Columns) -> None:
        """Attempts, and what the fleet computed for each, every token once."""
        n = len(self.lanes)
        self.attempts += np.bincount(c["route"], minlength=n)
        self.retried += np.bincount(c["route"][c["attempt"] > 0], minlength=n)
        if not self._plain:
            self._read_escalated(rows_where(c, passed_on(c)))
        c = rows_where(c, c["replica"] != HOSTED_REPLICA)
        route = c["route"]
        useful = self._useful[route]
        once = [computed_input(c), c["generated"]]
        add_by(self.computed, route, once)
        cause = cause_of_waste(c, useful)
        self._add_waste(route, cause, once)
        if c["high_water"].any():
            again = [c["recomputed_input"], c["recomputed_output"]]
            add_by(self.computed, route, again)
            self._add_waste(route, np.where(useful, PREEMPTED, NOT_USEFUL), again)
        undecided = (c["outcome"] == IN_FLIGHT) & (cause == NO_WASTE)
        add_where(self.computed[:, 2:], route, once, undecided)

    def _read_escalated(self, c: Columns) -> None:
        """Requests that were answered on a lane, and then went on to the next."""
        tokens = [
            np.ones(len(c["route"])),
            c["input_tokens"],
            c["cached_input"],
            c["output_tokens"],
        ]
        add_by(self.escalated, c["route"], tokens)

    def _add_waste(self, route: np.ndarray, cause: np.ndarray, tokens: list[np.ndarray]) -> None:
        cell = route.astype(np.int64) * len(WASTE_CAUSES) + cause
        add_where(self.wasted.reshape(-1, 2), cell, tokens, cause != NO_WASTE)

    def _read_requests(self, c: Columns) -> None:
        """Requests by their last attempts: how they ended, what they brought, how long it took."""
        self.tiers.read(c, self._useful)
        route, outcome = c["route"], c["outcome"]
        n = len(self.lanes)
        when = (c["arrived_at_s"] // INTERVAL_S).astype(np.int32)
        for code in range(len(OUTCOMES)):
            self.outcomes[:, code] += np.bincount(route[outcome == code], minlength=n)
        template = self._template[route]
        tokens = [c["input_tokens"], c["cached_input"], template, c["output_tokens"]]
        add_by(self.offered, route, tokens)
        done = outcome == COMPLETED
        if not done.all():
            lost = ~done & (outcome != IN_FLIGHT)
            np.add.at(self.unanswered, (route[lost], when[lost]), 1)
            when, tokens = when[done], [column[done] for column in tokens]
        self._read_completed(rows_where(c, done), when, tokens)

    def _read_completed(self, c: Columns, when: np.ndarray, tokens: list[np.ndarray]) -> None:
        route, waited_s = c["route"], latencies(c)
        kept = np.ones(len(route), dtype=bool)
        for index, meter in enumerate(self.lanes):
            mine = route == index
            own_s = waited_s[mine]
            kept[mine] = inside(own_s, meter.targets)
            self._latencies[index].append(own_s.astype(np.float32))
            self._when[index].append(when[mine])
        self.in_slo += np.bincount(route[kept], minlength=len(self.lanes))
        useful = self._useful[route]
        add_where(self.useful, route, tokens, useful)
        add_where(self.goodput, route, tokens, useful & kept)
        billed = [np.ones(len(route)), tokens[0], tokens[1], tokens[3]]
        add_where(self.hosted, route, billed, c["replica"] == HOSTED_REPLICA)

    # -- what ended in the window ----------------------------------------------------------------

    def _read_ended(self, c: Columns) -> None:
        useful = (c["outcome"] == COMPLETED) & self._useful[c["route"]]
        if not self._plain:
            useful &= ~passed_on(c)
        for part, done in ((self.ended_useful, True), (self.ended_waste, False)):
            e = rows_where(c, useful == done)
            tokens = [computed_input(e), paying_prompt(e), e["cached_input"], e["generated"]]
            add_by(part, e["route"], tokens)
            as_run_s = [e[f"{name}_s"] for name in _PARTS]
            if not done:
                as_run_s = [np.zeros(len(e["route"]))] * 4 + [_charged(e)]
            add_by(self.as_run_s, e["route"], as_run_s)
        again = c["recomputed_input"] + c["recomputed_output"]
        self.ended_waste[:, 0] += np.bincount(c["route"], again, minlength=len(self.lanes))
        cell = c["route"] * self.intervals + (c["finished_at_s"] // INTERVAL_S).astype(np.int64)
        flat = self.ended_by_interval.reshape(-1, 3)
        add_by(flat, cell, [computed_input(c) + again, paying_prompt(c), c["generated"]])
        self.kv_token_s += np.bincount(c["route"], kv_token_s(c), minlength=len(self.lanes))

    def charged_on(self, replica: int) -> float:
        """Seconds charged on *replica* to all attempts so far, in the window or not."""
        return float(self.charged_s[replica]) if replica < len(self.charged_s) else 0.0

    # -- results ---------------------------------------------------------------------------------

    def route_usage(self, index: int) -> RouteUsage:
        """The usage of route *index*."""
        mine = list(range(self._first[index], self._first[index + 1]))
        waited_s, when = self._samples(mine)
        unanswered = np.flatnonzero(self.unanswered[mine].any(axis=0)).astype(np.int32)
        slo, windows = judged(self.routes[index].targets, waited_s, when, unanswered)
        whole = self._usage(mine, mine, waited_s, slo, windows)
        pools = self.routes[index].pools
        parts = {pool: self._part(lane) for pool, lane in zip(pools, mine, strict=False)}
        return replace(whole, by_pool=parts, tiers=self.tiers.of(mine))

    def kv_token_s_of(self, index: int) -> dict[str, float]:
        """Token-seconds of KV, as `kv_token_s` estimates them, of route *index* on each pool."""
        lanes = self.kv_token_s[self._first[index] : self._first[index + 1]].tolist()
        return dict(zip(self.routes[index].pools, lanes, strict=False))

    def overall(self) -> RouteUsage:
        """All routes together; requests and latencies are of those that are of use."""
        every, users = list(range(len(self.lanes))), np.flatnonzero(self._useful).tolist()
        return self._usage(every, users, self._samples(users)[0], (), WindowCounts())

    def _samples(self, lanes: list[int]) -> tuple[np.ndarray, np.ndarray]:
        waited_s = [a for lane in lanes for a in self._latencies[lane]]
        when = [a for lane in lanes for a in self._when[lane]]
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
        """Lanes *r* together, requests and latencies of *users* among them."""
        wasted = self.wasted[r].sum(axis=0)
        return RouteUsage(
            requests=self._requests(users),
            offered=self._counts(self.offered, users),
            useful=self._counts(self.useful, users),
            goodput=self._counts(self.goodput, users),
            hosted=HostedCounts(*_total(self.hosted, r)),
            computed=ComputedTokens(*_total(self.computed, r)),
            wasted_input=_by_cause(wasted[:, 0]),
            wasted_output=_by_cause(wasted[:, 1]),
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

    def _part(self, lane: int) -> RouteOnPool:
        """What one pool did for its route."""
        last = np.append(self.outcomes[lane].sum(), self.offered[lane][[0, 1, 3]])
        escalated, wasted = self.escalated[lane], self.wasted[lane]
        offered: list[float] = [*(last + escalated).tolist(), float(escalated[0])]
        return RouteOnPool(
            offered=OfferedCounts(*offered),
            completed=float(self.outcomes[lane, COMPLETED]),
            useful=self._counts(self.useful, [lane]),
            hosted=HostedCounts(*_total(self.hosted, [lane])),
            wasted_input=_by_cause(wasted[:, 0]),
            wasted_output=_by_cause(wasted[:, 1]),
            ended_useful=ReferenceTokens(*_total(self.ended_useful, [lane])),
            ended_waste=ReferenceTokens(*_total(self.ended_waste, [lane])),
            as_run=ComponentSeconds(*_total(self.as_run_s, [lane])),
            ended_by_interval=self.ended_by_interval[lane],
        )

    def _requests(self, r: list[int]) -> RequestCounts:
        counts = self.outcomes[r].sum(axis=0)
        return RequestCounts(
            arrived=float(counts.sum()),
            attempts=float(self.attempts[r].sum()),
            retried=float(self.retried[r].sum()),
            escalated=float(self.escalated[r, 0].sum()),
            in_slo=float(self.in_slo[r].sum()),
            **dict(zip(OUTCOMES, counts.tolist(), strict=True)),
        )

    def _counts(self, table: np.ndarray, r: list[int]) -> TokenCounts:
        shares = np.array([self.lanes[i].reasoning_share for i in r])
        counts: list[float] = [*_total(table, r), float(shares @ table[r, 3])]
        return TokenCounts(*counts)


_PARTS = ("prefill", "cached", "rent", "decode", "waste")


def _within(at_s: np.ndarray, horizon_s: float) -> np.ndarray:
    """Whether times are in [0, *horizon_s*); NaN is not."""
    return (at_s >= 0) & (at_s < horizon_s)


def _by_cause(wasted: np.ndarray) -> dict[str, float]:
    return dict(zip(WASTE_CAUSES, wasted.tolist(), strict=True))


def _total(table: np.ndarray, rows: list[int]) -> list[float]:
    total: list[float] = table[rows].sum(axis=0).tolist()
    return total


def _charged(c: Columns) -> np.ndarray:
    seconds: np.ndarray = np.sum([c[f"{part}_s"] for part in _PARTS], axis=0)
    return seconds
