"""Protocol: when replications contradict a theoretical value; knows no clock and no simulator.

An estimate is a mean over independent replications, sharpened by controls: figures of the same
replications whose true means are known, such as the arrivals (Lavenberg and Welch 1981). It is
rejected if Student's t says that it lies too far from theory for chance, and it fails as well if it
is too vague to reject anything. Whoever fails is tried once more on four times as many fresh
replications, and only both failures count. The suite runs a part of each scenario's time, and bears
intervals that much wider; all of it runs with TOKENFLEET_THEORY=whole, as for `docs/theory.md`.
Seeds were fixed before any result was seen: the scenario at place n of the list of cases has seed
1000 n; replications 0-39 judge, 40-199 retest.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, stdtr, stdtrit
from scipy.stats import binomtest, kstest

REPLICATIONS = 40
RETEST = range(REPLICATIONS, 5 * REPLICATIONS)

FAMILY_ALPHA = 0.001
"""Chance that one correct figure or more of the whole family is rejected at first sight."""

WHOLE = os.environ.get("TOKENFLEET_THEORY") == "whole"
RUN_SHARE = 1.0 if WHOLE else 0.3
"""Part of a scenario's horizon that is run."""

MEAN_GATE, TAIL_GATE = (0.02, 0.04) if WHOLE else (0.04, 0.08)
"""Largest 99 % half-widths, relative: of means and shares of time; of quantiles and losses."""


@dataclass(frozen=True)
class Estimate:
    """A value, its standard error, and the degrees of freedom of that."""

    value: float
    error: float
    degrees: int

    def half_width(self, confidence: float = 0.99) -> float:
        """Half of the confidence interval."""
        return float(stdtrit(self.degrees, 0.5 + confidence / 2)) * self.error

    def t(self, theory: float) -> float:
        """How many standard errors the value lies above *theory*."""
        return (self.value - theory) / self.error

    def p(self, theory: float) -> float:
        """Chance of a value at least as far from *theory*, if theory is right."""
        return 2 * float(stdtr(self.degrees, -abs(self.t(theory))))


def estimate(values: np.ndarray, controls: np.ndarray | None = None) -> Estimate:
    """The mean of *values*, one per replication.

    *controls* (replications x controls) have the mean 0 in truth: what they deviate by chance is
    taken out by least squares, which costs a degree of freedom each.

    >>> estimate(np.array([1.0, 2.0, 3.0]))
    Estimate(value=2.0, error=0.577350..., degrees=2)
    """
    n = len(values)
    design = np.ones((n, 1)) if controls is None else np.column_stack([np.ones(n), controls])
    inverse = np.linalg.pinv(design.T @ design)
    fit = inverse @ design.T @ values
    degrees = n - design.shape[1]
    variance = float(np.sum((values - design @ fit) ** 2)) / degrees
    return Estimate(float(fit[0]), math.sqrt(variance * float(inverse[0, 0])), degrees)


@dataclass(frozen=True)
class Tally:
    """So many successes in so many independent trials; its p-value is the binomial law's, exact."""

    successes: int
    trials: int

    @property
    def value(self) -> float:
        """The share of successes."""
        return self.successes / self.trials

    @property
    def degrees(self) -> int:
        """As many as there are trials to go by."""
        return self.trials

    def half_width(self, confidence: float = 0.99) -> float:
        """Half of Clopper and Pearson's confidence interval (1934)."""
        k, n, tail = self.successes, self.trials, (1 - confidence) / 2
        low = betaincinv(k, n - k + 1, tail) if k else 0.0
        high = betaincinv(k + 1, n - k, 1 - tail) if k < n else 1.0
        return float(high - low) / 2

    def t(self, theory: float) -> float:
        """How many standard errors, as theory has them, the share lies above *theory*."""
        return (self.value - theory) / math.sqrt(theory * (1 - theory) / self.trials)

    def p(self, theory: float) -> float:
        """Chance of a count no likelier than this one, if theory is right."""
        return float(binomtest(self.successes, self.trials, theory).pvalue)


@dataclass(frozen=True)
class Verdict:
    """One estimate against one theoretical value, as one of *family* such."""

    estimate: Estimate | Tally
    theory: float
    gate: float
    family: int

    @property
    def agrees(self) -> bool:
        """Not rejected: Bonferroni's share of the family's alpha."""
        return self.estimate.p(self.theory) >= FAMILY_ALPHA / self.family

    @property
    def precise(self) -> bool:
        """Sharp enough for its agreement to mean something."""
        return self.estimate.half_width() <= self.gate * abs(self.theory)

    @property
    def passed(self) -> bool:
        """Agrees, and could have disagreed."""
        return self.agrees and self.precise

    def __str__(self) -> str:
        e = self.estimate
        spread = f"{e.value:.6g} ± {e.half_width():.2g} (99 %)"
        return f"theory {self.theory:.6g}, estimate {spread}, t = {e.t(self.theory):+.2f}"


def settle(judge: Callable[[range], Verdict]) -> Verdict:
    """The verdict on the first replications; if it fails, the one on the retest's."""
    first = judge(range(REPLICATIONS))
    return first if first.passed else judge(RETEST)


def common_bias_p(ts: Iterable[tuple[float, int]]) -> float:
    """Kolmogorov-Smirnov p-value of t values (with their degrees) that should follow Student's law.

    Small if many figures are off by a little, though none by enough to be rejected alone.
    """
    levels = [float(stdtr(degrees, t)) for t, degrees in ts]
    return float(kstest(levels, "uniform").pvalue)
