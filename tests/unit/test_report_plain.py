"""Plain: what comes out is JSON without NaN, whatever goes in."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from sim.report.plain import plain


@dataclass(frozen=True)
class Inner:
    figures: tuple[float, ...]


@dataclass(frozen=True)
class Outer:
    inner: Inner | None
    by_window: dict[float, float | None]
    on: bool = True


def test_dataclasses_become_objects() -> None:
    made = plain(
        [Outer(Inner((1.5, float("inf"))), {0.1: None, 60.0: float("nan")}), Outer(None, {})]
    )
    assert made == [
        {"inner": {"figures": [1.5, None]}, "by_window": {"0.1": None, "60.0": None}, "on": True},
        {"inner": None, "by_window": {}, "on": True},
    ]


def test_numpy_s_numbers_are_numbers() -> None:
    made = plain((np.int64(3), np.float64(0.5), np.float32("nan"), 2**60, "x"))
    assert json.dumps(made, allow_nan=False) == '[3, 0.5, null, 1152921504606846976, "x"]'
