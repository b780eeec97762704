"""HPA: desired replicas, worked out by hand from Kubernetes' documented algorithm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pytest

from sim.fleet.hpa import Hpa
from sim.fleet.hpa_metrics import Ask, Tolerance, replicas_for
from sim.fleet.scaler import Decision, Observation, PodValues
from sim.scenario.autoscaler import HpaScaler
from sim.scenario.hpa_manifest import Gauge

WAITING, RUNNING = "vllm:num_requests_waiting", "vllm:num_requests_running"
KV = "vllm:kv_cache_usage_perc"

DEFAULTS: dict[str, Any] = {}
"""A `behavior` that says nothing: every default of autoscaling/v2."""

FREE: dict[str, Any] = {
    "scaleUp": {"policies": [{"type": "Percent", "value": 10_000, "periodSeconds": 15}]},
    "scaleDown": {"stabilizationWindowSeconds": 0},
}
"""A `behavior` that holds nothing back, so that the metric's own wish is seen."""

IN_RANGE, FAILED = "DesiredWithinRange", "FailedGetMetric"
UP_LIMIT, DOWN_LIMIT = "ScaleUpLimit", "ScaleDownLimit"
TOO_MANY, TOO_FEW = "TooManyReplicas", "TooFewReplicas"
UP_HELD, DOWN_HELD = "ScaleUpStabilized", "ScaleDownStabilized"


def pods(target: str, name: str = WAITING) -> dict[str, Any]:
    target_ = {"type": "AverageValue", "averageValue": target}
    return {"type": "Pods", "pods": {"metric": {"name": name}, "target": target_}}


def one(
    kind: str, average: str | None = None, value: str | None = None, name: str = WAITING
) -> dict[str, Any]:
    target = {"type": "AverageValue", "averageValue": average}
    if value is not None:
        target = {"type": "Value", "value": value}
    return {"type": kind, kind.lower(): {"metric": {"name": name}, "target": target}}


def hpa(
    *metrics: dict[str, Any],
    behavior: Mapping[str, Any] | None = FREE,
    least: int = 1,
    most: int = 100,
    **flags: Any,
) -> Hpa:
    spec: dict[str, Any] = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "vllm"},
        "minReplicas": least,
        "maxReplicas": most,
        "metrics": list(metrics or (pods("5"),)),
    }
    if behavior is not None:
        spec["behavior"] = behavior
    manifest = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "spec": spec}
    return Hpa(HpaScaler.model_validate({"kind": "hpa", "manifest": manifest, **flags}))


def up(select: str | None = None, *policies: tuple[str, int, int], **rules: Any) -> dict[str, Any]:
    return {"scaleUp": rule(select, *policies, **rules), "scaleDown": FREE["scaleDown"]}


def down(
    select: str | None = None, *policies: tuple[str, int, int], **rules: Any
) -> dict[str, Any]:
    return {
        "scaleUp": FREE["scaleUp"],
        "scaleDown": rule(select, *policies, **{"stabilizationWindowSeconds": 0, **rules}),
    }


def rule(select: str | None, *policies: tuple[str, int, int], **rules: Any) -> dict[str, Any]:
    made = [{"type": t, "value": v, "periodSeconds": s} for t, v, s in policies]
    chosen = {} if select is None else {"selectPolicy": select}
    return {**({"policies": made} if made else {}), **chosen, **rules}


@dataclass(frozen=True)
class Case:
    """What one look sees, and what must come of it. Ready replicas: all, unless given."""

    current: int
    waiting: PodValues | None
    replicas: int
    reason: str
    of: Hpa = field(default_factory=hpa)
    ready: int | None = None
    more: Mapping[Gauge, PodValues] = field(default_factory=dict)


def seen(*values: float, missing: int = 0, pending: int = 0) -> PodValues:
    return PodValues(values, missing, pending)


def each(value: float, replicas: int) -> PodValues:
    return PodValues((value,) * replicas)


