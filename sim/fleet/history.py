"""History: what a pool's autoscaler may know of the recent past. Knows no clock."""

from __future__ import annotations

from collections import deque

import numpy as np

from sim.serving.sequence import Sequence


class History:
    """Requests of the last *keep_s* seconds: when each came, and when and how fast it finished.

    Nobody knows how long an answer will be: its tokens count when it has finished.
    """

    def __init__(self, keep_s: float, min_output_tokens: int) -> None:
        self.keep_s = keep_s
        self.min_output_tokens = min_output_tokens
        self._came: deque[tuple[float, int]] = deque()  # at, input tokens
        self._finished: deque[tuple[float, float, float, int]] = deque()
        """At, TTFT, TPOT (or NaN), output tokens."""

    def came(self, at_s: float, input_tokens: int) -> None:
        """A request with so many input tokens came. O(1)."""
        self._came.append((at_s, input_tokens))

    def finished(self, sequence: Sequence) -> None:
        """*sequence* has completed. O(1)."""
        first_s, last_s = sequence.first_token_at_s, sequence.finished_at_s
        assert first_s is not None
        assert last_s is not None
        tpot_s = float("nan")
        if sequence.output_tokens >= self.min_output_tokens:
            tpot_s = (last_s - first_s) / (sequence.output_tokens - 1)
        ttft_s = first_s - sequence.arrived_at_s
        self._finished.append((last_s, ttft_s, tpot_s, sequence.output_tokens))

    def forget(self, now_s: float) -> None:
        """Drop what is older than is kept."""
        for past in (self._finished, self._came):
            while past and past[0][0] < now_s - self.keep_s:
                past.popleft()

    def p95(self, from_s: float, to_s: float) -> tuple[float | None, float | None]:
        """Return the 95th percentiles of TTFT and TPOT of what finished in [from_s, to_s)."""
        rows = np.array([row for row in self._finished if from_s <= row[0] < to_s])
        if not len(rows):
            return None, None
        tpot_s = rows[~np.isnan(rows[:, 2]), 2]
        return (
            float(np.quantile(rows[:, 1], 0.95)),
            float(np.quantile(tpot_s, 0.95)) if len(tpot_s) else None,
        )

    def rates(self, from_s: float, to_s: float) -> tuple[float, float]:
        """Return requests that came, and tokens that came or were finished, a second.

        Both within [from_s, to_s).
        """
        if to_s <= from_s:
            return 0.0, 0.0
        came = [tokens for at_s, tokens in self._came if from_s <= at_s < to_s]
        made = [row[3] for row in self._finished if from_s <= row[0] < to_s]
        return len(came) / (to_s - from_s), (sum(came) + sum(made)) / (to_s - from_s)
