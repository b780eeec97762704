"""HPA metrics: how many replicas one metric of a HorizontalPodAutoscaler asks for, exactly.

Follows Kubernetes' documentation ("Horizontal Pod Autoscaling", algorithm details) and its
controller (pkg/controller/podautoscaler: replica_calculator.go, metrics/utilization.go) where the
documentation is silent. Amounts are whole thousandths, as there: a value is cut off below them, as
prometheus-adapter does, and so is a mean over pods. Ratios are fractions where the controller has
floats, so that a ratio that is exact cannot ask for one replica too many.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from sim.fleet.scaler import PodValues


@dataclass(frozen=True, slots=True)
class Tolerance:
    """By how much a ratio may differ from 1, up and down, without a change."""

    up: Fraction
    down: Fraction

    def covers(self, ratio: Fraction) -> bool:
        """Whether *ratio* is near enough to 1; the bounds themselves are.

        >>> Tolerance(Fraction("0.1"), Fraction("0.1")).covers(Fraction("1.1"))
        True
        """
        return 1 - self.down <= ratio <= 1 + self.up


@dataclass(frozen=True, slots=True)
class Ask:
    """What a metric is held against: *target* in thousandths, and how.

    *form*: pods (mean over the pods), average (one number over the replicas) or value (one number
    as it is). *mean*: the one number is a mean over the pods, not their sum.
    """

    form: Literal["pods", "average", "value"]
    target: int
    mean: bool = False


def replicas_for(
    ask: Ask, pods: PodValues | None, current: int, ready: int, tolerance: Tolerance
) -> int | None:
    """Return the replicas that *ask* wants for *pods*; None if no pod told anything.

    *current* replicas are wanted by now, *ready* of them serve.
    """
    if pods is None or not pods.values:
        return None
    if ask.form == "pods":
        return _for_pods(ask.target, pods, current, tolerance)
    total = sum((_decimal(value) for value in pods.values), Decimal(0))
    usage = _cut(total / len(pods.values) if ask.mean else total)
    if ask.form == "average":
        ratio = Fraction(usage, ask.target * current)
        return current if tolerance.covers(ratio) else math.ceil(Fraction(usage, ask.target))
    ratio = Fraction(usage, ask.target)
    return current if tolerance.covers(ratio) else math.ceil(ratio * ready)


def _for_pods(target: int, pods: PodValues, current: int, tolerance: Tolerance) -> int:
    """Return what the mean over pods asks for; those that tell nothing never add to a change.

    Pods without a value count as on target when it goes down and as 0 when it goes up; those that
    do not run yet count as 0 when it goes up and not at all when it goes down. If that turns the
    direction, nothing changes.
    """
    total = sum(_cut(_decimal(value)) for value in pods.values)
    counted = len(pods.values)
    ratio = Fraction(total // counted, target)
    held_back = pods.pending if ratio > 1 else 0
    if not held_back and not pods.missing:
        return current if tolerance.covers(ratio) else math.ceil(ratio * counted)
    if ratio < 1:
        total += target * pods.missing
    if ratio != 1:
        counted += pods.missing
    counted += held_back
    damped = Fraction(total // counted, target)
    if tolerance.covers(damped) or (ratio < 1 < damped) or (damped < 1 < ratio):
        return current
    wanted = math.ceil(damped * counted)
    turned = wanted > current if damped < 1 else wanted < current
    return current if turned else wanted


def _decimal(value: float) -> Decimal:
    """Return *value* as it is printed: 0.1 is a tenth. Raises ValueError unless it is finite."""
    if not math.isfinite(value):
        raise ValueError(f"a gauge must be finite, not {value}")
    return Decimal(repr(float(value)))


def _cut(value: Decimal) -> int:
    """Return *value* in whole thousandths, cut off below."""
    return int(value * 1000)
