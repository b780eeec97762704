"""HPA: Kubernetes' HorizontalPodAutoscaler as a pure, exact state machine. Kernel-free.

Sources, all of Kubernetes: the documentation page "Horizontal Pod Autoscaling" (algorithm,
stabilization, policies, default behavior) and, where it is silent, the controller
(pkg/controller/podautoscaler/horizontal.go) and the API's defaults (autoscaling/v2 defaults.go).
Reasons are those of the controller's conditions, as `kubectl describe hpa` shows them.

Two things are settled here that the sources leave to chance. What is exactly as old as a window
or a period is out of it: the controller's looks are never less than 15 s apart, so that there a
whole window has always passed. And ratios are exact, where the controller's floats can ask for one
more (a limit of +10 % on 50 replicas is 56 there, 55 here).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from sim.fleet.hpa_metrics import Ask, Tolerance, replicas_for
from sim.fleet.scaler import Decision, Observation, PodValues
from sim.scenario.autoscaler import HpaScaler
from sim.scenario.hpa_manifest import Gauge, Metric, ScalingPolicy, ScalingRules
from sim.scenario.quantity import parse_quantity

LONGEST_PERIOD_S = 1800.0
"""The longest period that a policy may have: older changes never count."""

_UP_POLICIES = (
    ScalingPolicy(type="Pods", value=4, periodSeconds=15),
    ScalingPolicy(type="Percent", value=100, periodSeconds=15),
)
_DOWN_POLICIES = (ScalingPolicy(type="Percent", value=100, periodSeconds=15),)


@dataclass(frozen=True, slots=True)
class Rules:
    """How fast one direction may go, with every default filled in."""

    window_s: float
    policies: tuple[ScalingPolicy, ...]
    select: Literal["Max", "Min", "Disabled"]
    tolerance: Fraction

    @classmethod
    def of(
        cls,
        given: ScalingRules | None,
        window_s: float,
        policies: tuple[ScalingPolicy, ...],
        tolerance: Fraction,
    ) -> Rules:
        """Return the rules that a manifest *given*, the rest from the defaults."""
        rules = given or ScalingRules()
        own = rules.stabilizationWindowSeconds
        return cls(
            window_s if own is None else float(own),
            rules.policies or policies,
            rules.selectPolicy or "Max",
            tolerance if rules.tolerance is None else parse_quantity(rules.tolerance),
        )


class Hpa:
    """One HorizontalPodAutoscaler through time. Remembers recommendations and changes."""

    def __init__(self, spec: HpaScaler) -> None:
        hpa, tolerance = spec.manifest.spec, Fraction(repr(spec.tolerance))
        behavior = hpa.behavior
        up, down = (behavior.scaleUp, behavior.scaleDown) if behavior else (None, None)
        self.least, self.most = hpa.minReplicas, hpa.maxReplicas
        self.up = Rules.of(up, 0.0, _UP_POLICIES, tolerance)
        self.down = Rules.of(down, spec.downscale_stabilization, _DOWN_POLICIES, tolerance)
        self.has_behavior = behavior is not None
        self.asks = tuple((spec.gauge(_name(m)), _ask(m, spec)) for m in hpa.metrics)
        self._tolerance = Tolerance(self.up.tolerance, self.down.tolerance)
        self._recommended: list[tuple[float, int]] = []
        self._changed: list[tuple[float, int]] = []

    def decide(self, seen: Observation) -> Decision:
        """Return `desired` for a pool as it is seen."""
        return self.desired(seen.now_s, seen.wanted, seen.ready, seen.gauges)

    def desired(
        self,
        now_s: float,
        current_replicas: int,
        ready: int,
        samples: Mapping[Gauge, PodValues],
    ) -> Decision:
        """Return what the controller does at *now_s*; it is taken to be done at once.

        *current_replicas*: wanted by now; *ready* of them serve. At 0 the controller stands still
        until somebody else brings replicas back (the documentation's "implicit maintenance-mode
        deactivation"). *samples*: what the pods tell of each gauge; one that is not there could
        not be fetched. Call it with times that do not fall.
        """
        if current_replicas == 0:
            return Decision(0, "ScalingDisabled")
        if not self._recommended:
            self._recommended.append((now_s, current_replicas))
        if current_replicas > self.most:
            decision = Decision(self.most, "TooManyReplicas")
        elif current_replicas < self.least:
            decision = Decision(self.least, "TooFewReplicas")
        else:
            wanted = self._proposed(current_replicas, ready, samples)
            if wanted is None:
                return Decision(current_replicas, "FailedGetMetric")
            steady, reason = self._stabilized(now_s, current_replicas, wanted)
            decision = self._limited(now_s, current_replicas, steady, reason)
        if change := decision.replicas - current_replicas:
            self._changed = [c for c in self._changed if c[0] > now_s - LONGEST_PERIOD_S]
            self._changed.append((now_s, change))
        return decision

    def _proposed(self, current: int, ready: int, samples: Mapping[Gauge, PodValues]) -> int | None:
        """Return the most that any metric asks for; None if that cannot be known.

        A metric that cannot be fetched forbids to go down, not to go up.
        """
        asked = [
            replicas_for(ask, samples.get(gauge), current, ready, self._tolerance)
            for gauge, ask in self.asks
        ]
        known = [wanted for wanted in asked if wanted is not None]
        most = max(known, default=None)
        if most is None or (len(known) < len(asked) and most < current):
            return None
        return most

    def _stabilized(self, now_s: float, current: int, wanted: int) -> tuple[int, str]:
        """Return *wanted*, held back by what was recommended within the windows.

        Up: not above the least recommendation of its window; down: not below the most. Without
        `behavior` the controller takes the most of the down window, whatever there is now: what it
        could not reach at once it still goes for when the metric has fallen again.
        """
        up_from, down_from = now_s - self.up.window_s, now_s - self.down.window_s
        ceiling = min([wanted, *(n for at_s, n in self._recommended if at_s > up_from)])
        floor = max([wanted, *(n for at_s, n in self._recommended if at_s > down_from)])
        oldest = min(up_from, down_from)
        self._recommended = [r for r in self._recommended if r[0] > oldest]
        self._recommended.append((now_s, wanted))
        steady = min(max(current, ceiling), floor) if self.has_behavior else floor
        if steady == wanted:
            return wanted, "DesiredWithinRange"
        upward = self.has_behavior and wanted >= current
        return steady, "ScaleUpStabilized" if upward else "ScaleDownStabilized"

    def _limited(self, now_s: float, current: int, wanted: int, reason: str) -> Decision:
        """Return *wanted* within minReplicas, maxReplicas and the policies."""
        if wanted > current:
            limit = max(self._up_limit(now_s, current), current)
            if wanted > min(limit, self.most):
                why = "ScaleUpLimit" if limit < self.most else "TooManyReplicas"
                return Decision(min(limit, self.most), why)
        elif wanted < current:
            limit = min(self._down_limit(now_s, current), current)
            if wanted < max(limit, self.least):
                why = "ScaleDownLimit" if limit > self.least else "TooFewReplicas"
                return Decision(max(limit, self.least), why)
        return Decision(wanted, reason)

    def _up_limit(self, now_s: float, current: int) -> int:
        if not self.has_behavior:
            return max(2 * current, 4)
        if self.up.select == "Disabled":
            return current
        limits = []
        for policy in self.up.policies:
            before = self._before(now_s, current, policy)
            percent = math.ceil(before * Fraction(100 + policy.value, 100))
            limits.append(before + policy.value if policy.type == "Pods" else percent)
        return max(limits) if self.up.select == "Max" else min(limits)

    def _down_limit(self, now_s: float, current: int) -> int:
        if not self.has_behavior:
            return 0
        if self.down.select == "Disabled":
            return current
        limits = []
        for policy in self.down.policies:
            before = self._before(now_s, current, policy)
            percent = int(before * Fraction(100 - policy.value, 100))
            limits.append(before - policy.value if policy.type == "Pods" else percent)
        return min(limits) if self.down.select == "Max" else max(limits)

    def _before(self, now_s: float, current: int, policy: ScalingPolicy) -> int:
        """Return the replicas that there were when the policy's period began."""
        start_s = now_s - policy.periodSeconds
        return current - sum(change for at_s, change in self._changed if at_s > start_s)


def _name(metric: Metric) -> str:
    return metric.source.metric.name


def _ask(metric: Metric, spec: HpaScaler) -> Ask:
    """Return what *metric* is held against; one number is a sum, but of shares a mean."""
    target = metric.source.target
    if metric.type == "Pods":
        return Ask("pods", target.thousandths)
    form: Literal["average", "value"] = "average" if target.type == "AverageValue" else "value"
    return Ask(form, target.thousandths, mean=spec.gauge(_name(metric)) == "kv_usage")
