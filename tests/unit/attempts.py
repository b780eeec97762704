"""Attempts as columns for tests of the ledger, and what a meter makes of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sim.ledger.metering import Meter, RouteMeter
from sim.ledger.records import FIELDS, TROUBLE, Columns
from sim.ledger.usage import WASTE_CAUSES, RouteUsage

HORIZON_S = 1000.0
NONE = dict.fromkeys(WASTE_CAUSES, 0.0)
"""Waste of a run without any."""

DONE = {"finished_at_s": 10.0, "first_token_at_s": 6.0, "generated": 5, "computed": 104}
"""A completed attempt of 100 tokens in and 5 out that came at 5: TTFT 1 s, TPOT 1 s, E2E 5 s."""


def columns(*rows: dict[str, Any]) -> Columns:
    """Attempts that came at 5 with 100 tokens in and 5 out, changed by *rows*."""
    usual = dict.fromkeys(FIELDS | TROUBLE, 0) | {
        "arrived_at_s": 5.0, "queued_at_s": 5.0, "first_token_at_s": math.nan,
        "finished_at_s": math.nan, "input_tokens": 100, "output_tokens": 5,
    }  # fmt: skip
    return {
        name: np.array([(usual | row)[name] for row in rows], dtype=kind)
        for name, kind in (FIELDS | TROUBLE).items()
    }


def meter(*rows: dict[str, Any], routes: int = 1, **route: Any) -> Meter:
    found = Meter([RouteMeter(f"r{i}", **route) for i in range(routes)], HORIZON_S)
    found.read(columns(*rows))
    return found


def usage(*rows: dict[str, Any], **route: Any) -> RouteUsage:
    return meter(*rows, **route).route_usage(0)
