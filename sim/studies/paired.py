"""Paired: the difference that a change makes, on random numbers that both sides have in common.

Replication i of one scenario and replication i of another draw the same arrivals, lengths and
failures, so their difference is far surer than either figure. Knows no clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sim.ledger.average import mean
from sim.ledger.usage import Usage
from sim.studies.intervals import CONFIDENCE, SAME, Interval, student_t


@dataclass(frozen=True)
class Paired:
    """What a figure was, what it became, and how sure the difference is.

    `interval` is None where there is none to be had: a single replication, or differences that
    are all the same. `shown`: whether the replications show that there is a difference; None if
    they cannot tell, because there is only one. `variance_ratio`: how many times the variance of
    the difference would have been on independent random numbers; None where that is undefined.
    """

    before: float
    after: float
    difference: float
    interval: Interval | None
    shown: bool | None
    variance_ratio: float | None = None

    @property
    def relative(self) -> float | None:
        """The difference as a share of what the figure was; None of nothing."""
        return self.difference / abs(self.before) if self.before else None


def paired(
    before: Sequence[float], after: Sequence[float], confidence: float = CONFIDENCE
) -> Paired:
    """The mean difference of *after* and *before*, replication by replication.

    Student's interval over the differences (Law 2015, section 10.2.1). Raises ValueError unless
    both are of the same length, at least 1.

    >>> found = paired([10.0, 20.0, 30.0], [12.0, 22.5, 31.5])
    >>> found.difference, found.shown
    (2.0, True)
    """
    n = len(before)
    if n != len(after) or n == 0:
        raise ValueError(f"{n} replications before and {len(after)} after are no pairs")
    first, second = math.fsum(before) / n, math.fsum(after) / n
    return _paired(first, second, before, after, confidence)


def paired_ratio(
    before: tuple[Sequence[float], Sequence[float]],
    after: tuple[Sequence[float], Sequence[float]],
    confidence: float = CONFIDENCE,
) -> Paired | None:
    """The difference of two ratios of means, each given as (numerators, denominators).

    By the jackknife over replications. None where a denominator is 0, in the whole or without
    some replication.
    """

    def ratio(of: tuple[Sequence[float], Sequence[float]], without: int | None) -> float | None:
        tops, bottoms = (math.fsum(v for i, v in enumerate(s) if i != without) for s in of)
        return tops / bottoms if bottoms else None

    n = len(before[0])
    if {n} != {len(values) for values in (*before, *after)} or n == 0:
        raise ValueError("numerators and denominators before and after must be equally many")
    return _jackknifed(
        (ratio(before, None), ratio(after, None)),
        [(ratio(before, i), ratio(after, i)) for i in range(n)] if n > 1 else [],
        confidence,
    )


Figures = Mapping[str, float | None]
"""Figures by name; None where undefined."""


def paired_figures(
    before: Sequence[Usage],
    after: Sequence[Usage],
    figures_before: Callable[[Usage], Figures],
    figures_after: Callable[[Usage], Figures],
    confidence: float = CONFIDENCE,
) -> dict[str, Paired | None]:
    """The difference of every figure that both sides have, by the jackknife over replications.

    One method serves sums, ratios of sums and the replications' mean quantiles alike. None where
    a figure is undefined on a side, in the whole or without some replication.
    """
    n = len(before)
    if n != len(after) or n == 0:
        raise ValueError(f"{n} replications before and {len(after)} after are no pairs")
    whole = figures_before(mean(before)), figures_after(mean(after))
    without = [
        (
            figures_before(mean([*before[:i], *before[i + 1 :]])),
            figures_after(mean([*after[:i], *after[i + 1 :]])),
        )
        for i in range(n if n > 1 else 0)
    ]
    return {
        name: _jackknifed(
            (whole[0][name], whole[1][name]),
            [(b.get(name), a.get(name)) for b, a in without],
            confidence,
        )
        for name in whole[0]
        if name in whole[1]
    }


_Pair = tuple[float | None, float | None]


def _jackknifed(whole: _Pair, without: list[_Pair], confidence: float) -> Paired | None:
    """By pseudo-values: n x whole - (n - 1) x without replication i (Law 2015, section 9.4)."""
    first, second = whole
    sides = [(b, a) for b, a in without if b is not None and a is not None]
    if first is None or second is None or len(sides) < len(without):
        return None
    n = len(sides)
    if n == 0:
        return _paired(first, second, [first], [second], confidence)
    before = [n * first - (n - 1) * b for b, _ in sides]
    after = [n * second - (n - 1) * a for _, a in sides]
    return _paired(first, second, before, after, confidence)


def _paired(
    first: float,
    second: float,
    before: Sequence[float],
    after: Sequence[float],
    confidence: float,
) -> Paired:
    """*first* and *second* are the figures, *before* and *after* their (pseudo-)values."""
    scale = max(abs(v) for v in (*before, *after))
    differences = [a - b for b, a in zip(before, after, strict=True)]
    if max(abs(d) for d in differences) <= SAME * scale:  # equal but for rounding
        differences = [0.0] * len(differences)
        second = first
    interval = student_t(differences, confidence)
    spread = max(differences) - min(differences)
    if interval is not None and spread <= SAME * scale:
        interval = None
    return Paired(
        before=first,
        after=second,
        difference=second - first,
        interval=interval,
        shown=_shown(second - first, interval, len(differences)),
        variance_ratio=None if interval is None else _variance_ratio(before, after, differences),
    )


def _shown(difference: float, interval: Interval | None, n: int) -> bool | None:
    if interval is not None:
        return 0.0 not in interval
    if difference == 0.0:
        return False
    return True if n > 1 else None


def _variance_ratio(
    before: Sequence[float], after: Sequence[float], differences: Sequence[float]
) -> float | None:
    paired_variance = _variance(differences)
    if paired_variance <= 0.0:
        return None
    return (_variance(before) + _variance(after)) / paired_variance


def _variance(values: Sequence[float]) -> float:
    centre = math.fsum(values) / len(values)
    return math.fsum((v - centre) ** 2 for v in values) / (len(values) - 1)