CASES: dict[str, Case] = {
    # -- tolerance: |ratio - 1| <= 0.1 is let pass, bounds included
    # 5.5/5 = 1.1 exactly: no change
    "ratio of exactly 1.1": Case(10, each(5.5, 10), 10, IN_RANGE),
    # 11000.001/10000 = 1.1000001: ceil(1.1000001 x 10) = 12
    "ratio of 1.1000001": Case(10, each(11000.001, 10), 12, IN_RANGE, hpa(pods("10k"))),
    # 4.5/5 = 0.9 exactly: no change
    "ratio of exactly 0.9": Case(10, each(4.5, 10), 10, IN_RANGE),
    # 4.499/5 = 0.8998: ceil(8.998) = 9
    "ratio of 0.8998": Case(10, each(4.499, 10), 9, IN_RANGE),
    # 5.7/5 = 1.14 <= 1.2, the manifest's own tolerance upwards
    "own tolerance up": Case(10, each(5.7, 10), 10, IN_RANGE, hpa(behavior=up(tolerance="200m"))),
    # 4.9/5 = 0.98 < 0.99, the manifest's own downwards: ceil(9.8) = 10, nothing to take away
    "own tolerance down, rounded up": Case(
        10, each(4.9, 10), 10, IN_RANGE, hpa(behavior=down(tolerance="0.01"))
    ),
    # 0.98 x 60 = 58.8: 59
    "own tolerance down": Case(60, each(4.9, 60), 59, IN_RANGE, hpa(behavior=down(tolerance=0.01))),
    # 5.001/5 = 1.0002 > 1 + 0: ceil(10.002) = 11
    "no tolerance": Case(10, each(5.001, 10), 11, IN_RANGE, hpa(tolerance=0.0)),
    # -- ceil(pods x mean/target), exactly
    # 200m of 100m doubles (the documentation's example)
    "twice the target": Case(2, each(0.2, 2), 4, IN_RANGE, hpa(pods("100m"))),
    # 50m of 100m halves (the documentation's example)
    "half the target": Case(4, each(0.05, 4), 2, IN_RANGE, hpa(pods("100m"))),
    # ratio 0.1/0.3 = 1/3: 3 x 1/3 = 1, not 2 by rounding
    "a third": Case(3, seen(0.1), 1, IN_RANGE, hpa(one("External", value="0.3"))),
    # ratio 0.7/0.3 = 7/3: 3 x 7/3 = 7; 0.7/0.3*3 in floats is 7.000000000000001
    "seven thirds": Case(3, seen(0.7), 7, IN_RANGE, hpa(one("External", value="300m"))),
    # 41 waiting on 3 pods: mean 13.666 (cut), 13.666/5 x 3 = 8.1996: 9
    "a mean that is cut": Case(3, seen(14, 14, 13), 9, IN_RANGE),
    # 1.9m is cut to 1m, the target: no change
    "below a thousandth": Case(4, each(0.0019, 4), 4, IN_RANGE, hpa(pods("1m"))),
    # 0.29 is 290m, though its float is a little less: 290m/1m = 290
    "a decimal as it is written": Case(
        200, seen(0.29), 290, IN_RANGE, hpa(one("External", value="1m"), most=999), ready=1
    ),
    # (1m + 2m)/2 is cut to 1m, the target: no change; 1.5 x 2 would be 3
    "a mean below a thousandth": Case(2, seen(0.001, 0.002), 2, IN_RANGE, hpa(pods("1m"))),
    # target 1500u counts as 2m (rounded up): 3m/2m x 2 = 3
    "a target below a thousandth": Case(2, each(0.003, 2), 3, IN_RANGE, hpa(pods("1500u"))),
    # ratio 0: 0 replicas, but at least minReplicas
    "a metric of zero": Case(4, each(0, 4), 1, TOO_FEW),
    # 1Ki = 1024: 2048/1024 x 3 = 6
    "binary target": Case(3, each(2048, 3), 6, IN_RANGE, hpa(pods("1Ki"))),
    # -- pods that tell nothing
    # 2 of 4 tell 20: ratio 4 > 1, the others count as 0: 40/4 = 10, 10/5 x 4 = 8 (not 16)
    "missing, going up": Case(4, seen(20, 20, missing=2), 8, IN_RANGE),
    # 1 of 4 tells 8: 1.6 > 1; with zeros 8/4 = 2, 0.4 < 1: the direction turns, no change
    "missing turn the direction": Case(4, seen(8, missing=3), 4, IN_RANGE),
    # 2 of 4 tell 10: ratio 2; with zeros 20/4 = 5, ratio 1: within tolerance
    "missing, up into tolerance": Case(4, seen(10, 10, missing=2), 4, IN_RANGE),
    # 2 of 4 tell 1: 0.2 < 1, the others count as 5: 12/4 = 3, 0.6 x 4 = 2.4: 3 (not 1)
    "missing, going down": Case(4, seen(1, 1, missing=2), 3, IN_RANGE),
    # 4 of 8 tell 4: 0.8; (16 + 20)/8 = 4.5, 0.9: within tolerance
    "missing, down into tolerance": Case(8, PodValues((4,) * 4, 4), 8, IN_RANGE),
    # 2 of 4 run and tell 20: the two that do not run yet count as 0: 40/4 = 10, 2 x 4 = 8
    "pending, going up": Case(4, seen(20, 20, pending=2), 8, IN_RANGE, ready=2),
    # 2 of 4 run and tell 1: 0.2; the two others do not count at all: 0.2 x 2 = 0.4: 1
    "pending, going down": Case(4, seen(1, 1, pending=2), 1, IN_RANGE, ready=2),
    # 1 tells 50, 1 is missing, 2 are pending: 50/4 = 12.5, 2.5 x 4 = 10
    "missing and pending": Case(4, seen(50, missing=1, pending=2), 10, IN_RANGE, ready=2),
    # 2 of 6 tell 6: 1.2 > 1; 12/6 = 2, 0.4: turned, no change
    "pending turn the direction": Case(6, seen(6, 6, pending=4), 6, IN_RANGE, ready=2),
    # 3 pods tell, 2 are wanted: 0.84 x 3 = 2.52: 3. Where no pod is missing or pending the
    # controller does not look whether the direction turns
    "more pods than are wanted": Case(2, each(4.2, 3), 3, IN_RANGE),
    # 3 tell 4.2 (0.84), 1 missing as 5: 17.6/4 = 4.4, 0.88 x 4 = 3.52: 4 > 3: turned, no change
    "more pods than are wanted, one missing": Case(3, PodValues((4.2,) * 3, 1), 3, IN_RANGE),
    # 20 of 21 tell 5.6: 1.12; with one pending at 0: 112/21 = 5.333, 1.066: within tolerance
    "pending, up into tolerance": Case(21, PodValues((5.6,) * 20, 0, 1), 21, IN_RANGE),
    # 2 of 4 tell 4.75: 0.95, within tolerance; the pending do not count on the way down
    "pending, within tolerance": Case(4, seen(4.75, 4.75, pending=2), 4, IN_RANGE),
    # 2 of 4 tell 5: ratio 1; what is missing then counts neither way
    "missing, on target": Case(4, seen(5, 5, missing=2), 4, IN_RANGE),
    # nobody tells anything
    "no pod tells": Case(4, seen(missing=4), 4, FAILED, ready=0),
    "no sample at all": Case(4, None, 4, FAILED),
    # -- several metrics: the most of them
    # waiting 5/5: 2; kv 0.9/0.3 x 2 = 6
    "the most counts": Case(
        2,
        each(5, 2),
        6,
        IN_RANGE,
        hpa(pods("5"), pods("300m", KV)),
        more={"kv_usage": each(0.9, 2)},
    ),
    # waiting asks for 8 of 2; the second metric says 1
    "the most counts, other way round": Case(
        2,
        each(20, 2),
        8,
        IN_RANGE,
        hpa(pods("5"), pods("10", RUNNING)),
        more={"requests_running": each(3, 2)},
    ),
    # waiting says 1 of 4, kv cannot be fetched: not down
    "one fails, other down": Case(4, each(1, 4), 4, FAILED, hpa(pods("5"), pods("300m", KV))),
    # waiting says 8 of 4, kv cannot be fetched: up all the same
    "one fails, other up": Case(4, each(10, 4), 8, IN_RANGE, hpa(pods("5"), pods("300m", KV))),
    # waiting says 4 of 4: nothing to do
    "one fails, other even": Case(4, each(5, 4), 4, IN_RANGE, hpa(pods("5"), pods("300m", KV))),
    # -- one number: per replica (AverageValue) or as it is (Value)
    # 100 in all over 5 x 4 = 20: ratio 5: ceil(100/5) = 20
    "average of one number": Case(4, each(25, 4), 20, IN_RANGE, hpa(one("External", "5"))),
    # 22/(5 x 4) = 1.1: no change
    "average, ratio 1.1": Case(4, seen(22), 4, IN_RANGE, hpa(one("External", "5"))),
    # the same of 4 that are wanted, though 2 are ready
    "average over the wanted": Case(4, seen(22), 4, IN_RANGE, hpa(one("External", "5")), ready=2),
    # 22.001/20 = 1.10005: ceil(22.001/5 = 4.4002) = 5
    "average, ratio above 1.1": Case(4, seen(22.001), 5, IN_RANGE, hpa(one("External", "5"))),
    # replicas that do not tell do not matter to one number: 30/5 = 6
    "average, pods missing": Case(3, seen(30, missing=2), 6, IN_RANGE, hpa(one("Object", "5"))),
    # 100/50 = 2, times the 3 that are ready, not the 5 that are wanted
    "value times the ready": Case(
        5, seen(100), 6, IN_RANGE, hpa(one("External", value="50")), ready=3
    ),
    # 100/50 = 2, but none is ready: 0, at least 1; down from 5
    "value, none ready": Case(5, seen(100), 1, TOO_FEW, hpa(one("Object", value="50")), ready=0),
    # shares are averaged, not summed: (0.9 + 0.7)/2 = 0.8; 0.8/0.4 x 2 = 4
    "value of a share": Case(
        2,
        None,
        4,
        IN_RANGE,
        hpa(one("Object", value="400m", name=KV)),
        more={"kv_usage": seen(0.9, 0.7)},
    ),
    # -- minReplicas and maxReplicas
    # 10 x 50/5 = 100 > 20
    "more than maxReplicas": Case(10, each(50, 10), 20, TOO_MANY, hpa(most=20)),
    "above maxReplicas already": Case(25, None, 20, TOO_MANY, hpa(most=20)),
    "asleep": Case(0, None, 0, "ScalingDisabled", hpa(least=3)),
    "below minReplicas still": Case(1, None, 3, TOO_FEW, hpa(least=3)),
    # 0.2 x 6 = 1.2: 2 < 3
    "fewer than minReplicas": Case(6, each(1, 6), 3, TOO_FEW, hpa(least=3)),
    # -- policies, defaults
    # 20 wanted; up to max(1 + 4, 1 x 2) = 5
    "default up from 1": Case(1, seen(100), 5, UP_LIMIT, hpa(behavior=DEFAULTS)),
    # 100 wanted; up to max(10 + 4, 20) = 20
    "default up from 10": Case(10, each(50, 10), 20, UP_LIMIT, hpa(behavior=DEFAULTS)),
    # the same with maxReplicas 20: both bind, and maxReplicas is named
    "default up to maxReplicas": Case(
        10, each(50, 10), 20, TOO_MANY, hpa(behavior=DEFAULTS, most=20)
    ),
    # 8 wanted of 4, and 8 are allowed: nothing is held back
    "default up, just allowed": Case(4, each(10, 4), 8, IN_RANGE, hpa(behavior=DEFAULTS)),
    # no `behavior`: max(2 x 1, 4) = 4
    "no behavior, from 1": Case(1, seen(100), 4, UP_LIMIT, hpa(behavior=None)),
    # no `behavior`: max(2 x 10, 4) = 20
    "no behavior, from 10": Case(10, each(50, 10), 20, UP_LIMIT, hpa(behavior=None)),
    # 1 of 10 wanted, but the 10 of the start are younger than 300 s
    "default down": Case(10, each(0.5, 10), 10, DOWN_HELD, hpa(behavior=DEFAULTS)),
    # -- policies, given; 100 of 10 wanted
    # Max of 10 + 3 and ceil(10 x 1.5) = 15
    "up, Max": Case(
        10,
        each(50, 10),
        15,
        UP_LIMIT,
        hpa(behavior=up("Max", ("Pods", 3, 60), ("Percent", 50, 60))),
    ),
    # Min of 13 and 15
    "up, Min": Case(
        10,
        each(50, 10),
        13,
        UP_LIMIT,
        hpa(behavior=up("Min", ("Pods", 3, 60), ("Percent", 50, 60))),
    ),
    "up, Disabled": Case(10, each(50, 10), 10, UP_LIMIT, hpa(behavior=up("Disabled"))),
    # ceil(3 x 1.1 = 3.3) = 4: always one at least
    "up, percent rounded up": Case(
        3, each(50, 3), 4, UP_LIMIT, hpa(behavior=up(None, ("Percent", 10, 60)))
    ),
    # 50 x 1.1 = 55 exactly; in floats 55.00000000000001, which is 56 rounded up
    "up, percent exact": Case(
        50, each(50, 50), 55, UP_LIMIT, hpa(behavior=up(None, ("Percent", 10, 60)))
    ),
    # 80 wants 16: down to min(80 - 4, 72) = 72 (the documentation's example)
    "down, Max": Case(
        80,
        each(1, 80),
        72,
        DOWN_LIMIT,
        hpa(behavior=down(None, ("Pods", 4, 60), ("Percent", 10, 60))),
    ),
    # Min: max(76, 72)
    "down, Min": Case(
        80,
        each(1, 80),
        76,
        DOWN_LIMIT,
        hpa(behavior=down("Min", ("Pods", 4, 60), ("Percent", 10, 60))),
    ),
    "down, Disabled": Case(80, each(1, 80), 80, DOWN_LIMIT, hpa(behavior=down("Disabled"))),
    # 72 x 0.9 = 64.8, cut: 64 stay, 8 go (the documentation's example)
    "down, percent cut": Case(
        72, each(1, 72), 64, DOWN_LIMIT, hpa(behavior=down(None, ("Percent", 10, 60)))
    ),
    # 20 x 0.1 = 2 stay; in floats 20 x (1 - 0.9) = 1.9999999999999996, cut to 1
    "down, percent exact": Case(
        20, each(0, 20), 2, DOWN_LIMIT, hpa(behavior=down(None, ("Percent", 90, 60)))
    ),
    # 10 - 7 = 3 is minReplicas as well: both bind, and minReplicas is named
    "down to minReplicas": Case(
        10, each(0, 10), 3, TOO_FEW, hpa(behavior=down(None, ("Pods", 7, 60)), least=3)
    ),
    # 3 - 4 = -1, but at least minReplicas
    "down, more than there are": Case(
        3, each(0, 3), 1, TOO_FEW, hpa(behavior=down(None, ("Pods", 4, 60)))
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_one_look(name: str) -> None:
    case = CASES[name]
    samples: dict[Gauge, PodValues] = dict(case.more)
    if case.waiting is not None:
        samples["requests_waiting"] = case.waiting
    ready = case.current if case.ready is None else case.ready
    decision = case.of.desired(0.0, case.current, ready, samples)
    assert decision == Decision(case.replicas, case.reason)


def follow(scaler: Hpa, start: int, total: Mapping[float, float], times: range) -> dict[int, int]:
    """Return the replicas after each change, by its time: *total* waiting from a time on.

    All replicas are ready at once, and share what waits.
    """
    replicas = start
    changes: dict[int, int] = {}
    for now in times:
        waiting = next(n for at, n in reversed(list(total.items())) if at <= now)
        values = PodValues((waiting / replicas,) * replicas)
        decision = scaler.desired(now, replicas, replicas, {"requests_waiting": values})
        if decision.replicas != replicas:
            replicas = changes[now] = decision.replicas
    return changes


STEP_LOAD = {0.0: 100.0, 290.0: 0.0}
"""100 requests wait, until they do not."""


def test_a_step_of_load_with_the_defaults_of_behavior() -> None:
    """Up: max(+4, x2) each 15 s, as a policy's own change is out of its period at the next look.

    Down: 20 was recommended last at 285 s, and is out of the window of 300 s at 585 s.
    """
    scaler = hpa(behavior=DEFAULTS, most=20)
    found = follow(scaler, 1, STEP_LOAD, range(0, 900, 15))
    assert found == {0: 5, 15: 10, 30: 20, 585: 1}


def test_a_step_of_load_without_behavior() -> None:
    """The controller's older path: max(4, x2) at each look."""
    found = follow(hpa(behavior=None, most=20), 1, STEP_LOAD, range(0, 900, 15))
    assert found == {0: 4, 15: 8, 30: 16, 45: 20, 585: 1}


@pytest.mark.parametrize("total_kind", ["External", "Object"])
def test_the_same_step_seen_as_one_number(total_kind: str) -> None:
    """100/5 = 20 is the same wish, so the same steps."""
    scaler = hpa(one(total_kind, "5"), behavior=DEFAULTS, most=20)
    found = follow(scaler, 1, STEP_LOAD, range(0, 900, 15))
    assert found == {0: 5, 15: 10, 30: 20, 585: 1}


def test_the_controllers_own_window_applies_where_the_manifest_gives_none() -> None:
    """Flag of 60 s: 285 + 60 = 345 s."""
    scaler = hpa(behavior=DEFAULTS, most=20, downscale_stabilization="1m")
    found = follow(scaler, 1, STEP_LOAD, range(0, 900, 15))
    assert found == {0: 5, 15: 10, 30: 20, 345: 1}


def wishes(scaler: Hpa, current: int, wanted: list[int], every: int = 15) -> list[Decision]:
    """Return the decisions when the metric asks for *wanted* replicas, look by look."""
    decisions = []
    for look, wish in enumerate(wanted):
        samples: dict[Gauge, PodValues] = {"requests_waiting": seen(float(wish))}
        decisions.append(scaler.desired(look * every, current, current, samples))
        current = decisions[-1].replicas
    return decisions


def asks_for(behavior: Mapping[str, Any] | None) -> Hpa:
    """One that wants as many replicas as the one number says."""
    return hpa(one("External", "1"), behavior=behavior)


def test_going_up_waits_for_the_least_of_the_window() -> None:
    """Window 60 s, at 0, 15, ... 75 s; the start's 4 is out at 60 s, then 6, 8 are the least."""
    scaler = asks_for({"scaleUp": {**FREE["scaleUp"], "stabilizationWindowSeconds": 60}})
    found = wishes(scaler, 4, [6, 8, 20, 20, 20, 20])
    assert found == [
        Decision(4, UP_HELD),  # least of 4 (start), 6
        Decision(4, UP_HELD),  # 4, 6, 8
        Decision(4, UP_HELD),
        Decision(4, UP_HELD),
        Decision(8, UP_HELD),  # at 60 s those of 0 s are out: 8, 20, 20, 20
        Decision(20, IN_RANGE),  # at 75 s: 20, 20, 20, 20
    ]


def test_going_down_waits_for_the_most_of_the_window() -> None:
    """Window 60 s: a dip is not followed, and a peak within it is remembered."""
    scaler = asks_for({**FREE, "scaleDown": {"stabilizationWindowSeconds": 60}})
    found = wishes(scaler, 10, [4, 8, 5, 5, 5, 5, 5])
    assert found == [
        Decision(10, DOWN_HELD),  # most of 10 (start), 4
        Decision(10, DOWN_HELD),
        Decision(10, DOWN_HELD),
        Decision(10, DOWN_HELD),
        Decision(8, DOWN_HELD),  # at 60 s: 8, 5, 5, 5
        Decision(5, IN_RANGE),  # at 75 s: 5, 5, 5, 5
        Decision(5, IN_RANGE),
    ]


def test_within_both_windows_nothing_moves() -> None:
    """Wishes that go to and fro around 6 stay between the least and the most of the windows."""
    window = {"stabilizationWindowSeconds": 300}
    scaler = asks_for({"scaleUp": {**FREE["scaleUp"], **window}, "scaleDown": window})
    assert {d.replicas for d in wishes(scaler, 6, [4, 9, 3, 8, 5, 9, 2])} == {6}


def test_without_behavior_an_old_wish_is_still_gone_for() -> None:
    """20 could not be reached at once; at 15 s only 3 are asked for, but 20 is in the window."""
    found = wishes(asks_for(None), 1, [20, 3, 3])
    assert found == [Decision(4, UP_LIMIT), Decision(8, UP_LIMIT), Decision(16, UP_LIMIT)]
    found = wishes(asks_for(None), 4, [9, 8])  # at 15 s 8 of 8, but 9 is in the window
    assert found == [Decision(8, UP_LIMIT), Decision(9, DOWN_HELD)]
    calm = wishes(asks_for(DEFAULTS), 1, [20, 3, 3])
    assert [d.replicas for d in calm] == [5, 5, 5]  # with behavior the window only forbids down
    assert calm[1].reason == DOWN_HELD


def test_a_policy_counts_what_was_added_within_its_period() -> None:
    """2 pods in 60 s: at 0 s up to 6, then none until the addition is 60 s old."""
    found = wishes(asks_for(up(None, ("Pods", 2, 60))), 4, [50] * 9)
    assert [d.replicas for d in found] == [6, 6, 6, 6, 8, 8, 8, 8, 10]
    assert {d.reason for d in found} == {UP_LIMIT}


def test_percent_counts_from_the_periods_beginning() -> None:
    """50 % in 30 s. 0 s: 10 -> 15. 15 s: began with 10: 15. 30 s: began with 15: 23 (22.5)."""
    found = wishes(asks_for(up(None, ("Percent", 50, 30))), 10, [99] * 3)
    assert [d.replicas for d in found] == [15, 15, 23]


def test_what_was_taken_away_may_be_put_back_within_a_period() -> None:
    """Up 2 pods in 60 s. 0 s: 10 -> 4. 15 s: the period began with 4 + 6 = 10: up to 12."""
    found = wishes(asks_for(up(None, ("Pods", 2, 60))), 10, [4, 50])
    assert [d.replicas for d in found] == [4, 12]


def test_what_was_added_may_be_taken_away_within_a_period() -> None:
    """Down 1 pod in 60 s. 0 s: 4 -> 10. 15 s: the period began with 4: down to 3."""
    found = wishes(asks_for(down(None, ("Pods", 1, 60))), 4, [10, 1])
    assert [d.replicas for d in found] == [10, 3]


def test_down_by_a_tenth_or_four_a_minute() -> None:
    """From 80, each minute: 72, 64 (64.8), 57 (57.6), 51 (51.3), 45 (45.9), 40 (40.5), then -4."""
    scaler = asks_for(down(None, ("Pods", 4, 60), ("Percent", 10, 60)))
    found = wishes(scaler, 80, [10] * 9, every=60)
    assert [d.replicas for d in found] == [72, 64, 57, 51, 45, 40, 36, 32, 28]


def test_a_look_that_fails_is_not_remembered() -> None:
    """At 300 s the start's 10 is out of the window; failed looks in between left no wish."""
    scaler = hpa(behavior=DEFAULTS)
    assert scaler.desired(0.0, 10, 10, {}) == Decision(10, FAILED)
    assert scaler.desired(285.0, 10, 10, {}) == Decision(10, FAILED)
    assert scaler.desired(300.0, 10, 10, {"requests_waiting": each(0, 10)}) == Decision(1, TOO_FEW)


def test_a_change_by_the_bounds_counts_as_one() -> None:
    """12 -> 10 by maxReplicas at 0 s; down 3 pods in 60 s: at 15 s the period began with 12: 9."""
    scaler = hpa(one("External", "1"), behavior=down(None, ("Pods", 3, 60)), most=10)
    found = wishes(scaler, 12, [50, 1])
    assert found == [Decision(10, TOO_MANY), Decision(9, DOWN_LIMIT)]


def test_it_sees_what_the_pool_tells() -> None:
    """Wanted is ready and starting: 2 tell 20 each, 2 are pending: 8."""
    samples: dict[Gauge, PodValues] = {"requests_waiting": seen(20, 20, pending=2)}
    observation = Observation(now_s=0.0, ready=2, starting=2, gauges=samples)
    assert hpa().decide(observation) == Decision(8, IN_RANGE)
    # one number, 21 over 5 x 4: 1.05, within tolerance of the 4 that are wanted
    samples = {"requests_waiting": seen(10.5, 10.5)}
    observation = Observation(now_s=0.0, ready=2, starting=2, gauges=samples)
    assert hpa(one("External", "5")).decide(observation) == Decision(4, IN_RANGE)


def test_names_that_tell_nothing_are_said_to_measure_something() -> None:
    scaler = hpa(one("External", "5", name="s0-prometheus"), measures={"s0-prometheus": RUNNING})
    samples: dict[Gauge, PodValues] = {"requests_running": each(10, 2)}
    assert scaler.desired(0.0, 2, 2, samples) == Decision(4, IN_RANGE)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_gauge_must_be_a_number(value: float) -> None:
    tenth = Tolerance(Fraction(1, 10), Fraction(1, 10))
    with pytest.raises(ValueError, match="a gauge must be finite"):
        replicas_for(Ask("pods", 5000), seen(value), 1, 1, tenth)
