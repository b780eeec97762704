"""Precision: how many replications it takes until figures are known well enough; knows no clock.

Replications are added until half the 95 % interval is at most gamma/(1 + gamma) of the mean: then
the true value lies within gamma of it, in relative terms (Law 2015, section 9.4.1). The rule is
asked after each replication in their order, so that neither the number of processes nor which of
them is quicker can change where it stops.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sim.cost.bill import bill
from sim.ledger.usage import Usage
from sim.scenario.document import Scenario
from sim.scenario.notice import Notice
from sim.studies.intervals import Interval, jackknife, student_t

MOST = 100
"""Replications after which the search for precision is given up, unless told otherwise."""

LEAST = 10
"""Replications before the rule is asked at all (Law 2015): of fewer, a spread is too often small
by chance."""

LATENCIES = ("ttft_s", "tpot_s", "e2e_s")


@dataclass(frozen=True)
class Precision:
    """How well figures are to be known, as shares of them.

    *cost*: of $ per 1M useful tokens; *p95*: of every route's p95 latencies, if given. No more
    than *most* replications are spent on it.
    """

    cost: float
    p95: float | None = None
    most: int = MOST

    def __post_init__(self) -> None:
        for share in (self.cost, self.p95):
            if share is not None and not 0 < share < 1:
                raise ValueError(f"a precision ({share}) must lie between 0 and 1")


@dataclass(frozen=True)
class Known:
    """How well one figure is known: half its interval as a share of it, and what was asked for.

    `half` is None where there is no interval though there should be one: too thin a tail.
    """

    path: str
    asked: float
    half: float | None

    @property
    def enough(self) -> bool:
        """Whether that is well enough."""
        return self.half is not None and self.half <= self.asked / (1.0 + self.asked)


@dataclass(frozen=True)
class Convergence:
    """What was asked for, and how well it was reached; `replications` that it took."""

    precision: Precision
    known: tuple[Known, ...]
    replications: int

    @property
    def converged(self) -> bool:
        """Whether every figure is known as well as was asked for."""
        return all(figure.enough for figure in self.known)

    def document(self) -> dict[str, Any]:
        """As an entry of `summary.json`."""
        figures = [{**asdict(figure), "enough": figure.enough} for figure in self.known]
        most = self.precision.most
        return {"converged": self.converged, "most_replications": most, "figures": figures}

    def notices(self) -> list[Notice]:
        """What must be said aloud: each figure that is not known well enough."""
        return [self._notice(figure) for figure in self.known if not figure.enough]

    def _notice(self, figure: Known) -> Notice:
        half = "unknown" if figure.half is None else f"{figure.half:.2%}"
        limit = figure.asked / (1.0 + figure.asked)
        text = f"not converged: half the interval is {half} of the figure after"
        text += f" {self.replications} replications, not {limit:.2%} as"
        text += f" a precision of {figure.asked:.3g} needs"
        return Notice("not-converged", figure.path, text)


def convergence(precision: Precision, usages: Sequence[Usage], scenario: Scenario) -> Convergence:
    """How well the figures that *precision* is about are known from *usages*."""
    known = [_cost(precision.cost, usages, scenario)]
    if precision.p95 is not None:
        for name in scenario.routes:
            for latency in LATENCIES:
                known += _p95(precision.p95, usages, name, latency)
    return Convergence(precision, tuple(known), len(usages))


def _cost(asked: float, usages: Sequence[Usage], scenario: Scenario) -> Known:
    """Of a ratio of sums, by jackknife over replications."""
    usd = [bill(usage, scenario).total_usd for usage in usages]
    tokens = [
        math.fsum(r.useful.input + r.useful.output for r in u.routes.values()) for u in usages
    ]
    path = "cost.usd_per_million_useful_tokens"
    return Known(path, asked, _half_of_ratio(usd, tokens))


def _half_of_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float | None:
    """Half the interval of a ratio of sums, as a share of it; None if it cannot be told.

    >>> _half_of_ratio([1.0, 1.0], [4.0, 4.0])
    0.0
    """
    over, under = math.fsum(numerators), math.fsum(denominators)
    rests = [(over - n, under - d) for n, d in zip(numerators, denominators, strict=True)]
    if len(rests) < 2 or any(d <= 0 for _, d in rests):
        return None
    return _half(over / under, jackknife(over / under, [n / d for n, d in rests]))


def _half(value: float, interval: Interval | None) -> float | None:
    """Half of *interval* as a share of *value*; equal replications are as sure as can be."""
    if interval is None:
        return 0.0
    return None if value == 0 else (interval.high - interval.low) / 2 / abs(value)


def _p95(asked: float, usages: Sequence[Usage], route: str, latency: str) -> list[Known]:
    """Of the mean of the replications' quantiles; nothing where no replication has one."""
    figures = [getattr(usage.routes[route], latency).p95 for usage in usages]
    values = [value for value in figures if value is not None]
    path = f"routes.{route}.latency.{latency}.p95"
    if not values:
        return []
    if len(values) < max(2, len(figures)):
        return [Known(path, asked, None)]
    mean = math.fsum(values) / len(values)
    return [Known(path, asked, _half(mean, student_t(values)))]
