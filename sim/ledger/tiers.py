"""Tiers: requests and tokens by length of prompt, as APIs price them; adds up, knows no clock.

An API that asks more for long prompts asks it of the whole request, so its bill cannot be had from
sums over all requests. What is kept is one row of sums per tier, however many requests there are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.ledger.records import HOSTED_REPLICA, Columns
from sim.ledger.tokens import COMPLETED
from sim.ledger.usage import HostedCounts, TierCounts


class TierMeter:
    """Counts the requests of lanes whose API has edges, each by its last attempt.

    `edges[lane]` are tokens of prompt; a request is beyond an edge if it has more.
    """

    def __init__(self, edges: Sequence[tuple[int, ...]]) -> None:
        self.edges = edges
        self.sums = [np.zeros((3, len(e) + 1, 4)) for e in edges]

    def read(self, c: Columns, useful: np.ndarray) -> None:
        """Add last attempts; *useful*: by lane, whether its answers are of use to anybody."""
        for lane, edges in enumerate(self.edges):
            if edges and useful[lane]:
                self._add(lane, c, np.flatnonzero(c["route"] == lane))

    def _add(self, lane: int, c: Columns, mine: np.ndarray) -> None:
        prompt = c["input_tokens"][mine]
        tier = np.searchsorted(self.edges[lane], prompt, side="left")
        counts = (np.ones(len(mine)), prompt, c["cached_input"][mine], c["output_tokens"][mine])
        answered = c["outcome"][mine] == COMPLETED
        by_api = answered & (c["replica"][mine] == HOSTED_REPLICA)
        chosen = (np.ones(len(mine), dtype=bool), answered, by_api)
        for sums, some in zip(self.sums[lane], chosen, strict=True):
            for j, values in enumerate(counts):
                sums[:, j] += np.bincount(tier[some], values[some], minlength=len(sums))

    def of(self, lanes: Sequence[int]) -> tuple[TierCounts, ...]:
        """The tiers of a route's *lanes* together; none if its API has no edges."""
        if not self.edges[lanes[0]]:
            return ()
        arrived, answered, by_api = np.sum([self.sums[lane] for lane in lanes], axis=0)
        return tuple(
            TierCounts(*(HostedCounts(*part[i].tolist()) for part in (arrived, answered, by_api)))
            for i in range(len(arrived))
        )
