"""Tokens: what attempts of a chunk made the fleet compute, and of what use that was. No clock."""

from __future__ import annotations

import numpy as np

from sim.ledger.records import Columns
from sim.ledger.usage import WASTE_CAUSES

OUTCOMES = ("completed", "rejected", "timed_out", "failed", "cancelled", "in_flight")
"""By the codes of the column `outcome`."""

COMPLETED, REJECTED, IN_FLIGHT = (
    OUTCOMES.index(outcome) for outcome in ("completed", "rejected", "in_flight")
)

NO_WASTE = -1
"""Stands for a cause where tokens are useful, or still undecided."""

_CAUSE_OF = np.array(
    [WASTE_CAUSES.index(o) if o in WASTE_CAUSES else NO_WASTE for o in OUTCOMES], dtype=np.int64
)
PREEMPTED, RETRIED, ESCALATED, NOT_USEFUL = (
    WASTE_CAUSES.index(cause) for cause in ("preempted", "retried", "escalated", "not_useful")
)


def computed_input(c: Columns) -> np.ndarray:
    """Prompt tokens that the fleet computed once or more, cached ones not counted."""
    reached = np.maximum(c["computed"], c["high_water"])
    computed: np.ndarray = np.minimum(reached, c["input_tokens"]) - c["cached_input"]
    positive: np.ndarray = np.maximum(computed, 0)
    return positive


def paying_prompt(c: Columns) -> np.ndarray:
    """Prompt tokens of the attempts that came to decode; those pay context rent."""
    return np.where(c["generated"] > 0, c["input_tokens"], 0)


def cause_of_waste(c: Columns, useful: np.ndarray) -> np.ndarray:
    """Why the tokens of each attempt were wasted, by its place in `WASTE_CAUSES`.

    `NO_WASTE` for those of a completed request, or of one in flight; *useful*: whether the
    attempt's route is. Tokens that were computed again are wasted besides.
    """
    followed = np.where(c["outcome"] == COMPLETED, ESCALATED, RETRIED)
    cause = np.where(c["superseded"] > 0, followed, _CAUSE_OF[c["outcome"]])
    return np.where(useful, cause, NOT_USEFUL)


def passed_on(c: Columns) -> np.ndarray:
    """Which attempts were answered, and yet followed by another: at the next pool."""
    passed: np.ndarray = (c["outcome"] == COMPLETED) & (c["superseded"] > 0)
    return passed
