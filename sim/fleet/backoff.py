"""Backoff: how long a client waits before it tries again, and whether it may. Knows no clock."""

from __future__ import annotations

from collections.abc import Callable

Backoff = Callable[[int, float], float]
"""Seconds to wait after attempt *n* (from 0), *u* being uniform in [0, 1)."""

SDK_FIRST_S = 0.5
SDK_LONGEST_S = 8.0
SDK_JITTER = 0.25

ROUNDING = 1e-9
"""By how much a sum of parts may lack of a whole token: ten tenths do."""


def sdk_backoff(attempt: int, u: float) -> float:
    """Return the wait of OpenAI's and Anthropic's Python clients: half a second, doubled, capped.

    Up to a quarter is taken off at random (`_calculate_retry_timeout` of both, 2025).

    >>> [sdk_backoff(n, 0.0) for n in range(6)]
    [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]
    """
    wait_s: float = min(SDK_FIRST_S * 2.0 ** min(attempt, 16), SDK_LONGEST_S)
    return wait_s * (1.0 - SDK_JITTER * u)


class RetryBudget:
    """Lets retries be at most a *ratio* of the requests, but for a few to begin with.

    Each request earns a part of a token, each retry spends a whole one (as Finagle's and Envoy's
    retry budgets do); what is saved up is capped at *reserve*.
    """

    def __init__(self, ratio: float, reserve: float = 10.0) -> None:
        self.ratio = ratio
        self.reserve = reserve
        self.tokens = reserve

    def earn(self) -> None:
        """A request has come."""
        self.tokens = min(self.reserve, self.tokens + self.ratio)

    def spend(self) -> bool:
        """Return whether a retry may be made, and count it."""
        if self.tokens < 1.0 - ROUNDING:
            return False
        self.tokens -= 1.0
        return True
