"""Ladder: from the benchmark's price of a token to the real one, cause by cause; knows no clock.

K_i = sum of C_i over the pools / tokens; rung i = K_i - K_(i-1), so the rungs sum to the gap
whatever each of them is. Up to rung 8 the tokens are the log's, all that came; from rung 9 on they
are the useful ones. C_0 to C_4 are what ever less perfect fleets would cost for the log (`Need`),
C_5 to C_9 the real nodes at list price less what the records say was for something else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from sim.cost.benchmark import Benchmark
from sim.cost.bill import Bill
from sim.cost.ladder_need import Need
from sim.cost.ladder_parts import Parts, parts
from sim.ledger.usage import Usage
from sim.scenario.document import Scenario
from sim.units import HOURS_PER_MONTH

CAUSES = (
    "benchmark",
    "real_lengths",
    "prefix_cache",
    "latency_slo",
    "whole_replicas",
    "scaling_and_headroom",
    "cold_starts",
    "redundancy",
    "failures",
    "clients",
    "purchase",
    "other_lines",
    "people",
)
"""What rung i is for; rung 0 is the naive estimate, from which the others climb."""

OF_NODES = ("node", "commitment")
"""Kinds of the bill's lines that are paid for nodes, used or not."""

SAME = 1e-12
"""Relative difference under which two figures are the same, but for rounding."""

CLIENTS = CAUSES.index("clients")


@dataclass(frozen=True)
class Ladder:
    """`usd[i]` is C_i in the window, `levels[i]` is K_i in $ per 1M tokens.

    `log_tokens` arrived, `useful_tokens` reached somebody; `parts` is what rungs 5 to 9 are read
    from.
    """

    usd: tuple[float, ...]
    levels: tuple[float, ...]
    log_tokens: float
    useful_tokens: float
    window_s: float
    parts: Parts

    @property
    def rungs(self) -> tuple[float, ...]:
        """$ per 1M of rungs 1 to 12; they sum to the gap."""
        return tuple(after - before for before, after in pairwise(self.levels))

    @property
    def factors(self) -> tuple[float | None, ...]:
        """K_i / K_(i-1) of rungs 1 to 12; None after a level that is not above 0."""
        pairs = pairwise(self.levels)
        return tuple(after / before if before > 0 else None for before, after in pairs)

    @property
    def usd_per_month(self) -> tuple[float, ...]:
        """Rung x useful tokens of a month; with the naive cost of those they sum to the bill."""
        hours = self.window_s / 3600.0
        millions = self.useful_tokens / 1e6 * HOURS_PER_MONTH / hours
        return tuple(rung * millions for rung in self.rungs)


def ladder(
    usage: Usage,
    bill: Bill,
    naive_usd_per_million: float | None,
    scenario: Scenario,
    benchmarks: Mapping[str, Benchmark],
    needs: Mapping[str, Need],
) -> Ladder | None:
    """The ladder of *usage* and its *bill*; None if no token came, none was useful or naive.

    *needs* are of the pools that have a benchmark.
    """
    log_tokens = math.fsum(r.offered.input + r.offered.output for r in usage.routes.values())
    useful = usage.overall.useful
    useful_tokens = _unless_same(useful.input + useful.output, log_tokens)
    if naive_usd_per_million is None or log_tokens <= 0 or useful_tokens <= 0:
        return None
    found = parts(usage, scenario, benchmarks, needs)
    naive_usd = naive_usd_per_million * log_tokens / 1e6
    perfect = _perfect(naive_usd, usage, scenario, benchmarks, needs)
    usd = (*perfect, *_real(found, bill, perfect[-1]))
    tokens = [log_tokens if i < CLIENTS else useful_tokens for i in range(len(CAUSES))]
    levels = tuple(c / t * 1e6 for c, t in zip(usd, tokens, strict=True))
    return Ladder(usd, levels, log_tokens, useful_tokens, usage.window_s, found)


def _perfect(
    naive_usd: float,
    usage: Usage,
    scenario: Scenario,
    benchmarks: Mapping[str, Benchmark],
    needs: Mapping[str, Need],
) -> list[float]:
    """C_0 to C_4: fleets that are perfect but for one thing more each time."""
    per_s = {p: scenario.pools[p].usd_per_replica_hour / 3600.0 for p in needs}
    full_s = {p: naive_seconds(usage, p, benchmarks[p]) for p in needs}
    known = math.fsum(full_s[p] * per_s[p] for p in needs)
    scale = naive_usd / known if known > 0 else 0.0
    bench = {p: full_s[p] * per_s[p] * scale for p in needs}
    lengths = {p: bench[p] * (needs[p].lengths - 1.0) for p in needs}
    cache = {p: bench[p] * needs[p].lengths * (needs[p].cache - 1.0) for p in needs}
    slo = {
        p: 0.0 if (s := needs[p].slo_s) is None else s * per_s[p] - bench[p] - lengths[p] - cache[p]
        for p in needs
    }
    usd = [naive_usd]
    for more in (lengths, cache, slo):  # added, so that what is nothing changes nothing
        usd.append(usd[-1] + math.fsum(more.values()))
    return [*usd, math.fsum(needs[p].whole_s * per_s[p] for p in needs)]


def naive_seconds(usage: Usage, pool: str, benchmark: Benchmark) -> float:
    """Replica-seconds that the benchmark would take for what *pool* served.

    Where it served nothing, for what it was asked for: it is a weight, as in the naive estimate.
    """
    on = [r.by_pool[pool] for r in usage.routes.values() if pool in r.by_pool]
    some = any(
        part.served.input + part.served.output > 0
        for r in usage.routes.values()
        for part in r.by_pool.values()
    )
    counts = [part.served if some else part.offered for part in on]
    return math.fsum(c.input + c.output for c in counts) / benchmark.tokens_per_s


def _real(found: Parts, bill: Bill, whole_usd: float) -> list[float]:
    """C_5 to C_12: the nodes at list price, less and less taken off; then what is really paid."""
    taken = (found.waste_usd, found.failures_usd, found.redundancy_usd, found.cold_usd)
    nodes = [found.list_usd]
    for usd in taken:
        nodes.insert(0, nodes[0] - usd)
    nodes[0] = _unless_same(nodes[0], whole_usd)
    paid = math.fsum(line.usd for line in bill.lines if line.kind in OF_NODES)
    people = math.fsum(line.usd for line in bill.lines if line.kind == "people")
    for usd in (paid, bill.total_usd - people, bill.total_usd):
        nodes.append(_unless_same(usd, nodes[-1]))
    return nodes


def _unless_same(value: float, before: float) -> float:
    """*value*, or *before* if they differ by a rounding: such a rung is nothing."""
    return before if math.isclose(value, before, rel_tol=SAME) else value
